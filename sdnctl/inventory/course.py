"""Where light is after so many metres of fibre: from a port through every cable of its chain to a point on the
ground.

A `Course` is a traced chain measured out: glass in cables (sheath × helix), jumpers between them, joints where a
reflectometer may see something, loops of spare cable where metres of fibre are no metres of way. `spot` answers
for one distance. Distances are metres of fibre as the records have them; how far the records are off is for
`calibration` to find out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.geometry import distance
from sdnctl.inventory.optics import LossSpan, UnknownAttenuation, attenuation, chain_loss
from sdnctl.inventory.plant import Cable, Plant, Point, PortEnd, StrandEnd, Terminal
from sdnctl.inventory.tracing import Break, Step, StepKind, Trace, trace
from sdnctl.units import Length

UNMEASURED = 0.5
"""Metres: a sheath that is this near to way and loops was calculated from them."""
TOUCH = 0.01
"""Metres of sheath within which something is at a place."""
JOINTS = (StepKind.CONNECTOR, StepKind.SPLICE, StepKind.PASSIVE)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Glass of one cable between two joints, from fibre metre `at` on.

    `enter` and `leave` are marks on the sheath, metres from end a; the light runs towards end a where `leave` is
    less. `slope`: least and greatest dB/km, None where the glass has no figure at the wavelength. `measured`:
    whether the sheath's length is known otherwise than from the way.
    """

    cable: str
    strand: int
    at: float
    length: float
    enter: float
    leave: float
    slope: tuple[float, float] | None = None
    measured: bool = True

    @property
    def end(self) -> float:
        return self.at + self.length

    def mark(self, at: float) -> float:
        """The sheath mark at a fibre metre of the stretch."""
        share = (at - self.at) / self.length if self.length else 0.0
        return self.enter + min(max(share, 0.0), 1.0) * (self.leave - self.enter)

    def fibre(self, mark: float) -> float:
        """The inverse of `mark`."""
        span = self.leave - self.enter
        return self.at + (self.length * (mark - self.enter) / span if span else 0.0)


@dataclass(frozen=True, slots=True)
class Joint:
    """Something that a reflectometer may see; `loss` is what the records accept there."""

    at: float
    kind: StepKind
    via: str
    place: str
    loss: LossSpan

    @property
    def name(self) -> str:
        return f"{self.kind} {self.via}"


@dataclass(frozen=True, slots=True)
class Loop:
    """Spare cable on the way: its middle, and metres of fibre in it."""

    at: float
    length: float
    place: str


@dataclass(frozen=True, slots=True)
class Course:
    """A chain from `start` to `end`, `length` metres of fibre; `broken` says why, if it does not end at a port.

    `faults`: breaks that the records know, by cable, as fibre metres; the course goes on behind them.
    """

    start: Terminal
    end: Terminal
    length: float
    stretches: tuple[Stretch, ...]
    joints: tuple[Joint, ...]
    loops: tuple[Loop, ...]
    end_place: str
    broken: Break | None = None
    faults: tuple[float, ...] = ()

    def stretch(self, at: float) -> Stretch | None:
        """The glass at a fibre metre, None in a jumper, before the start and behind the end."""
        return next((one for one in self.stretches if one.at <= at <= one.end), None)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on a course.

    `at`: fibre metre. `behind` and `ahead`: places on either side, as the light passes them, with the metres of
    way to them; in a loop or at a joint, `here` is the place. `sheath`: mark from end a of `cable`. `closure`:
    the nearest on the cable, with the metres of way to it. `point` is None where no route is known.
    """

    at: float
    behind: str
    ahead: str
    from_behind: Length = Length(0.0)
    to_ahead: Length = Length(0.0)
    here: str = ""
    in_loop: bool = False
    cable: str = ""
    sheath: Length | None = None
    segment: str = ""
    point: Point | None = None
    closure: str = ""
    to_closure: Length | None = None

    @property
    def nearest(self) -> tuple[str, Length]:
        """The nearest site or chamber along the cable, and the metres of way to it."""
        if self.here:
            return self.here, Length(0.0)
        if self.from_behind <= self.to_ahead:
            return self.behind, self.from_behind
        return self.ahead, self.to_ahead


# ── a course ─────────────────────────────────────────────────────────────────────────────────────


def course(plant: Plant, start: Terminal, wavelength: Wavelength) -> Course:
    """The way of light from a reflectometer at `start`: in place of a port's optics, else in front of it."""
    backwards = not isinstance(start, PortEnd)
    whole, known = plant, list[tuple[str, float]]()
    traced = trace(plant, start, wavelength=wavelength, backwards=backwards)
    while traced.broken is not None and traced.broken.cause == "strand-fault":
        broken = whole.cables[traced.broken.where]
        strand = _strand(traced.end)
        known += [(broken.id, fault.at) for fault in broken.faults if strand in fault.strands]
        others = tuple(fault for fault in broken.faults if strand not in fault.strands)
        whole = replace(whole, cables={**whole.cables, broken.id: replace(broken, faults=others)})
        traced = trace(whole, start, wavelength=wavelength, backwards=backwards)
    made = _measured(plant, traced, wavelength)
    return replace(
        made, faults=tuple(sorted(at for cable, mark in known for at in fibre_metres(made, cable, mark)))
    )


