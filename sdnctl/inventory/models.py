"""What people write in `inventory/`: one pydantic model per file.

`files.py` says which model is of which file; `rows.py` has the CSV forms of long lists.

Unknown keys are errors; quantities carry units. Every plant object says who owns and manages it,
where in its life it is, from when to when it is valid and how it is known (`source`); a file may say
that once for all its objects under `defaults`. References between objects are *not* checked here
(`build.py` does, over all files at once), only what one value can say about itself.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sdnctl.inventory.fields import (
    DispersionField,
    Dpid,
    EndField,
    Id,
    Latitude,
    Longitude,
    MacField,
    NumbersField,
    Position,
    PrefixField,
    ShareField,
    StrandsField,
    WavelengthField,
    Whole,
    Words,
    words,
)
from sdnctl.units import BitrateField, LengthField, LossField, LossRateField, OctetsField, PowerField


class Status(StrEnum):
    """Where an object is in its life; only in-service glass carries traffic."""

    PLANNED = "planned"
    UNDER_WORKS = "under-works"
    IN_SERVICE = "in-service"
    OUT_OF_ORDER = "out-of-order"
    ABANDONED = "abandoned"


class Strict(BaseModel):
    """No unknown keys, no changes after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


class Life(Strict):
    """Owner, manager, life cycle and provenance; what an object leaves out comes from the file's `defaults`."""

    owner: str | None = None
    manager: str | None = None
    status: Status | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    source: str | None = None


class PlantObject(Life):
    id: Id


class SiteModel(PlantObject):
    """A building or cabinet that holds equipment.

    `area` is the commune or district it is counted to, `feeder` the power feeder it hangs on. `ups_hours`: how
    long its batteries last, in hours; `watts`: what its equipment draws.
    """

    name: str = ""
    area: str = ""
    kind: Literal["datacentre", "pop", "office", "cabinet", "customer"] = "pop"
    position: Position | None = None
    feeder: Id | None = None
    ups_hours: Annotated[float, Field(gt=0)] | None = None
    watts: Annotated[float, Field(gt=0)] | None = None


class SitesFile(Strict):
    defaults: Life = Life()
    sites: tuple[SiteModel, ...] = ()


class ChamberRow(PlantObject):
    """A manhole, handhole, pole or wall box: where ducts end and closures stand."""

    lon: Longitude
    lat: Latitude
    kind: Literal["chamber", "handhole", "pole", "wall-box"] = "chamber"


Ring = Annotated[tuple[Position, ...], Field(min_length=3)]
"""Corners of an outline, in order."""


class SegmentFeature(PlantObject):
    """A stretch of civil works between two places (`a`, `b`: ids of chambers or sites), drawn from a to b.

    A GeoJSON feature (RFC 7946) with a LineString: its properties, and the line's `coordinates`.
    """

    a: Id
    b: Id
    kind: Literal["trench", "overhead", "facade", "sewer", "bridge"] = "trench"
    length: LengthField | None = None  # surveyed; by default that of the line
    coordinates: Annotated[tuple[Position, ...], Field(min_length=2)]

    GEOMETRY: ClassVar[str] = "LineString"


class AreaFeature(Strict):
    """The outline of an area (commune, district) that sites are counted to; maps draw it.

    A GeoJSON feature with a Polygon: its properties, and the rings as `coordinates`, the outer one first. An area
    in several parts has as many features.
    """

    GEOMETRY: ClassVar[str] = "Polygon"

    area: Annotated[str, Field(min_length=1)]
    source: str | None = None
    coordinates: Annotated[tuple[Ring, ...], Field(min_length=1)]


class DuctModel(PlantObject):
    """A duct through consecutive segments, or nested in a `parent` (then its segments default to the parent's)."""

    segments: tuple[Id, ...] = ()
    parent: Id | None = None
    diameter: LengthField | None = None


class DuctsFile(Strict):
    defaults: Life = Life()
    ducts: tuple[DuctModel, ...] = ()


class LossSpan(Strict):
    """Least and greatest loss."""

    min: LossField
    max: LossField

    @model_validator(mode="after")
    def _ordered(self) -> LossSpan:
        if self.min > self.max:
            raise ValueError(f"min {self.min} dB is above max {self.max} dB")
        return self


class LossRateSpan(Strict):
    """Least and greatest attenuation."""

    min: LossRateField
    max: LossRateField

    @model_validator(mode="after")
    def _ordered(self) -> LossRateSpan:
        if self.min > self.max:
            raise ValueError(f"min {self.min} dB/km is above max {self.max} dB/km")
        return self


