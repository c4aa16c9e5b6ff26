"""Real SNMP agents for tests and benchmarks: snmpd of Debian on loopback ports, each with its folder and engine.

What a PC has no hardware for (sensors, transceivers, LLDP neighbours, counters about to wrap) comes from
`tables.py` behind snmpd's `pass_persist`: a simulator of the values, asked over the real agent's protocol.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sdnctl.southbound.base import Target

TABLES = Path(__file__).with_name("tables.py")
COMMUNITY = "community-of-the-tests"
AUTH, PRIVACY = "an authentication phrase", "a privacy phrase"
SECRETS: Mapping[str, str] = {
    "SNMP_COMMUNITY": COMMUNITY,
    "SNMP_AUTH": AUTH,
    "SNMP_PRIVACY": PRIVACY,
    "SNMP_WRONG": "something else entirely",
}
"""Environment variables that targets refer to."""
USERS: Mapping[str, tuple[str, str]] = {"sha256": ("SHA-256", "AES"), "sha512": ("SHA-512", "AES256")}
"""User names → protocols as snmpd calls them."""


@dataclass
class Snmpd:
    """One agent: `tables` (OID → (type, value) as `pass_persist` has them) may change while it runs."""

    folder: Path
    port: int
    engine: str
    extra: str = ""
    roots: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        passed = "".join(
            f"pass_persist -p 10 .{root} {sys.executable} {TABLES} {self.folder / 'tables'}\n"
            for root in self.roots
        )
        users = "".join(
            f'createUser {name} {auth} "{AUTH}" {cipher} "{PRIVACY}"\nrouser {name} priv\n'
            for name, (auth, cipher) in USERS.items()
        )
        (self.folder / "snmpd.conf").write_text(
            f"agentaddress udp:127.0.0.1:{self.port}\nengineID {self.engine}\n"
            f'rocommunity "{COMMUNITY}" 127.0.0.1\nsysName {self.folder.name}\n{users}{passed}{self.extra}\n'
        )
        command = [
            "snmpd",
            "-C",
            "-c",
            str(self.folder / "snmpd.conf"),
            "-f",
            "-Lf",
            str(self.folder / "log"),
            "-m",
            "",
        ]
        self.process = subprocess.Popen(
            [*command, "-I", "-smux"],
            env=environment(self.folder),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self) -> None:
        """Until it answers; raises RuntimeError with its log where it does not start."""
        assert self.process is not None
        deadline = time.monotonic() + 20
        while "NET-SNMP version" not in self.log():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"snmpd does not start: {self.log()}")
            time.sleep(0.01)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            (self.folder / "log").unlink(missing_ok=True)

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def write(self, tables: Mapping[str, tuple[str, object]]) -> None:
        """The values from now on; one line each, replaced at once."""
        text = "".join(f"{oid} {kind} {value}\n" for oid, (kind, value) in tables.items())
        (self.folder / "tables.new").write_text(text)
        (self.folder / "tables.new").replace(self.folder / "tables")

    def target(self, user: str | None = None, **options: str) -> Target:
        """As the inventory would name it: with the community, or a user."""
        who = {"community": "env:SNMP_COMMUNITY"}
        if user is not None:
            who = {"username": user, "auth_key": "env:SNMP_AUTH", "privacy_key": "env:SNMP_PRIVACY"}
            if user == "sha512":
                who |= {"auth": "sha512", "privacy": "aes256"}
        fast = {"timeout": "0.5", "tries": "2"}
        return Target(self.folder.name, f"udp:127.0.0.1:{self.port}", options={**fast, **who, **options})


def environment(folder: Path) -> dict[str, str]:
    """For net-snmp's programs: nothing of this machine's configuration, no MIBs, files in a folder of ours."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return {
        "PATH": path,
        "SNMP_PERSISTENT_DIR": str(folder),
        "SNMPCONFPATH": str(folder),
        "MIBS": "",
        "HOME": str(folder),
    }


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def agents() -> Iterator[Agents]:
    """Whatever was started is ended in the end."""
    started = Agents()
    try:
        yield started
    finally:
        for agent in started.all:
            agent.stop()


class Agents:
    """Starts agents, and remembers them."""

    def __init__(self) -> None:
        self.all: list[Snmpd] = []

    def start(self, folder: Path, *, extra: str = "", roots: tuple[str, ...] = (), wait: bool = True) -> Snmpd:
        """An agent with its files in `folder`; `roots` are the subtrees that `Snmpd.write` gives values to."""
        agent = Snmpd(folder, free_port(), secrets.token_hex(6), extra, roots)
        self.all.append(agent)
        folder.mkdir(exist_ok=True)
        agent.write({})
        agent.start()
        if wait:
            agent.wait()
        return agent
