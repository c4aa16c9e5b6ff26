"""The OpenFlow driver and real Open vSwitch: what only a real switch can say."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
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
from sdnctl.errors import DeviceRefused, DeviceUnreachable
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import PortState, Target
from sdnctl.southbound.openflow.address import Address
from sdnctl.southbound.openflow.channel import Timing
from sdnctl.southbound.openflow.driver import OpenFlowDriver
from sdnctl.southbound.openflow.listener import Listener
from sdnctl.southbound.openflow.waiting import RequestRefused
from sdnctl.testing import samples
from sdnctl.testing.contract import adds, assert_rules, deletes

pytestmark = pytest.mark.ovs

DPID = 0x5D9C
PORTS = (1, 2, 3)


@pytest.fixture(scope="module")
def shared() -> Iterator[PrivateSwitch]:
    with PrivateSwitch() as switch:
        yield switch


@pytest.fixture
def switch(shared: PrivateSwitch) -> Iterator[PrivateSwitch]:
    """Bridge br0, fresh."""
    shared.add_bridge("br0", DPID, PORTS)
    yield shared
    shared.vsctl("--timeout=15", "del-br", "br0")


@asynccontextmanager
async def opened(target: Target, timing: Timing | None = None) -> AsyncIterator[OpenFlowDriver]:
    driver = await OpenFlowDriver.open(target, timing=timing)
    try:
        yield driver
    finally:
        await driver.close()


def on_bridge(
    switch: PrivateSwitch, use: Callable[[OpenFlowDriver], Awaitable[None]], timing: Timing | None = None
) -> None:
    async def main() -> None:
        async with opened(Target("pop", switch.management("br0"), DPID), timing) as driver:
            await use(driver)

    asyncio.run(main())


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


# ── who dials whom ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def tls(shared: PrivateSwitch, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Certificates of one authority on both sides; options of ours."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    for name in ("switch", "controller"):
        leaf = authority.issue_cert(f"{name}.example")
        leaf.private_key_pem.write_to_path(folder / f"{name}.key")
        leaf.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    shared.set_tls(folder / "switch.key", folder / "switch.pem", folder / "ca.pem")
    return {
        "private_key": f"file:{folder}/controller.key",
        "certificate": f"file:{folder}/controller.pem",
        "ca_certificate": f"file:{folder}/ca.pem",
    }


def other_authority(folder: Path) -> dict[str, str]:
    """Options with certificates that the switch does not trust."""
    authority = trustme.CA()
    leaf = authority.issue_cert("intruder.example")
    leaf.private_key_pem.write_to_path(folder / "intruder.key")
    leaf.cert_chain_pems[0].write_to_path(folder / "intruder.pem")
    return {"private_key": f"file:{folder}/intruder.key", "certificate": f"file:{folder}/intruder.pem"}


async def works(driver: OpenFlowDriver) -> None:
    rules = samples.full(PORTS)
    await driver.commit(adds(*rules))
    await driver.confirm()
    assert_rules((await driver.observe()).rules, rules)


def test_dialled_over_tls(switch: PrivateSwitch, tls: dict[str, str], tmp_path: Path) -> None:
    switch.set_controller("br0", "pssl:0:127.0.0.1")
    address = f"ssl:127.0.0.1:{switch.listening_port('br0', 'pssl')}"

    async def main() -> None:
        async with opened(Target("pop", address, DPID, tls)) as driver:
            await works(driver)
        async with opened(Target("pop", address, DPID, {**tls, "server_name": "switch.example"})) as driver:
            await driver.observe()
        with pytest.raises(DeviceUnreachable, match="pop"):
            await OpenFlowDriver.open(Target("pop", address, DPID, {**tls, "server_name": "other.example"}))
        with pytest.raises(DeviceUnreachable, match="pop"):
            await OpenFlowDriver.open(Target("pop", address, DPID, {**tls, **other_authority(tmp_path)}))
        plain = Target("pop", address.replace("ssl:", "tcp:"), DPID)
        with pytest.raises(DeviceUnreachable, match="pop"):
            await OpenFlowDriver.open(plain, timing=Timing(handshake=0.5))

    asyncio.run(main())


@pytest.mark.parametrize("scheme", ["tcp", "ssl", "unix"])
def test_a_switch_dials_in(switch: PrivateSwitch, tls: dict[str, str], scheme: str) -> None:
    async def main() -> None:
        path = f"{switch.folder}/in.sock"
        address = Address("unix", path=path, listen=True)
        if scheme != "unix":
            address = Address("tcp" if scheme == "tcp" else "ssl", "127.0.0.1", 0, listen=True)
        async with Listener(address, options=tls) as listener:
            target = f"unix:{path}" if scheme == "unix" else f"{scheme}:127.0.0.1:{listener.port}"
            await asyncio.to_thread(switch.set_controller, "br0", target)
            channel = await listener.wait_for(DPID, 15)
            driver = await OpenFlowDriver.over(channel, Target("pop", target, DPID))
            await works(driver)
            await driver.close()
        await asyncio.to_thread(switch.vsctl, "del-controller", "br0")

    asyncio.run(main())


def test_garbage_beside_a_real_switch(
    switch: PrivateSwitch, tls: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """On the TLS port too: plain octets, and a client without certificate."""

    async def throw(port: int, data: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        try:
            await asyncio.wait_for(reader.read(), 10)
        except ConnectionResetError:
            pass
        finally:
            writer.close()

    async def main() -> None:
        async with Listener(Address("ssl", "127.0.0.1", 0, listen=True), options=tls) as listener:
            await asyncio.to_thread(switch.set_controller, "br0", f"ssl:127.0.0.1:{listener.port}")
            channel = await listener.wait_for(DPID, 15)
            driver = await OpenFlowDriver.over(channel, Target("pop", "in", DPID))
            attacks = [throw(listener.port, bytes(random.Random(n).randbytes(400))) for n in range(10)]
            await asyncio.gather(works(driver), *attacks)
            failed = listener.metrics.registry.get_sample_value("sdnctl_openflow_failed_handshakes_total")
            assert failed == len(attacks)
            assert listener.switches == {DPID: channel}
            await driver.close()
        await asyncio.to_thread(switch.vsctl, "del-controller", "br0")

    asyncio.run(main())
    assert caplog.text.count("closed, not a switch") == 10


def test_a_switch_of_another_version(shared: PrivateSwitch) -> None:
    shared.add_bridge("old", 0x10, (1,), protocols="OpenFlow10")

    async def main() -> None:
        with pytest.raises(DeviceRefused, match="protocols=OpenFlow13"):
            await OpenFlowDriver.open(Target("old", shared.management("old")))

    asyncio.run(main())
    shared.vsctl("--timeout=15", "del-br", "old")


def test_a_stale_master_is_refused(switch: PrivateSwitch) -> None:
    async def use(driver: OpenFlowDriver) -> None:
        await driver.become_master(6)
        await driver.become_master(7)
        async with opened(Target("other", switch.management("br0"), DPID)) as other:
            with pytest.raises(RequestRefused, match="OFPRRFC_STALE"):
                await other.become_master(5)
            await other.become_master(8)
        await driver.observe()

    on_bridge(switch, use)


# ── ports ────────────────────────────────────────────────────────────────────────────────────────


def test_ports_are_watched(switch: PrivateSwitch) -> None:
    """Over a socket that Open vSwitch keeps silent until told: link down and up, a port gone, BFD lost."""

    async def use(driver: OpenFlowDriver) -> None:
        assert {port.port: port.up for port in (await driver.ports()).values()} == dict.fromkeys(PORTS, True)
        watch = driver.watch_ports()

        async def until(port: int, wanted: Callable[[PortState], bool]) -> PortState:
            async with asyncio.timeout(10):
                async for state in watch:
                    if state.port == port and wanted(state):
                        return state
            raise AssertionError("the watch ended")

        first = [await anext(watch) for _ in PORTS]
        assert {state.port for state in first} == set(PORTS)
        assert {(state.up, state.bfd) for state in first} == {(True, "")}
        await asyncio.to_thread(switch.set_link, "br0", 2, up=False)
        assert (await until(2, lambda state: not state.up)).name == "br0-p2"
        assert not (await driver.ports())[2].up
        await asyncio.to_thread(switch.set_link, "br0", 2, up=True)
        await until(2, lambda state: state.up)
        await asyncio.to_thread(switch.vsctl, "set", "interface", "br0-p1", "bfd:enable=true", "bfd:min_rx=100")
        await until(1, lambda state: state.up and state.bfd == "down")
        await asyncio.to_thread(switch.vsctl, "del-port", "br0", "br0-p3")
        await until(3, lambda state: not state.up)
        await watch.aclose()  # type: ignore[attr-defined]

    on_bridge(switch, use)


# ── loss ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_switch_that_dies_in_the_middle_of_a_commit() -> None:
    """Killed while bundles are under way: unreachable at once; a later commit completes what was wanted."""
    flows = [
        Flow(3, 100, Match.of(eth_type=ETH_MPLS, mpls_label=number), COOKIE_OWNER | number, (Output(1),))
        for number in range(20_000)
    ]

    async def main(switch: PrivateSwitch) -> None:
        target = Target("pop", switch.management("br0"), DPID)
        async with opened(target) as driver:
            await driver.observe()
            commit = asyncio.create_task(driver.commit(adds(*flows)))
            while "table=3" not in await asyncio.to_thread(switch.ofctl, "dump-flows", "br0"):
                assert not commit.done(), "the commit was over before the switch could die"
            switch.kill()
            start = time.monotonic()
            with pytest.raises(DeviceUnreachable, match="pop"):
                await commit
            assert time.monotonic() - start < 2
            with pytest.raises(DeviceUnreachable):
                await driver.observe()
        await asyncio.to_thread(switch.start)
        async with opened(target) as driver:
            await driver.commit([Change(Op.ADD, flow) for flow in flows])
            assert_rules((await driver.observe()).rules, RuleSet.of(flows))

    with PrivateSwitch() as switch:
        switch.add_bridge("br0", DPID, PORTS)
        asyncio.run(main(switch))


def test_a_switch_that_freezes(switch: PrivateSwitch) -> None:
    """Its connections stay open, and nothing answers: the echo notices."""

    async def use(driver: OpenFlowDriver) -> None:
        switch.freeze()
        try:
            with pytest.raises(DeviceUnreachable, match="no sign of life"):
                await asyncio.wait_for(driver.commit(adds(samples.classify(1))), 10)
        finally:
            switch.thaw()

    on_bridge(switch, use, Timing(idle=0.3, echo=0.3))
