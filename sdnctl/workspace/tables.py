"""Tables to models: CSV rows and GeoJSON features, one model each, with the line of each.

CSV (RFC 4180): commas, UTF-8, a header that holds every required column and none that is unknown.
GeoJSON (RFC 7946): a FeatureCollection of LineStrings in WGS 84. A faulty row or feature is reported and
left out; the others are kept.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_json

from sdnctl.document import Document, KeyPath, Table
from sdnctl.errors import Diagnostics, Source
from sdnctl.workspace.columns import text_columns
from sdnctl.workspace.featurelines import read_lines
from sdnctl.workspace.features import Feature, read_features
from sdnctl.workspace.fields import keys_at
from sdnctl.workspace.tree import Node
from sdnctl.workspace.validate import report

M = TypeVar("M", bound=BaseModel)


_BLANK_EDGES = (" ,", ", ", " \n", "\n ")


@dataclass(frozen=True, slots=True)
class Rows(Generic[M]):
    """Validated rows, and the ids of those that were dropped."""

    document: Document[tuple[M, ...]]
    broken: frozenset[str] = frozenset()


class _Collector(Generic[M]):
    """Rows that are good, the line of each, and the ids of those that are not."""

    def __init__(self, model: type[M], file: str, out: Diagnostics) -> None:
        self.model, self.file, self.out = model, file, out
        self.noun = PurePosixPath(file).stem
        self.rows: list[M] = []
        self.lines: dict[KeyPath, int] = {(): 1}
        self.broken: set[str] = set()

    def take_all(self, read: Sequence[tuple[int, dict[str, Any]]], *, strict: bool) -> bool:
        """Validate all rows of a table at once; False, and none taken, where there is a fault among them.

        CSV cells are text that may be read as a number, JSON values are what they are (`strict`).
        """
        try:
            self.rows = _validate(_rows_of(self.model), [fields for _, fields in read], strict)
        except ValidationError:
            return False
        self.lines.update(zip(zip(range(len(read)), strict=True), (line for line, _ in read), strict=True))
        return True

    def take(self, fields: dict[str, Any], line: int, *, strict: bool) -> None:
        """Validate one row."""
        try:
            (row,) = _validate(_rows_of(self.model), [fields], strict)
        except ValidationError as error:
            tree = _under(self.noun, fields, line)
            errors = error.errors(include_url=False)
            for one in errors:
                one["loc"] = (self.noun, *one["loc"])
            report(tree, errors, self.file, lambda path: keys_at(self.model, path[2:]), self.out)
            self.drop(fields)
            return
        self.lines[(len(self.rows),)] = line
        self.rows.append(row)

    def drop(self, fields: Mapping[str, Any]) -> None:
        if isinstance(name := fields.get("id"), str):
            self.broken.add(name)

    def done(self) -> Rows[M]:
        return Rows(Document(self.file, tuple(self.rows), self.lines), frozenset(self.broken))


@lru_cache
def _rows_of(model: type[M]) -> TypeAdapter[list[M]]:
    return TypeAdapter(list[model])  # type: ignore[valid-type]


def _validate(adapter: TypeAdapter[list[M]], read: list[dict[str, Any]], strict: bool) -> list[M]:
    """Rows as models; raises ValidationError with the faults of all."""
    if strict:
        return adapter.validate_json(to_json(read), strict=True)  # strict, yet dates and enums are read from text
    return adapter.validate_python(read)


def _under(noun: str, fields: Mapping[str, Any], line: int) -> Node:
    """A tree in which a row is the only item of its collection, so that faults get an address."""

    def node(value: Any) -> Node:
        if isinstance(value, Mapping):
            return Node(line, {str(key): node(item) for key, item in value.items()})
        if isinstance(value, list | tuple):
            return Node(line, [node(item) for item in value])
        return Node(line, value)

    return Node(line, {noun: Node(line, [node(fields)])})


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────


def parse_csv(text: str, model: type[M], file: str, out: Diagnostics) -> Rows[M] | None:
    """The rows of a CSV text as models; None when its header cannot be used, or it cannot be read to its end."""
    before = len(out.errors)
    if (split := _split(text)) is not None:
        header, columns, numbers = split
        if not _header_fits(header, model, Source(file, 1), out):
            return None
        if (table := _table(file, model, header, columns, numbers)) is not None:
            return Rows(table)
    records = read_records(text, file, out)
    if not records:
        if len(out.errors) == before:
            _empty(file, out)
        return None
    (first, names), *records = records
    header = [name.strip() for name in names]
    if split is None and not _header_fits(header, model, Source(file, first), out):
        return None
    if split is None and len(out.errors) == before and {len(cells) for _, cells in records} == {len(header)}:
        columns = [list(map(str.strip, column)) for column in zip(*(cells for _, cells in records), strict=True)]
        if (table := _table(file, model, header, columns, [line for line, _ in records])) is not None:
            return Rows(table)
    collector = _Collector(model, file, out)
    for line, cells in records:
        fields = {name: text for name, cell in zip(header, cells, strict=False) if (text := cell.strip())}
        if len(cells) != len(header):
            _ragged(collector, fields, line, len(cells), len(header))
        else:
            collector.take(fields, line, strict=False)
    return None if any(one.code == "csv-syntax" for one in out.errors[before:]) else collector.done()


def _split(text: str) -> tuple[list[str], Sequence[Sequence[str]], Sequence[int]] | None:
    """Header, columns and line numbers of a table without quotes, blanks around cells, and empty rows.

    Nearly all tables are like that; None of others, which `csv` has to read.
    """
    text = text.replace("\r\n", "\n")
    plain = '"' not in text and text.isascii() and text.replace("\n", "").isprintable()
    if not plain or text[:1] == " " or text[-1:] == " " or any(edge in text for edge in _BLANK_EDGES):
        return None
    lines = text.removesuffix("\n").split("\n")
    width = lines[0].count(",") + 1
    if len(lines) < 2 or {line.count(",") for line in lines} != {width - 1} or "," * (width - 1) in lines:
        return None
    if max(map(len, lines)) > csv.field_size_limit():
        return None
    cells = ",".join(lines[1:]).split(",")
    return lines[0].split(","), [cells[place::width] for place in range(width)], range(2, len(lines) + 1)


def _table(
    file: str, model: type[M], header: Sequence[str], columns: Sequence[Sequence[str]], numbers: Sequence[int]
) -> Table[M] | None:
    """Rows without a fault; None where one has some."""
    values = text_columns(model, dict(zip(header, columns, strict=True)))
    return None if values is None else Table(file, model, values, numbers)


def _ragged(collector: _Collector[M], fields: Mapping[str, Any], line: int, count: int, wanted: int) -> None:
    collector.out.error(
        "ragged-row",
        f"the row has {count} cells, the header {wanted}",
        address=f"row {fields.get('id', '')}".strip(),
        source=Source(collector.file, line),
        hint="Add or remove commas; a cell that holds a comma goes into double quotes.",
    )
    collector.drop(fields)


def read_records(text: str, file: str, out: Diagnostics) -> list[tuple[int, list[str]]]:
    """Records with the line on which each begins (a quoted cell may span lines); blank lines are skipped."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        read = list(reader)
    except csv.Error:
        return _sound_records(text, file, out)
    if reader.line_num != len(read):
        return _sound_records(text, file, out)  # some cell spans lines
    return [(line, cells) for line, cells in enumerate(read, 1) if any(map(str.strip, cells))]


