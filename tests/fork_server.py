"""Starts and kills real ``sdnctl`` processes: SIGKILL at an instant, without seconds of imports before every one.

Run as a program it imports everything once and then forks a fresh process for every request on its stdin.
`ForkServer` is the other end, for tests. A request may ask for the process to be killed some time after its start,
or after it began to write to a store (SQLite's write-ahead log grows).
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from jumping_clock import install_from_environment

POLL = 0.0005  # seconds, where somebody is killed
GLANCE = 0.005  # where only the time of the first write is wanted
HEADER = 4096  # octets: what SQLite writes when it only opens the log is less


@dataclass(frozen=True)
class Ended:
    """How a process ended: exit code, or minus the signal; seconds it ran, and seconds since its first write."""

    code: int
    seconds: float
    writing: float
    output: str


class ForkServer:
    """The test's end of the server; a context manager."""

    def __init__(self, output: Path) -> None:
        self._output = output

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def run(
        self, *arguments: object, kill: float | None = None, writes: Path | None = None, since_write: bool = False
    ) -> Ended:
        """Run ``sdnctl ARGUMENTS``; with `kill` only so many seconds, of its life or since it `writes`."""
        request = {
            "arguments": [str(item) for item in arguments],
            "output": str(self._output),
            "kill": kill,
            "writes": str(writes) if writes is not None else None,
            "since_write": since_write,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return Ended(**answer, output=self._output.read_text(encoding="utf-8"))


# ── the server ───────────────────────────────────────────────────────────────────────────────────


def _serve() -> None:
    install_from_environment()
    import sdnctl.cli.daily
    import sdnctl.cli.plans
    import sdnctl.daemon.reconcile
    import sdnctl.southbound.registry
    import sdnctl.usecases.applying
    import sdnctl.usecases.rolling_back

    for driver in ("memory", "openflow"):
        sdnctl.southbound.registry.Registry().load(driver)
    gc.freeze()  # or the first collection in every process copies what it got from this one
    for line in sys.stdin:
        request = json.loads(line)
        start = time.monotonic()
        child = os.fork()
        if child == 0:
            _be_sdnctl(request)
        sys.stdout.write(json.dumps(_watch(child, start, request)) + "\n")
        sys.stdout.flush()


def _be_sdnctl(request: dict[str, Any]) -> None:
    from sdnctl.cli.app import run

    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = ["sdnctl", *request["arguments"]]
    code = 70
    try:
        run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _watch(child: int, start: float, request: dict[str, Any]) -> dict[str, Any]:
    log = Path(request["writes"]) if request["writes"] else None
    before, first = _size(log), 0.0
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        now = time.monotonic()
        if done:
            break
        if not first and _size(log) != before:
            first = now
        since = first if request["since_write"] else start
        if request["kill"] is not None and since and now - since >= request["kill"]:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            break
        time.sleep(POLL if request["kill"] is not None else GLANCE)
    code = os.waitstatus_to_exitcode(status)
    return {"code": code, "seconds": now - start, "writing": now - first if first else 0.0}


def _size(log: Path | None) -> tuple[int, int]:
    """Size and time of the log; an empty or absent one was not written to."""
    try:
        found = log.stat() if log is not None else None
    except FileNotFoundError:
        found = None
    return (found.st_size, found.st_mtime_ns) if found is not None and found.st_size > HEADER else (0, 0)


if __name__ == "__main__":
    _serve()
