"""The small example with a service of every class, on real switches, under a controller that is a process.

What a campaign needs: rates that let a thousand small frames a second through in each class, a controller that is
stopped, killed and started again, and its answers over the API.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from numbered_traffic import prefer
from sdnctl_in_process import Net, new_net

from sdnctl.client.finding import SOCKET, find_socket, reachable
from sdnctl.lab.ovslab import OvsLab

SITES = {
    "pop-north": "north",
    "pop-south": "south",
    "pop-east": "east",
    "com-aigues": "aigues",
    "com-boisset": "boisset",
    "com-dourbie": "dourbie",
    "com-calvas": "calvas",
    "cab-halles": "halles",
    "core-a": "datacentre",
    "core-b": "exchange",
}
LINES = {
    "control": ("com-boisset", "core-a", "node"),
    "voice": ("pop-north", "pop-south", "local"),
    "conferencing": ("com-aigues", "core-b", "local"),
    "transactional": ("com-dourbie", "pop-south", "node"),
    "management": ("com-calvas", "cab-halles", "local"),
    "public": ("pop-east", "com-aigues", "local"),
    "scavenger": ("pop-north", "com-dourbie", "local"),
}
"""Classes that the small example does not use: from where to where a line of each runs, and its grade."""
QUICK = (
    "controller: {drift_interval: 1 s, drift: {default: repair}, discovery_interval: 2 s, telemetry_interval: 0 s}"
)


def campaign_net(folder: Path, kind: str = "ovs", *, settings: str = QUICK, hold_down: str = "1 s") -> Net:
    """A fresh folder with demands of all eleven classes, applied to a lab that is up."""
    net = new_net(folder, kind="", slim=False)
    net.edit("network.yaml", "hold_down: 5 s", f"hold_down: {hold_down}")
    with net.path("network.yaml").open("a", encoding="utf-8") as file:
        file.write(settings + "\n")
    net.edit(
        "intents/flood-sensors.yaml",
        "bandwidth: {up: 64 kbit/s, down: 64 kbit/s}",
        "bandwidth: {up: 1 Mbit/s, down: 1 Mbit/s}",
    )
    with net.path("inventory/endpoints.csv").open("a", encoding="utf-8") as file:
        for number, (name, (one, other, _)) in enumerate(LINES.items()):
            for end, node in (("1", one), ("2", other)):
                file.write(f"{name}-{end},{SITES[node]},{node},{40 + number},,,,probe,{name}\n")
    for name, (_, _, grade) in LINES.items():
        net.path(f"intents/every-{name}.yaml").write_text(
            f"application: every-{name}\ntenant: town\nclass: {name}\nservice: line\nbandwidth: 4 Mbit/s\n"
            f"guarantees: {{protection: {grade}}}\n"
            f"circuits:\n  - {{id: {name}, a: {name}-1, b: {name}-2}}\nowner: tests\n",
            encoding="utf-8",
        )
    net.ok("lab", "up", "--kind", kind)
    try:
        net.ok("apply", "--yes")
    except BaseException:
        net("lab", "down")
        raise
    return net


def lab_of(net: Net) -> OvsLab:
    """The lab of a folder, to cut and heal in; its switches run before other programs."""
    with net.open() as context:
        lab = context.lab
    assert isinstance(lab, OvsLab)
    prefer_switches(lab)
    return lab


def prefer_switches(lab: OvsLab) -> None:
    """Switches run before other programs, and their ports hold as much as a switch's do while it is busy."""
    pid = switch_pid(lab)
    for thread in (Path("/proc") / pid / "task").iterdir():
        prefer(int(thread.name))
    deepen_buffers(int(pid))


BUFFER = 4 << 20
"""Octets that a port holds; by default 0.2 MB, which one late turn of the scheduler fills."""
_PIDFD_OPEN, _PIDFD_GETFD = 434, 438  # the same numbers on all architectures
_SO_RCVBUFFORCE = 33


