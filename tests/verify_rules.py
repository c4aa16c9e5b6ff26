"""A small network whose rules are written out here by hand, from docs/pipeline.md, for the verifier's tests.

A ring s1–s2–s3–s4 with a second, parallel link between s3 and s4. Nothing of the compiler is used.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from itertools import pairwise

from sdnctl.compiler.ir import Settings, Trunk
from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    ETH_ARP,
    ETH_IPV4,
    ETH_IPV6,
    ETH_MPLS,
    GROUP_BASE,
    METER_BASE,
    VLAN_PRESENT,
    Action,
    Bucket,
    ClearInPort,
    Decap,
    DecMplsTtl,
    Encap,
    Flow,
    Group,
    GroupType,
    Match,
    Meter,
    Output,
    PopMpls,
    PopVlan,
    PushMpls,
    PushVlan,
    RuleSet,
    SetField,
    SetQueue,
    ToGroup,
)
from sdnctl.intents.demand import Demand, Endpoint, Grade, Service, ServiceClass
from sdnctl.topology.graph import Hop, Link, Node, Path, PortRef, Srlg, Topology
from sdnctl.units import Bitrate, Delay, Length, Octets
from sdnctl.verify.report import Report
from sdnctl.verify.v1 import verify

CLASS = ServiceClass("video", 1, traffic_class=5, queue=2, dscp=34)
MPLS = {"eth_type": ETH_MPLS}


def link(name: str, a: str, pa: int, b: str, pb: int, mtu: int = 1600) -> Link:
    ends = PortRef(a, pa), PortRef(b, pb)
    return Link(name, *ends, Length(1000.0), Delay(5.0), Bitrate(10**9), Octets(mtu))


def ring() -> Topology:
    nodes = {f"s{i}": Node(f"s{i}", i, f"site{i}") for i in range(1, 5)}
    links = [
        link("l12", "s1", 1, "s2", 2),
        link("l23", "s2", 1, "s3", 2),
        link("l34", "s3", 1, "s4", 2),
        link("l34b", "s3", 3, "s4", 3),
        link("l41", "s4", 1, "s1", 2),
    ]
    srlgs = [
        Srlg("duct:d12", "duct", frozenset(("l12",)), metres=Length(400.0)),
        Srlg("building:site2", "building", frozenset(), frozenset(("s2",))),
    ]
    return Topology(nodes, {item.id: item for item in links}, {item.id: item for item in srlgs})


def endpoint(
    name: str, node: str, port: int, *prefixes: str, vlan: int | None = None, mac: int | None = None
) -> Endpoint:
    return Endpoint(
        name,
        f"site{node[1:]}",
        PortRef(node, port),
        "test",
        vlan,
        tuple(ip_network(prefix) for prefix in prefixes),
        mac,
    )


ROOT = endpoint("root", "s1", 10, "10.0.0.0/24", "2001:db8::/64")
LEAF_A = endpoint("a", "s3", 10, "10.0.1.0/24", "2001:db8:1::/64", vlan=100, mac=0x02AA00000001)
LEAF_B = endpoint("b", "s2", 10, "10.0.2.7/32", vlan=101)
LEAF_C = endpoint("c", "s1", 12, "10.0.3.0/24")
PORT_X, PORT_Y = endpoint("x", "s1", 11), endpoint("y", "s4", 11)
VLAN_U, VLAN_V = endpoint("u", "s2", 11, vlan=200), endpoint("v", "s3", 11, vlan=300)


def both_ways(
    application: str, service: Service, one: Endpoint, other: Endpoint, **changes: object
) -> list[Demand]:
    def name(a: Endpoint, b: Endpoint) -> str:
        return f"{application}/{a.id}>{b.id}"

    return [
        replace(
            Demand(
                name(a, b),
                application,
                f"tenant-{application}",
                service,
                "video",
                a,
                b,
                Bitrate(2_000_000),
                Bitrate(500_001),
                Grade.LOCAL,
                reverse=name(b, a),
            ),
            **changes,  # type: ignore[arg-type]
        )
        for a, b in ((one, other), (other, one))
    ]


def hop(topology: Topology, tail: str, head: str, name: str = "") -> Hop:
    found = [item for item in topology.adjacency[tail] if item.head == head and name in ("", item.link)]
    return found[0]


def path(topology: Topology, *nodes: str) -> Path:
    return Path(tuple(hop(topology, a, b) for a, b in pairwise(nodes)))


class Hand:
    """Rules of the ring, made one thing at a time."""

    def __init__(self, topology: Topology | None = None) -> None:
        self.topology = topology or ring()
        self.rules = {node: RuleSet() for node in self.topology.nodes}
        self.demands: list[Demand] = []
        self.trunks: dict[tuple[str, ...], Trunk] = {}
        self.services: dict[tuple[str, str], int] = {}
        self.bypasses: dict[str, int] = {}
        self._groups = 0
        for item in self.topology.links.values():
            for end in (item.a, item.b):
                match = Match.of(in_port=end.port, **MPLS)
                self.rules[end.node].add(
                    Flow(0, 300, match, COOKIE_OWNER | 5 << 32 | end.port, (ClearInPort(),), goto=3)
                )

    def mac(self, port: PortRef) -> int:
        return 0x020000000000 | self.topology.nodes[port.node].dpid << 16 | port.port

    def macs(self, step: Hop) -> tuple[Action, ...]:
        item = self.topology.links[step.link]
        out, to = item.port_at(step.tail), item.port_at(step.head)
        return (
            SetField("eth_dst", self.mac(PortRef(step.head, to))),
            SetField("eth_src", self.mac(PortRef(step.tail, out))),
        )

    def out(self, step: Hop) -> tuple[Action, ...]:
        return *self.macs(step), Output(self.topology.links[step.link].port_at(step.tail))

    def group(self, node: str, kind: GroupType, *buckets: Bucket) -> int:
        for known in self.rules[node].groups.values():
            if (known.type, known.buckets) == (kind, buckets):
                return known.id
        self._groups += 1
        self.rules[node].add(Group(GROUP_BASE + self._groups, kind, buckets))
        return GROUP_BASE + self._groups

    def bare(self, step: Hop) -> int:
        return self.group(step.tail, GroupType.INDIRECT, Bucket(self.out(step)))

    def around(self, step: Hop) -> Path:
        """The other way round the ring, or the parallel link."""
        if {step.tail, step.head} == {"s3", "s4"}:
            other = "l34b" if step.link == "l34" else "l34"
            return Path((hop(self.topology, step.tail, step.head, other),))
        order = ["s1", "s2", "s3", "s4"]
        forward = order[(order.index(step.tail) + 1) % 4] == step.head
        nodes = [step.tail]
        while nodes[-1] != step.head:
            nodes.append(order[(order.index(nodes[-1]) + (-1 if forward else 1)) % 4])
        return path(self.topology, *nodes)

    def protected(self, step: Hop, way: Path | None = None) -> int:
        """The fast-failover group of a hop; its bypass rules are made on first use."""
        way = way or self.around(step)
        port = self.topology.links[step.link].port_at(step.tail)
        spare = self.topology.links[way.hops[0].link].port_at(step.tail)
        push: tuple[Action, ...] = ()
        if len(way.hops) > 1:
            push = (PushMpls(), SetField("mpls_label", self.bypass(way)))
        return self.group(
            step.tail,
            GroupType.FAST_FAILOVER,
            Bucket(self.out(step), port),
            Bucket((*push, *self.out(way.hops[0])), spare),
        )

    def bypass(self, way: Path) -> int:
        key = ">".join(way.nodes)
        if key not in self.bypasses:
            label = self.bypasses[key] = 100_000 + len(self.bypasses)
            for step in way.hops[1:]:
                first: tuple[Action, ...] = (PopMpls(),) if step is way.hops[-1] else ()
                self.transit(step.tail, label, (*first, DecMplsTtl(), *self.out(step)), 3)
        return self.bypasses[key]

    def transit(
        self, node: str, label: int, actions: tuple[Action, ...], kind: int = 2, goto: int | None = None
    ) -> None:
        match = Match.of(mpls_label=label, **MPLS)
        self.rules[node].add(Flow(3, 100, match, COOKIE_OWNER | kind << 32 | label, actions, goto=goto))

    def hop_group(self, step: Hop, grade: Grade) -> int:
        return self.bare(step) if grade is Grade.NONE else self.protected(step)

    def label_path(self, label: int, way: Path, grade: Grade) -> None:
        for step in way.hops[1:]:
            self.transit(step.tail, label, (DecMplsTtl(), ToGroup(self.hop_group(step, grade))))
        self.transit(way.nodes[-1], label, (PopMpls(),), goto=4)

    def trunk(self, way: Path, grade: Grade, standby: Path | None = None) -> int:
        """The trunk group of a path (made on first use)."""
        key = (*way.nodes, grade)
        if key not in self.trunks:
            label = 1_000 + 10 * len(self.trunks)
            self.trunks[key] = Trunk(
                f"{way.nodes[0]}>{way.nodes[-1]}/{grade}#0",
                label,
                way,
                grade,
                (),
                Bitrate(0),
                standby,
                label + 1 if standby else None,
            )
            self.label_path(label, way, grade)
            if standby:
                self.label_path(label + 1, standby, grade)
                self.hop_group(standby.hops[0], grade)
        to = self.hop_group(way.hops[0], grade)
        actions = (PushMpls(), SetField("mpls_label", self.trunks[key].label), ToGroup(to))
        return self.group(way.nodes[0], GroupType.INDIRECT, Bucket(actions))

    def service(self, demand: Demand) -> int:
        """The service label of a demand's egress; deliver and demux rules are made on first use."""
        key = demand.application, demand.egress.id
        if key in self.services:
            return self.services[key]
        label = self.services[key] = 200_000 + len(self.services)
        cookie = COOKIE_OWNER | 4 << 32 | label
        egress, rules = demand.egress, self.rules[demand.egress.attachment.node]
        match = Match.of(mpls_label=label, **MPLS)
        actions: tuple[Action, ...] = (Decap(), Decap(to_ethernet=True))
        out = Output(egress.attachment.port)
        if demand.service is Service.LINE and egress.vlan is None:
            rules.add(Flow(4, 100, match, cookie, (*actions, out)))
            return label
        rules.add(Flow(4, 100, match, cookie, actions, metadata=(label, 0xFFFFFFFF), goto=5))
        tag = None if egress.vlan is None else SetField("vlan_vid", VLAN_PRESENT | egress.vlan)
        tagged: tuple[Action, ...] = (PopVlan(),) if tag is None else (tag,)
        untagged: tuple[Action, ...] = () if tag is None else (PushVlan(), tag)
        present = (VLAN_PRESENT, VLAN_PRESENT)
        rules.add(Flow(5, 100, Match.of(metadata=label, vlan_vid=present), cookie, (*tagged, out)))
        rules.add(Flow(5, 100, Match.of(metadata=label, vlan_vid=0), cookie, (*untagged, out)))
        return label

    def demand(self, demand: Demand, *nodes: str, standby: tuple[str, ...] = ()) -> None:
        """All rules of one demand, on the way `nodes` (one switch: local)."""
        self.demands.append(demand)
        number, node = len(self.demands), demand.ingress.attachment.node
        rules, service = self.rules[node], self.service(demand)
        cookie = COOKIE_OWNER | 1 << 32 | number
        for fields in selection(demand):
            match = Match.of(in_port=demand.ingress.attachment.port, **fields)
            rules.add(Flow(0, 200, match, cookie, metadata=(number, 0xFFFFFFFF), goto=1))
        rate = -(-(demand.cir + demand.eir) // 1000)
        burst = -(-max(8 * 8 * (demand.mtu + 22), (demand.cir + demand.eir) // 20) // 1000)
        rules.add(Meter(METER_BASE + number, rate, burst))
        where = Match.of(metadata=number)
        rules.add(Flow(1, 100, where, cookie, (SetQueue(CLASS.queue),), meter=METER_BASE + number, goto=2))
        if len(nodes) < 2:
            rules.add(Flow(2, 100, where, cookie, metadata=(service, 0xFFFFFFFF), goto=5))
            return
        spare = path(self.topology, *standby) if standby else None
        trunk = self.trunk(path(self.topology, *nodes), demand.grade, spare)
        actions = (
            Encap("mpls"),
            SetField("mpls_label", service),
            SetField("mpls_tc", CLASS.traffic_class),
            Encap("ethernet"),
            ToGroup(trunk),
        )
        rules.add(Flow(2, 100, where, cookie, actions))
        key = (*nodes, demand.grade)
        self.trunks[key] = replace(self.trunks[key], demands=(*self.trunks[key].demands, demand.id))

    def verify(self, kinds: tuple[str, ...] = ("link", "srlg", "node")) -> Report:
        trunks = tuple(self.trunks.values())
        return verify(self.topology, Settings("ring"), {"video": CLASS}, self.demands, trunks, self.rules, kinds)


def selection(demand: Demand) -> list[dict[str, int | tuple[int, int]]]:
    """Classify fields of a demand, written out."""
    source, target = demand.ingress, demand.egress
    base: dict[str, int | tuple[int, int]] = {}
    if source.vlan is not None or demand.service is not Service.LINE:
        base["vlan_vid"] = 0 if source.vlan is None else VLAN_PRESENT | source.vlan
    if demand.service is Service.LINE:
        return [base]
    if source.mac is not None:
        base["eth_src"] = source.mac
    found: list[dict[str, int | tuple[int, int]]] = []
    for one in source.prefixes:
        for other in target.prefixes:
            if one.version != other.version:
                continue
            a, b = ((int(net.network_address), int(net.netmask)) for net in (one, other))
            if one.version == 4:
                found.append({**base, "eth_type": ETH_IPV4, "ipv4_src": a, "ipv4_dst": b})
                found.append({**base, "eth_type": ETH_ARP, "arp_spa": a, "arp_tpa": b})
                continue
            found.append({**base, "eth_type": ETH_IPV6, "ipv6_src": a, "ipv6_dst": b})
            group = ip_network("ff02::1:ff00:0/104")
            to = int(group.network_address), int(group.netmask)
            solicit = {"eth_type": ETH_IPV6, "ip_proto": 58, "icmpv6_type": 135}
            found.append({**base, **solicit, "ipv6_src": a, "ipv6_dst": to, "nd_target": b})
    return found


def network() -> Hand:
    """Trees and lines, local and remote, tagged and not; bypasses that hairpin, and a parallel link."""
    hand = Hand()
    for demand, nodes in zip(both_ways("cam", Service.TREE, ROOT, LEAF_A), ("s1 s2 s3", "s3 s2 s1"), strict=True):
        hand.demand(demand, *nodes.split())
    for demand, nodes in zip(both_ways("cam", Service.TREE, ROOT, LEAF_B), ("s1 s2", "s2 s1"), strict=True):
        hand.demand(demand, *nodes.split())
    for demand in both_ways("cam", Service.TREE, ROOT, LEAF_C):
        hand.demand(demand, "s1")
    for demand, nodes in zip(both_ways("port", Service.LINE, PORT_X, PORT_Y), ("s1 s4", "s4 s1"), strict=True):
        hand.demand(demand, *nodes.split())
    for demand, nodes in zip(both_ways("vlan", Service.LINE, VLAN_U, VLAN_V), ("s2 s3", "s3 s2"), strict=True):
        hand.demand(demand, *nodes.split())
    east = both_ways("east", Service.LINE, endpoint("p", "s3", 12), endpoint("q", "s4", 12), grade=Grade.NONE)
    for demand, nodes in zip(east, ("s3 s4", "s4 s3"), strict=True):
        hand.demand(demand, *nodes.split())
    return hand
