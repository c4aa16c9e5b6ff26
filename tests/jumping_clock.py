"""sdnctl under a wall clock that jumps; the clocks that only count on are left as they are, as a jump leaves them.

A file holds by how many seconds the wall clock is wrong; whoever installed it looks there each time it asks.
Run as a program: ``jumping_clock.py FILE ARGUMENTS`` is ``sdnctl ARGUMENTS`` under that clock.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from unittest import mock

VARIABLE = "SDNCTL_TESTS_CLOCK"
"""Names the file for processes that are started."""
MODULES = (
    "sdnctl.api.routes.tokens",
    "sdnctl.cli.tokens",
    "sdnctl.client.store",
    "sdnctl.daemon.events",
    "sdnctl.store.bindings",
    "sdnctl.store.records",
    "sdnctl.store.secrets",
    "sdnctl.store.tokens",
    "sdnctl.usecases.status",
)
"""All that ask ``datetime.now`` about a network: the type cannot be changed, so their name for it is."""


def wrong_by(file: Path) -> float:
    """Seconds that the clock of this file is fast; 0 without one."""
    try:
        return float(file.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return 0.0


def jump(file: Path, seconds: float) -> None:
    """From now on the clock is so many seconds fast, for everybody at once."""
    draft = file.with_suffix(".new")
    draft.write_text(f"{seconds}", encoding="ascii")
    draft.replace(file)


@contextmanager
def installed(file: Path) -> Iterator[None]:
    """This process has the clock of the file."""
    real = time.time

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=wrong_by(file))

    def moved() -> float:
        return real() + wrong_by(file)

    patches = [mock.patch.object(time, "time", moved)]
    patches += [mock.patch.object(importlib.import_module(name), "datetime", Moved) for name in MODULES]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def install_from_environment() -> None:
    """For the rest of this process's life, where `VARIABLE` names a file."""
    if file := os.environ.get(VARIABLE):
        installed(Path(file)).__enter__()


if __name__ == "__main__":
    file = Path(sys.argv[1])
    sys.argv = ["sdnctl", *sys.argv[2:]]
    from sdnctl.cli.app import run

    with installed(file):
        run()
