"""Switches whose drift is left as it is, and who said that it may be put right: kept, because controllers restart.

What is acknowledged is what was found, rule by rule: what somebody changes afterwards was seen by nobody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, delete, insert, select

from sdnctl.plainjson import parse_json
from sdnctl.store.database import damaged, transaction
from sdnctl.store.tables import freezes


@dataclass(frozen=True, slots=True)
class Freeze:
    """One switch: frozen `since` (ISO 8601); `found` are marks of what differs; `by` is "" until acknowledged."""

    device: str
    since: str
    found: frozenset[str]
    by: str = ""


class Freezes:
    """The freezes in a store, one for each switch at most."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> Mapping[str, Freeze]:
        """Every freeze by switch."""
        with transaction(self._engine, reading=True) as connection:
            rows = connection.execute(select(freezes).order_by(freezes.c.device)).all()
        return {one.device: one for one in map(_freeze, rows)}

    def put(self, freeze: Freeze) -> None:
        """Keep a freeze in place of what was kept of this switch."""
        values = {"device": freeze.device, "since": freeze.since, "by": freeze.by}
        with transaction(self._engine) as connection:
            connection.execute(delete(freezes).where(freezes.c.device == freeze.device))
            connection.execute(insert(freezes).values(**values, found=json.dumps(sorted(freeze.found))))

    def remove(self, device: str) -> None:
        """Nothing is kept of this switch any more."""
        with transaction(self._engine) as connection:
            connection.execute(delete(freezes).where(freezes.c.device == device))


def _freeze(row: Row[Any]) -> Freeze:
    try:
        found = parse_json(row.found)
    except ValueError as error:
        raise damaged(f"the freeze of {row.device} in the store", error) from error
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise damaged(f"the freeze of {row.device} in the store", "what was found is no list of texts")
    return Freeze(row.device, row.since, frozenset(found), row.by)
