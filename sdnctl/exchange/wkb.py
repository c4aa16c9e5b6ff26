"""Well-known binary (ISO 19125, OGC 06-103r4): shapes between bytes and coordinates.

Points, lines, polygons and collections of one of them, with two coordinates or also z and m. What is no such shape
raises `ShapeError`; nothing is allocated on the word of a count that the bytes cannot hold.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Vertex: TypeAlias = tuple[float, ...]

POINT, LINE, POLYGON, MULTIPOINT, MULTILINE, MULTIPOLYGON = 1, 2, 3, 4, 5, 6
NAMES = {
    POINT: "POINT",
    LINE: "LINESTRING",
    POLYGON: "POLYGON",
    MULTIPOINT: "MULTIPOINT",
    MULTILINE: "MULTILINESTRING",
    MULTIPOLYGON: "MULTIPOLYGON",
}
_PART = {MULTIPOINT: POINT, MULTILINE: LINE, MULTIPOLYGON: POLYGON}
_AXES = {0: 2, 1: 3, 2: 3, 3: 4}  # thousands of the code: none, z, m, z and m


class ShapeError(ValueError):
    """Bytes that are no shape, or one of a kind that is not read here."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape: `kind` as above, `dimension` 0 (xy), 1 (z), 2 (m) or 3 (zm).

    `coordinates`: a vertex; vertices; rings; or a tuple of those, one per part.
    """

    kind: int
    coordinates: Any
    dimension: int = 0

    def vertices(self) -> Iterator[Vertex]:
        """Every vertex, in order."""
        waiting = [self.coordinates]
        while waiting:
            item = waiting.pop()
            if item and isinstance(item[0], float):
                yield item
            else:
                waiting.extend(reversed(item))


def point(x: float, y: float) -> bytes:
    return struct.pack("<BIdd", 1, POINT, x, y)


def line(vertices: Sequence[tuple[float, float]]) -> bytes:
    flat = [number for vertex in vertices for number in vertex]
    return struct.pack(f"<BII{len(flat)}d", 1, LINE, len(vertices), *flat)


def dump(shape: Shape) -> bytes:
    """A shape as little-endian bytes."""
    out: list[bytes] = []
    _dump(shape.kind, shape.dimension, shape.coordinates, out)
    return b"".join(out)


def _dump(kind: int, dimension: int, coordinates: Any, out: list[bytes]) -> None:
    out.append(struct.pack("<BI", 1, kind + 1000 * dimension))
    if kind == POINT:
        out.append(struct.pack(f"<{len(coordinates)}d", *coordinates))
    elif kind == LINE:
        _dump_vertices(coordinates, out)
    else:
        out.append(struct.pack("<I", len(coordinates)))
        for part in coordinates:
            if kind == POLYGON:
                _dump_vertices(part, out)
            else:
                _dump(_PART[kind], dimension, part, out)


def _dump_vertices(vertices: Sequence[Vertex], out: list[bytes]) -> None:
    flat = [number for vertex in vertices for number in vertex]
    out.append(struct.pack(f"<I{len(flat)}d", len(vertices), *flat))


def load(data: bytes) -> Shape:
    """Bytes as a shape; raises ShapeError."""
    reader = _Reader(data)
    shape = reader.shape(None)
    if reader.at != len(data):
        raise ShapeError(f"{len(data) - reader.at} bytes after the end of the shape")
    return shape


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.order = data, 0, "<"

    def take(self, form: str, size: int) -> tuple[Any, ...]:
        if self.at + size > len(self.data):
            raise ShapeError("the shape ends too early")
        values = struct.unpack_from(self.order + form, self.data, self.at)
        self.at += size
        return values

    def shape(self, wanted: int | None) -> Shape:
        (mark,) = self.take("B", 1)
        if mark > 1:
            raise ShapeError(f"{mark} is no byte order")
        self.order = "<" if mark else ">"
        (code,) = self.take("I", 4)
        kind, dimension = code % 1000, code // 1000
        if kind not in NAMES or dimension not in _AXES or (wanted is not None and kind != wanted):
            raise ShapeError(f"shapes of kind {code} are not read")
        return Shape(kind, self._coordinates(kind, _AXES[dimension]), dimension)

    def _coordinates(self, kind: int, axes: int) -> Any:
        if kind == POINT:
            return self.take(f"{axes}d", 8 * axes)
        if kind == LINE:
            return self._vertices(axes)
        count = self._count(4)
        if kind == POLYGON:
            return tuple(self._vertices(axes) for _ in range(count))
        return tuple(self.shape(_PART[kind]).coordinates for _ in range(count))

    def _vertices(self, axes: int) -> tuple[Vertex, ...]:
        count = self._count(8 * axes)
        flat = self.take(f"{count * axes}d", 8 * count * axes)
        return tuple(flat[index : index + axes] for index in range(0, len(flat), axes))

    def _count(self, least: int) -> int:
        """A number of things that take at least so many bytes each."""
        (count,) = self.take("I", 4)
        if count * least > len(self.data) - self.at:
            raise ShapeError(f"{count} parts do not fit into {len(self.data) - self.at} bytes")
        return int(count)
