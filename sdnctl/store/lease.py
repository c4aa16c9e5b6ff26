"""One writer at a time: a lease row with a fencing generation, renewed while its holder works.

A lease outlives its holder by at most `TTL`; a holder that is known to be dead (a process of this
machine that no longer runs) is succeeded at once. Every change of holder raises the generation,
which is also OpenFlow's generation_id, so that a writer that was only asleep is fenced off.

Whether any other lease has run out is never read off a clock of the day: those of two machines differ, and jump.
Who waits for it looks at the row (`Watch`): one that nobody renewed for as long as a lease lasts, by a clock of
the waiter's own that only counts, is to be had. `until` in the row is for people, and tells one renewal from the
next.

Generations are milliseconds since 1970 where that is more than the last one plus one: switches remember the
largest that they have seen, and a store that was lost and made anew must not start below it.
"""

from __future__ import annotations

import getpass
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select, update

from sdnctl.errors import Diagnostic, LeaseHeld, StoreError
from sdnctl.store.database import transaction
from sdnctl.store.tables import leases

TTL = 15.0  # seconds
NAME = "writer"
ASK_IT = "ask it: --controller URL, or unix:PATH of its socket (`controller run --api`); or stop it first"


@dataclass(frozen=True, slots=True)
class Lease:
    """A held lease; `generation` grows with every change of holder."""

    holder: str
    generation: int


@dataclass(frozen=True, slots=True)
class Seen:
    """The row as it stood; no two renewals leave the same one."""

    holder: str
    generation: int
    until: float

    @property
    def lease(self) -> Lease:
        return Lease(self.holder, self.generation)


def seconds_awake_or_not() -> float:
    """A clock that nobody sets, and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass
class Watch:
    """Times how long a lease has not been renewed; one for each who waits."""

    ttl: float = TTL
    clock: Callable[[], float] = seconds_awake_or_not
    _seen: Seen | None = None
    _since: float = field(default=0.0)

    def silent(self, seen: Seen | None) -> bool:
        """Whether this row, read just now, has been what it is for longer than a lease lasts."""
        now = self.clock()
        if seen is None or seen != self._seen:
            self._seen, self._since = seen, now
        return seen is not None and now - self._since > self.ttl


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


def short(holder: str) -> str:
    """``user@host pid N``: what people need of a holder's name."""
    return holder.partition(" start ")[0]


def who_writes(holder: str) -> str:
    """What somebody is told to do who asked a standby for a change, while this is the holder ("" for nobody)."""
    if not holder:
        return "nobody holds the lease at the moment: this controller takes it within seconds; try again"
    who = short(holder)
    return (
        f"ask the controller that does, {who}" if of_controller(holder) else f"try again when {who} has finished"
    )


def of_controller(holder: str) -> bool:
    """Whether a holder is a controller, which keeps the lease for as long as it runs."""
    return " controller " in holder


def local_process(holder: str) -> int | None:
    """The process id of a holder that is or was a process of this machine; None for others, and where there is no
    /proc to tell."""
    try:
        who, _, process = holder.partition(" pid ")
        pid, _, rest = process.partition(" start ")
        if who.rpartition("@")[2] != socket.gethostname() or not Path("/proc/self/stat").exists():
            return None
        rest.split()[0]  # without a start time nobody can tell it from a later process of that number
        return int(pid)
    except (ValueError, IndexError):
        return None


def is_dead(holder: str) -> bool:
    """Whether `holder` is certainly gone; unknown (another machine, no /proc) counts as alive."""
    pid = local_process(holder)
    return pid is not None and _started(pid) != holder.partition(" start ")[2].split()[0]


def take(engine: Engine, holder: str, silent: Seen | None = None) -> Lease:
    """Take the lease; raises LeaseHeld with the holder's name while somebody else has it.

    `silent`: what a `Watch` found to be renewed by nobody; that holder counts as gone, unless it renewed since.
    """
    with transaction(engine) as connection:
        return _take(connection, holder, time.time(), silent)


def take_patiently(engine: Engine, holder: str, watch: Watch | None = None, look: float = 0.5) -> Lease:
    """As `take`; but where the time of another's lease seems to be over, first see whether somebody renews it.

    So the clock of the day alone lets nobody be robbed, and nobody be refused for ever: a lease whose end is in
    the past, or further away than any lease lasts, is looked at every `look` seconds until it is renewed
    (LeaseHeld) or was silent for long enough.
    """
    watch = watch or Watch(TTL)
    first: Seen | None = None
    while True:
        now = seen(engine)
        if now is None or not now.holder or watch.silent(now):
            return take(engine, holder, now)
        first = first or now
        if now != first or 0 <= now.until - time.time() <= TTL:
            raise LeaseHeld(_held(now.holder))
        time.sleep(look)


