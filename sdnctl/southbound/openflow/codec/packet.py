"""Packets to and from the controller."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

from sdnctl.dataplane.values import PORT_CONTROLLER, Action, Match
from sdnctl.southbound.openflow.codec.actions import decode_actions, encode_actions
from sdnctl.southbound.openflow.codec.oxm import decode_match, match_extent
from sdnctl.southbound.openflow.codec.wire import NO_BUFFER, Reader, Type, Unrepresentable, message

_IN = Struct("!IHBBQ")
_OUT = Struct("!IIH6x")


class PacketIn(NamedTuple):
    """A frame sent to the controller. `match` is None when its fields have no word in `Match`."""

    reason: int
    table: int
    cookie: int
    total: int
    match: Match | None
    frame: bytes

    @property
    def in_port(self) -> int | None:
        """The port that it came in by; None where the switch does not say."""
        port = self.match.get("in_port") if self.match is not None else None
        return None if port is None else port[0]


def decode_packet_in(body: bytes) -> PacketIn:
    """A packet_in; raises Malformed."""
    reader = Reader("packet_in", body)
    _, total, reason, table, cookie = reader.unpack(_IN)
    stop, padded = match_extent(body, reader.position, reader.end, reader.message, reader.base)
    try:
        match = decode_match(body, reader.position, stop, reader.message, reader.base)
    except Unrepresentable:
        match = None
    reader.position = padded
    if reader.end - padded < 2:
        raise reader.fault("no room for the padding before the frame")
    reader.position += 2
    return PacketIn(reason, table, cookie, total, match, reader.rest())


def packet_out(xid: int, frame: bytes, actions: Sequence[Action], in_port: int = PORT_CONTROLLER) -> bytes:
    """Send `frame` through `actions` as if it had come in on `in_port`."""
    encoded = encode_actions(actions)
    return message(Type.PACKET_OUT, xid, _OUT.pack(NO_BUFFER, in_port, len(encoded)) + encoded + frame)


def decode_packet_out(body: bytes) -> tuple[bytes, tuple[Action, ...] | None, int]:
    """Frame, actions (None where they have no word) and in_port of a packet_out; raises Malformed."""
    reader = Reader("packet_out", body)
    _, in_port, length = reader.unpack(_OUT)
    start, end = reader.position, reader.block(length, 0)
    try:
        actions: tuple[Action, ...] | None = decode_actions(body, start, end, reader.message, reader.base)
    except Unrepresentable:
        actions = None
    reader.position = end
    return reader.rest(), actions, in_port
