"""Connections that cannot harm the others: a bounded number, a time for requests to arrive, peers known by uid.

uvicorn speaks HTTP, but waits for ever for the first request of a connection and takes as many as there are. Here
a connection that is not in the middle of a request has `Limits.idle` seconds to send one; when there are too many,
the one that has been silent for longest makes room. So whoever opens thousands and sends nothing only ever evicts
himself: somebody who connects and asks is busy at once.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Protocol

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

_UCRED = struct.Struct("3i")  # pid, uid, gid of unix(7)
HEADERS = 32 * 1024
"""Bytes that the headers of a request may have."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may take; seconds and octets."""

    connections: int = 256
    idle: float = 15.0  # until a request has arrived with all its headers
    stall: float = 20.0  # between two pieces of a body, and for a piece of an answer to be taken
    body_time: float = 300.0  # for a whole body
    body: int = 64 << 20  # as sent
    unpacked: int = 512 << 20  # after gzip
    buffered: int = 1 << 30  # of all bodies that are held at a time
    listeners: int = 64  # event streams
    accepted_at_once: int = 64  # connections between two looks at those that are open


class Guest(Protocol):
    """Whoever has a connection."""

    transport: asyncio.Transport


@dataclass
class Crowd:
    """Open connections and what they cost; those that wait for a request in the order in which they began to."""

    limits: Limits = field(default_factory=Limits)
    busy: set[Guest] = field(default_factory=set)
    idle: dict[Guest, None] = field(default_factory=dict)
    evicted: int = 0
    refused: int = 0
    held: int = 0  # octets of bodies
    listeners: int = 0  # event streams
    _date: tuple[int, bytes] = (0, b"")

    def date(self) -> bytes:
        """The time as HTTP writes it; made once a second."""
        now = int(time.time())
        if self._date[0] != now:
            self._date = now, formatdate(now, usegmt=True).encode()
        return self._date[1]

    def __len__(self) -> int:
        return len(self.busy) + len(self.idle)

    def admit(self, connection: Guest) -> bool:
        """Take a new connection in, if need be for the one that has been silent for longest."""
        if len(self) >= self.limits.connections:
            longest = next(iter(self.idle), None)
            if longest is None:
                self.refused += 1
                return False
            self.evicted += 1
            self.leave(longest)
            longest.transport.abort()
        self.idle[connection] = None
        return True

    def works(self, connection: Guest) -> None:
        self.idle.pop(connection, None)
        self.busy.add(connection)

    def rests(self, connection: Guest) -> None:
        self.busy.discard(connection)
        self.idle[connection] = None

    def leave(self, connection: Guest) -> None:
        self.busy.discard(connection)
        self.idle.pop(connection, None)


class Connection(H11Protocol):
    """One client."""

    def __init__(self, config: Config, state: ServerState, crowd: Crowd, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(config, state, {}, loop)
        self._crowd = crowd
        self._timer: asyncio.TimerHandle | None = None
        self._admitted = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._admitted = self._crowd.admit(self)
        if not self._admitted:
            transport.abort()
            return
        self.app = _with_state(self.app, {"peer": peer_uid(transport), "abort": transport.abort})
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._crowd.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._admitted:
            return
        self.server_state.default_headers = [(b"date", self._crowd.date())]
        super().data_received(data)
        self._note_request()

    def on_response_complete(self) -> None:
        if not self.transport.is_closing():
            self._crowd.rests(self)
            self._wait()
        super().on_response_complete()  # may begin with a request that was sent early
        self._note_request()

    def _note_request(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete and self._timer is not None:
            self._stop_waiting()
            self._crowd.works(self)

    def _wait(self) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(self._crowd.limits.idle, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _with_state(app: Any, known: Mapping[str, Any]) -> Any:
    """The app, told of the connection that a request came on."""

    async def run(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        scope.setdefault("state", {}).update(known)
        await app(scope, receive, send)

    return run


def peer_uid(transport: asyncio.BaseTransport) -> int | None:
    """The user at the other end of a Unix socket, told by the kernel; None for any other connection."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family != socket.AF_UNIX:
        return None
    _, uid, _ = _UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return int(uid)
