"""What a trace says that somebody should know: against the records, and against the trace taken at commissioning.

A remark has a stable word, a sentence, and the place. One-way losses are called apparent: where fibres of
different kinds meet they lie, and one may even show a gain; only the mean of both directions counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sdnctl.errors import Severity
from sdnctl.inventory.calibration import COVERAGE
from sdnctl.inventory.otdr import Finding, Interval, Kind, Survey, Verdict
from sdnctl.inventory.reflectogram import Reading, Reflectogram
from sdnctl.inventory.tracing import StepKind

ROUNDING = 0.05
"""dB by which an apparent loss may exceed what is accepted unremarked: what readings vary by."""
MORE = 0.1
"""dB that an event must have gained or lost since commissioning; below lies what cleaning a connector does."""
MIXED_POLISH = 2.0
"""dB at one connector, from which a straight polish on an angled one is likelier than dirt (about 3.5)."""
STEEP = 1.25
"""How many times the greatest attenuation a section must have to be remarked on."""
SHORT = 500.0
"""Metres below which a section's attenuation is too uncertain to say anything."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know: a stable word, a sentence, and where (None: nowhere in particular)."""

    code: str
    severity: Severity
    text: str
    where: Interval | None = None
    hint: str = ""


# ── against the records ──────────────────────────────────────────────────────────────────────────


def against_records(found: Survey) -> tuple[Remark, ...]:
    """Where a trace and the records disagree, from the start of the fibre to its end."""
    remarks = [*_end(found), *_length(found), *_unseen(found)]
    for number, one in enumerate(found.findings):
        remarks += _event(one)
        if number:
            remarks += _section(found, found.findings[number - 1], one)
    return tuple(remarks)


def _end(found: Survey) -> Iterator[Remark]:
    end = found.end
    if found.verdict is Verdict.BROKEN:
        at = end.where.spot.at
        half = float(end.where.half)
        known = [fault for fault in found.course.faults if abs(fault - at) <= half + 5.0]
        told = ", where the records know it to be broken" if known else ""
        missing = found.course.length - at
        text = f"the fibre ends {missing:,.0f} m before its far end{told}"
        yield Remark("break", Severity.ERROR, text, end.where)
    elif found.verdict is Verdict.LONGER:
        more = end.measured - found.course.length
        yield Remark(
            "longer",
            Severity.ERROR,
            f"the fibre goes on {more:,.0f} m behind its far end in the records",
            end.where,
            "Check that the trace is of this fibre, and the jumpers at the far end; name a receive lead.",
        )
    elif found.course.faults:
        text = "the records know this fibre to be broken, but it is whole"
        yield Remark("whole-again", Severity.WARNING, text, None, "Take the fault out of the cable's record.")


def _length(found: Survey) -> Iterator[Remark]:
    """Fibre longer or shorter than the records have it, by more than they leave open."""
    if found.verdict is not Verdict.WHOLE:
        return
    off = found.fibre - found.course.length
    total = found.calibration.unknown(found.course.length)
    if abs(off) <= COVERAGE * total:
        return
    text = f"the fibre is {abs(off):,.0f} m {'longer' if off > 0 else 'shorter'} than in the records"
    hint = "Check sheath lengths, loops and the helix of the cable types; intervals rest on them."
    yield Remark("length", Severity.WARNING, text, None, hint)


def _unseen(found: Survey) -> Iterator[Remark]:
    """Connectors that should reflect and do not; a splice that cannot be seen is a good one."""
    for one in found.unseen:
        if one.kind is StepKind.CONNECTOR:
            text = f"connector {one.via} at {one.place} is not on the trace"
            yield Remark(
                "unseen", Severity.NOTE, text, None, "An angled connector can be this good, or it is not there."
            )


def _event(one: Finding) -> Iterator[Remark]:
    loss = one.reading.loss
    if one.kind is Kind.NEW:
        kind = "reflecting event" if one.reading.reflective else "event"
        text = f"{kind} that is not in the records" + (
            f", apparent loss {loss:.2f} dB" if loss is not None else ""
        )
        hint = "A bend, a pinch, or a splice that nobody wrote down."
        yield Remark("new", Severity.WARNING, text, one.where, hint)
    elif one.kind in (Kind.START, Kind.JOINT) and loss is not None and one.joints:
        accepted = sum(joint.loss.max for joint in one.joints)
        name = " and ".join(dict.fromkeys(joint.name for joint in one.joints))
        connector = any(joint.kind is StepKind.CONNECTOR for joint in one.joints)
        if connector and loss >= MIXED_POLISH:
            text = f"{name} loses {loss:.2f} dB"
            hint = "An angled connector on a straight one loses about 3.5 dB: look at the colours of both plugs."
            yield Remark("mixed-polish", Severity.WARNING, text, one.where, hint)
        elif loss > accepted + ROUNDING:
            text = f"{name} shows an apparent loss of {loss:.2f} dB, accepted are {accepted:.2f} dB"
            hint = "Measure from the other end too: the mean counts."
            yield Remark("lossy", Severity.WARNING, text, one.where, hint)
        elif loss < -ROUNDING:
            text = f"{name} shows an apparent gain of {-loss:.2f} dB: two kinds of fibre meet"
            hint = "Measure from the other end too: the mean is a loss."
            yield Remark("gain", Severity.NOTE, text, one.where, hint)


