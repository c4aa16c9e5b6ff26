"""Which switch each device is: admitted, replaced; a running controller takes it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Response

from sdnctl.api.access import WholeOperator, WholeViewer
from sdnctl.api.bodies import BindingRequest, ReleaseRequest
from sdnctl.api.desk import AtDesk, Desk, answer, problems
from sdnctl.api.models.network import CablingDocument, DoorDocument
from sdnctl.api.models.records import BindingsDocument
from sdnctl.daemon import admission
from sdnctl.daemon.discovery import Discovery
from sdnctl.errors import Diagnostic, InputError
from sdnctl.store.bindings import Binding
from sdnctl.topology.graph import PortRef
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
    """Say which switch a device is; with `replace`, that another took its place.

    Without `certificate`, the one that it shows now has to be shown ever after.
    """
    dpid = admitting.parse_dpid(body.dpid)
    if body.certificate:
        work = admitting.replace if body.replace else admitting.admit
        made = await asyncio.to_thread(work, desk.hub.context, dpid, body.device, body.certificate, caller.name)
    elif body.replace:
        made = await admission.replace(desk.hub, body.device, dpid, caller.name)
    else:
        made = await admission.admit(desk.hub, dpid, body.device, caller.name)
    return answer(_document((made,)))


@router.get("/door", response_model=DoorDocument, responses=problems(500), summary="Switches at the door")
async def door(desk: AtDesk, _: WholeViewer) -> Response:
    """Those that dialled in and are no device of the network, with what they show."""
    found = await admission.waiting(desk.hub)
    return answer({"waiting": [one.document() for one in found]})


# ── cables ───────────────────────────────────────────────────────────────────────────────────────


@router.get("/cabling", response_model=CablingDocument, responses=problems(404, 500), summary="Cables, as found")
async def cabling(desk: AtDesk, _: WholeViewer) -> Response:
    """What is plugged where, against the plan; 404 where discovery is not part of this controller."""
    return answer(_discovery(desk).found().document())


@router.post(
    "/cabling/releases",
    response_model=CablingDocument,
    responses=problems(400, 404, 408, 409, 413, 415, 422, 500, 502, 503),
    summary="Give a port back",
)
async def release(desk: AtDesk, caller: WholeOperator, body: ReleaseRequest) -> Response:
    """A port that was shut carries again; it is shut again if its cable still leads where it should not."""
    discovery = _discovery(desk)
    node, _, port = body.port.rpartition(":")
    ref = PortRef(node, int(port))
    if ref not in desk.hub.quarantine.ports:
        raise InputError(Diagnostic("no-such-quarantine", f"port {ref} is not shut", address=f"port {ref}"))
    await discovery.release(ref, caller.name)
    return answer(discovery.found().document())


def _discovery(desk: Desk) -> Discovery:
    if desk.discovery is None:
        raise InputError(Diagnostic("no-such-part", "this controller does not look at cables"))
    return desk.discovery


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
