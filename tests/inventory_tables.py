"""A network of tests with its long lists as tables, and plants compared without the places in files."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import fields, is_dataclass
from typing import Any

from sdnctl.document import Document
from sdnctl.errors import Diagnostics, Source
from sdnctl.inventory.files import FILES
from sdnctl.workspace.dump import dump_csv
from sdnctl.workspace.tables import parse_csv

LIFE_KEYS = ("owner", "manager", "status", "valid_from", "valid_to", "source")


def as_tables(network: Mapping[str, Any]) -> dict[str, Any]:
    """The same network with what can stand in tables in tables; loops, faults, cut and opened stay in YAML."""
    made: dict[str, Any] = deepcopy(dict(network))
    for name, special in (("ducts", ()), ("cables", ("slack", "faults"))):
        items = made.get(name, {}).pop(name, [])
        made.setdefault(name, {})[name] = [item for item in items if any(item.get(key) for key in special)]
        made[f"{name}.csv"] = [
            {key: value for key, value in item.items() if key not in special}
            for item in items
            if not any(item.get(key) for key in special)
        ]
    made["splices"] = [
        {"closure": closure["id"], **splice}
        for closure in made["closures"]["closures"]
        for splice in closure.pop("splices", ())
    ]
    closures = made["closures"].pop("closures")
    special = [item for item in closures if item.get("cut") or item.get("opened")]
    made["closures"]["closures"] = special
    made["closures.csv"] = [item for item in closures if item not in special]
    made["terminations"] = [
        {"odf": odf["id"], **item} for odf in made["odfs"]["odfs"] for item in odf.pop("terminations", ())
    ]
    made["ports"] = [
        {"switch": switch["id"], **port}
        for switch in made["equipment"]["switches"]
        for port in switch.pop("ports", ())
    ]
    made["jumpers"] = made["equipment"].pop("jumpers", [])
    return made


def through_text(file: str, raw: list[Any]) -> Document[Any]:
    """Rows as a loader reads them from the table that is dumped for them."""
    model = FILES[file].model
    rows = tuple(model.model_validate(row) for row in raw)
    out = Diagnostics()
    text = dump_csv(rows, model)
    again = parse_csv(text, model, file, out)
    assert again is not None, text
    assert not out.items, (text, out.items)
    assert again.document.value == rows
    assert dump_csv(again.document.value, model) == text
    return again.document


def comparable(value: Any) -> Any:
    """A value without the places where it was written."""
    if isinstance(value, Source):
        return None
    if is_dataclass(value):
        return {one.name: comparable(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [comparable(item) for item in value]
    return value
