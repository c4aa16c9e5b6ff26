"""How `inventory line` looks: every station of a chain with metres of fibre, metres of sheath and dB so far."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdnctl.cli.fibre.closures import WHOLE
from sdnctl.cli.output import RIGHT, table
from sdnctl.inventory.straight import Kind

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.inventory.optics import LossSpan
    from sdnctl.inventory.straight import Span, Station, StraightLine
    from sdnctl.usecases.lines import Line


def document(found: Line, files: Mapping[str, Path]) -> dict[str, Any]:
    return {
        "ok": True,
        "asked": found.asked,
        "chains": [_chain(one) for one in found.chains],
        "files": {kind: str(path) for kind, path in files.items()},
    }


def _chain(one: StraightLine) -> dict[str, Any]:
    return {
        "start": str(one.told.start),
        "end": str(one.told.end),
        "length": one.told.length,
        "sheath": sum(span.sheath for span in one.spans),
        "wavelengths": list(one.told.wavelengths),
        "breaks": [{"cause": why.cause, "where": why.where, "text": why.text} for why in one.told.breaks],
        "stations": [_station(station) for station in one.stations],
        "spans": [_span(span) for span in one.spans],
    }


def _station(one: Station) -> dict[str, Any]:
    return {
        "kind": str(one.kind),
        "what": one.what,
        "place": one.place,
        "at": one.at,
        "sheath": one.sheath,
        "mark": one.mark,
        "loop": one.loop,
        "losses": [_loss(span) for span in one.losses],
        "totals": [_loss(span) for span in one.totals],
    }


def _span(one: Span) -> dict[str, Any]:
    return {
        "cable": one.cable,
        "strand": one.strand,
        "tube": str(one.mark.tube),
        "strand_in_tube": str(one.mark.strand),
        "first": one.first,
        "last": one.last,
        "length": one.length,
        "sheath": one.sheath,
    }


def _loss(span: LossSpan | None) -> dict[str, float] | None:
    return None if span is None else {"min": span.min, "max": span.max}


def render(found: Line, files: Mapping[str, Path]) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for one in found.chains:
        if parts:
            parts.append("")
        parts += _told(one)
    return [*parts, *(f"{what} {path}" for what, path in files.items())]


def _told(one: StraightLine) -> list[RenderableType]:
    from rich.markup import escape

    sheath = sum(span.sheath for span in one.spans)
    head = (
        f"[bold]{one.told.start} → {one.told.end}[/]  {one.told.length:,.0f} m of fibre, {sheath:,.0f} m of sheath"
    )
    waves = [(f"{nm}", RIGHT) for nm in one.told.wavelengths]
    shown = table("", ("fibre m", RIGHT), ("sheath m", RIGHT), ("what", WHOLE), "where", *waves)
    begins: dict[int, list[Span]] = {}
    for span in one.spans:
        begins.setdefault(span.first, []).append(span)
    for number, station in enumerate(one.stations):
        shown.add_row(*_row(station))
        for span in begins.get(number, ()):
            shown.add_row("", "", f"│ {span.cable}:{span.strand}", str(span.mark), *([""] * len(waves)))
    said = [f"[bold red]ends[/] at {why.where}: {escape(why.text)}" for why in one.told.breaks]
    return [head, shown, "dB at nm: the greatest so far", *said]


def _row(one: Station) -> list[str]:
    told = {Kind.PLACE: "", Kind.SPLICE: f"{one.what} splice", Kind.PASSIVE: f"passive {one.what}"}
    what = told.get(one.kind, one.what)
    where = f"{one.place}, loop {one.loop:.0f} m" if one.loop else one.place
    totals = ["?" if span is None else f"{span.max:.2f}" for span in one.totals]
    return [f"{one.at:,.0f}", f"{one.sheath:,.0f}", what, where, *totals]
