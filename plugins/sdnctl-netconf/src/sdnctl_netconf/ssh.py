"""The way to a device's NETCONF subsystem over SSH (RFC 6242): address, host key, credentials, channel."""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import paramiko
from pydantic import SecretStr

from sdnctl.errors import DeviceError, Diagnostic
from sdnctl.southbound import device_faults
from sdnctl.southbound.base import Target
from sdnctl.southbound.references import HostKeys, file_of, host_keys, optional, scrub

PORT = 830
KEEPALIVE_S = 30.0
TIMEOUT_S = 30.0
_LOG = "sdnctl_netconf.ssh"
# A logger without any handler prints to stderr; what matters there is in the errors that we raise.
logging.getLogger(_LOG).addHandler(logging.NullHandler())
_KINDS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
"""Kinds of keys whose signatures have other names than the keys (RFC 8332)."""


@dataclass(frozen=True, slots=True)
class Login:
    """Where a device is and how one gets in; the password and the passphrase stay `SecretStr`."""

    device: str
    host: str
    port: int
    username: str
    keys: HostKeys
    password: SecretStr | None = None
    key: Path | None = None
    passphrase: SecretStr | None = None
    timeout: float = TIMEOUT_S
    keepalive: float = KEEPALIVE_S

    def scrub(self, text: str) -> str:
        """A text without what nobody may read."""
        return scrub(text, (self.password, self.passphrase))


def login_of(target: Target) -> Login:
    """Read a target's address and options; raises DeviceError for what is wrong with them."""
    host, port = _endpoint(target)
    username = target.options.get("username", "")
    if not username:
        raise _bad_option(target, "username", "a NETCONF device needs one", "write it under `credentials`")
    password, key = optional(target, "password"), file_of(target, "key")
    if password is None and key is None:
        raise _bad_option(target, "password", "neither a password nor a key is given", "write one of the two")
    return Login(
        target.device,
        host,
        port,
        username,
        host_keys(target, host, port),
        password,
        key,
        optional(target, "passphrase"),
        seconds(target, "timeout", TIMEOUT_S),
        seconds(target, "keepalive", KEEPALIVE_S),
    )


def seconds(target: Target, option: str, default: float) -> float:
    """An option that is a number of seconds above zero; raises DeviceError."""
    text = target.options.get(option)
    if text is None:
        return default
    with contextlib.suppress(ValueError):
        if 0 < (value := float(text)) < 86_400:
            return value
    raise _bad_option(target, option, f"{text!r} is no number of seconds", f'write, for example, "{default:g}"')


def connect(login: Login) -> tuple[Any, Any]:
    """Transport and channel of the subsystem; raises DeviceError, and leaves nothing open then."""
    try:
        tcp = socket.create_connection((login.host, login.port), login.timeout)
    except OSError as error:
        raise device_faults.unreachable(login.device, "connect", error.strerror or str(error)) from error
    _watch_for_dead_peers(tcp, login.keepalive)
    transport = None
    try:
        transport = paramiko.Transport(tcp)
        transport.set_log_channel(_LOG)
        _negotiate(transport, tcp, login)
        _authenticate(transport, login)
        transport.set_keepalive(max(1, round(login.keepalive)))
        return transport, _subsystem(transport, login)
    except BaseException:
        if transport is not None:
            transport.close()
        tcp.close()
        raise


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _negotiate(transport: Any, tcp: socket.socket, login: Login) -> None:
    """Agree on keys and see whether this is the device we know."""
    if login.keys.types:
        names = [name for kind in sorted(login.keys.types) for name in _KINDS.get(kind, (kind,))]
        options = transport.get_security_options()
        if wanted := [name for name in options.key_types if name in names]:
            options.key_types = wanted
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = login.timeout
    try:
        first = _peek(tcp, login.timeout)
        transport.start_client(timeout=login.timeout)
    except paramiko.ssh_exception.IncompatiblePeer as error:
        raise device_faults.refused(login.device, "connect", login.scrub(str(error))) from error
    except OSError as error:
        raise device_faults.unreachable(login.device, "connect", f"no SSH handshake: {error}") from error
    except (paramiko.SSHException, EOFError, ValueError) as error:
        detail = login.scrub(f"no SSH handshake: {error}")
        if not first or (b"SSH-" in first and isinstance(error, EOFError)):
            raise device_faults.unreachable(login.device, "connect", "it closed the connection") from error
        raise device_faults.garbage(login.device, "connect", detail) from error
    if not transport.initial_kex_done:  # paramiko returns when the time is up, as if all were well
        raise device_faults.unreachable(login.device, "connect", f"no SSH handshake in {login.timeout:g} s")
    login.keys.check(transport.get_remote_server_key().asbytes())


