"""The delivery that a network came from, in its folder `gracethd/`: every table as a text file, cell by cell.

So it stands under version control beside what was made of it, and an export gives back what nobody here
understands.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sdnctl.errors import Diagnostics, Source
from sdnctl.exchange.gracethd.schema import PROJECTED, Version
from sdnctl.exchange.gracethd.store import Cell, Column, Shape, Store, Table
from sdnctl.exchange.gracethd.values import Names
from sdnctl.plainjson import parse_json

FOLDER, INDEX = "gracethd", "delivery.json"
FORMAT = 1
_NOTHING = "\\N"
_SHAPE = "(shape)"


def keep(store: Store, folder: Path, version: Version, kind: str) -> None:
    """Write every table of a delivery below the folder of a network."""
    place = folder / FOLDER
    (place / "tables").mkdir(parents=True, exist_ok=True)
    names, tables = Names(), []
    for table in store.tables.values():
        file = f"tables/{names.give(table.name)}.csv"
        tables.append(_entry(table, file))
        with (place / file).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow([*(column.title for column in table.columns), *([_SHAPE] if table.shape else [])])
            for cells, shape in store.cells(table.name):
                row = [_NOTHING if cell is None else cell for cell in cells]
                if table.shape is not None:
                    row.append(_NOTHING if shape is None else shape.hex())
                writer.writerow(row)
    index = {"format": FORMAT, "version": str(version), "kind": kind, "tables": tables}
    (place / INDEX).write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _entry(table: Table, file: str) -> dict[str, Any]:
    return {
        "name": table.title,
        "file": file,
        "shape": table.shape,
        "crs": table.crs,
        "columns": [[column.title, column.type] for column in table.columns],
    }


def recall(folder: Path, store: Store, out: Diagnostics) -> Version | None:
    """Read back what was kept; None where nothing was. What cannot be read is an error in `out`."""
    place = folder / FOLDER
    index = place / INDEX
    if not index.is_file():
        return None
    try:
        data = parse_json(index.read_bytes())
        version = Version(data["version"])
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']} is not {FORMAT}")
        for entry in data["tables"]:
            _recall_table(place, entry, store)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error, RecursionError) as error:
        out.error(
            "kept-unreadable",
            "the delivery that was kept cannot be read",
            source=Source(f"{FOLDER}/{INDEX}"),
            detail=f"{error}.",
            hint=f"Restore the folder {FOLDER} from version control; without it only the plant is exported.",
        )
        return None
    return version


def _recall_table(place: Path, entry: Mapping[str, Any], store: Store) -> None:
    columns = tuple(Column(str(title), str(kind)) for title, kind in entry["columns"])
    shape, crs = entry["shape"], int(entry["crs"])
    if not (shape is None or isinstance(shape, str)) or crs not in PROJECTED:
        raise ValueError(f"table {entry['name']} is not what it was")
    path = (place / str(entry["file"])).resolve()
    if not path.is_relative_to(place.resolve()):
        raise ValueError(f"{entry['file']} is outside of the folder")
    table = Table(str(entry["name"]), columns, shape, crs)
    store.add(table, _rows(path, len(columns), shape is not None))


def _rows(path: Path, width: int, shaped: bool) -> Iterator[tuple[int, Sequence[Cell], Shape]]:
    with path.open("r", encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        next(reader, None)
        for row in reader:
            if len(row) != width + shaped:
                raise ValueError(f"line {reader.line_num} of {path.name} has {len(row)} cells")
            shape = bytes.fromhex(row[-1]) if shaped and row[-1] != _NOTHING else None
            yield reader.line_num, [None if cell == _NOTHING else cell for cell in row[:width]], shape
