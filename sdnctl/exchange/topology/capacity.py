"""Capacities of links: as given, else enough modules, else a usual rate, for the demands on shortest paths."""

from __future__ import annotations

import heapq
from collections import defaultdict
from math import ceil
from statistics import median

from sdnctl.exchange.topology.graph import Module
from sdnctl.exchange.topology.services import Circuit
from sdnctl.exchange.topology.wires import Wire

HEADROOM = 1.25
"""More than the demands on shortest paths: who compiles may break ties another way."""
RATES = tuple(int(rate * 1e9) for rate in (10, 25, 40, 100, 200, 400, 800, 1600))
"""Usual rates of Ethernet from the least that is derived, bit/s (IEEE 802.3)."""
LEAST, MOST = 1_000, 10**18
DOUBTFUL = 1e14
"""bit/s of a derived capacity from which on the unit of the demands is doubted: no fibre carries that."""


def settle_capacities(count: int, links: list[Wire], found: list[Circuit]) -> None:
    """Give every link a capacity, with how where the file does not say it."""
    loads = shortest_loads(count, links, found)
    known = [wire.capacity for wire in links if wire.capacity]
    usual = float(median(known)) if known else 0.0
    for wire, load in zip(links, loads, strict=True):
        need = load * HEADROOM
        if wire.modules and (wire.capacity or 0.0) < need:
            wire.capacity, wire.how["capacity"] = _installed(wire, need)
        elif not wire.capacity and wire.modules:
            least = min(wire.modules, key=lambda module: (module.capacity, module.cost))
            wire.capacity, wire.how["capacity"] = least.capacity, "one of the least modules, nothing runs here"
        elif not wire.capacity:
            wire.capacity = max(usual, _next_rate(need))
            wire.how["capacity"] = (
                "the median of the other links"
                if wire.capacity == usual
                else "the next usual rate for the demands"
            )
        wire.capacity = float(min(max(ceil(wire.capacity or 0.0), LEAST), MOST))


def _installed(wire: Wire, need: float) -> tuple[float, str]:
    """The cheapest number of modules of one kind that, with what is there, carry the load."""
    there = wire.capacity or 0.0
    rest = need - there

    def price(module: Module) -> tuple[float, float]:
        count = ceil(rest / module.capacity)
        return count * module.cost, count * module.capacity

    best = min(wire.modules, key=price)
    count = ceil(rest / best.capacity)
    text = f"{count} x module of {best.capacity / 1e6:g} Mbit/s for the demands"
    return there + count * best.capacity, f"{text}, with what is pre-installed" if there else text


def _next_rate(need: float) -> float:
    for rate in RATES:
        if rate >= need:
            return float(rate)
    return float(ceil(need / RATES[-1]) * RATES[-1])


def shortest_loads(count: int, links: list[Wire], found: list[Circuit]) -> list[float]:
    """bit/s on each link, the greater of both directions, when every circuit runs on the shortest path."""
    neighbours: list[list[tuple[int, int, float]]] = [[] for _ in range(count)]
    for place, wire in enumerate(links):
        neighbours[wire.a].append((wire.b, place, wire.length or 0.0))
        neighbours[wire.b].append((wire.a, place, wire.length or 0.0))
    there, back = [0.0] * len(links), [0.0] * len(links)
    by_source: dict[int, list[Circuit]] = defaultdict(list)
    for circuit in found:
        by_source[circuit.a].append(circuit)
    for source, own in by_source.items():
        before = _tree(source, neighbours)
        for circuit in own:
            node = circuit.b
            while node != source:
                node, place = before[node]
                forward, reverse = (
                    (circuit.up, circuit.down) if links[place].a == node else (circuit.down, circuit.up)
                )
                there[place] += forward
                back[place] += reverse
    return [max(pair) for pair in zip(there, back, strict=True)]


def _tree(source: int, neighbours: list[list[tuple[int, int, float]]]) -> dict[int, tuple[int, int]]:
    """Shortest paths from a node: for each other one the node before it and the link between (Dijkstra)."""
    before: dict[int, tuple[int, int]] = {}
    queue: list[tuple[float, int, int, int, int]] = [(0.0, 0, source, source, -1)]
    while queue:
        far, hops, node, previous, place = heapq.heappop(queue)
        if node in before:
            continue
        before[node] = previous, place
        for other, over, length in neighbours[node]:
            if other not in before:
                heapq.heappush(queue, (far + length, hops + 1, other, node, over))
    return before
