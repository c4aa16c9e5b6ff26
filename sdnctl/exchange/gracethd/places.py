"""Nodes, sites and technical points of a delivery: where things are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import floor, hypot

from sdnctl.exchange import wkb
from sdnctl.exchange.gracethd.defects import Findings
from sdnctl.exchange.gracethd.records import Item, Records
from sdnctl.exchange.gracethd.schema import POINTS, SITES, STATUS, WGS84
from sdnctl.exchange.gracethd.store import Store
from sdnctl.exchange.gracethd.values import Names, read_date
from sdnctl.exchange.wkb import ShapeError
from sdnctl.inventory.lambert93 import from_grid, in_france, to_grid

Point = tuple[float, float]

DEGREES = 9
"""Digits after the point of longitudes and latitudes: a tenth of a millimetre."""
SOURCE = "GraceTHD delivery"
"""How an object is known of which the delivery does not say it."""
LIFE = ("prop", "gest", "user", "statut", "datemes", "abddate", "majsrc")


def degrees(x: float, y: float) -> Point:
    lon, lat = from_grid(x, y)
    return round(lon, DEGREES), round(lat, DEGREES)


def life_columns(prefix: str) -> tuple[str, ...]:
    """The columns from which `life` reads, for a table with this prefix."""
    return tuple(f"{prefix}_{name}" for name in LIFE)


def life(cells: Iterable[str], findings: Findings, table: str, row: str, line: int) -> Item:
    """Owner, manager, user, status, validity and source, from the cells of `life_columns`."""
    owner, manager, user, status, begin, end, source = cells
    item: Item = {"owner": owner} if owner else {}
    for key, name in (("manager", manager), ("user", user)):
        if name and name != owner:
            item[key] = name
    known = STATUS.get(status.upper())
    if status and known is None:
        findings.warning("unknown-status", table, row, f"{row}: status {status!r} is not one of the list", line)
    if known is not None and known != "in-service":
        item["status"] = known
    for key, text in (("valid_from", begin), ("valid_to", end)):
        if text:
            day = read_date(text)
            if day is None:
                findings.warning("bad-date", table, row, f"{row}: {text!r} is not a date", line)
            else:
                item[key] = day.isoformat()
    if item.get("valid_to", "9") < item.get("valid_from", ""):
        findings.warning("validity-reversed", table, row, f"{row}: it ends before it begins", line)
        del item["valid_to"]
    item["source"] = source or SOURCE
    return item


class Grid:
    """Points by where they are, to find the nearest within a metre or less."""

    def __init__(self, reach: float = 1.0) -> None:
        self.reach = reach
        self._cells: dict[tuple[int, int], list[tuple[str, Point]]] = {}

    def add(self, name: str, xy: Point) -> None:
        self._cells.setdefault(self._cell(xy), []).append((name, xy))

    def _cell(self, xy: Point) -> tuple[int, int]:
        return floor(xy[0] / self.reach), floor(xy[1] / self.reach)

    def near(self, xy: Point) -> Iterator[tuple[float, str]]:
        """Distance and name of every point within reach."""
        column, row = self._cell(xy)
        for x in (column - 1, column, column + 1):
            for y in (row - 1, row, row + 1):
                for name, other in self._cells.get((x, y), ()):
                    far = hypot(other[0] - xy[0], other[1] - xy[1])
                    if far <= self.reach:
                        yield far, name

    def nearest(self, xy: Point) -> str | None:
        found = min(self.near(xy), default=None)
        return found[1] if found is not None else None


@dataclass
class Places:
    """Nodes and what stands on them.

    `xy`: node → metres on the grid; `at`: node → id of the site or chamber on it; `site_of`, `point_of`: code
    of the site or technical point → id of that place; `nodes`: id of a place → its node; `codes`: id → code of
    its own.
    """

    xy: dict[str, Point] = field(default_factory=dict)
    grid: Grid = field(default_factory=Grid)
    at: dict[str, str] = field(default_factory=dict)
    site_of: dict[str, str] = field(default_factory=dict)
    point_of: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    names: Names = field(default_factory=Names)

    def position(self, node: str) -> Point | None:
        """Longitude and latitude of a node."""
        xy = self.xy.get(node)
        return degrees(*xy) if xy is not None else None


def metres(shape: bytes | None, crs: int) -> list[Point]:
    """The vertices of a point or line, on the grid; empty where there is none. Raises ShapeError."""
    if shape is None:
        return []
    loaded = wkb.load(shape)
    if loaded.kind == wkb.MULTILINE and len(loaded.coordinates) != 1:
        raise ShapeError("it has several parts")
    if loaded.kind not in (wkb.POINT, wkb.LINE, wkb.MULTILINE, wkb.MULTIPOINT):
        raise ShapeError(f"it is a {wkb.NAMES[loaded.kind]}")
    points = [(vertex[0], vertex[1]) for vertex in loaded.vertices()]
    if not all(abs(x) < 1e8 and abs(y) < 1e8 for x, y in points):
        raise ShapeError("its coordinates are not on the grid")
    try:
        made = [to_grid(*one) for one in points] if crs == WGS84 else points
    except ValueError as error:
        raise ShapeError(str(error)) from error
    for place, one in zip(made, points, strict=True):
        if not in_france(place):
            raise ShapeError(f"({one[0]:.9g}, {one[1]:.9g}) is not in France")
    return made


def read_places(store: Store, records: Records, findings: Findings, ends: dict[str, Point]) -> Places:
    """Sites and chambers; `ends` are places of nodes without a shape, from the lines that end there."""
    places = Places()
    _read_nodes(store, places, findings, ends)
    _read_sites(store, places, records, findings)
    _read_points(store, places, records, findings)
    return places


def _read_nodes(store: Store, places: Places, findings: Findings, ends: dict[str, Point]) -> None:
    table = store.tables.get("t_noeud")
    if table is None:
        return
    seen: set[str] = set()
    for line, (code,), shape in store.read("t_noeud", "nd_code"):
        if not code or code in seen:
            text = f"node {code} is there twice" if code else "a node has no code"
            findings.error("duplicate-code" if code else "no-code", "t_noeud", code, text, line)
            continue
        seen.add(code)
        try:
            points = metres(shape, table.crs)
        except ShapeError as error:
            findings.error("bad-shape", "t_noeud", code, f"node {code}: {error}", line)
            points = []
        if not points and code in ends:
            points = [ends[code]]
            where = f"{points[0][0]:.3f} {points[0][1]:.3f}"
            findings.infer("t_noeud", code, "geom", where, "the end of a line in t_cheminement")
        if not points:
            findings.warning(
                "node-without-position",
                "t_noeud",
                code,
                f"node {code} has no position",
                line,
                ask="Draw the node.",
            )
            continue
        places.xy[code] = points[0]
        places.grid.add(code, points[0])


def _read_sites(store: Store, places: Places, records: Records, findings: Findings) -> None:
    table = store.first("t_site", "t_sitetech")
    columns = ("st_code", "st_nd_code", "st_nom", "st_typephy", "st_typelog", "st_commune")
    if table is not None:
        more = (one.replace("st_datemes", "st_datemes|st_dt_ms") for one in life_columns("st"))
        for line, (code, node, name, phy, log, area, *cells), _ in store.read(table, *columns, *more):
            kind = SITES.get(log.upper(), "cabinet" if phy.upper() == "ADR" else "pop")
            item = {"name": name, "kind": kind, "area": area}
            _site(places, records, findings, table, code, node, line, item, cells)
    for line, (code, node, *cells), _ in store.read("t_suf", "sf_code", "sf_nd_code", *life_columns("sf")):
        _site(places, records, findings, "t_suf", code, node, line, {"kind": "customer"}, cells)


def _site(
    places: Places,
    records: Records,
    findings: Findings,
    table: str,
    code: str,
    node: str,
    line: int,
    item: Item,
    cells: list[str],
) -> None:
    if not _fresh(places.site_of, findings, table, code, line):
        return
    if node in places.at:
        places.site_of[code] = places.at[node]
        _shared(findings, table, code, node, line)
        return
    name = places.names.give(code)
    places.site_of[code] = name
    position = _placed(places, findings, table, code, node, line, name)
    if item.get("name") in ("", code):
        item.pop("name", None)
    if not item.get("area"):
        item.pop("area", None)
    if item["kind"] == "pop":
        del item["kind"]  # the default
    if position is not None:
        item["position"] = list(position)
    records["site"][name] = {**item, **life(cells, findings, table, code, line)}


def _read_points(store: Store, places: Places, records: Records, findings: Findings) -> None:
    columns = ("pt_code", "pt_nd_code", "pt_typephy", *life_columns("pt"))
    for line, (code, node, phy, *cells), _ in store.read("t_ptech", *columns):
        if not _fresh(places.point_of, findings, "t_ptech", code, line):
            continue
        if node in places.at:
            places.point_of[code] = places.at[node]
            _shared(findings, "t_ptech", code, node, line)
            continue
        position = places.position(node)
        if position is None:
            findings.error(
                "place-without-position",
                "t_ptech",
                code,
                f"{code} cannot be used: its node {node or '(none)'} has no position",
                line,
                column="pt_nd_code",
                ask="Give it a node that is drawn.",
            )
            continue
        name = places.names.give(code)
        places.point_of[code] = name
        _placed(places, findings, "t_ptech", code, node, line, name)
        item: Item = {"lon": position[0], "lat": position[1]}
        kind = POINTS.get(phy.upper())
        if kind is not None:
            item["kind"] = kind
        records["chamber"][name] = {**item, **life(cells, findings, "t_ptech", code, line)}


def _fresh(known: dict[str, str], findings: Findings, table: str, code: str, line: int) -> bool:
    if code and code not in known:
        return True
    text = f"{code} is there twice" if code else "a row has no code"
    findings.error("duplicate-code" if code else "no-code", table, code, text, line)
    return False


def _shared(findings: Findings, table: str, code: str, node: str, line: int) -> None:
    findings.note(
        "shared-node", table, code, f"{code} stands on node {node}, where there is a place already", line
    )


def _placed(
    places: Places, findings: Findings, table: str, code: str, node: str, line: int, name: str
) -> Point | None:
    places.codes[name] = code
    if not node or (node not in places.xy and node not in places.at):
        missing = f"its node {node} is not drawn" if node else "it names no node"
        ask = "Give the place a node that is drawn."
        findings.warning("place-without-position", table, code, f"{code}: {missing}", line, ask=ask)
    if node:
        places.at.setdefault(node, name)
        places.nodes[name] = node
    return places.position(node)


def add_node(places: Places, records: Records, findings: Findings, node: str, why: str) -> str | None:
    """The place on a node; a chamber is made on one where nothing stands. None where the node has no position."""
    if node in places.at:
        return places.at[node]
    position = places.position(node)
    if position is None:
        return None
    name = places.names.give(node)
    places.at[node], places.nodes[name] = name, node
    records["chamber"][name] = {"lon": position[0], "lat": position[1], "source": SOURCE}
    findings.infer("t_ptech", node, "pt_nd_code", node, f"a node without site or technical point, that {why}")
    return name
