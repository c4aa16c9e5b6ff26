"""What the API says of changes: plans, and what became of what was asked for."""

from __future__ import annotations

from typing import Any

from sdnctl.api.models.base import Answer, DiagnosticDocument, Document
from sdnctl.api.models.network import V1Document
from sdnctl.plan.summary import Summary


class PlanDocument(Answer):
    """A plan as `plan -o` writes it, its numbers, and the proof of what it leads to."""

    empty: bool
    summary: Summary
    plan: dict[str, Any]
    proof: V1Document | None
    diagnostics: list[DiagnosticDocument]


class Operated(Answer):
    """A change that was made; its events carry `operation`."""

    operation: str


class OutcomeDocument(Operated):
    """What an apply did; `snapshot` is null where nothing had to change."""

    snapshot: int | None
    resumed: int | None
    summary: Summary
    plan: str


class RollbackDocument(OutcomeDocument):
    undone: int | None
    to: int


class ResumedDocument(Operated):
    snapshot: int | None


class StepDocument(Document):
    action: str
    snapshot: int
    seconds: float
    summary: Summary


class MovedDocument(Document):
    trunk: str
    applications: list[str]
    before: list[str]
    after: list[str]
    grade_before: str
    grade_after: str
    links_before: list[str]
    links_after: list[str]
    demands: int


class ReconciledDocument(Operated):
    down: list[str]
    healed: list[str]
    waiting: list[str]
    unreachable: list[str]
    steps: list[StepDocument]
    moved: list[MovedDocument]
