"""A controller of embedded switches in a thread of the test, and clients of its API."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from sdnctl_in_process import Net, new_net

from sdnctl.api.connections import Limits
from sdnctl.api.server import Server
from sdnctl.daemon.controller import Controller
from sdnctl.daemon.hub import Hub, Part
from sdnctl.store.tokens import Role
from sdnctl.usecases.context import Context

T = TypeVar("T")


class Running:
    """A controller with its API on the folder's socket and on a port; leave the with-block to stop it."""

    def __init__(
        self, net: Net, limits: Limits | None = None, parts: Sequence[Part] = (), *, tcp: bool = True
    ) -> None:
        self.net = net
        self.server = Server(limits)
        self._parts = (self.server, *parts)
        self._tcp = tcp
        self._thread = threading.Thread(target=self._main, daemon=True)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self.controller: Controller
        self.failure: BaseException | None = None

    @property
    def hub(self) -> Hub:
        return self.controller.hub

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:
            self.failure = error
        finally:
            self._ready.set()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        options: dict[str, Any] = {"stop_timeout": 5.0, **({"api": "127.0.0.1:0"} if self._tcp else {})}
        self.controller = Controller(Context(self.net.folder), self._parts, options=options)
        running = asyncio.create_task(self.controller.run())
        listening = asyncio.create_task(self.server.listening.wait())
        await asyncio.wait((running, listening), return_when=asyncio.FIRST_COMPLETED)
        self._ready.set()
        await running

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30), "the controller did not start"
        if self.failure is not None:
            raise self.failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.controller.stop)
        self._thread.join(30)
        assert not self._thread.is_alive(), "the controller did not stop"
        if self.failure is not None and error is None:
            raise self.failure

    def do(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run something in the controller's loop."""
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(60)

    @property
    def socket(self) -> Path:
        return self.net.path(".sdnctl/controller.sock")

    @property
    def url(self) -> str:
        """Where it listens on TCP."""
        return next(one for one in self.server.addresses if one.startswith("http"))

    def local(self) -> httpx.Client:
        """As the user that runs the controller, over its socket."""
        return httpx.Client(
            transport=httpx.HTTPTransport(uds=short(self.socket)), base_url="http://api", timeout=60
        )

    def remote(self, token: str | None = None) -> httpx.Client:
        """Over TCP."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def token(self, name: str, role: Role, *tenants: str) -> str:
        """Make a token, as `sdnctl controller token add` does."""
        context = Context(self.net.folder)
        try:
            return context.store.tokens.add(name, role, "tests", tenants=tenants)[1]
        finally:
            context.close()


def short(path: Path) -> str:
    """A path to a socket that fits an address, whatever the folder of the test is called."""
    from sdnctl.client.finding import reachable

    return reachable(path)


def applied_net(folder: Path, example: str = "small-links") -> Net:
    """A network on embedded switches with everything applied."""
    net = new_net(folder, example=example)
    net.ok("apply", "--yes")
    return net
