"""A link goes out of service while a switch does not answer: what waits for that switch, and what need not."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdnctl.compiler.ir import Baseline, Compiled
from sdnctl.compiler.pipeline import compile_network
from sdnctl.dataplane.values import Flow
from sdnctl.plan.changes import is_carrier_rule
from sdnctl.plan.diff import make_plan
from sdnctl.plan.model import Change, Observed, Op, Plan
from sdnctl.usecases.context import Context
from sdnctl.usecases.initialise import initialise

LINK = "core-b--pop-south"


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> tuple[Compiled, Compiled]:
    """The small example, and the same with works on a link."""
    folder: Path = tmp_path_factory.mktemp("works") / "network"
    initialise(folder, "small")
    before = compile_network(Context(folder).loaded.network, Baseline())
    path = folder / "topology" / "maintenance.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("out_of_service: []", f"out_of_service: [{{link: {LINK}, reason: works}}]"))
    return before, compile_network(Context(folder).loaded.network, before.baseline)


def planned(states: tuple[Compiled, Compiled], silent: str) -> Plan:
    before, after = states
    observed = {device: None if device == silent else Observed(rules) for device, rules in before.rules.items()}
    return make_plan("test", after, observed, before, created="2026-01-01T00:00:00Z")


def port_rules_deleted(plan: Plan) -> set[tuple[str, int]]:
    return {
        (device, port[0])
        for stage in plan.stages
        for device, changes in stage.changes.items()
        for change in changes
        if isinstance(change, Change) and change.op is Op.DELETE and is_carrier_rule(change.rule)
        if isinstance(change.rule, Flow) and (port := change.rule.match.get("in_port")) is not None
    }


def test_ports_of_works_are_closed_though_another_switch_is_silent(states: tuple[Compiled, Compiled]) -> None:
    link = states[0].topology.links[LINK]
    ends = {(link.a.node, link.a.port), (link.b.node, link.b.port)}
    assert port_rules_deleted(planned(states, "com-estel")) == ends


def test_a_port_stays_open_for_a_silent_neighbour_that_may_still_send(states: tuple[Compiled, Compiled]) -> None:
    link = states[0].topology.links[LINK]
    assert port_rules_deleted(planned(states, link.a.node)) == set(), "nor is the silent one written to"
    assert port_rules_deleted(planned(states, link.b.node)) == set()
