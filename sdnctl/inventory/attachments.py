"""Where endpoints are plugged in: edge ports of switches at their own site, and the terminals behind them.

A port is of a trunk or of customers. One that endpoints name a `terminal` for is of customers: its glass leads to
that terminal (`access.py` follows it there). Any other port that has optics or a jumper is of a trunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sdnctl.errors import Source
from sdnctl.inventory import models
from sdnctl.inventory.collect import Collector, Entry
from sdnctl.inventory.devices import KINDS, Behind
from sdnctl.inventory.fields import EndRef
from sdnctl.inventory.gear import Patching
from sdnctl.inventory.plant import AccessPort, Cable, Chamber, Device, PortEnd, Site, StrandEnd, Switch, Terminal

_IN_SERVICE = models.Status.IN_SERVICE
_PLACES = ("wall-box", "customer")
"""Kinds of chambers and sites where a customer's glass may end."""


@dataclass(slots=True)
class _Port:
    """A port with endpoints that name a terminal: as first written, as found, and whose it is."""

    ref: EndRef
    terminal: Terminal | None
    first: str
    origin: Source
    endpoints: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Attachments:
    c: Collector
    patching: Patching
    sites: dict[str, Site]
    chambers: dict[str, Chamber]
    ports: dict[tuple[str, int], _Port] = field(default_factory=dict)
    ends: dict[Terminal, tuple[str, int]] = field(default_factory=dict)
    whole: dict[tuple[str, int], tuple[str, Source]] = field(default_factory=dict)
    shared: dict[tuple[str, int], tuple[str, Source]] = field(default_factory=dict)

    # ── terminals ────────────────────────────────────────────────────────────────────────────────

    def terminal(self, entry: Entry[models.EndpointRow], origin: Source, switch: Switch) -> None:
        """Note the terminal that an endpoint names for its port; one port leads to one terminal."""
        row = entry.item
        assert row.terminal is not None
        address, key = f"endpoint {row.id}", (switch.id, _number(row))
        port = self.ports.get(key)
        if port is None:
            found = self._find(row.terminal, address, entry)
            port = self.ports[key] = _Port(row.terminal, found, row.id, origin)
            if found is not None and (other := self.ends.setdefault(found, key)) != key:
                self.c.error(
                    "terminal-claimed-twice",
                    f"ports {other[0]}:{other[1]} and {switch.id}:{row.port} both lead to {row.terminal}",
                    address,
                    entry.where("terminal"),
                    detail=f"Endpoint {self.ports[other].first} names it for the first.",
                    hint="Correct the terminal or the port of one of the two.",
                )
        elif port.ref != row.terminal and self._find(row.terminal, address, entry) != port.terminal:
            self._differs(entry, port, f"{row.id} at {row.terminal}")
        if row.status is None or row.status is _IN_SERVICE:
            port.endpoints.append(row.id)

    def _differs(self, entry: Entry[models.EndpointRow], port: _Port, said: str) -> None:
        row = entry.item
        self.c.error(
            "terminals-differ",
            f"endpoints of port {row.port} of {row.device} are {port.first} at {port.ref} and {said}",
            f"endpoint {row.id}",
            entry.where("terminal"),
            detail=f"The glass of a port ends at one place. {port.first} stands at {port.origin}.",
            hint="Give both the same terminal, or another port.",
        )

    def _find(self, ref: EndRef, address: str, entry: Entry[models.EndpointRow]) -> Terminal | None:
        """The end of glass that a terminal means, or None with a diagnostic."""
        c = self.c
        cable = self.patching.joints.cables.get(ref.name)
        framed = c.known(("ODF",), ref.name)
        if cable is not None and not framed:
            ends = self._fitting(cable, ref)
            if len(ends) == 1:
                return ends[0]  # nearly all are like that
        origin = entry.where("terminal")
        if not c.exists(("cable", "ODF"), ref.name, address, origin):
            return None
        if framed:
            if c.known(("cable",), ref.name):
                c.error(
                    "ambiguous-end", f"{ref.name} is ODF and cable", address, origin, hint="Give them other ids."
                )
                return None
            return self.patching.resolve(c, ref, None, address, origin)
        if cable is None:
            return None  # declared, but faulty: reported where it is declared
        capacity = self.patching.joints.types[cable.type].strands
        if ref.number is None or not 1 <= ref.number <= capacity:
            c.error(
                "no-such-strand",
                f"cable {cable.id} has no strand {ref}",
                address,
                origin,
                hint=f"Write {cable.id}:1 to {cable.id}:{capacity}.",
            )
            return None
        fit = self._fitting(cable, ref)
        c.error(
            "terminal-not-at-customer" if not fit else "ambiguous-end",
            f"cable {cable.id} ends at {cable.a} and {cable.b}, "
            + ("neither is a wall box or a customer's site" if not fit else "both are customers'"),
            address,
            origin,
            hint="Correct the terminal, or the kind of the chamber where the cable ends."
            if not fit
            else f"Write {ref.name}:{ref.number}/a for the end whose glass leads to {cable.a}, or …/b.",
        )
        return None

    def _fitting(self, cable: Cable, ref: EndRef) -> list[StrandEnd]:
        """Ends of a strand at customers' places that a terminal may mean."""
        number, last, found = ref.number, len(cable.places) - 1, list[StrandEnd]()
        if number is None or not 1 <= number <= self.patching.joints.types[cable.type].strands:
            return found
        if ref.lane in (None, "b") and self._kind(cable.places[0]) in _PLACES:
            found.append(StrandEnd(cable.id, number, 0, "b"))
        if ref.lane in (None, "a") and self._kind(cable.places[last]) in _PLACES:
            found.append(StrandEnd(cable.id, number, last, "a"))
        return found

    def _kind(self, place: str) -> str:
        chamber, site = self.chambers.get(place), self.sites.get(place)
        return chamber.kind if chamber is not None else site.kind if site is not None else ""

    # ── ports ────────────────────────────────────────────────────────────────────────────────────

    def check(self, entry: Entry[models.EndpointRow], origin: Source, switch: Switch) -> None:
        """The endpoint is at its switch's site, on no trunk port, and shares its port only where frames differ."""
        row, c = entry.item, self.c
        address, key = f"endpoint {row.id}", (row.device, _number(row))
        if row.site in self.sites and switch.site != row.site:
            c.error(
                "endpoint-elsewhere",
                f"endpoint {row.id} is at {row.site}, its switch {switch.id} at {switch.site}",
                address,
                origin,
                hint="Correct the site or the device.",
            )
        if row.terminal is None and key in self.ports:
            self._differs(entry, self.ports[key], f"{row.id} at none")
        elif row.terminal is None and (row.port in switch.ports or self._patched(key)):
            c.error(
                "endpoint-on-trunk-port",
                f"port {row.port} of {row.device} is a trunk port",
                address,
                entry.where("port"),
                detail="Trunk ports accept labelled frames only.",
                hint="Plug the endpoint into another port; if glass leads from this one to it, name its terminal.",
            )
        whole = row.vlan is None and not row.prefixes
        claims, others = (self.whole, self.shared) if whole else (self.shared, self.whole)
        other = others.get(key) or (self.whole.get(key) if whole else None)
        if other is not None:
            c.error(
                "port-claimed-twice",
                f"endpoints {other[0]} and {row.id} both claim port {row.port} of {row.device}",
                address,
                origin,
                detail="One of them takes every frame of the port.",
                hint="Give both a VLAN or prefixes, or another port.",
            )
        claims.setdefault(key, (row.id, origin))

    def _patched(self, key: tuple[str, int]) -> bool:
        return any(PortEnd(*key, lane) in self.patching.held for lane in ("tx", "rx", "bidi"))