def deepen_buffers(pid: int) -> None:
    """Give the packet sockets of a switch process room; what pidfd_getfd(2) hands out is the same socket."""
    calls = ctypes.CDLL(None, use_errno=True)
    process = calls.syscall(_PIDFD_OPEN, pid, 0)
    if process < 0:
        raise OSError(ctypes.get_errno(), "pidfd_open")
    try:
        for entry in (Path("/proc") / str(pid) / "fd").iterdir():
            if not os.readlink(entry).startswith("socket:"):
                continue
            shared = calls.syscall(_PIDFD_GETFD, process, int(entry.name), 0)
            if shared < 0:
                raise OSError(ctypes.get_errno(), "pidfd_getfd")
            with socket.socket(fileno=shared) as port:
                if port.family == socket.AF_PACKET:
                    port.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER)
    finally:
        os.close(process)


def switch_pid(lab: OvsLab) -> str:
    """The process that all switches of a lab are."""
    return (lab.run_dir / "ovs-vswitchd.pid").read_text(encoding="ascii").strip()


class ControllerProcess:
    """`sdnctl controller run` of a folder; the end of the with-block stops it. What it says is in `log`."""

    SECONDS = 60.0

    def __init__(self, net: Net, log: Path, program: Sequence[str] = ("-m", "sdnctl")) -> None:
        """`program` is what Python is told to run, where that is not plain sdnctl."""
        self._net, self._log, self._program = net, log, program
        self.child: subprocess.Popen[bytes] | None = None
        self._client: httpx.Client | None = None

    def start(self) -> Self:
        """Start it and wait until it answers as the master."""
        self.launch()
        self.wait_for(self.ready, "ready")
        return self

    def launch(self) -> None:
        """Start it and wait for nothing."""
        with self._log.open("ab") as log:
            self.child = subprocess.Popen(
                [
                    sys.executable,
                    *self._program,
                    "-n",
                    str(self._net.folder),
                    "controller",
                    "run",
                    "--log",
                    "json",
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def ready(self) -> bool:
        """Whether it answers and holds the lease."""
        if find_socket(self._net.folder) is None:
            return False
        try:
            return bool(self.get("/v1/controller")["role"] == "master")
        except httpx.TransportError:  # it was killed, or is just about to listen
            return False

    def signal(self, number: signal.Signals) -> None:
        assert self.child is not None
        self.child.send_signal(number)

    def kill(self) -> None:
        """``kill -9``."""
        assert self.child is not None
        self.child.kill()
        self.child.wait()
        self._forget()

    def stop(self) -> None:
        """End it as a service manager would."""
        if self.child is None:
            return
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.child.terminate()
            try:
                self.child.wait(self.SECONDS)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
                raise
        self._forget()

    def _forget(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def wait_for(self, what: Callable[[], bool], name: str, seconds: float | None = None) -> None:
        """Look until something is so; fails with the end of the log."""
        deadline = time.monotonic() + (seconds or self.SECONDS)
        while not what():
            assert self.child is not None
            assert self.child.poll() is None, f"the controller has ended with {self.child.poll()}: {self.tail()}"
            assert time.monotonic() < deadline, f"not {name}: {self.tail()}"
            time.sleep(0.02)

    # ── its answers ──────────────────────────────────────────────────────────────────────────────

    @property
    def client(self) -> httpx.Client:
        if self._client is None:
            path = reachable(self._net.folder / SOCKET)
            self._client = httpx.Client(
                transport=httpx.HTTPTransport(uds=path), base_url="http://controller", timeout=self.SECONDS
            )
        return self._client

    def get(self, path: str) -> dict[str, Any]:
        answer = self.client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        found: dict[str, Any] = answer.json()
        return found

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:2000]}"
        found: dict[str, Any] = answer.json()
        return found

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged."""
        text = self._log.read_text(encoding="utf-8") if self._log.exists() else ""
        return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]

    def tail(self, count: int = 12) -> str:
        """The end of what it said, each line short."""
        text = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
        found = []
        for line in text.splitlines()[-count:]:
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                line = f"{entry['time'][11:23]} {entry['message']}"
            found.append(line[:200])
        return "\n".join(found)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@contextmanager
def controlled(net: Net, log: Path) -> Iterator[ControllerProcess]:
    """A controller of this folder that is ready."""
    with ControllerProcess(net, log) as one:
        one.start()
        yield one


def machine() -> str:
    """Where a report was made."""
    return f"{os.cpu_count()} CPUs, Linux {os.uname().release}, Python {sys.version.split()[0]}"
