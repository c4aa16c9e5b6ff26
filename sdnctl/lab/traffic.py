"""Steady streams of numbered frames between hosts, and what became of them while something happened.

Every frame of a stream ends in a stamp: stream, feed and sequence number. The sender keeps the time at which
each number really left, so that loss is told in packets *and* in milliseconds of sending, and a sender that
the machine held up counts nothing as lost that it never sent.
"""

from __future__ import annotations

import itertools
import os
import struct
import threading
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sdnctl.lab.wire import Wire
from sdnctl.topology.graph import PortRef

_STAMP = struct.Struct("!4sIIHI")  # magic, process, stream, feed, sequence number
STAMP_SIZE = _STAMP.size
_MAGIC = b"sdnQ"
_streams = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Feed:
    """One stream's worth of equal frames: `frame` enters at `port` and must come out at `expect`, nowhere else.

    The last `STAMP_SIZE` octets of the frame are overwritten with the stamp.
    """

    name: str
    port: PortRef
    frame: bytes
    expect: PortRef


@dataclass(frozen=True, slots=True)
class Loss:
    """What became of a feed. `lost_ms` is the longest time without a frame that arrived, by the sender's clock.

    `duplicated` counts surplus copies at the right port, `misdelivered` copies at any other port.
    """

    name: str
    sent: int
    received: int
    lost: int
    duplicated: int
    misdelivered: int
    lost_ms: float


class _Tally:
    """When each number of a feed left, and how many copies came back."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.sent = array("d")
        self.copies = bytearray()
        self.misdelivered = 0

    def arrived(self, number: int, port: PortRef) -> None:
        if port != self.feed.expect:
            self.misdelivered += 1
        elif number < len(self.copies):
            self.copies[number] = min(self.copies[number] + 1, 255)

    def loss(self, end: float) -> Loss:
        sent = len(self.sent)
        lost = self.copies.count(0)
        longest, start = 0.0, None
        for number, copies in enumerate(self.copies):
            if copies == 0 and start is None:
                start = self.sent[number]
            elif copies and start is not None:
                longest, start = max(longest, self.sent[number] - start), None
        if start is not None:
            longest = max(longest, end - start)
        received = sent - lost
        return Loss(
            self.feed.name, sent, received, lost, sum(self.copies) - received, self.misdelivered, longest * 1000
        )


class Stream:
    """Sends `pps` frames a second of every feed from `start` to `stop`; use it as a context manager or by hand."""

    DRAIN = 0.25  # seconds without a frame after which the network is taken to be empty

    def __init__(self, wire: Wire, feeds: Sequence[Feed], pps: float = 1000.0) -> None:
        self._wire = wire
        self._pps = pps
        self._tallies = [_Tally(feed) for feed in feeds]
        self._id = os.getpid() & 0xFFFFFFFF, next(_streams) & 0xFFFFFFFF
        self._stopping = threading.Event()
        self._drained = threading.Event()
        self._end = 0.0
        self._errors: list[BaseException] = []
        self._sender = threading.Thread(target=self._guard, args=(self._send,), name="stream sender")
        self._receiver = threading.Thread(target=self._guard, args=(self._receive,), name="stream receiver")

    def start(self) -> Self:
        self._receiver.start()
        self._sender.start()
        return self

    def stop(self) -> tuple[Loss, ...]:
        """Stop sending, wait until nothing arrives any more, and return the losses in the order of the feeds.

        Raises what a thread raised (DeviceError), if one did.
        """
        self._stopping.set()
        self._sender.join()
        self._drained.set()
        self._receiver.join()
        self._wire.close()
        if self._errors:
            raise self._errors[0]
        return tuple(tally.loss(self._end) for tally in self._tallies)

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._errors.append(error)
            self._stopping.set()

    def _send(self) -> None:
        period = 1.0 / self._pps
        bodies = [tally.feed.frame[:-STAMP_SIZE] for tally in self._tallies]
        due = time.monotonic()
        number = 0
        while not self._stopping.is_set():
            for index, tally in enumerate(self._tallies):
                # The slot must exist before the frame leaves: an in-memory switch answers within `send`.
                tally.copies.append(0)
                tally.sent.append(time.monotonic())
                stamp = _STAMP.pack(_MAGIC, *self._id, index, number)
                self._wire.send(tally.feed.port, bodies[index] + stamp)
            number += 1
            due += period
            now = time.monotonic()
            if due > now:
                time.sleep(due - now)
            else:
                due = now  # held up: go on at the same pace, no burst to catch up
        self._end = time.monotonic()

    def _receive(self) -> None:
        quiet_from = time.monotonic()
        while not (self._drained.is_set() and time.monotonic() - quiet_from > self.DRAIN):
            for arrival in self._wire.receive(0.02):
                if len(arrival.frame) < STAMP_SIZE:
                    continue
                magic, process, stream, feed, number = _STAMP.unpack(arrival.frame[-STAMP_SIZE:])
                if magic == _MAGIC and (process, stream) == self._id:
                    self._tallies[feed].arrived(number, arrival.port)
                    quiet_from = time.monotonic()
            if not self._drained.is_set():
                quiet_from = time.monotonic()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._receiver.is_alive():
            self.stop()
