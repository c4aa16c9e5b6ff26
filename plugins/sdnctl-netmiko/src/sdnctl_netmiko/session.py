"""One SSH session with a command line: typed commands, answers, configuration mode that is always left again.

netmiko makes the connection and knows how each kind of device is greeted. Reading is done here, so that a lost
connection is noticed at once, paging and questions are answered, no octet is dropped unseen, and every failure
names the step. Nothing is logged: netmiko's session log stays off, what libraries say is scrubbed of credentials.
"""

from __future__ import annotations

import contextlib
import logging
import re
import time
from collections.abc import Iterator
from typing import Any, NoReturn
from urllib.parse import urlsplit

import netmiko
import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from netmiko.exceptions import NetmikoBaseException, NetmikoTimeoutException, ReadTimeout
from pydantic import SecretStr

from sdnctl.errors import DeviceError, Diagnostic
from sdnctl.southbound import device_faults
from sdnctl.southbound.base import Target
from sdnctl.southbound.references import HostKeys, file_of, host_keys, optional, scrub
from sdnctl_netmiko.platform import Platform

TIMEOUT = 60.0
"""Seconds that a device may take for an answer: fifty sessions at once keep a small one busy."""
LARGEST = 32 * 1024 * 1024  # characters of one answer
TAIL = 512  # characters at the end of an answer in which a prompt is looked for
# What terminals do with it: colours and the like, a bell, and the ways in which a line is taken off again. Looking
# ahead, because the rest may still be under way.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-9;?]*[A-Za-z]|[=>])|\x07|\x08+ *\x08+(?!\x08)(?=.)|\r {2,}\r|\r+(?=\n)", re.DOTALL
)
_LOST = (OSError, EOFError, paramiko.SSHException, NetmikoBaseException)

