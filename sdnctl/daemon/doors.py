"""Where switches dial in: each connection goes to whom it is of, and those of nobody stay outside.

A connection that nobody waits for yet is kept: a switch may call again before the end of its older connection was
noticed, or before it was admitted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

from sdnctl.southbound.openflow.address import parse_address
from sdnctl.southbound.openflow.channel import Channel, Timing
from sdnctl.southbound.openflow.listener import Listener, Refused
from sdnctl.southbound.openflow.metrics import ChannelMetrics

Arrival = Callable[[int, Channel], None]
"""Called with datapath id and connection when nobody waits for it."""


class Doors:
    """Listeners of a controller, and the connections that nobody has taken; an async context manager."""

    def __init__(
        self,
        addresses: Sequence[str],
        metrics: ChannelMetrics,
        options: Mapping[str, str],
        timing: Timing | None = None,
        unexpected: Arrival = lambda dpid, channel: None,
        refused: Refused = lambda peer, why: None,
    ) -> None:
        """`options` hold the TLS files of ``pssl:``; raises DeviceError for an address to dial."""
        self._listeners = [Listener(parse_address(text), metrics, options, timing, refused) for text in addresses]
        self._unexpected = unexpected
        self._outside: dict[int, Channel] = {}
        self._awaited: dict[int, asyncio.Future[Channel]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()

    @property
    def outside(self) -> Mapping[int, Channel]:
        """Connections that nobody has taken, by datapath id."""
        return {dpid: channel for dpid, channel in self._outside.items() if not channel.closed.done()}

    @property
    def addresses(self) -> tuple[str, ...]:
        """What is listened on, with the ports that were chosen where an address asked for any (0)."""
        return tuple(
            str(one.address if one.address.scheme == "unix" else replace(one.address, port=one.port))
            for one in self._listeners
        )

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for listener in self._listeners:
                await stack.enter_async_context(listener)
            self._stack = stack.pop_all()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._watch(listener)) for listener in self._listeners]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()
        self._outside.clear()

    async def wait_for(self, dpid: int) -> Channel:
        """The connection of a switch, as soon as it has dialled in; one waiter per datapath id."""
        channel = self._outside.pop(dpid, None)
        if channel is not None and not channel.closed.done():
            return channel
        future: asyncio.Future[Channel] = asyncio.get_running_loop().create_future()
        self._awaited[dpid] = future
        try:
            return await future
        finally:
            if self._awaited.get(dpid) is future:
                del self._awaited[dpid]

    async def _watch(self, listener: Listener) -> None:
        known: Mapping[int, Channel] = {}
        async for now in listener.watch():
            for dpid, channel in now.items():
                if known.get(dpid) is not channel:
                    self._arrived(dpid, channel)
            for dpid in known.keys() - now.keys():
                if self._outside.get(dpid) is known[dpid]:
                    del self._outside[dpid]
            known = now

    def _arrived(self, dpid: int, channel: Channel) -> None:
        future = self._awaited.pop(dpid, None)
        if future is not None and not future.done():
            future.set_result(channel)
            return
        self._outside[dpid] = channel
        self._unexpected(dpid, channel)
