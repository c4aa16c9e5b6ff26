"""LLDP (IEEE 802.1AB): frames as TLVs, and back. Pure; knows no keys, no switches and no opinions.

A TLV is 7 bits of type, 9 bits of length and that many octets. Chassis, port and time to live come first, in this
order and once; what follows may repeat. The end TLV or the end of the frame ends it; padding behind is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from sdnctl.dataplane.values import ETH_LLDP

NEAREST_BRIDGE = 0x0180C200000E
"""Group address that no IEEE 802.1 bridge forwards."""
LONGEST = 511
"""Octets of a TLV's value."""

_HEADER = Struct("!H")
_ETHERNET = Struct("!6s6sH")


class Kind(IntEnum):
    """Types of TLVs that have a meaning here; others are carried as they are."""

    END = 0
    CHASSIS = 1
    PORT = 2
    TTL = 3
    SYSTEM_NAME = 5
    ORGANISATION = 127


LOCAL = 7
"""Subtype of chassis and port ids: assigned locally, free text."""


class BadFrame(ValueError):
    """Octets that are no LLDP frame: where, and why."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"octet {offset}: {reason}")
        self.offset = offset
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Tlv:
    """One element: its type (0–127) and up to 511 octets."""

    kind: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Organisational:
    """What an organisation defines for itself: its 24-bit identifier, a subtype, and octets."""

    oui: int
    subtype: int
    value: bytes

    def tlv(self) -> Tlv:
        return Tlv(Kind.ORGANISATION, self.oui.to_bytes(3, "big") + bytes((self.subtype,)) + self.value)


@dataclass(frozen=True, slots=True)
class Lldp:
    """One frame. Ids carry their subtype in front (`LOCAL`: text); `ttl` in seconds."""

    source: int
    chassis: tuple[int, bytes]
    port: tuple[int, bytes]
    ttl: int
    others: tuple[Tlv, ...] = ()
    destination: int = NEAREST_BRIDGE

    @property
    def system_name(self) -> str | None:
        """The sender's name, where it says one; octets that are not UTF-8 are shown escaped."""
        for tlv in self.others:
            if tlv.kind == Kind.SYSTEM_NAME:
                return tlv.value.decode("utf-8", "backslashreplace")
        return None

    def organisational(self, oui: int, subtype: int) -> tuple[bytes, ...]:
        """Values of the elements that an organisation defined under this subtype."""
        prefix = oui.to_bytes(3, "big") + bytes((subtype,))
        return tuple(
            tlv.value[4:] for tlv in self.others if tlv.kind == Kind.ORGANISATION and tlv.value[:4] == prefix
        )


def encode(frame: Lldp) -> bytes:
    """The octets of a frame, Ethernet header included; raises ValueError for what does not fit."""
    if not 0 <= frame.ttl <= 0xFFFF:
        raise ValueError(f"a time to live of {frame.ttl} s does not fit 16 bits")
    tlvs = (
        Tlv(Kind.CHASSIS, _identity(frame.chassis)),
        Tlv(Kind.PORT, _identity(frame.port)),
        Tlv(Kind.TTL, _HEADER.pack(frame.ttl)),
        *frame.others,
        Tlv(Kind.END, b""),
    )
    ethernet = frame.destination.to_bytes(6, "big") + frame.source.to_bytes(6, "big") + _HEADER.pack(ETH_LLDP)
    return ethernet + b"".join(_octets(tlvs))


def _octets(tlvs: Iterable[Tlv]) -> Iterator[bytes]:
    for tlv in tlvs:
        if not 0 <= tlv.kind <= 127 or len(tlv.value) > LONGEST:
            raise ValueError(f"a TLV of type {tlv.kind} with {len(tlv.value)} octets cannot be written")
        yield _HEADER.pack(tlv.kind << 9 | len(tlv.value)) + tlv.value


def _identity(item: tuple[int, bytes]) -> bytes:
    subtype, value = item
    if not 1 <= len(value) <= 255:
        raise ValueError(f"an id has 1 to 255 octets, not {len(value)}")
    return bytes((subtype,)) + value


def is_lldp(frame: bytes) -> bool:
    """Whether a frame is an untagged LLDP frame."""
    return len(frame) >= _ETHERNET.size and frame[12:14] == _HEADER.pack(ETH_LLDP)


def decode(frame: bytes) -> Lldp:
    """Read a frame, Ethernet header included; raises BadFrame, and nothing else, whatever the octets are."""
    if not is_lldp(frame):
        raise BadFrame(0, "not an LLDP frame")
    destination, source, _ = _ETHERNET.unpack_from(frame)
    tlvs = list(_tlvs(frame, _ETHERNET.size))
    for index, kind in enumerate((Kind.CHASSIS, Kind.PORT, Kind.TTL)):
        if len(tlvs) <= index or tlvs[index][1].kind != kind:
            at = tlvs[index][0] if len(tlvs) > index else len(frame)
            raise BadFrame(at, f"{kind.name.lower()} expected")
    for at, tlv in tlvs[3:]:
        if tlv.kind in (Kind.CHASSIS, Kind.PORT, Kind.TTL):
            raise BadFrame(at, f"a second {Kind(tlv.kind).name.lower()}")
        if tlv.kind == Kind.ORGANISATION and len(tlv.value) < 4:
            raise BadFrame(at, "an organisational TLV without organisation and subtype")
    (at_ttl, ttl), others = tlvs[2], tuple(tlv for _, tlv in tlvs[3:])
    if len(ttl.value) < 2:
        raise BadFrame(at_ttl, "a time to live of less than 2 octets")
    return Lldp(
        int.from_bytes(source, "big"),
        _read_identity(*tlvs[0]),
        _read_identity(*tlvs[1]),
        _HEADER.unpack_from(ttl.value)[0],
        others,
        int.from_bytes(destination, "big"),
    )


def _tlvs(frame: bytes, position: int) -> Iterator[tuple[int, Tlv]]:
    """Elements with their offsets, up to the end TLV or the end of the frame."""
    while position < len(frame):
        if len(frame) - position < _HEADER.size:
            raise BadFrame(position, "half a TLV header")
        (word,) = _HEADER.unpack_from(frame, position)
        kind, length, start = word >> 9, word & LONGEST, position + _HEADER.size
        if kind == Kind.END:
            return
        if len(frame) - start < length:
            raise BadFrame(position, f"a TLV of {length} octets where {len(frame) - start} are left")
        yield position, Tlv(kind, frame[start : start + length])
        position = start + length


def _read_identity(at: int, tlv: Tlv) -> tuple[int, bytes]:
    if not 2 <= len(tlv.value) <= 256:
        raise BadFrame(at, f"an id of {len(tlv.value)} octets")
    return tlv.value[0], tlv.value[1:]
