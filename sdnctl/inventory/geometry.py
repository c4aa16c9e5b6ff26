"""Lengths on the ground and what lies in a zone, from longitudes and latitudes (WGS 84, degrees).

Lengths come from the radii of curvature of the GRS 80 ellipsoid at the middle latitude of each step, which for
steps up to some kilometres differs from the geodesic by less than a millionth (a test compares).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import cos, hypot, radians, sin, sqrt
from typing import TypeAlias

from sdnctl.inventory.plant import Hazard, Plant, Point
from sdnctl.units import Length

SEMI_MAJOR = 6_378_137.0
ECCENTRICITY_SQUARED = 0.006_694_380_022_90  # GRS 80
MERIDIAN = SEMI_MAJOR * (1 - ECCENTRICITY_SQUARED)
DOUBT = 1e-12
"""Degrees (a tenth of a micrometre) below which rounding may decide on which side of a line a point is."""

Edge: TypeAlias = tuple[float, float, float, float]
"""From x, y to x, y."""


def distance(a: Point, b: Point) -> Length:
    """Metres between two points, along the ellipsoid; meant for steps of at most some tens of kilometres."""
    middle = radians((a[1] + b[1]) / 2)
    w = 1 - ECCENTRICITY_SQUARED * sin(middle) ** 2
    meridian = MERIDIAN / w**1.5
    normal = SEMI_MAJOR / sqrt(w)
    return Length(hypot(meridian * radians(b[1] - a[1]), normal * cos(middle) * radians(b[0] - a[0])))


def line_length(line: Sequence[Point]) -> Length:
    """Metres along a line."""
    metres = 0.0
    ax, ay = line[0] if line else (0.0, 0.0)
    for bx, by in line[1:]:  # as `distance`, without a call for each of the many steps of a network
        middle = radians((ay + by) / 2)
        w = 1 - ECCENTRICITY_SQUARED * sin(middle) ** 2
        metres += hypot(
            MERIDIAN / w**1.5 * radians(by - ay), SEMI_MAJOR / sqrt(w) * cos(middle) * radians(bx - ax)
        )
        ax, ay = bx, by
    return Length(metres)


@dataclass(frozen=True, slots=True)
class ZoneContent:
    """What lies in a hazard zone: metres of each segment inside it, and sites and chambers inside it."""

    segments: dict[str, float] = field(default_factory=dict)
    places: frozenset[str] = frozenset()


class Ring(tuple[Point, ...]):
    """The corners of an outline that has holes: what lies in one of `holes` is outside."""

    holes: tuple[tuple[Point, ...], ...]

    def __new__(cls, corners: Iterable[Point], holes: Iterable[Sequence[Point]] = ()) -> Ring:
        made = super().__new__(cls, corners)
        made.holes = tuple(map(tuple, holes))
        return made


def holes_of(ring: Sequence[Point]) -> tuple[tuple[Point, ...], ...]:
    return ring.holes if isinstance(ring, Ring) else ()


class Outline:
    """An area given by the corners of its ring, in either direction, closed or not; prepared for many questions.

    Its edges, and those of its holes, are sorted into bands of latitude, so that a question looks at those near it
    only.
    """

    def __init__(self, ring: Sequence[Point]) -> None:
        self.edges: list[Edge] = []
        for one in (ring, *holes_of(ring)):
            corners = [point for point, after in zip(one, (*one[1:], one[0]), strict=True) if point != after]
            self.edges += [(*a, *b) for a, b in zip(corners, (*corners[1:], *corners[:1]), strict=True)]
        self.west, self.east = min(x for x, _ in ring), max(x for x, _ in ring)
        self.south, self.north = min(y for _, y in ring), max(y for _, y in ring)
        count = max(1, len(self.edges) // 4)
        self._height = (self.north - self.south) / count or 1.0
        self._bands: list[list[Edge]] = [[] for _ in range(count)]
        for edge in self.edges:
            for band in self._spanned(min(edge[1], edge[3]), max(edge[1], edge[3])):
                self._bands[band].append(edge)

    def _spanned(self, low: float, high: float) -> range:
        last = len(self._bands) - 1
        first = min(max(int((low - self.south) / self._height), 0), last)
        return range(first, min(max(int((high - self.south) / self._height), 0), last) + 1)

    def near(self, low: float, high: float) -> Iterable[Edge]:
        """Edges that may reach between two latitudes, each once."""
        spanned = self._spanned(low, high)
        if len(spanned) == 1:
            return self._bands[spanned[0]]
        return dict.fromkeys(edge for band in spanned for edge in self._bands[band])

    def contains(self, point: Point) -> bool:
        """Whether a point lies in the area or on its edge."""
        x, y = point
        if not (self.west <= x <= self.east and self.south <= y <= self.north):
            return False
        inside = False
        for x1, y1, x2, y2 in self.near(y, y):
            if (y1 > y) != (y2 > y):
                side = (x2 - x1) * (y - y1) - (x - x1) * (y2 - y1)
                if side == 0:
                    return True
                inside ^= (side > 0) == (y2 > y1)
            elif (x1, y1) == point or (x2, y2) == point or (y1 == y2 == y and (x1 < x) != (x2 < x)):
                return True
        return inside

    def may_meet(self, line: Sequence[Point]) -> bool:
        """Whether a line is not all to the west, east, south or north of the area."""
        longitudes, latitudes = [x for x, _ in line], [y for _, y in line]
        return (
            max(longitudes) >= self.west
            and min(longitudes) <= self.east
            and max(latitudes) >= self.south
            and min(latitudes) <= self.north
        )

    def crossings(self, a: Point, b: Point) -> list[float]:
        """Where the step from a (0) to b (1) meets the edge of the area, ascending."""
        (ax, ay), (bx, by) = a, b
        low, high = (ay, by) if ay <= by else (by, ay)
        left, right = (ax, bx) if ax <= bx else (bx, ax)
        if high < self.south or low > self.north or right < self.west or left > self.east:
            return []
        dx, dy = bx - ax, by - ay
        found: set[float] = set()
        for x1, y1, x2, y2 in self.near(low, high):
            ex, ey = x2 - x1, y2 - y1
            across = dx * ey - dy * ex
            if across:
                t = ((x1 - ax) * ey - (y1 - ay) * ex) / across
                u = ((x1 - ax) * dy - (y1 - ay) * dx) / across
                if 0 <= t <= 1 and 0 <= u <= 1:
                    found.add(t)
            elif (x1 - ax) * dy == (y1 - ay) * dx and (dx or dy):  # along the edge
                for x, y in ((x1, y1), (x2, y2)):
                    t = (x - ax) / dx if abs(dx) >= abs(dy) else (y - ay) / dy
                    if 0 <= t <= 1:
                        found.add(t)
        return sorted(found)

    def inside(self, line: Sequence[Point]) -> Length | None:
        """Metres of a line within the area, 0 where it only touches it, None where it does not."""
        metres, met = 0.0, self.contains(line[0])
        for a, b in pairwise(line):
            stops = self.crossings(a, b)
            met = met or bool(stops)
            if not met:
                continue
            whole = distance(a, b)
            for start, end in pairwise((0.0, *stops, 1.0)):
                middle = (start + end) / 2
                if end > start and self.contains((a[0] + middle * (b[0] - a[0]), a[1] + middle * (b[1] - a[1]))):
                    metres += (end - start) * whole
        return Length(metres) if met else None


def zone_content(plant: Plant, hazard: Hazard) -> ZoneContent:
    """Segments that enter the zone, with the metres inside, and the places in it (its edge included)."""
    area = Outline(hazard.polygon)
    places = {key for key, chamber in plant.chambers.items() if area.contains(chamber.position)}
    places |= {key for key, site in plant.sites.items() if site.position and area.contains(site.position)}
    segments: dict[str, float] = {}
    for key, segment in plant.segments.items():
        inside = area.inside(segment.line) if area.may_meet(segment.line) else None
        if inside is not None:
            drawn = line_length(segment.line)
            segments[key] = inside * (segment.length / drawn if drawn else 0.0)
    return ZoneContent(segments, frozenset(places))


def polygon_fault(polygon: Sequence[Point]) -> str:
    """Why these points do not enclose an area, or an empty string."""
    holes = holes_of(polygon)
    if not holes and _surely_simple(polygon):
        return ""
    if any(len(set(ring)) < 3 for ring in (polygon, *holes)):
        return "a ring needs at least three corners"
    from shapely import is_valid_reason
    from shapely.geometry import Polygon

    area = Polygon(polygon, holes)
    if not area.is_valid:
        return _said(str(is_valid_reason(area)))
    return "" if area.area > 0 else "it encloses nothing"


def _said(reason: str) -> str:
    """A reason of the geometry library (``Self-intersection[4.35 43.842]``) as a sentence with a place."""
    match = re.match(r"(?P<what>.*)\[(?P<x>\S+) (?P<y>\S+)\]\Z", reason)
    if match is None:
        return reason
    words = {
        "Self-intersection": "it crosses itself",
        "Ring Self-intersection": "it touches itself",
        "Hole lies outside shell": "a hole lies outside",
        "Holes are nested": "a hole lies in a hole",
        "Interior is disconnected": "its holes cut it in pieces",
    }
    what = words.get(match["what"], match["what"].lower())
    return f"{what}, at {float(match['y']):.6f} N, {float(match['x']):.6f} E"


def _surely_simple(polygon: Sequence[Point]) -> bool:
    """Whether no two edges come near each other but neighbours at their common corner; False where unsure.

    Most outlines are like that, and need no geometry library to say so.
    """
    edges = Outline(polygon).edges
    order = sorted(range(len(edges)), key=lambda index: min(edges[index][0], edges[index][2]))
    count, active = len(edges), list[int]()
    if count < 3:
        return False
    for index in order:
        west = min(edges[index][0], edges[index][2])
        active = [other for other in active if max(edges[other][0], edges[other][2]) >= west]
        for other in active:
            if (index - other) % count in (1, count - 1):
                if not _turns(edges[index], edges[other]):
                    return False
            elif not _apart(edges[index], edges[other]):
                return False
        active.append(index)
    return True


def _turns(one: Edge, two: Edge) -> bool:
    """Whether of two neighbouring edges the second clearly does not lead back over the first."""
    (ax, ay, bx, by), (cx, cy, dx, dy) = one, two
    ux, uy, vx, vy = bx - ax, by - ay, dx - cx, dy - cy
    return ux * vx + uy * vy > 0 or abs(ux * vy - uy * vx) > DOUBT * hypot(ux, uy) * hypot(vx, vy)


def _apart(one: Edge, two: Edge) -> bool:
    """Whether the ends of one of two edges are clearly on one side of the other."""
    return _one_side(one, two) or _one_side(two, one)


def _one_side(line: Edge, ends: Edge) -> bool:
    (ax, ay, bx, by), (cx, cy, dx, dy) = line, ends
    c = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    d = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
    doubt = DOUBT * (abs(bx - ax) + abs(by - ay))
    return (c > doubt and d > doubt) or (c < -doubt and d < -doubt)
