"""The passive plant and the gear on it, as checked values: every reference in it resolves.

`build.build_plant` makes a `Plant` from documents. Strands are not objects: a cable of a type with 144
strands has strands 1…144, each one piece of glass from end to end, but for the places where a closure
or an ODF cuts it. A cut strand has two ends there, told apart by the end of the cable that the glass leads
to. Lengths are metres, positions longitude and latitude (WGS 84), losses dB, powers dBm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Literal, TypeAlias

from sdnctl.errors import Source
from sdnctl.inventory.fields import Dispersion, Wavelength
from sdnctl.inventory.models import Status
from sdnctl.units import Bitrate, Length, Loss, Octets, Power

Point: TypeAlias = tuple[float, float]
Side: TypeAlias = Literal["a", "b"]
Lane: TypeAlias = Literal["tx", "rx", "bidi"]


@dataclass(frozen=True, slots=True)
class Life:
    """Who owns and manages an object, where in its life it is, and how it is known."""

    owner: str = ""
    manager: str = ""
    status: Status = Status.IN_SERVICE
    valid_from: date | None = None
    valid_to: date | None = None
    provenance: str = ""

    def in_service(self, on: date | None = None) -> bool:
        """Whether it carries traffic: by its status, and on a given day also by its validity."""
        if self.status is not Status.IN_SERVICE:
            return False
        if on is None:
            return True
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )


@dataclass(frozen=True, slots=True)
class Site:
    id: str
    name: str
    kind: str
    position: Point | None
    feeder: str | None
    life: Life
    origin: Source
    area: str = ""


@dataclass(frozen=True, slots=True)
class Chamber:
    id: str
    kind: str
    position: Point
    life: Life
    origin: Source


@dataclass(frozen=True, slots=True)
class Segment:
    """Civil works between places `a` and `b`; `line` is drawn from a to b."""

    id: str
    a: str
    b: str
    kind: str
    line: tuple[Point, ...]
    length: Length
    life: Life
    origin: Source


@dataclass(frozen=True, slots=True)
class Duct:
    """A duct through `segments`, in order; `ends` are the places at its first and last opening."""

    id: str
    segments: tuple[str, ...]
    ends: tuple[str, str]
    parent: str | None
    life: Life
    origin: Source


@dataclass(frozen=True, slots=True)
class CableType:
    id: str
    strands: int
    tubes: int
    colours: str
    fibre: str
    helix: float
    group_index: float
    attenuation: Mapping[Wavelength, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class StrandFault:
    """Broken strands at a position along the sheath from end a."""

    strands: frozenset[int]
    at: Length
    note: str


@dataclass(frozen=True, slots=True)
class Passage:
    """One segment of a cable's route, and the duct it lies in there."""

    segment: str
    duct: str | None


@dataclass(frozen=True, slots=True)
class Cable:
    """A cable through `places`; between places i and i+1 lies passage i (none where the route is not known).

    `marks` are positions along the sheath of the middle of each place's slack loop, 0 at end a and
    `sheath` at end b.
    """

    id: str
    type: str
    places: tuple[str, ...]
    passages: tuple[Passage, ...]
    marks: tuple[float, ...]
    sheath: Length
    slack: Mapping[str, Length]
    faults: tuple[StrandFault, ...]
    life: Life
    origin: Source

    @property
    def a(self) -> str:
        return self.places[0]

    @property
    def b(self) -> str:
        return self.places[-1]


@dataclass(frozen=True, slots=True, order=True)
class PortEnd:
    """The transmitter, the receiver, or both on one strand, of a switch port."""

    switch: str
    port: int
    lane: Lane

    def __str__(self) -> str:
        return f"{self.switch}:{self.port}/{self.lane}"


@dataclass(frozen=True, slots=True, order=True)
class OdfPosition:
    odf: str
    number: int

    def __str__(self) -> str:
        return f"{self.odf}:{self.number}"


@dataclass(frozen=True, slots=True, order=True)
class PassivePort:
    passive: str
    port: str

    def __str__(self) -> str:
        return f"{self.passive}/{self.port}"


@dataclass(frozen=True, slots=True, order=True)
class StrandEnd:
    """An end of glass at place number `place` of its cable; the glass leads from here to cable end `side`."""

    cable: str
    strand: int
    place: int
    side: Side

    def __str__(self) -> str:
        return f"{self.cable}/{self.side}:{self.strand}"


Terminal: TypeAlias = PortEnd | OdfPosition | PassivePort | StrandEnd


@dataclass(frozen=True, slots=True)
class Splice:
    """Two strand ends joined in a closure. `loss` is the mean of both directions, None if never measured so.

    `life` is None where it is that of the closure.
    """

    closure: str
    a: StrandEnd
    b: StrandEnd
    loss: Loss | None
    origin: Source
    life: Life | None = None


