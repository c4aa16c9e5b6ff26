"""Pass 5: rules. Labelled trunks, bypasses and demands become the flows, groups and meters of each switch.

Every function returns rules of one thing, as (switch, rule) pairs; `lower` only collects them. The format is
`docs/pipeline.md`; tables come from `tables`. Every number was given out by `label`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from sdnctl.compiler.abilities import Abilities, fit
from sdnctl.compiler.classify import ANY_TAG, UNTAGGED, is_whole_port, selections, tag_of
from sdnctl.compiler.groups import HopGroup, active, trunk_group_key, trunk_hops, trunk_paths
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
    PRIORITY_EDGE,
    PRIORITY_GUARD,
    PRIORITY_TRUNK_PORT,
    TRANSIT,
    Kind,
    cookie,
)
from sdnctl.dataplane.values import (
    ETH_MPLS,
    GROUP_BASE,
    METER_BASE,
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
from sdnctl.intents.demand import Demand, Endpoint, Service
from sdnctl.topology.graph import Hop, Topology
from sdnctl.units import Octets

Rules: TypeAlias = Iterator[tuple[str, Flow | Group | Meter]]

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
    carried = {*labelled.local, *(member for trunk in labelled.trunks for member in trunk.demands)}
    demands = [demand for demand in sorted(network.demands, key=lambda item: item.id) if demand.id in carried]
    found = Diagnostics()
    rules = {switch: RuleSet() for switch in sorted(network.topology.nodes)}
    for switch, rule in _all_rules(network, labelled, demands):
        rules[switch].add(rule)
    for switch in rules:
        rules[switch].add(*carrier_rules(network.topology, switch, rules[switch]))
    for switch, abilities in sorted((capabilities or {}).items()):
        if switch in rules:
            rules[switch], findings = fit(switch, rules[switch], abilities)
            found.extend(findings)
    return rules, found.sorted()


def _all_rules(network: Network, labelled: Labelled, demands: Iterable[Demand]) -> Rules:
    topology = network.topology
    trunk_of = {member: trunk for trunk in labelled.trunks for member in trunk.demands}
    bypasses = {bypass.key: bypass for bypass in labelled.bypasses}
    used: dict[str, HopGroup] = {}
    for demand in demands:
        trunk = trunk_of.get(demand.id)
        yield from ingress_rules(network, labelled, demand, trunk)
        yield from egress_rules(labelled, demand, local=trunk is None)
    for trunk in labelled.trunks:
        yield from trunk_rules(trunk, labelled, bypasses)
        for _, path in trunk_paths(trunk):
            used.update((group.key, group) for group in trunk_hops(trunk, path, bypasses))
    for group in used.values():
        yield group.hop.tail, hop_group(topology, labelled, group)
    for key in sorted({group.bypass.key for group in used.values() if group.bypass is not None}):
        yield from bypass_rules(topology, bypasses[key])


# ── the edge: classify, police, encap ────────────────────────────────────────────────────────────


def ingress_rules(network: Network, labelled: Labelled, demand: Demand, trunk: Trunk | None) -> Rules:
    """Classify, police and encap of one demand; `trunk` is None when both ends are on one switch."""
    switch = demand.ingress.attachment.node
    number = labelled.demands[demand.id]
    service = labelled.services[service_key(demand)]
    treatment = network.classes[demand.service_class]
    mark = cookie(Kind.DEMAND, number)
    mine = Match.of(metadata=(number, LOW32))

    for match in selections(demand):
        yield switch, CLASSIFY.flow(match, mark, priority=PRIORITY_EDGE, metadata=number, goto=POLICE)
    yield switch, meter(demand, number)
    yield (
        switch,
        POLICE.flow(mine, mark, (SetQueue(treatment.queue),), meter=METER_BASE + number, goto=ENCAP),
    )
    if trunk is None:
        # A frame that leaves by the port it came in on would be dropped.
        hairpin = demand.ingress.attachment.port == demand.egress.attachment.port
        actions: tuple[Action, ...] = (ClearInPort(),) if hairpin else ()
        yield switch, ENCAP.flow(mine, mark, actions, metadata=service, goto=DEMUX)
        return
    actions = (
        Encap("mpls"),
        SetField("mpls_label", service),
        SetField("mpls_tc", treatment.traffic_class),
        Encap("ethernet"),
        ToGroup(GROUP_BASE + labelled.groups[trunk_group_key(trunk.key)]),
    )
    yield switch, ENCAP.flow(mine, mark, actions)


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


def egress_rules(labelled: Labelled, demand: Demand, *, local: bool) -> Rules:
    """Deliver and demux of the demand's service; demands of one service give the same rules again."""
    egress = demand.egress
    switch, port = egress.attachment.node, egress.attachment.port
    service = labelled.services[service_key(demand)]
    mark = cookie(Kind.SERVICE, service)
    whole = is_whole_port(demand, egress)
    if not local:
        match = Match.of(eth_type=ETH_MPLS, mpls_label=service)
        decap: tuple[Action, ...] = (Decap(), Decap(to_ethernet=True))
        if whole:
            yield switch, DELIVER.flow(match, mark, (*decap, Output(port)))
        else:
            yield switch, DELIVER.flow(match, mark, decap, metadata=service, goto=DEMUX)
    if whole and local:
        yield switch, DEMUX.flow(Match.of(metadata=(service, LOW32)), mark, (Output(port),))
    elif not whole:
        for tags, actions in _retag(egress):
            if demand.service is not Service.LINE or tags == ANY_TAG:
                match = Match.of(metadata=(service, LOW32), vlan_vid=tags)
                yield switch, DEMUX.flow(match, mark, (*actions, Output(port)))


