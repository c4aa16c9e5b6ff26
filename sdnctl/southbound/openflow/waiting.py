"""What a connection waits for: single replies, multipart replies, and errors of a batch of messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sdnctl.errors import DeviceRefused, Diagnostic
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


def seen(future: asyncio.Future[Any]) -> None:
    """An error that nobody waits for any more has been seen: the first one ended what it belonged to."""
    if not future.cancelled():
        future.exception()
