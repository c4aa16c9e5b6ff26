"""A real ovs-vswitchd on dummy ports: packets go in and come out as bytes, no network interface is needed.

Everything lives in one private directory; the two daemons are ended by their own pids.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from sdnctl.dataplane.text import format_flow, format_group, format_meter
from sdnctl.dataplane.values import RuleSet

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
SENTINEL_OUT = 62
SENTINEL_MAC = "02:00:00:00:00:fe"
SENTINEL = bytes.fromhex(SENTINEL_MAC.replace(":", "")) + bytes.fromhex("0200000000ff88b5") + b"all before is done"


class DummyOvs:
    """One bridge ``br`` with dummy ports; use as a context manager."""

    def __init__(self, directory: Path, ports: Iterable[int], vlan_limit: int = 1) -> None:
        self.directory = directory
        self.ports = (*ports, SENTINEL_OUT)
        self.vlan_limit = vlan_limit
        self.pids: list[Path] = []
        self.meters = False
        self.read_to: dict[int, int] = {}

    def __enter__(self) -> DummyOvs:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ── daemons ──────────────────────────────────────────────────────────────────────────────────

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PATH": PATH}
        for name in ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"):
            environment[name] = str(self.directory)
        found = shutil.which(command[0], path=PATH)
        assert found, f"{command[0]} is not installed"
        done = subprocess.run(
            [found, *command[1:]], env=environment, capture_output=True, text=True, timeout=30, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        return done

    def _start(self) -> None:
        at = self.directory
        self.run("ovsdb-tool", "create", f"{at}/conf.db", str(SCHEMA))
        common = ["--detach", "--no-chdir", f"--log-file={at}/log", "-vconsole:off"]
        self.pids = [at / "ovsdb.pid", at / "vswitchd.pid"]
        self.run(
            "ovsdb-server",
            f"{at}/conf.db",
            f"--remote=punix:{at}/db",
            f"--pidfile={self.pids[0]}",
            f"--unixctl={at}/ovsdb.ctl",
            *common,
        )
        self.vsctl("--no-wait", "init")
        self.vsctl("--no-wait", "set", "open", ".", f"other_config:vlan-limit={self.vlan_limit}")
        self.run(
            "ovs-vswitchd",
            f"unix:{at}/db",
            "--enable-dummy",
            "--disable-system",
            f"--pidfile={self.pids[1]}",
            f"--unixctl={at}/ctl",
            *common,
        )
        command = ["add-br", "br", "--", "set", "bridge", "br", "datapath_type=dummy", "fail_mode=secure"]
        command += ["protocols=OpenFlow13,OpenFlow14"]
        for port in self.ports:
            command += ["--", "add-port", "br", f"p{port}", "--", "set", "interface", f"p{port}", "type=dummy"]
            command += [f"ofport_request={port}", f"options:tx_pcap={self._pcap(port)}"]
        self.vsctl(*command)
        for port in self.ports:
            self.appctl("netdev-dummy/set-admin-state", f"p{port}", "up")

    def stop(self) -> None:
        for file in reversed(self.pids):
            try:
                pid = int(file.read_text())
                os.kill(pid, 15)
            except (FileNotFoundError, ValueError, ProcessLookupError):
                continue
            deadline = time.monotonic() + 5
            while file.exists() and time.monotonic() < deadline:
                time.sleep(0.02)

    # ── control ──────────────────────────────────────────────────────────────────────────────────

    def vsctl(self, *command: str) -> str:
        return self.run("ovs-vsctl", f"--db=unix:{self.directory}/db", "--timeout=10", *command).stdout

    def ofctl(self, command: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        bridge = f"unix:{self.directory}/br.mgmt"
        return self.run("ovs-ofctl", "-O", "OpenFlow13", command, bridge, *arguments, check=check)

    def appctl(self, method: str, *parameters: str) -> str:
        """One JSON-RPC request on vswitchd's control socket."""
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(10)
            channel.connect(f"{self.directory}/ctl")
            channel.sendall(json.dumps({"id": 0, "method": method, "params": parameters}).encode())
            text = b""
            while True:
                part = channel.recv(65536)
                assert part, f"ovs-vswitchd hung up on {method}: it may have aborted"
                text += part
                try:
                    answer = json.loads(text)
                except ValueError:
                    continue
                assert answer["error"] is None, answer["error"]
                return str(answer["result"])

    def load(self, rules: RuleSet) -> None:
        """Put exactly these rules on the bridge, through `text.py` and ovs-ofctl (a bundle: one process)."""
        lines = ["flow delete", "group delete group_id=all"]
        lines += [f"group add {format_group(group)}" for group in rules.groups.values()]
        lines += [f"flow add priority=65535,dl_dst={SENTINEL_MAC} actions=output:{SENTINEL_OUT}"]
        if self.meters or rules.meters:
            self.ofctl("del-meters")
        for meter in rules.meters.values():
            self.ofctl("add-meter", format_meter(meter))
        self.meters = bool(rules.meters)
        lines += [f"flow add {format_flow(flow)}" for flow in rules.flows.values()]
        file = self.directory / "bundle"
        file.write_text("".join(f"{line}\n" for line in lines))
        self.run("ovs-ofctl", "-O", "OpenFlow14", "bundle", f"unix:{self.directory}/br.mgmt", str(file))
        self._forget()

    def _forget(self) -> None:
        """Empty the datapath's cache: it must not answer by the rules that were there before.

        `revalidator/purge` passes over flows that a thread holds at that moment (revalidator_sweep__ tries the
        lock, and goes on), so it is asked until none is left.
        """
        deadline = time.monotonic() + 5
        while True:
            self.appctl("revalidator/purge")
            if "in_port(" not in (left := self.appctl("dpctl/dump-flows", "dummy@ovs-dummy")):
                return
            assert time.monotonic() < deadline, f"the datapath keeps its flows:\n{left}"
            time.sleep(0.002)

    # ── packets ──────────────────────────────────────────────────────────────────────────────────

    def _pcap(self, port: int) -> Path:
        return self.directory / f"p{port}.pcap"

    def _captured(self, port: int) -> list[bytes]:
        """Whole frames that were sent out of a port since this was asked last."""
        try:
            with self._pcap(port).open("rb") as file:
                start = self.read_to.get(port, 24)
                file.seek(start)
                data = file.read()
        except FileNotFoundError:
            return []
        frames, at = [], 0
        while at + 16 <= len(data):
            (length,) = struct.unpack("<I", data[at + 8 : at + 12])
            if at + 16 + length > len(data):
                break
            frames.append(data[at + 16 : at + 16 + length])
            at += 16 + length
        self.read_to[port] = start + at
        return frames

    def send(self, port: int, frame: bytes) -> list[tuple[int, bytes]]:
        """Let a frame arrive at a port; the frames that the switch sent, by port."""
        self.appctl("netdev-dummy/receive", f"p{port}", frame.hex())
        # Packets of one port are processed in order, so what follows the frame comes out after it.
        self.appctl("netdev-dummy/receive", f"p{port}", SENTINEL.hex())
        deadline = time.monotonic() + 5
        while not self._captured(SENTINEL_OUT):
            assert time.monotonic() < deadline, "the sentinel packet never came out"
            time.sleep(0.002)
        return [(number, item) for number in self.ports[:-1] for item in self._captured(number)]

    def trace(self, port: int, frame: bytes) -> list[int]:
        """Ports that ``ofproto/trace`` says a frame would leave by, in order of their numbers."""
        answer = self.appctl("ofproto/trace", "br", f"in_port={port}", frame.hex())
        table = {int(odp): int(name) for name, odp in re.findall(r"p(\d+) \d+/(\d+):", self.appctl("dpif/show"))}
        ports = []
        for line in re.findall(r"^Datapath actions: (.*)$", answer, re.MULTILINE):
            flat = re.sub(r"\b\w+\((?:[^()]|\([^()]*\))*\)", "", line)
            ports += [table[int(number)] for number in re.findall(r"(?<![\w.:])\d+(?![\w.:])", flat)]
        return sorted(ports)
