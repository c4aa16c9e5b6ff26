"""Multipart requests and replies: the envelope, and the description of a switch."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from sdnctl.southbound.openflow.codec.wire import Reader, Type, message

MORE = 1  # OFPMPF_REPLY_MORE

_HEAD = Struct("!HH4x")
_DESCRIPTION = Struct("!256s256s256s32s256s")


class Part(IntEnum):
    """OFPMP_*: the multipart types in use."""

    DESCRIPTION = 0
    FLOW = 1
    PORT_STATS = 4
    GROUP_STATS = 6
    GROUP_DESCRIPTION = 7
    GROUP_FEATURES = 8
    METER_CONFIG = 10
    METER_FEATURES = 11
    PORT_DESCRIPTION = 13


class Description(NamedTuple):
    """What a switch says about itself."""

    manufacturer: str
    hardware: str
    software: str
    serial: str
    datapath: str

    def __str__(self) -> str:
        words = (self.manufacturer, self.hardware, self.software)
        return " ".join(word for word in words if word and word != "None")


def multipart_request(xid: int, part: Part, body: bytes = b"") -> bytes:
    """One request; none of ours is longer than one message."""
    return message(Type.MULTIPART_REQUEST, xid, _HEAD.pack(part, 0) + body)


def multipart_reply(xid: int, part: int, body: bytes, more: bool = False) -> bytes:
    """One part of a reply, as a switch sends it."""
    return message(Type.MULTIPART_REPLY, xid, _HEAD.pack(part, MORE if more else 0) + body)


def decode_multipart(body: bytes) -> tuple[int, bool, bytes]:
    """Type, whether more parts follow, and what the part holds; raises Malformed."""
    reader = Reader("multipart", body)
    part, flags = reader.unpack(_HEAD)
    return part, bool(flags & MORE), reader.rest()


def decode_description(body: bytes, base: int = 16) -> Description:
    """Switch description reply; raises Malformed."""
    texts = Reader("switch description", body, base).unpack(_DESCRIPTION)
    return Description(*(text.split(b"\0", 1)[0].decode("utf-8", "backslashreplace") for text in texts))
