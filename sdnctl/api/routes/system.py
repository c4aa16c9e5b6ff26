"""Is it alive, is it ready, how is it doing, what is it about."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from sdnctl import __version__
from sdnctl.api.access import WholeViewer
from sdnctl.api.desk import AtDesk, answer, problems
from sdnctl.api.models.base import Answer, Problem
from sdnctl.api.models.network import ControllerDocument
from sdnctl.api.problems import MEDIA_TYPE, response
from sdnctl.client.finding import fingerprint
from sdnctl.daemon.turns import Turn
from sdnctl.errors import Diagnostic
from sdnctl.store.lease import who_writes

router = APIRouter(tags=["controller"])


@router.get("/healthz", response_model=Answer, summary="Is the event loop alive?")
async def healthz() -> Response:
    """Answers as long as the event loop does."""
    return answer({})


@router.get(
    "/readyz",
    response_model=Answer,
    responses={503: {"model": Problem, "content": {MEDIA_TYPE: {}}}},
    summary="May changes be asked for?",
)
async def readyz(desk: AtDesk) -> Response:
    """503 on the standby and while the controller stops."""
    if desk.stopping.is_set() or desk.hub.lease is None:
        word, hint = ("stopping", "") if desk.stopping.is_set() else ("standby", who_writes(desk.hub.fleet.writer))
        return response(503, "LeaseHeld", Diagnostic(word, f"this controller is {word}", hint=hint))
    return answer({})


@router.get(
    "/metrics",
    summary="Measurements for Prometheus",
    response_class=Response,
    responses={200: {"content": {CONTENT_TYPE_LATEST: {"schema": {"type": "string"}}}}},
)
async def metrics(desk: AtDesk) -> Response:
    """In its text format."""
    text = await asyncio.to_thread(generate_latest, desk.hub.registry)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


@router.get("/v1/controller", response_model=ControllerDocument, responses=problems(), summary="This controller")
async def controller(desk: AtDesk, caller: WholeViewer) -> Response:
    """Master or standby, its switches, the change that is being made and those that wait."""
    hub = desk.hub
    up = hub.fleet.up
    turns = hub.turns
    return answer(
        {
            "version": __version__,
            "run": desk.run,
            "role": "master" if hub.lease is not None else "standby",
            "holder": hub.lease.holder if hub.lease is not None else hub.fleet.writer or None,
            "generation": hub.lease.generation if hub.lease is not None else None,
            "folder": str(hub.context.folder.absolute()),
            "store": fingerprint(hub.context.store.url),
            "switches": [
                {
                    "switch": device,
                    "connected": device in up,
                    "connections": hub.fleet.session(device),
                    "reason": hub.fleet.reason(device),
                }
                for device in hub.fleet.devices()
            ],
            "devices": list(hub.fleet.devices("attachments")),
            "current": _turn(turns.current) if turns.current is not None else None,
            "waiting": [_turn(one) for one in turns.waiting],
            "damped": sorted(hub.damped),
            "unhandled": hub.unhandled,
            "last_event": hub.events.last,
            "peer": caller.name,
        }
    )


def _turn(turn: Turn) -> dict[str, Any]:
    return {"urgency": turn.urgency.name.lower(), "what": turn.what, "by": turn.by}
