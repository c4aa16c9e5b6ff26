"""Edges become links: arcs in both directions are one, loops have no place, parallel ones stay apart.

Each stage after the reader says in ``how`` what it derived and from what; what the file says has no entry there.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TypeVar

from sdnctl.exchange.topology.graph import Edge, Graph, Module, Report

T = TypeVar("T", int, float)


@dataclass(slots=True)
class Wire:
    """A link between two switches (by node). Metres, µs, bit/s; None until some stage derives it."""

    a: int
    b: int
    line: int
    label: str
    length: float | None
    delay: float | None
    capacity: float | None
    modules: tuple[Module, ...]
    id: str = ""
    ports: tuple[int, int] = (0, 0)
    how: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"link {self.id or self.label}"


def wires(graph: Graph, names: list[str], report: Report) -> list[Wire]:
    """Links with ids and ports, in the order of the file."""
    found = []
    for one, two in _pairs(graph, report):
        if one.a == one.b:
            report.warning(
                "self-loop",
                f"{graph.nodes[one.a].label} is joined to itself; the edge is left out",
                one.line,
                f"edge {one.label}" if one.label else "edge",
                hint="A switch has no use for it; should it be another node, correct an end.",
            )
            continue
        found.append(_joined(graph, one, two, report))
    _number(found, names)
    return found


def _pairs(graph: Graph, report: Report) -> list[tuple[Edge, Edge | None]]:
    """Each undirected edge by itself; of directed ones each with the next in the other direction."""
    if not graph.arcs:
        return [(edge, None) for edge in graph.edges]
    waiting: dict[tuple[int, int], list[int]] = defaultdict(list)
    pairs: list[tuple[Edge, Edge | None]] = []
    for edge in graph.edges:
        back = waiting[edge.b, edge.a]
        if back and edge.a != edge.b:
            place = back.pop(0)
            pairs[place] = (pairs[place][0], edge)
        else:
            waiting[edge.a, edge.b].append(len(pairs))
            pairs.append((edge, None))
    for one, two in pairs:
        if two is None and one.a != one.b:
            report.warning(
                "one-way-edge",
                f"there is no edge back from {graph.nodes[one.b].label} to {graph.nodes[one.a].label}; "
                "a link carries both directions",
                one.line,
                f"edge {one.label}",
            )
    return pairs


def _joined(graph: Graph, one: Edge, two: Edge | None, report: Report) -> Wire:
    wire = Wire(one.a, one.b, one.line, one.label, one.length, one.delay, one.capacity, one.modules)
    if one.capacity is not None and one.capacity_how:
        wire.how["capacity"] = one.capacity_how
    if two is not None:
        for name, greater in (("length", True), ("delay", True), ("capacity", False)):
            _agree(wire, name, getattr(one, name), getattr(two, name), greater, report)
        wire.modules = wire.modules or two.modules
    return wire


def _agree(wire: Wire, name: str, there: float | None, back: float | None, greater: bool, report: Report) -> None:
    """A link has one figure for both directions: the worse of two that differ."""
    known = [value for value in (there, back) if value is not None]
    if not known:
        return
    setattr(wire, name, max(known) if greater else min(known))
    if len(known) == 2 and known[0] != known[1]:
        which = "greater" if greater else "smaller"
        wire.how[name] = f"the {which} of both directions"
        report.warning(
            "directions-differ",
            f"the {name}s there and back differ ({known[0]:g} and {known[1]:g}); the {which} one counts",
            wire.line,
            wire.address,
        )


def _number(found: list[Wire], names: list[str]) -> None:
    """Ids by ends, parallel links numbered; ports of each switch from 1 in the order of the links."""
    counts: dict[tuple[int, int], int] = defaultdict(int)
    ports: dict[int, int] = defaultdict(int)
    taken: set[str] = set()
    for wire in found:
        key = min(wire.a, wire.b), max(wire.a, wire.b)
        counts[key] += 1
        base = f"{names[wire.a]}--{names[wire.b]}"
        wire.id = base if counts[key] == 1 else f"{base}-{counts[key]}"
        while wire.id in taken:  # ids of nodes may themselves look like a number behind a link
            counts[key] += 1
            wire.id = f"{base}-{counts[key]}"
        taken.add(wire.id)
        ports[wire.a] += 1
        ports[wire.b] += 1
        wire.ports = ports[wire.a], ports[wire.b]
