"""Topologies of the topohub package: node-link JSON with positions, lengths in km and a matrix of demands.

``graph.demands`` has source id → target id → rate; where a pair is there once it holds both ways, which is how
the package's own figures count. Its lengths are great circles computed from the positions, also where those are
points of a drawing: then they are no kilometres, and are not used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sdnctl.exchange.topology.graph import Demand, Edge, Graph, Node, Report, Units, amount, number
from sdnctl.workspace.jsontext import Walker

UNIT = 1e6
"""bit/s of a demand of 1, where nothing else is said: SNDlib's matrices are mostly in Mbit/s."""


def read_topohub(text: str, file: str, report: Report, units: Units) -> Graph | None:
    """The graph of a topohub file, or None with diagnostics."""
    walker = Walker(text)
    try:
        found = _members(walker)
        if walker.peek():
            raise json.JSONDecodeError("text after the end", text, walker.position)
    except json.JSONDecodeError as error:
        report.error("json-syntax", f"not JSON: {error.msg}", error.lineno, hint="Export the topology again.")
        return None
    except (ValueError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        report.error("json-syntax", f"not JSON: {why}", walker.here(), hint="Export the topology again.")
        return None
    for key in walker.duplicates:
        report.error("duplicate-key", f"key {key!r} stands in an object twice", 1, hint="Delete one of the two.")
    return _Reader(Graph("topohub JSON", file, one_is_both=True), report, units).read(found)


def _members(walker: Walker) -> dict[str, Any]:
    """The outer object; `nodes` and `edges` as lists of line and value, demands as (source, line, value)."""
    found: dict[str, Any] = {}
    for key in walker.members():
        if key in ("nodes", "edges", "links") and walker.peek() == "[":
            found["edges" if key == "links" else key] = [(walker.here(), walker.value()) for _ in walker.items()]
        elif key == "graph" and walker.peek() == "{":
            found["graph"] = dict(_graph(walker))
        else:
            found[key] = walker.value()
    return found


def _graph(walker: Walker) -> Iterator[tuple[str, Any]]:
    for key in walker.members():
        if key == "demands" and walker.peek() == "{":
            demands = []
            for source in walker.members():
                if walker.peek() != "{":
                    demands.append((source, "", walker.here(), walker.value()))
                    continue
                for target in walker.members():
                    walker.peek()
                    demands.append((source, target, walker.here(), walker.value()))
            yield key, demands
        else:
            yield key, walker.value()


class _Reader:
    def __init__(self, graph: Graph, report: Report, units: Units) -> None:
        self.graph, self.report, self.units = graph, report, units
        self.index: dict[str, int] = {}

    def read(self, found: dict[str, Any]) -> Graph | None:
        nodes, edges = found.get("nodes"), found.get("edges")
        if not isinstance(nodes, list) or not isinstance(edges, list):
            self.report.error("not-topohub", "nodes and edges are wanted, both as arrays", 1)
            return None
        head = found.get("graph") if isinstance(found.get("graph"), dict) else {}
        assert isinstance(head, dict)
        self.graph.arcs = found.get("directed") is True
        self.graph.name = str(head.get("name", ""))
        for line, value in nodes:
            self._node(line, value)
        for line, value in edges:
            self._edge(line, value)
        for source, target, line, value in head.get("demands") or ():
            self._demand(str(source), str(target), line, value)
        self._positions()
        return self.graph

    def _node(self, line: int, value: Any) -> None:
        key = value.get("id", value.get("name")) if isinstance(value, dict) else None
        if not isinstance(key, str | int):
            self.report.error("node-without-id", "a node has no id", line, hint="Give it one; edges name it.")
            return
        if str(key) in self.index:
            self.report.error("duplicate-node", f"node {key} is there twice", line, f"node {key}")
            return
        self.index[str(key)] = len(self.graph.nodes)
        node = Node(str(value.get("name") or key), line, role=str(value.get("type") or ""))
        place = value.get("pos")
        if (
            isinstance(place, list)
            and len(place) == 2
            and None not in (x := number(place[0]), y := number(place[1]))
        ):
            assert x is not None
            assert y is not None
            node.position = x, y
        elif place is not None:
            self.report.warning("bad-position", f"{str(place)[:60]} is no position", line, f"node {key}")
        self.graph.nodes.append(node)

    def _end(self, value: Any) -> int | None:
        return self.index.get(str(value)) if isinstance(value, str | int) else None

    def _edge(self, line: int, value: Any) -> None:
        value = value if isinstance(value, dict) else {}
        a, b = self._end(value.get("source")), self._end(value.get("target"))
        if a is None or b is None:
            missing = value.get("source") if a is None else value.get("target")
            self.report.error("dangling-edge", f"there is no node {str(missing)[:60]!r}", line, "edge")
            return
        edge = Edge(str(value.get("name", "")), line, a, b)
        kilometres = amount(value.get("dist"))
        edge.length = kilometres * 1000 if kilometres is not None else None
        if (capacity := amount(value.get("capacity"))) is not None:
            edge.capacity = capacity * (self.units.rate or UNIT)
        self.graph.edges.append(edge)

    def _demand(self, source: str, target: str, line: int, value: Any) -> None:
        a, b, rate = self.index.get(source), self.index.get(target), amount(value)
        address = f"demand {source}–{target}"
        if a is None or b is None:
            self.report.error("dangling-demand", "a demand names a node that is not there", line, address)
        elif rate is None:
            self.report.error("bad-rate", f"{str(value)[:60]!r} is no rate", line, address)
        else:
            label = f"{self.graph.nodes[a].label}–{self.graph.nodes[b].label}"
            self.graph.demands.append(Demand(label, line, a, b, rate * (self.units.rate or UNIT)))

    def _positions(self) -> None:
        """Lengths of a graph whose positions are no degrees are no kilometres."""
        places = [node.position for node in self.graph.nodes if node.position is not None]
        if self.units.plane is not None or any(abs(x) > 180 or abs(y) > 90 for x, y in places):
            for edge in self.graph.edges:
                edge.length = None