# Libraries that nobody configured would print what they have to say on stderr, tracebacks included.
for _name in ("paramiko", "netmiko"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


class Refusal(Exception):
    """The device said no to a line: `command`, and what it `said`."""

    def __init__(self, command: str, said: str) -> None:
        super().__init__(command)
        self.command = command
        self.said = said


class _KnownKey:
    """paramiko's policy: goes on only if the key is one that the inventory names; asked before any credential."""

    def __init__(self, keys: HostKeys) -> None:
        self._keys = keys

    def missing_host_key(self, client: object, hostname: str, key: Any) -> None:
        self._keys.check(key.asbytes())


class Session:
    """A session with one device; connects when it is made, and again after it was lost (`renew`)."""

    def __init__(self, target: Target, platform: Platform) -> None:
        self.device = target.device
        self._platform = platform
        self._settings = platform.settings
        self.host, self.port = _address(target)
        options = target.options
        self._username = options.get("username", "")
        self._secrets = {name: optional(target, name) for name in ("password", "passphrase", "enable")}
        self._key = self._private_key(target)
        self._host_keys = host_keys(target, self.host, self.port)
        self.timeout = seconds(target, "timeout", TIMEOUT)
        self._connection: Any = None
        self._prompt = ""
        self.renew()

    # ── connection ───────────────────────────────────────────────────────────────────────────────

    @property
    def alive(self) -> bool:
        channel = getattr(self._connection, "remote_conn", None)
        return channel is not None and not channel.closed and channel.get_transport().is_active()

    def renew(self) -> None:
        """Connect, where there is no connection (any more); raises DeviceError."""
        if self.alive:
            return
        self.close()
        with self._speaking_of("connect"):
            self._connection = connection = self._make()
            connection.key_policy = _KnownKey(self._host_keys)
            connection.establish_connection()
        try:
            with self._speaking_of("connect"):
                self._greet(connection)
        except BaseException:
            self.close()
            raise

    def _make(self) -> Any:
        secret = {name: value.get_secret_value() if value else None for name, value in self._secrets.items()}
        return netmiko.ConnectHandler(
            device_type=self._settings.device_type,
            host=self.host,
            port=self.port,
            username=self._username,
            password=secret["password"],
            secret=secret["enable"] or "",
            pkey=self._key,
            conn_timeout=min(self.timeout, 15),
            banner_timeout=self.timeout,
            auth_timeout=self.timeout,
            read_timeout_override=self.timeout,
            auto_connect=False,
        )

    def _private_key(self, target: Target) -> Any:
        """The key of the option `key`, None without one; raises DeviceError where the passphrase does not fit."""
        path, passphrase = file_of(target, "key"), self._secrets["passphrase"]
        if path is None:
            return None
        try:
            return paramiko.PKey.from_path(path, passphrase.get_secret_value().encode() if passphrase else None)
        except (paramiko.SSHException, ValueError, TypeError, UnsupportedAlgorithm):
            what = "with this passphrase" if passphrase else "without a passphrase"
            raise device_faults.bad_credentials(self.device, f"{path} holds no key that opens {what}") from None

    def _greet(self, connection: Any) -> None:
        """What is typed after login, until a prompt in privileged mode is known."""
        if self._settings.prepare is None:
            connection.session_preparation()
        else:
            connection.base_prompt = self._answer("connect", r"\S[>#] ?$").splitlines()[-1].strip()[:-1]
        # Devices shorten their name in configuration mode.
        self._prompt = re.escape(connection.base_prompt[:16])
        if self._secrets["enable"] is not None:
            try:
                connection.enable()
            except ValueError:
                raise device_faults.bad_credentials(self.device, "it does not take the enable secret") from None
        for command in self._settings.prepare or ():
            self.run(command, "connect")

    def close(self) -> None:
        """Hang up; never raises."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # Politeness of netmiko's own (leaving modes, saying exit) costs 0.3 s; the line is dropped instead.
            connection.cleanup = lambda command="": None
            with contextlib.suppress(Exception):
                connection.disconnect()

    # ── commands ─────────────────────────────────────────────────────────────────────────────────

    def run(self, command: str, step: str) -> str:
        """Type a command and return what the device prints, without echo and prompt. Raises DeviceError."""
        with self._speaking_of(step):
            return self._type(command, step)

    def ask(self, command: str, step: str) -> str:
        """`run` for commands that may be refused; raises Refusal."""
        said = self.run(command, step)
        if _refuses(self._settings.refusal, said):
            raise Refusal(command, self.scrubbed(said))
        return said

    @contextlib.contextmanager
    def configuring(self, step: str = "edit") -> Iterator[None]:
        """Configuration mode for as long as the block lasts; it is left whatever happens inside.

        netmiko stays in it where a line is refused, and so would the device's lock.
        """
        self.ask(self._settings.enter, step)
        try:
            yield
        except BaseException:
            with contextlib.suppress(DeviceError):
                if self.alive:
                    self.run(self._settings.leave, step)
            raise
        self.run(self._settings.leave, step)

    def execute(self, command: str, step: str, given: str = "") -> tuple[int, str]:
        """Run a command of SSH's own on a second channel; returns its status and everything that it printed."""
        with self._speaking_of(step):
            channel = self._connection.remote_conn.get_transport().open_session(timeout=self.timeout)
            with contextlib.closing(channel):
                channel.settimeout(self.timeout)
                channel.set_combine_stderr(True)
                channel.exec_command(command)
                channel.sendall(given.encode())
                channel.shutdown_write()
                said = bytearray()
                while piece := channel.recv(65_536):
                    said += piece
                return channel.recv_exit_status(), self.scrubbed(said.decode(errors="replace"))

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _type(self, command: str, step: str) -> str:
        if self._connection is None or self._connection.remote_conn is None:
            raise EOFError("the connection is closed")
        self._connection.write_channel(command + "\n")
        said = self._answer(step, rf"(?:^|\n){self._prompt}[^\n#>]{{0,64}}[#>] ?$", echo=command)
        return "\n".join(said.split("\n")[:-1])

    def _answer(self, step: str, prompt: str, echo: str = "") -> str:
        """Everything up to the prompt. Turns pages and takes what is proposed where the device asks."""
        said, deadline = "", time.monotonic() + self.timeout
        channel = self._connection.remote_conn
        waiting = echo  # an answer begins after the echo of the command; what came before belongs to the last one
        while True:
            channel.settimeout(max(deadline - time.monotonic(), 0.01))
            try:
                piece = channel.recv(65_536)
            except TimeoutError:
                what = "its echo" if waiting else "the prompt"
                raise ReadTimeout(
                    f"{what} did not come within {self.timeout:g} s, after {len(said)} characters"
                ) from None
            if not piece:
                raise EOFError(f"the connection ended after {len(said)} characters of the answer")
            said = self._turned(said + piece.decode("latin-1"))  # every octet comes through, `_text` looks at them
            if waiting and waiting in said:
                said, waiting = said.split(waiting, 1)[1], ""
            if not waiting and re.search(prompt, said[-TAIL:]):
                return self._text(said, step)
            if len(said) > LARGEST:
                raise device_faults.garbage(self.device, step, f"more than {LARGEST} characters for one answer")
            deadline = max(deadline, time.monotonic() + 1)  # it is still talking

    def _turned(self, said: str) -> str:
        """What was said, without escape sequences; where it ends with a page or a question, that is answered."""
        said = _ESCAPES.sub("", said)
        if found := re.search(rf"[ \t]*(?:{self._settings.paging})\s*$", said[-TAIL:]):
            self._connection.write_channel(" ")
            return said[: len(said) - len(found.group())]
        if re.search(self._settings.question, said[-TAIL:]):
            self._connection.write_channel("\n")
            return said + "\n"
        return said

    def _text(self, said: str, step: str) -> str:
        """Octets as text; raises DeviceError with the offset where they are none."""
        try:
            return said.encode("latin-1").decode("utf-8")
        except UnicodeDecodeError as error:
            raise device_faults.garbage(
                self.device, step, f"octet {error.start} of the answer is {said[error.start]!a}, which is no UTF-8"
            ) from None

    @contextlib.contextmanager
    def _speaking_of(self, step: str) -> Iterator[None]:
        """Whatever libraries raise, as errors that name device and step."""
        try:
            yield
        except DeviceError:
            raise
        except _LOST as error:
            self._explain(error, step)
        except ValueError as error:  # netmiko, where a prompt makes no sense to it; paramiko, for keys
            raise device_faults.garbage(self.device, step, self.scrubbed(_first_line(error))) from None

    def _explain(self, error: Exception, step: str) -> NoReturn:
        if isinstance(error, paramiko.AuthenticationException):
            how = "key" if self._key else "password"
            raise device_faults.bad_credentials(self.device, f"user {self._username!r}, by {how}") from None
        # netmiko wraps causes in advice of many lines.
        cause = error.__context__ if isinstance(error, NetmikoTimeoutException) else None
        said = self.scrubbed(_first_line(cause or error))
        if "Indecipherable protocol version" in said:
            raise device_faults.garbage(self.device, step, "what answers there does not speak SSH") from None
        raise device_faults.unreachable(self.device, step, f"{self.host}:{self.port}: {said}") from None

    def scrubbed(self, text: str) -> str:
        """A text without this session's secrets."""
        return scrub(text, [value for value in self._secrets.values() if isinstance(value, SecretStr)])


def _refuses(pattern: str, said: str) -> bool:
    return re.search(pattern, said, re.MULTILINE) is not None


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _address(target: Target) -> tuple[str, int]:
    """Host and port of ``ssh://HOST:PORT``."""
    try:
        parts = urlsplit(target.address)
        host, port = parts.hostname, parts.port or 22
    except ValueError:
        host, port = None, 22
    if parts.scheme != "ssh" or not host or parts.username or parts.path not in ("", "/"):
        raise DeviceError(
            Diagnostic(
                "bad-address",
                f"{target.address!r} is not the address of a command line",
                f"device {target.device}",
                hint="write ssh://HOST:PORT; user and password belong under credentials",
            )
        )
    return host, port


def seconds(target: Target, option: str, default: float) -> float:
    """An option that is a number of seconds; raises DeviceError for anything else."""
    text = target.options.get(option)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 86_400:
        raise DeviceError(
            Diagnostic(
                "bad-option",
                f"{option} of {target.device} is {text!r}",
                f"device {target.device}, option {option}",
                hint="write a number of seconds",
            )
        )
    return value