def _section(found: Survey, before: Finding, after: Finding) -> Iterator[Remark]:
    """Fibre that loses more on the way than its type does."""
    slope, length = after.reading.slope, after.measured - before.measured
    middle = found.course.stretch((before.where.spot.at + after.where.spot.at) / 2)
    if slope is None or middle is None or middle.slope is None or length < SHORT:
        return
    if after.kind in (Kind.ECHO, Kind.BEYOND) or slope <= STEEP * middle.slope[1]:
        return
    most = f"its type at most {middle.slope[1]:.2f}"
    text = f"cable {middle.cable} loses {slope:.2f} dB/km over {length:,.0f} m, {most}"
    yield Remark("steep", Severity.WARNING, text, after.where, "Look for bends and strain between the two events.")


# ── against the trace at commissioning ───────────────────────────────────────────────────────────


def against_reference(found: Survey, reference: Survey) -> tuple[Remark, ...]:
    """What changed since an earlier trace of the same fibre from the same end.

    Events are paired by time, which both instruments measure alike whatever group index they were set to.
    """
    pairs, new, gone = paired(found, reference)
    remarks = list(_shorter(found, reference))
    for one in new:
        loss = one.reading.loss
        text = "new since commissioning" + (f": apparent loss {loss:.2f} dB" if loss is not None else "")
        remarks.append(Remark("appeared", Severity.WARNING, text, one.where))
    for one in gone:
        text = f"{name_of(one)} was seen at commissioning and is not now"
        remarks.append(Remark("vanished", Severity.NOTE, text, one.where))
    for now, then in pairs:
        if now.reading.loss is None or then.reading.loss is None:
            continue
        more = now.reading.loss - then.reading.loss
        if abs(more) >= MORE and found.trace.wavelength == reference.trace.wavelength:
            text = (
                f"{name_of(now)} loses {abs(more):.2f} dB {'more' if more > 0 else 'less'} than at commissioning"
            )
            severity = Severity.WARNING if more > 0 else Severity.NOTE
            remarks.append(Remark("more-loss" if more > 0 else "less-loss", severity, text, now.where))
    if found.trace.wavelength != reference.trace.wavelength:
        text = (
            f"losses are not compared: this trace is at {found.trace.wavelength} nm, "
            f"that of commissioning at {reference.trace.wavelength} nm"
        )
        remarks.append(Remark("other-wavelength", Severity.NOTE, text))
    return tuple(remarks)


def name_of(one: Finding) -> str:
    """What an event is, in words."""
    return " and ".join(dict.fromkeys(joint.name for joint in one.joints)) or f"the event at {one.measured:,.0f} m"


def _shorter(found: Survey, reference: Survey) -> Iterator[Remark]:
    now, then = found.end, reference.end
    off = found.trace.metres(now.reading.time - then.reading.time)
    if abs(off) > _reach(found.trace, reference.trace, now.reading):
        word, severity = ("shorter", Severity.ERROR) if off < 0 else ("longer", Severity.WARNING)
        text = f"the fibre ends {abs(off):,.0f} m {'earlier' if off < 0 else 'later'} than at commissioning"
        yield Remark(word, severity, text, now.where)


def paired(found: Survey, reference: Survey) -> tuple[list[tuple[Finding, Finding]], list[Finding], list[Finding]]:
    """Events of both traces; those of the first only; and, up to where it ends, those of the second only."""
    left = [one for one in reference.findings if one.kind not in (Kind.ECHO, Kind.BEYOND)]
    pairs: list[tuple[Finding, Finding]] = []
    new: list[Finding] = []
    for one in found.findings:
        if one.kind is Kind.ECHO:
            continue
        reach = _reach(found.trace, reference.trace, one.reading)
        near = [then for then in left if found.trace.metres(abs(then.reading.time - one.reading.time)) <= reach]
        if near:
            then = min(near, key=lambda then: abs(then.reading.time - one.reading.time))
            left.remove(then)
            pairs.append((one, then))
        elif one.kind not in (Kind.BREAK, Kind.BEYOND, Kind.END):
            new.append(one)
    until = found.end.reading.time
    gone = [then for then in left if then.reading.time < until and then is not reference.end]
    return pairs, new, gone


def _reach(one: Reflectogram, other: Reflectogram, reading: Reading) -> float:
    """Metres within which events of two traces are the same: reading both, and a clock that drifts by 1e-4."""
    pulses = one.metres(max(one.pulse, other.pulse)) / 2
    samples = one.metres(one.spacing + other.spacing)
    return 2.0 + pulses + samples + 1e-4 * abs(one.metres(reading.time))


def ordered(remarks: Sequence[Remark]) -> tuple[Remark, ...]:
    """Remarks by severity, then along the fibre."""
    ranks = list(Severity)
    return tuple(
        sorted(remarks, key=lambda one: (ranks.index(one.severity), one.where.spot.at if one.where else 0.0))
    )
