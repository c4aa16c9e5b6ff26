"""V2: what devices hold against what was applied."""

from __future__ import annotations

import json
from dataclasses import replace

from verify_rules import network

from sdnctl.dataplane.values import COOKIE_OWNER, Flow, Group, GroupType, Match, Meter, Output, RuleSet
from sdnctl.verify.held import Held, compare

APPLIED = network().rules


def copy(rules: RuleSet) -> RuleSet:
    return RuleSet(dict(rules.flows), dict(rules.groups), dict(rules.meters))


def test_the_same_rules_match_everywhere() -> None:
    report = compare(APPLIED, {node: copy(rules) for node, rules in APPLIED.items()})
    assert report.ok
    assert not report.diagnostics()
    assert report.counts()["matching"] == sum(len(rules) for rules in APPLIED.values())
    assert all(device.status is Held.MATCH for device in report.devices.values())


def test_every_kind_of_difference_is_told_apart() -> None:
    seen = copy(APPLIED["s1"])
    flows = list(seen.flows.values())
    del seen.flows[flows[0].key]
    seen.flows[flows[1].key] = replace(flows[1], goto=5)
    meter = next(iter(seen.meters.values()))
    seen.meters[meter.id] = replace(meter, rate=1)
    ours = Flow(3, 7, Match.of(mpls_label=77, eth_type=0x8847), COOKIE_OWNER, (Output(1),))
    foreign = Flow(0, 1, Match.of(), 0xBEEF, (Output(1),))
    seen.add(ours, foreign, Group(5, GroupType.INDIRECT, ()), Meter(9, 1, 1))
    device = compare({"s1": APPLIED["s1"]}, {"s1": seen}).devices["s1"]
    assert device.status is Held.DRIFT
    assert device.missing == (flows[0],)
    assert device.extra == (ours,)
    assert {(pair.applied, pair.observed) for pair in device.altered} == {
        (flows[1], replace(flows[1], goto=5)),
        (meter, replace(meter, rate=1)),
    }
    assert device.foreign == 3
    assert device.matching == len(APPLIED["s1"]) - 3
    assert device.summary == "1 missing, 1 extra, 2 altered"


def test_a_foreign_flow_in_our_place_is_an_alteration_not_a_foreign_rule() -> None:
    seen = copy(APPLIED["s1"])
    flow = next(iter(seen.flows.values()))
    seen.flows[flow.key] = replace(flow, cookie=0xBEEF)
    device = compare({"s1": APPLIED["s1"]}, {"s1": seen}).devices["s1"]
    assert [pair.observed.cookie for pair in device.altered if isinstance(pair.observed, Flow)] == [0xBEEF]
    assert device.foreign == 0


def test_what_could_not_be_read_is_unknown_and_never_missing() -> None:
    report = compare(APPLIED, {"s1": None, "s2": copy(APPLIED["s2"])})
    assert not report.ok
    assert report.unknown == ("s1", "s3", "s4")
    assert report.drifted == ()
    counts = report.counts()
    assert counts["missing"] == 0
    assert counts["unknown"] == sum(len(APPLIED[node]) for node in ("s1", "s3", "s4"))
    assert [item.code for item in report.diagnostics()] == ["v2-unknown"] * 3


def test_a_device_without_applied_rules_should_hold_none_of_ours() -> None:
    report = compare({}, {"old": copy(APPLIED["s1"]), "other": RuleSet.of([Flow(0, 1, Match.of(), 1)])})
    assert report.drifted == ("old",)
    assert report.devices["other"].status is Held.MATCH
    assert report.devices["other"].foreign == 1


def test_the_report_is_json() -> None:
    seen = copy(APPLIED["s1"])
    seen.flows.popitem()
    document = json.loads(json.dumps(compare({"s1": APPLIED["s1"]}, {"s1": seen}).to_json()))
    assert document["level"] == "V2"
    assert document["ok"] is False
    assert document["devices"][0]["missing"][0].startswith("cookie=")
