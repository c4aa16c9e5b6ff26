"""GeoJSON with a feature on each line, as sdnctl writes it, made into columns without walking its text.

Each line is read and validated by itself, so its number is known. A parser that is fast does not say which keys
stand twice, so keys are counted in the text; and what is in any way unusual (foreign members, null, blanks after
quotes, a line that is no feature) is left to `features`, which says what is wrong with it. So this decides on
speed only, and a property test holds it against the careful way.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from sdnctl.workspace.columns import Columns, annotated, is_plain, sound_rows

_BESIDE = ("coordinates",)
_UNUSUAL = ("\t", "\r", '" ', "null")
"""What may stand between a key and its colon, so that keys could not be counted, and values that are not given."""
_KEYS = 5
"""Of a feature (type, properties, geometry) and of its geometry (type, coordinates)."""


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Columns of validated values, `coordinates` among them, and the lines on which the features stand."""

    columns: Columns
    numbers: Sequence[int]


def read_lines(text: str, model: type[BaseModel], geometry: str) -> FeatureTable | None:
    """The features of a text as columns of a model's fields; None where it has to be read in the careful way."""
    start, end = text.find("\n") + 1, text.rfind("\n]")
    if not 0 < start < end or any(mark in text for mark in _UNUSUAL):
        return None
    body = text[start:end]
    lines = body.split(",\n")
    if body.count("\n") != len(lines) - 1 or not _is_frame(text[: start - 1], text[end + 1 :]):
        return None
    reader = _reader(model, geometry)
    if reader is None:
        return None
    read = reader.__pydantic_validator__.validate_json
    try:
        features: list[Any] = [read(line, strict=True) for line in lines]
    except ValidationError:
        return None
    properties = [one.properties for one in features]
    if body.count('":') != _KEYS * len(lines) + sum(len(one.__pydantic_fields_set__) for one in properties):
        return None  # a key stands twice, or a value looks like a key
    names = [name for name in model.model_fields if name not in _BESIDE]
    values: list[Any] = list(chain.from_iterable(vars(one).values() for one in properties))
    columns: Columns = {name: values[place :: len(names)] for place, name in enumerate(names)}
    columns["coordinates"] = [one.geometry.coordinates for one in features]
    return FeatureTable(columns, range(2, len(lines) + 2)) if sound_rows(model, columns, len(lines)) else None


def _is_frame(head: str, tail: str) -> bool:
    """Whether what stands around the features is a FeatureCollection and nothing else."""
    if head.count("[") + tail.count("[") != 1 or not head.endswith("["):
        return False
    try:
        found = json.loads(head + tail, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return False
    return bool(sorted(found, key=str) == [("features", []), ("type", "FeatureCollection")])


@lru_cache
def _reader(model: type[BaseModel], geometry: str) -> type[BaseModel] | None:
    """A feature whose properties are the fields of a model; None where the model reads them otherwise."""
    if not is_plain(model):
        return None
    strict = ConfigDict(extra="forbid", allow_inf_nan=False)
    fields: dict[str, Any] = {
        name: (annotated(field), ... if field.is_required() else field.get_default(call_default_factory=True))
        for name, field in model.model_fields.items()
    }
    coordinates = {name: fields.pop(name) for name in _BESIDE}
    kinds: tuple[Any, Any] = Literal["Feature"], Literal[geometry]
    shape: Any = create_model("Shape", __config__=strict, type=(kinds[1], ...), **coordinates)
    properties: Any = create_model("Properties", __config__=strict, **fields)
    parts: dict[str, Any] = {"type": (kinds[0], ...), "properties": (properties, ...), "geometry": (shape, ...)}
    return create_model("Feature", __config__=strict, **parts)
