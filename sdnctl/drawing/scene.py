"""What a map shows, as plain values: things with positions, what runs over them, and what each cut takes down.

`gather` makes a `Scene` of a plant and a compiled network; `page` writes it as HTML, `sheet` lays it out on paper.
Positions are longitude and latitude (WGS 84), lengths metres, rates bit/s, delays µs, losses dB.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]
Line: TypeAlias = tuple[Point, ...]

FATES = ("repaired", "standby", "lost", "severed")
"""What becomes of a demand, best first; see `Event`."""


@dataclass(frozen=True, slots=True)
class Area:
    """A commune or district: its outer rings, and places inside it for its name, the best first."""

    name: str
    rings: tuple[Line, ...]
    spots: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Zone:
    """A hazard zone; `ring` is closed or not."""

    id: str
    kind: str
    name: str
    ring: Line


@dataclass(frozen=True, slots=True)
class Site:
    """A building or cabinet. `guessed`: the folder does not say where it is, so it stands near its neighbours."""

    id: str
    name: str
    kind: str
    position: Point
    area: str
    feeder: str
    switches: tuple[str, ...]
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A chamber, pole or wall box, and the splice closures in it."""

    id: str
    kind: str
    position: Point
    status: str
    closures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of civil works."""

    id: str
    kind: str
    line: Line
    length: float
    status: str
    owner: str
    ducts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cable:
    """A cable: `lit` of its `strands` carry light; `segments` in order from a, none where that is unknown."""

    id: str
    type: str
    a: str
    b: str
    strands: int
    lit: int
    sheath: float
    status: str
    segments: tuple[str, ...]
    line: Line


@dataclass(frozen=True, slots=True)
class Link:
    """A lit link. `there` and `back`: committed rate by class, from a to b and from b to a.

    `segments` are those it runs through; where the plant does not say, `line` is drawn instead. `state` is ""
    (up), "pinned" (the controller keeps traffic off it) or "down".
    """

    id: str
    a: str
    b: str
    length: float
    delay: float
    capacity: int
    margin: float | None
    overload: float | None
    there: Mapping[str, int]
    back: Mapping[str, int]
    segments: tuple[str, ...]
    cables: tuple[str, ...]
    line: Line
    state: str = ""

    @property
    def load(self) -> float:
        """Committed rate of the fuller direction as a share of the capacity."""
        return max(sum(self.there.values()), sum(self.back.values())) / self.capacity if self.capacity else 0.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where customer gear is plugged in; `position` is where it is drawn, beside others at the same place."""

    id: str
    kind: str
    site: str
    position: Point
    port: str
    vlan: int | None
    addresses: str
    tags: tuple[str, ...]
    area: str


@dataclass(frozen=True, slots=True)
class Application:
    """An intent; `levels` are its verdicts as they count now: level → ok, failed, stale or ""."""

    name: str
    tenant: str
    service_class: str
    service: str
    levels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Flow:
    """One directed demand."""

    application: str
    ingress: str
    egress: str
    cir: int

    @property
    def id(self) -> str:
        """That of the demand."""
        return f"{self.application}/{self.ingress}>{self.egress}"


@dataclass(frozen=True, slots=True)
class Trunk:
    """A labelled path and what runs over it; `links` and `standby` are link ids from ingress to egress."""

    key: str
    label: int
    grade: str
    links: tuple[str, ...]
    standby: tuple[str, ...]
    flows: tuple[Flow, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """What cutting something does: `links` and `switches` that are down then, and trunks (keys) by their fate.

    `repaired` by a bypass in the switches, `standby` by flipping to a path that is there; `lost` until the
    controller finds another; `severed` where no other is left. `dark` are endpoints whose own line is cut or whose
    switch is dead: all their demands are cut off.
    """

    links: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()
    standby: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    severed: tuple[str, ...] = ()
    dark: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fares:
    """How many demands fare how under an event."""

    demands: int = 0
    repaired: int = 0
    standby: int = 0
    lost: int = 0
    severed: int = 0


@dataclass(frozen=True)
class Consequences:
    """Every distinct event, and which of them each thing is: link ids, ``node:NAME``, ``segment:NAME`` …"""

    events: tuple[Event, ...] = ()
    by_thing: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Scene:
    """A whole map. `state` says as of when it holds; `cut` is what was asked for, `cut_event` what that does.

    `chosen` is an application or demand that is to stand out, or "". `placed` is False where no site has a
    position: then distances on the map mean nothing.
    """

    name: str
    state: str
    areas: tuple[Area, ...] = ()
    zones: tuple[Zone, ...] = ()
    sites: tuple[Site, ...] = ()
    switches: Mapping[str, str] = field(default_factory=dict)  # switch → role
    places: tuple[Place, ...] = ()
    segments: tuple[Segment, ...] = ()
    cables: tuple[Cable, ...] = ()
    links: tuple[Link, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    applications: tuple[Application, ...] = ()
    classes: tuple[str, ...] = ()  # in the order of the admission ladder
    trunks: tuple[Trunk, ...] = ()
    local: tuple[Flow, ...] = ()  # both ends on one switch: no trunk carries them
    consequences: Consequences = field(default_factory=Consequences)
    chosen: str = ""
    cut: tuple[str, ...] = ()
    cut_event: Event | None = None
    sources: tuple[str, ...] = ()
    placed: bool = True

    def fates(self, event: Event) -> dict[str, Fares]:
        """Application → how its demands fare, for those that are hit; a demand counts once, at its worst."""
        found: dict[str, Counter[str]] = {}
        for flow, fate in self.flow_fates(event):
            found.setdefault(flow.application, Counter())[fate] += 1
        return {name: Fares(demands=counts.total(), **counts) for name, counts in sorted(found.items())}

    def flow_fates(self, event: Event) -> Iterator[tuple[Flow, str]]:
        """Every demand that is hit, and its fate: severed where an end is dark, else as its trunk fares."""
        by_trunk = {key: fate for fate in FATES for key in getattr(event, fate)}
        dark = frozenset(event.dark)
        for trunk in self.trunks:
            fate = by_trunk.get(trunk.key)
            for flow in trunk.flows:
                if flow.ingress in dark or flow.egress in dark:
                    yield flow, "severed"
                elif fate is not None:
                    yield flow, fate
        for flow in self.local:
            if flow.ingress in dark or flow.egress in dark:
                yield flow, "severed"
