"""A switch that is lost or refuses in the middle of an apply, at every stage: nothing is half done for good."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
from rule_names import named
from sdnctl_in_process import Net, Saved, new_net, with_edit_pending

from sdnctl.compiler.references import LABEL, numbers
from sdnctl.dataplane.values import COOKIE_OWNER, Flow, Match, RuleSet
from sdnctl.plan.model import Change, Stage, StageKind
from sdnctl.southbound.fleet import Fleet

STAGES = (StageKind.PREPARE, StageKind.SWITCH, StageKind.RETIRE)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """A network that was applied, with an edit pending that needs every stage."""
    return with_edit_pending(tmp_path_factory.mktemp("lost"))


@pytest.fixture
def net(saved: Saved) -> Net:
    return saved.restore()


@contextmanager
def at_stage(kind: StageKind, act: Callable[[Stage], None]) -> Iterator[list[Stage]]:
    """Do something when a stage of this kind begins, once."""
    seen: list[Stage] = []
    commit = Fleet.commit

    async def watched(self: Fleet, stage: Stage) -> None:
        if stage.kind is kind and not seen:
            seen.append(stage)
            act(stage)
        await commit(self, stage)

    with mock.patch.object(Fleet, "commit", watched):
        yield seen


@contextmanager
def losing(net: Net, kind: StageKind) -> Iterator[list[str]]:
    """A switch of that stage stops answering when the stage begins; its name."""
    victims: list[str] = []

    def lose(stage: Stage) -> None:
        victims.append(sorted(stage.changes)[0])
        net.board.set_reachable(victims[0], False)

    with at_stage(kind, lose):
        yield victims


@pytest.fixture(scope="module")
def clean(saved: Saved) -> dict[str, frozenset[object]]:
    """What the pending edit leaves where nothing goes wrong."""
    net = saved.restore()
    net.ok("apply", "--yes")
    net.assert_exact()
    return named(net.ours(), net.applied().baseline)


@pytest.mark.parametrize("kind", STAGES)
def test_a_switch_lost_at_a_stage_stops_the_plan_there_and_the_next_apply_completes_it(
    net: Net, kind: StageKind, clean: dict[str, frozenset[object]]
) -> None:
    saved_first = net.json("history")["snapshots"][0]["id"]
    with losing(net, kind) as victims:
        stopped = net.json("apply", "--yes", code=1)
    (victim,) = victims
    codes = [item["code"] for item in stopped["diagnostics"]]
    assert codes == ["device-unreachable", "apply-stopped"]
    assert stopped["diagnostics"][0]["address"] == f"switch {victim}"
    assert f"its {kind} stage" in stopped["diagnostics"][1]["summary"]
    pending = net.json("status")["pending"]
    assert pending["id"] == saved_first + 1
    journal = net.json("history", pending["id"])["journal"]
    assert [(one["event"], one["detail"].get("kind")) for one in journal][-2:] == [
        ("stage", kind),
        ("stopped", None),
    ]

    net.board.set_reachable(victim, True)
    done = net.json("apply", "--yes")
    assert (done["resumed"], done["snapshot"]) == (pending["id"], None)
    net.assert_exact()
    assert named(net.ours(), net.applied().baseline) == clean


def test_while_the_switch_is_away_the_rest_is_completed(net: Net, clean: dict[str, frozenset[object]]) -> None:
    """Nobody waits for a switch under water; when it answers again, it gets what it missed."""
    with losing(net, StageKind.SWITCH) as victims:
        assert net("apply", "--yes").code == 1
    (victim,) = victims
    assert net("apply", "--yes").code == 0
    assert net.pending() is None
    shown = net("plan", "--exit-code")
    assert shown.code == 0
    assert f"not reachable, nothing planned for: {victim}" in " ".join(shown.out.split())
    drift = net.json("drift", "--exit-code", code=2)
    assert [one["device"] for one in drift["devices"] if one["status"] != "match"] == [victim]
    for label, switches in net.applied().baseline.quarantine.items():  # old labels, and who may still have them
        having = {name for name, rules in net.ours().items() if label in numbers(rules).get(LABEL, ())}
        assert having - {victim} == {*switches} - {victim}
    assert any(victim in switches for switches in net.applied().baseline.quarantine.values())
    assert net.json("apply", "--yes")["snapshot"] is None  # nothing new to say about it

    net.board.set_reachable(victim, True)
    assert net("plan", "--exit-code").code == 2
    net.ok("apply", "--yes")
    net.assert_exact()
    assert net.applied().baseline.quarantine == {}
    assert named(net.ours(), net.applied().baseline) == clean


def test_a_switch_that_refuses_takes_every_switch_back(net: Net) -> None:
    """Somebody puts a flow where ours should be, after the plan was made."""
    before, applied = net.ours(), net.applied()
    victims: list[str] = []

    def obstruct(stage: Stage) -> None:
        victims.append(sorted(stage.changes)[-1])
        put_in_the_way(net, victims[0], stage)

    with at_stage(StageKind.ADMIT, obstruct):
        refused = net.json("apply", "--yes", code=1)
    (victim,) = victims
    assert [item["code"] for item in refused["diagnostics"]] == ["device-refused", "rolled-back"]
    assert refused["diagnostics"][0]["address"].startswith(f"switch {victim}")
    assert net.ours() == before
    assert net.applied() == applied
    assert net.pending() is None
    assert net.history()[0].state == "abandoned"
    assert list(net.foreign()) == [victim]
    assert net.json("plan", code=1)["diagnostics"][0]["code"] == "foreign-rule-in-the-way"
    with net.board.changing(victim) as embedded:
        embedded.rules = before[victim]
    net.ok("apply", "--yes")
    net.assert_exact()


def put_in_the_way(net: Net, switch: str, stage: Stage) -> None:
    """A foreign flow where the stage adds the first one of ours."""
    flow = next(
        one.rule for one in stage.changes[switch] if isinstance(one, Change) and isinstance(one.rule, Flow)
    )
    with net.board.changing(switch) as embedded:
        embedded.rules.add(Flow(*flow.key, cookie=0xBAD))


def test_a_refused_first_apply_leaves_nothing(tmp_path: Path) -> None:
    net = new_net(tmp_path / "net", example="small-links")
    with at_stage(StageKind.ADMIT, lambda stage: put_in_the_way(net, "core-a", stage)):
        assert net("apply", "--yes").code == 1
    assert all(rules == RuleSet() for rules in net.ours().values())
    with net.open() as context:
        assert context.applied() is None
    assert net("status").code == 0
    assert net("rollback", "--yes").code == 1


def test_undoing_while_a_switch_is_away_keeps_its_labels_for_itself(net: Net) -> None:
    """The others go back; labels that the lost switch may have got are not given to anything else."""
    before, state = net.ours(), net.applied()
    with losing(net, StageKind.SWITCH) as victims:
        assert net("apply", "--yes").code == 1
    (victim,) = victims
    assert net("rollback").code == 64  # undoing changes switches: asked first
    done = net.json("rollback", "--yes")
    assert (done["undone"], done["snapshot"]) == (2, None)
    assert net.pending() is None
    after = net.applied()
    assert after.rules == state.rules
    held = net.ours()[victim]
    assert held != before[victim]
    strays = labels(held) - labels(before[victim])
    assert strays
    assert all(victim in after.baseline.quarantine[label] for label in strays)

    net.board.set_reachable(victim, True)
    net.ok("apply", "--yes")  # what the folder asks for, on numbers that nobody holds
    net.assert_exact()
    assert not strays & set(net.applied().baseline.labels.values())
    net.ok("rollback", "--yes", "1")
    assert named(net.ours(), net.applied().baseline) == named(before, state.baseline)


def labels(rules: RuleSet) -> set[int]:
    fields = [field for flow in rules.flows.values() for field in flow.match]
    return {value for name, value, _ in fields if name == "mpls_label" and value >= 16}


def test_an_interrupted_apply_is_finished_or_undone_only_when_asked(net: Net, tmp_path: Path) -> None:
    """A plan file made before is of no use then, the controller waits, and the folder may have moved on since."""
    before, state = net.ours(), net.applied()
    plan = tmp_path / "plan.json"
    net.ok("plan", "-o", plan)
    with losing(net, StageKind.ADMIT) as victims:
        assert net("apply", "--yes").code == 1
    net.board.set_reachable(victims[0], True)
    held = net.ours()
    assert held != before
    assert net("apply").code == 64
    assert net("apply", answer="n\n").code == 130
    assert net.json("apply", plan, code=1)["diagnostics"][0]["code"] == "apply-unfinished"
    assert net.json("controller", "reconcile", code=1)["diagnostics"][0]["code"] == "apply-unfinished"
    assert net.ours() == held

    net.ok("rollback", "--yes")
    assert net.ours() == before
    assert net.applied() == state
    with losing(net, StageKind.RETIRE) as victims:
        assert net("apply", "--yes").code == 1
    net.board.set_reachable(victims[0], True)
    net.edit("intents/video-protection.yaml", "up: 2.5 Mbit/s", "up: 3.5 Mbit/s")
    done = net.json("apply", "--yes")
    assert (done["resumed"], done["snapshot"]) == (3, 4)
    net.assert_exact()


def test_what_somebody_does_behind_the_apply_is_found_when_reading_back(net: Net) -> None:
    """Verification fails with 4 and names the switch; the next apply completes it."""
    stray = Flow(3, 100, Match.of(eth_type=0x8847, mpls_label=4242), cookie=COOKIE_OWNER)

    def meddle(_: Stage) -> None:
        with net.board.changing("com-estel") as embedded:
            embedded.rules.add(stray)

    with at_stage(StageKind.RETIRE, meddle):
        failed = net.json("apply", "--yes", code=4)
    assert [(item["code"], item["address"]) for item in failed["diagnostics"]] == [
        ("read-back", "switch com-estel")
    ]
    assert net.pending() is not None
    assert stray in net.ours()["com-estel"]
    net.ok("apply", "--yes")
    net.assert_exact()
