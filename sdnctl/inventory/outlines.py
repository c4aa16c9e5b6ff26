"""Outlines that people draw: polygons of a GeoJSON document (RFC 7946), with their holes."""

from __future__ import annotations

from collections.abc import Mapping

from sdnctl.inventory.geometry import Ring, polygon_fault
from sdnctl.inventory.plant import Point


def read_polygon(data: object) -> tuple[Ring, ...]:
    """Polygons of a GeoJSON geometry, feature or collection; raises ValueError that says what is wrong."""
    if not isinstance(data, Mapping):
        raise ValueError("it is not a GeoJSON object")
    kind = data.get("type")
    if kind == "FeatureCollection":
        features = data.get("features")
        if not isinstance(features, list):
            raise ValueError("its features are not a list")
        return tuple(ring for feature in features for ring in read_polygon(feature))
    if kind == "Feature":
        return read_polygon(data.get("geometry"))
    if kind not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"a {kind} encloses nothing: draw a Polygon")
    parts = data.get("coordinates")
    polygons = [parts] if kind == "Polygon" else parts
    if not isinstance(polygons, list) or not all(isinstance(part, list) and part for part in polygons):
        raise ValueError("its coordinates are not rings of points")
    return tuple(_polygon(part) for part in polygons)


def _polygon(rings: list[object]) -> Ring:
    """An outline, the first ring, and the holes in it, the others."""
    outer, *holes = map(_corners, rings)
    ring = Ring(outer, holes)
    fault = polygon_fault(ring)
    if fault:
        raise ValueError(f"its outline is not an area: {fault}")
    return ring


def _corners(points: object) -> tuple[Point, ...]:
    try:
        ring = tuple((float(point[0]), float(point[1])) for point in points)  # type: ignore[attr-defined]
    except (TypeError, ValueError, IndexError, KeyError):
        raise ValueError("its coordinates are not rings of points") from None
    if len(ring) < 3:
        raise ValueError("a ring needs at least three corners")
    if not all(-180 <= x <= 180 and -90 <= y <= 90 for x, y in ring):
        raise ValueError("its coordinates are not longitudes and latitudes (WGS 84)")
    return ring
