"""Which port heard which, and who should have: the memory of discovery, without clocks or I/O.

Times are seconds on any clock that does not go back. What was heard is forgotten when a port involved goes down,
or when it was not heard again for longer than so many beacons take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sdnctl.topology.graph import PortRef, Topology

SLACK = 1.5
"""How much longer than the interval a beacon may take: jitter, and a busy controller."""


@dataclass(frozen=True, slots=True)
class _Heard:
    sender: PortRef
    at: float


class Sightings:
    """Ports that are up, what they heard, and how many beacons in a row they missed."""

    def __init__(self, missed: int, interval: Callable[[PortRef], float]) -> None:
        """`missed` beacons in a row are silence; `interval` gives seconds between two beacons of a port."""
        self._missed = missed
        self._interval = interval
        self._up: set[PortRef] = set()
        self._heard: dict[PortRef, _Heard] = {}
        self._unheard: dict[PortRef, int] = {}  # receiver → beacons sent to it since it heard one

    @property
    def up(self) -> frozenset[PortRef]:
        """Ports that are up, of switches that are connected."""
        return frozenset(self._up)

    def comes_up(self, port: PortRef) -> bool:
        """A port is up; whether that is news."""
        if port in self._up:
            return False
        self._up.add(port)
        return True

    def goes_down(self, port: PortRef) -> bool:
        """A port is down: what it heard and was heard of it is no longer known. Whether that is news."""
        if port not in self._up:
            return False
        self._up.discard(port)
        self._forget(lambda here, there: port in (here, there))
        self._unheard.pop(port, None)
        return True

    def leaves(self, device: str) -> None:
        """A switch is no longer connected."""
        self._up = {port for port in self._up if port.node != device}
        self._unheard = {port: count for port, count in self._unheard.items() if port.node != device}
        self._forget(lambda here, there: device in (here.node, there.node))

    def sent(self, topology: Topology, port: PortRef) -> None:
        """A beacon left by a port: its planned peer should hear it."""
        link = topology.link_at.get(port)
        if link is not None:
            peer = link.b if port == link.a else link.a
            if peer in self._up:
                self._unheard[peer] = self._unheard.get(peer, 0) + 1

    def hears(self, here: PortRef, there: PortRef, now: float) -> bool:
        """A beacon came in; whether it is from another port than the last one."""
        before = self._heard.get(here)
        self._heard[here] = _Heard(there, now)
        self._unheard[here] = 0
        return before is None or before.sender != there

    def heard(self, now: float) -> Mapping[PortRef, PortRef]:
        """Receiver → sender, of what was heard lately."""
        late = [
            here
            for here, one in self._heard.items()
            if now - one.at > (self._missed + 1) * self._interval(one.sender) * SLACK
        ]
        for here in late:
            del self._heard[here]
        return {here: one.sender for here, one in self._heard.items()}

    def silent(self, hearing: Iterable[str]) -> frozenset[PortRef]:
        """Ports that missed as many beacons as make silence, of switches that bring beacons to us."""
        able = frozenset(hearing)
        # The newest beacon may be on its way: it does not count yet.
        return frozenset(
            port for port, count in self._unheard.items() if count > self._missed and port.node in able
        )

    def _forget(self, gone: Callable[[PortRef, PortRef], bool]) -> None:
        self._heard = {here: one for here, one in self._heard.items() if not gone(here, one.sender)}
