"""The network as it is: status, drift, verification, demands and trunks, what switches hold and count."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from sdnctl.api.access import Caller, Viewer, WholeOperator, WholeViewer
from sdnctl.api.bodies import AcknowledgeRequest, DemandsRequest, ObserveRequest, VerifyRequest
from sdnctl.api.desk import AtDesk, Desk, answer, problems
from sdnctl.api.models.network import (
    CountersDocument,
    DemandsDocument,
    DriftDocument,
    DriftWatchDocument,
    ObservationDocument,
    StatusDocument,
    TrunksDocument,
    VerificationDocument,
)
from sdnctl.api.tenancy import own_drift, own_status
from sdnctl.client.wire import counters_document, observation_document
from sdnctl.compiler.protection import stranded
from sdnctl.daemon import operations
from sdnctl.daemon.driftboard import DriftBoard
from sdnctl.errors import Diagnostic, InputError
from sdnctl.store.state import State
from sdnctl.usecases.documents import (
    drift_document,
    finding_document,
    status_document,
    verification_document,
)

router = APIRouter(prefix="/v1", tags=["network"])
By = Literal["application", "tenant", "area"]
Ids = Annotated[list[str], Query(min_length=1, max_length=1000, description="Demands, repeatable.")]


@router.get("/status", response_model=StatusDocument, responses=problems(422, 500), summary="Where things stand")
async def status(desk: AtDesk, caller: Viewer, by: By = "application") -> Response:
    """What is applied, which switches and links are up, and how fresh every application's proof is."""
    found = await operations.status(desk.hub, by)
    if caller.tenants:
        own = own_status(found, caller.tenants)
        return await desk.sent(lambda: {**status_document(own), "switches": None, "links": None})
    return await desk.sent(lambda: status_document(found))


@router.get("/drift", response_model=DriftDocument, responses=problems(409, 500), summary="Drift")
async def drift(desk: AtDesk, caller: Viewer) -> Response:
    """What switches hold, read now, against what was applied; a switch that does not answer is unknown."""
    found = await operations.drift(desk.hub)
    if caller.tenants:
        return await desk.sent(lambda: own_drift(drift_document(found), caller.tenants))
    return await desk.sent(lambda: drift_document(found))


@router.get("/drift/watch", response_model=DriftWatchDocument, responses=problems(500), summary="Drift, last seen")
async def drift_watch(desk: AtDesk, _: WholeViewer) -> Response:
    """What the controller saw when it looked last, without asking any switch."""
    board = desk.hub.drift
    return answer(drift_watch_document(board))


def drift_watch_document(board: DriftBoard) -> dict[str, Any]:
    """The board, in order of switches."""
    return {
        "ok": not board.frozen and all(one.state == "match" for one in board.switches.values()),
        "switches": [
            {
                "switch": one.switch,
                "seen": one.seen,
                "state": one.state,
                "counts": {str(state): count for state, count in one.counts.items()},
                "settings": one.settings,
                "foreign": one.foreign,
                "policy": str(one.policy),
                "frozen": board.frozen.get(one.switch),
                "acknowledged": board.acknowledged.get(one.switch),
                "findings": [finding_document(found) for found in one.findings],
            }
            for _, one in sorted(board.switches.items())
        ],
        "repairs": board.repairs,
    }


@router.post(
    "/drift/acknowledgements",
    response_model=DriftWatchDocument,
    responses=problems(400, 404, 408, 413, 415, 422, 500),
    summary="Acknowledge drift",
)
async def acknowledge(desk: AtDesk, caller: WholeOperator, body: AcknowledgeRequest) -> Response:
    """Somebody has looked at a switch that is frozen: it may be put right."""
    board = desk.hub.drift
    if not board.acknowledge(body.switch, caller.name):
        known = body.switch in desk.hub.fleet.devices()
        frozen = f"frozen: {', '.join(sorted(board.frozen))}" if board.frozen else "no switch is frozen"
        raise InputError(
            Diagnostic(
                "no-such-freeze",
                f"{body.switch} is not frozen" if known else f"there is no switch {body.switch}",
                address=f"switch {body.switch}",
                hint=frozen,
            )
        )
    store = desk.hub.context.store
    await desk.hub.compute(store.freezes.put, board.freezes[body.switch])  # before the look that this asked for
    await asyncio.to_thread(store.record_audit, caller.name, "acknowledge", f"drift of {body.switch}")
    desk.tell(caller.name, f"acknowledged the drift of {body.switch}")
    return answer(drift_watch_document(board))


