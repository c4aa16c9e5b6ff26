"""What `topology/links.yaml` says: overrides of derived links, links that only it knows, and shared risks.

Where the plant has a link's strands they give length, delay and risks; the declaration may rename the link and
set capacity, MTU and delay. Where the plant has its cables, the declaration names them. Else it says it all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from sdnctl.document import Document
from sdnctl.errors import Diagnostics, Source
from sdnctl.inventory.geometry import ZoneContent
from sdnctl.inventory.optics import JUMPER_INDEX, LIGHT
from sdnctl.inventory.plant import Plant
from sdnctl.topology.graph import Link, Node, PortRef, Srlg
from sdnctl.topology.models import LinkEntry, LinksFile
from sdnctl.topology.srlg import Exposure, Span, exposure
from sdnctl.units import Delay, Length, Octets, format_length

ETHERNET_MTU = Octets(1500)
"""Of a port whose MTU nobody wrote down (IEEE 802.3); too small to carry a labelled full-size frame."""
LENGTH_TOLERANCE = 0.01
"""Relative difference between a declared and a derived length from which on it is reported."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A link with what it is exposed to; `usable` is false for glass that cannot carry traffic."""

    link: Link
    exposure: Exposure
    usable: bool


def apply_links(
    plant: Plant,
    content: Mapping[str, ZoneContent],
    document: Document[LinksFile] | None,
    candidates: dict[str, Candidate],
    nodes: Mapping[str, Node],
    diagnostics: Diagnostics,
    on: date | None,
) -> None:
    """Apply `topology/links.yaml`: overrides of derived links, and links that only it knows."""
    seen: dict[str, Source] = {}
    for index, entry in enumerate(document.value.links if document else ()):
        assert document is not None
        source, address = document.at("links", index), f"link {entry.id}"
        first = seen.setdefault(entry.id, source)
        if first is not source:
            diagnostics.error(
                "duplicate-id",
                f"link {entry.id} is declared twice",
                address=address,
                source=source,
                detail=f"It was declared first at {first}.",
                hint="Delete one of the two.",
            )
            continue
        ends = [port for port in (entry.a, entry.b) if port is not None]
        missing = [port for port in ends if port.node not in plant.switches]
        for port in missing:
            diagnostics.error(
                "dangling-reference",
                f"there is no switch {port.node}",
                address=address,
                source=source,
                hint="Declare it in inventory/equipment.yaml, or correct the name.",
            )
        if missing:
            continue
        match = _matching(entry, candidates)
        if match is not None:
            _override(entry, match, candidates, source, diagnostics)
        elif (candidate := _standalone(plant, content, entry, source, diagnostics, on)) is not None:
            usable = candidate.usable and all(port.node in nodes for port in (candidate.link.a, candidate.link.b))
            candidates[entry.id] = replace(candidate, usable=usable)


def _matching(entry: LinkEntry, candidates: Mapping[str, Candidate]) -> str | None:
    """The derived link that an entry means: by name, else by its two ports."""
    if entry.id in candidates:
        return entry.id
    wanted = {entry.a, entry.b}
    return next((key for key, item in candidates.items() if {item.link.a, item.link.b} == wanted), None)


def _override(
    entry: LinkEntry, match: str, candidates: dict[str, Candidate], source: Source, diagnostics: Diagnostics
) -> None:
    found = candidates[match]
    link = found.link
    wanted = {port for port in (entry.a, entry.b) if port is not None}
    if not wanted <= {link.a, link.b}:
        diagnostics.error(
            "link-ends-differ",
            f"link {entry.id} is declared between {entry.a} and {entry.b}, the plant joins {link.a} and {link.b}",
            address=f"link {entry.id}",
            source=source,
            hint="Correct the declared ends, or the jumpers.",
        )
        return
    if entry.length is not None and abs(entry.length - link.length) > LENGTH_TOLERANCE * link.length:
        diagnostics.warning(
            "length-differs",
            f"link {entry.id} is declared {format_length(entry.length)} long, its strands are "
            f"{format_length(round(link.length))}",
            address=f"link {entry.id}",
            source=source,
            detail="The strands count.",
            hint="Remove the declared length, or correct the plant.",
        )
    del candidates[match]
    candidates[entry.id] = replace(
        found,
        link=replace(
            link,
            id=entry.id,
            delay=entry.delay if entry.delay is not None else link.delay,
            capacity=entry.capacity or link.capacity,
            mtu=entry.mtu or link.mtu,
        ),
    )


