"""Rules in the pipeline's vocabulary for tests: every kind of match, action, group and instruction."""

from __future__ import annotations

from collections.abc import Sequence

from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    ETH_ARP,
    ETH_IPV4,
    ETH_IPV6,
    ETH_MPLS,
    GROUP_BASE,
    METER_BASE,
    VLAN_PRESENT,
    Bucket,
    ClearInPort,
    Decap,
    DecMplsTtl,
    Encap,
    Flow,
    Group,
    GroupType,
    Match,
    Meter,
    Output,
    PopMpls,
    PopVlan,
    PushMpls,
    PushVlan,
    RuleSet,
    SetField,
    SetQueue,
    ToGroup,
)

LOW32 = 0xFFFFFFFF
BARE, LINK, TRUNK = GROUP_BASE + 1, GROUP_BASE + 2, GROUP_BASE + 3
METER = METER_BASE + 1


def cookie(kind: int, number: int) -> int:
    """An owned cookie: kind in bits 32–47, number in the low 32."""
    return COOKIE_OWNER | kind << 32 | number


def macs(port: int) -> tuple[SetField, SetField]:
    """Outer MAC rewrites for one port."""
    return SetField("eth_dst", 0x020000000100 + port), SetField("eth_src", 0x020000000200 + port)


def meter(rate: int = 8_000) -> Meter:
    return Meter(METER, rate, max(1, rate // 20))


def groups(ports: Sequence[int]) -> tuple[Group, Group, Group]:
    """Bare, link (fast failover) and trunk group, the trunk group chained to the link group."""
    first, second = ports[0], ports[1]
    bare = Group(BARE, GroupType.INDIRECT, (Bucket((*macs(first), Output(first))),))
    link = Group(
        LINK,
        GroupType.FAST_FAILOVER,
        (
            Bucket((*macs(first), Output(first)), watch_port=first),
            Bucket(
                (PushMpls(), SetField("mpls_label", 100_001), *macs(second), Output(second)),
                watch_port=second,
            ),
        ),
    )
    trunk = Group(TRUNK, GroupType.INDIRECT, (Bucket((PushMpls(), SetField("mpls_label", 1_001), ToGroup(LINK))),))
    return bare, link, trunk


def classify(port: int, demand: int = 1, vlan: int | None = 100) -> Flow:
    """An edge rule of table 0: IPv4 of one prefix to another, with source guard."""
    match = Match.of(
        in_port=port,
        vlan_vid=0 if vlan is None else VLAN_PRESENT | vlan,
        eth_src=0x020000000A01,
        eth_type=ETH_IPV4,
        ipv4_src=(0x0A000000, 0xFFFFFF00),
        ipv4_dst=(0x0A010000, 0xFFFF0000),
    )
    return Flow(0, 200, match, cookie(1, demand), metadata=(demand, LOW32), goto=1)


def flows(ports: Sequence[int]) -> tuple[Flow, ...]:
    """One flow of every kind that `docs/pipeline.md` knows; they need `meter` and `groups`."""
    trunk_port, other, edge = ports[0], ports[1], ports[2]
    prefix6 = (0x20010DB8 << 96, ((1 << 32) - 1) << 96)
    number = (1, LOW32)
    service = 200_001

    def label(value: int) -> Match:
        return Match.of(eth_type=ETH_MPLS, mpls_label=value)

    return (
        Flow(
            0,
            300,
            Match.of(in_port=trunk_port, eth_type=ETH_MPLS),
            cookie(5, trunk_port),
            (ClearInPort(),),
            goto=3,
        ),
        classify(edge),
        Flow(
            0,
            200,
            Match.of(
                in_port=edge,
                vlan_vid=0,
                eth_type=ETH_ARP,
                arp_spa=(0x0A000000, 0xFFFFFF00),
                arp_tpa=(0x0A010000, 0xFFFF0000),
            ),
            cookie(1, 1),
            metadata=number,
            goto=1,
        ),
        Flow(
            0,
            200,
            Match.of(
                in_port=edge,
                eth_type=ETH_IPV6,
                ip_proto=58,
                icmpv6_type=135,
                ipv6_src=prefix6,
                nd_target=prefix6,
            ),
            cookie(1, 1),
            metadata=number,
            goto=1,
        ),
        Flow(
            0,
            150,
            Match.of(in_port=edge, vlan_vid=(VLAN_PRESENT, VLAN_PRESENT)),
            cookie(1, 2),
            metadata=(2, LOW32),
            goto=1,
        ),
        Flow(1, 100, Match.of(metadata=number), cookie(1, 1), (SetQueue(2),), meter=METER, goto=2),
        Flow(
            2,
            100,
            Match.of(metadata=number),
            cookie(1, 1),
            (
                Encap("mpls"),
                SetField("mpls_label", service),
                SetField("mpls_tc", 5),
                Encap("ethernet"),
                ToGroup(TRUNK),
            ),
        ),
        Flow(3, 100, label(1_002), cookie(2, 1_002), (DecMplsTtl(), ToGroup(BARE))),
        Flow(3, 100, label(1_003), cookie(2, 1_003), (PopMpls(),), goto=4),
        Flow(3, 100, label(100_002), cookie(3, 100_002), (PopMpls(), DecMplsTtl(), *macs(other), Output(other))),
        Flow(4, 100, label(service), cookie(4, service), (Decap(), Decap(to_ethernet=True), Output(edge))),
        Flow(
            4,
            100,
            label(service + 1),
            cookie(4, service + 1),
            (Decap(), Decap(to_ethernet=True)),
            metadata=(service + 1, LOW32),
            goto=5,
        ),
        Flow(
            5,
            100,
            Match.of(metadata=(service + 1, LOW32), vlan_vid=(VLAN_PRESENT, VLAN_PRESENT)),
            cookie(4, service + 1),
            (SetField("vlan_vid", VLAN_PRESENT | 200), Output(edge)),
        ),
        Flow(
            5,
            100,
            Match.of(metadata=(service + 1, LOW32), vlan_vid=0),
            cookie(4, service + 1),
            (PushVlan(), SetField("vlan_vid", VLAN_PRESENT | 200), Output(edge)),
        ),
        Flow(
            5,
            90,
            Match.of(metadata=(service + 2, LOW32), vlan_vid=(VLAN_PRESENT, VLAN_PRESENT)),
            cookie(4, service + 2),
            (PopVlan(), Output(edge)),
        ),
    )


def full(ports: Sequence[int]) -> RuleSet:
    """A complete rule set: one meter, three groups, every kind of flow."""
    return RuleSet.of((meter(), *groups(ports), *flows(ports)))
