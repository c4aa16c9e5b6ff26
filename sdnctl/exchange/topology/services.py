"""Demands become circuits between endpoints: both directions in one, each end under a VLAN of its own."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import ceil
from typing import Literal, TypeAlias

from sdnctl.errors import Source
from sdnctl.exchange.topology.graph import Demand, Graph, Report
from sdnctl.exchange.topology.wires import Wire

Invented: TypeAlias = Literal["none", "ring", "mesh"]
LEAST = 1_000
"""bit/s of a direction that a file of directed demands does not ask for: a circuit answers at least."""
INVENTED = 10_000_000.0
"""bit/s of a circuit that nobody asked for."""
VLANS = 4094
PORTS = 100
"""Customers' ports begin at the next hundred after those of links."""


@dataclass(slots=True)
class Circuit:
    """Traffic both ways between two nodes; `up` is from a to b. `how` is empty where the file says it all."""

    id: str
    a: int
    b: int
    up: int
    down: int
    how: str = ""
    ends: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Plug:
    """An endpoint: a VLAN on a customers' port of a node."""

    id: str
    node: int
    port: int
    vlan: int


def circuits(graph: Graph, links: list[Wire], invented: Invented, report: Report) -> list[Circuit]:
    """The circuits that the demands ask for, without those that no network of these links can carry."""
    parts = components(len(graph.nodes), links)
    groups = len(set(parts))
    if groups > 1:
        names = [f"{_named(graph, parts, part)}" for part in sorted(set(parts))[:5]]
        report.warning(
            "disconnected",
            f"the topology is in {groups} parts that no link joins",
            1,
            detail=f"They are those of {'; '.join(names)}{' and others' if groups > 5 else ''}.",
        )
    if not graph.demands:
        return _invent(graph, parts, invented)
    return _merged(graph, [one for one in graph.demands if _possible(graph, one, parts, report)])


def components(count: int, links: list[Wire]) -> list[int]:
    """For each node the least node that links join it to."""
    parent = list(range(count))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for wire in links:
        a, b = root(wire.a), root(wire.b)
        parent[max(a, b)] = min(a, b)
    return [root(node) for node in range(count)]


def _named(graph: Graph, parts: list[int], part: int) -> str:
    return f"{graph.nodes[part].label} ({parts.count(part)} nodes)"


def _possible(graph: Graph, one: Demand, parts: list[int], report: Report) -> bool:
    a, b = graph.nodes[one.a].label, graph.nodes[one.b].label
    if one.a == one.b:
        code, why = "demand-within-node", f"it begins and ends at {a}"
    elif one.rate <= 0:
        code, why = "demand-of-nothing", "its rate is 0"
    elif parts[one.a] != parts[one.b]:
        code, why = "demand-cut-off", f"no links join {a} and {b}"
    else:
        return True
    where = Source(one.file or report.file, one.line)
    report.out.warning(code, f"demand {one.label} is left out: {why}", address=f"demand {one.label}", source=where)
    return False


def _merged(graph: Graph, demands: list[Demand]) -> list[Circuit]:
    """Each demand with the next one in the other direction; what has none gets one."""
    waiting: dict[tuple[int, int], list[int]] = defaultdict(list)
    found: list[tuple[Demand, Demand | None]] = []
    for one in demands:
        back = waiting[one.b, one.a]
        if back:
            place = back.pop(0)
            found[place] = (found[place][0], one)
        else:
            waiting[one.a, one.b].append(len(found))
            found.append((one, None))
    directed = not graph.one_is_both and any(two is not None for _, two in found)
    made = []
    for number, (one, two) in enumerate(found, 1):
        up = ceil(one.rate)
        down, how = (ceil(two.rate), "") if two is not None else (up, "the file has one direction: the same back")
        if two is None and directed:
            down, how = LEAST, "the file asks for nothing back"
        made.append(Circuit(f"d{number}", one.a, one.b, up, down, how))
    return made


def _invent(graph: Graph, parts: list[int], invented: Invented) -> list[Circuit]:
    """Circuits that nobody asked for, so that there is something to try a topology with."""
    groups: dict[int, list[int]] = defaultdict(list)
    for node, part in enumerate(parts):
        groups[part].append(node)
    pairs: list[tuple[int, int]] = []
    for nodes in groups.values():
        if invented == "mesh":
            pairs += [(a, b) for place, a in enumerate(nodes) for b in nodes[place + 1 :]]
        elif invented == "ring" and len(nodes) > 1:
            pairs += list(zip(nodes, [*nodes[1:], nodes[0]] if len(nodes) > 2 else nodes[1:], strict=False))
    rate = int(INVENTED)
    return [
        Circuit(f"d{number}", a, b, rate, rate, "invented on request") for number, (a, b) in enumerate(pairs, 1)
    ]


def plugs(found: list[Circuit], names: list[str], links: list[Wire]) -> list[Plug]:
    """Endpoints of all circuits, which get their names."""
    highest = max((port for wire in links for port in wire.ports), default=0)
    first = (highest // PORTS + 1) * PORTS + 1
    used: dict[int, int] = defaultdict(int)
    made = []
    for circuit in found:
        ends = []
        for node in (circuit.a, circuit.b):
            number = used[node]
            used[node] += 1
            plug = Plug(f"{names[node]}-e{number + 1}", node, first + number // VLANS, number % VLANS + 1)
            made.append(plug)
            ends.append(plug.id)
        circuit.ends = ends[0], ends[1]
    return made
