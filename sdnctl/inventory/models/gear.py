"""Switches and their optics: transceivers, ports, jumpers, and the file of all equipment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sdnctl.inventory.fields import DispersionField, Dpid, EndField, Id, WavelengthField, Whole
from sdnctl.inventory.models.base import Life, LossSpan, PlantObject, Status, Strict
from sdnctl.inventory.models.devices import DeviceModel
from sdnctl.units import BitrateField, LengthField, LossField, OctetsField, PowerField

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
    devices: tuple[DeviceModel, ...] = ()
    jumpers: tuple[JumperModel, ...] = ()
