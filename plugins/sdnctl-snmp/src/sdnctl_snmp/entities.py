"""What is plugged into what (ENTITY-MIB), and the light that sensors measure (ENTITY-SENSOR-MIB, RFC 3433). Pure.

A sensor stands for a port through what contains it: the first container that is an interface
(`entAliasMappingIdentifier`), or whose name is one. Agents say power in watts with a scale, or in dBm with a unit
text or Cisco's type; whether it is received or sent is in the sensor's name only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import log10
from typing import Literal, TypeAlias

from sdnctl.southbound.facts import Transceiver
from sdnctl.units import Power
from sdnctl_snmp import oids
from sdnctl_snmp.values import Value, number, signed, text

Table: TypeAlias = Mapping[str, Value]
"""One column by index."""
Direction: TypeAlias = Literal["rx", "tx"]

NO_LIGHT = Power(-40.0)
"""dBm; what transceivers report below this, or as no power at all, is the same: dark."""
_CHASSIS = 3  # PhysicalClass (RFC 6933)
_MODULE, _PORT = 9, 10
_WATTS, _CISCO_DBM = 6, 14  # EntitySensorDataType, and Cisco's SensorDataType
_OK = 1  # EntitySensorStatus
_DEEP = 16  # containers above a sensor; more is a loop
# EntitySensorDataScale: exa(14) is 10^15 in the MIB, and so on upwards.
_SCALES = {scale: 3 * (scale - 9) for scale in range(1, 14)} | {14: 15, 15: 18, 16: 21, 17: 24}
_RX = re.compile(r"\b(rx|rcv|receive[ds]?|receiver|input)\b", re.IGNORECASE)
_TX = re.compile(r"\b(tx|transmit(?:ted|s|ter)?|output|launch|laser)\b", re.IGNORECASE)
_WORDS = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Chassis:
    """What the device itself is."""

    vendor: str = ""
    model: str = ""
    serial: str = ""
    software: str = ""


@dataclass(frozen=True)
class Entities:
    """entPhysicalTable, by column, and which entity is which interface (by ifIndex)."""

    columns: Mapping[str, Table]
    interfaces: Mapping[str, int]

    def chassis(self) -> Chassis:
        """The first entity of class chassis; empty where the agent names none."""
        for index in sorted(self.columns.get(oids.ENT_CLASS, {}), key=_order):
            if self._class(index) == _CHASSIS:
                return Chassis(
                    self._text(oids.ENT_VENDOR, index),
                    self._text(oids.ENT_MODEL, index),
                    self._text(oids.ENT_SERIAL, index),
                    self._text(oids.ENT_SOFTWARE, index),
                )
        return Chassis()

    def port_of(self, index: str, names: Mapping[int, str]) -> str | None:
        """The interface that an entity is, or is plugged into."""
        known = set(names.values())
        for above in self._upwards(index):
            if (interface := self.interfaces.get(above)) is not None and interface in names:
                return names[interface]
            if (name := self._text(oids.ENT_NAME, above)) in known:
                return name
        return None

    def modules(self, names: Mapping[int, str]) -> Iterator[Transceiver]:
        """What is plugged into ports: entities of class module that are in a port, or stand for one."""
        for index in self.columns.get(oids.ENT_CLASS, {}):
            kind, part = self._class(index), self._text(oids.ENT_MODEL, index)
            serial = self._text(oids.ENT_SERIAL, index)
            if kind in (_MODULE, _PORT) and (part or serial) and (port := self.port_of(index, names)):
                yield Transceiver(
                    port,
                    self._text(oids.ENT_DESCR, index),
                    self._text(oids.ENT_VENDOR, index),
                    part,
                    serial,
                )

    def label(self, index: str) -> str:
        """What an entity calls itself: name and description."""
        return f"{self._text(oids.ENT_NAME, index)} {self._text(oids.ENT_DESCR, index)}"

    def _upwards(self, index: str) -> Iterator[str]:
        for _ in range(_DEEP):
            yield index
            above = number(self.columns.get(oids.ENT_CONTAINED_IN, {}).get(index), 31)
            if not above:
                return
            index = str(above)

    def _class(self, index: str) -> int | None:
        return number(self.columns[oids.ENT_CLASS].get(index), 31)

    def _text(self, column: str, index: str) -> str:
        return text(self.columns.get(column, {}).get(index))


def interfaces_of(aliases: Table) -> Mapping[str, int]:
    """entAliasMappingTable: entity → ifIndex; mappings to anything but interfaces are left out."""
    found: dict[str, int] = {}
    for index, identifier in sorted(aliases.items()):
        below = oids.under(identifier, oids.IF_INDEX) if isinstance(identifier, str) else None
        if below is not None and below.isdecimal():
            found.setdefault(index.partition(".")[0], int(below))
    return found


def optical_levels(
    sensors: Table, entities: Entities, names: Mapping[int, str]
) -> Mapping[str, Mapping[Direction, Power]]:
    """Port → power in dBm, received and sent, of lanes the weakest; `sensors` by what follows the entry."""
    levels: dict[str, dict[Direction, Power]] = {}
    for index in sorted({key.partition(".")[2] for key in sensors}, key=_order):
        column = {number: sensors.get(f"{number}.{index}") for number in range(1, 7)}
        label = entities.label(index)
        power, way = power_of(column, label), direction(label)
        port = entities.port_of(index, names) if power is not None and way is not None else None
        if power is None or way is None or port is None:
            continue
        of_port = levels.setdefault(port, {})
        of_port[way] = min(of_port.get(way, power), power)
    return levels


def power_of(column: Mapping[int, Value], label: str = "") -> Power | None:
    """Optical power in dBm from the columns type, scale, precision, value, status, unit; None where it is none.

    The value is an integer with `precision` digits behind the point, in units of `scale`. Electrical power is in
    watts too: only sensors that say that they are optical, by name or by a power below 1 W, are taken.
    """
    kind, scale, digits, value, status = (signed(column.get(place)) for place in range(1, 6))
    if value is None or status != _OK or abs(value) >= 10**9:  # ±10⁹: out of the sensor's range
        return None
    exponent = _SCALES.get(scale if scale is not None else 9)
    if exponent is None or not -8 <= (digits or 0) <= 9:
        return None
    real = value * 10.0 ** (exponent - max(digits or 0, 0))
    if kind == _CISCO_DBM or text(column.get(6)).lower() == "dbm":
        return Power(max(real, NO_LIGHT)) if real < 40 else None  # 10 W is no transceiver
    if kind == _WATTS and real < 1 and direction(label) is not None:
        return dbm(real)
    return None


def dbm(watts: float) -> Power:
    """10·log₁₀ of the power in mW; no power at all is `NO_LIGHT`."""
    return Power(max(10 * log10(1000 * watts), NO_LIGHT)) if watts > 0 else NO_LIGHT


def direction(label: str) -> Direction | None:
    """What a sensor's name says that it measures; None where it says neither, or both."""
    words = " ".join(_WORDS.split(label))
    rx, tx = _RX.search(words), _TX.search(words)
    if (rx is None) == (tx is None):
        return None
    return "rx" if rx is not None else "tx"


def transceivers(
    modules: Iterable[Transceiver], levels: Mapping[str, Mapping[Direction, Power]]
) -> tuple[Transceiver, ...]:
    """Modules with their light; a port with light of which no module is known has one without a name."""
    by_port = {module.port: module for module in modules}
    for port in levels:
        by_port.setdefault(port, Transceiver(port))
    return tuple(
        Transceiver(
            port,
            module.kind,
            module.vendor,
            module.part,
            module.serial,
            levels.get(port, {}).get("rx"),
            levels.get(port, {}).get("tx"),
        )
        for port, module in sorted(by_port.items())
    )


def _order(index: str) -> tuple[int, ...]:
    return tuple(int(part) for part in index.split(".") if part.isdecimal())
