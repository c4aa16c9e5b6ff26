"""V1, claim by claim: correct rules pass, and what does not arrive as owed is named with a counterexample."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from verify_claims import cam, codes, flow_of, put, single, verdict
from verify_rules import (
    Hand,
    both_ways,
    endpoint,
    link,
    network,
    path,
    ring,
)

from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    Flow,
    GroupType,
    Match,
    Output,
    SetField,
)
from sdnctl.intents.demand import Grade, Service
from sdnctl.topology.graph import Topology
from sdnctl.units import Delay, Octets

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


# ── what is owed on delivery ─────────────────────────────────────────────────────────────────────


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


def test_a_demand_of_a_larger_mtu_than_the_links_carry() -> None:
    assert "mtu" in codes(single(cam(mtu=Octets(1600))))
