"""What NetBox holds of a network, by name, as both its formats say it.

Names are the keys: of a site its name, of a device its name, of a port its device and name. Lengths are metres,
speeds kbit/s (as NetBox has them), positions degrees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["interface", "frontport", "rearport"]
POSITIONS = 1024
"""The most positions that a rear port may have."""
NAME, DESCRIPTION, LABEL = 64, 200, 100
"""Longest names of devices and ports, descriptions, and labels of cables."""

SITE_STATUS: Mapping[str, str] = {
    "planned": "planned",
    "under-works": "staging",
    "in-service": "active",
    "out-of-order": "active",
    "abandoned": "retired",
}
DEVICE_STATUS: Mapping[str, str] = {
    "planned": "planned",
    "under-works": "staged",
    "in-service": "active",
    "out-of-order": "failed",
    "abandoned": "decommissioning",
}
CABLE_STATUS: Mapping[str, str] = {
    "planned": "planned",
    "under-works": "planned",
    "in-service": "connected",
    "out-of-order": "connected",
    "abandoned": "decommissioning",
}
"""Our life cycle → theirs. Sites and cables know nothing out of order there; the comments keep our word."""

INTERFACE_TYPES: tuple[tuple[int, str], ...] = (
    (1_000_000, "1000base-x-sfp"),
    (10_000_000, "10gbase-x-sfpp"),
    (25_000_000, "25gbase-x-sfp28"),
    (40_000_000, "40gbase-x-qsfpp"),
    (100_000_000, "100gbase-x-qsfp28"),
    (200_000_000, "200gbase-x-qsfp56"),
    (400_000_000, "400gbase-x-qsfpdd"),
)
"""kbit/s → the form that carries it over glass."""
PORT_TYPES = frozenset(
    {"fc", "fc-apc", "lc", "lc-apc", "lc-pc", "lc-upc", "sc", "sc-apc", "sc-pc", "sc-upc", "st", "mpo"}
)
"""Types of front and rear ports that our connectors may be; others are `other`."""


@dataclass(slots=True)
class Site:
    name: str
    slug: str
    status: str = "active"
    facility: str = ""
    latitude: float | None = None
    longitude: float | None = None
    description: str = ""
    comments: str = ""


@dataclass(slots=True)
class Device:
    name: str
    site: str
    role: str
    type: str
    manufacturer: str = "generic"
    status: str = "active"
    description: str = ""
    comments: str = ""


@dataclass(slots=True)
class Interface:
    device: str
    name: str
    type: str = "other"
    speed: int | None = None
    mtu: int | None = None
    enabled: bool = True
    description: str = ""


@dataclass(slots=True)
class RearPort:
    device: str
    name: str
    type: str
    positions: int
    description: str = ""


@dataclass(slots=True)
class FrontPort:
    device: str
    name: str
    type: str
    rear_port: str
    position: int
    description: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """One termination of a cable."""

    device: str
    kind: Kind
    name: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.device, self.kind, self.name


@dataclass(slots=True)
class Cable:
    """`a` and `b` have one end each, or several (a pair of strands into one port)."""

    a: tuple[End, ...]
    b: tuple[End, ...]
    label: str = ""
    type: str = "smf"
    status: str = "connected"
    length: float | None = None
    description: str = ""


@dataclass(slots=True)
class Inventory:
    """Everything, each list in the order in which it is written."""

    sites: list[Site] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    interfaces: list[Interface] = field(default_factory=list)
    rear_ports: list[RearPort] = field(default_factory=list)
    front_ports: list[FrontPort] = field(default_factory=list)
    cables: list[Cable] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        return {
            "sites": len(self.sites),
            "devices": len(self.devices),
            "interfaces": len(self.interfaces),
            "rear ports": len(self.rear_ports),
            "front ports": len(self.front_ports),
            "cables": len(self.cables),
        }


def interface_type(kilobits: int | None) -> str:
    """The form of a port by its speed; `other` where nothing fits."""
    return dict(INTERFACE_TYPES).get(kilobits or 0, "other")


def slug(text: str) -> str:
    """A slug as NetBox wants it (``[-a-zA-Z0-9_]+``), from an id."""
    return "".join(
        character if (character.isalnum() and character.isascii()) or character in "-_" else "-"
        for character in text
    )


class Numbers:
    """Numbers for names: the same name has the same number every time, whatever else there is.

    They are taken from a hash of the name, so that a new object changes no other's number.
    """

    def __init__(self) -> None:
        self._taken: dict[int, tuple[str, ...]] = {}
        self._of: dict[tuple[str, ...], int] = {}

    def of(self, *name: str) -> int:
        if name in self._of:
            return self._of[name]
        digest = hashlib.sha256("\0".join(name).encode("utf-8", "surrogatepass")).digest()
        number = int.from_bytes(digest[:4], "big") >> 1 or 1
        while self._taken.setdefault(number, name) != name:
            number = number % 0x7FFFFFFF + 1
        self._of[name] = number
        return number


class Names:
    """Names of devices: their ids, told apart where a switch and a frame have the same one."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], str] = {}
        self._taken: set[str] = set()

    def of(self, kind: str, name: str) -> str:
        key = kind, name
        if key not in self._of:
            unique = name if name not in self._taken else f"{name[:50]} ({kind})"
            self._taken.add(unique)
            self._of[key] = unique
        return self._of[key]
