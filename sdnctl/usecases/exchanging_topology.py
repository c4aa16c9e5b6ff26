"""Import a research topology with its demands as a network folder."""

from __future__ import annotations

from pathlib import Path

from sdnctl.errors import Diagnostics, InputError
from sdnctl.exchange.topology.formats import decode, read_topology, recognise
from sdnctl.exchange.topology.graph import Report, Units
from sdnctl.exchange.topology.network import derive
from sdnctl.exchange.topology.repetita import read_demands
from sdnctl.exchange.topology.services import Invented
from sdnctl.exchange.topology.texts import files
from sdnctl.usecases.exchanging import Imported, make_folder, read_source, refuse_full

LARGEST = 64 * 1024 * 1024
"""Bytes of a topology that is still read; the largest of the Zoo have less than one million."""


def import_topology(
    source: Path,
    folder: Path,
    *,
    demands: Path | None = None,
    units: Units | None = None,
    invented: Invented = "none",
) -> Imported:
    """Make a network folder of a topology; InputError with every fault of the file, and then nothing is made.

    `demands` is REPETITA's second file; without it one beside the first is taken (``NAME.demands``, else the
    first of ``NAME.*.demands``). `invented` adds circuits to a topology that has no demands.
    """
    refuse_full(folder)
    units = units or Units()
    out = Diagnostics()
    content = read_source(source, LARGEST)
    sources = {source.name: content}
    graph = read_topology(content, source.name, units, out)
    if graph is not None and (recognise(content) == "repetita" or demands is not None):
        path = demands or _beside(source, out)
        if path is not None:
            sources[path.name] = read_source(path, LARGEST)
            report = Report(path.name, out)
            text = decode(sources[path.name], report)
            if text is not None:
                read_demands(text, graph, report, units)
    out.raise_if_errors(InputError)
    assert graph is not None
    network = derive(graph, units, invented, out)
    findings = out.sorted()
    made = make_folder(folder, files(network, findings, sources))
    return Imported(folder, made, network.counts, findings)


def _beside(source: Path, out: Diagnostics) -> Path | None:
    exact = source.with_suffix(".demands")
    if exact.is_file():
        return exact
    others = sorted(source.parent.glob(f"{_escaped(source.stem)}.*.demands"))
    if len(others) > 1:
        out.warning(
            "several-demands",
            f"{len(others)} files of demands lie beside {source.name}; {others[0].name} is read",
            hint="Name another one with --demands FILE.",
        )
    return others[0] if others else None


def _escaped(name: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)
