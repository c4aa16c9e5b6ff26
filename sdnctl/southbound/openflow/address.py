"""Where switches are: addresses to dial and to listen on, and the TLS that goes with them.

The words are Open vSwitch's, seen from the controller: we dial ``tcp:``, ``ssl:`` and ``unix:`` what
a switch listens on as ``ptcp:``, ``pssl:`` and ``punix:``; and we listen on the latter three.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sdnctl.errors import DeviceError, Diagnostic

PORT = 6653
"""IANA's port of OpenFlow, where an address names none."""

DIAL_IN = "dial-in"
"""Stands for an address where the switch calls the controller, and is known by its datapath id."""

Scheme = Literal["tcp", "ssl", "unix"]

TLS_OPTIONS = ("private_key", "certificate", "ca_certificate")
_HINT = "write tcp:HOST[:PORT], ssl:HOST[:PORT] or unix:PATH; to listen ptcp:[PORT[:HOST]], pssl:… or punix:PATH"


@dataclass(frozen=True, slots=True)
class Address:
    """One end point: `path` for unix, else `host` and `port`; `listen` where switches dial in."""

    scheme: Scheme
    host: str = ""
    port: int = PORT
    path: str = ""
    listen: bool = False

    def __str__(self) -> str:
        scheme = f"p{self.scheme}" if self.listen else self.scheme
        if self.scheme == "unix":
            return f"{scheme}:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.listen:
            return f"{scheme}:{self.port}:{host}" if host else f"{scheme}:{self.port}"
        return f"{scheme}:{host}:{self.port}"


def bad_address(text: str, reason: str) -> DeviceError:
    """The error for an address that cannot be used."""
    return DeviceError(Diagnostic("bad-address", f"{text!r}: {reason}", hint=_HINT))


def parse_address(text: str) -> Address:
    """Read ``tcp:192.0.2.1:6653``, ``ssl:[2001:db8::1]``, ``unix:/run/…``, ``ptcp:6653:127.0.0.1``.

    Raises DeviceError with the forms that are understood.
    """
    scheme, colon, rest = text.partition(":")
    listen = scheme.startswith("p")
    kind = scheme.removeprefix("p")
    if not colon or kind not in ("tcp", "ssl", "unix"):
        raise bad_address(text, "not an OpenFlow address")
    if kind == "unix":
        if not rest:
            raise bad_address(text, "no path")
        return Address("unix", path=rest, listen=listen)
    if listen:
        number, _, host = rest.partition(":")
    else:
        host, number = _split_host(text, rest)
    if not host and not listen:
        raise bad_address(text, "no host")
    port = PORT
    if number:
        if not number.isascii() or not number.isdigit() or int(number) > 0xFFFF:
            raise bad_address(text, f"{number!r} is not a port")
        port = int(number)
    return Address(
        "tcp" if kind == "tcp" else "ssl", host.removeprefix("[").removesuffix("]"), port, listen=listen
    )


def _split_host(text: str, rest: str) -> tuple[str, str]:
    if not rest.startswith("["):
        host, _, number = rest.partition(":")
        return host, number
    host, bracket, tail = rest.partition("]")
    if not bracket or (tail and not tail.startswith(":")):
        raise bad_address(text, "an IPv6 address wants brackets: tcp:[2001:db8::1]:6653")
    return host, tail.removeprefix(":")


def tls_context(options: Mapping[str, str], *, server: bool) -> ssl.SSLContext:
    """TLS with certificates on both sides, from options that refer to files.

    ``private_key``, ``certificate`` and ``ca_certificate`` are ``file:PATH``. The peer must present a certificate
    of that authority. Host names are not checked, because switches' certificates seldom carry one, unless
    ``server_name`` is given. Raises DeviceError when an option is missing or a file is unusable.
    """
    missing = [name for name in TLS_OPTIONS if not options.get(name)]
    if missing:
        raise DeviceError(
            Diagnostic(
                "tls-options",
                f"TLS needs {', '.join(missing)}",
                hint="give private_key, certificate and ca_certificate, each as file:PATH",
            )
        )
    paths = {name: _file(name, options[name]) for name in TLS_OPTIONS}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = bool(not server and options.get("server_name"))
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        # A password is never asked for on a terminal: an encrypted key is an error that says so.
        context.load_cert_chain(paths["certificate"], paths["private_key"], password=lambda: b"")
        context.load_verify_locations(paths["ca_certificate"])
    except (OSError, ValueError) as error:
        names = ", ".join(paths.values())
        raise DeviceError(
            Diagnostic("tls-files", f"TLS files cannot be used: {error}", detail=f"files: {names}")
        ) from error
    return context


def _file(name: str, reference: str) -> str:
    scheme, colon, path = reference.partition(":")
    if scheme != "file" or not colon or not path:
        raise DeviceError(
            Diagnostic(
                "tls-options", f"{name}: {reference!r} is not a reference to a file", hint="write file:PATH"
            )
        )
    return path
