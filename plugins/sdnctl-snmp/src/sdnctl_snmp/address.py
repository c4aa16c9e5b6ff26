"""Addresses of agents: ``udp:192.0.2.7``, ``udp:192.0.2.7:1161``, ``udp:[2001:db8::7]:161``, ``udp:NAME``."""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import dataclass

from sdnctl.errors import DeviceError, Diagnostic
from sdnctl.southbound.device_faults import unreachable

AGENT_PORT = 161
_ADDRESS = re.compile(r"udp:(?:\[(?P<six>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^\s:\[\]]+))(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Address:
    """A host, as name or address, and a UDP port."""

    host: str
    port: int


def parse(text: str, device: str, default_port: int = AGENT_PORT) -> Address:
    """Read an address; raises DeviceError that says how it is written."""
    match = _ADDRESS.fullmatch(text)
    port = int(match["port"] or default_port) if match is not None else 0
    if match is None or not 0 < port < 65536:
        raise DeviceError(
            Diagnostic(
                "bad-address",
                f"{text!r} is not an address for SNMP",
                f"device {device}",
                hint="write udp:192.0.2.7, udp:192.0.2.7:161 or udp:[2001:db8::7]:161",
            )
        )
    return Address(match["six"] or match["host"], port)


async def resolve(address: Address, device: str) -> str:
    """The first IP address of a host; raises DeviceUnreachable where its name is not known."""
    return (await resolve_all(address, device))[0]


async def resolve_all(address: Address, device: str) -> tuple[str, ...]:
    """All IP addresses of a host, in the order in which they are to be tried."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise unreachable(device, "connect", f"{address.host}: {error.strerror or error}") from error
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
