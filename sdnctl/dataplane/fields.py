"""Match fields as people write them: notation, masks, and what must be matched before them.

The tables follow OpenFlow 1.3.5 §7.2.3.7 (prerequisites) and what Open vSwitch accepts as a mask. Text
and number of one field convert both ways without loss: ``02:00:00:00:00:01``, ``10.0.0.0/24``,
``2001:db8::/32``, ``0x8847``, ``100``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address

from sdnctl.dataplane.values import (
    ETH_ARP,
    ETH_IPV4,
    ETH_IPV6,
    ETH_MPLS,
    FIELDS,
    VLAN_PRESENT,
    Match,
)

PROTO_TCP = 6
PROTO_UDP = 17
PROTO_ICMPV6 = 58
ND_SOLICITATION = 135
ND_ADVERTISEMENT = 136
ETH_MPLS_MULTICAST = 0x8848

MAC_FIELDS = frozenset({"eth_dst", "eth_src"})
IPV4_FIELDS = frozenset({"ipv4_src", "ipv4_dst", "arp_spa", "arp_tpa"})
IPV6_FIELDS = frozenset({"ipv6_src", "ipv6_dst", "nd_target"})
HEX_FIELDS = frozenset({"metadata", "eth_type", "vlan_vid"})

MASKABLE = (
    MAC_FIELDS
    | IPV4_FIELDS
    | IPV6_FIELDS
    | frozenset({"metadata", "vlan_vid", "tcp_src", "tcp_dst", "udp_src", "udp_dst"})
)
"""Fields that may carry a partial mask; a partial mask elsewhere is OFPBMC_BAD_MASK."""

_IP = (ETH_IPV4, ETH_IPV6)
_MPLS = (ETH_MPLS, ETH_MPLS_MULTICAST)

PREREQUISITES: Mapping[str, tuple[tuple[str, tuple[int, ...]], ...]] = {
    "ip_dscp": (("eth_type", _IP),),
    "ip_proto": (("eth_type", _IP),),
    "ipv4_src": (("eth_type", (ETH_IPV4,)),),
    "ipv4_dst": (("eth_type", (ETH_IPV4,)),),
    "ipv6_src": (("eth_type", (ETH_IPV6,)),),
    "ipv6_dst": (("eth_type", (ETH_IPV6,)),),
    "tcp_src": (("eth_type", _IP), ("ip_proto", (PROTO_TCP,))),
    "tcp_dst": (("eth_type", _IP), ("ip_proto", (PROTO_TCP,))),
    "udp_src": (("eth_type", _IP), ("ip_proto", (PROTO_UDP,))),
    "udp_dst": (("eth_type", _IP), ("ip_proto", (PROTO_UDP,))),
    "icmpv6_type": (("eth_type", (ETH_IPV6,)), ("ip_proto", (PROTO_ICMPV6,))),
    "nd_target": (
        ("eth_type", (ETH_IPV6,)),
        ("ip_proto", (PROTO_ICMPV6,)),
        ("icmpv6_type", (ND_SOLICITATION, ND_ADVERTISEMENT)),
    ),
    "arp_op": (("eth_type", (ETH_ARP,)),),
    "arp_spa": (("eth_type", (ETH_ARP,)),),
    "arp_tpa": (("eth_type", (ETH_ARP,)),),
    "mpls_label": (("eth_type", _MPLS),),
    "mpls_tc": (("eth_type", _MPLS),),
    "mpls_bos": (("eth_type", _MPLS),),
}
"""Field → the (field, allowed values) that must be matched exactly beside it."""


def full_mask(name: str) -> int:
    """All bits of a field."""
    return (1 << FIELDS[name]) - 1


def missing_prerequisite(match: Match) -> str | None:
    """What a switch would refuse this match for (OFPBMC_BAD_PREREQ or BAD_MASK), or None.

    `vlan_pcp` needs a tag to be matched: `vlan_vid` with the present bit set.
    """
    for name, _, mask in match:
        if mask != full_mask(name) and name not in MASKABLE:
            return f"{name} takes no mask"
        for needed, allowed in PREREQUISITES.get(name, ()):
            entry = match.get(needed)
            if entry is None or entry[1] != full_mask(needed) or entry[0] not in allowed:
                values = " or ".join(format_value(needed, value) for value in allowed)
                return f"{name} needs {needed}={values}"
    if match.get("vlan_pcp") and not (match.get("vlan_vid") or (0, 0))[0] & VLAN_PRESENT:
        return "vlan_pcp needs vlan_vid with the present bit"
    return None


def mac_text(value: int) -> str:
    """48 bits → ``02:00:00:00:00:01``."""
    return value.to_bytes(6, "big").hex(":")


def parse_mac(text: str) -> int:
    """``02:00:00:00:00:01`` → 48 bits; raises ValueError."""
    parts = text.split(":")
    if len(parts) != 6 or not all(len(part) == 2 for part in parts):
        raise ValueError(f"{text!r} is not a MAC address like 02:00:00:00:00:01")
    return int.from_bytes(bytes(int(part, 16) for part in parts), "big")


def format_value(name: str, value: int) -> str:
    """Write one value of a field in its own notation."""
    if name in MAC_FIELDS:
        return mac_text(value)
    if name in IPV4_FIELDS:
        return str(IPv4Address(value))
    if name in IPV6_FIELDS:
        return str(IPv6Address(value))
    return f"{value:#x}" if name in HEX_FIELDS else str(value)


def parse_value(name: str, text: str) -> int:
    """Read one value of a field from its own notation; raises ValueError."""
    if name not in FIELDS:
        raise ValueError(f"unknown match field {name!r}")
    readers: list[tuple[frozenset[str], Callable[[str], int]]] = [
        (MAC_FIELDS, parse_mac),
        (IPV4_FIELDS, lambda item: int(IPv4Address(item))),
        (IPV6_FIELDS, lambda item: int(IPv6Address(item))),
    ]
    for names, reader in readers:
        if name in names:
            return reader(text)
    value = int(text, 0)
    if not 0 <= value <= full_mask(name):
        raise ValueError(f"{name}={text} does not fit {FIELDS[name]} bits")
    return value


def prefix_length(mask: int, width: int) -> int | None:
    """Number of leading ones if the mask is a prefix, else None."""
    ones = mask.bit_count()
    return ones if mask == ((1 << ones) - 1) << (width - ones) else None


def format_masked(name: str, value: int, mask: int) -> str:
    """``value``, ``value/mask`` or ``address/prefix-length``."""
    text = format_value(name, value)
    if mask == full_mask(name):
        return text
    if name in IPV4_FIELDS or name in IPV6_FIELDS:
        length = prefix_length(mask, FIELDS[name])
        return f"{text}/{format_value(name, mask) if length is None else length}"
    return f"{text}/{format_value(name, mask) if name in MAC_FIELDS else f'{mask:#x}'}"


def parse_masked(name: str, text: str) -> tuple[int, int]:
    """The opposite of `format_masked`; raises ValueError."""
    head, slash, tail = text.partition("/")
    value = parse_value(name, head)
    if not slash:
        return value, full_mask(name)
    width = FIELDS[name]
    if (name in IPV4_FIELDS or name in IPV6_FIELDS) and tail.isdigit():
        length = int(tail)
        if length > width:
            raise ValueError(f"{name}={text}: prefix longer than {width} bits")
        return value, ((1 << length) - 1) << (width - length)
    if name in MAC_FIELDS or name in IPV4_FIELDS or name in IPV6_FIELDS:
        return value, parse_value(name, tail)
    return value, int(tail, 0)
