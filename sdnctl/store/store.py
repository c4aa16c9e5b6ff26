"""The store: snapshots, plans, journal and audit behind a few verbs; every write is fenced by the lease."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update

from sdnctl.errors import Diagnostic, StoreError
from sdnctl.store import lease as leases
from sdnctl.store.bindings import Bindings
from sdnctl.store.blobs import pack, read_object, unpack, whole_text
from sdnctl.store.database import open_engine, transaction
from sdnctl.store.freezes import Freezes
from sdnctl.store.lease import Lease, Seen
from sdnctl.store.records import AuditEntry, JournalEntry, Snapshot, Verdict, now
from sdnctl.store.secrets import secret
from sdnctl.store.tables import audit, journal, plans, snapshots, verdicts
from sdnctl.store.tokens import Tokens

__all__ = ["AuditEntry", "JournalEntry", "Snapshot", "Store", "Verdict", "now"]

_SNAPSHOT = [snapshots.c[name] for name in Snapshot.__dataclass_fields__]


class Store:
    """An open store. Methods that write take the lease and fail with LeaseHeld if it was lost."""

    def __init__(self, engine: Engine, url: str) -> None:
        self._engine = engine
        self.url = url

    @classmethod
    def open(cls, url: str) -> Store:
        return cls(open_engine(url), url)

    def close(self) -> None:
        self._engine.dispose()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def _latest(self, state: str) -> Snapshot | None:
        query = select(*_SNAPSHOT).where(snapshots.c.state == state).order_by(snapshots.c.id.desc()).limit(1)
        with self._read() as connection:
            row = connection.execute(query).one_or_none()
        return Snapshot(*row) if row else None

    def applied(self) -> Snapshot | None:
        """The newest snapshot that was applied completely."""
        return self._latest("applied")

    def pending(self) -> Snapshot | None:
        """The snapshot of an apply that was begun and neither finished nor abandoned."""
        return self._latest("pending")

    def snapshot(self, number: int) -> Snapshot | None:
        with self._read() as connection:
            row = connection.execute(select(*_SNAPSHOT).where(snapshots.c.id == number)).one_or_none()
        return Snapshot(*row) if row else None

    def history(self, limit: int = 50) -> tuple[Snapshot, ...]:
        """Snapshots, newest first."""
        query = select(*_SNAPSHOT).order_by(snapshots.c.id.desc()).limit(limit)
        with self._read() as connection:
            return tuple(Snapshot(*row) for row in connection.execute(query))

    def content(self, number: int) -> str:
        """The JSON of a snapshot; raises StoreError when it is not there or was damaged.

        A snapshot that was written as what differs from an earlier one (``base``) is put together with that.
        """

        def cell(number: int) -> bytes | None:
            with self._read() as connection:
                return connection.execute(select(snapshots.c.content).where(snapshots.c.id == number)).scalar()

        return whole_text(number, cell)

    def plan(self, fingerprint: str) -> str:
        """The JSON of a stored plan."""
        with self._read() as connection:
            blob = connection.execute(select(plans.c.content).where(plans.c.fingerprint == fingerprint)).scalar()
        return unpack(blob, f"plan {fingerprint[:12]}")

    def journal(self, snapshot: int) -> tuple[JournalEntry, ...]:
        query = select(journal).where(journal.c.snapshot == snapshot).order_by(journal.c.id)
        with self._read() as connection:
            return tuple(
                JournalEntry(row.id, row.created, row.snapshot, row.event, read_object(row.detail, "the journal"))
                for row in connection.execute(query)
            )

    def audit_trail(self, limit: int = 100) -> tuple[AuditEntry, ...]:
        """Who did what, newest first."""
        columns = [audit.c[name] for name in AuditEntry._fields]
        query = select(*columns).order_by(audit.c.id.desc()).limit(limit)
        with self._read() as connection:
            return tuple(AuditEntry(*row) for row in connection.execute(query))

    def verdicts(self) -> tuple[Verdict, ...]:
        """The latest verdict of every application and level."""
        query = select(*(verdicts.c[name] for name in Verdict.__dataclass_fields__)).order_by(
            verdicts.c.application, verdicts.c.level
        )
        with self._read() as connection:
            return tuple(Verdict(*row) for row in connection.execute(query))

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def begin(
        self,
        lease: Lease,
        *,
        content: str,
        fingerprint: str,
        reason: str,
        author: str,
        summary: str,
        plan: tuple[str, str] | None = None,
    ) -> int:
        """Record what is about to be applied, before any device is touched; returns the snapshot's number.

        `plan` is (fingerprint, JSON). One transaction: either all of it is there after a crash, or nothing.
        """
        with self._write(lease) as connection:
            if connection.execute(select(snapshots.c.id).where(snapshots.c.state == "pending")).first():
                raise StoreError(
                    Diagnostic(
                        "apply-unfinished",
                        "an earlier apply has not been finished",
                        hint="`sdnctl apply` finishes or rolls it back before it does anything new",
                    )
                )
            if plan is not None:
                known = connection.execute(select(plans.c.fingerprint).where(plans.c.fingerprint == plan[0]))
                if known.first() is None:
                    values = {"fingerprint": plan[0], "created": now(), "content": pack(plan[1])}
                    connection.execute(insert(plans).values(**values))
            parent = connection.execute(
                select(snapshots.c.id)
                .where(snapshots.c.state == "applied")
                .order_by(snapshots.c.id.desc())
                .limit(1)
            ).scalar()
            number = connection.execute(
                insert(snapshots).values(
                    created=now(),
                    author=author,
                    reason=reason,
                    state="pending",
                    parent=parent,
                    plan=plan[0] if plan else None,
                    fingerprint=fingerprint,
                    summary=summary,
                    content=pack(content),
                )
            ).inserted_primary_key
            assert number is not None
            _note(connection, number[0], "begin", {"plan": plan[0] if plan else None, "reason": reason})
            what = f"snapshot {number[0]}: {summary}"
            _audit(connection, author, reason, what, plan[0] if plan else None, "begun")
            return int(number[0])

    def note(self, lease: Lease, snapshot: int, event: str, detail: Mapping[str, Any]) -> None:
        """Add a journal entry."""
        with self._write(lease) as connection:
            _note(connection, snapshot, event, detail)

    def finish(self, lease: Lease, snapshot: int, *, content: str | None = None) -> None:
        """The pending snapshot is now what is applied; `content` replaces it where the apply learned more."""
        with self._write(lease) as connection:
            _close(
                connection, snapshot, "applied", "end", {"content": pack(content)} if content is not None else {}
            )

    def abandon(self, lease: Lease, snapshot: int, why: str, *, successor: tuple[str, str] | None = None) -> None:
        """The pending snapshot was rolled back; the one before it is still what is applied.

        `successor`, (fingerprint, JSON), becomes what is applied where going back taught something new.
        """
        with self._write(lease) as connection:
            _close(connection, snapshot, "abandoned", "abandoned", {}, why)
            if successor is None:
                return
            row = connection.execute(
                select(snapshots.c.author, snapshots.c.parent).where(snapshots.c.id == snapshot)
            ).one()
            fingerprint, content = successor
            values = {"author": row.author, "parent": row.parent, "reason": "rollback", "state": "applied"}
            values |= {"fingerprint": fingerprint, "summary": f"undid snapshot {snapshot}", "created": now()}
            connection.execute(insert(snapshots).values(**values, plan=None, content=pack(content)))

    def record_verdicts(self, found: Iterable[Verdict]) -> None:
        """Keep the latest verdict of each application and level.

        Needs no lease: verifying changes nothing, and the newest measurement wins.
        """
        with transaction(self._engine) as connection:
            for verdict in found:
                key = (verdicts.c.application == verdict.application, verdicts.c.level == verdict.level)
                connection.execute(delete(verdicts).where(*key))
                connection.execute(insert(verdicts).values(**asdict(verdict)))

    def record_audit(
        self, author: str, action: str, detail: str, *, plan: str | None = None, result: str = "done"
    ) -> None:
        """Add to the audit trail what somebody did, or tried; needs no lease."""
        with transaction(self._engine) as connection:
            _audit(connection, author, action, detail, plan, result)

    @property
    def tokens(self) -> Tokens:
        """Who may use the API."""
        return Tokens(self._engine)

    def hold(self) -> AbstractContextManager[Lease]:
        """The writer's lease, as a context manager (`lease.hold`)."""
        return leases.hold(self._engine)

    @property
    def bindings(self) -> Bindings:
        """Which switch each device is."""
        return Bindings(self._engine)

    @property
    def freezes(self) -> Freezes:
        """Switches whose drift is left as it is."""
        return Freezes(self._engine)

    def secret(self, name: str) -> bytes:
        """The secret of this name, 32 random octets, made when it is asked for first."""
        return secret(self._engine, name)

    def take_lease(self, holder: str, silent: Seen | None = None) -> Lease:
        """Take the writer's lease without a with-block; raises LeaseHeld. Who does renews it and gives it back."""
        return leases.take(self._engine, holder, silent)

    def take_lease_patiently(self, holder: str) -> Lease:
        """As `take_lease`, also where a holder that nobody knows to be gone left it behind: see `lease`."""
        return leases.take_patiently(self._engine, holder)

    def renew_lease(self, lease: Lease) -> None:
        """Keep it for another `lease.TTL` seconds; raises LeaseHeld when it has passed on."""
        leases.renew(self._engine, lease)

    def give_lease_back(self, lease: Lease) -> None:
        leases.give_back(self._engine, lease)

    def lease(self) -> Seen | None:
        """The lease as it stands, with an empty holder when nobody has it; None when nobody ever had."""
        return leases.seen(self._engine)

    def _read(self) -> AbstractContextManager[Connection]:
        return transaction(self._engine, reading=True)

    @contextmanager
    def _write(self, lease: Lease) -> Iterator[Connection]:
        """A write transaction that checks the lease first."""
        with transaction(self._engine) as connection:
            leases.check(connection, lease)
            yield connection


def _close(
    connection: Connection, snapshot: int, state: str, event: str, values: Mapping[str, Any], why: str = ""
) -> None:
    """A pending snapshot gets its final state."""
    pending = (snapshots.c.id == snapshot, snapshots.c.state == "pending")
    if connection.execute(update(snapshots).where(*pending).values(state=state, **values)).rowcount != 1:
        raise StoreError(f"snapshot {snapshot} is not pending")
    _note(connection, snapshot, event, {"why": why} if why else {})


def _note(connection: Connection, snapshot: int, event: str, detail: Mapping[str, Any]) -> None:
    text = json.dumps(detail, sort_keys=True)
    connection.execute(insert(journal).values(created=now(), snapshot=snapshot, event=event, detail=text))


def _audit(
    connection: Connection, author: str, action: str, detail: str, plan: str | None, result: str | None
) -> None:
    values = {"created": now(), "author": author, "action": action, "detail": detail}
    connection.execute(insert(audit).values(**values, plan=plan, result=result))
