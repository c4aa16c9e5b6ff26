"""What keeps a connection: hello, echo, features, configuration, role, asynchronous messages, barrier."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from sdnctl.southbound.openflow.codec.wire import VERSION, Reader, Type, message

_ELEMENT = Struct("!HH")
_BITMAP = Struct("!I")
_FEATURES = Struct("!QIBB2xII")
_CONFIG = Struct("!HH")
_ROLE = Struct("!I4xQ")
_ASYNC = Struct("!6I")

VERSION_BITMAP = 1  # OFPHET_VERSIONBITMAP
NO_BUFFER_LENGTH = 0xFFFF
"""OFPCML_NO_BUFFER: send whole packets to the controller."""


PACKETS_BY_RULE = 1 << 1
"""OFPR_ACTION: packets that a rule sends to the controller, and no others."""


class Role(IntEnum):
    """OFPCR_ROLE_*."""

    NOCHANGE = 0
    EQUAL = 1
    MASTER = 2
    SLAVE = 3


class Capability(IntEnum):
    """OFPC_*: bits of `Features.capabilities`."""

    FLOW_STATS = 1 << 0
    TABLE_STATS = 1 << 1
    PORT_STATS = 1 << 2
    GROUP_STATS = 1 << 3
    IP_REASM = 1 << 5
    QUEUE_STATS = 1 << 6
    PORT_BLOCKED = 1 << 8


class Features(NamedTuple):
    """Who the switch is and what it has: datapath id, packet buffers, tables, `Capability` bits."""

    dpid: int
    buffers: int
    tables: int
    auxiliary: int
    capabilities: int


def hello(xid: int, versions: Iterable[int] = (VERSION,)) -> bytes:
    """A hello with a bitmap of the wire versions that we speak."""
    bitmap = 0
    for version in versions:
        bitmap |= 1 << version
    return message(Type.HELLO, xid, _ELEMENT.pack(VERSION_BITMAP, 8) + _BITMAP.pack(bitmap))


def decode_hello(version: int, body: bytes) -> frozenset[int]:
    """Wire versions that the peer speaks: its bitmap, or without one every version up to the header's.

    Unknown elements are skipped, as the specification wants; raises Malformed on lengths that lie.
    """
    reader = Reader("hello", body)
    while reader.position < reader.end:
        start = reader.position
        kind, length = reader.unpack(_ELEMENT)
        reader.position = start
        end = reader.block(length, _ELEMENT.size)
        if kind == VERSION_BITMAP:
            words = [int.from_bytes(body[at : at + 4], "big") for at in range(start + 4, end - 3, 4)]
            return frozenset(
                32 * index + bit for index, word in enumerate(words) for bit in range(32) if word & 1 << bit
            )
        reader.position = min(end + -length % 8, reader.end)
    return frozenset(range(1, version + 1))


def decode_features(body: bytes) -> Features:
    """Features reply; raises Malformed."""
    dpid, buffers, tables, auxiliary, capabilities, _ = Reader("features_reply", body).unpack(_FEATURES)
    return Features(dpid, buffers, tables, auxiliary, capabilities)


def encode_features(features: Features, xid: int) -> bytes:
    """Features reply, as a switch sends it."""
    return message(Type.FEATURES_REPLY, xid, _FEATURES.pack(*features, 0))


def set_config(xid: int, miss_send_len: int, flags: int = 0) -> bytes:
    """How much of a packet goes to the controller; Open vSwitch sends a dialled-in controller port status
    and packets only when this is not 0."""
    return message(Type.SET_CONFIG, xid, _CONFIG.pack(flags, miss_send_len))


def decode_config(body: bytes) -> tuple[int, int]:
    """Flags and miss_send_len of a get_config reply; raises Malformed."""
    flags, miss_send_len = Reader("get_config_reply", body).unpack(_CONFIG)
    return flags, miss_send_len


def set_async(xid: int, packet_in: int = 0, port_status: int = 0b111, flow_removed: int = 0) -> bytes:
    """Which asynchronous messages to send, as bit masks of reasons; packets never to a slave."""
    return message(
        Type.SET_ASYNC,
        xid,
        _ASYNC.pack(packet_in, 0, port_status, port_status, flow_removed, flow_removed),
    )


def role_request(xid: int, role: Role, generation_id: int = 0) -> bytes:
    """Ask for a role; a master's `generation_id` is its fencing token: a switch refuses an older one."""
    return message(Type.ROLE_REQUEST, xid, _ROLE.pack(role, generation_id))


def decode_role(body: bytes) -> tuple[int, int]:
    """Role and generation id of a role reply; raises Malformed."""
    role, generation_id = Reader("role_reply", body).unpack(_ROLE)
    return role, generation_id
