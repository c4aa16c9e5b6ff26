"""Ways of a delivery, as segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import hypot

from sdnctl.exchange.gracethd.defects import DISTANCES, Findings
from sdnctl.exchange.gracethd.places import Places, Point, add_node, degrees, life, life_columns, metres
from sdnctl.exchange.gracethd.records import Item, Records
from sdnctl.exchange.gracethd.schema import WAYS
from sdnctl.exchange.gracethd.store import Store
from sdnctl.exchange.gracethd.values import Names, read_number
from sdnctl.exchange.wkb import ShapeError
from sdnctl.inventory.lambert93 import ground_length
from sdnctl.units import format_length


@dataclass
class Ways:
    """Segments and ducts by code. `ends`: segment or duct → its two places; `lengths`: segment → metres.

    `segments`: code of a way → segment; `elements`: code of a conduit → what a route through it names;
    `inside`: duct → its segments.
    """

    ends: dict[str, tuple[str, str]] = field(default_factory=dict)
    lengths: dict[str, float] = field(default_factory=dict)
    segments: dict[str, str] = field(default_factory=dict)
    elements: dict[str, list[str]] = field(default_factory=dict)
    inside: dict[str, list[str]] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    names: Names = field(default_factory=Names)


def line_ends(store: Store) -> dict[str, Point]:
    """Where nodes are by the lines that name them, first line first."""
    table = store.tables.get("t_cheminement")
    found: dict[str, Point] = {}
    for _, (first, last), shape in store.read("t_cheminement", "cm_ndcode1", "cm_ndcode2"):
        try:
            points = metres(shape, table.crs if table is not None else 0)
        except ShapeError:
            continue
        if points:
            found.setdefault(first, points[0])
            found.setdefault(last, points[-1])
    return found


def read_ways(store: Store, places: Places, records: Records, findings: Findings, snap: float) -> Ways:
    """The segments of a delivery; `snap`: metres up to which their ends are moved onto their nodes."""
    ways = Ways()
    table = store.tables.get("t_cheminement")
    if table is None:
        return ways
    columns = ("cm_code", "cm_ndcode1", "cm_ndcode2", "cm_typ_imp", "cm_lgreel", "cm_dtclass")
    for line, (code, first, last, laid, real, survey, *cells), shape in store.read(
        "t_cheminement", *columns, *life_columns("cm")
    ):
        if not code or code in ways.segments:
            text = f"{code} is there twice" if code else "a way has no code"
            findings.error("duplicate-code" if code else "no-code", "t_cheminement", code, text, line)
            continue
        try:
            points = metres(shape, table.crs)
        except ShapeError as error:
            findings.error("bad-shape", "t_cheminement", code, f"{code}: {error}", line)
            points = []
        nodes = _nodes(places, findings, code, line, [first, last], points)
        points = _joined(places, findings, code, line, nodes, points, snap)
        found = [add_node(places, records, findings, node, "a way ends at") if node else None for node in nodes]
        if len(points) < 2 or None in found or found[0] == found[1]:
            _unusable(findings, code, line, nodes, found, points)
            continue
        a, b = (str(place) for place in found)
        name = ways.names.give(code)
        ways.segments[code], ways.codes[name] = name, code
        item: Item = {"a": a, "b": b, "coordinates": [list(degrees(*point)) for point in points]}
        kind = WAYS.get(laid)
        if kind is not None:
            item["kind"] = kind
        if survey.upper() in ("A", "B", "C"):
            item["precision"] = survey.upper()
        drawn = ground_length(points)
        length = read_number(real) if real else None
        if length is not None and length > 0:
            item["length"] = format_length(length)
            if drawn and not 0.9 <= length / drawn <= 1.2 and abs(length - drawn) > 5:
                text = f"{code} is {length:.0f} m long, its line {drawn:.0f} m"
                findings.warning("length-unlikely", "t_cheminement", code, text, line, column="cm_lgreel")
        elif real and length is None:
            findings.warning("bad-number", "t_cheminement", code, f"{code}: {real!r} is not a length", line)
        ways.ends[name], ways.lengths[name] = (a, b), length or drawn
        records["segment"][name] = {**item, **life(cells, findings, "t_cheminement", code, line)}
    return ways


def _nodes(
    places: Places, findings: Findings, code: str, line: int, nodes: list[str], points: Sequence[Point]
) -> list[str]:
    """The nodes of a way; where one is not said, the nearest to the end of its line."""
    found = []
    for node, column, end in zip(nodes, ("cm_ndcode1", "cm_ndcode2"), (0, -1), strict=True):
        if node and node not in places.xy and node not in places.at:
            findings.error(
                "no-such-node", "t_cheminement", code, f"{code}: there is no node {node}", line, column=column
            )
            node = ""
        if not node and points:
            node = places.grid.nearest(points[end]) or ""
            if node:
                findings.infer("t_cheminement", code, column, node, "the end of its line")
        found.append(node)
    return found


def _joined(
    places: Places,
    findings: Findings,
    code: str,
    line: int,
    nodes: Sequence[str],
    points: list[Point],
    snap: float,
) -> list[Point]:
    """The line of a way from its first node to its second; how far it misses them is graded, or mended."""
    ends = [places.xy.get(node) for node in nodes]
    first, last = ends
    if first is None or last is None:
        return points
    if not points:
        findings.infer("t_cheminement", code, "geom", "a straight line", "its two nodes")
        return [first, last]
    straight = max(_far(first, points[0]), _far(last, points[-1]))
    if straight > DISTANCES[-1] and max(_far(first, points[-1]), _far(last, points[0])) < straight / 2:
        points = points[::-1]
        findings.note("line-reversed", "t_cheminement", code, f"{code} is drawn from its second node", line)
    for end, place in ((0, first), (-1, last)):
        off = _far(place, points[end])
        if off <= DISTANCES[0]:
            continue
        node = nodes[end]
        where = degrees(*points[end])
        text = f"{code} ends {off:.3f} m away from node {node}"
        findings.graded(off, "end-off-node", "t_cheminement", code, text, line, at=where)
        if off <= snap:
            points = [place, *points[1:]] if end == 0 else [*points[:-1], place]
            findings.infer("t_cheminement", code, "geom", node, f"its end moved by {off:.3f} m, as asked (--snap)")
    return points


def _far(a: Point, b: Point) -> float:
    return hypot(a[0] - b[0], a[1] - b[1])


def _unusable(
    findings: Findings,
    code: str,
    line: int,
    nodes: Sequence[str],
    found: Sequence[str | None],
    points: Sequence[Point],
) -> None:
    if None in found:
        column = "cm_ndcode1" if found[0] is None else "cm_ndcode2"
        text, ask = f"{code} has no place at one end", f"Fill in {column}, with a node that is drawn."
    elif found[0] == found[1]:
        column, text = "cm_ndcode2", f"{code} begins and ends at {nodes[0]}"
        ask = "Split it, or correct cm_ndcode2."
    else:
        column, text, ask = "geom", f"{code} has no line", "Draw it."
    at = degrees(*points[0]) if points else None
    findings.error("way-unusable", "t_cheminement", code, text, line, column=column, at=at, ask=ask)
