"""A real snmpd is read: counters, facts, faults, restarts; with SNMPv2c and SNMPv3 where that matters."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sdnctl_snmp import SnmpDriver
from sdnctl_snmp.testing.snmpd import AUTH, COMMUNITY, PRIVACY, Agents, Snmpd, free_port

from sdnctl.dataplane.values import SwitchSettings
from sdnctl.errors import DeviceError, DeviceRefused, DeviceUnreachable, ProtocolError
from sdnctl.plan.model import SettingsChange
from sdnctl.southbound.base import Target
from sdnctl.southbound.facts import FactsReader
from sdnctl.southbound.registry import Registry

pytestmark = pytest.mark.servers("snmpd")
T = TypeVar("T")
USERS = pytest.mark.parametrize(
    "user", [None, "sha256", "sha512"], ids=["v2c", "v3-sha256-aes128", "v3-sha512-aes256"]
)


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(work())


def fails(target: Target, step: Callable[[SnmpDriver], Coroutine[Any, Any, object]] | None = None) -> DeviceError:
    """The error of opening a target (and of a step after that), which shows none of the secrets."""

    async def work() -> None:
        driver = await SnmpDriver.open(target)
        if step is not None:
            await step(driver)

    with pytest.raises(DeviceError) as caught:
        asyncio.run(work())
    chain: BaseException | None = caught.value
    while chain is not None:
        said = f"{chain!s} {chain!r} {chain.args!r}"
        for secret in (COMMUNITY, AUTH, PRIVACY, "something else entirely"):
            assert secret not in said
        chain = chain.__cause__
    return caught.value


def code(error: DeviceError) -> str:
    return error.diagnostics[0].code


@USERS
def test_counters_are_those_of_the_kernel(running: Agents, folder: Path, user: str | None) -> None:
    """At least what the kernel had counted when the agent started, and not more than it has now."""
    least = octets("lo")
    fresh = running.start(folder / f"fresh-{user}")

    async def work() -> None:
        driver = await SnmpDriver.open(fresh.target(user))
        first = await driver.counters()
        lo = next(port for port in first.ports.values() if port.name == "lo")
        assert least <= lo.rx_bytes <= octets("lo")
        assert lo.rx_bytes == lo.tx_bytes
        assert lo.up
        assert {port.name for port in first.ports.values()} == set(interfaces())
        await driver.close()

    run(work)


def octets(interface: str) -> int:
    return int(Path(f"/sys/class/net/{interface}/statistics/rx_bytes").read_text())


def interfaces() -> list[str]:
    listed = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout
    return [line.split()[0].partition("@")[0] for line in listed.splitlines()]


@USERS
def test_facts_of_a_pc(agent: Snmpd, user: str | None) -> None:
    async def work() -> None:
        driver = await SnmpDriver.open(agent.target(user))
        facts = await driver.facts()
        assert facts.name == "plain"
        assert "Linux" in facts.version
        assert {port.name: port.up for port in facts.ports}["lo"] is True
        assert facts.neighbours == ()
        assert facts.transceivers == ()
        assert "read only" in (await driver.capabilities()).description
        assert ("v2c" if user is None else "v3") in (await driver.capabilities()).description
        await driver.close()

    run(work)


def test_it_is_found_by_its_entry_point_and_changes_nothing(agent: Snmpd) -> None:
    kind = Registry().load("snmp")
    assert kind.payload == "facts"

    async def work() -> None:
        driver = await kind.open(agent.target())
        assert isinstance(driver, FactsReader)
        observed = await driver.observe()
        assert not observed.rules
        assert observed.foreign == 0
        await driver.prepare(())
        await driver.commit(())
        await driver.confirm()
        await driver.revert()
        change = SettingsChange(SwitchSettings("secure", {}))
        for method in (driver.prepare, driver.commit):
            with pytest.raises(DeviceRefused, match="reads and changes nothing"):
                await method([change])
        await driver.close()

    run(work)


def test_walks_stop_at_the_end_of_the_mib(agent: Snmpd) -> None:
    """The last table of snmpd's MIB, and behind it nothing: EndOfMibView."""

    async def work() -> None:
        driver = await SnmpDriver.open(agent.target())
        assert await driver._agent.walk("1.3.6.1.6.3.16.1.5")
        assert await driver._agent.walk("1.3.6.1.6.3.18") == {}
        assert await driver._agent.walk("2.1") == {}
        assert await driver._agent.get(["2.1.1", "1.3.6.1.2.1.1.99.0"]) == {}

    run(work)


