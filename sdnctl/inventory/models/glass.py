"""Glass: kinds of cables, cables, splices, closures, ODFs and passive nodes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sdnctl.inventory.fields import Id, NumbersField, ShareField, StrandsField, WavelengthField, Whole
from sdnctl.inventory.models.base import Life, LossRateSpan, LossSpan, PlantObject, Strict
from sdnctl.units import LengthField, LossField


class CableTypeModel(Strict):
    """A kind of cable; it implies the strands of every cable of the type."""

    id: Id
    """Its name."""
    strands: Annotated[Whole, Field(ge=1, le=2304)]
    """Strands in the cable."""
    tubes: Annotated[Whole, Field(ge=1)] = 1
    """Tubes that share them evenly."""
    colours: Literal["orange-fr", "tia598", "gracethd"] = "orange-fr"
    """The order of colours of tubes and strands."""
    fibre: Literal["G.652.D", "G.657.A1", "G.657.A2"] = "G.652.D"
    """The kind of glass (ITU-T); it has planning figures."""
    helix: ShareField
    """By how much a strand is longer than its sheath."""
    group_index: Annotated[float, Field(ge=1.4, le=1.6)] = 1.4682
    """Group index of the glass: light travels at c divided by it."""
    attenuation: dict[WavelengthField, LossRateSpan] = {}
    """By wavelength (`1550 nm`), in place of the planning figures."""
    diameter: LengthField | None = None
    """Of the sheath."""
    source: str | None = None
    """Where the figures are from."""

    @model_validator(mode="after")
    def _even_tubes(self) -> CableTypeModel:
        if self.strands % self.tubes:
            raise ValueError(f"{self.strands} strands do not fill {self.tubes} tubes evenly")
        return self


class CableTypesFile(Strict):
    cable_types: tuple[CableTypeModel, ...] = ()
    """Kinds of cables."""


class SlackModel(Strict):
    """A loop of spare cable kept at a place on its route."""

    at: Id
    """The chamber or site."""
    length: LengthField
    """Spare cable kept there, in metres of sheath."""


class StrandFaultModel(Strict):
    """Strands known to be broken, at a distance along the sheath from end a."""

    strands: NumbersField
    """Which strands."""
    at: LengthField
    """Where on the sheath, from end a."""
    note: str = ""
    """For people."""


class CableBase(PlantObject):
    """A cable from place `a` to place `b` along `route`: ducts (or, outside ducts, segments) in order from a.

    The strands of a cable that was cut off another have the numbers that they had there.
    """

    type: Id
    """Its kind: a name of `cable-types.yaml`."""
    a: Id
    """The chamber or site where sheath marks begin."""
    b: Id
    """The chamber or site where it ends."""
    route: tuple[Id, ...] = ()
    """Ducts (or, outside ducts, segments) from a to b."""
    sheath: LengthField | None = None
    """The measured length with its loops; by default route plus loops."""
    was: Id | None = None
    """The cable that this one was cut off."""
    was_from: LengthField | None = None
    """The mark of that cable's sheath at which this one begins."""

    @model_validator(mode="after")
    def _whole_history(self) -> CableBase:
        if (self.was is None) != (self.was_from is None):
            raise ValueError(
                "give was (the cable that this one was cut off) and was_from (its mark there), or neither"
            )
        return self


class CableModel(CableBase):
    """A cable with what is special about it: loops of spare cable, broken strands."""

    slack: tuple[SlackModel, ...] = ()
    """Loops of spare cable."""
    faults: tuple[StrandFaultModel, ...] = ()
    """Strands known to be broken."""


class CablesFile(Strict):
    defaults: Life = Life()
    """What cables leave out of owner, life cycle and source."""
    cables: tuple[CableModel, ...] = ()
    """Cables with loops and faults; long lists fit `cables.csv`."""


class SpliceModel(Strict):
    """Strands of `a` joined one to one, in order, with strands of `b`.

    `loss_ab` and `loss_ba` are one-way (apparent) readings; their mean counts, one alone never does: it may show
    a gain.
    """

    a: StrandsField
    """Strands of one cable."""
    b: StrandsField
    """As many strands of the other."""
    loss: LossField | None = None
    """The mean of both directions."""
    loss_ab: LossField | None = None
    """As read from a's side; one-way readings are apparent."""
    loss_ba: LossField | None = None
    """As read from b's side."""
    cassette: Annotated[Whole, Field(ge=1, le=999)] | None = None
    """The number of the cassette in which they lie."""

    @model_validator(mode="after")
    def _same_count(self) -> SpliceModel:
        if len(self.a.strands) != len(self.b.strands):
            raise ValueError(f"{self.a} has {len(self.a.strands)} strands but {self.b} has {len(self.b.strands)}")
        if self.loss is not None and (self.loss_ab is not None or self.loss_ba is not None):
            raise ValueError("give loss (the mean of both directions) or loss_ab and loss_ba, not both")
        return self


