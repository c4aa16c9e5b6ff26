"""Rules that a switch holding `sdnctl.testing.samples.full` refuses, and odd ones that it takes."""

from __future__ import annotations

from sdnctl.dataplane.values import (
    ETH_IPV4,
    ETH_IPV6,
    ETH_MPLS,
    VLAN_PRESENT,
    Action,
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
    PopVlan,
    PushMpls,
    PushVlan,
    SetField,
    ToGroup,
)
from sdnctl.testing.samples import BARE, METER

MPLS = Match.of(eth_type=ETH_MPLS)
TAGGED = Match.of(vlan_vid=(VLAN_PRESENT, VLAN_PRESENT))


def does(match: Match, *actions: Action) -> Flow:
    return Flow(9, 7, match, actions=actions)


def wants(**fields: int | tuple[int, int]) -> Flow:
    return Flow(9, 8, Match.of(**fields), actions=(Output(1),))


REFUSED: tuple[Flow | Group, ...] = (
    Flow(9, 1, Match(), goto=9),
    Flow(9, 1, Match(), goto=3),
    Flow(9, 1, Match(), meter=METER + 1),
    does(Match(), ToGroup(77)),
    does(Match(), PopMpls()),
    does(Match(), DecMplsTtl()),
    does(Match(), PopVlan()),
    does(Match(), SetField("mpls_label", 3)),
    does(Match(), SetField("vlan_vid", VLAN_PRESENT | 3)),
    does(Match.of(vlan_vid=0), SetField("vlan_vid", VLAN_PRESENT | 3)),
    does(Match(), SetField("vlan_pcp", 3)),
    does(Match(), SetField("ipv4_src", 3)),
    does(Match.of(eth_type=ETH_IPV6), SetField("ipv4_src", 3)),
    does(Match.of(eth_type=ETH_IPV4), SetField("udp_src", 3)),
    does(MPLS, SetField("mpls_bos", 1)),
    does(MPLS, SetField("eth_type", ETH_IPV4)),
    does(MPLS, Encap("mpls"), SetField("eth_src", 1)),
    does(MPLS, Encap("mpls"), PushMpls()),
    does(MPLS, Decap(), SetField("eth_src", 1)),
    does(MPLS, Decap(), Decap(to_ethernet=True), SetField("eth_src", 1)),
    does(MPLS, Decap(), Decap(to_ethernet=True), PushMpls()),
    does(MPLS, Decap(), Decap(to_ethernet=True), PushVlan(), SetField("vlan_vid", VLAN_PRESENT | 3)),
    does(TAGGED, PopVlan(), PopVlan()),
    does(TAGGED, PushVlan(), PushVlan()),
    does(Match(), Output(0xFF00)),
    does(Match(), PushMpls(0x0800)),
    does(Match(), PushVlan(0x0800)),
    Group(77, GroupType.INDIRECT, ()),
    Group(77, GroupType.INDIRECT, (Bucket((Output(1),)), Bucket((Output(2),)))),
    Group(77, GroupType.INDIRECT, (Bucket((Output(1),), watch_port=1),)),
    Group(77, GroupType.ALL, (Bucket((Output(1),), watch_port=1),)),
    Group(77, GroupType.FAST_FAILOVER, (Bucket((Output(1),)),)),
    Group(BARE, GroupType.ALL, ()),
)

# ovs-ofctl mends these before it sends them, so they are not asked of it (OpenFlow 1.3.5 §7.2.3.6: BAD_PREREQ).
REFUSED_MATCHES: tuple[Flow, ...] = (
    wants(mpls_label=3),
    wants(ipv4_src=3),
    wants(eth_type=ETH_IPV6, ipv4_src=3),
    wants(eth_type=ETH_IPV4, udp_src=3),
    wants(eth_type=ETH_IPV6, ip_proto=58, nd_target=3),
    wants(arp_op=3),
    wants(vlan_pcp=3),
    wants(vlan_vid=0, vlan_pcp=3),
)

ACCEPTED: tuple[Flow | Group, ...] = (
    does(Match(), Output(1), Output(1)),
    does(Match(), Output(999)),
    does(Match(), Output(0)),
    does(Match(), PushMpls(), DecMplsTtl(), PopMpls(ETH_IPV4), SetField("ipv4_src", 3)),
    does(Match(), PushVlan(), PushVlan()),
    does(Match(), PushVlan(), SetField("vlan_vid", VLAN_PRESENT | 3), PopVlan()),
    does(MPLS, PopMpls(), PopMpls(), DecMplsTtl(), SetField("mpls_label", 3)),
    does(MPLS, Decap(), PushVlan()),
    does(MPLS, Decap(), Encap("ethernet"), SetField("eth_src", 3)),
    does(MPLS, Encap("mpls"), Encap("ethernet"), PopMpls()),
    does(TAGGED, PushVlan(), PopVlan(), PopVlan()),
    does(Match(), SetField("eth_src", 3), SetField("metadata", 3), SetField("in_port", 3)),
    wants(vlan_vid=(VLAN_PRESENT, VLAN_PRESENT), vlan_pcp=3),
    wants(eth_type=ETH_IPV4, ipv4_src=(0x0A000001, 0xFF0000FF)),
    wants(metadata=(1 << 63, 1 << 63)),
    Group(81, GroupType.INDIRECT, (Bucket((ToGroup(9999),)),)),
    Group(82, GroupType.ALL, ()),
    Group(83, GroupType.FAST_FAILOVER, ()),
    Group(84, GroupType.FAST_FAILOVER, (Bucket((Output(999),), watch_port=999),)),
    Group(
        85,
        GroupType.INDIRECT,
        (
            Bucket(
                (SetField("mpls_label", 3), PopMpls(), PopVlan(), DecMplsTtl()),
            ),
        ),
    ),
    Group(86, GroupType.SELECT, (Bucket((Output(1),), watch_port=1, weight=3), Bucket((Output(1),), weight=0))),
)
