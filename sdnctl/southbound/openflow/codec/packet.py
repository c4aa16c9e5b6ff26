"""Packets to and from the controller."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

from sdnctl.dataplane.values import PORT_CONTROLLER, Action, Match, Output
from sdnctl.southbound.openflow.codec.actions import OUTPUT, decode_actions, encode_actions
from sdnctl.southbound.openflow.codec.oxm import decode_match, match_extent
from sdnctl.southbound.openflow.codec.shapes import FORMS
from sdnctl.southbound.openflow.codec.wire import (
    ANY,
    MAX_MESSAGE,
    NO_BUFFER,
    VERSION,
    Reader,
    Type,
    Unrepresentable,
    message,
)

_IN = Struct("!IHBBQ")
_OUT = Struct("!IIH6x")

# What nearly all packets look like: the switch tells only the port that they came in by; they leave by one port.
_IN_BY_PORT = Struct("!IHBBQHHII4x2x")
_IN_PORT_ONLY = (1, 12, FORMS["in_port", False].header)
_OUT_BY_PORT = Struct("!BBHIIIH6xHHIH6x")
_by_port: dict[int, Match] = {}
PORTS_REMEMBERED = 4_096


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
    if len(body) >= _IN_BY_PORT.size:
        _, total, reason, table, cookie, *head, port = _IN_BY_PORT.unpack_from(body)
        if tuple(head) == _IN_PORT_ONLY:
            return PacketIn(reason, table, cookie, total, _came_by(port), body[_IN_BY_PORT.size :])
    return _general_packet_in(body)


def _came_by(port: int) -> Match:
    match = _by_port.get(port)
    if match is None:
        if len(_by_port) >= PORTS_REMEMBERED:
            _by_port.clear()
        match = _by_port[port] = Match((("in_port", port, ANY),))
    return match


def _general_packet_in(body: bytes) -> PacketIn:
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
    length = _OUT_BY_PORT.size + len(frame)
    if len(actions) == 1 and isinstance(action := actions[0], Output) and length <= MAX_MESSAGE:
        head = VERSION, Type.PACKET_OUT, length, xid, NO_BUFFER, in_port, 16
        return _OUT_BY_PORT.pack(*head, OUTPUT, 16, action.port, action.max_len) + frame
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