def read_attachments(
    c: Collector,
    patching: Patching,
    sites: dict[str, Site],
    chambers: dict[str, Chamber],
    devices: Mapping[str, Device],
) -> dict[tuple[str, int], AccessPort]:
    """Check every endpoint's place, and give the ports whose glass leads to customers, by switch and number."""
    found = _Attachments(c, patching, sites, chambers)
    placed = list(_placed(c, patching, Behind(c, devices)))
    for entry, origin, switch in placed:
        if entry.item.terminal is not None:
            found.terminal(entry, origin, switch)
    for entry, origin, switch in placed:
        found.check(entry, origin, switch)
    return {
        key: AccessPort(*key, port.terminal, tuple(sorted(port.endpoints)), port.origin)
        for key, port in sorted(found.ports.items())
        if port.terminal is not None
    }


def _number(row: models.EndpointRow) -> int:
    """The number of a port of a switch."""
    assert isinstance(row.port, int)
    return row.port


def _placed(
    c: Collector, patching: Patching, behind: Behind
) -> Iterator[tuple[Entry[models.EndpointRow], Source, Switch]]:
    """Endpoints, where they stand, and the switch they are plugged into.

    Those whose site or switch is not there are reported; those at ports of devices are checked by `behind`.
    """
    sites, devices, switches = (c.declared.get(kind, {}) for kind in ("site", "device", "switch"))
    for entry in c.rows("inventory/endpoints.csv"):
        row: models.EndpointRow = entry.item
        address, origin = f"endpoint {row.id}", entry.where()
        if not c.declare("endpoint", row.id, origin):
            continue
        if row.site not in sites:
            c.missing(("site",), row.site, address, entry.where("site"))
        if row.device in devices:
            behind.check(entry)
            continue
        if row.device not in switches:
            c.missing(
                KINDS if c.declared.get("device") else ("switch",), row.device, address, entry.where("device")
            )
            continue
        if not isinstance(row.port, int):
            c.error(
                "not-a-port-number",
                f"{row.port} is not a port of switch {row.device}: its ports have numbers",
                address,
                entry.where("port"),
                hint="Write the number of the port, or the id of the device that has a port of this name.",
            )
            continue
        behind.on_uplink(entry)
        switch = patching.switches.get(row.device)
        if switch is not None:
            yield entry, origin, switch
