"""Who asks, and what they may.

A token (``Authorization: Bearer sdnctl_…``) says it by its role and tenants. Over the Unix socket the kernel says
which user is at the other end: root and the user that the controller runs as can read its store and signal its
process anyway, so they are administrators without a token. Everybody else needs one, over the socket too.
"""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from sdnctl.errors import Diagnostic, Forbidden, NoCredentials
from sdnctl.store.tokens import Role, Token

OPEN = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json"})
"""What anybody may read who reaches the controller: nothing about customers, nothing that changes."""
AUTHOR = b"sdnctl-author"
"""Header in which a local user says in whose name a pipeline works, as SDNCTL_AUTHOR does without a controller."""


@dataclass(frozen=True)
class Caller:
    """Whoever asks: the name for the audit trail, a role, and tenants (none: the whole network)."""

    name: str
    role: Role
    tenants: frozenset[str] = frozenset()

    def need(self, role: Role, *, whole: bool = False) -> None:
        """Raise Forbidden unless the caller has this role, and with `whole` is nobody's tenant."""
        if not self.role.covers(role):
            raise Forbidden(
                Diagnostic(
                    "forbidden",
                    f"{self.name} is {self.role}, and this needs {role}",
                    hint=f"use a token with the role {role}",
                )
            )
        if whole and self.tenants:
            raise Forbidden(
                Diagnostic(
                    "forbidden",
                    f"{self.name} belongs to {', '.join(sorted(self.tenants))}, and this concerns everybody",
                    hint="use a token without a tenant",
                )
            )


class Gate:
    """Finds out who asks. `find` looks a token up; `owner` is the user that the controller runs as."""

    def __init__(self, find: Callable[[str], Awaitable[Token | None]], owner: int | None = None) -> None:
        self._find = find
        self._owner = os.getuid() if owner is None else owner

    async def caller(self, path: str, headers: Mapping[bytes, bytes], peer: int | None) -> Caller | None:
        """The caller of a request, None where none is needed; raises NoCredentials."""
        if path in OPEN:
            return None
        scheme, _, text = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if text:
            token = await self._find(text.strip()) if scheme.lower() == "bearer" else None
            if token is None:
                raise NoCredentials(
                    Diagnostic(
                        "no-credentials",
                        "this token is not known, or not valid any more",
                        hint="`sdnctl controller token list` shows which are",
                    )
                )
            return Caller(f"token {token.name}", token.role, frozenset(token.tenants))
        if peer is not None and peer in (0, self._owner):
            named = unquote(headers.get(AUTHOR, b"").decode("latin-1"))[:200]
            return Caller(named if named.isprintable() and named else f"{_user(peer)}@{self._host}", Role.ADMIN)
        raise NoCredentials(
            Diagnostic(
                "no-credentials",
                "this needs a token",
                hint="`sdnctl controller token add NAME` makes one; send it as Authorization: Bearer TOKEN",
            )
        )

    @cached_property
    def _host(self) -> str:
        return socket.gethostname()


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # no passwd entry, as in minimal containers
        return str(uid)


_bearer = HTTPBearer(auto_error=False, description="`sdnctl controller token add NAME` makes one")


def _caller(request: Request, _: Annotated[object, Depends(_bearer)]) -> Caller:
    caller = request.scope["state"]["caller"]
    assert isinstance(caller, Caller), "the guard lets nobody through without"
    return caller


def _needs(role: Role, *, whole: bool) -> Callable[[Caller], Caller]:
    def check(caller: Annotated[Caller, Depends(_caller)]) -> Caller:
        caller.need(role, whole=whole)
        return caller

    return check


Viewer = Annotated[Caller, Depends(_needs(Role.VIEWER, whole=False))]
"""Anybody with a token; the route shows a tenant only its own."""
WholeViewer = Annotated[Caller, Depends(_needs(Role.VIEWER, whole=True))]
Operator = Annotated[Caller, Depends(_needs(Role.OPERATOR, whole=False))]
"""May change things; the route holds a tenant to its own."""
WholeOperator = Annotated[Caller, Depends(_needs(Role.OPERATOR, whole=True))]
Admin = Annotated[Caller, Depends(_needs(Role.ADMIN, whole=True))]
