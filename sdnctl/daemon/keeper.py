"""The lease of a controller: taken, renewed for years, given up when somebody else has it, waited for as standby.

All calls of the store run in a thread of their own, so that neither a long compilation nor a slow database lets
the lease run out or holds up the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol, TypeVar

from sdnctl.errors import LeaseHeld, StoreError
from sdnctl.store import lease as leases
from sdnctl.store.lease import Lease, Seen, Watch
from sdnctl.store.store import Store

logger = logging.getLogger(__name__)
T = TypeVar("T")

LOOK = 1.0
"""Seconds between two looks of a standby at the lease of somebody whose death it would not notice otherwise."""


class Duty(Protocol):
    """Who has to act when the lease comes and goes."""

    async def gained(self, lease: Lease) -> None:
        """This process may write from now on."""

    async def lost(self, why: str) -> None:
        """This process must not write any more; everything that does has to stop."""

    async def other(self, lease: Lease | None) -> None:
        """While standby: somebody holds (or held) this lease; called when that changes."""


class Keeper:
    """Holds the writer's lease whenever it can; `deadline` says until when it surely does."""

    def __init__(
        self, store: Store, duty: Duty, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> None:
        """`clock` must go on while the machine sleeps; default: CLOCK_BOOTTIME."""
        self.holder = f"{leases.this_holder()} controller {secrets.token_hex(4)}"  # two may run in one process
        self.lease: Lease | None = None
        self._store = store
        self._duty = duty
        self._ttl = leases.TTL if ttl is None else ttl
        self._clock = clock or leases.seconds_awake_or_not
        self._until = 0.0
        self._check = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sdnctl-lease")

    @property
    def holds(self) -> bool:
        """Whether this process surely holds the lease at this moment: a process that was stopped may not."""
        return self.lease is not None and self._clock() < self._until

    def doubt(self) -> None:
        """Somebody else seems to write: look now whose the lease is."""
        self._check.set()

    async def try_once(self, silent: Seen | None = None) -> Lease | None:
        """Take the lease if it is to be had now; None when somebody has it. Raises StoreError.

        `silent` is what nobody has renewed for as long as a lease lasts.
        """
        started = self._clock()
        try:
            self.lease = await self._in_thread(self._store.take_lease, self.holder, silent)
        except LeaseHeld:
            return None
        self._until = started + self._ttl
        return self.lease

    async def insist(self) -> Lease | None:
        """As `try_once`, for who does not wait later: what seems to be left behind is looked at for a while."""
        try:
            await self._in_thread(self._store.take_lease_patiently, self.holder)
        except LeaseHeld:
            return None
        return await self.try_once()  # it is ours: once more, because nobody knows for how long it has been

    async def run(self) -> None:
        """Keep the lease or wait for it, until cancelled; tells the duty of every change after `try_once`."""
        while True:
            if self.lease is None:
                await self._wait()
                assert self.lease is not None
                await self._duty.gained(self.lease)
            why = await self._keep(self.lease)
            self.lease = None
            await self._duty.lost(why)

    async def give_back(self) -> None:
        """Let a standby have the lease at once, and call the store no more."""
        lease, self.lease = self.lease, None
        try:
            if lease is not None:
                await self._in_thread(self._store.give_lease_back, lease)
        finally:
            self._thread.shutdown(wait=True)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    async def _keep(self, lease: Lease) -> str:
        """Renew the lease until it is lost; returns why it is."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._ttl / 3):
                    await self._check.wait()
            self._check.clear()
            started = self._clock()
            try:
                await self._in_thread(self._store.renew_lease, lease)
                self._until = started + self._ttl
            except LeaseHeld as error:
                return error.diagnostics[0].summary
            except StoreError as error:
                logger.warning("the lease could not be renewed: %s", error)
                if self._clock() >= self._until:
                    return "the store did not answer for as long as a lease lasts"

    async def _wait(self) -> None:
        """Until the lease is to be had, and taken."""
        told: tuple[Lease | None] | None = None
        watch = Watch(self._ttl, self._clock)
        while True:
            try:
                now = await self._in_thread(self._store.lease)
                lease = now.lease if now is not None else None
                if told != (lease,):
                    told = (lease,)
                    await self._duty.other(lease)
                free = now is None or not now.holder or watch.silent(now)
                if free and await self.try_once(now) is not None:
                    return
            except StoreError as error:
                logger.warning("the lease cannot be looked at: %s", error)
                now = None
            await _death(leases.local_process(now.holder) if now is not None else None, LOOK)

    async def _in_thread(self, work: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args))


async def _death(pid: int | None, seconds: float) -> None:
    """Wait until a process of this machine has ended, but no longer than this."""
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(pid) if pid is not None else None
    except OSError:  # gone already, or a kernel without
        descriptor = None
    if descriptor is None:
        await asyncio.sleep(seconds)
        return
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
