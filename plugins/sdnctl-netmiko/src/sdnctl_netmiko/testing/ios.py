"""SIMULATOR, not a device: IOS-like access switches over real SSH (asyncssh), with faults that a test asks for.

Two hundred of them run in one thread. Each has a running and a startup configuration, privileged mode, paging,
questions, and confirmed changes (`configure terminal revert timer`), whose minutes are as long as a test says.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncssh

from sdnctl.southbound.base import Target
from sdnctl_netmiko.testing.ios_config import INVALID, IosConfig, Refused

T = TypeVar("T")

USER = "sdnctl"
PASSWORD = "hunter2-and-more"  # of the simulator only
ENABLE = "privileged-and-more"
CUSTOMERS = ("GigabitEthernet1/0/1", "GigabitEthernet1/0/2", "GigabitEthernet1/0/3", "GigabitEthernet1/0/4")
UPLINK = "GigabitEthernet1/0/24"
SECRETS = {"IOS_PASSWORD": PASSWORD, "IOS_ENABLE": ENABLE}
"""Variables of the environment that targets take them from."""
PAGE = 24


@dataclass
class Faults:
    """What goes wrong, by regular expressions on the commands that are typed; "" is nothing."""

    refuse: str = ""  # an error for lines that are right
    ignore: str = ""  # taken, and not held
    hang_up: str = ""  # the connection ends instead of an answer
    reboot: str = ""  # the same, and the startup configuration is what runs afterwards
    mute: str = ""  # no answer at all
    delay: float = 0.0  # seconds before each answer
    garbage: bytes = b""  # in the middle of the running configuration
    cut_off: int = 0  # characters after which the running configuration ends with a prompt
    pages: bool = False  # pages whatever was typed against it


@dataclass
class IosSwitch:
    """One switch: what it holds, apart from how one talks to it."""

    hostname: str = "sw-school"
    minute: float = 60.0  # seconds that a minute of the revert timer lasts
    faults: Faults = field(default_factory=Faults)
    typed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.config = IosConfig(self.hostname, (*CUSTOMERS, UPLINK))
        self.console(f"interface {UPLINK}", "description to cabinet X", "switchport mode trunk",
                     "switchport trunk allowed vlan 10")  # fmt: skip
        self.startup = self.config.copy()
        self._saved: IosConfig | None = None  # what a confirmed change goes back to
        self._until = 0.0

    @property
    def running(self) -> IosConfig:
        """The running configuration; a timer that ran out is noticed here."""
        if self._saved is not None and time.monotonic() > self._until:
            self.config, self._saved = self._saved, None
        return self.config

    def console(self, *lines: str) -> None:
        """What somebody types in configuration mode at the console."""
        path: list[tuple[str, str]] = []
        for line in lines:
            self.config.take(path, line)

    def reboot(self) -> None:
        self.config, self._saved = self.startup.copy(), None

    # ── confirmed changes ────────────────────────────────────────────────────────────────────────

    def arm(self, minutes: int) -> str:
        if self.running.find("archive", "path flash:roll") is None:
            raise Refused("% Archive config not enabled. Rollback confirmed change cannot be used")
        if self._saved is not None:
            raise Refused("% Rollback Confirmed Change is already active; confirm or revert it first")
        self._saved, self._until = self.config.copy(), time.monotonic() + minutes * self.minute
        return f"Rollback Confirmed Change: Backing up current running config to flash:roll\nTimer: {minutes} min"

    def confirm(self) -> str:
        if self.running and self._saved is None:
            raise Refused("% No Rollback Confirmed Change pending")
        self._saved = None
        return "Rollback Confirmed Change: Confirmed"

    def revert(self) -> str:
        if self.running and self._saved is None:
            raise Refused("% No Rollback Confirmed Change pending")
        assert self._saved is not None
        self.config, self._saved = self._saved, None
        return "Rollback Confirmed Change: rolling to: flash:roll\nTotal number of passes: 1\nRollback Done"

    def version(self) -> str:
        return f"IOS-like simulator of sdnctl, Version 15.2 (no device)\n{self.hostname} uptime is 1 minute"

    def interfaces(self) -> str:
        printed = []
        for port in self.running.ports:
            down = self.running.find(f"interface {port}", "shutdown") is not None
            state = (
                "administratively down, line protocol is down" if down else "up, line protocol is up (connected)"
            )
            printed += [
                f"{port} is {state}",
                "  Hardware is simulated",
                "     12 packets input, 840 bytes, 0 no buffer",
                "     3 input errors, 0 CRC",
                "     34 packets output, 2380 bytes, 0 underruns",
            ]
        return "\n".join(printed)


class _Hangup(Exception):
    """The connection ends here."""


class _Terminal:
    """One session: echo, modes, pages, questions."""

    def __init__(self, switch: IosSwitch, process: asyncssh.SSHServerProcess[bytes]) -> None:
        self._switch = switch
        self._process = process
        self._path: list[tuple[str, str]] | None = None  # None: not in configuration mode
        self._enabled = False
        self._length = PAGE
        self._echo = bytearray()  # what was said and not sent yet
        self._typed = bytearray()  # keys that were pressed and not looked at yet

    async def serve(self) -> None:
        self._say(f"\n*** {self._switch.version().splitlines()[0]} ***\n{self._prompt()}")
        with contextlib.suppress(asyncssh.BreakReceived, asyncssh.TerminalSizeChanged, _Hangup, ConnectionError):
            while (line := await self._line()) is not None:
                await self._answer(line.strip())
        self._process.exit(0)

    def _prompt(self) -> str:
        name = self._switch.config.hostname[:20]
        if self._path is None:
            return f"{name}{'#' if self._enabled else '>'}"
        return f"{name}({self._path[-1][1] if self._path else 'config'})#"

    def _say(self, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        self._echo += data.replace(b"\n", b"\r\n")

    def _flush(self) -> None:
        """Send what was said: in one piece, before the next key is waited for."""
        if self._echo:
            self._process.stdout.write(bytes(self._echo))
            self._echo.clear()

    async def _key(self) -> bytes:
        while not self._typed:
            self._flush()
            with contextlib.suppress(asyncssh.TerminalSizeChanged):
                piece = await self._process.stdin.read(4096)
                if not piece:
                    return b""
                self._typed += piece
        key = bytes(self._typed[:1])
        del self._typed[:1]
        return key

    async def _line(self, echo: bool = True) -> str | None:
        typed = bytearray()
        while key := await self._key():
            if key in b"\r\n":
                self._say("\n")
                return typed.decode("ascii", "replace")
            if key == b"?":  # help, at once, and the line stands there again
                self._say(f"?\n  <cr>\n{self._prompt()}{typed.decode('ascii', 'replace')}")
                continue
            typed += key
            if echo:
                self._echo += key
        return None

    async def _answer(self, line: str) -> None:
        faults = self._switch.faults
        self._switch.typed.append(line)
        if faults.delay:
            self._flush()
            await asyncio.sleep(faults.delay)
        for pattern in (faults.hang_up, faults.reboot):
            if pattern and re.search(pattern, line):
                if pattern == faults.reboot:
                    self._switch.reboot()
                self._process.channel.get_connection().abort()
                raise _Hangup
        if faults.mute and re.search(faults.mute, line):
            while await self._key():
                pass
            raise _Hangup
        try:
            said = await self._run(line)
        except Refused as refused:
            said = f"{'^':>{len(line) + 4}}\n{refused}" if str(refused) == INVALID else str(refused)
        if said:
            await self._pages(said)
        self._say(self._prompt())

    async def _run(self, line: str) -> str | bytes:
        faults = self._switch.faults
        if line and faults.refuse and re.search(faults.refuse, line):
            raise Refused(INVALID)
        if self._path is None:
            return await self._execute(line)
        if line == "end" or (line == "exit" and not self._path):
            self._path = None
        elif line and not (faults.ignore and re.search(faults.ignore, line)):
            self._switch.running.take(self._path, line)
        return ""

    async def _execute(self, line: str) -> str | bytes:
        words = line.split()
        if not words:
            return ""
        if words[0] == "exit":
            raise _Hangup
        if line == "enable":
            self._say("Password: ")
            if await self._line(echo=False) != ENABLE:
                raise Refused("% Access denied")
            self._enabled = True
            return ""
        if words[:2] == ["terminal", "length"] and len(words) == 3 and words[2].isdigit():
            self._length = int(words[2])
            return ""
        if words[:2] == ["terminal", "width"] or not self._enabled:
            if not self._enabled and words[0] != "terminal":
                raise Refused(INVALID)
            return ""
        return await self._privileged(line, words)

    async def _privileged(self, line: str, words: Sequence[str]) -> str | bytes:
        switch = self._switch
        if words[:2] == ["configure", "terminal"]:
            said = switch.arm(int(words[4])) if words[2:4] == ["revert", "timer"] else ""
            self._path = []
            return said + "\nEnter configuration commands, one per line.  End with CNTL/Z."
        if line == "copy running-config startup-config":
            self._say("Destination filename [startup-config]? ")
            await self._line()
            switch.startup = switch.running.copy()
            return "Building configuration...\n[OK]"
        known: dict[str, Callable[[], str | bytes]] = {
            "configure confirm": switch.confirm,
            "configure revert now": switch.revert,
            "show running-config": self._running,
            "show startup-config": switch.startup.text,
            "show interfaces": switch.interfaces,
            "show version": switch.version,
        }
        if line not in known:
            raise Refused(INVALID)
        return known[line]()

    def _running(self) -> bytes:
        text = self._switch.running.text()
        data = f"Building configuration...\n\nCurrent configuration : {len(text)} bytes\n!\n{text}".encode()
        faults = self._switch.faults
        if faults.cut_off:
            data = data[: faults.cut_off] + b"\n"
        return data[: len(data) // 2] + faults.garbage + data[len(data) // 2 :]

    async def _pages(self, said: str | bytes) -> None:
        data = said.encode() if isinstance(said, str) else said
        lines = data.split(b"\n")
        while lines[-1] == b"":
            lines.pop()
        page = (PAGE if self._switch.faults.pages else self._length) or len(lines)
        while lines:
            self._say(b"".join(line + b"\n" for line in lines[:page]))
            lines = lines[page:]
            if lines:
                self._say(" --More-- ")
                if await self._key() == b"q":
                    return
                self._echo += b"\b" * 10 + b" " * 10 + b"\b" * 10


class _Login(asyncssh.SSHServer):
    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


class IosSimulator:
    """A thread with an event loop in which any number of simulated switches answer."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ios-simulator", daemon=True)
        self._thread.start()
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._servers: dict[int, asyncssh.SSHAcceptor] = {}
        self._connections: dict[int, set[asyncssh.SSHServerConnection]] = {}

    @property
    def fingerprint(self) -> str:
        return self._key.get_fingerprint()

    def change_host_key(self) -> None:
        """For servers that are started from now on."""
        self._key = asyncssh.generate_private_key("ssh-ed25519")

    def listen(self, switch: IosSwitch, port: int = 0) -> int:
        """Let a switch answer on a loopback port, and return it."""
        return self._do(self._listen(switch, port))

    def target(self, device: str, port: int) -> Target:
        """How the inventory would name a switch: secrets by reference, the host key by fingerprint."""
        options = {
            "platform": "ios",
            "uplink": UPLINK,
            "username": USER,
            "password": "env:IOS_PASSWORD",
            "enable": "env:IOS_ENABLE",
            "host_key": self.fingerprint,
            "timeout": "10",
            "confirm_timeout": "60",
        }
        return Target(device, f"ssh://127.0.0.1:{port}", options=options)

    def cut(self, port: int) -> None:
        """End the switch's sessions and let nobody in."""
        self._do(self._cut(port))

    def close(self, port: int) -> None:
        """`cut`, also where that was done already."""
        if port in self._servers:
            self.cut(port)

    def stop(self) -> None:
        for port in list(self._servers):
            self.close(port)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _listen(self, switch: IosSwitch, port: int) -> int:
        known: set[asyncssh.SSHServerConnection] = set()

        class Login(_Login):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                known.add(conn)

        async def serve(process: asyncssh.SSHServerProcess[bytes]) -> None:
            await _Terminal(switch, process).serve()

        server = await asyncssh.listen(
            "127.0.0.1", port, server_factory=Login, server_host_keys=[self._key], process_factory=serve,
            encoding=None, line_editor=False,
        )  # fmt: skip
        number = port or server.get_port()
        self._servers[number], self._connections[number] = server, known
        return number

    async def _cut(self, port: int) -> None:
        server = self._servers.pop(port)
        server.close()
        for connection in self._connections.pop(port):
            connection.abort()
        await server.wait_closed()
        await asyncio.sleep(0)


@contextlib.contextmanager
def running_simulator() -> Iterator[IosSimulator]:
    simulator = IosSimulator()
    try:
        yield simulator
    finally:
        simulator.stop()
