"""Which frames belong to a demand, as the exact matches that select them at its port.

The same sets as `frames.frames`, made of parts that all demands of an endpoint share, so that thousands are
made in no time and each can be looked up among the rules of a switch. Fields are in the order of `FIELDS`.
"""

from __future__ import annotations

from ipaddress import IPv4Network

from sdnctl.dataplane.values import ETH_ARP, ETH_IPV4, ETH_IPV6, FIELDS, VLAN_PRESENT
from sdnctl.intents.demand import Demand, Endpoint, Prefix, Service
from sdnctl.verify.forms import Fields
from sdnctl.verify.frames import ICMPV6, NEIGHBOUR_SOLICITATION, SOLICITED_NODE


def _exact(name: str, value: int) -> tuple[str, int, int]:
    return name, value, (1 << FIELDS[name]) - 1


def _in(name: str, prefix: Prefix) -> Fields:
    mask = int(prefix.netmask)
    return ((name, int(prefix.network_address), mask),) if mask else ()


class Wanted:
    """Makes the matches of demands, and remembers the parts of each endpoint (by identity, while it lives)."""

    def __init__(self) -> None:
        self._heads: dict[int, tuple[Endpoint, list[tuple[int, Fields, Fields]]]] = {}
        self._tails: dict[int, tuple[Endpoint, list[tuple[int, Fields, Fields]]]] = {}

    def matches(self, demand: Demand) -> list[Fields]:
        """The matches of a demand at its ingress port, port included; empty where its ends share no family."""
        ingress = demand.ingress
        if demand.service is Service.LINE:
            port = _exact("in_port", ingress.attachment.port)
            if ingress.vlan is None:
                return [(port,)]
            return [(port, _exact("vlan_vid", VLAN_PRESENT | ingress.vlan))]
        heads = self._heads.get(id(ingress)) or self._head(ingress)
        tails = self._tails.get(id(demand.egress)) or self._tail(demand.egress)
        return [
            fields
            for version, head, other in heads[1]
            for also, tail, last in tails[1]
            if version == also
            for fields in (head + tail, other + last)
        ]

    def _head(self, end: Endpoint) -> tuple[Endpoint, list[tuple[int, Fields, Fields]]]:
        """Per prefix: what frames from it look like, up to their destination."""
        base: Fields = (_exact("in_port", end.attachment.port),)
        if end.mac is not None:
            base += (_exact("eth_src", end.mac),)
        tag = (_exact("vlan_vid", 0 if end.vlan is None else VLAN_PRESENT | end.vlan),)
        found = []
        for prefix in end.prefixes:
            if isinstance(prefix, IPv4Network):
                ip = (*base, _exact("eth_type", ETH_IPV4), *tag, *_in("ipv4_src", prefix))
                arp = (*base, _exact("eth_type", ETH_ARP), *tag, *_in("arp_spa", prefix))
                found.append((4, ip, arp))
            else:
                v6, source = (*base, _exact("eth_type", ETH_IPV6), *tag), _in("ipv6_src", prefix)
                group = _in("ipv6_dst", SOLICITED_NODE)
                kind = _exact("icmpv6_type", NEIGHBOUR_SOLICITATION)
                solicits = (*v6, _exact("ip_proto", ICMPV6), *source, *group, kind)
                found.append((6, (*v6, *source), solicits))
        return self._heads.setdefault(id(end), (end, found))

    def _tail(self, end: Endpoint) -> tuple[Endpoint, list[tuple[int, Fields, Fields]]]:
        """Per prefix: the destinations that are in it."""
        found = []
        for prefix in end.prefixes:
            if isinstance(prefix, IPv4Network):
                found.append((4, _in("ipv4_dst", prefix), _in("arp_tpa", prefix)))
            else:
                found.append((6, _in("ipv6_dst", prefix), _in("nd_target", prefix)))
        return self._tails.setdefault(id(end), (end, found))
