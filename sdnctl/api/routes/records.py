"""What is remembered: snapshots with their journal, state and plan; verdicts; the audit trail."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from sdnctl.api.access import Admin, WholeOperator, WholeViewer
from sdnctl.api.bodies import VerdictsRequest
from sdnctl.api.desk import AtDesk, Desk, problems
from sdnctl.api.models.base import Answer
from sdnctl.api.models.records import (
    AppliedDocument,
    AuditDocument,
    HistoryDocument,
    JournalDocument,
    SnapshotDocument,
    VerdictsDocument,
)
from sdnctl.errors import Diagnostic, InputError
from sdnctl.store.store import Snapshot, Verdict, now
from sdnctl.usecases.documents import history_document, journal_document
from sdnctl.usecases.remembering import journal_of, remember

router = APIRouter(prefix="/v1", tags=["records"])
Number = Annotated[int, Path(ge=1, le=2**53, description="Of a snapshot.")]
Limit = Annotated[int, Query(ge=1, le=1000)]
Fingerprint = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="Of a plan.")]


@router.get("/applied", response_model=AppliedDocument, responses=problems(500), summary="What is applied")
async def applied(desk: AtDesk, _: WholeViewer) -> Response:
    """Its snapshot, and one that is under way or was interrupted."""
    store = desk.hub.context.store

    def read() -> dict[str, object]:
        snapshots = {"applied": store.applied(), "pending": store.pending()}
        return {name: asdict(one) if one is not None else None for name, one in snapshots.items()}

    return await desk.sent(read)


@router.get("/snapshots", response_model=HistoryDocument, responses=problems(422, 500), summary="History")
async def snapshots(desk: AtDesk, _: WholeViewer, limit: Limit = 50) -> Response:
    """What was applied, when, by whom and why, newest first."""
    return await desk.sent(lambda: history_document(remember(desk.hub.context, limit)))


@router.get(
    "/snapshots/{number}", response_model=SnapshotDocument, responses=problems(404, 422, 500), summary="A snapshot"
)
async def snapshot(desk: AtDesk, _: WholeViewer, number: Number) -> Response:
    """One line of the history."""
    return await desk.sent(lambda: {"snapshot": asdict(_known(desk, number))})


def _known(desk: Desk, number: int) -> Snapshot:
    found = desk.hub.context.store.snapshot(number)
    if found is None:
        raise InputError(
            Diagnostic("no-such-snapshot", f"snapshot {number} does not exist", hint="`sdnctl history` lists them")
        )
    return found


@router.get(
    "/snapshots/{number}/journal",
    response_model=JournalDocument,
    responses=problems(404, 422, 500),
    summary="Its journal",
)
async def journal(desk: AtDesk, _: WholeViewer, number: Number) -> Response:
    """How a snapshot came to be: begin, stages, end."""
    return await desk.sent(lambda: journal_document(journal_of(desk.hub.context, number)))


@router.get(
    "/snapshots/{number}/state",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}, **problems(404, 422, 500)},
    summary="Its state",
)
async def state(desk: AtDesk, _: WholeViewer, number: Number) -> Response:
    """All of it, as `compile -o` writes states."""

    def read() -> str:
        _known(desk, number)
        return desk.hub.context.store.content(number)

    return Response(await asyncio.to_thread(read), media_type="application/json")


@router.get(
    "/plans/{fingerprint}",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}, **problems(404, 422, 500)},
    summary="A plan that was followed",
)
async def plan(desk: AtDesk, _: WholeViewer, fingerprint: Fingerprint) -> Response:
    """As `plan -o` wrote it."""
    text = await asyncio.to_thread(desk.hub.context.store.plan, fingerprint)
    return Response(text, media_type="application/json")


@router.get("/verdicts", response_model=VerdictsDocument, responses=problems(500), summary="Verdicts")
async def verdicts(desk: AtDesk, _: WholeViewer) -> Response:
    """What each level of verification last said of each application."""
    store = desk.hub.context.store
    return await desk.sent(lambda: {"verdicts": [asdict(one) for one in store.verdicts()]})


@router.post(
    "/verdicts",
    response_model=Answer,
    responses=problems(400, 404, 408, 413, 415, 422, 500),
    summary="Keep verdicts",
)
async def keep_verdicts(desk: AtDesk, caller: WholeOperator, body: VerdictsRequest) -> Response:
    """What `verify --live` found where it ran; newer ones take the place of older ones."""
    store = desk.hub.context.store

    def keep() -> dict[str, object]:
        for number in sorted({one.snapshot for one in body.verdicts}):
            _known(desk, number)
        moment = now()
        store.record_verdicts(Verdict(created=moment, **one.model_dump()) for one in body.verdicts)
        store.record_audit(caller.name, "verify", f"{len(body.verdicts)} verdicts")
        return {}

    return await desk.sent(keep)


@router.get("/audit", response_model=AuditDocument, responses=problems(422, 500), summary="Audit trail")
async def audit(desk: AtDesk, _: Admin, limit: Limit = 100) -> Response:
    """Who did, or tried, what, with which plan, and what came of it; newest first."""
    store = desk.hub.context.store
    return await desk.sent(lambda: {"audit": [one._asdict() for one in store.audit_trail(limit)]})
