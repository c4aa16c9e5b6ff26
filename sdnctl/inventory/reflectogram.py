"""What an OTDR saw, as a value: events and backscatter over time, whatever file it came from.

Times are nanoseconds of one-way travel from where the link begins (behind the launch lead); metres of fibre follow
from the group index of this trace, which belongs to the trace and to nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from sdnctl.inventory.fields import Wavelength
from sdnctl.units import Length, Loss, LossRate

LIGHT = 0.299792458
"""Speed of light, m/ns."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One event of a trace, as the instrument reports it.

    `loss` is one-way and therefore apparent (a gain where the glass behind scatters more), None at the end of the
    fibre, where it means nothing. `reflectance` (dB) is None where nothing is reflected, or too much to measure.
    `slope`: attenuation of the fibre before it, None where that was too short to measure.
    """

    number: int
    time: float
    loss: Loss | None
    reflectance: float | None
    slope: LossRate | None
    reflective: bool = False
    end: bool = False
    comment: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Reflectogram:
    """A trace at one wavelength.

    `lead`: time from the instrument's port to the beginning of the link. `pulse` and `spacing` of samples in ns.
    `samples`: dB above an arbitrary floor, the first at time `first`; empty where the file has none. `taken` is
    None where the instrument's clock was not set. `cable`, `fibre`, `origin`, `terminus`: as typed in there.
    """

    name: str
    wavelength: Wavelength
    index: float
    pulse: float
    spacing: float
    lead: float
    readings: tuple[Reading, ...]
    samples: NDArray[np.float32]
    first: float
    taken: datetime | None = None
    cable: str = ""
    fibre: str = ""
    origin: str = ""
    terminus: str = ""
    instrument: str = ""

    def metres(self, time: float) -> Length:
        """Metres of fibre that light passes in a time."""
        return Length(time * LIGHT / self.index)

    def time(self, metres: float) -> float:
        """The inverse of `metres`."""
        return metres * self.index / LIGHT

    @property
    def end(self) -> Reading | None:
        """The event at which the fibre ends; what comes after it is no fibre."""
        return next((one for one in self.readings if one.end), None)
