"""Demands whose only way goes out of the plan while something else is down: told again, and in nobody's way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sdnctl.compiler.ir import Network
from sdnctl.compiler.pipeline import compile_network
from sdnctl.compiler.protection import stranded, uncarried
from sdnctl.errors import CompileError, Severity
from sdnctl.usecases.context import Context
from sdnctl.usecases.initialise import initialise
from sdnctl.usecases.verifying import prove

ONLY, OTHER, THIRD = "com-estel--pop-west", "core-a--core-b-1", "core-a--core-b-2"


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Network]:
    """The small example, and the same with works on the only link of a switch."""
    folder: Path = tmp_path_factory.mktemp("cut-off") / "network"
    initialise(folder, "small")
    whole = Context(folder).loaded.network
    path = folder / "topology" / "maintenance.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("out_of_service: []", f"out_of_service: [{{link: {ONLY}, reason: works}}]"))
    return whole, Context(folder).loaded.network


def test_they_are_told_again_and_come_back(networks: tuple[Network, Network]) -> None:
    whole, works = networks
    first = compile_network(whole)
    hit = {demand for trunk in first.trunks if ONLY in trunk.path.links for demand in trunk.demands}
    assert hit
    assert not uncarried(first)
    compiled = first
    for down in ({OTHER}, {OTHER, THIRD}, {THIRD}):
        compiled = compile_network(replace(works, down=frozenset(down)), compiled.baseline)
        assert uncarried(compiled) == hit
        assert stranded(compiled, down) >= hit
        told = {one.address.rpartition("demand ")[2] for one in compiled.diagnostics if one.code == "no-path"}
        assert hit <= told
        assert all(one.severity is not Severity.ERROR for one in compiled.diagnostics)
        assert prove(compiled, compiled.rules, down=frozenset(down)).report.ok
    with pytest.raises(CompileError):
        compile_network(works, compiled.baseline)
    again = compile_network(whole, compiled.baseline)
    assert not uncarried(again)


def test_a_new_demand_without_a_way_is_refused_even_then(networks: tuple[Network, Network]) -> None:
    whole, works = networks
    some = replace(whole, demands=tuple(one for one in whole.demands if one.application != "schools"))
    before = compile_network(some)
    cut = replace(works, down=frozenset({OTHER}))
    schools = {one.id for one in whole.demands if one.application == "schools"}
    hit = {
        demand for trunk in compile_network(whole).trunks if ONLY in trunk.path.links for demand in trunk.demands
    }
    if not hit & schools:
        pytest.fail(f"nothing of the schools runs there: {sorted(hit)}")
    with pytest.raises(CompileError):
        compile_network(cut, before.baseline)
