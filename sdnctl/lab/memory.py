"""A lab on the embedded in-memory switches: the same rules, executed packet by packet, no root needed.

The switches are files that drivers and wires share (`southbound.embedded`). Packets run to their end within
`send`, so nothing takes time and nothing is lost while a port goes down; what the rules do is the same.
"""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sdnctl.dataplane.fabric import Fabric
from sdnctl.dataplane.switch import Port
from sdnctl.errors import DeviceError, Diagnostic
from sdnctl.lab.base import Lab, Progress
from sdnctl.lab.record import Record
from sdnctl.lab.wire import Arrival
from sdnctl.southbound.embedded import Switchboard
from sdnctl.topology.graph import PortRef

VLAN_LIMIT = 2  # as Open vSwitch labs are configured


class MemoryLab(Lab):
    """Embedded switches in the folder's ``.sdnctl/lab``."""

    def __init__(self, folder: Path, record: Record) -> None:
        super().__init__(folder, record)
        self._board = Switchboard(Path(record.run_dir))
        self._looped = 0

    @property
    def alive(self) -> bool:
        return set(self._record.wiring.bridges) <= set(self._board.devices())

    def targets(self) -> Mapping[str, Mapping[str, str]]:
        return {node: {"memory": f"memory:{self._board.directory}"} for node in self._record.wiring.bridges}

    def wire(self) -> FabricWire:
        return FabricWire(self._board, frozenset(self.edges), self._note_loop)

    def _note_loop(self, visits: int) -> None:
        self._looped += visits

    def link_packets(self) -> Mapping[str, int]:
        """Packets of wires that have been closed; an open wire counts for itself until then."""
        tallies = {node: self._board.read_tally(node).ports for node in self._record.wiring.bridges}
        counts = {}
        for link, ends in self._record.wiring.links.items():
            known = [tallies[end.node].get(end.port) for end in ends]
            counts[link] = sum(port.rx_packets for port in known if port is not None)
        return counts

    def circling(self, seconds: float = 1.0) -> int:
        """Switch visits of packets that did not end by themselves since the last call; no time need pass here."""
        looped, self._looped = self._looped, 0
        return looped

    def _apply(self, before: Record, after: Record) -> None:
        was, will = _dark_ports(before), _dark_ports(after)
        for port in sorted(will - was):
            self._board.set_port(port.node, port.port, up=False)
        for port in sorted(was - will):
            self._board.set_port(port.node, port.port, up=True)
        for node in sorted(after.dead ^ before.dead):
            self._board.set_reachable(node, node in before.dead)

    def start(self, progress: Progress) -> None:
        wiring = self._record.wiring
        progress(f"{len(wiring.bridges)} in-memory switches")
        mtu = dict.fromkeys(wiring.edges, wiring.access_mtu)
        for link, ends in wiring.links.items():
            mtu |= dict.fromkeys(ends, wiring.mtu[link])
        ports: dict[str, dict[int, Port]] = {node: {} for node in wiring.bridges}
        for port, octets in mtu.items():
            ports[port.node][port.port] = Port(mtu=octets)
        for node, numbers in ports.items():
            self._board.create(node, numbers, vlan_limit=VLAN_LIMIT)
        self._board.wire({(a.node, a.port): (b.node, b.port) for a, b in wiring.links.values()})

    def dismantle(self) -> None:
        shutil.rmtree(self._record.run_dir, ignore_errors=True)


def _dark_ports(record: Record) -> frozenset[PortRef]:
    """Ports that are shut, and those at the far end of a dead switch's links: no light comes there."""
    ends = {port for link in record.down_links for port in record.wiring.links[link]}
    return record.down_ports | ends


class FabricWire:
    """Hosts of in-memory switches: a frame that is sent has arrived, or not, before `send` returns."""

    SETTLED = 0.05  # seconds after which a file's time stamp tells a later change for sure

    def __init__(self, board: Switchboard, edges: frozenset[PortRef], looped: Callable[[int], None]) -> None:
        self._board = board
        self._edges = edges
        self._looped = looped
        self._arrived: deque[Arrival] = deque()
        self._used: list[Fabric] = []
        self._stamp = -1
        self._fabric = self._load()

    def _load(self) -> Fabric:
        """Read the switches as they are; packets that the old reading counted are written at the end."""
        self._stamp = self._board.directory.stat().st_mtime_ns
        self._sure = abs(time.time() - self._stamp / 1e9) > self.SETTLED  # the clock may have been set back
        fabric = self._board.fabric()
        self._used.append(fabric)
        return fabric

    def _current(self) -> Fabric:
        """Rules and ports change under a running stream: files are replaced, which the directory shows."""
        if not self._sure or self._board.directory.stat().st_mtime_ns != self._stamp:
            self._fabric = self._load()
        return self._fabric

    def send(self, port: PortRef, frame: bytes) -> None:
        if port not in self._edges:
            raise DeviceError(
                Diagnostic("lab-no-host", "no host is plugged into this port", f"switch port {port}")
            )
        fabric = self._current()
        outcome = fabric.inject(port.node, port.port, frame, now=time.monotonic())
        if outcome.looped:
            self._looped(len(outcome.hops))
        now = time.monotonic()
        for item in outcome.delivered:
            at = PortRef(item.node, item.port)
            if at in self._edges:
                self._arrived.append(Arrival(at, item.frame, now))

    def receive(self, timeout: float) -> Sequence[Arrival]:
        if not self._arrived:
            time.sleep(max(0.0, timeout))
        arrivals = []
        while self._arrived:
            arrivals.append(self._arrived.popleft())
        return arrivals

    def close(self) -> None:
        """Write what was counted to disk."""
        for fabric in self._used:
            self._board.count(fabric)
        self._used.clear()
