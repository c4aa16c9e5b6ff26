"""Build real frames, octet by octet, without the four octets of the frame check sequence.

Formats: Ethernet II and 802.1Q; RFC 791 and 768 (IPv4, UDP), RFC 826 (ARP), RFC 8200 and 4861 (IPv6, neighbour
solicitation), RFC 3032 (labels). Addresses are integers, as everywhere in the rules.
"""

from __future__ import annotations

import struct

from sdnctl.dataplane.values import ETH_ARP, ETH_IPV4, ETH_IPV6, ETH_MPLS, ETH_VLAN

ETHERNET = 14
TAG = 4
LEAST = 60
"""Least length of an untagged frame without its check sequence; shorter ones are padded, tags come on top."""
UDP_HEADERS = 28
UDP6_HEADERS = 48
BROADCAST = 0xFFFFFFFFFFFF
UDP_PORT = 49_152
"""First dynamic port (RFC 6335): probes are sent from and to it, where nobody listens."""


def ethernet(dst: int, src: int, ethertype: int, payload: bytes, tags: tuple[int, ...] = ()) -> bytes:
    """One frame; `tags` are VLAN ids, outermost first; padded with zeros to the least length."""
    head = dst.to_bytes(6, "big") + src.to_bytes(6, "big")
    stack = b"".join(struct.pack("!HH", ETH_VLAN, vlan) for vlan in tags)
    return (head + stack + struct.pack("!H", ethertype) + payload).ljust(LEAST + TAG * len(tags), b"\0")


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp4(src: int, dst: int, payload: bytes) -> bytes:
    """An IPv4 packet with a UDP datagram, may not be fragmented."""
    length = UDP_HEADERS + len(payload)
    udp = struct.pack("!HHHH", UDP_PORT, UDP_PORT, 8 + len(payload), 0) + payload
    pseudo = struct.pack("!IIBBH", src, dst, 0, 17, len(udp))
    udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp) or 0xFFFF) + payload
    head = struct.pack("!BBHHHBBHII", 0x45, 0, length, 0, 0x4000, 64, 17, 0, src, dst)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + udp


def udp6(src: int, dst: int, payload: bytes) -> bytes:
    """An IPv6 packet with a UDP datagram."""
    udp = struct.pack("!HHHH", UDP_PORT, UDP_PORT, 8 + len(payload), 0) + payload
    return _ipv6(src, dst, 17, 64, udp, 6)


def solicitation(src: int, target: int, mac: int) -> tuple[int, bytes]:
    """A multicast neighbour solicitation: the destination MAC and the IPv6 packet."""
    group = (0xFF02 << 112) | 0x1_FF00_0000 | (target & 0xFFFFFF)
    body = struct.pack("!BBHI", 135, 0, 0, 0) + target.to_bytes(16, "big") + b"\x01\x01" + mac.to_bytes(6, "big")
    return 0x3333_0000_0000 | (group & 0xFFFFFFFF), _ipv6(src, group, 58, 255, body, 2)


def arp_request(mac: int, src: int, target: int) -> bytes:
    """A who-has request."""
    return struct.pack("!HHBBH6sI6sI", 1, ETH_IPV4, 6, 4, 1, mac.to_bytes(6, "big"), src, bytes(6), target)


def labels(*values: int) -> bytes:
    """A label stack, outermost first, TTL 64."""
    stack = b""
    for index, value in enumerate(values):
        last = int(index == len(values) - 1)
        stack += struct.pack("!I", value << 12 | last << 8 | 64)
    return stack


def _ipv6(src: int, dst: int, protocol: int, hops: int, body: bytes, at: int) -> bytes:
    """An IPv6 packet whose payload has its checksum at octet `at`."""
    ends = src.to_bytes(16, "big") + dst.to_bytes(16, "big")
    total = checksum(ends + struct.pack("!IxxxB", len(body), protocol) + body) or 0xFFFF
    body = body[:at] + struct.pack("!H", total) + body[at + 2 :]
    return struct.pack("!IHBB", 6 << 28, len(body), protocol, hops) + ends + body


def retag(frame: bytes, popped: int, pushed: tuple[int, ...]) -> bytes:
    """The frame with outer tags taken off and VLAN ids put on; not padded again (a switch does not either)."""
    return frame[:12] + b"".join(struct.pack("!HH", ETH_VLAN, vid) for vid in pushed) + frame[12 + TAG * popped :]


def header_of(frame: bytes) -> dict[str, int]:
    """The fields of a frame that a classify rule could match, for checking which demand a probe belongs to."""
    fields = {"eth_dst": int.from_bytes(frame[:6], "big"), "eth_src": int.from_bytes(frame[6:12], "big")}
    at, tags = 12, []
    ethertype = int.from_bytes(frame[at : at + 2], "big")
    while ethertype == ETH_VLAN:
        tags.append(0x1000 | int.from_bytes(frame[at + 2 : at + 4], "big") & 0xFFF)
        at += TAG
        ethertype = int.from_bytes(frame[at : at + 2], "big")
    fields["vlan_vid"] = tags[0] if tags else 0
    fields["eth_type"] = ethertype
    body = frame[at + 2 :]
    if ethertype == ETH_IPV4:
        fields |= {"ip_proto": body[9], "ipv4_src": _int(body, 12, 4), "ipv4_dst": _int(body, 16, 4)}
    elif ethertype == ETH_ARP:
        fields |= {"arp_op": _int(body, 6, 2), "arp_spa": _int(body, 14, 4), "arp_tpa": _int(body, 24, 4)}
    elif ethertype == ETH_IPV6:
        fields |= {"ip_proto": body[6], "ipv6_src": _int(body, 8, 16), "ipv6_dst": _int(body, 24, 16)}
        if body[6] == 58:
            fields |= {"icmpv6_type": body[40], "nd_target": _int(body, 48, 16)}
    elif ethertype == ETH_MPLS:
        word = _int(body, 0, 4)
        fields |= {"mpls_label": word >> 12, "mpls_tc": word >> 9 & 7, "mpls_bos": word >> 8 & 1}
    return fields


def _int(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(data[at : at + length], "big")
