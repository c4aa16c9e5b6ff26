"""The trace that a healthy fibre should give by the records, or one that is cut at a place.

For rehearsal, and to lay beside a real trace where none was kept at commissioning. Losses are the middle of what
the records accept; the backscatter has no noise but the floor below which an instrument sees nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdnctl.inventory.course import Course
from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.reflectogram import LIGHT, Reading, Reflectogram
from sdnctl.inventory.tracing import StepKind
from sdnctl.units import Length, Loss, LossRate

CONNECTOR = -55.0
"""dB that an angled connector in order reflects."""
OPEN = -14.7
"""dB that glass reflects into air (4 % of the power, less what does not come back)."""
DYNAMIC = 30.0
"""dB between the first backscatter and the floor."""
USUAL_SLOPE = 0.22
"""dB/km where the records have no figure at the wavelength."""
LEAST = 0.02
"""dB that an event must lose, or reflect, to be seen."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """How a trace is taken: pulse and sample spacing in ns, launch lead in metres of fibre."""

    wavelength: Wavelength
    index: float = 1.4682
    lead: Length = Length(500.0)
    pulse: float = 30.0
    spacing: float = 2.5


def expected(course: Course, instrument: Instrument, cut: float | None = None) -> Reflectogram:
    """The trace of a course by the records, cut at a fibre metre if one is given."""
    end = course.length if cut is None else min(cut, course.length)
    slopes = [sum(one.slope) / 2 for one in course.stretches if one.slope]
    slope = sum(slopes) / len(slopes) if slopes else USUAL_SLOPE
    rows: list[tuple[float, float, float | None]] = []  # metre, loss, reflectance
    for joint in course.joints:
        loss = (joint.loss.min + joint.loss.max) / 2
        mirror = CONNECTOR if joint.kind is not StepKind.SPLICE else None
        if joint.at < end and (loss >= LEAST or mirror is not None):
            rows.append((joint.at, loss, mirror))
    rows.append((end, 0.0, OPEN if cut is None else None))
    readings = tuple(
        Reading(
            number,
            metre * instrument.index / LIGHT,
            None if number == len(rows) else Loss(round(loss, 3)),
            mirror,
            LossRate(round(slope, 3)) if number > 1 else None,
            reflective=mirror is not None,
            end=number == len(rows),
        )
        for number, (metre, loss, mirror) in enumerate(rows, start=1)
    )
    lead = instrument.lead * instrument.index / LIGHT
    return Reflectogram(
        name="expected",
        wavelength=instrument.wavelength,
        index=instrument.index,
        pulse=instrument.pulse,
        spacing=instrument.spacing,
        lead=lead,
        readings=readings,
        samples=_backscatter(rows, slope, instrument),
        first=-lead,
    )


def _backscatter(
    rows: list[tuple[float, float, float | None]], slope: float, instrument: Instrument
) -> NDArray[np.float32]:
    """dB below the first sample: falling with the fibre, a step at each loss, a peak at each reflection."""
    end = rows[-1][0]
    step = instrument.spacing * LIGHT / instrument.index
    metres = np.arange(round((end + instrument.lead) * 1.15 / step) + 20) * step - instrument.lead
    level = -slope * (metres + instrument.lead) / 1000
    for metre, loss, _ in rows:
        level[metres >= metre] -= loss
    level[metres >= end] = -DYNAMIC
    pulse = instrument.pulse * LIGHT / instrument.index / 2
    for metre, _, mirror in rows:
        if mirror is not None:  # the pulse, and the receiver that recovers from it
            behind = metres - metre
            peak = max(60 + mirror, 3.0) / 3
            level += np.where(behind < 0, 0.0, peak * np.exp(-np.maximum(behind - pulse, 0.0) / (pulse / 2)))
    return np.maximum(level, -DYNAMIC).astype(np.float32)
