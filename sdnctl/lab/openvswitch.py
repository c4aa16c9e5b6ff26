"""One Open vSwitch of a lab's own: database server and switch daemon in a namespace, all bridges at once.

Each instance has its own run directory, so that labs and the host's Open vSwitch never meet. Bridges use the
userspace datapath (``netdev``), which needs no kernel module and of which one namespace holds one instance.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from sdnctl.errors import DeviceError, Diagnostic
from sdnctl.lab import netns
from sdnctl.lab.database import bridge_operations, transact
from sdnctl.lab.wiring import Wiring

PROGRAMS = ("ip", "ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl")
_CAPABILITIES = {12: "CAP_NET_ADMIN", 13: "CAP_NET_RAW", 21: "CAP_SYS_ADMIN"}
_DAEMONS = ("ovs-vswitchd", "ovsdb-server")  # in the order in which they are ended


def obstacle() -> Diagnostic | None:
    """Why Open vSwitch labs cannot run here, or None when they can."""
    if os.geteuid() != 0:
        return Diagnostic("lab-needs-root", "not root", hint="run it with sudo, or choose the in-memory switches")
    missing = [name for name in PROGRAMS if netns.program(name) is None]
    if missing:
        return Diagnostic(
            "lab-needs-ovs", f"{', '.join(missing)} not found", hint="apt install openvswitch-switch iproute2"
        )
    with contextlib.suppress(OSError):
        status = Path("/proc/self/status").read_text()
        effective = int(next(line for line in status.splitlines() if line.startswith("CapEff:")).split()[1], 16)
        lacking = [name for bit, name in _CAPABILITIES.items() if not effective >> bit & 1]
        if lacking:
            return Diagnostic(
                "lab-needs-capabilities",
                f"root without {', '.join(lacking)}",
                hint="in a container, start it with --privileged or --cap-add",
            )
    if not Path("/dev/net/tun").exists():
        return Diagnostic("lab-needs-tun", "/dev/net/tun does not exist", hint="modprobe tun")
    return None


class OpenVSwitch:
    """One instance, known by its run directory and namespace; starts, configures, ends it."""

    def __init__(self, run_dir: Path, namespace: str) -> None:
        self.run_dir = run_dir
        self.namespace = namespace
        self.socket = run_dir / "db.sock"
        self._environment = {f"OVS_{kind}DIR": str(run_dir) for kind in ("RUN", "DB", "LOG")}

    def management(self, bridge: str) -> Path:
        """The Unix socket on which a bridge speaks OpenFlow to whoever connects."""
        return self.run_dir / f"{bridge}.mgmt"

    def vsctl(self, arguments: Sequence[str], *, wait: bool = True) -> str:
        """One ``ovs-vsctl`` transaction; with `wait` it returns when the switch daemon has done it."""
        options = ["--timeout=60"] if wait else ["--no-wait"]
        return netns.call(["ovs-vsctl", f"--db=unix:{self.socket}", *options, *arguments])

    def start(self, wiring: Wiring) -> None:
        """Fill a new database with all bridges, then let the switch daemon make them in one go."""
        self.run_dir.mkdir(parents=True, mode=0o700, exist_ok=True)
        database = self.run_dir / "conf.db"
        netns.call(["ovsdb-tool", "create", str(database)], env=self._environment)
        self._daemon(
            "ovsdb-server",
            str(database),
            f"--remote=punix:{self.socket}",
            "--remote=db:Open_vSwitch,Open_vSwitch,manager_options",
            "--private-key=db:Open_vSwitch,SSL,private_key",
            "--certificate=db:Open_vSwitch,SSL,certificate",
            "--ca-cert=db:Open_vSwitch,SSL,ca_cert",
        )
        self.vsctl(["init"], wait=False)
        transact(self.socket, bridge_operations(wiring))
        if wiring.rates:  # what is slow has queues: of this datapath the settings driver makes them
            self.vsctl(["set", "Open_vSwitch", ".", "external_ids:sdnctl-queues=tc"], wait=False)
        self.start_switches(wiring)

    def start_switches(self, wiring: Wiring) -> None:
        """Start the switch daemon, which makes what the database says; bridges have no rules then."""
        self._daemon("ovs-vswitchd", f"unix:{self.socket}")
        self.vsctl(["set", "Open_vSwitch", ".", "external_ids:sdnctl-lab=up"])
        self._check(wiring)

    def _daemon(self, name: str, *arguments: str) -> None:
        base = self.run_dir / name
        files = [f"--pidfile={base}.pid", f"--unixctl={base}.ctl", f"--log-file={base}.log"]
        options = ["--detach", "--no-chdir", *files, "-vconsole:off", "-vsyslog:off"]
        inside = ["ip", "netns", "exec", self.namespace]
        netns.call([*inside, netns.program(name) or name, *arguments, *options], env=self._environment)

    def _check(self, wiring: Wiring) -> None:
        """Every port must have the number the topology gives it, or rules would send elsewhere."""
        table = json.loads(self.vsctl(["--format=json", "--columns=name,ofport,error", "list", "Interface"]))
        found = {name: (ofport, error) for name, ofport, error in table["data"]}
        wrong = []
        for port, name in wiring.interfaces.items():
            ofport, error = found.get(name, (None, "not in the database"))
            if ofport != port.port:
                reason = f"{error}" if isinstance(error, str) else f"it has number {ofport}"
                wrong.append(
                    Diagnostic(
                        "lab-port",
                        f"Open vSwitch did not take interface {name}",
                        f"switch port {port}",
                        detail=reason,
                    )
                )
        if wrong:
            raise DeviceError(*wrong)

    @property
    def alive(self) -> bool:
        return self._closed() or (self._pid("ovs-vswitchd") is not None and self.socket.exists())

    def _closed(self) -> bool:
        """Whether it is another user's, who lets nobody look: its sockets will say so, switch by switch."""
        try:
            return self.run_dir.exists() and not os.access(self.run_dir, os.X_OK)
        except PermissionError:
            return True

    def _pid(self, name: str) -> int | None:
        """The daemon's pid, if the pidfile's process still is that daemon of this very instance."""
        try:
            pid = int((self.run_dir / f"{name}.pid").read_text())
        except (OSError, ValueError):
            return None
        return pid if self._is_ours(pid) else None

    def _is_ours(self, pid: int) -> bool:
        """Pids are reused: a process is ours only if its command line names our run directory's log."""
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state != "Z" and any(f"--log-file={self.run_dir / name}.log" in words for name in _DAEMONS)

    def stop(self) -> None:
        """End both daemons, also half-started ones, and remove the run directory."""
        known = [self._pid(name) for name in _DAEMONS] + netns.pids(self.namespace)
        ours = list(dict.fromkeys(pid for pid in known if pid is not None and self._is_ours(pid)))
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in ours:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            deadline = time.monotonic() + 5
            while ours and time.monotonic() < deadline:
                ours = [pid for pid in ours if self._is_ours(pid)]
                if ours:
                    time.sleep(0.005)
        shutil.rmtree(self.run_dir, ignore_errors=True)
