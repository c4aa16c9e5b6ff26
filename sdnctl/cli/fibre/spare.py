"""How `inventory free` looks: each route with its strands, its loss, what is to be done, what stays in reserve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdnctl.cli.fibre import pairs
from sdnctl.cli.output import RIGHT, table
from sdnctl.inventory.fields import format_numbers

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.inventory.diversity import Comparison
    from sdnctl.inventory.free import Route
    from sdnctl.inventory.free_works import Work
    from sdnctl.usecases.glass import FreeGlass


def document(found: FreeGlass) -> dict[str, Any]:
    against = found.against or (None,) * len(found.routes)
    return {
        "ok": True,
        "from": found.a,
        "to": found.b,
        "count": found.count,
        "routes": [_route(route, other) for route, other in zip(found.routes, against, strict=True)],
        "wavelengths": [
            {
                "wavelength": one.wavelength,
                "a": str(one.a),
                "b": str(one.b),
                "metres": one.metres,
                "loss": {"min": one.loss.min, "max": one.loss.max} if one.loss else None,
            }
            for one in found.channels
        ],
    }


def _route(route: Route, against: Comparison | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "metres": route.metres,
        "splices": route.splices,
        "losses": {str(nm): {"min": span.min, "max": span.max} for nm, span in route.losses.items()},
        "closes": list(route.closes),
        "cables": [
            {
                "cable": one.cable,
                "from": one.a,
                "to": one.b,
                "strands": list(one.strands),
                "metres": one.metres,
                "reserve": one.reserve,
            }
            for one in route.taken
        ],
        "works": [
            {
                "kind": one.kind,
                "place": one.place,
                "count": one.count,
                "closure": one.box or None,
                "what": one.what,
            }
            for one in route.works
        ],
    }
    if against is not None:
        compared = pairs.document(against)
        shown["diversity"] = {key: compared[key] for key in ("shared", "shared_metres", "closest", "verdicts")}
    return shown


def render(found: FreeGlass) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for number, route in enumerate(found.routes):
        parts += _one(number, route, found.against[number] if found.against else None)
    for one in found.channels:
        loss = f", {one.loss.min:.1f}–{one.loss.max:.1f} dB" if one.loss else ""
        parts.append(f"free wavelength {one.wavelength} nm: {one.a} – {one.b}, {one.metres / 1000:.2f} km{loss}")
    return parts


def _one(number: int, route: Route, against: Comparison | None) -> list[RenderableType]:
    losses = ", ".join(f"{span.min:.1f}–{span.max:.1f} dB at {nm}" for nm, span in route.losses.items())
    head = f"[bold]route {number + 1}[/]: {route.metres / 1000:.2f} km of fibre, {route.splices} splices, {losses}"
    shown = table("", "cable", "from", "to", "strands", ("km", RIGHT), ("left", RIGHT))
    for one in route.taken:
        km = f"{one.metres / 1000:.2f}"
        shown.add_row(one.cable, one.a, one.b, format_numbers(one.strands), km, str(one.reserve))
    parts: list[RenderableType] = [head, shown]
    parts += [f"  at {work.place}: {_work(work)}" for work in route.works]
    parts.append(f"  optics that close it: {', '.join(route.closes) or 'none in the inventory'}")
    if against is not None:
        parts.append(f"  {_verdict(against)}")
    return parts


def _work(work: Work) -> str:
    names = {"splice": "splices", "pigtail": "pigtail splices", "jumper": "jumpers"}
    what = work.what if work.kind == "cut" else f"{work.count} {names[work.kind]}"
    if work.kind != "cut" and work.what:
        what += f", {work.what}"
    return f"{what} in {work.box}" if work.box else what


def _verdict(against: Comparison) -> str:
    if not against.counting:
        near = against.closest
        return "[green]diverse[/]" + (f", {near.metres:.0f} m apart at the closest" if near else "")
    names = [f"{item.kind} {item.name}" for item in against.counting]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"[bold red]not diverse[/]: shares {', '.join(names[:3])}{more}"