def _strand(end: Terminal) -> int:
    return end.strand if isinstance(end, StrandEnd) else 0


def fibre_metres(found: Course, cable: str, mark: float) -> Iterator[float]:
    """Fibre metres at which a course passes a sheath mark of a cable."""
    for one in found.stretches:
        if one.cable == cable and min(one.enter, one.leave) <= mark <= max(one.enter, one.leave):
            yield one.fibre(mark)


def _measured(plant: Plant, traced: Trace, wavelength: Wavelength) -> Course:
    stretches: list[Stretch] = []
    joints: list[Joint] = []
    position = 0.0
    for step in traced.steps:
        if step.kind in JOINTS:
            loss = chain_loss(plant, Trace(step.enter, step.leave, (step,)), wavelength)
            joints.append(Joint(position, step.kind, step.via, plant.place_of(step.enter), loss))
        elif step.kind is StepKind.STRAND:
            stretches.append(_stretch(plant, step, position, wavelength))
        position += step.length
    return Course(
        traced.start,
        traced.end,
        position,
        tuple(stretches),
        tuple(joints),
        tuple(loop for one in stretches for loop in _loops(plant, one)),
        plant.place_of(traced.end),
        traced.broken,
    )


def _stretch(plant: Plant, step: Step, at: float, wavelength: Wavelength) -> Stretch:
    enter, leave = step.enter, step.leave
    assert isinstance(enter, StrandEnd)
    assert isinstance(leave, StrandEnd)
    cable = plant.cables[step.via]
    try:
        slope = attenuation(plant.cable_types[cable.type], wavelength)
    except UnknownAttenuation:
        slope = None
    marks = cable.marks[enter.place], cable.marks[leave.place]
    way = sum(plant.segments[passage.segment].length for passage in cable.passages)
    measured = not cable.passages or abs(cable.sheath - way - sum(cable.slack.values())) > UNMEASURED
    return Stretch(cable.id, enter.strand, at, step.length, *marks, slope, measured)


def _loops(plant: Plant, one: Stretch) -> Iterator[Loop]:
    """Loops that the light passes on a stretch, in its order; of one that is opened in its middle, the half."""
    cable = plant.cables[one.cable]
    low, high = sorted((one.enter, one.leave))
    found = []
    for place, (start, end) in loops(cable).items():
        inside = min(end, high) - max(start, low)
        if inside > 0:
            middle = (max(start, low) + min(end, high)) / 2
            helix = one.length / (high - low)
            found.append(Loop(one.fibre(middle), inside * helix, place))
    yield from sorted(found, key=lambda loop: loop.at)


# ── a place on it ────────────────────────────────────────────────────────────────────────────────


def loops(cable: Cable) -> Mapping[str, tuple[float, float]]:
    """Place → sheath marks between which its loop of spare cable lies."""
    found: dict[str, tuple[float, float]] = {}
    for number, place in enumerate(cable.places):
        length = cable.slack.get(place, Length(0.0))
        if not length:
            continue
        if number == 0:
            found[place] = 0.0, float(length)
        elif number == len(cable.places) - 1:
            found[place] = cable.sheath - length, float(cable.sheath)
        else:
            found[place] = cable.marks[number] - length / 2, cable.marks[number] + length / 2
    return found


