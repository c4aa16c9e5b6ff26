"""Parts run side by side: one that fails is told of and started again, and takes none of the others along."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from sdnctl.daemon.events import Kind, Severity
from sdnctl.daemon.hub import Hub, Part

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before a part that failed runs again; twice as long each time, up to the longest."""


class Crew:
    """Parts that were started together and end together."""

    def __init__(self, hub: Hub, first_pause: float = FIRST_PAUSE) -> None:
        self._hub = hub
        self._first_pause = first_pause
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, parts: Iterable[Part]) -> None:
        loop = asyncio.get_running_loop()
        self._tasks += [loop.create_task(self._supervise(part), name=f"part {part.name}") for part in parts]

    async def stop(self) -> None:
        """Cancel all parts and wait for their end."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _supervise(self, part: Part) -> None:
        """Run one part; a part that returns has done what it was for."""
        loop = asyncio.get_running_loop()
        pause = 0.0
        while True:
            started = loop.time()
            try:
                await part.run(self._hub)
            except (Exception, asyncio.CancelledError) as error:
                task = asyncio.current_task()
                if isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling()):
                    raise  # we are told to stop; otherwise something inside the part was cancelled
                logger.exception("%s failed", part.name)
                if loop.time() - started > LONGEST_PAUSE:
                    pause = 0.0  # it had recovered
                pause = min(max(2 * pause, self._first_pause), LONGEST_PAUSE)
                self._hub.events.publish(
                    Kind.CONTROLLER,
                    f"part {part.name}",
                    f"{part.name} failed and starts again in {pause:g} s: {type(error).__name__}: {error}",
                    severity=Severity.CRITICAL,
                    part=part.name,
                )
            else:
                logger.info("%s has ended", part.name)
                return
            await asyncio.sleep(pause)
