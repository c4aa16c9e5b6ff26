"""Opening the store: SQLite in WAL mode by default, any SQLAlchemy URL otherwise, schema brought up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from sdnctl.errors import Diagnostic, StoreError, brief

HEAD = "0004"
"""The newest migration; a store at this revision is opened without loading Alembic."""

_READING = "sdnctl_reading"
_PATIENCE = 10
"""Seconds that a writer waits for another one, on either kind of database."""
_WRITERS = 0x5D9C
"""The PostgreSQL advisory lock of writers: one number for every store, each in a database of its own."""


_ENDLESS = "it asks for more memory than there is"
"""What damaged lengths make SQLite do, without a word of its own."""
_UNUSABLE = SQLAlchemyError, sqlite3.Error, OSError, MemoryError, ModuleNotFoundError, UnicodeDecodeError


def open_engine(url: str) -> Engine:
    """Connect to `url` and migrate it to `HEAD`; raises StoreError when that is not possible.

    A store that was written by a newer sdnctl is refused rather than guessed at.
    """
    engine = None
    try:
        engine = _postgresql(url) if make_url(url).get_backend_name() == "postgresql" else create_engine(url)
        if engine.dialect.name == "sqlite":
            if engine.url.database:
                Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
            event.listen(engine, "connect", _tune_sqlite)
            event.listen(engine, "begin", _begin_immediate)
        # Whoever only reads must not wait for a writer either: a store that is up to date is not locked for this.
        with engine.execution_options(**{_READING: True}).begin() as connection:
            current = _revision(connection)
        if current != HEAD:
            with engine.begin() as connection:
                _migrate(connection, url)
    except BaseException as error:
        if engine is not None:
            engine.dispose()
        if isinstance(error, _UNUSABLE):
            raise StoreError(_unusable(url, error)) from error
        raise
    return engine


@contextmanager
def transaction(engine: Engine, *, reading: bool = False) -> Iterator[Connection]:
    """A transaction: all of it is there afterwards, or nothing; StoreError where the database fails.

    One that is only `reading` waits for no writer and holds none up: however many ask, the lease is renewed. What
    was read and is not what its column holds (SQLite stores anything anywhere, and files are damaged) is a
    StoreError too.
    """
    try:
        with (engine.execution_options(**{_READING: True}) if reading else engine).begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise StoreError(
            Diagnostic(
                "store-failed",
                "the store cannot be read or written",
                detail=brief(getattr(error, "orig", None) or error),
                hint="free disk space, fix permissions or restore the store, then run the command again: an "
                "apply resumes where it stopped",
            )
        ) from error
    except MemoryError as error:
        raise damaged("what the store holds", _ENDLESS) from error
    except (ValueError, TypeError, OverflowError) as error:
        # of SQLite's library also while it words an error: the text of it quotes the damaged file
        if not reading and not isinstance(error, UnicodeDecodeError):
            raise
        raise damaged("what the store holds", error) from error


def damaged(what: str, error: object) -> StoreError:
    """The error for something in the store that cannot be what was once written."""
    hint = "restore the store from a copy; `sdnctl plan --baseline none` shows what a new one would begin with"
    return StoreError(Diagnostic("store-damaged", f"{what} is damaged", detail=brief(error), hint=hint))


def _unusable(url: str, error: BaseException) -> Diagnostic:
    reason = error.orig if isinstance(error, DBAPIError) and error.orig else error
    shown = url.rsplit("@", 1)[-1]  # never print the credentials part of a URL
    hint = "check --store, the folder's permissions and the disk; the default is .sdnctl/ in the network folder"
    if isinstance(error, ModuleNotFoundError) and url.startswith("postgresql"):
        hint = "pip install 'sdnctl[postgres]', and write postgresql+psycopg://USER@HOST/DATABASE"
    return Diagnostic(
        "store-unusable", f"the store {shown} cannot be opened", detail=str(reason) or _ENDLESS, hint=hint
    )


def _tune_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not open transactions of its own: ours begin IMMEDIATE, so that two writers
    # queue up instead of failing half way.
    connection.isolation_level = None
    cursor = connection.cursor()
    waiting = f"busy_timeout={_PATIENCE * 1000}"
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", waiting):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    reading = connection.get_execution_options().get(_READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _postgresql(url: str) -> Engine:
    """An engine whose writers queue up as those of SQLite do.

    A server that restarted is connected to anew. One that vanished, or a writer that was stopped in the middle of
    a transaction, holds nobody up for longer than the patience.
    """
    limits = f"-c lock_timeout={_PATIENCE}s -c idle_in_transaction_session_timeout={_PATIENCE}s"
    alive = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
    arguments = {"connect_timeout": _PATIENCE, "options": limits, **alive}
    engine = create_engine(url, pool_pre_ping=True, connect_args=arguments)
    event.listen(engine, "begin", _queue_up)
    return engine


def _queue_up(connection: Connection) -> None:
    # What is read in a writing transaction, the lease above all, must still be so when it writes.
    if not connection.get_execution_options().get(_READING, False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


def _revision(connection: Connection) -> str | None:
    """The migration that the store is at, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _migrate(connection: Connection, url: str) -> None:
    current = _revision(connection)
    if current == HEAD:  # somebody else was faster
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            Diagnostic(
                "store-version",
                f"the store is at revision {current!r}, which this sdnctl does not know",
                address=url.rsplit("@", 1)[-1],
                detail=str(error),
                hint="it was written by a newer sdnctl: use that version, or another store",
            )
        ) from error
