"""The os-ken application of the plugin `sdnctl-ryu`, in a process of its own as an operator runs it."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sdnctl_ryu.driver import RyuDriver

from sdnctl.errors import DeviceError
from sdnctl.plan.model import Change
from sdnctl.southbound.base import Target

PATIENCE = 30.0
"""Seconds for the application to start, and for the switch to dial in."""


@dataclass(frozen=True)
class Application:
    """A running one: the port at which switches dial in, the socket at which drivers do."""

    port: int
    path: Path

    def push(self, dpid: int, changes: tuple[Change, ...]) -> float:
        """Commit and confirm through the plugin's driver; returns the seconds of these two."""
        return asyncio.run(self._push(Target(f"b{dpid}", f"unix:{self.path}", dpid), changes))

    async def _push(self, target: Target, changes: tuple[Change, ...]) -> float:
        driver = await self._open(target)
        try:
            await driver.observe()
            started = time.perf_counter()
            await driver.commit(changes)
            await driver.confirm()
            return time.perf_counter() - started
        finally:
            await driver.close()

    async def _open(self, target: Target) -> RyuDriver:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return await RyuDriver.open(target)
            except DeviceError:
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(0.1)


@contextmanager
def application() -> Iterator[Application]:
    """Start one on free ports of this machine; it is ended with the block."""
    with tempfile.TemporaryDirectory(prefix="sdnctl-ryu-") as folder:
        with socket.create_server(("127.0.0.1", 0)) as server:
            one = Application(server.getsockname()[1], Path(folder) / "ryu.sock")
        command = [sys.executable, "-m", "sdnctl_ryu.launcher", "--ofp-listen-host", "127.0.0.1"]
        command += ["--ofp-tcp-listen-port", str(one.port), "--sdnctl-listen", str(one.path)]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield one
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
