"""Listening to devices that tell their changes: at once, again after an end, never to those that do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from sdnctl.daemon import noticing
from sdnctl.daemon.noticing import Noticing
from sdnctl.southbound import device_faults

Changes = Callable[[], AsyncGenerator[object, None]]


class Device:
    """A driver that tells what the test puts in, and can be made to end."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[Exception | None] = asyncio.Queue()
        self.listening = 0
        self.again = asyncio.Event()

    async def watch_changes(self) -> AsyncGenerator[object, None]:
        self.listening += 1
        self.again.set()
        try:
            while True:
                item = await self.said.get()
                if item is not None:
                    raise item
                yield item
        finally:
            self.listening -= 1


class Silent:
    """A driver that tells nothing."""


class Devices:
    """A fleet as far as a listener looks at it."""

    def __init__(self, **drivers: object) -> None:
        self.drivers = drivers
        self.asked: list[str] = []

    def devices(self, payload: str) -> tuple[str, ...]:
        assert payload == "attachments"
        return tuple(self.drivers)

    async def driver(self, device: str, payload: str) -> object:
        self.asked.append(device)
        found = self.drivers[device]
        if isinstance(found, Exception):
            raise found
        return found


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def run(fleet: Devices, story: Callable[[Noticing, list[str], asyncio.TaskGroup], object]) -> None:
    async def part() -> None:
        told: list[str] = []
        async with asyncio.TaskGroup() as tasks:
            follower = Noticing(fleet, told.append)  # type: ignore[arg-type]
            follower.follow(tasks)
            await settle()
            await story(follower, told, tasks)  # type: ignore[misc]
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(part())


def test_a_change_is_told_as_it_happens_and_an_ended_subscription_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(noticing, "FIRST", 0.001)
    one, other = Device(), Device()

    async def story(_: Noticing, told: list[str], __: asyncio.TaskGroup) -> None:
        await one.said.put(None)
        await settle()
        assert told == ["sw-1"]
        one.again.clear()
        await one.said.put(device_faults.unreachable("sw-1", "subscribe", "the session ended"))
        await settle()
        assert one.listening == 0
        async with asyncio.timeout(5):
            await one.again.wait()
        assert told == ["sw-1", "sw-1"], "what was changed meanwhile nobody told"
        await other.said.put(None)
        await settle()
        assert told[2:] == ["sw-2"]

    run(Devices(**{"sw-1": one, "sw-2": other}), story)
    assert one.listening == other.listening == 0, "cancelled with the part"


def test_devices_that_tell_nothing_are_left_to_their_turns() -> None:
    refusing = Device()
    fleet = Devices(plain=Silent(), refusing=refusing)

    async def story(follower: Noticing, told: list[str], tasks: asyncio.TaskGroup) -> None:
        await refusing.said.put(device_faults.refused("refusing", "subscribe", "it announces no notifications"))
        await settle()
        follower.follow(tasks)
        await settle()
        assert fleet.asked == ["plain", "refusing"], "each is asked once"
        assert told == []

    run(fleet, story)


def test_listeners_come_and_go_with_devices() -> None:
    old, new = Device(), Device()
    fleet = Devices(old=old)

    async def story(follower: Noticing, told: list[str], tasks: asyncio.TaskGroup) -> None:
        fleet.drivers = {"new": new}
        follower.follow(tasks)
        await settle()
        assert (old.listening, new.listening) == (0, 1)
        await new.said.put(None)
        await settle()
        assert told == ["new"]

    run(fleet, story)


def test_a_device_that_cannot_be_reached_is_tried_again_ever_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noticing, "FIRST", 0.001)
    monkeypatch.setattr(noticing, "LONGEST", 0.004)
    fleet = Devices(away=device_faults.unreachable("away", "connect", "no route"))
    pauses: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds:
            pauses.append(seconds)
        await real(0)

    async def story(_: Noticing, told: list[str], __: asyncio.TaskGroup) -> None:
        await settle()

    monkeypatch.setattr("sdnctl.daemon.noticing.asyncio.sleep", sleep)
    run(fleet, story)
    assert pauses[:4] == [0.001, 0.002, 0.004, 0.004]
