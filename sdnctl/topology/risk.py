"""Shared risks as the compiler and the verifier both read them: what isolates a switch, what a grade promises.

Definitions, which are the specification of "protected" and nothing more:

- A group takes *down* its links, and all links of its switches.
- A group **isolates** a switch if all links of that switch are down, or all links that leave the switch's site.
- It is a **residual** single point of failure of that switch if it isolates it and is a point (chamber,
  building, feeder, zone) or a short lead-in (shared metres ≤ `settings.lead_in`). A long shared segment, duct
  or cable that isolates is not residual: protection there is refused.
- A **link bypass** of u→v avoids the link and what every group that hits the link takes down, except groups that
  are residual for u or v.
- A **node bypass** of u→v→w avoids the switch v, the link u–v and what every group that hits u–v takes
  down, except groups that are residual for u or w.
- A grade **covers** a failure as `Risks.covered` says: it walks the path and jumps each dead hop as the
  switches do. Several groups with the same members are one event; the event is residual if all of them are.

Nothing here finds paths.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeAlias

from sdnctl.topology.graph import Failure, Path, Srlg, Topology
from sdnctl.units import Length

POINT_KINDS = frozenset(("chamber", "building", "feeder", "zone"))
"""Kinds of groups that have no length: what is shared there is one place."""


class RiskSettings(Protocol):
    """What of the network's settings matters here: the longest lead-in that counts as residual, m."""

    @property
    def lead_in(self) -> Length: ...


@dataclass(frozen=True, slots=True)
class Covered:
    """The grade promises delivery under this failure (also where the failure does not touch the path)."""


@dataclass(frozen=True, slots=True)
class Residual:
    """The failure is the residual single point of failure `name` of `switch`: named, not promised."""

    name: str
    switch: str


@dataclass(frozen=True, slots=True)
class NotCovered:
    """The grade does not promise delivery under this failure; `reason` says which rule."""

    reason: str


Coverage: TypeAlias = Covered | Residual | NotCovered


