"""Layer 3 and 4 fields of a packet's payload: read as Open vSwitch's parser reads, written with checksums.

`read_fields` follows ``miniflow_extract``: a header that does not add up (length fields, truncation) gives no
fields of that layer, and later fragments have no ports. `write_field` changes bytes in place and updates the IPv4
and transport checksums incrementally (RFC 1624, eqn. 3), as a switch does; a field that the
packet does not have is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sdnctl.dataplane.fields import ND_ADVERTISEMENT, ND_SOLICITATION, PROTO_ICMPV6, PROTO_TCP, PROTO_UDP
from sdnctl.dataplane.values import ETH_ARP, ETH_IPV4, ETH_IPV6

_EXTENSIONS = frozenset({0, 43, 60, 51, 44})  # hop-by-hop, routing, destination options, AH, fragment
_AH, _FRAGMENT = 51, 44
NO_TYPE = 0x05FF


@dataclass(frozen=True, slots=True)
class Place:
    """Where one field is: octet offset and length, and the bits to shift within it (`dscp` only)."""

    at: int
    length: int
    checksums: tuple[int, ...] = ()  # offsets of the 16-bit checksums that cover it


@dataclass(frozen=True, slots=True)
class Layout:
    """Values of all fields of a payload, and where the writable ones are."""

    values: Mapping[str, int]
    places: Mapping[str, Place]
    udp_checksum: int | None = None  # offset; zero there means "no checksum" (RFC 768)


_NOTHING = Layout({}, {})


def effective(eth_type: int, payload: bytes) -> tuple[int, int]:
    """The type that is matched and where its header begins in the payload.

    A value below 1,536 is a length (IEEE 802.3): then SNAP gives the type, or it is 0x05ff (OpenFlow 1.0 §3.4).
    """
    if eth_type >= 0x600:
        return eth_type, 0
    if len(payload) >= 8 and payload[:6] == b"\xaa\xaa\x03\x00\x00\x00" and _number(payload, 6, 2) >= 0x600:
        return _number(payload, 6, 2), 8
    return NO_TYPE, 0


def read_fields(eth_type: int, payload: bytes) -> Mapping[str, int]:
    """All layer 3 and 4 match fields that this payload has, by the names of `FIELDS`."""
    return layout(eth_type, payload).values


def layout(eth_type: int, payload: bytes) -> Layout:
    """Find the fields of a payload; never raises."""
    if eth_type == ETH_IPV4:
        return _ipv4(payload)
    if eth_type == ETH_IPV6:
        return _ipv6(payload)
    return _arp(payload) if eth_type == ETH_ARP else _NOTHING


def _number(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(data[at : at + length], "big")


def _arp(data: bytes) -> Layout:
    """ARP for IPv4 over Ethernet (RFC 826); anything else has no fields. Operations above 255 read as 0."""
    if len(data) < 28 or data[:6] != b"\x00\x01\x08\x00\x06\x04":
        return _NOTHING
    places = {"arp_op": Place(6, 2), "arp_spa": Place(14, 4), "arp_tpa": Place(24, 4)}
    values = {name: _number(data, place.at, place.length) for name, place in places.items()}
    if values["arp_op"] > 0xFF:
        values["arp_op"] = 0
    return Layout(values, places)


def _ipv4(data: bytes) -> Layout:
    header = (data[0] & 0xF) * 4 if data else 0
    total = _number(data, 2, 2)
    if len(data) < 20 or header < 20 or not header <= total <= len(data):
        return _NOTHING
    proto, fragment = data[9], _number(data, 6, 2) & 0x1FFF
    values = {
        "ip_dscp": data[1] >> 2,
        "ip_proto": proto,
        "ipv4_src": _number(data, 12, 4),
        "ipv4_dst": _number(data, 16, 4),
    }
    values_l4: Mapping[str, int] = {}
    places_l4: Mapping[str, Place] = {}
    transport: tuple[int, ...] = ()
    udp = None
    if not fragment:
        values_l4, places_l4, transport, udp = _transport(data, header, total, proto)
    places = {
        "ip_dscp": Place(1, 1, (10,)),
        "ipv4_src": Place(12, 4, (10, *transport)),
        "ipv4_dst": Place(16, 4, (10, *transport)),
    }
    return Layout({**values, **values_l4}, {**places, **places_l4}, udp)


def _ipv6(data: bytes) -> Layout:
    if len(data) < 40:
        return _NOTHING
    end = 40 + _number(data, 4, 2)
    if end > len(data):
        return _NOTHING
    values = {"ipv6_src": _number(data, 8, 16), "ipv6_dst": _number(data, 24, 16)}
    proto, at, later = data[6], 40, False
    while proto in _EXTENSIONS:
        if at + 8 > end:
            return Layout(values, {"ipv6_src": Place(8, 16), "ipv6_dst": Place(24, 16)})
        if proto == _FRAGMENT:
            later, length = bool(_number(data, at + 2, 2) & 0xFFF8), 8
        else:
            length = (data[at + 1] + 2) * 4 if proto == _AH else (data[at + 1] + 1) * 8
        proto, at = data[at], at + length
        if at > end:
            return Layout(values, {"ipv6_src": Place(8, 16), "ipv6_dst": Place(24, 16)})
        if later:
            proto = _FRAGMENT
            break
    values |= {"ip_dscp": _number(data, 0, 2) >> 6 & 0x3F, "ip_proto": proto}
    values_l4: Mapping[str, int] = {}
    places_l4: Mapping[str, Place] = {}
    transport: tuple[int, ...] = ()
    udp = None
    if not later:
        values_l4, places_l4, transport, udp = _transport(data, at, end, proto, version6=True)
    places = {
        "ip_dscp": Place(0, 2),
        "ipv6_src": Place(8, 16, transport),
        "ipv6_dst": Place(24, 16, transport),
    }
    return Layout({**values, **values_l4}, {**places, **places_l4}, udp)


def _transport(
    data: bytes, at: int, end: int, proto: int, version6: bool = False
) -> tuple[dict[str, int], dict[str, Place], tuple[int, ...], int | None]:
    """Ports, or ICMPv6 type and neighbour discovery target; checksum offsets; the UDP checksum's offset."""
    size = end - at
    if (proto == PROTO_TCP and size >= 20) or (proto == PROTO_UDP and size >= 8):
        name = "tcp" if proto == PROTO_TCP else "udp"
        checksum = at + (16 if proto == PROTO_TCP else 6)
        values = {f"{name}_src": _number(data, at, 2), f"{name}_dst": _number(data, at + 2, 2)}
        places = {f"{name}_src": Place(at, 2, (checksum,)), f"{name}_dst": Place(at + 2, 2, (checksum,))}
        return values, places, (checksum,), checksum if proto == PROTO_UDP else None
    if version6 and proto == PROTO_ICMPV6 and size >= 8:
        values = {"icmpv6_type": data[at]}
        places = {"icmpv6_type": Place(at, 1, (at + 2,))}
        solicited = data[at] in (ND_SOLICITATION, ND_ADVERTISEMENT) and data[at + 1] == 0
        if solicited and size >= 24:
            values["nd_target"] = _number(data, at + 8, 16)
            places["nd_target"] = Place(at + 8, 16, (at + 2,))
        return values, places, (at + 2,), None
    return {}, {}, (), None


