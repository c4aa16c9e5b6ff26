"""Frames in and out of a lab's host ports, and the probes that are judged by where they come out.

A `Wire` is the customers' side of a lab: what stands at `PortRef` sends a frame into that switch port and
hears what the switch sends out of it. `sockets.py` is the wire of Open vSwitch labs, `memory.py` that of the
in-memory switches.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from sdnctl.topology.graph import PortRef
from sdnctl.verify.probes import token_of


@dataclass(frozen=True, slots=True)
class Arrival:
    """A frame that came out of a switch port: `at` seconds of the monotonic clock; tags are in the frame."""

    port: PortRef
    frame: bytes
    at: float


@runtime_checkable
class Wire(Protocol):
    """The host side of every port with an endpoint, all at once."""

    def send(self, port: PortRef, frame: bytes) -> None:
        """Put a frame (Ethernet header first, no checksum) on the wire; raises DeviceError."""
        ...

    def receive(self, timeout: float) -> Sequence[Arrival]:
        """What arrived; waits up to `timeout` seconds for the first frame, then takes what is there."""
        ...

    def close(self) -> None: ...


class ProbeLike(Protocol):
    """What a prober needs to know of a probe: where its frame goes in, and how to tell it when it comes out."""

    @property
    def id(self) -> str: ...

    @property
    def port(self) -> PortRef: ...

    @property
    def frame(self) -> bytes: ...


class Prober:
    """Sends probes from host ports, all concurrently, and collects where each one came out.

    A probe is recognised by the token in its payload (`verify.probes.token_of`), wherever it comes out and
    whatever was done to its headers.
    """

    BURST = 32  # probes sent before arrivals are taken in
    PACE = 4000.0  # probes a second: each is a first packet for a software switch, and its queues are short

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def exchange(
        self, probes: Iterable[ProbeLike], timeout: float = 1.0
    ) -> Mapping[str, list[tuple[PortRef, bytes]]]:
        """Send every probe once and return what arrived of it: probe id → (port, whole frame), in order.

        The call ends `timeout` seconds after the last frame was sent or heard: what must *not* arrive
        is waited for as long as what must. Raises ValueError when probes cannot be told apart.
        """
        pending = list(probes)
        names: dict[bytes, str] = {}
        for probe in pending:
            token = token_of(probe.frame)
            if token is None:
                raise ValueError(f"the frame of probe {probe.id} carries no token")
            if names.setdefault(token, probe.id) != probe.id:
                raise ValueError(f"probes {names[token]} and {probe.id} carry the same token")
        found: dict[str, list[tuple[PortRef, bytes]]] = {probe.id: [] for probe in pending}
        self._drop_stale()
        for start in range(0, len(pending), self.BURST):
            for probe in pending[start : start + self.BURST]:
                self._wire.send(probe.port, probe.frame)
            pause_until = time.monotonic() + self.BURST / self.PACE
            while (left := pause_until - time.monotonic()) > 0:
                self._collect(names, found, left)
        quiet_from = time.monotonic()
        while (left := quiet_from + timeout - time.monotonic()) > 0:
            if self._collect(names, found, left):
                quiet_from = time.monotonic()
        return found

    def _drop_stale(self) -> None:
        """Frames still queued from before are of no probe of this call; they must not fill the buffer either."""
        while self._wire.receive(0.0):
            pass

    def _collect(
        self, names: Mapping[bytes, str], found: Mapping[str, list[tuple[PortRef, bytes]]], timeout: float
    ) -> bool:
        """Take in what arrived; returns whether any of it was a probe."""
        heard = False
        for arrival in self._wire.receive(timeout):
            token = token_of(arrival.frame)
            name = names.get(token) if token is not None else None
            if name is not None:
                found[name].append((arrival.port, arrival.frame))
                heard = True
        return heard

    def close(self) -> None:
        self._wire.close()

    def __enter__(self) -> Prober:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
