"""Connections that switches make: a server that shakes hands and knows them by datapath id.

What connects and is not a switch is closed, logged and counted, and disturbs nobody: handshakes run
side by side, each within its time.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeAlias

from sdnctl.errors import DeviceError, DeviceUnreachable, Diagnostic
from sdnctl.southbound.openflow.address import Address, bad_address, tls_context
from sdnctl.southbound.openflow.channel import Channel, Timing
from sdnctl.southbound.openflow.metrics import ChannelMetrics
from sdnctl.southbound.openflow.refusals import refusal

Refused: TypeAlias = Callable[[str, Diagnostic], None]
"""Called with who was refused (address and port) because of its certificate, and what speaks against it."""

logger = logging.getLogger(__name__)

BACKLOG = 1024
"""Connections the kernel keeps for us; with a small one, a city that powers up loses seconds."""
HANDSHAKES = 64
"""Handshakes at a time; more wait in the backlog. What many at a time need in memory is never given back."""

GRACE = 0.5
"""Seconds that a caller may be silent while others wait for its place."""


class Listener:
    """Switches that dialled in, by datapath id; an async context manager that owns their connections."""

    def __init__(
        self,
        address: Address,
        metrics: ChannelMetrics | None = None,
        options: Mapping[str, str] | None = None,
        timing: Timing | None = None,
        refused: Refused = lambda peer, why: None,
    ) -> None:
        """`address` is ``ptcp:…``, ``pssl:…`` or ``punix:…``; `options` hold the TLS files of ``pssl:``."""
        if not address.listen:
            raise bad_address(str(address), "an address to dial, not one to listen on")
        self.address = address
        self.metrics = metrics if metrics is not None else ChannelMetrics()
        self._timing = timing or Timing()
        self._refused = refused
        self._context = tls_context(options or {}, server=True) if address.scheme == "ssl" else None
        # TLS takes its time before anything can be heard, most of all when a whole city is powered up.
        self._grace = GRACE if self._context is None else self._timing.handshake / 2
        self._switches: dict[int, Channel] = {}
        self._changed = asyncio.Condition()
        self._awaited: dict[int, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(HANDSHAKES)
        self._greeted: dict[asyncio.Task[None], tuple[Channel, float]] = {}  # who shakes hands, since when
        self._socket: socket.socket | None = None

    @property
    def switches(self) -> Mapping[int, Channel]:
        """Connected switches by datapath id."""
        return dict(self._switches)

    @property
    def port(self) -> int:
        """The TCP port in use, where the address asked for any (0)."""
        assert self._socket is not None
        return int(self._socket.getsockname()[1])

    async def __aenter__(self) -> Self:
        try:
            self._socket = self._bind()
        except OSError as error:
            raise DeviceError(
                Diagnostic("cannot-listen", f"cannot listen on {self.address}", detail=str(error))
            ) from error
        self._socket.setblocking(False)
        self._start(self._accept(self._socket))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(channel.close() for channel in self._switches.values()))
        self._switches.clear()
        if self._socket is not None:
            self._socket.close()
            if self.address.scheme == "unix":
                with suppress(FileNotFoundError):
                    os.unlink(self.address.path)

    def _bind(self) -> socket.socket:
        if self.address.scheme != "unix":
            host, port = self.address.host, self.address.port
            if host:
                family = socket.AF_INET6 if ":" in host else socket.AF_INET
                return socket.create_server((host, port), family=family, backlog=BACKLOG)
            both = socket.has_dualstack_ipv6()
            family = socket.AF_INET6 if both else socket.AF_INET
            return socket.create_server(("", port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
        path = self.address.path
        with suppress(FileNotFoundError):
            if stat.S_ISSOCK(os.stat(path).st_mode):
                os.unlink(path)  # of a controller that was killed
        server = socket.socket(socket.AF_UNIX)
        try:
            server.bind(path)
            server.listen(BACKLOG)
        except OSError:
            server.close()
            raise
        return server

    # ── connections ──────────────────────────────────────────────────────────────────────────────

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _place(self) -> None:
        """Wait for a place among the handshakes; the silent make room when that takes long."""
        while True:
            try:
                async with asyncio.timeout(self._grace):
                    await self._gate.acquire()
                    return
            except TimeoutError:
                self._make_room()

    def _make_room(self) -> None:
        """Close connections that have said nothing for a while.

        A switch says hello as soon as it is connected; who floods us with connections that never speak takes the
        places of his own.
        """
        now = asyncio.get_running_loop().time()
        for task, (channel, since) in tuple(self._greeted.items()):
            if not channel.spoke and now - since >= self._grace:
                del self._greeted[task]
                self.metrics.evicted.inc()
                task.cancel()

    async def _accept(self, server: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._place()
            try:
                connection, peer = await loop.sock_accept(server)
            except OSError as error:  # out of file descriptors, or gone before it was accepted
                self._gate.release()
                logger.warning("%s: cannot accept: %s", self.address, error)
                await asyncio.sleep(0.1)
                continue
            except BaseException:
                self._gate.release()
                raise
            channel = Channel(self._peer_name(peer), self.metrics, self._timing)
            self._start(self._greet(connection, channel))

    def _peer_name(self, peer: object) -> str:
        if isinstance(peer, tuple) and len(peer) >= 2:
            return f"{peer[0]} port {peer[1]}"
        return f"peer of {self.address}"

    async def _greet(self, connection: socket.socket, channel: Channel) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._greeted[task] = channel, asyncio.get_running_loop().time()
        try:
            try:
                await self._shake_hands(connection, channel)
            finally:
                self._greeted.pop(task, None)
                self._gate.release()
        except (OSError, TimeoutError, DeviceError) as error:
            self.metrics.failed_handshakes.inc()
            why = refusal(error, channel.device)
            logger.warning("%s: closed, not a switch: %s", channel.device, why.summary if why else error)
            if why is not None:
                self._refused(channel.device, why)
            await channel.close()
            connection.close()
            return
        except BaseException:
            await channel.close()
            connection.close()
            raise
        await self._keep(channel)

    async def _shake_hands(self, connection: socket.socket, channel: Channel) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: channel,
            connection,
            ssl=self._context,
            ssl_handshake_timeout=self._timing.handshake if self._context else None,
        )
        self.metrics.connections.labels("accepted").inc()
        await channel.handshake()

    async def _keep(self, channel: Channel) -> None:
        """Enter a switch under its datapath id until its connection ends; a newer connection replaces it."""
        dpid = channel.features.dpid
        channel.device = f"{dpid:016x}"
        older = self._switches.get(dpid)
        async with self._changed:
            self._switches[dpid] = channel
            self._changed.notify_all()
        if (arrived := self._awaited.pop(dpid, None)) is not None:
            arrived.set()
        if older is not None:
            logger.warning("%s: connected again; the older connection is closed", channel.device)
            await older.close()
        try:
            error = await asyncio.shield(channel.closed)
        finally:
            if self._switches.get(dpid) is channel:
                del self._switches[dpid]
            await channel.close()
        logger.info("%s: connection ended: %s", channel.device, error)
        async with self._changed:
            self._changed.notify_all()

    # ── for who uses it ──────────────────────────────────────────────────────────────────────────

    async def wait_for(self, dpid: int, seconds: float) -> Channel:
        """The connection of a switch, as soon as it has dialled in; raises DeviceUnreachable after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while (channel := self._switches.get(dpid)) is None:
                    # One event each: a city that powers up wakes nobody else.
                    await self._awaited.setdefault(dpid, asyncio.Event()).wait()
                return channel
        except TimeoutError:
            raise DeviceUnreachable(
                Diagnostic(
                    "device-unreachable",
                    f"switch {dpid:016x} did not dial in to {self.address} within {seconds:g} s",
                    address=f"switch {dpid:016x}",
                    hint=f"ovs-vsctl set-controller BRIDGE {self.address.scheme}:HOST:{self.address.port}",
                )
            ) from None

    async def watch(self) -> AsyncIterator[Mapping[int, Channel]]:
        """The connected switches now, and again whenever one came or went."""
        seen: Mapping[int, Channel] | None = None
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._switches != seen)  # noqa: B023
                seen = dict(self._switches)
            yield seen
