"""The frame of an SNMP message, read without decoding what is in it: enough to tell whom it claims to be from.

BER with definite lengths (RFC 3417 §8). Whatever the octets are, the only error is `Garbage`, with an offset.
"""

from __future__ import annotations

from dataclasses import dataclass

INTEGER, OCTETS, SEQUENCE = 0x02, 0x04, 0x30
TRAP, INFORM = 0xA7, 0xA6
"""SNMPv2-Trap-PDU and InformRequest-PDU (RFC 3416)."""
V2C, V3 = 1, 3
AUTH, PRIV, REPORTABLE = 0x01, 0x02, 0x04
"""Flags of an SNMPv3 message (RFC 3412 §6.4)."""
USM = 3
"""The user-based security model."""
LARGEST = 8192
"""Octets of a message that are looked at."""


class Garbage(ValueError):
    """Octets that are no SNMP message: where, and why."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"octet {offset}: {reason}")
        self.offset = offset
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CommunityMessage:
    """SNMPv2c: the community, and the kind of the PDU behind it."""

    community: bytes
    pdu: int


@dataclass(frozen=True, slots=True)
class UserMessage:
    """SNMPv3 with the user-based security model; `digest` is where its authentication parameters stand."""

    flags: int
    engine: bytes
    boots: int
    time: int
    user: bytes
    digest: slice


def read_message(data: bytes) -> CommunityMessage | UserMessage:
    """The frame of a message of SNMPv2c or SNMPv3; raises Garbage."""
    if len(data) > LARGEST:
        raise Garbage(LARGEST, f"a message of {len(data)} octets")
    whole = _Reader(data, 0, len(data)).enter(SEQUENCE)
    if whole.end != len(data):
        raise Garbage(whole.end, "octets behind the message")
    version = whole.integer()
    if version == V2C:
        community = whole.octets()
        return CommunityMessage(data[community], whole.peek())
    if version != V3:
        raise Garbage(0, f"version {version}")
    header = whole.enter(SEQUENCE)
    header.integer()
    header.integer()
    flags = data[header.octets()]
    model = header.integer()
    if len(flags) != 1 or model != USM:
        raise Garbage(header.at, "not the user-based security model")
    outer = whole.octets()
    usm = _Reader(data, outer.start, outer.stop).enter(SEQUENCE)
    engine, boots, time = usm.octets(), usm.integer(), usm.integer()
    user, digest = usm.octets(), usm.octets()
    usm.octets()
    if usm.at != usm.end or usm.end != outer.stop:
        raise Garbage(usm.at, "security parameters that go on")
    whole.peek()
    return UserMessage(flags[0], data[engine], boots, time, data[user], digest)


class _Reader:
    """Elements one after the other, within bounds."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self._data = data
        self.at = at
        self.end = end

    def enter(self, tag: int) -> _Reader:
        inner = self._element(tag)
        return _Reader(self._data, inner.start, inner.stop)

    def octets(self) -> slice:
        return self._element(OCTETS)

    def integer(self) -> int:
        where = self._element(INTEGER)
        octets = self._data[where]
        if not 1 <= len(octets) <= 5:
            raise Garbage(where.start, f"an integer of {len(octets)} octets")
        return int.from_bytes(octets, "big", signed=True)

    def peek(self) -> int:
        """The tag of what comes next, which must be whole."""
        if self.at >= self.end:
            raise Garbage(self.at, "the message ends too early")
        tag = self._data[self.at]
        self._element(tag)
        return tag

    def _element(self, tag: int) -> slice:
        start = self.at + 2
        if start > self.end:
            raise Garbage(self.at, "half an element")
        if self._data[self.at] != tag:
            raise Garbage(self.at, f"tag {self._data[self.at]:#04x} where {tag:#04x} is expected")
        length = self._data[self.at + 1]
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4 or start + count > self.end:
                raise Garbage(self.at + 1, "a length that cannot be")
            length = int.from_bytes(self._data[start : start + count], "big")
            start += count
        if start + length > self.end:
            raise Garbage(self.at, f"an element of {length} octets where {self.end - start} are left")
        self.at = start + length
        return slice(start, self.at)
