"""Match fields as OXM TLVs: one 32-bit header (class, field, has-mask, length), value, mask.

Hot in both directions. Outwards, TLVs that repeat (port, Ethertype, prefix) are packed once. Inwards,
matches whose TLVs come in a known sequence are read by a compiled template (`shapes.py`); all others,
and everything unusual, by the loop in this module, which is the definition of what is correct.
"""

from __future__ import annotations

from struct import Struct, error

from sdnctl.dataplane.values import FIELDS, Match
from sdnctl.southbound.openflow.codec.shapes import RANK, TLVS, Shapes, Tlv
from sdnctl.southbound.openflow.codec.wire import Malformed, Unrepresentable, padding

MATCH_OXM = 1
CACHE_LIMIT = 65_536
"""Encoded TLVs remembered: some megabytes at most."""

_HEADER = Struct("!I")
_MATCH = Struct("!HH")

_FORMS = {(tlv.name, tlv.masked): (tlv.octets, tlv.full, _HEADER.pack(header)) for header, tlv in TLVS.items()}
_encoded: dict[tuple[str, int, int], bytes] = {}
_shapes = Shapes()


def encode_field(name: str, value: int) -> bytes:
    """An exact TLV, as `set_field` carries it; raises ValueError for an unknown field or a value too wide."""
    form = _FORMS.get((name, False))
    if form is None:
        raise ValueError(f"unknown field {name!r}")
    octets, full, header = form
    if not 0 <= value <= full:
        raise ValueError(f"{name}={value:#x} does not fit {FIELDS[name]} bits")
    return header + value.to_bytes(octets, "big")


def _encode_entry(entry: tuple[str, int, int]) -> bytes:
    name, value, mask = entry
    if name in FIELDS and mask == _FORMS[name, False][1]:
        encoded = encode_field(name, value)
    else:
        form = _FORMS.get((name, True))
        if form is None or not 0 < mask <= form[1] or value & ~mask:
            raise ValueError(f"{name}={value:#x}/{mask:#x} does not fit the field or its mask")
        octets, _, header = form
        encoded = header + value.to_bytes(octets, "big") + mask.to_bytes(octets, "big")
    if len(_encoded) >= CACHE_LIMIT:
        _encoded.clear()
    _encoded[entry] = encoded
    return encoded


def encode_match(match: Match) -> bytes:
    """`ofp_match` with its padding, fields in the order of the match (`Match.of` makes it the right one).

    Raises ValueError on an unknown field or a value outside its width or mask.
    """
    known = _encoded.get
    body = b"".join([known(entry) or _encode_entry(entry) for entry in match.fields])
    length = _MATCH.size + len(body)
    return _MATCH.pack(MATCH_OXM, length) + body + padding(length)


def match_extent(buffer: bytes, start: int, end: int, message: str, base: int) -> tuple[int, int]:
    """Where the `ofp_match` at `start` ends, without and with its padding; raises Malformed."""
    try:
        kind, length = _MATCH.unpack_from(buffer, start)
    except error:
        raise Malformed(message, base + start, "no room for a match") from None
    if kind != MATCH_OXM:
        raise Malformed(message, base + start, f"match of type {kind}, not OXM")
    stop = start + length
    padded = stop + -length % 8
    if length < _MATCH.size or padded > end:
        raise Malformed(message, base + start, f"match of {length} octets where {end - start} are left")
    return stop, padded


def decode_match(buffer: bytes, start: int, stop: int, message: str, base: int) -> Match:
    """The TLVs of the `ofp_match` from `start` to `stop` (from `match_extent`).

    Raises Malformed when TLVs run over the end, Unrepresentable on a field that `Match` does not know.
    """
    position = start + _MATCH.size
    found = _shapes.decode(buffer, position, stop)
    if found is not None:
        return Match(found)
    fields: list[tuple[str, int, int]] = []
    shape: list[Tlv] = []
    while position < stop:
        if position + 4 > stop:
            raise Malformed(message, base + position, "match field cut short")
        header = int.from_bytes(buffer[position : position + 4], "big")
        following = position + 4 + (header & 0xFF)
        if following > stop:
            raise Malformed(message, base + position, f"match field of {header & 0xFF} octets runs over the end")
        tlv = TLVS.get(header)
        if tlv is None:
            raise Unrepresentable(f"match field {header:#010x}")
        value_end = position + 4 + tlv.octets
        value, mask = int.from_bytes(buffer[position + 4 : value_end], "big"), tlv.full
        if tlv.masked:
            mask &= int.from_bytes(buffer[value_end:following], "big")
            value &= mask
        elif value > tlv.full:
            raise Unrepresentable(f"{tlv.name}={value:#x}")
        if mask:
            fields.append((tlv.name, value, mask))
        shape.append(tlv)
        position = following
    fields.sort(key=lambda field: RANK[field[0]])
    if len({tlv.name for tlv in shape}) != len(shape):
        raise Unrepresentable("one field is matched twice")
    _shapes.learn(shape)
    return Match(tuple(fields))


def decode_field(buffer: bytes, start: int, stop: int) -> tuple[str, int]:
    """The exact TLV of a `set_field`; Unrepresentable when masked, unknown or too wide."""
    header = int.from_bytes(buffer[start : start + 4], "big")
    tlv = TLVS.get(header)
    if tlv is None or tlv.masked or start + 4 + tlv.octets > stop:
        raise Unrepresentable(f"set_field {header:#010x}")
    value = int.from_bytes(buffer[start + 4 : start + 4 + tlv.octets], "big")
    if value > tlv.full:
        raise Unrepresentable(f"set_field {tlv.name}={value:#x}")
    return tlv.name, value
