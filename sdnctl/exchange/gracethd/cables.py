"""Cables of a delivery: ends, routes, loops and lengths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sdnctl.exchange.gracethd.defects import Findings
from sdnctl.exchange.gracethd.ends import Ends
from sdnctl.exchange.gracethd.kinds import PATCH, Make, read_kinds
from sdnctl.exchange.gracethd.lines import Follower, Line, read_lines
from sdnctl.exchange.gracethd.places import Places, degrees, life, life_columns
from sdnctl.exchange.gracethd.records import Item, Records
from sdnctl.exchange.gracethd.routing import ordered, places_along, shortest
from sdnctl.exchange.gracethd.store import Store
from sdnctl.exchange.gracethd.values import Names, read_number
from sdnctl.exchange.gracethd.ways import Ways
from sdnctl.units import format_length

RATIO = (1.01, 1.06)
"""A sheath without its loops to the line on the ground: what is usual."""
TOLERANCE = 5.0
"""Metres by which short cables may be outside of that."""


@dataclass
class Cables:
    """Cables by code. `places`: cable → the places it passes; `makes`: cable → its kind; `ids`: code → id.

    `patches`: code of a patch cord → its length, and who owns it since when.
    """

    ids: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)
    makes: dict[str, Make] = field(default_factory=dict)
    patches: dict[str, Item] = field(default_factory=dict)
    names: Names = field(default_factory=Names)


@dataclass(frozen=True, slots=True)
class _Loop:
    at: str
    length: float
    line: int


@dataclass(frozen=True, slots=True)
class _Row:
    """A cable as its row has it, with its line and the parts of its way (`named`), where there are any."""

    code: str
    line: int
    nodes: tuple[str, str]
    boxes: tuple[str, str]
    length: str
    drawn: Line | None
    named: Sequence[str]


def read_cables(store: Store, places: Places, ways: Ways, records: Records, findings: Findings) -> Cables:
    """The cables of a delivery, with their kinds; both go to the records."""
    reader = _Reader(store, places, ways, records, findings)
    reader.read()
    return reader.cables


class _Reader:
    def __init__(self, store: Store, places: Places, ways: Ways, records: Records, findings: Findings) -> None:
        self.store, self.ways, self.records, self.findings = store, ways, records, findings
        self.cables = Cables()
        self.routes = _routes(store, ways, findings)
        self.loops = _loops(store, places, findings)
        self.follower = Follower(places, ways)
        self.ends = Ends(store, places, ways, records, findings)

    def read(self) -> None:
        if not self.store.has("t_cable"):
            return
        lines = read_lines(self.store, self.findings)
        makes = read_kinds(self.store, self.records, self.findings)
        columns = ("cb_code", "cb_nd1", "cb_nd2", "cb_typephy|cb_type", "cb_lgreel", "cb_bp1", "cb_bp2")
        for line, cells, _ in self.store.read("t_cable", *columns, *life_columns("cb")):
            code, first, last, phy, length, box1, box2, *rest = cells
            if not code or code in self.cables.ids or code in self.cables.patches:
                text = f"{code} is there twice" if code else "a cable has no code"
                self.findings.error("duplicate-code" if code else "no-code", "t_cable", code, text, line)
            elif phy.upper() == PATCH or (first and first == last and code not in self.routes):
                metres = read_number(length) if length else None
                item: Item = {"length": format_length(metres)} if metres is not None and metres > 0 else {}
                self.cables.patches[code] = item | life(rest, self.findings, "t_cable", code, line)
            else:
                named = self.routes.get(code, ())
                row = _Row(code, line, (first, last), (box1, box2), length, lines.get(code), named)
                self._add(row, makes.get(code), rest)
        self._note_the_rest()

    def _add(self, row: _Row, make: Make | None, rest: list[str]) -> None:
        """One cable to the records; what it lacks for that is said."""
        ends = self.ends.find(row.code, row.line, row.nodes, row.boxes, row.drawn, row.named)
        if make is None:
            text = f"cable {row.code} has neither a number of strands nor strands"
            ask = "Fill in cb_capafo."
            self.findings.error(
                "cable-without-strands", "t_cable", row.code, text, row.line, column="cb_capafo", ask=ask
            )
        if ends is None or make is None:
            return
        route, passed = self._route(row, ends)
        item: Item = {"type": make.id, "a": ends[0], "b": ends[1]}
        if route:
            item["route"] = route
        slack = [loop for loop in self.loops.pop(row.code, []) if self._passes(row.code, loop, passed)]
        if slack:
            item["slack"] = [{"at": loop.at, "length": format_length(loop.length)} for loop in slack]
        sheath = self._sheath(row, route, sum(loop.length for loop in slack))
        if sheath is not None:
            item["sheath"] = format_length(sheath)
        elif not route:
            ask = "Fill in cb_lgreel, or draw the cable in t_cableline."
            text = f"cable {row.code} has no length, no line and no way"
            self.findings.error(
                "cable-without-length", "t_cable", row.code, text, row.line, column="cb_lgreel", ask=ask
            )
            return
        name = self.cables.names.give(row.code)
        self.cables.ids[row.code], self.cables.codes[name] = name, row.code
        self.cables.places[name], self.cables.makes[name] = passed, make
        self.records["cable"][name] = {**item, **life(rest, self.findings, "t_cable", row.code, row.line)}

    def _note_the_rest(self) -> None:
        """Loops of no cable, and kinds that no cable has."""
        for code, left in self.loops.items():
            if code not in self.cables.patches:
                text = f"a loop of {code or '(no cable)'}, which is not there or cannot be used"
                self.findings.warning("orphan-loop", "t_love", code, text, left[0].line)
        used = {item["type"] for item in self.records["cable"].values()}
        kinds = self.records.objects["cable type"]
        self.records.objects["cable type"] = {key: one for key, one in kinds.items() if key in used}

    def _passes(self, code: str, loop: _Loop, passed: Sequence[str]) -> bool:
        if loop.at in passed:
            return True
        text = f"cable {code} keeps a loop at {loop.at}, where it does not pass"
        self.findings.warning("loop-off-route", "t_love", code, text, loop.line)
        return False

    # ── routes ───────────────────────────────────────────────────────────────────────────────────

    def _route(self, row: _Row, ends: tuple[str, str]) -> tuple[list[str], list[str]]:
        """Ducts and segments from a to b, and the places along them; no parts where nobody can tell."""
        if row.named:
            found = ordered(row.named, ends, self.ways.ends)
            passed = places_along(found, ends[0], self.ways) if found is not None else None
            if found is not None and passed is not None:
                return found, passed
            inner = [one for name in row.named for one in self.ways.inside.get(name, [name])]
            guess = self._guess(row, ends, shortest(inner, ends, self.ways.ends), "a way through its conduits")
            if guess is not None:
                return guess
        if row.drawn is not None:
            path = self.follower.follow(row.drawn.points, ends)
            guess = self._guess(row, ends, path, "the ways under its line in t_cableline")
            if guess is not None:
                return guess
        what = (
            "whose conduits or ways do not lead from one end to the other"
            if row.named
            else "whose way is not known"
        )
        grade = self.findings.error if row.named else self.findings.warning
        ask = "Correct the conduits it lies in." if row.named else "Say which conduits it lies in."
        grade("cable-without-route", "t_cable", row.code, f"cable {row.code}, {what}", row.line, ask=ask)
        return [], list(ends)

    def _guess(
        self, row: _Row, ends: tuple[str, str], path: list[str], source: str
    ) -> tuple[list[str], list[str]] | None:
        """A route that was inferred, marked; None where it is none."""
        passed = places_along(path, ends[0], self.ways) if path else None
        if passed is None:
            return None
        if row.named:
            text = f"the conduits of cable {row.code} do not lead from one end to the other"
            self.findings.warning("conduits-do-not-join", "t_cable", row.code, text, row.line)
        self.findings.infer("t_cable", row.code, "route", ";".join(path), source)
        return path, passed

    # ── lengths ──────────────────────────────────────────────────────────────────────────────────

    def _sheath(self, row: _Row, route: Sequence[str], loops: float) -> float | None:
        """The length of a sheath as measured, graded against its line; None where it follows from the route."""
        inner = [one for name in route for one in self.ways.inside.get(name, [name])]
        ground = row.drawn.length if row.drawn is not None else sum(self.ways.lengths[one] for one in inner)
        sheath = read_number(row.length) if row.length else None
        if row.length and sheath is None:
            text = f"cable {row.code}: {row.length!r} is not a length"
            self.findings.warning("bad-number", "t_cable", row.code, text, row.line, column="cb_lgreel")
        if sheath is None or sheath <= 0:
            whole = round(ground + loops, 2)
            if whole:
                source = "its ways and loops" if route else "its line in t_cableline and its loops"
                self.findings.infer("t_cable", row.code, "cb_lgreel", format_length(whole), source)
            return None if route else (whole or None)
        if ground:
            self._grade_sheath(row, sheath, loops, ground)
        return sheath

    def _grade_sheath(self, row: _Row, sheath: float, loops: float, ground: float) -> None:
        straight = sheath - loops
        low, high = (one * ground for one in RATIO)
        if low - TOLERANCE <= straight <= high + TOLERANCE:
            return
        text = f"cable {row.code} is {straight / ground:.3f} times as long as its line"
        text += f" ({straight:.0f} m, {ground:.0f} m)"
        at = degrees(*row.drawn.points[len(row.drawn.points) // 2]) if row.drawn is not None else None
        self.findings.warning(
            "sheath-against-line", "t_cable", row.code, text, row.line, column="cb_lgreel", at=at
        )


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


def _loops(store: Store, places: Places, findings: Findings) -> dict[str, list[_Loop]]:
    found: dict[str, list[_Loop]] = defaultdict(list)
    for line, (cable, node, text), _ in store.read("t_love", "lv_cb_code", "lv_nd_code", "lv_long"):
        length = read_number(text)
        if length is None or length <= 0:
            findings.warning("loop-without-length", "t_love", cable, f"a loop of {cable} has no length", line)
        elif node not in places.at:
            findings.warning(
                "orphan-loop", "t_love", cable, f"a loop of {cable} at {node}: nothing is there", line
            )
        else:
            found[cable].append(_Loop(places.at[node], length, line))
    return found
