"""NAPALM's getters as sdnctl's values: facts, neighbours, optics, counters.

A getter that the platform does not have leaves its part empty; what a getter says in a form of its own (zero for
*not said*, -1 for *not counted*) is left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Protocol

from sdnctl.southbound.base import Counters, PortState
from sdnctl.southbound.facts import DeviceFacts, Neighbour, PortFact, Transceiver
from sdnctl.units import Power

LOWEST, HIGHEST = -60.0, 30.0
"""dBm: what is outside was not measured."""


class Getters(Protocol):
    """What answers NAPALM's getters; None where the platform has none of this name."""

    def get(self, getter: str) -> Any: ...


def read_facts(device: Getters) -> DeviceFacts:
    """Everything that NAPALM knows of a device; raises DeviceError where it does not answer."""
    facts = _mapping(device.get("get_facts"))
    return DeviceFacts(
        name=_text(facts.get("hostname")),
        vendor=_text(facts.get("vendor")),
        model=_text(facts.get("model")),
        serial=_text(facts.get("serial_number")),
        version=_text(facts.get("os_version")),
        ports=ports_of(device.get("get_interfaces")),
        neighbours=_neighbours(device),
        transceivers=transceivers_of(device.get("get_optics")),
    )


def ports_of(interfaces: object) -> tuple[PortFact, ...]:
    """From `get_interfaces`."""
    found = _mapping(interfaces)
    return tuple(
        PortFact(name, up=_flag(values.get("is_up")), description=_text(values.get("description")))
        for name, values in sorted(found.items(), key=lambda item: natural(item[0]))
        if isinstance(values, Mapping)
    )


def neighbours_of(detail: object) -> tuple[Neighbour, ...]:
    """From `get_lldp_neighbors_detail`, or `get_lldp_neighbors` with its shorter names."""
    found = []
    for port, heard in sorted(_mapping(detail).items(), key=lambda item: natural(item[0])):
        for one in _list(heard):
            if isinstance(one, Mapping):
                chassis = _text(one.get("remote_chassis_id"))
                name = _text(one.get("remote_system_name")) or _text(one.get("hostname")) or chassis
                remote = _text(one.get("remote_port")) or _text(one.get("port"))
                found.append(Neighbour(port, name, remote, chassis))
    return tuple(found)


def transceivers_of(optics: object) -> tuple[Transceiver, ...]:
    """From `get_optics`: of several lanes the weakest counts.

    NAPALM writes 0.0 for a power that the device did not tell. A power of exactly 1 mW is therefore taken for not
    told as well.
    """
    found = []
    for port, values in sorted(_mapping(optics).items(), key=lambda item: natural(item[0])):
        channels = _mapping(_mapping(values).get("physical_channels")).get("channel")
        states = [_mapping(_mapping(one).get("state")) for one in _list(channels)]
        received = [power for state in states if (power := _power(state.get("input_power"))) is not None]
        sent = [power for state in states if (power := _power(state.get("output_power"))) is not None]
        if received or sent:
            found.append(Transceiver(port, rx_power=min(received, default=None), tx_power=min(sent, default=None)))
    return tuple(found)


def read_counters(device: Getters) -> Counters:
    """Ports by their place in natural order, from 1: NAPALM tells no numbers."""
    interfaces = _mapping(device.get("get_interfaces"))
    counted = _mapping(device.get("get_interfaces_counters"))
    ports = {}
    for number, name in enumerate(sorted(interfaces, key=natural), 1):
        of_port = _mapping(counted.get(name))
        ports[number] = PortState(
            port=number,
            name=name,
            up=_flag(_mapping(interfaces[name]).get("is_up")) is True,
            rx_packets=sum(
                _count(of_port.get(f"rx_{kind}_packets")) for kind in ("unicast", "multicast", "broadcast")
            ),
            tx_packets=sum(
                _count(of_port.get(f"tx_{kind}_packets")) for kind in ("unicast", "multicast", "broadcast")
            ),
            rx_bytes=_count(of_port.get("rx_octets")),
            tx_bytes=_count(of_port.get("tx_octets")),
            rx_dropped=_count(of_port.get("rx_discards")),
            tx_dropped=_count(of_port.get("tx_discards")),
        )
    return Counters(ports)


def natural(name: str) -> list[tuple[int, str]]:
    """Sorts ``Ethernet10`` behind ``Ethernet9``."""
    return [(int(part[:18]), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _neighbours(device: Getters) -> tuple[Neighbour, ...]:
    detail = device.get("get_lldp_neighbors_detail")
    return neighbours_of(detail if detail is not None else device.get("get_lldp_neighbors"))


def _mapping(value: object) -> Mapping[str, Any]:
    """A mapping with text as keys: whatever else a device made of it is left out."""
    if not isinstance(value, Mapping):
        return {}
    return {key: item for key, item in value.items() if isinstance(key, str)}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _count(value: object) -> int:
    return value if type(value) is int and value > 0 else 0


def _power(value: object) -> Power | None:
    instant = _mapping(value).get("instant")
    if isinstance(instant, bool) or not isinstance(instant, (int, float)):
        return None
    told = math.isfinite(instant) and instant != 0.0 and LOWEST <= instant <= HIGHEST
    return Power(float(instant)) if told else None
