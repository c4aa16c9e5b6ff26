"""Which frames belong to a demand, as sets: the verifier's own reading of the service definition.

`line`: every frame of the port, or every frame whose outermost tag is the endpoint's VLAN. `tree` and `mesh`:
frames with the endpoint's tag (or none), from an address of the ingress endpoint (and its MAC, where it has
one) to an address of the egress endpoint: IPv4, ARP by its addresses, IPv6, and multicast neighbour
solicitation by its target (a unicast one is for its IPv6 destination, like any other packet).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from sdnctl.dataplane.values import ETH_ARP, ETH_IPV4, ETH_IPV6, VLAN_PRESENT
from sdnctl.intents.demand import Demand, Endpoint, Prefix, Service
from sdnctl.verify.space import Cube, exactly

ICMPV6 = 58
NEIGHBOUR_SOLICITATION = 135
SOLICITED_NODE = IPv6Network("ff02::1:ff00:0/104")
"""Where multicast neighbour solicitations go (RFC 4291, 2.7.1)."""


@dataclass(frozen=True, slots=True)
class Tags:
    """What happens to a frame's tags on the way: how many outer ones go, which come instead (vlan_vid values)."""

    popped: int = 0
    pushed: tuple[int, ...] = ()


def frames(demand: Demand) -> tuple[Cube, ...]:
    """The frames of a demand at its ingress port, as a union of cubes.

    Empty where the two ends of a tree or mesh share no address family.
    """
    if demand.service is Service.LINE:
        return ({} if demand.ingress.vlan is None else _tag(demand.ingress),)
    base = _tag(demand.ingress)
    if demand.ingress.mac is not None:
        base = {**base, **exactly(eth_src=demand.ingress.mac)}
    cubes: list[Cube] = []
    for source in demand.ingress.prefixes:
        for target in demand.egress.prefixes:
            if isinstance(source, IPv4Network) and isinstance(target, IPv4Network):
                cubes += [
                    {**base, **exactly(eth_type=ETH_IPV4), **_in("ipv4_src", source), **_in("ipv4_dst", target)},
                    {**base, **exactly(eth_type=ETH_ARP), **_in("arp_spa", source), **_in("arp_tpa", target)},
                ]
            elif isinstance(source, IPv6Network) and isinstance(target, IPv6Network):
                v6 = {**base, **exactly(eth_type=ETH_IPV6), **_in("ipv6_src", source)}
                solicitation = exactly(ip_proto=ICMPV6, icmpv6_type=NEIGHBOUR_SOLICITATION)
                cubes += [
                    {**v6, **_in("ipv6_dst", target)},
                    {**v6, **solicitation, **_in("ipv6_dst", SOLICITED_NODE), **_in("nd_target", target)},
                ]
    return tuple(cubes)


def expected_tags(demand: Demand) -> Tags:
    """What the network owes a demand's frames: the ingress tag becomes the egress endpoint's."""
    come, leave = demand.ingress.vlan, demand.egress.vlan
    if come == leave:
        return Tags()
    return Tags(0 if come is None else 1, () if leave is None else (VLAN_PRESENT | leave,))


def _tag(endpoint: Endpoint) -> Cube:
    return exactly(vlan_vid=0 if endpoint.vlan is None else VLAN_PRESENT | endpoint.vlan)


def _in(field: str, prefix: Prefix) -> Cube:
    mask = int(prefix.netmask)
    return {field: (int(prefix.network_address), mask)} if mask else {}
