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
from typing import TypeAlias

from sdnctl.errors import Source
from sdnctl.inventory.fields import Dispersion, MaskPosition, Wavelength
from sdnctl.inventory.glass import (
    Lane,
    OdfPosition,
    PassivePort,
    PortEnd,
    PositionTable,
    Side,
    Splice,
    SpliceRun,
    SpliceTable,
    StrandEnd,
    Terminal,
    TerminationRun,
    TerminationTable,
    numbers,
)
from sdnctl.inventory.life import Life
from sdnctl.inventory.passives import Passive
from sdnctl.quick import quick
from sdnctl.units import Bitrate, Length, Loss, Octets, Power

__all__ = [
    "Lane",
    "Life",
    "OdfPosition",
    "Passive",
    "PassivePort",
    "PortEnd",
    "Side",
    "Splice",
    "StrandEnd",
    "Terminal",
]  # what this module hands on; the rest is its own

Point: TypeAlias = tuple[float, float]


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


@quick
@dataclass(frozen=True, slots=True)
class Chamber:
    id: str
    kind: str
    position: Point
    life: Life
    origin: Source


@quick
@dataclass(frozen=True, slots=True)
class Segment:
    """Civil works between places `a` and `b`; `line` is drawn from a to b. `precision`: A, B, C or not known."""

    id: str
    a: str
    b: str
    kind: str
    line: tuple[Point, ...]
    length: Length
    life: Life
    origin: Source
    precision: str | None = None


@quick
@dataclass(frozen=True, slots=True)
class Duct:
    """A duct through `segments`, in order; `ends` are the places at its first and last opening.

    `diameter` (m) and `capacity` (cables and inner ducts side by side) are None where nobody wrote them down.
    `masks`: places at its ends, with its position in the mask of the wall there. `openings`: places on its way
    where it is open.
    """

    id: str
    segments: tuple[str, ...]
    ends: tuple[str, str]
    parent: str | None
    life: Life
    origin: Source
    diameter: Length | None = None
    masks: tuple[tuple[str, MaskPosition], ...] = ()
    capacity: int | None = None
    openings: tuple[str, ...] = ()


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
    diameter: Length | None = None


@dataclass(frozen=True, slots=True)
class StrandFault:
    """Broken strands at a position along the sheath from end a."""

    strands: frozenset[int]
    at: Length
    note: str


@quick
@dataclass(frozen=True, slots=True)
class Passage:
    """One segment of a cable's route, and the duct it lies in there."""

    segment: str
    duct: str | None


@quick
@dataclass(frozen=True, slots=True)
class Cable:
    """A cable through `places`; between places i and i+1 lies passage i (none where the route is not known).

    `marks` are positions along the sheath of the middle of each place's slack loop, 0 at end a and
    `sheath` at end b. `was`: the cable that it was cut off, and where on that one's sheath its end a was.
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
    was: tuple[str, Length] | None = None

    @property
    def a(self) -> str:
        return self.places[0]

    @property
    def b(self) -> str:
        return self.places[-1]


@dataclass(frozen=True, slots=True)
class Closure:
    """`opened`: strands in opened tubes that pass uncut, by cable. `capacity`: splices that fit in, if known."""

    id: str
    at: str
    opened: Mapping[str, frozenset[int]]
    life: Life
    origin: Source
    capacity: int | None = None


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
    price: float | None = None


@dataclass(frozen=True, slots=True)
class AttenuatorPart:
    """A kind of fixed attenuator in the store; `price` in the operator's currency, None where unknown."""

    id: str
    loss_min: Loss
    loss_max: Loss
    price: float | None = None


@quick
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
class Device:
    """Gear beside the switches. `uplink` is its own port that is plugged into `switch`, `switch_port`.

    `tags`: VLANs that may be used there. `options` are what its driver gets, references to secrets among them.
    """

    id: str
    site: str
    platform: str
    uplink: str
    switch: str
    switch_port: int
    tags: tuple[int, ...]
    can: frozenset[str]
    drivers: Mapping[str, str]
    options: Mapping[str, str]
    life: Life
    origin: Source


@quick
@dataclass(frozen=True, slots=True)
class Jumper:
    a: Terminal
    b: Terminal
    length: Length
    origin: Source
    life: Life | None = None


@quick
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

    `splice_runs` and `termination_runs` are as written, many strands each; the tables made of them answer for one.
    `cut_places`: cable → inner places where strands are cut, ascending, with the strands as bits.
    `access`: ports of customers, by switch and number.
    """

    sites: Mapping[str, Site] = field(default_factory=dict)
    chambers: Mapping[str, Chamber] = field(default_factory=dict)
    segments: Mapping[str, Segment] = field(default_factory=dict)
    ducts: Mapping[str, Duct] = field(default_factory=dict)
    cable_types: Mapping[str, CableType] = field(default_factory=dict)
    cables: Mapping[str, Cable] = field(default_factory=dict)
    closures: Mapping[str, Closure] = field(default_factory=dict)
    splice_runs: tuple[SpliceRun, ...] = ()
    cut_places: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    odfs: Mapping[str, Odf] = field(default_factory=dict)
    termination_runs: tuple[TerminationRun, ...] = ()
    passives: Mapping[str, Passive] = field(default_factory=dict)
    jumpers: tuple[Jumper, ...] = ()
    hazards: Mapping[str, Hazard] = field(default_factory=dict)
    transceivers: Mapping[str, Transceiver] = field(default_factory=dict)
    switches: Mapping[str, Switch] = field(default_factory=dict)
    access: Mapping[tuple[str, int], AccessPort] = field(default_factory=dict)
    attenuators: Mapping[str, AttenuatorPart] = field(default_factory=dict)
    devices: Mapping[str, Device] = field(default_factory=dict)

    @cached_property
    def splices(self) -> tuple[Splice, ...]:
        """Every splice of two strands; there are many."""
        return tuple(run.splice(index) for run in self.splice_runs for index in range(len(run.a.strands)))

    @cached_property
    def splice_at(self) -> SpliceTable:
        return SpliceTable(self.splice_runs)

    @cached_property
    def terminations(self) -> TerminationTable:
        return TerminationTable(self.termination_runs)

    @cached_property
    def position_at(self) -> PositionTable:
        return PositionTable(self.termination_runs)

    @cached_property
    def cuts(self) -> Mapping[tuple[str, int], tuple[int, ...]]:
        """Inner places where a strand is cut, ascending, by cable and strand."""
        found: dict[tuple[str, int], tuple[int, ...]] = {}
        for cable, places in self.cut_places.items():
            for place, strands in places:
                for strand in numbers(strands):
                    found[cable, strand] = (*found.get((cable, strand), ()), place)
        return found

    @cached_property
    def attenuations(self) -> dict[tuple[str, Wavelength], tuple[float, float]]:
        """What `optics` found for cable types at wavelengths, dB/km: asked for at every step of every chain."""
        return {}

    @cached_property
    def doubtful(self) -> dict[date | None, frozenset[str]]:
        """What `links` found not to be in service on a day, for the same reason."""
        return {}

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
