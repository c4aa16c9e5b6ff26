"""A reflectometer's trace laid over the records: what each event is, and where on the ground it lies.

Events are taken for the recorded joints where one is expected within what the records leave open; each one so
identified tells how far the records are off there, and the next is looked for with that knowledge
(`calibration`). What remains is unexpected: a bend, a splice that nobody wrote down, an echo, or the place where
the fibre ends before it should. Every place comes with the interval that holds it in 95 of 100 cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sdnctl.inventory.calibration import COVERAGE, Calibration, Tolerances
from sdnctl.inventory.course import Course, Joint, Spot, spot
from sdnctl.inventory.optics import LossSpan
from sdnctl.inventory.plant import Plant
from sdnctl.inventory.reflectogram import Reading, Reflectogram
from sdnctl.inventory.tracing import StepKind
from sdnctl.units import Length, Loss

GATE = 3.5
"""Standard deviations within which an event may be a joint."""
MISFIT = 1.5
"""Standard deviations that an event counts as farther from a joint if only one of the two reflects."""
ECHO_LOSS = 0.05
"""dB up to which an event takes nothing from the light, as an echo."""
_NONE = LossSpan(Loss(0.0), Loss(0.0))


class Kind(StrEnum):
    START = "start"  # where the link begins
    JOINT = "joint"  # a joint of the records
    NEW = "new"  # nothing of the records is there
    ECHO = "echo"  # light that was reflected twice
    END = "end"  # the far end, where the records have it
    BREAK = "break"  # the fibre ends before its far end
    BEYOND = "beyond"  # the fibre goes on behind its far end


class Verdict(StrEnum):
    WHOLE = "whole"
    BROKEN = "broken"
    LONGER = "longer"  # than the records: another fibre, or another way


@dataclass(frozen=True, slots=True)
class Interval:
    """A place and where it may be instead: `half` metres of fibre on either side hold it in 95 of 100 cases.

    `calibrated`: metres to the nearest joint that was recognised on the trace.
    """

    spot: Spot
    low: Spot
    high: Spot
    half: Length
    calibrated: Length


@dataclass(frozen=True, slots=True)
class Finding:
    """One event of the trace. `measured`: metres of fibre from the start as the instrument has them.

    `joints`: those of the records that it is (several where it cannot tell them apart), none for what is new.
    """

    reading: Reading
    kind: Kind
    measured: Length
    joints: tuple[Joint, ...]
    where: Interval


@dataclass(frozen=True, slots=True)
class Group:
    """Joints so close to each other that the trace shows one event."""

    joints: tuple[Joint, ...]

    @property
    def at(self) -> float:
        return self.joints[0].at

    @property
    def reflects(self) -> bool:
        return any(one.kind is not StepKind.SPLICE for one in self.joints)


@dataclass(frozen=True, slots=True)
class Survey:
    """A trace laid over a course.

    `unseen`: joints before the end of the fibre that show no event (good splices do not). `receive`: metres of
    fibre behind the far end: a receive lead. `fibre`: metres of fibre from start to end.
    """

    trace: Reflectogram
    course: Course
    verdict: Verdict
    findings: tuple[Finding, ...]
    unseen: tuple[Joint, ...]
    fibre: Length
    receive: Length
    calibration: Calibration

    @property
    def end(self) -> Finding:
        """Where the fibre ends."""
        kinds = (Kind.END, Kind.BREAK, Kind.BEYOND)
        return next(one for one in self.findings if one.kind in kinds)


def survey(
    plant: Plant,
    course: Course,
    trace: Reflectogram,
    reference: Survey | None = None,
    tolerances: Tolerances | None = None,
) -> Survey:
    """Lay a trace over the course that it was taken on.

    A `reference` is an earlier trace of the same fibre from the same end, laid over the same course: what was
    recognised on it calibrates this one too, also behind a break.
    """
    return _Survey(plant, course, trace, reference, tolerances or Tolerances()).run()


def deviation(trace: Reflectogram, tolerances: Tolerances) -> float:
    """Standard deviation with which an event is read off a trace, metres: grows with sampling and pulse."""
    sample, pulse = trace.metres(trace.spacing), trace.metres(trace.pulse)
    parts = tolerances.reading, sample / 12**0.5, tolerances.edge * pulse / 2
    return float(sum(part**2 for part in parts) ** 0.5)


def groups(course: Course, trace: Reflectogram) -> tuple[Group, ...]:
    """The joints of a course as a trace tells them apart: those within a pulse and its tail are one."""
    reach = trace.metres(trace.pulse) / 2 * 1.5 + 2 * trace.metres(trace.spacing) + 3.0
    found: list[list[Joint]] = []
    for joint in course.joints:
        if found and joint.at - found[-1][0].at <= reach:
            found[-1].append(joint)
        else:
            found.append([joint])
    return tuple(Group(tuple(joints)) for joints in found)


class _Survey:
    """The work of `survey`: one pass along the course."""

    def __init__(
        self,
        plant: Plant,
        course: Course,
        trace: Reflectogram,
        reference: Survey | None,
        tolerances: Tolerances,
    ) -> None:
        self.plant, self.course, self.trace, self.reference = plant, course, trace, reference
        self.calibration = Calibration(course, tolerances)
        self.deviation = deviation(trace, tolerances)
        self.groups = groups(course, trace)
        self.readings = [one for one in trace.readings if self.metres(one) >= -self.gate(0.0)]
        self.end = trace.end or self.readings[-1]
        self.taken: dict[int, tuple[Kind, tuple[Joint, ...]]] = {}
        self.far: Interval | None = None

    def metres(self, reading: Reading) -> float:
        return self.trace.metres(reading.time)

    def gate(self, at: float) -> float:
        """How far from where it is expected a joint at a fibre metre may show."""
        return GATE * float((self.calibration.error(at)[1] ** 2 + self.deviation**2) ** 0.5)

    def run(self) -> Survey:
        inner = self._begin()
        for group in inner:
            self._recognise(group, self._before_end())
        verdict, receive = self._finish()
        findings = tuple(self._finding(number) for number in range(len(self.readings)))
        seen = {joint for _, joints in self.taken.values() for joint in joints}
        reached = self._fibre_metre(self.end)
        unseen = tuple(one for one in self.course.joints if one not in seen and one.at < reached - self.deviation)
        fibre = Length(self.metres(self.end) - receive)
        return Survey(self.trace, self.course, verdict, findings, unseen, fibre, Length(receive), self.calibration)

    # ── recognising ──────────────────────────────────────────────────────────────────────────────

    def _begin(self) -> list[Group]:
        """Set the start; the groups between it and the far end."""
        near = [one for one in self._before_end() if abs(self.metres(self.readings[one])) <= self.gate(0.0)]
        measured = 0.0
        if near:
            first = min(near, key=lambda one: abs(self.metres(self.readings[one])))
            measured = self.metres(self.readings[first])
            here = tuple(joint for group in self.groups for joint in group.joints if group.at <= self.gate(0.0))
            self.taken[first] = Kind.START, here
        self.calibration.add(0.0, measured, self.deviation)
        for one in self.reference.findings if self.reference is not None else ():
            self._learn(one)
        last = self.course.length - self.gate(0.0)
        return [one for one in self.groups if self.gate(0.0) < one.at < last]

    def _learn(self, then: Finding) -> None:
        """What an earlier trace recognised, at the time at which this one would show it."""
        if then.kind in (Kind.JOINT, Kind.END):
            assert self.reference is not None
            at = then.joints[0].at if then.joints else self.course.length
            theirs = deviation(self.reference.trace, self.calibration.tolerances)
            both = (self.deviation**2 + theirs**2 + self.calibration.tolerances.zero**2) ** 0.5
            self.calibration.add(at, self.trace.metres(then.reading.time), both)

    def _before_end(self) -> list[int]:
        """Numbers of the readings before the end of the fibre that are still nothing."""
        until = self.readings.index(self.end)
        return [number for number in range(until) if number not in self.taken]

    def _recognise(self, group: Group, among: Iterable[int]) -> int | None:
        """Take the likeliest reading for a group of joints, and learn from it; None where there is none."""
        best: tuple[float, int] | None = None
        expected = group.at + self.calibration.error(group.at)[0]
        doubt = self.gate(group.at) / GATE
        for number in among:
            off = abs(self.metres(self.readings[number]) - expected) / doubt
            if off <= GATE:
                off += MISFIT * (self.readings[number].reflective != group.reflects)
                best = min(filter(None, (best, (off, number))))
        if best is None:
            return None
        self.taken[best[1]] = Kind.JOINT, group.joints
        self.calibration.add(group.at, self.metres(self.readings[best[1]]), self.deviation)
        return best[1]

    def _finish(self) -> tuple[Verdict, float]:
        """What the end of the fibre is, and metres of receive lead behind the far end."""
        number = self.readings.index(self.end)
        length = self.course.length
        last = tuple(
            one for group in self.groups for one in group.joints if group.at >= length - self.gate(length)
        )
        expected = length + self.calibration.error(length)[0]
        off = self.metres(self.end) - expected
        if abs(off) <= self.gate(length):
            self.taken[number] = Kind.END, last
            self.far = self._calibrated(self.end)  # before it is believed: a break so near to it looks the same
            self.calibration.add(length, self.metres(self.end), self.deviation)
            return Verdict.WHOLE, 0.0
        if off < 0:
            self.taken[number] = Kind.BREAK, ()
            return Verdict.BROKEN, 0.0
        far = (
            Group(last) if last else Group((Joint(length, StepKind.CONNECTOR, "", self.course.end_place, _NONE),))
        )
        behind = self._recognise(far, self._before_end())
        if behind is None:
            self.taken[number] = Kind.BEYOND, ()
            return Verdict.LONGER, 0.0
        self.taken[behind] = Kind.END, last
        self.taken[number] = Kind.BEYOND, ()
        return Verdict.WHOLE, self.metres(self.end) - self.metres(self.readings[behind])

    # ── places ───────────────────────────────────────────────────────────────────────────────────

    def _fibre_metre(self, reading: Reading) -> float:
        return self.calibration.locate(self.metres(reading))[0]

    def _finding(self, number: int) -> Finding:
        reading = self.readings[number]
        kind, joints = self.taken.get(number, (None, ()))
        if kind is None:
            kind = Kind.ECHO if self._is_echo(reading) else Kind.NEW
        return Finding(reading, kind, Length(self.metres(reading)), joints, self._interval(reading, kind, joints))

    def _interval(self, reading: Reading, kind: Kind, joints: Sequence[Joint]) -> Interval:
        """Where a reading lies: a recognised joint where the records have it, anything else as calibrated."""
        if kind is Kind.END and self.far is not None:
            return self.far
        if kind in (Kind.START, Kind.JOINT, Kind.END):
            at = joints[0].at if joints else 0.0 if kind is Kind.START else self.course.length
            place = spot(self.plant, self.course, at)
            return Interval(place, place, place, Length(0.0), Length(0.0))
        return self._calibrated(reading)

    def _calibrated(self, reading: Reading) -> Interval:
        at, doubt = self.calibration.locate(self.metres(reading))
        half = COVERAGE * float((doubt**2 + self.deviation**2) ** 0.5)
        place, low, high = (spot(self.plant, self.course, metre) for metre in (at, at - half, at + half))
        return Interval(place, low, high, Length(half), Length(self.calibration.nearest(at)))

    def _is_echo(self, reading: Reading) -> bool:
        """Whether a reading is light that went between two reflections once more, or lies behind the end.

        An echo between reflections at a and b (the port is one) shows as far behind b as b is behind a.
        """
        if reading.time > self.end.time:
            return True
        if not reading.reflective or (reading.loss is not None and abs(reading.loss) > ECHO_LOSS):
            return False
        mirrors = [-self.trace.lead, *(one.time for one in self.readings if one.reflective and one is not reading)]
        within = self.trace.time(3 * self.deviation)
        return any(
            abs(reading.time - (2 * b - a)) <= within
            for a in mirrors
            for b in mirrors
            if a < b < reading.time - within
        )