class CableTypeModel(Strict):
    """A kind of cable; it implies the strands of every cable of the type.

    `helix`: how much longer a strand is than its sheath. `attenuation` per wavelength replaces the
    planning figures of the fibre. `group_index` sets delay.
    """

    id: Id
    strands: Annotated[Whole, Field(ge=1, le=2304)]
    tubes: Annotated[Whole, Field(ge=1)] = 1
    colours: Literal["orange-fr", "tia598", "gracethd"] = "orange-fr"
    fibre: Literal["G.652.D", "G.657.A1", "G.657.A2"] = "G.652.D"
    helix: ShareField
    group_index: Annotated[float, Field(ge=1.4, le=1.6)] = 1.4682
    attenuation: dict[WavelengthField, LossRateSpan] = {}
    source: str | None = None

    @model_validator(mode="after")
    def _even_tubes(self) -> CableTypeModel:
        if self.strands % self.tubes:
            raise ValueError(f"{self.strands} strands do not fill {self.tubes} tubes evenly")
        return self


class CableTypesFile(Strict):
    cable_types: tuple[CableTypeModel, ...] = ()


class SlackModel(Strict):
    """A loop of spare cable kept at a place on its route."""

    at: Id
    length: LengthField


class StrandFaultModel(Strict):
    """Strands known to be broken, at a distance along the sheath from end a."""

    strands: NumbersField
    at: LengthField
    note: str = ""


class CableBase(PlantObject):
    """A cable from place `a` to place `b` along `route`: ducts (or, outside ducts, segments) in order from a.

    `sheath` is the measured length with its slack loops; by default route plus loops.
    """

    type: Id
    a: Id
    b: Id
    route: tuple[Id, ...] = ()
    sheath: LengthField | None = None


class CableModel(CableBase):
    """A cable with what is special about it: loops of spare cable, broken strands."""

    slack: tuple[SlackModel, ...] = ()
    faults: tuple[StrandFaultModel, ...] = ()


class CablesFile(Strict):
    defaults: Life = Life()
    cables: tuple[CableModel, ...] = ()


class SpliceModel(Strict):
    """Strands of `a` joined one to one, in order, with strands of `b`.

    `loss` is the mean of both directions. `loss_ab` and `loss_ba` are one-way (apparent) readings;
    their mean counts, one alone never does: it may show a gain.
    """

    a: StrandsField
    b: StrandsField
    loss: LossField | None = None
    loss_ab: LossField | None = None
    loss_ba: LossField | None = None

    @model_validator(mode="after")
    def _same_count(self) -> SpliceModel:
        if len(self.a.strands) != len(self.b.strands):
            raise ValueError(f"{self.a} has {len(self.a.strands)} strands but {self.b} has {len(self.b.strands)}")
        if self.loss is not None and (self.loss_ab is not None or self.loss_ba is not None):
            raise ValueError("give loss (the mean of both directions) or loss_ab and loss_ba, not both")
        return self


class ClosureModel(PlantObject):
    """A splice box at a chamber or site. Strands that it does not name pass uncut.

    `cut`: strands cut here and waiting. `opened`: strands in opened tubes, touched but uncut.
    """

    at: Id
    splices: tuple[SpliceModel, ...] = ()
    cut: tuple[StrandsField, ...] = ()
    opened: tuple[StrandsField, ...] = ()


class ClosuresFile(Strict):
    defaults: Life = Life()
    closures: tuple[ClosureModel, ...] = ()


class TerminationModel(Strict):
    """Positions of the ODF with the strands spliced to their pigtails, one to one, in order."""

    positions: NumbersField
    strands: StrandsField

    @model_validator(mode="after")
    def _same_count(self) -> TerminationModel:
        if len(self.positions) != len(self.strands.strands):
            raise ValueError(f"{len(self.positions)} positions but {len(self.strands.strands)} strands")
        return self


class OdfModel(PlantObject):
    """An optical distribution frame at a site; `grade` is the connectors' (IEC 61753-1)."""

    site: Id
    positions: Annotated[Whole, Field(ge=1, le=10_000)]
    connector: str = "SC/APC"
    grade: Literal["B", "C"] = "B"
    terminations: tuple[TerminationModel, ...] = ()


class OdfsFile(Strict):
    defaults: Life = Life()
    odfs: tuple[OdfModel, ...] = ()


class PassiveModel(PlantObject):
    """An attenuator (ports `in`, `out`) or a wavelength mux (port `com`, and one port per channel)."""

    kind: Literal["attenuator", "mux"]
    site: Id
    loss: LossSpan
    channels: dict[Annotated[str, Field(pattern=r"^[a-z0-9]+$")], WavelengthField] = {}

    @model_validator(mode="after")
    def _channels_fit(self) -> PassiveModel:
        if (self.kind == "mux") != bool(self.channels):
            raise ValueError("a mux needs channels, an attenuator has none")
        if len(set(self.channels.values())) != len(self.channels):
            raise ValueError("two channels have the same wavelength")
        return self


