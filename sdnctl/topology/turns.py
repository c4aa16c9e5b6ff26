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
        """The least walk without these hops; it may visit switches twice.

        States are numbers of hops; an entry of the heap is a weight and a number in one integer.
        """
        hops, arrivals, turn, usable = self.graph.hops, self.graph.arrivals, self.turn, self.usable
        bits = len(hops).bit_length()
        mask = (1 << bits) - 1
        best = [_FAR] * len(hops)
        settled = bytearray(len(hops))
        heap: list[int] = []
        for number, weight in arrivals[self.target]:
            hop = hops[number]
            if usable(hop, given_up) and self.last(hop):
                best[number] = weight
                heappush(heap, weight << bits | number)
        limit: int | None = None
        while heap:
            code = heappop(heap)
            number, so_far = code & mask, code >> bits
            if settled[number]:
                continue
            if limit is not None and so_far > limit:
                break
            settled[number] = 1
            hop = hops[number]
            if hop.tail == self.source and self.first(hop):
                limit = so_far
            head = hop.head
            for other, weight in arrivals[hop.tail]:
                total = so_far + weight
                if total < best[other] and not settled[other]:
                    before = hops[other]
                    if before.tail != head and usable(before, given_up) and turn(before, hop):
                        best[other] = total
                        heappush(heap, total << bits | other)
        return self._follow(best, settled, limit)

    def usable(self, hop: Hop, given_up: frozenset[Hop]) -> bool:
        return (
            hop.link not in self.banned
            and not (given_up and hop in given_up)
            and not (self.closed and (hop.link, hop.tail) in self.closed)
        )

    def _follow(self, best: list[int], settled: bytearray, limit: int | None) -> Path | None:
        if limit is None:
            return None
        hops, departures = self.graph.hops, self.graph.departures
        number = next(at for at, _ in departures[self.source] if best[at] == limit and self.first(hops[at]))
        walk = [hops[number]]
        rest = limit
        while True:
            hop = walk[-1]
            rest -= self.graph.weights[hop.link]
            if rest == 0 and hop.head == self.target:
                return Path(tuple(walk))
            walk.append(
                next(
                    hops[at]
                    for at, _ in departures[hop.head]
                    if settled[at] and best[at] == rest and hops[at].head != hop.tail and self.turn(hop, hops[at])
                )
            )


_FAR = 1 << 62
"""More than any weight."""
