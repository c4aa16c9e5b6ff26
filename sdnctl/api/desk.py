"""What the routes share: the hub, the work under way, answers that are made without holding up the event loop."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from sdnctl.api.connections import Crowd
from sdnctl.api.models.base import Problem
from sdnctl.api.problems import MEDIA_TYPE
from sdnctl.daemon.discovery import Discovery
from sdnctl.daemon.events import Kind
from sdnctl.daemon.hub import Hub
from sdnctl.daemon.operations import Call
from sdnctl.errors import Busy, Diagnostic
from sdnctl.usecases.documents import FORMAT

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class ClientLeft(Exception):
    """Whoever asked is gone, and nothing had begun."""


@dataclass
class Desk:
    """One running API. `run` changes with every start: event numbers count within it."""

    hub: Hub
    discovery: Discovery | None = None
    crowd: Crowd = field(default_factory=Crowd)
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    working: set[asyncio.Task[Any]] = field(default_factory=set)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_done(self, request: Request, call: Call, work: Callable[[Call], Awaitable[T]]) -> T:
        """Do a change for somebody who may go away: then it is not begun, or else finished all the same."""
        if self.stopping.is_set():
            raise Busy(Diagnostic("stopping", "the controller is stopping", hint="ask again when it is back"))
        task = asyncio.ensure_future(work(call))
        self.working.add(task)
        task.add_done_callback(self.working.discard)
        leaving = asyncio.create_task(_left(request))
        try:
            await asyncio.wait((task, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not task.done() and not call.begun:
                task.cancel()
                raise ClientLeft
            return await asyncio.shield(task)
        finally:
            leaving.cancel()

    def tell(self, who: str, what: str) -> None:
        """Publish that somebody did something that is no change of the network."""
        self.hub.events.publish(Kind.AUDIT, "api", f"{who} {what}", by=who)

    async def sent(self, make: Callable[[], dict[str, Any]]) -> Response:
        """An answer whose document takes a while to make."""
        return Response(await asyncio.to_thread(lambda: _text(make())), media_type="application/json")


def answer(document: dict[str, Any]) -> Response:
    """An answer whose document is at hand."""
    return Response(_text(document), media_type="application/json")


def _text(document: dict[str, Any]) -> bytes:
    full = {"format": FORMAT, "ok": True, **document}
    return json.dumps(full, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


async def _left(request: Request) -> None:
    """Return when the client hangs up; the guard has read the body already."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def posted(request: Request, model: type[M]) -> M:
    """A large body, parsed outside of the event loop's thread; raises what makes a 422."""
    body = await request.body()

    def parse() -> M:
        try:
            return model.model_validate_json(body)
        except ValidationError as error:
            raise RequestValidationError(
                [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)]
            ) from error

    return await asyncio.to_thread(parse)


def large_body(model: type[BaseModel]) -> dict[str, Any]:
    """What the OpenAPI document says of a body that `posted` reads."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of the errors of a route, beyond those that every route has."""
    described = {"model": Problem, "content": {MEDIA_TYPE: {}}}
    return dict.fromkeys(sorted({401, 403, *statuses}), described)


CHANGING = (400, 408, 409, 413, 415, 422, 500, 502, 503)
"""Errors of routes that change something."""


def _desk(request: Request) -> Desk:
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]
