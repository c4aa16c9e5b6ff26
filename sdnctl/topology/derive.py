"""Plant and declarations to topology: the switches, the links that carry traffic, and their shared risks.

What is deeper overrides what is shallower. Where the plant has the strands of a link, they give its length,
delay and risks, and `topology/links.yaml` may rename it and set capacity, MTU and delay. Where the plant
has only cables, the declared link names them. Where it has nothing, the declaration says it all.
Declared risks are added and marked as declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sdnctl.document import Document
from sdnctl.errors import Diagnostics
from sdnctl.inventory.geometry import ZoneContent
from sdnctl.inventory.links import OpticalLink, optical_links
from sdnctl.inventory.plant import Plant
from sdnctl.inventory.rings import closed_loops
from sdnctl.topology.declare import ETHERNET_MTU, Candidate, apply_links, declared_risks
from sdnctl.topology.graph import Budget, Device, Link, Node, PortRef, Topology
from sdnctl.topology.models import LinksFile, MaintenanceFile
from sdnctl.topology.srlg import exposure, group, spans_of, zones
from sdnctl.units import Bitrate


def derive(
    plant: Plant,
    links: Document[LinksFile] | None = None,
    maintenance: Document[MaintenanceFile] | None = None,
    *,
    on: date | None = None,
) -> tuple[Topology, Diagnostics]:
    """The topology of a network, and what is wrong or dark in it.

    Only usable glass is in it: in service (on day `on`, if given), within its optical budget, not taken
    out for maintenance. Warnings name the links that were left out, and why.
    """
    diagnostics = Diagnostics()
    nodes = {
        key: Node(
            key,
            switch.dpid,
            switch.site,
            switch.role,
            plant.sites[switch.site].position,
            switch.drivers,
            switch.origin,
        )
        for key, switch in sorted(plant.switches.items())
        if switch.life.in_service(on)
    }
    for loop in closed_loops(plant):
        ends = ", ".join(str(end) for end in loop[:4])
        diagnostics.warning(
            "closed-loop",
            f"{len(loop)} strand ends are spliced in a ring that leads nowhere",
            address=f"cable {loop[0].cable}",
            source=plant.splice_at[loop[0]].origin,
            detail=f"It runs through {ends}{' …' if len(loop) > 4 else ''}.",
            hint="One of the splices is recorded wrongly.",
        )
    content = zones(plant)
    optical, found = optical_links(plant, on)
    diagnostics.extend(found)
    candidates = _derived(plant, content, optical, diagnostics)
    apply_links(plant, content, links, candidates, nodes, diagnostics, on)
    _check_ports(candidates, diagnostics)
    alive, dead = _in_service(candidates, nodes, maintenance, diagnostics)
    kept = {key: node for key, node in nodes.items() if key not in dead}
    groups = group(plant, content, {link: candidates[link].exposure for link in alive}, kept)
    groups.update(declared_risks(links, candidates, alive, nodes, kept, diagnostics))
    devices = {
        key: Device(
            key,
            device.site,
            device.uplink,
            PortRef(device.switch, device.switch_port),
            device.tags,
            device.can,
            device.drivers,
            device.options,
            device.origin,
        )
        for key, device in sorted(plant.devices.items())
        if device.life.in_service(on)
    }
    _check_uplinks(devices, candidates, diagnostics)
    return Topology(kept, {key: candidates[key].link for key in sorted(alive)}, groups, devices), diagnostics


def _check_uplinks(
    devices: Mapping[str, Device], candidates: Mapping[str, Candidate], diagnostics: Diagnostics
) -> None:
    """No device is plugged into a port of a link that was declared; ports of the plant were checked with it."""
    ports = {end: link for link, found in candidates.items() for end in (found.link.a, found.link.b)}
    for device in devices.values():
        if (link := ports.get(device.at)) is not None:
            diagnostics.error(
                "uplink-on-trunk-port",
                f"port {device.at.port} of {device.at.node} is a port of link {link}",
                address=f"device {device.id}",
                source=device.source,
                detail="Trunk ports accept labelled frames only.",
                hint="Plug the device into another port of the switch.",
            )


def _derived(
    plant: Plant,
    content: Mapping[str, ZoneContent],
    optical: tuple[OpticalLink, ...],
    diagnostics: Diagnostics,
) -> dict[str, Candidate]:
    """Optical links by name: that of their ports, or ``switch--switch``, with the port from the second on."""
    candidates: dict[str, Candidate] = {}
    for found in optical:
        a, b = found.a, found.b
        names = {plant.switches[end.switch].ports[end.port].link for end in (a, b)} - {None}
        if len(names) > 1:
            diagnostics.error(
                "link-name-conflict",
                f"the two ports of a link call it {' and '.join(sorted(str(name) for name in names))}",
                address=found.address,
                source=found.origin,
                hint="Name it at one of the two, or alike.",
            )
            continue
        usual = f"{a.switch}--{b.switch}"
        name = next(iter(names), None) or (usual if usual not in candidates else f"{usual}-p{a.port}")
        if name in candidates:
            diagnostics.error(
                "duplicate-id",
                f"two links are called {name}",
                address=found.address,
                source=found.origin,
                detail=f"The other is {candidates[name].link.a} – {candidates[name].link.b}.",
                hint="Give one of them another `link` name.",
            )
            continue
        spans, points = spans_of((found.there, found.back))
        rooms = {plant.switches[end.switch].site for end in (a, b)}
        rooms |= {plant.odfs[key].site if kind == "odf" else plant.passives[key].site for kind, key in points}
        mtus = [mtu for end in (a, b) if (mtu := plant.switches[end.switch].ports[end.port].mtu) is not None]
        link = Link(
            name,
            PortRef(a.switch, a.port),
            PortRef(b.switch, b.port),
            found.length,
            found.delay,
            found.rate or Bitrate(0),
            min(mtus) if len(mtus) == 2 else ETHERNET_MTU,
            _worst(found),
            found.origin,
        )
        candidates[name] = Candidate(link, exposure(plant, content, spans, rooms), found.usable)
    return candidates


def _worst(found: OpticalLink) -> Budget | None:
    """The budget that counts: of each figure the worse of the two directions."""
    if not found.budgets:
        return None
    return Budget(
        min(figures.loss.min for figures in found.budgets),
        max(figures.loss.max for figures in found.budgets),
        min(figures.margin for figures in found.budgets),
        min(figures.overload for figures in found.budgets),
    )


def _check_ports(candidates: dict[str, Candidate], diagnostics: Diagnostics) -> None:
    """Every link has a capacity, and no port is in two links."""
    taken: dict[PortRef, str] = {}
    for key in sorted(candidates):
        link = candidates[key].link
        if link.capacity == 0:
            diagnostics.error(
                "link-rate-unknown",
                f"the capacity of link {key} is not known",
                address=f"link {key}",
                source=link.source,
                hint="Give its ports a rate or transceivers, or the link a capacity.",
            )
        for port in (link.a, link.b):
            other = taken.setdefault(port, key)
            if other != key:
                diagnostics.error(
                    "port-in-two-links",
                    f"port {port} is in links {other} and {key}",
                    address=f"link {key}",
                    source=link.source,
                    hint="Correct the port of one of them.",
                )


def _in_service(
    candidates: Mapping[str, Candidate],
    nodes: Mapping[str, Node],
    document: Document[MaintenanceFile] | None,
    diagnostics: Diagnostics,
) -> tuple[set[str], set[str]]:
    """Links that carry traffic, and switches that were taken out on purpose."""
    out_links: set[str] = set()
    out_nodes: set[str] = set()
    for index, entry in enumerate(document.value.out_of_service if document else ()):
        assert document is not None
        kind, name = ("link", entry.link) if entry.link is not None else ("switch", entry.node)
        assert name is not None
        if name not in (candidates if kind == "link" else nodes):
            diagnostics.error(
                "dangling-reference",
                f"there is no {kind} {name}",
                address=f"{kind} {name}",
                source=document.at("out_of_service", index),
                hint="Correct the name, or delete the entry.",
            )
        (out_links if kind == "link" else out_nodes).add(name)
    alive = {
        key
        for key, item in candidates.items()
        if item.usable and key not in out_links and not out_nodes & set(item.link.nodes)
    }
    return alive, out_nodes
