"""Which format a file has, from its content, and its reader."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from sdnctl.errors import Diagnostics
from sdnctl.exchange.topology.graph import Graph, Report, Units
from sdnctl.exchange.topology.graphml import read_graphml
from sdnctl.exchange.topology.repetita import read_repetita
from sdnctl.exchange.topology.sndlib import HEADER, read_sndlib
from sdnctl.exchange.topology.topohub import read_topohub

Name: TypeAlias = Literal["graphml", "topohub", "sndlib", "repetita"]
_XML = (b"<", b"\xef\xbb\xbf<", b"\xff\xfe<", b"\xfe\xff\0<")
_REPETITA = re.compile(r"(?:\s|#[^\n]*\n)*NODES\s+\S+\s")


def recognise(content: bytes) -> Name | None:
    """The format by what the file begins with; None for something else."""
    begin = content[:65_536].lstrip(b" \t\r\n")
    if begin.startswith(_XML):
        return "graphml"
    text = begin.decode("utf-8", "replace").lstrip("\ufeff")
    if text.startswith("{"):
        return "topohub"
    if HEADER.search(text[:10_000]):
        return "sndlib"
    return "repetita" if _REPETITA.match(text) else None


def read_topology(content: bytes, file: str, units: Units, out: Diagnostics) -> Graph | None:
    """The graph in a file of any known format; None with diagnostics where nothing can be made of it."""
    report = Report(file, out)
    kind = recognise(content)
    if kind is None:
        report.error(
            "unknown-topology",
            "this is no topology that we know",
            1,
            hint="Topology Zoo GraphML, topohub JSON, SNDlib native and REPETITA are read.",
        )
        return None
    if kind == "graphml":
        return _complete(read_graphml(content, file, report, units), report)
    text = decode(content, report)
    if text is None:
        return None
    reader = {"topohub": read_topohub, "sndlib": read_sndlib, "repetita": read_repetita}[kind]
    return _complete(reader(text, file, report, units), report)


def decode(content: bytes, report: Report) -> str | None:
    """UTF-8 text, or None with a diagnostic that names the line."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        report.error("not-utf8", f"byte {error.start:,} is not UTF-8", line, hint="Save the file as UTF-8.")
        return None


def _complete(graph: Graph | None, report: Report) -> Graph | None:
    if graph is not None and not graph.nodes:
        report.error("no-nodes", "the topology has no nodes", 1)
        return None
    return graph
