"""The controller's pass through the command line: cut, move, heal, release; drift repaired; a dead switch."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sdnctl_in_process import sdnctl

from sdnctl.plan.model import Change, Op
from sdnctl.usecases.context import Context
from sdnctl.verify.probes import judge, probes

SMALL = Path(__file__).parent.parent.parent / "lab" / "examples" / "small"


class Network:
    """A copy of the small example with a lab and everything applied."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str, code: int = 0) -> dict[str, Any]:
        done = sdnctl("-n", self.folder, "-f", "json", *words)
        assert done.code == code, f"{words}: {done.code}\n{done.out[-2000:]}{done.err[-2000:]}"
        return done.document

    @property
    def context(self) -> Context:
        return Context(self.folder)

    def lost(self) -> set[str]:
        """Demands of which a probe does not arrive; a leak or duplicate fails at once."""
        sent = list(probes(self.context.need_applied()[1].compiled.demands))
        lab = self.context.lab
        assert lab is not None
        with lab.prober() as prober:
            report = judge(sent, prober.exchange(sent, timeout=1.0))
        assert {fault.code for fault in report.faults} <= {"lost"}, report.faults[:3]
        return {fault.demand for fault in report.faults}


@pytest.fixture(scope="module", params=["memory", pytest.param("ovs", marks=pytest.mark.ovs)])
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    one = Network(tmp_path_factory.mktemp("reconcile") / "network")
    assert sdnctl("init", one.folder).code == 0
    one.run("lab", "up", "--kind", request.param)
    try:
        one.run("apply", "--yes")
        yield one
    finally:
        one.run("lab", "down")


def test_a_trench_is_cut_and_mended(network: Network) -> None:
    assert network.run("controller", "reconcile")["steps"] == []
    hit = network.run("lab", "cut", "segment:s-datacentre-dc-s")
    links = set(hit["links"])
    assert len(links) == 3
    lost_by_name = {one["application"]: one["lost"] for one in hit["hits"]}
    assert {name for name, count in lost_by_name.items() if count} == {"schools"}
    assert {demand.partition("/")[0] for demand in network.lost()} == {"schools"}, "the switches repaired the rest"

    done = network.run("controller", "reconcile")
    assert set(done["down"]) == links
    assert [step["action"].split()[0] for step in done["steps"]] == ["pin", "move"]
    assert done["moved"]
    assert network.lost() == set(), "schools are back too: they were moved"
    assert network.run("drift")["ok"]
    assert network.run("plan", "--exit-code")["empty"], "what the controller moved is what the next plan keeps"
    assert network.run("verify", "--live")["ok"]
    assert set(network.run("status")["down"]) == links

    network.run("lab", "heal", "segment:s-datacentre-dc-s")
    done = network.run("controller", "reconcile", "--no-hold-down")
    assert set(done["healed"]) == links
    assert network.lost() == set()
    assert network.run("plan", "--exit-code")["empty"]
    assert network.run("controller", "reconcile")["steps"] == []


def test_drift_is_repaired_and_foreign_rules_are_left_alone(network: Network) -> None:
    context = network.context
    _, state = context.need_applied()
    node, victim = next(
        (node, flow)
        for node, rules in sorted(state.rules.items())
        for flow in rules.flows.values()
        if flow.table == 3 and flow.priority == 100
    )

    async def meddle() -> None:
        async with context.fleet(state.compiled.topology) as fleet:
            driver = await fleet.driver(node)
            await driver.commit([Change(Op.DELETE, victim, victim)])
            await driver.confirm()

    asyncio.run(meddle())
    found = network.run("drift", "--exit-code", code=2)
    assert found["counts"]["missing"] == 1
    done = network.run("controller", "reconcile")
    assert [step["action"] for step in done["steps"]] == ["repair drift"]
    assert network.run("drift", "--exit-code")["ok"]


def test_a_dead_switch_is_unknown_and_its_traffic_goes_round(network: Network) -> None:
    network.run("lab", "cut", "node:pop-east")
    done = network.run("controller", "reconcile")
    assert done["unreachable"] == ["pop-east"]
    status = network.run("status")
    assert status["unreachable"] == ["pop-east"]
    drift = network.run("drift")
    assert [one["device"] for one in drift["devices"] if one["status"] == "unknown"] == ["pop-east"]
    _, state = network.context.need_applied()
    ends = {
        demand.id
        for demand in state.compiled.demands
        if "pop-east" in (demand.ingress.attachment.node, demand.egress.attachment.node)
    }
    assert network.lost() <= ends | {one.id for one in state.compiled.demands if one.grade == "none"}

    network.run("lab", "heal")
    network.run("controller", "reconcile", "--no-hold-down")
    network.run("controller", "reconcile", "--no-hold-down")
    assert network.run("drift", "--exit-code")["ok"]
    assert network.lost() == set()
    assert network.run("verify", "--live")["ok"]


def test_a_standby_is_flipped_and_flipped_back(network: Network) -> None:
    _, state = network.context.need_applied()
    trunk = next(one for one in state.compiled.trunks if one.standby is not None)
    done = network.run("controller", "flip", trunk.key)
    assert len(done["steps"]) == 1
    summary = done["steps"][0]["summary"]
    assert (summary["add"], summary["modify"], summary["delete"]) == (0, 1, 0), "a flip is one group change"
    assert network.lost() == set()
    assert network.run("verify", "--live")["ok"]
    assert network.run("plan", "--exit-code")["empty"]
    network.run("controller", "flip", trunk.key)
    assert network.lost() == set()
    failed = network.run("controller", "flip", "no-such-trunk", code=1)
    assert failed["diagnostics"][0]["code"] == "no-standby"
