"""Rules of the OpenFlow driver in real Open vSwitch, with `ovs-ofctl` as oracle, and twenty thousand of them."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from openflow_bridge import PORTS, fresh_bridge, on_bridge
from ovs_fixture import PrivateSwitch

from sdnctl.dataplane.text import format_flow, format_group
from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    ETH_ARP,
    ETH_IPV4,
    ETH_IPV6,
    ETH_MPLS,
    VLAN_PRESENT,
    Action,
    ClearInPort,
    Decap,
    DecMplsTtl,
    Encap,
    Flow,
    Match,
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
from sdnctl.southbound.openflow.driver import OpenFlowDriver
from sdnctl.testing import samples
from sdnctl.testing.contract import adds, assert_rules, deletes

pytestmark = pytest.mark.ovs


@pytest.fixture(scope="module")
def shared() -> Iterator[PrivateSwitch]:
    with PrivateSwitch() as switch:
        yield switch


@pytest.fixture
def switch(shared: PrivateSwitch) -> Iterator[PrivateSwitch]:
    with fresh_bridge(shared):
        yield shared


# ── ovs-ofctl as oracle ──────────────────────────────────────────────────────────────────────────


def random_flow(choose: random.Random, number: int) -> Flow:
    """A flow that Open vSwitch takes: any match of the pipeline, any of its action sequences."""

    def bits(width: int) -> int:
        return choose.getrandbits(width)

    def prefix(width: int) -> tuple[int, int]:
        length = choose.randint(1, width)
        mask = ((1 << length) - 1) << (width - length)
        return bits(width) & mask, mask

    def mac() -> int:
        return bits(48) & ~(1 << 40)

    label, tc = SetField("mpls_label", choose.randint(16, (1 << 20) - 1)), SetField("mpls_tc", bits(3))
    macs = (SetField("eth_dst", mac()), SetField("eth_src", mac()))
    out: Action = choose.choice((Output(choose.choice(PORTS)), ToGroup(samples.LINK), ToGroup(samples.TRUNK)))
    match: dict[str, int | tuple[int, int]] = {}
    kind = choose.choice(("mpls", "ipv4", "ipv6", "nd", "arp", "plain", "metadata"))
    actions: tuple[Action, ...]
    if kind == "mpls":
        match = {"eth_type": ETH_MPLS, "mpls_label": bits(20)}
        if bits(1):
            match |= {"mpls_tc": bits(3), "mpls_bos": bits(1)}
        actions = choose.choice(
            (
                (ClearInPort(),),
                (DecMplsTtl(), out),
                (PopMpls(), DecMplsTtl(), *macs, Output(2)),
                (Decap(), Decap(to_ethernet=True)),
                (PushMpls(), label, tc, *macs, out),
                (PopMpls(),),
            )
        )
    else:
        match = {"in_port": choose.choice(PORTS)} if bits(1) else {}
        if kind == "ipv4":
            match |= {"eth_type": ETH_IPV4, "ipv4_src": prefix(32), "ipv4_dst": bits(32)}
            match |= {"ip_proto": 6, "tcp_dst": bits(16)} if bits(1) else {"ip_dscp": bits(6)}
        elif kind == "ipv6":
            match |= {"eth_type": ETH_IPV6, "ipv6_src": prefix(128), "ipv6_dst": prefix(128)}
            match |= {"ip_proto": 17, "udp_src": bits(16)} if bits(1) else {}
        elif kind == "nd":
            match |= {"eth_type": ETH_IPV6, "ip_proto": 58, "icmpv6_type": 135, "nd_target": prefix(128)}
        elif kind == "arp":
            match |= {
                "eth_type": ETH_ARP,
                "arp_op": choose.randint(1, 2),
                "arp_spa": prefix(32),
                "arp_tpa": prefix(32),
            }
        elif kind == "metadata":
            match["metadata"] = (bits(32), 0xFFFFFFFF) if bits(1) else bits(64)
        vlan = choose.choice((None, 0, VLAN_PRESENT | bits(12)))
        if vlan is not None:
            match["vlan_vid"] = vlan
        if bits(1):
            match["eth_src"] = mac()
        choices: list[tuple[Action, ...]] = [
            (Encap("mpls"), label, tc, Encap("ethernet"), *macs, PushMpls(), SetField("mpls_label", 99), out),
            (Encap("mpls"), label, tc, Encap("ethernet"), out),
            (PushVlan(), SetField("vlan_vid", VLAN_PRESENT | bits(12)), Output(1)),
            (SetQueue(bits(3)), Output(3)),
            (ClearInPort(), *macs, out),
            (),
        ]
        if vlan:
            choices += [(PopVlan(), Output(2)), (SetField("vlan_vid", VLAN_PRESENT | bits(12)), Output(2))]
        actions = choose.choice(choices)
    return Flow(
        table=choose.randint(0, 5),
        priority=number + 1,
        match=Match.of(**match),
        cookie=COOKIE_OWNER | number,
        actions=actions,
        meter=samples.METER if bits(1) else None,
        metadata=choose.choice((None, (bits(32), 0xFFFFFFFF), (bits(64), (1 << 64) - 1))),
        goto=choose.choice((None, 6, 7)),
    )


def random_flows(seed: int, count: int) -> list[Flow]:
    choose = random.Random(seed)
    return [random_flow(choose, number) for number in range(count)]


BASE = (samples.meter(), *samples.groups(PORTS))


@pytest.mark.parametrize("seed", [1, 2])
def test_what_we_send_is_what_ofctl_prints(switch: PrivateSwitch, seed: int) -> None:
    """Our octets, understood by the switch, in ovs-ofctl's words: encap, decap and load included."""
    flows = random_flows(seed, 200)

    async def use(driver: OpenFlowDriver) -> None:
        await driver.commit(adds(*BASE, *flows))
        await driver.confirm()

    on_bridge(switch, use)
    printed = [line.strip() for line in switch.ofctl("dump-flows", "br0", "--no-stats").splitlines()]
    assert sorted(printed) == sorted(format_flow(flow) for flow in flows)
    printed = [line.strip() for line in switch.ofctl("dump-groups", "br0").splitlines()[1:]]
    assert sorted(printed) == sorted(format_group(group) for group in samples.groups(PORTS))
    for action in (
        "encap(mpls)",
        "encap(ethernet)",
        "decap(packet_type(ns=0,type=0))",
        "load:0xffff->NXM_OF_IN_PORT[]",
    ):
        assert action in switch.ofctl("dump-flows", "br0"), "the sample has to contain every special action"


