"""Cables of a delivery: kinds, ends, routes, loops."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sdnctl.exchange.gracethd.defects import DISTANCES, Findings
from sdnctl.exchange.gracethd.kinds import Make, read_kinds
from sdnctl.exchange.gracethd.lines import Follower
from sdnctl.exchange.gracethd.places import Places, Point, add_node, degrees, life, life_columns, metres
from sdnctl.exchange.gracethd.records import Item, Records
from sdnctl.exchange.gracethd.store import Store
from sdnctl.exchange.gracethd.values import Names, read_number
from sdnctl.exchange.gracethd.ways import Ways, chain_ends
from sdnctl.exchange.wkb import ShapeError
from sdnctl.inventory.lambert93 import ground_length
from sdnctl.units import format_length

RATIO = (1.01, 1.06)
"""A sheath without its loops to the line on the ground: what is usual."""
TOLERANCE = 5.0
"""Metres by which short cables may be outside of that."""
PATCH = "J"
"""Type of patch cords, which are no plant."""


@dataclass
class Cables:
    """Cables by code. `places`: cable → the places it passes; `makes`: cable → its kind; `ids`: code → id."""

    ids: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)
    makes: dict[str, Make] = field(default_factory=dict)
    patches: set[str] = field(default_factory=set)
    names: Names = field(default_factory=Names)


@dataclass(frozen=True, slots=True)
class _Line:
    points: list[Point]
    length: float


def read_cables(store: Store, places: Places, ways: Ways, records: Records, findings: Findings) -> Cables:
    cables = Cables()
    if not store.has("t_cable"):
        return cables
    routes = _routes(store, ways, findings)
    lines = _lines(store, findings)
    loops = _loops(store, places, findings)
    makes = read_kinds(store, records, findings)
    boxes, follower = _boxes(store, places), Follower(places, ways)
    for line, (code, first, last, phy, real, box1, box2, *cells), _ in store.read(
        "t_cable", "cb_code", "cb_nd1", "cb_nd2", "cb_typephy|cb_type", "cb_lgreel", "cb_bp1", "cb_bp2",
        *life_columns("cb"),
    ):  # fmt: skip
        if not code or code in cables.ids or code in cables.patches:
            text = f"{code} is there twice" if code else "a cable has no code"
            findings.error("duplicate-code" if code else "no-code", "t_cable", code, text, line)
            continue
        if phy.upper() == PATCH or (first and first == last and code not in routes):
            cables.patches.add(code)
            continue
        make, drawn = makes.get(code), lines.get(code)
        named = routes.get(code, [])
        nodes, stand = (first, last), (boxes.get(box1), boxes.get(box2))
        ends = _ends(places, records, findings, code, line, nodes, stand, drawn, named, ways)
        if ends is None or make is None:
            if make is None:
                ask = "Fill in cb_capafo."
                text = f"cable {code} has neither a number of strands nor strands"
                findings.error("cable-without-strands", "t_cable", code, text, line, column="cb_capafo", ask=ask)
            continue
        route, passed = _route(follower, findings, code, line, ends, named, drawn)
        item: Item = {"type": make.id, "a": ends[0], "b": ends[1]}
        if route:
            item["route"] = route
        slack = [loop for loop in loops.pop(code, []) if _on_route(findings, code, loop, passed)]
        if slack:
            item["slack"] = [{"at": at, "length": format_length(length)} for at, length, _ in slack]
        sheath = _sheath(findings, code, line, real, drawn, route, ways, sum(one[1] for one in slack))
        if sheath is None and not route:
            ask = "Fill in cb_lgreel, or draw the cable in t_cableline."
            text = f"cable {code} has no length, no line and no way"
            findings.error("cable-without-length", "t_cable", code, text, line, column="cb_lgreel", ask=ask)
            continue
        if sheath is not None:
            item["sheath"] = format_length(sheath)
        name = cables.names.give(code)
        cables.ids[code], cables.codes[name] = name, code
        cables.places[name], cables.makes[name] = passed, make
        records["cable"][name] = {**item, **life(cells, findings, "t_cable", code, line)}
    for code, left in loops.items():
        if code not in cables.patches:
            text = f"a loop of {code or '(no cable)'}, which is not there or cannot be used"
            findings.warning("orphan-loop", "t_love", code, text, left[0][2])
    if cables.patches:
        text = f"{len(cables.patches):,} patch cords are kept, and are no part of the plant"
        findings.note("patch-cords-kept", "t_cable", "", text)
    used = {item["type"] for item in records["cable"].values()}
    records.objects["cable type"] = {key: one for key, one in records["cable type"].items() if key in used}
    return cables


def _routes(store: Store, ways: Ways, findings: Findings) -> dict[str, list[str]]:
    """Cable → what it runs through, in the order of the rows."""
    found: dict[str, list[str]] = defaultdict(list)
    for line, (cable, duct), _ in store.read("t_cab_cond", "cc_cb_code", "cc_cd_code"):
        if duct in ways.elements:
            found[cable] += ways.elements[duct]
        else:
            text = f"cable {cable} lies in {duct or '(nothing)'}, which is not there"
            findings.warning("no-such-conduit", "t_cab_cond", cable, text, line)
    for line, (cable, way), _ in store.read("t_cab_chem", "cc_cb_code", "cc_cm_code"):
        if way in ways.segments:
            found[cable].append(ways.segments[way])
        else:
            text = f"cable {cable} takes {way or '(nothing)'}, which cannot be used"
            findings.warning("no-such-way", "t_cab_chem", cable, text, line)
    return {cable: list(dict.fromkeys(names)) for cable, names in found.items()}


def _lines(store: Store, findings: Findings) -> dict[str, _Line]:
    table = store.tables.get("t_cableline")
    found: dict[str, _Line] = {}
    for line, (code, cable), shape in store.read("t_cableline", "cl_code", "cl_cb_code"):
        try:
            points = metres(shape, table.crs if table is not None else 0)
        except ShapeError as error:
            findings.error("bad-shape", "t_cableline", code, f"{code}: {error}", line)
            continue
        if len(points) < 2:
            continue
        if cable in found:
            text = f"cable {cable} has a second line, {code}"
            findings.warning("second-line", "t_cableline", code, text, line, at=degrees(*points[0]))
            continue
        found[cable] = _Line(points, ground_length(points))
    if store.has("t_cable") and table is not None:
        store.index("t_cable", "cb_code")
        key, other = (
            store.expression("t_cableline", "cl_cb_code", "l"),
            store.expression("t_cable", "cb_code", "c"),
        )
        sql = f"SELECT {key} FROM t_cableline l WHERE NOT EXISTS (SELECT 1 FROM t_cable c WHERE {other} = {key})"
        for (cable,) in store.connection.execute(sql):
            findings.warning(
                "orphan-line", "t_cableline", cable, f"a line of {cable or '(nothing)'}: no such cable"
            )
    return found


def _loops(store: Store, places: Places, findings: Findings) -> dict[str, list[tuple[str, float, int]]]:
    """Cable → place, metres and line of each loop."""
    found: dict[str, list[tuple[str, float, int]]] = defaultdict(list)
    for line, (cable, node, text), _ in store.read("t_love", "lv_cb_code", "lv_nd_code", "lv_long"):
        length = read_number(text)
        if length is None or length <= 0:
            findings.warning("loop-without-length", "t_love", cable, f"a loop of {cable} has no length", line)
        elif node not in places.at:
            findings.warning(
                "orphan-loop", "t_love", cable, f"a loop of {cable} at {node}: nothing is there", line
            )
        else:
            found[cable].append((places.at[node], length, line))
    return found


def _boxes(store: Store, places: Places) -> dict[str, str]:
    """Box → where it stands, for cables whose ends say no more."""
    found = {}
    for _, (code, point), _ in store.read("t_ebp", "bp_code", "bp_pt_code"):
        if point in places.point_of:
            found[code] = places.point_of[point]
    return found


def _ends(
    places: Places,
    records: Records,
    findings: Findings,
    code: str,
    line: int,
    nodes: tuple[str, str],
    boxes: tuple[str | None, str | None],
    drawn: _Line | None,
    named: Sequence[str],
    ways: Ways,
) -> tuple[str, str] | None:
    """The places where a cable ends: by its nodes, else by its boxes, its way, or its line."""
    found: list[str | None] = []
    for node, column in zip(nodes, ("cb_nd1", "cb_nd2"), strict=True):
        place = add_node(places, records, findings, node, "a cable ends at") if node else None
        if node and place is None:
            text = f"cable {code}: there is no place at node {node}"
            findings.error("no-such-node", "t_cable", code, text, line, column=column)
        found.append(place)
    sources = [("cb_bp1 and cb_bp2", list(boxes))]
    outer = _outer_ends(named, ways)
    if outer is not None:
        sources.append(("the ways it takes", _matched(found, outer)))
    if drawn is not None:
        near = [places.grid.nearest(drawn.points[end]) for end in (0, -1)]
        made = [add_node(places, records, findings, node, "a cable ends at") if node else None for node in near]
        sources.append(("the ends of its line in t_cableline", made))
    for source, guesses in sources:
        for number in (0, 1):
            guess = guesses[number]
            if found[number] is None and guess is not None and guess != found[1 - number]:
                found[number] = guess
                node = places.nodes.get(guess, guess)
                findings.infer("t_cable", code, f"cb_nd{number + 1}", node, source)
    if drawn is not None:
        _grade_line(places, findings, code, drawn, found)
    a, b = found
    if a is None or b is None or a == b:
        column = "cb_nd1" if a is None else "cb_nd2"
        text = (
            f"cable {code} ends at {a} at both ends" if a is not None and a == b else f"cable {code} ends nowhere"
        )
        at = degrees(*drawn.points[0]) if drawn else None
        findings.error(
            "cable-without-ends", "t_cable", code, text, line, column=column, at=at, ask=f"Fill in {column}."
        )
        return None
    return a, b


def _grade_line(places: Places, findings: Findings, code: str, drawn: _Line, found: Sequence[str | None]) -> None:
    """How far a cable's line ends from the cable's places; either direction is right."""
    spots = [places.xy.get(places.nodes.get(place or "", "")) for place in found]
    if None in spots:
        return
    a, b = (spot for spot in spots if spot is not None)

    def off(first: Point, last: Point) -> float:
        (x, y), (u, v) = drawn.points[0], drawn.points[-1]
        return max(abs(complex(first[0] - x, first[1] - y)), abs(complex(last[0] - u, last[1] - v)))

    far = min(off(a, b), off(b, a))
    if far <= DISTANCES[0]:
        return
    grade = findings.note if far <= DISTANCES[1] else findings.warning if far <= DISTANCES[2] else findings.error
    what = "centimetres" if far <= DISTANCES[1] else "metre" if far <= DISTANCES[2] else "far"
    text = f"the line of {code} ends {far:.3f} m away from the cable's nodes"
    grade(f"cable-line-off-node-{what}", "t_cableline", code, text, at=degrees(*drawn.points[0]))


def _matched(found: Sequence[str | None], outer: tuple[str, str]) -> list[str | None]:
    """Two ends in the order that agrees with what is known of them."""
    if found[0] == outer[1] or found[1] == outer[0]:
        return [outer[1], outer[0]]
    return list(outer)


def _outer_ends(named: Sequence[str], ways: Ways) -> tuple[str, str] | None:
    """The two places at which only one part of a route ends."""
    counts: dict[str, int] = defaultdict(int)
    for name in named:
        for place in ways.ends.get(name, ()):
            counts[place] += 1
    outer = [place for place, count in counts.items() if count == 1]
    return (outer[0], outer[1]) if len(outer) == 2 else None


# ── routes ───────────────────────────────────────────────────────────────────────────────────────


def _route(
    follower: Follower,
    findings: Findings,
    code: str,
    line: int,
    ends: tuple[str, str],
    named: Sequence[str],
    drawn: _Line | None,
) -> tuple[list[str], list[str]]:
    """Ducts and segments from a to b, and the places along them; none where nobody can tell."""
    ways = follower.ways
    if named:
        ordered = _ordered(named, ends, ways.ends)
        passed = _passed(ordered, ends[0], ways) if ordered is not None else None
        if ordered is not None and passed is not None:
            return ordered, passed
        inner = [one for name in named for one in ways.inside.get(name, [name])]
        path = _path(inner, ends, ways.ends)
        passed = _passed(path, ends[0], ways) if path else None
        if path and passed is not None:
            text = f"the conduits of cable {code} do not lead from one end to the other; their ways do"
            findings.warning("conduits-do-not-join", "t_cable", code, text, line)
            findings.infer("t_cable", code, "route", ";".join(path), "a way through its conduits")
            return path, passed
    if drawn is not None:
        path = follower.follow(drawn.points, ends)
        passed = _passed(path, ends[0], ways) if path else None
        if path and passed is not None:
            if named:
                text = f"the conduits of cable {code} do not lead from one end to the other; its line does"
                findings.warning("conduits-do-not-join", "t_cable", code, text, line)
            findings.infer("t_cable", code, "route", ";".join(path), "the ways under its line in t_cableline")
            return path, passed
    what = "whose conduits or ways do not lead from one end to the other" if named else "of which no way is known"
    grade = findings.error if named else findings.warning
    ask = "Correct the conduits it lies in." if named else "Say which conduits it lies in."
    grade("cable-without-route", "t_cable", code, f"cable {code}, {what}", line, ask=ask)
    return [], list(ends)


def _ordered(
    named: Sequence[str], ends: tuple[str, str], reach: Mapping[str, tuple[str, str]]
) -> list[str] | None:
    """All parts in an order that leads from one end to the other, the first that the rows' order finds."""
    at: dict[str, list[str]] = defaultdict(list)
    for name in named:
        if name not in reach:
            return None
        for place in reach[name]:
            at[place].append(name)

    def ahead(place: str) -> Iterator[str]:
        return iter(at[place])

    used: dict[str, None] = {}
    place, stack = ends[0], [(ends[0], ahead(ends[0]))]
    for _ in range(20 * len(named) + 1000):
        if len(used) == len(named):
            return list(used) if place == ends[1] else None
        step = next((name for name in stack[-1][1] if name not in used), None)
        if step is None:
            stack.pop()
            if not stack:
                return None
            used.popitem()
            place = stack[-1][0]
            continue
        used[step] = None
        first, last = reach[step]
        place = last if place == first else first
        stack.append((place, ahead(place)))
    return None