def spot(plant: Plant, found: Course, at: float) -> Spot:
    """The place at a fibre metre; before the start and behind the end, those."""
    on = found.stretch(at)
    if on is None:
        return _off_cable(plant, found, at)
    cable = plant.cables[on.cable]
    mark = on.mark(at)
    forwards = on.leave >= on.enter
    spare = loops(cable)
    bounds = [(spare.get(place, (mark_, mark_))) for place, mark_ in zip(cable.places, cable.marks, strict=True)]
    starts = [start - TOUCH for start, _ in bounds]
    number = min(max(bisect_right(starts, mark) - 1, 0), len(cable.places) - 1)
    closure, to_closure = _closure(plant, cable, bounds, mark)
    if mark <= bounds[number][1] + TOUCH:  # in the loop, or at the place itself
        here = cable.places[number]
        return Spot(
            at,
            here,
            here,
            here=here,
            in_loop=here in spare,
            cable=cable.id,
            sheath=Length(mark),
            point=_position(plant, here),
            closure=closure,
            to_closure=to_closure,
        )
    start, end = bounds[number][1], bounds[number + 1][0]
    share = (mark - start) / (end - start)
    a, b = cable.places[number], cable.places[number + 1]
    way, segment, point = end - start, "", None
    if cable.passages:
        piece = plant.segments[cable.passages[number].segment]
        way, segment = float(piece.length), piece.id
        point = along(piece.line if piece.a == a else piece.line[::-1], share)
    after, before = Length(share * way), Length((1 - share) * way)
    return Spot(
        at,
        a if forwards else b,
        b if forwards else a,
        after if forwards else before,
        before if forwards else after,
        cable=cable.id,
        sheath=Length(mark),
        segment=segment,
        point=point,
        closure=closure,
        to_closure=to_closure,
    )


def _off_cable(plant: Plant, found: Course, at: float) -> Spot:
    """In a jumper, before the start or behind the end: at the site there."""
    before = [one for one in found.stretches if one.end <= at]
    if at >= found.length:
        place = found.end_place
    elif before:
        cable = plant.cables[before[-1].cable]
        place = cable.places[cable.marks.index(before[-1].leave)]
    else:
        place = plant.place_of(found.start)
    return Spot(at, place, place, here=place, point=_position(plant, place))


def _closure(
    plant: Plant, cable: Cable, bounds: list[tuple[float, float]], mark: float
) -> tuple[str, Length | None]:
    """The nearest closure on a cable, and metres of sheath to it that are in no loop."""
    best: tuple[float, str] | None = None
    for number, place in enumerate(cable.places):
        for name in closures_at(plant).get(place, ()):
            low, high = sorted((mark, cable.marks[number]))
            spare = sum(max(0.0, min(end, high) - max(start, low)) for start, end in bounds)
            best = min(filter(None, (best, (high - low - spare, name))))
    return ("", None) if best is None else (best[1], Length(best[0]))


def closures_at(plant: Plant) -> Mapping[str, tuple[str, ...]]:
    """Place → closures that stand there."""
    found: dict[str, tuple[str, ...]] = {}
    for key, closure in plant.closures.items():
        found[closure.at] = (*found.get(closure.at, ()), key)
    return found


def _position(plant: Plant, place: str) -> Point | None:
    if place in plant.chambers:
        return plant.chambers[place].position
    return plant.sites[place].position if place in plant.sites else None


def along(line: tuple[Point, ...], share: float) -> Point:
    """The point at a share (0 to 1) of a line's length."""
    steps = [float(distance(a, b)) for a, b in pairwise(line)]
    left = share * sum(steps)
    for ((ax, ay), (bx, by)), step in zip(pairwise(line), steps, strict=True):
        if left <= step and step:
            part = max(left, 0.0) / step
            return ax + part * (bx - ax), ay + part * (by - ay)
        left -= step
    return line[-1]
