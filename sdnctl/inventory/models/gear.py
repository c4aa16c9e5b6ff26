"""Switches and their optics: transceivers, ports, jumpers, and the file of all equipment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sdnctl.inventory.fields import DispersionField, Dpid, EndField, Id, WavelengthField, Whole
from sdnctl.inventory.models.base import Life, LossSpan, PlantObject, Status, Strict
from sdnctl.inventory.models.devices import DeviceModel
from sdnctl.inventory.references import DeviceAddress
from sdnctl.units import BitrateField, LengthField, LossField, OctetsField, PowerField

Price = Annotated[float, Field(ge=0)]


class TransceiverModel(Strict):
    """A kind of pluggable optics, with average powers.

    `rx_basis` says what `rx_min` is: `min_average_rx` (IEEE 802.3; penalty already inside) or
    `sensitivity` (vendor; `penalty` is still to be subtracted).
    """

    id: Id
    """Its name."""
    rate: BitrateField
    """Its line rate."""
    wavelength: WavelengthField
    """What it sends."""
    rx_wavelength: WavelengthField | None = None
    """What it hears, where that is another (BiDi)."""
    reach: LengthField | None = None
    """What the maker states; advice only."""
    tx_min: PowerField
    """The least average launch power."""
    tx_max: PowerField
    """The greatest average launch power."""
    rx_min: PowerField
    """The least average power that the receiver needs."""
    rx_basis: Literal["min_average_rx", "sensitivity"]
    """What `rx_min` is: with the penalty inside (IEEE 802.3), or a vendor's sensitivity."""
    rx_max: PowerField
    """The power at which overload begins."""
    penalty: LossField | None = None
    """What dispersion and reflections cost; only with `sensitivity`."""
    dispersion_limit: DispersionField | None = None
    """The greatest dispersion that it bears."""
    price: Price | None = None
    """In the operator's currency; advice compares it."""
    source: str | None = None
    """Where the figures are from."""
    confidence: Literal["retrieved", "memory-verify"] = "memory-verify"
    """Whether the figures were read from the source, or are to be checked."""

    @model_validator(mode="after")
    def _ordered(self) -> TransceiverModel:
        if self.tx_min > self.tx_max or self.rx_min > self.rx_max:
            raise ValueError("tx_min must not be above tx_max, nor rx_min above rx_max")
        return self


class AttenuatorPartModel(Strict):
    """A fixed attenuator that can be plugged in before a receiver; `loss` with its tolerance."""

    id: Id
    """Its name."""
    loss: LossSpan
    """What it takes away, with its tolerance."""
    price: Price | None = None
    """In the operator's currency."""


class TransceiversFile(Strict):
    transceivers: tuple[TransceiverModel, ...] = ()
    """Kinds of optics."""
    attenuators: tuple[AttenuatorPartModel, ...] = ()
    """Fixed attenuators that advice may propose."""


class PortModel(Strict):
    """A trunk port: its optics and the far ends of its jumpers.

    Two strands: `tx` and `rx`. One strand with a wavelength each way: `bidi`. An end is a position of
    an ODF, a port of a passive node, a connectorised strand (``C-12:1``), or nothing yet.
    """

    port: Annotated[Whole, Field(ge=1, lt=0xFF00)]
    """The OpenFlow port number (1 to 65,279)."""
    transceiver: Id | None = None
    """The optics in it: a name of `transceivers.yaml`."""
    rate: BitrateField | None = None
    """The port's rate; by default that of its optics."""
    mtu: OctetsField | None = None
    """The largest frame payload; by default that of the switch."""
    tx: EndField | None = None
    """Where the strand on which it sends is plugged in."""
    rx: EndField | None = None
    """Where the strand on which it hears is plugged in."""
    bidi: EndField | None = None
    """Where its one strand is plugged in, with a wavelength each way."""
    link: Id | None = None
    """The name of its optical link; by default `switch--switch`."""
    status: Status = Status.IN_SERVICE
    """Where the port is in its life."""

    @model_validator(mode="after")
    def _one_way(self) -> PortModel:
        if self.bidi is not None and (self.tx is not None or self.rx is not None):
            raise ValueError("a port has tx and rx, or bidi, not both")
        return self


class SwitchModel(PlantObject):
    """A switch; `drivers` maps a driver's name to its target (``openflow: tcp:192.0.2.7:6653``)."""

    dpid: Dpid
    """Its OpenFlow datapath id (16 hex digits, or a number)."""
    site: Id
    """The site at which it stands."""
    role: str = ""
    """What it is for (`core`, `access`), for listings."""
    mtu: OctetsField | None = None
    """That of ports that do not say theirs."""
    drivers: dict[str, DeviceAddress] = {}
    """The drivers that speak to it, each with the address to dial, or `dial-in`."""
    ports: tuple[PortModel, ...] = ()
    """Its trunk ports; ports of customers need no entry."""


class JumperModel(Strict):
    """A patch cord between two ends that are not both named by a port: ODF to ODF, ODF to attenuator."""

    a: EndField
    """One end: a position of an ODF or a port of a passive node."""
    b: EndField
    """The other end."""
    length: LengthField | None = None
    """Its length; a few metres are assumed."""


class EquipmentFile(Strict):
    defaults: Life = Life()
    """What switches and devices leave out of owner, life cycle and source."""
    switches: tuple[SwitchModel, ...] = ()
    """Switches with their ports."""
    devices: tuple[DeviceModel, ...] = ()
    """Gear beside the switches."""
    jumpers: tuple[JumperModel, ...] = ()
    """Patch cords that no port names."""
