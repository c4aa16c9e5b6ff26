"""Records become the inventory that NetBox holds, with every reference a name."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sdnctl.errors import Diagnostics, Source
from sdnctl.exchange.naming import clean
from sdnctl.exchange.netbox.model import Cable, Device, End, FrontPort, Interface, Inventory, Kind, RearPort, Site
from sdnctl.exchange.netbox.records import KNOWN, QUIET, Record

T = TypeVar("T")
_KINDS: tuple[Kind, ...] = ("interface", "frontport", "rearport")
_MODEL_OF: dict[str, str] = {"interface": "interfaces", "frontport": "front-ports", "rearport": "rear-ports"}
_WORD = {"rearport": "rear port", "frontport": "front port"}
METRES = {"km": 1000.0, "m": 1.0, "cm": 0.01, "mi": 1609.344, "ft": 0.3048, "in": 0.0254, "": 1.0}
_SPELLED = {
    "kilometer": "km",
    "meter": "m",
    "centimeter": "cm",
    "mile": "mi",
    "feet": "ft",
    "foot": "ft",
    "inche": "in",
}
_MEASURE = re.compile(r"([\d.\s]*\d)\s*([A-Za-z]*)\Z")
_KILOBITS = {"": 1.0, "k": 1.0, "m": 1e3, "g": 1e6, "t": 1e9}
_SHOWN_TYPE = re.compile(r"\((\d+)GE\)")
"""How a list on the screen names a type of interface: ``SFP+ (10GE)``."""


@dataclass
class Reading:
    """The inventory, where each of its objects stands, and how many of each model were not read."""

    inventory: Inventory = field(default_factory=Inventory)
    sources: dict[tuple[str, ...], Source] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)


def read_inventory(records: Mapping[str, Sequence[Record]], out: Diagnostics) -> Reading:
    """The inventory in records; what refers to nothing is reported and left out."""
    return _Reader(records, out).read()


class _Reader:
    def __init__(self, records: Mapping[str, Sequence[Record]], out: Diagnostics) -> None:
        self.records, self.out = records, out
        self.made = Reading()
        self.by_id: dict[tuple[str, int], Record] = {}
        for model, found in records.items():
            for record in found:
                number = record.values.get("id")
                if isinstance(number, str) and number.isdecimal() and len(number) < 16:
                    number = int(number)
                if isinstance(number, int):
                    self.by_id[model, number] = record

    def read(self) -> Reading:
        inventory = self.made.inventory
        for record in self.records.get("sites", ()):
            self._add("site", inventory.sites, self._site(record), record, lambda one: (one.name,))
        for record in self.records.get("devices", ()):
            self._add("device", inventory.devices, self._device(record), record, lambda one: (one.name,))
        for record in self.records.get("interfaces", ()):
            self._add("interface", inventory.interfaces, self._interface(record), record, _port)
        for record in self.records.get("rear-ports", ()):
            self._add("rearport", inventory.rear_ports, self._rear(record), record, _port)
        for record in self.records.get("front-ports", ()):
            self._add("frontport", inventory.front_ports, self._front(record), record, _port)
        for record in self.records.get("cables", ()):
            self._cable(record)
        for model, found in self.records.items():
            if model not in (*KNOWN, *QUIET):
                self.made.skipped[clean(model, 40)] = len(found)
        return self.made

    def _add(self, kind: str, into: list[T], one: T | None, record: Record, key: Any) -> None:
        if one is None:
            return
        name: tuple[str, ...] = (kind, *key(one))
        first = self.made.sources.setdefault(name, source := record.source)
        if first is not source:
            summary = f"{kind} {' '.join(name[1:])} is there twice"
            self._error(record, "duplicate-name", summary, f"First at {first}.")
            return
        into.append(one)

    def _error(self, record: Record, code: str, summary: str, detail: str = "") -> None:
        self.out.error(code, clean(summary), source=record.source, detail=detail, hint="Correct it in NetBox.")

    # ── values ───────────────────────────────────────────────────────────────────────────────────

    def _text(self, record: Record, key: str, longest: int = 200) -> str:
        value = _plain(record.values.get(key))
        return clean(str(value), longest) if isinstance(value, str | int | float) else ""

    def _named(self, record: Record, key: str, model: str) -> str:
        """The name behind a reference: a name, an object with one, or an id."""
        value = record.values.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            other = self.by_id.get((model, value))
            return self._own_name(other) if other is not None else ""
        if isinstance(value, Mapping):
            for name in ("name", "model", "display", "slug"):
                if isinstance(value.get(name), str):
                    return clean(value[name])
            number = value.get("id")
            other = self.by_id.get((model, number)) if isinstance(number, int) else None
            return self._own_name(other) if other is not None else ""
        return clean(value) if isinstance(value, str) else ""

    def _own_name(self, record: Record) -> str:
        return (
            self._text(record, "name")
            or self._text(record, "display")
            or f"unnamed-{record.values.get('id', record.line)}"
        )

    def _number(self, record: Record, key: str) -> float | None:
        value = _plain(record.values.get(key))
        if value is None or value == "" or isinstance(value, bool):
            return None
        try:
            number = float(value) if isinstance(value, str | int | float) else math.nan
        except (ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number) or abs(number) > 1e12:
            self._error(record, "bad-value", f"{key}: {clean(str(value), 40)!r} is no number")
            return None
        return number

    def _measure(self, record: Record, key: str, scale: Callable[[str], float | None]) -> float | None:
        """A number, perhaps with a unit (``12.5 Kilometers``), times what `scale` makes of that; None for none."""
        value = _plain(record.values.get(key))
        match = _MEASURE.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            number, unit = self._number(record, key), ""
        else:
            inner = Record(record.file, record.line, {key: "".join(match[1].split())})
            number, unit = self._number(inner, key), match[2]
        factor = scale(unit)
        return number * factor if number is not None and factor is not None and number >= 0 else None

    # ── objects ──────────────────────────────────────────────────────────────────────────────────

    def _site(self, record: Record) -> Site:
        latitude, longitude = self._number(record, "latitude"), self._number(record, "longitude")
        if (latitude is not None and not -90 <= latitude <= 90) or (
            longitude is not None and not -180 <= longitude <= 180
        ):
            self._error(record, "bad-value", f"{latitude}, {longitude} is no position")
            latitude = longitude = None
        return Site(
            self._own_name(record),
            self._text(record, "slug"),
            self._text(record, "status").lower() or "active",
            self._text(record, "facility"),
            latitude,
            longitude,
            self._text(record, "description"),
            _lines(record.values.get("comments")),
        )

    def _device(self, record: Record) -> Device | None:
        site = self._named(record, "site", "sites")
        name = self._own_name(record)
        if not self._there(record, ("site", site), f"device {name}", f"site {site}"):
            return None
        role = self._named(record, "role", "device-roles") or self._named(record, "device_role", "device-roles")
        return Device(
            name,
            site,
            role,
            self._named(record, "device_type", "device-types"),
            status=self._text(record, "status").lower() or "active",
            description=self._text(record, "description"),
            comments=_lines(record.values.get("comments")),
        )

    def _there(self, record: Record, key: tuple[str, ...], what: str, other: str) -> bool:
        if key in self.made.sources:
            return True
        fault = f"refers to {other}, which is not there" if key[-1] else f"names no {_WORD.get(key[0], key[0])}"
        self._error(record, "dangling-reference", f"{what} {fault}")
        return False

    def _of_device(self, record: Record) -> str | None:
        device = self._named(record, "device", "devices")
        there = self._there(record, ("device", device), f"port {self._own_name(record)}", f"device {device}")
        return device if there else None

    def _interface(self, record: Record) -> Interface | None:
        device = self._of_device(record)
        if device is None:
            return None
        kind, mtu = self._text(record, "type") or "other", self._number(record, "mtu")
        speed = self._measure(record, "speed", _kilobits)
        shown = _SHOWN_TYPE.search(kind)
        if speed is None and shown is not None:
            speed = 1e6 * int(shown[1])
        enabled = str(_plain(record.values.get("enabled", True))).lower() not in ("false", "0", "no")
        return Interface(
            device,
            self._own_name(record),
            kind,
            int(speed) if speed is not None and speed > 0 else None,
            int(mtu) if mtu is not None and mtu > 0 else None,
            enabled,
            self._text(record, "description"),
        )

    def _rear(self, record: Record) -> RearPort | None:
        device = self._of_device(record)
        positions = self._number(record, "positions")
        if device is None:
            return None
        return RearPort(device, self._own_name(record), self._text(record, "type"), int(positions or 1))

    def _front(self, record: Record) -> FrontPort | None:
        device = self._of_device(record)
        if device is None:
            return None
        values = record.values
        position = self._number(record, "rear_port_position")
        rear = self._named(record, "rear_port", "rear-ports")
        mapped = values.get("rear_ports")
        if (
            isinstance(mapped, Sequence)
            and not isinstance(mapped, str)
            and mapped
            and isinstance(mapped[0], Mapping)
        ):
            inner = Record(record.file, record.line, mapped[0])  # 4.5 and later: positions of several rear ports
            position, rear = (
                self._number(inner, "rear_port_position"),
                self._named(inner, "rear_port", "rear-ports"),
            )
        name = self._own_name(record)
        if not self._there(record, ("rearport", device, rear), f"front port {device} {name}", f"rear port {rear}"):
            return None
        return FrontPort(device, name, self._text(record, "type"), rear, int(position or 1))

    # ── cables ───────────────────────────────────────────────────────────────────────────────────

    def _cable(self, record: Record) -> None:
        sides = self._side(record, "a"), self._side(record, "b")
        if any(side is None for side in sides):
            return
        a, b = cast("tuple[tuple[End, ...], tuple[End, ...]]", sides)
        if not a or not b:
            return  # power, console, circuits: counted by the caller as what has no ends of ours
        length = self._measure(
            record, "length", lambda unit: METRES.get(_unit(unit or self._text(record, "length_unit")))
        )
        self.made.inventory.cables.append(
            Cable(a, b, self._text(record, "label"), status=self._text(record, "status").lower(), length=length)
        )
        self.made.sources["cable", str(len(self.made.inventory.cables) - 1)] = record.source

    def _side(self, record: Record, side: str) -> tuple[End, ...] | None:
        """Ends of a side: empty where they are no ports of ours, None where they are not there."""
        values = record.values
        listed = values.get(f"{side}_terminations")
        if isinstance(listed, Sequence) and not isinstance(listed, str):
            found = [self._termination(record, one) for one in listed]
            if any(one is None for one in found):
                return None
            return tuple(one for one in found if isinstance(one, End))
        kind = self._text(record, f"side_{side}_type").rpartition(".")[2]
        if f"termination_{side}_id" in values:  # tables of exports made by templates
            kind, number = (
                self._text(record, f"termination_{side}_type"),
                self._number(record, f"termination_{side}_id"),
            )
            named = self._termination(record, {"object_type": kind, "object_id": int(number or 0)})
            return None if named is None else (named,) if isinstance(named, End) else ()
        if f"termination_{side}" in values:
            return self._shown(record, side)
        if kind not in _MODEL_OF:
            return ()
        end = End(
            self._text(record, f"side_{side}_device"), cast(Kind, kind), self._text(record, f"side_{side}_name")
        )
        return (end,) if self._known_end(record, end) else None

    def _shown(self, record: Record, side: str) -> tuple[End, ...]:
        """Ends as a list on the screen has them: devices, and names of ports, several with commas between.

        A name in no table of ports is power, console or a circuit, or was not exported: the cable is left out.
        """
        whole, names = self._text(record, f"device_{side}"), self._text(record, f"termination_{side}", 10_000)
        devices = [whole] if ("device", whole) in self.made.sources else [one.strip() for one in whole.split(",")]
        found = self._ports(devices, names)
        if found is None:
            split = [self._ports(devices, name.strip()) for name in names.split(",")]
            found = tuple(end for ends in split if ends for end in ends) if all(split) else None
        if found is None:
            summary = f"a cable ends at {whole} {names}, which is in no table of ports; it is left out"
            self.out.warning("cable-left-out", clean(summary), source=record.source,
                             hint="Export interfaces, front and rear ports, too.")  # fmt: skip
            return ()
        if len({end.kind for end in found}) > 1:
            self._error(record, "ambiguous-end", f"{whole} has ports of several kinds called {names}")
            return ()
        return found

    def _ports(self, devices: Sequence[str], name: str) -> tuple[End, ...] | None:
        """Every port of one of these devices that is called so, with or without its label; None where none is."""
        short = name.rpartition(" (")[0] if name.endswith(")") else ""
        for called in (name, short):
            found = tuple(
                End(device, kind, called)
                for device in devices
                for kind in _KINDS
                if called and (kind, device, called) in self.made.sources
            )
            if found:
                return found
        return None

    def _termination(self, record: Record, one: Any) -> End | str | None:
        kind = str(one.get("object_type", "")).rpartition(".")[2] if isinstance(one, Mapping) else ""
        if kind not in _MODEL_OF:
            return "other"
        number = one.get("object_id")
        other = self.by_id.get((_MODEL_OF[kind], number)) if isinstance(number, int) else None
        if other is None and isinstance(one.get("object"), Mapping):
            other = Record(record.file, record.line, one["object"])
        if other is None:
            self._error(
                record, "dangling-reference", f"a cable ends at {kind} {clean(str(number), 20)}, not there"
            )
            return None
        end = End(self._named(other, "device", "devices"), cast(Kind, kind), self._own_name(other))
        return end if self._known_end(record, end) else None

    def _known_end(self, record: Record, end: End) -> bool:
        what = f"{end.kind} {end.device} {end.name}"
        return self._there(record, (end.kind, end.device, end.name), "a cable", what)


def _unit(text: str) -> str:
    """A unit of length by its sign: ``Kilometers`` → ``km``."""
    word = text.lower()
    return _SPELLED.get(word.removesuffix("s"), word)


def _kilobits(unit: str) -> float | None:
    """``Gbps``, ``Gbit`` → kbit/s of one of them."""
    return _KILOBITS.get(unit.lower().removesuffix("bps").removesuffix("bit"))


def _port(one: Any) -> tuple[str, str]:
    return one.device, one.name


def _plain(value: Any) -> Any:
    """A choice as the API gives it (``{"value": "active", "label": "Active"}``) as its value."""
    return value.get("value", value.get("slug", value.get("name"))) if isinstance(value, Mapping) else value


def _lines(value: Any) -> str:
    return "\n".join(clean(line) for line in value.splitlines()[:100]) if isinstance(value, str) else ""
