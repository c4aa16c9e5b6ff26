"""One change at a time, the most urgent first.

Everything that writes to switches takes a turn: what a failure asks for before what somebody asks for, and that
before repairs. A turn is never interrupted: its plan was made for the network as it is, and ends journalled.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum
from itertools import count


class Urgency(IntEnum):
    """Who goes first; the lower number."""

    STOP = -1  # the controller ends: nobody else gets a turn any more
    FAILURE = 0  # pin, move, rebuild protection
    REQUEST = 1  # apply, rollback, drain: somebody waits for it
    REPAIR = 2  # drift, release after hold-down


@dataclass(frozen=True, slots=True)
class Turn:
    """A change that runs or waits: what it is for, and who asked."""

    urgency: Urgency
    what: str
    by: str


class Turns:
    """The queue for the one writer."""

    def __init__(self) -> None:
        self._order = count()
        self._waiting: list[tuple[Urgency, int, Turn, asyncio.Future[None]]] = []
        self._current: Turn | None = None
        self._given = 0

    @property
    def given(self) -> int:
        """Turns given so far: the same number twice, and nothing was begun in between."""
        return self._given

    @property
    def current(self) -> Turn | None:
        """The change that is being made, if any."""
        return self._current

    @property
    def waiting(self) -> tuple[Turn, ...]:
        """The changes that wait, next first."""
        return tuple(entry[2] for entry in sorted(self._waiting, key=lambda one: one[:2]))

    @asynccontextmanager
    async def turn(self, urgency: Urgency, what: str, by: str) -> AsyncIterator[Turn]:
        """Wait for the turn and hold it for the length of the with-block."""
        turn = Turn(urgency, what, by)
        if self._current is None:
            self._current = turn
            self._given += 1
        else:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (urgency, next(self._order), turn, future))
            try:
                await future
            except asyncio.CancelledError:
                if future.done() and not future.cancelled():  # it was given to us in the same instant
                    self._next()
                else:
                    self._waiting = [entry for entry in self._waiting if entry[3] is not future]
                    heapq.heapify(self._waiting)
                raise
        try:
            yield turn
        finally:
            self._next()

    def _next(self) -> None:
        """Hand on to whoever is most urgent and has not given up."""
        while self._waiting:
            _, _, turn, future = heapq.heappop(self._waiting)
            if not future.done():
                self._current = turn
                self._given += 1
                future.set_result(None)
                return
        self._current = None
