"""The application: routes, errors and guard put together, and its OpenAPI document."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute

from sdnctl import __version__
from sdnctl.api import problems
from sdnctl.api.access import Gate
from sdnctl.api.bodies import ApplyRequest, PlanRequest
from sdnctl.api.connections import Crowd
from sdnctl.api.desk import ClientLeft, Desk
from sdnctl.api.guard import Guard
from sdnctl.api.models.records import EventDocument
from sdnctl.api.routes import changes, events, identities, network, records, system, tokens
from sdnctl.daemon.discovery import Discovery
from sdnctl.daemon.hub import Hub
from sdnctl.store.tokens import Token

DESCRIPTION = """
What `sdnctl controller run` answers; the command line uses nothing else.

Answers are the documents that `sdnctl --format json` prints. Errors are problem documents (RFC 9457) with the
diagnostics that the command line prints. Clients ignore keys that they do not know.
"""


def create_app(
    hub: Hub, crowd: Crowd | None = None, *, owner: int | None = None, discovery: Discovery | None = None
) -> FastAPI:
    """The API of a controller. `owner`: the user who needs no token over the socket, default this process's."""
    desk = Desk(hub, discovery, crowd if crowd is not None else Crowd())
    app = FastAPI(
        title="sdnctl controller",
        version=__version__,
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,  # its page would load programs from elsewhere
        redoc_url=None,
        generate_unique_id_function=_name,
        responses={},
    )
    app.state.desk = desk
    problems.install(app)

    @app.exception_handler(ClientLeft)
    async def left(_: Request, __: Exception) -> Response:
        return Response(status_code=499)  # nobody reads it

    for part in (system, network, changes, identities, records, tokens, events):
        app.include_router(part.router)

    async def find(text: str) -> Token | None:
        return await asyncio.to_thread(hub.context.store.tokens.find, text)

    app.add_middleware(Guard, gate=Gate(find, owner), crowd=desk.crowd)
    _describe(app)
    return app


def _name(route: APIRoute) -> str:
    return route.name.replace("_", "-")


def _describe(app: FastAPI) -> None:
    """Add to the OpenAPI document what no route says: bodies that are read by hand, and events."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for model in (ApplyRequest, PlanRequest, EventDocument):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs", {}))
            schemas[model.__name__] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign]
