"""Callers whose certificate does not hold, told as events: once for each host and reason, whatever they try."""

from __future__ import annotations

from sdnctl.daemon.events import Events, Kind, Severity
from sdnctl.errors import Diagnostic

REMEMBERED = 256
"""Hosts and reasons that are not told again; who comes from more addresses is told of again."""


class Refusals:
    """Called with who was refused (``192.0.2.7 port 40000``), and what speaks against it."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._told: dict[tuple[str, str], None] = {}  # the oldest first

    def __call__(self, peer: str, why: Diagnostic) -> None:
        key = peer.partition(" ")[0], why.code
        if key in self._told:
            return
        self._told[key] = None
        if len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
        self._events.publish(
            Kind.SWITCH_REFUSED,
            f"host {key[0]}",
            why.summary,
            severity=Severity.WARNING,
            code=why.code,
            address=peer,
            hint=why.hint,
        )
