"""How `inventory diversity` looks: what both routes share, how near they come, what each grade says to that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdnctl.cli.output import RIGHT, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.inventory.diversity import Comparison
    from sdnctl.inventory.footprint import Footprint


def document(found: Comparison) -> dict[str, Any]:
    near = found.closest
    return {
        "ok": True,
        "routes": [_route(found.one), _route(found.two)],
        "shared": [
            {"kind": item.kind, "name": item.name, "metres": item.metres, "residual_of": item.residual or None}
            for item in found.shared
        ],
        "shared_metres": found.metres,
        "closest": {"metres": near.metres, "position": list(near.at), "things": list(near.things)}
        if near
        else None,
        "verdicts": {grade: {"ok": not why, "why": why} for grade, why in found.verdicts.items()},
    }


def _route(one: Footprint) -> dict[str, Any]:
    return {
        "name": one.name,
        "ends": sorted(one.ends),
        "metres": one.metres,
        "segments": sorted(one.segments),
        "cables": sorted(one.cables),
    }


def render(found: Comparison) -> list[RenderableType]:
    parts: list[RenderableType] = [_line(one) for one in (found.one, found.two)]
    if found.shared:
        shown = table("both stand on", "", "name", ("m", RIGHT), "")
        for item in found.shared:
            metres = f"{item.metres:.0f}" if item.metres else ""
            counts = f"[dim]residual of {item.residual}[/]" if item.residual else "[bold red]counts[/]"
            shown.add_row(item.kind, item.name, metres, counts)
        parts.append(shown)
    else:
        parts.append("they share nothing")
    near = found.closest
    if near is not None:
        x, y = near.at
        where = f"at {y:.6f} N, {x:.6f} E"
        apart = f"closest approach {near.metres:.0f} m: {' and '.join(near.things)}, {where}"
        parts.append(apart if near.things[0] != near.things[1] else f"they meet in {near.things[0]}, {where}")
    for grade, why in found.verdicts.items():
        parts.append(f"{grade:9}[bold red]refused[/]: {why}" if why else f"{grade:9}[green]possible[/]")
    return parts


def _line(one: Footprint) -> str:
    return f"[bold]{one.name}[/]: {' – '.join(sorted(one.ends))}, {one.metres / 1000:.2f} km of route"
