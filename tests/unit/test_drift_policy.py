"""What is decided about drift: the policy of classes, and how patient repairs are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sdnctl.api.routes.network import drift_watch_document
from sdnctl.daemon.driftboard import DriftBoard, DriftCollector, Policy, SwitchDrift, policy_for
from sdnctl.daemon.patience import FIRST, FORGIVEN, LONGEST, Patience
from sdnctl.dataplane.values import Flow, Match, Output
from sdnctl.plan.drift import DriftState, Finding, Glass, Owner
from sdnctl.store.freezes import Freeze
from sdnctl.usecases.drifting import Located


def of(*classes: str) -> Located:
    """A missing rule whose frames are of these classes."""
    owners = tuple(Owner(f"app-{name}", "town", name) for name in classes)
    return Located(Finding("s", DriftState.MISSING, None, owners=owners), Glass())


POLICIES = {"default": "report", "scada": "freeze", "video": "repair"}


@pytest.mark.parametrize(
    ("findings", "settings", "wanted"),
    [
        ([of("video")], False, Policy.REPAIR),
        ([of("video"), of("scada")], False, Policy.FREEZE),
        ([of("video", "scada")], False, Policy.FREEZE),
        ([of("school")], False, Policy.REPORT),
        ([of("school"), of("video")], False, Policy.REPAIR),
        ([of()], False, Policy.REPORT),
        ([], True, Policy.REPORT),
        ([], False, Policy.REPORT),
        ([of("video")], True, Policy.REPAIR),
    ],
)
def test_the_strictest_class_decides_for_the_switch(
    findings: list[Located], settings: bool, wanted: Policy
) -> None:
    assert policy_for(POLICIES, findings, settings) is wanted


def test_without_a_word_everything_is_repaired() -> None:
    assert policy_for({}, [of("scada"), of()], True) is Policy.REPAIR
    assert policy_for({}, []) is Policy.REPAIR, "also where nothing drifted yet"


def test_the_first_repair_is_at_once_and_each_that_is_undone_makes_the_next_wait_longer() -> None:
    patience, now, waits = Patience(), 100.0, []
    for _ in range(12):
        wait = patience.drifted("s", 1, now)
        assert patience.drifted("s", 1, now) == wait, "looking again does not count twice"
        waits.append(wait)
        now += wait
        patience.repaired("s", 1, now)
    assert waits == [0.0, *(min(FIRST * 2**n, LONGEST) for n in range(11))]
    assert sum(wait <= 60 for wait in (sum(waits[: n + 1]) for n in range(12))) <= 5
    assert patience.undone("s") == 11
    assert patience.drifted("other", 1, now) == 0.0, "nobody waits for another switch"


def test_a_restart_is_nobodys_fault() -> None:
    patience = Patience()
    for session in range(1, 20):
        assert patience.drifted("s", session, float(session)) == 0.0
        patience.repaired("s", session, float(session))
    assert patience.undone("s") == 0


def test_what_stayed_right_for_long_is_forgiven_and_an_acknowledgement_forgives_at_once() -> None:
    patience = Patience()
    for now in (0.0, 10.0, 30.0):
        patience.drifted("s", 1, now)
        patience.repaired("s", 1, now)
    assert patience.drifted("s", 1, 31.0) > 0
    assert patience.drifted("s", 1, 30.0 + FORGIVEN + 1) == 0.0
    patience.repaired("s", 1, 700.0)
    assert patience.drifted("s", 1, 701.0) > 0
    patience.forget("s")
    assert patience.drifted("s", 1, 701.0) == 0.0


def test_only_what_is_frozen_is_acknowledged_and_the_part_is_told() -> None:
    board, told = DriftBoard(), list[str]()
    end = board.on_acknowledge(told.append)
    assert not board.acknowledge("s", "ann")
    assert board.freeze(SwitchDrift("s", "2026-01-01T00:00:00Z", {}, (of("x"),)))
    assert board.acknowledge("s", "ann")
    end()
    assert not board.acknowledge("s", "ben"), "somebody did"
    assert board.freeze(SwitchDrift("t", "2026-01-01T00:00:00Z", {}, (of("x"),)))
    assert board.acknowledge("t", "ann")
    assert (told, board.acknowledged, board.frozen) == (["s"], {"s": "ann", "t": "ann"}, {})


def test_an_acknowledgement_is_for_what_was_found_and_for_nothing_else() -> None:
    flow = Flow(3, 100, Match.of(mpls_label=17))
    other = Located(Finding("s", DriftState.EXTRA, flow), Glass())
    altered = Located(Finding("s", DriftState.ALTERED, flow, replace(flow, actions=(Output(1),))), Glass())
    board = DriftBoard()
    assert board.freeze(SwitchDrift("s", "1", {}, (other, altered)))
    assert not board.freeze(SwitchDrift("s", "2", {}, (other,), settings=True)), "frozen it was before"
    assert board.frozen == {"s": "1"}
    assert not board.excused(SwitchDrift("s", "2", {}, (other,)))
    board.acknowledge("s", "ann")
    assert board.excused(SwitchDrift("s", "3", {}, (other,), settings=True))
    assert board.excused(SwitchDrift("s", "3", {}, (other,))), "some of it was put right meanwhile"
    assert board.excused(SwitchDrift("s", "3", {}, (replace(other, glass=Glass(("c-1",))),))), "the same rule"
    for news in (altered, replace(altered, finding=replace(altered.finding, observed=None)), of("scada")):
        assert not board.excused(SwitchDrift("s", "4", {}, (other, news))), news
    assert not board.excused(SwitchDrift("t", "4", {}, (other,)))
    assert board.freeze(SwitchDrift("s", "5", {}, (other, altered)))
    assert board.frozen == {"s": "5"}


@pytest.mark.parametrize(
    ("last", "state", "ok"),
    [
        (SwitchDrift("s", "now", {}), "match", True),
        (SwitchDrift("s", "now", {}, waits=True), "waits", False),
        (SwitchDrift("s", "now", {}, settings=True, waits=True), "drift", False),
        (SwitchDrift("s", "now", {}, waits=True, known=False), "unknown", False),
    ],
)
def test_only_what_is_as_applied_is_ok(last: SwitchDrift, state: str, ok: bool) -> None:
    board = DriftBoard()
    board.switches = {"a": SwitchDrift("a", "now", {}), "s": last}
    told = drift_watch_document(board)
    assert told["ok"] is ok
    assert [one["state"] for one in told["switches"]] == ["match", state]


def test_metrics_count_rules_and_switches_by_state() -> None:
    counts = dict.fromkeys(DriftState, 0)
    board = DriftBoard(repairs=3, freezes={"b": Freeze("b", "now", frozenset())})
    board.switches["a"] = SwitchDrift("a", "now", {**counts, DriftState.MATCH: 7})
    board.switches["b"] = SwitchDrift("b", "now", {**counts, DriftState.MATCH: 5, DriftState.EXTRA: 2}, (of("x"),))
    board.switches["c"] = SwitchDrift("c", "now", {DriftState.UNKNOWN: 9}, known=False)
    board.switches["d"] = SwitchDrift("d", "now", counts, waits=True)
    found = {
        (sample.name, sample.labels.get("state", "")): sample.value
        for family in DriftCollector(board).collect()
        for sample in family.samples
    }
    assert found["sdnctl_drift_rules", "match"] == 12
    assert found["sdnctl_drift_rules", "extra"] == 2
    assert found["sdnctl_drift_rules", "unknown"] == 9
    states = {
        name: found["sdnctl_drift_switches", name] for name in ("match", "waits", "drift", "unknown", "frozen")
    }
    assert states == {"match": 1, "waits": 1, "drift": 1, "unknown": 1, "frozen": 1}
    assert found["sdnctl_drift_repairs_total", ""] == 3