def write_field(eth_type: int, payload: bytes, name: str, value: int) -> bytes:
    """Set one field, with the checksums that cover it; the same bytes if the packet has no such field."""
    found = layout(eth_type, payload)
    place = found.places.get(name)
    if place is None:
        return payload
    if (
        name == "ip_dscp"
    ):  # within the TOS octet (IPv4), or the first two octets (IPv6: version, class, flow label)
        old = _number(payload, place.at, place.length)
        shift = 2 if place.length == 1 else 6
        value = old & ~(0x3F << shift) | value << shift
    data = bytearray(payload)
    new = value.to_bytes(place.length, "big")
    for checksum in place.checksums:
        _update(data, checksum, place.at, new, checksum == found.udp_checksum)
    data[place.at : place.at + place.length] = new
    return bytes(data)


def _update(data: bytearray, checksum: int, at: int, new: bytes, udp: bool) -> None:
    """RFC 1624: HC' = ~(~HC + ~m + m'), over the 16-bit words that change."""
    have = _number(bytes(data), checksum, 2)
    if udp and have == 0:
        return
    start, stop = at & ~1, (at + len(new) + 1) & ~1
    start, stop = start + (checksum - start) % 2, stop + (checksum - stop) % 2
    start -= 2 * (start > at)
    before = bytes(data[start:stop])
    after = before[: at - start] + new + before[at - start + len(new) :]
    total = ~have & 0xFFFF
    for index in range(0, len(before), 2):
        total += ~_number(before, index, 2) & 0xFFFF
        total += _number(after, index, 2)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    result = ~total & 0xFFFF
    data[checksum : checksum + 2] = (0xFFFF if udp and result == 0 else result).to_bytes(2, "big")
