"""Optical routes of a delivery against its splices: the strands that they list, and where light really goes.

A route is nothing that a network keeps: it follows from splices, frames and cords. So it is a check of them, the
best one a delivery brings along; the rows are kept and come back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import TypeAlias

from sdnctl.exchange.gracethd.cables import Cables
from sdnctl.exchange.gracethd.defects import Findings
from sdnctl.exchange.gracethd.sides import in_tube
from sdnctl.exchange.gracethd.store import Store
from sdnctl.exchange.gracethd.values import read_count
from sdnctl.inventory.plant import Plant, StrandEnd
from sdnctl.inventory.tracing import StepKind, trace

Strand: TypeAlias = tuple[str, int]
"""A cable and a number in it."""


def check_routes(store: Store, cables: Cables, plant: Plant, findings: Findings) -> None:
    """Report routes that list other strands than a trace passes, in either direction; part of a way is right."""
    for code, line, strands in _routes(store, cables, findings):
        if len(strands) > 1:
            told = _difference(plant, strands)
            if told:
                findings.warning("route-differs", "t_ropt", code, f"optical route {code}: {told}", line)


def _routes(store: Store, cables: Cables, findings: Findings) -> Iterator[tuple[str, int, list[Strand]]]:
    """Code, line and strands of each route of which the order is known; cords between them are left out."""
    if not (store.has("t_ropt") and store.has("t_fibre")):
        return
    store.index("t_fibre", "fo_code")
    code, order = (
        store.expression("t_ropt", "rt_code|rt_code_ext|rt_id", "r"),
        store.expression("t_ropt", "rt_fo_ordr", "r"),
    )
    named = store.expression("t_ropt", "rt_fo_code", "r")
    key = store.expression("t_fibre", "fo_code", "f")
    fibre = ", ".join(
        store.expression("t_fibre", f"fo_{one}", "f") for one in ("cb_code", "nincab", "numtub", "nintub")
    )
    sql = f"""SELECT {code}, r."~line", {order}, {named}, f.rowid IS NULL, {fibre}
              FROM t_ropt r LEFT JOIN t_fibre f ON {key} = {named} AND {named} != ''
              ORDER BY {code}, CAST({order} AS INTEGER), r.rowid"""
    for route, rows in groupby(store.connection.execute(sql), lambda row: str(row[0])):
        whole, first, strands = True, 0, list[Strand]()
        for _, line, number, text, missing, cable, nincab, tube, inside in rows:
            first = first or line
            whole = whole and bool(number)
            if missing:
                whole = False
                said = f"optical route {route} takes {text or '(nothing)'}, which is no strand"
                findings.warning("orphan-route", "t_ropt", route, said, line, column="rt_fo_code")
            elif cable in cables.ids:
                name = cables.ids[cable]
                strand = read_count(nincab) or in_tube(f"{tube}/{inside}", cables.makes[name].modulo)
                whole = whole and bool(strand)
                strands.append((name, strand or 0))
        if route and whole:
            yield route, first, [one for one, _ in groupby(strands)]


def _difference(plant: Plant, strands: Sequence[Strand]) -> str:
    """Where a list of strands leaves the way of the light; "" where it does not."""
    best, told = -1, ""
    for way in _ways(plant, strands[0]):
        for path in (way, way[::-1]):
            at = path.index(strands[0])
            ahead = path[at:]
            same = next((n for n, (a, b) in enumerate(zip(ahead, strands, strict=False)) if a != b), None)
            if same is None and len(ahead) >= len(strands):
                return ""
            same = len(ahead) if same is None else same
            if same > best:
                best = same
                here, there = _name(strands[same - 1]), _name(strands[same])
                leads = f"lead to {_name(ahead[same])}" if same < len(ahead) else "end there"
                told = f"from {here} to {there}; the splices {leads}"
    return told or f"{_name(strands[0])} is not in use"


def _name(one: Strand) -> str:
    return f"{one[0]}:{one[1]}"


def _ways(plant: Plant, one: Strand) -> Iterator[list[Strand]]:
    """The strands that light passes through each piece of a strand, which may be cut on its way."""
    cable, number = one
    held = plant.cables.get(cable)
    if held is None:
        return
    cuts = [place for place, cut in plant.cut_places.get(cable, ()) if cut >> number & 1]
    for low, high in pairwise((0, *cuts, len(held.places) - 1)):
        before = _passed(plant, StrandEnd(cable, number, low, "b"))
        after = _passed(plant, StrandEnd(cable, number, high, "a"))
        yield [strand for strand, _ in groupby((*reversed(before), one, *after))]


def _passed(plant: Plant, start: StrandEnd) -> list[Strand]:
    return [
        (step.enter.cable, step.enter.strand)
        for step in trace(plant, start).steps
        if step.kind is StepKind.STRAND and isinstance(step.enter, StrandEnd)
    ]
