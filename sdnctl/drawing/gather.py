"""Gather: what a map shows, from a plant and what was compiled on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sdnctl.compiler.fate import path_now
from sdnctl.compiler.ir import Compiled
from sdnctl.drawing.places import arc, extent, name_spots, site_positions, spread
from sdnctl.drawing.scene import (
    Application,
    Area,
    Cable,
    Endpoint,
    Flow,
    Line,
    Link,
    Place,
    Point,
    Scene,
    Segment,
    Site,
    Trunk,
    Zone,
)
from sdnctl.intents.demand import Demand
from sdnctl.intents.demand import Endpoint as Attached
from sdnctl.inventory.access import AccessLine
from sdnctl.inventory.areas import Area as Outline
from sdnctl.inventory.plant import Lane, Plant, PortEnd, StrandEnd
from sdnctl.inventory.tracing import StepKind, Trace, trace
from sdnctl.topology.graph import Topology

APART = 9.0
"""Metres between endpoints at one place in a big network, so that they come apart when one looks closely."""


def gather(
    plant: Plant,
    compiled: Compiled,
    endpoints: Mapping[str, Attached],
    lines: Sequence[AccessLine] = (),
    areas: Sequence[Outline] = (),
    *,
    title: str = "",
    state: str = "",
    down: frozenset[str] = frozenset(),
    pinned: frozenset[str] = frozenset(),
    levels: Mapping[str, Mapping[str, str]] | None = None,
) -> Scene:
    """The scene of a network, without what cuts take down.

    `endpoints` may be more than those with demands; `lines` are their access lines, `levels` verdicts by
    application.
    """
    topology = compiled.topology
    # What was applied may name sites and endpoints that the folder has no more.
    given = {node.site: node.position for node in topology.nodes.values()}
    given.update({key: site.position for key, site in plant.sites.items()})
    positions, placed = site_positions(given, _neighbours(topology))
    ends = {one.id: one for demand in compiled.demands for one in (demand.ingress, demand.egress)}
    lit = _lit(plant, topology, lines)
    return Scene(
        name=title or compiled.settings.name,
        state=state,
        areas=_areas(areas),
        zones=tuple(Zone(one.id, one.kind, one.name, one.polygon) for _, one in sorted(plant.hazards.items())),
        sites=_sites(plant, positions),
        switches={key: node.role for key, node in sorted(topology.nodes.items())},
        places=_places(plant),
        segments=_segments(plant),
        cables=tuple(_cables(plant, positions, lit)),
        links=tuple(_links(plant, compiled, positions, down, pinned)),
        endpoints=_endpoints(plant, positions, {**endpoints, **ends}, lines),
        applications=_applications(compiled.demands, levels or {}),
        classes=tuple(one.name for one in sorted(compiled.classes.values(), key=lambda one: one.rank)),
        trunks=tuple(_trunks(compiled)),
        local=_local(compiled),
        sources=_sources(plant, areas),
        placed=placed,
    )


def _neighbours(topology: Topology) -> dict[str, list[str]]:
    table: dict[str, list[str]] = defaultdict(list)
    for link in topology.links.values():
        a, b = (topology.nodes[node].site for node in link.nodes)
        table[a].append(b)
        table[b].append(a)
    return table


# ── plant ────────────────────────────────────────────────────────────────────────────────────────


def _sites(plant: Plant, positions: Mapping[str, Point]) -> tuple[Site, ...]:
    held: dict[str, list[str]] = defaultdict(list)
    for key in sorted(plant.switches):
        held[plant.switches[key].site].append(key)
    return tuple(
        Site(
            key,
            one.name,
            one.kind,
            positions[key],
            one.area,
            one.feeder or "",
            tuple(held[key]),
            guessed=one.position is None,
        )
        for key, one in sorted(plant.sites.items())
    )


def _places(plant: Plant) -> tuple[Place, ...]:
    closures: dict[str, list[str]] = defaultdict(list)
    for key in sorted(plant.closures):
        closures[plant.closures[key].at].append(key)
    return tuple(
        Place(key, one.kind, one.position, str(one.life.status), tuple(closures[key]))
        for key, one in sorted(plant.chambers.items())
    )


def _segments(plant: Plant) -> tuple[Segment, ...]:
    ducts: dict[str, list[str]] = defaultdict(list)
    for key in sorted(plant.ducts):
        for segment in plant.ducts[key].segments:
            ducts[segment].append(key)
    return tuple(
        Segment(
            key, one.kind, one.line, float(one.length), str(one.life.status), one.life.owner, tuple(ducts[key])
        )
        for key, one in sorted(plant.segments.items())
    )


def _cables(plant: Plant, positions: Mapping[str, Point], lit: Mapping[str, int]) -> Iterable[Cable]:
    for key, one in sorted(plant.cables.items()):
        segments = tuple(dict.fromkeys(passage.segment for passage in one.passages))
        ends = [_position(plant, positions, place) for place in (one.a, one.b)]
        yield Cable(
            key,
            one.type,
            one.a,
            one.b,
            plant.cable_types[one.type].strands,
            lit.get(key, 0),
            float(one.sheath),
            str(one.life.status),
            segments,
            () if segments else (ends[0], ends[1]),
        )


def _position(plant: Plant, positions: Mapping[str, Point], place: str) -> Point:
    return positions[place] if place in positions else plant.chambers[place].position


def _lit(plant: Plant, topology: Topology, lines: Iterable[AccessLine]) -> Counter[str]:
    """Cable → strands that carry the light of links and access lines."""
    strands = {strand for line in lines if line.usable for chain in line.chains for strand in _strands(chain)}
    for link in topology.links.values():
        for end in (link.a, link.b):
            switch = plant.switches.get(end.node)
            port = switch.ports.get(end.port) if switch is not None else None
            lanes: tuple[Lane, ...] = port.lanes if port is not None else ()
            for lane in lanes:
                start = PortEnd(end.node, end.port, lane)
                if lane != "rx" and start in plant.jumper_at:
                    kind = plant.transceivers.get(port.transceiver) if port and port.transceiver else None
                    strands.update(_strands(trace(plant, start, wavelength=kind.wavelength if kind else None)))
    return Counter(cable for cable, _ in strands)


def _strands(chain: Trace) -> Iterable[tuple[str, int]]:
    for step in chain.steps:
        if step.kind is StepKind.STRAND and isinstance(step.enter, StrandEnd):
            yield step.via, step.enter.strand


def _areas(areas: Iterable[Outline]) -> tuple[Area, ...]:
    """Areas by name, each with the outer rings of all its parts."""
    rings: dict[str, list[Line]] = defaultdict(list)
    for one in areas:
        rings[one.name].append(one.rings[0])
    return tuple(Area(name, tuple(rings[name]), name_spots(rings[name])) for name in sorted(rings))


def _sources(plant: Plant, areas: Iterable[Outline]) -> tuple[str, ...]:
    """How the plant is known, what most of it says first; then the outlines."""
    told = Counter(
        one.life.provenance
        for things in (plant.segments, plant.cables, plant.chambers, plant.sites)
        for one in things.values()
        if one.life.provenance
    )
    ranked = [text for text, _ in sorted(told.items(), key=lambda item: (-item[1], item[0]))]
    return tuple(dict.fromkeys((*ranked, *sorted({one.provenance for one in areas if one.provenance}))))


# ── what runs over it ────────────────────────────────────────────────────────────────────────────


def _links(
    plant: Plant,
    compiled: Compiled,
    positions: Mapping[str, Point],
    down: frozenset[str],
    pinned: frozenset[str],
) -> Iterable[Link]:
    topology = compiled.topology
    loads = _loads(compiled)
    parallel: Counter[frozenset[str]] = Counter()
    for key, one in sorted(topology.links.items()):
        risks = sorted(topology.risks[key])
        segments = tuple(name for name in _named(risks, "segment:") if name in plant.segments)
        a, b = (topology.nodes[node].site for node in one.nodes)
        parallel[frozenset((a, b))] += 1
        bend = 0.12 * (parallel[frozenset((a, b))] - 1) * (-1) ** parallel[frozenset((a, b))]
        line: Line = () if segments or a == b else arc(positions[a], positions[b], bend)
        yield Link(
            key,
            str(one.a),
            str(one.b),
            float(one.length),
            float(one.delay),
            int(one.capacity),
            float(one.budget.margin) if one.budget else None,
            float(one.budget.overload) if one.budget else None,
            dict(loads[key, one.a.node]),
            dict(loads[key, one.b.node]),
            segments,
            tuple(_named(risks, "cable:")),
            line,
            "down" if key in down else "pinned" if key in pinned else "",
        )


def _named(risks: Iterable[str], kind: str) -> Iterable[str]:
    return (name.removeprefix(kind) for name in risks if name.startswith(kind))


def _loads(compiled: Compiled) -> Mapping[tuple[str, str], Counter[str]]:
    """Direction of a link (link, tail) → class → committed rate that runs there now."""
    demands = {demand.id: demand for demand in compiled.demands}
    loads: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for trunk in compiled.trunks:
        rates: Counter[str] = Counter()
        for name in trunk.demands:
            rates[demands[name].service_class] += int(demands[name].cir)
        for hop in path_now(trunk).hops:
            loads[hop.link, hop.tail].update(rates)
    return loads


def _endpoints(
    plant: Plant,
    positions: Mapping[str, Point],
    endpoints: Mapping[str, Attached],
    lines: Iterable[AccessLine],
) -> tuple[Endpoint, ...]:
    homes = {name: line.place for line in lines for name in line.endpoints}
    wanted = {key: _position(plant, positions, homes.get(key, one.site)) for key, one in sorted(endpoints.items())}
    step = max(APART, extent(positions.values()) / 100) if len(endpoints) <= 300 else APART
    drawn = spread(wanted, step, positions.values())
    return tuple(
        Endpoint(
            key,
            one.kind,
            one.site,
            drawn[key],
            str(one.attachment),
            one.vlan,
            " ".join(str(prefix) for prefix in one.prefixes),
            tuple(sorted(one.tags)),
            one.area,
        )
        for key, one in sorted(endpoints.items())
    )


def _applications(demands: Iterable[Demand], levels: Mapping[str, Mapping[str, str]]) -> tuple[Application, ...]:
    first: dict[str, Demand] = {}
    for demand in demands:
        first.setdefault(demand.application, demand)
    return tuple(
        Application(name, one.tenant, one.service_class, str(one.service), dict(levels.get(name, {})))
        for name, one in sorted(first.items())
    )


def _flow(demand: Demand) -> Flow:
    return Flow(demand.application, demand.ingress.id, demand.egress.id, int(demand.cir))


def _trunks(compiled: Compiled) -> Iterable[Trunk]:
    demands = {demand.id: demand for demand in compiled.demands}
    for one in compiled.trunks:
        now = path_now(one)
        spare = one.path if now is one.standby else one.standby
        yield Trunk(
            one.key,
            one.label,
            str(one.grade),
            now.links,
            spare.links if spare is not None else (),
            tuple(_flow(demands[name]) for name in one.demands),
        )


def _local(compiled: Compiled) -> tuple[Flow, ...]:
    carried = {name for trunk in compiled.trunks for name in trunk.demands}
    return tuple(_flow(demand) for demand in compiled.demands if demand.id not in carried)
