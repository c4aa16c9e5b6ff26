"""Messages of one commit on their way to a switch: windows with barriers between them, plain or in bundles.

A switch is kept busy: while it works on some windows the next one is encoded and written, and while the last
bundle is being checked and committed the next one is filled. Nothing is committed before all of it was taken
without an error, and after an error nothing further is sent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sdnctl.southbound.openflow.channel import Channel
from sdnctl.southbound.openflow.codec.bundle import BundleControl, bundle_control
from sdnctl.southbound.openflow.codec.faults import SwitchError
from sdnctl.southbound.openflow.codec.wire import Type
from sdnctl.southbound.openflow.waiting import RequestRefused

WINDOW = 512
"""Messages between two barriers: about 64 KB, one write."""
AHEAD = 6
"""Windows on their way: enough to keep a switch busy, few enough that a slow one answers in time."""


@dataclass(slots=True)
class _Filled:
    """A bundle that was sent and not yet committed."""

    number: int
    opened: asyncio.Future[Any]
    windows: int  # that were sent when it was full


class Sending:
    """One commit's connection to the switch; `errors` (of `Channel.watching`) fill as the switch complains."""

    def __init__(self, channel: Channel, errors: Mapping[int, SwitchError]) -> None:
        self._channel, self._errors = channel, errors
        self._barriers: deque[asyncio.Future[Any]] = deque()
        self._sent = self._done = 0  # windows
        self._filled: deque[_Filled] = deque()
        self._commit: asyncio.Future[Any] | None = None
        self._abandoned = False

    async def plain(self, windows: Iterable[Sequence[bytes]]) -> None:
        """Send windows of messages that take effect one by one, after everything that was sent before."""
        if self._filled:
            await self.finish()
        for window in windows:
            await self._window(window)
            if self._errors:
                return

    async def bundle(self, number: int, windows: Iterable[Sequence[bytes]]) -> None:
        """Send windows of messages that add to bundle `number`, which takes effect as a whole by `finish`."""
        request, opened = self._control(number, BundleControl.OPEN_REQUEST)
        await self._channel.send((request,))
        self._filled.append(filled := _Filled(number, opened, 0))
        for window in windows:
            await self._window(window)
            if self._errors:
                return
        filled.windows = self._sent
        await self._commit_next()

    async def finish(self) -> None:
        """Return when the switch has done everything, or, after an error, nothing of what is not committed yet.

        Raises RequestRefused when a bundle itself is refused.
        """
        while self._barriers:
            await self._channel.settle(self._barriers.popleft())
            self._done += 1
        await self._commit_next()
        while self._commit is not None:
            await self._confirm()
            await self._commit_next()
        for filled in self._filled:  # after an error: what could be parsed is in them, and must not take effect
            request, discarded = self._control(filled.number, BundleControl.DISCARD_REQUEST)
            await self._channel.send((request,))
            await self._channel.settle(discarded)
        self._filled.clear()

    async def abandon(self) -> None:
        """Leave no open bundle behind when there is no more to come."""
        self._abandoned = True
        with suppress(RequestRefused):  # who abandons has a reason of his own
            await self.finish()

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    async def _window(self, messages: Sequence[bytes]) -> None:
        request, barrier = self._channel.expect_barrier()
        self._barriers.append(barrier)
        await self._channel.write(b"".join((*messages, request)))
        self._sent += 1
        while len(self._barriers) > AHEAD:
            await self._channel.settle(self._barriers.popleft())
            self._done += 1
        await self._commit_next()

    async def _commit_next(self) -> None:
        """Ask for the commit of the next bundle, if that was taken without an error and the last is in effect."""
        if self._commit is not None:
            if not self._commit.done():
                return
            await self._confirm()
        if self._errors or self._abandoned or not self._filled:
            return
        filled = self._filled[0]
        if not 0 < filled.windows <= self._done:
            return
        self._filled.popleft()
        await self._channel.settle(filled.opened)
        request, self._commit = self._control(filled.number, BundleControl.COMMIT_REQUEST)
        await self._channel.send((request,))

    async def _confirm(self) -> None:
        commit, self._commit = self._commit, None
        assert commit is not None
        try:
            await self._channel.settle(commit)
        except RequestRefused:
            if not self._errors:  # else the errors say more
                raise

    def _control(self, number: int, kind: BundleControl) -> tuple[bytes, asyncio.Future[Any]]:
        name = f"bundle {kind.name.lower().replace('_', ' ')}"
        return self._channel.expect(name, Type.EXPERIMENTER, lambda xid: bundle_control(xid, number, kind))
