"""What the API says of what was: snapshots, journals, audit trail, verdicts, events; and who and what is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sdnctl.api.models.base import Answer, Document
from sdnctl.store.store import Snapshot


class HistoryDocument(Answer):
    snapshots: list[Snapshot]


class SnapshotDocument(Answer):
    snapshot: Snapshot


class JournalLine(Document):
    id: int
    created: str
    snapshot: int
    event: str
    detail: dict[str, Any]


class JournalDocument(Answer):
    journal: list[JournalLine]


class AppliedDocument(Answer):
    """The newest snapshot that was applied, and one that is under way or was interrupted."""

    applied: Snapshot | None
    pending: Snapshot | None


class AuditLine(Document):
    created: str
    author: str
    action: str
    detail: str
    plan: str | None
    result: str | None


class AuditDocument(Answer):
    audit: list[AuditLine]


class VerdictLine(Document):
    application: str
    level: Literal["V1", "V2", "V3"]
    created: str
    snapshot: int
    verdict: str
    detail: str


class VerdictsDocument(Answer):
    verdicts: list[VerdictLine]


class TokenDocument(Document):
    """What is kept of a token: not its text."""

    name: str
    role: Literal["viewer", "operator", "admin"]
    tenants: list[str]
    created: str
    author: str
    expires: str | None
    used: str | None
    revoked: str | None


class TokensDocument(Answer):
    tokens: list[TokenDocument]


class NewTokenDocument(Answer):
    """A token and its text, which is shown here and never again."""

    token: TokenDocument
    text: str


class BindingDocument(Document):
    """Which switch a device is, or was until `retired`."""

    device: str
    dpid: str
    certificate: str
    created: str
    author: str
    retired: str | None


class BindingsDocument(Answer):
    bindings: list[BindingDocument]


class EventDocument(Document):
    """One event of the stream; `detail` depends on its kind."""

    number: int
    created: str
    kind: str
    subject: str
    summary: str
    severity: Literal["info", "warning", "critical"]
    detail: Mapping[str, Any]
