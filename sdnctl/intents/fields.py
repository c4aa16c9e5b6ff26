"""Small notations of intent files: one name or several, DSCP code points, names of things to avoid."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from sdnctl.inventory.fields import NAME, Id

# RFC 2474, 2597, 3246, 5865, 8622
DSCP: Mapping[str, int] = {
    "DF": 0,
    "LE": 1,
    **{f"CS{number}": number * 8 for number in range(1, 8)},
    **{f"AF{klass}{drop}": klass * 8 + drop * 2 for klass in range(1, 5) for drop in range(1, 4)},
    "VA": 44,
    "EF": 46,
}
_DSCP_NAMES = {value: name for name, value in DSCP.items()}


def parse_dscp(value: object) -> int:
    """``EF``, ``AF41``, ``CS6`` or 0…63 → the code point."""
    if isinstance(value, str) and value.upper() in DSCP:
        return DSCP[value.upper()]
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 63:
        return value
    raise ValueError(f"{value!r} is not a DSCP: write a name or 0 to 63, such as 'EF', 'AF41', 'CS6', 'DF' or 46")


def format_dscp(value: int) -> str | int:
    """The name of a code point, or its number where it has none."""
    return _DSCP_NAMES.get(value, value)


def _one_or_many(value: object) -> object:
    """One word means a list of one."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


DscpField = Annotated[
    int,
    PlainValidator(parse_dscp),
    PlainSerializer(format_dscp),
    WithJsonSchema(
        {"anyOf": [{"enum": sorted(DSCP)}, {"type": "integer", "minimum": 0, "maximum": 63}], "examples": ["EF"]}
    ),
]

Word = Annotated[str, Field(pattern=r"^[^\s;,]+$", max_length=100)]
"""A kind or tag of endpoints: anything without spaces, commas and semicolons."""

_NAME_SCHEMA = {"type": "string", "pattern": f"^{NAME}$"}
_WORD_SCHEMA = {"type": "string", "pattern": r"^[^\s;,]+$"}

Names = Annotated[
    tuple[Id, ...],
    BeforeValidator(_one_or_many),
    WithJsonSchema({"anyOf": [_NAME_SCHEMA, {"type": "array", "items": _NAME_SCHEMA}]}),
]
Words = Annotated[
    tuple[Word, ...],
    BeforeValidator(_one_or_many),
    WithJsonSchema({"anyOf": [_WORD_SCHEMA, {"type": "array", "items": _WORD_SCHEMA}]}),
]

Area = Annotated[str, Field(min_length=1, max_length=100)]
"""The name of a commune or district as people write it, spaces and all."""

Areas = Annotated[
    tuple[Area, ...],
    BeforeValidator(_one_or_many),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "minLength": 1}},
            ]
        }
    ),
]

_RISK = re.compile(rf"(?:[a-z]+:)?{NAME}")
Avoided = Annotated[str, Field(pattern=f"^{_RISK.pattern}$", max_length=120)]
"""A link, switch or site by id, or a shared risk as ``kind:id``, such as ``segment:s-12``."""
