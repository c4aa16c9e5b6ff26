"""Lower: the rules of docs/pipeline.md, table by table, written out by hand."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest
from compile_networks import demand, endpoint, network
from paths_networks import ring, topology
from ring_of_four import ABC, ROUND_AB, ROUND_B, ROUND_BC, TOPOLOGY, one_way

from sdnctl.compiler.classify import selections
from sdnctl.compiler.groups import hop_groups
from sdnctl.compiler.ir import Baseline, Bypass, Network, Placement
from sdnctl.compiler.label import Labelled, label
from sdnctl.compiler.lower import burst, lower, meter, port_mac
from sdnctl.compiler.overlay import pin
from sdnctl.compiler.switches import switch_settings
from sdnctl.compiler.tables import Kind, cookie, faults, read_cookie
from sdnctl.dataplane.values import (
    ETH_MPLS,
    GROUP_BASE,
    METER_BASE,
    PORT_CONTROLLER,
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
from sdnctl.intents.demand import Demand, Grade, Service
from sdnctl.topology.graph import Hop, Path
from sdnctl.units import Bitrate, Octets

LOW32 = 0xFFFFFFFF
ANY_TAG = (VLAN_PRESENT, VLAN_PRESENT)


def lowered(
    item: Demand, grade: Grade = Grade.NONE, bypasses: tuple[Bypass, ...] = ()
) -> tuple[dict[str, RuleSet], Labelled, Network]:
    net = network(TOPOLOGY, [item])
    local = item.ingress.attachment.node == item.egress.attachment.node
    placement = (
        Placement({}, {}, {}, (item.id,), (), ())
        if local
        else Placement({"t": (ABC, None)}, {"t": grade}, {"t": (item.id,)}, (), (), ())
    )
    labelled, findings = label(net, placement, bypasses, Baseline())
    assert not findings
    rules, findings = lower(net, labelled)
    assert not findings
    for held in rules.values():
        assert not list(faults(held))
    return dict(rules), labelled, net


def macs(tail: tuple[int, int], head: tuple[int, int]) -> tuple[SetField, SetField]:
    return SetField("eth_src", port_mac(*tail)), SetField("eth_dst", port_mac(*head))


def flows(rules: RuleSet, table: int) -> list[Flow]:
    return [flow for flow in rules.flows.values() if flow.table == table]


def group(labelled: Labelled, key: str) -> int:
    return GROUP_BASE + labelled.groups[key]


def test_unprotected_line_rule_by_rule() -> None:
    rules, labelled, _ = lowered(one_way())
    mark = cookie(Kind.DEMAND, 1)
    mine = Match.of(metadata=(1, LOW32))
    trunk = group(labelled, "trunk:t")
    first, second = group(labelled, "bare:l0:a>b"), group(labelled, "bare:l1:b>c")
    assert rules["a"] == RuleSet.of(
        [
            Flow(0, 200, Match.of(in_port=50), mark, metadata=(1, LOW32), goto=1),
            Flow(1, 100, mine, mark, (SetQueue(1),), meter=METER_BASE + 1, goto=2),
            Flow(
                2,
                100,
                mine,
                mark,
                (
                    Encap("mpls"),
                    SetField("mpls_label", 200_000),
                    SetField("mpls_tc", 1),
                    Encap("ethernet"),
                    ToGroup(trunk),
                ),
            ),
            Meter(METER_BASE + 1, 1000, 98),
            Group(
                trunk, GroupType.INDIRECT, (Bucket((PushMpls(), SetField("mpls_label", 1000), ToGroup(first))),)
            ),
            Group(first, GroupType.INDIRECT, (Bucket((*macs((1, 1), (2, 2)), Output(1))),)),
        ]
    )
    match = Match.of(eth_type=ETH_MPLS, mpls_label=1000)

    def port_rule(port: int) -> Flow:
        fields = Match.of(in_port=port, eth_type=ETH_MPLS)
        return Flow(0, 300, fields, cookie(Kind.PORT, port), (ClearInPort(),), goto=3)

    guard = Match.of(eth_type=ETH_MPLS, mpls_label=3, mpls_tc=0)
    never = Flow(3, 200, guard, cookie(Kind.PORT, 0))
    beacons = Match.of(eth_src=0x025D9C00D15C, eth_type=0x88CC)
    hear = Flow(0, 100, beacons, cookie(Kind.PORT, 0), (Output(PORT_CONTROLLER),), meter=METER_BASE)
    meter = Meter(METER_BASE, 256, 64)
    assert rules["b"] == RuleSet.of(
        [
            never,
            hear,
            meter,
            port_rule(2),
            port_rule(3),
            Flow(3, 100, match, cookie(Kind.TRUNK, 1000), (DecMplsTtl(), ToGroup(second))),
            Group(second, GroupType.INDIRECT, (Bucket((*macs((2, 3), (3, 4)), Output(3))),)),
        ]
    )
    service = Match.of(eth_type=ETH_MPLS, mpls_label=200_000)
    assert rules["c"] == RuleSet.of(
        [
            never,
            hear,
            meter,
            port_rule(4),
            port_rule(5),
            Flow(3, 100, match, cookie(Kind.TRUNK, 1000), (PopMpls(),), goto=4),
            Flow(4, 100, service, cookie(Kind.SERVICE, 200_000), (Decap(), Decap(to_ethernet=True), Output(60))),
        ]
    )
    assert rules["d"] == RuleSet()


def test_line_with_vlans_is_translated_at_the_egress() -> None:
    rules, _, _ = lowered(one_way(10, 20))
    assert [flow.match for flow in flows(rules["a"], 0)] == [Match.of(in_port=50, vlan_vid=VLAN_PRESENT | 10)]
    (deliver,) = flows(rules["c"], 4)
    assert (deliver.actions, deliver.metadata, deliver.goto) == (
        (Decap(), Decap(to_ethernet=True)),
        (200_000, LOW32),
        5,
    )
    (demux,) = flows(rules["c"], 5)
    assert demux.match == Match.of(metadata=(200_000, LOW32), vlan_vid=ANY_TAG)
    assert demux.actions == (SetField("vlan_vid", VLAN_PRESENT | 20), Output(60))


@pytest.mark.parametrize(
    ("vlan", "tagged", "untagged"),
    [
        (None, (PopVlan(), Output(60)), (Output(60),)),
        (
            20,
            (SetField("vlan_vid", VLAN_PRESENT | 20), Output(60)),
            (PushVlan(), SetField("vlan_vid", VLAN_PRESENT | 20), Output(60)),
        ),
    ],
)
def test_tree_demux_gives_the_egress_tag(vlan: int | None, tagged: object, untagged: object) -> None:
    ends = endpoint("e1", "a", 50, 7, ["10.0.1.0/24"]), endpoint("e2", "c", 60, vlan, ["10.0.2.0/24"])
    rules, _, _ = lowered(demand("x", *ends, Service.TREE))
    found = {flow.match.get("vlan_vid"): flow.actions for flow in flows(rules["c"], 5)}
    assert found == {ANY_TAG: tagged, (0, 0x1FFF): untagged}


def test_local_demand_goes_from_encap_to_demux_and_hairpins_on_one_port() -> None:
    one = endpoint("e1", "a", 50, 10)
    rules, _, _ = lowered(demand("x", one, endpoint("e2", "a", 51, 20), Service.LINE))
    (encap,) = flows(rules["a"], 2)
    assert (encap.actions, encap.metadata, encap.goto) == ((), (200_000, LOW32), 5)
    assert not rules["a"].groups
    assert not flows(rules["a"], 4)
    assert {flow.priority for flow in flows(rules["a"], 0)} == {200}, "no trunk traffic, no trunk port rules"

    rules, _, _ = lowered(demand("x", one, endpoint("e2", "a", 50, 20), Service.LINE))
    (encap,) = flows(rules["a"], 2)
    assert encap.actions == (ClearInPort(),)

    rules, _, _ = lowered(demand("x", endpoint("e1", "a", 50), endpoint("e2", "a", 51), Service.LINE))
    (demux,) = flows(rules["a"], 5)
    assert (demux.match, demux.actions) == (Match.of(metadata=(200_000, LOW32)), (Output(51),))


def test_tree_selects_by_family_with_source_guard() -> None:
    item = demand(
        "x",
        endpoint("e1", "a", 50, None, ["10.0.1.0/28", "2001:db8:1::/64"], mac=0x02AA),
        endpoint("e2", "c", 60, 5, ["10.0.2.0/24", "10.0.3.1/32", "2001:db8:2::7/128"]),
        Service.TREE,
    )
    base = {"in_port": 50, "vlan_vid": 0, "eth_src": 0x02AA}
    v4 = (0x0A000100, 0xFFFFFFF0)
    v6 = (int(ip_network("2001:db8:1::/64").network_address), ((1 << 64) - 1) << 64)
    target = int(ip_network("2001:db8:2::7/128").network_address)
    nodes = (0xFF02_0000_0000_0000_0000_0001_FF00_0000, ((1 << 104) - 1) << 24)
    expected = {
        Match.of(**base, eth_type=0x0800, ipv4_src=v4, ipv4_dst=(0x0A000200, 0xFFFFFF00)),
        Match.of(**base, eth_type=0x0806, arp_spa=v4, arp_tpa=(0x0A000200, 0xFFFFFF00)),
        Match.of(**base, eth_type=0x0800, ipv4_src=v4, ipv4_dst=0x0A000301),
        Match.of(**base, eth_type=0x0806, arp_spa=v4, arp_tpa=0x0A000301),
        Match.of(**base, eth_type=0x86DD, ipv6_src=v6, ipv6_dst=target),
        Match.of(
            **base,
            eth_type=0x86DD,
            ip_proto=58,
            icmpv6_type=135,
            ipv6_src=v6,
            ipv6_dst=nodes,
            nd_target=target,
        ),
    }
    assert set(selections(item)) == expected


def test_link_groups_and_their_bypass_rules() -> None:
    rules, labelled, _ = lowered(one_way(), Grade.LOCAL, (ROUND_AB, ROUND_BC))
    assert labelled.groups.keys() == {"trunk:t", "link:l0:a>b", "link:l1:b>c"}
    assert rules["a"].groups[group(labelled, "link:l0:a>b")].buckets == (
        Bucket((*macs((1, 1), (2, 2)), Output(1)), watch_port=1),
        Bucket((PushMpls(), SetField("mpls_label", 100_000), *macs((1, 8), (4, 7)), Output(8)), watch_port=8),
    )
    match = Match.of(eth_type=ETH_MPLS, mpls_label=100_000)
    inner = [flow for flow in flows(rules["d"], 3) if flow.match == match]
    assert [flow.actions for flow in inner] == [(DecMplsTtl(), *macs((4, 6), (3, 5)), Output(6))]
    penultimate = [flow for flow in flows(rules["c"], 3) if flow.match == match]
    assert [flow.actions for flow in penultimate] == [(PopMpls(), DecMplsTtl(), *macs((3, 4), (2, 3)), Output(4))]
    assert read_cookie(inner[0].cookie) == (Kind.BYPASS, 100_000)
    assert not [flow for flow in flows(rules["b"], 3) if flow.match == match], (
        "the merge point sees the trunk label"
    )


def test_node_group_where_there_is_a_switch_to_go_round_and_link_group_on_the_last_hop() -> None:
    bypasses = {item.key: item for item in (ROUND_AB, ROUND_B, ROUND_BC)}
    keys = [item.key for item in hop_groups(ABC, Grade.NODE, bypasses)]
    assert keys == ["node:l0:a>b>c", "link:l1:b>c"]
    assert [item.key for item in hop_groups(ABC, Grade.NODE, {"l0:a>b": ROUND_AB})] == [
        "link:l0:a>b",
        "bare:l1:b>c",
    ]
    assert [item.key for item in hop_groups(ABC, Grade.NONE, bypasses)] == ["bare:l0:a>b", "bare:l1:b>c"]


def test_a_parallel_link_is_a_bypass_without_label() -> None:
    topo = topology([*ring(3), ("a", "b", 12.0)])
    beside = Bypass("l0:a>b", ("a", "b"), "l0", Path((Hop("l3", "a", "b"),)), None)
    item = demand("x", endpoint("e1", "a", 50), endpoint("e2", "b", 60), Service.LINE)
    net = network(topo, [item])
    path = Path((Hop("l0", "a", "b"),))
    placement = Placement({"t": (path, None)}, {"t": Grade.LOCAL}, {"t": (item.id,)}, (), (), ())
    labelled, _ = label(net, placement, (beside,), Baseline())
    rules, _ = lower(net, labelled)
    buckets = rules["a"].groups[group(labelled, "link:l0:a>b")].buckets
    assert buckets[1] == Bucket((*macs((1, 7), (2, 8)), Output(7)), watch_port=7)


def test_a_flipped_trunk_pushes_the_label_of_its_standby() -> None:
    item = one_way()
    net = network(TOPOLOGY, [item])
    adc = Path((Hop("l3", "a", "d"), Hop("l2", "d", "c")))
    placement = Placement({"t": (ABC, adc)}, {"t": Grade.DISJOINT}, {"t": (item.id,)}, (), (), ())
    labelled, _ = label(net, placement, (), Baseline())
    normal, _ = lower(net, labelled)
    flipped, _ = lower(net, replace(labelled, trunks=(replace(labelled.trunks[0], flipped=True),)))
    number = group(labelled, "trunk:t")
    assert normal["a"].groups[number].buckets[0].actions[1] == SetField("mpls_label", 1000)
    assert flipped["a"].groups[number].buckets[0].actions[1:] == (
        SetField("mpls_label", 1001),
        ToGroup(group(labelled, "bare:l3:a>d")),
    )
    normal["a"].groups.pop(number)
    flipped["a"].groups.pop(number)
    assert normal == flipped, "the flip is one group on one switch"


@pytest.mark.parametrize(
    ("cir", "eir", "mtu", "rate", "size"),
    [
        (1, 0, 1500, 1, 98),  # 8 × 1,522 octets are 97.4 kbit
        (7_700_000, 0, 1500, 7700, 385),  # 50 ms at the rate
        (1_000_500, 499_501, 9000, 1501, 578),
    ],
)
def test_meter_is_cir_and_eir_rounded_up(cir: int, eir: int, mtu: int, rate: int, size: int) -> None:
    item = replace(one_way(), cir=Bitrate(cir), eir=Bitrate(eir), mtu=Octets(mtu))
    assert meter(item, 3) == Meter(METER_BASE + 3, rate, size)
    assert burst(rate, Octets(mtu)) == size


def test_pin_keeps_only_the_bypass_bucket_under_the_same_id() -> None:
    rules, labelled, _ = lowered(one_way(), Grade.LOCAL, (ROUND_AB, ROUND_BC))
    number = group(labelled, "link:l0:a>b")
    pinned = pin(rules, TOPOLOGY, {"l0"})
    assert pinned["a"].groups[number] == replace(
        rules["a"].groups[number], buckets=rules["a"].groups[number].buckets[1:]
    )
    assert {switch for switch in rules if pinned[switch] != rules[switch]} == {"a"}
    assert pin(rules, TOPOLOGY, ()) is rules
    assert pin(rules, TOPOLOGY, {"l2"}) == rules


def test_settings_of_the_ports_of_links() -> None:
    net = network(TOPOLOGY, [one_way()])
    settings = switch_settings(replace(net, settings=replace(net.settings, bfd_interval_ms=100)))
    assert settings.keys() == TOPOLOGY.nodes.keys()
    assert settings["a"].fail_mode == "secure"
    assert settings["a"].ports.keys() == {1, 8}
    port = settings["a"].ports[1]
    assert port.bfd_interval_ms == 100
    assert [(queue.id, queue.priority) for queue in port.queues] == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert all(queue.max_rate == 10**9 and queue.min_rate == 10**7 for queue in port.queues)