def _sound_records(text: str, file: str, out: Diagnostics) -> list[tuple[int, list[str]]]:
    """Records up to the first fault, which is told with its line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[tuple[int, list[str]]] = []
    begin = 1
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                found.append((begin, cells))
            begin = reader.line_num + 1
    except csv.Error as error:
        out.error(
            "csv-syntax",
            f"not CSV: {error}",
            source=Source(file, begin),
            detail="The rest of the file was not read.",
            hint='Close the quotes; inside a quoted cell a quote is doubled: "".',
        )
    return found


def _header_fits(header: list[str], model: type[BaseModel], source: Source, out: Diagnostics) -> bool:
    known = keys_at(model, ())
    required = [field.alias or name for name, field in model.model_fields.items() if field.is_required()]
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        out.error(
            "csv-delimiter",
            "the columns are not separated by commas",
            source=source,
            hint="Save the table with commas; values that hold commas go into double quotes.",
        )
        return False
    fits = True
    for index, name in enumerate(header):
        if name in header[:index]:
            out.error("duplicate-column", f"column {name!r} stands here twice", source=source, hint="Delete one.")
        elif name not in known:
            close = get_close_matches(name, known, n=1, cutoff=0.6)
            hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known)}."
            out.error("unknown-column", f"{name!r} is not a column that is known here", source=source, hint=hint)
        else:
            continue
        fits = False
    for name in required:
        if name not in header:
            out.error(
                "missing-column",
                f"column {name!r} is missing",
                source=source,
                hint=f"The header needs {', '.join(required)}.",
            )
            fits = False
    return fits


def _empty(file: str, out: Diagnostics) -> None:
    out.error(
        "empty-file",
        "the file says nothing",
        source=Source(file, 1),
        hint="Delete it, or fill it; `sdnctl schema` says with what.",
    )


# ── GeoJSON ──────────────────────────────────────────────────────────────────────────────────────


def parse_geojson(text: str, model: type[M], file: str, out: Diagnostics) -> Rows[M] | None:
    """The features of a GeoJSON text as models (properties plus `coordinates`); None when it is not GeoJSON."""
    if not text.strip():
        _empty(file, out)
        return None
    wanted = getattr(model, "GEOMETRY", "LineString")
    if (table := read_lines(text, model, wanted)) is not None:
        return Rows(Table(file, model, table.columns, table.numbers))
    features = read_features(text, file, out)
    if features is None:
        return None
    collector = _Collector(model, file, out)
    read: list[tuple[int, dict[str, Any]]] = []
    for feature in features:
        fields = _fields(feature, wanted, file, out)
        if fields is None:
            collector.drop(feature.properties)
        else:
            read.append((feature.line, fields))
    if not collector.take_all(read, strict=True):
        for line, values in read:
            collector.take(values, line, strict=True)
    return collector.done()


_HINTS = {
    "LineString": "Draw it as one line; split a MultiLineString into features.",
    "Polygon": "Draw it as one outline; split a MultiPolygon into features.",
}


def _fields(feature: Feature, wanted: str, file: str, out: Diagnostics) -> dict[str, Any] | None:
    """What the model of a feature gets; null properties, as GIS tools write them, are values not given."""
    fields = feature.properties
    if None in fields.values():
        fields = {key: value for key, value in fields.items() if value is not None}
    if feature.id is not None and "id" not in fields:
        fields = {**fields, "id": feature.id}
    if feature.geometry != wanted:
        out.error(
            "wrong-geometry",
            f"the geometry is {feature.geometry or 'missing'}, a {wanted} is wanted",
            address=f"feature {fields.get('id', '')}".strip(),
            source=Source(file, feature.line),
            hint=_HINTS[wanted],
        )
        return None
    lines = feature.coordinates if isinstance(feature.coordinates, list) else []
    if wanted == "LineString":
        return {**fields, "coordinates": _flat(lines)}
    return {**fields, "coordinates": [_flat(ring) if isinstance(ring, list) else ring for ring in lines]}


def _flat(points: list[Any]) -> list[Any]:
    """Points without the height that RFC 7946 allows as third number: plans here are flat."""
    return [point[:2] if isinstance(point, list) else point for point in points]
