"""Which switch each device is: admitted, replaced; a running controller takes it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Response

from sdnctl.api.access import WholeOperator, WholeViewer
from sdnctl.api.desk import AtDesk, answer, problems
from sdnctl.api.models import BindingRequest, BindingsDocument
from sdnctl.store.bindings import Binding
from sdnctl.usecases import admitting

router = APIRouter(prefix="/v1", tags=["switches"])


@router.get("/bindings", response_model=BindingsDocument, responses=problems(500), summary="Which switch is which")
async def bindings(desk: AtDesk, _: WholeViewer) -> Response:
    """Every binding that was ever made, oldest first."""
    store = desk.hub.context.store
    return await desk.sent(lambda: _document(store.bindings.all()))


@router.post(
    "/bindings",
    response_model=BindingsDocument,
    responses=problems(400, 404, 408, 409, 413, 415, 422, 500),
    summary="Admit or replace a switch",
)
async def bind(desk: AtDesk, caller: WholeOperator, body: BindingRequest) -> Response:
    """Say which switch a device is; with `replace`, that another took its place."""
    work = admitting.replace if body.replace else admitting.admit
    dpid = admitting.parse_dpid(body.dpid)
    made = await asyncio.to_thread(work, desk.hub.context, dpid, body.device, body.certificate, caller.name)
    return answer(_document((made,)))


def _document(found: Iterable[Binding]) -> dict[str, Any]:
    return {
        "bindings": [
            {
                "device": one.device,
                "dpid": f"{one.dpid:016x}",
                "certificate": one.certificate,
                "created": one.created,
                "author": one.author,
                "retired": one.retired,
            }
            for one in found
        ]
    }