def _standalone(
    plant: Plant,
    content: Mapping[str, ZoneContent],
    entry: LinkEntry,
    source: Source,
    diagnostics: Diagnostics,
    on: date | None,
) -> Candidate | None:
    """A link that the plant does not have as strands: from its cables, or from what it says itself."""
    address = f"link {entry.id}"
    a, b = entry.a, entry.b
    if a is None or b is None or a.node == b.node or (entry.length is None and not entry.cables):
        diagnostics.error(
            "link-incomplete",
            f"link {entry.id} needs two ends on different switches, and a length or cables",
            address=address,
            source=source,
            detail="The plant has no strands between its ports that would say more.",
            hint="Write a, b and length.",
        )
        return None
    ports = [plant.switches[port.node].ports.get(port.port) for port in (a, b)]
    rates = [port.rate for port in ports if port is not None and port.rate is not None]
    capacity = entry.capacity or min(rates, default=None)
    if capacity is None:
        diagnostics.error(
            "link-rate-unknown",
            f"the capacity of link {entry.id} is not known",
            address=address,
            source=source,
            hint="Write capacity, or give its ports transceivers.",
        )
        return None
    cables = _cables(plant, entry, (a, b), source, diagnostics)
    if cables is None:
        return None
    spans = [Span(key, 0, len(plant.cables[key].places) - 1) for key in cables]
    length, delay, usable = entry.length or Length(0.0), entry.delay, True
    if cables:
        kinds = [plant.cable_types[plant.cables[key].type] for key in cables]
        glass = [plant.cables[key].sheath * (1 + kind.helix) for key, kind in zip(cables, kinds, strict=True)]
        length = Length(sum(glass))
        if delay is None:
            delay = Delay(sum(m * kind.group_index for m, kind in zip(glass, kinds, strict=True)) / LIGHT)
    for key in cables:
        if not plant.cables[key].life.in_service(on):
            usable = False
            diagnostics.warning(
                "not-in-service",
                f"cable {key} is not in service",
                address=address,
                source=source,
                detail=f"It is {plant.cables[key].life.status}; only glass in service carries traffic.",
                hint="Change its status when that has become true.",
            )
    mtus = [port.mtu for port in ports if port is not None and port.mtu is not None]
    link = Link(
        entry.id,
        a,
        b,
        length,
        delay if delay is not None else Delay(length * JUMPER_INDEX / LIGHT),
        capacity,
        entry.mtu or (min(mtus) if len(mtus) == 2 else ETHERNET_MTU),
        None,
        source,
    )
    rooms = {plant.switches[port.node].site for port in (a, b)}
    return Candidate(link, exposure(plant, content, spans, rooms), usable)


def _cables(
    plant: Plant, entry: LinkEntry, ends: tuple[PortRef, PortRef], source: Source, diagnostics: Diagnostics
) -> tuple[str, ...] | None:
    """The cables of a declared link, once they are known to lead from one end's site to the other's."""
    if not entry.cables:
        return ()
    address = f"link {entry.id}"
    unknown = [key for key in entry.cables if key not in plant.cables]
    for key in unknown:
        diagnostics.error(
            "dangling-reference",
            f"there is no cable {key}",
            address=address,
            source=source,
            hint="Declare it in inventory/cables.yaml, or correct the name.",
        )
    if unknown:
        return None
    here = plant.switches[ends[0].node].site
    for key in entry.cables:
        cable = plant.cables[key]
        if here not in (cable.a, cable.b):
            break
        here = cable.b if here == cable.a else cable.a
    else:
        if here == plant.switches[ends[1].node].site:
            return entry.cables
    diagnostics.error(
        "cables-do-not-join",
        f"the cables of link {entry.id} do not lead from {ends[0].node} to {ends[1].node}",
        address=address,
        source=source,
        detail=f"They lead as far as {here}.",
        hint="List them in order from end a; each begins where the one before it ends.",
    )
    return None


def declared_risks(
    document: Document[LinksFile] | None,
    candidates: Mapping[str, Candidate],
    alive: set[str],
    nodes: Mapping[str, Node],
    kept: Mapping[str, Node],
    diagnostics: Diagnostics,
) -> dict[str, Srlg]:
    """Groups that people declared, by name on their links or as a list of members."""
    if document is None:
        return {}
    members: dict[str, tuple[set[str], set[str], Length, Source]] = {}
    for index, entry in enumerate(document.value.srlgs):
        source = document.at("srlgs", index)
        if entry.id in members:
            diagnostics.error(
                "duplicate-id",
                f"shared risk {entry.id} is declared twice",
                address=f"shared risk {entry.id}",
                source=source,
                detail=f"It was declared first at {members[entry.id][3]}.",
                hint="Delete one of the two.",
            )
            continue
        for kind, names, known in (("link", entry.links, set(candidates)), ("switch", entry.nodes, set(nodes))):
            for name in names:
                if name not in known:
                    diagnostics.error(
                        "dangling-reference",
                        f"there is no {kind} {name}",
                        address=f"shared risk {entry.id}",
                        source=source,
                        hint="Correct the name.",
                    )
        members[entry.id] = set(entry.links), set(entry.nodes), entry.metres or Length(0.0), source
    for index, link in enumerate(document.value.links):
        for name in link.srlgs:
            group_of = members.setdefault(name, (set(), set(), Length(0.0), document.at("links", index, "srlgs")))
            group_of[0].add(link.id)
    return {
        f"declared:{name}": Srlg(
            f"declared:{name}",
            "declared",
            frozenset(links & alive),
            frozenset(switches & set(kept)),
            metres,
            declared=True,
            source=source,
        )
        for name, (links, switches, metres, source) in sorted(members.items())
    }
