"""Numbered frames in every class without a pause, and what became of those that left within a window.

A frame carries the run, its stream and its number. Whoever changes the network takes a `mark` before and after;
when everything has arrived, the frames between two marks are lost, duplicated, late (overtaken by a later one of
their stream), altered, or astray (at a port that is not their demand's: another slice) or none of it.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import cycle
from types import TracebackType
from typing import Self

import numpy as np

from sdnctl.intents.demand import Demand
from sdnctl.lab.wire import Wire
from sdnctl.topology.graph import PortRef
from sdnctl.verify.probes import probes

_STAMP = struct.Struct("!4sIHII")  # magic, run, stream, number, number again: garbage is not taken for a stamp
_MAGIC = b"sdnN"
_LATE, _ASTRAY, _ALTERED = 1, 2, 4

Mark = tuple[int, ...]
"""Of every stream, the number of its next frame."""


@dataclass(frozen=True)
class Stream:
    """Frames of one demand: all alike but for their last octets."""

    demand: str
    service_class: str
    port: PortRef
    head: bytes
    expect: PortRef
    arrives: bytes  # what `head` has become where it comes out


def streams(demands: Sequence[Demand]) -> list[Stream]:
    """The smallest frame that each demand carries and that has room for a stamp."""
    classes = {demand.id: demand.service_class for demand in demands}
    found: dict[str, Stream] = {}
    sizes: dict[str, int] = {}
    for probe in probes(demands):
        if not probe.positive or "arp" in probe.kind or len(probe.frame) < 60:
            continue
        if len(probe.frame) < sizes.get(probe.demand, 1 << 16):
            ((port, frame),) = probe.expected
            sizes[probe.demand] = len(probe.frame)
            found[probe.demand] = Stream(
                probe.demand,
                classes[probe.demand],
                probe.port,
                probe.frame[: -_STAMP.size],
                port,
                frame[: -_STAMP.size],
            )
    assert found.keys() == classes.keys()
    return [found[demand] for demand in sorted(found)]


@dataclass(frozen=True, slots=True)
class Count:
    """What became of frames."""

    sent: int = 0
    lost: int = 0
    duplicated: int = 0
    late: int = 0
    astray: int = 0
    altered: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(*(one + two for one, two in zip(astuple(self), astuple(other), strict=True)))

    @property
    def wrong(self) -> int:
        """Everything that is never right; being overtaken is, where a new path is shorter."""
        return self.lost + self.duplicated + self.astray + self.altered


def prefer(thread: int) -> None:
    """Let a thread run before what else this machine does, where that is allowed.

    Hosts and switches have processors of their own; here they share them with the controller and everybody else.
    """
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(1))


class Traffic:
    """`pps` frames a second in every class, its streams in turn; a context manager that stops and drains."""

    DRAIN = 0.5  # seconds without a frame after which the network is taken to be empty

    def __init__(self, wire: Wire, found: Sequence[Stream], pps: float = 1000.0) -> None:
        self._wire, self.streams, self.pps = wire, tuple(found), pps
        self._run = os.getpid() & 0xFFFFFFFF
        self._copies = [bytearray() for _ in found]
        self._flags = [bytearray() for _ in found]
        self._newest = [-1] * len(found)
        self._stopping, self._sent_all = threading.Event(), threading.Event()
        self._errors: list[BaseException] = []
        self.held_up = 0  # ticks that the machine did not let us have in time
        self._threads = [
            threading.Thread(target=self._guard, args=(work,), name=work.__name__)
            for work in (self._send, self._receive)
        ]

    @property
    def classes(self) -> Mapping[str, list[int]]:
        """Service class → its streams."""
        found: dict[str, list[int]] = {}
        for index, stream in enumerate(self.streams):
            found.setdefault(stream.service_class, []).append(index)
        return found

    def mark(self) -> Mark:
        """Now."""
        return tuple(map(len, self._copies))

    def count(self, begin: Mark, end: Mark, of: Iterable[int] | None = None) -> Count:
        """What became of the frames between two marks; complete once traffic has stopped."""
        total = Count()
        for index in of if of is not None else range(len(self.streams)):
            span = slice(begin[index], end[index])
            copies = np.frombuffer(bytes(self._copies[index][span]), np.uint8)
            flags = np.frombuffer(bytes(self._flags[index][span]), np.uint8)
            lost = int(np.count_nonzero(copies == 0))
            total += Count(
                sent=len(copies),
                lost=lost,
                duplicated=int(copies.sum(dtype=np.int64)) - (len(copies) - lost),
                late=int(np.count_nonzero(flags & _LATE)),
                astray=int(np.count_nonzero(flags & _ASTRAY)),
                altered=int(np.count_nonzero(flags & _ALTERED)),
            )
        return total

    # ── the two threads ──────────────────────────────────────────────────────────────────────────

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            prefer(threading.get_native_id())
            work()
        except BaseException as error:
            self._errors.append(error)
            self._stopping.set()

    def _send(self) -> None:
        period = 1.0 / self.pps
        turns = [cycle(indices) for indices in self.classes.values()]
        send, pack, run = self._wire.send, _STAMP.pack, self._run
        due = time.monotonic()
        while not self._stopping.is_set():
            for turn in turns:
                index = next(turn)
                stream, copies = self.streams[index], self._copies[index]
                number = len(copies)
                self._flags[index].append(0)
                copies.append(0)  # it must be there before the frame leaves
                send(stream.port, stream.head + pack(_MAGIC, run, index, number, number))
            due += period
            left = due - time.monotonic()
            if left > 0:
                time.sleep(left)
            elif left < -5 * period:
                due -= left  # held up: go on at the same pace, with no burst to catch up
                self.held_up += 1
        self._sent_all.set()

    def _receive(self) -> None:
        size, unpack = _STAMP.size, _STAMP.unpack
        quiet_from = time.monotonic()
        while not self._sent_all.is_set() or time.monotonic() - quiet_from < self.DRAIN:
            for arrival in self._wire.receive(0.02):
                frame = arrival.frame
                if len(frame) < size:
                    continue
                magic, run, index, number, again = unpack(frame[-size:])
                if magic != _MAGIC or run != self._run or number != again:
                    continue
                quiet_from = time.monotonic()
                stream, flags = self.streams[index], self._flags[index]
                if arrival.port != stream.expect:
                    flags[number] |= _ASTRAY
                    continue
                if frame[:-size] != stream.arrives:
                    flags[number] |= _ALTERED
                copies = self._copies[index]
                copies[number] = min(copies[number] + 1, 255)
                if number > self._newest[index]:
                    self._newest[index] = number
                elif copies[number] == 1:
                    flags[number] |= _LATE
            if not self._sent_all.is_set() and self._stopping.is_set() and self._errors:
                return

    def stop(self) -> None:
        """Stop sending, and wait until nothing arrives any more."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._wire.close()
        if self._errors:
            raise self._errors[0]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._threads[1].is_alive():
            self.stop()
