"""What every request passes before a route sees it: who asks, how much they send, how long they take.

Who asks is settled before the first octet of the body is read, so that nobody without a token can make the
controller hold anything. A body may be gzipped; it is unpacked as it comes, under a limit of its own, so that a
small one cannot grow into a large one unseen.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

from fastapi.responses import JSONResponse

from sdnctl.api.access import Gate
from sdnctl.api.connections import Crowd
from sdnctl.api.problems import response, told
from sdnctl.client.dialect import DIALECT, HEADER
from sdnctl.errors import Diagnostic, SdnctlError

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Take: TypeAlias = Callable[[int], None]


class Unpack(Protocol):
    """What `zlib.decompressobj` returns."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


_CLOSE = {"Connection": "close"}
_ALWAYS = [
    (HEADER.lower().encode(), str(DIALECT).encode()),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]


class _Refused(Exception):
    """The body is not taken; the answer says why."""

    def __init__(self, answer: JSONResponse) -> None:
        self.answer = answer


class Guard:
    """ASGI middleware; `app` sees only requests of known callers, with their bodies complete and plain."""

    def __init__(self, app: Asgi, gate: Gate, crowd: Crowd) -> None:
        self.app = app
        self.gate = gate
        self.crowd = crowd
        self.limits = crowd.limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        state = scope.setdefault("state", {})
        sending = self._patiently(send, state.get("abort"))
        try:
            state["caller"] = await self.gate.caller(scope["path"], headers, state.get("peer"))
        except SdnctlError as error:
            await told(error)(scope, receive, sending)
            return
        with self._room() as take:
            try:
                if b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0":
                    body = await self._body(headers, receive, take)
                    scope["headers"] = _of_plain(scope["headers"], len(body))
                    receive = _replay(body, receive)
            except _Refused as refused:
                await refused.answer(scope, receive, sending)
                return
            except _Gone:
                return
            await self.app(scope, receive, sending)

    @contextmanager
    def _room(self) -> Iterator[Take]:
        """Counts what one request holds, for as long as it does."""
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if self.crowd.held + size > self.limits.buffered:
                found = Diagnostic("busy", "too much is being uploaded at the moment", hint="try again later")
                raise _Refused(response(503, "Busy", found))
            taken += size
            self.crowd.held += size

        try:
            yield take
        finally:
            self.crowd.held -= taken

    async def _body(self, headers: Mapping[bytes, bytes], receive: Receive, take: Take) -> bytes:
        """The whole body, unpacked; raises _Refused with what is wrong with it."""
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > self.limits.body:
            raise _Refused(_too_large(self.limits.body))
        unpack = _unpacker(headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower())
        parts: list[bytes] = []
        sent = size = 0
        try:
            async with asyncio.timeout(self.limits.body_time):
                async for piece in self._pieces(receive):
                    sent += len(piece)
                    if sent > self.limits.body:
                        raise _Refused(_too_large(self.limits.body))
                    part = piece if unpack is None else _unpacked(unpack, piece, self.limits.unpacked - size + 1)
                    size += len(part)
                    if size > self.limits.unpacked:
                        raise _Refused(_too_large(self.limits.unpacked))
                    take(len(part))
                    parts.append(part)
        except TimeoutError:
            found = Diagnostic("too-slow", "the body did not arrive in time", hint="send it faster, or smaller")
            raise _Refused(response(408, "InputError", found, headers=_CLOSE)) from None
        if unpack is not None and (not unpack.eof or unpack.unused_data):
            found = Diagnostic("bad-gzip", "the body is not one complete gzip stream")
            raise _Refused(response(400, "InputError", found))
        return b"".join(parts)

    async def _pieces(self, receive: Receive) -> AsyncIterator[bytes]:
        more = True
        while more:
            async with asyncio.timeout(self.limits.stall):
                message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            yield message.get("body", b"")
            more = message.get("more_body", False)

    def _patiently(self, send: Send, abort: Callable[[], None] | None) -> Send:
        """Send with the headers that every answer has; who does not take what he asked for is hung up on."""

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_ALWAYS]}
            try:
                async with asyncio.timeout(self.limits.stall):
                    await send(message)
            except TimeoutError:
                if abort is not None:
                    abort()  # what is sent from now on goes nowhere

        return sending


class _Gone(Exception):
    """The client left while it was sending."""


def _unpacker(encoding: str) -> Unpack | None:
    if encoding == "identity":
        return None
    if encoding == "gzip":
        return zlib.decompressobj(wbits=31)
    found = Diagnostic("unsupported-encoding", f"content encoding {encoding!r} is not known")
    raise _Refused(response(415, "InputError", found, headers={"Accept-Encoding": "gzip"}))


def _unpacked(unpack: Unpack, piece: bytes, most: int) -> bytes:
    try:
        return unpack.decompress(piece, most)
    except zlib.error as error:
        found = Diagnostic("bad-gzip", "the body is not gzip", detail=str(error))
        raise _Refused(response(400, "InputError", found)) from error


def _of_plain(headers: Iterable[tuple[bytes, bytes]], size: int) -> list[tuple[bytes, bytes]]:
    """The headers of a body that was unpacked and put together."""
    gone = (b"content-encoding", b"content-length", b"transfer-encoding")
    return [*(header for header in headers if header[0] not in gone), (b"content-length", str(size).encode())]


def _too_large(limit: int) -> JSONResponse:
    found = Diagnostic("too-large", f"the body is larger than {limit >> 20} MiB", hint="gzip it, or send less")
    return response(413, "InputError", found, headers=_CLOSE)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body which was read already, then what comes after it."""
    given = False

    async def replay() -> MutableMapping[str, Any]:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replay
