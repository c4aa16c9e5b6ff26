"""Changes: plans made and followed, undone, finished.

Each waits for its turn and is answered when it is done; meanwhile its events (`/v1/events`) carry `operation`,
which a client may choose with the header Sdnctl-Operation. Whoever hangs up before the turn came has changed
nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response

from sdnctl.api.access import Caller, Operator, WholeOperator, WholeViewer
from sdnctl.api.bodies import (
    ApplyRequest,
    DrainRequest,
    FlipRequest,
    PlanRequest,
    ReconcileRequest,
    ResumeRequest,
    RollbackRequest,
)
from sdnctl.api.desk import CHANGING, AtDesk, Desk, large_body, posted, problems
from sdnctl.api.models.changes import (
    OutcomeDocument,
    PlanDocument,
    ReconciledDocument,
    ResumedDocument,
    RollbackDocument,
)
from sdnctl.api.tenancy import check_own
from sdnctl.daemon import operations
from sdnctl.daemon.documents import reconciled_document
from sdnctl.daemon.moving import Reconciled
from sdnctl.daemon.operations import Call
from sdnctl.errors import Diagnostic, InputError, SdnctlError, StoreError
from sdnctl.plan.model import Plan
from sdnctl.plan.serialise import read as read_plan
from sdnctl.store.state import State
from sdnctl.store.state import read as read_state
from sdnctl.usecases.documents import outcome_document, plan_document

router = APIRouter(prefix="/v1", tags=["changes"])
Operation = Annotated[
    str | None, Header(alias="Sdnctl-Operation", pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="Of your choice.")
]


def call_of(caller: Caller, operation: str | None) -> Call:
    """Who asks, under the id that they chose."""
    return Call(caller.name, operation) if operation else Call(caller.name)


async def _uploaded(desk: Desk, document: Any) -> State:
    """A state that a client sent; raises InputError, because it is not our store that is damaged."""

    def read() -> State:
        try:
            state = read_state(document)
            state.compiled_fingerprint  # noqa: B018  (it is what the plan is compared with, and takes a while)
        except (StoreError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            reason = error.diagnostics[0] if isinstance(error, SdnctlError) else None
            raise InputError(
                Diagnostic(
                    "state-unreadable",
                    "the state cannot be read",
                    address="state",
                    detail=(reason.detail or reason.summary) if reason else str(error),
                    hint="send what `sdnctl compile -o` writes",
                )
            ) from error
        return state

    return await desk.hub.compute(read)


@router.post(
    "/plans",
    response_model=PlanDocument,
    responses=problems(400, 408, 409, 413, 415, 422, 500),
    openapi_extra=large_body(PlanRequest),
    summary="Make a plan",
)
async def make_plan(desk: AtDesk, _: WholeViewer, request: Request) -> Response:
    """What would have to change for this state, from what switches hold now; changes nothing."""
    body = await posted(request, PlanRequest)
    prepared = await operations.plan(desk.hub, await _uploaded(desk, body.state))
    return await desk.sent(lambda: plan_document(prepared))


@router.post(
    "/apply",
    response_model=OutcomeDocument,
    responses=problems(*CHANGING),
    openapi_extra=large_body(ApplyRequest),
    summary="Follow a plan",
)
async def apply(desk: AtDesk, caller: Operator, request: Request, operation: Operation = None) -> Response:
    """Exactly this plan, to exactly this state, or nothing.

    409 where the network changed since it was made, or a protected class would be interrupted that is not in
    `allow_outage`. A tenant's plan may concern its own applications only.
    """
    body = await posted(request, ApplyRequest)
    plan = await desk.hub.compute(read_plan, body.plan)
    state = await _uploaded(desk, body.state)
    check: operations.Check | None = None
    if caller.tenants:

        def check(before: State | None, after: State, what: Plan) -> None:
            check_own(caller.tenants, before, after, what)

    call = call_of(caller, operation)
    outcome = await desk.until_done(
        request,
        call,
        lambda call: operations.apply(
            desk.hub,
            call,
            state,
            plan,
            allow_outage=frozenset(body.allow_outage),
            reason=body.reason,
            summary=body.summary,
            check=check,
        ),
    )
    return await desk.sent(operated(call, lambda: outcome_document(outcome, None)))


def operated(call: Call, make: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """An answer that says which events were about it."""
    return lambda: {"operation": call.id, **make()}


@router.post("/rollback", response_model=RollbackDocument, responses=problems(404, *CHANGING), summary="Go back")
async def rollback(
    desk: AtDesk, caller: WholeOperator, request: Request, body: RollbackRequest, operation: Operation = None
) -> Response:
    """Plan and apply the way back to an earlier snapshot; without `to`, to the last one with other rules."""
    call = call_of(caller, operation)
    outcome, to = await desk.until_done(
        request,
        call,
        lambda call: operations.rollback(desk.hub, call, body.to, allow_outage=frozenset(body.allow_outage)),
    )
    return await desk.sent(operated(call, lambda: {**outcome_document(outcome, None), "undone": None, "to": to}))


@router.post("/resume", response_model=ResumedDocument, responses=problems(*CHANGING), summary="Finish or undo")
async def resume(
    desk: AtDesk, caller: WholeOperator, request: Request, body: ResumeRequest, operation: Operation = None
) -> Response:
    """Finish, or undo, a change that was interrupted; `snapshot` is null where there is none."""
    call = call_of(caller, operation)
    number = await desk.until_done(request, call, lambda call: operations.resume(desk.hub, call, back=body.back))
    return await desk.sent(operated(call, lambda: {"snapshot": number}))


# ── moves ────────────────────────────────────────────────────────────────────────────────────────


@router.post("/reconcile", response_model=ReconciledDocument, responses=problems(*CHANGING), summary="One pass")
async def reconcile(
    desk: AtDesk, caller: WholeOperator, request: Request, body: ReconcileRequest, operation: Operation = None
) -> Response:
    """Pin what was cut, move what was hit, repair drift, release what healed: what it does anyway, now."""
    return await _moved(
        desk,
        caller,
        request,
        operation,
        lambda call: operations.reconcile(desk.hub, call, hold_down=body.hold_down),
    )


@router.post("/flips", response_model=ReconciledDocument, responses=problems(*CHANGING), summary="Flip trunks")
async def flip(
    desk: AtDesk, caller: WholeOperator, request: Request, body: FlipRequest, operation: Operation = None
) -> Response:
    """Switch `disjoint` trunks to their standby path, or back: all of them in one snapshot, or none."""
    return await _moved(
        desk, caller, request, operation, lambda call: operations.flip(desk.hub, call, body.trunks)
    )


@router.post("/drains", response_model=ReconciledDocument, responses=problems(404, *CHANGING), summary="Drain")
async def drain(
    desk: AtDesk, caller: WholeOperator, request: Request, body: DrainRequest, operation: Operation = None
) -> Response:
    """Move what only passes through a switch away from it, hitless; with `back`, let it carry again."""
    return await _moved(
        desk,
        caller,
        request,
        operation,
        lambda call: operations.drain(desk.hub, call, body.switch, back=body.back),
    )


async def _moved(
    desk: Desk,
    caller: Caller,
    request: Request,
    operation: str | None,
    work: Callable[[Call], Awaitable[Reconciled]],
) -> Response:
    call = call_of(caller, operation)
    found = await desk.until_done(request, call, work)
    return await desk.sent(operated(call, lambda: reconciled_document(found)))
