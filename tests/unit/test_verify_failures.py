"""V1 while something fails or is down: protection that does not carry is found, with the failure that shows it."""

from __future__ import annotations

from dataclasses import replace

from verify_claims import codes, flow_of, put, verdict
from verify_rules import (
    CLASS,
    LEAF_A,
    ROOT,
    Hand,
    both_ways,
    network,
    path,
)

from sdnctl.compiler.ir import Settings
from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    ETH_MPLS,
    Bucket,
    DecMplsTtl,
    Flow,
    GroupType,
    Match,
    Output,
    PopMpls,
    ToGroup,
)
from sdnctl.intents.demand import Grade, Service
from sdnctl.topology.graph import Srlg, Topology
from sdnctl.units import Length
from sdnctl.verify.report import Report
from sdnctl.verify.v1 import verify

# ── failures ─────────────────────────────────────────────────────────────────────────────────────


def test_a_missing_second_bucket_is_found_only_under_the_failure() -> None:
    hand = network()
    group = next(item for item in hand.rules["s1"].groups.values() if item.type is GroupType.FAST_FAILOVER)
    hand.rules["s1"].groups[group.id] = replace(group, buckets=group.buckets[:1])
    found = verdict(hand.verify(), "cam/root>a").violations
    assert {item.failure for item in found} == {"l12", "duct:d12"}
    assert all(item.code == "blackhole" for item in found)


def test_the_hairpin_of_a_bypass_needs_a_cleared_in_port() -> None:
    hand = network()
    flow = flow_of(hand, "s2", 0, in_port=2)
    put(hand, "s2", flow, actions=())
    found = verdict(hand.verify(), "cam/root>a").violations
    assert {(item.code, item.failure) for item in found} == {("blackhole", "l23")}
    assert "where the packet came in" in found[0].detail


def test_protection_of_a_bypass_is_a_fault_although_no_single_failure_shows_it() -> None:
    hand = network()
    label = next(iter(hand.bypasses.values()))
    node, flow = next(
        (node, flow)
        for node, rules in hand.rules.items()
        for flow in rules.flows.values()
        if flow.match.get("mpls_label") == (label, 0xFFFFF) and PopMpls() not in flow.actions
    )
    failover = next(item.id for item in hand.rules[node].groups.values() if item.type is GroupType.FAST_FAILOVER)
    kept = tuple(action for action in flow.actions if not isinstance(action, Output))
    put(hand, node, flow, actions=(*kept, ToGroup(failover)))
    assert "protected-bypass" in codes(hand.verify())


def test_decrementing_before_the_pop_is_a_fault_of_ttl() -> None:
    hand = network()
    node, flow = next(
        (node, flow)
        for node, rules in hand.rules.items()
        for flow in rules.flows.values()
        if flow.actions[:2] == (PopMpls(), DecMplsTtl())
    )
    put(hand, node, flow, actions=(DecMplsTtl(), PopMpls(), *flow.actions[2:]))
    assert codes(hand.verify()) == {"ttl"}


def test_labels_that_circle_are_found_without_any_demand() -> None:
    hand = Hand()
    topology = hand.topology
    for step in path(topology, "s1", "s2", "s3", "s4", "s1").hops:
        hand.transit(step.tail, 777, (DecMplsTtl(), *hand.out(step)))
    report = hand.verify()
    assert codes(report) == {"loop"}
    assert "label 777 circles" in report.faults[0].detail


def test_a_circle_that_only_a_failure_closes_is_found_with_its_name() -> None:
    hand = Hand()
    topology = hand.topology
    forward, back = path(topology, "s1", "s2", "s3"), path(topology, "s2", "s1")
    turn = hand.group(
        "s2",
        GroupType.FAST_FAILOVER,
        Bucket(hand.out(forward.hops[1]), 1),
        Bucket(hand.out(back.hops[0]), 2),
    )
    hand.transit("s1", 888, (DecMplsTtl(), *hand.out(forward.hops[0])))
    hand.transit("s2", 888, (DecMplsTtl(), ToGroup(turn)))
    hand.transit("s3", 888, (PopMpls(),), goto=4)
    loops = [item for item in hand.verify().faults if item.code == "loop"]
    assert {item.failure for item in loops} >= {"l23", "s3"}
    assert "" not in {item.failure for item in loops}


def test_a_rule_for_every_label_is_a_leak_of_unknown_ones() -> None:
    hand = network()
    hand.rules["s2"].add(Flow(3, 50, Match.of(eth_type=ETH_MPLS), COOKIE_OWNER, (DecMplsTtl(), Output(1))))
    assert "unknown-label" in codes(hand.verify())


