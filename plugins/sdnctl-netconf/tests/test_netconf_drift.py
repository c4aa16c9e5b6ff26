"""What somebody else does at a real netconfd is told, seen and repaired."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import pytest
from sdnctl_netconf import NetconfDriver
from sdnctl_netconf.testing.netconfd import Netconfd, wait_until
from sdnctl_netconf.testing.outside import HEAD, Outside
from sdnctl_netconf.testing.samples import WANTED, described

from sdnctl.errors import DeviceUnreachable
from sdnctl.testing.attachments import adds, deletes, modify
from sdnctl.testing.driving import drive

pytestmark = pytest.mark.servers("netconfd", "netconf-subsystem", "sshd", "unshare", root=True)

use = partial(drive, NetconfDriver)


def test_changes_by_hand_are_told_at_once(server: Netconfd, another: Outside) -> None:
    async def work(driver: NetconfDriver) -> None:
        changes = driver.watch_changes()
        first = asyncio.ensure_future(anext(changes))
        subscribed = lambda: "<create-subscription>" in server.log.read_text(errors="replace")[seen:]  # noqa: E731
        await asyncio.to_thread(wait_until, subscribed, "the driver subscribes")
        another.commit(
            f"{HEAD}<interface><name>eth2</name><description>by hand</description></interface></interfaces>"
        )
        change = await asyncio.wait_for(first, 5)
        assert (change.datastore, change.username) == ("running", "sdnctl-test")
        assert change.session == another.session
        assert any("eth2" in target for target in change.targets), change
        assert (await driver.observe()).foreign == 1
        server.door.hang_up()
        with pytest.raises(DeviceUnreachable) as caught:
            await asyncio.wait_for(anext(changes), 5)
        described(caught.value, "device-unreachable", "subscribe")

    seen = len(server.log.read_text(errors="replace"))
    use(server.target(), work)


@pytest.mark.parametrize(
    ("altered", "tag"),
    [
        ("<enabled>false</enabled>", 0),
        ('<attachment xmlns="urn:sdnctl:yang:attachments"><tag>777</tag></attachment>', 777),
        ('<attachment xmlns="urn:sdnctl:yang:attachments"><port>eth2</port></attachment>', 0),
    ],
)
def test_what_was_altered_by_hand_is_seen_and_repaired(server: Netconfd, altered: str, tag: int) -> None:
    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(WANTED[0]))
        await driver.confirm()
        server.outside.commit(f"{HEAD}<interface><name>eth1.untagged</name>{altered}</interface></interfaces>")
        held = (await driver.observe()).attachments
        assert held == {WANTED[0].key: replace(WANTED[0], tag=tag)}
        await driver.commit([modify(held[WANTED[0].key], WANTED[0])])
        await driver.confirm()
        assert (await driver.observe()).attachments == {WANTED[0].key: WANTED[0]}
        server.outside.commit(f"{HEAD}<interface><name>eth1.untagged</name>{altered}</interface></interfaces>")
        await driver.commit(deletes(WANTED[0]))
        await driver.confirm()
        assert (await driver.observe()).attachments == {}

    use(server.target(), work)