def _passed(route: Sequence[str], start: str, ways: Ways) -> list[str] | None:
    """The places along a route, inner ones of its ducts too; None where it passes one twice."""
    passed = [start]
    for name in route:
        inside = ways.inside.get(name, [name])
        if chain_ends(inside, ways.ends)[0] != passed[-1]:
            inside = list(reversed(inside))
        for one in inside:
            a, b = ways.ends[one]
            if passed[-1] not in (a, b):
                return None
            passed.append(b if passed[-1] == a else a)
    return passed if len(set(passed)) == len(passed) else None


def _path(names: Sequence[str], ends: tuple[str, str], reach: Mapping[str, tuple[str, str]]) -> list[str]:
    """The fewest of these segments that lead from one place to another; none where they do not."""
    at: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        for place in reach.get(name, ()):
            at[place].append(name)
    came: dict[str, tuple[str, str] | None] = {ends[0]: None}
    waiting = [ends[0]]
    for place in waiting:
        for name in at[place]:
            a, b = reach[name]
            other = b if place == a else a
            if other not in came:
                came[other] = place, name
                waiting.append(other)
    path, step = list[str](), came.get(ends[1])
    while step is not None:
        path.append(step[1])
        step = came[step[0]]
    return path[::-1]


def _on_route(findings: Findings, code: str, loop: tuple[str, float, int], passed: Sequence[str]) -> bool:
    if loop[0] in passed:
        return True
    text = f"cable {code} keeps a loop at {loop[0]}, where it does not pass"
    findings.warning("loop-off-route", "t_love", code, text, loop[2])
    return False


