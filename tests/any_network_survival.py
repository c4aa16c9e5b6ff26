"""What fails together, who must survive it, and whether anybody could: questions to networkx about one topology.

The rules are those of docs/architecture.md and `topology/risk.py`, worked out a second time: a group of kind
chamber, building, feeder or zone, or one with at most the lead-in's metres in common, that cuts every way out of a
switch or its site is that switch's own risk and held against nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import networkx as nx

from sdnctl.topology.graph import Topology

POINTS = frozenset(("chamber", "building", "feeder", "zone"))
MOST_PATHS, MOST_STEPS = 3_000, 200_000
"""How many paths (steps of a search) are tried before a question stays open."""


@dataclass(frozen=True)
class Event:
    """One thing that happens: links and switches that are gone, and for whom it is an own risk."""

    name: str
    kind: str
    links: frozenset[str]
    nodes: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()


class Survival:
    """One topology and its lead-in (m), asked what survives what."""

    def __init__(self, topology: Topology, lead_in: float) -> None:
        self.topology = topology
        self.graph: nx.MultiGraph[str] = nx.MultiGraph()
        self.graph.add_nodes_from(topology.nodes)
        for link in topology.links.values():
            self.graph.add_edge(*link.nodes, key=link.id)
        self._at = {
            node: frozenset(key for _, _, key in self.graph.edges(node, keys=True)) for node in topology.nodes
        }
        self._standing: dict[str, set[str]] = {}
        for node in topology.nodes.values():
            self._standing.setdefault(node.site, set()).add(node.id)
        self._exits: dict[str, set[str]] = {}
        for link in topology.links.values():
            a, b = (topology.nodes[node].site for node in link.nodes)
            for site in {a, b} if a != b else ():
                self._exits.setdefault(site, set()).add(link.id)
        self.groups = {
            key: Event(
                key,
                "srlg",
                gone := frozenset(srlg.links) | self._around(srlg.nodes),
                frozenset(srlg.nodes),
                self._cut_off(gone, srlg.nodes) if srlg.kind in POINTS or srlg.metres <= lead_in else frozenset(),
            )
            for key, srlg in topology.srlgs.items()
        }
        self.hitting: dict[str, list[Event]] = {link: [] for link in topology.links}
        for event in self.groups.values():
            for name in event.links:
                self.hitting[name].append(event)
        self.bypass = cache(self._bypass)
        self._known: dict[tuple[str, str, str, frozenset[str]], bool | None] = {}

    def _around(self, nodes: Iterable[str]) -> frozenset[str]:
        return frozenset().union(*(self._at[node] for node in nodes))

    def _cut_off(self, gone: frozenset[str], nodes: Iterable[str]) -> frozenset[str]:
        """Switches that lose every link, or whose site does."""
        found = set(nodes)
        touched = {end for link in gone for end in self.topology.links[link].nodes}
        found |= {node for node in touched if self._at[node] <= gone}
        for site in {self.topology.nodes[node].site for node in touched}:
            if site in self._exits and self._exits[site] <= gone:
                found |= self._standing[site]
        return frozenset(found)

    # ── what must be survived ────────────────────────────────────────────────────────────────────

    @staticmethod
    def covered(event: Event, grade: str, nodes: Sequence[str], links: Sequence[str]) -> bool:
        """Whether a demand of this grade on this path survives the event: no end of it is dead or cut off, and
        neither is one of a way round, which leads past a dead link or (grade node) past the switch behind it.
        """
        ends = {nodes[0], nodes[-1]}
        if grade == "none" or ends & (event.nodes | event.own):
            return False
        index = 0
        while index < len(links):
            if links[index] in event.links:
                jump = 2 if grade == "node" and index + 2 < len(nodes) else 1
                if event.own & {nodes[index], nodes[index + jump]}:
                    return False
                index += jump
            else:
                index += 1
        return True

    def events(self, grade: str, nodes: Sequence[str], links: Sequence[str]) -> list[Event]:
        """What a demand of this grade must survive, of all that hits the switches and links its frames take now.

        Events that take away the same are listed once.
        """
        if grade == "none":
            return []
        found: dict[tuple[frozenset[str], frozenset[str]], Event] = {}
        for link in sorted(links):
            alone = Event(link, "link", frozenset((link,)))
            for event in (alone, *self.hitting[link]):
                if self.covered(event, grade, nodes, links):
                    found.setdefault((event.links, event.nodes), event)
        if grade == "node":
            for node in nodes[1:-1]:
                event = Event(f"node:{node}", "node", self._around((node,)), frozenset((node,)))
                found.setdefault((event.links, event.nodes), event)
        return list(found.values())

    def disjoint(self, one: Sequence[str], two: Sequence[str]) -> list[str]:
        """What two paths (links, in order) between the same switches have in common that they should not."""
        common = sorted(set(one) & set(two))
        first, second = (self._nodes(path) for path in (one, two))
        common += sorted(set(first[1:-1]) & set(second[1:-1]))
        ends = {first[0], first[-1]}
        for event in self.groups.values():
            if not event.own & ends:
                hit = [not event.links.isdisjoint(path) for path in (one, two)]
                common += [event.name] if all(hit) else []
        return common

    def _nodes(self, path: Sequence[str]) -> list[str]:
        """The switches along links; the first is the one that the second link does not touch."""
        ends = [set(self.topology.links[link].nodes) for link in path]
        if len(ends) == 1:
            return sorted(ends[0])
        start = (ends[0] - ends[1]) or ends[0]
        nodes = [next(iter(start))]
        for link in path:
            nodes.append(self.topology.links[link].other(nodes[-1]))
        return nodes

    # ── what could be given ──────────────────────────────────────────────────────────────────────

    def possible(self, grade: str, a: str, b: str, avoid: frozenset[str] = frozenset()) -> bool | None:
        """Whether any path between two switches can have this grade; None where there are too many to say."""
        key = grade, min(a, b), max(a, b), avoid
        if key not in self._known:
            self._known[key] = self._possible(*key)
        return self._known[key]

    def _possible(self, grade: str, a: str, b: str, avoid: frozenset[str]) -> bool | None:
        ban = self._banned(avoid)
        if ban is None or {a, b} & ban[1]:
            return False
        links = ban[0]
        if a == b:
            return True
        if grade == "node":
            return self._turns(a, b, links)
        kept = [link for link in self.topology.links if link not in links]
        if grade != "none":
            kept = [link for link in kept if self._protected(link, links)]
        allowed = self._subgraph(kept)
        if not nx.has_path(allowed, a, b):
            return False
        return True if grade in ("none", "local") else self._pair(allowed, a, b, links)

    def _banned(self, avoid: Iterable[str]) -> tuple[frozenset[str], frozenset[str]] | None:
        links: set[str] = set()
        nodes: set[str] = set()
        for name in avoid:
            if name in self.topology.links:
                links.add(name)
            if name in self.groups:
                links |= self.groups[name].links
                nodes |= self.groups[name].nodes
            nodes |= {node.id for node in self.topology.nodes.values() if name in (node.id, node.site)}
        return frozenset(links | self._around(nodes)), frozenset(nodes)

    def _subgraph(self, links: Iterable[str]) -> nx.MultiGraph[str]:
        graph: nx.MultiGraph[str] = nx.MultiGraph()
        graph.add_nodes_from(self.topology.nodes)
        for link in links:
            graph.add_edge(*self.topology.links[link].nodes, key=link)
        return graph

    def _bypass(self, link: str, tail: str, merge: str, around: str, ban: frozenset[str]) -> bool:
        """Whether there is a way from tail to merge without this link, what fails with it, and switch `around`."""
        gone = {link, *ban, *(self._around((around,)) if around else ())}
        for event in self.hitting[link]:
            if not event.own & {tail, merge}:
                gone |= event.links
        left = self._subgraph(key for key in self.topology.links if key not in gone)
        return bool(nx.has_path(left, tail, merge))

    def _protected(self, link: str, ban: frozenset[str]) -> bool:
        a, b = self.topology.links[link].nodes
        return self.bypass(link, a, b, "", ban)

    def _turns(self, a: str, b: str, ban: frozenset[str]) -> bool | None:
        """Grade node: a walk over turns that have ways round the switch between, there and back."""
        hops = [
            (tail, head, link.id)
            for link in self.topology.links.values()
            if link.id not in ban
            for tail, head in (link.nodes, link.nodes[::-1])
        ]
        turns: nx.DiGraph[Any] = nx.DiGraph()
        turns.add_nodes_from(("a", "b"))
        for hop in hops:
            if hop[0] == a and self.bypass(hop[2], hop[1], hop[0], "", ban):
                turns.add_edge("a", hop)
            if hop[1] == b and self.bypass(hop[2], hop[0], hop[1], "", ban):
                turns.add_edge(hop, "b")
            for other in hops:
                if hop[1] == other[0] and other[1] != hop[0] and hop[1] not in (a, b):
                    there = self.bypass(hop[2], hop[0], other[1], hop[1], ban)
                    if there and self.bypass(other[2], other[1], hop[0], hop[1], ban):
                        turns.add_edge(hop, other)
        if not nx.has_path(turns, "a", "b"):
            return False
        useful = nx.ancestors(turns, "b") & nx.descendants(turns, "a")
        stack: list[tuple[Any, frozenset[str]]] = [("a", frozenset())]
        for _ in range(MOST_STEPS):
            if not stack:
                return False
            at, seen = stack.pop()
            for step in turns.successors(at):
                if step == "b":
                    return True
                if step in useful and step[0] not in seen:
                    stack.append((step, seen | {step[0]}))
        return None

    def _pair(self, allowed: nx.MultiGraph[str], a: str, b: str, ban: frozenset[str]) -> bool | None:
        """Grade disjoint: a protected path and a second one that shares nothing with it."""
        cuts = [event.links for event in self.groups.values() if not event.own & {a, b}]
        cuts += [self._around((node,)) for node in self.topology.nodes if node not in (a, b)]
        for cut in set(cuts):
            left = self._subgraph(key for key in self.topology.links if key not in cut | ban)
            if not nx.has_path(left, a, b):
                return False  # what both paths would have to share
        for count, path in enumerate(nx.all_simple_edge_paths(allowed, a, b)):
            if count == MOST_PATHS:
                return None
            edges: list[Any] = list(path)
            links = [link for _, _, link in edges]
            gone = {*ban, *links}
            for node in {end for tail, head, _ in edges for end in (tail, head)} - {a, b}:
                gone |= self._around((node,))
            for event in self.groups.values():
                if not event.own & {a, b} and not event.links.isdisjoint(links):
                    gone |= event.links
            if nx.has_path(self._subgraph(key for key in self.topology.links if key not in gone), a, b):
                return True
        return False
