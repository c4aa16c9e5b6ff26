"""CSV and GeoJSON in their canonical form: columns and properties in one order, numbers as they were written.

The order is: `id`, what is an object's own as its model has it, then who owns it and its life cycle; columns that
no model knows come last, as they stood. Rows and features stay in their order; no column comes or goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from sdnctl.errors import Diagnostics
from sdnctl.inventory.models import Life
from sdnctl.workspace.tables import read_records

_FIRST = ("id", "switch", "closure", "odf")
"""What an object is called, or what it belongs to: before all that is said of it."""


def order_of(model: type[BaseModel]) -> dict[str, int]:
    """Name of a column or property → its place."""
    names = [field.alias or name for name, field in model.model_fields.items()]
    own = [name for name in names if name not in Life.model_fields and name not in _FIRST]
    life = [name for name in Life.model_fields if name in names]
    return {name: place for place, name in enumerate([*_FIRST, *own, *life])}


def _sorted(names: Iterable[str], order: Mapping[str, int]) -> list[str]:
    return sorted(names, key=lambda name: order.get(name, len(order)))  # stable: those unknown stay in their order


def canonical_csv(text: str, model: type[BaseModel]) -> str:
    """A table of which every row has as many cells as the header: trimmed, quoted only where that is needed."""
    records = [[cell.strip() for cell in cells] for _, cells in read_records(text, "", Diagnostics())]
    if not records:
        return ""
    header = records[0]
    places = [header.index(name) for name in _sorted(header, order_of(model))]
    return "".join(f"{','.join(_cell(cells[place]) for place in places)}\n" for cells in records)


def _cell(text: str) -> str:
    if not any(mark in text for mark in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'


class _Number(float):
    """A number that is written as it was read."""

    text: str

    def __new__(cls, text: str) -> _Number:
        made = super().__new__(cls, text)
        made.text = text
        return made


def canonical_geojson(text: str, model: type[BaseModel]) -> str:
    """A FeatureCollection with a feature on each line, so that a change of one is a change of one line."""
    document = json.loads(text, parse_float=_Number, parse_int=_Number)
    order = order_of(model)
    found = document.pop("features", None)
    if not isinstance(found, list):  # read as none at all, which `validate` says; it cannot be written so
        return text
    features = [_json(_feature(one, order)) for one in found]
    head = {"type": document.pop("type"), **document, "features": []}
    body = "\n" + ",\n".join(features) + "\n" if features else ""
    return f"{_json(head)[:-2]}{body}]}}\n"


def _feature(feature: Any, order: Mapping[str, int]) -> Any:
    if not isinstance(feature, dict):
        return feature
    made = {name: feature[name] for name in ("type", "id") if name in feature}
    made |= {name: value for name, value in feature.items() if name not in ("properties", "geometry")}
    properties, geometry = feature.get("properties"), feature.get("geometry")
    if isinstance(properties, dict):
        properties = {name: properties[name] for name in _sorted(properties, order)}
    if isinstance(geometry, dict):
        first = {name: geometry[name] for name in ("type",) if name in geometry}
        last = {name: geometry[name] for name in ("coordinates",) if name in geometry}
        geometry = {**first, **{name: value for name, value in geometry.items() if name != "coordinates"}, **last}
    for name, value in (("properties", properties), ("geometry", geometry)):
        if name in feature:
            made[name] = value
    return made


def _json(value: Any) -> str:
    if isinstance(value, _Number):
        return value.text
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(name)}: {_json(one)}' for name, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_json, value))}]"
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
