"""Plans between random networks: they end where they should, and lose nothing on the way, whatever the skew."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from compile_networks import check_delivery, down_ports, edited, fabric, network, random_network
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sdnctl.compiler.ir import Compiled, Network
from sdnctl.compiler.overlay import pin
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
    RuleSet,
    ToGroup,
)
from sdnctl.intents.demand import Demand, Grade
from sdnctl.plan.apply import apply_changes
from sdnctl.plan.diff import make_plan
from sdnctl.plan.model import Change, Observed, Op, Plan, Stage
from sdnctl.plan.serialise import check_altered, dumps, loads
from sdnctl.plan.stale import check_stale
from sdnctl.verify.held import compare

SEEDS = st.integers(0, 10_000)
NOW = "2026-01-02T03:04:05Z"

Held = dict[str, RuleSet]


def observe(held: Mapping[str, RuleSet], silent: Iterable[str] = ()) -> dict[str, Observed | None]:
    return {device: None if device in set(silent) else Observed(rules) for device, rules in held.items()}


def follow(held: Mapping[str, RuleSet], stages: Iterable[Stage]) -> Held:
    result = dict(held)
    for stage in stages:
        for device, changes in stage.changes.items():
            result[device] = apply_changes(result[device], changes)
    return result


def moments(held: Mapping[str, RuleSet], plan: Plan, rng: random.Random) -> Iterator[Held]:
    """States on the way: after every stage, and inside it with every device at a random point of its own."""
    now = dict(held)
    for stage in plan.stages:
        for _ in range(2):
            skewed = dict(now)
            for device, changes in stage.changes.items():
                done = rng.randint(0, len(changes))
                skewed[device] = apply_changes(skewed[device], changes[:done])
            yield skewed
        now = follow(now, (stage,))
        yield now


def unmoved(one: Network, other: Network) -> list[Demand]:
    """Demands of both networks whose ends stay where they are: nothing may happen to them."""
    after = {item.id: item for item in other.demands}
    return [
        item
        for item in one.demands
        if item.id in after and (item.ingress, item.egress) == (after[item.id].ingress, after[item.id].egress)
    ]


def empty(net: Network) -> Held:
    return {node: RuleSet() for node in net.topology.nodes}


def foreign() -> RuleSet:
    return RuleSet.of(
        (
            Flow(0, 77, Match.of(in_port=9), 0x1234, (Output(3),)),
            Group(7, GroupType.INDIRECT, (Bucket((Output(3),)),)),
            Meter(5, 100, 10),
        )
    )


@settings(max_examples=12)
@given(SEEDS)
def test_no_frame_is_lost_or_strays_at_any_moment_of_a_plan(seed: int) -> None:
    rng = random.Random(seed)
    old = random_network(seed)
    new = edited(old, rng)
    before = compile_network(old)
    after = compile_network(new, before.baseline)
    held = dict(before.rules)
    plan = make_plan("test", after, observe(held), before, created=NOW)
    for state in moments(held, plan, rng):
        check_delivery(fabric(state, old.topology, new.topology), unmoved(old, new), quick=True)
    done = follow(held, plan.stages)
    assert done == after.rules
    check_delivery(fabric(done, new.topology), new.demands)
    assert make_plan("test", after, observe(done), after, created=NOW).empty


@settings(max_examples=6)
@given(SEEDS)
def test_from_nothing_and_back_to_nothing_beside_foreign_rules(seed: int) -> None:
    net = random_network(seed)
    compiled = compile_network(net)
    held = {node: foreign() for node in net.topology.nodes}
    plan = make_plan("test", compiled, observe(held), None, created=NOW)
    full = follow(held, plan.stages)
    check_delivery(fabric(full, net.topology), net.demands)
    assert make_plan("test", compiled, observe(full), compiled, created=NOW).empty

    nothing = compile_network(network(net.topology, ()), compiled.baseline)
    last = make_plan("test", nothing, observe(full), compiled, created=NOW)
    assert follow(full, last.stages) == held


@settings(max_examples=10)
@given(SEEDS)
def test_a_silent_switch_costs_nobody_else_their_service(seed: int) -> None:
    """One switch does not answer: the rest is planned so that what it holds still fits; later all is completed."""
    rng = random.Random(seed)
    old = random_network(seed)
    new = edited(old, rng)
    before = compile_network(old)
    after = compile_network(new, before.baseline)
    silent = rng.choice(sorted(old.topology.nodes))
    held = dict(before.rules)
    first = make_plan("test", after, observe(held, [silent]), before, created=NOW)
    assert silent in first.unknown
    assert all(silent not in stage.changes for stage in first.stages)
    for state in moments(held, first, rng):
        check_delivery(fabric(state, old.topology, new.topology), unmoved(old, new), quick=True)
    between = follow(held, first.stages)
    assert make_plan("test", after, observe(between, [silent]), before, created=NOW).empty

    second = make_plan("test", after, observe(between), before, created=NOW)
    for state in moments(between, second, rng):
        check_delivery(fabric(state, old.topology, new.topology), unmoved(old, new), quick=True)
    assert follow(between, second.stages) == after.rules


@settings(max_examples=10)
@given(SEEDS)
@example(20_068)  # a group made for a label in vain, and used for the next one, which could not be had either
def test_a_switch_lost_in_the_middle_may_hold_the_old_or_the_new(seed: int) -> None:
    """One switch is lost at any point of a plan; the rest is completed round it, and so is the next change."""
    rng = random.Random(seed)
    nets = [random_network(seed)]
    nets += [edited(nets[0], rng)]
    nets += [edited(nets[1], rng)]
    before = compile_network(nets[0])
    after = compile_network(nets[1], before.baseline)
    later = compile_network(nets[2], after.baseline)
    stay = {item.id for item in unmoved(nets[0], nets[1])} & {item.id for item in unmoved(nets[1], nets[2])}
    demands = [item for item in nets[0].demands if item.id in stay]
    lost = rng.choice(sorted(before.rules.keys() & after.rules.keys()))

    now = dict(before.rules)
    plan = make_plan("test", after, observe(now), before, created=NOW)
    for index, stage in enumerate(plan.stages):
        last = lost in stage.changes and (rng.random() < 0.4 or index == len(plan.stages) - 1)
        now = follow(now, (stage,)) if not last or rng.random() < 0.5 else _but(now, stage, lost)
        if last:
            break
    doubtful = {lost: (after.rules[lost],)}
    for wanted, applied in ((after, before), (later, after)):
        known = {**applied.rules, lost: before.rules[lost]}
        plan = make_plan(
            "test", wanted, observe(now, [lost]), applied, created=NOW, applied_rules=known, doubtful=doubtful
        )
        for state in moments(now, plan, rng):
            check_delivery(fabric(state, *(net.topology for net in nets)), demands, quick=True)
        now = follow(now, plan.stages)
    plan = make_plan("test", later, observe(now), after, created=NOW)
    for state in moments(now, plan, rng):
        check_delivery(fabric(state, *(net.topology for net in nets)), demands, quick=True)
    assert {node: rules for node, rules in follow(now, plan.stages).items() if node in later.rules} == later.rules


def _but(held: Held, stage: Stage, lost: str) -> Held:
    """A stage that one switch did not get, or not all of."""
    rest = {device: changes for device, changes in stage.changes.items() if device != lost}
    return follow(held, (replace(stage, changes=rest),))


@settings(max_examples=12)
@given(SEEDS)
def test_a_repair_writes_nothing_that_is_right_and_leaves_foreign_rules(seed: int) -> None:
    rng = random.Random(seed)
    compiled = compile_network(random_network(seed))
    held = {device: RuleSet.of((*drifted(rules, rng), *foreign())) for device, rules in compiled.rules.items()}
    for device in rng.sample(sorted(held), min(2, len(held))):
        held[device] = RuleSet.of((*held[device], *strays(rng)))
    report = compare(compiled.rules, held)
    plan = make_plan("test", compiled, observe(held), compiled, created=NOW)
    done = follow(held, plan.stages)
    assert compare(compiled.rules, done).ok
    for device, found in report.devices.items():
        wrong = {*found.missing, *found.extra, *(pair.applied for pair in found.altered)}
        written = {
            change.rule
            for stage in plan.stages
            for change in stage.changes.get(device, ())
            if isinstance(change, Change)
        }
        assert written == wrong, f"{device}: what is right is written, or what is wrong is not"
        assert set(foreign()) <= set(done[device])


def strays(rng: random.Random) -> list[Flow | Group | Meter]:
    """Rules under our numbers that nobody applied; some refer to each other."""
    group = Group(GROUP_BASE + 60_000, GroupType.INDIRECT, (Bucket((Output(1),)),))
    label = rng.randint(900_000, 1_000_000)
    return [
        group,
        Meter(METER_BASE + 60_000, 10, 10),
        Flow(3, 100, Match.of(eth_type=0x8847, mpls_label=label), COOKIE_OWNER, (ToGroup(group.id),)),
    ]


@settings(max_examples=12)
@given(SEEDS)
def test_drift_of_any_kind_is_repaired(seed: int) -> None:
    rng = random.Random(seed)
    net = random_network(seed)
    compiled = compile_network(net)
    held = dict(compiled.rules)
    for device in sorted(held):
        held[device] = drifted(held[device], rng)
    plan = make_plan("test", compiled, observe(held), compiled, created=NOW)
    assert follow(held, plan.stages) == compiled.rules
    assert not [impact for impact in plan.impacts if impact.effect != "none"]


def drifted(rules: RuleSet, rng: random.Random) -> RuleSet:
    """Some rules deleted as a switch would (cascades included), some altered."""
    result = rules
    for rule in list(rules):
        still = rule in set(result)
        if still and rng.random() < 0.15:
            result = apply_changes(result, [Change(Op.DELETE, rule)])
        elif still and isinstance(rule, Flow) and rng.random() < 0.15:
            result = apply_changes(result, [Change(Op.MODIFY, replace(rule, actions=(), goto=None))])
    return result


@settings(max_examples=6)
@given(SEEDS)
def test_pins_are_put_on_and_taken_off_without_loss(seed: int) -> None:
    rng = random.Random(seed)
    net = random_network(seed)
    compiled = compile_network(net)
    link = rng.choice(sorted(net.topology.links))
    pinned = pin(compiled.rules, net.topology, [link])
    here, there = dict(compiled.rules), dict(pinned)
    for one, other in ((here, there), (there, here)):
        plan = make_plan("test", compiled, observe(one), compiled, created=NOW, rules=other, applied_rules=one)
        for state in moments(one, plan, rng):
            check_delivery(fabric(state, net.topology), net.demands, quick=True)
        assert follow(one, plan.stages) == other


@settings(max_examples=6)
@given(SEEDS)
def test_a_cut_is_pinned_moved_and_healed_without_loss(seed: int) -> None:
    """The life of a failure: the switches repair, groups are pinned, trunks move away, the link comes back."""
    rng = random.Random(seed)
    net = random_network(seed)
    compiled = compile_network(net)
    link = rng.choice(sorted(net.topology.links))
    protected = [item for item in net.demands if item.grade is not Grade.NONE]
    cut = down_ports(net, [link])

    moved = compile_network(replace(net, down=frozenset({link})), compiled.baseline)
    healed = compile_network(net, moved.baseline)
    now = dict(compiled.rules)
    steps: list[tuple[Compiled, Compiled, list[str], list[tuple[str, int]], list[Demand]]] = [
        (compiled, compiled, [link], cut, protected),  # pin
        (compiled, moved, [link], cut, protected),  # move away
        (moved, moved, [], [], list(net.demands)),  # the link is back: pins go
        (moved, healed, [], [], list(net.demands)),  # full protection again
    ]
    for before, after, pinned, dead, demands in steps:
        wanted = pin(after.rules, net.topology, pinned)
        plan = make_plan("test", after, observe(now), before, created=NOW, rules=wanted, applied_rules=now)
        for state in moments(now, plan, rng):
            built = fabric(state, net.topology)
            built.fail(dead)
            check_delivery(built, demands, quick=True)
        now = follow(now, plan.stages)
        assert now == wanted
    built = fabric(now, net.topology)
    for other in net.topology.links:
        built.fail(down_ports(net, [other]))
        check_delivery(built, protected)


@settings(max_examples=8)
@given(SEEDS)
def test_a_plan_is_the_same_whatever_the_order_and_survives_its_file(seed: int) -> None:
    rng = random.Random(seed)
    old = random_network(seed)
    before, after = _two(old, rng)
    held = dict(before.rules)
    shuffled = {device: _shuffled(held[device], rng) for device in rng.sample(sorted(held), len(held))}
    plan = make_plan("test", after, observe(held), before, created=NOW)
    again = make_plan("test", after, observe(shuffled), before, created=NOW)
    assert dumps(plan) == dumps(again)
    assert loads(dumps(plan)) == plan
    check_altered(plan)
    check_stale(plan, observe(shuffled))


def _two(net: Network, rng: random.Random) -> tuple[Compiled, Compiled]:
    before = compile_network(net)
    return before, compile_network(edited(net, rng), before.baseline)


def _shuffled(rules: RuleSet, rng: random.Random) -> RuleSet:
    items = list(rules)
    rng.shuffle(items)
    return RuleSet.of(items)


@pytest.mark.soak
@pytest.mark.parametrize(
    "test",
    [
        test_no_frame_is_lost_or_strays_at_any_moment_of_a_plan,
        test_a_silent_switch_costs_nobody_else_their_service,
        test_a_switch_lost_in_the_middle_may_hold_the_old_or_the_new,
        test_a_repair_writes_nothing_that_is_right_and_leaves_foreign_rules,
        test_a_cut_is_pinned_moved_and_healed_without_loss,
        test_drift_of_any_kind_is_repaired,
    ],
)
def test_many_random_plans(test: Any) -> None:
    for seed in range(20_000, 20_400):
        test.hypothesis.inner_test(seed)
