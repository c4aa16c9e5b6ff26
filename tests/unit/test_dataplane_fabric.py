"""Networks of in-memory switches: delivery, failover round a ring, loops, dead switches, MTU."""

from __future__ import annotations

import pytest
from switch_cases import decap, ip

from sdnctl.dataplane.fabric import MAX_HOPS, Fabric
from sdnctl.dataplane.switch import Switch
from sdnctl.dataplane.trace import Why
from sdnctl.dataplane.values import (
    ETH_MPLS,
    PORT_CONTROLLER,
    Action,
    Bucket,
    ClearInPort,
    DecMplsTtl,
    Encap,
    Flow,
    Group,
    GroupType,
    Match,
    Output,
    PopMpls,
    PushMpls,
    RuleSet,
    SetField,
    ToGroup,
)

NODES = ("s1", "s2", "s3", "s4")
CLOCKWISE, BACK, HOST = 1, 2, 9
TRUNK, BYPASS, SERVICE = 101, 702, 5001
RING = {(node, CLOCKWISE): (NODES[(index + 1) % 4], BACK) for index, node in enumerate(NODES)}


def transit(label: int, *actions: Action, goto: int | None = None) -> Flow:
    return Flow(3, 100, Match.of(eth_type=ETH_MPLS, mpls_label=label), actions=actions, goto=goto)


def link_group(bypass: int) -> Group:
    """Clockwise, or back round the ring under the bypass label."""
    second = (PushMpls(), SetField("mpls_label", bypass), Output(BACK))
    buckets = (Bucket((Output(CLOCKWISE),), watch_port=CLOCKWISE), Bucket(second, watch_port=BACK))
    return Group(12, GroupType.FAST_FAILOVER, buckets)


def ring() -> Fabric:
    """A trunk s1 → s2 → s3 whose link s2–s3 is protected by the way back over s1 and s4 (a hairpin at s2)."""
    enter = [
        Flow(0, 300, Match.of(in_port=port, eth_type=ETH_MPLS), actions=(ClearInPort(),), goto=3)
        for port in (CLOCKWISE, BACK)
    ]
    trunk = Group(
        11, GroupType.INDIRECT, (Bucket((PushMpls(), SetField("mpls_label", TRUNK), Output(CLOCKWISE))),)
    )
    ingress = (
        Encap("mpls"),
        SetField("mpls_label", SERVICE),
        Encap("ethernet"),
        ToGroup(11),
    )
    rules = {
        "s1": [
            trunk,
            Flow(0, 200, Match.of(in_port=HOST), actions=ingress),
            transit(BYPASS, DecMplsTtl(), Output(BACK)),
        ],
        "s2": [link_group(BYPASS), transit(TRUNK, DecMplsTtl(), ToGroup(12))],
        "s3": [
            transit(TRUNK, PopMpls(), goto=4),
            Flow(4, 100, Match.of(eth_type=ETH_MPLS, mpls_label=SERVICE), actions=(*decap, Output(HOST))),
        ],
        "s4": [transit(BYPASS, PopMpls(), DecMplsTtl(), Output(BACK))],
    }
    switches = {node: RuleSet.of([*enter, *rules[node]]) for node in NODES}
    return Fabric(switches, RING, edge_ports=[("s1", HOST), ("s3", HOST)])


def test_a_customer_frame_arrives_untouched() -> None:
    outcome = ring().inject("s1", HOST, bytes(ip))
    assert outcome.frames == [("s3", HOST, bytes(ip))]
    assert outcome.nodes == ["s1", "s2", "s3"]
    assert not outcome.drops
    assert outcome.delivered[0].hops == 3
    assert outcome.delivered[0].packet == ip
    assert "s2 in at port 2" in str(outcome)


def test_the_ring_hairpins_round_a_cut() -> None:
    fabric = ring()
    fabric.set_wire(("s2", CLOCKWISE), up=False)
    outcome = fabric.inject("s1", HOST, bytes(ip))
    assert outcome.frames == [("s3", HOST, bytes(ip))]
    assert outcome.nodes == ["s1", "s2", "s1", "s4", "s3"]
    fabric.set_wire(("s3", BACK), up=True)
    assert fabric.inject("s1", HOST, bytes(ip)).nodes == ["s1", "s2", "s3"]


