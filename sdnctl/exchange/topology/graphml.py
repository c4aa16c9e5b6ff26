"""GraphML as Topology Zoo writes it: positions, link speeds, hyperedges.

Attributes are declared by ``<key>`` with an id, a name and a default. Known ones: `label`, `Latitude`,
`Longitude`, `type`, `Internal`, `hyperedge` of nodes; `LinkSpeedRaw` (bit/s), `LinkSpeed` with `LinkSpeedUnits`,
`LinkLabel` of edges; `Network` of the graph. The Zoo writes a shared medium as a node with ``hyperedge`` 1;
GraphML's own ``<hyperedge>`` element becomes such a node. The others stay in the copy of the source.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from sdnctl.exchange.safexml import XmlFault, read_xml
from sdnctl.exchange.topology.graph import Edge, Graph, Node, Report, Units, amount, number

_UNITS = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT])(?:i?b|bit)", re.IGNORECASE)
_HIERARCHY = re.compile(r"\b(STM|OC|STS|VC)-?(\d{1,4})|\b(E1|E3|DS1|T1|DS3|T3)\b", re.IGNORECASE)
_FIXED = {"E1": 2.048e6, "E3": 34.368e6, "DS1": 1.544e6, "T1": 1.544e6, "DS3": 44.736e6, "T3": 44.736e6}
_STEPS = {"STM": 155.52e6, "OC": 51.84e6, "STS": 51.84e6}
"""SDH (ITU-T G.707) and SONET (ANSI T1.105): the rate of the first level, others are multiples."""


def read_graphml(content: bytes, file: str, report: Report, units: Units) -> Graph | None:
    """The graph of a GraphML file, or None with diagnostics."""
    reader = _Reader(Graph("Topology Zoo GraphML", file), report, units)
    try:
        read_xml(content, reader)
    except XmlFault as fault:
        report.error("not-graphml", fault.why, fault.line, hint="Export the graph as GraphML again.")
        return None
    return reader.finish()


@dataclass
class _Reader:
    """Collects elements; edges are joined to nodes at the end, because they may stand before them."""

    graph: Graph
    report: Report
    units: Units
    keys: dict[str, tuple[str, str | None, str]] = field(default_factory=dict)
    data: list[dict[str, str]] = field(default_factory=list)
    pending: list[tuple[str, str, str, int, dict[str, str], bool]] = field(default_factory=list)
    nodes: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    hyperedges: list[tuple[int, list[str]]] = field(default_factory=list)
    key_id: str = ""
    graphs: int = 0
    seen: bool = False
    root: str = ""

    def start(self, name: str, attributes: dict[str, str], line: int) -> None:
        self.root = self.root or name
        if name == "graphml":
            self.seen = True
        elif name == "key":
            self.key_id = attributes.get("id", "")
            self.keys[self.key_id] = (attributes.get("attr.name", ""), None, attributes.get("for", "all"))
        elif name == "graph":
            self._graph(attributes, line)
        elif name == "node":
            self._node(attributes, line)
        elif name == "edge":
            self._edge(attributes, line)
        elif name == "hyperedge":
            self.hyperedges.append((line, []))
            self.data.append({})
        elif name == "endpoint" and self.hyperedges:
            self.hyperedges[-1][1].append(attributes.get("node", ""))
        elif name == "data":
            self.key_id = attributes.get("key", "")
        elif name == "port":
            self.report.warning("port-ignored", "ports of nodes have no place in a network of links", line)

    def end(self, name: str, text: str, line: int) -> None:
        if name == "default" and self.key_id in self.keys:
            named, _, whose = self.keys[self.key_id]
            self.keys[self.key_id] = (named, text.strip(), whose)
        elif name == "data" and self.data:
            self.data[-1][self.keys.get(self.key_id, (self.key_id, None, ""))[0]] = text.strip()
        elif name in ("node", "edge", "hyperedge", "graph") and self.data:
            found = self.data.pop()
            if name == "graph":
                self.graph.facts.update(found)

    def _graph(self, attributes: dict[str, str], line: int) -> None:
        self.graphs += 1
        self.data.append({})
        if self.graphs == 1:
            self.graph.arcs = attributes.get("edgedefault") == "directed"
        else:
            self.report.warning("nested-graph", "a graph within or after the first is read as part of it", line)

    def _node(self, attributes: dict[str, str], line: int) -> None:
        found = self._defaults("node")
        self.data.append(found)
        key = attributes.get("id")
        if key is None:
            self.report.error("node-without-id", "a node has no id", line, hint="Give it one; edges name it.")
        elif key in self.nodes:
            first = self.nodes[key][0]
            self.report.error(
                "duplicate-node",
                f"node {key} is there twice",
                line,
                f"node {key}",
                detail=f"First in line {first}.",
            )
        else:
            self.nodes[key] = (line, found)

    def _edge(self, attributes: dict[str, str], line: int) -> None:
        found = self._defaults("edge")
        self.data.append(found)
        own = attributes.get("directed", "true" if self.graph.arcs else "false") == "true"
        ends = attributes.get("source", ""), attributes.get("target", "")
        self.pending.append((attributes.get("id", ""), *ends, line, found, own))

    def _defaults(self, whose: str) -> dict[str, str]:
        return {
            name: value for name, value, kind in self.keys.values() if value is not None and kind in (whose, "all")
        }

    # ── after the last element ───────────────────────────────────────────────────────────────────

    def finish(self) -> Graph | None:
        if not self.seen:
            hint = "Its root element is <graphml>."
            if self.root == "network":
                hint = "SNDlib offers each network in two formats: take the native one (.txt), not XML."
            self.report.error("not-graphml", "the document is not GraphML", 1, hint=hint)
            return None
        index = {key: place for place, key in enumerate(self.nodes)}
        for key, (line, found) in self.nodes.items():
            self.graph.nodes.append(self._made(key, line, found))
        self.graph.arcs = bool(self.pending) and all(own for *_, own in self.pending)
        one_way: Counter[tuple[str, str]] = Counter()
        for label, a, b, line, found, own in self.pending:
            address = f"edge {label or f'{a}–{b}'}"
            missing = [end for end in (a, b) if end not in index]
            if missing:
                self.report.error(
                    "dangling-edge", f"there is no node {missing[0]!r}", line, address, "Correct the edge's ends."
                )
                continue
            if own and not self.graph.arcs:
                if one_way[b, a]:  # the way back of one that was read already
                    one_way[b, a] -= 1
                    continue
                one_way[a, b] += 1
                self.report.warning(
                    "mixed-directions", "a directed edge is read as an undirected one", line, address
                )
            capacity, how = _speed(found)
            self.graph.edges.append(Edge(label, line, index[a], index[b], capacity=capacity, capacity_how=how))
        for line, members in self.hyperedges:
            self._hub(line, members, index)
        self.graph.name = self.graph.facts.get("Network", "") or self.graph.facts.get("label", "")
        return self.graph

    def _made(self, key: str, line: int, found: dict[str, str]) -> Node:
        node = Node(found.get("label") or key, line, role=found.get("type", ""))
        if not node.role and found.get("Internal") in ("0", "false"):
            node.role = "external"
        node.hub = found.get("hyperedge") in ("1", "true")
        x, y = found.get("Longitude"), found.get("Latitude")
        if x is not None and y is not None:
            place = number(x), number(y)
            if place[0] is None or place[1] is None:
                self.report.warning(
                    "bad-position", f"{x!r}, {y!r} is no position", line, f"node {node.label}", "Correct it."
                )
            else:
                node.position = (place[0], place[1])
        return node

    def _hub(self, line: int, members: list[str], index: dict[str, int]) -> None:
        known = [member for member in dict.fromkeys(members) if member in index]
        for member in sorted(set(members) - set(known)):
            self.report.error("dangling-edge", f"there is no node {member!r}", line, "hyperedge")
        hub = len(self.graph.nodes)
        self.graph.nodes.append(Node(f"hyperedge {len(self.graph.nodes)}", line, role="hyperedge", hub=True))
        for member in known:
            self.graph.edges.append(Edge("", line, hub, index[member]))


def _speed(found: dict[str, str]) -> tuple[float | None, str]:
    """The capacity of an edge, bit/s, and how it was read where it is not the raw figure."""
    raw = amount(found.get("LinkSpeedRaw"))
    if raw:
        return raw, ""
    speed, unit = amount(found.get("LinkSpeed")), found.get("LinkSpeedUnits", "").strip().upper()[:1]
    if speed and unit in _UNITS:
        return speed * _UNITS[unit], f"LinkSpeed {speed:g} {unit or 'bit/s'}"
    label = found.get("LinkLabel", "") or found.get("LinkType", "")
    rates = [float(value) * _UNITS[unit.upper()] for value, unit in _RATE.findall(label)]
    for kind, level, fixed in _HIERARCHY.findall(label):
        rates += (
            [_FIXED[fixed.upper()]]
            if fixed
            else [_STEPS[kind.upper()] * int(level)]
            if kind.upper() in _STEPS
            else []
        )
    whole = [rate for rate in rates if rate >= 1]
    return (min(whole), f"label {label[:60]!r}") if whole else (None, "")
