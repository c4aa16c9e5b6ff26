"""Lengths on the ground and what lies in a zone, from longitudes and latitudes (WGS 84, degrees).

Lengths come from the radii of curvature of the GRS 80 ellipsoid at the middle latitude of each step, which for
steps up to some kilometres differs from the geodesic by less than a millionth (a test compares).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import cos, hypot, radians, sin, sqrt
from typing import Any

from sdnctl.inventory.plant import Hazard, Plant, Point
from sdnctl.units import Length

SEMI_MAJOR = 6_378_137.0
ECCENTRICITY_SQUARED = 0.006_694_380_022_90  # GRS 80


def distance(a: Point, b: Point) -> Length:
    """Metres between two points, along the ellipsoid; meant for steps of at most some tens of kilometres."""
    middle = radians((a[1] + b[1]) / 2)
    w = 1 - ECCENTRICITY_SQUARED * sin(middle) ** 2
    meridian = SEMI_MAJOR * (1 - ECCENTRICITY_SQUARED) / w**1.5
    normal = SEMI_MAJOR / sqrt(w)
    return Length(hypot(meridian * radians(b[1] - a[1]), normal * cos(middle) * radians(b[0] - a[0])))


def line_length(line: Sequence[Point]) -> Length:
    """Metres along a line."""
    return Length(sum(distance(a, b) for a, b in pairwise(line)))


@dataclass(frozen=True, slots=True)
class ZoneContent:
    """What lies in a hazard zone: metres of each segment inside it, and sites and chambers inside it."""

    segments: dict[str, float] = field(default_factory=dict)
    places: frozenset[str] = frozenset()


def zone_content(plant: Plant, hazard: Hazard) -> ZoneContent:
    """Segments that enter the zone, with the metres inside, and the places in it (its edge included)."""
    from shapely import LineString, intersects_xy, prepare
    from shapely.geometry import Polygon

    area = Polygon(hazard.polygon)
    prepare(area)
    positions = {key: chamber.position for key, chamber in plant.chambers.items()}
    positions.update({key: site.position for key, site in plant.sites.items() if site.position is not None})
    places = frozenset(key for key, (x, y) in positions.items() if intersects_xy(area, x, y))
    segments: dict[str, float] = {}
    for key, segment in plant.segments.items():
        line = LineString(segment.line)
        if not area.intersects(line):
            continue
        drawn = line_length(segment.line)
        inside = sum(line_length(part) for part in _lines(area.intersection(line)))
        segments[key] = float(inside) * (segment.length / drawn if drawn else 0.0)
    return ZoneContent(segments, places)


def polygon_fault(polygon: Sequence[Point]) -> str:
    """Why these points do not enclose an area, or an empty string."""
    from shapely import is_valid_reason
    from shapely.geometry import Polygon

    area = Polygon(polygon)
    if not area.is_valid:
        return str(is_valid_reason(area))
    return "" if area.area > 0 else "it encloses nothing"


def _lines(shape: Any) -> Iterable[Sequence[Point]]:
    """The coordinates of every line in a shapely geometry; points have no length and are left out."""
    parts = getattr(shape, "geoms", (shape,))
    for part in parts:
        if part.geom_type == "LineString":
            yield [(x, y) for x, y in part.coords]
