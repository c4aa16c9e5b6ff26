"""Tokens: shown once, hashed at rest, found by their text alone, ended by time or word; old stores get them."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from sdnctl.errors import InputError
from sdnctl.store import database
from sdnctl.store.store import Store
from sdnctl.store.tokens import LENGTH, PREFIX, Role


@pytest.fixture
def store(tmp_path: Path):
    opened = Store.open(f"sqlite:///{tmp_path}/store.db")
    yield opened
    opened.close()


def test_the_text_is_nowhere_in_the_store(store: Store, tmp_path: Path) -> None:
    token, text = store.tokens.add("ci", Role.OPERATOR, "ann@host", tenants=("b", "a", "a"))
    assert (len(text), text.startswith(PREFIX)) == (LENGTH, True)
    assert token.tenants == ("a", "b")
    store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("store.db*"))
    assert text.encode() not in kept
    assert text.removeprefix(PREFIX).encode() not in kept
    assert sha256(text.encode()).hexdigest().encode() in kept


def test_only_the_text_finds_it(store: Store) -> None:
    token, text = store.tokens.add("ci", Role.VIEWER, "ann@host")
    found = store.tokens.find(text)
    assert found is not None
    assert (found.name, found.role, found.used) == ("ci", Role.VIEWER, None)
    last = "A" if text[-1] != "A" else "B"
    for wrong in ("", "x", PREFIX, text[:-1], text[:-1] + last, text.swapcase(), text + "A"):
        assert store.tokens.find(wrong) is None, wrong
    hashed = sha256(text.encode()).hexdigest()
    assert store.tokens.find(hashed) is None, "who reads the store cannot log in with what is in it"
    assert store.tokens.all()[0].used is not None
    assert token.id == found.id


def test_it_ends_by_time_and_by_word(store: Store) -> None:
    now = datetime.now(UTC)
    _, brief = store.tokens.add("brief", Role.VIEWER, "ann@host", expires=now + timedelta(hours=1))
    _, text = store.tokens.add("ci", Role.VIEWER, "ann@host")
    assert store.tokens.find(brief, now + timedelta(minutes=59)) is not None
    assert store.tokens.find(brief, now + timedelta(minutes=61)) is None
    first = store.tokens.revoke("ci", "ann@host")
    assert store.tokens.find(text) is None
    assert store.tokens.revoke("ci", "ann@host") == first, "again is no error and changes nothing"
    with pytest.raises(InputError, match="no token named nobody"):
        store.tokens.revoke("nobody", "ann@host")
    with pytest.raises(InputError, match="there was"):
        store.tokens.add("ci", Role.VIEWER, "ann@host")


def test_use_is_noted_to_the_minute(store: Store) -> None:
    _, text = store.tokens.add("ci", Role.VIEWER, "ann@host")
    now = datetime.now(UTC)
    seen = []
    for seconds in (0, 30, 59, 61, 100):
        store.tokens.find(text, now + timedelta(seconds=seconds))
        seen.append(store.tokens.all()[0].used)
    assert len(set(seen)) == 2
    assert seen[2] != seen[3]


def test_an_admin_is_nobodys_tenant(store: Store) -> None:
    with pytest.raises(InputError, match="cannot belong to a tenant"):
        store.tokens.add("boss", Role.ADMIN, "ann@host", tenants=("town",))
    assert store.tokens.all() == ()


def test_roles_cover_those_below() -> None:
    table = {(a, b): a.covers(b) for a in Role for b in Role}
    assert [table[pair] for pair in table] == [True, False, False, True, True, False, True, True, True]


def test_what_happens_to_tokens_is_in_the_audit_trail(store: Store) -> None:
    store.tokens.add("ci", Role.VIEWER, "ann@host", tenants=("town",))
    store.tokens.revoke("ci", "bob@host")
    store.record_audit("token ci", "apply", "refused", plan="f" * 64, result="stale-plan")
    rows = store.audit_trail()
    assert [(row.author, row.action, row.detail, row.plan, row.result) for row in rows] == [
        ("token ci", "apply", "refused", "f" * 64, "stale-plan"),
        ("bob@host", "token-revoke", "token ci", None, "done"),
        ("ann@host", "token-add", "token ci: viewer of town", None, "done"),
    ]


def test_a_store_of_the_first_revision_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what was in it; made here as the first revision made it."""
    from alembic import command

    url = f"sqlite:///{tmp_path}/old.db"
    upgrade = command.upgrade
    with monkeypatch.context() as patched:
        patched.setattr(command, "upgrade", lambda config, _revision: upgrade(config, "0001"))
        patched.setattr(database, "HEAD", "0001")
        Store.open(url).close()
    with sqlite3.connect(tmp_path / "old.db") as old:
        assert old.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
        row = "2026-01-01T00:00:00Z", "ann", "apply", "d"
        old.execute("INSERT INTO audit (created, author, action, detail) VALUES (?, ?, ?, ?)", row)
    old.close()
    store = Store.open(url)
    assert [tuple(entry) for entry in store.audit_trail()] == [(*row, None, None)]
    _, text = store.tokens.add("ci", Role.VIEWER, "ann")
    assert store.tokens.find(text) is not None
    store.close()
