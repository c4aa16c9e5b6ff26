"""What the inventory says that one should find: ports, who faces whom, which optics, how much light."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from sdnctl.inventory.links import OpticalLink
from sdnctl.inventory.live.findings import Entry
from sdnctl.inventory.live.readings import Place
from sdnctl.inventory.optics import DirectedBudget
from sdnctl.inventory.plant import Plant, Port, Transceiver
from sdnctl.units import Power


@dataclass(frozen=True, slots=True)
class Level:
    """Average power at a receiver, dBm: between `low` and `high` if the plant is as accepted.

    `low` = weakest launch − greatest loss, `high` = strongest launch − least loss. The receiver needs `needed` and
    takes at most `most`.
    """

    low: Power
    high: Power
    needed: Power
    most: Power


@dataclass(frozen=True, slots=True)
class ExpectedPort:
    """A port that the inventory has, and where; `level` only of links that carry traffic."""

    place: Place
    entry: Entry
    in_service: bool = True
    optics: Transceiver | None = None
    level: Level | None = None
    bidi: bool = False
    named: bool = False  # the entry names the link


@dataclass(frozen=True)
class ExpectedDevice:
    """A switch or a device: where it is written, and its ports by name."""

    id: str
    kind: str
    entry: Entry
    site: str
    in_service: bool
    dpid: int | None = None
    ports: Mapping[str, ExpectedPort] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cable:
    """Two places that face each other; `how` says what is written: a jumper, an uplink, a declared link.

    `lit`: whether it should carry traffic; glass may be patched that is spare, planned or too long.
    """

    a: Place
    b: Place
    how: str
    entry: Entry | None = None
    lit: bool = True


@dataclass(frozen=True)
class Expected:
    """Everything, by device and by place; `optics`: every kind of transceiver that the inventory knows."""

    devices: Mapping[str, ExpectedDevice]
    cables: Mapping[Place, Cable]
    optics: Mapping[str, Transceiver]

    def facing(self, place: Place) -> Place | None:
        """What should be at the other end of a port."""
        cable = self.cables.get(place)
        if cable is None:
            return None
        return cable.b if cable.a == place else cable.a

    @property
    def dpids(self) -> Mapping[int, str]:
        return {one.dpid: key for key, one in self.devices.items() if one.dpid is not None}

    def port(self, place: Place) -> ExpectedPort | None:
        device = self.devices.get(place[0])
        return device.ports.get(place[1]) if device is not None else None

    def address(self, place: Place) -> str:
        """A place as diagnostics name it: ``switch core-a port 3``."""
        device = self.devices.get(place[0])
        return f"{device.kind if device else 'device'} {place[0]} port {place[1]}"


def expect(
    plant: Plant, optical: Iterable[OpticalLink], declared: Iterable[Cable] = (), on: date | None = None
) -> Expected:
    """Expectations of a plant, its optical links and links that are only declared.

    What the glass says comes before what is declared, as everywhere. `on`: the day of which is judged what is in
    service; without it only the status counts.
    """
    optical = tuple(optical)
    levels = _levels(plant, optical)
    devices: dict[str, ExpectedDevice] = {}
    cables: dict[Place, Cable] = {}
    for switch in plant.switches.values():
        ports = {
            str(port.number): _port(plant, (switch.id, str(port.number)), port, levels, on)
            for port in switch.ports.values()
        }
        entry = Entry(switch.origin, "id", switch.id)
        serving = switch.life.in_service(on)
        devices[switch.id] = ExpectedDevice(switch.id, "switch", entry, switch.site, serving, switch.dpid, ports)
    for link in optical:
        ends = _place(link.a.switch, link.a.port), _place(link.b.switch, link.b.port)
        _join(cables, Cable(*ends, "jumper", lit=link.usable))
    for device in plant.devices.values():
        entry = Entry(device.origin, "id", device.id)
        serving = device.life.in_service(on)
        place = (device.id, device.uplink)
        uplink = {device.uplink: ExpectedPort(place, entry, serving)}
        devices[device.id] = ExpectedDevice(device.id, "device", entry, device.site, serving, None, uplink)
        _join(cables, Cable(place, _place(device.switch, device.switch_port), "uplink", entry))
    for cable in declared:
        _join(cables, cable)
        for device_id, port in (cable.a, cable.b):
            found = devices.get(device_id)
            if found is not None and port not in found.ports and cable.entry is not None:
                written = ExpectedPort((device_id, port), cable.entry)
                devices[device_id] = replace(found, ports={**found.ports, port: written})
    return Expected(devices, cables, plant.transceivers)


def _place(device: str, port: int) -> Place:
    return device, str(port)


def _join(cables: dict[Place, Cable], cable: Cable) -> None:
    """Note a cable, unless one of its ends has one already: several devices may share a switch port."""
    if cable.a not in cables:
        cables[cable.a] = cable
    if cable.b not in cables:
        cables[cable.b] = cable


def _port(plant: Plant, place: Place, port: Port, levels: Mapping[Place, Level], on: date | None) -> ExpectedPort:
    optics = plant.transceivers.get(port.transceiver) if port.transceiver else None
    entry = Entry(port.origin, "port", str(port.number))
    return ExpectedPort(
        place,
        entry,
        port.life.in_service(on),
        optics,
        levels.get(place),
        "bidi" in port.lanes,
        port.link is not None,
    )


def _levels(plant: Plant, optical: Iterable[OpticalLink]) -> Mapping[Place, Level]:
    """Light at every receiver of a link that carries traffic and whose budget is known both ways."""
    found: dict[Place, Level] = {}
    for link in optical:
        if not link.usable or len(link.budgets) != 2:
            continue
        for budget, tx, rx in zip(link.budgets, (link.a, link.b), (link.b, link.a), strict=True):
            sender, receiver = (plant.switches[end.switch].ports[end.port].transceiver for end in (tx, rx))
            if sender is not None and receiver is not None:
                level = level_of(budget, plant.transceivers[sender], plant.transceivers[receiver])
                found[_place(rx.switch, rx.port)] = level
    return found


def level_of(budget: DirectedBudget, tx: Transceiver, rx: Transceiver) -> Level:
    """The light of `tx` at `rx`: see `optics.budget` for the sources; a sensitivity still loses its penalty."""
    needed = rx.rx_min + (rx.penalty if rx.rx_basis == "sensitivity" else 0.0)
    return Level(
        Power(tx.tx_min - budget.loss.max), Power(tx.tx_max - budget.loss.min), Power(needed), Power(rx.rx_max)
    )
