"""Quantities with units: what people write as text, and what the code computes with.

People write ``7.7 Mbit/s``, ``20 ms``, ``12 km``, ``-8.2 dBm``, ``0.35 dB/km``, ``1500 B``; a bare
number is an error. Inside, a quantity is a plain number in one fixed unit whose *type* names it
(`Bitrate` is bit/s, `Delay` is µs, …), so hot loops stay plain arithmetic and mypy keeps a length
from being used as a delay. The ``…Field`` aliases are what pydantic models declare.

Prefixes are decimal (SI): 1 kbit/s is 1,000 bit/s; 1 kB is 1,000 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache, wraps
from typing import Annotated, Any, NewType, TypeVar

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

T = TypeVar("T")
Bitrate = NewType("Bitrate", int)  # bit/s
Delay = NewType("Delay", float)  # µs
Length = NewType("Length", float)  # m
Power = NewType("Power", float)  # dBm
Loss = NewType("Loss", float)  # dB
LossRate = NewType("LossRate", float)  # dB/km
Octets = NewType("Octets", int)  # bytes
Duration = NewType("Duration", int)  # s

_QUANTITY = re.compile(r"\s*([+-]?\d+(?:[._]\d+)*(?:[eE][+-]?\d+)?)\s*([^\s\d].*?)\s*\Z")

_GREATEST = Decimal(10) ** 24

BITRATES: Mapping[str, int] = {
    "bit/s": 1,
    "kbit/s": 10**3,
    "Mbit/s": 10**6,
    "Gbit/s": 10**9,
    "Tbit/s": 10**12,
}
DELAYS: Mapping[str, int | Decimal] = {"ns": Decimal("0.001"), "us": 1, "µs": 1, "ms": 10**3, "s": 10**6}
LENGTHS: Mapping[str, int | Decimal] = {
    "mm": Decimal("0.001"),
    "cm": Decimal("0.01"),
    "m": 1,
    "km": 1000,
}
POWERS: Mapping[str, int] = {"dBm": 1}
LOSSES: Mapping[str, int] = {"dB": 1}
LOSS_RATES: Mapping[str, int] = {"dB/km": 1}
OCTETS: Mapping[str, int] = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15}
DURATIONS: Mapping[str, int] = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


def parse_quantity(text: object, units: Mapping[str, int | Decimal], example: str) -> Decimal:
    """Read ``text`` as a number with one of `units` and return it in the base unit.

    Raises ValueError with a sentence that says what was expected; a number without a unit is an
    error, because 10 could be 10 Mbit/s or 10 bit/s.
    """
    if isinstance(text, bool) or not isinstance(text, str):
        wanted = f"a number and one of {', '.join(units)}"
        raise ValueError(f"{text!r} has no unit: write {wanted}, such as '{example}'")
    match = _QUANTITY.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a number with a unit: write it like '{example}' ({', '.join(units)})")
    number, unit = match.groups()
    if unit not in units:
        raise ValueError(f"unit {unit!r} is not one of {', '.join(units)}: write it like '{example}'")
    try:
        value = Decimal(number) * units[unit]
    except InvalidOperation:
        raise ValueError(f"{number!r} is not a number: write it like '{example}'") from None
    if abs(value) > _GREATEST:
        raise ValueError(f"{text!r} is out of range")
    return value


def _format(value: float, units: Mapping[str, int | Decimal]) -> str:
    """Write `value` (base unit) exactly, in the largest unit that keeps it at or above 1."""
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    name = next(unit for unit, factor in units.items() if factor == 1)
    for unit, factor in units.items():
        if factor >= units[name] and abs(exact) >= factor:
            name = unit
    scaled = (exact / Decimal(units[name])).normalize()
    return f"{scaled:f} {name}"


def parse_bitrate(text: object) -> Bitrate:
    """``7.7 Mbit/s`` → bit/s, a whole number, not negative."""
    value = parse_quantity(text, BITRATES, "10 Mbit/s")
    if value < 0 or value != value.to_integral_value():
        raise ValueError(f"{text!r} is not a whole number of bit/s at or above zero")
    return Bitrate(int(value))


def parse_delay(text: object) -> Delay:
    """``20 ms`` → µs, not negative."""
    return Delay(_not_negative(text, parse_quantity(text, DELAYS, "20 ms")))


def parse_length(text: object) -> Length:
    """``12.4 km`` → m, not negative."""
    return Length(_not_negative(text, parse_quantity(text, LENGTHS, "12.4 km")))


def parse_power(text: object) -> Power:
    """``-8.2 dBm`` → dBm."""
    return Power(float(parse_quantity(text, POWERS, "-8.2 dBm")))


def parse_loss(text: object) -> Loss:
    """``0.1 dB`` → dB; a gainer is negative."""
    return Loss(float(parse_quantity(text, LOSSES, "0.1 dB")))


def parse_loss_rate(text: object) -> LossRate:
    """``0.35 dB/km`` → dB/km, not negative."""
    return LossRate(_not_negative(text, parse_quantity(text, LOSS_RATES, "0.35 dB/km")))


def parse_octets(text: object) -> Octets:
    """``1600 B`` → bytes, a whole number, not negative."""
    value = parse_quantity(text, OCTETS, "1600 B")
    if value < 0 or value != value.to_integral_value():
        raise ValueError(f"{text!r} is not a whole number of bytes at or above zero")
    return Octets(int(value))


def parse_duration(text: object) -> Duration:
    """``30 d`` → s, a whole number above zero; a day has 24 hours."""
    value = parse_quantity(text, DURATIONS, "30 d")
    if value <= 0 or value != value.to_integral_value():
        raise ValueError(f"{text!r} is not a whole number of seconds above zero")
    return Duration(int(value))


def _not_negative(text: object, value: Decimal) -> float:
    if value < 0:
        raise ValueError(f"{text!r} is negative")
    return float(value)


def format_bitrate(value: int) -> str:
    return _format(value, BITRATES)


def format_delay(value: float) -> str:
    """Delays read best in ms or µs; `s` only for whole seconds."""
    return _format(value, {"us": 1, "ms": 10**3, "s": 10**6})


def format_length(value: float) -> str:
    return _format(value, {"m": 1, "km": 1000})


def format_power(value: float) -> str:
    return _format(value, POWERS)


def format_loss(value: float) -> str:
    return _format(value, LOSSES)


def format_loss_rate(value: float) -> str:
    return _format(value, LOSS_RATES)


def format_octets(value: int) -> str:
    return _format(value, {"B": 1})


def format_size(value: int) -> str:
    """Bytes to three digits, for people: ``249 TB``."""
    return _format(int(Decimal(f"{value:.2e}")), OCTETS)


def format_duration(value: int) -> str:
    """In the largest unit that divides it: a third of an hour has no decimal form."""
    unit, factor = next(
        (unit, factor) for unit, factor in reversed(tuple(DURATIONS.items())) if value % factor == 0
    )
    return f"{value // factor} {unit}"


def remembering(parse: Callable[[object], T]) -> Callable[[object], T]:
    """`parse`, which looks up the texts that it read lately: tables say the same few over and over again."""
    of_text = lru_cache(maxsize=4096)(parse)

    @wraps(parse)
    def read(value: object) -> T:
        return of_text(value) if isinstance(value, str) else parse(value)

    return read


def _field(parse: Callable[[object], Any], write: Callable[[Any], str], example: str) -> tuple[Any, ...]:
    """Validator, serialiser and schema of one quantity.

    Text is parsed; a model that was already validated holds the typed number, and pydantic only
    sees text from files, because the loaders hand over strings and numbers as written.
    """
    return (
        BeforeValidator(remembering(parse)),
        PlainSerializer(write, return_type=str),
        WithJsonSchema({"type": "string", "examples": [example]}),
    )


BitrateField = Annotated[Bitrate, *_field(parse_bitrate, format_bitrate, "10 Mbit/s")]
DelayField = Annotated[Delay, *_field(parse_delay, format_delay, "20 ms")]
LengthField = Annotated[Length, *_field(parse_length, format_length, "12.4 km")]
PowerField = Annotated[Power, *_field(parse_power, format_power, "-8.2 dBm")]
LossField = Annotated[Loss, *_field(parse_loss, format_loss, "0.1 dB")]
LossRateField = Annotated[LossRate, *_field(parse_loss_rate, format_loss_rate, "0.35 dB/km")]
DurationField = Annotated[Duration, *_field(parse_duration, format_duration, "30 d")]
OctetsField = Annotated[Octets, *_field(parse_octets, format_octets, "1600 B")]
