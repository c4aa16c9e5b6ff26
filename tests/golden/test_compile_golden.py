"""A tiny network whose rules, plan text and plan file are kept word for word (`--update-golden` rewrites them)."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from compile_networks import both_ways, endpoint, network
from paths_networks import topology

from sdnctl.compiler.ir import Network
from sdnctl.compiler.lower import DISCOVERY
from sdnctl.compiler.pipeline import compile_network
from sdnctl.compiler.serialise import dumps_compiled, loads_compiled
from sdnctl.dataplane.text import format_rules
from sdnctl.dataplane.values import METER_BASE, RuleSet
from sdnctl.intents.demand import Grade, Service
from sdnctl.plan.diff import make_plan
from sdnctl.plan.markdown import markdown
from sdnctl.plan.model import Observed, Plan
from sdnctl.plan.serialise import dumps, loads

HERE = Path(__file__).parent
NOW = "2026-01-02T03:04:05Z"


def tiny(grade: Grade = Grade.LOCAL) -> Network:
    """A triangle; one recorder with a camera on each other switch, and a transparent line."""
    topo = topology([("a", "b", 1.0), ("b", "c", 2.0), ("c", "a", 4.0)])
    recorder = endpoint("recorder", "a", 50, 100, ["10.0.0.0/28", "2001:db8::/64"])
    near = endpoint("cam-b", "b", 51, 200, ["10.0.1.1/32"], mac=0x02CA00000001)
    far = endpoint("cam-c", "c", 52, None, ["10.0.1.2/32", "2001:db8:1::/64"])
    ends = endpoint("school", "b", 60), endpoint("hall", "c", 61)
    return network(
        topo,
        [
            *both_ways("video", recorder, near, Service.TREE, grade),
            *both_ways("video", recorder, far, Service.TREE, grade),
            *both_ways("wire", *ends, Service.LINE, Grade.NONE, service_class="school", cir=50_000_000),
        ],
    )


def the_plan() -> Plan:
    """From grade local to none for the cameras, the line removed, one switch silent, one rule drifted."""
    before = compile_network(tiny())
    edited = tiny(Grade.NONE)
    edited = dataclasses.replace(
        edited, demands=tuple(item for item in edited.demands if item.application != "wire")
    )
    after = compile_network(edited, before.baseline)
    held = {device: Observed(rules) for device, rules in before.rules.items()}
    missing = next(flow for flow in before.rules["a"].flows.values() if flow.table == 1)
    held["a"] = Observed(RuleSet.of(rule for rule in before.rules["a"] if rule != missing))
    return make_plan("tiny", after, held, before, created=NOW)


def check(request: pytest.FixtureRequest, name: str, text: str) -> None:
    path = HERE / name
    if request.config.getoption("--update-golden"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{name} differs; --update-golden rewrites it"


def test_rules_of_the_tiny_network(request: pytest.FixtureRequest) -> None:
    compiled = compile_network(tiny())
    text = "\n".join(f"# {switch}\n{format_rules(rules)}" for switch, rules in compiled.rules.items())
    check(request, "compile_tiny_rules.txt", text)


def test_document_of_the_tiny_network_still_loads(request: pytest.FixtureRequest) -> None:
    compiled = compile_network(tiny())
    text = json.dumps(json.loads(dumps_compiled(compiled)), indent=1, sort_keys=True) + "\n"
    check(request, "compile_tiny.json", text)
    assert loads_compiled((HERE / "compile_tiny.json").read_text(encoding="utf-8")) == compiled


def test_document_of_format_1_still_loads() -> None:
    """Written by an earlier version: fingerprints were made in another way, and nothing heard beacons yet."""
    loaded = loads_compiled((HERE / "compile_tiny_format1.json").read_text(encoding="utf-8"))
    compiled = compile_network(tiny())
    assert not any(METER_BASE in rules.meters for rules in loaded.rules.values())
    for rules in loaded.rules.values():
        rules.add(*DISCOVERY)
    assert loaded.network_fingerprint != compiled.network_fingerprint
    assert (
        dataclasses.replace(
            loaded,
            network_fingerprint=compiled.network_fingerprint,
            baseline_fingerprint=compiled.baseline_fingerprint,
        )
        == compiled
    )


def test_plan_text(request: pytest.FixtureRequest) -> None:
    check(request, "plan_tiny.md", markdown(the_plan()))


def test_plan_file_still_loads(request: pytest.FixtureRequest) -> None:
    check(request, "plan_tiny.json", dumps(the_plan()))
    assert loads((HERE / "plan_tiny.json").read_text(encoding="utf-8")) == the_plan()


def test_plan_file_of_format_1_still_loads() -> None:
    """Written by an earlier version: fingerprints of what it was made from were made in another way."""
    loaded, now = loads((HERE / "plan_tiny_format1.json").read_text(encoding="utf-8")), the_plan()
    assert (loaded.stages, loaded.impacts, loaded.unknown) == (now.stages, now.impacts, now.unknown)
    assert loads(dumps(loaded)) == loaded
