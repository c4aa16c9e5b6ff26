"""A delivery that was kept, changed by what changed in the plant since: three ways, cell by cell.

`base` is what the kept delivery says, written by us; `new` is what the plant says now, written the same way; both
may leave out what no edit touched. A cell in which they agree comes back as it was kept; so do rows, columns and
tables that neither has, or that no reader understood. A row that only `base` has is gone; one that both have and
the kept delivery has not was inferred, and stays out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from sdnctl.exchange.geopackage import quoted
from sdnctl.exchange.gracethd.schema import REMAINDER, TABLES, Spec, Version
from sdnctl.exchange.gracethd.store import Cell, Column, Shape, Store, Table
from sdnctl.exchange.gracethd.values import read_number, write_number

_REFERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "t_cond_chem": (("dm_cd_code", "t_conduite"), ("dm_cm_code", "t_cheminement")),
    "t_cab_cond": (("cc_cb_code", "route"), ("cc_cd_code", "t_conduite")),
    "t_cab_chem": (("cc_cb_code", "route"), ("cc_cm_code", "t_cheminement")),
    "t_cableline": (("cl_cb_code", "t_cable"),),
    "t_love": (("lv_cb_code", "t_cable"),),
    "t_masque": (("mq_cd_code", "t_conduite"),),
    "t_fibre": (("fo_cb_code", "t_cable"),),
    "t_cassette": (("cs_bp_code", "t_ebp"),),
    "t_position": (("ps_ti_code", "t_tiroir"), ("ps_1", "t_fibre"), ("ps_2", "t_fibre")),
    "t_ropt": (("rt_fo_code", "t_fibre"),),
}
"""Columns of tables that refer to others: rows that no reader understood go with what they hang on."""
_References: TypeAlias = Sequence[tuple[int, str]]
"""Place of a column, and the table with something gone that it refers to."""
_NEW, _BASE = "main", "base"
"""The two stores, as SQL calls them."""
_NUMBERED = {"t_love": "lv_id", "t_masque": "mq_id"}
"""Tables whose rows are known by what they say, and numbered besides."""
_LOOP = ("lv_cb_code", "lv_nd_code", "lv_long")


@dataclass
class Merge:
    """One merge. `gone`: table → keys that are no more; ``route``: cables that lie elsewhere now."""

    kept: Store
    base: Store
    new: Store
    version: Version
    gone: dict[str, set[str]] = field(default_factory=dict)

    def into(self, out: Store) -> None:
        """Put the merged tables into a store: those of the kept delivery in its order, then what is new."""
        specs = TABLES[self.version]
        for store in (self.base, self.new):
            for name in specs:
                store.connection.execute(f'CREATE INDEX IF NOT EXISTS "~key {name}" ON {quoted(name)} ("~line")')
        self.new.connection.execute(f"ATTACH ? AS {_BASE}", (str(self.base.file),))
        for name in specs:
            self.gone[name] = self._only(_BASE, _NEW, name)
        self.gone["route"] = self.gone["t_cable"] | self._moved()
        for name, table in self.kept.tables.items():
            if name == REMAINDER.name:
                continue
            spec = specs.get(name)
            refers = self._references(name, table)
            if spec is not None and self._differs(name):
                self._table(out, table, spec, refers)
            elif refers:
                out.add(table, self._left(name, refers))
            else:
                out.copy(self.kept, name)
        for name, spec in specs.items():
            if name not in self.kept.tables:
                table = self.new.tables[name]
                fresh = self._only(_NEW, _BASE, name)
                if fresh:
                    out.add(table, self._fresh(spec, table.names, fresh, 1))

    def _differs(self, name: str) -> bool:
        """Whether any row of a table was written in two ways, or is wanted by another that was."""
        rows = [f"SELECT * FROM {one}.{quoted(name)}" for one in (_BASE, _NEW)]
        for one, other in (rows, rows[::-1]):
            if self.new.connection.execute(f"SELECT 1 FROM ({one} EXCEPT {other}) LIMIT 1").fetchone():
                return True
        return bool(self._needed(name))

    def _only(self, one: str, other: str, name: str) -> set[str]:
        """Keys of a table that only one of two stores has; few, where little was edited."""
        keys = f'SELECT "~line" FROM {{}}.{quoted(name)}'
        sql = f"{keys.format(one)} EXCEPT {keys.format(other)}"
        return {key for (key,) in self.new.connection.execute(sql)}

    def _moved(self) -> set[str]:
        moved = set()
        for name in ("t_cab_cond", "t_cab_chem"):
            if name in TABLES[self.version]:
                for one, other in ((_BASE, _NEW), (_NEW, _BASE)):
                    moved |= {key.split("\t")[0] for key in self._only(one, other, name)}
        return moved

    def _left(self, name: str, refers: _References) -> Iterator[tuple[int, Sequence[Cell], Shape]]:
        """Rows but for those that hang on something that is no more."""
        for cells, shape in self.kept.cells(name):
            if not self._dangles(cells, refers):
                yield 0, cells, shape

    def _references(self, name: str, table: Table) -> _References:
        names = table.names
        found = [one for one in _REFERS.get(name, ()) if one[0] in names and self.gone.get(one[1])]
        return [(names.index(column), other) for column, other in found]

    def _dangles(self, cells: Sequence[Cell], refers: _References) -> bool:
        return any((cells[at] or "").strip() in self.gone.get(other, ()) for at, other in refers)

    def _table(self, out: Store, table: Table, spec: Spec, refers: _References) -> None:
        """A table that is understood: rows as they were kept, changed where the plant was; new ones last."""
        names = table.names
        missing = [column for column in spec.columns if column not in names and self._says(spec.name, column)]
        shape = table.shape or spec.shape
        whole = replace(table, columns=(*table.columns, *map(Column, missing)), shape=shape)
        out.add(whole, self._rows(spec, table, whole.names, refers))

    def _says(self, name: str, column: str) -> bool:
        """Whether a column that the kept table has not says something now that it did not say before."""
        cell = quoted(column)
        new = self.new.connection.execute(f'SELECT "~line", {cell} FROM {quoted(name)} WHERE {cell} IS NOT NULL')
        find = f'SELECT {cell} FROM {quoted(name)} WHERE "~line" = ?'
        return any(self.base.connection.execute(find, (key,)).fetchone() not in ((text,),) for key, text in new)

    def _rows(
        self, spec: Spec, table: Table, names: Sequence[str], refers: _References
    ) -> Iterator[tuple[int, Sequence[Cell], Shape]]:
        fresh = self._only(_NEW, _BASE, spec.name) | self._needed(spec.name)
        written = self._keys(self.base, spec.name) | self._keys(self.new, spec.name)
        key_of = _Keys(spec, table)
        highest, numbered = 0, _NUMBERED.get(spec.name, "")
        at = table.names.index(numbered) if numbered in table.names else None
        wider: list[None] = [None] * (len(names) - len(table.names))
        for cells, shape in self.kept.cells(spec.name):
            key = key_of(cells)
            if at is not None:
                highest = max(highest, int(read_number((cells[at] or "").strip()) or 0))
            base = new = None
            if key in written:
                base, new = self._row(self.base, spec.name, key), self._row(self.new, spec.name, key)
                fresh.discard(key)
            if base is None:
                if not self._dangles(cells, refers):
                    yield 0, (*cells, *wider), shape
            elif new is not None:
                yield 0, *_merged(names, cells, shape, base, new, numbered)
        yield from self._fresh(spec, names, fresh, highest + 1)

    def _keys(self, store: Store, name: str) -> set[str]:
        return {key for (key,) in store.connection.execute(f'SELECT "~line" FROM {quoted(name)}')}

    def _row(self, store: Store, name: str, key: str) -> tuple[dict[str, Cell], Shape] | None:
        columns = store.tables[name].names
        row = store.connection.execute(f'SELECT * FROM {quoted(name)} WHERE "~line" = ?', (key,)).fetchone()
        return (dict(zip(columns, row[1:-1], strict=True)), row[-1]) if row is not None else None

    def _fresh(
        self, spec: Spec, names: Sequence[str], fresh: set[str], number: int
    ) -> Iterator[tuple[int, Sequence[Cell], Shape]]:
        """Rows that neither the kept delivery has nor a reader inferred from it; numbered if need be."""
        columns = self.new.tables[spec.name].names
        sql = f"SELECT * FROM {quoted(spec.name)} ORDER BY rowid"
        for row in self.new.connection.execute(sql) if fresh else ():
            if row[0] not in fresh:
                continue
            cells = dict(zip(columns, row[1:-1], strict=True))
            if spec.name in _NUMBERED:
                cells[_NUMBERED[spec.name]] = str(number)
                number += 1
            yield 0, [cells.get(name) for name in names], row[-1]

    def _needed(self, name: str) -> set[str]:
        """Keys of rows that the kept delivery did without, and to which new rows refer."""
        if "t_cab_cond" not in TABLES[self.version]:
            return set()
        used = {key.split("\t")[1] for key in self._only(_NEW, _BASE, "t_cab_cond")}
        if name == "t_conduite":
            return used
        if name == "t_cond_chem":
            rows = self.new.connection.execute('SELECT "~line" FROM t_cond_chem')
            return {key for (key,) in rows if key.split("\t")[0] in used}
        return set()


class _Keys:
    """Keys of the rows of a kept table, one after the other, made as `writing` makes them."""

    def __init__(self, spec: Spec, table: Table) -> None:
        self.name, self.counts = spec.name, dict[str, int]()
        columns = {"t_love": _LOOP, "t_cableline": ("cl_cb_code",)}.get(spec.name, tuple(spec.key.split()))
        names = table.names
        self.places = [names.index(column) if column in names else None for column in columns]

    def __call__(self, cells: Sequence[Cell]) -> str:
        found = [(cells[place] or "").strip() if place is not None else "" for place in self.places]
        if self.name != "t_love":
            return "\t".join(found)
        length = read_number(found[2])
        key = f"{found[0]}\t{found[1]}\t{write_number(length) if length is not None else ''}"
        self.counts[key] = self.counts.get(key, 0) + 1
        return f"{key}\t{self.counts[key]}"


def _merged(
    names: Sequence[str],
    cells: Sequence[Cell],
    shape: Shape,
    base: tuple[dict[str, Cell], Shape],
    new: tuple[dict[str, Cell], Shape],
    numbered: str,
) -> tuple[Sequence[Cell], Shape]:
    """A kept row with what differs between two writings of it, but for the number that it happens to have."""
    out: list[Cell] = []
    for number, name in enumerate(names):
        was, now = (base[0].get(name), new[0].get(name)) if name != numbered else (None, None)
        out.append(now if was != now else cells[number] if number < len(cells) else None)
    return out, new[1] if base[1] != new[1] else shape
