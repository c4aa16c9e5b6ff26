"""Flows as the compiler writes them, in any number: what one busy switch of a city would hold."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    ETH_ARP,
    ETH_IPV4,
    ETH_MPLS,
    GROUP_BASE,
    VLAN_PRESENT,
    Bucket,
    Decap,
    DecMplsTtl,
    Encap,
    Flow,
    Group,
    GroupType,
    Match,
    Output,
    PopMpls,
    SetField,
    SetQueue,
    ToGroup,
)

LOW32 = 0xFFFFFFFF
HOSTS = 0x0A000000  # 10.0.0.0
PORTS = 8
GROUPS = tuple(
    Group(GROUP_BASE + number, GroupType.INDIRECT, (Bucket((Output(1 + number % PORTS),)),))
    for number in range(64)
)
"""Groups that the flows send to."""


def flows(count: int) -> list[Flow]:
    """`count` flows of every table, no two of one identity (docs/pipeline.md)."""
    return list(islice(_flows(), count))


def _flows() -> Iterator[Flow]:
    number = 0
    while True:
        number += 1
        yield from _demand(number)
        yield from _label(number)


def _demand(number: int) -> Iterator[Flow]:
    """Classify (IPv4 and ARP), police and encap of one demand. Its meter is left out: meters are no flows."""
    host, peer = HOSTS + number, (HOSTS + (1 << 20) + (number & ~0xFF), 0xFFFFFF00)
    cookie = COOKIE_OWNER | 1 << 32 | number
    edge = {
        "in_port": 1 + number % PORTS,
        "vlan_vid": VLAN_PRESENT | number % 4000,
        "eth_src": 0x02_0000000000 | number,
    }
    ip = Match.of(**edge, eth_type=ETH_IPV4, ipv4_src=host, ipv4_dst=peer)
    arp = Match.of(**edge, eth_type=ETH_ARP, arp_spa=host, arp_tpa=peer)
    metadata = Match.of(metadata=(number, LOW32))
    for match in (ip, arp):
        yield Flow(0, 200, match, cookie, metadata=(number, LOW32), goto=1)
    yield Flow(1, 100, metadata, cookie, (SetQueue(number % 6),), goto=2)
    yield Flow(
        2,
        100,
        metadata,
        cookie,
        (
            Encap("mpls"),
            SetField("mpls_label", 200_000 + number % 800_000),
            SetField("mpls_tc", number % 7),
            Encap("ethernet"),
            ToGroup(GROUPS[number % len(GROUPS)].id),
        ),
    )


def _label(number: int) -> Iterator[Flow]:
    """Transit, egress and deliver of one label."""
    out = ToGroup(GROUPS[number % len(GROUPS)].id)
    trunk = Match.of(eth_type=ETH_MPLS, mpls_label=16 + number)
    service = Match.of(eth_type=ETH_MPLS, mpls_label=200_000 + number)
    if number % 3:
        yield Flow(3, 100, trunk, COOKIE_OWNER | 2 << 32 | number, (DecMplsTtl(), out))
    else:
        yield Flow(3, 100, trunk, COOKIE_OWNER | 2 << 32 | number, (PopMpls(),), goto=4)
    yield Flow(4, 100, service, COOKIE_OWNER | 4 << 32 | number, (Decap(), Decap(to_ethernet=True), Output(3)))
