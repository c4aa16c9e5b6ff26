"""The answer to `whatif`, as values: what is hit, what becomes of services and why, what is spliced first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sdnctl.drawing.scene import Event as Outcome
from sdnctl.inventory.colours import Mark
from sdnctl.inventory.plant import Point

FATES = ("repaired", "standby", "lost", "cut off")
"""What becomes of a demand, best first.

It is `repaired` by a bypass in the switches, waits for a flip to its `standby` path, is `lost` until the
controller finds another path, or `cut off`: there is none, or its own line or switch is gone.
"""
OUT_OF_SERVICE = frozenset({"lost", "cut off"})


@dataclass(frozen=True, slots=True)
class CableHit:
    """A cable that is hit: strands that are, those of them with light, and where along its sheath (from, to)."""

    cable: str
    owner: str
    manager: str
    strands: int
    capacity: int
    lit: int
    stretches: tuple[tuple[float, float], ...]
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServiceHit:
    """One application under the event: how many demands run over it, and how many of them fare how."""

    application: str
    service_class: str
    rank: int
    tenant: str
    owner: str
    demands: int
    fares: Mapping[str, int]

    @property
    def worst(self) -> str:
        return next(fate for fate in reversed(FATES) if self.fares[fate])

    @property
    def without_service(self) -> int:
        return self.fares["lost"] + self.fares["cut off"]


@dataclass(frozen=True, slots=True)
class Rescue:
    """Why demands survive: by which bypass (of which link) or on which standby path."""

    how: str
    link: str
    path: tuple[str, ...]
    label: int | None
    demands: int
    applications: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tube:
    """A tube to splice, and why it stands where it does in the order.

    `first_class`: for whose sake it is next. With it, all before it being spliced, `without_service` demands are
    served again, and `unprotected` more are back on their own paths.
    """

    cable: str
    tube: Mark
    strands: tuple[int, ...]
    users: tuple[str, ...]
    first_class: str
    without_service: int
    unprotected: int


@dataclass(frozen=True, slots=True)
class Answer:
    """All that an event does.

    `unused`: links that are hit but carry nothing (planned, out of budget, …). `besides`: gear that is gone, too;
    what comes back with tubes comes back when that is mended. `owners`: who has what of theirs
    hit. `modes`: segment → how it is built, and what happened to it. `blocked`: duct → cables in
    it, which are not hurt.
    """

    what: tuple[str, ...]
    points: Mapping[str, Point]
    hit: Mapping[str, tuple[str, ...]]
    cables: tuple[CableHit, ...]
    links: tuple[str, ...]
    unused: tuple[str, ...]
    lines: tuple[str, ...]
    outcome: Outcome
    trunks: Mapping[str, tuple[str, ...]]
    services: tuple[ServiceHit, ...]
    rescues: tuple[Rescue, ...]
    tubes: tuple[Tube, ...]
    besides: tuple[str, ...]
    dark_tubes: int
    owners: Mapping[str, tuple[str, ...]]
    modes: Mapping[str, str]
    blocked: Mapping[str, tuple[str, ...]]

    @property
    def strands(self) -> int:
        return sum(cable.strands for cable in self.cables)

    @property
    def lit(self) -> int:
        return sum(cable.lit for cable in self.cables)
