"""Endpoints, service classes and demands as values: what the compiler and the verifier both start from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

from sdnctl.errors import Source
from sdnctl.quick import quick
from sdnctl.topology.graph import PortRef
from sdnctl.units import Bitrate, Delay, Octets

Prefix: TypeAlias = IPv4Network | IPv6Network


class Grade(StrEnum):
    """What a demand survives, exactly.

    `none`: nothing. `local`: any single link or SRLG, repaired in the switch. `node`: local, and the death
    of any transit switch. `disjoint`: local, plus a pre-installed standby path that shares no SRLG and
    no transit switch, flipped by the controller.
    """

    NONE = "none"
    LOCAL = "local"
    NODE = "node"
    DISJOINT = "disjoint"


class Service(StrEnum):
    """How the endpoints of an application meet.

    `line` is point to point and transparent (MEF E-Line); `tree` is hub and spokes (E-Tree), leaves never meet;
    `mesh` is any to any (E-LAN without broadcast). Trees and meshes tell frames apart by declared prefixes.
    """

    LINE = "line"
    TREE = "tree"
    MESH = "mesh"


@quick
@dataclass(frozen=True, slots=True)
class Behind:
    """A port of gear beside the switches, and the VLAN of the customer's frames there (None: untagged)."""

    device: str
    port: str
    vlan: int | None = None

    def __str__(self) -> str:
        return f"{self.device}:{self.port}" + ("" if self.vlan is None else f" VLAN {self.vlan}")


@quick
@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where customer gear is plugged in: a switch port, a VLAN on it or the whole port, and its addresses.

    `area` is that of its site (commune, district) or ""; `terminal` the connectorised strand at the customer's
    place, as written (``dr-0001:1``), or "". An endpoint `behind` a device is attached to the switch port that the
    device is plugged into; there its `vlan` is the tag that the compiler gives it (`compiler.tags`), None before.
    """

    id: str
    site: str
    attachment: PortRef
    kind: str
    vlan: int | None = None
    prefixes: tuple[Prefix, ...] = ()
    mac: int | None = None
    tags: frozenset[str] = frozenset()
    source: Source | None = None
    area: str = ""
    terminal: str = ""
    behind: Behind | None = None

    @property
    def place(self) -> PortRef | Behind:
        """What it shares with nobody but endpoints whose frames could be taken for its own."""
        return self.attachment if self.behind is None else self.behind

    @property
    def tagged(self) -> bool:
        """Whether its frames come in under a VLAN, its own or the one that it gets behind a device."""
        return self.vlan is not None or self.behind is not None


@dataclass(frozen=True, slots=True)
class ServiceClass:
    """How a class is treated: its place in the admission ladder (0 first), queue, MPLS TC and rate rules.

    `protected` classes are those that a plan may not interrupt without ``--allow-outage``.
    """

    name: str
    rank: int
    traffic_class: int  # MPLS TC, 0…7 (RFC 5462)
    queue: int
    dscp: int
    protected: bool = False
    latency: Delay | None = None
    source: Source | None = None


@quick
@dataclass(frozen=True, slots=True)
class Demand:
    """Traffic of one intent from one endpoint to another, one direction.

    `id` is ``application/ingress>egress``. `cir`/`eir` bit/s; `latency` µs one way or None; `avoid`
    holds link, switch, site and SRLG ids; `exclusive` demands share no trunk with other tenants.
    `reverse` is the id of the opposite direction, which takes the same path back, or "".
    `mtu` is the largest customer frame payload (L2 MTU, bytes) it must carry. `hub` is the id of the root of a
    tree, "" for others.
    """

    id: str
    application: str
    tenant: str
    service: Service
    service_class: str
    ingress: Endpoint
    egress: Endpoint
    cir: Bitrate
    eir: Bitrate
    grade: Grade
    latency: Delay | None = None
    avoid: frozenset[str] = frozenset()
    exclusive: bool = False
    reverse: str = ""
    mtu: Octets = Octets(1500)
    source: Source | None = None
    hub: str = ""

    @property
    def served(self) -> tuple[Endpoint, ...]:
        """The ends that the demand is there for: the leaf of a tree, both ends of lines and meshes."""
        return tuple(end for end in (self.ingress, self.egress) if end.id != self.hub)

    @property
    def areas(self) -> tuple[str, ...]:
        """The areas of those ends, each once, sorted."""
        return tuple(sorted({end.area for end in self.served}))