def renew(engine: Engine, lease: Lease) -> None:
    """Keep the lease for another `TTL`; raises LeaseHeld when it has passed on."""
    with transaction(engine) as connection:
        row = check(connection, lease)
        until = time.time() + TTL
        if until == row.until:  # a clock that stands still, or was set back to this very moment
            until += 0.001
        connection.execute(update(leases).where(leases.c.name == NAME).values(until=until))


def give_back(engine: Engine, lease: Lease) -> None:
    """Let the next one have the lease at once; nothing happens when it has passed on."""
    mine = (leases.c.name == NAME, leases.c.generation == lease.generation, leases.c.holder == lease.holder)
    with transaction(engine) as connection:
        connection.execute(update(leases).where(*mine).values(holder="", until=0.0))


def seen(engine: Engine) -> Seen | None:
    """The row as it stands; its holder is empty when nobody has the lease. None when nobody ever had."""
    with transaction(engine, reading=True) as connection:
        row = _row(connection)
    if row is None:
        return None
    return Seen("" if is_dead(row.holder) else row.holder, row.generation, row.until)


def _row(connection: Connection) -> Row[Any] | None:
    """The lease in the store."""
    return connection.execute(select(leases).where(leases.c.name == NAME)).one_or_none()


def _take(connection: Connection, holder: str, now: float, silent: Seen | None) -> Lease:
    row = _row(connection)
    first = int(now * 1000)
    if row is None:
        connection.execute(insert(leases).values(name=NAME, holder=holder, until=now + TTL, generation=first))
        return Lease(holder, first)
    mine = not row.holder or row.holder == holder or is_dead(row.holder)
    if not mine and Seen(row.holder, row.generation, row.until) != silent:
        raise LeaseHeld(_held(row.holder))
    generation = row.generation if row.holder == holder else max(row.generation + 1, first)
    renewed = connection.execute(
        update(leases)
        .where(leases.c.name == NAME, leases.c.generation == row.generation, leases.c.holder == row.holder)
        .values(holder=holder, until=now + TTL, generation=generation)
    )
    if renewed.rowcount != 1:
        raise LeaseHeld(Diagnostic("lease-held", "another writer took the lease just now", hint="try again"))
    return Lease(holder, generation)


def _held(holder: str) -> Diagnostic:
    controller = of_controller(holder)
    who = "a controller runs for this network" if controller else "another writer is at work"
    wait = "wait until it has finished; reading commands (plan, status, drift) work meanwhile"
    return Diagnostic(
        "lease-held",
        f"{who}: {short(holder)}",
        detail=f"were it gone, its lease would be given to another one within {TTL:.0f} s",
        hint=ASK_IT if controller else wait,
    )


def check(connection: Connection, lease: Lease) -> Row[Any]:
    """Inside a write transaction: the lease as it stands; LeaseHeld if it has passed to somebody else."""
    row = _row(connection)
    if row is None or row.generation != lease.generation or row.holder != lease.holder:
        now = short(row.holder) if row is not None and row.holder else "nobody"
        raise LeaseHeld(
            Diagnostic(
                "lease-lost",
                f"the lease of {short(lease.holder)} has passed to {now}",
                detail="this process was suspended for longer than the lease lasts; it writes nothing more",
                hint="run the command again",
            )
        )
    return row


@contextmanager
def hold(engine: Engine) -> Iterator[Lease]:
    """Hold the writer's lease for the length of a with-block; raises LeaseHeld with the holder's name.

    A thread renews it. A controller, which holds it for years, has a `Keeper` instead.
    """
    lease = take_patiently(engine, this_holder())
    done = threading.Event()

    def keep() -> None:
        while not done.wait(TTL / 3):
            try:
                renew(engine, lease)
            except LeaseHeld:
                return  # the next write of the holder fails its own check
            except StoreError:
                continue  # a busy store: two more tries before the lease runs out

    thread = threading.Thread(target=keep, name="sdnctl-lease", daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        done.set()
        thread.join()
        give_back(engine, lease)
