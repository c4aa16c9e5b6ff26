"""Devices that say when their configuration changes: a listener for each, so that drift is seen as it happens.

They are polled as every other device is: a notification is a hint when to look, and never what is believed. A
subscription that ends is made again, after pauses that grow; a device that announces no notifications is left to
its turns.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from sdnctl.errors import DeviceError, DeviceRefused
from sdnctl.southbound.base import Telling
from sdnctl.southbound.fleet import Fleet

logger = logging.getLogger(__name__)

FIRST, LONGEST = 1.0, 60.0
"""Seconds until a subscription that ended is made again: the first time, and at most."""

Told = Callable[[str], None]


@dataclass
class Noticing:
    """Tells of devices beside the switches that changed, or may have while nobody listened."""

    fleet: Fleet
    told: Told
    _listeners: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def follow(self, tasks: asyncio.TaskGroup) -> None:
        """Listen to the devices that there are now, and no longer to those that are gone."""
        names = frozenset(self.fleet.devices("attachments"))
        for gone in self._listeners.keys() - names:
            self._listeners.pop(gone).cancel()
        for name in sorted(names - self._listeners.keys()):
            self._listeners[name] = tasks.create_task(self._listen(name), name=f"changes of {name}")

    async def _listen(self, device: str) -> None:
        pause = FIRST
        while True:
            try:
                driver = await self.fleet.driver(device, "attachments")
                if not isinstance(driver, Telling):
                    return
                async with aclosing(driver.watch_changes()) as changes:
                    async for _ in changes:
                        pause = FIRST
                        self.told(device)
            except DeviceRefused as error:
                logger.info("%s tells no changes, and is read by turns: %s", device, error)
                return
            except (DeviceError, OSError) as error:
                logger.info("%s tells no changes at the moment, next attempt in %g s: %s", device, pause, error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST)
            self.told(device)  # what changed meanwhile nobody has told
