"""Opening the store: SQLite in WAL mode by default, any SQLAlchemy URL otherwise, schema brought up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError

from sdnctl.errors import Diagnostic, StoreError

HEAD = "0003"
"""The newest migration; a store at this revision is opened without loading Alembic."""

_READING = "sdnctl_reading"


def open_engine(url: str) -> Engine:
    """Connect to `url` and migrate it to `HEAD`; raises StoreError when that is not possible.

    A store that was written by a newer sdnctl is refused rather than guessed at.
    """
    try:
        engine = create_engine(url)
        if engine.dialect.name == "sqlite":
            if engine.url.database:
                Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
            event.listen(engine, "connect", _tune_sqlite)
            event.listen(engine, "begin", _begin_immediate)
        with engine.begin() as connection:
            _migrate(connection, url)
    except (SQLAlchemyError, sqlite3.Error, OSError, ModuleNotFoundError, NoSuchModuleError) as error:
        raise StoreError(_unusable(url, error)) from error
    return engine


@contextmanager
def transaction(engine: Engine, *, reading: bool = False) -> Iterator[Connection]:
    """A transaction: all of it is there afterwards, or nothing; StoreError where the database fails.

    One that is only `reading` waits for no writer and holds none up: however many ask, the lease is renewed.
    """
    try:
        with (engine.execution_options(**{_READING: True}) if reading else engine).begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise StoreError(
            Diagnostic(
                "store-failed",
                "the store cannot be read or written",
                detail=str(getattr(error, "orig", None) or error),
                hint="free disk space, fix permissions or restore the store, then run the command again: an "
                "apply resumes where it stopped",
            )
        ) from error


def _unusable(url: str, error: BaseException) -> Diagnostic:
    reason = error.orig if isinstance(error, DBAPIError) and error.orig else error
    shown = url.rsplit("@", 1)[-1]  # never print the credentials part of a URL
    return Diagnostic(
        "store-unusable",
        f"the store {shown} cannot be opened",
        detail=str(reason),
        hint="check --store, the folder's permissions and the disk; the default is .sdnctl/ in the network folder",
    )


def _tune_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not open transactions of its own: ours begin IMMEDIATE, so that two writers
    # queue up instead of failing half way.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    reading = connection.get_execution_options().get(_READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _migrate(connection: Connection, url: str) -> None:
    current = None
    if inspect(connection).has_table("alembic_version"):
        current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if current == HEAD:
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
