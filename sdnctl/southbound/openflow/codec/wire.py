"""Headers, message types and the two ways in which bytes can be unusable.

*Malformed*: the bytes are not the protocol (lengths that do not add up); the connection cannot be
trusted any further. *Unrepresentable*: correct OpenFlow that `sdnctl.dataplane.values` has no word
for; the rule is kept as `Opaque`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Any, Literal, NamedTuple

from sdnctl.errors import Diagnostic, ProtocolError

VERSION = 4
"""OpenFlow 1.3 on the wire."""

HEADER = Struct("!BBHI")
MAX_MESSAGE = 0xFFFF

ANY = 0xFFFFFFFF
"""OFPP_ANY, OFPG_ANY, OFPM_ALL: no restriction."""
NO_BUFFER = 0xFFFFFFFF
MAX_PORT = 0xFFFFFF00
"""Port numbers above are reserved (LOCAL, CONTROLLER, …)."""

ONF = 0x4F4E4600
NICIRA = 0x00002320


class Type(IntEnum):
    """OFPT_*: the message types in use."""

    HELLO = 0
    ERROR = 1
    ECHO_REQUEST = 2
    ECHO_REPLY = 3
    EXPERIMENTER = 4
    FEATURES_REQUEST = 5
    FEATURES_REPLY = 6
    GET_CONFIG_REQUEST = 7
    GET_CONFIG_REPLY = 8
    SET_CONFIG = 9
    PACKET_IN = 10
    FLOW_REMOVED = 11
    PORT_STATUS = 12
    PACKET_OUT = 13
    FLOW_MOD = 14
    GROUP_MOD = 15
    PORT_MOD = 16
    TABLE_MOD = 17
    MULTIPART_REQUEST = 18
    MULTIPART_REPLY = 19
    BARRIER_REQUEST = 20
    BARRIER_REPLY = 21
    QUEUE_GET_CONFIG_REQUEST = 22
    QUEUE_GET_CONFIG_REPLY = 23
    ROLE_REQUEST = 24
    ROLE_REPLY = 25
    GET_ASYNC_REQUEST = 26
    GET_ASYNC_REPLY = 27
    SET_ASYNC = 28
    METER_MOD = 29


def type_name(number: int) -> str:
    """``flow_mod`` for 14; ``type 77`` for what OpenFlow 1.3 does not know."""
    try:
        return Type(number).name.lower()
    except ValueError:
        return f"type {number}"


class Frame(NamedTuple):
    """One received message: header fields, and the octets behind the header."""

    version: int
    type: int
    xid: int
    body: bytes


class Malformed(ProtocolError):
    """Bytes that are not the protocol: which message, and the offset of the fault from its first octet."""

    def __init__(self, message: str, offset: int, reason: str, device: str = "") -> None:
        self.message, self.offset, self.reason = message, offset, reason
        super().__init__(
            Diagnostic(
                "openflow-malformed",
                f"{message}: {reason}",
                address=f"switch {device}, octet {offset}" if device else f"octet {offset}",
                hint="the peer does not speak OpenFlow 1.3, or its implementation is broken",
            )
        )

    def of(self, device: str) -> Malformed:
        """The same, said of the device that sent it."""
        return Malformed(self.message, self.offset, self.reason, device)


class Unrepresentable(Exception):
    """Correct OpenFlow that `sdnctl.dataplane.values` has no word for; never leaves the codec."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """A rule that was read back but cannot be expressed: kept as octets, and why.

    `id` is the cookie of a flow, the number of a group or meter.
    """

    kind: Literal["flow", "group", "meter"]
    id: int
    raw: bytes
    reason: str


class Reader:
    """A position in a message body that reports faults with the message's name and offset.

    `base` is the offset of the body within the message: 8, behind the header.
    """

    __slots__ = ("base", "buffer", "end", "message", "position")

    def __init__(self, message: str, buffer: bytes, base: int = HEADER.size) -> None:
        self.message, self.buffer, self.base = message, buffer, base
        self.position, self.end = 0, len(buffer)

    def fault(self, reason: str, position: int | None = None) -> Malformed:
        return Malformed(self.message, self.base + (self.position if position is None else position), reason)

    def unpack(self, layout: Struct) -> tuple[Any, ...]:
        """Read one fixed structure and step over it."""
        if self.end - self.position < layout.size:
            raise self.fault(f"{layout.size} octets wanted, {self.end - self.position} are left")
        values = layout.unpack_from(self.buffer, self.position)
        self.position += layout.size
        return values

    def block(self, length: int, smallest: int) -> int:
        """End of a block of `length` octets that starts here and holds at least `smallest`."""
        if length < smallest or self.position + length > self.end:
            raise self.fault(f"length {length} of a block with {self.end - self.position} octets left")
        return self.position + length

    def rest(self) -> bytes:
        data = self.buffer[self.position : self.end]
        self.position = self.end
        return data


def message(kind: int, xid: int, body: bytes = b"") -> bytes:
    """One complete message; raises ValueError when it is longer than 65,535 octets."""
    length = HEADER.size + len(body)
    if length > MAX_MESSAGE:
        raise ValueError(f"{type_name(kind)} of {length} octets: OpenFlow ends at {MAX_MESSAGE}")
    return HEADER.pack(VERSION, kind, length, xid) + body


def padding(length: int) -> bytes:
    """Zero octets that fill `length` up to a multiple of 8."""
    return bytes(-length % 8)