class ClosureModel(PlantObject):
    """A splice box at a chamber or site. Strands that it does not name pass uncut."""

    at: Id
    """The chamber or site."""
    capacity: Annotated[Whole, Field(ge=1)] | None = None
    """How many splices its cassettes take."""
    splices: tuple[SpliceModel, ...] = ()
    """Strands joined here."""
    cut: tuple[StrandsField, ...] = ()
    """Strands that are cut here and wait."""
    opened: tuple[StrandsField, ...] = ()
    """Strands in opened tubes, touched but uncut."""
    opened_tubes: tuple[StrandsField, ...] = ()
    """Whole tubes that were opened (`C-12:3`: tube 3 of cable C-12)."""


class ClosuresFile(Strict):
    defaults: Life = Life()
    """What closures leave out of owner, life cycle and source."""
    closures: tuple[ClosureModel, ...] = ()
    """Closures with their splices."""


class TerminationModel(Strict):
    """Positions of the ODF with the strands spliced to their pigtails, one to one, in order."""

    positions: NumbersField
    """Positions of the frame (`1-12`)."""
    strands: StrandsField
    """As many strands of a cable that ends there."""

    @model_validator(mode="after")
    def _same_count(self) -> TerminationModel:
        if len(self.positions) != len(self.strands.strands):
            raise ValueError(f"{len(self.positions)} positions but {len(self.strands.strands)} strands")
        return self


class OdfModel(PlantObject):
    """An optical distribution frame at a site."""

    site: Id
    """The site at which it stands."""
    positions: Annotated[Whole, Field(ge=1, le=10_000)]
    """How many positions it has."""
    connector: str = "SC/APC"
    """Connector and polish."""
    grade: Literal["B", "C"] = "B"
    """Grade of the connectors (IEC 61753-1), which says what they may lose."""
    terminations: tuple[TerminationModel, ...] = ()
    """Which strands end on which positions."""


class OdfsFile(Strict):
    defaults: Life = Life()
    """What frames leave out of owner, life cycle and source."""
    odfs: tuple[OdfModel, ...] = ()
    """Optical distribution frames."""


PortWord = Annotated[str, Field(pattern=r"^[a-z0-9]+$")]
"""The name of a port of a passive node."""
_A = {"attenuator": "an attenuator", "mux": "a mux", "splitter": "a splitter"}


class PassiveModel(PlantObject):
    """A passive node at a site or chamber.

    An attenuator (ports `in`, `out`), a wavelength mux (port `com`, and one port per channel), or a splitter
    (`com`, and `out1` to `outN` for `ways: N`). `grid` says how narrow the channels of a mux are (ITU-T G.694.2
    and G.694.1). `loss` is that between any two ports that light passes; `losses` replaces it at wavelengths
    (within 20 nm), `port_losses` for light that enters or leaves by a certain channel or output.
    """

    kind: Literal["attenuator", "mux", "splitter"]
    """What it is."""
    site: Id
    """The site or chamber."""
    loss: LossSpan | None = None
    """Between any two ports that light passes."""
    losses: dict[WavelengthField, LossSpan] = {}
    """In place of `loss`, by wavelength (within 20 nm)."""
    port_losses: dict[PortWord, LossSpan] = {}
    """In place of both, for light by a certain channel or output."""
    channels: dict[PortWord, WavelengthField] = {}
    """Ports of a mux, each with its wavelength."""
    grid: Literal["cwdm", "dwdm-100", "dwdm-50"] = "cwdm"
    """How narrow the channels are (ITU-T G.694.2 and G.694.1)."""
    ways: Annotated[Whole, Field(ge=2, le=128)] | None = None
    """Outputs of a splitter."""

    @model_validator(mode="after")
    def _ports_fit(self) -> PassiveModel:
        if (self.kind == "mux") != bool(self.channels):
            raise ValueError(f"a mux needs channels, {_A[self.kind]} has none")
        if (self.kind == "splitter") != (self.ways is not None):
            raise ValueError(f"a splitter needs ways, {_A[self.kind]} has none")
        if len(set(self.channels.values())) != len(self.channels):
            raise ValueError("two channels have the same wavelength")
        if self.loss is None and not self.losses:
            raise ValueError("give its loss, or its losses by wavelength")
        outputs = {f"out{number + 1}" for number in range(self.ways or 0)}
        for port in self.port_losses:
            if port not in self.channels and port not in outputs:
                raise ValueError(f"port_losses names {port}, which is no channel or output")
        return self


class PassivesFile(Strict):
    defaults: Life = Life()
    """What passive nodes leave out of owner, life cycle and source."""
    passives: tuple[PassiveModel, ...] = ()
    """Attenuators, muxes and splitters."""
