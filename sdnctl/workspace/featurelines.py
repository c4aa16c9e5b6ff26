"""GeoJSON with a feature on each line, as sdnctl and others write it: the columns of a table without walking its text.

Each line is read by itself, so its number is known. A parser that is fast does not say which keys stand twice, so
keys are counted in the text; and what is in any way unusual (foreign members, blanks after quotes, a line that is no
feature) is left to `features`, which says what is wrong with it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from math import isfinite
from typing import Any

from pydantic import BaseModel
from pydantic_core import from_json

from sdnctl.workspace.columns import Columns, json_columns, sound_rows, tuple_column

_FEATURE, _GEOMETRY = {"type", "properties", "geometry"}, {"type", "coordinates"}
_BESIDE = ("coordinates",)
_AFTER_KEYS = ('" ', '"\t', "\r")
"""What may stand between a key and its colon, so that keys could not be counted."""


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Columns of validated values, `coordinates` among them, and the lines on which the features stand."""

    columns: Columns
    numbers: Sequence[int]


def read_lines(text: str, model: type[BaseModel], geometry: str) -> FeatureTable | None:
    """The features of a text as columns of a model's fields; None where it has to be read in the careful way."""
    start, end = text.find("\n") + 1, text.rfind("\n]")
    if not 0 < start < end or any(mark in text for mark in _AFTER_KEYS):
        return None
    body = text[start:end]
    lines = body.split(",\n")
    if body.count("\n") != len(lines) - 1 or not _is_frame(text[: start - 1], text[end + 1 :]):
        return None
    try:
        features = [from_json(line, allow_inf_nan=False) for line in lines]
    except ValueError:
        return None
    if not _have(features, _FEATURE):
        return None
    properties, shapes = [one["properties"] for one in features], [one["geometry"] for one in features]
    if not _have(shapes, _GEOMETRY) or set(map(type, properties)) != {dict}:
        return None
    if {one["type"] for one in features} != {"Feature"} or {one["type"] for one in shapes} != {geometry}:
        return None
    if body.count('":') != sum(map(len, chain(features, properties, shapes))):
        return None  # a key stands twice, or a value looks like a key
    names = dict.fromkeys(chain.from_iterable(properties))
    if "coordinates" in names:
        return None
    columns = json_columns(model, {name: [one.get(name) for one in properties] for name in names}, _BESIDE)
    coordinates = _coordinates([one["coordinates"] for one in shapes], model, rings=geometry == "Polygon")
    if columns is None or coordinates is None:
        return None
    columns["coordinates"] = coordinates
    return FeatureTable(columns, range(2, len(lines) + 2)) if sound_rows(model, columns, len(lines)) else None


def _is_frame(head: str, tail: str) -> bool:
    """Whether what stands around the features is a FeatureCollection and nothing else."""
    if head.count("[") + tail.count("[") != 1 or not head.endswith("["):
        return False
    try:
        found = json.loads(head + tail, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return False
    return sorted(found, key=str) == [("features", []), ("type", "FeatureCollection")]


def _have(values: list[Any], keys: set[str]) -> bool:
    """Whether all are objects with these keys."""
    return set(map(type, values)) == {dict} and all(set(one) == keys for one in set(map(tuple, values)))


def _coordinates(values: list[Any], model: type[BaseModel], *, rings: bool) -> list[Any] | None:
    """Coordinates as the model has them; None where a point has not two numbers, or something is out of range."""
    lines = _joined(values) if rings else values
    points = _joined(lines)
    numbers = _joined(points)
    if lines is None or points is None or numbers is None or not set(map(len, points)) <= {2}:
        return None
    if not set(map(type, numbers)) <= {float, int} or not all(map(isfinite, numbers)):
        return None
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    nested = [tuple(islice(pairs, count)) for count in map(len, lines)]
    if rings:
        each = iter(nested)
        nested = [tuple(islice(each, count)) for count in map(len, values)]
    return tuple_column(model, "coordinates", nested)


def _joined(lists: list[Any] | None) -> list[Any] | None:
    """What is in lists, one after the other; None where one is something else."""
    return list(chain.from_iterable(lists)) if lists is not None and set(map(type, lists)) <= {list} else None
