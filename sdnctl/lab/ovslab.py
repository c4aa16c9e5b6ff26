"""A lab on real Open vSwitch: bridges joined by veth cables in one namespace, hosts in a second one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from sdnctl.lab import netns, slow
from sdnctl.lab.base import Lab, Progress
from sdnctl.lab.openvswitch import OpenVSwitch
from sdnctl.lab.record import Record
from sdnctl.lab.sockets import MplsCount, PacketWire
from sdnctl.lab.wiring import Wiring

RUN_DIR = Path("/run/sdnctl")


class OvsLab(Lab):
    """Switches are bridges of one Open vSwitch; a link is a veth pair, a host the far end of another."""

    def __init__(self, folder: Path, record: Record) -> None:
        super().__init__(folder, record)
        self._switch = OpenVSwitch(Path(record.run_dir), record.namespace)

    @property
    def namespace(self) -> str:
        """Network namespace of the switches."""
        return self._record.namespace

    @property
    def hosts(self) -> str:
        """Network namespace of the hosts; each has the name of the switch port it is plugged into."""
        return self._record.hosts

    @property
    def run_dir(self) -> Path:
        return Path(self._record.run_dir)

    @property
    def alive(self) -> bool:
        return self._switch.alive and netns.exists(self.namespace)

    def bridge(self, node: str) -> str:
        return self._record.wiring.bridges[node]

    def cable(self, link: str) -> tuple[str, str]:
        """The interfaces that are the two ends of a link, in the switches' namespace."""
        one, other = self._record.wiring.links[link]
        return self._record.wiring.interfaces[one], self._record.wiring.interfaces[other]

    def targets(self) -> Mapping[str, Mapping[str, str]]:
        return {
            node: {
                "openflow": f"unix:{self._switch.management(bridge)}",
                "ovsdb": f"unix:{self._switch.socket}#{bridge}",
            }
            for node, bridge in self._record.wiring.bridges.items()
        }

    def wire(self) -> PacketWire:
        wiring = self._record.wiring
        return PacketWire(self.hosts, {port: wiring.interfaces[port] for port in wiring.edges})

    def link_packets(self) -> Mapping[str, int]:
        wiring = self._record.wiring
        with netns.Interfaces(self.namespace) as interfaces:
            counts = interfaces.packets()
        return {
            link: sum(counts[wiring.interfaces[end]][0] for end in ends) for link, ends in wiring.links.items()
        }

    def circling(self, seconds: float = 1.0) -> int:
        with contextlib.closing(MplsCount(self.namespace)) as counter:
            time.sleep(seconds)
            return counter.take()

    def restart_switches(self) -> None:
        """Start the switch daemon again after it died: all bridges and ports as they were, without any rule."""
        self._switch.start_switches(self._record.wiring)
        for node in self._record.dead:
            self._set_reachable(node, False)

    def _apply(self, before: Record, after: Record) -> None:
        interfaces = after.wiring.interfaces
        with netns.Interfaces(self.namespace) as control:
            for port in sorted(after.down_ports - before.down_ports):
                control.set_up(interfaces[port], False)
            for port in sorted(before.down_ports - after.down_ports):
                control.set_up(interfaces[port], True)
        for node in after.dead - before.dead:
            self._set_reachable(node, False)
        for node in before.dead - after.dead:
            self._set_reachable(node, True)

    def _set_reachable(self, node: str, reachable: bool) -> None:
        """A dead switch answers no new OpenFlow connection: its socket is moved out of the way."""
        socket = self._switch.management(self.bridge(node))
        hidden = socket.with_suffix(".dead")
        with contextlib.suppress(FileNotFoundError):
            if reachable:
                hidden.rename(socket)
            else:
                socket.rename(hidden)

    def start(self, progress: Progress) -> None:
        wiring = self._record.wiring
        progress(f"{len(wiring.links)} cables and {len(wiring.edges)} host ports")
        for namespace in (self.namespace, self.hosts):
            netns.create(namespace)
        netns.batch(self.namespace, _cables(wiring, self.hosts))
        slow.limit(self.namespace, wiring)
        opened = [f"link set {wiring.interfaces[port]} arp off up" for port in sorted(wiring.interfaces)]
        netns.batch(self.namespace, opened)
        netns.batch(self.hosts, [f"link set {wiring.interfaces[port]} arp off up" for port in wiring.edges])
        with netns.Interfaces(self.hosts) as hosts:
            for port in wiring.edges:
                hosts.no_tx_offload(wiring.interfaces[port])
        progress(f"{len(wiring.bridges)} bridges")
        self._switch.start(wiring)

    def dismantle(self) -> None:
        self._switch.stop()
        for namespace in (self.namespace, self.hosts):
            netns.delete(namespace)
        with contextlib.suppress(OSError):
            RUN_DIR.rmdir()  # only when this was the last lab


def _cables(wiring: Wiring, hosts: str) -> Iterator[str]:
    """``ip link`` commands: a pair per link, and a pair into the hosts' namespace per endpoint port."""
    for link, (a, b) in wiring.links.items():
        mtu = wiring.mtu[link]
        if link in wiring.rates:
            yield from slow.cable(wiring, link)
            continue
        yield (f"link add {wiring.interfaces[a]} mtu {mtu} type veth peer name {wiring.interfaces[b]} mtu {mtu}")
    for port in wiring.edges:
        name = wiring.interfaces[port]
        yield (
            f"link add {name} mtu {wiring.access_mtu} type veth "
            f"peer name {name} mtu {wiring.access_mtu} netns {hosts}"
        )
