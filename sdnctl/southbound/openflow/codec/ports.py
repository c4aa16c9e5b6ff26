"""Ports: description, statistics, and status messages."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from sdnctl.southbound.openflow.codec.wire import ANY, Reader, Type, message

PORT_DOWN = 1 << 0  # OFPPC_PORT_DOWN: taken down by an administrator
LINK_DOWN, BLOCKED, LIVE = 1 << 0, 1 << 1, 1 << 2  # OFPPS_*

_PORT = Struct("!I4x6s2x16s8I")
_STATUS = Struct("!B7x")
_MOD = Struct("!I4x6s2xIII4x")
_STATS_REQUEST = Struct("!I4x")
_STATS = Struct("!I4x12QII")


class PortReason(IntEnum):
    """OFPPR_*: why a port status message was sent."""

    ADD = 0
    DELETE = 1
    MODIFY = 2


class PortDescription(NamedTuple):
    """One port; `speed` in kbit/s, 0 where unknown."""

    port: int
    mac: int
    name: str
    config: int
    state: int
    speed: int

    @property
    def up(self) -> bool:
        """Whether neither an administrator nor the link has it down."""
        return not self.config & PORT_DOWN and not self.state & LINK_DOWN

    @property
    def live(self) -> bool:
        """What a fast-failover group looks at; a lost BFD session clears it while the link is up."""
        return bool(self.state & LIVE)


class PortCounters(NamedTuple):
    """Counters of one port; those a switch does not keep are 0."""

    port: int
    rx_packets: int
    tx_packets: int
    rx_bytes: int
    tx_bytes: int
    rx_dropped: int
    tx_dropped: int


def encode_port(port: PortDescription) -> bytes:
    """One `ofp_port`, as a switch sends it."""
    name = port.name.encode()[:15]
    return _PORT.pack(
        port.port, port.mac.to_bytes(6, "big"), name, port.config, port.state, 0, 0, 0, 0, port.speed, port.speed
    )


def _port(reader: Reader) -> PortDescription:
    number, mac, name, config, state, _, _, _, _, speed, _ = reader.unpack(_PORT)
    text = name.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
    return PortDescription(number, int.from_bytes(mac, "big"), text, config, state, speed)


def decode_ports(body: bytes, base: int = 16) -> list[PortDescription]:
    """All entries of one part of a port description reply; raises Malformed."""
    reader = Reader("port description", body, base)
    ports = []
    while reader.position < reader.end:
        ports.append(_port(reader))
    return ports


def decode_port_status(body: bytes) -> tuple[int, PortDescription]:
    """Reason (`PortReason`) and port of a port status message; raises Malformed."""
    reader = Reader("port_status", body)
    (reason,) = reader.unpack(_STATUS)
    return reason, _port(reader)


def port_mod(xid: int, port: PortDescription, *, up: bool) -> bytes:
    """Take a port down, or give it back; its address has to be the one that the switch reports."""
    config = 0 if up else PORT_DOWN
    return message(Type.PORT_MOD, xid, _MOD.pack(port.port, port.mac.to_bytes(6, "big"), config, PORT_DOWN, 0))


def port_stats_request(port: int = ANY) -> bytes:
    """Body of a port statistics request; default all ports."""
    return _STATS_REQUEST.pack(port)


def decode_port_stats(body: bytes, base: int = 16) -> list[PortCounters]:
    """All entries of one part of a port statistics reply; raises Malformed."""
    reader = Reader("port statistics", body, base)
    entries = []
    unknown = (1 << 64) - 1  # what a switch reports for a counter that it does not keep
    while reader.position < reader.end:
        number, *counters = reader.unpack(_STATS)
        kept = [0 if value == unknown else value for value in counters[:8]]
        entries.append(PortCounters(number, kept[0], kept[1], kept[2], kept[3], kept[4], kept[5]))
    return entries
