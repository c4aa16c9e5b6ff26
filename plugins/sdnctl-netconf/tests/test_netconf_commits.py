"""Commit, confirm and revert at a real netconfd, beside edits and locks of others; nothing is half there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest
from sdnctl_netconf import NetconfDriver
from sdnctl_netconf.testing.netconfd import Netconfd, named, wait_until
from sdnctl_netconf.testing.outside import HEAD, INTERFACES, Outside, Refused
from sdnctl_netconf.testing.samples import OURS, WANTED, described

from sdnctl.dataplane.attachment import Attachment
from sdnctl.errors import DeviceError, DeviceRefused
from sdnctl.testing.attachments import adds
from sdnctl.testing.driving import drive

pytestmark = pytest.mark.servers("netconfd", "netconf-subsystem", "sshd", "unshare", root=True)

use = partial(drive, NetconfDriver)


# ── candidates of others ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", ["prepare", "commit"])
def test_half_written_edits_of_somebody_else(server: Netconfd, another: Outside, step: str) -> None:
    another.edit(
        f"{HEAD}<interface><name>eth2</name><description>half of it</description></interface></interfaces>"
    )

    async def work(driver: NetconfDriver) -> None:
        with pytest.raises(DeviceRefused) as caught:
            await getattr(driver, step)(adds(*WANTED))
        described(caught.value, "device-refused", "lock", "candidate cannot be locked")

    use(server.target(), work)
    assert another.interfaces("candidate")["eth2"].findtext(f"{{{INTERFACES}}}description") == "half of it"
    another.rpc("<discard-changes/>")
    assert not {*OURS} & another.interfaces().keys()


@pytest.mark.parametrize(("datastore", "step"), [("candidate", "lock"), ("running", "commit")])
def test_a_lock_of_somebody_else(server: Netconfd, another: Outside, datastore: str, step: str) -> None:
    another.rpc(f"<lock><target><{datastore}/></target></lock>")

    async def work(driver: NetconfDriver) -> None:
        with pytest.raises(DeviceRefused) as caught:
            await driver.commit(adds(*WANTED))
        text = described(caught.value, "device-refused", step)
        assert "holds it" not in text or f"session {another.session} holds it" in text
        another.rpc(f"<unlock><target><{datastore}/></target></unlock>")
        await driver.commit(adds(*WANTED))
        await driver.confirm()

    use(server.target(), work)
    assert named(another.interfaces()) == OURS


def test_nobody_edits_between_commit_and_confirm(server: Netconfd, another: Outside) -> None:
    """A confirming commit commits the candidate: edits of others in it would be made permanent."""

    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(WANTED[0]))
        with pytest.raises(Exception, match="locked"):
            another.edit(
                f"{HEAD}<interface><name>eth2</name><description>x</description></interface></interfaces>"
            )
        await driver.confirm()
        another.edit(f"{HEAD}<interface><name>eth2</name><description>x</description></interface></interfaces>")

    use(server.target(), work)
    another.rpc("<discard-changes/>")
    assert named(another.interfaces()) == OURS[:1]


# ── commit, confirm, revert ──────────────────────────────────────────────────────────────────────


def test_a_commit_that_nobody_confirms_is_taken_back_by_the_device(server: Netconfd) -> None:
    """The connection breaks, as when our process dies: only the device is left to do something."""

    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(*WANTED))
        server.door.hang_up()
        assert named(server.outside.interfaces()) == OURS, "a lost session alone is no reason to go back"
        # netconfd looks after its timers only when nobody has asked it anything for a second.
        wait_until(lambda: not named(server.outside.interfaces()), "the device takes it back", every=1.2)
        with pytest.raises(DeviceError) as caught:
            await driver.confirm()
        described(caught.value, "device-refused", "confirm", "not confirmed in 1 s")
        assert named(server.outside.interfaces()) == []

    use(server.target(confirm_timeout="1"), work)


@pytest.mark.parametrize("end", ["confirm", "revert"])
def test_another_session_confirms_or_reverts(server: Netconfd, end: str) -> None:
    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(*WANTED[:2]))
        await driver.commit(adds(WANTED[2]))
        server.door.hang_up()
        await getattr(driver, end)()

    use(server.target(), work)
    assert named(server.outside.interfaces()) == (OURS if end == "confirm" else [])
    assert named(server.outside.interfaces("candidate")) == (OURS if end == "confirm" else [])


def test_a_new_session_does_not_confirm_edits_of_others(server: Netconfd, another: Outside) -> None:
    """The lock went with the session, and netconfd gives no other one while a commit is pending."""

    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(WANTED[0]))
        server.door.hang_up()
        await asyncio.to_thread(wait_until, edited, "the lock is gone")
        with pytest.raises(DeviceRefused) as caught:
            await driver.confirm()
        described(caught.value, "device-refused", "confirm", "edits of somebody else")
        another.rpc("<discard-changes/>")
        await driver.confirm()

    def edited() -> bool:
        try:
            another.edit(
                f"{HEAD}<interface><name>eth2</name><description>x</description></interface></interfaces>"
            )
        except Refused:
            return False
        return True

    use(server.target(), work)
    found = another.interfaces()
    assert named(found) == OURS[:1]
    assert found["eth2"].findtext(f"{{{INTERFACES}}}description") is None


def test_a_refused_commit_leaves_no_memory(server: Netconfd, another: Outside) -> None:
    """What to go back to is what ran before the commit that is taken back, not before one that never was."""

    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(WANTED[0]))
        await driver.confirm()
        another.rpc("<lock><target><running/></target></lock>")
        with pytest.raises(DeviceRefused):
            await driver.commit(adds(replace(WANTED[0], tag=150)))
        another.rpc("<unlock><target><running/></target></unlock>")
        altered = '<attachment xmlns="urn:sdnctl:yang:attachments"><tag>777</tag></attachment>'
        another.commit(f"{HEAD}<interface><name>eth1.untagged</name>{altered}</interface></interfaces>")
        await driver.commit(adds(replace(WANTED[0], tag=160)))
        await driver.revert()
        assert (await driver.observe()).attachments == {WANTED[0].key: replace(WANTED[0], tag=777)}

    use(server.target(), work)


def test_two_commits_go_back_as_one(server: Netconfd) -> None:
    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(WANTED[0]))
        await driver.commit(adds(WANTED[1]))
        assert named(server.outside.interfaces()) == OURS[:2]
        await driver.revert()
        assert named(server.outside.interfaces()) == []

    use(server.target(), work)


def test_what_a_dead_process_left_is_taken_back_and_told(server: Netconfd) -> None:
    async def dies(driver: NetconfDriver) -> None:
        await driver.commit(adds(WANTED[0]))
        server.door.hang_up()

    async def comes_after(driver: NetconfDriver) -> None:
        assert set((await driver.observe()).attachments or ()) == {WANTED[0].key}
        with pytest.raises(DeviceRefused) as caught:
            await driver.commit(adds(WANTED[1]))
        described(caught.value, "device-refused", "commit", "unconfirmed", "plan again")
        assert (await driver.observe()).attachments == {}
        await driver.commit(adds(WANTED[1]))
        await driver.confirm()

    use(server.target(), dies)
    use(server.target(), comes_after)
    assert named(server.outside.interfaces()) == ["eth2.untagged"]


def test_a_change_that_is_dropped_in_silence_is_seen(server: Netconfd) -> None:
    """netconfd 2.13 forgets the candidate at <validate>, and says ok to it and to <commit>."""

    async def work(driver: NetconfDriver) -> None:
        with pytest.raises(DeviceError) as caught:
            await driver.commit(adds(*WANTED))
        described(caught.value, "read-back", "read back", "eth1", "school-3", "is not there")
        await driver.confirm()  # nothing is pending

    use(server.target(validate="explicit"), work)
    assert named(server.outside.interfaces()) == []
    server.outside.rpc("<lock><target><candidate/></target></lock>")
    server.outside.rpc("<unlock><target><candidate/></target></unlock>")


def test_the_device_refuses_one_of_three(server: Netconfd) -> None:
    """By its model: the error's path leads back to the attachment, and nothing of the others is left."""
    bad = replace(WANTED[1], tag=4_095)

    async def work(driver: NetconfDriver) -> None:
        for step in (driver.prepare, driver.commit):
            with pytest.raises(DeviceRefused) as caught:
                await step(adds(WANTED[0], bad, WANTED[2]))
            text = described(caught.value, "device-refused", "edit", "eth2 → eth9 VLAN 4095", "school-2", "range")
            assert "school-1" not in text

    use(server.target(), work)
    assert named(server.outside.interfaces("candidate")) == []


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (replace(WANTED[0], port="eth77"), ["no port eth77", "eth1"]),
        (replace(WANTED[0], uplink="eth77"), ["no port eth77"]),
        (replace(WANTED[0], tag=102, endpoint="late"), ["VLAN 102 of eth9 is that of eth2 already", "late"]),
    ],
)
def test_what_is_refused_before_the_device_is_asked(
    server: Netconfd, wanted: Attachment, words: Sequence[str]
) -> None:
    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(WANTED[1]))
        await driver.confirm()
        with pytest.raises(DeviceRefused) as caught:
            await driver.prepare(adds(wanted))
        described(caught.value, "device-refused", "edit", *words)

    use(server.target(), work)
