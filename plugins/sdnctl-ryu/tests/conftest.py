"""A real Open vSwitch whose bridges dial in to a real os-ken application, and both taken away again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from ovs_fixture import PrivateSwitch, wait_until


class Running:
    """The application in a process of its own, as an operator runs it."""

    def __init__(self, folder: Path, hub: str, *applications: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port: int = server.getsockname()[1]
        self.path = folder / "ryu.sock"
        self.log = folder / f"application-{hub}.log"
        command = [sys.executable, "-m", "sdnctl_ryu.launcher", "--ofp-listen-host", "127.0.0.1"]
        command += ["--ofp-tcp-listen-port", str(self.port), "--sdnctl-listen", str(self.path), *applications]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, "OSKEN_HUB_TYPE": hub, "PYTHONPATH": str(Path(__file__).parent)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_it_serves(self) -> None:
        def serves() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return self.path.exists()

        wait_until(serves, "start of the application")

    def knows(self, dpid: int) -> bool:
        """Whether the switch is connected, asked as a driver asks."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(10)
            client.connect(str(self.path))
            client.sendall(json.dumps({"do": "hello", "version": 1, "dpid": dpid}).encode() + b"\n")
            return "error" not in json.loads(client.makefile().readline())

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()


Start = Callable[..., AbstractContextManager[Running]]


@contextmanager
def running(folder: Path, hub: str, *applications: str) -> Iterator[Running]:
    application = Running(folder, hub, *applications)
    try:
        application.wait_until_it_serves()
        yield application
    finally:
        application.end()


@pytest.fixture(scope="session")
def switch() -> Iterator[PrivateSwitch]:
    with PrivateSwitch() as switch:
        yield switch


@pytest.fixture
def started() -> Start:
    """Starts an application of a test's own: folder, hub, and what the application has besides."""
    return running


@pytest.fixture(scope="session")
def native(switch: PrivateSwitch) -> Iterator[Running]:
    """os-ken on native threads, its default."""
    with running(switch.folder, "native") as application:
        yield application


@pytest.fixture(scope="session")
def eventlet(switch: PrivateSwitch) -> Iterator[Running]:
    """os-ken on eventlet, as Ryu runs."""
    folder = switch.folder / "eventlet"
    folder.mkdir()
    with running(folder, "eventlet") as application:
        yield application
