"""Lines of cables, and which ways lie under them, for cables of which nobody wrote it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sdnctl.exchange.gracethd.defects import Findings
from sdnctl.exchange.gracethd.places import Places, Point, degrees, metres
from sdnctl.exchange.gracethd.store import Store
from sdnctl.exchange.gracethd.ways import Ways
from sdnctl.exchange.wkb import ShapeError
from sdnctl.inventory.lambert93 import ground_length

NEAR = 1.0
"""Metres that a node may lie beside the line."""


@dataclass(frozen=True, slots=True)
class Line:
    """The line of a cable: its corners on the grid, and its length on the ground in metres."""

    points: list[Point]
    length: float


def read_lines(store: Store, findings: Findings) -> dict[str, Line]:
    """Cable → its line."""
    table = store.tables.get("t_cableline")
    if table is None:
        return {}
    found: dict[str, Line] = {}
    for line, (code, cable), shape in store.read("t_cableline", "cl_code", "cl_cb_code"):
        try:
            points = metres(shape, table.crs)
        except ShapeError as error:
            findings.error("bad-shape", "t_cableline", code, f"{code}: {error}", line)
            continue
        if len(points) < 2:
            continue
        if cable in found:
            text = f"cable {cable} has a second line, {code}"
            findings.warning("second-line", "t_cableline", code, text, line, at=degrees(*points[0]))
            continue
        found[cable] = Line(points, ground_length(points))
    store.index("t_cable", "cb_code")
    key, other = store.expression("t_cableline", "cl_cb_code", "l"), store.expression("t_cable", "cb_code", "c")
    sql = f"SELECT {key} FROM t_cableline l WHERE NOT EXISTS (SELECT 1 FROM t_cable c WHERE {other} = {key})"
    for (cable,) in store.connection.execute(sql):
        findings.warning("orphan-line", "t_cableline", cable, f"a line of {cable or '(nothing)'}: no such cable")
    return found


class Follower:
    """Follows lines over the ways of one delivery; its indexes are made on first use."""

    def __init__(self, places: Places, ways: Ways) -> None:
        self.places, self.ways = places, ways

    @cached_property
    def _touching(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Place → segments that end there, each with its other end."""
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name in self.ways.segments.values():
            a, b = self.ways.ends[name]
            found[a].append((name, b))
            found[b].append((name, a))
        return found

    @cached_property
    def _tree(self) -> tuple[list[str], Any]:
        from shapely import STRtree, points

        names = list(self.places.xy)
        return names, STRtree(points([self.places.xy[name] for name in names]))

    def follow(self, line: Sequence[Point], ends: tuple[str, str]) -> list[str]:
        """Segments from one place to another whose places lie on the line in its order; none if there is a gap."""
        along = self._along(line)
        if ends[0] not in along or ends[1] not in along:
            return []
        forward = along[ends[0]] <= along[ends[1]]
        order = sorted(along, key=lambda place: along[place] if forward else -along[place])
        route, here = list[str](), ends[0]
        for place in order[order.index(ends[0]) + 1 : order.index(ends[1]) + 1]:
            step = next((name for name, other in self._touching.get(here, ()) if other == place), None)
            if step is not None:
                route.append(step)
                here = place
        return route if here == ends[1] else []

    def _along(self, line: Sequence[Point]) -> dict[str, float]:
        """Places on a line, and how far along it each is."""
        from shapely import LineString
        from shapely import Point as Spot

        drawn = LineString(line)
        names, tree = self._tree
        found = {}
        for index in sorted(tree.query(drawn.buffer(NEAR))):
            node = names[index]
            spot = Spot(self.places.xy[node])
            if node in self.places.at and drawn.distance(spot) <= NEAR:
                found[self.places.at[node]] = float(drawn.project(spot))
        return found
