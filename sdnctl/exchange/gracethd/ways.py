"""Ways and conduits of a delivery, as segments and ducts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot

from sdnctl.exchange.gracethd.defects import DISTANCES, Findings
from sdnctl.exchange.gracethd.places import Places, Point, add_node, degrees, life, life_columns, metres
from sdnctl.exchange.gracethd.records import Item, Records
from sdnctl.exchange.gracethd.schema import VIRTUAL, WAYS
from sdnctl.exchange.gracethd.store import Store
from sdnctl.exchange.gracethd.values import Names, read_count, read_number
from sdnctl.exchange.wkb import ShapeError
from sdnctl.inventory.fields import parse_mask
from sdnctl.inventory.lambert93 import ground_length
from sdnctl.units import format_length


@dataclass
class Ways:
    """Segments and ducts by code. `ends`: segment or duct → its two places; `lengths`: segment → metres.

    `segments`: code of a way → segment; `elements`: code of a conduit → what a route through it names;
    `inside`: duct → its segments; `chambers`: what was made on nodes without a place.
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
    ways = Ways()
    _read_segments(store, places, records, findings, ways, snap)
    _read_ducts(store, places, records, findings, ways)
    return ways


# ── segments ─────────────────────────────────────────────────────────────────────────────────────


def _read_segments(
    store: Store, places: Places, records: Records, findings: Findings, ways: Ways, snap: float
) -> None:
    table = store.tables.get("t_cheminement")
    if table is None:
        return
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
        grade = (
            findings.note if off <= DISTANCES[1] else findings.warning if off <= DISTANCES[2] else findings.error
        )
        code_ = "end-off-node-" + (
            "centimetres" if off <= DISTANCES[1] else "metre" if off <= DISTANCES[2] else "far"
        )
        grade(code_, "t_cheminement", code, text, line, at=where)
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


# ── ducts ────────────────────────────────────────────────────────────────────────────────────────


def _read_ducts(store: Store, places: Places, records: Records, findings: Findings, ways: Ways) -> None:
    members: dict[str, list[str]] = defaultdict(list)
    for line, (duct, way), _ in store.read("t_cond_chem", "dm_cd_code", "dm_cm_code"):
        if way in ways.segments:
            members[duct].append(ways.segments[way])
        else:
            text = f"conduit {duct} runs through {way or '(nothing)'}, which cannot be used"
            findings.warning("no-such-way", "t_cond_chem", duct, text, line)
    parents: dict[str, str] = {}
    columns = ("cd_code", "cd_cd_code", "cd_type", "cd_dia_ext", *life_columns("cd"))
    for line, (code, parent, kind, diameter, *cells), _ in store.read("t_conduite", *columns):
        if not code or code in ways.elements:
            text = f"{code} is there twice" if code else "a conduit has no code"
            findings.error("duplicate-code" if code else "no-code", "t_conduite", code, text, line)
            continue
        segments = list(dict.fromkeys(members.get(code, ())))
        if kind.upper() == VIRTUAL:
            ways.elements[code] = segments
            continue
        if not segments and not parent:
            findings.warning("orphan-conduit", "t_conduite", code, f"conduit {code} runs through no way", line)
            ways.elements[code] = []
            continue
        item = life(cells, findings, "t_conduite", code, line)
        millimetres = read_number(diameter) if diameter else None
        if millimetres is not None and millimetres > 0:
            item["diameter"] = format_length(millimetres / 1000)
        _add_duct(records, findings, ways, code, line, segments, item)
        if parent:
            parents[code] = parent
    _nest(records, findings, ways, parents)
    _read_masks(store, places, records, findings, ways)


def _read_masks(store: Store, places: Places, records: Records, findings: Findings, ways: Ways) -> None:
    """By which hole of a chamber's wall a duct comes in."""
    columns = ("mq_nd_code", "mq_cd_code", "mq_face", "mq_ligne", "mq_col")
    for line, (node, code, face, row, column), _ in store.read("t_masque", *columns):
        place, names = places.at.get(node), ways.elements.get(code, [])
        duct = next((one for one in names if one in records["duct"] and place in ways.ends.get(one, ())), None)
        if place is None or duct is None:
            if code:
                text = f"conduit {code} has a hole at {node or '(nowhere)'}, where it does not end"
                findings.warning("orphan-mask", "t_masque", code, text, line)
            continue
        try:
            hole = parse_mask(f"{face}:{read_count(row) or 1}.{read_count(column) or 0}")
        except ValueError:
            text = f"the hole of conduit {code} at {node} has no face, row or column"
            findings.warning("mask-without-position", "t_masque", code, text, line)
            continue
        records["duct"][duct].setdefault("masks", {})[place] = str(hole)