def _authenticate(transport: Any, login: Login) -> None:
    """The key first, then the password, whichever there are."""
    said: list[str] = []
    try:
        if login.key is not None:
            try:
                transport.auth_publickey(login.username, _private_key(login, login.key))
                return
            except paramiko.AuthenticationException as error:
                said.append(f"key {login.key}: {error}")
        if login.password is not None:
            try:
                transport.auth_password(login.username, login.password.get_secret_value(), fallback=False)
                return
            except paramiko.AuthenticationException as error:
                said.append(f"password: {error}")
    except (paramiko.SSHException, EOFError, OSError) as error:
        detail = login.scrub(str(error) or "it closed the connection")
        raise device_faults.unreachable(login.device, "connect", detail) from error
    raise device_faults.bad_credentials(
        login.device, login.scrub(f"user {login.username}; {'; '.join(said)}")
    ) from None


def _private_key(login: Login, path: Path) -> Any:
    passphrase = login.passphrase.get_secret_value().encode() if login.passphrase is not None else None
    try:
        return paramiko.PKey.from_path(path, passphrase)
    except Exception as error:  # paramiko and cryptography raise a dozen kinds, none of them helps a reader more
        raise DeviceError(
            Diagnostic(
                "bad-credentials",
                f"{path} is no private key that can be read",
                f"device {login.device}, option key",
                detail=type(error).__name__,
                hint="an OpenSSH or PEM key; `passphrase` refers to its passphrase, if it has one",
            )
        ) from None


def _subsystem(transport: Any, login: Login) -> Any:
    try:
        channel = transport.open_session(timeout=login.timeout)
        channel.settimeout(login.timeout)
        channel.invoke_subsystem("netconf")
        return channel
    except (paramiko.SSHException, EOFError, OSError) as error:
        detail = login.scrub(f"no NETCONF subsystem: {error or 'the channel was closed'}")
        raise device_faults.refused(login.device, "connect", detail) from error


# ── inside ───────────────────────────────────────────────────────────────────────────────────────


def _watch_for_dead_peers(tcp: socket.socket, keepalive: float) -> None:
    """Let the kernel end a connection whose other end takes nothing any more for three keepalives."""
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sys.platform == "linux":
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(keepalive * 3_000))


def _peek(tcp: socket.socket, timeout: float) -> bytes:
    """What the other end says first, without taking it: paramiko does not tell silence from nonsense."""
    before = tcp.gettimeout()
    tcp.settimeout(timeout)
    try:
        return tcp.recv(255, socket.MSG_PEEK)
    finally:
        tcp.settimeout(before)


def _endpoint(target: Target) -> tuple[str, int]:
    try:
        parts = urlsplit(target.address)
        host, port = parts.hostname or "", parts.port or PORT
    except ValueError:
        host, port = "", 0
    if not host or parts.scheme != "ssh" or parts.path or parts.query or parts.fragment or parts.username:
        raise DeviceError(
            Diagnostic(
                "bad-address",
                f"{target.address!r} is not the address of a NETCONF device",
                f"device {target.device}",
                hint="write ssh://HOST or ssh://HOST:PORT (without a port it is 830)",
            )
        )
    return host, port


def _bad_option(target: Target, option: str, what: str, hint: str) -> DeviceError:
    return DeviceError(
        Diagnostic("bad-option", f"{target.device}: {what}", f"device {target.device}, option {option}", hint=hint)
    )