@pytest.mark.parametrize("seed", [3, 4])
def test_what_ofctl_adds_is_what_we_read(switch: PrivateSwitch, seed: int) -> None:
    """The same rules the other way: ovs-ofctl writes them from text, and we read the values back."""
    flows = random_flows(seed, 200)

    async def prepare(driver: OpenFlowDriver) -> None:
        await driver.commit(adds(*BASE))
        await driver.confirm()

    async def use(driver: OpenFlowDriver) -> None:
        observed = await driver.observe()
        assert_rules(observed.rules, RuleSet.of((*BASE, *flows)))
        assert observed.foreign == 0

    on_bridge(switch, prepare)
    text = "".join(f"{format_flow(flow)}\n" for flow in flows)
    switch.ofctl("add-flows", "br0", "-", stdin=text)
    on_bridge(switch, use)


def test_foreign_rules_of_every_sort_do_not_disturb(switch: PrivateSwitch) -> None:
    lines = [
        "table=9,reg0=0x1/0xff,tun_id=0x5,actions=NORMAL",
        "table=9,priority=3,ct_state=+trk,ip,actions=ct(commit,zone=3),output:1",
        "table=9,priority=4,actions=resubmit(,10),multipath(symmetric_l4,1024,modulo_n,2,0,NXM_NX_REG0[0..3])",
        "table=9,priority=5,sctp,actions=clone(output:1),write_actions(output:2)",
        "table=9,priority=6,udp6,ipv6_label=0x5,actions=dec_ttl(1,2),note:01.02,controller(userdata=01.02)",
        "table=9,priority=7,dl_type=0x88f7,actions=conjunction(3,1/2)",
        f"table=9,priority=8,cookie={COOKIE_OWNER | 9:#x},hard_timeout=900,actions=output:1",
        f"table=9,priority=9,cookie={COOKIE_OWNER | 9:#x},actions=learn(table=8,NXM_OF_ETH_TYPE[])",
    ]
    for line in lines:
        switch.ofctl("add-flow", "br0", line)
    switch.ofctl(
        "add-group", "br0", "group_id=1,type=select,selection_method=dp_hash,bucket=weight:5,actions=output:1"
    )

    async def use(driver: OpenFlowDriver) -> None:
        await driver.commit(adds(*BASE))
        observed = await driver.observe()
        assert_rules(observed.rules, RuleSet.of(BASE))
        assert observed.foreign == len(lines) + 1

    on_bridge(switch, use)


# ── size ─────────────────────────────────────────────────────────────────────────────────────────


def test_twenty_thousand_flows_there_and_back(switch: PrivateSwitch) -> None:
    """Seven bundles out, streamed parts in."""
    flows = [
        Flow(
            3,
            100,
            Match.of(eth_type=ETH_MPLS, mpls_label=number),
            COOKIE_OWNER | number,
            (DecMplsTtl(), Output(1)),
        )
        for number in range(20_000)
    ]

    async def use(driver: OpenFlowDriver) -> None:
        await driver.commit(adds(*flows))
        assert_rules((await driver.observe()).rules, RuleSet.of(flows))
        await driver.commit(deletes(*flows[:10_000]))
        await driver.revert()
        assert_rules((await driver.observe()).rules, RuleSet())

    on_bridge(switch, use)
