"""What a killed `lab up` had started and what goes on without it: ended, before it makes anything more.

Whoever is killed leaves the command that it was waiting for behind, and a daemon may only be about to detach. All
of them name the lab's key, as part of its namespace or run directory, on their command lines.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROGRAMS = frozenset(("ip", "tc", "ovsdb-tool", "ovs-vsctl", "ovsdb-server", "ovs-vswitchd"))
"""All that a lab is made with; anything else in its namespaces is somebody's who has to end it himself."""
PATIENCE = 5.0
"""Seconds until one that was killed is gone; longer only in a kernel that hangs."""


def end(key: str) -> bool:
    """Kill every process that was started to make the lab of this key; returns whether there was any.

    Safe to call at any time by whoever holds the lab's lock: nobody else makes anything then.
    """
    found = False
    deadline = time.monotonic() + PATIENCE
    while (running := list(_running(key))) and time.monotonic() < deadline:
        found = True
        for pid in running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)
    return found


def _running(key: str) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile; a zombie has no command line
            program, *words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if Path(program).name in PROGRAMS and any(key in word for word in words):
                yield int(entry.name)
