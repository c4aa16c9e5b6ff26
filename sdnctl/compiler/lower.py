"""Pass 5: rules. Labelled trunks, bypasses and demands become the flows, groups and meters of each switch.

Every function returns the rules of one thing (a demand, a service, a trunk, a group, a bypass), which no other
thing has; `lower` only collects them. The format is `docs/pipeline.md`; tables come from `tables`. Every number
was given out by `label`. Actions and parts of matches that many rules have in common are one object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sdnctl.compiler.abilities import Abilities, fit
from sdnctl.compiler.classify import ANY_TAG, UNTAGGED, Selector
from sdnctl.compiler.groups import HopGroup, active, trunk_group_key, trunk_paths
from sdnctl.compiler.ir import Bypass, Network, Trunk
from sdnctl.compiler.label import Labelled, service_key
from sdnctl.compiler.tables import (
    CLASSIFY,
    DELIVER,
    DEMUX,
    ENCAP,
    IMPLICIT_NULL,
    LOW32,
    POLICE,
    PRIORITY_DISCOVERY,
    PRIORITY_EDGE,
    PRIORITY_GUARD,
    PRIORITY_RULE,
    PRIORITY_TRUNK_PORT,
    TRANSIT,
    Kind,
    cookie,
)
from sdnctl.dataplane.values import (
    DISCOVERY_MAC,
    ETH_LLDP,
    ETH_MPLS,
    FIELDS,
    GROUP_BASE,
    METER_BASE,
    PORT_CONTROLLER,
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
from sdnctl.errors import Diagnostic, Diagnostics
from sdnctl.intents.demand import Demand, Service
from sdnctl.quick import quick
from sdnctl.topology.graph import Hop, Topology
from sdnctl.units import Octets

Rule: TypeAlias = Flow | Group | Meter
Rules: TypeAlias = Iterator[tuple[str, Iterable[Rule]]]
"""Rules and the switch that they are for."""

FRAME_HEADERS = 22
"""Octets of a customer frame above its payload that meters may count: Ethernet header and two tags."""
BURST_FRAMES = 8
BURST_MS = 50


def lower(
    network: Network, labelled: Labelled, capabilities: Mapping[str, Abilities] | None = None
) -> tuple[Mapping[str, RuleSet], tuple[Diagnostic, ...]]:
    """The rule set of every switch of the topology; one that carries nothing has an empty one.

    The demands passed `check.refusals`. Where capabilities are declared, the diagnostics say what a switch
    cannot do (errors) and what was left out for it (warnings).
    """
    found = Diagnostics()
    rules = {switch: RuleSet() for switch in sorted(network.topology.nodes)}
    for switch, made in _all_rules(network, labelled):
        rules[switch].add(*made)
    for switch in rules:
        rules[switch].add(*carrier_rules(network.topology, switch, rules[switch]))
    for switch, abilities in sorted((capabilities or {}).items()):
        if switch in rules:
            rules[switch], findings = fit(switch, rules[switch], abilities)
            found.extend(findings)
    return rules, found.sorted()


def _all_rules(network: Network, labelled: Labelled) -> Rules:
    trunk_of = {member: trunk for trunk in labelled.trunks for member in trunk.demands}
    edge, core = Edge(network, labelled), Core(network.topology, labelled)
    local = frozenset(labelled.local)
    services: set[ServiceSide] = set()
    for demand in network.demands:
        trunk = trunk_of.get(demand.id)
        if trunk is not None or demand.id in local:
            yield demand.ingress.attachment.node, edge.ingress(demand, trunk.key if trunk is not None else None)
            services.add(service_side(demand, labelled.services[service_key(demand)], local=trunk is None))
    for side in services:
        yield side.switch, egress_rules(side)
    for trunk in labelled.trunks:
        yield from core.trunk(trunk)
    used = {group.key: group for groups in labelled.hops.values() for path in groups for group in path}
    for group in used.values():
        yield group.hop.tail, (core.hop_group(group),)
    bypasses = {group.bypass.key: group.bypass for group in used.values() if group.bypass}
    for key in sorted(bypasses):
        yield from core.bypass(bypasses[key])


# ── the edge: classify, police, encap ────────────────────────────────────────────────────────────


@quick
@dataclass(frozen=True, slots=True)
class ServiceSide:
    """All that the deliver and demux rules of one service depend on; `local`: from the same switch."""

    label: int
    switch: str
    port: int
    vlan: int | None
    line: bool
    local: bool


def service_side(demand: Demand, label: int, *, local: bool) -> ServiceSide:
    """What a demand needs at its egress, where its service has this label."""
    place = demand.egress.attachment
    return ServiceSide(label, place.node, place.port, demand.egress.vlan, demand.service is Service.LINE, local)


class Edge:
    """Rules of demands; what they have in common is made once and shared."""

    def __init__(self, network: Network, labelled: Labelled) -> None:
        self.labelled = labelled
        self._select = Selector()
        self._police = {name: (SetQueue(item.queue),) for name, item in network.classes.items()}
        self._class = {name: SetField("mpls_tc", item.traffic_class) for name, item in network.classes.items()}
        self._service: dict[int, SetField] = {}
        self._to_trunk: dict[str, ToGroup] = {}

    def ingress(self, demand: Demand, trunk: str | None) -> list[Rule]:
        """Classify, police and encap of one demand on its trunk, None when both ends are on one switch."""
        number = self.labelled.demands[demand.id]
        service = self.labelled.services[service_key(demand)]
        mark = cookie(Kind.DEMAND, number)
        mine = Match((("metadata", number, LOW32),))
        written = (number, LOW32)
        rules: list[Rule] = [
            Flow(CLASSIFY.number, PRIORITY_EDGE, match, mark, (), None, written, POLICE.number)
            for match in self._select.matches(demand)
        ]
        rules.append(meter(demand, number))
        police = self._police[demand.service_class]
        rules.append(
            Flow(POLICE.number, PRIORITY_RULE, mine, mark, police, METER_BASE + number, None, ENCAP.number)
        )
        if trunk is None:
            # A frame that leaves by the port it came in on would be dropped.
            hairpin = demand.ingress.attachment.port == demand.egress.attachment.port
            actions: tuple[Action, ...] = (ClearInPort(),) if hairpin else ()
            rules.append(ENCAP.flow(mine, mark, actions, metadata=service, goto=DEMUX))
            return rules
        written_label = self._service.get(service)
        if written_label is None:
            written_label = self._service[service] = SetField("mpls_label", service)
        to_trunk = self._to_trunk.get(trunk)
        if to_trunk is None:
            to_trunk = self._to_trunk[trunk] = ToGroup(GROUP_BASE + self.labelled.groups[trunk_group_key(trunk)])
        actions = (_ENCAP_MPLS, written_label, self._class[demand.service_class], _ENCAP_ETHERNET, to_trunk)
        rules.append(Flow(ENCAP.number, PRIORITY_RULE, mine, mark, actions))
        return rules


_ENCAP_MPLS, _ENCAP_ETHERNET = Encap("mpls"), Encap("ethernet")


def meter(demand: Demand, number: int) -> Meter:
    """The demand's policer: CIR + EIR, with a burst of 8 full-size frames or 50 ms, whichever is more."""
    rate = max(1, _up(demand.cir + demand.eir, 1000))
    return Meter(METER_BASE + number, rate, burst(rate, demand.mtu))


