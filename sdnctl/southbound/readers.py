"""Devices that are read now and then: drivers of payload ``facts``, kept open and asked together, under a limit.

A device that is dead delays no other. Who is late gives up its place in the queue and goes on beside it, and who
did not answer is looked for in the background: a round waits only for those that answered in the one before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

from sdnctl.errors import DeviceError, DeviceRefused, Diagnostic
from sdnctl.southbound.base import Counters, Driver, Target
from sdnctl.southbound.driver_faults import driver_fault
from sdnctl.southbound.facts import DeviceFacts, FactsReader

T = TypeVar("T")
Targets: TypeAlias = Mapping[str, tuple[type[Driver], Target]]
"""Device → its driver, and where that finds it."""

LIMIT = 128
"""Devices asked at a time, those not counted that are late."""
PATIENCE = 0.25
"""Seconds after which a device is late."""


class Readers:
    """Open drivers of devices that are only read; an async context manager that closes them all."""

    def __init__(self, targets: Targets | None = None, limit: int = LIMIT, patience: float = PATIENCE) -> None:
        self._targets: dict[str, tuple[type[Driver], Target]] = dict(targets or {})
        self._patience = patience
        self._limit = limit
        self._places = asyncio.Semaphore(limit)
        self._turn = asyncio.Lock()  # of rounds: there is one conversation with a device at a time
        self._open: dict[str, Driver] = {}
        self._sought: dict[str, asyncio.Task[None]] = {}
        self.faults: dict[str, DeviceError] = {}
        """Why a device did not answer the last time."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.retarget({})

    async def retarget(self, targets: Targets) -> None:
        """The devices are these from now on; of those that stay as they were, nothing is closed."""
        gone = [device for device, old in self._targets.items() if targets.get(device) != old]
        self._targets = dict(targets)
        tasks = [task for device in gone if (task := self._sought.pop(device, None)) is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for device in gone:
            self.faults.pop(device, None)
            await self._close(device)

    async def counters(self) -> Mapping[str, Counters | None]:
        """Counters of every device, None for one that does not answer."""
        return await self._round(lambda driver: driver.counters())

    async def facts(self) -> Mapping[str, DeviceFacts | None]:
        """Facts of every device, None for one that does not answer."""
        return await self._round(_facts)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    async def _round(self, work: Callable[[Driver], Awaitable[T]]) -> Mapping[str, T | None]:
        async with self._turn:
            for device, task in list(self._sought.items()):
                if task.done():
                    del self._sought[device]
                    if device not in self._open:
                        self._seek(device)
            asked = [device for device in self._targets if device not in self._sought]
            answers = dict(zip(asked, await asyncio.gather(*(self._ask(one, work) for one in asked)), strict=True))
            return {device: answers.get(device) for device in self._targets}

    async def _ask(self, device: str, work: Callable[[Driver], Awaitable[T]]) -> T | None:
        """Ask one device; from one that fails nothing is expected until it was found again."""
        place = await self._place()
        try:
            driver = self._open.get(device)
            if driver is None:
                kind, target = self._targets[device]
                driver = self._open[device] = await kind.open(target)
            answer = await work(driver)
        except Exception as error:  # a driver may fail in any way; it must not take the others along
            self._failed(device, error)
        else:
            if self.faults:
                self.faults.pop(device, None)
            return answer
        finally:
            if place is not None:
                place.leave()
        if device in self._targets:
            await self._close(device)
            self._seek(device)
        return None

    def _seek(self, device: str) -> None:
        """Look for a device without anybody waiting for it."""

        async def seek() -> None:
            kind, target = self._targets[device]
            place = await self._place()
            try:
                self._open[device] = await kind.open(target)
            except Exception as error:
                self._failed(device, error)
            else:
                self.faults.pop(device, None)
            finally:
                if place is not None:
                    place.leave()

        if device not in self._sought:
            self._sought[device] = asyncio.get_running_loop().create_task(seek(), name=f"seek {device}")

    def _failed(self, device: str, error: Exception) -> None:
        targets = [self._targets[device][1]] if device in self._targets else []
        self.faults[device] = driver_fault(device, targets, error)

    async def _place(self) -> _Place | None:
        """A place in the queue, held until the work is done or late; there is none where all fit at once."""
        if len(self._targets) <= self._limit:
            return None
        await self._places.acquire()
        return _Place(self._places, self._patience)

    async def _close(self, device: str) -> None:
        driver = self._open.pop(device, None)
        if driver is not None:
            await asyncio.gather(driver.close(), return_exceptions=True)


async def _facts(driver: Driver) -> DeviceFacts:
    if isinstance(driver, FactsReader):
        return await driver.facts()
    raise DeviceRefused(
        Diagnostic("no-facts", f"the driver {driver.name} tells no facts", f"driver {driver.name}")
    )


class _Place:
    """One of so many; `leave` gives it back, once, and so does the time."""

    __slots__ = ("_late", "_places")

    def __init__(self, places: asyncio.Semaphore, patience: float) -> None:
        self._places: asyncio.Semaphore | None = places
        self._late = asyncio.get_running_loop().call_later(patience, self.leave)

    def leave(self) -> None:
        if self._places is not None:
            self._late.cancel()
            self._places.release()
            self._places = None
