"""Shapefiles (Esri, 1998): the shapes of a .shp, read and written one after the other; rows are in `dbf`.

Shapes pass as well-known binary. A polygon of a shapefile is a heap of rings: outer ones turn clockwise, holes the
other way and follow the ring that they are in; so they become polygons and, where there are several outer rings,
multipolygons, and come back in the same order.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from sdnctl.exchange import wkb
from sdnctl.exchange.dbf import TableError
from sdnctl.exchange.wkb import Shape, ShapeError, Vertex

_NULL, _POINT, _LINE, _POLYGON, _MULTIPOINT = 0, 1, 3, 5, 8
_BASE = {10: 1, 20: 2}  # how far above the plain kind: z (and m), m
_KIND = {wkb.POINT: _POINT, wkb.LINE: _LINE, wkb.MULTILINE: _LINE, wkb.POLYGON: _POLYGON,
         wkb.MULTIPOLYGON: _POLYGON, wkb.MULTIPOINT: _MULTIPOINT}  # fmt: skip
LARGEST = 1 << 28
"""Bytes of one shape that are still read."""


def read_shapes(stream: BinaryIO) -> Iterator[bytes | None]:
    """Each shape as well-known binary, None where there is none; raises TableError where the file is wrong."""
    head = stream.read(100)
    if len(head) < 100 or struct.unpack(">i", head[:4])[0] != 9994:
        raise TableError("this is not the beginning of a shapefile")
    number = 0
    while True:
        begin = stream.read(8)
        if not begin:
            return
        number += 1
        if len(begin) < 8:
            raise TableError(f"shape {number} ends too early")
        size = 2 * int(struct.unpack(">i", begin[4:])[0])
        if not 4 <= size <= LARGEST:
            raise TableError(f"shape {number} says that it has {size} bytes")
        content = stream.read(size)
        if len(content) < size:
            raise TableError(f"shape {number} ends too early")
        try:
            yield _shape(content)
        except ShapeError as error:
            raise TableError(f"shape {number}: {error}") from error


def _shape(content: bytes) -> bytes | None:
    (code,) = struct.unpack_from("<i", content)
    if code == _NULL:
        return None
    plain, dimension = code, 0
    for above, kind in _BASE.items():
        if code - above in (_POINT, _LINE, _POLYGON, _MULTIPOINT):
            plain, dimension = code - above, kind
    if plain == _POINT:
        return wkb.dump(Shape(wkb.POINT, _numbers(content, 4, 2 + (dimension > 0)), dimension))
    if plain not in (_LINE, _POLYGON, _MULTIPOINT):
        raise ShapeError(f"shapes of type {code} are not read")
    parts = _parts(content, plain, dimension)
    if plain == _MULTIPOINT:
        return wkb.dump(Shape(wkb.MULTIPOINT, parts[0], dimension))
    if plain == _LINE:
        one = len(parts) == 1
        return wkb.dump(Shape(wkb.LINE if one else wkb.MULTILINE, parts[0] if one else parts, dimension))
    polygons: list[tuple[tuple[Vertex, ...], ...]] = []
    for ring in parts:
        if not polygons or _clockwise(ring):
            polygons.append((ring,))
        else:
            polygons[-1] = (*polygons[-1], ring)
    one = len(polygons) == 1
    kind = wkb.POLYGON if one else wkb.MULTIPOLYGON
    return wkb.dump(Shape(kind, polygons[0] if one else tuple(polygons), dimension))


def _numbers(content: bytes, at: int, count: int) -> tuple[float, ...]:
    if at + 8 * count > len(content):
        raise ShapeError("it ends too early")
    return struct.unpack_from(f"<{count}d", content, at)


def _parts(content: bytes, plain: int, dimension: int) -> tuple[tuple[Vertex, ...], ...]:
    """The vertices of each part, with z or m where the shape has them."""
    head = 36 if plain == _MULTIPOINT else 40
    if len(content) < head + 4:
        raise ShapeError("it ends too early")
    if plain == _MULTIPOINT:
        parts, total, at = 1, struct.unpack_from("<i", content, 36)[0], 40
        starts: tuple[int, ...] = (0,)
    else:
        parts, total = struct.unpack_from("<ii", content, 36)
        at = 44 + 4 * parts
        if parts < 1 or at > len(content):
            raise ShapeError(f"it says that it has {parts} parts")
        starts = struct.unpack_from(f"<{parts}i", content, 44)
    if total < 1 or at + 16 * total > len(content):
        raise ShapeError(f"it says that it has {total} vertices")
    flat = _numbers(content, at, 2 * total)
    axes = [flat[0::2], flat[1::2]]
    if dimension:
        axes.append(_numbers(content, at + 16 * total + 16, total))
    vertices = tuple(zip(*axes, strict=True))
    ends = (*starts[1:], total)
    if starts[0] != 0 or any(not 0 <= a < b <= total for a, b in zip(starts, ends, strict=True)):
        raise ShapeError("its parts do not begin where it says")
    return tuple(vertices[a:b] for a, b in zip(starts, ends, strict=True))


def _clockwise(ring: Sequence[Vertex]) -> bool:
    """Whether a ring turns clockwise: those around an area do."""
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, (*ring[1:], ring[0]), strict=True))
    return area <= 0


class Writer:
    """Writes a .shp and its index (.shx); all shapes of a file are of one kind, or none. Close it at the end."""

    def __init__(self, shp: BinaryIO, shx: BinaryIO, kind: int = wkb.POINT) -> None:
        self.shp, self.shx = shp, shx
        self.code, self.count = _KIND[kind], 0
        self.dimension = 0
        self.box: list[float] | None = None
        shp.write(bytes(100))
        shx.write(bytes(100))

    def write(self, shape: bytes | None) -> None:
        """One shape; raises ShapeError where it is of another kind than the file's."""
        content = struct.pack("<i", _NULL) if shape is None else self._content(wkb.load(shape))
        head = struct.pack(">ii", self.count + 1, len(content) // 2)
        self.shx.write(struct.pack(">ii", self.shp.tell() // 2, len(content) // 2))
        self.shp.write(head + content)
        self.count += 1

    def _content(self, shape: Shape) -> bytes:
        if _KIND.get(shape.kind) != self.code:
            raise ShapeError(f"a {wkb.NAMES[shape.kind]} does not fit into this layer")
        if shape.dimension == 3:
            raise ShapeError("shapes with z and m are not written")
        if self.box is None:
            self.dimension = shape.dimension
        elif self.dimension != shape.dimension:
            raise ShapeError("shapes with and without z do not fit into one layer")
        parts = _rings(shape)
        vertices = [vertex for part in parts for vertex in part]
        box = self._grow(vertices)
        code = self.code + {0: 0, 1: 10, 2: 20}[shape.dimension]
        if self.code == _POINT:
            numbers = (*vertices[0], 0.0) if shape.dimension == 1 else vertices[0]
            return struct.pack(f"<i{len(numbers)}d", code, *numbers)
        out = struct.pack("<i4d", code, *box)
        if self.code != _MULTIPOINT:
            starts, total = [], 0
            for part in parts:
                starts.append(total)
                total += len(part)
            out += struct.pack(f"<ii{len(starts)}i", len(starts), total, *starts)
        else:
            out += struct.pack("<i", len(vertices))
        out += struct.pack(f"<{2 * len(vertices)}d", *(number for vertex in vertices for number in vertex[:2]))
        if shape.dimension:
            third = [vertex[2] for vertex in vertices]
            out += struct.pack(f"<{2 + len(third)}d", min(third), max(third), *third)
        return out

    def _grow(self, vertices: Sequence[Vertex]) -> tuple[float, float, float, float]:
        xs, ys = [vertex[0] for vertex in vertices], [vertex[1] for vertex in vertices]
        if not xs:
            raise ShapeError("the shape has no vertices")
        here = (min(xs), min(ys), max(xs), max(ys))
        old = self.box or list(here)
        self.box = [min(old[0], here[0]), min(old[1], here[1]), max(old[2], here[2]), max(old[3], here[3])]
        return here

    def close(self) -> None:
        """Write both headers, which say how long the files are."""
        code = self.code + {0: 0, 1: 10, 2: 20}[self.dimension]
        for stream in (self.shp, self.shx):
            size = stream.tell() // 2
            stream.seek(0)
            stream.write(struct.pack(">i20xi", 9994, size))
            stream.write(struct.pack("<ii4d32x", 1000, code, *(self.box or [0.0] * 4)))
            stream.flush()


def _rings(shape: Shape) -> Sequence[Sequence[Any]]:
    """Parts as a shapefile has them: outer rings clockwise, holes the other way."""
    if shape.kind == wkb.POINT:
        return ((shape.coordinates,),)
    if shape.kind == wkb.MULTIPOINT:
        return (shape.coordinates,)
    if shape.kind in (wkb.LINE, wkb.MULTILINE):
        return (shape.coordinates,) if shape.kind == wkb.LINE else tuple(shape.coordinates)
    polygons = (shape.coordinates,) if shape.kind == wkb.POLYGON else tuple(shape.coordinates)
    rings = []
    for number, polygon in enumerate(polygons):
        for place, ring in enumerate(polygon):
            turned = _clockwise(ring) != (place == 0) and (number or place)  # the very first is taken as it is
            rings.append(tuple(reversed(ring)) if turned else ring)
    return rings