def _sheath(
    findings: Findings,
    code: str,
    line: int,
    real: str,
    drawn: _Line | None,
    route: Sequence[str],
    ways: Ways,
    loops: float,
) -> float | None:
    """The length of a cable's sheath as measured, graded against its line; None where the route says it."""
    inner = [one for name in route for one in ways.inside.get(name, [name])]
    ground = drawn.length if drawn is not None else sum(ways.lengths[one] for one in inner)
    sheath = read_number(real) if real else None
    if sheath is None or sheath <= 0:
        if real and sheath is None:
            findings.warning("bad-number", "t_cable", code, f"cable {code}: {real!r} is not a length", line)
        source = "its ways and loops" if route else "its line in t_cableline and its loops"
        if ground:
            findings.infer("t_cable", code, "cb_lgreel", format_length(round(ground + loops, 2)), source)
        return None if route else (round(ground + loops, 2) or None)
    if ground:
        straight = sheath - loops
        low, high = (one * ground for one in RATIO)
        if not low - TOLERANCE <= straight <= high + TOLERANCE:
            text = f"cable {code} is {straight / ground:.3f} times as long as its line"
            text += f" ({straight:.0f} m, {ground:.0f} m)"
            at = degrees(*drawn.points[len(drawn.points) // 2]) if drawn is not None else None
            findings.warning("sheath-against-line", "t_cable", code, text, line, column="cb_lgreel", at=at)
    return sheath
