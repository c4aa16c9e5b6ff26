"""Shortest paths, exactly and with one answer: by delay, then hops, then link ids.

`Graph` is a `Topology` as plain adjacency with integer weights (delay in ns above, hops in the low
bits), so that sums are exact in both directions and comparisons never depend on rounding. What may
not be used is given as sets of link ids (`banned`), switch ids (`nodes`) and single directions of links
(`closed`: link id and the switch it leaves); a switch whose links are all banned is avoided as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Set
from heapq import heappop, heappush

from sdnctl.topology.graph import Hop, Path, Topology
from sdnctl.units import Delay

_HOP_BITS = 16
_FAR = 1 << 62
"""More than any weight."""
NOTHING: frozenset[str] = frozenset()
Place = tuple[str, str]
"""One direction of a link: link id and the switch it leaves."""
OPEN: frozenset[Place] = frozenset()


def nanoseconds(delay: Delay) -> int:
    """Delay in whole ns, rounded up, so that a path that fits in ns also fits in µs."""
    return math.ceil(round(delay * 1000, 3))


class Graph:
    """Adjacency of a topology for searches: `weights` (link → weight), `arcs` (switch → (weight, link, head)).

    `hops` are numbered; `arrivals`, `departures`: switch → (number, weight) of the hops to and from it. Searches
    run on numbers, too: an entry of their heap is a weight and a switch's number in one integer.
    """

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.delays = {key: nanoseconds(link.delay) for key, link in topology.links.items()}
        self.weights = {key: (delay << _HOP_BITS) + 1 for key, delay in self.delays.items()}
        self.arcs: dict[str, tuple[tuple[int, str, str], ...]] = {
            node: tuple((self.weights[hop.link], hop.link, hop.head) for hop in hops)
            for node, hops in topology.adjacency.items()
        }
        self._names = tuple(self.arcs)
        self._number = {name: number for number, name in enumerate(self._names)}
        self._bits = len(self._names).bit_length()
        self._out: tuple[tuple[tuple[int, str, int, Hop], ...], ...] = tuple(
            tuple((self.weights[hop.link], hop.link, self._number[hop.head], hop) for hop in hops)
            for hops in topology.adjacency.values()
        )
        self.hops = tuple(hop for hops in topology.adjacency.values() for hop in hops)
        into: dict[str, list[tuple[int, int]]] = {node: [] for node in self._names}
        out: dict[str, list[tuple[int, int]]] = {node: [] for node in self._names}
        for number, hop in enumerate(self.hops):
            into[hop.head].append((number, self.weights[hop.link]))
            out[hop.tail].append((number, self.weights[hop.link]))
        self.arrivals, self.departures = into, out
        self._opposite = {(hop.link, hop.head): hop for hop in self.hops}
        self._trees: dict[tuple[str, Set[str], Set[Place]], list[int]] = {}

    def reversed(self, path: Path) -> Path:
        """The path back, of the hops that the topology has; the path is one of this graph."""
        opposite = self._opposite
        return Path(tuple([opposite[hop.link, hop.tail] for hop in reversed(path.hops)]))

    def delay(self, path: Path) -> int:
        """One-way delay of a path, ns."""
        delays = self.delays
        return sum([delays[hop.link] for hop in path.hops])

    def weight(self, path: Path) -> int:
        """What paths are ordered by before ties are broken by link ids."""
        weights = self.weights
        return sum([weights[hop.link] for hop in path.hops])

    def order(self, path: Path) -> tuple[int, tuple[str, ...]]:
        """Sort key of paths: delay, hops, link ids."""
        return self.weight(path), path.links

    def distances(
        self,
        target: str,
        banned: Set[str] = NOTHING,
        nodes: Set[str] = NOTHING,
        closed: Set[Place] = OPEN,
        stop: str | None = None,
    ) -> dict[str, int]:
        """Weight of the shortest way from each switch to `target` (Dijkstra), or until `stop` is settled.

        With `stop`, weights above that of `stop` are upper bounds only.
        """
        best = self._distances(target, banned, nodes, closed, stop)
        return {name: weight for name, weight in zip(self._names, best, strict=True) if weight != _FAR}

    def _distances(
        self, target: str, banned: Set[str], nodes: Set[str], closed: Set[Place], stop: str | None
    ) -> list[int]:
        """The same by switch number, `_FAR` where there is no way."""
        names, number, bits, arcs = self._names, self._number, self._bits, self._out
        mask = (1 << bits) - 1
        best = [_FAR] * len(names)
        done = bytearray(len(names))
        for name in nodes:
            if name in number:
                done[number[name]] = 1
        start = number[target]
        done[start] = 0
        best[start] = 0
        last = -1 if stop is None else number[stop]
        heap = [start]
        while heap:
            code = heappop(heap)
            node = code & mask
            if done[node]:
                continue
            if node == last:
                break
            done[node] = 1
            so_far = code >> bits
            for weight, link, other, _ in arcs[node]:
                if done[other] or link in banned or (closed and (link, names[other]) in closed):
                    continue
                total = so_far + weight
                if total < best[other]:
                    best[other] = total
                    heappush(heap, total << bits | other)
        return best

    def shortest(
        self,
        source: str,
        target: str,
        banned: Set[str] = NOTHING,
        nodes: Set[str] = NOTHING,
        closed: Set[Place] = OPEN,
    ) -> Path | None:
        """The least path by (delay, hops, link ids), or None; empty where source and target are one switch.

        `nodes` may hold the source: it bars switches from being *entered*.
        """
        barred = nodes - {source} if source in nodes else nodes
        best = self._distances(target, banned, barred, closed, source)
        return self._walk(source, target, best, banned, nodes, closed)

    def shortest_of_many(
        self, source: str, target: str, banned: frozenset[str] = NOTHING, closed: frozenset[Place] = OPEN
    ) -> Path | None:
        """The same path as `shortest`, for callers that ask for many sources of one target: its tree is kept."""
        key = (target, banned, closed)
        best = self._trees.get(key)
        if best is None:
            best = self._trees[key] = self._distances(target, banned, NOTHING, closed, None)
        return self._walk(source, target, best, banned, NOTHING, closed)

    def _walk(
        self, source: str, target: str, best: list[int], banned: Set[str], nodes: Set[str], closed: Set[Place]
    ) -> Path | None:
        """Follow distances from the source, by the least link id where several ways are equally short."""
        at, goal = self._number[source], self._number[target]
        if best[at] == _FAR:
            return None
        hops = []
        while at != goal:
            here = best[at]
            for weight, link, head, hop in self._out[at]:
                if (
                    best[head] == here - weight
                    and link not in banned
                    and not (closed and (link, hop.tail) in closed)
                    and (not nodes or hop.head not in nodes or head == goal)
                ):
                    hops.append(hop)
                    at = head
                    break
            else:  # pragma: no cover - Dijkstra's tree always leads on
                raise AssertionError(f"no way on from {self._names[at]}")
        return Path(tuple(hops))

    def reachable(self, source: str, banned: Set[str] = NOTHING) -> frozenset[str]:
        """Switches that can be reached from `source` without the banned links."""
        seen = {source}
        stack = [source]
        while stack:
            for _, link, head in self.arcs[stack.pop()]:
                if head not in seen and link not in banned:
                    seen.add(head)
                    stack.append(head)
        return frozenset(seen)

    def k_shortest(
        self, source: str, target: str, banned: Set[str] = NOTHING, closed: Set[Place] = OPEN
    ) -> Iterator[Path]:
        """All loopless paths from least to greatest, lazily (Yen 1971, with Lawler's start of deviation)."""
        first = self.shortest(source, target, banned, NOTHING, closed)
        if first is None or not first.hops:
            if first is not None:
                yield first
            return
        found: list[Path] = []
        known = {first.links}
        heap: list[tuple[tuple[int, tuple[str, ...]], int, Path]] = [(self.order(first), 0, first)]
        while heap:
            _, deviation, path = heappop(heap)
            yield path
            found.append(path)
            for index in range(deviation, len(path.hops)):
                root = path.hops[:index]
                spur = path.hops[index].tail
                taken = {
                    other.links[index] for other in found if other.hops[:index] == root and other.hops[index:]
                }
                rest = self.shortest(spur, target, taken | banned, {hop.tail for hop in root}, closed)
                if rest is None:
                    continue
                candidate = Path((*root, *rest.hops))
                if candidate.links not in known:
                    known.add(candidate.links)
                    heappush(heap, (self.order(candidate), index, candidate))


def is_simple(path: Path) -> bool:
    """Whether the hops follow each other and no switch is visited twice."""
    nodes = path.nodes
    follows = all(one.head == two.tail for one, two in zip(path.hops, path.hops[1:], strict=False))
    return bool(nodes) and follows and len(set(nodes)) == len(nodes)


def exists(topology: Topology, path: Path) -> bool:
    """Whether every hop of the path is a link of this topology between these switches."""
    return all(
        hop.link in topology.links and set(topology.links[hop.link].nodes) == {hop.tail, hop.head}
        for hop in path.hops
    )