def test_four_labels_are_a_drop() -> None:
    hand = network()
    group = next(item for item in hand.rules["s1"].groups.values() if item.type is GroupType.FAST_FAILOVER)
    first = group.buckets[1]
    inner = hand.group("s1", GroupType.INDIRECT, Bucket(first.actions))
    wrapped = Bucket((*first.actions[:2], ToGroup(inner)), first.watch_port)
    hand.rules["s1"].groups[group.id] = replace(group, buckets=(group.buckets[0], wrapped))
    found = verdict(hand.verify(), "cam/root>a").violations
    assert any("label number 4" in item.detail for item in found)


# ── standby ──────────────────────────────────────────────────────────────────────────────────────


def disjoint() -> Hand:
    hand = Hand()
    one, other = both_ways("sluice", Service.TREE, ROOT, LEAF_A, grade=Grade.DISJOINT)
    hand.demand(one, "s1", "s2", "s3", standby=("s1", "s4", "s3"))
    hand.demand(other, "s3", "s2", "s1", standby=("s3", "s4", "s1"))
    return hand


def test_a_standby_that_carries_and_shares_nothing_holds() -> None:
    report = disjoint().verify()
    assert report.ok, report.diagnostics()


def test_a_standby_without_rules_is_found_before_it_is_needed() -> None:
    hand = disjoint()
    flow = flow_of(hand, "s4", 3, mpls_label=1001)
    del hand.rules["s4"].flows[flow.key]
    found = verdict(hand.verify(), "sluice/root>a").violations
    assert {item.code for item in found} == {"blackhole"}
    assert found[0].detail.startswith("after the flip")


def test_a_standby_that_shares_a_risk_or_is_not_there() -> None:
    hand = disjoint()
    topology = hand.topology
    shared = Srlg("segment:quay", "segment", frozenset(("l23", "l41")), metres=Length(900.0))
    hand.topology = Topology(topology.nodes, topology.links, {**topology.srlgs, shared.id: shared})
    found = verdict(hand.verify(), "sluice/root>a").violations
    assert "working and standby path share segment:quay" in {item.detail for item in found}
    key = ("s1", "s2", "s3", Grade.DISJOINT)
    hand = disjoint()
    hand.trunks[key] = replace(hand.trunks[key], standby=None, standby_label=None)
    assert {item.code for item in verdict(hand.verify(), "sluice/root>a").violations} == {"standby"}


def test_a_standby_over_a_link_that_is_down_is_gone_not_wrong() -> None:
    one = verdict(verify_down(disjoint(), "l34", "l34b"), "sluice/root>a")
    assert "its standby is gone: l34 is down" in {loss.reason for loss in one.exposed}
    assert "standby" not in {item.code for item in one.violations}


# ── while links are down ─────────────────────────────────────────────────────────────────────────


def verify_down(hand: Hand, *down: str) -> Report:
    return verify(
        hand.topology,
        Settings("ring"),
        {"video": CLASS},
        hand.demands,
        hand.trunks.values(),
        hand.rules,
        down=down,
    )


def test_what_runs_on_its_repair_has_spent_its_protection() -> None:
    report = verify_down(network(), "l12")
    hit, spared = verdict(report, "cam/root>a"), verdict(report, "vlan/u>v")
    assert not hit.violations
    assert hit.path == ("s1", "s4", "s3", "s2", "s3")
    assert "its protection is spent: l12 is down" in {loss.reason for loss in hit.exposed}
    assert spared.path == ("s2", "s3")


def test_a_bypass_that_is_down_is_protection_lost_until_the_grade_says_so() -> None:
    hand = network()
    found = verdict(verify_down(hand, "l12"), "port/x>y").violations
    assert {(item.code, item.failure) for item in found} == {("blackhole", "l41")}
    key = ("s1", "s4", Grade.LOCAL)
    hand.trunks[key] = replace(hand.trunks[key], grade=Grade.NONE)
    degraded = verdict(verify_down(hand, "l12"), "port/x>y")
    assert not degraded.violations
    assert degraded.remarks == ("has grade none while l12 is down",)
    assert verdict(verify_down(hand), "port/x>y").status == "ok", (
        "with everything up the demand's own grade counts"
    )


def test_a_weaker_trunk_is_no_excuse_while_everything_is_up() -> None:
    hand = network()
    key = ("s1", "s4", Grade.LOCAL)
    hand.trunks[key] = replace(hand.trunks[key], grade=Grade.NONE)
    group = next(
        item
        for item in hand.rules["s1"].groups.values()
        if item.type is GroupType.FAST_FAILOVER and item.buckets[0].watch_port == 2
    )
    hand.rules["s1"].groups[group.id] = replace(group, buckets=group.buckets[:1])
    assert ("blackhole", "l41") in {(i.code, i.failure) for i in verdict(hand.verify(), "port/x>y").violations}
