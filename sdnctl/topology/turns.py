"""Shortest paths where not every turn is allowed: consecutive hops must satisfy a condition of their own.

A path that survives the death of a switch needs a way round for each pair of hops, so the
search runs over directed hops instead of switches. Such a search may visit a switch twice; a labelled path must
not. Where it does, the problem is branched on which of the two ways in is given up, best first, so
that the answer stays exact.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from heapq import heappop, heappush

from sdnctl.topology.graph import Hop, Path
from sdnctl.topology.paths import OPEN, Graph, Place

MAX_BRANCHES = 2_000
"""Branches after which the search gives up; city networks need a handful."""


class SearchLimit(Exception):
    """The search gave up before it had an answer: neither a path nor a proof that there is none."""


def shortest_with_turns(
    graph: Graph,
    source: str,
    target: str,
    banned: Set[str],
    turn: Callable[[Hop, Hop], bool],
    first: Callable[[Hop], bool],
    last: Callable[[Hop], bool],
    closed: Set[Place] = OPEN,
) -> Path | None:
    """The least simple path by (delay, hops, link ids) all of whose turns, first and last hop are allowed.

    Source and target differ. `turn`, `first` and `last` are asked lazily and must be pure. Raises
    `SearchLimit` after `MAX_BRANCHES` branches without an answer.
    """
    search = _Search(graph, source, target, banned, turn, first, last, closed)
    heap: list[tuple[int, tuple[str, ...], int, Path, frozenset[Hop]]] = []
    serial = 0

    def push(given_up: frozenset[Hop]) -> None:
        nonlocal serial
        walk = search.walk(given_up)
        if walk is not None:
            serial += 1
            heappush(heap, (graph.weight(walk), walk.links, serial, walk, given_up))

    push(frozenset())
    while heap:
        *_, walk, given_up = heappop(heap)
        clash = _revisited(walk, source)
        if clash is None:
            return walk
        if serial > MAX_BRANCHES:
            raise SearchLimit(f"gave up after {MAX_BRANCHES} branches between {source} and {target}")
        for hop in clash:
            push(given_up | {hop})
    return None


def _revisited(walk: Path, source: str) -> tuple[Hop, ...] | None:
    """The hops that enter a switch a second time: a simple path must give up one of them."""
    entered: dict[str, Hop] = {}
    for hop in walk.hops:
        if hop.head == source:
            return (hop,)
        if hop.head in entered:
            return (entered[hop.head], hop)
        entered[hop.head] = hop
    return None


class _Search:
    """Dijkstra from the target over directed hops; a state is a hop that still has to be crossed."""

    def __init__(
        self,
        graph: Graph,
        source: str,
        target: str,
        banned: Set[str],
        turn: Callable[[Hop, Hop], bool],
        first: Callable[[Hop], bool],
        last: Callable[[Hop], bool],
        closed: Set[Place],
    ) -> None:
        self.graph, self.source, self.target = graph, source, target
        self.turn, self.first, self.last = turn, first, last
        self.banned, self.closed = banned, closed

    def walk(self, given_up: frozenset[Hop]) -> Path | None:
        """The least walk without these hops; it may visit switches twice."""
        weights, arrivals, turn = self.graph.weights, self.graph.arrivals, self.turn
        best: dict[Hop, int] = {}
        heap: list[tuple[int, int, Hop]] = []  # weight, a number that no other entry has, hop
        for hop in arrivals[self.target]:
            if self.usable(hop, given_up) and self.last(hop):
                best[hop] = weights[hop.link]
                heappush(heap, (best[hop], len(best), hop))
        settled: set[Hop] = set()
        limit: int | None = None
        serial = len(best)
        while heap:
            so_far, _, hop = heappop(heap)
            if hop in settled:
                continue
            if limit is not None and so_far > limit:
                break
            settled.add(hop)
            if hop.tail == self.source and self.first(hop):
                limit = so_far
            head = hop.head
            for before in arrivals[hop.tail]:
                if before.tail == head or before in settled or not self.usable(before, given_up):
                    continue
                total = so_far + weights[before.link]
                if total < best.get(before, _FAR) and turn(before, hop):
                    best[before] = total
                    serial += 1
                    heappush(heap, (total, serial, before))
        return self._follow(best, settled, limit)

    def usable(self, hop: Hop, given_up: frozenset[Hop]) -> bool:
        return (
            hop.link not in self.banned
            and not (given_up and hop in given_up)
            and not (self.closed and (hop.link, hop.tail) in self.closed)
        )

    def _follow(self, best: dict[Hop, int], settled: set[Hop], limit: int | None) -> Path | None:
        if limit is None:
            return None
        out, weights = self.graph.topology.adjacency, self.graph.weights
        hop = next(hop for hop in out[self.source] if best.get(hop) == limit and self.first(hop))
        hops = [hop]
        while best[hop] != weights[hop.link] or hop.head != self.target:
            rest = best[hop] - weights[hop.link]
            hop = next(
                after
                for after in out[hop.head]
                if after in settled and best[after] == rest and after.head != hop.tail and self.turn(hop, after)
            )
            hops.append(hop)
        return Path(tuple(hops))


_FAR = 1 << 62
"""More than any weight."""
