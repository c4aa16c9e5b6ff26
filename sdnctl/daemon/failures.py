"""The part that handles failures: pin what was cut, solve once for all of it, move, release what healed.

The switches repair a failure themselves within milliseconds. What is left to do, each step a snapshot:

1. *pin*, in one turn of the most urgent kind: groups that watch a dead port are fixed to their bypass;
2. *solve*: all trunks that ran over any failed link are placed anew, bypasses that crossed one are rebuilt, V1
   proves the result before anything is sent. What fails meanwhile is pinned too, and solved with the rest;
3. *move*, make before break, the most urgent class first;
4. when links have been up for the hold-down time (`links`), they are released in a turn that everybody else
   may take before; trunks stay where they are.

It works from what is so, not from what happened: there is something to do until the links that are applied as down
are those that are down. A switch that is lost in the middle is gone round (`following`), and holds up nobody.
"""

from __future__ import annotations

import asyncio
import logging

from sdnctl.daemon.carrying import carry, failed, finish_pending, mover
from sdnctl.daemon.events import Kind
from sdnctl.daemon.hub import Hub
from sdnctl.daemon.moving import named, solved
from sdnctl.daemon.turns import Urgency
from sdnctl.daemon.watching import LinkWatch
from sdnctl.errors import SdnctlError
from sdnctl.store.state import State

logger = logging.getLogger(__name__)

AGAIN = (1.0, 2.0, 5.0, 10.0)
"""Seconds until a move that failed is tried again, where nothing happens before; then always the last."""
ROUNDS = 3
"""How often one turn solves again because more failed meanwhile; then it goes on with what it has."""


class Failures:
    """The part; `links` is there while it runs. `unsolved`: what is applied is pinned, or may be, not moved."""

    name = "failures"

    def __init__(self) -> None:
        self.links: LinkWatch | None = None
        self._due = asyncio.Event()
        self.unsolved = True  # what is applied may be pinned and not yet moved, as after a restart

    async def run(self, hub: Hub) -> None:
        await hub.compute(hub.applied)  # a large state is read in the worker thread, once
        self.links = LinkWatch(hub, self._due.set)
        self.unsolved = True
        self.links.start()
        again: asyncio.TimerHandle | None = None
        follower = asyncio.create_task(self._follow_changes(hub))
        failed_before = 0
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                if again is not None:
                    again.cancel()
                    again = None
                try:
                    await self._act(hub)
                    failed_before, hub.unhandled = 0, ""
                except SdnctlError as error:
                    logger.warning("a failure is not handled yet: %s", error)
                    hub.unhandled = error.diagnostics[0].summary
                    pause = AGAIN[min(failed_before, len(AGAIN) - 1)]
                    failed_before += 1
                    again = asyncio.get_running_loop().call_later(pause, self._due.set)
        finally:
            follower.cancel()
            self.links.stop()
            if again is not None:
                again.cancel()

    async def _follow_changes(self, hub: Hub) -> None:
        """A change may bring links into service whose ports went down long before."""
        async for event in hub.events.follow():
            if event.kind is Kind.CHANGE_DONE and self.links is not None:
                self.links.look()

    async def _act(self, hub: Hub) -> None:
        """Do what is due; nothing where links that are applied as down are those that are down."""
        applied = hub.applied()
        if applied is None:
            return
        state = applied[1]
        down = self._failed(state)
        new = down - state.down
        if new:
            urgency, what = Urgency.FAILURE, f"restore after {named(new)}"
        elif state.down - down:
            urgency, what = Urgency.REPAIR, f"release {named(state.down - down)}"
        elif self.unsolved and state.down:
            urgency, what = Urgency.FAILURE, f"restore after {named(state.down)}"
        else:
            self.unsolved = False
            return
        async with hub.turns.turn(urgency, what, "controller"):
            await self._restore(hub)

    def _failed(self, state: State) -> frozenset[str]:
        """The links of what is applied that count as failed now."""
        assert self.links is not None
        return self.links.watch.failed.intersection(state.compiled.topology.links)

    async def _restore(self, hub: Hub) -> None:
        """Pin, solve, move; in a turn."""
        lease = hub.lease
        applied = hub.applied()
        if lease is None or applied is None:
            return
        await finish_pending(hub, lease)
        state = since = (hub.applied() or applied)[1]
        self.unsolved = True
        state = await self._pin(hub, state)
        for _ in range(ROUNDS):
            down = self._failed(state)
            try:
                after = await hub.compute(solved, state, down)
            except SdnctlError as error:
                failed(hub, f"solve for {named(down) or 'no failure'}", error)
                raise
            if self._failed(state) <= down:
                break
            state = await self._pin(hub, state)
        action = _action(since, after)
        await carry(hub, state, after, action, since=since)
        self.unsolved = False
        if self._failed(after) != after.down:
            self._due.set()  # more happened while this was done

    async def _pin(self, hub: Hub, state: State) -> State:
        """Pin what failed and is not pinned; returns what is applied then."""
        assert self.links is not None
        lease = hub.lease
        new = self._failed(state) - state.down
        if not new or lease is None:
            return state
        try:
            await mover(hub, lease, f"pin {named(new)}").pin(state, new, self.links.silent)
        except SdnctlError as error:
            failed(hub, f"pin {named(new)}", error)
            raise
        applied = hub.applied()
        return applied[1] if applied is not None else state


def _action(before: State, after: State) -> str:
    """What a move is for, in the words of the history."""
    new, healed = after.down - before.down, before.down - after.down
    parts = [f"move after {named(new)}"] if new else []
    parts += [f"release {named(healed)}"] if healed else []
    return ", ".join(parts) or f"move after {named(after.down)}"
