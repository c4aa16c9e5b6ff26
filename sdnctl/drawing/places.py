"""Where things stand on a map: positions that the folder gives, guesses for those it does not, and room for many.

A network at depth 1 may have sites without positions; they are drawn near the sites they have links to, or, where
no site has one, in a layout of the graph that means nothing but who is beside whom.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import cos, pi, radians, sin, sqrt

from sdnctl.drawing.scene import Line, Point

DEGREE = 111_195.0
"""Metres in one degree of latitude, on the sphere of the map projection's scale; good enough for drawing."""

GOLDEN = pi * (3 - sqrt(5))
"""The golden angle: points on a spiral with this step are evenly spread."""


def site_positions(
    given: Mapping[str, Point | None], neighbours: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Point], bool]:
    """Every site's position, and whether they mean anything: False where not one is given."""
    found = {site: position for site, position in given.items() if position is not None}
    if given and not found:
        return _layout(given, neighbours), False
    missing = sorted(given.keys() - found.keys())
    while missing:
        ready = [site for site in missing if any(other in found for other in neighbours.get(site, ()))]
        guesses = {
            site: _beside(found, neighbours.get(site, ()), index) for index, site in enumerate(ready or missing)
        }
        found.update(guesses)
        missing = [site for site in missing if site not in guesses]
    return found, True


def _beside(found: Mapping[str, Point], neighbours: Iterable[str], index: int) -> Point:
    """Off the middle of the known neighbours, or of everything; each guess in another direction."""
    known = [found[site] for site in neighbours if site in found] or list(found.values())
    x, y = (sum(point[axis] for point in known) / len(known) for axis in (0, 1))
    reach = 0.15 * extent(found.values()) or 500.0
    return move((x, y), reach, index * GOLDEN)


def _layout(sites: Iterable[str], neighbours: Mapping[str, Sequence[str]]) -> dict[str, Point]:
    """A layout of the graph, about twenty kilometres wide, off the coast of nowhere (longitude and latitude 0)."""
    import networkx as nx

    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(sorted(sites))
    graph.add_edges_from((a, b) for a in sorted(neighbours) for b in sorted(neighbours[a]) if a != b)
    if len(graph) < 3:
        return {site: (index * 0.05, 0.0) for index, site in enumerate(graph)}
    start = nx.circular_layout(graph)
    placed = nx.kamada_kawai_layout(graph, pos=start) if nx.is_connected(graph) else start
    return {site: (round(float(x) * 0.12, 5), round(float(y) * 0.08, 5)) for site, (x, y) in placed.items()}


def extent(points: Iterable[Point]) -> float:
    """Metres across the longer side of a box round the points; 0 for none or one."""
    found = list(points)
    if not found:
        return 0.0
    lons, lats = [x for x, _ in found], [y for _, y in found]
    wide = (max(lons) - min(lons)) * DEGREE * cos(radians((max(lats) + min(lats)) / 2))
    return max(wide, (max(lats) - min(lats)) * DEGREE)


def move(point: Point, metres: float, angle: float) -> Point:
    """A point some metres away, `angle` in radians counted from east."""
    x, y = point
    return (
        round(x + metres * cos(angle) / (DEGREE * cos(radians(y))), 6),
        round(y + metres * sin(angle) / DEGREE, 6),
    )


def spread(wanted: Mapping[str, Point], step: float, taken: Iterable[Point] = ()) -> dict[str, Point]:
    """Positions for things of which many want the same: on a spiral round it, `step` metres apart.

    What is alone keeps its place, unless something bigger (`taken`, a site) stands there.
    """
    occupied = set(taken)
    groups: dict[Point, list[str]] = defaultdict(list)
    for thing, point in wanted.items():
        groups[point].append(thing)
    found: dict[str, Point] = {}
    for point, things in groups.items():
        first = 3 if point in occupied else 0
        if len(things) == 1 and not first:
            found[things[0]] = point
            continue
        for index, thing in enumerate(sorted(things), start=first):
            found[thing] = move(point, step * sqrt(index), index * GOLDEN)
    return found


def arc(a: Point, b: Point, bend: float) -> Line:
    """A gentle curve from a to b; `bend` is how far it leaves the straight line, as a share of its length."""
    (ax, ay), (bx, by) = a, b
    if bend == 0:
        return a, b
    squash = cos(radians((ay + by) / 2))
    dx, dy = (bx - ax) * squash, by - ay
    control = ((ax + bx) / 2 - 2 * bend * dy / squash, (ay + by) / 2 + 2 * bend * dx)
    points = []
    for index in range(13):
        t = index / 12
        u = 1 - t
        points.append(
            tuple(round(u * u * p + 2 * u * t * q + t * t * r, 6) for p, q, r in zip(a, control, b, strict=True))
        )
    return tuple((x, y) for x, y in points)


def name_spots(rings: Sequence[Line], count: int = 10) -> tuple[Point, ...]:
    """Places for the name of an area: the middle of its biggest ring, then others inside, the nearest first."""
    ring = max(rings, key=lambda one: abs(_moments(one)[0]))
    area, x, y = _moments(ring)
    if not area:
        return (ring[0],)
    middle = (ring[0][0] + x / (3 * area), ring[0][1] + y / (3 * area))
    west, east = min(x for x, _ in ring), max(x for x, _ in ring)
    south, north = min(y for _, y in ring), max(y for _, y in ring)
    steps = 9
    grid = [
        (west + (east - west) * (column + 0.5) / steps, south + (north - south) * (row + 0.5) / steps)
        for row in range(steps)
        for column in range(steps)
    ]
    margin = (east - west) / steps / 2
    inside = [(x, y) for x, y in grid if all(contains(ring, (x + shift, y)) for shift in (-margin, 0.0, margin))]
    inside.sort(key=lambda spot: (spot[0] - middle[0]) ** 2 + (spot[1] - middle[1]) ** 2)
    return tuple((round(x, 5), round(y, 5)) for x, y in (middle, *inside[: count - 1]))


def _moments(ring: Line) -> tuple[float, float, float]:
    """Twice the signed area of a ring, and its first moments times six, from its first corner."""
    area = x = y = 0.0
    x0, y0 = ring[0]
    for (ax, ay), (bx, by) in zip(ring, (*ring[1:], ring[0]), strict=True):
        turn = (ax - x0) * (by - y0) - (bx - x0) * (ay - y0)
        area += turn
        x += (ax + bx - 2 * x0) * turn
        y += (ay + by - 2 * y0) * turn
    return area, x, y


def contains(ring: Line, point: Point) -> bool:
    """Whether a point is inside a ring: a ray to the east crosses an odd number of its sides."""
    x, y = point
    odd = False
    for (ax, ay), (bx, by) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            odd = not odd
    return odd
