"""Which frames belong to a demand, as matches of the classify table.

`line` takes everything on its port, or everything with its outermost tag. `tree` and `mesh` take IPv4, ARP,
IPv6 and neighbour solicitations between the two ends' prefixes, from the ingress endpoint's MAC where it has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from itertools import product

from sdnctl.dataplane.fields import ND_SOLICITATION, PROTO_ICMPV6
from sdnctl.dataplane.values import ETH_ARP, ETH_IPV4, ETH_IPV6, VLAN_PRESENT, Match
from sdnctl.intents.demand import Demand, Endpoint, Prefix, Service

SOLICITED_NODE = IPv6Network("ff02::1:ff00:0/104")
"""Where neighbour solicitations go (RFC 4291 §2.7.1); one to a unicast address is an IPv6 packet like others."""

ANY_TAG = (VLAN_PRESENT, VLAN_PRESENT)
UNTAGGED = 0


def tag_of(endpoint: Endpoint) -> int:
    """`vlan_vid` of the endpoint's frames: its VLAN with the present bit, or 0 where they are untagged."""
    return UNTAGGED if endpoint.vlan is None else VLAN_PRESENT | endpoint.vlan


def is_whole_port(demand: Demand, endpoint: Endpoint) -> bool:
    """Whether every frame on the port belongs to the demand, whatever its tags."""
    return demand.service is Service.LINE and endpoint.vlan is None


def selections(demand: Demand) -> tuple[Match, ...]:
    """The matches, `in_port` included, that select exactly the demand's frames at its ingress switch."""
    port = demand.ingress.attachment.port
    if is_whole_port(demand, demand.ingress):
        return (Match.of(in_port=port),)
    base: dict[str, int | tuple[int, int]] = {"in_port": port, "vlan_vid": tag_of(demand.ingress)}
    if demand.service is Service.LINE:
        return (Match.of(**base),)
    if demand.ingress.mac is not None:
        base["eth_src"] = demand.ingress.mac
    pairs = product(demand.ingress.prefixes, demand.egress.prefixes)
    return tuple(dict.fromkeys(Match.of(**base, **fields) for pair in pairs for fields in _between(*pair)))


def _between(source: Prefix, target: Prefix) -> Iterator[dict[str, int | tuple[int, int]]]:
    """Fields that select the packets from one prefix to another, one mapping per rule."""
    if isinstance(source, IPv4Network) and isinstance(target, IPv4Network):
        yield {"eth_type": ETH_IPV4, "ipv4_src": _masked(source), "ipv4_dst": _masked(target)}
        yield {"eth_type": ETH_ARP, "arp_spa": _masked(source), "arp_tpa": _masked(target)}
    elif isinstance(source, IPv6Network) and isinstance(target, IPv6Network):
        yield {"eth_type": ETH_IPV6, "ipv6_src": _masked(source), "ipv6_dst": _masked(target)}
        yield {
            "eth_type": ETH_IPV6,
            "ip_proto": PROTO_ICMPV6,
            "icmpv6_type": ND_SOLICITATION,
            "ipv6_src": _masked(source),
            "ipv6_dst": _masked(SOLICITED_NODE),
            "nd_target": _masked(target),
        }


def _masked(prefix: Prefix) -> tuple[int, int]:
    return int(prefix.network_address), int(prefix.netmask)
