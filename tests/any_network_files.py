"""A network folder as plain data: read, written, shuffled and renamed without any code of sdnctl.

`Files` maps a path to what stands in the file: a mapping (YAML), rows (CSV) or features (GeoJSON). The tests'
oracles start from these, so that they read what people wrote, not what the product made of it.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import yaml

Files: TypeAlias = dict[str, Any]

FOLDERS = ("inventory", "topology", "intents")
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def read_files(folder: Path) -> Files:
    """Everything of the convention in a network folder."""
    files: Files = {"network.yaml": _yaml((folder / "network.yaml").read_text(encoding="utf-8"))}
    for name in FOLDERS:
        for path in sorted((folder / name).glob("*")):
            text = path.read_text(encoding="utf-8")
            if path.suffix == ".yaml":
                files[f"{name}/{path.name}"] = _yaml(text)
            elif path.suffix == ".csv":
                rows = csv.DictReader(io.StringIO(text))
                files[f"{name}/{path.name}"] = [{key: cell for key, cell in row.items() if cell} for row in rows]
            elif path.suffix == ".geojson":
                files[f"{name}/{path.name}"] = json.loads(text)["features"]
    return files


def _yaml(text: str) -> Any:
    return yaml.load(text, yaml.CSafeLoader) or {}


def write_files(folder: Path, files: Files) -> Path:
    """Write all of them below `folder`; returns it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_text(name, content), encoding="utf-8")
    return folder


def _text(name: str, content: Any) -> str:
    if name.endswith(".yaml"):
        return str(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=110))
    if name.endswith(".geojson"):
        return json.dumps({"type": "FeatureCollection", "features": content})
    columns = list(dict.fromkeys(key for row in content for key in row))
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(content)
    return stream.getvalue()


# ── the same network in other words ──────────────────────────────────────────────────────────────

_ORDERED = frozenset(("classes", "order", "route"))
"""Lists whose order says something: the ladder, ways; and everything within a shape on the map."""
_ORDERED_NAMES = frozenset(("segments", "cables"))
"""Likewise, where they are lists of names: of a duct, of a declared link."""


def shuffled(files: Files, rng: random.Random) -> Files:
    """The same network: other file names where names mean nothing, everything unordered in another order."""
    result: Files = {}
    names = list(files)
    rng.shuffle(names)
    for name in names:
        content = _shuffle(files[name], "", rng)
        if name.startswith("intents/") and name not in ("intents/classes.yaml", "intents/tenants.yaml"):
            name = f"intents/{rng.randrange(10**9)}.yaml"
        result[name] = content
    return result


def _shuffle(value: Any, key: str, rng: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        rng.shuffle(keys)
        return {one: _shuffle(value[one], one, rng) for one in keys}
    if isinstance(value, list) and key not in ("coordinates", "polygon"):
        items = [_shuffle(item, "", rng) for item in value]
        plain = items[0] if items else None
        told = key in _ORDERED or (isinstance(plain, str) and key in _ORDERED_NAMES)
        if not told and not isinstance(plain, int | float):
            rng.shuffle(items)
        return items
    return value


_NOT_NAMES = frozenset(
    # Values of these keys come from a vocabulary of sdnctl or are free text.
    (
        "kind", "service", "status", "protection", "isolation", "rx_basis", "confidence", "colours", "fibre",
        "grade", "connector", "crs", "dscp", "tags", "drivers", "role", "owner", "manager", "source", "note",
        "area", "reason",
    )
)  # fmt: skip


def names_in(files: Files) -> set[str]:
    """Every id that the files declare, implied names of links (``switch--switch``) not among them."""
    found: set[str] = set()

    def visit(value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                declared = key in ("id", "application", "feeder") or (key == "link" and "port" in value)
                if declared and isinstance(inner, str):
                    found.add(inner)
                visit(inner)
        elif isinstance(value, list):
            for inner in value:
                visit(inner)

    visit(list(files.values()))
    found.add(files["network.yaml"]["name"])
    return found


def renamed(files: Files, rng: random.Random, *, in_order: bool = False) -> Files:
    """The same network with another word for every id.

    The words are in another order than the ids, unless `in_order`: for networks with ways that are equally long
    (patch cords within a building), of which the one with the lesser name is taken.
    """
    names = sorted(names_in(files))
    numbers = rng.sample(range(10**6, 10**7), len(names))
    words = {
        name: f"w{number}" if in_order else f"{rng.choice('abcdefghijklmnopqrstuvwxyz')}{number}"
        for name, number in zip(names, sorted(numbers) if in_order else numbers, strict=True)
    }

    def word(match: re.Match[str]) -> str:
        token = match[0]
        if token in words:
            return words[token]
        ends = token.split("--")  # the usual name of a link, from its two switches in order
        if len(ends) == 2 and all(end in words for end in ends):
            return "--".join(sorted(words[end] for end in ends))
        return token

    return {name: _each(content, "", lambda text: _TOKEN.sub(word, text)) for name, content in files.items()}


def _each(value: Any, key: str, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {
            one: inner if key == "geometry" and one == "type" else _each(inner, one, change)
            for one, inner in value.items()
        }
    if isinstance(value, list):
        return [_each(item, key, change) for item in value]
    return change(value) if isinstance(value, str) and key not in _NOT_NAMES else value


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


def rows(files: Files, name: str, key: str = "") -> Iterator[dict[str, Any]]:
    """Rows of ``inventory/NAME.csv``, and the items under `key` (default: NAME) of ``inventory/NAME.yaml``."""
    yield from files.get(f"inventory/{name}.csv", ())
    yield from files.get(f"inventory/{name}.yaml", {}).get(key or name.replace("-", "_"), ())


def applications(files: Files) -> list[dict[str, Any]]:
    """The applications, in order of file."""
    return [
        content
        for name, content in sorted(files.items())
        if name.startswith("intents/") and isinstance(content, dict) and "application" in content
    ]
