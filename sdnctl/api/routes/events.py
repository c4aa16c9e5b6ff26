"""The event stream (server-sent events): what happened, as it happens, from where a client left off.

    id: 5f0c11aa-17
    event: switch-down
    data: {"number": 17, "created": …, "kind": "switch-down", "subject": "switch core-a", …}

`id` is the run of the controller and the event's number in it. A client that comes back with it (Last-Event-ID)
misses nothing that is still kept; ``event: gap`` says that some were not, ``event: restart`` that the controller
was. Nothing is queued for a client: it reads from what the controller keeps, so a slow one costs little, and a
very slow one gets a gap.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse

from sdnctl.api.access import Viewer
from sdnctl.api.desk import AtDesk, Desk, problems
from sdnctl.api.tenancy import applications_of, own_event
from sdnctl.compiler.codec import canonical
from sdnctl.daemon.events import Event, Kind
from sdnctl.errors import Busy, Diagnostic

router = APIRouter(prefix="/v1", tags=["events"])
HEARTBEAT = 15.0
"""Seconds of silence after which a comment says that the connection is alive."""
_BATCH = 64  # events that are held for a client while it takes them

Since = Annotated[int | None, Query(ge=0, le=2**53, description="Events after this number; default: from now on.")]
View: TypeAlias = Callable[[tuple[Event, ...]], Awaitable[list[Event]]]
Until = Annotated[int | None, Query(ge=0, le=2**53, description="End the stream after this number.")]
Kinds = Annotated[list[Kind] | None, Query(description="Only these kinds, repeatable.")]
LastEventId = Annotated[str | None, Header(max_length=64)]


@router.get(
    "/events",
    summary="The event stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **problems(422, 503)},
)
async def events(
    desk: AtDesk,
    caller: Viewer,
    since: Since = None,
    until: Until = None,
    kind: Kinds = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Server-sent events until the client leaves (or `until`). A tenant is told what is about its applications."""
    if desk.crowd.listeners >= desk.crowd.limits.listeners:
        raise Busy(
            Diagnostic(
                "too-many",
                f"{desk.crowd.listeners} clients listen already",
                hint="close one, or ask again in a moment",
            )
        )
    start, restarted = _start(desk, since, last_event_id)
    wanted = frozenset(kind) if kind else frozenset(Kind)

    async def view(batch: tuple[Event, ...]) -> list[Event]:
        chosen = [event for event in batch if event.kind in wanted]
        if not caller.tenants or not chosen:
            return chosen
        applied = await asyncio.to_thread(desk.hub.applied)
        mine = applications_of(applied[1] if applied else None, caller.tenants)
        return [told for event in chosen if (told := own_event(event, mine)) is not None]

    return StreamingResponse(
        _stream(desk, start, until, restarted, view), media_type="text/event-stream", headers={"X-Run": desk.run}
    )


def _start(desk: Desk, since: int | None, last: str | None) -> tuple[int, bool]:
    """The number after which to begin, and whether the controller was started anew since the client knew it."""
    events = desk.hub.events
    if last:
        run, _, number = last.rpartition("-")
        known = number.isascii() and number.isdigit() and len(number) <= 16
        return (int(number), False) if known and run == desk.run else (0, True)
    return (events.last if since is None else since), False


async def _stream(desk: Desk, seen: int, until: int | None, restarted: bool, view: View) -> AsyncIterator[str]:
    desk.crowd.listeners += 1
    events = desk.hub.events
    last = until if until is not None else sys.maxsize
    try:
        yield f": {desk.run}\n\n"
        if restarted:
            yield _frame("restart", f"{desk.run}-0", {"run": desk.run})
        while not desk.stopping.is_set() and seen < last:
            batch = tuple(event for event in events.since(seen)[:_BATCH] if event.number <= last)
            if batch and batch[0].number > seen + 1:
                yield _frame("gap", f"{desk.run}-{batch[0].number - 1}", {"lost": batch[0].number - seen - 1})
            frames = [
                _frame(told.kind, f"{desk.run}-{told.number}", event_document(told)) for told in await view(batch)
            ]
            if frames:
                yield "".join(frames)
            if batch:
                seen = batch[-1].number
                await asyncio.sleep(0)  # who replays thousands holds up nobody, and may leave meanwhile
            elif events.last >= last:
                return
            elif not await _news(desk, seen):
                yield ": alive\n\n"
    finally:
        desk.crowd.listeners -= 1


async def _news(desk: Desk, seen: int) -> bool:
    """Wait for an event after `seen` or the end; False when there was none for a while."""
    tasks = [asyncio.ensure_future(one) for one in (desk.hub.events.after(seen), desk.stopping.wait())]
    try:
        done, _ = await asyncio.wait(tasks, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for task in tasks:
            task.cancel()


def event_document(event: Event) -> dict[str, Any]:
    """An event as the stream sends it."""
    return {
        "number": event.number,
        "created": event.created,
        "kind": str(event.kind),
        "subject": event.subject,
        "summary": event.summary,
        "severity": str(event.severity),
        "detail": json.loads(json.dumps(dict(event.detail), default=_plain)),
    }


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, set | frozenset) else str(value)


def _frame(kind: str, key: str, data: dict[str, Any]) -> str:
    return f"id: {key}\nevent: {kind}\ndata: {canonical(data)}\n\n"
