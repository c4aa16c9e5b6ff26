"""A private Open vSwitch for tests: own database, own daemons, dummy datapath, no rights needed.

`PrivateSwitch` is a context manager; its bridges carry no real traffic (`netdev-dummy/receive` feeds
them frames). Everything lives in one short temporary folder, because socket paths end at 107 octets,
and only the two processes that were started are ended.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"
START_SECONDS = 15.0


def tool(name: str) -> str:
    """Absolute path of an Open vSwitch program."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed")
    return found


def wait_until(condition: Callable[[], object], what: str, seconds: float = START_SECONDS) -> None:
    """Poll until the condition holds; fails with what was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.01)


class PrivateSwitch:
    """ovsdb-server and ovs-vswitchd of our own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ovs-", dir="/tmp"))
        self.environment = {
            **os.environ,
            "PATH": _PATH,
            "LC_ALL": "C",
            **{f"OVS_{name}DIR": str(self.folder) for name in ("RUN", "LOG", "DB", "SYSCONF")},
        }
        self._database: subprocess.Popen[bytes] | None = None
        self.daemon: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            database = self.folder / "conf.db"
            self.run("ovsdb-tool", "create", str(database), str(SCHEMA))
            self._database = self._spawn(
                "ovsdb-server",
                str(database),
                f"--remote=punix:{self.folder}/db.sock",
                "--remote=db:Open_vSwitch,Open_vSwitch,manager_options",
                "--private-key=db:Open_vSwitch,SSL,private_key",
                "--certificate=db:Open_vSwitch,SSL,certificate",
                "--bootstrap-ca-cert=db:Open_vSwitch,SSL,ca_cert",
                f"--unixctl={self.folder}/db.ctl",
            )
            wait_until((self.folder / "db.sock").exists, "start of ovsdb-server")
            self.vsctl("--no-wait", "init")
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self.daemon, self._database):
            if process is not None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ── processes ────────────────────────────────────────────────────────────────────────────────

    def _spawn(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        log = self.folder / f"{name}.log"
        return subprocess.Popen(
            [tool(name), *arguments, "-vconsole:off", f"--log-file={log}"],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def start(self) -> None:
        """Start the switch daemon, and wait until it has configured what the database says."""
        (self.folder / "vswitchd.ctl").unlink(missing_ok=True)
        self.daemon = self._spawn(
            "ovs-vswitchd",
            f"unix:{self.folder}/db.sock",
            "--enable-dummy",
            f"--unixctl={self.folder}/vswitchd.ctl",
        )
        wait_until((self.folder / "vswitchd.ctl").exists, "start of ovs-vswitchd")
        # ovs-vsctl waits for the daemon only when something changes, so that has to be new each time.
        self.vsctl("--timeout=15", "set", "Open_vSwitch", ".", f"external_ids:started={self.daemon.pid}")

    def kill(self) -> None:
        """The daemon dies at once, as in a crash; its flows are gone with it."""
        assert self.daemon is not None
        self.daemon.kill()
        self.daemon.wait()

    def freeze(self) -> None:
        """The daemon stops answering, its connections stay open."""
        assert self.daemon is not None
        self.daemon.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.daemon is not None
        self.daemon.send_signal(signal.SIGCONT)

    # ── programs ─────────────────────────────────────────────────────────────────────────────────

    def run(self, *command: str, stdin: str | None = None) -> str:
        """Run one Open vSwitch program and return what it printed; its error text is in the exception."""
        done = subprocess.run(
            [tool(command[0]), *command[1:]],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def vsctl(self, *arguments: str) -> str:
        return self.run("ovs-vsctl", f"--db=unix:{self.folder}/db.sock", *arguments)

    def appctl(self, *arguments: str) -> str:
        return self.run("ovs-appctl", f"--target={self.folder}/vswitchd.ctl", *arguments)

    def ofctl(self, command: str, bridge: str, *arguments: str, stdin: str | None = None) -> str:
        """``ovs-ofctl -O OpenFlow13`` on a bridge."""
        return self.run("ovs-ofctl", "-O", "OpenFlow13", command, self.management(bridge), *arguments, stdin=stdin)

    # ── bridges ──────────────────────────────────────────────────────────────────────────────────

    def management(self, bridge: str) -> str:
        """Address of a bridge's management socket, for ovs-ofctl and for the driver alike."""
        return f"unix:{self.folder}/{bridge}.mgmt"

    def add_bridge(
        self, bridge: str, dpid: int, ports: Sequence[int] = (1, 2, 3), protocols: str = "OpenFlow13"
    ) -> None:
        """A bridge with dummy ports ``BRIDGE-pN`` whose OpenFlow numbers are `ports`."""
        command = ["--timeout=15", "add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=dummy"]
        command += ["fail_mode=secure", f"protocols={protocols}", f"other_config:datapath-id={dpid:016x}"]
        for number in ports:
            name = f"{bridge}-p{number}"
            command += ["--", "add-port", bridge, name, "--", "set", "interface", name]
            command += ["type=dummy", f"ofport_request={number}"]
        self.vsctl(*command)

    def set_controller(self, bridge: str, *targets: str, options: Mapping[str, str] | None = None) -> None:
        """Where a bridge listens (``ptcp:0:127.0.0.1``) or dials in to (``tcp:…``)."""
        self.vsctl("--timeout=15", "set-controller", bridge, *targets)
        for key, value in (options or {}).items():
            self.vsctl("set", "controller", bridge, f"{key}={value}")

    def set_tls(self, private_key: Path, certificate: Path, authority: Path) -> None:
        self.vsctl("--timeout=15", "set-ssl", str(private_key), str(certificate), str(authority))

    def listening_port(self, bridge: str, scheme: str = "ptcp") -> int:
        """The TCP port that the kernel chose for a controller target such as ``ptcp:0:127.0.0.1``."""
        # "0:127.0.0.1: listening on port 35311" stands right before the bridge that took it.
        pattern = rf"listening on port (\d+)\n[^\n]*\|{re.escape(bridge)}: added service controller \"{scheme}:0:"
        found: list[str] = []

        def look() -> bool:
            log = (self.folder / "ovs-vswitchd.log").read_text(errors="replace")
            found[:] = re.findall(pattern, log)
            return bool(found)

        wait_until(look, f"{bridge} listening")
        return int(found[-1])

    def receive(self, bridge: str, port: int, frame: bytes) -> None:
        """Let one frame arrive at a port."""
        self.appctl("netdev-dummy/receive", f"{bridge}-p{port}", frame.hex())

    def set_link(self, bridge: str, port: int, *, up: bool) -> None:
        """Take the link of a port away, or give it back."""
        self.appctl("netdev-dummy/set-admin-state", f"{bridge}-p{port}", "up" if up else "down")