def burst(rate: int, mtu: Octets) -> int:
    """Burst in kbit for a rate in kbit/s and the largest customer payload."""
    frames = _up(BURST_FRAMES * (mtu + FRAME_HEADERS) * 8, 1000)
    return max(frames, _up(rate * BURST_MS, 1000))


def _up(value: int, unit: int) -> int:
    return -(-value // unit)


# ── the egress: deliver, demux ───────────────────────────────────────────────────────────────────


def egress_rules(side: ServiceSide) -> list[Rule]:
    """Deliver and demux of one service."""
    mark = cookie(Kind.SERVICE, side.label)
    whole = side.line and side.vlan is None
    out = Output(side.port)
    rules: list[Rule] = []
    if not side.local:
        match = labelled_frames(side.label)
        if whole:
            rules.append(DELIVER.flow(match, mark, (*_DECAP, out)))
        else:
            rules.append(DELIVER.flow(match, mark, _DECAP, metadata=side.label, goto=DEMUX))
    mine = ("metadata", side.label, LOW32)
    if whole and side.local:
        rules.append(DEMUX.flow(Match((mine,)), mark, (out,)))
    elif not whole:
        for tags, actions in _retag(side.vlan):
            if not side.line or tags is _TAGGED:
                rules.append(DEMUX.flow(Match((mine, tags)), mark, (*actions, out)))
    return rules


_DECAP: tuple[Action, ...] = (Decap(), Decap(to_ethernet=True))
_TAGGED, _UNTAGGED = (Match.of(vlan_vid=tags).fields[0] for tags in (ANY_TAG, UNTAGGED))


def _retag(vlan: int | None) -> tuple[tuple[tuple[str, int, int], tuple[Action, ...]], ...]:
    """How a tagged and an untagged frame get the egress endpoint's tag."""
    if vlan is None:
        return (_TAGGED, (PopVlan(),)), (_UNTAGGED, ())
    write = SetField("vlan_vid", VLAN_PRESENT | vlan)
    return (_TAGGED, (write,)), (_UNTAGGED, (PushVlan(), write))


# ── the core: trunks, groups, bypasses ───────────────────────────────────────────────────────────


class Core:
    """Rules of trunks, hops and bypasses; what leads to one group or over one hop is made once and shared."""

    def __init__(self, topology: Topology, labelled: Labelled) -> None:
        self.topology = topology
        self.labelled = labelled
        self._forward: dict[str, tuple[Action, ...]] = {}
        self._send: dict[tuple[str, str], tuple[Action, ...]] = {}

    def trunk(self, trunk: Trunk) -> Rules:
        """Transit rules of a trunk's path (and of its standby), and the trunk group that decides between them."""
        groups = self.labelled.groups
        ways = self.labelled.hops[trunk.key]
        for (label, _), hops in zip(trunk_paths(trunk), ways, strict=True):
            mark = cookie(Kind.TRUNK, label)
            match = labelled_frames(label)
            for group in hops[1:]:
                actions = self._forward.get(group.key)
                if actions is None:
                    to_group = ToGroup(GROUP_BASE + groups[group.key])
                    actions = self._forward[group.key] = (_DEC_TTL, to_group)
                yield group.hop.tail, (Flow(TRANSIT.number, PRIORITY_RULE, match, mark, actions),)
            yield trunk.egress, (TRANSIT.flow(match, mark, _POP, goto=DELIVER),)
        label, _ = active(trunk)
        first = ways[-1 if trunk.flipped else 0][0]
        push = (PushMpls(), SetField("mpls_label", label), ToGroup(GROUP_BASE + groups[first.key]))
        number = groups[trunk_group_key(trunk.key)]
        yield trunk.ingress, (Group(GROUP_BASE + number, GroupType.INDIRECT, (Bucket(push),)),)

    def hop_group(self, group: HopGroup) -> Group:
        """A bare group, or a fast-failover group whose second bucket is the bypass, to a bare port."""
        hop, bypass = group.hop, group.bypass
        number = GROUP_BASE + self.labelled.groups[group.key]
        if bypass is None:
            return Group(number, GroupType.INDIRECT, (Bucket(self.send(hop)),))
        way = bypass.path.hops[0]
        label = bypass.label
        push: tuple[Action, ...] = () if label is None else (PushMpls(), SetField("mpls_label", label))
        return Group(
            number,
            GroupType.FAST_FAILOVER,
            (
                Bucket(self.send(hop), watch_port=self._port(hop)),
                Bucket((*push, *self.send(way)), watch_port=self._port(way)),
            ),
        )

    def bypass(self, bypass: Bypass) -> Rules:
        """Rules of the switches inside a bypass: forward, and pop at the penultimate one."""
        if bypass.label is None:
            return
        mark = cookie(Kind.BYPASS, bypass.label)
        match = labelled_frames(bypass.label)
        for hop in bypass.path.hops[1:]:
            # Pop, then decrement: the other order would leave the TTL of the trunk label as it was.
            pop = _POP if hop is bypass.path.hops[-1] else ()
            yield hop.tail, (TRANSIT.flow(match, mark, (*pop, _DEC_TTL, *self.send(hop))),)

    def send(self, hop: Hop) -> tuple[Action, ...]:
        """Rewrite the outer MACs to those of the hop's two ports, and output to the bare port."""
        key = (hop.link, hop.tail)
        actions = self._send.get(key)
        if actions is None:
            nodes, far = self.topology.nodes, self.topology.links[hop.link].port_at(hop.head)
            actions = self._send[key] = (
                SetField("eth_src", port_mac(nodes[hop.tail].dpid, self._port(hop))),
                SetField("eth_dst", port_mac(nodes[hop.head].dpid, far)),
                Output(self._port(hop)),
            )
        return actions

    def _port(self, hop: Hop) -> int:
        return self.topology.links[hop.link].port_at(hop.tail)


def labelled_frames(label: int) -> Match:
    """Frames whose outermost label this is."""
    return Match((_MPLS, ("mpls_label", label, _LABEL_BITS)))


_MPLS = Match.of(eth_type=ETH_MPLS).fields[0]
_LABEL_BITS = (1 << FIELDS["mpls_label"]) - 1
_DEC_TTL = DecMplsTtl()
_POP: tuple[Action, ...] = (PopMpls(),)


def port_mac(dpid: int, port: int) -> int:
    """``02:dd:dd:dd:pp:pp``: locally administered, low 24 bits of the datapath id, low 16 of the port."""
    return 0x02 << 40 | (dpid & 0xFFFFFF) << 16 | (port & 0xFFFF)


def carrier_rules(topology: Topology, switch: str, rules: RuleSet) -> Iterator[Flow | Meter]:
    """What lets MPLS in by the ports of links, and discovery to the controller, on a switch that carries any.

    And a rule that no packet hits: because it looks at the class, Open vSwitch caches packets of each class apart.
    Without it 3.1 writes the class of a label's first packet into all others when it decrements the TTL.
    """
    if not any(flow.table == TRANSIT.number for flow in rules.flows.values()):
        return
    for port in sorted(topology.links[hop.link].port_at(switch) for hop in topology.adjacency[switch]):
        match = Match.of(in_port=port, eth_type=ETH_MPLS)
        yield CLASSIFY.flow(
            match, cookie(Kind.PORT, port), (ClearInPort(),), priority=PRIORITY_TRUNK_PORT, goto=TRANSIT
        )
    never = Match.of(eth_type=ETH_MPLS, mpls_label=IMPLICIT_NULL, mpls_tc=0)
    yield TRANSIT.flow(never, cookie(Kind.PORT, 0), priority=PRIORITY_GUARD)
    yield from DISCOVERY


DISCOVERY: tuple[Meter, Flow] = (
    Meter(METER_BASE, 256, 64),  # demands' meters begin above; some 200 beacons a second
    CLASSIFY.flow(
        Match.of(eth_src=DISCOVERY_MAC, eth_type=ETH_LLDP),
        cookie(Kind.PORT, 0),
        (Output(PORT_CONTROLLER),),
        priority=PRIORITY_DISCOVERY,
        meter=METER_BASE,
    ),
)
"""What brings beacons to the controller, from whatever port, metered; the same on every switch."""
