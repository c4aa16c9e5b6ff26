"""What devices say of themselves and of what is plugged into them: values, compared with the inventory by `live`.

Names are those that the device uses. Whoever reads them (SNMP, NAPALM, NETCONF, discovery) leaves what it cannot
read empty or None, which means *not said* and never *not there*.
"""

from __future__ import annotations

from dataclasses import dataclass

from sdnctl.units import Power


@dataclass(frozen=True, slots=True)
class PortFact:
    """One port: `number` is the ifIndex or OpenFlow number, `up` whether it has light or link."""

    name: str
    number: int | None = None
    up: bool | None = None
    description: str = ""  # what a person wrote there: ifAlias


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Who is heard at a port, by LLDP: the other's system name (chassis id where it says none) and its port."""

    port: str
    device: str
    remote_port: str = ""
    chassis: str = ""  # chassis id, as text: a MAC address or what the other chose


@dataclass(frozen=True, slots=True)
class Transceiver:
    """The module in a port; powers in dBm, of the weakest lane where it has several."""

    port: str
    kind: str = ""  # what it calls itself: 10GBASE-LR, SFP-10G-LR, …
    vendor: str = ""
    part: str = ""
    serial: str = ""
    rx_power: Power | None = None
    tx_power: Power | None = None


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """All that one device says; `name` is its system name."""

    name: str = ""
    vendor: str = ""
    model: str = ""
    serial: str = ""
    version: str = ""
    ports: tuple[PortFact, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    transceivers: tuple[Transceiver, ...] = ()