@router.post(
    "/verify",
    response_model=VerificationDocument,
    responses=problems(400, 408, 409, 413, 415, 422, 500),
    summary="Verify",
)
async def verify(desk: AtDesk, _: WholeOperator, body: VerifyRequest) -> Response:
    """V1 under every single failure of a kind, on rules as applied or as read back; then V2, and it is kept."""
    found = await operations.verify(desk.hub, live=body.live, failures=body.failures)
    return await desk.sent(lambda: verification_document(found))


# ── demands and trunks ───────────────────────────────────────────────────────────────────────────


@router.get("/demands", response_model=DemandsDocument, responses=problems(409, 422, 500), summary="Some demands")
async def demands(desk: AtDesk, caller: Viewer, ids: Ids) -> Response:
    """Demands as they are applied; of those that are others' only that they are unknown."""
    return await _demands(desk, caller, ids)


@router.post(
    "/demands",
    response_model=DemandsDocument,
    responses=problems(400, 408, 409, 413, 415, 422, 500),
    summary="Many demands",
)
async def many_demands(desk: AtDesk, caller: Viewer, body: DemandsRequest) -> Response:
    """The same for more than an address can carry; changes nothing."""
    return await _demands(desk, caller, body.ids)


async def _demands(desk: Desk, caller: Caller, ids: Iterable[str]) -> Response:
    def make() -> dict[str, Any]:
        return demands_document(desk.hub.context.need_applied()[1], ids, caller.tenants)

    return await desk.sent(make)


def demands_document(state: State, ids: Iterable[str], tenants: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Demands by id, in the order they were asked for."""
    known = {one.id: one for one in state.compiled.demands if not tenants or one.tenant in tenants}
    trunks = {member: trunk for trunk in state.compiled.trunks for member in trunk.demands}
    lost = stranded(state.compiled, state.down) if state.down else frozenset()
    rows = []
    wanted = list(dict.fromkeys(ids))
    for key in wanted:
        if key not in known:
            continue
        one, trunk = known[key], trunks.get(key)
        rows.append(
            {
                "id": one.id,
                "application": one.application,
                "tenant": one.tenant,
                "class": one.service_class,
                "ingress": {"endpoint": one.ingress.id, "port": str(one.ingress.attachment)},
                "egress": {"endpoint": one.egress.id, "port": str(one.egress.attachment)},
                "cir": one.cir,
                "eir": one.eir,
                "grade": str(one.grade),
                "trunk": trunk.key if trunk else None,
                "label": trunk.label if trunk else None,
                "path": list(trunk.path.nodes) if trunk else [],
                "standby": list(trunk.standby.nodes) if trunk and trunk.standby else [],
                "cut_off": key in lost,
            }
        )
    return {"demands": rows, "unknown": [key for key in wanted if key not in known]}


@router.get("/trunks", response_model=TrunksDocument, responses=problems(409, 500), summary="All trunks")
async def all_trunks(desk: AtDesk, _: WholeViewer) -> Response:
    """The labelled paths that are applied."""
    return await desk.sent(lambda: trunks_document(desk.hub.context.need_applied()[1]))


def trunks_document(state: State) -> dict[str, Any]:
    """Trunks by key."""
    flipped = state.baseline.flipped
    return {
        "trunks": [
            {
                "key": one.key,
                "label": one.label,
                "path": list(one.path.nodes),
                "standby": list(one.standby.nodes) if one.standby else [],
                "grade": str(one.grade),
                "demands": len(one.demands),
                "flipped": one.key in flipped,
            }
            for one in state.compiled.trunks
        ]
    }


# ── switches ─────────────────────────────────────────────────────────────────────────────────────


@router.post(
    "/observation",
    response_model=ObservationDocument,
    responses=problems(400, 404, 408, 413, 415, 422, 500),
    tags=["switches"],
    summary="What switches hold",
)
async def observation(desk: AtDesk, _: WholeViewer, body: ObserveRequest) -> Response:
    """Rules and settings, read back now. Changes nothing."""
    newcomers = {name: int(dpid, 16) for name, dpid in body.newcomers.items()}
    found = await operations.observe(desk.hub, body.switches, newcomers)
    return await desk.sent(lambda: observation_document(found))


@router.get(
    "/counters", response_model=CountersDocument, responses=problems(500), tags=["switches"], summary="Counters"
)
async def counters(desk: AtDesk, _: WholeViewer) -> Response:
    """Ports and packets of every switch, read now."""
    found = await operations.counters(desk.hub)
    return await desk.sent(lambda: {"counters": counters_document(found)})