@dataclass(frozen=True, slots=True)
class Closure:
    """`opened`: strands in opened tubes that pass uncut, by cable."""

    id: str
    at: str
    opened: Mapping[str, frozenset[int]]
    life: Life
    origin: Source


@dataclass(frozen=True, slots=True)
class Odf:
    id: str
    site: str
    positions: int
    connector: str
    grade: str
    life: Life
    origin: Source


@dataclass(frozen=True, slots=True)
class Passive:
    id: str
    kind: str
    site: str
    loss_min: Loss
    loss_max: Loss
    channels: Mapping[str, Wavelength]
    life: Life
    origin: Source

    @property
    def ports(self) -> tuple[str, ...]:
        return ("in", "out") if self.kind == "attenuator" else ("com", *self.channels)


@dataclass(frozen=True, slots=True)
class Hazard:
    id: str
    kind: str
    name: str
    polygon: tuple[Point, ...]
    origin: Source


@dataclass(frozen=True, slots=True)
class Transceiver:
    id: str
    rate: Bitrate
    wavelength: Wavelength
    rx_wavelength: Wavelength
    tx_min: Power
    tx_max: Power
    rx_min: Power
    rx_basis: str
    rx_max: Power
    penalty: Loss
    dispersion_limit: Dispersion | None


@dataclass(frozen=True, slots=True)
class Port:
    """A port with optics; `lanes`: tx and rx, or bidi."""

    number: int
    transceiver: str | None
    rate: Bitrate | None
    mtu: Octets | None
    lanes: tuple[Lane, ...]
    link: str | None
    life: Life
    origin: Source


@dataclass(frozen=True, slots=True)
class Switch:
    id: str
    dpid: int
    site: str
    role: str
    drivers: Mapping[str, str]
    ports: dict[int, Port]
    life: Life
    origin: Source


@dataclass(frozen=True, slots=True)
class Jumper:
    a: Terminal
    b: Terminal
    length: Length
    origin: Source
    life: Life | None = None


@dataclass(frozen=True, slots=True)
class AccessPort:
    """A port whose glass leads to a customer: the terminal where it should end, and the endpoints in service."""

    switch: str
    port: int
    terminal: Terminal
    endpoints: tuple[str, ...]
    origin: Source


@dataclass(frozen=True)
class Plant:
    """Everything passive and the switches on it, by id.

    `cuts`: inner places where a strand is cut, ascending. `pigtails`: lives of terminations that differ from those
    of their ODFs. `access`: ports of customers, by switch and number.
    """

    sites: Mapping[str, Site] = field(default_factory=dict)
    chambers: Mapping[str, Chamber] = field(default_factory=dict)
    segments: Mapping[str, Segment] = field(default_factory=dict)
    ducts: Mapping[str, Duct] = field(default_factory=dict)
    cable_types: Mapping[str, CableType] = field(default_factory=dict)
    cables: Mapping[str, Cable] = field(default_factory=dict)
    closures: Mapping[str, Closure] = field(default_factory=dict)
    splices: tuple[Splice, ...] = ()
    cuts: Mapping[tuple[str, int], tuple[int, ...]] = field(default_factory=dict)
    odfs: Mapping[str, Odf] = field(default_factory=dict)
    terminations: Mapping[OdfPosition, StrandEnd] = field(default_factory=dict)
    pigtails: Mapping[OdfPosition, Life] = field(default_factory=dict)
    passives: Mapping[str, Passive] = field(default_factory=dict)
    jumpers: tuple[Jumper, ...] = ()
    hazards: Mapping[str, Hazard] = field(default_factory=dict)
    transceivers: Mapping[str, Transceiver] = field(default_factory=dict)
    switches: Mapping[str, Switch] = field(default_factory=dict)
    access: Mapping[tuple[str, int], AccessPort] = field(default_factory=dict)

    @cached_property
    def splice_at(self) -> Mapping[StrandEnd, Splice]:
        return {end: splice for splice in self.splices for end in (splice.a, splice.b)}

    @cached_property
    def position_at(self) -> Mapping[StrandEnd, OdfPosition]:
        return {end: position for position, end in self.terminations.items()}

    @cached_property
    def jumper_at(self) -> Mapping[Terminal, Jumper]:
        return {end: jumper for jumper in self.jumpers for end in (jumper.a, jumper.b)}

    def place_of(self, terminal: Terminal) -> str:
        """The site or chamber where a terminal is."""
        if isinstance(terminal, PortEnd):
            return self.switches[terminal.switch].site
        if isinstance(terminal, OdfPosition):
            return self.odfs[terminal.odf].site
        if isinstance(terminal, PassivePort):
            return self.passives[terminal.passive].site
        return self.cables[terminal.cable].places[terminal.place]

    def enclosing(self, duct: str | None) -> tuple[str, ...]:
        """A duct and those it lies in, innermost first."""
        chain: list[str] = []
        while duct is not None and duct in self.ducts and duct not in chain:
            chain.append(duct)
            duct = self.ducts[duct].parent
        return tuple(chain)
