"""Which frames belong to a demand, as matches of the classify table.

`line` takes everything on its port, or everything with its outermost tag. `tree` and `mesh` take IPv4, ARP,
IPv6 and neighbour solicitations between the two ends' prefixes, from the ingress endpoint's MAC where it has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Network
from typing import TypeAlias

from sdnctl.dataplane.fields import ND_SOLICITATION, PROTO_ICMPV6
from sdnctl.dataplane.values import ETH_ARP, ETH_IPV4, ETH_IPV6, FIELDS, VLAN_PRESENT, Match
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
    return Selector().matches(demand)


_Part: TypeAlias = tuple[tuple[str, int, int], ...]
"""Entries of a match, in the order of `values.FIELDS`."""


@dataclass(frozen=True, slots=True)
class _Address:
    """One prefix of an endpoint: its entries as source and as destination, none for a prefix of length 0."""

    version: int
    source: _Part
    target: _Part
    arp_source: _Part = ()
    arp_target: _Part = ()
    nd_target: _Part = ()


@dataclass(frozen=True, slots=True)
class _End:
    """What an endpoint contributes to matches: by its port, tag, MAC and prefixes."""

    endpoint: Endpoint
    port: _Part
    tag: _Part
    ipv4: _Part
    arp: _Part
    ipv6: _Part
    solicitation: _Part
    addresses: tuple[_Address, ...]


class Selector:
    """Selections of many demands: what an endpoint contributes to them is worked out once, and shared."""

    def __init__(self) -> None:
        self._ends: dict[int, _End] = {}  # by identity, which the endpoint in the entry keeps alive

    def matches(self, demand: Demand) -> tuple[Match, ...]:
        """What `selections` says."""
        here = self._end(demand.ingress)
        if demand.service is Service.LINE:
            return (Match(here.port if demand.ingress.vlan is None else here.port + here.tag),)
        found = []
        there = self._end(demand.egress)
        for source in here.addresses:
            for target in there.addresses:
                if source.version != target.version:
                    continue
                if source.version == 4:
                    found.append(Match(here.ipv4 + source.source + target.target))
                    found.append(Match(here.arp + source.arp_source + target.arp_target))
                else:
                    found.append(Match(here.ipv6 + source.source + target.target))
                    found.append(
                        Match(here.solicitation + source.source + _SOLICITED + _ND_TYPE + target.nd_target)
                    )
        return tuple(found) if len(found) <= 2 else tuple(dict.fromkeys(found))

    def _end(self, endpoint: Endpoint) -> _End:
        end = self._ends.get(id(endpoint))
        if end is None:
            end = self._ends[id(endpoint)] = _describe(endpoint)
        return end


def _exact(name: str, value: int) -> _Part:
    return ((name, value, (1 << FIELDS[name]) - 1),)


_IPV4, _ARP, _IPV6 = (_exact("eth_type", value) for value in (ETH_IPV4, ETH_ARP, ETH_IPV6))
_ICMPV6 = _exact("ip_proto", PROTO_ICMPV6)
_ND_TYPE = _exact("icmpv6_type", ND_SOLICITATION)


def _describe(endpoint: Endpoint) -> _End:
    port = _exact("in_port", endpoint.attachment.port)
    tag = _exact("vlan_vid", tag_of(endpoint))
    sender = port if endpoint.mac is None else port + _exact("eth_src", endpoint.mac)
    ipv6 = sender + _IPV6 + tag
    return _End(
        endpoint,
        port,
        tag,
        sender + _IPV4 + tag,
        sender + _ARP + tag,
        ipv6,
        ipv6 + _ICMPV6,
        tuple(map(_address, endpoint.prefixes)),
    )


def _address(prefix: Prefix) -> _Address:
    value, mask = int(prefix.network_address), int(prefix.netmask)
    if mask == 0:
        return _Address(prefix.version, (), ())
    if prefix.version == 4:
        names = "ipv4_src", "ipv4_dst", "arp_spa", "arp_tpa"
        return _Address(4, *(((name, value, mask),) for name in names))
    source, target, nd_target = (((name, value, mask),) for name in ("ipv6_src", "ipv6_dst", "nd_target"))
    return _Address(6, source, target, nd_target=nd_target)


_SOLICITED = _address(SOLICITED_NODE).target
