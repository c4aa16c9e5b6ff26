"""What a route of glass stands on: segments, ducts, cables, places, entries, feeders and hazard zones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

from sdnctl.inventory.geometry import Outline, line_length
from sdnctl.inventory.plant import Plant, StrandEnd
from sdnctl.inventory.tracing import StepKind, Trace
from sdnctl.units import Length


class Stretch(NamedTuple):
    """A cable between its places number `first` and `last`."""

    cable: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Footprint:
    """Everything that one event could take a route away with.

    `ends`: the sites (or chambers) where it begins and ends. `segments`, `ducts` and `zones` have metres of route;
    a cable without a known route has those of its sheath in `cables`, others 0. `gear`: sites where light leaves
    glass (frames, passive nodes). `entries`: end → the places next to it. `away`: end → place → metres of route
    from that end.
    """

    name: str
    ends: frozenset[str]
    segments: Mapping[str, float]
    ducts: Mapping[str, float]
    cables: Mapping[str, float]
    chambers: frozenset[str]
    sites: frozenset[str]
    gear: frozenset[str]
    feeders: frozenset[str]
    zones: Mapping[str, float]
    entries: Mapping[str, frozenset[str]]
    away: Mapping[str, Mapping[str, float]]

    @property
    def metres(self) -> Length:
        """Metres of route, each segment once."""
        return Length(sum(self.segments.values()) + sum(self.cables.values()))


def stretches_of(chains: Iterable[Trace]) -> tuple[frozenset[Stretch], frozenset[str]]:
    """Stretches of cable that chains run through, and the ids of frames and passive nodes on them."""
    stretches, points = set[Stretch](), set[str]()
    for chain in chains:
        for step in chain.steps:
            if (
                step.kind is StepKind.STRAND
                and isinstance(step.enter, StrandEnd)
                and isinstance(step.leave, StrandEnd)
            ):
                stretches.add(Stretch(step.via, *sorted((step.enter.place, step.leave.place))))
            elif step.kind in (StepKind.CONNECTOR, StepKind.PASSIVE):
                points.add(step.via)
    return frozenset(stretches), frozenset(points)


def footprint(
    plant: Plant,
    name: str,
    ends: Iterable[str],
    stretches: Iterable[Stretch],
    points: Iterable[str] = (),
) -> Footprint:
    """The footprint of a route over stretches of cable between `ends`; `points` are frames and passive nodes."""
    segments: dict[str, float] = {}
    ducts: dict[str, set[str]] = defaultdict(set)
    cables: dict[str, float] = {}
    fixed = frozenset(ends)
    places = set(fixed)
    hops: dict[str, dict[str, float]] = defaultdict(dict)
    for stretch in stretches:
        cable = plant.cables[stretch.cable]
        cables[cable.id] = 0.0 if cable.passages else cable.sheath
        places.update(cable.places[stretch.first : stretch.last + 1])
        for number in range(stretch.first, stretch.last):
            a, b = cable.places[number], cable.places[number + 1]
            metres = cable.sheath
            if cable.passages:
                passage = cable.passages[number]
                metres = segments[passage.segment] = plant.segments[passage.segment].length
                for duct in plant.enclosing(passage.duct):
                    ducts[duct].add(passage.segment)
            hops[a][b] = hops[b][a] = min(metres, hops[a].get(b, metres))
    gear = {plant.odfs[point].site if point in plant.odfs else plant.passives[point].site for point in points}
    lit = (fixed | gear) & plant.sites.keys()
    return Footprint(
        name,
        fixed,
        segments,
        {duct: sum(segments[segment] for segment in inside) for duct, inside in ducts.items()},
        cables,
        frozenset(places & plant.chambers.keys()),
        frozenset((places | gear) & plant.sites.keys()),
        frozenset(gear),
        frozenset(feeder for site in lit if (feeder := plant.sites[site].feeder) is not None),
        _zones(plant, segments, places | gear),
        {end: frozenset(hops.get(end, ())) for end in fixed},
        {end: _away(hops, end) for end in fixed},
    )


def route_of(plant: Plant, name: str, chains: Iterable[Trace]) -> Footprint:
    """The footprint of traced chains: of both ways of a link, say."""
    walked = tuple(chains)
    ends = {plant.place_of(end) for chain in walked for end in (chain.start, chain.end)}
    return footprint(plant, name, ends, *stretches_of(walked))


def together(plant: Plant, name: str, parts: Iterable[Footprint]) -> Footprint:
    """Routes one after the other as one route: its ends are those that only one part has."""
    joined = tuple(parts)
    count: dict[str, int] = defaultdict(int)
    for part in joined:
        for end in part.ends:
            count[end] += 1
    ends = frozenset(end for end, times in count.items() if times == 1) or frozenset(count)
    hops: dict[str, dict[str, float]] = defaultdict(dict)
    for part in joined:
        for segment in part.segments:
            one = plant.segments[segment]
            hops[one.a][one.b] = hops[one.b][one.a] = one.length
        for cable, metres in part.cables.items():
            if metres:
                a, b = plant.cables[cable].a, plant.cables[cable].b
                hops[a][b] = hops[b][a] = metres
    return Footprint(
        name,
        ends,
        _merged(part.segments for part in joined),
        _merged(part.ducts for part in joined),
        _merged(part.cables for part in joined),
        frozenset().union(*(part.chambers for part in joined)),
        frozenset().union(*(part.sites for part in joined)),
        frozenset().union(*(part.gear for part in joined)),
        frozenset().union(*(part.feeders for part in joined)),
        _merged(part.zones for part in joined),
        {end: frozenset(hops.get(end, ())) for end in ends},
        {end: _away(hops, end) for end in ends},
    )


def _merged(tables: Iterable[Mapping[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for table in tables:
        for key, metres in table.items():
            found[key] = max(metres, found.get(key, 0.0))
    return found


def _zones(plant: Plant, segments: Mapping[str, float], places: Iterable[str]) -> dict[str, float]:
    """Hazard zone → metres of route inside it, 0 where only a place is."""
    spots = [plant.chambers[key].position for key in places if key in plant.chambers]
    spots += [at for key in places if key in plant.sites and (at := plant.sites[key].position) is not None]
    found: dict[str, float] = {}
    for key, hazard in plant.hazards.items():
        area = Outline(hazard.polygon)
        inside = [(name, area.inside(plant.segments[name].line)) for name in segments]
        met = [(name, metres) for name, metres in inside if metres is not None]
        if met or any(area.contains(spot) for spot in spots):
            found[key] = sum(metres * _stretch(plant, name) for name, metres in met)
    return found


def _stretch(plant: Plant, segment: str) -> float:
    """Surveyed length over drawn length."""
    drawn = line_length(plant.segments[segment].line)
    return plant.segments[segment].length / drawn if drawn else 0.0


def _away(hops: Mapping[str, Mapping[str, float]], start: str) -> dict[str, float]:
    """Metres along the route from a place to every place on it."""
    found: dict[str, float] = {}
    waiting = [(0.0, start)]
    while waiting:
        metres, place = heappop(waiting)
        if place in found:
            continue
        found[place] = metres
        for other, step in hops.get(place, {}).items():
            if other not in found:
                heappush(waiting, (metres + step, other))
    return found
