"""What the driver does beyond the contract, on the simulated Arista switch: diff, timers, drift, facts."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sdnctl_napalm import NapalmDriver
from sdnctl_napalm.candidate import Line
from sdnctl_napalm.connection import Connection
from sdnctl_napalm.device import NapalmDevice
from sdnctl_napalm.simulator import Fault

from sdnctl.dataplane.attachment import Attachment
from sdnctl.errors import DeviceError, DeviceRefused
from sdnctl.plan.model import AttachmentChange
from sdnctl.southbound.facts import FactsReader, Neighbour, Transceiver
from sdnctl.testing.attachments import adds, deletes, keep, keyed, observed
from sdnctl.testing.driving import drive
from sdnctl.units import Power

FIRST = Attachment("Ethernet1", "Ethernet9", 101, "school-1", None, 2_000_000, 25_000, 5)
SECOND = Attachment("Ethernet2", "Ethernet9", 102, "school-2", 20, 5_000_000, 50_000, 3)
use = partial(drive, NapalmDriver)


@pytest.fixture
def target(lab: Any, server: Any) -> Any:
    return lab.target(server, revert_in="60")


def make(target: Any, *changes: AttachmentChange) -> None:
    use(target, lambda driver: keep(driver, *changes))


def codes(error: DeviceError) -> set[str]:
    return {item.code for item in error.diagnostics}


# ── the diff ─────────────────────────────────────────────────────────────────────────────────────


def test_the_diff_is_the_devices_own_and_leaves_nothing(target: Any, server: Any) -> None:
    before = server.device.text

    async def work(driver: NapalmDriver) -> str:
        return await driver.compare(adds(SECOND))

    diff = use(target, work)
    assert "+   description sdnctl school-2" in diff.splitlines()
    assert "+      police rate 5000000 bps burst-size 50000 bytes" in diff.splitlines()
    assert server.device.text == before
    assert server.device.pending == ()


def test_what_is_held_already_needs_no_session(target: Any, server: Any) -> None:
    make(target, *adds(FIRST))
    server.device.history.clear()
    make(target, *adds(FIRST))
    assert not [command for command in server.device.history if command.startswith("configure")]


def test_secrets_of_others_are_not_in_a_diff(target: Any, server: Any) -> None:
    server.device.configure("username admin secret sha512 $6$abcdef", "snmp-server community quartier ro")

    async def work(driver: NapalmDriver) -> str:
        return await driver.compare(adds(FIRST)) + await driver.running()

    shown = use(target, work)
    assert "quartier" not in shown
    assert "$6$" not in shown
    assert "snmp-server community [secret]" in shown


# ── commit, confirm, revert ──────────────────────────────────────────────────────────────────────


def test_a_commit_is_in_effect_and_on_a_timer_until_it_is_confirmed(target: Any, server: Any) -> None:
    async def work(driver: NapalmDriver) -> None:
        await driver.commit(adds(FIRST))
        assert "sdnctl school-1" in server.device.text
        assert "sdnctl school-1" not in server.device.startup_text
        assert len(server.device.pending) == 1
        await driver.confirm()
        assert server.device.pending == ()
        assert server.device.startup_text == server.device.text
        server.device.advance(3600)

    use(target, work)
    server.device.reboot()
    assert use(target, observed) == keyed(FIRST)


def test_never_confirmed_goes_back_by_itself(target: Any, server: Any) -> None:
    make(target, *adds(FIRST))
    before = server.device.text

    async def work(driver: NapalmDriver) -> DeviceError:
        await driver.commit(adds(SECOND))
        server.device.advance(61)
        assert server.device.text == before
        with pytest.raises(DeviceError) as caught:
            await driver.confirm()
        await driver.revert()
        return caught.value

    error = use(target, work)
    assert codes(error) == {"not-confirmed"}
    assert "sw-school" in str(error)
    assert "confirm" in str(error)
    assert server.device.text == before


@pytest.mark.parametrize("end", ["confirm", "revert"])
def test_two_commits_are_confirmed_or_reverted_together(target: Any, server: Any, end: str) -> None:
    before = server.device.text

    async def work(driver: NapalmDriver) -> None:
        await driver.commit(adds(FIRST))
        await driver.commit(adds(SECOND))
        assert (await driver.observe()).attachments == keyed(FIRST, SECOND)
        await getattr(driver, end)()

    use(target, work)
    server.device.advance(3600)
    assert use(target, observed) == (keyed(FIRST, SECOND) if end == "confirm" else {})
    if end == "revert":
        assert server.device.text == before


def test_a_diff_between_commit_and_confirm_disturbs_neither(target: Any, server: Any) -> None:
    async def work(driver: NapalmDriver) -> None:
        await driver.commit(adds(FIRST))
        assert "school-2" in await driver.compare(adds(SECOND))
        await driver.confirm()

    use(target, work)
    server.device.advance(3600)
    assert use(target, observed) == keyed(FIRST)
    assert server.device.pending == ()


def test_half_confirmed_is_told_and_reverted(target: Any, server: Any) -> None:
    """The commit stays, but it is not saved: after the next reboot it would be gone."""
    before = server.device.text

    async def work(driver: NapalmDriver) -> DeviceError:
        await driver.commit(adds(FIRST))
        server.device.plant("write memory", Fault.IGNORE)
        with pytest.raises(DeviceError) as caught:
            await driver.confirm()
        await driver.revert()
        return caught.value

    error = use(target, work)
    assert codes(error) == {"read-back"}
    assert "confirm" in str(error)
    assert server.device.text == before
    assert server.device.startup_text == before


def test_a_commit_that_the_device_drops_silently_is_noticed(target: Any, server: Any) -> None:
    async def work(driver: NapalmDriver) -> DeviceError:
        server.device.meanwhile("copy startup-config", lambda: server.device.plant("configure", Fault.IGNORE))
        with pytest.raises(DeviceError) as caught:
            await driver.commit(adds(FIRST))
        return caught.value

    error = use(target, work)
    assert codes(error) == {"read-back"}
    assert "Ethernet1" in str(error)
    assert use(target, observed) == {}
    assert server.device.pending == ()


def test_replace_waits_to_be_confirmed(target: Any, server: Any) -> None:
    make(target, *adds(FIRST))
    before = server.device.text
    other = before.replace("hostname sw-school", "hostname sw-library")

    async def taken_back(driver: NapalmDriver) -> None:
        diff = await driver.replace(other)
        assert {"-hostname sw-school", "+hostname sw-library"} <= set(diff.splitlines())
        assert server.device.text == other
        with pytest.raises(DeviceRefused) as caught:
            await driver.commit(adds(SECOND))
        assert codes(caught.value) == {"napalm-unconfirmed"}
        await driver.revert()
        assert server.device.text == before

    async def kept(driver: NapalmDriver) -> None:
        await driver.replace(other)
        await driver.confirm()
        await driver.revert()

    use(target, taken_back)
    use(target, kept)
    assert server.device.text == server.device.startup_text == other


def test_replace_with_what_is_no_configuration_changes_nothing(target: Any, server: Any) -> None:
    before = server.device.text

    async def work(driver: NapalmDriver) -> None:
        with pytest.raises(DeviceRefused) as caught:
            await driver.replace("hostname sw-library\nmake coffee\n")
        assert "make coffee" in str(caught.value)

    use(target, work)
    assert server.device.text == before
    assert server.device.pending == ()


def test_rollback_goes_back_to_before_the_last_commit(target: Any, server: Any) -> None:
    make(target, *adds(FIRST))
    before = server.device.text
    make(target, *adds(SECOND))

    async def work(driver: NapalmDriver) -> None:
        await driver.rollback()

    use(target, work)
    assert server.device.text == server.device.startup_text == before


def test_the_last_attachment_gives_the_port_back(target: Any, server: Any) -> None:
    before = server.device.text
    make(target, *adds(FIRST, replace(FIRST, vlan=30, tag=103, endpoint="gym")))
    make(target, *deletes(FIRST))
    assert "description sdnctl port" in server.device.text
    make(target, *deletes(replace(FIRST, vlan=30, tag=103, endpoint="gym")))
    assert server.device.text == before


# ── others at work ───────────────────────────────────────────────────────────────────────────────


def test_somebody_elses_session_is_left_alone_and_named(target: Any, server: Any) -> None:
    server.device.enter("paul-1")

    async def work(driver: NapalmDriver) -> DeviceError:
        with pytest.raises(DeviceRefused) as caught:
            await driver.commit(adds(FIRST))
        return caught.value

    error = use(target, work)
    assert codes(error) == {"device-locked"}
    assert "paul-1" in str(error)
    assert "lock" in str(error)
    assert server.device.pending == ("paul-1",)
    assert use(target, observed) == {}


def test_a_candidate_that_we_left_when_we_died_is_given_up(target: Any, server: Any) -> None:
    dead = Connection(target)
    dead.load([Line("hostname half-written")])
    assert len(server.device.pending) == 1
    make(target, *adds(FIRST))
    assert server.device.pending == ()
    assert use(target, observed) == keyed(FIRST)
    assert "half-written" not in server.device.text
    dead.close()


def test_a_commit_that_we_left_when_we_died_is_told_and_goes_back(target: Any, server: Any) -> None:
    dead = NapalmDevice(target)
    dead.commit(adds(FIRST))
    with pytest.raises(DeviceRefused) as caught:
        make(target, *adds(SECOND))
    assert codes(caught.value) == {"device-locked"}
    assert "goes back in 60 s" in str(caught.value) or "goes back in 59 s" in str(caught.value)
    server.device.advance(61)
    assert use(target, observed) == {}
    make(target, *adds(SECOND))
    assert use(target, observed) == keyed(SECOND)
    dead.close()
    assert use(target, observed) == keyed(SECOND)


def test_a_change_made_by_hand_meanwhile_is_not_undone(target: Any, server: Any) -> None:
    """A candidate is a copy: what somebody configured after it was made would be lost by its commit."""
    device = server.device
    device.meanwhile("show session-config", lambda: device.configure("interface Ethernet5", "description Paul"))

    async def work(driver: NapalmDriver) -> DeviceError:
        with pytest.raises(DeviceRefused) as caught:
            await driver.commit(adds(FIRST))
        return caught.value

    error = use(target, work)
    assert "description Paul" in str(error)
    assert "validate" in str(error)
    assert "description Paul" in device.text
    assert use(target, observed) == {}
    assert device.pending == ()


# ── drift ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("commands", "seen"),
    [
        (["no policy-map type quality-of-service sdnctl-102"], {"rate": None, "burst": None, "priority": None}),
        (["interface Ethernet2.102", "no service-policy type qos input"], {"rate": None, "burst": None,
                                                                            "priority": None}),
        (["policy-map type quality-of-service sdnctl-102", "class class-default", "set cos 1"], {"priority": 1}),
        (["no interface Ethernet9.102"], {"uplink": ""}),
        (["interface Ethernet2.102", "vlan id 7"], {"tag": 7, "uplink": ""}),
        (["interface Ethernet2.102", "encapsulation vlan", "client dot1q 21"], {"vlan": 21}),
        (["interface Ethernet2.102", "no encapsulation vlan"], {"vlan": None}),
        (["interface Ethernet2.102", "description sdnctl elsewhere"], {"endpoint": "elsewhere"}),
    ],
)  # fmt: skip
def test_drift_is_seen_and_repaired(target: Any, server: Any, commands: list[str], seen: dict[str, Any]) -> None:
    make(target, *adds(FIRST, SECOND))
    intact = server.device.text
    server.device.configure(*commands)
    drifted = replace(SECOND, **seen)
    assert use(target, observed) == keyed(FIRST, drifted)
    changes = adds(SECOND) if drifted.key == SECOND.key else [*deletes(drifted), *adds(SECOND)]
    make(target, *changes)
    assert use(target, observed) == keyed(FIRST, SECOND)
    assert server.device.text == intact


# ── what is refused before the device is asked ───────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("endpoint", "school\nno interface Ethernet9", "description"),
        ("endpoint", " padded", "description"),
        ("endpoint", "", "description"),
        ("port", "Ethernet1\nreload", "name of a port"),
        ("port", "eth0", "name of a port"),
        ("port", "Ethernet77", "no port Ethernet77"),
        ("port", "Ethernet9", "uplink"),
        ("uplink", "Ethernet8", "switchport"),
        ("tag", 1, "outside 2…4094"),
        ("tag", 4095, "outside 2…4094"),
        ("vlan", 0, "outside 1…4094"),
        ("rate", None, "burst"),
        ("burst", None, "burst"),
        ("rate", 0, "above zero"),
        ("priority", 8, "outside 0…7"),
        ("tag", 10, "somebody else's: vlan 10"),
        ("tag", 102, "is that of Ethernet2"),
    ],
)
def test_refused_before_anything_is_sent(target: Any, server: Any, field: str, value: Any, said: str) -> None:
    server.device.configure("vlan 10", "name salle-profs")
    make(target, *adds(SECOND))
    before = server.device.text
    wrong: Attachment = replace(FIRST, **{field: value})

    async def work(driver: NapalmDriver) -> DeviceError:
        server.device.history.clear()
        with pytest.raises(DeviceRefused) as caught:
            await driver.commit(adds(wrong))
        return caught.value

    error = use(target, work)
    assert said in str(error)
    assert "sw-school" in str(error)
    assert not [command for command in server.device.history if command.startswith("configure")]
    assert server.device.text == before


def test_a_line_that_the_device_refuses_names_its_attachment(target: Any, server: Any) -> None:
    async def work(driver: NapalmDriver) -> DeviceError:
        server.device.plant("police rate 5000000", Fault.REFUSE)
        with pytest.raises(DeviceRefused) as caught:
            await driver.prepare(adds(FIRST, SECOND))
        return caught.value

    error = use(target, work)
    assert "school-2" in str(error)
    assert "school-1" not in str(error)
    assert "edit" in str(error)
    assert server.device.pending == ()


# ── facts ────────────────────────────────────────────────────────────────────────────────────────


def test_facts(target: Any, server: Any) -> None:
    server.device.neighbours["Ethernet9"] = ("cab-x", "24")
    server.device.optics.update({"Ethernet9": (-7.25, -5.5), "Ethernet8": (-30.0, -5.0)})
    server.device.down.add("Ethernet2")

    async def work(driver: NapalmDriver) -> Any:
        assert isinstance(driver, FactsReader)
        return await driver.facts()

    facts = use(target, work)
    assert (facts.name, facts.vendor, facts.serial) == ("sw-school", "Arista", "SIM0001")
    assert facts.neighbours == (Neighbour("Ethernet9", "cab-x", "24", "02:00:00:00:00:AA"),)
    assert facts.transceivers == (
        Transceiver("Ethernet8", rx_power=Power(-30.0), tx_power=Power(-5.0)),
        Transceiver("Ethernet9", rx_power=Power(-7.25), tx_power=Power(-5.5)),
    )
    states = {port.name: (port.up, port.description) for port in facts.ports}
    assert states["Ethernet9"] == (True, "vers le coeur")
    assert states["Ethernet2"] == (False, "")


def test_counters_count_every_kind_of_packet(target: Any) -> None:
    async def work(driver: NapalmDriver) -> Any:
        return (await driver.counters()).ports

    port = use(target, work)[3]
    assert (port.name, port.up) == ("Ethernet3", True)
    assert (port.rx_bytes, port.tx_bytes, port.rx_packets, port.tx_packets) == (3000, 6000, 34, 66)


# ── imports ──────────────────────────────────────────────────────────────────────────────────────


def test_napalm_is_imported_when_a_device_is_opened_not_before() -> None:
    code = (
        "import sys, sdnctl_napalm; print(sorted({'napalm', 'pyeapi', 'netmiko', 'paramiko'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
