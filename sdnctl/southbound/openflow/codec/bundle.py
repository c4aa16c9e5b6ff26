"""ONF bundles (EXT-230, experimenter messages of OpenFlow 1.3): messages that take effect together.

A message in a bundle keeps its own header; its transaction id must equal that of the message that
adds it, so an error names the change that caused it.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct

from sdnctl.southbound.openflow.codec.wire import (
    HEADER,
    MAX_MESSAGE,
    ONF,
    VERSION,
    Malformed,
    Reader,
    Type,
)

CONTROL, ADD_MESSAGE = 2300, 2301
ATOMIC, ORDERED = 1, 2  # OFPBF_*

_CONTROL = Struct("!IIIHH")
_CONTROL_MESSAGE = Struct("!BBHIIIIHH")
_ADD = Struct("!BBHIIII2xH")


class BundleControl(IntEnum):
    """OFPBCT_*: requests are even, their replies follow them."""

    OPEN_REQUEST = 0
    OPEN_REPLY = 1
    CLOSE_REQUEST = 2
    CLOSE_REPLY = 3
    COMMIT_REQUEST = 4
    COMMIT_REPLY = 5
    DISCARD_REQUEST = 6
    DISCARD_REPLY = 7


def bundle_control(xid: int, bundle: int, control: BundleControl, flags: int = ATOMIC | ORDERED) -> bytes:
    """Open, close, commit or discard a bundle."""
    size = _CONTROL_MESSAGE.size
    return _CONTROL_MESSAGE.pack(VERSION, Type.EXPERIMENTER, size, xid, ONF, CONTROL, bundle, control, flags)


def bundle_add(bundle: int, inner: bytes, flags: int = ATOMIC | ORDERED) -> bytes:
    """Put a complete message into a bundle, under its own transaction id."""
    length = _ADD.size + len(inner)
    if length > MAX_MESSAGE:
        raise ValueError(f"{len(inner)} octets do not fit into a bundle message")
    (xid,) = Struct("!I").unpack_from(inner, 4)
    return _ADD.pack(VERSION, Type.EXPERIMENTER, length, xid, ONF, ADD_MESSAGE, bundle, flags) + inner


def is_bundle(body: bytes) -> bool:
    """Whether an experimenter message is one of the bundle extension."""
    return body[:4] == ONF.to_bytes(4, "big") and int.from_bytes(body[4:8], "big") in (CONTROL, ADD_MESSAGE)


def decode_bundle_control(body: bytes) -> tuple[int, int, int]:
    """Bundle id, control type (`BundleControl`) and flags; raises Malformed."""
    reader = Reader("bundle_control", body)
    experimenter, kind, bundle, control, flags = reader.unpack(_CONTROL)
    if (experimenter, kind) != (ONF, CONTROL):
        raise Malformed("bundle_control", HEADER.size, f"experimenter {experimenter:#x}, type {kind}")
    return bundle, control, flags


def decode_bundle_add(body: bytes) -> tuple[int, int, bytes]:
    """Bundle id, flags and the complete inner message; raises Malformed."""
    reader = Reader("bundle_add_message", body)
    experimenter, kind, bundle, _, flags = reader.unpack(_CONTROL)
    if (experimenter, kind) != (ONF, ADD_MESSAGE):
        raise Malformed("bundle_add_message", HEADER.size, f"experimenter {experimenter:#x}, type {kind}")
    start = reader.position
    _, _, length, _ = reader.unpack(HEADER)
    reader.position = start
    reader.block(length, HEADER.size)
    return bundle, flags, body[start : start + length]
