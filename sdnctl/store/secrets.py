"""Secrets that the controllers of one network share: random octets, made once, never shown."""

from __future__ import annotations

import secrets as randomness
from datetime import UTC, datetime

from sqlalchemy import Engine, insert, select

from sdnctl.store.database import damaged, transaction
from sdnctl.store.tables import secrets

LENGTH = 32


def secret(engine: Engine, name: str) -> bytes:
    """The secret of this name, made when it is asked for first; two processes that ask at once get the same."""
    with transaction(engine) as connection:
        held: bytes | None = connection.execute(select(secrets.c.value).where(secrets.c.name == name)).scalar()
        if held is not None:
            if len(held) != LENGTH:
                raise damaged(f"the secret {name} in the store", "it is not what was made")
            return held
        created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        value = randomness.token_bytes(LENGTH)
        connection.execute(insert(secrets).values(name=name, created=created, value=value))
        return value