def _add_duct(
    records: Records, findings: Findings, ways: Ways, code: str, line: int, segments: list[str], item: Item
) -> None:
    """A duct; one that branches or has gaps becomes several."""
    pieces = chains(segments, ways.ends) if segments else [[]]
    if len(pieces) > 1:
        text = f"conduit {code} is no single line: it became {len(pieces)} ducts"
        findings.warning("conduit-not-a-line", "t_conduite", code, text, line)
    ways.elements[code] = []
    for number, piece in enumerate(pieces):
        name = ways.names.give(code if number == 0 else f"{code}.{number + 1}")
        ways.elements[code].append(name)
        ways.codes[name] = code if number == 0 else f"{code}.{number + 1}"
        if number:
            findings.infer("t_conduite", f"{code}.{number + 1}", "cd_code", name, f"the gaps of conduit {code}")
        ways.inside[name] = piece
        if piece:
            ways.ends[name] = chain_ends(piece, ways.ends)
        records["duct"][name] = {**item, **({"segments": piece} if piece else {})}


def _nest(records: Records, findings: Findings, ways: Ways, parents: Mapping[str, str]) -> None:
    """Ducts in ducts, where the inner one lies in the outer all the way."""
    for code, parent in parents.items():
        names, outer = ways.elements.get(code, []), ways.elements.get(parent, [])
        seen, above = {code}, parent
        while above in parents and above not in seen:
            seen.add(above)
            above = parents[above]
        for name in names:
            piece = ways.inside.get(name, [])
            holder = next((one for one in outer if not piece or within(piece, ways.inside.get(one, []))), None)
            if holder is None or above in seen:
                text = f"conduit {code} is said to lie in {parent}, and does not all the way"
                findings.warning("conduit-outside-parent", "t_conduite", code, text, column="cd_cd_code")
                if not piece:
                    del records["duct"][name]
                    ways.elements[code].remove(name)
                continue
            records["duct"][name]["parent"] = holder
            if not piece:
                ways.inside[name] = ways.inside[holder]
                ways.ends[name] = ways.ends[holder]


def within(part: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether a run of segments stands in another without gaps, in either order."""
    count = len(part)
    for names in (list(whole), list(reversed(whole))):
        if any(names[start : start + count] == list(part) for start in range(len(names) - count + 1)):
            return True
    return False


def chains(names: Sequence[str], ends: Mapping[str, tuple[str, str]]) -> list[list[str]]:
    """Segments put in order, as few lines as it takes; each begins on the side of the one that was named first."""
    left = dict.fromkeys(names)
    at: dict[str, list[str]] = defaultdict(list)
    for name in names:
        for place in ends[name]:
            at[place].append(name)

    def grow(start: str, place: str, passed: set[str]) -> list[str]:
        found = [start]
        while len(at[place]) == 2:  # a fork ends a line
            ahead = next((name for name in at[place] if name in left), None)
            if ahead is None:
                break
            first, last = ends[ahead]
            place = last if place == first else first
            if place in passed:  # a ring is cut open
                break
            passed.add(place)
            del left[ahead]
            found.append(ahead)
        return found

    order = {name: index for index, name in enumerate(names)}
    result = []
    for name in names:
        if name not in left:
            continue
        del left[name]
        passed = set(ends[name])
        after = grow(name, ends[name][1], passed)
        before = grow(name, ends[name][0], passed)
        line = [*reversed(before[1:]), *after]
        if len(line) > 1 and order[line[0]] > order[line[-1]]:
            line.reverse()
        result.append(line)
    return result


def chain_ends(line: Sequence[str], ends: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """The places where a line of segments begins and ends."""
    first = ends[line[0]]
    if len(line) > 1 and first[1] not in ends[line[1]]:
        first = (first[1], first[0])
    place = first[0]
    for name in line:
        a, b = ends[name]
        place = b if place == a else a
    return first[0], place