def test_a_second_cut_drops_and_does_not_circle() -> None:
    fabric = ring()
    fabric.fail([("s2", CLOCKWISE), ("s4", BACK)])
    outcome = fabric.inject("s1", HOST, bytes(ip))
    assert not outcome.delivered
    assert [(drop.node, drop.why) for drop in outcome.drops] == [("s4", Why.PORT_DOWN)]
    fabric.fail()
    assert fabric.inject("s1", HOST, bytes(ip)).delivered


def test_down_ports_can_be_given_at_once() -> None:
    rules = ring().switches
    fabric = Fabric(
        {node: switch.rules for node, switch in rules.items()}, RING, [("s3", BACK)], edge_ports=[("s1", HOST)]
    )
    assert not fabric.switches["s2"].ports[CLOCKWISE].up


def test_a_dead_switch_takes_its_wires_along() -> None:
    fabric = ring()
    fabric.fail(dead=["s3"])
    assert not fabric.switches["s2"].ports[CLOCKWISE].up
    outcome = fabric.inject("s1", HOST, bytes(ip))
    assert not outcome.delivered
    assert not outcome.looped
    assert fabric.inject("s3", HOST, bytes(ip)).drops[0].why is Why.PORT_DOWN


def test_a_protected_bypass_ends_by_its_ttl() -> None:
    """The mistake that the pipeline forbids: two switches whose second buckets point at each other."""
    enter = Flow(0, 300, Match(), actions=(ClearInPort(),), goto=3)
    forth = RuleSet.of([enter, transit(TRUNK, DecMplsTtl(), Output(CLOCKWISE))])
    fabric = Fabric(dict.fromkeys(NODES, forth), RING, edge_ports=[("s1", HOST)])
    frame = bytes(ip)[:12] + b"\x88\x47" + (TRUNK << 12 | 1 << 8 | 64).to_bytes(4, "big")
    outcome = fabric.inject("s1", HOST, frame)
    assert [drop.why for drop in outcome.drops] == [Why.TTL]
    assert len(outcome.hops) == 64


def test_what_has_no_ttl_is_reported_as_a_loop() -> None:
    forth = RuleSet.of([Flow(0, 1, Match(), actions=(ClearInPort(), Output(CLOCKWISE)))])
    fabric = Fabric(dict.fromkeys(NODES, forth), RING, edge_ports=[("s1", HOST)])
    outcome = fabric.inject("s1", HOST, bytes(ip))
    assert outcome.looped
    assert len(outcome.hops) == MAX_HOPS


def test_copies_that_multiply_end_too() -> None:
    flood = RuleSet.of([Flow(0, 1, Match(), actions=(ClearInPort(), Output(CLOCKWISE), Output(BACK)))])
    fabric = Fabric(dict.fromkeys(NODES, flood), RING, edge_ports=[("s1", HOST)])
    assert fabric.inject("s1", HOST, bytes(ip)).looped


def test_mtu_of_one_end() -> None:
    fabric = ring()
    fabric = Fabric(fabric.switches, RING, mtu={("s2", CLOCKWISE): 57}, edge_ports=[("s3", HOST)])
    outcome = fabric.inject("s1", HOST, bytes(ip))
    assert [(drop.node, drop.why) for drop in outcome.drops] == [("s2", Why.MTU)]


def test_what_goes_to_the_controller_is_apart() -> None:
    fabric = Fabric({"s": Switch(RuleSet.of([Flow(0, 1, Match(), actions=(Output(PORT_CONTROLLER),))]), (1,))})
    outcome = fabric.inject("s", 1, bytes(ip))
    assert not outcome.delivered
    assert [item.frame for item in outcome.to_controller] == [bytes(ip)]


def test_two_wires_at_one_port_are_refused() -> None:
    with pytest.raises(ValueError, match="two wires at port 1 of s1"):
        Fabric({"s1": RuleSet(), "s2": RuleSet()}, {("s1", 1): ("s2", 1), ("s2", 2): ("s1", 1)})
