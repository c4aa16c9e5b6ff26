"""The part of the controller that answers HTTP, in the controller's own event loop.

It runs on the standby too, where reads work and changes are refused. uvicorn's protocol is used without its
server: signals, processes and the ticking clock of that are the controller's business.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from contextlib import ExitStack
from pathlib import Path

from uvicorn.config import Config
from uvicorn.server import ServerState

from sdnctl.api.app import create_app
from sdnctl.api.connections import HEADERS, Connection, Crowd, Limits
from sdnctl.api.desk import Desk
from sdnctl.api.encryption import Handshake, server_context
from sdnctl.api.metrics import CrowdCollector
from sdnctl.api.sockets import Pointer, Taken, default_path, is_local, pointer, tcp_socket, unix_socket
from sdnctl.daemon.discovery import Discovery
from sdnctl.daemon.events import Kind, Severity
from sdnctl.daemon.hub import Hub

logger = logging.getLogger(__name__)
BACKLOG = 1024
TAKEN = 2.0
"""Seconds between two attempts to get the socket of a controller that serves it already."""
GRACE = 5.0
"""Seconds that answers may take to leave when the controller ends."""


class Server:
    """Listens where `settings.api` says: ``unix:PATH``, ``HOST:PORT``, empty for the socket of the folder."""

    name = "api"
    standby = True

    def __init__(self, limits: Limits | None = None, discovery: Discovery | None = None) -> None:
        self._discovery = discovery
        self._limits = limits or Limits()
        self.listening = asyncio.Event()
        self.addresses: tuple[str, ...] = ()
        """Where it listens, as a client is told: ``unix:PATH``, ``http://127.0.0.1:PORT``, ``https://…``."""
        self.crowd = Crowd(self._limits)

    async def run(self, hub: Hub) -> None:
        """Serve until cancelled; raises InputError where it cannot listen."""
        address = hub.settings.api
        tls = server_context(hub.settings.api_tls) if hub.settings.api_tls else None
        with ExitStack() as stack:
            sockets: list[socket.socket] = []
            if address and not address.startswith("unix:"):
                sockets.append(stack.enter_context(tcp_socket(address)))
            path = Path(address.removeprefix("unix:")) if address.startswith("unix:") else None
            path = hub.context.folder / path if path is not None else default_path(hub.context.folder)
            sockets.append(await self._unix(stack, hub, path))
            link = stack.enter_context(pointer(hub.context.folder, path))
            pointing = asyncio.create_task(_point(hub, link), name="api-link")
            try:
                await self._serve(hub, sockets, path, tls)
            finally:
                pointing.cancel()
                await asyncio.gather(pointing, return_exceptions=True)

    async def _unix(self, stack: ExitStack, hub: Hub, path: Path) -> socket.socket:
        """The Unix socket, as soon as no other controller has it."""
        said = False
        while True:
            try:
                sock = stack.enter_context(unix_socket(path))
            except Taken:
                if not said:
                    text = f"another controller answers at {path}; this one will when that ends"
                    hub.events.publish(Kind.CONTROLLER, "api", text, severity=Severity.WARNING)
                said = True
                await asyncio.sleep(TAKEN)
            else:
                return sock

    async def _serve(self, hub: Hub, sockets: list[socket.socket], path: Path, tls: ssl.SSLContext | None) -> None:
        app = create_app(hub, self.crowd, discovery=self._discovery)
        desk: Desk = app.state.desk
        config = Config(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=int(self._limits.idle),
            h11_max_incomplete_event_size=HEADERS,
        )
        config.load()
        state = ServerState()
        loop = asyncio.get_running_loop()
        servers = []

        def client() -> Connection:
            return Connection(config, state, self.crowd, loop)

        def stranger() -> Handshake:
            assert tls is not None
            return Handshake(tls, self.crowd, client)

        for sock in sockets:
            # How many are accepted at a time is asyncio's `backlog`; how many may wait is the kernel's.
            server = await loop.create_server(
                client if tls is None or sock.family == socket.AF_UNIX else stranger,
                sock=sock,
                backlog=self._limits.accepted_at_once,
            )
            sock.listen(BACKLOG)
            servers.append(server)
        self.addresses = tuple(_url(sock, path, tls) for sock in sockets)
        for sock in sockets:
            if tls is None and not is_local(sock):
                where = _url(sock, path, tls)
                text = f"the API listens at {where} without encryption: see `api_tls`, or put a TLS proxy in front"
                hub.events.publish(Kind.CONTROLLER, "api", text, severity=Severity.WARNING)
        hub.events.publish(Kind.CONTROLLER, "api", f"the API answers at {', '.join(self.addresses)}")
        self.listening.set()
        metrics = CrowdCollector(self.crowd)
        hub.registry.register(metrics)
        try:
            await asyncio.Event().wait()
        finally:
            hub.registry.unregister(metrics)
            self.listening.clear()
            await _close(servers, state, desk)
            for one in (*self.crowd.idle, *self.crowd.busy):  # those in the middle of a handshake
                one.transport.abort()


async def _point(hub: Hub, link: Pointer) -> None:
    """Keep the link of the folder at the master, which may be another controller today and this one tomorrow."""
    while True:
        await asyncio.to_thread(link.claim, master=hub.lease is not None)
        await asyncio.sleep(TAKEN)


async def _close(servers: list[asyncio.Server], state: ServerState, desk: Desk) -> None:
    """Accept nobody more, let answers leave, and end what is left."""
    for server in servers:
        server.close()
    desk.stopping.set()
    for connection in list(state.connections):
        connection.shutdown()
    for tasks in (desk.working, state.tasks):
        waiting = set(tasks)
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=GRACE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
    for connection in list(state.connections):
        connection.transport.abort()


def _url(sock: socket.socket, path: Path, tls: ssl.SSLContext | None) -> str:
    if sock.family == socket.AF_UNIX:
        return f"unix:{path}"
    host, port = sock.getsockname()[:2]
    scheme = "http" if tls is None else "https"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
