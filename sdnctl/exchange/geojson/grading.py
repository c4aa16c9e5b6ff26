"""How good an imported plant is: every defect by name, graded, with its distance or ratio.

Ends of segments against their places: within 1 cm nothing is said; grade B up to 10 cm, C up to 1 m, D beyond.
Sheath without loops against the drawn route: 1.01 to 1.06 is usual. Orphans: what nothing is joined to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sdnctl.errors import Diagnostic, Severity, Source
from sdnctl.exchange.geojson.layers import Drawing, Layer, Row
from sdnctl.inventory.geometry import distance, line_length
from sdnctl.units import parse_length

GRADES: tuple[tuple[float, str], ...] = ((0.01, "A"), (0.1, "B"), (1.0, "C"))
"""Greatest metres of each grade; what is farther is D."""
SHEATH = (1.01, 1.06)
ROUNDING = 5.0
"""Metres of sheath below which a difference is rounding."""


def grade(metres: float) -> str:
    """A to D."""
    return next((name for greatest, name in GRADES if metres <= greatest), "D")


def graded(
    table: Mapping[Layer, Sequence[Row]], drawing: Drawing, sources: Mapping[tuple[Layer, str], Source]
) -> Iterator[Diagnostic]:
    """Findings on an imported plant."""
    yield from _axes(table, drawing)
    for row in table.get("segment", ()):
        yield from _ends(row, drawing, sources.get(("segment", row["id"])))
    for row in table.get("cable", ()):
        yield from _sheath(row, drawing, sources.get(("cable", row["id"])))
    yield from _orphans(table, drawing, sources)


def _axes(table: Mapping[Layer, Sequence[Row]], drawing: Drawing) -> Iterator[Diagnostic]:
    """Longitude and latitude exchanged: then what is said of lengths fits the lines turned over, not as they are.

    Nothing else tells, because a place somewhere else is a place, too.
    """
    here = there = 0
    for stated, lines in _stated(table, drawing):
        drawn = sum(line_length([(place[0], place[1]) for place in line]) for line in lines)
        turned = sum(line_length([(place[1], place[0]) for place in line]) for line in lines)
        here += _fits(stated, drawn)
        there += _fits(stated, turned) and not _fits(stated, drawn)
    if there > 1 and there > 2 * here:
        yield Diagnostic(
            "axes-exchanged",
            "longitude and latitude look exchanged",
            detail=f"{there} lengths of segments and sheaths fit the lines with latitude first, {here} as drawn.",
            hint="Export with longitude before latitude, as RFC 7946 has it, and import again.",
            severity=Severity.WARNING,
        )


def _stated(
    table: Mapping[Layer, Sequence[Row]], drawing: Drawing
) -> Iterator[tuple[float, list[Sequence[Sequence[float]]]]]:
    """Lengths that a file says, and the lines that they are of."""
    for row in table.get("segment", ()):
        if row.get("length"):
            yield parse_length(row["length"]), [row["coordinates"]]
    for row in table.get("cable", ()):
        names = [name for way in row.get("route") or () for name in drawing.segments_of(way)]
        if row.get("sheath") and names and all(name in drawing.segments for name in names):
            loops = sum(parse_length(loop["length"]) for loop in row.get("slack") or ())
            yield parse_length(row["sheath"]) - loops, [drawing.segments[name]["coordinates"] for name in names]


def _fits(stated: float, drawn: float) -> bool:
    """Whether a length may be that of a line, generously."""
    return 0.95 * drawn - ROUNDING <= stated <= 1.15 * drawn + ROUNDING


def _ends(row: Row, drawing: Drawing, source: Source | None) -> Iterator[Diagnostic]:
    for key, corner in (("a", row["coordinates"][0]), ("b", row["coordinates"][-1])):
        place = drawing.places.get(row[key])
        if place is None:
            continue
        metres = distance((corner[0], corner[1]), (place[0], place[1]))
        found = grade(metres)
        if found != "A":
            yield Diagnostic(
                "end-apart",
                f"grade {found}: end {key} of the line is {metres:.3g} m from {row[key]}",
                f"segment {row['id']}",
                source,
                hint="Import with --snap to move ends that are at most so far off, or correct the drawing.",
                severity=Severity.NOTE if found == "B" else Severity.WARNING,
            )


def _sheath(row: Row, drawing: Drawing, source: Source | None) -> Iterator[Diagnostic]:
    if not row.get("sheath"):
        return
    names = [name for way in row.get("route") or () for name in drawing.segments_of(way)]
    drawn = sum(_metres(drawing.segments[name]) for name in names if name in drawing.segments)
    if not names or not drawn:
        return
    loops = sum(parse_length(loop["length"]) for loop in row.get("slack") or ())
    sheath = parse_length(row["sheath"]) - loops
    ratio = sheath / drawn
    low, high = SHEATH[0] * drawn - ROUNDING, SHEATH[1] * drawn + ROUNDING
    if not low <= sheath <= high:
        yield Diagnostic(
            "sheath-ratio",
            f"the sheath without loops is {ratio:.3f} times the drawn route; {SHEATH[0]} to {SHEATH[1]} is usual",
            f"cable {row['id']}",
            source,
            detail=f"Sheath {sheath:.0f} m, route {drawn:.0f} m.",
            hint="A loop may be missing, the route may be another, or the length is that of the drawing.",
            severity=Severity.WARNING,
        )


def _metres(segment: Row) -> float:
    if segment.get("length"):
        return parse_length(segment["length"])
    return line_length([(place[0], place[1]) for place in segment["coordinates"]])


def _orphans(
    table: Mapping[Layer, Sequence[Row]], drawing: Drawing, sources: Mapping[tuple[Layer, str], Source]
) -> Iterator[Diagnostic]:
    ends = {end for row in table.get("segment", ()) for end in (row["a"], row["b"])}
    ends |= {end for row in table.get("cable", ()) for end in (row["a"], row["b"])}
    passed = set(ends)
    used: set[str] = set()
    for row in (*table.get("duct", ()), *table.get("cable", ())):
        for way in (*(row.get("segments") or ()), *(row.get("route") or ())):
            used.update(drawing.segments_of(way))
    for row in table.get("chamber", ()):
        if row["id"] not in ends:
            yield _orphan("chamber", row["id"], "no segment and no cable ends there", sources)
    for row in table.get("closure", ()):
        if row["at"] not in passed:
            yield _orphan("closure", row["id"], f"nothing leads to {row['at']}", sources)
    counts: dict[str, int] = {}
    for row in table.get("segment", ()):
        for end in (row["a"], row["b"]):
            counts[end] = counts.get(end, 0) + 1
    for row in table.get("segment", ()):
        if counts[row["a"]] == counts[row["b"]] == 1 and row["id"] not in used:
            yield _orphan("segment", row["id"], "it is joined to no other, and nothing lies in it", sources)


def _orphan(layer: Layer, name: str, why: str, sources: Mapping[tuple[Layer, str], Source]) -> Diagnostic:
    return Diagnostic(
        "orphan",
        f"{layer} {name} is alone: {why}",
        f"{layer} {name}",
        sources.get((layer, name)),
        severity=Severity.WARNING,
    )


def snapped(table: Mapping[Layer, Sequence[Row]], drawing: Drawing, reach: float) -> Iterator[Diagnostic]:
    """Move ends of segments that are within `reach` metres of their place onto it, and say so."""
    for row in table.get("segment", ()):
        for key, number in (("a", 0), ("b", -1)):
            place: Any = drawing.places.get(row.get(key, ""))
            corner = row["coordinates"][number]
            if place is None:
                continue
            metres = distance((corner[0], corner[1]), (place[0], place[1]))
            if 0 < metres <= reach:
                row["coordinates"][number] = [place[0], place[1]]
                yield Diagnostic(
                    "snapped",
                    f"end {key} was moved {metres:.3g} m onto {row[key]}",
                    f"segment {row['id']}",
                    severity=Severity.NOTE,
                )