# ── faults ───────────────────────────────────────────────────────────────────────────────────────


def test_a_wrong_community_is_silence(agent: Snmpd) -> None:
    error = fails(agent.target(community="env:SNMP_WRONG", timeout="0.1"))
    assert isinstance(error, DeviceUnreachable)
    assert "wrong community" in error.diagnostics[0].detail


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"username": "nobody"}, "authentication failed"),
        ({"auth_key": "env:SNMP_WRONG"}, "authentication failed"),
        ({"auth": "sha384"}, "authentication failed"),
        ({"privacy_key": "env:SNMP_WRONG", "timeout": "0.2"}, "privacy_key"),
        ({"privacy": "aes256", "timeout": "0.2"}, "privacy_key"),
    ],
    ids=["user", "authentication key", "authentication protocol", "privacy key", "privacy protocol"],
)
def test_wrong_credentials_of_v3_are_told_apart(agent: Snmpd, options: dict[str, str], said: str) -> None:
    error = fails(agent.target("sha256", **options))
    assert code(error) == "bad-credentials"
    assert error.diagnostics[0].address == "device plain, connect"
    assert said in error.diagnostics[0].detail


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"community": COMMUNITY}, "secret-in-clear"),
        ({"community": "env:SNMP_NOT_SET"}, "secret-missing"),
        ({"username": "sha256", "auth_key": "env:SNMP_AUTH"}, "bad-credentials"),
        ({"username": "sha256", "password": "env:SNMP_AUTH", "auth": "md5"}, "bad-credentials"),
        ({"username": "sha256", "password": "env:SNMP_AUTH", "privacy": "des"}, "bad-credentials"),
        ({}, "bad-credentials"),
        ({"community": "env:SNMP_COMMUNITY", "timeout": "soon"}, "bad-option"),
        ({"community": "env:SNMP_COMMUNITY", "tries": "-1"}, "bad-option"),
    ],
)
def test_wrong_options_are_named(agent: Snmpd, options: dict[str, str], expected: str) -> None:
    assert code(fails(Target("plain", f"udp:127.0.0.1:{agent.port}", options=options))) == expected


@USERS
def test_credentials_that_other_drivers_share(agent: Snmpd, user: str | None) -> None:
    """A device that is logged in to over SSH as well: its username and password are not for SNMP."""
    shared = {"username": "admin", "password": "env:SNMP_WRONG", "platform": "frr"}
    target = agent.target(user)
    mine = dict(target.options) if user is None else {**target.options, "snmp_user": user}
    target = Target(target.device, target.address, options={**shared, **mine, "username": "admin"})

    async def work() -> None:
        assert (await (await SnmpDriver.open(target)).counters()).ports

    run(work)


