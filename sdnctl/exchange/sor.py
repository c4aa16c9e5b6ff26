"""What an OTDR writes: the contents of a .sor file (Telcordia SR-4731), field by field as they stand in it.

Two generations are in use. Both begin with a map of blocks; in the second each block repeats its name at its
beginning, and has a few fields more. Byte layouts are those that the public descriptions of the format agree on
(the standard itself is for sale), checked against files of three makers. `sor_read` and `sor_write` go between
these values and bytes; `sor_trace` says what they mean.

Units as in the file: times are one way, in 100 ps; losses, slopes and reflectances in 0.001 dB (and dB/km); the
actual wavelength in 0.1 nm; the group index in 0.00001; sample spacing is the time of 10,000 samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

MAP, GENERAL, SUPPLIER, FIXED = "Map", "GenParams", "SupParams", "FxdParams"
EVENTS, LINK, POINTS, CHECKSUM = "KeyEvents", "LnkParams", "DataPts", "Cksum"
KNOWN = (GENERAL, SUPPLIER, FIXED, EVENTS, LINK, POINTS, CHECKSUM)
"""Blocks with a meaning here, in the order in which they are written."""
REQUIRED = (GENERAL, FIXED, EVENTS)


@dataclass(frozen=True, slots=True)
class General:
    """Which fibre, from where to where.

    `fibre_type` and `user_offset_distance` are in the second generation only.
    """

    language: str = "EN"
    cable: str = ""
    fibre: str = ""
    fibre_type: int = 0
    wavelength: int = 1310
    origin: str = ""
    terminus: str = ""
    cable_code: str = ""
    condition: str = "BC"
    user_offset: int = 0
    user_offset_distance: int = 0
    operator: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Supplier:
    """Which instrument."""

    supplier: str = ""
    mainframe: str = ""
    mainframe_serial: str = ""
    module: str = ""
    module_serial: str = ""
    software: str = ""
    other: str = ""


@dataclass(frozen=True, slots=True)
class Pulse:
    """One pulse width (ns) with its sample spacing and number of samples."""

    width: int
    spacing: int
    points: int


@dataclass(frozen=True, slots=True)
class Fixed:
    """How it was measured. The first generation has none of the fields with an asterisk below.

    `acquisition_offset_distance`*, `averaging_time`* (0.1 s), `range_distance`*, `trace_type`*, `window`*.
    """

    taken: int = 0
    unit: str = "mt"
    wavelength: int = 13100
    acquisition_offset: int = 0
    acquisition_offset_distance: int = 0
    pulses: tuple[Pulse, ...] = ()
    group_index: int = 146800
    backscatter: int = 800
    averages: int = 0
    averaging_time: int = 0
    range: int = 0
    range_distance: int = 0
    front_panel_offset: int = 0
    noise_floor: int = 65535
    noise_floor_scale: int = 1000
    power_offset: int = 0
    loss_threshold: int = 0
    reflectance_threshold: int = 0
    end_threshold: int = 0
    trace_type: str = "ST"
    window: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """One event.

    `code`: how it looks (0 no reflection, 1 reflection, 2 saturated); what it is (F found by software, A or M set
    by hand, E or D the end of the fibre, O out of range); a landmark's number. `markers`: second generation only.
    """

    number: int
    time: int
    slope: int
    loss: int
    reflectance: int
    code: str = "0F9999"
    technique: str = "LS"
    markers: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """Loss from end to end and optical return loss, each between two marker times."""

    loss: int = 0
    loss_from: int = 0
    loss_to: int = 0
    return_loss: int = 0
    return_loss_from: int = 0
    return_loss_to: int = 0


@dataclass(frozen=True, slots=True)
class Landmark:
    """A place on the way, as some planning systems write them; positions as the maker counts them."""

    number: int
    code: str
    location: int
    event: int
    longitude: int = 0
    latitude: int = 0
    correction: int = 0
    sheath_in: int = 0
    sheath_out: int = 0
    unit: str = "mt"
    mode_field: int = 0
    comment: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Backscatter at one scale: 16-bit values below the top, in 0.001 dB × `scale` / 1000."""

    scale: int
    values: NDArray[np.uint16]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Samples)
            and self.scale == other.scale
            and bool(np.array_equal(self.values, other.values))
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class SorFile:
    """One file.

    `extra`: blocks of the maker's own, by name, without a meaning here. `checksum`: as written in the file, None
    if it has none; `checksum_ok`: whether it is that of its bytes.
    """

    generation: int
    general: General
    fixed: Fixed
    events: tuple[KeyEvent, ...]
    summary: Summary | None = None
    supplier: Supplier = Supplier()
    landmarks: tuple[Landmark, ...] = ()
    samples: tuple[Samples, ...] = ()
    extra: Mapping[str, bytes] = field(default_factory=dict)
    checksum: int | None = None
    checksum_ok: bool = True
