"""Which switch each device is: datapath id, and the certificate that it has to show, bound by somebody, at a time.

A device without a binding is the switch that the inventory says. Bindings are never deleted: a switch that was
replaced is known as such, and refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, insert, select, update

from sdnctl.store.database import damaged, transaction
from sdnctl.store.tables import audit, bindings


@dataclass(frozen=True, slots=True)
class Binding:
    """One device and its switch; `certificate` is a SHA-256 in hex, empty where none has to be shown.

    `retired` is when another switch took the device over, None while this one has it.
    """

    device: str
    dpid: int
    certificate: str
    created: str
    author: str
    retired: str | None = None


_DPID = re.compile("[0-9a-f]{16}")
_COLUMNS = [bindings.c[name] for name in Binding.__dataclass_fields__]


class Bindings:
    """The bindings in a store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> tuple[Binding, ...]:
        """Every binding that was ever made, oldest first."""
        with transaction(self._engine, reading=True) as connection:
            rows = connection.execute(select(*_COLUMNS).order_by(bindings.c.id))
            return tuple(_binding(row) for row in rows)

    def dpids(self) -> Mapping[str, int]:
        """The datapath id of each device that is bound."""
        return {one.device: one.dpid for one in self.all() if one.retired is None}

    def bind(
        self, device: str, dpid: int, certificate: str, author: str, *, replaces: int | None = None
    ) -> Binding:
        """Bind a device to a switch; a binding that it had is retired, in the same transaction.

        `replaces` is the datapath id that it had by the inventory, which is retired too.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        made = Binding(device, dpid, certificate, now, author)
        with transaction(self._engine) as connection:
            had = (bindings.c.device == device, bindings.c.retired.is_(None))
            bound = connection.execute(update(bindings).where(*had).values(retired=now)).rowcount
            values = {"created": now, "author": author, "device": device}
            if replaces is not None and not bound:
                old = {"dpid": f"{replaces:016x}", "certificate": "", "retired": now}
                connection.execute(insert(bindings).values(**values, **old))
            connection.execute(insert(bindings).values(**values, dpid=f"{dpid:016x}", certificate=certificate))
            text = f"switch {device}: datapath {dpid:016x}, certificate {certificate or 'none'}"
            entry = {"created": now, "author": author, "action": "bind", "detail": text, "result": "done"}
            connection.execute(insert(audit).values(**entry))
        return made

    def pin(self, device: str, certificate: str) -> bool:
        """Have a bound device show this certificate from now on, where it had to show none; whether it was so."""
        free = (bindings.c.device == device, bindings.c.retired.is_(None), bindings.c.certificate == "")
        with transaction(self._engine) as connection:
            done = connection.execute(update(bindings).where(*free).values(certificate=certificate)).rowcount
        return bool(done)


def _binding(row: Any) -> Binding:
    if _DPID.fullmatch(row.dpid) is None:
        raise damaged(f"the binding of {row.device} in the store", f"{row.dpid!r} is no datapath id")
    return Binding(row.device, int(row.dpid, 16), row.certificate, row.created, row.author, row.retired)
