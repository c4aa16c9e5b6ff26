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
NOTHING: frozenset[str] = frozenset()
Place = tuple[str, str]
"""One direction of a link: link id and the switch it leaves."""
OPEN: frozenset[Place] = frozenset()


def nanoseconds(delay: Delay) -> int:
    """Delay in whole ns, rounded up, so that a path that fits in ns also fits in µs."""
    return math.ceil(round(delay * 1000, 3))


class Graph:
    """Adjacency of a topology for searches: `weights` (link → weight), `arcs` (switch → (weight, link, head))."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.delays = {key: nanoseconds(link.delay) for key, link in topology.links.items()}
        self.weights = {key: (delay << _HOP_BITS) + 1 for key, delay in self.delays.items()}
        self.arcs: dict[str, tuple[tuple[int, str, str], ...]] = {
            node: tuple((self.weights[hop.link], hop.link, hop.head) for hop in hops)
            for node, hops in topology.adjacency.items()
        }

    def delay(self, path: Path) -> int:
        """One-way delay of a path, ns."""
        return sum(self.delays[hop.link] for hop in path.hops)

    def weight(self, path: Path) -> int:
        """What paths are ordered by before ties are broken by link ids."""
        return sum(self.weights[hop.link] for hop in path.hops)

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
        best = {target: 0}
        heap = [(0, target)]
        settled: set[str] = set()
        while heap:
            so_far, node = heappop(heap)
            if node in settled:
                continue
            if node == stop:
                break
            settled.add(node)
            for weight, link, other in self.arcs[node]:
                if other in settled or link in banned or other in nodes or (closed and (link, other) in closed):
                    continue
                total = so_far + weight
                if total < best.get(other, math.inf):
                    best[other] = total
                    heappush(heap, (total, other))
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
        best = self.distances(target, banned, nodes - {source}, closed, stop=source)
        if source not in best:
            return None
        hops = []
        node = source
        while node != target:
            for weight, link, head in self.arcs[node]:
                if (
                    link not in banned
                    and (link, node) not in closed
                    and (head not in nodes or head == target)
                    and best.get(head, -1) == best[node] - weight
                ):
                    hops.append(Hop(link, node, head))
                    node = head
                    break
            else:  # pragma: no cover - Dijkstra's tree always leads on
                raise AssertionError(f"no way on from {node}")
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
