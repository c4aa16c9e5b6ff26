"""What changes do to a switch's rules, how to get back, and how they are cut into parts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdnctl.dataplane.rulebook import Rulebook
from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    GROUP_BASE,
    METER_BASE,
    Bucket,
    Encap,
    Flow,
    FlowKey,
    Group,
    GroupType,
    Match,
    Meter,
    Output,
    RuleSet,
    SetField,
    ToGroup,
)
from sdnctl.errors import Diagnostic
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import Capabilities
from sdnctl.southbound.openflow.checks import Checks
from sdnctl.southbound.openflow.mirror import Touched, applied, groups_of_group, restoring
from sdnctl.southbound.openflow.transaction import BUNDLE_SIZE, segments
from sdnctl.testing import samples

CAN = Capabilities(
    tables=254,
    bundles=True,
    groups=frozenset({"indirect", "ff"}),
    meters=1000 + METER_BASE,
    encapsulations=frozenset({"mpls"}),
)


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    """Small consistent rule sets whose identities overlap from one to the next."""
    rules = RuleSet()
    meters = draw(st.sets(st.integers(0, 3)))
    rules.add(*(Meter(METER_BASE + number, draw(st.integers(1, 2)), 10) for number in sorted(meters)))
    groups = sorted(draw(st.sets(st.integers(0, 4))), reverse=draw(st.booleans()))
    for index, number in enumerate(groups):
        last = (
            ToGroup(GROUP_BASE + draw(st.sampled_from(groups[:index])))
            if index and draw(st.booleans())
            else Output(draw(st.integers(1, 3)))
        )
        rules.add(Group(GROUP_BASE + number, GroupType.INDIRECT, (Bucket((last,)),)))
    for number in draw(st.sets(st.integers(0, 5))):
        action = (
            ToGroup(GROUP_BASE + draw(st.sampled_from(groups))) if groups and draw(st.booleans()) else Output(1)
        )
        meter = METER_BASE + draw(st.sampled_from(sorted(meters))) if meters and draw(st.booleans()) else None
        cookie = COOKIE_OWNER + draw(st.integers(0, 2))
        rules.add(Flow(0, 10, Match.of(in_port=number + 1), cookie, (action,), meter=meter))
    return rules


@settings(max_examples=80)
@given(rule_sets(), rule_sets())
def test_restoring_leads_back(wanted: RuleSet, current: RuleSet) -> None:
    """A switch takes the changes in their order, and holds exactly what was wanted."""
    touched = Touched()
    for rule in (*wanted, *current):
        touched.add(rule)
    changes = restoring(current, wanted, touched)
    switch = Rulebook(current)
    for change in changes:
        if isinstance(change.rule, Group) and change.op is not Op.DELETE:
            assert all(number in switch.rules.groups for number in groups_of_group(change.rule))
        if change.op is Op.DELETE:
            assert not switch.delete(change.rule), "a deletion took a flow along that should stay or go by itself"
        elif change.op is Op.MODIFY and not isinstance(change.rule, Flow):
            switch.modify(change.rule)
        else:
            switch.add(change.rule)
    assert switch.rules == wanted
    assert applied(current, changes)[0] == wanted
    assert restoring(wanted, wanted, touched) == []


@settings(max_examples=80)
@given(rule_sets(), st.data())
def test_applied_is_what_a_switch_does(rules: RuleSet, data: st.DataObject) -> None:
    """Deletions in any order take the same flows along in the mirror as in the switch, and those are touched."""
    victims = data.draw(st.permutations(list(rules)))[: data.draw(st.integers(0, 6))]
    changes = [Change(Op.DELETE, rule, rule) for rule in victims]
    extra = Flow(0, 11, Match.of(in_port=9), COOKIE_OWNER, (Output(1),))
    changes.insert(data.draw(st.integers(0, len(changes))), Change(Op.ADD, extra))
    switch = Rulebook(rules)
    for change in changes:
        switch.delete(change.rule) if change.op is Op.DELETE else switch.add(change.rule)
    after, touched = applied(rules, changes)
    assert after == switch.rules
    gone = rules.flows.keys() - after.flows.keys()
    assert gone <= touched.flows.keys()


def test_untouched_rules_are_left_alone() -> None:
    flow, other = samples.classify(1), samples.classify(2)
    touched = Touched()
    touched.add(flow)
    current, wanted = RuleSet.of((replace(flow, goto=9),)), RuleSet.of((flow, other))
    assert restoring(current, wanted, touched) == [Change(Op.MODIFY, flow, replace(flow, goto=9))]


def test_a_ring_of_groups_ends() -> None:
    ring = [
        Group(GROUP_BASE + number, GroupType.INDIRECT, (Bucket((ToGroup(GROUP_BASE + (number + 1) % 3),)),))
        for number in range(3)
    ]
    touched = Touched()
    for group in ring:
        touched.add(group)
    assert {change.rule for change in restoring(RuleSet(), RuleSet.of(ring), touched)} == set(ring)


# ── parts ────────────────────────────────────────────────────────────────────────────────────────

FLOW, METER = Change(Op.ADD, samples.classify(1)), Change(Op.ADD, samples.meter())


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4000)), max_size=6))
def test_segments_cover_everything_in_order(runs: list[tuple[bool, int]]) -> None:
    changes = [METER if meter else FLOW for meter, count in runs for _ in range(count)]
    parts = list(segments(changes, bundles=True))
    assert [index for start, stop in parts for index in range(start, stop)] == list(range(len(changes)))
    for start, stop in parts:
        kinds = {change is METER for change in changes[start:stop]}
        assert len(kinds) == 1
        assert kinds == {True} or stop - start <= BUNDLE_SIZE
    assert list(segments(changes, bundles=False)) == ([(0, len(changes))] if changes else [])


# ── checks ───────────────────────────────────────────────────────────────────────────────────────


def check(
    changes: list[Change], held: RuleSet, foreign: Collection[FlowKey] = (), can: Capabilities = CAN
) -> list[Diagnostic]:
    return Checks("pop", changes, held, foreign, can).faults(changes)


def codes(rule: Flow | Group | Meter, held: RuleSet | None = None, can: Capabilities = CAN) -> list[str]:
    if isinstance(rule, Flow):
        rule = replace(rule, cookie=rule.cookie | COOKIE_OWNER)
    faults = check([Change(Op.ADD, rule)], held or RuleSet(), {samples.classify(3).key}, can)
    assert all("pop" in fault.summary for fault in faults)
    return [fault.code for fault in faults]


LABEL = Match.of(eth_type=0x8847, mpls_label=77)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (samples.classify(1), []),
        (samples.classify(3), ["foreign-rule"]),
        (Flow(254, 1, Match()), ["absent-table"]),
        (Flow(3, 1, Match(), goto=3), ["bad-goto"]),
        (Flow(3, 1, Match(), goto=254), ["bad-goto"]),
        (Flow(3, 1, Match.of(mpls_label=77)), ["bad-match"]),
        (Flow(3, 1, LABEL, actions=(ToGroup(5),)), ["absent-group"]),
        (Flow(3, 1, LABEL, meter=5), ["absent-meter"]),
        (Group(GROUP_BASE + 5, GroupType.INDIRECT, (Bucket((ToGroup(6),)),)), ["absent-group"]),
        (Group(GROUP_BASE + 5, GroupType.SELECT, (Bucket((Output(6),)),)), ["unsupported-group"]),
        (Meter(METER_BASE + 1001, 1, 1), ["unsupported-meter"]),
        (Flow(3, 1, Match.of(mpls_label=77), goto=1, meter=5), ["bad-goto", "bad-match", "absent-meter"]),
    ],
)
def test_checks(rule: Flow | Group | Meter, expected: list[str]) -> None:
    assert codes(rule) == expected


@pytest.mark.parametrize("op", Op)
@pytest.mark.parametrize("rule", [Flow(3, 1, Match(), 1), Group(5, GroupType.ALL, ()), Meter(5, 1, 1)])
def test_nothing_is_done_to_what_is_not_ours(rule: Flow | Group | Meter, op: Op) -> None:
    faults = check([Change(op, rule)], RuleSet())
    assert "foreign-rule" in [fault.code for fault in faults]
    assert f"will not {op}" in faults[0].summary


def test_encapsulation_is_checked() -> None:
    encap = Flow(2, 1, Match(), actions=(Encap("mpls"), SetField("mpls_label", 16), Encap("ethernet")))
    assert codes(encap) == []
    assert codes(encap, can=replace(CAN, encapsulations=frozenset())) == ["unsupported-encapsulation"]


def test_references_are_judged_after_all_changes() -> None:
    group = samples.groups((1, 2, 3))[0]
    flow = Flow(3, 1, LABEL, COOKIE_OWNER, actions=(ToGroup(group.id),))
    add = [Change(Op.ADD, flow), Change(Op.ADD, group)]
    assert check(add, RuleSet()) == []
    held = RuleSet.of((group,))
    assert codes(flow, held) == []
    retired = check([Change(Op.ADD, flow), Change(Op.DELETE, group, group)], held)
    assert [fault.code for fault in retired] == ["absent-group"]
    assert check([Change(Op.DELETE, flow, flow), Change(Op.DELETE, group, group)], held) == []
