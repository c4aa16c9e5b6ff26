"""Glass: kinds of cables, cables, splices, closures, ODFs and passive nodes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sdnctl.inventory.fields import Id, NumbersField, ShareField, StrandsField, WavelengthField, Whole
from sdnctl.inventory.models.base import Life, LossRateSpan, LossSpan, PlantObject, Strict
from sdnctl.units import LengthField, LossField


class CableTypeModel(Strict):
    """A kind of cable; it implies the strands of every cable of the type.

    `helix`: how much longer a strand is than its sheath. `attenuation` per wavelength replaces the
    planning figures of the fibre. `group_index` sets delay. `diameter` is that of the sheath.
    """

    id: Id
    strands: Annotated[Whole, Field(ge=1, le=2304)]
    tubes: Annotated[Whole, Field(ge=1)] = 1
    colours: Literal["orange-fr", "tia598", "gracethd"] = "orange-fr"
    fibre: Literal["G.652.D", "G.657.A1", "G.657.A2"] = "G.652.D"
    helix: ShareField
    group_index: Annotated[float, Field(ge=1.4, le=1.6)] = 1.4682
    attenuation: dict[WavelengthField, LossRateSpan] = {}
    diameter: LengthField | None = None
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

    `sheath` is the measured length with its slack loops; by default route plus loops. A cable that was cut off
    another says which (`was`) and at which mark of the other's sheath it begins (`was_from`); its strands have the
    numbers that they had there.
    """

    type: Id
    a: Id
    b: Id
    route: tuple[Id, ...] = ()
    sheath: LengthField | None = None
    was: Id | None = None
    was_from: LengthField | None = None

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
    faults: tuple[StrandFaultModel, ...] = ()


class CablesFile(Strict):
    defaults: Life = Life()
    cables: tuple[CableModel, ...] = ()


class SpliceModel(Strict):
    """Strands of `a` joined one to one, in order, with strands of `b`.

    `loss` is the mean of both directions. `loss_ab` and `loss_ba` are one-way (apparent) readings;
    their mean counts, one alone never does: it may show a gain. `cassette`: the number of the one they lie on.
    """

    a: StrandsField
    b: StrandsField
    loss: LossField | None = None
    loss_ab: LossField | None = None
    loss_ba: LossField | None = None
    cassette: Annotated[Whole, Field(ge=1, le=999)] | None = None

    @model_validator(mode="after")
    def _same_count(self) -> SpliceModel:
        if len(self.a.strands) != len(self.b.strands):
            raise ValueError(f"{self.a} has {len(self.a.strands)} strands but {self.b} has {len(self.b.strands)}")
        if self.loss is not None and (self.loss_ab is not None or self.loss_ba is not None):
            raise ValueError("give loss (the mean of both directions) or loss_ab and loss_ba, not both")
        return self


class ClosureModel(PlantObject):
    """A splice box at a chamber or site. Strands that it does not name pass uncut.

    `cut`: strands cut here and waiting. `opened`: strands in opened tubes, touched but uncut. `opened_tubes`:
    whole tubes that were opened (``C-12:3`` is tube 3 of cable C-12): those of their strands that are not cut pass
    uncut. `capacity`: how many splices its trays take.
    """

    at: Id
    capacity: Annotated[Whole, Field(ge=1)] | None = None
    splices: tuple[SpliceModel, ...] = ()
    cut: tuple[StrandsField, ...] = ()
    opened: tuple[StrandsField, ...] = ()
    opened_tubes: tuple[StrandsField, ...] = ()


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
    site: Id
    loss: LossSpan | None = None
    losses: dict[WavelengthField, LossSpan] = {}
    port_losses: dict[PortWord, LossSpan] = {}
    channels: dict[PortWord, WavelengthField] = {}
    grid: Literal["cwdm", "dwdm-100", "dwdm-50"] = "cwdm"
    ways: Annotated[Whole, Field(ge=2, le=128)] | None = None

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
    passives: tuple[PassiveModel, ...] = ()
