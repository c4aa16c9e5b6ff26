"""One plan over Open vSwitch, netconfd, FRRouting and an IOS-like switch: apply, drift, repair, roll back, faults.

Open vSwitch, netconfd (behind sshd) and FRRouting (behind sshd) are real; the IOS-like switch is a simulator of
ours, behind real SSH.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest
from controller_thread import Running
from mixed_network import files
from plugin_tests import plugin_tests
from sdnctl_in_process import Net
from sdnctl_netconf.testing.netconfd import running_netconfd
from sdnctl_netmiko import NetmikoDriver
from sdnctl_netmiko.testing import frr, ios
from workspace_folder import write

from sdnctl.daemon.drift import DriftWatch
from sdnctl.dataplane.attachment import Attachments
from sdnctl.plan.model import DeviceChange
from sdnctl.testing.device import AttachmentDevice
from sdnctl.usecases.context import Context
from sdnctl.usecases.planning import observe

pytestmark = [
    pytest.mark.ovs,
    pytest.mark.servers("netconfd", "netconf-subsystem", "sshd", "ssh-keygen", "vtysh", "unshare", root=True),
]

SITES = {"netconfd": ("alpha", "sw-a"), "frr": ("beta", "sw-b"), "ios-like": ("gamma", "sw-c")}
CAN = {
    "netconfd": ("policing", "marking", "vlans"),
    "frr": ("marking", "vlans"),
    "ios-like": ("policing", "marking", "vlans"),
}
CREDENTIALS = ("username", "password", "key", "passphrase", "enable")
DRIVER = {"netconfd": "netconf", "frr": "netmiko", "ios-like": "netmiko"}


@dataclass
class Mixed(Net):
    """The network on Open vSwitch, with what its devices are from outside."""

    devices: dict[str, AttachmentDevice] = None  # type: ignore[assignment]

    def attached(self) -> dict[str, Attachments | None]:
        """What devices hold, by their own drivers."""
        with self.open() as context:
            return dict(asyncio.run(_observed(context)).items())

    def assert_applied(self) -> None:
        """Switches and devices hold what was applied, and nothing is left to do."""
        assert self.attached() == self.applied().compiled.attachments
        assert self("plan", "--exit-code").code == 0
        assert self.json("drift")["ok"]


@contextmanager
def lost_at_commit(device: AttachmentDevice) -> Iterator[None]:
    """The device is cut off the moment it is to commit; it is back when the block ends."""
    real = NetmikoDriver.commit

    async def commit(self: NetmikoDriver, changes: Sequence[DeviceChange]) -> None:
        if self._target.address == device.target.address:
            device.cut()
        await real(self, changes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NetmikoDriver, "commit", commit)
        try:
            yield
        finally:
            device.restore()


async def _observed(context: Context) -> dict[str, Attachments | None]:
    applied = context.applied()
    assert applied is not None
    return dict((await observe(context, applied[1], None)).attached)


def entry(name: str, device: AttachmentDevice, tags: str) -> str:
    """A device as people write it."""
    site, switch = SITES[name]
    options = dict(device.target.options)
    given = {key: options.pop(key) for key in CREDENTIALS if key in options}
    platform, host_key = options.pop("platform", "ietf"), options.pop("host_key")
    options.pop("uplink", None)
    return (
        f"  - id: {name}\n    site: {site}\n    platform: {platform}\n"
        f"    uplink: {{port: {device.uplink}, switch: {switch}, switch_port: 24}}\n    tags: {tags}\n"
        f'    drivers: {{{DRIVER[name]}: "{device.target.address}"}}\n    host_key: "{host_key}"\n'
        f"    can: [{', '.join(CAN[name])}]\n"
        f"    credentials: {{{', '.join(f'{key}: {value!r}' for key, value in given.items())}}}\n"
        f"    options: {{{', '.join(f'{key}: {value!r}' for key, value in options.items())}}}\n"
    )


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, AttachmentDevice]]:
    """netconfd, FRRouting and the simulator, each with a device as the plugins' own tests see it."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in (frr.SECRETS | ios.SECRETS).items():
            patch.setenv(name, value)
        server = stack.enter_context(running_netconfd())
        router = stack.enter_context(frr.running_frr(f"sdnctl-mx-{os.getpid()}"))
        simulator = stack.enter_context(ios.running_simulator())
        switch = ios.IosSwitch(minute=5.0)
        port = simulator.listen(switch)
        yield {
            "netconfd": plugin_tests("sdnctl-netconf", "test_netconf_contract").NetconfdDevice(server),
            "frr": plugin_tests("sdnctl-netmiko", "test_netmiko_frr_contract").FrrDevice(
                router, router.target("frr")
            ),
            "ios-like": plugin_tests("sdnctl-netmiko", "test_netmiko_ios_contract").IosDevice(
                simulator, switch, simulator.target("ios-like", port)
            ),
        }


