"""How controllers reach switches: the management network, and whether it survives every single failure. Pure.

The control channel is out of band (ADR 8): its links run through the same plant as the optical links, so the same
shared-risk groups take them away. A switch that is alive and carries traffic, and that no controller reaches, is a
fault of the management network (`control-unreachable`). One that the same failure cuts off from the rest of the
network altogether is at a residual single point of failure: nothing in the plant could have helped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sdnctl.document import Document
from sdnctl.errors import Diagnostic, Diagnostics, Severity, Source
from sdnctl.inventory.plant import Plant
from sdnctl.topology.graph import Srlg, Topology
from sdnctl.topology.models import ControlFile, ControlLinkEntry
from sdnctl.topology.srlg import Span, exposure, zones

SHOWN = 5
"""Names in one sentence; more are counted."""


@dataclass(frozen=True, slots=True)
class ControlLink:
    """Management glass (or a rented line) between two sites, and the ids of the shared risks that take it away."""

    id: str
    a: str
    b: str
    risks: frozenset[str]


@dataclass(frozen=True)
class ControlNetwork:
    """Sites with a controller, links between sites, and what takes a site itself away."""

    controllers: tuple[str, ...]
    links: tuple[ControlLink, ...]
    sites: Mapping[str, frozenset[str]]
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Unreached:
    """Failures that leave the same switches alive without a controller; `carrying`: traffic still gets there."""

    failures: tuple[str, ...]
    switches: tuple[str, ...]
    carrying: bool


# ── from the file ────────────────────────────────────────────────────────────────────────────────


def read_control(
    document: Document[ControlFile], plant: Plant, topology: Topology, out: Diagnostics
) -> ControlNetwork:
    """The management network that a file declares; faults of names are reported, and what they name left out."""
    value = document.value
    known = set(plant.sites)
    for site in sorted({*value.controllers} - known):
        out.error(
            "dangling-reference",
            f"there is no site {site}",
            address="control",
            source=document.at("controllers"),
            hint="Correct the name.",
        )
    links = []
    seen: set[str] = set()
    for index, entry in enumerate(value.links):
        source, address = document.at("links", index), f"control link {entry.id}"
        if entry.id in seen:
            out.error("duplicate-id", f"control link {entry.id} is declared twice", address=address, source=source)
        seen.add(entry.id)
        missing = [f"site {end}" for end in (entry.a, entry.b) if end not in known]
        missing += [f"cable {key}" for key in entry.cables if key not in plant.cables]
        for name in missing:
            out.error(
                "dangling-reference",
                f"there is no {name}",
                address=address,
                source=source,
                hint="Correct the name.",
            )
        if missing or not _lit(entry, topology, address, source, out):
            continue
        links.append(ControlLink(entry.id, entry.a, entry.b, _risks(plant, topology, entry)))
    controllers = tuple(site for site in value.controllers if site in known)
    return ControlNetwork(controllers, tuple(links), _site_risks(plant, topology), document.at("controllers"))


def _lit(entry: ControlLinkEntry, topology: Topology, address: str, source: Source, out: Diagnostics) -> bool:
    if entry.along is None or entry.along in topology.links:
        return True
    out.warning(
        "control-link-dark",
        f"{entry.id} runs along {entry.along}, which is no lit link",
        address=address,
        source=source,
        detail="It is not counted on.",
        hint="Correct the name, or say by which cables it runs.",
    )
    return False


def _risks(plant: Plant, topology: Topology, entry: ControlLinkEntry) -> frozenset[str]:
    """Everything that takes a control link away: derived as for an optical link, and what is declared."""
    found = {f"declared:{name}" for name in entry.srlgs}
    if entry.along is not None:
        found |= topology.risks[entry.along]
    if entry.cables:
        spans = [Span(key, 0, len(plant.cables[key].places) - 1) for key in entry.cables]
        found |= exposure(plant, zones(plant), spans, ()).risks.keys()
    return frozenset(found)


def _site_risks(plant: Plant, topology: Topology) -> Mapping[str, frozenset[str]]:
    """What takes the equipment at a site away: as its switches say, and its building and feeder."""
    found: dict[str, set[str]] = {}
    for site in plant.sites.values():
        mine = found[site.id] = {f"building:{site.id}"}
        if site.feeder is not None:
            mine.add(f"feeder:{site.feeder}")
    for node in topology.nodes.values():
        found.setdefault(node.site, set()).update(topology.exposures[node.id])
    return {site: frozenset(risks) for site, risks in found.items()}


# ── the check ────────────────────────────────────────────────────────────────────────────────────


def unreached(control: ControlNetwork, topology: Topology) -> tuple[Unreached, ...]:
    """Switches that some single failure leaves alive without a controller; failures of one effect together."""
    return tuple(_Check(control, topology).run())


class _Check:
    def __init__(self, control: ControlNetwork, topology: Topology) -> None:
        self.control, self.topology = control, topology
        self.at: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for link in control.links:
            self.at[link.a].append((link.id, link.b))
            self.at[link.b].append((link.id, link.a))
        self.links_of: dict[str, set[str]] = defaultdict(set)
        for link in control.links:
            for risk in link.risks:
                self.links_of[risk].add(link.id)
        self.sites_of: dict[str, set[str]] = defaultdict(set)
        for site, risks in control.sites.items():
            for risk in risks:
                self.sites_of[risk].add(site)
        self.homes = {node.id: node.site for node in topology.nodes.values()}

    def run(self) -> Iterator[Unreached]:
        first = self._tree(frozenset())
        second = self._tree(first)
        whole = set(self._reached(frozenset(), frozenset()))
        spare = set(self._span(first)) >= whole  # the second tree reaches as much as the first
        if lost := sorted(node for node, site in self.homes.items() if site not in whole):
            yield Unreached(("nothing at all",), tuple(lost), True)
        effects: dict[tuple[tuple[str, ...], bool], list[str]] = defaultdict(list)
        known: dict[tuple[frozenset[str], ...], tuple[tuple[tuple[str, ...], bool], ...]] = {}
        for name in sorted(self.links_of.keys() | self.sites_of.keys()):
            cut = frozenset(self.links_of.get(name, ()))
            dead = frozenset(self.sites_of.get(name, ()))
            if not dead and (not cut & first or (spare and not cut & second)):
                continue  # one of two ways that share nothing is whole
            srlg = self.topology.srlgs.get(name, Srlg(name, "", frozenset()))
            same = cut, dead, srlg.links, srlg.nodes  # one trench is many risks: segment, ducts, cables, chambers
            if same not in known:
                known[same] = tuple(self._effect(srlg, cut, dead, set(lost)))
            for effect in known[same]:
                effects[effect].append(name)
        for (switches, carrying), names in sorted(effects.items()):
            yield Unreached(tuple(names), switches, carrying)

    def _effect(
        self, srlg: Srlg, cut: frozenset[str], dead: frozenset[str], already: set[str]
    ) -> Iterator[tuple[tuple[str, ...], bool]]:
        reached = self._reached(cut, dead)
        alive = self.topology.nodes.keys() - srlg.nodes
        held = {node for node in alive if self.homes[node] in reached}
        lost = alive - held - already
        if not lost:
            return
        # Without any controller left, traffic still gets everywhere that it got.
        near = self._near(held, srlg) if held else set(alive)
        for carrying in (True, False):
            found = tuple(sorted(node for node in lost if (node in near) is carrying))
            if found:
                yield found, carrying

    def _near(self, held: Iterable[str], srlg: Srlg) -> set[str]:
        """Switches that traffic still gets to from switches that a controller reaches."""
        down = self.topology.down(srlg.links, srlg.nodes)
        seen = set(held)
        work = list(seen)
        while work:
            for hop in self.topology.adjacency[work.pop()]:
                if hop.link not in down and hop.head not in seen:
                    seen.add(hop.head)
                    work.append(hop.head)
        return seen

    def _reached(self, cut: frozenset[str], dead: frozenset[str]) -> set[str]:
        """Sites that a controller reaches."""
        return {site for site, _ in self._walk(cut, dead)}

    def _span(self, cut: frozenset[str]) -> set[str]:
        return self._reached(cut, frozenset())

    def _tree(self, without: frozenset[str]) -> frozenset[str]:
        """Links by which all sites are reached first, not using some."""
        return frozenset(link for _, link in self._walk(without, frozenset()) if link)

    def _walk(self, cut: frozenset[str], dead: frozenset[str]) -> Iterator[tuple[str, str]]:
        """Sites as they are reached from the controllers, each with the link by which (none at the start)."""
        seen = {site for site in self.control.controllers if site not in dead}
        yield from ((site, "") for site in sorted(seen))
        work = sorted(seen)
        for here in work:
            for link, there in self.at[here]:
                if there not in seen and link not in cut and there not in dead:
                    seen.add(there)
                    work.append(there)
                    yield there, link


# ── for people ───────────────────────────────────────────────────────────────────────────────────


def diagnose(control: ControlNetwork, topology: Topology) -> Iterator[Diagnostic]:
    """One warning for each set of switches that should be reached, and one for all residual single points."""
    residual: dict[str, str] = {}
    for one in unreached(control, topology):
        if not one.carrying:
            for switch in one.switches:
                residual.setdefault(switch, one.failures[0])
            continue
        many = f", and under {len(one.failures) - 1} more single failures" if len(one.failures) > 1 else ""
        count = f"{len(one.switches)} switches" if len(one.switches) > 1 else one.switches[0]
        yield Diagnostic(
            "control-unreachable",
            f"no controller reaches {count} under {one.failures[0]}{many}",
            address="control",
            source=control.source,
            detail=f"Alive, and reached by traffic: {_names(one.switches)}.",
            hint="Give their sites a second management link through other plant.",
            severity=Severity.WARNING,
        )
    if residual:
        names = _names([f"{switch} ({risk})" for switch, risk in sorted(residual.items())])
        yield Diagnostic(
            "control-residual",
            f"{_count(residual)} traffic and control by one single point of failure",
            address="control",
            source=control.source,
            detail=f"{names}.",
            severity=Severity.NOTE,
        )


def _count(switches: Mapping[str, str]) -> str:
    return "one switch loses" if len(switches) == 1 else f"{len(switches)} switches lose"


def _names(items: Iterable[str]) -> str:
    every = list(items)
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more
