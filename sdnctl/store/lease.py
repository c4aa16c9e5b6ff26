"""One writer at a time: a lease row with a fencing generation, renewed while its holder works.

A lease outlives its holder by at most `TTL`; a holder that is known to be dead (a process of this
machine that no longer runs) is succeeded at once. Every change of holder raises the generation,
which is also OpenFlow's generation_id, so that a writer that was only asleep is fenced off.
"""

from __future__ import annotations

import getpass
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select, update

from sdnctl.errors import Diagnostic, LeaseHeld, StoreError
from sdnctl.store.database import transaction
from sdnctl.store.tables import leases

TTL = 15.0  # seconds
NAME = "writer"


@dataclass(frozen=True, slots=True)
class Lease:
    """A held lease; `generation` grows with every change of holder."""

    holder: str
    generation: int


def _started(pid: int) -> str | None:
    """Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat), None if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields[19]


def author() -> str:
    """``user@host``, as it is written into the audit trail."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no passwd entry, as in minimal containers
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def this_holder() -> str:
    """``user@host pid N start T thread`` of this process, unique also across reuse of process ids."""
    pid = os.getpid()
    return f"{author()} pid {pid} start {_started(pid) or '0'} thread {threading.get_ident()}"


def _is_dead(holder: str) -> bool:
    """Whether `holder` is certainly gone; unknown (another machine, no /proc) counts as alive."""
    try:
        who, _, process = holder.partition(" pid ")
        pid, _, rest = process.partition(" start ")
        if who.rpartition("@")[2] != socket.gethostname() or not Path("/proc/self/stat").exists():
            return False
        return _started(int(pid)) != rest.split()[0]
    except (ValueError, IndexError):
        return False


def _take(connection: Connection, holder: str, now: float) -> Lease:
    row = connection.execute(select(leases).where(leases.c.name == NAME)).one_or_none()
    if row is None:
        connection.execute(insert(leases).values(name=NAME, holder=holder, until=now + TTL, generation=1))
        return Lease(holder, 1)
    if row.holder and row.holder != holder and row.until >= now and not _is_dead(row.holder):
        raise LeaseHeld(
            Diagnostic(
                "lease-held",
                f"another writer is at work: {row.holder}",
                detail=f"its lease runs {row.until - now:.0f} s more unless it renews it",
                hint="wait until it has finished; reading commands (plan, status, drift) work meanwhile",
            )
        )
    generation = row.generation + (row.holder != holder)
    renewed = connection.execute(
        update(leases)
        .where(leases.c.name == NAME, leases.c.generation == row.generation, leases.c.holder == row.holder)
        .values(holder=holder, until=now + TTL, generation=generation)
    )
    if renewed.rowcount != 1:
        raise LeaseHeld(Diagnostic("lease-held", "another writer took the lease just now", hint="try again"))
    return Lease(holder, generation)


def check(connection: Connection, lease: Lease) -> None:
    """Inside a write transaction: fail if the lease has passed to somebody else meanwhile."""
    row = connection.execute(select(leases).where(leases.c.name == NAME)).one_or_none()
    if row is None or row.generation != lease.generation or row.holder != lease.holder:
        raise LeaseHeld(
            Diagnostic(
                "lease-lost",
                f"the lease of {lease.holder} has passed to {row.holder if row else 'nobody'}",
                detail="this process was suspended for longer than the lease lasts; it writes nothing more",
                hint="run the command again",
            )
        )


@contextmanager
def hold(engine: Engine) -> Iterator[Lease]:
    """Hold the writer's lease for the length of a with-block; raises LeaseHeld with the holder's name."""
    holder = this_holder()
    with transaction(engine) as connection:
        lease = _take(connection, holder, time.time())
    done = threading.Event()

    def renew() -> None:
        while not done.wait(TTL / 3):
            try:
                with transaction(engine) as connection:
                    check(connection, lease)
                    connection.execute(update(leases).where(leases.c.name == NAME).values(until=time.time() + TTL))
            except LeaseHeld:
                return  # the next write of the holder fails its own check
            except StoreError:
                continue  # a busy store: two more tries before the lease runs out

    thread = threading.Thread(target=renew, name="sdnctl-lease", daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        done.set()
        thread.join()
        with transaction(engine) as connection:
            connection.execute(
                update(leases)
                .where(leases.c.name == NAME, leases.c.generation == lease.generation, leases.c.holder == holder)
                .values(holder="", until=0.0)
            )
