"""What the parts of a running controller share, and nothing else: one value, handed to each part.

A part is a coroutine that runs as long as the controller does (failures, drift, discovery, telemetry, the API).
Parts do not call each other: they read the hub, take turns to write, and publish events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ParamSpec, Protocol, TypeVar

from prometheus_client import CollectorRegistry

from sdnctl.daemon.events import Events
from sdnctl.daemon.live import LiveFleet
from sdnctl.daemon.settings import ControllerSettings
from sdnctl.daemon.turns import Turns
from sdnctl.store.lease import Lease
from sdnctl.store.state import State
from sdnctl.store.store import Snapshot
from sdnctl.usecases.context import Context

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Hub:
    """The running controller as its parts see it."""

    context: Context
    settings: ControllerSettings
    fleet: LiveFleet
    events: Events = field(default_factory=Events)
    turns: Turns = field(default_factory=Turns)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    lease: Lease | None = None  # None: this process is the standby, and nothing may be written
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="sdnctl-compute"), repr=False
    )

    async def compute(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something long and pure (compile, V1, plan) or the store in the one worker thread, in order."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: work(*args, **kwargs))

    def applied(self) -> tuple[Snapshot, State] | None:
        """What was applied last, None before the first apply; cheap while nothing changed."""
        return self.context.applied()

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
        self.context.close()


class Part(Protocol):
    """Something that the controller does all the time."""

    name: str

    async def run(self, hub: Hub) -> None:
        """Work until cancelled; an exception is logged, published, and the part is started again after a pause."""
        ...
