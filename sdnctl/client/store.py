"""What a running controller remembers, read through it; written by nobody but the controller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from math import ceil
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection

from sdnctl.client.dialect import understood
from sdnctl.client.remote import Remote
from sdnctl.errors import Diagnostic, InputError, LeaseHeld, StoreError
from sdnctl.store.bindings import Binding, Bindings
from sdnctl.store.lease import Lease
from sdnctl.store.store import AuditEntry, JournalEntry, Snapshot, Store, Verdict
from sdnctl.store.tokens import Role, Token, Tokens

T = TypeVar("T")


class RemoteStore(Store):
    """The store behind a controller; what writes to it is refused, but for verdicts."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self.url = remote.where

    def close(self) -> None:
        """Whoever found the controller closes the connection."""

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def _latest(self, state: str) -> Snapshot | None:
        answer = self._remote.get("/v1/applied")
        with understood(self._remote.where):
            return Snapshot(**answer[state]) if answer[state] is not None else None

    def snapshot(self, number: int) -> Snapshot | None:
        try:
            answer = self._remote.get(f"/v1/snapshots/{number}")
        except InputError as error:
            if error.diagnostics[0].code == "no-such-snapshot":
                return None
            raise
        with understood(self._remote.where):
            return Snapshot(**answer["snapshot"])

    def history(self, limit: int = 50) -> tuple[Snapshot, ...]:
        return self._rows(Snapshot, "snapshots", self._remote.get("/v1/snapshots", limit=limit))

    def content(self, number: int) -> str:
        return self._remote.text(f"/v1/snapshots/{number}/state")

    def plan(self, fingerprint: str) -> str:
        return self._remote.text(f"/v1/plans/{fingerprint}")

    def journal(self, snapshot: int) -> tuple[JournalEntry, ...]:
        return self._rows(JournalEntry, "journal", self._remote.get(f"/v1/snapshots/{snapshot}/journal"))

    def audit_trail(self, limit: int = 100) -> tuple[AuditEntry, ...]:
        return self._rows(AuditEntry, "audit", self._remote.get("/v1/audit", limit=limit))

    def verdicts(self) -> tuple[Verdict, ...]:
        return self._rows(Verdict, "verdicts", self._remote.get("/v1/verdicts"))

    def _rows(self, kind: Callable[..., T], name: str, answer: dict[str, Any]) -> tuple[T, ...]:
        with understood(self._remote.where):
            return tuple(kind(**one) for one in answer[name])

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def record_verdicts(self, found: Iterable[Verdict]) -> None:
        rows = [asdict(one) for one in found]
        for row in rows:
            del row["created"]  # by the clock of the controller
        self._remote.post("/v1/verdicts", {"verdicts": rows})

    @property
    def tokens(self) -> Tokens:
        return RemoteTokens(self._remote)

    @property
    def bindings(self) -> Bindings:
        return RemoteBindings(self._remote)

    def hold(self) -> AbstractContextManager[Lease]:
        raise LeaseHeld(
            Diagnostic(
                "controller-writes",
                "a controller runs for this network and holds its lease",
                address=f"controller {self._remote.where}",
                hint="ask it: apply, rollback, controller flip, drain and reconcile do",
            )
        )

    def _read(self) -> NoReturn:
        raise self._elsewhere()

    @contextmanager
    def _write(self, lease: Lease) -> Iterator[Connection]:
        raise self._elsewhere()
        yield  # what makes it a generator

    def _elsewhere(self) -> StoreError:
        return StoreError(
            Diagnostic(
                "store-elsewhere",
                "the store is the controller's, and this is not told over its API",
                address=f"controller {self._remote.where}",
                hint="use `--controller none` beside the store, or stop the controller",
            )
        )


class RemoteTokens(Tokens):
    """The tokens of a controller."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def add(
        self,
        name: str,
        role: Role,
        author: str,
        *,
        tenants: tuple[str, ...] = (),
        expires: datetime | None = None,
    ) -> tuple[Token, str]:
        days = ceil((expires - datetime.now(UTC)).total_seconds() / 86400) if expires is not None else None
        body = {"name": name, "role": str(role), "tenants": list(tenants), "days": days}
        made = self._remote.post("/v1/tokens", body)
        with understood(self._remote.where):
            return _token(made["token"]), str(made["text"])

    def all(self) -> tuple[Token, ...]:
        answer = self._remote.get("/v1/tokens")
        with understood(self._remote.where):
            return tuple(_token(one) for one in answer["tokens"])

    def revoke(self, name: str, author: str) -> Token:
        answer = self._remote.delete(f"/v1/tokens/{quote(name, safe='')}")
        with understood(self._remote.where):
            return _token(answer["tokens"][0])

    def find(self, text: str, now: datetime | None = None) -> Token | None:
        """Only the controller looks tokens up."""
        return None


class RemoteBindings(Bindings):
    """Which switch each device is, as a controller knows it."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def all(self) -> tuple[Binding, ...]:
        answer = self._remote.get("/v1/bindings")
        with understood(self._remote.where):
            return tuple(_binding(one) for one in answer["bindings"])

    def bind(
        self, device: str, dpid: int, certificate: str, author: str, *, replaces: int | None = None
    ) -> Binding:
        body = {"device": device, "dpid": f"{dpid:016x}", "certificate": certificate}
        made = self._remote.post("/v1/bindings", {**body, "replace": replaces is not None})
        with understood(self._remote.where):
            return _binding(made["bindings"][0])


def _binding(data: dict[str, Any]) -> Binding:
    return Binding(**{**data, "dpid": int(data["dpid"], 16)})


def _token(data: dict[str, Any]) -> Token:
    return Token(0, **{**data, "role": Role(data["role"]), "tenants": tuple(data["tenants"])})
