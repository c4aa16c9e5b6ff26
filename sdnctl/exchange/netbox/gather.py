"""A network as NetBox sees it: sites, switches and gear with their ports, jumpers, and links without glass."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sdnctl.document import Document
from sdnctl.errors import Diagnostic, Severity
from sdnctl.exchange.naming import clean
from sdnctl.exchange.netbox.frames import add_frames, add_passives, loose_positions, port_type
from sdnctl.exchange.netbox.model import (
    DESCRIPTION,
    DEVICE_STATUS,
    LABEL,
    NAME,
    SITE_STATUS,
    Cable,
    Device,
    End,
    FrontPort,
    Interface,
    Inventory,
    Names,
    RearPort,
    Site,
    interface_type,
    slug,
)
from sdnctl.inventory.plant import OdfPosition, PassivePort, Plant, Port, PortEnd, StrandEnd, Switch, Terminal
from sdnctl.topology.models import LinksFile


@dataclass
class Gathered:
    """The inventory, and what NetBox has no place for."""

    inventory: Inventory = field(default_factory=Inventory)
    devices: Names = field(default_factory=Names)
    findings: list[Diagnostic] = field(default_factory=list)

    def note(self, code: str, summary: str, detail: str = "") -> None:
        self.findings.append(Diagnostic(code, summary, detail=detail, severity=Severity.NOTE))


def gather(plant: Plant, documents: Mapping[str, Document[Any]]) -> Gathered:
    """Everything of a network that NetBox can hold."""
    made = Gathered()
    names = _sites(plant, made)
    speeds, links = _declared(plant, documents)
    _switches(plant, documents, names, speeds, made)
    _gear(plant, names, made)
    strands = add_frames(plant, made.inventory, names, made.devices)
    _empty_positions(plant, made)
    outside = add_passives(plant, made.inventory, names, made.devices)
    _Cabling(plant, made).jumpers()
    made.inventory.cables += links
    _left_out(plant, strands, outside, made)
    _sort(made.inventory)
    return made


def _comments(**values: object) -> str:
    """What NetBox has no field for, a line each; an import reads it back."""
    return "\n".join(f"{key}: {clean(str(value))}" for key, value in values.items() if value not in (None, ""))


def _sites(plant: Plant, made: Gathered) -> dict[str, str]:
    counted = Counter(clean(site.name, 60) for site in plant.sites.values())
    names: dict[str, str] = {}
    slugs: set[str] = set()
    for site in sorted(plant.sites.values(), key=lambda site: site.id):
        name = clean(site.name, 60)
        names[site.id] = site.id if not name else name if counted[name] < 2 else f"{name} ({site.id})"[:100]
        own, number = slug(site.id), 2
        while own in slugs:  # ids may differ in a dot only, which slugs have not
            own, number = f"{slug(site.id)}-{number}", number + 1
        slugs.add(own)
        x, y = site.position or (None, None)
        made.inventory.sites.append(
            Site(
                names[site.id],
                own,
                SITE_STATUS.get(str(site.life.status), "active"),
                site.id[:50],
                round(y, 6) if y is not None else None,
                round(x, 6) if x is not None else None,
                site.kind,
                _comments(
                    id=site.id,
                    area=site.area,
                    feeder=site.feeder,
                    owner=site.life.owner,
                    manager=site.life.manager,
                    status=site.life.status,
                    source=site.life.provenance,
                ),
            )
        )
    return names


def _switches(
    plant: Plant,
    documents: Mapping[str, Document[Any]],
    names: Mapping[str, str],
    speeds: Mapping[tuple[str, int], tuple[int | None, int | None, str]],
    made: Gathered,
) -> None:
    access: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    endpoints = documents.get("inventory/endpoints.csv")
    for row in endpoints.value if endpoints is not None else ():
        if row.device in plant.switches and str(row.port).isdigit():
            access[row.device][int(row.port)].append(row.id)
    for switch in sorted(plant.switches.values(), key=lambda switch: switch.id):
        made.inventory.devices.append(
            Device(
                made.devices.of("switch", switch.id),
                names[switch.site],
                clean(switch.role, 60) or "switch",
                "OpenFlow switch",
                status=DEVICE_STATUS.get(str(switch.life.status), "active"),
                comments=_comments(
                    dpid=switch.dpid,
                    owner=switch.life.owner,
                    manager=switch.life.manager,
                    **{f"driver {key}": value for key, value in sorted(switch.drivers.items())},
                ),
            )
        )
        own = access.get(switch.id, {})
        declared = {number for node, number in speeds if node == switch.id}
        for number in sorted({*switch.ports, *own, *declared}):
            port = switch.ports.get(number)
            made.inventory.interfaces.append(_interface(plant, switch, number, port, own.get(number, []), speeds))


def _interface(
    plant: Plant,
    switch: Switch,
    number: int,
    port: Port | None,
    endpoints: list[str],
    speeds: Mapping[tuple[str, int], tuple[int | None, int | None, str]],
) -> Interface:
    rate, mtu, link = speeds.get((switch.id, number), (None, None, ""))
    optics = plant.transceivers.get(port.transceiver) if port is not None and port.transceiver else None
    if port is not None:
        rate = port.rate or (optics.rate if optics is not None else rate)
        mtu = port.mtu or mtu
        link = port.link or link
    shown = endpoints[:5] + ([f"and {len(endpoints) - 5} more"] if len(endpoints) > 5 else [])
    parts = [f"link {link}" if link else "", f"optics {optics.id}" if optics is not None else "", ", ".join(shown)]
    speed = rate // 1000 if rate else None
    up = port is None or str(port.life.status) == "in-service"
    return Interface(
        switch.id,
        str(number),
        interface_type(speed),
        speed if speed is not None and speed < 2**31 else None,
        mtu,
        up,
        "; ".join(part for part in parts if part)[:DESCRIPTION],
    )


def _gear(plant: Plant, names: Mapping[str, str], made: Gathered) -> None:
    for device in sorted(plant.devices.values(), key=lambda device: device.id):
        made.inventory.devices.append(
            Device(
                made.devices.of("device", device.id),
                names[device.site],
                "access",
                device.platform,
                status=DEVICE_STATUS.get(str(device.life.status), "active"),
                comments=_comments(
                    owner=device.life.owner, manager=device.life.manager, source=device.life.provenance
                ),
            )
        )
        name, uplink = made.devices.of("device", device.id), device.uplink[:NAME]
        made.inventory.interfaces.append(Interface(name, uplink, description="uplink"))
        far = End(device.switch, "interface", str(device.switch_port))
        if all((one.device, one.name) != (far.device, far.name) for one in made.inventory.interfaces):
            made.inventory.interfaces.append(Interface(far.device, far.name))
        label = f"uplink {device.id}"[:LABEL]
        made.inventory.cables.append(Cable((far,), (End(name, "interface", uplink),), label=label, type=""))


def _declared(
    plant: Plant, documents: Mapping[str, Document[Any]]
) -> tuple[dict[tuple[str, int], tuple[int | None, int | None, str]], list[Cable]]:
    """Speeds of ports that only `links.yaml` knows, and cables for its links whose ports have no glass."""
    document: Document[LinksFile] | None = documents.get("topology/links.yaml")
    speeds: dict[tuple[str, int], tuple[int | None, int | None, str]] = {}
    cables: list[Cable] = []
    for link in document.value.links if document is not None else ():
        ends = [port for port in (link.a, link.b) if port is not None and port.node in plant.switches]
        if len(ends) < 2:
            continue
        for port in ends:
            speeds[port.node, port.port] = link.capacity, link.mtu, link.id
        ports = [plant.switches[port.node].ports.get(port.port) for port in ends]
        if any(port is not None and port.lanes for port in ports):
            continue
        a, b = (End(port.node, "interface", str(port.port)) for port in ends)
        cables.append(Cable((a,), (b,), label=link.id[:LABEL], length=link.length))
    return speeds, cables


def _empty_positions(plant: Plant, made: Gathered) -> None:
    """Positions with a jumper and no strand: a port that leads nowhere, so that its jumper has an end."""
    for position in sorted(set(loose_positions(plant))):
        kind, device = port_type(plant.odfs[position.odf]), made.devices.of("frame", position.odf)
        name = f"empty {position.number}"
        made.inventory.rear_ports.append(RearPort(device, name, kind, 1, "no strand"))
        made.inventory.front_ports.append(FrontPort(device, str(position.number), kind, name, 1, "no strand"))


class _Cabling:
    """Jumpers as cables: those of the lanes of one port together, each end used once."""

    def __init__(self, plant: Plant, made: Gathered) -> None:
        self.plant, self.made = plant, made
        self.ports = {(one.device, "frontport", one.name) for one in made.inventory.front_ports}
        self.ports |= {(one.device, "rearport", one.name) for one in made.inventory.rear_ports}
        self.ports |= {(one.device, "interface", one.name) for one in made.inventory.interfaces}
        self.used: set[tuple[str, str, str]] = set()
        self.strand = {(one.device, "frontport", one.name): one.position for one in made.inventory.front_ports}

    def jumpers(self) -> None:
        groups: dict[tuple[End, ...], list[tuple[End, End, float]]] = defaultdict(list)
        strands = 0
        for jumper in self.plant.jumpers:
            a, b = self._end(jumper.a), self._end(jumper.b)
            if a is None or b is None:
                strands += 1
                continue
            if b.kind == "interface" and a.kind != "interface":
                a, b = b, a
            groups[(a,) if a.kind == "interface" else (a, b)].append((a, b, jumper.length))
        for _, jumpers in sorted(groups.items(), key=lambda item: tuple(end.key for end in item[0])):
            self._cable(jumpers)
        if strands:
            self.made.note(
                "jumpers-left-out",
                f"{strands} jumpers lead to a connectorised strand, which NetBox has no port for",
            )

    def _cable(self, jumpers: list[tuple[End, End, float]]) -> None:
        a = tuple(dict.fromkeys(one for one, _, _ in jumpers))
        # the lower strand first at both ends of a link, so that a table that names one of two names the same glass
        b = tuple(sorted({two for _, two, _ in jumpers}, key=lambda end: (self.strand.get(end.key, 0), end.key)))
        ends = {end.key for end in (*a, *b)}
        if ends & self.used or not ends <= self.ports or len({end.kind for end in b}) > 1:
            self.made.note(
                "cable-left-out",
                f"the jumpers of {a[0].device} {a[0].name} do not fit on single ports and are left out",
                "In NetBox a port has one cable, and the ends of a side are of one type.",
            )
            return
        self.used |= ends
        length = round(max(metres for *_, metres in jumpers), 2)
        self.made.inventory.cables.append(Cable(a, b, length=length))

    def _end(self, end: Terminal) -> End | None:
        if isinstance(end, PortEnd):
            return End(end.switch, "interface", str(end.port))
        if isinstance(end, OdfPosition):
            return End(self.made.devices.of("frame", end.odf), "frontport", str(end.number))
        if isinstance(end, PassivePort):
            device = self.made.devices.of(self.plant.passives[end.passive].kind, end.passive)
            front = (device, "frontport", end.port) in self.ports
            return End(device, "frontport" if front else "rearport", end.port)
        assert isinstance(end, StrandEnd)
        return None


def _left_out(plant: Plant, strands: Mapping[str, int], outside: int, made: Gathered) -> None:
    missing = {
        "chambers": len(plant.chambers),
        "segments": len(plant.segments),
        "ducts": len(plant.ducts),
        "closures": len(plant.closures),
        "splices": sum(len(run.a.strands) for run in plant.splice_runs),
        "hazard zones": len(plant.hazards),
        "passive nodes outside of buildings": outside,
    }
    text = ", ".join(f"{count:,} {what}" for what, count in missing.items() if count)
    if text:
        made.note(
            "left-out",
            f"NetBox has no place for {text}",
            "Tubes and strands of cables neither: glass between two frames is one cable of as many positions.",
        )
    loose = strands["strands that end elsewhere"]
    if loose:
        made.note(
            "strands-left-open", f"{loose:,} strands on frames lead to no other frame: rear ports without cable"
        )
    pairs = sum(1 for cable in made.inventory.cables if len(cable.a) > 1 or len(cable.b) > 1)
    if pairs:
        made.note(
            "one-end-in-csv",
            f"{pairs:,} cables have two strands at an end; the CSV names the first, rest.json has both",
        )


def _sort(found: Inventory) -> None:
    found.interfaces.sort(key=lambda one: (one.device, _natural(one.name)))
    found.rear_ports.sort(key=lambda one: (one.device, one.name))
    found.front_ports.sort(key=lambda one: (one.device, _natural(one.name)))
    found.cables.sort(key=lambda one: (one.a[0].device, _natural(one.a[0].name), one.a[0].kind))


def _natural(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isascii() and name.isdigit() else (1 << 31, name)
