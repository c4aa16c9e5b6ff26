"""Actions to bytes and back: OpenFlow's own, and Open vSwitch's encap, decap and register load.

Nicira actions are experimenter actions (type 0xFFFF, vendor 0x2320, subtype): NXAST_REG_LOAD 7 carries
destination, bit range and value; NXAST_ENCAP 46 and NXAST_DECAP 47 carry a packet type, which is a
namespace in the upper and a number in the lower 16 bits (0 Ethernet; namespace 1 an Ethertype).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from struct import Struct
from typing import Any

from sdnctl.dataplane.values import (
    IN_PORT_CLEARED,
    PORT_CONTROLLER,
    Action,
    ClearInPort,
    Decap,
    DecMplsTtl,
    Encap,
    Output,
    PopMpls,
    PopVlan,
    PushMpls,
    PushVlan,
    SetField,
    SetQueue,
    ToGroup,
)
from sdnctl.southbound.openflow.codec.oxm import decode_field, encode_field
from sdnctl.southbound.openflow.codec.wire import NICIRA, Malformed, Unrepresentable, padding

OUTPUT, DEC_MPLS_TTL, PUSH_VLAN, POP_VLAN, PUSH_MPLS, POP_MPLS = 0, 16, 17, 18, 19, 20
SET_QUEUE, GROUP, SET_FIELD, EXPERIMENTER = 21, 22, 25, 0xFFFF
REG_LOAD, ENCAP, DECAP = 7, 46, 47

NXM_OF_IN_PORT = 0x00000002
IN_PORT_BITS = 16 - 1  # offset 0, number of bits less one, as NXAST_REG_LOAD packs a bit range
PACKET_TYPE_ETHERNET = 0
PACKET_TYPE_MPLS = 0x0001_8847
PACKET_TYPE_NEXT = 0x0000_FFFE
"""PT_USE_NEXT_PROTO: what `decap()` without a packet type carries."""

_HEAD = Struct("!HH")
_OUTPUT = Struct("!HHIH6x")
_NUMBER = Struct("!HHI")
_ETHERTYPE = Struct("!HHH2x")
_PLAIN = Struct("!HH4x")
_REG_LOAD = Struct("!HHIHHIQ")
_ENCAP = Struct("!HHIHHI")
_NICIRA = Struct("!HHIH")

_CLEAR_IN_PORT = _REG_LOAD.pack(EXPERIMENTER, 24, NICIRA, REG_LOAD, IN_PORT_BITS, NXM_OF_IN_PORT, IN_PORT_CLEARED)
_ENCAP_TYPES = {"mpls": PACKET_TYPE_MPLS, "ethernet": PACKET_TYPE_ETHERNET}


def _set_field(action: SetField) -> bytes:
    field = encode_field(action.name, action.value)
    length = _HEAD.size + len(field)
    fill = padding(length)
    return _HEAD.pack(SET_FIELD, length + len(fill)) + field + fill


_ENCODERS: dict[type, Callable[[Any], bytes]] = {
    Output: lambda action: _OUTPUT.pack(OUTPUT, 16, action.port, action.max_len),
    ToGroup: lambda action: _NUMBER.pack(GROUP, 8, action.group),
    PushMpls: lambda action: _ETHERTYPE.pack(PUSH_MPLS, 8, action.ethertype),
    PopMpls: lambda action: _ETHERTYPE.pack(POP_MPLS, 8, action.ethertype),
    DecMplsTtl: lambda action: _PLAIN.pack(DEC_MPLS_TTL, 8),
    PushVlan: lambda action: _ETHERTYPE.pack(PUSH_VLAN, 8, action.ethertype),
    PopVlan: lambda action: _PLAIN.pack(POP_VLAN, 8),
    SetField: _set_field,
    SetQueue: lambda action: _NUMBER.pack(SET_QUEUE, 8, action.queue),
    ClearInPort: lambda action: _CLEAR_IN_PORT,
    Encap: lambda action: _ENCAP.pack(EXPERIMENTER, 16, NICIRA, ENCAP, 0, _ENCAP_TYPES[action.header]),
    Decap: lambda action: _ENCAP.pack(
        EXPERIMENTER, 16, NICIRA, DECAP, 0, PACKET_TYPE_ETHERNET if action.to_ethernet else PACKET_TYPE_NEXT
    ),
}


def encode_actions(actions: Iterable[Action]) -> bytes:
    """A list of actions, in order; raises ValueError or struct.error on a value out of range."""
    return b"".join([_ENCODERS[type(action)](action) for action in actions])


def _output(buffer: bytes, start: int, end: int) -> Action:
    _, _, port, max_len = _OUTPUT.unpack_from(buffer, start)
    # max_len only means something for the controller; Open vSwitch reads 0 back for other ports.
    return Output(port, max_len) if port == PORT_CONTROLLER else Output(port)


def _nicira(buffer: bytes, start: int, end: int) -> Action:
    if end - start < 16:
        raise Unrepresentable("experimenter action")
    _, length, vendor, subtype = _NICIRA.unpack_from(buffer, start)
    if vendor != NICIRA:
        raise Unrepresentable(f"action of experimenter {vendor:#x}")
    if buffer[start:end] == _CLEAR_IN_PORT:
        return ClearInPort()
    if subtype in (ENCAP, DECAP) and length == _ENCAP.size:
        _, _, _, _, size, packet_type = _ENCAP.unpack_from(buffer, start)
        if subtype == DECAP and packet_type in (PACKET_TYPE_NEXT, PACKET_TYPE_ETHERNET):
            return Decap(packet_type == PACKET_TYPE_ETHERNET)
        for header, number in _ENCAP_TYPES.items():
            if subtype == ENCAP and (size, packet_type) == (0, number):
                return Encap("mpls" if header == "mpls" else "ethernet")
    raise Unrepresentable(f"Nicira action {subtype}: {buffer[start:end].hex()}")


def _number(kind: Callable[[int], Action]) -> Callable[[bytes, int, int], Action]:
    return lambda buffer, start, end: kind(_NUMBER.unpack_from(buffer, start)[2])


def _ethertype(kind: Callable[[int], Action]) -> Callable[[bytes, int, int], Action]:
    return lambda buffer, start, end: kind(_ETHERTYPE.unpack_from(buffer, start)[2])


_DECODERS: dict[int, tuple[int, Callable[[bytes, int, int], Action]]] = {
    OUTPUT: (16, _output),
    GROUP: (8, _number(ToGroup)),
    SET_QUEUE: (8, _number(SetQueue)),
    PUSH_MPLS: (8, _ethertype(PushMpls)),
    POP_MPLS: (8, _ethertype(PopMpls)),
    PUSH_VLAN: (8, _ethertype(PushVlan)),
    POP_VLAN: (8, lambda buffer, start, end: PopVlan()),
    DEC_MPLS_TTL: (8, lambda buffer, start, end: DecMplsTtl()),
}
"""Action type → the length it must have, and how to read it."""


def decode_actions(buffer: bytes, start: int, end: int, message: str, base: int) -> tuple[Action, ...]:
    """The actions from `start` to `end`; raises Malformed, or Unrepresentable on an unknown action."""
    actions: list[Action] = []
    position = start
    while position < end:
        if position + 8 > end:
            raise Malformed(message, base + position, "action cut short")
        kind, length = _HEAD.unpack_from(buffer, position)
        following = position + length
        if length < 8 or length % 8 or following > end:
            raise Malformed(message, base + position, f"action {kind} of length {length}")
        if kind == SET_FIELD:
            actions.append(SetField(*decode_field(buffer, position + 4, following)))
        elif kind == EXPERIMENTER:
            actions.append(_nicira(buffer, position, following))
        elif kind in _DECODERS:
            wanted, decode = _DECODERS[kind]
            if length != wanted:
                raise Malformed(message, base + position, f"action {kind} of length {length}, not {wanted}")
            actions.append(decode(buffer, position, following))
        else:
            raise Unrepresentable(f"action {kind}")
        position = following
    return tuple(actions)
