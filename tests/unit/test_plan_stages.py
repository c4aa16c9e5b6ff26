"""Plans: what is in which stage and order, what is refused, and what makes a plan stale or altered."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from compile_networks import both_ways, check_delivery, endpoint, fabric, network
from paths_networks import topology

from sdnctl.compiler.ir import Baseline, Compiled, Network
from sdnctl.compiler.pipeline import compile_network
from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    GROUP_BASE,
    METER_BASE,
    Bucket,
    Flow,
    Group,
    GroupType,
    Match,
    Meter,
    Output,
    PortSettings,
    Queue,
    RuleSet,
    SwitchSettings,
    ToGroup,
)
from sdnctl.errors import AlteredPlan, PlanError, StalePlan
from sdnctl.intents.demand import Demand, Grade, Service
from sdnctl.plan.apply import apply_changes
from sdnctl.plan.changes import settings_differ
from sdnctl.plan.diff import make_plan
from sdnctl.plan.model import Change, Observed, Op, Plan, SettingsChange, StageKind
from sdnctl.plan.serialise import check_altered, dumps, loads
from sdnctl.plan.stale import check_stale, fingerprint_rules
from sdnctl.plan.summary import summary

NOW = "2026-01-02T03:04:05Z"
# A triangle a–b–c with a tail c–d that carries nothing at first.
TOPOLOGY = topology([("a", "b", 1.0), ("b", "c", 2.0), ("c", "a", 4.0), ("c", "d", 8.0)])


def line(name: str = "x", a: str = "a", b: str = "b", port: int = 50, grade: Grade = Grade.LOCAL) -> list[Demand]:
    return both_ways(name, endpoint(f"{name}-1", a, port), endpoint(f"{name}-2", b, port), Service.LINE, grade)


def net(*demands: Demand) -> Network:
    return network(TOPOLOGY, demands)


def seen(compiled: Compiled) -> dict[str, Observed | None]:
    return {device: Observed(rules) for device, rules in compiled.rules.items()}


def nothing() -> dict[str, Observed | None]:
    return {device: Observed(RuleSet()) for device in TOPOLOGY.nodes}


def plan(
    compiled: Compiled, observed: dict[str, Observed | None], applied: Compiled | None = None, **more: object
) -> Plan:
    return make_plan("test", compiled, observed, applied, created=NOW, **more)  # type: ignore[arg-type]


def told(made: Plan, kind: StageKind, device: str) -> list[str]:
    """``add flow 5`` … in the order in which it is sent."""
    (stage,) = [stage for stage in made.stages if stage.kind is kind]
    words = []
    for change in stage.changes.get(device, ()):
        assert isinstance(change, Change)
        rule = change.rule
        words.append(
            f"{change.op} {type(rule).__name__.lower()}" + (f" {rule.table}" if isinstance(rule, Flow) else "")
        )
    return words


def test_first_apply_prepares_from_the_egress_and_admits_last() -> None:
    made = plan(compile_network(net(*line())), nothing())
    assert [stage.kind for stage in made.stages] == [StageKind.PREPARE, StageKind.ADMIT]
    prepared = told(made, StageKind.PREPARE, "a")
    order = ["add meter", "add group", "add flow 4", "add flow 3", "add flow 0"]
    assert list(dict.fromkeys(prepared)) == order, "port rules of trunks are prepared, they admit no customer"
    assert prepared == sorted(prepared, key=order.index)
    assert told(made, StageKind.ADMIT, "a") == ["add flow 2", "add flow 1", "add flow 0"]
    groups = [
        change.rule
        for change in made.stages[0].changes["a"]
        if isinstance(change, Change) and isinstance(change.rule, Group)
    ]
    assert [any(isinstance(action, ToGroup) for action in group.buckets[0].actions) for group in groups] == [
        False,
        True,
    ], "the link group before the trunk group that sends to it"


def test_removal_classifies_first_and_deletes_groups_and_meters_last_without_waiting() -> None:
    before = compile_network(net(*line()))
    made = plan(compile_network(net(), before.baseline), seen(before), before)
    assert [stage.kind for stage in made.stages] == [StageKind.RETIRE], (
        "nothing took over, so nothing has to drain"
    )
    words = list(dict.fromkeys(told(made, StageKind.RETIRE, "a")))
    assert words == [
        "delete flow 0",
        "delete flow 1",
        "delete flow 2",
        "delete flow 3",
        "delete flow 4",
        "delete group",
        "delete meter",
    ]
    groups = [
        change.rule
        for change in made.stages[0].changes["a"]
        if isinstance(change, Change) and isinstance(change.rule, Group)
    ]
    assert [len(group.buckets) for group in groups] == [1, 2], "the trunk group before the link group it sends to"


def test_a_moved_trunk_is_prepared_switched_drained_and_retired() -> None:
    before = compile_network(net(*line()))
    other = network(
        replace(TOPOLOGY, links={key: link for key, link in TOPOLOGY.links.items() if key != "l0"}),
        line(grade=Grade.NONE),
    )
    grade_none = compile_network(net(*line(grade=Grade.NONE)))
    after = compile_network(other, grade_none.baseline)
    made = plan(after, seen(grade_none), grade_none)
    assert [stage.kind for stage in made.stages] == [
        StageKind.PREPARE,
        StageKind.SWITCH,
        StageKind.DRAIN,
        StageKind.RETIRE,
    ]
    assert told(made, StageKind.SWITCH, "a") == ["modify group"]
    drain = made.stages[2]
    assert drain.changes == {}
    assert drain.wait_ms == after.settings.drain_ms
    assert [item.effect for item in made.impacts] == ["hitless"]
    assert before.trunks != after.trunks


def test_a_switch_that_begins_to_carry_opens_its_ports_before_traffic_turns_to_it() -> None:
    """The path moves from a–b to a–c–b; c held nothing. After PREPARE and SWITCH alone, frames arrive."""
    one = net(*line(grade=Grade.NONE))
    before = compile_network(one)
    assert not len(before.rules["c"])
    topo = TOPOLOGY.without(links=["l0"])
    after = compile_network(network(topo, one.demands), before.baseline)
    made = plan(after, seen(before), before)
    held = dict(before.rules)
    for stage in made.stages[:2]:
        assert stage.kind in (StageKind.PREPARE, StageKind.SWITCH)
        for device, changes in stage.changes.items():
            held[device] = apply_changes(held[device], changes)
    check_delivery(fabric(held, TOPOLOGY), one.demands)


def test_devices_that_do_not_answer_are_named_and_left_alone() -> None:
    compiled = compile_network(net(*line(a="a", b="d", grade=Grade.NONE)))
    observed = {**nothing(), "c": None}
    del observed["d"]
    made = plan(compiled, observed)
    assert made.unknown == ("c", "d")
    assert not {device for stage in made.stages for device in stage.changes} & {"c", "d"}
    assert [(item.effect, item.reason) for item in made.impacts] == [("none", "waits until c, d can be reached")]
    assert StageKind.ADMIT not in [stage.kind for stage in made.stages], "no frame is sent towards them"


def test_rules_left_on_a_switch_that_is_no_longer_in_the_network_are_removed() -> None:
    before = compile_network(net(*line()))
    observed = {**nothing(), "old": Observed(before.rules["a"])}
    made = plan(compile_network(net()), observed)
    assert [set(stage.changes) for stage in made.stages] == [{"old"}]


def test_foreign_rules_stay_and_one_in_the_way_is_refused() -> None:
    compiled = compile_network(net(*line()))
    foreign = Flow(0, 9, Match.of(in_port=50), 0xABC, (Output(1),))
    observed = nothing()
    observed["a"] = Observed(RuleSet.of([foreign]), foreign=1)
    assert not [
        change
        for stage in plan(compiled, observed).stages
        for change in stage.changes["a"]
        if isinstance(change, Change) and change.op is not Op.ADD
    ]
    observed["a"] = Observed(RuleSet.of([replace(foreign, priority=200)]))
    with pytest.raises(PlanError) as caught:
        plan(compiled, observed)
    (found,) = caught.value.diagnostics
    assert (found.code, found.address) == ("foreign-rule-in-the-way", "switch a")
    assert "0xabc" in found.detail


# ── settings ─────────────────────────────────────────────────────────────────────────────────────


def test_settings_change_only_where_something_wanted_is_otherwise() -> None:
    compiled = compile_network(net())
    wanted = compiled.switch_settings
    observed: dict[str, SwitchSettings | None] = dict(wanted)
    assert plan(compiled, nothing(), settings_observed=observed).empty
    observed["a"] = SwitchSettings("standalone")
    observed["b"] = None
    made = plan(compiled, nothing(), settings_observed=observed)
    assert [stage.kind for stage in made.stages] == [StageKind.SETTINGS]
    assert made.stages[0].changes == {"a": (SettingsChange(wanted["a"], observed["a"]),)}
    assert made.unknown == ("b (settings)",)
    assert summary(made).settings == 1
    check_stale(made, nothing(), observed)
    with pytest.raises(StalePlan):
        check_stale(made, nothing(), {**observed, "a": wanted["a"]})
    with pytest.raises(StalePlan):
        check_stale(made, nothing(), {**observed, "a": None})


def test_what_is_none_or_empty_is_left_alone() -> None:
    queue = Queue(0, 1, 2, 0)
    held = SwitchSettings("secure", {1: PortSettings(100, (queue,)), 2: PortSettings(50)})
    assert not settings_differ(held, SwitchSettings("secure", {1: PortSettings()}))
    assert not settings_differ(held, SwitchSettings("secure", {1: PortSettings(100, (queue,))}))
    assert settings_differ(held, SwitchSettings("secure", {2: PortSettings(100)}))
    assert settings_differ(held, SwitchSettings("secure", {2: PortSettings(None, (queue,))}))
    assert settings_differ(held, SwitchSettings("standalone"))


# ── stale, altered ───────────────────────────────────────────────────────────────────────────────


def test_a_plan_is_stale_when_a_device_it_touches_changed_or_is_lost() -> None:
    compiled = compile_network(net(*line()))
    made = plan(compiled, nothing())
    assert "d" not in made.observed_fingerprints
    check_stale(made, nothing())
    mine = Flow(3, 100, Match.of(), COOKIE_OWNER)
    foreign = Flow(3, 99, Match.of(), 5)
    check_stale(made, {**nothing(), "a": Observed(RuleSet.of([foreign]))})
    check_stale(made, {**nothing(), "d": Observed(RuleSet.of([mine]))})
    with pytest.raises(StalePlan) as caught:
        check_stale(made, {**nothing(), "a": Observed(RuleSet.of([mine])), "b": None})
    assert [(item.address, item.summary) for item in caught.value.diagnostics] == [
        ("switch a", "changed since the plan was made"),
        ("switch b", "does not answer any more"),
    ]


def test_fingerprints_ignore_order_and_foreign_rules() -> None:
    rules = list(compile_network(net(*line())).rules["a"])
    foreign = Meter(1, 1, 1)
    assert fingerprint_rules(RuleSet.of(rules)) == fingerprint_rules(RuleSet.of([*reversed(rules), foreign]))
    assert fingerprint_rules(RuleSet.of(rules)) != fingerprint_rules(RuleSet.of(rules[1:]))


def test_an_altered_plan_is_refused_and_so_is_what_is_no_plan() -> None:
    made = plan(compile_network(net(*line())), nothing())
    text = dumps(made)
    assert loads(text) == made
    for change in (
        lambda doc: doc["plan"]["stages"].pop(),
        lambda doc: doc["plan"].update(created="2026-01-02T03:04:06Z"),
        lambda doc: doc["plan"]["impacts"][0].update(effect="hitless"),
        lambda doc: doc.update(fingerprint="0" * 64),
        lambda doc: doc.update(comment="harmless"),
    ):
        document = json.loads(text)
        change(document)
        with pytest.raises(AlteredPlan):
            loads(json.dumps(document))
    for other in ("", "[]", "{}", '{"kind": "compiled"}', text.replace('"format":2', '"format":3')):
        with pytest.raises(PlanError):
            loads(other)
    with pytest.raises(AlteredPlan):
        check_altered(replace(made, network="other"))
    assert json.loads(text)["format"] == 2


# ── OpenFlow's semantics ─────────────────────────────────────────────────────────────────────────


def test_deleting_groups_and_meters_takes_their_flows_along_and_refusals_are_raised() -> None:
    group = Group(GROUP_BASE, GroupType.INDIRECT, (Bucket((Output(1),)),))
    meter = Meter(METER_BASE, 1, 1)
    rules = RuleSet.of(
        [
            group,
            meter,
            Flow(3, 1, Match.of(), COOKIE_OWNER, (ToGroup(GROUP_BASE),)),
            Flow(1, 1, Match.of(), COOKIE_OWNER, meter=METER_BASE),
        ]
    )
    assert not apply_changes(rules, [Change(Op.DELETE, group), Change(Op.DELETE, meter)]).flows
    assert len(rules) == 4, "the argument is not changed"
    assert len(apply_changes(rules, [Change(Op.DELETE, Meter(99, 1, 1))])) == 4
    for refused in (
        Change(Op.ADD, group),
        Change(Op.MODIFY, Meter(METER_BASE + 1, 1, 1)),
        Change(Op.ADD, Flow(3, 2, Match.of(), COOKIE_OWNER, (ToGroup(GROUP_BASE + 1),))),
        Change(Op.ADD, Flow(1, 2, Match.of(), COOKIE_OWNER, meter=METER_BASE + 1)),
        Change(Op.ADD, Group(GROUP_BASE + 1, GroupType.INDIRECT, (Bucket((ToGroup(GROUP_BASE + 2),)),))),
    ):
        with pytest.raises(ValueError, match=r"exist|not there"):
            apply_changes(rules, [refused])


def test_an_empty_plan_is_empty() -> None:
    compiled = compile_network(net(*line()))
    made = plan(compiled, seen(compiled), compiled)
    assert made.empty
    assert made.impacts == ()
    assert made.observed_fingerprints == {}
    assert compiled.baseline != Baseline()
