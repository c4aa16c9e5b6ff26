"""What happened, in order, for whoever listens: the event stream, the log and the parts of the controller.

Events are facts in the past, never requests. They are numbered from 1 in each run of the controller; the last
`KEPT` are kept, so that a listener that was away for a moment misses none.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Any

KEPT = 10_000
"""Events kept for listeners that come late: about ten minutes of a city in trouble, 5 MB."""


class Kind(StrEnum):
    """What an event is about; the words are part of the API."""

    CONTROLLER = "controller"  # started, became master, went to standby, stopping; a part failed and was restarted
    SWITCH_UP = "switch-up"
    SWITCH_DOWN = "switch-down"
    SWITCH_UNKNOWN = "switch-unknown"  # dialled in without being admitted
    SWITCH_REFUSED = "switch-refused"  # its certificate has expired, is of another authority, or there is none
    SWITCH_ADMITTED = "switch-admitted"
    LINK_DOWN = "link-down"
    LINK_UP = "link-up"
    LINK_DAMPED = "link-damped"
    CHANGE_BEGUN = "change-begun"  # apply, rollback, move, repair …
    CHANGE_STAGE = "change-stage"
    CHANGE_DONE = "change-done"
    CHANGE_FAILED = "change-failed"
    TRUNK_MOVED = "trunk-moved"
    PROTECTION_LOST = "protection-lost"
    PROTECTION_RESTORED = "protection-restored"
    CUT_OFF = "cut-off"  # a demand that no way is left for
    DRIFT = "drift"
    DRIFT_CLEARED = "drift-cleared"
    VERDICT = "verdict"
    MISWIRED = "miswired"
    CABLING = "cabling"  # one-way, silent, or as planned again
    BEACON_REFUSED = "beacon-refused"  # forged, expired or replayed
    QUARANTINED = "quarantined"
    RELEASED = "released"
    AUDIT = "audit"  # somebody changed something through the API
    PORT_DOWN = "port-down"  # of a device that is no switch of ours; the device says so itself, as the next four
    PORT_UP = "port-up"
    DEVICE_RESTARTED = "device-restarted"
    SENSOR_THRESHOLD = "sensor-threshold"  # crossed, or came back
    AUTHENTICATION_FAILURE = "authentication-failure"  # somebody asked a device with wrong credentials


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Event:
    """One fact: its number in this run, when (ISO 8601, UTC), what about (``switch core-a``, ``link x``), and
    details that JSON can carry."""

    number: int
    created: str
    kind: Kind
    subject: str
    summary: str
    severity: Severity = Severity.INFO
    detail: Mapping[str, Any] = field(default_factory=dict)


class Events:
    """The stream of one controller. Publishing never waits: a slow listener loses the oldest, and is told so."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept: deque[Event] = deque(maxlen=kept)
        self._last = 0
        self.counts: Counter[tuple[Kind, Severity]] = Counter()
        self._news = asyncio.Event()

    @property
    def last(self) -> int:
        """Number of the newest event, 0 before the first."""
        return self._last

    def publish(
        self, kind: Kind, subject: str, summary: str, *, severity: Severity = Severity.INFO, **detail: Any
    ) -> Event:
        """Add an event and wake all listeners; must be called in the event loop's thread."""
        self._last += 1
        self.counts[kind, severity] += 1
        created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event = Event(self._last, created, kind, subject, summary, severity, detail)
        self._kept.append(event)
        self._news.set()
        self._news = asyncio.Event()
        return event

    def since(self, number: int) -> tuple[Event, ...]:
        """The kept events after `number`, oldest first."""
        first = self._last - len(self._kept) + 1
        return tuple(islice(self._kept, max(number + 1 - first, 0), None))

    async def after(self, number: int) -> None:
        """Return once there is an event after `number`."""
        while self._last <= number:
            await self._news.wait()

    async def follow(self, number: int | None = None) -> AsyncIterator[Event]:
        """Events after `number` (default: from now on), as they come; ends only with the task that reads."""
        seen = self._last if number is None else min(number, self._last)
        while True:
            news = self._news
            for event in self.since(seen):
                seen = event.number
                yield event
            if self._last == seen:
                await news.wait()