class Risks:
    """Answers about the shared risks of one topology; builds its tables on first use, so make it once."""

    def __init__(self, topology: Topology, settings: RiskSettings) -> None:
        self.topology = topology
        self.lead_in = settings.lead_in
        self._residual: dict[str, frozenset[str]] = {}
        self._link_bans: dict[str, frozenset[str]] = {}
        self._node_bans: dict[tuple[str, str, str, str], frozenset[str]] = {}

    @cached_property
    def down(self) -> Mapping[str, frozenset[str]]:
        """SRLG id → every link that is down when the group is: its links, and those of its switches."""
        alike: dict[tuple[frozenset[str], frozenset[str]], frozenset[str]] = {}
        for srlg in self.topology.srlgs.values():  # most have the same members as some other
            if (srlg.links, srlg.nodes) not in alike:
                alike[srlg.links, srlg.nodes] = self.topology.down(srlg.links, srlg.nodes)
        return {key: alike[srlg.links, srlg.nodes] for key, srlg in self.topology.srlgs.items()}

    @cached_property
    def hits(self) -> Mapping[str, frozenset[str]]:
        """Link → ids of the SRLGs that take it down."""
        table: dict[str, set[str]] = defaultdict(set)
        for key, links in self.down.items():
            for link in links:
                table[link].add(key)
        return {link: frozenset(table[link]) for link in self.topology.links}

    @cached_property
    def _exits(self) -> Mapping[str, frozenset[str]]:
        """Site → links that leave it."""
        nodes = self.topology.nodes
        table: dict[str, set[str]] = defaultdict(set)
        for link in self.topology.links.values():
            a, b = (nodes[node].site for node in link.nodes)
            if a != b:
                table[a].add(link.id)
                table[b].add(link.id)
        return {site: frozenset(links) for site, links in table.items()}

    def isolating(self, switch: str) -> frozenset[str]:
        """SRLG ids that cut every way into the switch or into its site."""
        found = set(self.topology.exposures[switch])
        own = [hop.link for hop in self.topology.adjacency[switch]]
        for links in (own, self._exits.get(self.topology.nodes[switch].site, ())):
            groups = [self.hits[link] for link in links]
            if groups:
                found |= frozenset.intersection(*groups)
        return frozenset(found)

    def is_short(self, srlg: Srlg) -> bool:
        """Whether a group is a point or a short lead-in, so that it may be residual."""
        return srlg.kind in POINT_KINDS or srlg.metres <= self.lead_in

    def residual(self, switch: str) -> frozenset[str]:
        """SRLG ids that are residual single points of failure of the switch."""
        if switch not in self._residual:
            srlgs = self.topology.srlgs
            self._residual[switch] = frozenset(key for key in self.isolating(switch) if self.is_short(srlgs[key]))
        return self._residual[switch]

    def bypass_risks(self, link: str, tail: str, merge: str) -> frozenset[str]:
        """SRLGs that a bypass of `link` from `tail` to `merge` must avoid."""
        return self.hits[link] - self.residual(tail) - self.residual(merge)

    def link_ban(self, link: str) -> frozenset[str]:
        """Links that a link bypass of `link` must not use (the same in both directions)."""
        if link not in self._link_bans:
            groups = self.bypass_risks(link, *self.topology.links[link].nodes)
            self._link_bans[link] = frozenset((link,)).union(*(self.down[key] for key in groups))
        return self._link_bans[link]

    def node_ban(self, link: str, tail: str, head: str, merge: str) -> frozenset[str]:
        """Links that a node bypass of tail→head→merge, whose first hop is `link`, must not use."""
        key = (link, tail, head, merge)
        if key not in self._node_bans:
            groups = self.bypass_risks(link, tail, merge)
            around = (hop.link for hop in self.topology.adjacency[head])
            self._node_bans[key] = frozenset((link, *around)).union(*(self.down[name] for name in groups))
        return self._node_bans[key]

    def covered(self, grade: str, path: Path, failure: Failure) -> Coverage:
        """What a trunk of this grade on this path promises under one failure.

        `grade` is a value of `sdnctl.intents.demand.Grade`. An empty path (both ends on one switch) has no
        hop that a failure could take: it is always `Covered`.
        """
        if failure.links.isdisjoint(path.links) and failure.nodes.isdisjoint(path.nodes):
            return Covered()
        if grade == "none":
            return NotCovered("grade none promises nothing under failures")
        ends = path.nodes[0], path.nodes[-1]
        if failure.kind == "node":
            dead = sorted(failure.nodes.intersection(ends))
            if dead:
                return NotCovered(f"switch {dead[0]} is an end of the path")
            if grade != "node":
                return NotCovered(f"grade {grade} does not cover the death of a switch")
        return self._walk(grade, path, failure)

    def _walk(self, grade: str, path: Path, failure: Failure) -> Coverage:
        """Follow the packet: over live hops, and over bypasses where a hop is dead."""
        nodes = path.nodes
        for end in (nodes[0], nodes[-1]):
            if self._is_residual(failure, end):
                return Residual(failure.name, end)
        index = 0
        while index < len(path.hops):
            if path.hops[index].link not in failure.links:
                index += 1
                continue
            jump = 2 if grade == "node" and index + 2 < len(nodes) else 1
            for switch in (nodes[index], nodes[index + jump]):
                if self._is_residual(failure, switch):
                    return Residual(failure.name, switch)
            index += jump
        return Covered()

    def _is_residual(self, failure: Failure, switch: str) -> bool:
        return failure.kind == "srlg" and self.residual(switch).issuperset(failure.names)


def isolates(topology: Topology, settings: RiskSettings, srlg: str, switch: str) -> bool:
    """Whether a group cuts every way into the switch or its site (for one question; else keep a `Risks`)."""
    return srlg in Risks(topology, settings).isolating(switch)


def is_residual(topology: Topology, settings: RiskSettings, srlg: str, switch: str) -> bool:
    """Whether a group is a residual single point of failure of the switch (for one question)."""
    return srlg in Risks(topology, settings).residual(switch)


def covered(topology: Topology, settings: RiskSettings, grade: str, path: Path, failure: Failure) -> Coverage:
    """What a grade promises on a path under one failure (for one question; else keep a `Risks`)."""
    return Risks(topology, settings).covered(grade, path, failure)
