"""Where things lie on the map, indexed: places near an outline or a point, in metres, and lines that enter a box.

A tree over longitudes and latitudes says what *may* be near; what is near is then decided by distances on the
ellipsoid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import cos, hypot, radians
from typing import Any

from sdnctl.inventory.geometry import Outline, distance, holes_of
from sdnctl.inventory.plant import Point

METRES = 111_320.0
"""A degree of latitude, generously: boxes of the search are a little too big, never too small."""
_STEP = 0.001


class Spots:
    """Points by name. Make it once for many questions."""

    def __init__(self, points: Mapping[str, Point]) -> None:
        import shapely

        self.points = points
        self.names = tuple(points)
        self._empty = not points
        self._tree: Any = shapely.STRtree([] if self._empty else shapely.points(list(points.values())))

    def near(self, point: Point, metres: float) -> Iterator[tuple[float, str]]:
        """Names within so many metres of a point, and how far away, in no order."""
        for name in self._boxed(point[0], point[1], point[0], point[1], metres):
            away = distance(point, self.points[name])
            if away <= metres:
                yield away, name

    def within(self, rings: Iterable[Sequence[Point]], metres: float = 0.0) -> dict[str, float]:
        """Names in an outline (0), or so many metres outside, and how far; of several outlines the nearest."""
        found: dict[str, float] = {}
        for ring in rings:
            area = Outline(ring)
            for name in self._boxed(area.west, area.south, area.east, area.north, metres):
                point = self.points[name]
                edges = (to_ring(point, one) for one in (ring, *holes_of(ring)))
                away = 0.0 if area.contains(point) else min(edges)
                if away <= metres and away < found.get(name, float("inf")):
                    found[name] = away
        return found

    def meeting(self, west: float, south: float, east: float, north: float) -> list[str]:
        """Names in a box, in no order."""
        return self._boxed(west, south, east, north, 0.0)

    def _boxed(self, west: float, south: float, east: float, north: float, metres: float) -> list[str]:
        import shapely

        if self._empty:
            return []
        high = metres / METRES * 1.01 + 1e-9
        wide = high / max(cos(radians(max(abs(south), abs(north)) + high)), 0.01)
        box = shapely.box(west - wide, south - high, east + wide, north + high)
        return [self.names[index] for index in self._tree.query(box)]


class Boxes:
    """Lines by name, by the boxes around them. Make it once for many questions."""

    def __init__(self, lines: Mapping[str, Sequence[Point]]) -> None:
        import numpy as np
        import shapely

        boxes = np.empty((len(lines), 4))
        for row, line in enumerate(lines.values()):
            xs, ys = zip(*line, strict=True)
            boxes[row] = min(xs), min(ys), max(xs), max(ys)
        self.names = tuple(lines)
        self._tree: Any = shapely.STRtree(shapely.box(*boxes.T))

    def meeting(self, west: float, south: float, east: float, north: float) -> list[str]:
        """Names of lines that may enter a box, in no order."""
        import shapely

        return [self.names[index] for index in self._tree.query(shapely.box(west, south, east, north))]


def to_ring(point: Point, ring: Sequence[Point]) -> float:
    """Metres from a point to the nearest point of a closed line."""
    plane = Plane(point)
    spots = [plane.of(corner) for corner in ring]
    return min(_to_edge(*a, *b) for a, b in zip(spots, (*spots[1:], spots[0]), strict=True))


def _to_edge(ax: float, ay: float, bx: float, by: float) -> float:
    """Metres from the origin to a straight line."""
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    share = min(max(-(ax * dx + ay * dy) / square, 0.0), 1.0) if square else 0.0
    return hypot(ax + share * dx, ay + share * dy)


class Plane:
    """Metres east and north of an origin; good to some centimetres over some kilometres."""

    def __init__(self, origin: Point) -> None:
        x, y = origin
        self.origin = origin
        self._east = distance((x, y), (x + _STEP, y)) / _STEP
        self._north = distance((x, y), (x, y + _STEP)) / _STEP

    def of(self, point: Point) -> tuple[float, float]:
        return (point[0] - self.origin[0]) * self._east, (point[1] - self.origin[1]) * self._north
