"""What another process had begun and not finished: completed by the next master, as soon as devices allow it."""

from __future__ import annotations

import asyncio
import logging

from sdnctl.daemon.events import Kind, Severity
from sdnctl.daemon.hub import Hub
from sdnctl.daemon.turns import Urgency
from sdnctl.errors import SdnctlError, StoreError
from sdnctl.store.lease import Lease
from sdnctl.store.state import State, loads
from sdnctl.usecases.context import Context
from sdnctl.usecases.following import complete

logger = logging.getLogger(__name__)

AGAIN = 15.0
"""Seconds until the next attempt, where no device comes or goes before."""


class Resumption:
    """The part that finishes what was left pending; it ends when nothing is."""

    name = "resumption"

    @staticmethod
    def target(context: Context) -> State | None:
        """The state that somebody was on the way to, None if nobody was interrupted."""
        pending = context.store.pending() if context.has_store else None
        return loads(context.store.content(pending.id)) if pending is not None else None

    async def attempt(self, hub: Hub) -> bool:
        """Finish what is pending, if anything is; returns whether something still is."""
        pending = await hub.compute(hub.context.store.pending)
        lease = hub.lease
        if pending is None or lease is None:
            return pending is not None
        what = f"finish snapshot {pending.id} ({pending.summary})"
        async with hub.turns.turn(Urgency.REQUEST, what, "controller"):
            hub.events.publish(Kind.CHANGE_BEGUN, f"snapshot {pending.id}", what, snapshot=pending.id)
            try:
                await complete(hub.context, hub.fleet, lease, pending, lost="unknown", compute=hub.compute)
            except SdnctlError as error:
                self._failed(hub, pending.id, error)
            else:
                done = f"snapshot {pending.id}, which was interrupted, is applied"
                hub.events.publish(Kind.CHANGE_DONE, f"snapshot {pending.id}", done, snapshot=pending.id)
        return await hub.compute(hub.context.store.pending) is not None

    async def run(self, hub: Hub) -> None:
        """Try again whenever a device comes or goes, and now and then."""
        news = asyncio.Event()
        forget = hub.fleet.on_presence(lambda device, up: news.set())
        try:
            while await self.attempt(hub):
                try:
                    async with asyncio.timeout(AGAIN):
                        await news.wait()
                except TimeoutError:
                    logger.debug("no device came or went")
                news.clear()
        finally:
            forget()

    async def interrupted(self, hub: Hub, lease: Lease) -> None:
        """Note in the journal that the controller ended with a change half done, if it did."""

        def note() -> None:
            pending = hub.context.store.pending()
            if pending is not None:
                hub.context.store.note(lease, pending.id, "interrupted", {"by": "the end of the controller"})

        try:
            await hub.compute(note)
        except StoreError as error:
            logger.warning("the journal cannot be written: %s", error)

    @staticmethod
    def _failed(hub: Hub, snapshot: int, error: SdnctlError) -> None:
        text = "; ".join(item.summary for item in error.diagnostics)
        hub.events.publish(
            Kind.CHANGE_FAILED,
            f"snapshot {snapshot}",
            f"snapshot {snapshot}, which was interrupted, is not finished: {text}",
            severity=Severity.CRITICAL,
            snapshot=snapshot,
        )
