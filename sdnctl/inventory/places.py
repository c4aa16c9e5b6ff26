"""Where cables lie, indexed for questions: by segment, duct and place, and by where on the map these are.

A position along a cable counts in half steps: place number k is 2k, the passage from there to the next is 2k + 1.
So glass between the places f and l covers 2f … 2l, its ends included, and whatever happens to a cable at one
position hits the glass that covers it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from sdnctl.inventory.geometry import Outline, distance, line_length
from sdnctl.inventory.glass import SpliceRun
from sdnctl.inventory.lying import Boxes, Spots
from sdnctl.inventory.plant import Cable, Duct, Plant, Point, Segment
from sdnctl.units import Length

At = tuple[str, int]
"""A cable, and a position along it in half steps."""


class Whereabouts:
    """Answers for one plant; each table is made on first use, so make it once for many questions."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant

    @cached_property
    def in_segment(self) -> Mapping[str, Sequence[tuple[str, int, str | None]]]:
        """Segment → cables in it, as (cable, number of the passage, duct)."""
        table: dict[str, list[tuple[str, int, str | None]]] = defaultdict(list)
        for cable in self.plant.cables.values():
            for number, passage in enumerate(cable.passages):
                table[passage.segment].append((cable.id, number, passage.duct))
        return table

    @cached_property
    def at_place(self) -> Mapping[str, Sequence[tuple[str, int]]]:
        """Site or chamber → cables that pass or end there, as (cable, number of the place)."""
        table: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for cable in self.plant.cables.values():
            for number, place in enumerate(cable.places):
                table[place].append((cable.id, number))
        return table

    @cached_property
    def nested(self) -> Mapping[str, Sequence[str]]:
        """Duct → the ducts that lie directly in it."""
        table: dict[str, list[str]] = defaultdict(list)
        for duct in self.plant.ducts.values():
            if duct.parent is not None:
                table[duct.parent].append(duct.id)
        return table

    def within(self, duct: str) -> frozenset[str]:
        """A duct and all that lie in it, however deep."""
        found, waiting = {duct}, [duct]
        while waiting:
            for inner in self.nested.get(waiting.pop(), ()):
                if inner not in found:
                    found.add(inner)
                    waiting.append(inner)
        return frozenset(found)

    @cached_property
    def ducts_in(self) -> Mapping[str, Sequence[str]]:
        """Segment → ducts that run through it."""
        table: dict[str, list[str]] = defaultdict(list)
        for duct in self.plant.ducts.values():
            for segment in duct.segments:
                table[segment].append(duct.id)
        return table

    @cached_property
    def closures_at(self) -> Mapping[str, Sequence[str]]:
        """Place → closures that stand there."""
        table: dict[str, list[str]] = defaultdict(list)
        for closure in self.plant.closures.values():
            table[closure.at].append(closure.id)
        return table

    @cached_property
    def spliced_in(self) -> Mapping[str, Sequence[SpliceRun]]:
        """Closure → what is spliced in it."""
        table: dict[str, list[SpliceRun]] = defaultdict(list)
        for run in self.plant.splice_runs:
            table[run.closure].append(run)
        return table

    def cables_in_segment(self, segment: str) -> Iterator[At]:
        return ((cable, 2 * number + 1) for cable, number, _ in self.in_segment.get(segment, ()))

    def cables_in_duct(self, duct: str, segment: str | None = None) -> Iterator[At]:
        """Cables in a duct and in what lies in it, everywhere or in one segment of it."""
        inside = self.within(duct)
        for name in self.plant.ducts[duct].segments if segment is None else (segment,):
            for cable, number, held in self.in_segment.get(name, ()):
                if held in inside:
                    yield cable, 2 * number + 1

    def cables_at(self, place: str) -> Iterator[At]:
        return ((cable, 2 * number) for cable, number in self.at_place.get(place, ()))

    # ── the map ──────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def _boxes(self) -> Boxes:
        return Boxes({key: segment.line for key, segment in self.plant.segments.items()})

    @cached_property
    def _spots(self) -> Spots:
        """Chambers and sites whose position is known."""
        spots: dict[str, Point] = {key: chamber.position for key, chamber in self.plant.chambers.items()}
        spots.update({key: site.position for key, site in self.plant.sites.items() if site.position is not None})
        return Spots(spots)

    def inside(self, polygon: Sequence[Point]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Segments that enter an area or touch it, and places in it, by id; only what is near it is looked at."""
        area = Outline(polygon)
        box = area.west, area.south, area.east, area.north
        segments, places = self._boxes.meeting(*box), self._spots.meeting(*box)
        return (
            tuple(sorted(key for key in segments if area.inside(self.plant.segments[key].line) is not None)),
            tuple(sorted(key for key in places if area.contains(self._spots.points[key]))),
        )


# ── positions along cables, segments and ducts ───────────────────────────────────────────────────


def sheath_span(cable: Cable, passage: int) -> tuple[float, float]:
    """The marks on the sheath where a passage of a cable begins and ends, its slack loops left out."""
    first, last = passage, passage + 1
    loops = [float(cable.slack.get(cable.places[number], 0.0)) for number in (first, last)]
    low = cable.marks[first] + (loops[0] if first == 0 else loops[0] / 2)
    high = cable.marks[last] - (loops[1] if last == len(cable.places) - 1 else loops[1] / 2)
    return low, max(low, high)


def sheath_position(cable: Cable, mark: float) -> int:
    """The position in half steps of a mark on a cable's sheath."""
    number = bisect_left(cable.marks, mark)
    if number < len(cable.marks) and cable.marks[number] == mark:
        return 2 * number
    return 2 * number - 1


def sheath_at(plant: Plant, cable: Cable, passage: int, along: float) -> float:
    """The mark on a cable's sheath `along` metres down the segment of a passage, counted from the segment's a."""
    segment = plant.segments[cable.passages[passage].segment]
    share = along / segment.length if segment.length else 0.0
    if cable.places[passage] != segment.a:
        share = 1 - share
    low, high = sheath_span(cable, passage)
    return low + share * (high - low)


def segment_point(segment: Segment, along: float) -> Point:
    """The point so many metres along a segment; its drawn line is stretched to its surveyed length."""
    drawn = line_length(segment.line)
    left = along * (drawn / segment.length if segment.length else 0.0)
    for a, b in zip(segment.line, segment.line[1:], strict=False):
        step = distance(a, b)
        if left <= step:
            share = left / step if step else 0.0
            return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])
        left -= step
    return segment.line[-1]


def along_duct(plant: Plant, duct: Duct, metres: float) -> tuple[str, Length] | None:
    """The segment that a duct is in after so many metres, and how far along that, from the segment's a."""
    here = duct.ends[0]
    for name in duct.segments:
        segment = plant.segments[name]
        if metres <= segment.length:
            return name, Length(metres if segment.a == here else segment.length - metres)
        metres -= segment.length
        here = segment.b if segment.a == here else segment.a
    return None
