"""A ring programmed by hand: the scheme of docs/pipeline.md as ``ovs-ofctl`` text, written without the compiler.

Switches s1…sN; port 1 leads clockwise, port 2 back, port 10 has a host. `s2` and `s3` may be joined by a second,
parallel link on ports 3. Labels: 1000 + … trunks, 100000 + … bypasses, 200000 + … services.
"""

from __future__ import annotations

import hashlib
import itertools
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sdnctl.intents.demand import Endpoint
from sdnctl.lab.ovslab import OvsLab
from sdnctl.topology.graph import Link, Node, PortRef, Topology
from sdnctl.units import Bitrate, Delay, Length, Octets
from sdnctl.verify.probes import MAGIC

CLOCKWISE, BACK, PARALLEL, HOST, HOST_2 = 1, 2, 3, 10, 11


def ring(size: int = 6, parallel: bool = False, mtu: int = 1600) -> Topology:
    """A ring of links L1 (s1–s2), L2 (s2–s3), …; with `parallel` also P2 beside L2."""
    nodes = {f"s{i}": Node(f"s{i}", i, f"site{i}") for i in range(1, size + 1)}
    links = {}
    for i in range(1, size + 1):
        following = i % size + 1
        ends = PortRef(f"s{i}", CLOCKWISE), PortRef(f"s{following}", BACK)
        links[f"L{i}"] = Link(f"L{i}", *ends, Length(1e3), Delay(5), Bitrate(10**10), Octets(mtu))
    if parallel:
        ends = PortRef("s2", PARALLEL), PortRef("s3", PARALLEL)
        links["P2"] = Link("P2", *ends, Length(1e3), Delay(5), Bitrate(10**10), Octets(mtu))
    return Topology(nodes, links)


@dataclass(frozen=True)
class Shot:
    """The least that a prober needs of a probe."""

    id: str
    port: PortRef
    frame: bytes


def shots(ports: Iterable[PortRef], sizes: Iterable[int] = (64, 1500)) -> list[Shot]:
    """Frames of each size, untagged and with one and two tags, from each port; the id says which."""
    made = []
    for port, size, tags in itertools.product(ports, sizes, ((), (100,), (100, 200))):
        name = f"{port} {size} octets, {len(tags)} tags"
        token = MAGIC + hashlib.sha256(name.encode()).digest()[:8]
        made.append(Shot(name, port, frame(size, tags, token)))
    return made


def endpoints(*ports: PortRef) -> dict[str, Endpoint]:
    return {
        f"e-{port.node}-{port.port}": Endpoint(f"e-{port.node}-{port.port}", "x", port, "test") for port in ports
    }


