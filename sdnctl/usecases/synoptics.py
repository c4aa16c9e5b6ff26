"""Synoptics: from names of sites, boxes, links, communes or cables to the graph of cables, and to sheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sdnctl.drawing.fibre import synoptic as drawing
from sdnctl.drawing.fibre.paper import Caption
from sdnctl.inventory.links import optical_links
from sdnctl.inventory.plant import Plant
from sdnctl.inventory.synoptic import Synoptic, find_cables, synoptic
from sdnctl.inventory.tracing import StepKind
from sdnctl.inventory.uses import Uses
from sdnctl.usecases.closures import area_of, today, write_sheets
from sdnctl.usecases.context import Context
from sdnctl.usecases.glass import named_links


@dataclass(frozen=True)
class Selected:
    """What was asked (empty: everything), and its graph."""

    asked: tuple[str, ...]
    network: str
    graph: Synoptic


def select(context: Context, names: Sequence[str]) -> Selected:
    """The cables that names mean, as `find_cables` takes them; without names all. Raises InputError."""
    loaded = context.loaded
    plant = loaded.plant
    areas = {place: area_of(plant, loaded.areas, place) for place in (*plant.sites, *_places(plant))}
    links = _cables_of_links(plant) if names else {}
    cables = find_cables(plant, names, areas, links) if names else None
    uses = Uses(plant, optical_links(plant)[0], loaded.access)
    return Selected(tuple(names), loaded.network.settings.name, synoptic(plant, uses, areas, cables))


def _places(plant: Plant) -> set[str]:
    """Chambers that matter: with a box, or the end of a cable."""
    return {
        *(closure.at for closure in plant.closures.values() if closure.at in plant.chambers),
        *(end for cable in plant.cables.values() for end in (cable.a, cable.b) if end in plant.chambers),
    }


def _cables_of_links(plant: Plant) -> Mapping[str, set[str]]:
    return {
        name: {
            step.via for chain in (link.there, link.back) for step in chain.steps if step.kind is StepKind.STRAND
        }
        for name, link in named_links(plant).items()
    }


def draw_synoptic(found: Selected, out: Path, on: date | None = None) -> None:
    """The graph on sheets of paper."""
    graph = found.graph
    fields = (
        ("network", found.network),
        ("cables", str(len(graph.sections))),
        ("drops", str(sum(len(drops) for drops in graph.drops.values()))),
        ("nodes", str(len(graph.nodes))),
        ("date", (on or today()).isoformat()),
    )
    name = ", ".join(found.asked) or found.network
    write_sheets(drawing.draw(graph, Caption("Synoptic", name, fields)), out)
