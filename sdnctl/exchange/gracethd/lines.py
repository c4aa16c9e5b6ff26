"""Which ways lie under the line of a cable, for cables of which nobody wrote it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from sdnctl.exchange.gracethd.places import Places, Point
from sdnctl.exchange.gracethd.ways import Ways

NEAR = 1.0
"""Metres that a node may lie beside the line."""


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
