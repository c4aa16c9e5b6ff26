"""`mn` in a machine of its own: network, processes and mounts that nobody else sees, and that end with it.

Mininet names its things as it likes, kills processes by name when something goes wrong, and raises limits of the
kernel. In here it can reach nobody else's: it has an Open vSwitch of its own, sees only its own processes, and may
not write limits that are the whole machine's. Everything that was started ends with the first process.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

TOPOLOGY = Path(__file__).parent.parent / "lab" / "mininet_topo.py"
PROMPT = "mininet> "
PATIENCE = 90.0

_UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child")
SCRIPT = r"""
set -e
mount --make-rprivate /
mount -t proc proc /proc
for limits in /proc/sys/fs /proc/sys/kernel; do
    mount --bind $limits $limits && mount -o remount,bind,ro $limits
done
mount -t tmpfs tmpfs /run
ip link set lo up
ovsdb-tool create "$OVS_DBDIR/conf.db" /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server "$OVS_DBDIR/conf.db" --remote=punix:"$OVS_RUNDIR/db.sock" --detach --pidfile --log-file -vconsole:off
ovs-vsctl --no-wait init
ovs-vswitchd --detach --pidfile --log-file -vconsole:off
if [ -n "$CONTROLLED" ]; then
    "$PYTHON" -m sdnctl -n "$CONTROLLED" controller run --listen ptcp:6653:127.0.0.1 --log json >"$OVS_LOGDIR/controller.log" 2>&1 &
fi
mn "$@" 2>&1
"""  # noqa: E501 (one command a line)


class Box:
    """A running `mn`; `command` types a line and returns what was printed until the next prompt.

    With `controlled`, a controller of that network folder runs beside it, at 127.0.0.1:6653.
    """

    def __init__(
        self,
        run_dir: Path,
        file: Path,
        controlled: Path | None = None,
        more: Sequence[str] = (),
        *,
        killed: bool = False,
    ) -> None:
        """`run_dir`: a short path, for sockets are in it. `killed`: do not wait until Mininet has tidied up."""
        self._killed = killed
        self.run_dir = run_dir
        self._options = [
            "--custom",
            str(TOPOLOGY),
            "--topo",
            f"sdnctl,{file}",
            "--controller",
            "remote" if controlled is not None else "none",
            "--nolistenport",
            *more,
        ]
        self._environment = _environment(run_dir, controlled)
        self._process: subprocess.Popen[bytes] | None = None
        self.said = ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def switch(self, bridge: str) -> str:
        """Where a bridge speaks OpenFlow, also for who is outside of the box."""
        return f"unix:{self.run_dir}/{bridge}.mgmt"

    def start(self) -> Self:
        self._process = subprocess.Popen(
            [*_UNSHARE, "sh", "-c", SCRIPT, "sh", *self._options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(self._environment),
            cwd=self.run_dir,
            start_new_session=True,
        )
        return self

    def __enter__(self) -> Self:
        self.start()
        try:
            self.said = self._until_prompt()
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            if kind is None and not self._killed:
                self._process.stdin.write(b"exit\n")
                self._process.stdin.flush()
                self._process.wait(PATIENCE)
        finally:
            self._kill()

    def _kill(self) -> None:
        assert self._process is not None
        self._process.kill()  # what is in the box goes with it (--kill-child)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def command(self, line: str) -> str:
        """What Mininet printed about one line."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()
        return self._until_prompt()

    def finish(self) -> tuple[int, str]:
        """Wait for the end of an `mn` that ends by itself (``--test``): exit code and output."""
        assert self._process is not None
        try:
            said, _ = self._process.communicate(timeout=PATIENCE)
        finally:
            self._kill()
        return self._process.returncode, said.decode(errors="replace")

    def _until_prompt(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        said, deadline = b"", time.monotonic() + PATIENCE
        while not said.endswith(PROMPT.encode()):
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(self._process.stdout.fileno(), 65536) if ready else b""
            assert piece, f"mn {'ended' if ready else 'hangs'}:\n{said.decode(errors='replace')}"
            said += piece
        return said.decode(errors="replace").removesuffix(PROMPT)


def _environment(run_dir: Path, controlled: Path | None) -> Mapping[str, str]:
    sbin = ":/usr/sbin:/sbin:/usr/local/sbin"
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("SDNCTL_")},
        "PATH": "/usr/bin:" + os.environ.get("PATH", "") + sbin,  # `mn` asks env for the system's Python
        "PYTHON": sys.executable,
        "PYTHONUNBUFFERED": "1",
        "CONTROLLED": str(controlled) if controlled is not None else "",
        "LC_ALL": "C.UTF-8",
        **{f"OVS_{kind}DIR": str(run_dir) for kind in ("RUN", "DB", "LOG")},
    }
