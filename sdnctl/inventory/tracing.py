"""Following light: port → jumper → ODF → strand → splice → … → port, and where it ends when it does not arrive.

Every terminal has a front and a back, and at most one thing is joined to each: a jumper in front of ports,
ODF positions and passive ports; a pigtail behind an ODF position; glass behind a strand end and a splice,
pigtail or jumper in front of it. So a trace is a walk without choices (a mux chooses by wavelength, and of the
outputs of a splitter one must be `chosen`), and the trace from its far end is the same one reversed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.passives import ways_on
from sdnctl.inventory.plant import OdfPosition, PassivePort, Plant, PortEnd, Side, StrandEnd, Terminal
from sdnctl.quick import quick
from sdnctl.units import Length, format_length

NONE_CHOSEN: Mapping[str, str] = MappingProxyType({})
"""Of no splitter an output is chosen."""


class StepKind(StrEnum):
    JUMPER = "jumper"
    CONNECTOR = "connector"  # an ODF position: the mated connector and its pigtail splice
    STRAND = "strand"
    SPLICE = "splice"
    PASSIVE = "passive"


class Step(NamedTuple):
    """One thing that light passes: what (`via` is its id), from where to where, and how much fibre it adds."""

    kind: StepKind
    via: str
    enter: Terminal
    leave: Terminal
    length: Length = Length(0.0)

    def reversed(self) -> Step:
        return Step(self.kind, self.via, self.leave, self.enter, self.length)


@quick
@dataclass(frozen=True, slots=True)
class Break:
    """Why a trace ends before a port: `cause` is a stable word, `where` a place, `text` a sentence."""

    cause: str
    where: str
    text: str


@quick
@dataclass(frozen=True, slots=True)
class Trace:
    """A walk from `start` to `end`; `broken` says why, if the end is not a port."""

    start: Terminal
    end: Terminal
    steps: tuple[Step, ...]
    broken: Break | None = None

    @property
    def length(self) -> Length:
        """Metres of fibre, jumpers included."""
        return Length(sum(step.length for step in self.steps))

    def reversed(self) -> Trace:
        return Trace(self.end, self.start, tuple(step.reversed() for step in reversed(self.steps)), self.broken)


@dataclass(frozen=True, slots=True)
class Event:
    """Something on a trace, at its distance along the fibre from the start."""

    at: Length
    kind: StepKind
    via: str
    place: str


def trace(
    plant: Plant,
    start: Terminal,
    *,
    wavelength: Wavelength | None = None,
    backwards: bool = False,
    severed: frozenset[str] = frozenset(),
    chosen: Mapping[str, str] = NONE_CHOSEN,
) -> Trace:
    """Follow the light that enters at the front of `start` (from its back, if `backwards`).

    `wavelength` is needed only to leave a mux by the right channel. Nothing passes the `severed`
    segments and cables. `chosen`: splitter → the output that is followed; by default the one that is plugged, and
    where several are the trace ends there (`branches` follows each).
    """
    steps: list[Step] = []
    here, front = start, not backwards
    visited = {(here, front)}
    while True:
        step = _leave(plant, here, front, wavelength, severed, chosen)
        if isinstance(step, Break):
            return Trace(start, here, tuple(steps), step)
        steps.append(step)
        here = step.leave
        front = _arrives_in_front(step)
        front = not front  # through the terminal, out on its other side
        if isinstance(here, PortEnd):
            return Trace(start, here, tuple(steps))
        if (here, front) in visited:
            text = f"the glass is joined in a closed loop through {here}"
            return Trace(start, here, tuple(steps), Break("loop", plant.place_of(here), text))
        visited.add((here, front))


def events(plant: Plant, traced: Trace) -> tuple[Event, ...]:
    """What a reflectometer at the start could see: connectors, splices and passive nodes, by distance."""
    found: list[Event] = []
    position = 0.0
    for step in traced.steps:
        if step.kind in (StepKind.CONNECTOR, StepKind.SPLICE, StepKind.PASSIVE):
            found.append(Event(Length(position), step.kind, step.via, plant.place_of(step.enter)))
        position += step.length
    return tuple(found)


def branches(
    plant: Plant,
    start: Terminal,
    *,
    wavelength: Wavelength | None = None,
    backwards: bool = False,
    severed: frozenset[str] = frozenset(),
) -> Iterator[Trace]:
    """Every way that light takes from an end: one, but for splitters that it reaches from their common side."""
    waiting: list[dict[str, str]] = [{}]
    while waiting:
        chosen = waiting.pop()
        found = trace(plant, start, wavelength=wavelength, backwards=backwards, severed=severed, chosen=chosen)
        end = found.end
        if found.broken is not None and found.broken.cause == "split" and isinstance(end, PassivePort):
            plugged = _plugged(plant, end.passive)
            waiting += [{**chosen, end.passive: port} for port in reversed(plugged)]
        else:
            yield found


def _leave(
    plant: Plant,
    here: Terminal,
    front: bool,
    wavelength: Wavelength | None,
    severed: frozenset[str],
    chosen: Mapping[str, str],
) -> Step | Break:
    """What is joined to one side of a terminal."""
    if front:
        jumper = plant.jumper_at.get(here)
        if jumper is not None:
            other = jumper.b if jumper.a == here else jumper.a
            return Step(StepKind.JUMPER, "jumper", here, other, jumper.length)
        if isinstance(here, StrandEnd):
            return _joint(plant, here)
        return Break("unpatched", plant.place_of(here), f"no jumper is plugged into {here}")
    if isinstance(here, OdfPosition):
        end = plant.terminations.get(here)
        if end is None:
            return Break("no-strand", plant.place_of(here), f"position {here} has no strand behind it")
        return Step(StepKind.CONNECTOR, here.odf, here, end)
    if isinstance(here, PassivePort):
        return _through_passive(plant, here, wavelength, chosen)
    if isinstance(here, StrandEnd):
        return _along_strand(plant, here, severed)
    return Break("port", plant.place_of(here), f"behind {here} is a switch")


def _arrives_in_front(step: Step) -> bool:
    """Jumpers and splices join fronts; a pigtail ends in front of its strand, and behind its ODF position."""
    if step.kind is StepKind.CONNECTOR:
        return isinstance(step.leave, StrandEnd)
    return step.kind in (StepKind.JUMPER, StepKind.SPLICE)


def _joint(plant: Plant, here: StrandEnd) -> Step | Break:
    joined = plant.splice_at.joined(here)
    if joined is not None:
        return Step(StepKind.SPLICE, joined[0], here, joined[1])
    position = plant.position_at.get(here)
    if position is not None:
        return Step(StepKind.CONNECTOR, position.odf, here, position)
    place = plant.place_of(here)
    text = f"strand {here.strand} of cable {here.cable} ends at {place} and is joined to nothing"
    return Break("strand-end", place, text)


def _through_passive(
    plant: Plant, here: PassivePort, wavelength: Wavelength | None, chosen: Mapping[str, str]
) -> Step | Break:
    passive = plant.passives[here.passive]
    ways = ways_on(passive, here.port, wavelength)
    if ways is None:
        return Break("wavelength", passive.site, f"which way {passive.id} sends light depends on its wavelength")
    if not ways:
        return Break("wavelength", passive.site, f"{here} does not pass {wavelength} nm")
    if len(ways) > 1:
        ways = (chosen[passive.id],) if passive.id in chosen else _plugged(plant, passive.id) or ways[:1]
    if len(ways) > 1:
        outputs = ", ".join(ways)
        return Break("split", passive.site, f"{passive.id} sends the light on to each of {outputs}")
    return Step(StepKind.PASSIVE, passive.id, here, PassivePort(passive.id, ways[0]))


def _plugged(plant: Plant, splitter: str) -> tuple[str, ...]:
    """Outputs of a splitter that something is plugged into."""
    outputs = plant.passives[splitter].outputs
    return tuple(port for port in outputs if PassivePort(splitter, port) in plant.jumper_at)


def _along_strand(plant: Plant, here: StrandEnd, severed: frozenset[str]) -> Step | Break:
    """Glass from one end to the next place where it is cut, or what is wrong with it on the way."""
    cable = plant.cables[here.cable]
    far = next_cut(plant, here)
    first, last = sorted((here.place, far))
    if severed:
        hit = severed & {cable.id, *(passage.segment for passage in cable.passages[first:last])}
        if hit:
            name = min(hit)
            return Break("severed", name, f"cable {cable.id} is cut in {name}")
    low, high = cable.marks[first], cable.marks[last]
    for fault in cable.faults:
        if here.strand in fault.strands and low <= fault.at <= high:
            note = f" ({fault.note})" if fault.note else ""
            text = f"strand {here.strand} of cable {cable.id} is broken at {format_length(fault.at)}{note}"
            return Break("strand-fault", cable.id, text)
    side: Side = "a" if here.side == "b" else "b"
    length = Length((high - low) * (1 + plant.cable_types[cable.type].helix))
    return Step(StepKind.STRAND, cable.id, here, StrandEnd(cable.id, here.strand, far, side), length)


def next_cut(plant: Plant, here: StrandEnd) -> int:
    """The number of the place where the glass from an end of it ends: the next cut, or the end of the cable."""
    cuts = plant.cut_places.get(here.cable, ())
    if here.side == "b":
        for place, strands in cuts:
            if place > here.place and strands >> here.strand & 1:
                return place
        return len(plant.cables[here.cable].places) - 1
    for place, strands in reversed(cuts):
        if place < here.place and strands >> here.strand & 1:
            return place
    return 0
