"""Where a device's API answers: ``https://192.0.2.9``, ``http://127.0.0.1:8080``."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from sdnctl.errors import DeviceRefused, Diagnostic
from sdnctl.southbound.base import Target

PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Address:
    scheme: str
    host: str
    port: int


def parse_address(target: Target) -> Address:
    """The address of a target; raises DeviceRefused for what is none.

    Plain HTTP shows the password to whoever is on the way, so it is for this machine only unless the option
    ``cleartext`` says ``allowed``.
    """
    try:
        parts = urlsplit(target.address)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        raise _refused(target, "it is no address", "write https://HOST or https://HOST:PORT") from None
    if "@" in parts.netloc:
        raise _refused(
            target,
            "it holds credentials, which are not shown here",
            "write them as references under `credentials:` in inventory/equipment.yaml",
        )
    bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    if parts.scheme not in PORTS or not parts.hostname or not bare:
        raise _refused(target, "it is no address", "write https://HOST or https://HOST:PORT")
    if parts.scheme == "http" and not _here(parts.hostname) and target.options.get("cleartext") != "allowed":
        raise _refused(
            target,
            "http:// sends the password in clear",
            "write https://…, or the option `cleartext: allowed` where the way there is protected otherwise",
        )
    return Address(parts.scheme, parts.hostname, port)


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refused(target: Target, why: str, hint: str) -> DeviceRefused:
    summary = f"the address of {target.device} for the driver napalm cannot be used: {why}"
    return DeviceRefused(Diagnostic("napalm-address", summary, f"device {target.device}, connect", hint=hint))
