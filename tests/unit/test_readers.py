"""Devices that are only read: asked together, a dead one delays nobody, and one that comes back is found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar, Self

import pytest

from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import DeviceUnreachable
from sdnctl.plan.model import DeviceChange, Observed
from sdnctl.southbound.base import Capabilities, Counters, Driver, Payload, PortState, Target
from sdnctl.southbound.facts import DeviceFacts
from sdnctl.southbound.readers import Readers


class Gauge:
    """A driver whose address says what is the matter: ``ok``, ``dead`` (after a while), ``mad``."""

    name: ClassVar[str] = "gauge"
    payload: ClassVar[Payload] = "facts"
    state: ClassVar[dict[str, str]] = {}
    opened: ClassVar[list[str]] = []
    closed: ClassVar[list[str]] = []
    at_once: ClassVar[list[int]] = [0, 0]
    """Calls that are under way, and the most there ever were."""

    def __init__(self, device: str) -> None:
        self.device = device

    @classmethod
    async def open(cls, target: Target) -> Self:
        await cls.answer(target.device)
        cls.opened.append(target.device)
        return cls(target.device)

    @classmethod
    async def answer(cls, device: str) -> None:
        cls.at_once[0] += 1
        cls.at_once[1] = max(cls.at_once)
        try:
            state = cls.state.get(device, "ok")
            await asyncio.sleep(0.001 if state != "dead" else 0.3)
            if state == "dead":
                raise DeviceUnreachable(f"{device} does not answer")
            if state == "mad":
                raise RuntimeError("a bug")
        finally:
            cls.at_once[0] -= 1

    async def counters(self) -> Counters:
        await self.answer(self.device)
        return Counters({1: PortState(1, self.device, True)})

    async def facts(self) -> DeviceFacts:
        await self.answer(self.device)
        return DeviceFacts(name=self.device)

    async def capabilities(self) -> Capabilities:
        return Capabilities()

    async def observe(self) -> Observed:
        return Observed(RuleSet())

    async def prepare(self, changes: Sequence[DeviceChange]) -> None: ...

    async def commit(self, changes: Sequence[DeviceChange]) -> None: ...

    async def confirm(self) -> None: ...

    async def revert(self) -> None: ...

    async def close(self) -> None:
        self.closed.append(self.device)


@pytest.fixture(autouse=True)
def fresh() -> None:
    Gauge.state = {}
    Gauge.opened, Gauge.closed, Gauge.at_once = [], [], [0, 0]


def targets(count: int, **states: str) -> dict[str, tuple[type[Driver], Target]]:
    Gauge.state = states
    return {f"d{number}": (Gauge, Target(f"d{number}", "gauge:")) for number in range(count)}


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def test_everybody_is_asked_and_stays_open() -> None:
    async def work() -> None:
        async with Readers(targets(20), limit=4) as readers:
            for _ in range(3):
                found = await readers.counters()
                assert {device: counters.ports[1].name for device, counters in found.items() if counters} == {
                    device: device for device in (f"d{number}" for number in range(20))
                }
            facts = await readers.facts()
            assert all(one is not None and one.name == device for device, one in facts.items())
            assert Gauge.at_once[1] == 4
            assert len(Gauge.opened) == 20
        assert sorted(Gauge.closed) == sorted(Gauge.opened)

    run(work)


def test_dead_ones_are_waited_for_once_and_hold_no_places() -> None:
    """More dead devices than places: the first round waits for them, at the same time, and no other round does."""

    async def work() -> None:
        loop = asyncio.get_running_loop()
        dead = {f"d{number}": "dead" for number in range(10)}
        async with Readers(targets(20, **dead), limit=2, patience=0.02) as readers:
            begun = loop.time()
            found = await readers.counters()
            assert [device for device, counters in found.items() if counters is None] == list(dead)
            assert (
                loop.time() - begun < 10 * 0.3 / 2
            )  # two places, and each dead device held one for its whole time
            assert readers.faults.keys() == dead.keys()
            asked = Gauge.at_once[0]
            assert asked <= len(dead)  # they are looked for in the background
            for _ in range(3):
                found = await readers.counters()
                assert sum(counters is not None for counters in found.values()) == 10
            assert all(
                not task.done() for task in readers._sought.values()
            )  # three rounds, and none of them ended

    run(work)


def test_one_that_comes_back_is_found() -> None:
    async def work() -> None:
        async with Readers(targets(2, d0="dead"), patience=0.01) as readers:
            assert (await readers.counters())["d0"] is None
            Gauge.state = {}
            await asyncio.gather(*readers._sought.values())  # it began while the device was dead
            assert (await readers.counters())["d0"] is None
            await asyncio.gather(*readers._sought.values())
            found = await readers.counters()
            assert found["d0"] is not None
            assert readers.faults == {}
            Gauge.state = {"d0": "dead"}
            assert (await readers.counters())["d0"] is None
            assert "d0" in Gauge.closed
            await asyncio.gather(*readers._sought.values())
            assert (await readers.counters())["d0"] is None  # still dead: it is looked for again
            assert "d0" in readers._sought

    run(work)


def test_a_bug_of_a_driver_is_a_fault_of_its_device() -> None:
    async def work() -> None:
        async with Readers(targets(2, d1="mad")) as readers:
            found = await readers.counters()
            assert (found["d0"] is not None, found["d1"]) == (True, None)
            assert "RuntimeError: a bug" in str(readers.faults["d1"])

    run(work)


def test_devices_come_and_go() -> None:
    async def work() -> None:
        readers = Readers(targets(3, d2="dead"))
        await readers.counters()
        assert set(readers._sought) == {"d2"}
        some = targets(2)
        await readers.retarget({**some, "d1": (Gauge, Target("d1", "gauge:elsewhere"))})
        assert Gauge.closed == ["d1"]
        assert readers._sought == {}
        assert set(await readers.counters()) == {"d0", "d1"}
        assert Gauge.opened == ["d0", "d1", "d1"]
        await readers.retarget({})
        assert sorted(Gauge.closed) == ["d0", "d1", "d1"]

    run(work)
