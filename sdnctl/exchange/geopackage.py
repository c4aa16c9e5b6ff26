"""GeoPackages (OGC 12-128r18): tables and layers of a SQLite file, read as they are and written reproducibly.

A shape is a blob: a header of its own before the well-known binary. What is written depends on nothing but the
rows: no clock, no envelope, the whole file rebuilt at the end, so that nothing of an earlier state is in its
pages.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from sdnctl.exchange import wkb
from sdnctl.exchange.dbf import TableError
from sdnctl.exchange.wkb import ShapeError

Value: TypeAlias = str | int | float | bytes | None
APPLICATION = 0x47504B47  # "GPKG"
_VERSION = 10300
_ENVELOPES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
CHANGED = "2000-01-01T00:00:00.000Z"
"""When a layer was changed last; a constant, because the same rows are the same bytes."""

_SCHEMA = """
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '', last_change DATETIME NOT NULL, min_x DOUBLE, min_y DOUBLE, max_x DOUBLE,
  max_y DOUBLE, srs_id INTEGER);
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL PRIMARY KEY, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column and its type as declared."""

    name: str
    type: str = "TEXT"


@dataclass(frozen=True, slots=True)
class Layer:
    """A table: its columns but for the primary key that the format wants and for the shape.

    `shape`: the name of the column with the shapes, None for a plain table. `key`: that of the primary key.
    """

    name: str
    columns: tuple[Column, ...]
    shape: str | None = None
    kind: str = ""
    srs: int = 0
    key: str = "fid"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def blob(shape: bytes | None, srs: int) -> bytes | None:
    """Well-known binary with the header of the format."""
    return None if shape is None else struct.pack("<2sBBi", b"GP", 0, 1, srs) + shape


def unblob(data: Value) -> bytes | None:
    """A blob without its header; None for no shape or an empty one. Raises ShapeError."""
    if data is None:
        return None
    if not isinstance(data, bytes) or len(data) < 8 or data[:2] != b"GP":
        raise ShapeError("this is no shape of a GeoPackage")
    flags = data[3]
    size = _ENVELOPES.get(flags >> 1 & 7)
    if size is None or flags & 0x20:
        raise ShapeError(f"shapes with flags {flags:#04x} are not read")
    return None if flags & 0x10 else data[8 + size :]


@contextmanager
def _reading() -> Iterator[None]:
    """TableError for what SQLite cannot read; damaged lengths make it ask for more memory than there is."""
    try:
        yield
    except (sqlite3.Error, MemoryError) as error:
        raise TableError(str(error) or "it is damaged: it asks for more memory than there is") from error


def open_package(path: Path) -> sqlite3.Connection:
    """A GeoPackage to read; raises TableError where the file is no SQLite database."""
    with _reading():
        try:
            connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
            connection.text_factory = _text
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except ValueError as error:
            raise TableError(str(error)) from error
    return connection


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def layers(connection: sqlite3.Connection) -> list[Layer]:
    """Every table that holds data, in the order in which they were made; raises TableError."""
    with _reading():
        names = [
            str(name)
            for name, sql in connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
            if not str(name).lower().startswith(("sqlite_", "gpkg_", "rtree_"))
            and not str(sql).upper().startswith("CREATE VIRTUAL")
        ]
        known = {name.lower() for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        shapes = {}
        if "gpkg_geometry_columns" in known:
            rows = connection.execute(
                "SELECT table_name, column_name, geometry_type_name, srs_id FROM gpkg_geometry_columns"
            )
            shapes = {str(table).lower(): (str(column), str(kind), srs) for table, column, kind, srs in rows}
        return [_layer(connection, name, shapes.get(name.lower())) for name in names]


def _layer(connection: sqlite3.Connection, name: str, shape: tuple[str, str, object] | None) -> Layer:
    key, columns = "", []
    for _, column, kind, _, _, primary in connection.execute(f"PRAGMA table_info({quoted(name)})"):
        if shape is not None and column.lower() == shape[0].lower():
            continue
        if primary and str(kind).upper() == "INTEGER" and not key and column.lower() in ("fid", "ogc_fid", "id"):
            key = column
            continue
        columns.append(Column(column, str(kind)))
    if shape is None:
        return Layer(name, tuple(columns), key=key)
    srs = shape[2] if isinstance(shape[2], int) else 0
    return Layer(name, tuple(columns), shape[0], shape[1], srs, key)


def others(connection: sqlite3.Connection) -> list[str]:
    """Views, triggers that no index needs, and tables of the format that tell of the data: kind and name of each.

    Raises TableError.
    """
    sql = """SELECT type, name FROM sqlite_master WHERE type IN ('view', 'trigger')
             OR (type = 'table' AND lower(name) IN ('gpkg_metadata', 'gpkg_data_columns', 'gpkg_tile_matrix'))"""
    with _reading():
        return [
            f"{kind} {name}"
            for kind, name in connection.execute(sql).fetchall()
            if not str(name)
            .lower()
            .startswith(("rtree_", "gpkg_tile_", "trigger_insert_feature_count_", "trigger_delete_feature_count_"))
            and (kind != "table" or connection.execute(f"SELECT 1 FROM {quoted(str(name))} LIMIT 1").fetchone())
        ]


def srs_of(connection: sqlite3.Connection, srs: int) -> tuple[str, int]:
    """Who numbers a reference system, and its number there: ``("EPSG", 2154)``."""
    try:
        row = connection.execute(
            "SELECT organization, organization_coordsys_id FROM gpkg_spatial_ref_sys WHERE srs_id = ?", (srs,)
        ).fetchone()
        return (str(row[0]).upper(), int(row[1])) if row else ("", srs)
    except (sqlite3.Error, TypeError, ValueError, MemoryError):
        return "", srs


def read_rows(connection: sqlite3.Connection, layer: Layer) -> Iterator[tuple[Value, ...]]:
    """The cells of each row, and last its shape as the format has it; raises TableError."""
    names = [quoted(column.name) for column in layer.columns]
    names.append(quoted(layer.shape) if layer.shape is not None else "NULL")
    select = f"SELECT {', '.join(names)} FROM {quoted(layer.name)}"
    with _reading():
        try:
            rows = connection.execute(f"{select} ORDER BY rowid")
        except sqlite3.OperationalError:  # a table may be without
            rows = connection.execute(select)
        for row in rows:  # noqa: UP028 - `yield from` would close the cursor of a connection that is closed
            yield row


class Writer:
    """Writes a new GeoPackage; use it in a ``with`` statement. The file must not exist."""

    def __init__(self, path: Path, systems: Sequence[tuple[str, int, str]]) -> None:
        """`systems`: name, EPSG number and definition of the reference systems that layers use."""
        self.path, self.systems = path, systems

    def __enter__(self) -> Writer:
        self.connection = sqlite3.connect(self.path, isolation_level=None)
        run = self.connection.execute
        for pragma in ("page_size = 4096", "journal_mode = OFF", "synchronous = OFF", "auto_vacuum = NONE"):
            run(f"PRAGMA {pragma}")
        run(f"PRAGMA application_id = {APPLICATION}")
        run(f"PRAGMA user_version = {_VERSION}")
        self.connection.executescript(_SCHEMA)
        run("BEGIN")
        rows = [
            ("Undefined Cartesian", -1, "NONE", -1, "undefined"),
            ("Undefined geographic", 0, "NONE", 0, "undefined"),
        ]
        rows += [(name, number, "EPSG", number, text) for name, number, text in self.systems]
        insert = "INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, NULL)"
        self.connection.executemany(insert, rows)
        return self

    def write(self, layer: Layer, rows: Iterable[Sequence[Value]]) -> int:
        """A table with its rows, whose last cell is the shape as well-known binary (None in a plain table)."""
        columns = [f"{quoted(layer.key)} INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL"] if layer.key else []
        if layer.shape is not None:
            columns.append(f"{quoted(layer.shape)} {layer.kind}")
        columns += [f"{quoted(column.name)} {column.type}".rstrip() for column in layer.columns]
        run = self.connection.execute
        run(f"CREATE TABLE {quoted(layer.name)} ({', '.join(columns)})")
        names = [quoted(column.name) for column in layer.columns]
        names += [quoted(layer.shape)] if layer.shape is not None else []
        marks = ", ".join("?" * len(names))
        insert = f"INSERT INTO {quoted(layer.name)} ({', '.join(names)}) VALUES ({marks})"
        box = _Box()
        shaped = layer.shape is not None

        def values() -> Iterator[Sequence[Value]]:
            for *cells, shape in rows:
                if shaped:
                    box.add(shape)
                    cells.append(blob(shape, layer.srs) if isinstance(shape, bytes) else None)
                yield cells

        count = self.connection.executemany(insert, values()).rowcount
        self._register(layer, box)
        return max(count, 0)

    def _register(self, layer: Layer, box: _Box) -> None:
        kind = "features" if layer.shape is not None else "attributes"
        self.connection.execute(
            "INSERT INTO gpkg_contents VALUES (?, ?, ?, '', ?, ?, ?, ?, ?, ?)",
            (layer.name, kind, layer.name, CHANGED, *box.corners(), layer.srs if layer.shape else None),
        )
        if layer.shape is not None:
            self.connection.execute(
                "INSERT INTO gpkg_geometry_columns VALUES (?, ?, ?, ?, ?, 0)",
                (layer.name, layer.shape, layer.kind, layer.srs, 2 if box.dimension else 0),
            )

    def __exit__(self, kind: object, *_: object) -> None:
        with closing(self.connection):
            if kind is None:
                self.connection.execute("COMMIT")
                self.connection.execute("VACUUM")


class _Box:
    """The corners of what was added, and whether any of it has a height."""

    def __init__(self) -> None:
        self.xs: list[float] = []
        self.ys: list[float] = []
        self.dimension = 0

    def add(self, data: Value) -> None:
        if not isinstance(data, bytes):
            return
        try:
            shape = wkb.load(data)
        except ShapeError:
            return
        vertices = list(shape.vertices())
        self.dimension = max(self.dimension, shape.dimension)
        if vertices:
            xs, ys = [one[0] for one in vertices], [one[1] for one in vertices]
            self.xs = [min(xs + self.xs), max(xs + self.xs)]
            self.ys = [min(ys + self.ys), max(ys + self.ys)]

    def corners(self) -> tuple[float | None, ...]:
        return (self.xs[0], self.ys[0], self.xs[1], self.ys[1]) if self.xs else (None,) * 4
