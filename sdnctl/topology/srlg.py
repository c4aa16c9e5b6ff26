"""Shared risks derived from the plant: what one event takes away together, and over how many metres.

A digger hits a *segment* and all its ducts; works in a *duct* hit what lies in it and in the ducts nested
in it; a fire in a *chamber* (closures included) or a *building* hits what passes; a *cable* dies as a whole;
a *feeder* takes its switches; a hazard *zone* takes segments, chambers and buildings inside it. Which
of them counts against a bypass, and which is an end site's residual risk, is the compiler's to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import fsum

from sdnctl.errors import Source
from sdnctl.inventory.geometry import ZoneContent, zone_content
from sdnctl.inventory.plant import Cable, Chamber, Duct, Hazard, Plant, Segment, Site, StrandEnd
from sdnctl.inventory.tracing import StepKind, Trace
from sdnctl.topology.graph import Node, Srlg
from sdnctl.units import Length


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a cable between places number `first` and `last` of its route."""

    cable: str
    first: int
    last: int


@dataclass(slots=True)
class Exposure:
    """What one link is exposed to: risk id → stretches of route (name → metres), none for a point."""

    risks: dict[str, dict[str, float]] = field(default_factory=dict)

    def add(self, risk: str, stretch: str = "", metres: float = 0.0) -> None:
        stretches = self.risks.setdefault(risk, {})
        if stretch:
            stretches[stretch] = metres


def zones(plant: Plant) -> dict[str, ZoneContent]:
    """What lies in each hazard zone, by hazard id."""
    return {key: zone_content(plant, hazard) for key, hazard in sorted(plant.hazards.items())}


def spans_of(chains: Iterable[Trace]) -> tuple[frozenset[Span], frozenset[tuple[str, str]]]:
    """Stretches of cable under some chains, and the ODFs and passives on them as (kind, id)."""
    spans: set[Span] = set()
    points: set[tuple[str, str]] = set()
    for trace in chains:
        for step in trace.steps:
            if isinstance(step.enter, StrandEnd) and isinstance(step.leave, StrandEnd):
                if step.kind is StepKind.STRAND:
                    first, last = sorted((step.enter.place, step.leave.place))
                    spans.add(Span(step.via, first, last))
            elif step.kind is StepKind.CONNECTOR:
                points.add(("odf", step.via))
            elif step.kind is StepKind.PASSIVE:
                points.add(("passive", step.via))
    return frozenset(spans), frozenset(points)


def exposure(
    plant: Plant, content: Mapping[str, ZoneContent], spans: Iterable[Span], places: Iterable[str]
) -> Exposure:
    """Everything that a link over these spans, and at these further places, is exposed to."""
    found = Exposure()
    passed = set(places)
    for span in sorted(spans):
        cable = plant.cables[span.cable]
        passed.update(cable.places[span.first : span.last + 1])
        found.add(f"cable:{cable.id}")
        if not cable.passages:
            found.add(f"cable:{cable.id}", cable.id, cable.sheath)
        for passage in cable.passages[span.first : span.last]:
            segment = plant.segments[passage.segment]
            found.add(f"cable:{cable.id}", segment.id, segment.length)
            found.add(f"segment:{segment.id}", segment.id, segment.length)
            for duct in plant.enclosing(passage.duct):
                found.add(f"duct:{duct}", segment.id, segment.length)
            for zone, inside in content.items():
                if segment.id in inside.segments:
                    found.add(f"zone:{zone}", segment.id, inside.segments[segment.id])
    for place in sorted(passed):
        found.add(f"{'building' if place in plant.sites else 'chamber'}:{place}")
        for zone, inside in content.items():
            if place in inside.places:
                found.add(f"zone:{zone}")
    return found


def group(
    plant: Plant,
    content: Mapping[str, ZoneContent],
    exposures: Mapping[str, Exposure],
    nodes: Mapping[str, Node],
) -> dict[str, Srlg]:
    """Shared-risk groups from each link's exposure and each switch's site, by id.

    `metres` counts the stretches of route that at least two member links share; of a group with one
    link, that link's own; of a zone, every stretch inside, because the event covers them all.
    """
    links: dict[str, list[str]] = {}
    routes: dict[str, list[Mapping[str, float]]] = {}
    for link, exposed in exposures.items():
        for risk, route in exposed.risks.items():
            links.setdefault(risk, []).append(link)
            routes.setdefault(risk, []).append(route)
    switches = _switch_risks(plant, content, nodes)
    origins = _origins(plant)
    groups: dict[str, Srlg] = {}
    for risk in sorted(links.keys() | switches):
        kind, _, name = risk.partition(":")
        # fsum: the same whatever order links and stretches come in
        metres = fsum(_shared(routes.get(risk, ()), 1 if kind == "zone" else 2))
        groups[risk] = Srlg(
            risk,
            kind,
            frozenset(links.get(risk, ())),
            frozenset(switches.get(risk, ())),
            Length(metres),
            source=origins[kind].get(name),
        )
    return groups


def _shared(routes: Sequence[Mapping[str, float]], least: int) -> Iterable[float]:
    """Metres of each stretch that is on at least so many routes; of one route alone, of all its stretches."""
    if len(routes) < 2:
        return routes[0].values() if routes else ()
    times = Counter(chain.from_iterable(routes))
    metres = {name: length for route in routes for name, length in route.items()}
    return (metres[name] for name, count in times.items() if count >= least)


def _switch_risks(
    plant: Plant, content: Mapping[str, ZoneContent], nodes: Mapping[str, Node]
) -> dict[str, set[str]]:
    """Risk id → switches that the event takes away: their building, feeder and zones."""
    found: dict[str, set[str]] = {}
    for node in nodes.values():
        found.setdefault(f"building:{node.site}", set()).add(node.id)
        site = plant.sites.get(node.site)
        if site is not None and site.feeder is not None:
            found.setdefault(f"feeder:{site.feeder}", set()).add(node.id)
        for zone, inside in content.items():
            if node.site in inside.places:
                found.setdefault(f"zone:{zone}", set()).add(node.id)
    return found


def _origins(plant: Plant) -> Mapping[str, Mapping[str, Source]]:
    """Where each shared thing is written down, by kind and name; a feeder stands on the first site naming it."""
    tables: Mapping[str, Mapping[str, Segment | Duct | Chamber | Cable | Site | Hazard]] = {
        "segment": plant.segments,
        "duct": plant.ducts,
        "chamber": plant.chambers,
        "cable": plant.cables,
        "building": plant.sites,
        "zone": plant.hazards,
    }
    found = {kind: {name: thing.origin for name, thing in things.items()} for kind, things in tables.items()}
    sites = sorted(plant.sites.values(), key=lambda site: site.id, reverse=True)
    return {**found, "feeder": {site.feeder: site.origin for site in sites if site.feeder is not None}}