def wait_for(happened: Callable[[], object], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.fixture(scope="module")
def net(servers: dict[str, AttachmentDevice], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mixed]:
    folder = tmp_path_factory.mktemp("mixed") / "net"
    numbered = [(number, name, servers[name]) for number, name in enumerate(servers, 1)]
    entries = [entry(name, device, f"{number}01-{number}09") for number, name, device in numbered]
    rows = "".join(
        f"gear-{number},{SITES[name][0]},{name},{device.ports[0]},,,10.1.0.{100 + number}/32,camera,\n"
        for number, name, device in numbered
    )
    every = dict(files(f"devices:\n{''.join(entries)}"))
    plain = files()["inventory/endpoints.csv"]
    assert isinstance(plain, str)
    own = ("cam-s", "cam-h", "line-s", "line-h")
    kept = [line for line in plain.splitlines(keepends=True) if not line.startswith(own)]
    every["inventory/endpoints.csv"] = "".join(kept) + rows
    every["network.yaml"] = "name: triangle\ncontroller: {drift_interval: 3600 s}\n"
    del every["intents/circuits.yaml"]
    write(folder, every)
    made = Mixed(folder, devices=servers)
    made.ok("lab", "up", "--kind", "ovs", "--real-devices")
    try:
        yield made
    finally:
        made.ok("lab", "down")


def test_the_whole_story(net: Mixed) -> None:
    """In one test, because starting what it needs takes longer than all of it."""
    # apply: everything is there, and holds when it is asked again
    result = net.ok("apply", "--yes")
    net.assert_applied()
    held = net.attached()
    assert {name: [one.endpoint for one in found.values()] for name, found in held.items() if found} == {
        "netconfd": ["gear-1"],
        "frr": ["gear-2"],
        "ios-like": ["gear-3"],
    }

    # somebody changes each by hand: found, named by owner, put right
    for device in net.devices.values():
        device.take_away(device.ports[0])
    found = net.json("drift", "--exit-code", code=2)
    assert {one["device"]: one["missing"] for one in found["attachments"]} == dict.fromkeys(SITES, 1)
    assert {one["what"] for one in found["findings"]} == {"endpoint gear-1", "endpoint gear-2", "endpoint gear-3"}
    net.ok("apply", "--yes")
    net.assert_applied()

    # one device is lost in the middle: everything as before, on switches and devices; the journal says which
    before, rules, state = net.attached(), net.read_back(), net.applied()
    text = net.path("inventory/endpoints.csv").read_text(encoding="utf-8")
    more = "".join(
        f"more-{number},{SITES[name][0]},{name},{device.ports[1]},,,10.1.0.{120 + number}/32,camera,\n"
        for number, (name, device) in enumerate(net.devices.items(), 1)
    )
    net.path("inventory/endpoints.csv").write_text(text + more, encoding="utf-8")
    planned = net.ok("plan", "-o", net.path("plan.json"))
    lost = net.devices["ios-like"]
    with lost_at_commit(lost):
        result = net("apply", net.path("plan.json"), "--yes")
    assert result.code == 1, planned.out
    assert "ios-like" in result.plain
    assert "as it was before" in result.plain
    assert net.pending() is None
    assert net.applied() == state
    assert net.read_back() == rules
    assert net.attached() == before
    journal = net.json("history", max(one.id for one in net.history()))["journal"]
    (failed,) = (one["detail"] for one in journal if one["event"] == "attachments-failed")
    assert (failed["step"], list(failed["faults"])) == ("commit", ["ios-like"])
    for secret in {secret for device in net.devices.values() for secret in device.secrets}:
        assert secret not in result.out + result.err + str(journal)

    # with everybody there it goes through, and back
    net.ok("apply", "--yes")
    net.assert_applied()
    net.ok("rollback", "--yes")
    assert net.attached() == before
    net.path("inventory/endpoints.csv").write_text(text, encoding="utf-8")
    net.assert_applied()

    # a controller whose next round is an hour away hears of it from the device that tells, and puts it right
    with Running(net, parts=(DriftWatch(),), tcp=False) as running:
        board = running.hub.drift.switches
        wait_for(lambda: set(SITES) <= {name for name, one in board.items() if one.state == "match"})
        log = net.devices["netconfd"]._server.log  # type: ignore[attr-defined]
        wait_for(lambda: "<create-subscription>" in log.read_text(errors="replace"))
        net.devices["netconfd"].take_away(net.devices["netconfd"].ports[0])
        wait_for(lambda: running.hub.drift.repairs == 1)
        wait_for(lambda: board["netconfd"].state == "match")
    net.assert_applied()

    # without cameras behind devices nothing of ours is left there
    rows = text.splitlines(keepends=True)
    gone = "".join(row for row in rows if not row.startswith("gear-"))
    net.path("inventory/endpoints.csv").write_text(gone, encoding="utf-8")
    net.ok("apply", "--yes")
    assert all(not held for held in net.attached().values())