def _retag(egress: Endpoint) -> Iterator[tuple[int | tuple[int, int], tuple[Action, ...]]]:
    """How a tagged and an untagged frame get the egress endpoint's tag."""
    if egress.vlan is None:
        yield ANY_TAG, (PopVlan(),)
        yield UNTAGGED, ()
    else:
        write = SetField("vlan_vid", tag_of(egress))
        yield ANY_TAG, (write,)
        yield UNTAGGED, (PushVlan(), write)


# ── the core: trunks, groups, bypasses ───────────────────────────────────────────────────────────


def trunk_rules(trunk: Trunk, labelled: Labelled, bypasses: Mapping[str, Bypass]) -> Rules:
    """Transit rules of a trunk's path (and of its standby), and the trunk group that decides between them."""
    for label, path in trunk_paths(trunk):
        mark = cookie(Kind.TRUNK, label)
        match = Match.of(eth_type=ETH_MPLS, mpls_label=label)
        for group in trunk_hops(trunk, path, bypasses)[1:]:
            actions = (DecMplsTtl(), ToGroup(GROUP_BASE + labelled.groups[group.key]))
            yield group.hop.tail, TRANSIT.flow(match, mark, actions)
        yield trunk.egress, TRANSIT.flow(match, mark, (PopMpls(),), goto=DELIVER)

    label, path = active(trunk)
    first = trunk_hops(trunk, path, bypasses)[0]
    push = (PushMpls(), SetField("mpls_label", label), ToGroup(GROUP_BASE + labelled.groups[first.key]))
    number = labelled.groups[trunk_group_key(trunk.key)]
    yield trunk.ingress, Group(GROUP_BASE + number, GroupType.INDIRECT, (Bucket(push),))


def hop_group(topology: Topology, labelled: Labelled, group: HopGroup) -> Group:
    """A bare group, or a fast-failover group whose second bucket is the bypass, to a bare port."""
    hop, bypass = group.hop, group.bypass
    number = GROUP_BASE + labelled.groups[group.key]
    if bypass is None:
        return Group(number, GroupType.INDIRECT, (Bucket(send(topology, hop)),))
    way = bypass.path.hops[0]
    push: tuple[Action, ...] = () if bypass.label is None else (PushMpls(), SetField("mpls_label", bypass.label))
    return Group(
        number,
        GroupType.FAST_FAILOVER,
        (
            Bucket(send(topology, hop), watch_port=_port(topology, hop)),
            Bucket((*push, *send(topology, way)), watch_port=_port(topology, way)),
        ),
    )


def bypass_rules(topology: Topology, bypass: Bypass) -> Rules:
    """Rules of the switches inside a bypass: forward, and pop at the penultimate one."""
    if bypass.label is None:
        return
    mark = cookie(Kind.BYPASS, bypass.label)
    match = Match.of(eth_type=ETH_MPLS, mpls_label=bypass.label)
    for hop in bypass.path.hops[1:]:
        # Pop, then decrement: the other order would leave the TTL of the trunk label as it was.
        pop: tuple[Action, ...] = (PopMpls(),) if hop is bypass.path.hops[-1] else ()
        yield hop.tail, TRANSIT.flow(match, mark, (*pop, DecMplsTtl(), *send(topology, hop)))


def send(topology: Topology, hop: Hop) -> tuple[Action, ...]:
    """Rewrite the outer MACs to those of the hop's two ports, and output to the bare port."""
    return (
        SetField("eth_src", port_mac(topology.nodes[hop.tail].dpid, _port(topology, hop))),
        SetField("eth_dst", port_mac(topology.nodes[hop.head].dpid, topology.links[hop.link].port_at(hop.head))),
        Output(_port(topology, hop)),
    )


def port_mac(dpid: int, port: int) -> int:
    """``02:dd:dd:dd:pp:pp``: locally administered, low 24 bits of the datapath id, low 16 of the port."""
    return 0x02 << 40 | (dpid & 0xFFFFFF) << 16 | (port & 0xFFFF)


def _port(topology: Topology, hop: Hop) -> int:
    return topology.links[hop.link].port_at(hop.tail)


def carrier_rules(topology: Topology, switch: str, rules: RuleSet) -> Iterator[Flow]:
    """What lets MPLS in by the ports of links, on a switch that forwards or delivers any; else nothing.

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
