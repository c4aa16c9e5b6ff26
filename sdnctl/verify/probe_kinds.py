"""The frames that V3 sends: for each demand what must arrive, and what somebody might try instead.

A sample is a frame as a function of its token, which stands in the payload or, where a format has none, in
the padding; checksums are right for every token.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

from sdnctl.dataplane.values import ETH_ARP, ETH_IPV4, ETH_IPV6, ETH_MPLS
from sdnctl.intents.demand import Demand, Endpoint, Prefix, Service
from sdnctl.topology.graph import PortRef
from sdnctl.verify import wire

Build: TypeAlias = Callable[[bytes], bytes]

EXPERIMENTAL = 0x88B5
"""Ethertype for local experiments (IEEE 802): what a line carries in its probes beside IPv4."""
LINK_CONTROL = 0x0180C200000E
"""Nearest-bridge group address: where LLDP and other link protocols of a customer go."""
LINE_ENDS = 0xC0000201, 0xC0000202
"""Addresses of a line's IPv4 probe, from 192.0.2.0/24 (RFC 5737): a line looks at none."""
FORGED = 0xC6336401
"""Where forged sources start: 198.51.100.1 (RFC 5737)."""
INNER_TAGS = 66, 77


@dataclass(frozen=True, slots=True)
class Sample:
    """One frame to send: what it tries, the demand it is for or abuses, where it enters."""

    kind: str
    demand: Demand
    port: PortRef
    build: Build


# ── frames that must arrive ──────────────────────────────────────────────────────────────────────


def wanted(demand: Demand) -> Iterator[Sample]:
    """The kinds of frames that a demand must carry, smallest and largest."""
    kinds = _line(demand) if demand.service is Service.LINE else _tree(demand)
    for kind, build in kinds:
        yield Sample(kind, demand, demand.ingress.attachment, build)


def _tree(demand: Demand) -> Iterator[tuple[str, Build]]:
    """IPv4, ARP, IPv6 and neighbour solicitation between one address of each end."""
    dst, tags = mac_of(demand.egress), tags_of(demand.ingress)
    src, size = mac_of(demand.ingress), demand.mtu
    four, six = _addresses(demand, IPv4Network), _addresses(demand, IPv6Network)
    if four is not None:
        a, b = four
        request = wire.arp_request(src, a, b)
        room = size - wire.UDP_HEADERS
        yield "udp", lambda token: wire.ethernet(dst, src, ETH_IPV4, wire.udp4(a, b, token), tags)
        yield (
            "full-size",
            lambda token: wire.ethernet(dst, src, ETH_IPV4, wire.udp4(a, b, token.ljust(room, b"\0")), tags),
        )
        yield "arp", lambda token: wire.ethernet(wire.BROADCAST, src, ETH_ARP, request + token, tags)
    if six is not None:
        c, d = six
        group, packet = wire.solicitation(c, d, src)
        space = size - wire.UDP6_HEADERS
        yield "udp6", lambda token: wire.ethernet(dst, src, ETH_IPV6, wire.udp6(c, d, token), tags)
        yield (
            "full-size6",
            lambda token: wire.ethernet(dst, src, ETH_IPV6, wire.udp6(c, d, token.ljust(space, b"\0")), tags),
        )
        yield "solicitation", lambda token: wire.ethernet(group, src, ETH_IPV6, packet + token, tags)


def _line(demand: Demand) -> Iterator[tuple[str, Build]]:
    """Least and full size, double-tagged at full size, and a customer's link protocol."""
    src, dst, tags, size = mac_of(demand.ingress), mac_of(demand.egress), tags_of(demand.ingress), demand.mtu
    double = (*tags, *INNER_TAGS)[:2]
    yield "least", lambda token: wire.ethernet(dst, src, ETH_IPV4, wire.udp4(*LINE_ENDS, token), tags)
    yield "full-size", lambda token: wire.ethernet(dst, src, EXPERIMENTAL, token.ljust(size, b"\0"), tags)
    yield "double-tagged", lambda token: wire.ethernet(dst, src, EXPERIMENTAL, token.ljust(size, b"\0"), double)
    yield "link-protocol", lambda token: wire.ethernet(LINK_CONTROL, src, EXPERIMENTAL, token, tags)


# ── frames that nobody may receive ───────────────────────────────────────────────────────────────


def unwanted(demands: tuple[Demand, ...], stacks: Mapping[str, tuple[tuple[int, ...], ...]]) -> Iterator[Sample]:
    """What must die; some may belong to another demand after all, which the caller checks."""
    ports = sorted({end.attachment for demand in demands for end in (demand.ingress, demand.egress)})
    following = dict(zip(ports, (*ports[1:], *ports[:1]), strict=True))
    trees = [demand for demand in demands if demand.service is not Service.LINE]
    for demand in demands:
        yield from _wrong_tag(demand)
        yield from _wrong_port(demand, following)
    for demand in trees:
        yield from _forged_source(demand)
    yield from _strangers(trees)
    yield from _forged_labels(demands, stacks)


def _wrong_tag(demand: Demand) -> Iterator[Sample]:
    """The demand's own frame under another VLAN, and without its tag."""
    own = demand.ingress.vlan
    sample = next(wanted(demand), None)
    if sample is None or (own is None and demand.service is Service.LINE):
        return
    popped = 0 if own is None else 1
    other = 4000 if own != 4000 else 4001
    build = sample.build
    yield replace(sample, kind="wrong-vlan", build=lambda token: wire.retag(build(token), popped, (other,)))
    if own is not None:
        yield replace(sample, kind="untagged", build=lambda token: wire.retag(build(token), popped, ()))


