"""Layers: which objects of the inventory are features, with which properties and geometry.

A property has the name and the notation that it has in the files of a network folder; what the file says once
under `defaults` stands on every feature. Ducts, cables, closures and loops are drawn where their segments and
places are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel

from sdnctl.document import Document
from sdnctl.exchange.geojson import shapes
from sdnctl.inventory import models, rows

Layer: TypeAlias = Literal["site", "chamber", "segment", "duct", "cable", "closure", "loop", "area", "hazard"]
Row: TypeAlias = dict[str, Any]

LAYERS: tuple[Layer, ...] = ("site", "chamber", "segment", "duct", "cable", "closure", "loop", "area", "hazard")
"""In this order they stand in a file."""
FILE_OF: Mapping[Layer, str] = {
    "site": "sites",
    "chamber": "chambers",
    "segment": "segments",
    "duct": "ducts",
    "cable": "cables",
    "closure": "closures",
    "loop": "loops",
    "area": "areas",
    "hazard": "hazards",
}
"""Layer → stem of its own file where each has one."""
MODELS: Mapping[Layer, type[BaseModel]] = {
    "site": models.SiteModel,
    "chamber": models.ChamberRow,
    "segment": models.SegmentFeature,
    "duct": models.DuctModel,
    "cable": models.CableModel,
    "closure": models.ClosureModel,
    "loop": models.SlackModel,
    "area": models.AreaFeature,
    "hazard": models.HazardModel,
}
DRAWN = ("position", "lon", "lat", "coordinates", "polygon")
"""Fields that are geometry, never properties."""
_LIFE = tuple(models.Life.model_fields)
_DUMP: dict[str, Any] = {"mode": "json", "by_alias": True, "exclude_defaults": True}


@dataclass(slots=True)
class Item:
    """A feature to be: its layer, the key by which the keepsake knows it, properties and geometry."""

    layer: Layer
    key: str
    properties: Row
    geometry: dict[str, Any] | None


@dataclass
class Drawing:
    """Where places and lines are, to draw what has no geometry of its own."""

    places: dict[str, Sequence[float]] = field(default_factory=dict)
    segments: dict[str, Row] = field(default_factory=dict)
    ducts: dict[str, Row] = field(default_factory=dict)

    def segments_of(self, way: str) -> tuple[str, ...]:
        """The segments that a duct lies in, or the segment itself; nested ducts may leave them to their parent."""
        seen: set[str] = set()
        while way in self.ducts and way not in seen:
            seen.add(way)
            duct = self.ducts[way]
            if duct.get("segments"):
                return tuple(duct["segments"])
            way = duct.get("parent") or ""
        return (way,) if way in self.segments else ()

    def route(self, ways: Sequence[str], start: str | None = None) -> list[list[Sequence[float]]]:
        """The lines of segments in order, joined where one begins at the place where the other ends."""
        names = [name for way in ways for name in self.segments_of(way)]
        parts: list[list[Sequence[float]]] = []
        here = start or self._first(names)
        for name in names:
            segment = self.segments.get(name)
            if segment is None:
                continue
            forward = segment["a"] == here or segment["b"] != here
            points = list(segment["coordinates"]) if forward else list(reversed(segment["coordinates"]))
            here = segment["b"] if forward else segment["a"]
            if parts and parts[-1][-1] == points[0]:
                parts[-1] += points[1:]
            else:
                parts.append(points)
        return parts

    def _first(self, names: Sequence[str]) -> str | None:
        """The place where a chain of segments begins."""
        found = [self.segments[name] for name in names if name in self.segments]
        if len(found) < 2:
            return str(found[0]["a"]) if found else None
        one, two = found[0], found[1]
        return str(one["a"] if one["b"] in (two["a"], two["b"]) else one["b"])


def items(documents: Mapping[str, Document[Any]]) -> Iterator[Item]:
    """Every feature of a network, layer by layer, in the order of ids."""
    table: dict[Layer, list[Row]] = {
        layer: sorted(_rows(documents, layer), key=order) for layer in LAYERS if layer != "loop"
    }
    drawing = drawing_of(table)
    for layer in LAYERS:
        if layer == "loop":
            yield from _loops(table["cable"], drawing)
            continue
        for number, row in enumerate(table[layer]):
            key = row.get("id") or f"{row.get('area')}#{number}"
            yield Item(layer, key, _properties(layer, row), geometry(layer, row, drawing))


def order(row: Row) -> tuple[str, str]:
    """By id; areas, which have none, by name and corners."""
    return str(row.get("id") or row.get("area") or ""), str(row.get("coordinates") if "id" not in row else "")


def drawing_of(table: Mapping[Layer, Sequence[Row]]) -> Drawing:
    """Places and lines of rows."""
    drawing = Drawing()
    for row in (*table.get("site", ()), *table.get("chamber", ())):
        if row.get("position"):
            drawing.places[row["id"]] = row["position"]
        elif "lon" in row:
            drawing.places[row["id"]] = (row["lon"], row["lat"])
    drawing.segments = {row["id"]: row for row in table.get("segment", ())}
    drawing.ducts = {row["id"]: row for row in table.get("duct", ())}
    return drawing


def geometry(layer: Layer, row: Row, drawing: Drawing) -> dict[str, Any] | None:
    """Where an object is drawn; None where nobody knows."""
    if layer == "site":
        return shapes.point(row.get("position"))
    if layer == "chamber":
        return shapes.point((row["lon"], row["lat"]))
    if layer == "segment":
        return shapes.line(row["coordinates"])
    if layer == "area":
        return shapes.polygon(row["coordinates"])
    if layer == "hazard":
        return shapes.polygon([row["polygon"]])
    if layer == "duct":
        return shapes.lines(drawing.route((row["id"],)))
    if layer == "cable":
        return shapes.lines(drawing.route(row.get("route") or (), row["a"]))
    return shapes.point(drawing.places.get(row["at"]))


def _properties(layer: Layer, row: Row) -> Row:
    without = {*DRAWN, "slack"}
    own = [info.alias or name for name, info in MODELS[layer].model_fields.items() if name not in (*_LIFE, "id")]
    keys = [key for key in ("id", *own, *_LIFE) if key in row and key not in without]
    return {"layer": layer, **{key: value for key in keys if (value := _trimmed(row[key])) != ""}}


def _trimmed(value: Any) -> Any:
    """A text without blanks around it, which a table of the network folder would not keep."""
    return value.strip() if isinstance(value, str) else value


def _loops(cables: Sequence[Row], drawing: Drawing) -> Iterator[Item]:
    for cable in cables:
        for number, loop in enumerate(cable.get("slack") or (), 1):
            properties = {"layer": "loop", "cable": cable["id"], **loop}
            yield Item("loop", f"{cable['id']}#{number}", properties, geometry("loop", loop, drawing))


# ── rows of documents ────────────────────────────────────────────────────────────────────────────


def _rows(documents: Mapping[str, Document[Any]], layer: Layer) -> list[Row]:
    stem = FILE_OF[layer]
    found: list[Row] = []
    yaml = documents.get(f"inventory/{stem}.yaml")
    defaults: Row = {}
    if yaml is not None:
        defaults = yaml.value.defaults.model_dump(**_DUMP) if hasattr(yaml.value, "defaults") else {}
        found += [row.model_dump(**_DUMP) for row in getattr(yaml.value, stem)]
    table = documents.get(f"inventory/{stem}.csv") or documents.get(f"inventory/{stem}.geojson")
    if table is not None:
        found += [_listed(row.model_dump(**_DUMP)) for row in table.value]
    found = [{**row, **{key: value for key, value in defaults.items() if key not in row}} for row in found]
    return _with_splices(documents, found) if layer == "closure" else found


def _listed(row: Row) -> Row:
    """What a table writes into one cell, as YAML has it."""
    masks = row.get("masks")
    if isinstance(masks, str):
        row["masks"] = dict(part.split("=", 1) for part in masks.split(";"))
    return row


def _with_splices(documents: Mapping[str, Document[Any]], closures: list[Row]) -> list[Row]:
    """Splices of the long table, on their closure."""
    table: Document[tuple[rows.SpliceRow, ...]] | None = documents.get("inventory/splices.csv")
    by_closure: dict[str, list[Row]] = {}
    for splice in table.value if table is not None else ():
        row = splice.model_dump(**_DUMP)
        by_closure.setdefault(row.pop("closure"), []).append(row)
    for closure in closures:
        more = by_closure.get(closure["id"])
        if more:
            closure["splices"] = [*closure.get("splices", ()), *more]
    return closures
