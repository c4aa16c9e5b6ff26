"""Tokens of the API: shown once when they are made, kept as SHA-256, looked up by it.

A token is 256 random bits, so its hash needs no salt and no slow function: there is no dictionary to try. Who has
the store file can make tokens but cannot learn those that were given out.
"""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from sdnctl.errors import Diagnostic, InputError, StoreError
from sdnctl.plainjson import parse_json
from sdnctl.store.database import damaged, transaction
from sdnctl.store.tables import audit, tokens

PREFIX = "sdnctl_"
"""So that scanners of repositories recognise a token that somebody committed."""
LENGTH = len(PREFIX) + 43  # 32 bytes in base64url without padding
_NOTED = timedelta(minutes=1)  # how exactly `used` is kept: a write for every request would be a disk sync each


class Role(StrEnum):
    """What a token may: look; change the network, too; give out tokens and read the audit trail, too."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        """Whether this role may do what `needed` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token. `tenants` empty: the whole network; times are ISO 8601, UTC, or None."""

    id: int
    name: str
    role: Role
    tenants: tuple[str, ...]
    created: str
    author: str
    expires: str | None
    used: str | None
    revoked: str | None

    def valid(self, now: datetime) -> bool:
        """Whether it opens anything at this time."""
        return self.revoked is None and (self.expires is None or now < datetime.fromisoformat(self.expires))


_COLUMNS = [tokens.c[name] for name in Token.__dataclass_fields__]


class Tokens:
    """The tokens in a store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(
        self,
        name: str,
        role: Role,
        author: str,
        *,
        tenants: tuple[str, ...] = (),
        expires: datetime | None = None,
    ) -> tuple[Token, str]:
        """Make a token; returns it and its text, which is nowhere else. Raises InputError for a name in use."""
        if role is Role.ADMIN and tenants:
            raise InputError(
                Diagnostic(
                    "bad-token",
                    "an admin's token cannot belong to a tenant: it could make itself another one",
                    address=f"token {name}",
                    hint="give it the role viewer or operator",
                )
            )
        text = PREFIX + secrets.token_urlsafe(32)
        values = {
            "name": name,
            "role": str(role),
            "tenants": json.dumps(sorted(set(tenants))),
            "hash": _hash(text),
            "created": _written(datetime.now(UTC)),
            "author": author,
            "expires": _written(expires) if expires is not None else None,
        }
        with transaction(self._engine) as connection:
            if connection.execute(select(tokens.c.id).where(tokens.c.name == name)).first() is not None:
                raise InputError(
                    Diagnostic(
                        "token-exists",
                        f"there is a token named {name}, or there was",
                        address=f"token {name}",
                        hint="names are not used again, so that the audit trail stays clear: choose another",
                    )
                )
            connection.execute(insert(tokens).values(**values))
            row = connection.execute(select(*_COLUMNS).where(tokens.c.name == name)).one()
            what = f"token {name}: {role}" + (f" of {', '.join(sorted(set(tenants)))}" if tenants else "")
            _record(connection, author, "token-add", what)
        return _token(row), text

    def all(self) -> tuple[Token, ...]:
        """Every token that was ever made, by name."""
        with transaction(self._engine, reading=True) as connection:
            return tuple(_token(row) for row in connection.execute(select(*_COLUMNS).order_by(tokens.c.name)))

    def revoke(self, name: str, author: str) -> Token:
        """End a token for good; raises InputError when there is none of that name. Again is no error."""
        with transaction(self._engine) as connection:
            unrevoked = (tokens.c.name == name, tokens.c.revoked.is_(None))
            now = _written(datetime.now(UTC))
            done = connection.execute(update(tokens).where(*unrevoked).values(revoked=now)).rowcount
            row = connection.execute(select(*_COLUMNS).where(tokens.c.name == name)).one_or_none()
            if row is None:
                raise InputError(
                    Diagnostic(
                        "no-such-token",
                        f"there is no token named {name}",
                        address=f"token {name}",
                        hint="`sdnctl controller token list` lists them",
                    )
                )
            if done:
                _record(connection, author, "token-revoke", f"token {name}")
        return _token(row)

    def find(self, text: str, now: datetime | None = None) -> Token | None:
        """The valid token of this text, or None. Notes when it was used last, to the minute."""
        if len(text) != LENGTH or not text.startswith(PREFIX):
            return None
        digest = _hash(text)
        moment = now or datetime.now(UTC)
        with transaction(self._engine, reading=True) as connection:
            # The database compares prefixes of hashes, which tell nothing about the token; then all at once.
            query = select(*_COLUMNS, tokens.c.hash).where(tokens.c.hash == digest)
            row = connection.execute(query).one_or_none()
        if row is None or not compare_digest(row.hash, digest):
            return None
        token = _token(row)
        if not token.valid(moment):
            return None
        if token.used is None or moment - datetime.fromisoformat(token.used) > _NOTED:
            # A store that cannot be written just now (a full disk) locks nobody out for the sake of this note.
            with suppress(StoreError), transaction(self._engine) as connection:
                connection.execute(update(tokens).where(tokens.c.id == token.id).values(used=_written(moment)))
        return token


def _token(row: Any) -> Token:
    """A token of its row; raises StoreError where it is damaged, so that a broken one opens nothing."""
    try:
        role, tenants = Role(row.role), parse_json(row.tenants)
    except ValueError as error:
        raise damaged(f"the token {row.name} in the store", error) from error
    if not isinstance(tenants, list) or not all(isinstance(one, str) for one in tenants):
        raise damaged(f"the token {row.name} in the store", f"tenants {row.tenants}")
    return Token(
        row.id,
        row.name,
        role,
        tuple(tenants),
        row.created,
        row.author,
        row.expires,
        row.used,
        row.revoked,
    )


def _record(connection: Connection, author: str, action: str, detail: str) -> None:
    values = {"created": _written(datetime.now(UTC)), "author": author, "action": action, "detail": detail}
    connection.execute(insert(audit).values(**values, result="done"))


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
