"""The same inventory with long lists in CSV tables: wholly, in part, or not at all, as operators do."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from any_network_files import Files

Row = dict[str, Any]


def as_tables(files: Files, rng: random.Random) -> Files:
    """Move some entries of the YAML lists to their tables; the union stays what it was."""
    files = {name: _copy(content) for name, content in files.items()}
    _move(files, rng, "cables", lambda item: not item.keys() & {"slack", "faults"})
    _move(files, rng, "ducts", lambda item: True)
    _nested(files, rng, "odfs", "terminations", "terminations", "odf")
    _closures(files, rng)
    equipment = files["inventory/equipment.yaml"]
    _split(files, rng, equipment["switches"], "ports", "ports", "switch")
    moved = [item for item in equipment["jumpers"] if rng.random() < 0.5]
    equipment["jumpers"] = [item for item in equipment["jumpers"] if item not in moved]
    if moved:
        files["inventory/jumpers.csv"] = moved
    return files


def _copy(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _copy(value) for key, value in content.items()}
    return [_copy(item) for item in content] if isinstance(content, list) else content


def _share(rng: random.Random) -> float:
    return rng.choice((0.0, 0.6, 1.0))


def _cells(item: Row) -> Row:
    return {key: ";".join(value) if isinstance(value, list) else value for key, value in item.items()}


def _move(files: Files, rng: random.Random, name: str, fits: Callable[[Row], bool]) -> None:
    """Whole entries of one list; `defaults` stay in the YAML file and count for the table, too."""
    share, file = _share(rng), files[f"inventory/{name}.yaml"]
    moved = [item for item in file[name] if fits(item) and rng.random() < share]
    file[name] = [item for item in file[name] if item not in moved]
    if moved:
        files[f"inventory/{name}.csv"] = [_cells(item) for item in moved]


def _nested(files: Files, rng: random.Random, name: str, key: str, table: str, owner: str) -> None:
    _split(files, rng, files[f"inventory/{name}.yaml"][name], key, table, owner)


def _split(files: Files, rng: random.Random, items: list[Row], key: str, table: str, owner: str) -> None:
    """Entries within entries, such as the ports of switches."""
    share = _share(rng)
    moved: list[Row] = []
    for item in items:
        gone = [inner for inner in item[key] if rng.random() < share]
        item[key] = [inner for inner in item[key] if inner not in gone]
        moved += [{owner: item["id"], **inner} for inner in gone]
    if moved:
        files[f"inventory/{table}.csv"] = moved


def _closures(files: Files, rng: random.Random) -> None:
    """Closures as rows have their splices in a table of their own; those of YAML may have some there."""
    file = files["inventory/closures.yaml"]
    share = _share(rng)
    _split(files, rng, file["closures"], "splices", "splices", "closure")
    gone = [item for item in file["closures"] if not item["splices"] and rng.random() < share]
    file["closures"] = [item for item in file["closures"] if item not in gone]
    if gone:
        files["inventory/closures.csv"] = [{"id": item["id"], "at": item["at"]} for item in gone]
