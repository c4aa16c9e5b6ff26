"""What a connection waits for: single replies, multipart replies, and errors of a batch of messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sdnctl.errors import DeviceError, DeviceRefused, Diagnostic
from sdnctl.southbound.openflow.codec.faults import SwitchError
from sdnctl.southbound.openflow.codec.multipart import decode_multipart
from sdnctl.southbound.openflow.codec.wire import Frame, Malformed, Type

LARGEST_REPLY = 1 << 28
"""Octets of one multipart reply after which a peer is taken for broken: some two million flows."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: to connect, for the handshake, of silence before an echo, for its answer, for one message
    to arrive completely, without progress on a request, and for all of a reply in many parts."""

    connect: float = 5.0
    handshake: float = 5.0
    idle: float = 10.0  # Open vSwitch itself asks after 5 s: then we need not
    echo: float = 5.0
    message: float = 10.0
    request: float = 30.0
    reply: float = 600.0


class RequestRefused(DeviceRefused):
    """The switch answered a request with an error message; `error` is that message."""

    def __init__(self, device: str, request: str, error: SwitchError) -> None:
        self.error = error
        super().__init__(
            Diagnostic("device-refused", f"{request} refused: {error.name}", address=f"switch {device}")
        )


@dataclass(slots=True)
class Reply:
    """One request that one message answers: of type `expected`, under the same transaction id."""

    future: asyncio.Future[Any]
    request: str
    expected: Type

    def receive(self, frame: Frame) -> bool:
        """Take a message; whether it ends the wait."""
        if frame.type != self.expected:
            raise Malformed(
                self.request, 1, f"answered by message type {frame.type}, not {self.expected.name.lower()}"
            )
        if not self.future.done():
            self.future.set_result(frame)
        return True


@dataclass(slots=True)
class Multipart:
    """One multipart request; each part is decoded as it comes in, and `deadline` moves with it."""

    future: asyncio.Future[Any]
    request: str
    part: int
    decode: Callable[[bytes], list[Any]]
    progress: Callable[[], None]
    items: list[Any] = field(default_factory=list)
    octets: int = 0

    def receive(self, frame: Frame) -> bool:
        if frame.type != Type.MULTIPART_REPLY:
            raise Malformed(self.request, 1, f"answered by message type {frame.type}, not multipart_reply")
        part, more, body = decode_multipart(frame.body)
        if part != self.part:
            raise Malformed(self.request, 8, f"answered by multipart type {part}, not {self.part}")
        self.octets += len(body)
        if self.octets > LARGEST_REPLY:
            raise Malformed(self.request, 0, f"the reply does not end within {LARGEST_REPLY} octets")
        self.items += self.decode(body)
        if more:
            if body:  # parts without content may come for ever
                self.progress()
        elif not self.future.done():
            self.future.set_result(self.items)
        return not more


@dataclass(slots=True)
class Batch:
    """Messages `first` … `first + count - 1`, none of which is answered unless it is wrong."""

    first: int
    count: int
    errors: dict[int, SwitchError] = field(default_factory=dict)
    """Index in the batch → the first error about it."""

    def receive(self, xid: int, error: SwitchError) -> bool:
        """Take an error message; whether it was about this batch."""
        index = xid - self.first
        if not 0 <= index < self.count:
            return False
        self.errors.setdefault(index, error)
        return True


class Waiting:
    """The transaction ids of one connection, and who waits for what comes back under them."""

    __slots__ = ("_batches", "_device", "_last", "_replies")

    def __init__(self, device: str) -> None:
        self._device = device
        self._last = 0
        self._replies: dict[int, Reply | Multipart] = {}
        self._batches: list[Batch] = []

    @property
    def xids(self) -> tuple[int, ...]:
        """Transaction ids that a reply is waited for under."""
        return tuple(self._replies)

    def reserve(self, count: int = 1) -> int:
        """`count` consecutive transaction ids that nobody else uses; the first of them."""
        if self._last + count > 0xFFFFFFFF:
            self._last = 0
        first = self._last + 1
        self._last += count
        return first

    def add(self, xid: int, waiter: Reply | Multipart) -> None:
        self._replies[xid] = waiter

    def forget(self, xid: int) -> None:
        self._replies.pop(xid, None)

    def receive(self, frame: Frame) -> bool:
        """Take a message; whether anybody waited for it."""
        waiter = self._replies.get(frame.xid)
        if waiter is None:
            return False
        if waiter.receive(frame):
            del self._replies[frame.xid]
        return True

    def refuse(self, xid: int, error: SwitchError) -> bool:
        """Take an error message; whether it is about anything that was asked or sent in a batch."""
        waiter = self._replies.pop(xid, None)
        if waiter is None:
            return any(batch.receive(xid, error) for batch in self._batches)
        if not waiter.future.done():
            waiter.future.set_exception(RequestRefused(self._device, waiter.request, error))
        return True

    def end(self, error: DeviceError) -> None:
        """Nothing comes any more: everybody who waits for a reply gets `error`."""
        waiters, self._replies = self._replies, {}
        for waiter in waiters.values():
            fail(waiter.future, error)

    @contextmanager
    def watching(self, first: int, count: int) -> Iterator[dict[int, SwitchError]]:
        """Collect error messages about transaction ids `first` … by their index, while the context lasts."""
        batch = Batch(first, count)
        self._batches.append(batch)
        try:
            yield batch.errors
        finally:
            self._batches.remove(batch)


def fail(future: asyncio.Future[Any], error: Exception) -> None:
    """End a wait with an error, which who waits gets, and nobody may be waiting."""
    if not future.done():
        future.set_exception(error)
    seen(future)


def seen(future: asyncio.Future[Any]) -> None:
    """An error that nobody waits for any more has been seen: the first one ended what it belonged to."""
    if not future.cancelled():
        future.exception()
