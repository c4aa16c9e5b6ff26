"""The controller: holds the lease or waits for it, runs its parts, and ends without leaving anything half done.

    open the store → take the lease, or be standby → connect → READY → finish what was interrupted → parts

A standby is connected to every device too, as a slave that may only read, and runs the parts that say so. When the
lease is lost, everything that writes is cancelled at once; what it had begun is in the journal, for whoever writes
next. A controller that starts or ends touches no rule.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import Any

from sdnctl.daemon.events import Events, Kind, Severity
from sdnctl.daemon.hub import Hub, Part, runs_on_standby
from sdnctl.daemon.keeper import Keeper
from sdnctl.daemon.live import LiveFleet
from sdnctl.daemon.metrics import watch
from sdnctl.daemon.notify import Notifier
from sdnctl.daemon.resumption import Resumption
from sdnctl.daemon.settings import ControllerSettings, read_settings
from sdnctl.daemon.supervision import Crew
from sdnctl.daemon.turns import Urgency
from sdnctl.errors import Diagnostic, LeaseHeld, SdnctlError
from sdnctl.southbound.openflow.metrics import ChannelMetrics
from sdnctl.store.lease import Lease, short
from sdnctl.topology.graph import Topology
from sdnctl.usecases.context import Context

logger = logging.getLogger(__name__)

SHUTDOWN = 10.0
"""Seconds for the parts to end once they are cancelled."""


class Controller:
    """One process of `sdnctl controller run`; `run` may be called once."""

    def __init__(
        self,
        context: Context,
        parts: Sequence[Part] = (),
        *,
        standby: bool = True,
        options: Mapping[str, Any] | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        """`options` replace settings of the folder. Without `standby`, a lease that somebody holds is an error."""
        self._context = context
        self._parts = tuple(parts)
        self._standby = standby
        self._options = dict(options or {})
        self._notifier = notifier or Notifier()
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._resumption = Resumption()
        self.ready = asyncio.Event()
        """Set when READY was announced."""
        self.hub: Hub
        """What the parts share, from when `run` has read the settings."""

    # ── for who runs it ──────────────────────────────────────────────────────────────────────────

    def stop(self) -> None:
        """Ask `run` to end: the change that is being made is finished first; asked twice, it is not."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def doubt(self) -> None:
        """Somebody else seems to write: look now whose the lease is."""
        self._keeper.doubt()

    def reload(self) -> None:
        """Read the settings again; those of connections and of the API hold from the next start."""
        try:
            self.hub.settings = self._settings()
        except SdnctlError as error:
            text = "; ".join(str(item) for item in error.diagnostics)
            self._say(f"the settings stay as they were: {text}", Severity.WARNING)
        else:
            self._say("settings read again")

    async def run(self) -> None:
        """Run until `stop`, SIGTERM or SIGINT; raises InputError, StoreError, LeaseHeld or DeviceError at once."""
        settings = self._settings()
        events = Events()
        fleet = LiveFleet({}, events, settings, ChannelMetrics())
        self.hub = hub = Hub(self._context, settings, fleet, events)
        async with AsyncExitStack() as stack:
            stack.callback(hub.close)
            self._signals(stack)
            self._keeper = Keeper(await hub.compute(lambda: self._context.store), self)
            stack.push_async_callback(self._keeper.give_back)
            fleet.may_write = lambda: self._keeper.holds
            fleet.on_fenced = self._fenced
            lease = await self._first_lease()
            await stack.enter_async_context(fleet)
            await self._reach()
            watch(hub)
            always = Crew(hub)
            always.start(part for part in self._parts if runs_on_standby(part))
            keeping = asyncio.create_task(self._keep(lease), name="lease")
            alive = asyncio.create_task(self._notifier.keep_alive(), name="watchdog")
            self._notifier.tell(READY="1", STATUS="master" if lease else "standby")
            self._say("started")
            self.ready.set()
            try:
                await self._until_stopped(keeping)
            finally:
                await self._end(always, (keeping, alive))

    def _settings(self) -> ControllerSettings:
        return replace(read_settings(self._context.folder), **self._options)

    # ── start ────────────────────────────────────────────────────────────────────────────────────

    async def _first_lease(self) -> Lease | None:
        lease = await (self._keeper.try_once() if self._standby else self._keeper.insist())
        if lease is None and not self._standby:
            held = await self.hub.compute(self._context.store.lease)
            who = short(held.holder) if held and held.holder else "nobody, by now"
            raise LeaseHeld(
                Diagnostic(
                    "lease-held",
                    f"another writer is at work: {who}",
                    hint="stop it first, or run with --standby to take over when it ends",
                )
            )
        if lease is not None:
            self.hub.lease = lease
            await self.hub.fleet.take_role(lease.generation, master=True)
        return lease

    async def _reach(self) -> None:
        """Connect to the devices of what is applied, and of what was about to be when somebody was interrupted."""

        def topologies() -> list[Topology]:
            applied = self.hub.applied()
            pending = self._resumption.target(self._context)
            return [state.compiled.topology for state in (applied[1] if applied else None, pending) if state]

        await self.hub.reach(*await self.hub.compute(topologies))

    def _signals(self, stack: AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()
        for number, action in (
            (signal.SIGTERM, self.stop),
            (signal.SIGINT, self.stop),
            (signal.SIGHUP, self.reload),
        ):
            with suppress(ValueError, RuntimeError):  # not in the main thread, as in tests
                loop.add_signal_handler(number, action)
                stack.callback(loop.remove_signal_handler, number)

    # ── the lease ────────────────────────────────────────────────────────────────────────────────

    async def _keep(self, lease: Lease | None) -> None:
        if lease is not None:
            await self.gained(lease)
        await self._keeper.run()

    async def gained(self, lease: Lease) -> None:
        """This process may write from now on."""
        self.hub.lease = lease
        await self.hub.fleet.take_role(lease.generation, master=True)
        self._say(f"is the master, generation {lease.generation}", generation=lease.generation)
        self._notifier.tell(STATUS="master")
        self._serving = asyncio.create_task(self._serve(), name="master")

    async def lost(self, why: str) -> None:
        """This process must not write any more; everything that does has to stop."""
        self.hub.lease = None
        self.hub.fleet.master, self.hub.fleet.writer = False, ""
        self._say(f"lost the lease: {why}", Severity.CRITICAL)
        self._notifier.tell(STATUS="standby")
        await self._retire()

    async def other(self, lease: Lease | None) -> None:
        """While standby: somebody else holds this lease."""
        holder = self.hub.fleet.writer = lease.holder if lease else ""
        await self.hub.fleet.take_role(lease.generation if lease else None, master=False)
        text = (
            f"is the standby of {short(holder)}"
            if holder
            else "is a standby; nobody holds the lease at the moment"
        )
        self._say(text, holder=holder)

    def _fenced(self, device: str) -> None:
        self.hub.events.publish(
            Kind.CONTROLLER,
            f"switch {device}",
            f"{device} refused our role: a newer writer was there",
            severity=Severity.CRITICAL,
            device=device,
        )
        self._keeper.doubt()

    async def _serve(self) -> None:
        """What the master does; until cancelled."""
        crew = Crew(self.hub)
        try:
            await self._reach()
            if await self._resumption.attempt(self.hub):
                crew.start([self._resumption])
            crew.start(part for part in self._parts if not runs_on_standby(part))
            await asyncio.Event().wait()
        except Exception:
            logger.exception("the master failed to start")
            self._say("cannot do what a master does, and stops", Severity.CRITICAL)
            self.stop()
        finally:
            await crew.stop()

    async def _retire(self) -> None:
        serving, self._serving = self._serving, None
        if serving is not None:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    # ── end ──────────────────────────────────────────────────────────────────────────────────────

    async def _until_stopped(self, keeping: asyncio.Task[None]) -> None:
        """Wait until `stop`; a keeper that fails ends the controller too, because nobody would renew the lease."""
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait((stopping, keeping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if keeping.done():
            keeping.result()

    async def _end(self, always: Crew, tasks: Sequence[asyncio.Task[None]]) -> None:
        self._notifier.tell(STOPPING="1")
        self._say("stopping")
        current = self.hub.turns.current
        async with AsyncExitStack() as last:  # the last turn: it ends with everything else
            if not await self._last_turn(last) and current is not None:
                self._say(f"stops in the middle of: {current.what}; the next start finishes it", Severity.WARNING)
            for work in (self._retire(), always.stop()):
                with suppress(TimeoutError):
                    await asyncio.wait_for(work, SHUTDOWN)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        lease = self._keeper.lease
        if lease is not None:
            await self._resumption.interrupted(self.hub, lease)
        self.hub.lease = None

    async def _last_turn(self, stack: AsyncExitStack) -> bool:
        """Wait for the turn, so that the change that is being made ends and no other begins; whether it did."""
        ours = self.hub.turns.turn(Urgency.STOP, "stop", "controller")
        turn = asyncio.create_task(stack.enter_async_context(ours))
        hurry = asyncio.create_task(self._hurry.wait())
        timeout = self.hub.settings.stop_timeout
        await asyncio.wait((turn, hurry), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        if turn.done():
            return True
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)
        return False

    def _say(self, what: str, severity: Severity = Severity.INFO, **detail: object) -> None:
        self.hub.events.publish(
            Kind.CONTROLLER, "controller", f"the controller {what}", severity=severity, **detail
        )
