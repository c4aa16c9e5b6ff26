"""Geometries: what RFC 7946 asks of them, and the two dimensions that the inventory keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

Point: TypeAlias = tuple[float, float]
Line: TypeAlias = tuple[Point, ...]


def point(position: Sequence[float] | None) -> dict[str, Any] | None:
    return None if position is None else {"type": "Point", "coordinates": list(position)}


def line(points: Iterable[Sequence[float]]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": [list(place) for place in points]}


def lines(parts: Sequence[Sequence[Sequence[float]]]) -> dict[str, Any] | None:
    """One line, several, or nothing where there is none."""
    if not parts:
        return None
    if len(parts) == 1:
        return line(parts[0])
    return {"type": "MultiLineString", "coordinates": [[list(place) for place in part] for part in parts]}


def polygon(rings: Sequence[Sequence[Sequence[float]]]) -> dict[str, Any]:
    """Rings closed and by the right-hand rule: the outer counter-clockwise, holes clockwise (section 3.1.6)."""
    turned = [_turned(ring, outer=number == 0) for number, ring in enumerate(rings)]
    return {"type": "Polygon", "coordinates": turned}


def _turned(ring: Sequence[Sequence[float]], *, outer: bool) -> list[list[float]]:
    closed = [list(place) for place in ring]
    if closed[0] != closed[-1]:
        closed.append(list(closed[0]))
    twice_area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(closed))
    return closed if (twice_area >= 0) == outer else closed[::-1]


def positions(geometry: Any) -> Iterator[Sequence[float]]:
    """All positions of a geometry, of any type."""
    if not isinstance(geometry, dict):
        return
    parts = geometry.get("geometries")
    if isinstance(parts, list):
        for part in parts:
            yield from positions(part)
    yield from _leaves(geometry.get("coordinates"))


def _leaves(tree: Any) -> Iterator[Sequence[float]]:
    if not isinstance(tree, list | tuple) or not tree:
        return
    if all(isinstance(item, int | float) and not isinstance(item, bool) for item in tree):
        if len(tree) >= 2:
            yield tree
        return
    for item in tree:
        yield from _leaves(item)


def bbox(geometries: Iterable[Any]) -> list[float] | None:
    """West, south, east, north of all of them (section 5); None where nothing has a position."""
    found = [place for geometry in geometries for place in positions(geometry)]
    if not found:
        return None
    xs, ys = [float(place[0]) for place in found], [float(place[1]) for place in found]
    return [min(xs), min(ys), max(xs), max(ys)]


def flat(geometry: Any) -> tuple[str, Any]:
    """Type and coordinates in two dimensions; one part of a Multi… is that part.

    ("", None) for what is no shape.
    """
    if not isinstance(geometry, dict):
        return "", None
    kind, tree = str(geometry.get("type")), _two(geometry.get("coordinates"))
    if kind.startswith("Multi") and isinstance(tree, list) and len(tree) == 1:
        kind, tree = kind.removeprefix("Multi"), tree[0]
    return kind, tree


def _two(tree: Any) -> Any:
    if not isinstance(tree, list):
        return tree
    if tree and all(isinstance(item, int | float) and not isinstance(item, bool) for item in tree):
        return [float(item) for item in tree[:2]]
    return [_two(item) for item in tree]
