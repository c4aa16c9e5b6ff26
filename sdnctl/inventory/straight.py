"""A chain of glass as a straight line: everything on it in order, by metres of fibre and metres of sheath.

Stations are what light passes or a crew meets: ports, frames, splices, passive nodes, chambers on the way and the
loops kept there. Between them lie spans, the strands of cables. Sheath counts from the start through all cables;
jumpers have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sdnctl.inventory.colours import StrandMark, strand_mark
from sdnctl.inventory.itinerary import Itinerary, Leg
from sdnctl.inventory.optics import LossSpan
from sdnctl.inventory.plant import CableType, Plant, PortEnd, StrandEnd
from sdnctl.inventory.tracing import StepKind
from sdnctl.units import Length, Loss


class Kind(StrEnum):
    """What a station is; `place` is a chamber or site that the strand passes uncut."""

    PORT = "port"
    CONNECTOR = "connector"
    SPLICE = "splice"
    PASSIVE = "passive"
    PLACE = "place"
    END = "end"


@dataclass(frozen=True, slots=True)
class Station:
    """Something on the line. `at`: metres of fibre, `sheath`: metres of sheath from the start.

    `mark` is the mark on the sheath of the cable that passes, `loop` the spare cable kept there. `losses` are
    those of the station itself, `totals` those from the start to behind it, by wavelength; None where unknown.
    """

    kind: Kind
    what: str
    place: str
    at: Length
    sheath: Length
    losses: tuple[LossSpan | None, ...]
    totals: tuple[LossSpan | None, ...]
    mark: float | None = None
    loop: Length = Length(0.0)


@dataclass(frozen=True, slots=True)
class Span:
    """A strand between two stations, given by their numbers; other stations lie between them."""

    cable: str
    kind: CableType
    strand: int
    mark: StrandMark
    first: int
    last: int
    length: Length
    sheath: Length


@dataclass(frozen=True, slots=True)
class StraightLine:
    """The line of one chain; `told` is the same, leg by leg."""

    told: Itinerary
    stations: tuple[Station, ...]
    spans: tuple[Span, ...]


def straight_line(plant: Plant, told: Itinerary) -> StraightLine:
    """A chain as a straight line."""
    drawn = _Drawn(plant, told)
    for leg in told.legs:
        drawn.leg(leg)
    drawn.end()
    return StraightLine(told, tuple(drawn.stations), tuple(drawn.spans))


class _Drawn:
    """The line as far as it has been drawn."""

    def __init__(self, plant: Plant, told: Itinerary) -> None:
        self.plant, self.told = plant, told
        self.stations: list[Station] = []
        self.spans: list[Span] = []
        self.at, self.sheath = 0.0, 0.0
        self.totals: list[LossSpan | None] = [LossSpan(Loss(0.0), Loss(0.0)) for _ in told.wavelengths]
        self.loops: dict[str, float] = {}  # place → loop of the cable before, to be told at the next station
        start = told.start
        if isinstance(start, PortEnd):
            self._station(Kind.PORT, str(start), plant.place_of(start))
        elif isinstance(start, StrandEnd):
            self._station(Kind.END, _loose(start), plant.place_of(start))

    def leg(self, leg: Leg) -> None:
        if leg.kind is StepKind.STRAND:
            self._strand(leg)
            return
        self._add(leg.losses)
        if leg.kind is StepKind.JUMPER:
            self.at += leg.length
            return
        what = leg.via
        if leg.kind is StepKind.CONNECTOR:
            what = str(leg.enter if leg.enter[0] == leg.via else leg.leave)
        self._station(Kind(str(leg.kind)), what, leg.places[0], leg.losses)

    def end(self) -> None:
        end = self.told.end
        last = self.stations[-1] if self.stations else None
        if isinstance(end, PortEnd):
            self._station(Kind.PORT, str(end), self.plant.place_of(end))
        elif isinstance(end, StrandEnd) and (last is None or last.at < self.at):
            self._station(Kind.END, _loose(end), self.plant.place_of(end))

    def _strand(self, leg: Leg) -> None:
        assert isinstance(leg.enter, StrandEnd)
        assert isinstance(leg.leave, StrandEnd)
        cable = self.plant.cables[leg.via]
        kind = self.plant.cable_types[cable.type]
        first, last = leg.enter.place, leg.leave.place
        step = 1 if last >= first else -1
        before = cable.marks[first]
        start, sheath, totals = self.at, self.sheath, list(self.totals)
        begin = len(self.stations) - 1
        self._keep(begin, cable.places[first], cable.slack.get(cable.places[first], Length(0.0)))
        whole = abs(cable.marks[last] - before)
        for index in range(first + step, last, step):
            gone = abs(cable.marks[index] - before)
            share = gone / whole if whole else 0.0
            self.at, self.sheath = start + gone * (1 + kind.helix), sheath + gone
            self.totals = [_part(total, own, share) for total, own in zip(totals, leg.losses, strict=True)]
            place = cable.places[index]
            self._station(
                Kind.PLACE, place, place, mark=cable.marks[index], loop=cable.slack.get(place, Length(0.0))
            )
        self.at, self.sheath, self.totals = start + leg.length, sheath + whole, totals
        self._add(leg.losses)
        place = cable.places[last]
        self.loops[place] = self.loops.get(place, 0.0) + cable.slack.get(place, Length(0.0))
        strand, ends = leg.enter.strand, (begin, len(self.stations))
        mark = strand_mark(kind, strand)
        self.spans.append(Span(cable.id, kind, strand, mark, *ends, leg.length, Length(whole)))

    def _keep(self, number: int, place: str, loop: Length) -> None:
        """A loop at the beginning of a cable belongs to the station before it, if that is at the same place."""
        if loop and number >= 0 and self.stations[number].place == place:
            station = self.stations[number]
            self.stations[number] = replace(station, loop=Length(station.loop + loop))

    def _station(
        self,
        kind: Kind,
        what: str,
        place: str,
        losses: Sequence[LossSpan | None] = (),
        *,
        mark: float | None = None,
        loop: float = 0.0,
    ) -> None:
        kept = Length(loop + self.loops.pop(place, 0.0))
        at, sheath = Length(self.at), Length(self.sheath)
        self.stations.append(Station(kind, what, place, at, sheath, tuple(losses), tuple(self.totals), mark, kept))

    def _add(self, losses: Sequence[LossSpan | None]) -> None:
        self.totals = [_part(total, own, 1.0) for total, own in zip(self.totals, losses, strict=True)]


def _part(total: LossSpan | None, own: LossSpan | None, share: float) -> LossSpan | None:
    """A total with a share of something more."""
    if total is None or own is None:
        return None
    return LossSpan(Loss(total.min + own.min * share), Loss(total.max + own.max * share))


def _loose(end: StrandEnd) -> str:
    return f"end of {end.cable}:{end.strand}"
