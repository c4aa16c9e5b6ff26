"""One device of a running controller: gets a connection, keeps it for as long as it lasts, gets the next.

A driver with a connection of its own (`Watching`) says when it ends and reports its ports; any other is asked
every `poll` seconds.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from sdnctl.errors import DeviceError, DeviceUnreachable, Diagnostic
from sdnctl.southbound.base import Driver, PortState, Target, Watching
from sdnctl.southbound.driver_faults import driver_fault

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 15.0
"""Seconds before the second attempt to connect; each further pause is twice as long, up to the longest."""
LASTED = 10.0
"""A connection that held this many seconds was a good one: the next attempt follows at once."""


class Observer(Protocol):
    """Whom a session tells."""

    def arrived(self, session: Session) -> None: ...

    def left(self, session: Session, reason: DeviceError) -> None: ...

    def failed(self, session: Session, reason: DeviceError) -> None: ...

    def port(self, session: Session, state: PortState) -> None: ...


@dataclass(slots=True, eq=False)
class Session:
    """The connection of one device. `number` counts its connections, `ports` is what was last reported."""

    target: Target
    connect: Callable[[], Awaitable[Driver]]
    observer: Observer
    poll: float
    driver: Driver | None = None
    number: int = 0
    reason: DeviceError | None = None  # why there is no connection
    ports: dict[int, PortState] = field(default_factory=dict)
    tried: asyncio.Event = field(default_factory=asyncio.Event)  # set when the first attempt has ended
    _why: DeviceError | None = None  # why we ended it ourselves
    _task: asyncio.Task[None] | None = None
    _look: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def device(self) -> str:
        return self.target.device

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"session {self.device}")

    async def stop(self) -> None:
        """Close the connection and try no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def doubt(self) -> None:
        """Something failed: look now whether the device still answers."""
        self._look.set()

    async def end(self, why: DeviceError) -> None:
        """Close this connection; a new one is tried as after any other end."""
        self._why = why
        if self.driver is not None:
            await self.driver.close()
        self._look.set()

    def gone(self) -> DeviceUnreachable:
        """The error for a device that has no connection now."""
        why = self.reason.diagnostics if self.reason is not None else ()
        return DeviceUnreachable(
            *(
                why
                or [
                    Diagnostic(
                        "device-unreachable",
                        f"{self.device} has not connected yet",
                        address=f"switch {self.device}",
                    )
                ]
            )
        )

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        pause = 0.0
        while True:
            started = loop.time()
            try:
                self.driver = driver = await self.connect()
                ports = await self._ports(driver)
            except Exception as error:
                pause = await self._failed(self._fault(error), pause)
                continue
            except asyncio.CancelledError:
                await self._close()
                raise
            try:
                for state in ports.values():
                    self._port(state)
                self.number += 1
                self.reason = None
                self.observer.arrived(self)
                self.tried.set()
                await self._stay(driver)
            except Exception as error:
                self.reason, self._why = self._why or self._fault(error), None
            finally:
                await self._close()
                if self.reason is not None:
                    self.observer.left(self, self.reason)
            pause = 0.0 if loop.time() - started > LASTED else max(2 * pause, FIRST_PAUSE)
            await asyncio.sleep(_jittered(min(pause, LONGEST_PAUSE)))

    def _fault(self, error: Exception) -> DeviceError:
        return driver_fault(self.target.device, (self.target,), error, DeviceUnreachable)

    async def _failed(self, reason: DeviceError, pause: float) -> float:
        """Wait before the next attempt; returns how long this pause was meant to be."""
        self.reason = reason
        await self._close()
        self.observer.failed(self, reason)
        self.tried.set()
        pause = min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)
        await asyncio.sleep(_jittered(pause))
        return pause

    async def _close(self) -> None:
        driver, self.driver = self.driver, None
        if driver is not None:
            await driver.close()

    async def _ports(self, driver: Driver) -> Mapping[int, PortState]:
        return await driver.ports() if isinstance(driver, Watching) else (await driver.counters()).ports

    async def _stay(self, driver: Driver) -> None:
        """Follow the ports until the connection ends; always raises why."""
        if isinstance(driver, Watching):
            async for state in driver.watch_ports():
                self._port(state)
            raise driver.closed.result()
        while True:
            self._look.clear()
            with suppress(TimeoutError):  # not `wait_for`, which may lose a cancellation (Python before 3.12)
                async with asyncio.timeout(self.poll):
                    await self._look.wait()
            if self._why is not None:
                raise self._why
            seen = await self._ports(driver)
            for state in seen.values():
                self._port(state)
            for number in self.ports.keys() - seen.keys():
                self._port(PortState(number, self.ports[number].name, False))

    def _port(self, state: PortState) -> None:
        before = self.ports.get(state.port)
        self.ports[state.port] = state
        if before is None or (before.up, before.bfd) != (state.up, state.bfd):
            self.observer.port(self, state)


def _jittered(pause: float) -> float:
    """Between half of a pause and all of it, so that a city that lost power does not call all at once."""
    return pause * random.uniform(0.5, 1.0)
