"""A cable cut in two on random plants, in the text of the files: the same ends meet over as much glass."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_support import documents
from inventory_tables import as_tables
from written_plants import network_with_ducts

from sdnctl.document import Document
from sdnctl.errors import Diagnostics
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.history import Spot, called_now, laid_as
from sdnctl.inventory.plant import Plant, PortEnd, StrandEnd
from sdnctl.inventory.splitting import cut_edits, plan_cut
from sdnctl.inventory.tracing import StepKind, Trace, trace
from sdnctl.workspace.dump import dump_documents
from sdnctl.workspace.read import read_folder
from sdnctl.workspace.rewriting import rewritten


def read(texts: Mapping[str, str]) -> tuple[dict[str, Document[Any]], Plant]:
    with tempfile.TemporaryDirectory() as made:
        for file, text in texts.items():
            path = Path(made) / file
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        out = Diagnostics()
        found = read_folder(Path(made), out)
    assert {one.code for one in out.errors} <= {"missing-file"}, out.errors  # there is no network.yaml
    plant, faults = build_plant(found.documents)
    assert faults.errors == []
    return found.documents, plant


def chains(plant: Plant) -> dict[str, Trace]:
    return {str(end): trace(plant, end) for end in plant.jumper_at if isinstance(end, PortEnd)}


def cut_one(rng: random.Random, texts: dict[str, str]) -> tuple[Plant, Plant, str, str] | None:
    before, plant = read(texts)
    ways = [(cable.id, place) for cable in plant.cables.values() for place in cable.places[1:-1]]
    if not ways:
        return None
    cable, place = rng.choice(ways)
    here = [box.id for box in plant.closures.values() if box.at == place]
    cut = plan_cut(plant, cable, place, rng.choice([*here, f"new-{place}"]))
    texts.update(rewritten(texts, cut_edits(before, plant, cut)))
    return plant, read(texts)[1], cable, cut.far


@given(st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=10)
def test_a_cut_cable_goes_on(rng: random.Random, tables: bool) -> None:
    check_a_cut_cable_goes_on(rng, tables)


@pytest.mark.soak
@given(st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=600)
def test_a_cut_cable_goes_on_at_length(rng: random.Random, tables: bool) -> None:
    check_a_cut_cable_goes_on(rng, tables)


def check_a_cut_cable_goes_on(rng: random.Random, tables: bool) -> None:
    network = network_with_ducts(rng)
    texts = dump_documents(documents(as_tables(network) if tables else network))
    for _ in range(2):  # what was cut may be cut again
        made = cut_one(rng, texts)
        if made is None:
            return
        before, after, cable, far = made
        old, new = chains(before), chains(after)
        assert old.keys() == new.keys()
        for name, chain in old.items():
            again = new[name]
            assert _name(again.end, far, cable) == _name(chain.end, far, cable)
            assert again.length == pytest.approx(chain.length, abs=0.05)
            kinds = [[step.kind for step in one.steps] for one in (chain, again)]
            more = sum(kind.count(StepKind.SPLICE) * (1 if index else -1) for index, kind in enumerate(kinds))
            assert 0 <= more == kinds[1].count(StepKind.STRAND) - kinds[0].count(StepKind.STRAND)
        near = after.cables[cable]
        assert near.b == after.cables[far].a
        assert near.sheath + after.cables[far].sheath == pytest.approx(before.cables[cable].sheath, abs=0.01)
        assert _passages(after, cable, far) == _passages(before, cable)
        for name in (cable, far):
            spot = Spot(name, 1, rng.uniform(0.01, float(after.cables[name].sheath) - 0.01))
            laid = laid_as(after, spot)
            again_called = called_now(after, laid)
            assert again_called is not None
            assert again_called[:2] == spot[:2]
            assert again_called.mark == pytest.approx(spot.mark)


def _name(end: Any, far: str, cable: str) -> str:
    """An end as both plants call it."""
    if isinstance(end, StrandEnd):
        return f"{cable if end.cable == far else end.cable}:{end.strand}"
    return str(end)


def _passages(plant: Plant, *cables: str) -> list[Any]:
    return [passage for cable in cables for passage in plant.cables[cable].passages]
