"""How `inventory otdr` looks: where the fibre ends, what changed, each event with its place; and as GeoJSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdnctl.cli.output import RIGHT, table
from sdnctl.errors import Severity
from sdnctl.inventory.otdr import Finding, Interval, Kind, Survey, Verdict
from sdnctl.inventory.otdr_remarks import name_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.inventory.course import Spot
    from sdnctl.inventory.otdr_both import BothWays, Meeting
    from sdnctl.inventory.otdr_remarks import Remark
    from sdnctl.usecases.measuring import Report

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_WORDS = {Kind.NEW: "not recorded", Kind.ECHO: "echo", Kind.BEYOND: "behind the far end", Kind.BREAK: "break"}


# ── for programs ─────────────────────────────────────────────────────────────────────────────────


def document(report: Report, written: dict[str, Path]) -> dict[str, Any]:
    found = report.found
    return {
        "ok": True,
        "trace": _trace(found),
        "reference": _trace(report.reference) if report.reference else None,
        "from": str(found.course.start),
        "to": str(found.course.end),
        "verdict": str(found.verdict),
        "recorded_length": found.course.length,
        "measured_length": found.fibre,
        "receive_lead": found.receive,
        "end": _event(found.end),
        "events": [_event(one) for one in found.findings],
        "unseen": [
            {"kind": str(one.kind), "via": one.via, "place": one.place, "at": one.at} for one in found.unseen
        ],
        "both_ways": [_both(one) for one in report.both],
        "meeting": _meeting(report.meeting),
        "remarks": [_remark(one) for one in report.remarks],
        "notes": [one.to_json() for one in report.notes],
        "files": {name: str(path) for name, path in written.items()},
    }


def _trace(one: Survey) -> dict[str, Any]:
    trace = one.trace
    return {
        "name": trace.name,
        "wavelength": trace.wavelength,
        "group_index": trace.index,
        "pulse": trace.pulse,
        "launch_lead": trace.metres(trace.lead),
        "taken": trace.taken.isoformat() if trace.taken else None,
        "instrument": trace.instrument,
    }


def _event(one: Finding) -> dict[str, Any]:
    return {
        "kind": str(one.kind),
        "measured": one.measured,
        "joints": [joint.via for joint in one.joints],
        "loss": one.reading.loss,
        "reflectance": one.reading.reflectance,
        "slope": one.reading.slope,
        **_interval(one.where),
    }


def _interval(where: Interval) -> dict[str, Any]:
    return {
        "at": where.spot.at,
        "half_width": where.half,
        "to_calibrated": where.calibrated,
        "spot": _spot(where.spot),
        "low": _spot(where.low),
        "high": _spot(where.high),
    }


def _spot(spot: Spot) -> dict[str, Any]:
    nearest, metres = spot.nearest
    return {
        "cable": spot.cable or None,
        "sheath": spot.sheath,
        "segment": spot.segment or None,
        "place": spot.here or None,
        "in_loop": spot.in_loop,
        "behind": spot.behind,
        "from_behind": spot.from_behind,
        "ahead": spot.ahead,
        "to_ahead": spot.to_ahead,
        "nearest": nearest,
        "to_nearest": metres,
        "closure": spot.closure or None,
        "to_closure": spot.to_closure,
        "point": list(spot.point) if spot.point else None,
    }


def _both(one: BothWays) -> dict[str, Any]:
    apparent = {"there": one.there, "back": one.back}
    return {"name": one.name, "loss": one.loss, "apparent": apparent, "place": one.where.spot.nearest[0]}


def _meeting(one: Meeting | None) -> dict[str, Any] | None:
    return None if one is None else {"at": one.at, "half_width": one.half, "gap": one.gap}


def _remark(one: Remark) -> dict[str, Any]:
    return {
        "code": one.code,
        "severity": str(one.severity),
        "text": one.text,
        "hint": one.hint,
        "where": _interval(one.where) if one.where else None,
    }


def geojson(report: Report) -> dict[str, Any]:
    """Events as points, and for what is not a recorded joint the ends of its interval (RFC 7946)."""
    features = []
    for one in report.found.findings:
        if one.kind in (Kind.ECHO, Kind.BEYOND):
            continue
        spots = {"": one.where.spot}
        if one.where.half:
            spots |= {"low": one.where.low, "high": one.where.high}
        for role, spot in spots.items():
            if spot.point is None:
                continue
            properties = {
                "kind": str(one.kind),
                "name": _name(one),
                "role": f"interval {role}" if role else "event",
                "loss": one.reading.loss,
                "cable": spot.cable or None,
                "sheath": round(spot.sheath, 1) if spot.sheath is not None else None,
                "half_width": round(one.where.half, 1),
                "place": where(spot),
            }
            geometry = {"type": "Point", "coordinates": [round(part, 7) for part in spot.point]}
            features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return {"type": "FeatureCollection", "features": features}


# ── for people ───────────────────────────────────────────────────────────────────────────────────


def render(report: Report, written: dict[str, Path]) -> list[RenderableType]:
    parts: list[RenderableType] = [*_head(report), "", *_verdict(report)]
    parts.append(_events(report.found))
    if report.both:
        parts.append(_both_ways(report.both))
    parts += [_remarked(one) for one in report.remarks if one.code != "break"]
    parts += [f"{name}: {path}" for name, path in written.items()]
    return parts


def _head(report: Report) -> Iterator[str]:
    found = report.found
    yield f"{found.course.start} → {found.course.end}, {found.course.length / 1000:.3f} km of fibre in the records"
    yield _told(found, "trace")
    if report.reference is not None:
        yield _told(report.reference, "commissioning")
    if report.other is not None:
        yield _told(report.other, "from the far end")


def _told(one: Survey, what: str) -> str:
    trace = one.trace
    taken = f", {trace.taken:%Y-%m-%d}" if trace.taken else ""
    lead = f", lead {trace.metres(trace.lead):.0f} m" if trace.lead else ""
    return f"{what}: {trace.name}, {trace.wavelength} nm, {trace.pulse:g} ns, index {trace.index:.4f}{lead}{taken}"


def _verdict(report: Report) -> Iterator[RenderableType]:
    from rich.text import Text

    found, end = report.found, report.found.end
    if found.verdict is Verdict.WHOLE:
        lead = f", then a receive lead of {found.receive:,.0f} m" if found.receive else ""
        yield Text(
            f"whole: {found.fibre:,.0f} m of fibre to {end.where.spot.nearest[0]}{lead}", style="bold green"
        )
        if end.where.half:
            known = "" if report.reference else " without a trace of commissioning"
            yield f"a break in the last {end.where.half:.0f} m would look the same{known}"
        return
    if found.verdict is Verdict.LONGER:
        yield Text(f"no end where the records have it: {found.fibre:,.0f} m of fibre", style="bold red")
        return
    spot, half = end.where.spot, end.where.half
    yield Text(f"broken at {end.measured:,.0f} m of fibre: {where(spot)}", style="bold red")
    if spot.sheath is not None:
        closure = (
            f"; nearest closure {spot.closure}, {spot.to_closure:.0f} m" if spot.to_closure is not None else ""
        )
        yield f"cable {spot.cable}, sheath mark {spot.sheath:,.0f} m ± {half:.0f} m (95 %){closure}"
    if spot.point is not None:
        yield f"{spot.point[1]:.6f}, {spot.point[0]:.6f}" + (f", segment {spot.segment}" if spot.segment else "")
    yield _between(end.where.low, end.where.high)
    yield f"{end.where.calibrated:,.0f} m from the nearest joint that the trace shows"
    if report.meeting is not None:
        yield from _closed_in(report, report.meeting)


def _between(low: Spot, high: Spot) -> str:
    """The ends of an interval: in one clause where they lie between the same two places."""
    if not low.here and not high.here and (low.behind, low.ahead) == (high.behind, high.ahead):
        metres = f"{low.from_behind:,.0f} and {high.from_behind:,.0f} m behind {low.behind}"
        return f"between {metres} towards {low.ahead}"
    return f"between {where(low)} and {where(high)}"


def _closed_in(report: Report, met: Meeting) -> Iterator[str]:
    if met.gap:
        yield f"from both ends: glass is missing over {met.gap:,.0f} m, there are two breaks"
    else:
        off = met.at - report.found.end.where.spot.at
        side = "farther" if off >= 0 else "nearer"
        yield f"from both ends: {abs(off):.1f} m {side} than from this end alone, ± {met.half:.0f} m"


def where(spot: Spot) -> str:
    """A place in words: in a loop, at a place, or so many metres behind the last place that the light passed."""
    if spot.here:
        return f"{'in the loop' if spot.in_loop else ''} at {spot.here}".strip()
    name, metres = spot.nearest
    if name == spot.behind:
        return f"{metres:,.0f} m behind {name} towards {spot.ahead}"
    return f"{metres:,.0f} m before {name} from {spot.behind}"


def _name(one: Finding) -> str:
    if one.kind in _WORDS:
        return _WORDS[one.kind]
    return name_of(one) if one.joints else str(one.kind)


def _place(one: Finding) -> str:
    if one.kind in (Kind.ECHO, Kind.BEYOND):
        return ""
    return f"at {one.joints[0].place}" if one.joints else where(one.where.spot)


def _events(found: Survey) -> RenderableType:
    columns = [(name, RIGHT) for name in ("loss dB", "refl. dB", "± m")]
    shown = table("", ("km", RIGHT), "event", "where", *columns)
    for one in found.findings:
        if one.kind is Kind.ECHO and one.measured > found.end.measured:
            continue
        shown.add_row(
            f"{one.measured / 1000:.3f}",
            _name(one),
            _place(one),
            _decibels(one.reading.loss, 2),
            _decibels(one.reading.reflectance, 1),
            f"{one.where.half:.0f}" if one.where.half and one.kind not in (Kind.ECHO, Kind.BEYOND) else "",
        )
    return shown


def _both_ways(rows: tuple[BothWays, ...]) -> RenderableType:
    columns = [(name, RIGHT) for name in ("there", "back", "mean dB")]
    shown = table("both directions (one way is apparent, the mean counts)", "event", "place", *columns)
    for one in rows:
        values = (_decibels(value, 2) for value in (one.there, one.back, one.loss))
        shown.add_row(one.name, one.where.spot.nearest[0], *values)
    return shown


def _decibels(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _remarked(one: Remark) -> RenderableType:
    from rich.text import Text

    place = f" ({where(one.where.spot)})" if one.where and one.where.half else ""
    text = Text(f"{one.code}: ", style=_COLOURS[one.severity]) + Text(f"{one.text}{place}")
    return text + Text(f". {one.hint}", style="dim") if one.hint else text
