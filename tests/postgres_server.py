"""A real PostgreSQL of its own for tests: a cluster in a new folder, on a socket only, gone afterwards.

PostgreSQL refuses to run as root, so root runs it as the user that Debian's package made.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

USER = "postgres" if os.geteuid() == 0 else None
SETTINGS = ("fsync=off", "full_page_writes=off", "listen_addresses=", "max_connections=60")
"""Quick, because nothing here needs to survive a power cut; what was committed survives a crash of the server."""


def programs() -> Path:
    """Where Debian has ``initdb`` and ``postgres``, which are not in PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    assert found, "postgresql is not installed"
    return found[-1].parent


@dataclass
class Postgres:
    """A running server."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=count)

    def start(self) -> None:
        command: list[str | Path] = [programs() / "postgres", "-D", self.folder / "data", "-k", self.folder]
        command += [part for setting in SETTINGS for part in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, user=USER, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until = time.monotonic() + 30
        while self._psql("postgres", "SELECT 1", check=False).returncode:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < until, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it at once (SIGINT: sessions are cut off, SIGQUIT: as after a crash)."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"store{next(self._numbers)}"
        self._psql("postgres", f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://sdnctl@/{name}?host={self.folder}"

    def ask(self, sql: str) -> str:
        """What the server itself says, outside of every store."""
        return self._psql("postgres", sql).stdout.decode().strip()

    def _psql(self, database: str, sql: str, *, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        command: list[str | Path] = [
            programs() / "psql",
            "-h",
            self.folder,
            "-U",
            "sdnctl",
            "-qAtc",
            sql,
            database,
        ]
        return subprocess.run(command, check=check, capture_output=True, timeout=30)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    # Not in pytest's own folder: only root may go through that, and the path of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="sdnctl-pg-"))
    try:
        if USER is not None:
            shutil.chown(folder, USER)
        command: list[str | Path] = [programs() / "initdb", "-D", folder / "data", "-U", "sdnctl", "-A", "trust"]
        command += ["-E", "UTF8", "--no-sync", "--locale=C"]
        subprocess.run(command, user=USER, cwd=folder, check=True, capture_output=True, timeout=60)
        server = Postgres(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
