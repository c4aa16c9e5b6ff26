"""JSON whose numbers stay as they were written: ``1.10`` is read, and written again, as ``1.10``."""

from __future__ import annotations

import json
import math
from typing import Any

DEEPEST = 64
"""Levels of objects and arrays that are read."""


class WrittenFloat(float):
    """A number with a fraction or exponent, and how it was written."""

    written: str


class WrittenInt(int):
    """A whole number, and how it was written (``-0``)."""

    written: str


def real(text: str) -> WrittenFloat:
    """A number of its text; raises ValueError where it is too great."""
    value = WrittenFloat(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is out of range")
    value.written = text
    return value


def whole(text: str) -> WrittenInt:
    """A whole number of its text; raises ValueError where it is absurdly long."""
    value = WrittenInt(text)
    value.written = text
    return value


def depth(value: Any) -> int:
    """How many levels a value has; not more than one above `DEEPEST` are counted."""
    levels, layer = 0, [value]
    while layer and levels <= DEEPEST:
        below: list[Any] = []
        for one in layer:
            below += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        layer = below
        levels += 1
    return levels


def text_of(value: Any) -> str:
    """One line of JSON, in the order of the value; numbers as they were written."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{text_of(str(key))}:{text_of(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(text_of, value)) + "]"
    if isinstance(value, WrittenFloat | WrittenInt):
        return value.written
    return json.dumps(value, ensure_ascii=False)


def plain(value: Any) -> Any:
    """The value with ordinary numbers, for models that check types."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, WrittenFloat):
        return float(value)
    return int(value) if isinstance(value, WrittenInt) else value
