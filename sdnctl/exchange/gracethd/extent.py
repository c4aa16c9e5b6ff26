"""Whether the layers of a delivery are where they say: a wrong reference system, or axes that were exchanged."""

from __future__ import annotations

from itertools import islice

from sdnctl.errors import Diagnostics, Source
from sdnctl.exchange import wkb
from sdnctl.exchange.gracethd.places import Point
from sdnctl.exchange.gracethd.schema import KNOWN, WGS84
from sdnctl.exchange.gracethd.store import Store, Table
from sdnctl.exchange.wkb import ShapeError
from sdnctl.inventory.lambert93 import in_france, to_grid

LOOKED_AT = 200
"""Shapes of a layer that are looked at: what is wrong with a whole layer shows in the first of them."""


def refuse_elsewhere(store: Store, out: Diagnostics) -> None:
    """An error for each layer of which most shapes are not in France; single ones are defects of their rows."""
    for name, table in store.tables.items():
        if table.shape is None or name not in KNOWN:
            continue
        points = [point for point in map(_first, _shapes(store, name)) if point is not None]
        away = [point for point in points if not _there(point, table.crs)]
        if 2 * len(away) > len(points):
            _refuse(table, away, out)


def _shapes(store: Store, name: str) -> list[bytes]:
    return [shape for _, shape in islice(store.cells(name), LOOKED_AT) if shape is not None]


def _first(shape: bytes) -> Point | None:
    try:
        vertex = next(wkb.load(shape).vertices(), None)
    except ShapeError:
        return None
    return (vertex[0], vertex[1]) if vertex is not None else None


def _there(point: Point, crs: int) -> bool:
    try:
        return in_france(to_grid(*point) if crs == WGS84 else point)
    except ValueError:
        return False


def _refuse(table: Table, away: list[Point], out: Diagnostics) -> None:
    """Say what the positions look like instead."""
    system = "EPSG:4326" if table.crs == WGS84 else "Lambert-93"
    turned = [(y, x) for x, y in away]
    if all(_there(point, table.crs) for point in turned):
        hint = "The axes look exchanged: export x (east) before y (north), longitude before latitude."
    elif all(_there(point, WGS84) or _there(back, WGS84) for point, back in zip(away, turned, strict=True)):
        hint = "They look like degrees: correct the reference system, or export in Lambert-93 (EPSG:2154)."
    elif all(_there(point, 0) or _there(back, 0) for point, back in zip(away, turned, strict=True)):
        hint = "They look like metres of Lambert-93: correct the reference system (EPSG:2154)."
    else:
        hint = "Find out in which reference system they are, and export in Lambert-93 (EPSG:2154)."
    x, y = away[0]
    out.error(
        "positions-elsewhere",
        f"{table.title} is said to be in {system}, and ({x:.9g}, {y:.9g}) is not in France there",
        source=Source(table.file),
        hint=hint,
    )
