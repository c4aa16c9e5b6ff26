"""How `inventory trace` looks: one table per chain, and why it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sdnctl.cli.output import RIGHT, table
from sdnctl.inventory.plant import PassivePort
from sdnctl.inventory.tracing import StepKind

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.inventory.colours import Mark
    from sdnctl.inventory.itinerary import Itinerary, Leg
    from sdnctl.inventory.optics import LossSpan


def document(asked: str, found: Sequence[Itinerary]) -> dict[str, Any]:
    return {"ok": True, "asked": asked, "chains": [_chain(one) for one in found]}


def _chain(one: Itinerary) -> dict[str, Any]:
    return {
        "start": str(one.start),
        "end": str(one.end),
        "complete": one.complete,
        "length": one.length,
        "splices": one.count(StepKind.SPLICE),
        "connectors": one.count(StepKind.CONNECTOR),
        "losses": _losses(one, one.losses),
        "breaks": [{"cause": why.cause, "where": why.where, "text": why.text} for why in one.breaks],
        "dark": [fault.summary for fault in one.dark],
        "legs": [_leg(one, leg) for leg in one.legs],
    }


def _leg(one: Itinerary, leg: Leg) -> dict[str, Any]:
    return {
        "kind": str(leg.kind),
        "via": leg.via,
        "enter": str(leg.enter),
        "leave": str(leg.leave),
        "from": leg.places[0],
        "to": leg.places[1],
        "at": leg.at,
        "length": leg.length,
        "strand": leg.strand,
        "tube": mark_document(leg.mark.tube) if leg.mark else None,
        "strand_in_tube": mark_document(leg.mark.strand) if leg.mark else None,
        "sheath": list(leg.sheath) if leg.sheath else None,
        "measured": leg.measured,
        "losses": _losses(one, leg.losses),
    }


def mark_document(mark: Mark) -> dict[str, Any]:
    """Number and colour of a strand or tube, as every document has them."""
    return {
        "number": mark.number,
        "colour": mark.colour.name,
        "label": mark.label,
        "rings": mark.rings,
        "rgb": mark.colour.rgb,
    }


def _losses(one: Itinerary, spans: Sequence[LossSpan | None]) -> dict[str, Any]:
    return {
        str(nm): {"min": span.min, "max": span.max} if span else None
        for nm, span in zip(one.wavelengths, spans, strict=True)
    }


def render(found: Sequence[Itinerary]) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for one in found:
        if parts:
            parts.append("")
        parts += _one(one)
    return parts


def _one(one: Itinerary) -> list[RenderableType]:
    from rich.markup import escape

    splices, connectors = one.count(StepKind.SPLICE), one.count(StepKind.CONNECTOR)
    passed = f"{_count(splices, 'splice')}, {_count(connectors, 'connector')}"
    parts: list[RenderableType] = [f"[bold]{one.start} → {one.end}[/]  {one.length / 1000:.3f} km, {passed}"]
    if one.legs:
        waves = [(f"{nm}", RIGHT) for nm in one.wavelengths]
        shown = table("", ("km", RIGHT), "through", "strand: tube / in it", "where", *waves)
        for leg in one.legs:
            strand = f"{leg.strand}: {leg.mark}" if leg.mark else ""
            shown.add_row(f"{leg.at / 1000:.3f}", _through(leg), strand, _where(leg), *map(_greatest, leg.losses))
        parts.append(shown)
        parts.append(
            f"loss in dB at nm, greatest by row; in all {', '.join(map(_total, one.wavelengths, one.losses))}"
        )
    parts += [f"[bold yellow]dark[/]: {escape(fault.summary)}: {escape(fault.detail)}" for fault in one.dark]
    parts += [f"[bold red]ends[/] at {why.where}: {escape(why.text)}" for why in one.breaks]
    return parts


def _through(leg: Leg) -> str:
    if leg.kind is StepKind.JUMPER:
        return "jumper"
    if leg.kind is StepKind.CONNECTOR:
        return str(leg.enter if leg.enter[0] == leg.via else leg.leave)
    if leg.kind is StepKind.SPLICE:
        return f"{leg.via} splice"
    if isinstance(leg.enter, PassivePort) and isinstance(leg.leave, PassivePort):
        return f"{leg.via} {leg.enter.port} → {leg.leave.port}"
    return leg.via


def _where(leg: Leg) -> str:
    a, b = leg.places
    return a if a == b else f"{a} → {b}"


def _greatest(span: LossSpan | None) -> str:
    if span is None:
        return "?"
    return f"{span.max:.2f}" if span.max else ""


def _total(wavelength: float, span: LossSpan | None) -> str:
    known = f"{span.min:.2f}–{span.max:.2f}" if span else "unknown"
    return f"{wavelength}: {known}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
