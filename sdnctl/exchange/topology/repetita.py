"""REPETITA's plain tables: a `.graph` of nodes and directed edges, and a `.demands` beside it.

Nodes count from 0 in the order of their rows. Bandwidths and demands are kbit/s (an OC-192 is 9953280), delays
µs in the sets made of Topology Zoo. IGP weights have no place in a network of links; they stay in the copy of
the source. Lines that begin with ``#`` are comments, which some tools write.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sdnctl.exchange.topology.graph import Demand, Edge, Graph, Node, Report, Units, amount, number

RATE, DELAY = 1e3, 1.0


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: list[str]


def read_repetita(text: str, file: str, report: Report, units: Units) -> Graph | None:
    """The graph of a `.graph` file, or None with diagnostics."""
    graph = Graph("REPETITA", file, arcs=True)
    tables = _tables(text, ("NODES", "EDGES"), report)
    if tables is None:
        return None
    for row in tables["NODES"]:
        x, y = number(row.cells[1]) if len(row.cells) == 3 else None, number(row.cells[-1])
        if len(row.cells) != 3 or x is None or y is None:
            report.error(
                "bad-row", "a node has a label, x and y", row.line, hint="Write it like 'Paris 2.35 48.86'."
            )
        graph.nodes.append(Node(row.cells[0], row.line, (x, y) if x is not None and y is not None else None))
    if all(node.position == (0.0, 0.0) for node in graph.nodes):
        for node in graph.nodes:  # what is written where nobody knows
            node.position = None
    for row in tables["EDGES"]:
        _edge(graph, row, report, units)
    return graph


def read_demands(text: str, graph: Graph, report: Report, units: Units) -> None:
    """Add the demands of a `.demands` file to the graph."""
    tables = _tables(text, ("DEMANDS",), report)
    for row in tables["DEMANDS"] if tables is not None else ():
        rate = amount(row.cells[3]) if len(row.cells) == 4 else None
        if rate is None:
            report.error("bad-row", "a demand has a label, source, destination and bandwidth", row.line)
            continue
        ends = _ends(graph, row, report, "demand")
        if ends is not None:
            rate *= units.rate or RATE
            graph.demands.append(Demand(row.cells[0], row.line, *ends, rate, report.file))


def _edge(graph: Graph, row: _Row, report: Report, units: Units) -> None:
    figures = [amount(cell) for cell in row.cells[3:]]
    if len(row.cells) != 6 or figures[1] is None or figures[2] is None:
        report.error("bad-row", "an edge has a label, source, destination, weight, bandwidth and delay", row.line)
        return
    ends = _ends(graph, row, report, "edge")
    if ends is not None:
        capacity, delay = figures[1] * (units.rate or RATE), figures[2] * (units.delay or DELAY)
        graph.edges.append(Edge(row.cells[0], row.line, *ends, delay=delay, capacity=capacity or None))


def _ends(graph: Graph, row: _Row, report: Report, kind: str) -> tuple[int, int] | None:
    found = []
    for cell in row.cells[1:3]:
        if not (cell.isascii() and cell.isdigit()) or len(cell) > 9 or int(cell) >= len(graph.nodes):
            report.error(
                f"dangling-{kind}",
                f"there is no node {cell[:40]!r}",
                row.line,
                f"{kind} {row.cells[0]}",
                f"Nodes count from 0 to {len(graph.nodes) - 1}.",
            )
            return None
        found.append(int(cell))
    return found[0], found[1]


def _tables(text: str, names: tuple[str, ...], report: Report) -> dict[str, list[_Row]] | None:
    """Rows of each table; None with a diagnostic where one is missing."""
    found: dict[str, list[_Row]] = {}
    wanted: dict[str, tuple[int, str]] = {}
    rows: list[_Row] = []
    for row in _rows(text):
        head = row.cells[0]
        if head in names and len(row.cells) == 2 and head not in found:
            rows = found[head] = []
            wanted[head] = row.line, row.cells[1]
        elif not (head == "label" and not rows):
            rows.append(row)
    for name in names:
        if name not in found:
            report.error("not-repetita", f"the table {name} is missing", 1, hint="The file may be cut off.")
            return None
        line, count = wanted[name]
        if count != str(len(found[name])):
            report.error(
                "count-differs",
                f"{name} announces {count[:20]} rows, there are {len(found[name])}",
                line,
                hint="The file may be cut off.",
            )
    return found


def _rows(text: str) -> Iterator[_Row]:
    for line, content in enumerate(text.splitlines(), 1):
        if (cells := content.split()) and not content.startswith("#"):
            yield _Row(line, cells)
