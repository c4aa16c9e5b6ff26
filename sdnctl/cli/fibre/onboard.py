"""How `whatif --onboard` looks: a row for each site, then what to lay, pull and splice; and the same for a map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdnctl.cli.output import RIGHT, table
from sdnctl.inventory.geometry import holes_of
from sdnctl.inventory.onboarding import Verdict
from sdnctl.wording import counted

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from sdnctl.inventory.onboarding import Answer, Connection
    from sdnctl.usecases.connecting import Works

_STYLE = {Verdict.CONNECT: "bold yellow", Verdict.CONNECTED: "green", Verdict.CANNOT: "bold red"}


def document(found: Works, written: Path | None = None) -> dict[str, Any]:
    return {
        "ok": True,
        "reach": found.reach,
        "count": found.count,
        "sites": [_answer(one) for one in found.answers],
        "totals": _totals(found),
        "crowded": [
            {"closure": closure, "wanted": wanted, "spare": spare}
            for closure, (wanted, spare) in found.crowded.items()
        ],
        "unplaced": list(found.unplaced),
        "map": str(written) if written is not None else None,
    }


def _totals(found: Works) -> dict[str, Any]:
    plans = [one.connection for one in found.answers if one.connection is not None]
    return {
        "sites": {str(verdict): len(found.of(verdict)) for verdict in Verdict},
        "dig": sum(one.dig for one in plans),
        "dig_now": sum(one.now for one in plans),
        "cable": sum(one.cable for one in plans),
        "splices": sum(one.splices for one in plans),
    }


def _answer(one: Answer) -> dict[str, Any]:
    plan = one.connection
    shown: dict[str, Any] = {"site": one.site, "away": one.away, "verdict": str(one.verdict), "why": one.why}
    if plan is None:
        return {**shown, "connection": None}
    return {
        **shown,
        "connection": {
            "closure": plan.closure,
            "at": plan.place,
            "spare": plan.spare,
            "lay": [{"from": lay.a, "to": lay.b, "metres": lay.metres, "now": lay.now} for lay in plan.lay],
            "through": list(plan.through),
            "cable": plan.cable,
            "goal": plan.goal,
            "fibre": plan.metres,
            "splices": plan.splices,
            "works": [
                {
                    "kind": work.kind,
                    "place": work.place,
                    "count": work.count,
                    "closure": work.box,
                    "what": work.what,
                }
                for work in plan.works
            ],
            "losses": {str(nm): {"min": span.min, "max": span.max} for nm, span in plan.losses.items()},
            "closes": list(plan.closes),
        },
    }


def render(found: Works, written: Path | None = None) -> list[RenderableType]:
    if not found.answers:
        near = f" or within {found.reach:.0f} m of it" if found.reach else ""
        return [f"no site stands in the road{near}", *_last(found, written)]
    numbers = [(name, RIGHT) for name in ("dig m", "now", "cable m", "splices")]
    shown = table("", "site", "what", *numbers)
    for one in found.answers:
        plan = one.connection
        name = f"{one.site} ({one.away:.0f} m off)" if one.away else one.site
        figures = ("",) * 4
        if plan is not None:
            figures = (f"{plan.dig:.0f}", f"{plan.now:.0f}", f"{plan.cable:.0f}", str(plan.splices))
        shown.add_row(name, f"[{_STYLE[one.verdict]}]{_sentence(one)}[/]", *figures)
    parts: list[RenderableType] = [shown]
    for one in found.of(Verdict.CONNECT):
        if one.connection is not None:
            parts += _plan(one.site, one.connection)
    return [*parts, *_last(found, written)]


def _sentence(one: Answer) -> str:
    if one.connection is not None:
        return f"connect now: {one.why}, {one.connection.closure} has {one.connection.spare} free strands"
    return f"{'connected' if one.verdict is Verdict.CONNECTED else 'cannot:'} {one.why}"


def _plan(site: str, plan: Connection) -> list[RenderableType]:
    lay = [f"{one.metres:.0f} m from {one.a} to {one.b} ({one.now:.0f} m of it now)" for one in plan.lay]
    dig = f"lay a duct: {'; '.join(lay)}" if lay else "no duct is to be laid"
    through = f"; pull through {counted(len(plan.through), 'segments')} with a duct" if plan.through else ""
    losses = ", ".join(f"{span.min:.1f}–{span.max:.1f} dB at {nm}" for nm, span in plan.losses.items())
    lines = [
        f"[bold]{site}[/]: {dig}{through}; {plan.cable:.0f} m of cable to {plan.closure} at {plan.place}",
        f"  {plan.metres / 1000:.2f} km of fibre to {plan.goal}, {losses}",
        f"  optics that close it: {', '.join(plan.closes) or 'none in the inventory'}",
    ]
    lines += [
        f"  at {work.place}: {work.count} {work.kind}s {work.what}".rstrip()
        for work in plan.works
        if work.kind != "cut"
    ]
    lines += [f"  at {work.place}: {work.what}" for work in plan.works if work.kind == "cut"]
    return list(lines)


def _last(found: Works, written: Path | None) -> list[RenderableType]:
    totals = _totals(found)
    sites = ", ".join(f"{count} {_WORDS[verdict]}" for verdict, count in totals["sites"].items() if count)
    lines: list[RenderableType] = []
    if found.answers and not found.of(Verdict.CONNECT):
        lines.append(sites)
    elif found.answers:
        lines.append(
            f"{sites}: {totals['dig']:.0f} m to dig, {totals['dig_now']:.0f} m of them while the road is open, "
            f"{totals['cable'] / 1000:.2f} km of cable, {totals['splices']} splices"
        )
    for closure, (wanted, spare) in found.crowded.items():
        told = f"{closure} has {spare} free strands, and {wanted} are wanted there: not for all of its sites"
        lines.append(f"[yellow]{told}[/]")
    if found.unplaced:
        lines.append(f"nobody wrote where these are: {', '.join(found.unplaced[:6])}")
    if written is not None:
        lines.append(f"the map layer is in {written}")
    return lines


_WORDS = {"connected": "connected", "connect": "to connect now", "cannot": "that cannot be connected"}


def geojson(found: Works) -> dict[str, Any]:
    """The road, its sites, and ducts and cables to lay, for a map (RFC 7946)."""
    roads = ([[*one, one[0]] for one in (ring, *holes_of(ring))] for ring in found.rings)
    features = [_feature("Polygon", road, {"kind": "works"}) for road in roads]
    for one in found.answers:
        plan = one.connection
        properties: dict[str, Any] = {
            "kind": "site",
            "site": one.site,
            "verdict": str(one.verdict),
            "why": one.why,
        }
        if plan is not None:
            properties |= {"closure": plan.closure, "splices": plan.splices, "metres": plan.cable}
            cable = {"kind": "cable", "site": one.site, "closure": plan.closure, "metres": plan.cable}
            if len(plan.line) > 1:
                features.append(_feature("LineString", plan.line, cable))
            features += [
                _feature("LineString", lay.line, {"kind": "duct", "metres": lay.metres, "now": lay.now})
                for lay in plan.lay
            ]
        features.append(_feature("Point", one.position, properties))
    return {"type": "FeatureCollection", "features": features}


def _feature(kind: str, coordinates: Any, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": kind, "coordinates": coordinates},
    }
