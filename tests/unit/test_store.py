"""The store: migrations make the tables, writes are fenced, one pending apply at a time, nothing half written."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from postgres_server import Postgres, running_postgres
from sqlalchemy import Text, create_engine, literal_column, select, text, update
from sqlalchemy.pool import NullPool

from sdnctl.errors import LeaseHeld, StoreError
from sdnctl.store import lease as leases
from sdnctl.store.cells import Held, Moment
from sdnctl.store.database import transaction
from sdnctl.store.freezes import Freeze
from sdnctl.store.store import Store, Verdict
from sdnctl.store.tables import leases as lease_table
from sdnctl.store.tables import metadata
from sdnctl.store.tokens import Role

DAYS = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers("psql", "pg_lsclusters"))])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path}/deep/folder/store.db"
    opened = Store.open(url if request.param == "sqlite" else request.getfixturevalue("postgres").database())
    yield opened
    opened.close()


def begin(store: Store, lease: leases.Lease, content: str = "{}") -> int:
    return store.begin(
        lease, content=content, fingerprint="f", reason="apply", author="me", summary="s", plan=("p" * 64, "{}")
    )


def test_migrations_make_exactly_the_declared_tables(store: Store) -> None:
    engine = create_engine(store.url, poolclass=NullPool)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_what_is_read_of_one_column_is_not_judged_by_the_rules_of_another() -> None:
    """SQLAlchemy keeps how it reads a statement; columns of one name are told apart by the keys of their types."""
    engine = create_engine("sqlite://")
    empties = select(literal_column("NULL", Held(Text(), empty=True)).label("c"))
    texts, times = (select(literal_column("NULL", kind).label("c")) for kind in (Held(Text()), Moment()))
    with engine.connect() as connection:
        assert connection.execute(empties).scalar_one() is None
        for refused in (texts, times):
            with pytest.raises(StoreError, match="NoneType where str belongs"):
                connection.execute(refused).scalar_one()
        assert connection.execute(empties).scalar_one() is None
    engine.dispose()


def test_freezes_are_kept_one_for_each_switch(store: Store) -> None:
    first, second = Freeze("sw-a", DAYS[0], frozenset("abc")), Freeze("sw-b", DAYS[1], frozenset())
    for one in (second, first, replace(first, by="ann"), second):
        store.freezes.put(one)
    assert dict(store.freezes.all()) == {"sw-a": replace(first, by="ann"), "sw-b": second}
    store.freezes.remove("sw-a")
    store.freezes.remove("sw-a")
    assert dict(store.freezes.all()) == {"sw-b": second}
    engine = create_engine(store.url, poolclass=NullPool)
    for damage in ("{", '{"a": 1}', "[1]"):
        with engine.begin() as connection:
            connection.execute(text("UPDATE freezes SET found = :found"), {"found": damage})
        with pytest.raises(StoreError, match="the freeze of sw-b in the store is damaged"):
            store.freezes.all()


def test_begin_then_finish(store: Store) -> None:
    with store.hold() as lease:
        number = begin(store, lease, content='{"état": 1}')
        pending = store.pending()
        assert pending is not None
        assert pending.id == number
        assert store.applied() is None
        store.note(lease, number, "stage", {"index": 0})
        store.finish(lease, number)
    assert store.pending() is None
    applied = store.applied()
    assert applied is not None
    assert applied.id == number
    assert store.content(number) == '{"état": 1}'
    assert store.plan("p" * 64) == "{}"
    assert [entry.event for entry in store.journal(number)] == ["begin", "stage", "end"]
    assert store.audit_trail()[0][1:3] == ("me", "apply")


def test_only_one_apply_can_be_pending(store: Store) -> None:
    with store.hold() as lease:
        begin(store, lease)
        with pytest.raises(StoreError, match="has not been finished"):
            begin(store, lease)


def test_abandoned_keeps_what_was_applied(store: Store) -> None:
    with store.hold() as lease:
        first = begin(store, lease)
        store.finish(lease, first)
        second = begin(store, lease)
        store.abandon(lease, second, "rolled back")
        with pytest.raises(StoreError, match="not pending"):
            store.finish(lease, second)
    applied = store.applied()
    assert applied is not None
    assert applied.id == first


def test_second_writer_is_refused_with_the_holders_name(store: Store, tmp_path: Path) -> None:
    script = (
        "import sys; from sdnctl.store.store import Store\n"
        "with Store.open(sys.argv[1]).hold() as lease:\n"
        "    print(lease.generation, flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, store.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        generation = int(other.stdout.readline())
        with pytest.raises(LeaseHeld, match=rf"pid {other.pid}\n"), store.hold():
            pass
        other.stdin.close()
    with store.hold() as lease:
        assert lease.generation > generation  # another holder, another generation


def test_a_dead_holder_is_succeeded_at_once(store: Store) -> None:
    script = (
        "import os, sys, signal; from sdnctl.store.store import Store\n"
        "with Store.open(sys.argv[1]).hold(): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, store.url], check=False)
    start = time.monotonic()
    with store.hold() as lease:
        assert lease.holder.startswith(f"{leases.author()} pid {os.getpid()} ")
    assert time.monotonic() - start < leases.TTL / 2


def test_a_holder_on_another_machine_is_waited_for(store: Store) -> None:
    engine = create_engine(store.url, poolclass=NullPool)
    with store.hold():
        pass
    with engine.begin() as connection:
        values = {"holder": "ann@elsewhere pid 1 start 1 thread 1", "until": time.time() + 10}
        connection.execute(update(lease_table).values(**values))
    with pytest.raises(LeaseHeld, match="ann@elsewhere"), store.hold():
        pass


def test_a_writer_that_lost_its_lease_writes_nothing(store: Store) -> None:
    engine = create_engine(store.url, poolclass=NullPool)
    with store.hold() as lease:
        number = begin(store, lease)
        with engine.begin() as connection:
            connection.execute(update(lease_table).values(holder="other@host", generation=99))
        with pytest.raises(LeaseHeld, match="other@host"):
            store.finish(lease, number)
    assert store.applied() is None


def test_latest_verdict_wins(store: Store) -> None:
    with store.hold() as lease:
        number = begin(store, lease)
    store.record_verdicts(
        [Verdict("video", "V1", DAYS[0], number, "ok", ""), Verdict("video", "V2", DAYS[0], number, "ok", "")]
    )
    store.record_verdicts([Verdict("video", "V1", DAYS[1], number, "failed", "x")])
    assert [(one.level, one.verdict) for one in store.verdicts()] == [("V1", "failed"), ("V2", "ok")]


@pytest.mark.parametrize(
    ("cell", "wrong"),
    [
        ("snapshots.created", "yesterday"),
        ("snapshots.created", "2026-01-01T00:00:00"),
        ("snapshots.author", b"me"),
        ("snapshots.parent", "none"),
        ("journal.event", b"7"),
        ("verdicts.created", b"2026"),
        ("leases.holder", b"x"),
        ("leases.generation", "many"),
        ("bindings.dpid", "7"),
        ("bindings.dpid", "00000000 0000007"),
        ("bindings.device", b"3"),
        ("secrets.value", "octets of before"),
        ("secrets.value", b"octets of before"),
        ("tokens.role", "root"),
        ("tokens.tenants", '"city"'),
        ("tokens.tenants", "[1]"),
        ("tokens.tenants", "["),
        ("tokens.expires", "never"),
        ("tokens.used", "2026-13-01T00:00:00Z"),
        ("tokens.name", b"1.5"),
    ],
)
def test_a_cell_that_cannot_be_is_told_where_it_is_read(tmp_path: Path, cell: str, wrong: object) -> None:
    """SQLite keeps anything anywhere; what no writer wrote must not be believed, or crash who reads it."""
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    with store.hold() as lease:
        number = begin(store, lease)
        store.finish(lease, number)
        begin(store, lease)
    store.record_verdicts([Verdict("video", "V1", DAYS[0], number, "ok", "")])
    store.bindings.bind("sw-a", 7, "", "me")
    store.secret("beacons")
    _, opens = store.tokens.add("ann", Role.VIEWER, "me", tenants=("city",))
    table, _, column = cell.partition(".")
    readers = {
        "snapshots": store.history,
        "journal": lambda: store.journal(number),
        "verdicts": store.verdicts,
        "leases": store.lease,
        "bindings": store.bindings.dpids,
        "secrets": lambda: store.secret("beacons"),
        "tokens": lambda: store.tokens.find(opens),
    }
    readers[table]()
    with create_engine(store.url, poolclass=NullPool).begin() as connection:
        connection.execute(text(f"UPDATE {table} SET {column} = :wrong"), {"wrong": wrong})
    with pytest.raises(StoreError, match="is damaged") as caught:
        readers[table]()
    assert table != "secrets" or str(wrong) not in str(caught.value)
    store.close()


def test_a_store_of_a_newer_version_is_refused(store: Store) -> None:
    engine = create_engine(store.url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer sdnctl"):
        Store.open(store.url)


def test_unusable_stores_are_explained(tmp_path: Path) -> None:
    not_a_database = tmp_path / "store.db"
    not_a_database.write_bytes(b"garbage" * 1000)
    with pytest.raises(StoreError, match="not a database"):
        Store.open(f"sqlite:///{not_a_database}")
    with pytest.raises(StoreError, match="cannot be opened"):
        Store.open("nonsense://host/db")
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
        with pytest.raises(StoreError, match="cannot be opened"):
            Store.open(f"sqlite:///{tmp_path}/new/store.db")


def test_damaged_content_is_reported(store: Store) -> None:
    with store.hold() as lease:
        number = begin(store, lease)
    engine = create_engine(store.url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE snapshots SET content = :damaged"), {"damaged": b"\0"})
    with pytest.raises(StoreError, match="damaged"):
        store.content(number)
    with pytest.raises(StoreError, match="no snapshot 77"):
        store.content(77)


def test_readers_neither_wait_for_a_writer_nor_hold_one_up(store: Store) -> None:
    """Else whoever reads much would keep the lease from being renewed."""
    with store.hold() as lease:
        number = begin(store, lease)
        with transaction(store._engine) as writer:
            writer.execute(text("UPDATE snapshots SET summary = 'being written'"))
            found = store.snapshot(number)
            assert found is not None
            assert found.summary == "s"
        with transaction(store._engine, reading=True) as reader:
            assert reader.execute(text("SELECT summary FROM snapshots")).scalar() == "being written"
            store.note(lease, number, "stage", {})
        store.abandon(lease, number, "over")
