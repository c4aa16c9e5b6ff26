"""The store, to be fuzzed: a SQLite file with damaged pages, its write-ahead log, and what stands in its blobs."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random

from fuzzing import Case, Found, Target, scratch, written
from fuzzing_documents import states
from fuzzing_mutators import NUMBERS, damaged, octets, tree_octets

from sdnctl.store.blobs import pack, read_object, whole_text
from sdnctl.store.freezes import Freeze
from sdnctl.store.state import loads
from sdnctl.store.store import Store, Verdict
from sdnctl.store.tokens import Role

PLAN = "p" * 64


def _fill(store: Store) -> None:
    """Three snapshots of every kind, with all that stands around them."""
    whole = states()[0][1].decode()
    with store.hold() as lease:
        for number, content in enumerate((whole, '{"base":1,"down":["l0"],"format":1,"silent":{}}', whole)):
            plan = (PLAN, '{"a": 1}') if number == 0 else None
            made = store.begin(
                lease, content=content, fingerprint="f", reason="apply", author="me", summary="s", plan=plan
            )
            store.note(lease, made, "stage", {"index": 0})
            if number < 2:
                store.finish(lease, made)
    store.record_verdicts([Verdict("x", "V1", "2026-01-01T00:00:00Z", 1, "ok", "")])
    store.record_audit("me", "login", "x")
    store.secret("beacons")
    store.tokens.add("ann", Role.VIEWER, "me", tenants=("city",))
    store.bindings.bind("a", 7, "", "me")
    store.freezes.put(Freeze("a", "2026-01-01T00:00:00Z", frozenset({"flow 1", "settings"}), "ann"))


@cache
def database_seeds() -> Sequence[Case]:
    path = scratch() / "store-seed.db"
    store = Store.open(f"sqlite:///{path}")
    _fill(store)
    store.close()
    return [("store.db", path.read_bytes())]


@cache
def log_seeds() -> Sequence[Case]:
    """The write-ahead log of a store that nobody closed."""
    path = scratch() / "log-seed.db"
    Store.open(f"sqlite:///{path}").close()  # the tables are in the database, what is filled in stands in the log
    store = Store.open(f"sqlite:///{path}")
    _fill(store)
    for name in ("base.db", "base.db-wal"):
        shutil.copy(str(path) + name.removeprefix("base.db"), scratch() / name)
    store.close()
    return [("store.db-wal", (scratch() / "base.db-wal").read_bytes())]


def _read(content: str) -> None:
    """Read a snapshot that is not as it was: most damage is elsewhere, and `store: contents` is about this."""
    if content not in _contents():
        loads(content)


@cache
def _contents() -> frozenset[str]:
    """The snapshots of the seed."""
    store = Store.open(f"sqlite:///{written(('contents.db', database_seeds()[0][1]))}")
    try:
        return frozenset(store.content(snapshot.id) for snapshot in store.history())
    finally:
        store.close()


def _used(path: Path) -> None:
    """Read all that commands read, and write a little."""
    store = Store.open(f"sqlite:///{path}")
    try:
        store.applied()
        store.pending()
        for snapshot in store.history():
            _read(store.content(snapshot.id))
            store.journal(snapshot.id)
        store.plan(PLAN)
        store.audit_trail()
        store.verdicts()
        store.lease()
        store.tokens.all()
        store.bindings.all()
        store.freezes.all()
        store.secret("beacons")
        store.record_audit("me", "look", "x")
    finally:
        store.close()


def database(case: Case) -> Found:
    for name in ("store.db-wal", "store.db-shm"):
        (scratch() / "stores" / name).unlink(missing_ok=True)
    _used(written(case, "stores"))
    return None


def log(case: Case) -> Found:
    log_seeds()
    folder = written(case, "logs").parent
    shutil.copy(scratch() / "base.db", folder / "store.db")
    (folder / "store.db-shm").unlink(missing_ok=True)
    _used(folder / "store.db")
    return None


def damaged_pages(rng: Random, seeds: Sequence[Case]) -> Case:
    """Octets of the header, of a page's own header, or anywhere; pages exchanged, zeroed or cut off."""
    name, data = rng.choice(seeds)
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        page = rng.randrange(max(1, len(made) // 4096)) * 4096
        kind = rng.randrange(8)
        at = rng.randrange(100) if kind < 2 else page + rng.randrange(16 if kind < 4 else 4096)
        if kind in (0, 2, 4):
            made[at : at + 1] = bytes([rng.randrange(256)])
        elif kind in (1, 3):
            size = rng.choice((1, 2, 4))
            made[at : at + size] = (rng.choice(NUMBERS) & (1 << 8 * size) - 1).to_bytes(size, "big")
        elif kind == 5:
            other = rng.randrange(max(1, len(made) // 4096)) * 4096
            made[page : page + 4096] = made[other : other + 4096]
        elif kind == 6:
            made[page : page + 4096] = rng.choice((bytes(4096), rng.randbytes(4096)))
        elif rng.random() < 0.3:
            del made[at:]
    return name, bytes(made)


# ── blobs ────────────────────────────────────────────────────────────────────────────────────────


@cache
def blob_seeds() -> Sequence[Case]:
    """Snapshots as they stand in the store, whole and as a difference, and the detail of a journal's entry."""
    database_seeds()
    differing = b'{"base":1,"down":["l0"],"format":1,"silent":{}}'
    return [("snapshot", _whole()), ("snapshot", differing), ("journal", b'{"index": 0}')]


def _whole() -> bytes:
    return states()[0][1]


@cache
def _base() -> bytes:
    return pack(_whole().decode())


def damaged_blobs(rng: Random, seeds: Sequence[Case]) -> Case:
    name, data = rng.choice(seeds)
    kind = rng.random()
    if kind < 0.2:
        packed = zlib.compress(data) if name == "snapshot" else data
        return name, damaged(rng, packed, [packed])
    made = tree_octets(rng, json.loads(data))
    return name, zlib.compress(made, 1) if name == "snapshot" else made


def _cell(data: bytes) -> bytes:
    """What is damaged behind the compression, or before it."""
    return data if data[:1] == b"\x78" else zlib.compress(data)


@cache
def _open_store() -> tuple[Store, sqlite3.Connection]:
    path = written(("blobs.db", database_seeds()[0][1]))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA foreign_keys=OFF")
    return Store.open(f"sqlite:///{path}"), connection


def blob(case: Case) -> Found:
    """The second snapshot, which may be a difference to the first, is this; or its journal says this.

    One in eight is read out of SQLite, which takes longer than what is tested here; `store: database` is about it.
    """
    name, data = case
    if zlib.crc32(data) % 8:
        if name == "snapshot":
            loads(whole_text(2, {1: _base(), 2: _cell(data)}.get))
        else:
            read_object(data.decode("utf-8", "replace"), "the journal")
        return None
    store, connection = _open_store()
    if name == "snapshot":
        connection.execute("UPDATE snapshots SET content = ? WHERE id = 2", (_cell(data),))
        loads(store.content(2))
    else:
        connection.execute("UPDATE journal SET detail = CAST(? AS TEXT) WHERE snapshot = 1", (data,))
        store.journal(1)
    return None


# ── cells ────────────────────────────────────────────────────────────────────────────────────────

READERS: Mapping[str, Callable[[Store], object]] = {
    "audit": lambda store: store.audit_trail(),
    "bindings": lambda store: store.bindings.all(),
    "freezes": lambda store: store.freezes.all(),
    "journal": lambda store: store.journal(1),
    "leases": lambda store: store.lease(),
    "plans": lambda store: store.plan(PLAN),
    "secrets": lambda store: store.secret("beacons"),
    "snapshots": lambda store: (store.history(), store.pending()),
    "tokens": lambda store: [token.valid(datetime.now(UTC)) for token in store.tokens.all()],
    "verdicts": lambda store: store.verdicts(),
}
"""Table → what reads it; contents of snapshots, which are read in other ways, have a target of their own."""


EMPTY = {"parent": b"1", "plan": b"x", "result": b"done"}
LATER = b"2036-01-01T00:00:00.000Z"
"""What stands in cells that are empty in the filled store: all but those are for times."""


@cache
def cell_seeds() -> Sequence[Case]:
    """Every cell of a filled store: ``table.column TYPE`` and what stands in its first row."""
    _, connection = _open_store()
    found = []
    for table in READERS:
        cursor = connection.execute(f"SELECT * FROM {table} ORDER BY rowid LIMIT 1")
        for (column, *_), value in zip(cursor.description, cursor.fetchone(), strict=True):
            if (table, column) != ("snapshots", "content"):
                kind = {bytes: "BLOB", int: "NUMERIC", float: "NUMERIC"}.get(type(value), "TEXT")
                plain = (
                    value
                    if isinstance(value, bytes)
                    else EMPTY.get(column, LATER)
                    if value is None
                    else str(value).encode()
                )
                found.append((f"{table}.{column} {kind}", plain))
    return found


def damaged_cells(rng: Random, seeds: Sequence[Case]) -> Case:
    """Octets; or as JSON, where it is any; or what stands in another cell."""
    name, data = rng.choice(seeds)
    if rng.random() < 0.1:
        name = f"{name.partition(' ')[0]} {rng.choice(('TEXT', 'BLOB', 'NUMERIC'))}"
    kind = rng.random()
    if kind < 0.2:
        return name, rng.choice(seeds)[1]
    if kind < 0.6 and data[:1] in (b"{", b"["):
        return name, tree_octets(rng, json.loads(data))
    return name, damaged(rng, data, [other for _, other in seeds])


def cell(case: Case) -> Found:
    """The cell says this, as a text, a number or octets: SQLite stores anything anywhere."""
    name, data = case
    place, _, kind = name.partition(" ")
    table, _, column = place.partition(".")
    store, connection = _open_store()
    rows = _rows(table)
    try:
        connection.execute(f"UPDATE {table} SET {column} = CAST(? AS {kind}) WHERE rowid = 1", (data,))
    except sqlite3.IntegrityError:
        return None  # a key that is no number: SQLite holds it off
    try:
        READERS[table](store)
    finally:
        connection.execute("BEGIN")
        connection.execute(f"DELETE FROM {table}")
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        connection.execute("COMMIT")
    return None


@cache
def _rows(table: str) -> list[tuple[object, ...]]:
    return _open_store()[1].execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()


TARGETS = [
    Target("store: database", database_seeds, damaged_pages, database, sample=20, soak=100_000),
    Target("store: write-ahead log", log_seeds, octets(), log, sample=15, soak=100_000),
    Target("store: contents", blob_seeds, damaged_blobs, blob, sample=60),
    Target("store: cells", cell_seeds, damaged_cells, cell, sample=60),
]
