"""Tokens: given out, listed, ended; for administrators."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from sdnctl.api.access import Admin
from sdnctl.api.bodies import TokenRequest
from sdnctl.api.desk import AtDesk, problems
from sdnctl.api.models.records import NewTokenDocument, TokensDocument
from sdnctl.store.tokens import Role, Token
from sdnctl.usecases.tenants import check_tenants

router = APIRouter(prefix="/v1", tags=["tokens"])
Name = Annotated[str, Path(min_length=1, max_length=100)]


def token_document(token: Token) -> dict[str, Any]:
    """What is kept of a token, as the command line and the API show it."""
    return {name: value for name, value in asdict(token).items() if name != "id"}


@router.get("/tokens", response_model=TokensDocument, responses=problems(500), summary="Tokens")
async def tokens(desk: AtDesk, _: Admin) -> Response:
    """Every token that was ever made, revoked and expired ones too."""
    store = desk.hub.context.store
    return await desk.sent(lambda: {"tokens": [token_document(one) for one in store.tokens.all()]})


@router.post(
    "/tokens",
    response_model=NewTokenDocument,
    responses=problems(400, 408, 409, 413, 415, 422, 500),
    summary="Make a token",
)
async def add(desk: AtDesk, caller: Admin, body: TokenRequest) -> Response:
    """Its text is in this answer and nowhere else. 422 for a tenant that does not exist."""
    expires = datetime.now(UTC) + timedelta(days=body.days) if body.days is not None else None

    def make() -> dict[str, Any]:
        check_tenants(desk.hub.context, body.tenants)
        token, text = desk.hub.context.store.tokens.add(
            body.name, Role(body.role), caller.name, tenants=tuple(body.tenants), expires=expires
        )
        return {"token": token_document(token), "text": text}

    answer = await desk.sent(make)
    desk.tell(caller.name, f"made token {body.name}")
    return answer


@router.delete(
    "/tokens/{name}", response_model=TokensDocument, responses=problems(404, 422, 500), summary="Revoke a token"
)
async def revoke(desk: AtDesk, caller: Admin, name: Name) -> Response:
    """For good, from this moment on."""
    tokens = desk.hub.context.store.tokens
    answer = await desk.sent(lambda: {"tokens": [token_document(tokens.revoke(name, caller.name))]})
    desk.tell(caller.name, f"revoked token {name}")
    return answer
