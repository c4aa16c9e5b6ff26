"""Following a plan when devices are lost or do not keep what they got: read back in between, left as unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal
from unittest import mock

import pytest
from rule_names import named
from sdnctl_in_process import Net, Saved, with_edit_pending

from sdnctl.compiler.references import LABEL, numbers
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import VerificationFailed
from sdnctl.plan.apply import apply_changes
from sdnctl.plan.model import Change, Op, Stage, StageKind
from sdnctl.southbound.fleet import Fleet, Observation
from sdnctl.store.state import State
from sdnctl.store.store import JournalEntry
from sdnctl.usecases.applying import follow
from sdnctl.usecases.planning import compile_folder, plan_between

STAGES = (StageKind.PREPARE, StageKind.SWITCH, StageKind.RETIRE)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """A network that was applied, with an edit pending that needs every stage."""
    return with_edit_pending(tmp_path_factory.mktemp("follow"))


@pytest.fixture
def net(saved: Saved) -> Net:
    return saved.restore()


@pytest.fixture(scope="module")
def clean(saved: Saved) -> dict[str, frozenset[object]]:
    """What the pending edit leaves where nothing goes wrong."""
    net = saved.restore()
    net.ok("apply", "--yes")
    return named(net.ours(), net.applied().baseline)


@contextmanager
def at(
    kind: StageKind, act: Callable[[Stage], None], *, after: bool = False, times: int = 1
) -> Iterator[list[Stage]]:
    """Do something before or after each of the first commits of a kind of stage."""
    seen: list[Stage] = []
    commit = Fleet.commit

    async def watched(self: Fleet, stage: Stage) -> None:
        hit = stage.kind is kind and bool(stage.changes) and len(seen) < times
        if hit:
            seen.append(stage)
        if hit and not after:
            act(stage)
        await commit(self, stage)
        if hit and after:
            act(stage)

    with mock.patch.object(Fleet, "commit", watched):
        yield seen


def move(net: Net, lost: Literal["stop", "unknown"]) -> Observation:
    """What the controller does to get to what the folder asks for."""
    with net.open() as context, context.store.hold() as lease:
        desired = compile_folder(context)
        previous = context.need_applied()[1]

        async def work() -> Observation:
            async with context.fleet(desired.compiled.topology) as fleet:
                seen = await fleet.observe()
                plan = plan_between(desired, seen, previous)
                _, held = await follow(
                    context,
                    fleet,
                    lease,
                    desired,
                    previous,
                    plan,
                    seen,
                    reason="test",
                    summary="a move",
                    lost=lost,
                )
                return held

        return asyncio.run(work())


def victim_of(stage: Stage) -> str:
    """A switch on which the stage makes something."""
    return next(
        device
        for device, items in sorted(stage.changes.items())
        if any(isinstance(item, Change) and item.op is not Op.DELETE for item in items)
    )


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        pytest.param(kind, after, id=f"{'after' if after else 'before'}-{kind}", marks=marks)
        for kind in STAGES
        for after in (False, True)
        for marks in ([] if kind is StageKind.SWITCH and after else [pytest.mark.soak],)
    ],
)
def test_a_switch_that_is_lost_is_left_and_the_rest_is_completed(
    net: Net, kind: StageKind, after: bool, clean: dict[str, frozenset[object]]
) -> None:
    """Lost before or after it did a stage: nobody can know, so what is kept must fit both."""
    lost: list[str] = []

    def lose(stage: Stage) -> None:
        lost.append(sorted(stage.changes)[0])
        net.board.set_reachable(lost[0], False)

    before = net.applied()
    with at(kind, lose, after=after):
        held = move(net, "unknown")
    (victim,) = lost
    assert held.unreachable == (victim,)
    assert net.pending() is None
    state = net.applied()
    assert victim in state.silent
    assert state.silent[victim] == before.rules[victim]
    assert state.doubtful.keys() == {victim}
    if kind is StageKind.PREPARE and not after:
        assert net.ours()[victim] == state.silent[victim]
    if kind is StageKind.RETIRE and after:
        assert net.ours()[victim] == state.doubtful[victim][0]
    nothing_is_sent_into_the_void(net, state, victim)
    events = [one.event for one in _journal(net)]
    assert events[-1] == "end"
    drift = net.json("drift", "--exit-code", code=2)
    assert [one["device"] for one in drift["devices"] if one["status"] != "match"] == [victim]

    net.board.set_reachable(victim, True)
    net.ok("apply", "--yes")
    net.assert_exact()
    assert net.applied().doubtful == {}
    assert net.applied().baseline.quarantine == {}
    assert named(net.ours(), net.applied().baseline) == clean


def _possible(state: State, victim: str) -> tuple[RuleSet, ...]:
    return state.silent[victim], *state.doubtful[victim]


def _journal(net: Net) -> tuple[JournalEntry, ...]:
    with net.open() as context:
        return context.store.journal(net.history()[0].id)


def nothing_is_sent_into_the_void(net: Net, state: State, victim: str) -> None:
    """Whatever the lost switch holds of what it may hold, no label is used again that it may still have."""
    used = {*state.baseline.labels.values(), *state.baseline.ids["bypass"].values()}
    for rules in _possible(state, victim):
        for label in numbers(rules)[LABEL] - used - {*state.baseline.ids["service"].values()}:
            assert victim in state.baseline.quarantine[label], f"label {label} may be given to something else"


def test_labels_stay_in_quarantine_over_further_changes_until_the_switch_says_they_are_gone(net: Net) -> None:
    """The switch is away while labels are retired, and through two more changes; then it comes back."""
    victim = "pop-east"
    old = numbers(net.ours()[victim])[LABEL]
    net.board.set_reachable(victim, False)
    net.ok("apply", "--yes")
    retired = {label for label, holders in net.applied().baseline.quarantine.items() if victim in holders}
    assert retired & old
    for rate in ("3.5", "4.5"):
        net.edit(
            "intents/video-protection.yaml",
            f"up: {'2.5' if rate == '3.5' else '3.5'} Mbit/s",
            f"up: {rate} Mbit/s",
        )
        net.ok("apply", "--yes")
        state = net.applied()
        assert retired <= state.baseline.quarantine.keys()
        live = {*state.baseline.labels.values(), *state.baseline.ids["bypass"].values()}
        assert not retired & live, "a label in quarantine was given to something else"
    assert numbers(net.ours()[victim])[LABEL] == old
    net.board.set_reachable(victim, True)
    net.ok("apply", "--yes")
    net.assert_exact()
    assert net.applied().baseline.quarantine == {}


def take_away(net: Net, stage: Stage) -> tuple[str, Change]:
    """What a stage has just made on one switch disappears again."""
    victim = victim_of(stage)
    made = next(item for item in stage.changes[victim] if isinstance(item, Change) and item.op is not Op.DELETE)
    with net.board.changing(victim) as embedded:
        embedded.rules = apply_changes(embedded.rules, [Change(Op.DELETE, made.rule)])
    return victim, made


def test_traffic_is_not_led_to_rules_that_did_not_stay(net: Net) -> None:
    """Somebody deletes what was prepared: nothing is switched, and every switch goes back to what it was."""
    before, applied = net.ours(), net.applied()
    turned: list[Stage] = []
    with (
        at(StageKind.PREPARE, lambda stage: take_away(net, stage) and None, after=True),
        at(StageKind.SWITCH, turned.append),
        pytest.raises(VerificationFailed) as failed,
    ):
        move(net, "stop")
    assert [item.code for item in failed.value.diagnostics] == ["read-back", "rolled-back"]
    assert turned == []
    assert net.ours() == before
    assert net.applied() == applied
    assert net.pending() is None
    net.ok("apply", "--yes")
    net.assert_exact()


def test_the_old_way_is_not_taken_away_before_the_new_one_is_seen(net: Net) -> None:
    before = net.ours()
    retired: list[Stage] = []
    with (
        at(StageKind.ADMIT, lambda stage: take_away(net, stage) and None, after=True),
        at(StageKind.RETIRE, retired.append),
        pytest.raises(VerificationFailed),
    ):
        move(net, "stop")
    assert [stage for stage in retired if not _is_way_back(stage, before)] == []
    assert net.ours() == before
    assert net.pending() is None


def _is_way_back(stage: Stage, before: dict[str, RuleSet]) -> bool:
    """Whether a stage only takes away what was not there at first."""
    return all(
        item.rule not in set(before[device])
        for device, items in stage.changes.items()
        for item in items
        if isinstance(item, Change)
    )


def test_the_controllers_own_move_prepares_once_more_on_a_switch_that_restarted(net: Net) -> None:
    lost: list[tuple[str, Change]] = []

    def restart(stage: Stage) -> None:
        lost.append(take_away(net, stage))
        with net.board.changing(lost[0][0]) as embedded:
            embedded.rules = RuleSet()

    with at(StageKind.PREPARE, restart, after=True):
        held = move(net, "unknown")
    assert lost
    assert held.unreachable == ()
    net.assert_exact()


def test_a_switch_that_never_keeps_anything_is_left_and_all_others_are_moved(
    net: Net, clean: dict[str, frozenset[object]]
) -> None:
    victims: set[str] = set()

    def always(stage: Stage) -> None:
        victim = min(victims) if victims else victim_of(stage)
        if victim not in stage.changes:
            return
        victims.add(victim)
        with net.board.changing(victim) as embedded:
            embedded.rules = RuleSet()

    with at(StageKind.PREPARE, always, after=True, times=99):
        held = move(net, "unknown")
    (victim,) = victims
    assert held.unreachable == (victim,)
    state = net.applied()
    assert RuleSet() in state.doubtful[victim]
    for device, rules in net.ours().items():
        waits = device in state.silent
        assert waits or rules == state.rules[device]
    net.ok("apply", "--yes")
    net.assert_exact()
    assert named(net.ours(), net.applied().baseline) == clean


def test_what_somebody_changes_at_the_end_is_drift_for_the_controller(net: Net) -> None:
    """The move is applied; what was taken away after it was confirmed is found by the next look."""

    def meddle(_: Stage) -> None:
        with net.board.changing("core-a") as embedded:
            embedded.rules = RuleSet()

    with at(StageKind.RETIRE, meddle, after=True):
        move(net, "unknown")
    assert net.pending() is None
    assert not net.applied().silent
    assert [one.event for one in _journal(net)][-2:] == ["drifted", "end"]
    drift = net.json("drift", "--exit-code", code=2)
    assert [one["device"] for one in drift["devices"] if one["status"] != "match"] == ["core-a"]
    net.ok("apply", "--yes")
    net.assert_exact()
