"""The tables of a delivery on disk, in a SQLite file of their own: verbatim, and indexed for questions.

Cells are text or nothing, as the delivery has them; shapes are well-known binary. Tables and columns are found
by their names in lower case, and come back spelled and ordered as they were. A cell that text cannot give back
(a number in a column without type, bytes) is kept as text that begins with a backslash.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from sdnctl.exchange.geopackage import quoted

Cell: TypeAlias = str | None
Shape: TypeAlias = bytes | None
SHAPE = "~shape"
NONE = " "
"""The type of a column of a database that was declared without one; text files do not declare any."""
_BATCH = 2000


@dataclass(frozen=True, slots=True)
class Column:
    """A column as it was spelled, with the type it was declared to have (empty in text files)."""

    title: str
    type: str = ""

    @property
    def name(self) -> str:
        return self.title.strip().lower()


@dataclass(frozen=True)
class Table:
    """A table as it was delivered. `shape`: the kind of its shapes (``POINT``), None where it has none.

    `file`: where it was read, for people; `crs`: the EPSG number of its shapes.
    """

    title: str
    columns: tuple[Column, ...]
    shape: str | None = None
    crs: int = 2154
    file: str = ""

    @cached_property
    def name(self) -> str:
        return self.title.strip().lower()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, each once: a second one of a name gets a number."""
        seen: dict[str, int] = {}
        found = []
        for column in self.columns:
            count = seen[column.name] = seen.get(column.name, 0) + 1
            found.append(column.name if count == 1 else f"{column.name}~{count}")
        return tuple(found)


@dataclass
class Store:
    """Tables by name, in the order in which they came. Use it in a ``with`` statement: its file goes away then."""

    tables: dict[str, Table] = field(default_factory=dict)

    def __enter__(self) -> Store:
        self._folder = tempfile.TemporaryDirectory(prefix="sdnctl-gracethd-")
        self.file = Path(self._folder.name) / "tables"
        self.connection = sqlite3.connect(self.file, isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -32000", "temp_store = FILE"):
            self.connection.execute(f"PRAGMA {pragma}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.connection.close()
        self._folder.cleanup()

    def add(self, table: Table, rows: Iterable[tuple[int | str, Sequence[Cell], Shape]]) -> int:
        """A table and its rows: line (or key), cells and shape of each. Returns how many there are."""
        names = table.names
        columns = ", ".join(quoted(name) for name in (*names, SHAPE))
        self.connection.execute(f'CREATE TABLE {quoted(table.name)} ("~line", {columns})')
        insert = f"INSERT INTO {quoted(table.name)} VALUES ({', '.join('?' * (len(names) + 2))})"
        self.tables[table.name] = table
        count, batch = 0, list[tuple[object, ...]]()
        run = self.connection
        run.execute("BEGIN")
        try:
            for line, cells, shape in rows:
                batch.append((line, *cells, shape))
                if len(batch) >= _BATCH:
                    run.executemany(insert, batch)
                    count += len(batch)
                    batch.clear()
            run.executemany(insert, batch)
        finally:
            run.execute("COMMIT")
        return count + len(batch)

    def copy(self, other: Store, name: str) -> None:
        """A table of another store with all its rows, as it is there."""
        table = other.tables[name]
        columns = ", ".join(quoted(one) for one in (*table.names, SHAPE))
        run = self.connection.execute
        run("ATTACH ? AS other", (str(other.file),))
        try:
            run(f'CREATE TABLE main.{quoted(name)} ("~line", {columns})')
            run(f"INSERT INTO main.{quoted(name)} SELECT * FROM other.{quoted(name)} ORDER BY rowid")
        finally:
            run("DETACH other")
        self.tables[name] = table

    def drop(self, name: str) -> None:
        self.connection.execute(f"DROP TABLE {quoted(name)}")
        del self.tables[name]

    def rename(self, name: str, title: str) -> None:
        """Give a table another name."""
        self.connection.execute(f"ALTER TABLE {quoted(name)} RENAME TO {quoted(title.lower())}")
        self.tables = {
            (title.lower() if key == name else key): (replace(one, title=title) if key == name else one)
            for key, one in self.tables.items()
        }

    def rename_column(self, table: str, name: str, title: str) -> None:
        """Give a column another name."""
        self.connection.execute(
            f"ALTER TABLE {quoted(table)} RENAME COLUMN {quoted(name)} TO {quoted(title.lower())}"
        )
        one = self.tables[table]
        columns = tuple(Column(title, held.type) if held.name == name else held for held in one.columns)
        self.tables[table] = replace(one, columns=columns)

    def has(self, table: str, column: str | None = None) -> bool:
        held = self.tables.get(table)
        return held is not None and (column is None or column in held.names)

    def first(self, *names: str) -> str | None:
        """The first of these tables that is there."""
        return next((name for name in names if name in self.tables), None)

    def count(self, table: str) -> int:
        if table not in self.tables:
            return 0
        return int(self.connection.execute(f"SELECT count(*) FROM {quoted(table)}").fetchone()[0])

    def cells(self, table: str) -> Iterator[tuple[tuple[Cell, ...], Shape]]:
        """Every row verbatim, in order, with its shape."""
        names = ", ".join(quoted(name) for name in (*self.tables[table].names, SHAPE))
        for row in self.connection.execute(f"SELECT {names} FROM {quoted(table)} ORDER BY rowid"):
            yield row[:-1], row[-1]

    def read(self, table: str | None, *columns: str) -> Iterator[tuple[int, list[str], Shape]]:
        """Some columns of every row, trimmed, "" for nothing and for columns that are not there; line and shape.

        A column may be written ``one|other``: the first of them that the table has.
        """
        if table is None or table not in self.tables:
            return
        wanted = ", ".join(self.expression(table, column) for column in columns)
        sql = f'SELECT "~line", {wanted}, {quoted(SHAPE)} FROM {quoted(table)} ORDER BY rowid'
        for row in self.connection.execute(sql):
            yield row[0], list(row[1:-1]), row[-1]

    def expression(self, table: str, column: str, alias: str = "") -> str:
        """SQL for a trimmed cell that is never NULL."""
        held = next((name for name in column.split("|") if self.has(table, name)), None)
        if held is None:
            return "''"
        name = f"{alias}.{quoted(held)}" if alias else quoted(held)
        return f"trim(coalesce({name}, ''))"

    def index(self, table: str, column: str) -> None:
        """Make looking for a cell by its trimmed text fast."""
        expression = self.expression(table, column)
        if expression != "''":
            name = quoted(f"~{table}.{column}")
            self.connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {quoted(table)} ({expression})")
