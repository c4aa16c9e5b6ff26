"""V1, claim by claim: correct rules pass, and each kind of fault is named with a counterexample."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from verify_rules import (
    CLASS,
    LEAF_A,
    PORT_X,
    PORT_Y,
    ROOT,
    Hand,
    both_ways,
    endpoint,
    link,
    network,
    path,
    ring,
)

from sdnctl.compiler.ir import Settings
from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    ETH_MPLS,
    GROUP_BASE,
    Bucket,
    DecMplsTtl,
    Flow,
    GroupType,
    Match,
    Output,
    PopMpls,
    SetField,
    ToGroup,
)
from sdnctl.intents.demand import Demand, Grade, Service
from sdnctl.topology.graph import Srlg, Topology
from sdnctl.units import Delay, Length, Octets
from sdnctl.verify.report import Report, Verdict
from sdnctl.verify.v1 import verify


def verdict(report: Report, demand: str) -> Verdict:
    return next(item for item in report.verdicts if item.demand == demand)


def codes(report: Report) -> set[str]:
    return {item.code.removeprefix("v1-") for item in report.diagnostics()}


def flow_of(hand: Hand, node: str, table: int, **fields: int) -> Flow:
    """The flow of a table whose match has these exact values."""
    for flow in hand.rules[node].flows.values():
        if flow.table == table and all((flow.match.get(name) or (None,))[0] == fields[name] for name in fields):
            return flow
    raise AssertionError(f"no flow at {node} table {table} {fields}")


def put(hand: Hand, node: str, flow: Flow, **changes: object) -> None:
    """Change one flow of a switch."""
    del hand.rules[node].flows[flow.key]
    changed = replace(flow, **changes)  # type: ignore[arg-type]
    hand.rules[node].flows[changed.key] = changed


# ── correct rules ────────────────────────────────────────────────────────────────────────────────


def test_rules_written_by_hand_from_the_documentation_hold() -> None:
    report = network().verify()
    assert report.ok, report.diagnostics()
    assert report.checked.failures == 11
    assert report.checked.demands == 12
    one = verdict(report, "cam/root>a")
    assert one.path == ("s1", "s2", "s3")
    assert one.delay == 10.0
    assert (one.worst_delay, one.worst_failure) == (20.0, "l12")  # back at s1's other side of the ring
    assert [loss.failure for loss in one.residual] == ["building:site2"]
    assert {loss.failure for loss in one.exposed} == {"s1", "s2", "s3"}  # deaths that `local` does not cover


def test_grade_none_is_delivered_and_every_failure_on_its_way_is_named_as_exposed() -> None:
    report = network().verify()
    one = verdict(report, "east/p>q")
    assert one.status == "ok"
    assert {loss.failure for loss in one.exposed} == {"l34", "s3", "s4"}


def test_the_report_is_json_and_sums_up_by_application() -> None:
    report = network().verify()
    document = json.loads(json.dumps(report.to_json()))
    assert document["ok"] is True
    assert document["worst_delay_us"] == 20.0
    cam = next(item for item in document["applications"] if item["application"] == "cam")
    assert (cam["demands"], cam["ok"], cam["residual"]) == (6, 6, ["building:site2"])


def test_no_rules_at_all_is_a_blackhole_for_everyone() -> None:
    hand = network()
    for rules in hand.rules.values():
        rules.flows.clear()
    report = hand.verify()
    assert all("blackhole" in {item.code for item in one.violations} for one in report.verdicts)


def test_nothing_to_carry_and_no_rules_holds() -> None:
    hand = Hand()
    assert hand.verify().ok


# ── delivery ─────────────────────────────────────────────────────────────────────────────────────


def test_a_counterexample_tells_the_way_rule_by_rule() -> None:
    hand = network()
    flow = flow_of(hand, "s2", 3, mpls_label=1000)
    del hand.rules["s2"].flows[flow.key]
    one = verdict(hand.verify(), "cam/root>a")
    violation = next(item for item in one.violations if item.code == "blackhole")
    assert "no rule for label 1000" in violation.detail
    assert violation.trace[0].startswith("s1 table 0 priority 200")
    assert violation.trace[-1].startswith("s2 drop")


def test_part_of_a_space_that_a_rule_takes_away_is_found_although_most_frames_arrive() -> None:
    hand = network()
    hijack = Match.of(in_port=10, eth_type=0x0800, ipv4_dst=(0x0A000180, 0xFFFFFFFF), vlan_vid=0)
    hand.rules["s1"].add(Flow(0, 250, hijack, COOKIE_OWNER))
    one = verdict(hand.verify(), "cam/root>a")
    assert [item.code for item in one.violations][:1] == ["blackhole"]
    assert "ipv4_dst=0xa000180" in one.violations[0].detail


def test_rules_of_equal_priority_that_overlap_are_ambiguous() -> None:
    hand = network()
    clash = Match.of(in_port=10, eth_type=0x0800, ipv4_src=(0x0A000000, 0xFFFFFF00), vlan_vid=0)
    hand.rules["s1"].add(Flow(0, 200, clash, COOKIE_OWNER, goto=1))
    assert "ambiguous" in {item.code for item in verdict(hand.verify(), "cam/root>a").violations}


def test_two_demands_that_claim_the_same_frames_are_refused() -> None:
    hand = network()
    twin = replace(hand.demands[0], id="other/root>a", application="other")
    hand.demands.append(twin)
    found = {item.code for item in verdict(hand.verify(), "other/root>a").violations}
    assert "ambiguous" in found


def test_a_tree_between_ends_of_different_families_carries_nothing() -> None:
    hand = Hand()
    six = endpoint("six", "s2", 40, "2001:db8:9::/64")
    four = endpoint("four", "s1", 40, "10.9.0.0/24")
    hand.demands += both_ways("mixed", Service.TREE, six, four)
    assert codes(hand.verify()) == {"vacuous"}


def test_a_frame_that_does_not_fit_is_lost_also_on_the_bypass_alone() -> None:
    topology = ring()
    small = link("l34b", "s3", 3, "s4", 3, mtu=1529)  # 1,500 + 22 + two labels is one more
    hand = Hand(Topology(topology.nodes, {**topology.links, "l34b": small}, topology.srlgs))
    for demand, nodes in zip(
        both_ways("p", Service.LINE, endpoint("p", "s3", 12), endpoint("q", "s4", 12)),
        ("s3 s4", "s4 s3"),
        strict=True,
    ):
        hand.demand(demand, *nodes.split())
    found = verdict(hand.verify(), "p/p>q").violations
    assert {(item.code, item.failure) for item in found} == {("mtu", "l34")}


def test_frames_count_once_even_if_a_second_copy_dies() -> None:
    hand = network()
    flow = flow_of(hand, "s4", 4, mpls_label=hand.services["port", "y"])
    put(hand, "s4", flow, actions=(*flow.actions, Output(11)))
    assert "duplicate" in {item.code for item in verdict(hand.verify(), "port/x>y").violations}


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


# ── what is owed on delivery ─────────────────────────────────────────────────────────────────────


def single(demand: Demand, hand: Hand | None = None) -> Report:
    hand = hand or Hand()
    hand.demand(demand, "s1", "s2", "s3")
    return hand.verify()


def cam(**changes: object) -> Demand:
    return both_ways("cam", Service.TREE, ROOT, LEAF_A, **changes)[0]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"latency": Delay(9.0)}, "latency"),
        ({"latency": Delay(19.0)}, "latency"),  # holds with everything up, not on the way round
        ({"avoid": frozenset(("l23",))}, "avoid"),
        ({"avoid": frozenset(("s2",))}, "avoid"),
        ({"avoid": frozenset(("site2",))}, "avoid"),
        ({"avoid": frozenset(("duct:d12",))}, "avoid"),
        ({"avoid": frozenset(("l41",))}, "avoid"),  # only the bypass meets it
    ],
)
def test_guarantees_of_the_way(changes: dict[str, object], code: str) -> None:
    assert codes(single(cam(**changes))) == {code}


def test_guarantees_that_hold() -> None:
    assert single(cam(latency=Delay(20.0), avoid=frozenset(("l34b", "nowhere")))).ok


def test_a_wrong_queue_class_rate_or_tag_is_named() -> None:
    hand = network()
    encap = flow_of(hand, "s1", 2, metadata=1)
    actions = tuple(
        SetField("mpls_tc", 1) if isinstance(item, SetField) and item.name == "mpls_tc" else item
        for item in encap.actions
    )
    put(hand, "s1", encap, actions=actions)
    police = flow_of(hand, "s1", 1, metadata=1)
    put(hand, "s1", police, actions=())
    meter = hand.rules["s1"].meters[police.meter or 0]
    hand.rules["s1"].meters[meter.id] = replace(meter, rate=meter.rate - 1)
    demux = flow_of(hand, "s3", 5, metadata=hand.services["cam", "a"], vlan_vid=0)
    put(hand, "s3", demux, actions=(Output(10),))
    found = {item.code for item in verdict(hand.verify(), "cam/root>a").violations if not item.failure}
    assert found == {"class", "queue", "meter", "tags"}


def test_a_way_that_was_not_admitted_is_named_although_everything_arrives() -> None:
    hand = network()
    key = ("s1", "s4", Grade.LOCAL)
    hand.trunks[key] = replace(hand.trunks[key], path=path(hand.topology, "s1", "s2", "s3", "s4"))
    assert {item.code for item in verdict(hand.verify(), "port/x>y").violations} == {"path"}


def test_outer_addresses_belong_to_their_ports() -> None:
    hand = network()
    group = next(item for item in hand.rules["s1"].groups.values() if item.type is GroupType.FAST_FAILOVER)
    first = group.buckets[0]
    moved = tuple(
        SetField("eth_dst", 0x020000FF0001) if item == first.actions[0] else item for item in first.actions
    )
    hand.rules["s1"].groups[group.id] = replace(group, buckets=(replace(first, actions=moved), group.buckets[1]))
    assert codes(hand.verify()) == {"macs"}


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


def test_a_demand_of_a_larger_mtu_than_the_links_carry() -> None:
    assert "mtu" in codes(single(cam(mtu=Octets(1600))))
