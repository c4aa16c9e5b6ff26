"""Queues of the userspace datapath: made by the driver in the kernel, read back from there, and taken off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from sdnctl_ovsdb import OvsdbDriver
from sdnctl_ovsdb.shaping import Shaper

from sdnctl.dataplane.values import PortSettings, Queue, SwitchSettings
from sdnctl.errors import DeviceRefused
from sdnctl.lab import netns
from sdnctl.plan.model import SettingsChange
from sdnctl.southbound.base import Target
from sdnctl.testing.driving import drive

pytestmark = pytest.mark.ovs
T = TypeVar("T")
QUEUES = (Queue(0, 1_000_000, 50_000_000, 1), Queue(6, 1_234_567, 50_000_000, 0))


def use(server: Any, work: Callable[[OvsdbDriver], Awaitable[T]], **options: str) -> T:
    where = Target("pop-a", f"unix:{server.driver_socket}#{server.bridge}", None, options)
    return drive(OvsdbDriver, where, work)


def making(*ports: int, queues: tuple[Queue, ...] = QUEUES) -> Callable[[OvsdbDriver], Awaitable[SwitchSettings]]:
    """Give these ports queues; what the device then reports."""

    async def work(driver: OvsdbDriver) -> SwitchSettings:
        wanted = {number: PortSettings(queues=queues) for number in ports}
        await driver.commit([SettingsChange(SwitchSettings("secure", wanted))])
        await driver.confirm()
        seen = (await driver.observe()).settings
        assert seen is not None
        return seen

    return work


async def seen(driver: OvsdbDriver) -> SwitchSettings | None:
    return (await driver.observe()).settings


def tc(server: Any, *words: str) -> str:
    return netns.call(["tc", "-n", server.lab.namespace, *words])


def ifbs(server: Any) -> list[str]:
    """Interfaces that queues stand on."""
    said = netns.call(["ip", "-n", server.lab.namespace, "-br", "link", "show", "type", "ifb"])
    return sorted(line.split()[0] for line in said.splitlines())


@pytest.fixture
def clean(server: Any) -> Any:
    yield server
    use(server, lambda driver: driver.release(), queues="tc")
    assert ifbs(server) == []
    assert "clsact" not in tc(server, "qdisc", "show")


def test_queues_stand_in_the_kernel_and_are_read_from_there(clean: Any) -> None:
    server = clean
    assert use(server, making(2, 3), queues="tc").ports == {
        number: PortSettings(queues=QUEUES) for number in (2, 3)
    }
    first, second = ifbs(server)
    for name in (first, second):
        assert "prio 0 rate 1234Kbit ceil 50Mbit" in tc(server, "class", "show", "dev", name)
    server.vsctl("get", "port", f"{server.bridge}.2", "qos")
    tc(server, "qdisc", "del", "dev", first, "root")
    found = use(server, seen, queues="tc")
    assert found is not None
    assert len(found.ports) == 1, "queues that somebody took off the kernel are reported as if they were there"
    assert use(server, making(2, 3), queues="tc").ports.keys() == {2, 3}


@pytest.mark.parametrize(
    "lost", ["filter del dev {port} egress", "class change dev {ifb} classid 1:7 htb rate 9mbit"]
)
def test_what_was_changed_by_hand_is_seen(clean: Any, lost: str) -> None:
    server = clean
    use(server, making(2), queues="tc")
    tc(server, *lost.format(port=f"{server.bridge}.2", ifb=ifbs(server)[0]).split())
    found = use(server, seen, queues="tc")
    assert found is not None
    assert found.ports == {}
    assert use(server, making(2), queues="tc").ports == {2: PortSettings(queues=QUEUES)}


def test_filters_of_others_on_the_port_stay(clean: Any) -> None:
    server = clean
    port = f"{server.bridge}.2"
    tc(server, "qdisc", "add", "dev", port, "clsact")
    foreign = ("protocol", "all", "pref", "7", "u32", "match", "u32", "0", "0", "flowid", "1:1")
    tc(server, "filter", "add", "dev", port, "ingress", *foreign)
    use(server, making(2), queues="tc")
    use(server, lambda driver: driver.release(), queues="tc")
    assert "pref 7" in tc(server, "filter", "show", "dev", port, "ingress")
    tc(server, "qdisc", "del", "dev", port, "clsact")


def test_revert_takes_the_queues_off_again(clean: Any) -> None:
    async def work(driver: OvsdbDriver) -> None:
        await driver.commit([SettingsChange(SwitchSettings("secure", {2: PortSettings(queues=QUEUES)}))])
        assert ifbs(clean)
        await driver.revert()

    use(clean, work, queues="tc")
    assert ifbs(clean) == []


def test_the_switch_itself_may_say_so(clean: Any) -> None:
    """``external_ids:sdnctl-queues=tc`` is what a lab with rates writes; without it nobody makes queues here."""
    noted = use(clean, making(2))
    assert noted.ports == {2: PortSettings(queues=QUEUES)}
    assert ifbs(clean) == []
    assert not use(clean, lambda driver: driver.capabilities()).queues
    clean.vsctl("set", "Open_vSwitch", ".", "external_ids:sdnctl-queues=tc")
    try:
        found = use(clean, seen)
        assert found is not None
        assert found.ports == {}, "nobody has made them"
        use(clean, making(2))
        assert len(ifbs(clean)) == 1
        assert use(clean, lambda driver: driver.capabilities()).queues
    finally:
        clean.vsctl("remove", "Open_vSwitch", ".", "external_ids", "sdnctl-queues")


def test_a_queue_that_is_no_traffic_class_is_refused(clean: Any) -> None:
    with pytest.raises(DeviceRefused, match="queue 9 is no traffic class"):
        use(clean, making(2, queues=(Queue(9, 1_000_000, 2_000_000, 0),)), queues="tc")
    assert ifbs(clean) == []


def test_without_the_rights_it_says_what_is_missing(clean: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shaper, "__init__", _elsewhere)
    with pytest.raises(DeviceRefused, match="by root, with tc and ifb"):
        use(clean, making(2), queues="tc")


def _elsewhere(self: Shaper, device: str, pid: int) -> None:
    """A process whose namespace cannot be entered: there is none."""
    self._device, self._enter = device, ("nsenter", "--net=/proc/0/ns/net")