class PassivesFile(Strict):
    defaults: Life = Life()
    passives: tuple[PassiveModel, ...] = ()


class HazardModel(Strict):
    """A zone in which one event hits everything. `polygon` is its outer ring, closed or not."""

    id: Id
    kind: Literal["flood", "fire", "landslide", "works"] = "flood"
    name: str = ""
    polygon: Annotated[tuple[Position, ...], Field(min_length=3)]
    source: str | None = None


class HazardsFile(Strict):
    hazards: tuple[HazardModel, ...] = ()


Price = Annotated[float, Field(ge=0)]


class TransceiverModel(Strict):
    """A kind of pluggable optics, with average powers.

    `rx_basis` says what `rx_min` is: `min_average_rx` (IEEE 802.3; penalty already inside) or
    `sensitivity` (vendor; `penalty` is still to be subtracted). `rx_max` is where overload begins.
    `price` is in the operator's currency; advice on optics compares it.
    """

    id: Id
    rate: BitrateField
    wavelength: WavelengthField
    rx_wavelength: WavelengthField | None = None
    reach: LengthField | None = None
    tx_min: PowerField
    tx_max: PowerField
    rx_min: PowerField
    rx_basis: Literal["min_average_rx", "sensitivity"]
    rx_max: PowerField
    penalty: LossField | None = None
    dispersion_limit: DispersionField | None = None
    price: Price | None = None
    source: str | None = None
    confidence: Literal["retrieved", "memory-verify"] = "memory-verify"

    @model_validator(mode="after")
    def _ordered(self) -> TransceiverModel:
        if self.tx_min > self.tx_max or self.rx_min > self.rx_max:
            raise ValueError("tx_min must not be above tx_max, nor rx_min above rx_max")
        return self


class AttenuatorPartModel(Strict):
    """A fixed attenuator that can be plugged in before a receiver; `loss` with its tolerance."""

    id: Id
    loss: LossSpan
    price: Price | None = None


class TransceiversFile(Strict):
    transceivers: tuple[TransceiverModel, ...] = ()
    attenuators: tuple[AttenuatorPartModel, ...] = ()


class PortModel(Strict):
    """A trunk port: its optics and the far ends of its jumpers.

    Two strands: `tx` and `rx`. One strand with a wavelength each way: `bidi`. An end is a position of
    an ODF, a port of a passive node, a connectorised strand (``C-12:1``), or nothing yet.
    `link` names the optical link of this port; by default ``switch--switch``.
    """

    port: Annotated[Whole, Field(ge=1, lt=0xFF00)]
    transceiver: Id | None = None
    rate: BitrateField | None = None
    mtu: OctetsField | None = None
    tx: EndField | None = None
    rx: EndField | None = None
    bidi: EndField | None = None
    link: Id | None = None
    status: Status = Status.IN_SERVICE

    @model_validator(mode="after")
    def _one_way(self) -> PortModel:
        if self.bidi is not None and (self.tx is not None or self.rx is not None):
            raise ValueError("a port has tx and rx, or bidi, not both")
        return self


class SwitchModel(PlantObject):
    """A switch; `drivers` maps a driver's name to its target (``openflow: tcp:192.0.2.7:6653``)."""

    dpid: Dpid
    site: Id
    role: str = ""
    mtu: OctetsField | None = None  # of ports that do not say theirs
    drivers: dict[str, str] = {}
    ports: tuple[PortModel, ...] = ()


class JumperModel(Strict):
    """A patch cord between two ends that are not both named by a port: ODF to ODF, ODF to attenuator."""

    a: EndField
    b: EndField
    length: LengthField | None = None


class EquipmentFile(Strict):
    defaults: Life = Life()
    switches: tuple[SwitchModel, ...] = ()
    jumpers: tuple[JumperModel, ...] = ()


class EndpointRow(PlantObject):
    """Where customer gear is plugged in: switch and port, a VLAN or the whole port, and its addresses.

    `prefixes` and `tags` are separated by semicolons. `terminal` is where the glass of the port ends at the
    customer's place: a connectorised strand (``dr-0001:1``) or a position of an ODF there.
    """

    site: Id
    device: Id
    port: Annotated[int, Field(ge=1, lt=0xFF00)]
    vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    mac: MacField | None = None
    prefixes: Annotated[tuple[PrefixField, ...], BeforeValidator(words)] = ()
    kind: str
    tags: Words = ()
    terminal: EndField | None = None
