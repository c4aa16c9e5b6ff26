"""A real netconfd that loses power at any step: every failure names device and step, and nothing is half there."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

import pytest
from sdnctl_netconf import NetconfDriver
from sdnctl_netconf.client import Client
from sdnctl_netconf.testing.netconfd import Netconfd, named
from sdnctl_netconf.testing.samples import OURS, WANTED, described

from sdnctl.errors import DeviceError, DeviceUnreachable
from sdnctl.testing.attachments import adds
from sdnctl.testing.driving import drive

pytestmark = pytest.mark.servers("netconfd", "netconf-subsystem", "sshd", "unshare", root=True)

use = partial(drive, NetconfDriver)


@pytest.mark.parametrize(
    ("method", "step"),
    [
        ("lock", "lock"),
        ("edit", "edit"),
        ("commit", "commit"),
        ("get_config", "read back"),
        ("confirm", "confirm"),
    ],
)
def test_the_device_loses_power_right_before_a_step(
    server: Netconfd, monkeypatch: pytest.MonkeyPatch, method: str, step: str
) -> None:
    original = getattr(Client, method)

    def after_a_power_failure(self: Client, *arguments: Any, **options: Any) -> Any:
        if step == "read back" and arguments[0] != step:
            return original(self, *arguments, **options)
        monkeypatch.setattr(Client, method, original)
        server.kill()
        return original(self, *arguments, **options)

    async def commit_and_confirm(driver: NetconfDriver) -> None:
        await driver.commit(adds(*WANTED))
        await driver.confirm()

    async def work(driver: NetconfDriver) -> None:
        monkeypatch.setattr(Client, method, after_a_power_failure)
        with pytest.raises(DeviceUnreachable) as caught:
            await commit_and_confirm(driver)
        described(caught.value, "device-unreachable", f"step: {step}")
        server.start()
        await driver.revert()

    use(server.target(), work)
    assert named(server.outside.interfaces()) == []


def test_the_device_loses_power_while_it_commits(server: Netconfd) -> None:
    """At whatever moment that is (but see `Netconfd.kill`): all of a confirmed change is there, or nothing."""
    seen, ended = server.log.stat().st_size, threading.Event()

    def kill() -> None:
        with server.log.open("rb") as log:
            log.seek(seen)
            said = b""
            while b"<commit>" not in said and not ended.is_set():
                said = said[-20:] + log.read()
                time.sleep(0.0005)
        server.kill()

    async def commit_for_ever(driver: NetconfDriver) -> None:
        for _ in range(50):
            await driver.commit(adds(*WANTED))
            await driver.revert()

    async def work(driver: NetconfDriver) -> None:
        watcher = threading.Thread(target=kill)
        watcher.start()
        try:
            with pytest.raises(DeviceError) as caught:
                await commit_for_ever(driver)
        finally:
            ended.set()
            watcher.join()
        described(caught.value, "device-unreachable", "step: ")
        server.start()

    use(server.target(), work)
    assert named(server.outside.interfaces()) == []


def test_what_was_confirmed_survives_a_power_failure(server: Netconfd) -> None:
    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(*WANTED))
        await driver.confirm()

    use(server.target(), work)
    server.kill()
    server.start()
    assert named(server.outside.interfaces()) == OURS
