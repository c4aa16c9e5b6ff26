"""What the parts of a running controller share, and nothing else: one value, handed to each part.

A part is a coroutine that runs as long as the controller does (failures, drift, discovery, telemetry, the API).
Parts do not call each other: they read the hub, take turns to write, and publish events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ParamSpec, Protocol, TypeVar

from prometheus_client import CollectorRegistry

from sdnctl.daemon.driftboard import DriftBoard
from sdnctl.daemon.events import Events
from sdnctl.daemon.identity import Identities
from sdnctl.daemon.live import LiveFleet
from sdnctl.daemon.quarantine import Quarantine
from sdnctl.daemon.settings import ControllerSettings
from sdnctl.daemon.turns import Turns
from sdnctl.southbound.base import Driver, Target
from sdnctl.store.lease import Lease
from sdnctl.store.state import State
from sdnctl.store.store import Snapshot
from sdnctl.topology.graph import Topology
from sdnctl.usecases.context import Context

P = ParamSpec("P")
T = TypeVar("T")

FIRST_ATTEMPT = 5.0
"""Seconds to wait for the first attempt to connect to each device; those that dial in may come later."""


@dataclass
class Hub:
    """The running controller as its parts see it."""

    context: Context
    settings: ControllerSettings
    fleet: LiveFleet
    events: Events = field(default_factory=Events)
    turns: Turns = field(default_factory=Turns)
    quarantine: Quarantine = field(default_factory=Quarantine)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    drift: DriftBoard = field(default_factory=DriftBoard)
    lease: Lease | None = None  # None: this process is the standby, and nothing may be written
    damped: frozenset[str] = frozenset()  # links that flap, and are kept out of use until they have calmed down
    unhandled: str = ""  # why a failure is pinned and not yet moved away from; tried again soon
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="sdnctl-compute"), repr=False
    )

    async def compute(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something long and pure (compile, V1, plan) or the store in the one worker thread, in order."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: work(*args, **kwargs))

    async def reach(self, *topologies: Topology) -> None:
        """Be connected to the devices of these topologies (of two with one name, the later's), to no others."""
        await self.retarget(*topologies)
        await self.fleet.settled(FIRST_ATTEMPT)

    async def retarget(self, *topologies: Topology) -> None:
        """As `reach`, without waiting for those that are new."""
        targets: dict[str, Mapping[type[Driver], Target]] = {}
        for topology in topologies:
            targets |= self.context.targets(topology)
        self.fleet.identities = await self.compute(self._identities, topologies)
        await self.fleet.retarget(targets)

    def _identities(self, topologies: tuple[Topology, ...]) -> Identities:
        """Which switch each device is."""
        planned = {node.id: node.dpid for topology in topologies for node in topology.nodes.values()}
        return Identities.of(planned, self.context.store.bindings.all())

    def applied(self) -> tuple[Snapshot, State] | None:
        """What was applied last, None before the first apply; cheap while nothing changed."""
        return self.context.applied()

    def close(self) -> None:
        """Wait for what is being computed, and close the store."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self.context.close()


class Part(Protocol):
    """Something that the controller does all the time.

    A part runs while this process is master, and is cancelled when the lease is lost. One with a class attribute
    ``standby = True`` runs on the standby too (the API, the log): it must look at `Hub.lease` before it writes.
    """

    name: str

    async def run(self, hub: Hub) -> None:
        """Work until cancelled; an exception is logged, published, and the part is started again after a pause."""
        ...


def runs_on_standby(part: Part) -> bool:
    """Whether a part is also for a controller that may not write."""
    return bool(getattr(part, "standby", False))