class Ring:
    """Collects the rules of trunks, link and node groups, and installs them with ``ovs-ofctl``."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.flows: dict[str, list[str]] = defaultdict(list)
        self.groups: dict[str, dict[int, str]] = defaultdict(dict)
        for i in range(1, size + 1):
            for port in (CLOCKWISE, BACK, PARALLEL):
                self.flows[f"s{i}"].append(
                    f"table=0,priority=300,in_port={port},eth_type=0x8847,actions=load:0xffff->NXM_OF_IN_PORT[],goto_table:3"
                )

    def way(self, start: int, end: int, clockwise: bool) -> list[int]:
        """Switch numbers from start to end, both included."""
        step, path = (1 if clockwise else -1), [start]
        while path[-1] != end:
            path.append((path[-1] - 1 + step) % self.size + 1)
        return path

    @staticmethod
    def _macs(node: int, port: int) -> str:
        place = f"{node:02x}:{port:02x}"
        return f"set_field:02:00:00:00:{place}->eth_src,set_field:02:00:00:01:{place}->eth_dst"

    def _out(self, node: int, port: int) -> str:
        return f"{self._macs(node, port)},output:{port}"

    def protect(self, tail: int, target: int, clockwise: bool, parallel: bool = False) -> int:
        """Group at `tail` of its hop; second bucket round to `target` (next switch or the one behind it)."""
        port, other = (CLOCKWISE, BACK) if clockwise else (BACK, CLOCKWISE)
        number = tail * 1000 + target * 10 + clockwise + (5 if parallel else 0)
        group = 0x10000000 + number
        if group in self.groups[f"s{tail}"]:
            return group
        first = f"bucket=watch_port:{port},actions={self._out(tail, port)}"
        if parallel:
            second = f"bucket=watch_port:{PARALLEL},actions={self._out(tail, PARALLEL)}"
        else:
            label = 100_000 + number
            second = (
                f"bucket=watch_port:{other},actions=push_mpls:0x8847,set_field:{label}->mpls_label,"
                f"{self._out(tail, other)}"
            )
            way = self.way(tail, target, not clockwise)
            for index, node in enumerate(way[1:-1], start=1):
                last = index == len(way) - 2
                actions = "pop_mpls:0x8847,dec_mpls_ttl" if last else "dec_mpls_ttl"
                self.flows[f"s{node}"].append(
                    f"table=3,priority=100,eth_type=0x8847,mpls_label={label},"
                    f"actions={actions},{self._out(node, other)}"
                )
        self.groups[f"s{tail}"][group] = f"group_id={group},type=ff,{first},{second}"
        return group

    def line(
        self,
        number: int,
        start: int,
        end: int,
        clockwise: bool,
        port: int = HOST,
        node: bool = False,
        parallel: bool = False,
    ) -> None:
        """One direction of a transparent line between two host ports; `node`: node groups but for the last hop."""
        path = self.way(start, end, clockwise)
        trunk, service, group = 1000 + number, 200_000 + number, 0x18000000 + number
        links = []
        for index, tail in enumerate(path[:-1]):
            behind = path[index + 2] if node and index + 2 < len(path) else path[index + 1]
            beside = parallel and {tail, path[index + 1]} == {2, 3}
            links.append(self.protect(tail, behind, clockwise, beside))
        first, last = f"s{start}", f"s{end}"
        self.flows[first] += [
            f"table=0,priority=200,in_port={port},actions=write_metadata:{number},goto_table:1",
            f"table=1,priority=100,metadata={number},actions=goto_table:2",
            f"table=2,priority=100,metadata={number},actions=encap(mpls),set_field:{service}->mpls_label,"
            f"set_field:5->mpls_tc,encap(ethernet),group:{group}",
        ]
        self.groups[first][group] = (
            f"group_id={group},type=indirect,bucket=actions=push_mpls:0x8847,set_field:{trunk}->mpls_label,group:{links[0]}"
        )
        for tail, link in zip(path[1:-1], links[1:], strict=True):
            self.flows[f"s{tail}"].append(
                f"table=3,priority=100,eth_type=0x8847,mpls_label={trunk},actions=dec_mpls_ttl,group:{link}"
            )
        self.flows[last] += [
            f"table=3,priority=100,eth_type=0x8847,mpls_label={trunk},actions=pop_mpls:0x8847,goto_table:4",
            f"table=4,priority=100,eth_type=0x8847,mpls_label={service},"
            f"actions=decap(),decap(packet_type(ns=0,type=0)),output:{port}",
        ]

    def install(self, lab: OvsLab) -> None:
        targets = lab.targets()
        for node in sorted(targets):
            address = targets[node]["openflow"]
            ofctl(address, "del-flows")
            ofctl(address, "del-groups")
            # A group may point to one that comes later: Open vSwitch accepts that.
            ofctl(address, "add-groups", "-", stdin="\n".join(self.groups[node].values()))
            ofctl(address, "add-flows", "-", stdin="\n".join(self.flows[node]))


def ofctl(address: str, command: str, *arguments: str, stdin: str | None = None) -> str:
    """Run ``ovs-ofctl`` on one switch; fails loudly."""
    done = subprocess.run(
        ["ovs-ofctl", "-O", "OpenFlow13", command, address, *arguments],
        input=stdin, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command} {address}: {done.stderr}"
    return done.stdout


def frame(size: int = 64, tags: tuple[int, ...] = (), token: bytes = b"") -> bytes:
    """An Ethernet frame with `size` octets of payload behind its tags, ending in `token`."""
    header = bytes.fromhex("020000000002020000000001")
    for tag in tags:
        header += (0x8100).to_bytes(2) + tag.to_bytes(2)
    body = bytes(index % 251 for index in range(size - len(token))) + token
    return header + (0x88B5).to_bytes(2) + body  # 0x88B5: local experimental ethertype (IEEE 802)
