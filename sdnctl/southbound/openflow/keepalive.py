"""Whether the other end of a connection is still there: silence, echoes, messages that never end.

A timer of the event loop that sets itself anew when something is due: a thousand silent switches are a thousand
entries in the loop's heap, and no task each. Most of what idle connections cost is waking up, so all wake up
together. Whether the way to the other end still exists is the kernel's to find out (`probed_by_kernel`): that
costs no waking up at all, so echoes, which find a peer that hangs, can be rarer.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from sdnctl.southbound.openflow.waiting import Timing

PROBE_AFTER, PROBE_EVERY, PROBES = 3, 2, 3
"""Seconds of silence before the kernel probes a TCP connection, seconds between probes, probes lost at the end."""


def probed_by_kernel(connection: socket.socket | None) -> None:
    """Have the kernel end a TCP connection whose other end cannot be reached any more (tcp(7)), after 9 s."""
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, PROBE_AFTER)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_EVERY)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)


@dataclass(slots=True)
class KeepAlive:
    """Calls `echo` after silence, `gone` when no sign of life follows, `stalled` when a message does not end."""

    loop: asyncio.AbstractEventLoop
    timing: Timing
    echo: Callable[[], None]
    gone: Callable[[], None]
    stalled: Callable[[], None]
    _heard: float = 0.0
    _incomplete: float | None = None
    """Since when there is a part of a message."""
    _asked: float | None = None
    """When an echo was sent that nothing has followed yet."""
    _timer: asyncio.TimerHandle | None = field(default=None)
    _grid: float = 0.0
    """Timers of all connections fall on multiples of this: echoes go out, and answers come in, many at a time."""

    def __post_init__(self) -> None:
        self._heard = self.loop.time()
        self._grid = min(self.timing.idle, self.timing.echo, self.timing.message) / 4

    def heard(self, *, complete: bool, rest: bool) -> None:
        """Something came: whether a message was completed, and whether a part of another one is left."""
        self._heard = self.loop.time()
        if not rest:
            self._incomplete = None
        elif complete or self._incomplete is None:
            self._incomplete = self._heard

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def watch(self) -> None:
        """Look now, and again when something is due."""
        now, timing = self.loop.time(), self.timing
        due = now + min(timing.idle, timing.message)
        if self._incomplete is not None:
            if now - self._incomplete >= timing.message:
                self.stalled()
                return
            due = min(due, self._incomplete + timing.message)
        # Any sign of life counts: a switch may be busy with what was sent before the echo.
        if self._asked is not None and self._heard > self._asked:
            self._asked = None
        if self._asked is not None:
            if now - self._asked >= timing.echo:
                self.gone()
                return
            due = min(due, self._asked + timing.echo)
        elif now - self._heard >= timing.idle:
            self._asked = now
            self.echo()
            due = min(due, now + timing.echo)
        else:
            due = min(due, self._heard + timing.idle)
        self._timer = self.loop.call_at(ceil(due / self._grid) * self._grid, self.watch)
