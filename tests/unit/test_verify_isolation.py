"""V1 on frames of no demand and on rules that no switch would take: leaks, shared meters, malformed rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from verify_claims import codes, flow_of, put, verdict
from verify_rules import (
    PORT_X,
    PORT_Y,
    Hand,
    both_ways,
    endpoint,
    network,
    path,
)

from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    ETH_MPLS,
    GROUP_BASE,
    Bucket,
    Flow,
    GroupType,
    Match,
    Output,
    SetField,
    ToGroup,
)
from sdnctl.intents.demand import Service

# ── leaks and isolation ──────────────────────────────────────────────────────────────────────────


WIDER: dict[str, Callable[[Flow], Match]] = {
    "no MAC": lambda flow: Match(tuple(entry for entry in flow.match if entry[0] != "eth_src")),
    "no source": lambda flow: Match(tuple(entry for entry in flow.match if entry[0] != "ipv4_src")),
    "any tag": lambda flow: Match(tuple(entry for entry in flow.match if entry[0] != "vlan_vid")),
    "any port": lambda flow: Match(tuple(entry for entry in flow.match if entry[0] != "in_port")),
}


@pytest.mark.parametrize("name", WIDER)
def test_frames_of_no_demand_that_are_admitted_are_a_leak(name: str) -> None:
    hand = network()
    flow = flow_of(hand, "s3", 0, in_port=10, eth_type=0x0800, ipv4_dst=0x0A000000)
    put(hand, "s3", flow, match=WIDER[name](flow))
    leaks = [item for item in hand.verify().faults if item.code == "leak"]
    assert len(leaks) == 1
    assert leaks[0].detail.startswith("s3")


def test_leaf_to_leaf_is_a_leak_that_names_where_it_comes_out() -> None:
    hand = network()
    flow = flow_of(hand, "s3", 0, in_port=10, eth_type=0x0800, ipv4_dst=0x0A000000)
    other = Match.of(
        **{name: (value, mask) for name, value, mask in flow.match if name != "ipv4_dst"}, ipv4_dst=0x0A000207
    )
    hand.rules["s3"].add(replace(flow, match=other))
    leak = next(item for item in hand.verify().faults if item.code == "leak")
    assert "s3:10 admits frames of no demand and delivers them to s1:10" in leak.detail
    assert leak.trace


def test_an_admitting_rule_below_a_dropping_one_is_no_leak() -> None:
    hand = network()
    hand.rules["s1"].add(Flow(0, 100, Match.of(in_port=12, eth_type=0x86DD), COOKIE_OWNER, goto=1))
    hand.rules["s1"].add(Flow(0, 150, Match.of(in_port=12, eth_type=0x86DD), COOKIE_OWNER))
    assert hand.verify().ok


def test_frames_without_label_may_not_come_in_by_a_trunk_port() -> None:
    hand = network()
    hand.rules["s1"].add(Flow(0, 100, Match.of(in_port=1), COOKIE_OWNER, metadata=(5, 0xFFFFFFFF), goto=1))
    assert "leak" in codes(hand.verify())


def test_forged_labels_from_an_edge_port_are_a_leak() -> None:
    hand = network()
    hand.rules["s1"].add(Flow(0, 300, Match.of(in_port=12, eth_type=ETH_MPLS), COOKIE_OWNER, goto=3))
    assert "leak" in codes(hand.verify())


def test_frames_delivered_to_somebody_else_are_a_leak_even_under_a_failure_nobody_covers() -> None:
    hand = network()
    trunk = hand.bare(path(hand.topology, "s3", "s4").hops[0])
    group = hand.rules["s3"].groups[trunk]
    spare = Bucket((Output(11),), 11)
    ff = replace(group, type=GroupType.FAST_FAILOVER, buckets=(replace(group.buckets[0], watch_port=1), spare))
    hand.rules["s3"].groups[trunk] = ff
    found = verdict(hand.verify(), "east/p>q").violations
    assert {item.code for item in found} == {"leak"}
    assert "l34" in {item.failure for item in found}


def test_meters_and_service_labels_are_not_shared() -> None:
    hand = network()
    flow = flow_of(hand, "s1", 1, metadata=3)
    put(hand, "s1", flow, meter=flow_of(hand, "s1", 1, metadata=1).meter)
    assert "isolation" in {item.code for item in verdict(hand.verify(), "cam/root>b").violations}


def test_an_exclusive_demand_shares_no_trunk_with_another_tenant() -> None:
    hand = Hand()
    shared = [
        both_ways("one", Service.LINE, PORT_X, PORT_Y, exclusive=True),
        both_ways("two", Service.LINE, endpoint("x2", "s1", 21), endpoint("y2", "s4", 21)),
    ]
    for pair in shared:
        for demand, nodes in zip(pair, ("s1 s4", "s4 s1"), strict=True):
            hand.demand(demand, *nodes.split())
    report = hand.verify()
    assert {item.code for item in verdict(report, "one/x>y").violations} == {"isolation"}
    assert not verdict(report, "two/x2>y2").violations


# ── rules that no switch would take ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (Flow(3, 10, Match.of(ipv4_dst=1)), "malformed"),
        (Flow(3, 10, Match.of(eth_type=ETH_MPLS, mpls_label=500), goto=3), "malformed"),
        (Flow(3, 10, Match.of(eth_type=ETH_MPLS, mpls_label=(512, 0xFFF00))), "malformed"),
        (Flow(3, 10, Match.of(eth_type=ETH_MPLS, mpls_label=500), actions=(ToGroup(GROUP_BASE),)), "no-group"),
        (Flow(3, 10, Match.of(eth_type=ETH_MPLS, mpls_label=500), meter=9), "no-meter"),
        (Flow(3, 10, Match.of(eth_type=ETH_MPLS, mpls_label=500), actions=(Output(99),)), "unknown-port"),
        (
            Flow(3, 10, Match.of(eth_type=ETH_MPLS, mpls_label=500), actions=(SetField("mpls_label", 3),)),
            "reserved-label",
        ),
    ],
)
def test_malformed_rules(rule: Flow, code: str) -> None:
    hand = network()
    hand.rules["s4"].add(rule)
    assert code in codes(hand.verify())


def test_rules_of_a_switch_that_is_not_in_the_topology() -> None:
    hand = network()
    hand.rules["s9"] = hand.rules["s4"]
    assert codes(hand.verify()) == {"unknown-switch"}
