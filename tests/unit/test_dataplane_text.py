"""Rules as text, word for word as ``ovs-ofctl --no-stats dump-flows`` of Open vSwitch 3.1 prints them."""

from __future__ import annotations

import pytest

from sdnctl.dataplane.text import format_group, format_meter, format_rule, format_rules, rule_name
from sdnctl.dataplane.values import (
    ETH_ARP,
    ETH_IPV4,
    ETH_IPV6,
    ETH_MPLS,
    PORT_CONTROLLER,
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

V6 = 0x20010DB8 << 96
MATCHES = {
    "": Match(),
    "mpls,in_port=1": Match.of(in_port=1, eth_type=ETH_MPLS),
    "udp,in_port=2,dl_vlan=5,dl_vlan_pcp=5,nw_tos=184,tp_src=0x5/0xff": Match.of(
        in_port=2, eth_type=ETH_IPV4, ip_proto=17, udp_src=(5, 0xFF), ip_dscp=46, vlan_vid=0x1005, vlan_pcp=5
    ),
    "tcp6,in_port=2,nw_tos=184,tp_src=5,tp_dst=6": Match.of(
        in_port=2, eth_type=ETH_IPV6, ip_proto=6, tcp_src=5, tcp_dst=6, ip_dscp=46
    ),
    "arp,in_port=2,vlan_tci=0x0000/0x1fff,arp_spa=10.0.0.0/24,arp_tpa=10.1.0.1,arp_op=1": Match.of(
        in_port=2, vlan_vid=0, eth_type=ETH_ARP, arp_spa=(0x0A000000, 0xFFFFFF00), arp_tpa=0x0A010001, arp_op=1
    ),
    "icmp6,in_port=2,vlan_tci=0x1000/0x1000,ipv6_src=2001:db8::/32,icmp_type=135,nd_target=2001:db8::1": Match.of(
        in_port=2,
        vlan_vid=(0x1000, 0x1000),
        eth_type=ETH_IPV6,
        ip_proto=58,
        icmpv6_type=135,
        ipv6_src=(V6, 0xFFFFFFFF << 96),
        nd_target=V6 + 1,
    ),
    "metadata=0x1/0xffffffff": Match.of(metadata=(1, 0xFFFFFFFF)),
    "mpls,mpls_label=101,mpls_tc=3,mpls_bos=1": Match.of(eth_type=ETH_MPLS, mpls_label=101, mpls_tc=3, mpls_bos=1),
    "dl_type=0x9999": Match.of(eth_type=0x9999),
    "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00": Match.of(eth_dst=(1 << 40, 1 << 40)),
    "ip,nw_src=10.0.0.1/255.0.0.255,nw_proto=99": Match.of(
        eth_type=ETH_IPV4, ipv4_src=(0x0A000001, 0xFF0000FF), ip_proto=99
    ),
}


@pytest.mark.parametrize("expected", MATCHES, ids=str)
def test_matches(expected: str) -> None:
    flow = Flow(1, 100, MATCHES[expected])
    assert format_rule(flow) == f"table=1, priority=100{',' * bool(expected)}{expected} actions=drop"
    assert rule_name(flow) == f"flow table=1,priority=100{',' * bool(expected)}{expected}"


def test_actions_and_instructions() -> None:
    actions = (
        ClearInPort(),
        PushMpls(),
        DecMplsTtl(),
        PopMpls(ETH_IPV4),
        PushVlan(),
        PopVlan(),
        Encap("mpls"),
        Encap("ethernet"),
        Decap(),
        Decap(to_ethernet=True),
        SetField("eth_src", 1),
        SetField("vlan_vid", 0x100A),
        SetField("ipv4_src", 0x0A000001),
        SetField("metadata", 10),
        SetField("mpls_label", 101),
        SetQueue(5),
        ToGroup(7),
        Output(3),
        Output(PORT_CONTROLLER, 128),
    )
    flow = Flow(0, 32768, Match(), 0x5D9C000100000001, actions, meter=4097, metadata=(1, 0xFFFFFFFF), goto=3)
    assert format_rule(flow) == (
        "cookie=0x5d9c000100000001, actions=meter:4097,load:0xffff->NXM_OF_IN_PORT[],push_mpls:0x8847,"
        "dec_mpls_ttl,pop_mpls:0x0800,push_vlan:0x8100,pop_vlan,encap(mpls),encap(ethernet),decap(),"
        "decap(packet_type(ns=0,type=0)),set_field:00:00:00:00:00:01->eth_src,set_field:4106->vlan_vid,"
        "set_field:10.0.0.1->ip_src,set_field:0xa->metadata,set_field:101->mpls_label,set_queue:5,group:7,output:3,"
        "CONTROLLER:128,write_metadata:0x1/0xffffffff,goto_table:3"
    )


def test_groups_and_meters() -> None:
    buckets = (Bucket((Output(1),), watch_port=1), Bucket((PushMpls(), Output(3)), watch_port=3))
    assert format_group(Group(7, GroupType.FAST_FAILOVER, buckets)) == (
        "group_id=7,type=ff,bucket=watch_port:1,actions=output:1,bucket=watch_port:3,actions=push_mpls:0x8847,output:3"
    )
    select = Group(8, GroupType.SELECT, (Bucket((Output(2),), weight=5), Bucket((), weight=1)))
    assert format_group(select) == "group_id=8,type=select,bucket=weight:5,actions=output:2,bucket=actions=drop"
    assert format_meter(Meter(9, 100, 20)) == "meter=9,kbps,burst,band=type=drop,rate=100,burst_size=20"
    assert rule_name(select) == "group 8"
    assert rule_name(Meter(9, 100, 20)) == "meter 9"


def test_a_rule_set_has_one_order() -> None:
    rules = [
        Flow(1, 5, Match()),
        Flow(0, 5, Match()),
        Flow(0, 9, Match()),
        Group(2, GroupType.ALL, ()),
        Meter(3, 1, 1),
        Meter(1, 1, 1),
    ]
    text = format_rules(RuleSet.of(rules))
    assert text == format_rules(RuleSet.of(reversed(rules)))
    assert [line.split()[0] for line in text.splitlines()][:3] == [
        "meter=1,kbps,burst,band=type=drop,rate=1,burst_size=1",
        "meter=3,kbps,burst,band=type=drop,rate=1,burst_size=1",
        "group_id=2,type=all",
    ]
    assert text.splitlines()[3:] == [
        "priority=9 actions=drop",
        "priority=5 actions=drop",
        "table=1, priority=5 actions=drop",
    ]
