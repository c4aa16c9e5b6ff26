"""A store that somebody else locks, clocks that jump: who only reads is not held up, and nobody is locked out."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, timedelta
from pathlib import Path
from unittest import mock

import jumping_clock
import pytest

import sdnctl
from sdnctl.errors import LeaseHeld, StoreError
from sdnctl.store import database, tokens
from sdnctl.store import lease as leases
from sdnctl.store.store import Store
from sdnctl.store.tokens import Role

HOUR = 3600.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    one = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    yield one
    one.close()


@pytest.fixture
def locked(store: Store, tmp_path: Path) -> Iterator[str]:
    """Another process is in the middle of a write transaction for longer than anybody waits; the store's URL."""
    with (
        mock.patch.object(database, "_PATIENCE", 0),
        closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        yield f"sqlite:///{tmp_path / 'store.db'}"
        other.execute("ROLLBACK")


def test_a_locked_store_is_opened_and_read_by_a_new_process(locked: str) -> None:
    store = Store.open(locked)
    assert store.history() == ()
    assert store.pending() is None
    assert store.lease() is None
    assert store.tokens.all() == ()
    assert store.bindings.all() == ()
    with pytest.raises(StoreError, match="cannot be read or written") as caught, store.hold():
        pass
    assert "database is locked" in caught.value.diagnostics[0].detail
    store.close()


def test_a_token_is_good_while_nothing_can_be_noted(store: Store, tmp_path: Path) -> None:
    _, text = store.tokens.add("watcher", Role.VIEWER, "tests")
    with (
        mock.patch.object(database, "_PATIENCE", 0),
        closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        fresh = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
        found = fresh.tokens.find(text)
        assert found is not None
        assert found.name == "watcher"
        fresh.close()
        other.execute("ROLLBACK")
    assert store.tokens.all()[0].used is None
    assert store.tokens.find(text) is not None
    assert store.tokens.all()[0].used is not None


@pytest.mark.parametrize("hours", [-26, 26])
def test_a_holder_keeps_its_lease_when_the_clock_jumps(store: Store, tmp_path: Path, hours: int) -> None:
    """Renewing does not depend on the clock; generations grow whichever way it went."""
    clock = tmp_path / "clock"
    with jumping_clock.installed(clock):
        lease = store.take_lease("somebody elsewhere")
        jumping_clock.jump(clock, hours * HOUR)
        store.renew_lease(lease)
        with pytest.raises(LeaseHeld, match="somebody elsewhere"):
            store.take_lease("another one")
        jumping_clock.jump(clock, 0.0)
        store.renew_lease(lease)
        store.give_lease_back(lease)
        assert store.take_lease("another one").generation > lease.generation


def test_a_clock_that_jumps_makes_no_lease_old_and_who_lost_one_is_fenced(store: Store, tmp_path: Path) -> None:
    """However late it is, somebody has to see that nobody renews it; then its holder writes no more."""
    clock = tmp_path / "clock"
    with jumping_clock.installed(clock):
        first = store.take_lease("somebody elsewhere")
        jumping_clock.jump(clock, HOUR)
        with pytest.raises(LeaseHeld, match="somebody elsewhere"):
            store.take_lease("another one")
        second = store.take_lease("another one", store.lease())
        assert second.generation > first.generation
        with pytest.raises(LeaseHeld, match="has passed to another one"):
            store.renew_lease(first)
        jumping_clock.jump(clock, 0.0)
        store.renew_lease(second)


def test_a_token_ends_by_the_clock(store: Store, tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    with jumping_clock.installed(clock):
        expires = tokens.datetime.now(UTC) + timedelta(hours=1)
        _, text = store.tokens.add("guest", Role.VIEWER, "tests", expires=expires)
        for hours, valid in ((0, True), (2, False), (-2, True), (0, True)):
            jumping_clock.jump(clock, hours * HOUR)
            assert (store.tokens.find(text) is not None) == valid


def test_the_clock_of_tests_is_that_of_every_module_that_asks_for_the_time() -> None:
    root = Path(sdnctl.__file__).parent
    asking = {
        ".".join(("sdnctl", *path.relative_to(root).with_suffix("").parts))
        for path in root.rglob("*.py")
        if re.search(r"datetime\.now\(", path.read_text(encoding="utf-8"))
    }
    dates = {"sdnctl.usecases.closures", "sdnctl.cli.fibre.checks"}  # what day it is, for people
    assert asking == {*jumping_clock.MODULES} | dates
    for path in root.rglob("*.py"):
        assert not re.search(r"from time import .*\btime\b", path.read_text(encoding="utf-8")), path
    assert leases.TTL < 26 * HOUR
