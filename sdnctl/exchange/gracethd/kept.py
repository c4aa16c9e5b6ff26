"""The codes by which things are written: those of the delivery they came from, else made of their ids."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache

from sdnctl.exchange.gracethd.reading import Reading
from sdnctl.exchange.gracethd.store import Store
from sdnctl.exchange.gracethd.values import read_count

_CABLES = 512
"""Cables of which the codes of all strands are held at a time."""

_ASKED = (
    ("t_fibre", "fo_cb_code"),
    ("t_cassette", "cs_bp_code"),
    ("t_position", "ps_cs_code"),
    ("t_position", "ps_ti_code"),
)
"""Columns by which rows are looked for."""


@dataclass
class Codes:
    """Codes of objects by id; where a thing has none yet, its id, or its id with an ending."""

    kept: Store | None = None
    reading: Reading | None = None
    _rooms: dict[str, str] = field(default_factory=dict)
    _racks: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.strands = lru_cache(_CABLES)(self._strands)
        self.positions = lru_cache(_CABLES)(self._positions)
        store, reading = self.kept, self.reading
        if store is None or reading is None:
            return
        table = store.first("t_local", "t_ltech")
        site_of_room = {}
        for _, (room, site), _ in store.read(table, "lc_code|lt_code", "lc_st_code|lt_st_code"):
            name = reading.places.site_of.get(site)
            if room and name is not None:
                site_of_room[room] = name
                self._rooms.setdefault(name, room)
        for _, (rack, room), _ in store.read("t_baie", "ba_code", "ba_lt_code|ba_lc_code"):
            if rack and room in site_of_room:
                self._racks.setdefault(site_of_room[room], rack)
        for name, column in _ASKED:
            if store.has(name):
                store.index(name, column)

    def place(self, name: str) -> str:
        return self.reading.places.codes.get(name, name) if self.reading is not None else name

    def node(self, name: str) -> str:
        return self.reading.places.nodes.get(name, name) if self.reading is not None else name

    def way(self, name: str) -> str:
        """The code of a segment or duct."""
        return self.reading.ways.codes.get(name, name) if self.reading is not None else name

    def cable(self, name: str) -> str:
        return self.reading.cables.codes.get(name, name) if self.reading is not None else name

    def closure(self, name: str) -> str:
        return self.reading.joints.closure_names.codes.get(name, name) if self.reading is not None else name

    def odf(self, name: str) -> str:
        return self.reading.joints.odf_names.codes.get(name, name) if self.reading is not None else name

    def room(self, site: str) -> str:
        return self._rooms.get(site, f"{self.place(site)}-room")

    def rack(self, site: str) -> str:
        return self._racks.get(site, f"{self.place(site)}-rack")

    def strand(self, cable: str, number: int) -> str:
        code = self.cable(cable)
        return self.strands(code).get(number, f"{code}:{number}")

    def _strands(self, code: str) -> dict[int, str]:
        """Number → code of every strand of a cable."""
        store, reading = self.kept, self.reading
        if store is None or reading is None or not store.has("t_fibre"):
            return {}
        make = reading.cables.makes.get(reading.cables.ids.get(code, ""))
        columns = ", ".join(
            store.expression("t_fibre", f"fo_{name}") for name in ("code", "nincab", "numtub", "nintub")
        )
        found: dict[int, str] = {}
        sql = f"SELECT {columns} FROM t_fibre WHERE {store.expression('t_fibre', 'fo_cb_code')} = ? ORDER BY rowid"
        for fibre, number, tube, inside in store.connection.execute(sql, (code,)):
            strand = read_count(number) if number else None
            if not strand and make is not None and tube and inside:
                strand = ((read_count(tube) or 1) - 1) * make.modulo + (read_count(inside) or 0)
            if strand and fibre:
                found.setdefault(strand, fibre)
        return found

    def _positions(self, holder: str, drawer: bool) -> dict[tuple[str, ...], list[tuple[str, str, str]]]:
        """What stands at a position → code, cassette and number of those of a box or drawer.

        In a box the two strands, in any order; in a drawer the number of the position.
        """
        found: dict[tuple[str, ...], list[tuple[str, str, str]]] = defaultdict(list)
        store = self.kept
        if store is None or not store.has("t_position"):
            return found

        def cell(name: str) -> str:
            return store.expression("t_position", name, "p")

        columns = ", ".join(cell(name) for name in ("ps_code", "ps_cs_code", "ps_numero", "ps_1", "ps_2"))
        if drawer:
            sql = f"SELECT {columns} FROM t_position p WHERE {cell('ps_ti_code')} = ? ORDER BY p.rowid"
        elif store.has("t_cassette"):
            box = store.expression("t_cassette", "cs_bp_code", "c")
            sql = f"""SELECT {columns} FROM t_cassette c JOIN t_position p
                      ON {cell("ps_cs_code")} = {store.expression("t_cassette", "cs_code", "c")}
                      WHERE {box} = ? ORDER BY p.rowid"""
        else:
            return found
        for code, cassette, number, first, second in store.connection.execute(sql, (holder,)):
            key = (number,) if drawer else tuple(sorted((first, second)))
            found[key].append((code, cassette, number))
        return found
