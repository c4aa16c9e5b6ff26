"""Pairs of disjoint paths of least total delay: link- or node-disjoint (Suurballe), and disjoint in risk.

With shared-risk groups the problem is NP-hard (Hu 2003): `risk_disjoint` tries exclusion first (take a
short path, forbid what it shares a risk with, look again), then to find the best pair by its lesser path, and
leaves the rest to an integer program (`topology/pairs_ilp.py`), which also proves that there is no pair.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import islice

from sdnctl.topology.graph import Hop, Path
from sdnctl.topology.paths import NOTHING, OPEN, Graph, Place

_State = tuple[str, int]  # switch, 0 where paths enter it and 1 where they leave
_Arcs = dict[_State, dict[tuple[str, _State], int]]

EXCLUSION_TRIES = 8
"""First paths that exclusion tries before the least pair is looked for."""

LESSER_TRIES = 100
"""Lesser paths that are tried before the integer program decides; to load it takes as long as 400 of them."""


def suurballe(
    graph: Graph, source: str, target: str, banned: Set[str] = NOTHING, *, node_disjoint: bool = True
) -> tuple[Path, Path] | None:
    """Two paths that share no link (nor transit switch) with the least sum of weights, or None.

    Suurballe (1974): a second shortest path in the residual graph under reduced costs. The shorter of the
    two comes first. Source and target differ.
    """
    arcs = _split(graph, banned, node_disjoint, source, target)
    start, goal = (source, 0), (target, 0)
    potential = _dijkstra(arcs, start)[0]
    if goal not in potential:
        return None
    reduced: _Arcs = {
        state: {
            key: cost + potential[state] - potential[key[1]] for key, cost in out.items() if key[1] in potential
        }
        for state, out in arcs.items()
        if state in potential
    }
    used: dict[tuple[_State, str, _State], bool] = {}
    for state, key in _trail(_dijkstra(reduced, start)[1], goal):
        link, head = key
        del reduced[state][key]
        reduced.setdefault(head, {})[f"-{link}", state] = 0
        used[state, link, head] = True
    parents = _dijkstra(reduced, start)[1]
    if goal not in parents:
        return None
    for state, (link, head) in _trail(parents, goal):
        if link.startswith("-"):
            del used[head, link[1:], state]
        else:
            used[state, link, head] = True
    return _unravel(graph, used, source, target)


def _split(graph: Graph, banned: Set[str], node_disjoint: bool, source: str, target: str) -> _Arcs:
    """Directed graph of Suurballe: a switch that may be used once is an arc of its own."""
    arcs: _Arcs = {}
    for node, out in graph.arcs.items():
        leave = {(link, (head, 0)): weight for weight, link, head in out if link not in banned}
        if node_disjoint and node not in (source, target):
            arcs[node, 0], arcs[node, 1] = {("", (node, 1)): 0}, leave
        else:
            arcs[node, 0] = leave
    arcs[target, 0] = {}
    return arcs


def _dijkstra(
    arcs: _Arcs, start: _State
) -> tuple[dict[_State, int], dict[_State, tuple[_State, tuple[str, _State]]]]:
    """Distances from `start`, and for each state where it was reached from."""
    best: dict[_State, int] = {start: 0}
    parents: dict[_State, tuple[_State, tuple[str, _State]]] = {}
    heap = [(0, start)]
    settled: set[_State] = set()
    while heap:
        so_far, state = heappop(heap)
        if state in settled:
            continue
        settled.add(state)
        for key, cost in arcs.get(state, {}).items():
            head = key[1]
            total = so_far + cost
            if total < best.get(head, math.inf):
                best[head] = total
                parents[head] = (state, key)
                heappush(heap, (total, head))
    return best, parents


def _trail(
    parents: Mapping[_State, tuple[_State, tuple[str, _State]]], goal: _State
) -> list[tuple[_State, tuple[str, _State]]]:
    steps = []
    state = goal
    while state in parents:
        steps.append(parents[state])
        state = parents[state][0]
    return steps


def _unravel(
    graph: Graph, used: Mapping[tuple[_State, str, _State], bool], source: str, target: str
) -> tuple[Path, Path]:
    """Two simple paths from a set of arcs that carries two units from source to target."""
    out: dict[str, list[Hop]] = {}
    arcs = {(tail[0], link, head[0]) for tail, link, head in used if link}
    # A link used in both directions carries nothing.
    for tail, link, head in sorted(arcs):
        if (head, link, tail) not in arcs:
            out.setdefault(tail, []).append(Hop(link, tail, head))
    pair = []
    for _ in range(2):
        hops: list[Hop] = []
        node = source
        while node != target:
            hop = out[node].pop(0)
            hops.append(hop)
            node = hop.head
        pair.append(Path(tuple(_without_loops(hops))))
    first, second = sorted(pair, key=graph.order)
    return first, second


def _without_loops(hops: list[Hop]) -> list[Hop]:
    kept: list[Hop] = []
    for hop in hops:
        index = next((at for at, one in enumerate(kept) if one.tail == hop.head), None)
        kept.append(hop)
        if index is not None:
            del kept[index:]
    return kept


# ── disjoint in risk ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class PairProblem:
    """A primary and a standby path that share no link, transit switch or risk group.

    `groups`: id → links that go down together (groups that may be shared are left out). `banned` links and
    `closed` directions hold for both paths, `banned_primary` for the primary alone. `bound` (ns) limits both
    delays, and the primary's plus the worst `excess` of its links (what a bypass adds to the delay, ns).
    """

    graph: Graph
    source: str
    target: str
    groups: Mapping[str, frozenset[str]]
    banned: frozenset[str] = NOTHING
    banned_primary: frozenset[str] = NOTHING
    bound: int | None = None
    excess: Mapping[str, int] = field(default_factory=dict)
    closed: frozenset[Place] = OPEN

    def conflicts(self, path: Path) -> set[str]:
        """Links that the other path may not use."""
        links = set(path.links)
        taken = links.copy()
        for members in self.groups.values():
            if not members.isdisjoint(links):
                taken |= members
        return taken | self.graph.topology.down(nodes=path.transit)

    def primary_fits(self, path: Path) -> bool:
        worst = max((self.excess.get(link, 0) for link in path.links), default=0)
        return self.fits(path) and (self.bound is None or self.graph.delay(path) + worst <= self.bound)

    def fits(self, path: Path) -> bool:
        return self.bound is None or self.graph.delay(path) <= self.bound

    def is_solution(self, primary: Path, standby: Path) -> bool:
        """Whether the two paths satisfy every condition of the problem."""
        return (
            self.primary_fits(primary)
            and self.fits(standby)
            and (self.banned | self.banned_primary).isdisjoint(primary.links)
            and self.banned.isdisjoint(standby.links)
            and self.closed.isdisjoint((hop.link, hop.tail) for hop in (*primary.hops, *standby.hops))
            and self.conflicts(primary).isdisjoint(standby.links)
        )


def risk_disjoint(problem: PairProblem, preferred: frozenset[str] = NOTHING) -> tuple[Path, Path] | None:
    """A primary and a standby that share no risk, or None, which is then proven.

    The primary is the shortest for which exclusion finds a standby (of the first `EXCLUSION_TRIES`);
    otherwise the pair has the least total delay. The standby avoids the `preferred` links if it can.
    """
    graph, source, target = problem.graph, problem.source, problem.target
    pair = by_exclusion(problem)
    if pair is None:
        pair = _least(problem)
    if pair is None:
        return None
    apart = problem.banned | problem.conflicts(pair[0])
    better = graph.shortest(source, target, apart | preferred, NOTHING, problem.closed)
    return (pair[0], better) if better is not None and problem.fits(better) else pair


def _least(problem: PairProblem) -> tuple[Path, Path] | None:
    """The pair of least total delay: that without regard to risks if it shares none, else by search or program."""
    relaxed = suurballe(problem.graph, problem.source, problem.target, problem.banned)
    if relaxed is None:
        return None
    for primary, standby in (relaxed, relaxed[::-1]):
        if problem.is_solution(primary, standby):
            return primary, standby
    pair = by_lesser(problem)
    if pair is not None:
        return pair
    from sdnctl.topology.pairs_ilp import least_pair

    return least_pair(problem)


def by_lesser(problem: PairProblem) -> tuple[Path, Path] | None:
    """The pair of least total weight where a short search proves it so; None where it does not.

    Every path is tried as the lesser of the two, in order of weight, each with the least path that shares nothing
    with it. The lesser path of a better pair would weigh less than half of the best one so far.
    """
    graph, source, target = problem.graph, problem.source, problem.target
    best: tuple[Path, Path] | None = None
    least = math.inf
    for tried, lesser in enumerate(graph.k_shortest(source, target, problem.banned, problem.closed)):
        if tried == LESSER_TRIES:
            return None
        weight = graph.weight(lesser)
        if 2 * weight >= least or not problem.fits(lesser):
            break
        apart = problem.banned | problem.conflicts(lesser)
        if problem.primary_fits(lesser) and problem.banned_primary.isdisjoint(lesser.links):
            other = graph.shortest(source, target, apart, NOTHING, problem.closed)
            if other is not None and problem.fits(other) and weight + graph.weight(other) < least:
                best, least = (lesser, other), weight + graph.weight(other)
        other = graph.shortest(source, target, apart | problem.banned_primary, NOTHING, problem.closed)
        if other is None or weight + graph.weight(other) >= least or not problem.fits(other):
            continue
        if not problem.primary_fits(other):
            return None  # a later path may fit, because its bypasses are shorter
        best, least = (other, lesser), weight + graph.weight(other)
    return best


def by_exclusion(problem: PairProblem) -> tuple[Path, Path] | None:
    """Try the shortest paths as primary, each with the shortest path that shares nothing with it."""
    graph, source, target = problem.graph, problem.source, problem.target
    firsts = graph.k_shortest(source, target, problem.banned | problem.banned_primary, problem.closed)
    for primary in islice(firsts, EXCLUSION_TRIES):
        if not problem.fits(primary):
            return None
        if problem.primary_fits(primary):
            apart = problem.banned | problem.conflicts(primary)
            standby = graph.shortest(source, target, apart, NOTHING, problem.closed)
            if standby is not None and problem.fits(standby):
                return primary, standby
    return None
