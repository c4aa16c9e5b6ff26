"""Small things people write in inventory files: ids, wavelengths, shares, strand ranges, ends of jumpers.

Each notation is parsed where the file is validated, so that a slip is reported with its line:

    C-12:1-12,25        strands 1 to 12 and 25 of cable C-12
    C-12/a:1-12         the same, of the part of the cable that leads to its end `a`
    ODF-DC:7            position 7 of an ODF
    ATT-1/in            port `in` of a passive node
    core-a:3/tx         the transmitter of port 3 of a switch
    A:2.3               a position of a mask: wall A of a chamber, row 2, column 3; `A:3` where there is one row
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, NamedTuple, NewType

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from sdnctl.quick import quick
from sdnctl.units import parse_quantity, remembering

Wavelength = NewType("Wavelength", float)  # nm; an int where it is a whole number
Share = NewType("Share", float)  # 1.0 is 100 %
Dispersion = NewType("Dispersion", float)  # ps/nm

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_RANGE = re.compile(r"(\d+)(?:-(\d+))?\Z")
_STRANDS = re.compile(rf"({NAME})(?:/([ab]))?:([\d,\- ]+)\Z")
_MASK = re.compile(r"([A-Za-z0-9]+):(?:([1-9]\d?)\.)?([1-9]\d?)\Z")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
_END = re.compile(rf"({NAME})(?::(\d+))?(?:/([a-z0-9]+))?\Z")

_LIGHT = Decimal("299792.458")
"""Speed of light, nm·THz."""

Id = Annotated[str, Field(pattern=rf"^{NAME}$", min_length=1, max_length=64)]
"""A name: letters, digits, point, dash, underscore; `:` and `/` are kept for notations."""


@quick
@dataclass(frozen=True, slots=True)
class StrandRange:
    """Strands of one cable, in the order written; `side` is the end of the cable that the part leads to."""

    cable: str
    strands: tuple[int, ...]
    side: str | None = None

    def __str__(self) -> str:
        side = f"/{self.side}" if self.side else ""
        return f"{self.cable}{side}:{format_numbers(self.strands)}"


@quick
@dataclass(frozen=True, slots=True)
class EndRef:
    """One end of a jumper as written: a thing, a numbered position or port of it, and a named lane of that."""

    name: str
    number: int | None = None
    lane: str | None = None

    def __str__(self) -> str:
        number = "" if self.number is None else f":{self.number}"
        return f"{self.name}{number}" + (f"/{self.lane}" if self.lane else "")


class MaskPosition(NamedTuple):
    """Where a duct comes through a wall (face) of a chamber: a hole of the mask, counted from the top left."""

    face: str
    row: int
    column: int

    def __str__(self) -> str:
        return f"{self.face}:{self.column}" if self.row == 1 else f"{self.face}:{self.row}.{self.column}"


_PARSED = (StrandRange, EndRef, MaskPosition)


def parse_numbers(text: object) -> tuple[int, ...]:
    """``1-3,7`` → (1, 2, 3, 7): ascending within a range, from 1, none twice."""
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is not a range: write it like '1-12,25'")
    return _parse_numbers(text)


@lru_cache(maxsize=4096)
def _parse_numbers(text: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for part in text.split(","):
        match = _RANGE.match(part.strip())
        if match is None:
            raise ValueError(f"{part.strip()!r} is not a number or a range: write it like '1-12,25'")
        first, last = int(match[1]), int(match[2] or match[1])
        if first < 1 or last < first or last > 100_000:
            raise ValueError(f"{part.strip()!r} is not an ascending range that starts at 1 or above")
        numbers.extend(range(first, last + 1))
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"{text!r} names a number twice")
    return tuple(numbers)


def format_numbers(numbers: tuple[int, ...]) -> str:
    """The inverse of `parse_numbers`: consecutive numbers become a range."""
    parts: list[str] = []
    start = previous = None
    for number in (*numbers, None):
        if start is not None and previous is not None and (number is None or number != previous + 1):
            parts.append(str(start) if start == previous else f"{start}-{previous}")
            start = number
        elif start is None:
            start = number
        previous = number
    return ",".join(parts)


def parse_strands(text: object) -> StrandRange:
    """``C-12/a:1-12`` → a `StrandRange`; raises ValueError with the expected notation."""
    match = _STRANDS.match(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} does not name strands: write it like 'C-12:1-12' or 'C-12/a:1-12'")
    cable, side, numbers = match.groups()
    return StrandRange(cable, _parse_numbers(numbers), side)


def parse_end(text: object) -> EndRef:
    """``ODF-DC:7``, ``ATT-1/in`` or ``core-a:3/tx`` → an `EndRef`."""
    match = _END.match(text.strip()) if isinstance(text, str) else None
    name, number, lane = match.groups() if match is not None else (None, None, None)
    if name is None or (number is None and lane is None):
        raise ValueError(f"{text!r} does not name an end: write it like 'ODF-DC:7', 'ATT-1/in' or 'core-a:3/tx'")
    return EndRef(name, None if number is None else int(number), lane)


def parse_mask(text: object) -> MaskPosition:
    """``A:2.3`` → wall A, row 2, column 3; ``A:3`` → row 1, column 3."""
    match = _MASK.match(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(
            f"{text!r} is not a position of a mask: write wall, row and column like 'A:2.3', or 'A:3'"
        )
    return MaskPosition(match[1], int(match[2] or 1), int(match[3]))


def parse_masks(text: object) -> object:
    """A CSV cell ``ch-1=A:2.3;ch-2=C:1`` → place → position as text; what is a mapping already passes."""
    if not isinstance(text, str):
        return text
    found: dict[str, str] = {}
    for part in words_of(text):
        place, equals, position = part.partition("=")
        if not equals or place in found:
            raise ValueError(
                f"{part!r} is not a place with a position, each place once: write 'ch-1=A:2.3;ch-2=C:1'"
            )
        found[place] = position
    return found


def format_masks(masks: Mapping[str, MaskPosition]) -> str:
    """The inverse of `parse_masks`."""
    return ";".join(f"{place}={position}" for place, position in masks.items())


def parse_wavelength(text: object) -> Wavelength:
    """``1310 nm``, ``1550.12 nm`` or ``193.4 THz`` → nm to a hundredth, between 800 and 1700."""
    if isinstance(text, str) and text.strip().endswith("THz"):
        frequency = parse_quantity(text, {"THz": 1}, "193.4 THz")
        value = _LIGHT / frequency if frequency > 0 else Decimal(0)
    else:
        value = parse_quantity(text, {"nm": 1}, "1310 nm")
    if not 800 <= value <= 1700:
        raise ValueError(f"{text!r} is not a wavelength between 800 nm and 1700 nm")
    value = round(value, 2)
    return Wavelength(int(value) if value == value.to_integral_value() else float(value))


def parse_share(text: object) -> Share:
    """``1.5 %`` → 0.015, not negative."""
    value = parse_quantity(text, {"%": Decimal("0.01")}, "1.5 %")
    if not 0 <= value <= 1:
        raise ValueError(f"{text!r} is not between 0 % and 100 %")
    return Share(float(value))


def parse_dispersion(text: object) -> Dispersion:
    """``1600 ps/nm`` → ps/nm, not negative."""
    value = parse_quantity(text, {"ps/nm": 1}, "1600 ps/nm")
    if value < 0:
        raise ValueError(f"{text!r} is negative")
    return Dispersion(float(value))


def _whole(value: object) -> object:
    """Keep YAML's true and 3.0 from becoming 1 and 3."""
    if isinstance(value, bool | float):
        raise ValueError(f"{value!r} is not a whole number")
    return value