def _wrong_port(demand: Demand, following: Mapping[PortRef, PortRef]) -> Iterator[Sample]:
    """The demand's own frame, entering by the next edge port in order."""
    sample = next(wanted(demand), None)
    if sample is not None and len(following) > 1:
        yield replace(sample, kind="wrong-port", port=following[demand.ingress.attachment])


def _forged_source(demand: Demand) -> Iterator[Sample]:
    """An address that is not the ingress endpoint's, and a MAC that is not, where there is a guard."""
    four = _addresses(demand, IPv4Network)
    if four is None:
        return
    src, dst, tags = mac_of(demand.ingress), mac_of(demand.egress), tags_of(demand.ingress)
    a, b = four
    forged = _outside(demand.ingress.prefixes)
    request = wire.arp_request(src, forged, b)
    port = demand.ingress.attachment

    def frame(token: bytes) -> bytes:
        return wire.ethernet(dst, src, ETH_IPV4, wire.udp4(forged, b, token), tags)

    yield Sample("wrong-source", demand, port, frame)
    yield Sample(
        "wrong-arp-source",
        demand,
        port,
        lambda token: wire.ethernet(wire.BROADCAST, src, ETH_ARP, request + token, tags),
    )
    if demand.ingress.mac is not None:
        yield Sample(
            "wrong-mac",
            demand,
            port,
            lambda token: wire.ethernet(dst, src ^ 1, ETH_IPV4, wire.udp4(a, b, token), tags),
        )


def _strangers(trees: list[Demand]) -> Iterator[Sample]:
    """From each endpoint to one of its own application, and to one of another, that it has no demand to."""
    friends = {(demand.ingress.id, demand.egress.id) for demand in trees}
    by_application: dict[str, dict[str, Demand]] = defaultdict(dict)
    for demand in trees:
        by_application[demand.application].setdefault(demand.egress.id, demand)
    done: set[tuple[str, str, str]] = set()
    elsewhere = {
        own: [one for name in sorted(by_application) if name != own for one in by_application[name].values()]
        for own in by_application
    }
    for demand in trees:
        source, own = demand.ingress, demand.application
        others = elsewhere[own]
        for kind, candidates in (("leaf-to-leaf", by_application[own].values()), ("other-service", others)):
            if (own, source.id, kind) in done:
                continue
            done.add((own, source.id, kind))
            for other in candidates:
                target = other.egress
                if target.id == source.id or (source.id, target.id) in friends:
                    continue
                sample = next(wanted(replace(demand, egress=target)), None)
                if sample is not None:
                    yield replace(sample, kind=kind, demand=demand)
                    break


def _forged_labels(
    demands: tuple[Demand, ...], stacks: Mapping[str, tuple[tuple[int, ...], ...]]
) -> Iterator[Sample]:
    """Label traffic as the network itself makes it, from every edge port of the switches that know the label."""
    inner_macs, outer_macs = (0x02F000000001, 0x02F000000002), (0x02F000000003, 0x02F000000004)
    victims: dict[PortRef, Demand] = {}
    for demand in demands:
        victims.setdefault(demand.ingress.attachment, demand)
    for port, demand in sorted(victims.items(), key=lambda item: item[0]):
        for stack in stacks.get(port.node, ()):

            def frame(token: bytes, stack: tuple[int, ...] = stack) -> bytes:
                inner = wire.ethernet(*inner_macs, EXPERIMENTAL, token)
                return wire.ethernet(*outer_macs, ETH_MPLS, wire.labels(*stack) + inner)

            yield Sample(f"forged-labels {'/'.join(str(label) for label in stack)}", demand, port, frame)


# ── addresses ────────────────────────────────────────────────────────────────────────────────────


def tags_of(endpoint: Endpoint) -> tuple[int, ...]:
    return () if endpoint.vlan is None else (endpoint.vlan,)


def mac_of(endpoint: Endpoint) -> int:
    """The endpoint's MAC, or a locally administered one that is always the same for it."""
    if endpoint.mac is not None:
        return endpoint.mac
    return 0x02_00_00_00_00_00 | int.from_bytes(hashlib.sha256(endpoint.id.encode()).digest()[:5], "big")


def _addresses(demand: Demand, family: type[IPv4Network | IPv6Network]) -> tuple[int, int] | None:
    """A source and a destination address of one family, or None where an end has none."""
    found = [
        next((_host(prefix) for prefix in end.prefixes if isinstance(prefix, family)), None)
        for end in (demand.ingress, demand.egress)
    ]
    return None if found[0] is None or found[1] is None else (found[0], found[1])


def _host(prefix: Prefix) -> int:
    """The last usable address of a prefix: routers tend to have the first."""
    return int(prefix.broadcast_address) - (prefix.num_addresses > 2)


def _outside(prefixes: Iterable[Prefix]) -> int:
    """An IPv4 address in none of the prefixes; the one before the first where they cover everything."""
    taken = [prefix for prefix in prefixes if isinstance(prefix, IPv4Network)]
    address = FORGED
    for prefix in sorted(taken, key=lambda net: int(net.network_address)):
        if int(prefix.network_address) <= address <= int(prefix.broadcast_address):
            address = (int(prefix.broadcast_address) + 1) % (1 << 32)
    return address
