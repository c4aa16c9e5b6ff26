"""A store on a real PostgreSQL: writers queue up, and neither a restart nor a stopped writer is felt for long.

What holds for every store is in `test_store`, which runs on both.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from postgres_server import Postgres, running_postgres
from sqlalchemy import select, text

from sdnctl.errors import LeaseHeld, StoreError
from sdnctl.store import database
from sdnctl.store import lease as leases
from sdnctl.store.database import transaction
from sdnctl.store.store import Store
from sdnctl.store.tables import journal

pytestmark = pytest.mark.servers("psql", "pg_lsclusters")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with running_postgres() as one:
        yield one


@pytest.fixture
def store(server: Postgres) -> Iterator[Store]:
    opened = Store.open(server.database())
    yield opened
    opened.close()


def begin(store: Store, lease: leases.Lease) -> int:
    return store.begin(lease, content="{}", fingerprint="f", reason="apply", author="me", summary="s")


def test_a_lease_does_not_pass_on_in_the_middle_of_a_write(store: Store) -> None:
    """What was checked at the begin of a transaction still holds at its end: whoever wants the lease waits."""
    lease = store.take_lease("ann@one pid 1 start 1 thread 1")
    taken: list[float] = []

    def steal() -> None:
        with transaction(store._engine) as connection:
            connection.execute(text("UPDATE leases SET holder = 'bob@two', generation = generation + 1"))
        taken.append(time.monotonic())

    with transaction(store._engine) as connection:
        leases.check(connection, lease)
        thief = threading.Thread(target=steal)
        thief.start()
        thief.join(0.3)
        assert thief.is_alive(), "it waits"
        leases.check(connection, lease)
        written = time.monotonic()
    thief.join()
    assert taken[0] >= written
    with pytest.raises(LeaseHeld, match="bob@two"):
        begin(store, lease)


def test_many_processes_and_one_lease(store: Store) -> None:
    """Each counts up what it read; were two of them writers at a time, a count would be lost."""
    script = (
        "import sys, time\n"
        "from sdnctl.errors import LeaseHeld\n"
        "from sdnctl.store.store import Store\n"
        "store = Store.open(sys.argv[1])\n"
        "while True:\n"
        "    try:\n"
        "        with store.hold() as lease:\n"
        "            count = store.journal(1)[-1].detail.get('count', 0)\n"
        "            store.note(lease, 1, 'counted', {'count': count + 1})\n"
        "        break\n"
        "    except LeaseHeld:\n"
        "        time.sleep(0.02)\n"
        "store.close()\n"
    )
    with store.hold() as lease:
        assert begin(store, lease) == 1
    children = [subprocess.Popen([sys.executable, "-c", script, store.url]) for _ in range(4)]
    assert [child.wait(60) for child in children] == [0, 0, 0, 0]
    assert [entry.detail.get("count") for entry in store.journal(1)] == [None, 1, 2, 3, 4]


def test_a_new_store_is_made_once_by_however_many(server: Postgres) -> None:
    url = server.database()
    faults: list[BaseException] = []

    def open_it() -> None:
        try:
            Store.open(url).close()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_restart_of_the_server_is_an_error_while_it_lasts_and_none_afterwards(
    server: Postgres, store: Store, how: signal.Signals
) -> None:
    with store.hold() as lease:
        number = begin(store, lease)
        server.stop(how)
        try:
            with pytest.raises(StoreError, match="cannot be read or written"):
                store.note(lease, number, "stage", {})
        finally:
            server.start()
        store.note(lease, number, "stage", {})
        store.finish(lease, number)
    assert [entry.event for entry in store.journal(number)] == ["begin", "stage", "end"]


def test_a_session_that_is_cut_off_leaves_nothing_half_written(server: Postgres, store: Store) -> None:
    def write_and_lose() -> None:
        with transaction(store._engine) as connection:
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar()
            leases.check(connection, lease)
            connection.execute(journal.insert().values(created="now", snapshot=number, event="half", detail="{}"))
            server.ask(f"SELECT pg_terminate_backend({pid})")
            connection.execute(select(journal.c.id))

    with store.hold() as lease:
        number = begin(store, lease)
        with pytest.raises(StoreError, match="cannot be read or written"):
            write_and_lose()
        assert [entry.event for entry in store.journal(number)] == ["begin"]
        store.abandon(lease, number, "over")


def test_a_writer_that_was_stopped_half_way_holds_nobody_up(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_PATIENCE", 1)
    url = server.database()
    script = (
        "import os, signal, sys\n"
        "from sdnctl.store import database\n"
        "database._PATIENCE = 1\n"
        "engine = database.open_engine(sys.argv[1])\n"
        "with database.transaction(engine) as connection:\n"
        "    print('in', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGSTOP)\n"
    )
    Store.open(url).close()
    with subprocess.Popen([sys.executable, "-c", script, url], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"
        try:
            opened = Store.open(url)
            until = time.monotonic() + 20
            while True:
                try:
                    opened.give_lease_back(opened.take_lease("ann@one"))
                    break
                except StoreError:
                    assert time.monotonic() < until
            opened.close()
        finally:
            os.kill(other.pid, signal.SIGKILL)


def test_what_is_wrong_with_a_server_is_said_without_the_password(server: Postgres) -> None:
    with pytest.raises(StoreError) as caught:
        Store.open(f"postgresql+psycopg://sdnctl:hush-hush@/nowhere?host={server.folder}")
    assert "nowhere" in str(caught.value)
    with pytest.raises(StoreError) as closed:
        Store.open("postgresql+psycopg://sdnctl:hush-hush@127.0.0.1:1/store")
    for error in (caught.value, closed.value):
        assert "hush-hush" not in f"{error} {error!r} {error.__cause__}"


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError) as caught:
        Store.open("postgresql+psycopg://sdnctl@host/store")
    assert "pip install 'sdnctl[postgres]'" in str(caught.value)
