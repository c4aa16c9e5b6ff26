"""Bigger plants for measurements: the inventory of a network, laid beside itself so many times, as files.

Every copy is as the original but for its names, its datapath ids and where it lies; kinds of cable and optics are
shared. Addresses of endpoints are left out: nobody asks for them here, and no two may be equal.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_PLACES = ("id", "a", "b", "at", "site", "parent", "closure", "odf", "switch", "device", "feeder")
_ENDS = ("strands", "tx", "rx", "bidi", "link", "terminal")
NAMES = frozenset((*_PLACES, *_ENDS))
"""Keys whose value is, or begins with, a name."""
LISTS = frozenset(("route", "segments", "cut", "opened"))
SHARED = ("cable-types.yaml", "transceivers.yaml")
DROPPED = ("mac", "prefixes")
STEP = 0.5
"""Degrees of longitude from a copy to the next."""


def tile(source: Path, target: Path, copies: int) -> None:
    """Write `network.yaml` and `inventory/` of `source` to `target`, the inventory `copies` times."""
    (target / "inventory").mkdir(parents=True)
    (target / "network.yaml").write_text((source / "network.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    for path in sorted((source / "inventory").iterdir()):
        out = target / "inventory" / path.name
        if path.name in SHARED:
            out.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        elif path.suffix == ".csv":
            _table(path, out, copies)
        elif path.suffix == ".yaml":
            data = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
            made = {key: value if key == "defaults" else _all(value, copies) for key, value in data.items()}
            out.write_text(yaml.dump(made, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")
        elif path.name == "segments.geojson":
            data = json.loads(path.read_text(encoding="utf-8"))
            data["features"] = _all(data["features"], copies)
            lines = ",\n".join(json.dumps(feature, separators=(",", ":")) for feature in data["features"])
            text = (
                f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n'  # a line each, as the original has it
            )
            out.write_text(text, encoding="utf-8")


def _all(items: list[Any], copies: int) -> list[Any]:
    return [_copy(item, number, "") for number in range(copies) for item in items]


def _copy(value: Any, number: int, key: str) -> Any:
    """A value of the copy with this number; `key` is what it is of."""
    if isinstance(value, Mapping):
        return {name: _copy(item, number, name) for name, item in value.items() if name not in DROPPED}
    if key in ("position", "polygon", "coordinates"):
        return _moved(value, number)
    if isinstance(value, list):
        return [_named(item, number) if key in LISTS else _copy(item, number, "") for item in value]
    if key == "dpid":
        return value + number * 1_000_000
    return _named(value, number) if key in NAMES else value


def _named(value: Any, number: int) -> Any:
    return f"t{number}-{value}" if isinstance(value, str) and value and number else value


def _moved(value: Any, number: int) -> Any:
    if value and isinstance(value[0], list):
        return [_moved(item, number) for item in value]
    return [value[0] + STEP * number, *value[1:]]


def _table(source: Path, target: Path, copies: int) -> None:
    with (
        source.open(encoding="utf-8", newline="") as read,
        target.open("w", encoding="utf-8", newline="") as write,
    ):
        rows = list(csv.DictReader(read))
        out = csv.DictWriter(write, list(rows[0]))
        out.writeheader()
        for number in range(copies):
            out.writerows({key: _cell(key, cell, number) for key, cell in row.items()} for row in rows)


def _cell(key: str, cell: str, number: int) -> str:
    if key in DROPPED:
        return ""
    if key == "lon":
        return str(float(cell) + STEP * number)
    if key in LISTS:
        return ";".join(str(_named(name, number)) for name in cell.split(";"))
    return str(_named(cell, number)) if key in NAMES else cell
