"""Transceivers, passive nodes, switches and the jumpers between their ends and the ODFs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sdnctl.errors import Source
from sdnctl.inventory import models
from sdnctl.inventory.collect import NOTHING, Collector, Entry
from sdnctl.inventory.fields import EndRef, StrandRange
from sdnctl.inventory.joints import Joints
from sdnctl.inventory.plant import (
    AttenuatorPart,
    Jumper,
    Lane,
    Life,
    Odf,
    OdfPosition,
    Passive,
    PassivePort,
    Port,
    PortEnd,
    Site,
    Switch,
    Terminal,
    Transceiver,
)
from sdnctl.units import Length, Loss, Octets

JUMPER_LENGTH = Length(5.0)
"""Of a jumper whose length nobody wrote down; within a room the error is nanoseconds."""

LANES: tuple[Lane, ...] = ("tx", "rx", "bidi")


def read_transceivers(c: Collector) -> dict[str, Transceiver]:
    document = c.document("inventory/transceivers.yaml", models.TransceiversFile)
    kinds: dict[str, Transceiver] = {}
    for index, item in enumerate(document.value.transceivers if document else ()):
        assert document is not None
        if c.declare("transceiver", item.id, document.at("transceivers", index)):
            kinds[item.id] = Transceiver(
                item.id,
                item.rate,
                item.wavelength,
                item.rx_wavelength or item.wavelength,
                item.tx_min,
                item.tx_max,
                item.rx_min,
                item.rx_basis,
                item.rx_max,
                item.penalty or Loss(0.0),
                item.dispersion_limit,
                item.price,
            )
    return kinds


def read_attenuators(c: Collector) -> dict[str, AttenuatorPart]:
    """Kinds of fixed attenuators that the operator keeps."""
    document = c.document("inventory/transceivers.yaml", models.TransceiversFile)
    parts: dict[str, AttenuatorPart] = {}
    for index, item in enumerate(document.value.attenuators if document else ()):
        assert document is not None
        if c.declare("attenuator part", item.id, document.at("attenuators", index)):
            parts[item.id] = AttenuatorPart(item.id, item.loss.min, item.loss.max, item.price)
    return parts


def read_passives(c: Collector) -> dict[str, Passive]:
    document = c.document("inventory/passives.yaml", models.PassivesFile)
    passives: dict[str, Passive] = {}
    for index, item in enumerate(document.value.passives if document else ()):
        assert document is not None
        origin, address = document.at("passives", index), f"passive {item.id}"
        if c.declare("passive", item.id, origin) and c.exists(("site", "chamber"), item.site, address, origin):
            life = c.life(document.value.defaults, item, address, origin)
            losses = {nm: (span.min, span.max) for nm, span in item.losses.items()}
            spans = [(item.loss.min, item.loss.max)] if item.loss is not None else list(losses.values())
            passives[item.id] = Passive(
                item.id,
                item.kind,
                item.site,
                min(low for low, _ in spans),
                max(high for _, high in spans),
                item.channels,
                life,
                origin,
                item.grid,
                item.ways or 0,
                losses,
                {port: (span.min, span.max) for port, span in item.port_losses.items()},
            )
    c.note_unknown_owners("passive", passives.values())
    return passives


def read_switches(
    c: Collector, transceivers: Mapping[str, Transceiver]
) -> tuple[dict[str, Switch], list[tuple[str, Entry[models.PortModel]]]]:
    """Switches with their ports, and each port as it was written, for its jumpers."""
    switches: dict[str, Switch] = {}
    written: list[tuple[str, Entry[models.PortModel]]] = []
    dpids: dict[int, str] = {}
    for entry in c.listed("inventory/equipment.yaml", "switches"):
        item, origin, address = entry.item, entry.where(), f"switch {entry.item.id}"
        if not c.declare("switch", item.id, origin):
            continue
        c.exists("site", item.site, address, entry.where("site"))
        twin = dpids.setdefault(item.dpid, item.id)
        if twin != item.id:
            c.error(
                "duplicate-dpid",
                f"switches {twin} and {item.id} have the same datapath id {item.dpid:#x}",
                address,
                entry.where("dpid"),
                hint="Give each switch its own.",
            )
        life = c.life(entry.defaults, item, address, origin)
        switches[item.id] = Switch(item.id, item.dpid, item.site, item.role, item.drivers, {}, life, origin)
        for number, port in enumerate(item.ports):
            below = entry.below(port, "ports", number)
            _port(c, switches[item.id], below, Life(status=port.status), item.mtu, transceivers, written)
    mtus = {entry.item.id: entry.item.mtu for entry in c.listed("inventory/equipment.yaml", "switches")}
    for row in c.rows("inventory/ports.csv"):
        if c.exists("switch", row.item.switch, f"port {row.item.switch}:{row.item.port}", row.where("switch")):
            life = c.life(NOTHING, row.item, f"switch {row.item.switch} port {row.item.port}", row.origin)
            _port(c, switches[row.item.switch], row, life, mtus[row.item.switch], transceivers, written)
    c.note_unknown_owners("switch", switches.values())
    return switches, written


def _port(
    c: Collector,
    switch: Switch,
    entry: Entry[models.PortModel],
    life: Life,
    mtu: Octets | None,
    transceivers: Mapping[str, Transceiver],
    written: list[tuple[str, Entry[models.PortModel]]],
) -> None:
    """Add one port to its switch; of a port that is described twice the first counts."""
    item, where = entry.item, entry.where()
    address = f"switch {switch.id} port {item.port}"
    if item.transceiver is not None:
        c.exists("transceiver", item.transceiver, address, where)
    if item.port in switch.ports:
        c.error(
            "duplicate-port",
            f"port {item.port} of switch {switch.id} is described twice",
            address,
            where,
            detail=f"It was first at {switch.ports[item.port].origin}.",
            hint="Delete one of the two, or correct its number.",
        )
        return
    kind = transceivers.get(item.transceiver) if item.transceiver else None
    switch.ports[item.port] = Port(
        item.port,
        kind.id if kind else None,
        item.rate or (kind.rate if kind else None),
        item.mtu or mtu,
        ("bidi",) if item.bidi is not None else ("tx", "rx"),
        item.link,
        life,
        where,
    )
    written.append((switch.id, entry))


@dataclass(slots=True)
class Patching:
    """Jumpers so far, and which ends they hold."""

    odfs: Mapping[str, Odf]
    passives: Mapping[str, Passive]
    switches: Mapping[str, Switch]
    sites: Mapping[str, Site]
    joints: Joints
    jumpers: list[Jumper] = field(default_factory=list)
    held: dict[Terminal, Source] = field(default_factory=dict)

    def site_of(self, end: Terminal) -> str:
        if isinstance(end, PortEnd):
            return self.switches[end.switch].site
        if isinstance(end, OdfPosition):
            return self.odfs[end.odf].site
        if isinstance(end, PassivePort):
            return self.passives[end.passive].site
        return self.joints.cables[end.cable].places[end.place]

    def join(
        self,
        c: Collector,
        a: Terminal,
        b: Terminal,
        length: Length,
        address: str,
        origin: Source,
        life: Life | None = None,
    ) -> None:
        """Put a jumper between two ends of one site, unless one of them has a jumper already."""
        if self.site_of(a) != self.site_of(b):
            c.error(
                "jumper-between-sites",
                f"a jumper cannot join {a} at {self.site_of(a)} and {b} at {self.site_of(b)}",
                address,
                origin,
                hint="Between sites there are cables: correct one of the ends.",
            )
            return
        if a == b:
            c.error(
                "jumper-to-itself", f"both ends of the jumper are {a}", address, origin, hint="Correct one end."
            )
            return
        for end in (a, b):
            first = self.held.setdefault(end, origin)
            if first is not origin:
                c.error(
                    "patched-twice",
                    f"{end} has two jumpers",
                    address,
                    origin,
                    detail=f"It has one at {first} already.",
                    hint="Correct one of the two.",
                )
                return
        self.jumpers.append(Jumper(a, b, length, origin, life))

    def resolve(
        self, c: Collector, ref: EndRef, near: str | None, address: str, origin: Source
    ) -> Terminal | None:
        """The end that is meant; `near` is the site of the other end, which tells the end of a cable apart."""
        kinds = [kind for kind in ("ODF", "passive", "switch", "cable") if ref.name in c.declared.get(kind, {})]
        if len(kinds) > 1:
            c.error(
                "ambiguous-end",
                f"{ref.name} is {' and '.join(kinds)}",
                address,
                origin,
                hint="Give them different ids.",
            )
            return None
        if not kinds:
            c.exists(("ODF", "passive", "switch", "cable"), ref.name, address, origin)
            return None
        if kinds == ["ODF"]:
            return self._position(c, ref, address, origin)
        if kinds == ["passive"]:
            return self._passive(c, ref, address, origin)
        if kinds == ["switch"]:
            return self._port(c, ref, address, origin)
        return self._strand(c, ref, near, address, origin)

    def _position(self, c: Collector, ref: EndRef, address: str, origin: Source) -> Terminal | None:
        odf = self.odfs.get(ref.name)
        if odf is None:
            return None
        if ref.number is None or ref.lane is not None or not 1 <= ref.number <= odf.positions:
            c.error(
                "no-such-position",
                f"ODF {odf.id} has no position {ref}",
                address,
                origin,
                hint=f"Write {odf.id}:1 to {odf.id}:{odf.positions}.",
            )
            return None
        return OdfPosition(odf.id, ref.number)

    def _passive(self, c: Collector, ref: EndRef, address: str, origin: Source) -> Terminal | None:
        passive = self.passives.get(ref.name)
        if passive is None:
            return None
        if ref.number is not None or ref.lane not in passive.ports:
            c.error(
                "no-such-port",
                f"{passive.kind} {passive.id} has no port {ref}",
                address,
                origin,
                hint=f"It has {', '.join(f'{passive.id}/{port}' for port in passive.ports)}.",
            )
            return None
        return PassivePort(passive.id, ref.lane)

    def _port(self, c: Collector, ref: EndRef, address: str, origin: Source) -> Terminal | None:
        switch = self.switches.get(ref.name)
        if switch is None:
            return None
        lane = next((lane for lane in LANES if lane == ref.lane), None)
        port = switch.ports.get(ref.number) if ref.number is not None else None
        if lane is None or port is None or lane not in port.lanes:
            c.error(
                "no-such-port",
                f"switch {switch.id} has no trunk port {ref}",
                address,
                origin,
                hint=f"Write {switch.id}:3/tx for the transmitter of port 3, and list the port.",
            )
            return None
        return PortEnd(switch.id, port.number, lane)

    def _strand(
        self, c: Collector, ref: EndRef, near: str | None, address: str, origin: Source
    ) -> Terminal | None:
        if ref.number is None or near is None:
            c.error(
                "no-such-strand",
                f"{ref} does not name one strand at one site",
                address,
                origin,
                hint="Write C-12:1, and at the other end a port, a passive or an ODF.",
            )
            return None
        side = ref.lane if ref.lane in ("a", "b") else None
        run = self.joints.ends(c, StrandRange(ref.name, (ref.number,), side), near, address, origin)
        if run is None or self.joints.take(c, run, lambda: f"the jumper at {address}", address, origin):
            return None
        return run.end(0)


def read_jumpers(c: Collector, patching: Patching, written: Iterable[tuple[str, Entry[models.PortModel]]]) -> None:
    """Jumpers of ports, then those between other ends."""
    for name, entry in written:
        switch = patching.switches.get(name)
        if switch is None or switch.site not in patching.sites:
            continue
        number = entry.item.port
        for lane in switch.ports[number].lanes:
            ref: EndRef | None = getattr(entry.item, lane)
            if ref is None:
                continue
            address, origin = f"switch {name} port {number}", entry.where(lane)
            end = patching.resolve(c, ref, switch.site, address, origin)
            if end is not None:
                patching.join(c, PortEnd(name, number, lane), end, JUMPER_LENGTH, address, origin)
    listed = ((patch, False) for patch in c.listed("inventory/equipment.yaml", "jumpers"))
    tabled = ((patch, True) for patch in c.rows("inventory/jumpers.csv"))
    for patch, lives in (*listed, *tabled):
        jumper = patch.item
        origin, address = patch.where(), f"jumper {jumper.a} – {jumper.b}"
        # A connectorised strand is told apart by the site of the other end: resolve that one first.
        first, second = jumper.a, jumper.b
        if first.name in patching.joints.cables:
            first, second = second, first
        a = patching.resolve(c, first, None, address, origin)
        b = patching.resolve(c, second, patching.site_of(a), address, origin) if a is not None else None
        if a is not None and b is not None:
            life = c.own_life(jumper, address, origin) if lives else None  # rows say it
            patching.join(c, a, b, jumper.length or JUMPER_LENGTH, address, origin, life)
