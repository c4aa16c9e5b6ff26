"""How `inventory synoptic` looks: every cable from node to node, what of it is used, and drops by number."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdnctl.cli.fibre.closures import WHOLE
from sdnctl.cli.output import RIGHT, table
from sdnctl.inventory.synoptic import Kind
from sdnctl.wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.inventory.synoptic import Section
    from sdnctl.usecases.synoptics import Selected


def document(found: Selected, files: Mapping[str, Path]) -> dict[str, Any]:
    graph = found.graph
    return {
        "ok": True,
        "asked": list(found.asked),
        "nodes": [
            {
                "node": node.id,
                "kind": str(node.kind),
                "place": node.place,
                "area": node.area or None,
                "closures": list(node.boxes),
                "drops": len(graph.drops.get(node.id, ())),
            }
            for node in graph.nodes.values()
        ],
        "sections": [_section(one) for sections in graph.sections.values() for one in sections],
        "drops": [{"node": node, **_section(one)} for node, drops in graph.drops.items() for one in drops],
        "files": {kind: str(path) for kind, path in files.items()},
    }


def _section(one: Section) -> dict[str, Any]:
    return {
        "cable": one.cable,
        "a": one.a,
        "b": one.b,
        "strands": one.strands,
        "length": one.length,
        "used": one.used if one.in_service else None,
        "free": one.free if one.in_service else None,
        "lit": one.lit,
        "in_service": one.in_service,
    }


def render(found: Selected, files: Mapping[str, Path]) -> list[RenderableType]:
    graph = found.graph
    sites = sum(node.kind is Kind.SITE for node in graph.nodes.values())
    boxes = sum(len(node.boxes) for node in graph.nodes.values())
    drops = sum(len(one) for one in graph.drops.values())
    counts = (sites, "sites"), (boxes, "closures"), (len(graph.sections), "cables"), (drops, "drops")
    head = ", ".join(counted(*one) for one in counts)
    right = [(name, RIGHT | WHOLE) for name in ("strands", "m", "used", "free", "lit")]
    words = [(name, WHOLE) for name in ("cable", "from", "to")]
    shown = table("", *words, *right)
    for sections in graph.sections.values():
        for number, one in enumerate(sections):
            figures = (str(one.used), str(one.free), str(one.lit)) if one.in_service else ("–", "–", "–")
            name = one.cable if number == 0 else ""
            shown.add_row(name, one.a, one.b, str(one.strands), f"{one.length:,.0f}", *figures)
    resting = any(not one.in_service for sections in graph.sections.values() for one in sections)
    said = ["–: not in service"] if resting else []
    return [head, shown, *said, *(f"{what} {path}" for what, path in files.items())]
