"""Connections of the OpenFlow driver and real Open vSwitch: who dials whom, TLS, garbage, ports, and the end."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from openflow_bridge import DPID, PORTS, fresh_bridge, on_bridge, opened
from ovs_fixture import PrivateSwitch

from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    ETH_MPLS,
    Flow,
    Match,
    Output,
    RuleSet,
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
from sdnctl.testing.contract import adds, assert_rules

pytestmark = pytest.mark.ovs


@pytest.fixture(scope="module")
def shared() -> Iterator[PrivateSwitch]:
    with PrivateSwitch() as switch:
        yield switch


@pytest.fixture
def switch(shared: PrivateSwitch) -> Iterator[PrivateSwitch]:
    with fresh_bridge(shared):
        yield shared


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