def test_a_short_phrase_is_refused_before_it_is_sent(agent: Snmpd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNMP_SHORT", "seven77")
    error = fails(agent.target("sha256", auth_key="env:SNMP_SHORT"))
    assert code(error) == "bad-credentials"
    assert "seven77" not in str(error)


@pytest.mark.parametrize(
    "address", ["tcp:127.0.0.1:161", "127.0.0.1", "udp:", "udp:127.0.0.1:0", "udp:127.0.0.1:99999", "udp:a b:1"]
)
def test_what_is_no_address(address: str) -> None:
    error = fails(Target("x", address, options={"community": "env:SNMP_COMMUNITY"}))
    assert code(error) == "bad-address"


@USERS
def test_nobody_listens(user: str | None) -> None:
    dead = Snmpd(Path("dead"), free_port(), "none")
    begun = time.monotonic()
    error = fails(dead.target(user, timeout="5"))
    assert isinstance(error, DeviceUnreachable)
    assert "nobody listens" in error.diagnostics[0].detail
    assert time.monotonic() - begun < 4  # the kernel says so: nobody waits for the time to run out


def test_a_name_that_is_none() -> None:
    error = fails(Target("x", "udp:no-such-host.invalid", options={"community": "env:SNMP_COMMUNITY"}))
    assert isinstance(error, DeviceUnreachable)


# ── restarts ─────────────────────────────────────────────────────────────────────────────────────


@USERS
def test_a_restart_begins_new_counters_and_needs_no_new_driver(
    running: Agents, folder: Path, user: str | None
) -> None:
    restarting = running.start(folder / f"restarting-{user}")

    async def work() -> None:
        driver = await SnmpDriver.open(restarting.target(user))
        await asyncio.sleep(0.3)
        before = await driver.counters()
        restarting.stop()
        with pytest.raises(DeviceUnreachable):
            await driver.counters()
        restarting.start()
        restarting.wait()
        driver._interfaces._uptime.at -= (
            60  # as if a minute had passed: an agent that is a second old was restarted
        )
        after = await driver.counters()
        assert after.ports.keys() == before.ports.keys()
        assert all(after.ports[index].since != port.since for index, port in before.ports.items())
        again = await driver.counters()
        assert all(again.ports[index].since == port.since for index, port in after.ports.items())

    run(work)


def test_another_engine_id_is_found_and_told(
    running: Agents, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A device that was replaced: same users, another engine id, a clock that began again."""
    replaced = running.start(folder / "replaced")

    async def work() -> None:
        driver = await SnmpDriver.open(replaced.target("sha256"))
        first = driver.engine
        replaced.stop()
        for kept in replaced.folder.glob("snmpd*.conf"):
            kept.unlink()
        replaced.engine = "another-engine"
        replaced.start()
        replaced.wait()
        assert (await driver.counters()).ports
        assert driver.engine != first
        assert driver.engine is not None
        assert driver.engine.endswith(b"another-engine")

    run(work)
    assert "another SNMP engine id" in caplog.text


def test_texts_that_do_not_fit_into_one_answer(running: Agents, folder: Path) -> None:
    """Descriptions of 255 octets: twenty of them are more than the decoder takes at once."""
    long = running.start(folder / "long", roots=("1.3.6.1.2.1.47.1.1",))
    long.write(
        {f"1.3.6.1.2.1.47.1.1.1.1.2.{index}": ("string", "x" * 250 + f"{index:03}") for index in range(1, 61)}
    )

    async def work() -> None:
        driver = await SnmpDriver.open(long.target())
        rows = await driver._agent.walk("1.3.6.1.2.1.47.1.1.1.1.2")
        assert [row.decode()[-3:] for row in rows.values() if isinstance(row, bytes)] == [
            f"{index:03}" for index in range(1, 61)
        ]
        found = await driver._agent.get([f"1.3.6.1.2.1.47.1.1.1.1.2.{index}" for index in range(1, 61)])
        assert len(found) == 60

    run(work)


def test_an_agent_that_says_nothing_of_itself(running: Agents, folder: Path) -> None:
    """A view without interfaces: no ports, no facts, no error."""
    mute = running.start(
        folder / "mute", extra="view few included .1.3.6.1.2.1.1.3\nrocommunity mute 127.0.0.1 -V few"
    )

    async def work() -> None:
        driver = await SnmpDriver.open(mute.target(community="env:SNMP_MUTE"))
        assert (await driver.counters()).ports == {}
        facts = await driver.facts()
        assert (facts.name, facts.ports, facts.neighbours, facts.transceivers) == ("", (), (), ())

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNMP_MUTE", "mute")
        run(work)


def test_errors_of_the_protocol_have_names(agent: Snmpd) -> None:
    error = fails(agent.target(), lambda driver: driver._agent.get(["not.an.oid"]))
    assert isinstance(error, ProtocolError)
    assert code(error) == "device-garbage"
