"""How diverse two routes are: what one event takes both away with, how near they come, which grade that allows.

What both share counts, but for the ends that they have in common: an end itself, and what lies within the lead-in
of it (a shared entry of 59 m, its only chamber, its feeder) is that end's *residual* single point of failure,
named and not held against the pair. These are the words of `topology.risk`, for glass that need not be lit yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import cos, radians
from typing import Any

from sdnctl.inventory.footprint import Footprint
from sdnctl.inventory.geometry import Outline, distance
from sdnctl.inventory.plant import Plant, Point
from sdnctl.units import Length

LEAD_IN = Length(200.0)
"""How long a shared way into a common end may be and still be that end's own risk, unless the network says so."""
GRADES = ("none", "local", "node", "disjoint")
_STEP = 0.01  # degrees, to see how many metres one has here


@dataclass(frozen=True, slots=True)
class Shared:
    """Something that both routes stand on: `metres` of it, 0 for a point; `residual`: the end whose own it is."""

    kind: str
    name: str
    metres: Length
    residual: str = ""


@dataclass(frozen=True, slots=True)
class Approach:
    """Where two routes come closest outside the lead-ins of common ends: 0 m where they share what counts."""

    metres: Length
    at: Point
    things: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two routes held against each other. `verdicts`: grade → why it is refused, empty where it is not."""

    one: Footprint
    two: Footprint
    shared: tuple[Shared, ...]
    closest: Approach | None
    verdicts: Mapping[str, str]

    @property
    def counting(self) -> tuple[Shared, ...]:
        return tuple(item for item in self.shared if not item.residual)

    @property
    def metres(self) -> Length:
        """Metres of segments that both run through, residual or not."""
        return Length(sum(item.metres for item in self.shared if item.kind == "segment"))


def compare(plant: Plant, one: Footprint, two: Footprint, lead_in: Length = LEAD_IN) -> Comparison:
    """Everything that two routes share, their closest approach, and a verdict for every grade."""
    shared = in_common(plant, one, two, lead_in)
    met = next((item for item in shared if item.kind in ("segment", "chamber") and not item.residual), None)
    closest = _meeting(plant, met) if met is not None else _closest(plant, one, two, lead_in)
    return Comparison(one, two, shared, closest, _verdicts(shared))


def in_common(plant: Plant, one: Footprint, two: Footprint, lead_in: Length = LEAD_IN) -> tuple[Shared, ...]:
    """Everything that two routes share: `compare` without the map, for questions about many pairs."""
    return tuple(_shared(plant, one, two, lead_in))


def _shared(plant: Plant, one: Footprint, two: Footprint, lead_in: Length) -> Iterator[Shared]:
    """The worst kinds first; of a kind, the longest first."""
    ends = one.ends & two.ends
    near = {end: _near(one, two, end, lead_in) for end in ends}

    def owner(places: Iterable[str]) -> str:
        """The common end within whose lead-in all these places lie, or an empty string."""
        wanted = set(places)
        return next((end for end in sorted(ends) if wanted <= near[end]), "")

    def by_length(
        names: Iterable[str], a: Mapping[str, float], b: Mapping[str, float]
    ) -> list[tuple[str, Length]]:
        found = [(name, Length(min(a[name], b[name]))) for name in names]
        return sorted(found, key=lambda item: (-item[1], item[0]))

    for cable, metres in by_length(one.cables.keys() & two.cables.keys(), one.cables, two.cables):
        common = [name for passage in plant.cables[cable].passages if (name := passage.segment) in one.segments]
        long = Length(metres or sum(one.segments[name] for name in common if name in two.segments))
        yield Shared("cable", cable, long, owner(plant.cables[cable].places))
    for duct, metres in by_length(one.ducts.keys() & two.ducts.keys(), one.ducts, two.ducts):
        yield Shared("duct", duct, metres, owner(_places(plant, plant.ducts[duct].segments, one, two)))
    for segment, metres in by_length(one.segments.keys() & two.segments.keys(), one.segments, two.segments):
        yield Shared("segment", segment, metres, owner(_places(plant, (segment,), one, two)))
    for chamber in sorted(one.chambers & two.chambers):
        yield Shared("chamber", chamber, Length(0.0), owner((chamber,)))
    for site in sorted(one.sites & two.sites):
        yield Shared("building", site, Length(0.0), site if site in ends else "")
    for end in sorted(ends):
        for place in sorted(one.entries.get(end, frozenset()) & two.entries.get(end, frozenset())):
            yield Shared("entry", f"{end} by {place}", Length(one.away[end][place]), owner((end, place)))
    for feeder in sorted(one.feeders & two.feeders):
        fed = (end for end in sorted(ends & plant.sites.keys()) if plant.sites[end].feeder == feeder)
        yield Shared("feeder", feeder, Length(0.0), next(fed, ""))
    for zone, metres in by_length(one.zones.keys() & two.zones.keys(), one.zones, two.zones):
        yield Shared("zone", zone, metres, _zone_owner(plant, zone, ends))


def _near(one: Footprint, two: Footprint, end: str, lead_in: Length) -> frozenset[str]:
    """Places within the lead-in of a common end, on both routes."""
    sides = ({place for place, metres in of.away.get(end, {}).items() if metres <= lead_in} for of in (one, two))
    return frozenset.intersection(*map(frozenset, sides))


def _places(plant: Plant, segments: Iterable[str], one: Footprint, two: Footprint) -> set[str]:
    """The ends of those segments that both routes run through."""
    both = [plant.segments[name] for name in segments if name in one.segments and name in two.segments]
    return {place for segment in both for place in (segment.a, segment.b)}


def _zone_owner(plant: Plant, zone: str, ends: Iterable[str]) -> str:
    """The common end of which a zone is the residual risk: the end itself stands in it."""
    area = Outline(plant.hazards[zone].polygon)
    for end in sorted(ends):
        site = plant.sites.get(end)
        if site is not None and site.position is not None and area.contains(site.position):
            return end
    return ""


def _verdicts(shared: tuple[Shared, ...]) -> dict[str, str]:
    """Why a grade is refused. All but `none` need routes that no single event takes away together."""
    counting = [item for item in shared if not item.residual]
    if not counting:
        return dict.fromkeys(GRADES, "")
    worst = max(counting, key=lambda item: item.metres)  # of equals the first, which is of the worst kind
    why = f"both run through {worst.kind} {worst.name}" + (f", {worst.metres:.0f} m" if worst.metres else "")
    if len(counting) > 1:
        why += f" (and {len(counting) - 1} more)"
    return {grade: "" if grade == "none" else why for grade in GRADES}


# ── the map ──────────────────────────────────────────────────────────────────────────────────────


def _meeting(plant: Plant, met: Shared) -> Approach:
    at = plant.chambers[met.name].position if met.kind == "chamber" else plant.segments[met.name].line[0]
    return Approach(Length(0.0), at, (met.name, met.name))


def _closest(plant: Plant, one: Footprint, two: Footprint, lead_in: Length) -> Approach | None:
    """Nearest points of two routes that do not meet; None where nothing is left to compare."""
    from shapely import STRtree
    from shapely.ops import nearest_points

    both = one.segments.keys() & two.segments.keys()
    mine, theirs = (sorted(of.segments.keys() - both) for of in (one, two))
    if not mine or not theirs:
        return None
    origin = plant.segments[min(mine[0], theirs[0])].line[0]  # the same, whichever route is first
    discs = [
        _disc(origin, at, lead_in) for end in one.ends & two.ends if (at := _position(plant, end)) is not None
    ]
    left = [(name, line) for name in mine if not (line := _outside(plant, name, origin, discs)).is_empty]
    right = [(name, line) for name in theirs if not (line := _outside(plant, name, origin, discs)).is_empty]
    if not left or not right:
        return None
    tree = STRtree([line for _, line in right])
    rows, metres = tree.query_nearest([line for _, line in left], return_distance=True, all_matches=False)
    best = int(metres.argmin())
    (a, first), (b, second) = left[int(rows[0][best])], right[int(rows[1][best])]
    spot = nearest_points(first, second)[0]
    point = _back(origin, (spot.x, spot.y))
    return Approach(Length(float(metres[best])), point, (a, b))


def _position(plant: Plant, place: str) -> Point | None:
    return plant.chambers[place].position if place in plant.chambers else plant.sites[place].position


def _plane(origin: Point, point: Point) -> tuple[float, float]:
    """Metres east and north of an origin; good to some centimetres over some kilometres."""
    east = distance(origin, (point[0], origin[1])) * (1 if point[0] >= origin[0] else -1)
    north = distance(origin, (origin[0], point[1])) * (1 if point[1] >= origin[1] else -1)
    return east * cos(radians(point[1])) / cos(radians(origin[1])), north


def _back(origin: Point, spot: tuple[float, float]) -> Point:
    """The inverse of `_plane`."""
    x, y = origin
    latitude = y + spot[1] / (distance(origin, (x, y + _STEP)) / _STEP)
    east = distance(origin, (x + _STEP, y)) / _STEP * cos(radians(latitude)) / cos(radians(y))
    return x + spot[0] / east, latitude


def _disc(origin: Point, at: Point, radius: float) -> Any:
    from shapely.geometry import Point as Spot

    return Spot(*_plane(origin, at)).buffer(radius)


def _outside(plant: Plant, segment: str, origin: Point, discs: list[Any]) -> Any:
    from shapely.geometry import LineString

    line: Any = LineString([_plane(origin, point) for point in plant.segments[segment].line])
    for disc in discs:
        line = line.difference(disc)
    return line