def _dpid(value: object) -> object:
    """A datapath id as an integer or as hexadecimal text (``0x2a``)."""
    if isinstance(value, str):
        try:
            return int(value, 0)
        except ValueError:
            raise ValueError(f"{value!r} is not a datapath id: write 42 or '0x2a'") from None
    return _whole(value)


def words(value: object) -> object:
    """A CSV cell or a list: words separated by spaces or semicolons."""
    return words_of(value) if isinstance(value, str) else value


def words_of(text: str) -> tuple[str, ...]:
    """Words separated by spaces or semicolons."""
    return tuple(text.replace(";", " ").split())


def _mac(value: object) -> object:
    """``02:00:00:00:00:2a`` → 48-bit integer."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not _MAC.fullmatch(value.strip()):
        raise ValueError(f"{value!r} is not a MAC address: write it like '02:00:00:00:00:2a'")
    return int(value.strip().replace(":", ""), 16)


def format_mac(value: int) -> str:
    """48-bit integer → ``02:00:00:00:00:2a``."""
    return ":".join(f"{value >> shift & 0xFF:02x}" for shift in range(40, -1, -8))


def _prefix(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """An address range. Pydantic tries both families, and the library looks at each character: what is IPv4 in its
    usual form, as nearly all are, is read here."""
    if isinstance(value, str):
        address, _, length = value.partition("/")
        try:
            a, b, c, d = map(_OCTETS.__getitem__, address.split("."))
            return IPv4Network((a << 24 | b << 16 | c << 8 | d, _LENGTHS[length]))
        except (KeyError, ValueError):
            pass  # IPv6, another form, or wrong
    return validate(value)


_OCTETS = {str(number): number for number in range(256)}
_LENGTHS = {str(number): number for number in range(33)}


def _written(parse: Any, write: Any, example: str, *, repeated: bool = True) -> tuple[Any, ...]:
    """Parse text; write text back; a value that is parsed already passes. `repeated`: few texts say all."""
    read = remembering(parse) if repeated else parse
    return (
        BeforeValidator(lambda value: value if isinstance(value, _PARSED) else read(value)),
        PlainSerializer(write, return_type=str),
        WithJsonSchema({"type": "string", "examples": [example]}),
    )


Whole = Annotated[int, BeforeValidator(_whole)]
Dpid = Annotated[int, BeforeValidator(_dpid), Field(ge=1, lt=1 << 64)]
Words = Annotated[tuple[str, ...], BeforeValidator(words)]
MacField = Annotated[int, BeforeValidator(_mac), PlainSerializer(format_mac, return_type=str)]
WavelengthField = Annotated[
    Wavelength,
    PlainValidator(remembering(parse_wavelength)),  # no more: pydantic would make every whole number a fraction
    *_written(parse_wavelength, lambda nm: f"{nm} nm", "1310 nm")[1:],
]
ShareField = Annotated[Share, *_written(parse_share, lambda share: f"{share * 100:.10g} %", "1.5 %")]
DispersionField = Annotated[Dispersion, *_written(parse_dispersion, lambda d: f"{d:.10g} ps/nm", "1600 ps/nm")]
StrandsField = Annotated[StrandRange, *_written(parse_strands, str, "C-12:1-12", repeated=False)]
MaskField = Annotated[MaskPosition, *_written(parse_mask, str, "A:2.3")]
EndField = Annotated[EndRef, *_written(parse_end, str, "ODF-DC:7", repeated=False)]
NumbersField = Annotated[tuple[int, ...], *_written(parse_numbers, format_numbers, "1-12,25")]
PrefixField = Annotated[IPv4Network | IPv6Network, WrapValidator(_prefix)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Position = tuple[Longitude, Latitude]
"""Longitude, latitude in degrees (WGS 84)."""

Attenuation = Mapping[Wavelength, tuple[float, float]]
"""Wavelength → least and greatest dB/km."""
