"""A topology as a network of links: every stage in order, and what it found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sdnctl.errors import Diagnostic, Diagnostics, Severity, Source
from sdnctl.exchange.naming import ids
from sdnctl.exchange.topology.capacity import DOUBTFUL, settle_capacities
from sdnctl.exchange.topology.graph import Graph, Report, Units
from sdnctl.exchange.topology.lengths import is_plane, settle_lengths
from sdnctl.exchange.topology.services import Circuit, Invented, Plug, circuits, plugs
from sdnctl.exchange.topology.wires import Wire, wires


@dataclass(frozen=True, slots=True)
class Network:
    """What is written: names of nodes (site and switch), links, circuits and their endpoints."""

    graph: Graph
    names: list[str]
    links: list[Wire]
    circuits: list[Circuit]
    plugs: list[Plug]
    plane: bool

    @property
    def counts(self) -> dict[str, int]:
        return {
            "sites": len(self.names),
            "switches": len(self.names),
            "links": len(self.links),
            "circuits": len(self.circuits),
        }


def derive(graph: Graph, units: Units, invented: Invented, out: Diagnostics) -> Network:
    """The network of a topology; what could not be taken over is said in `out`, nothing of it is an error."""
    report = Report(graph.file, out)
    names = ids((node.label for node in graph.nodes), "node")
    _duplicates(graph, names, report)
    for node, name in zip(graph.nodes, names, strict=True):
        if node.hub:
            report.warning(
                "hyperedge", "a shared medium is taken for a switch of its own", node.line, f"switch {name}"
            )
    links = wires(graph, names, report)
    settle_lengths(graph, links, units, report)
    found = circuits(graph, links, invented, report)
    settle_capacities(len(names), links, found)
    _doubt(links, report)
    _derived(links, report)
    return Network(graph, names, links, found, plugs(found, names, links), is_plane(graph, units))


def _duplicates(graph: Graph, names: list[str], report: Report) -> None:
    counted = Counter(node.label for node in graph.nodes)
    for node, name in zip(graph.nodes, names, strict=True):
        if counted[node.label] > 1:
            report.out.items.append(
                _note(
                    report,
                    "duplicate-label",
                    f"{counted[node.label]} nodes are called {node.label[:60]!r}; this one is {name}",
                    node.line,
                )
            )
        if node.position is None:
            report.out.items.append(_note(report, "no-position", f"{name} has no position", node.line))


def _doubt(links: list[Wire], report: Report) -> None:
    most = max((wire.capacity or 0.0 for wire in links if "capacity" in wire.how), default=0.0)
    if most > DOUBTFUL:
        report.warning(
            "implausible-rates",
            f"the demands would need links of {most / 1e12:,.0f} Tbit/s",
            1,
            hint="They may be in another unit: say with --rate-unit what a demand of 1 is.",
        )


def _derived(links: list[Wire], report: Report) -> None:
    """How many figures were derived in which way, a note for each."""
    counted = Counter((name, how) for wire in links for name, how in wire.how.items())
    for (name, how), count in sorted(counted.items()):
        many = "links" if count > 1 else "link"
        report.out.items.append(_note(report, f"derived-{name}", f"{name} of {count} {many}: {how}", 1))


def _note(report: Report, code: str, summary: str, line: int) -> Diagnostic:
    return Diagnostic(code, summary, "", Source(report.file, line), severity=Severity.NOTE)
