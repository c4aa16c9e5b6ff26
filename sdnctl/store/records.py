"""What the store tells of itself, as values: they are read, made and shown without a database at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple


def now() -> str:
    """The time as the store writes it: ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state that was, is or was about to be applied; `content` is loaded by `Store.content`."""

    id: int
    created: str
    author: str
    reason: str
    state: str
    parent: int | None
    plan: str | None
    fingerprint: str
    summary: str


@dataclass(frozen=True, slots=True)
class JournalEntry:
    id: int
    created: str
    snapshot: int
    event: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one level of verification last said about one application, and of which snapshot."""

    application: str
    level: str
    created: str
    snapshot: int
    verdict: str
    detail: str


class AuditEntry(NamedTuple):
    """Who did what; `result` is ``begun``, ``done`` or the code of what stopped it, `plan` a fingerprint."""

    created: str
    author: str
    action: str
    detail: str
    plan: str | None
    result: str | None
