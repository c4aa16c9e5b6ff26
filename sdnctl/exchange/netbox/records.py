"""Records of any form in which NetBox gives them: CSV tables, lists, pages of the REST API, and our own
`rest.json`.

"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sdnctl.errors import Diagnostics, Source
from sdnctl.exchange.naming import clean
from sdnctl.workspace.jsontext import Walker

KNOWN = ("sites", "devices", "interfaces", "rear-ports", "front-ports", "cables")
"""Models that are read, as the API calls them."""
QUIET = ("manufacturers", "device-roles", "device-types", "platforms")
"""Models that only name kinds of things: what of them matters stands on the devices too."""
_STEM = re.compile(r"(?:\d+-*)?(?:netbox-)?(?:dcim[-/])?(.*?)/?\Z")
_TITLE = re.compile(r"[^a-z0-9]+")
_SAME = {"speed_kbps": "speed", "speed_formatted": "speed", "side_a": "device_a", "side_b": "device_b"}
"""Titles of columns that a list on the screen calls otherwise than the forms do."""
NOTHING = frozenset({"", "—"})
"""Cells without a value; lists on the screen are exported with dashes."""


@dataclass(frozen=True, slots=True)
class Record:
    """One object, with where it stands."""

    file: str
    line: int
    values: Mapping[str, Any]

    @property
    def source(self) -> Source:
        return Source(self.file, self.line)


def model_of(name: str) -> str:
    """``01-sites.csv``, ``dcim_sites.json``, ``dcim/sites/``, ``netbox_sites.csv`` → ``sites``."""
    name = name.lower().replace("_", "-").replace(" ", "-")
    stem = re.sub(r"\.(csv|json)\Z", "", name.rpartition("/")[2]) if name.endswith((".csv", ".json")) else name
    found = _STEM.fullmatch(stem)
    return found[1] if found is not None else stem


def read_records(contents: Mapping[str, bytes], out: Diagnostics) -> dict[str, list[Record]]:
    """Objects by model, of all files; faults are in `out`."""
    found: dict[str, list[Record]] = {}
    for file, content in contents.items():
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            out.error(
                "not-utf8", f"byte {error.start:,} is not UTF-8", source=Source(file, line), hint="Save as UTF-8."
            )
            continue
        pairs = _csv(text, file, out) if file.lower().endswith(".csv") else _json(text, file, out)
        for model, record in pairs:
            found.setdefault(model, []).append(record)
    return found


def _csv(text: str, file: str, out: Diagnostics) -> Iterator[tuple[str, Record]]:
    """Rows of a table: one for bulk import, or a list on the screen as it was exported, with titles for people."""
    head = text.split("\n", 1)[0]
    separator = ";" if head.count(";") > head.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    model = model_of(file)
    line = 1
    try:
        for row in reader:
            if None in row or None in row.values():
                out.error(
                    "bad-row",
                    f"the row has not as many cells as the header ({len(reader.fieldnames or ())})",
                    source=Source(file, line + 1),
                    hint="A comma in a cell wants the cell in double quotes.",
                )
            else:
                values = {_column(key): value for key, value in row.items() if value not in NOTHING}
                yield model, Record(file, line + 1, values)
            line = reader.line_num
    except csv.Error as error:
        out.error(
            "csv-syntax",
            f"not CSV: {error}",
            source=Source(file, max(reader.line_num, 1)),
            hint="Export it again.",
        )


def _column(title: str) -> str:
    """``Device A``, ``device_a`` → ``device_a``."""
    name = _TITLE.sub("_", title.lower()).strip("_")
    return _SAME.get(name, name)


def _json(text: str, file: str, out: Diagnostics) -> list[tuple[str, Record]]:
    walker = Walker(text)
    found: list[tuple[str, Record]] = []
    try:
        for model, line, value in _walk(walker, model_of(file)):
            if isinstance(value, dict):
                found.append((model, Record(file, line, value)))
            else:
                out.error("not-netbox", "an object is wanted here", source=Source(file, line))
        if walker.peek():
            raise json.JSONDecodeError("text after the end", text, walker.position)
    except json.JSONDecodeError as error:
        out.error(
            "json-syntax", f"not JSON: {error.msg}", source=Source(file, error.lineno), hint="Export it again."
        )
        return []
    except (ValueError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else clean(str(error))
        out.error("json-syntax", f"not JSON: {why}", source=Source(file, walker.here()), hint="Export it again.")
        return []
    return found


def _walk(walker: Walker, model: str) -> Iterator[tuple[str, int, Any]]:
    """A list of objects; a page with `results`; or lists by model (``dcim/sites``)."""
    if walker.peek() == "[":
        for _ in walker.items():
            yield model, walker.here(), walker.value()
        return
    for key in walker.members():
        if walker.peek() == "[":
            inner = model if key == "results" else model_of(key)
            for _ in walker.items():
                yield inner, walker.here(), walker.value()
        else:
            walker.value()
