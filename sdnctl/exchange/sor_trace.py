"""What a .sor file means: a `Reflectogram`, with what instruments are known to write differently put right.

- The wavelength is off by ten in some files; only one of ten times, as it is, and a tenth is light in a fibre.
- Event times count from the end of the launch lead (the user offset); some programs write them from the port, or
  add the front panel's offset. No event at the lead's end, but one exactly there when so moved, tells which.
- Samples begin at the acquisition offset before the port or, where that is 0, at the front panel's offset.
- The loss of the end event is not a loss. Events after it are echoes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from sdnctl.errors import Diagnostic, Diagnostics, InputError, Severity, Source
from sdnctl.exchange.sor import Fixed, General, KeyEvent, Pulse, Samples, SorFile, Summary
from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.reflectogram import LIGHT, Reading, Reflectogram
from sdnctl.units import Length, Loss, LossRate

TICK = 0.1
"""Nanoseconds in the unit of times in the file."""
_LIGHT_NM = range(600, 1701)
"""Wavelengths, nm, that reflectometers use, with room."""
_INDEX = (1.3, 1.7)
_GLASS = (1.46, 1.48)
NEAR = 25.0
"""Nanoseconds (5 m) within which an event counts as being at a place."""
CLIFF = 3.0
"""dB by which the backscatter must fall more at the end event for another origin to be believed than the usual."""
_EPOCH_SET = 631_152_000  # 1990: an instrument that says less has no clock


@dataclass(frozen=True, slots=True)
class Settings:
    """What the person at the instrument knows better than the file: its `index`, the length of the launch lead."""

    index: float | None = None
    launch: Length | None = None


def reflectogram(file: SorFile, name: str, settings: Settings | None = None) -> tuple[Reflectogram, Diagnostics]:
    """The trace in a file, and notes on what was put right; raises InputError where no distance can be told."""
    out = Diagnostics()
    source, settings = Source(name), settings or Settings()
    index = settings.index if settings.index is not None else file.fixed.group_index / 100_000
    if not _INDEX[0] <= index <= _INDEX[1]:
        out.error(
            "sor-group-index",
            f"the group index of {name} is {index:g}",
            source=source,
            detail="Without it times are no distances; glass has 1.46 to 1.48.",
            hint="Give the one the instrument was set to: --index 1.4682.",
        )
    elif not _GLASS[0] <= index <= _GLASS[1]:
        out.warning(
            "sor-index-unlikely",
            f"the group index of {name} is {index:g}, glass has {_GLASS[0]} to {_GLASS[1]}",
            source=source,
            detail="All distances are off by as much, by more than is left open.",
            hint="Give that of the fibre: --index 1.4682.",
        )
    if not file.events:
        out.error(
            "sor-no-events",
            f"{name} has no events",
            source=source,
            hint="Have the instrument analyse the trace, and export it again.",
        )
    wavelength = _wavelength(file, name, out)
    out.raise_if_errors(InputError)
    assert wavelength is not None
    pulse = _pulse(file.fixed)
    offset = file.general.user_offset * TICK
    lead = settings.launch * index / LIGHT if settings.launch is not None else offset
    shift = _shift(file, name, out) + lead - offset
    first, samples = _samples(file, pulse)
    return Reflectogram(
        name=name,
        wavelength=wavelength,
        index=index,
        pulse=float(pulse.width),
        spacing=pulse.spacing * TICK / 10_000,
        lead=lead,
        readings=_readings(file.events, shift),
        samples=samples,
        first=first - lead,
        taken=datetime.fromtimestamp(file.fixed.taken, UTC) if file.fixed.taken >= _EPOCH_SET else None,
        cable=file.general.cable,
        fibre=file.general.fibre,
        origin=file.general.origin,
        terminus=file.general.terminus,
        instrument=" ".join(filter(None, (file.supplier.supplier, file.supplier.mainframe))),
    ), out


def _wavelength(file: SorFile, name: str, out: Diagnostics) -> Wavelength | None:
    """The nominal wavelength; where that is none, the actual one. What was off by ten is noted."""
    nominal, actual = (_light(value) for value in (file.general.wavelength, file.fixed.wavelength / 10))
    found = nominal or actual
    if found is None:
        out.error(
            "sor-wavelength",
            f"{name} does not say at which wavelength it was taken",
            source=Source(name),
            detail=f"It says {file.general.wavelength} nm and {file.fixed.wavelength / 10:g} nm.",
            hint="Export the trace again.",
        )
        return None
    off = [
        value
        for value in (file.general.wavelength, file.fixed.wavelength / 10)
        if _light(value) != Wavelength(round(value))
    ]
    if off:
        _note(
            out,
            name,
            "sor-wavelength",
            f"a wavelength of {name} is off by ten",
            f"It is written as {off[0]:g} nm and read as {found} nm.",
        )
    return found


def _light(value: float) -> Wavelength | None:
    """A wavelength in nm, as it is, or ten times less or more, whichever a reflectometer can have."""
    return next(
        (Wavelength(nm) for nm in (round(value), round(value / 10), round(value * 10)) if nm in _LIGHT_NM), None
    )


def _note(out: Diagnostics, name: str, code: str, summary: str, detail: str) -> None:
    out.items.append(Diagnostic(code, summary, source=Source(name), detail=detail, severity=Severity.NOTE))


def _pulse(fixed: Fixed) -> Pulse:
    """The widest pulse: it sees farthest, and its dead zone is the longest."""
    return max(fixed.pulses, key=lambda one: one.width, default=Pulse(0, 0, 0))


def _samples(file: SorFile, pulse: Pulse) -> tuple[float, NDArray[np.float32]]:
    """Time of the first sample from the port, and the backscatter in dB; none where their spacing is not known."""
    offset = file.fixed.acquisition_offset or -file.fixed.front_panel_offset
    taken = next((one for one in file.samples if len(one.values) == pulse.points), None)
    taken = taken or next(iter(file.samples), None)
    if taken is None or not pulse.spacing:
        return offset * TICK, np.empty(0, np.float32)
    return offset * TICK, -taken.values.astype(np.float32) * np.float32(taken.scale * 1e-6)


# ── events ───────────────────────────────────────────────────────────────────────────────────────


def _readings(events: Sequence[KeyEvent], shift: float) -> tuple[Reading, ...]:
    """Events in order, their times moved back by `shift`."""
    ordered = sorted(events, key=lambda one: one.time)
    ends = [one for one in ordered if one.code[1:2] in ("E", "D")] or ordered[-1:]
    return tuple(_reading(one, shift, one is ends[0]) for one in ordered)


def _reading(one: KeyEvent, shift: float, end: bool) -> Reading:
    reflective = one.code[:1] in ("1", "2")
    return Reading(
        number=one.number,
        time=one.time * TICK - shift,
        loss=None if end else Loss(one.loss / 1000),
        reflectance=one.reflectance / 1000 if reflective and one.reflectance < 0 else None,
        slope=LossRate(one.slope / 1000) if one.slope else None,
        reflective=reflective,
        end=end,
        comment=one.comment,
    )


def _shift(file: SorFile, name: str, out: Diagnostics) -> float:
    """How much later than from the end of the launch lead the events of a file are written, ns."""
    offset, front = file.general.user_offset * TICK, file.fixed.front_panel_offset * TICK
    if not offset:
        return 0.0
    times = [one.time * TICK for one in file.events]
    fits = [
        (shift, why)
        for shift, why in ((0.0, ""), (offset, "from the port"), (front, "with the front panel's offset added"))
        if any(abs(time - shift) <= NEAR for time in times) and (shift or not why)
    ]
    if len(fits) > 1:  # the backscatter falls where the fibre really ends
        fits.sort(key=lambda one: _drop(file, one[0]) - CLIFF * bool(one[0]), reverse=True)
    if not fits or not fits[0][0]:
        return 0.0
    _note(
        out,
        name,
        "sor-event-origin",
        f"the events of {name} are written {fits[0][1]}",
        f"They are read as beginning at the end of the launch lead, {fits[0][0]:.1f} ns earlier.",
    )
    return fits[0][0]


def _drop(file: SorFile, shift: float) -> float:
    """How many dB the backscatter falls at the end event, if events are written `shift` ns too late."""
    pulse = _pulse(file.fixed)
    first, samples = _samples(file, pulse)
    spacing = pulse.spacing * TICK / 10_000
    end = next((one.time for one in file.events if one.code[1:2] in ("E", "D")), None)
    if end is None or not spacing:
        return 0.0
    width = max(5, round(pulse.width / spacing))
    at = round((end * TICK - shift + file.general.user_offset * TICK - first) / spacing)
    if not width < at < len(samples) - 2 * width:
        return 0.0
    before, after = samples[at - 2 * width : at - width], samples[at + width : at + 3 * width]
    return float(np.median(before) - np.median(after)) if len(before) else 0.0


# ── and back ─────────────────────────────────────────────────────────────────────────────────────


def sor_file(trace: Reflectogram, generation: int = 2) -> SorFile:
    """A trace as a file: times in 100 ps, samples in 0.001 dB below the highest."""
    general = General(
        cable=trace.cable,
        fibre=trace.fibre,
        fibre_type=652,
        wavelength=round(trace.wavelength),
        origin=trace.origin,
        terminus=trace.terminus,
        user_offset=round(trace.lead / TICK),
    )
    levels = trace.samples - (trace.samples.max() if len(trace.samples) else 0.0)
    values = np.clip(np.round(-levels * 1000), 0, 65_535).astype(np.uint16)
    fixed = Fixed(
        taken=round(trace.taken.timestamp()) if trace.taken else 0,
        wavelength=round(trace.wavelength * 10),
        acquisition_offset=round((trace.first + trace.lead) / TICK),
        pulses=(Pulse(round(trace.pulse), round(trace.spacing * 10_000 / TICK), len(values)),),
        group_index=round(trace.index * 100_000),
        range=round(len(values) * trace.spacing / TICK),
    )
    samples = (Samples(1000, values),) if len(values) else ()
    events = tuple(_key_event(one) for one in trace.readings)
    return SorFile(generation, general, fixed, events, Summary(), samples=samples)


def _key_event(one: Reading) -> KeyEvent:
    return KeyEvent(
        one.number,
        round(one.time / TICK),
        round((one.slope or 0.0) * 1000),
        round((one.loss or 0.0) * 1000),
        round((one.reflectance or 0.0) * 1000),
        f"{1 if one.reflective else 0}{'E' if one.end else 'F'}9999",
        comment=one.comment,
    )
