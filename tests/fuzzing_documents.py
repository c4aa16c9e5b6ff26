"""Documents of sdnctl's own, to be fuzzed: plans, states, lab records, devices on disk, what the API carries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

from compile_networks import demand, endpoint, network
from fuzzing import Case, Found, Target, scratch, written
from fuzzing_mutators import trees
from httpx import Response
from lab_ring import ring
from paths_networks import topology
from pydantic import BaseModel, ValidationError

from sdnctl.api import bodies
from sdnctl.client.dialect import understood
from sdnctl.client.remote import raised
from sdnctl.client.wire import counters_document, observation_document, read_counters, read_observation
from sdnctl.compiler.codec import fingerprint
from sdnctl.compiler.ir import Compiled
from sdnctl.compiler.pipeline import compile_network
from sdnctl.dataplane.attachment import Attachment
from sdnctl.dataplane.switch import Port, PortCounters
from sdnctl.dataplane.values import Flow, RuleSet
from sdnctl.errors import DeviceUnreachable, Diagnostic
from sdnctl.intents.demand import Service
from sdnctl.lab import record
from sdnctl.lab.wiring import wire
from sdnctl.plainjson import parse_json
from sdnctl.plan import serialise as plan_texts
from sdnctl.plan.diff import make_plan
from sdnctl.plan.model import Observed
from sdnctl.southbound.base import Counters, PortState
from sdnctl.southbound.embedded import Switchboard, Tally
from sdnctl.southbound.fleet import Observation
from sdnctl.southbound.simulated import Simulator
from sdnctl.store import state as state_texts
from sdnctl.store.state import State
from sdnctl.units import Power
from sdnctl.usecases.context import Context, baseline_of
from sdnctl.usecases.levels import levels_file, read_levels, write_levels
from sdnctl.usecases.planning import read_plan

HELD = Attachment("eth1", "eth9", 100, "school", 7, 10**6, 10**4, 3)


@cache
def compiled() -> Compiled:
    """A triangle with one protected line: small, and with every kind of rule."""
    ends = endpoint("school", "b", 60, 7, ["10.0.0.0/28"]), endpoint("hall", "c", 61)
    there, back = demand("wire", *ends, Service.LINE), demand("wire", *reversed(ends), Service.LINE)
    return compile_network(network(topology([("a", "b", 1.0), ("b", "c", 2.0), ("c", "a", 4.0)]), [there, back]))


@cache
def short() -> Compiled:
    """The same with a rule of each form, and a port of one switch: nothing that only says it again."""
    whole = compiled()
    settings = {
        name: replace(one, ports=dict(list(one.ports.items())[:1] if name == "a" else ()))
        for name, one in whole.switch_settings.items()
    }
    return replace(
        whole, rules={name: few(rules) for name, rules in whole.rules.items()}, switch_settings=settings
    )


def few(rules: RuleSet) -> RuleSet:
    """The groups, a meter, and a flow of each form; of one form three, so that it has columns."""
    forms: dict[object, list[Flow]] = {}
    for flow in rules.flows.values():
        actions = tuple(type(action) for action in flow.actions)
        forms.setdefault((flow.table, actions, flow.meter is None, flow.goto), []).append(flow)
    longest = max(forms.values(), key=len)
    flows = [flow for alike in forms.values() for flow in alike[: 3 if alike is longest else 1]]
    return RuleSet.of([*list(rules.meters.values())[:1], *rules.groups.values(), *flows])


# ── plans and states ─────────────────────────────────────────────────────────────────────────────


@cache
def plans() -> Sequence[Case]:
    """A plan that makes the network, and one that repairs a rule of it, as `plan -o` writes them."""
    made = short()
    empty = {device: Observed(RuleSet()) for device in made.rules}
    found = {device: Observed(rules) for device, rules in made.rules.items()}
    found["a"] = Observed(RuleSet.of(list(made.rules["a"])[1:]))
    now = "2026-01-02T03:04:05Z"
    both = make_plan("tiny", made, empty, created=now), make_plan("tiny", made, found, made, created=now)
    return [("plan.json", plan_texts.dumps(plan).encode()) for plan in both]


def resealed(tree: Any) -> bytes:
    """A plan with the fingerprint of its text as it is now, so that what stands behind the fingerprint is read."""
    if isinstance(tree, dict) and "plan" in tree:
        with suppress(UnicodeEncodeError):
            tree = {**tree, "fingerprint": fingerprint(tree["plan"])}
    return json.dumps(tree).encode()


def plan_file(case: Case) -> Found:
    """As `apply FILE` reads it; what was accepted can be written."""
    plan = read_plan(written(case))
    plan_texts.check_altered(plan)
    plan_texts.dumps(plan)
    return None


@cache
def states() -> Sequence[Case]:
    """What was compiled, with the rules of one switch, for the others' are read in the same way.

    And the same with a link down and switches silent, doubtful and drained.
    """
    rules = short().rules["b"]
    made = replace(short(), rules={"b": rules})
    some = RuleSet.of(
        [*list(rules.meters.values()), *list(rules.groups.values())[:1], *list(rules.flows.values())[:2]]
    )
    odd = State(made, frozenset({"l0"}), {"b": some}, {"c": (RuleSet(), some)}, frozenset({"a"}))
    return [("state.json", state_texts.dumps(one).encode()) for one in (State(made), odd)]


def state_file(case: Case) -> Found:
    """As `--baseline FILE` reads it; what was accepted can be written."""
    _, state = baseline_of(Context(scratch()), str(written(case)))
    if state is not None:
        state_texts.dumps(state)
    return None


# ── the lab ──────────────────────────────────────────────────────────────────────────────────────


@cache
def lab_records() -> Sequence[Case]:
    folder = scratch() / "lab-seed"
    record.save(folder, record.Record("0123abcd", "tiny", "memory", "up", "/run/x", "", "", wire(ring(3), {})))
    return [(".sdnctl/lab.json", record.record_path(folder).read_bytes())]


def lab_record(case: Case) -> Found:
    folder = written(case, "lab").parent.parent
    found = record.load(folder)
    if found is not None:
        record.save(folder, found)
    return None


@cache
def accepted_levels() -> Sequence[Case]:
    folder = scratch() / "levels-seed"
    write_levels(folder, {("a", "1"): Power(-3.5), ("b", "eth1/2"): Power(-11.25)})
    return [(".sdnctl/levels.json", levels_file(folder).read_bytes())]


def levels(case: Case) -> Found:
    folder = written(case, "levels").parent.parent
    write_levels(folder, read_levels(folder))
    return None


@cache
def switches() -> Sequence[Case]:
    """An embedded switch, its counters, and the wires."""
    board = Switchboard(scratch() / "board-seed")
    board.create("a", {1: Port(), 2: Port(up=False)})
    with board.changing("a") as switch:
        switch.rules.add(*compiled().rules["a"])
    board.add_tally("a", Tally({1: PortCounters(1, 2, 3, 4)}))
    board.wire({("a", 1): ("b", 2), ("b", 2): ("a", 1)})
    return [
        (path.name, path.read_bytes()) for path in sorted(board.directory.glob("[!.]*.*")) if path.stat().st_size
    ]


def embedded_switch(case: Case) -> Found:
    for name, data in switches():
        written((name, data), "board")
    board = Switchboard(written(case, "board").parent)
    board.check_reachable("a")
    board.add_tally("a", Tally({1: PortCounters(1, 2, 3, 4)}))
    board.set_port("a", 1, up=False)
    board.wires()
    return None


@cache
def devices() -> Sequence[Case]:
    simulator = Simulator(scratch() / "devices-seed")
    simulator.create("d", ["eth1", "eth9"])
    simulator.run("d", {HELD.key: HELD})
    return [(path.name, path.read_bytes()) for path in simulator.directory.glob("*.device.json")]


def simulated_device(case: Case) -> Found:
    simulator = Simulator(written(case, "devices").parent)
    simulator.read("d")
    simulator.confirm("d")
    return None


# ── what the API carries ─────────────────────────────────────────────────────────────────────────


@cache
def posted() -> Sequence[Case]:
    """A body of each request; those with plans and states whole."""
    plan, state = (json.loads(cases()[0][1]) for cases in (plans, states))
    short: dict[str, Any] = {
        "RollbackRequest": {"to": 3, "allow_outage": ["scada"]},
        "ReconcileRequest": {"hold_down": False},
        "FlipRequest": {"trunks": ["t1"]},
        "DrainRequest": {"switch": "a", "back": True},
        "ReleaseRequest": {"port": "a:1"},
        "ObserveRequest": {"switches": ["a"], "newcomers": {"b": "7"}},
        "TokenRequest": {"name": "ann", "role": "viewer", "tenants": ["city"], "days": 3},
        "BindingRequest": {"device": "a", "dpid": "00ff", "certificate": "", "replace": False},
        "VerdictsRequest": {
            "verdicts": [{"application": "x", "level": "V1", "snapshot": 1, "verdict": "ok", "detail": ""}]
        },
        "PlanRequest": {"state": state},
        "ApplyRequest": {"plan": plan, "state": state, "allow_outage": [], "summary": "x"},
    }
    return [(name, json.dumps(body).encode()) for name, body in short.items()]


def resealed_body(tree: Any) -> bytes:
    """A body whose plan, where it has one, has the right fingerprint."""
    if isinstance(tree, dict) and isinstance(tree.get("plan"), dict):
        tree = {**tree, "plan": json.loads(resealed(tree["plan"]))}
    return json.dumps(tree).encode()


def api_body(case: Case) -> Found:
    """As the API reads bodies: the model first, then the documents in it."""
    name, data = case
    body: BaseModel = getattr(bodies, name).model_validate_json(data)
    if isinstance(body, bodies.ApplyRequest):
        plan_texts.read(body.plan)
    if isinstance(body, bodies.PlanRequest | bodies.ApplyRequest):
        state_texts.read(body.state)
    return None


@cache
def answers() -> Sequence[Case]:
    """What a controller answers: an observation, counters, an error."""
    rules = compiled().rules["a"]
    seen = Observation(
        {"a": Observed(rules, others=tuple(rules.flows.values())[:2]), "b": None},
        {"a": Observed(RuleSet())},
        {"b": DeviceUnreachable(Diagnostic("device-unreachable", "no answer", "switch b"))},
        attachments={"d": Observed(RuleSet(), attachments={HELD.key: HELD})},
    )
    counters = counters_document({"a": Counters({1: PortState(1, "eth1", True)}, {(3, 7): 9}), "b": None})
    problem = {"error": "StaleP1an", "diagnostics": [Diagnostic("stale-plan", "it changed").to_json()]}
    found = {"observation": observation_document(seen), "counters": counters, "problem": problem}
    return [(name, json.dumps(one).encode()) for name, one in found.items()]


def answer(case: Case) -> Found:
    """As the command line reads answers of a controller."""
    name, data = case
    if name == "problem":
        for one in raised(Response(409, content=data), "x").diagnostics:
            f"{one}{json.dumps(one.to_json(), ensure_ascii=False)}".encode()
        return None
    with understood("x"):
        document = parse_json(data)
        if name == "observation":
            read_observation(document)
        else:
            for device in ("a", "b"):
                read_counters(document.get(device))
    return None


TARGETS = [
    Target("plan file", plans, trees(resealed), plan_file),
    Target("state file", states, trees(), state_file, sample=60),
    Target("lab record", lab_records, trees(), lab_record),
    Target("accepted receive powers", accepted_levels, trees(), levels),
    Target("embedded switch", switches, trees(), embedded_switch),
    Target("simulated device", devices, trees(), simulated_device),
    Target("API body", posted, trees(resealed_body), api_body, (ValidationError,)),
    Target("controller's answer", answers, trees(), answer),
]
