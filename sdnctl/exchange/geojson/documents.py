"""Rows become validated documents of a network folder, and what is left of features their keepsake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from sdnctl.document import Document
from sdnctl.errors import Diagnostics, Source
from sdnctl.exchange.geojson import shapes
from sdnctl.exchange.geojson.grading import graded, snapped
from sdnctl.exchange.geojson.jsonvalues import plain
from sdnctl.exchange.geojson.keepsake import Extra, Keepsake
from sdnctl.exchange.geojson.layers import DRAWN, LAYERS, MODELS, Drawing, Layer, Row, drawing_of, geometry, order
from sdnctl.exchange.geojson.objects import Objects, Taken
from sdnctl.exchange.naming import clean
from sdnctl.inventory import models, rows

_DUMP: dict[str, Any] = {"mode": "json", "by_alias": True, "exclude_defaults": True}


@dataclass
class Made:
    """Documents by file, the keepsake, and the rows behind them by layer (as the export would have them)."""

    documents: dict[str, Document[Any]] = field(default_factory=dict)
    kept: Keepsake = field(default_factory=Keepsake)
    table: dict[Layer, list[Row]] = field(default_factory=lambda: {layer: [] for layer in LAYERS})


@dataclass
class _Maker:
    found: Objects
    out: Diagnostics
    made: Made = field(default_factory=Made)
    values: dict[Layer, list[Any]] = field(default_factory=lambda: {layer: [] for layer in LAYERS})
    sources: dict[tuple[Layer, str], Source] = field(default_factory=dict)
    splices: list[rows.SpliceRow] = field(default_factory=list)
    rest: list[tuple[Taken, Row, str, dict[str, Any]]] = field(default_factory=list)


def make(found: Objects, snap: float | None, out: Diagnostics) -> Made:
    """Validated documents of rows; every fault is in `out`, and then the documents are not to be used."""
    maker = _Maker(found, out)
    if snap is not None:
        table: dict[Layer, list[Row]] = {layer: list(filter(_has_names, _rows(found, layer))) for layer in LAYERS}
        out.extend(snapped(table, drawing_of(table), snap))
    _attach_loops(maker)
    for one in found.taken:
        if one.layer != "loop":
            _validate(maker, one)
    _cable_types(maker)
    if out.errors:
        return maker.made
    drawing = drawing_of(maker.made.table)
    _keep(maker, drawing)
    _documents(maker)
    out.extend(graded(maker.made.table, drawing, maker.sources))
    return maker.made


def _rows(found: Objects, layer: Layer) -> Iterator[Row]:
    return (one.row for one in found.of(layer))


def _has_names(row: Row) -> bool:
    """Whether ids that are not checked yet can be looked up."""
    return all(isinstance(row.get(key, ""), str) for key in ("a", "b")) and isinstance(row.get("id"), str)


def _attach_loops(maker: _Maker) -> None:
    cables = {one.row["id"]: one for one in maker.found.of("cable") if isinstance(one.row.get("id"), str)}
    for one in maker.found.of("loop"):
        name = one.row.pop("cable", None)
        cable = cables.get(name) if isinstance(name, str) else None
        if cable is None:
            _error(maker, one, "dangling-reference", f"there is no cable {clean(str(name), 60)!r} in the file")
            continue
        known, unknown = _split(one)
        loops = cable.row.setdefault("slack", [])
        if isinstance(loops, list):
            loops.append(known)
            maker.rest.append((one, known, f"{name}#{len(loops)}", unknown))


def _split(one: Taken) -> tuple[Row, dict[str, Any]]:
    """What the model has a field for, and the properties that nobody knows as they were written."""
    fields = {info.alias or name for name, info in MODELS[one.layer].model_fields.items()}
    known = {key: value for key, value in one.row.items() if key in fields}
    if one.mapped:
        for key in sorted(set(one.row) - fields):
            known[key] = one.row[key]  # a mapping to a field that is not there is a slip, and validation says so
        return known, dict(one.found.properties)
    said = {"layer", "cable"} if one.layer == "loop" else {"layer"}
    unknown = {
        key: value
        for key, value in one.found.properties.items()
        if key not in said and (key not in fields or key in DRAWN)
    }
    return known, unknown


def _validate(maker: _Maker, one: Taken) -> None:
    known, unknown = _split(one)
    splices = known.pop("splices", []) if one.layer == "closure" else []
    value = _model(maker, one, MODELS[one.layer], known)
    if value is None:
        return
    row = value.model_dump(**_DUMP)
    key = row.get("id") or ""
    if key:
        if (one.layer, key) in maker.sources:
            first = maker.sources[one.layer, key]
            _error(maker, one, "duplicate-id", f"{one.layer} {key} is there twice", f"First at {first}.")
            return
        maker.sources[one.layer, key] = one.found.source
    for splice in splices if isinstance(splices, list) else ():
        body = {**splice, "closure": key} if isinstance(splice, dict) else {"closure": key}
        made = _model(maker, one, rows.SpliceRow, body)
        if made is not None:
            maker.splices.append(made)
    maker.values[one.layer].append(value)
    maker.made.table[one.layer].append(row)
    maker.rest.append((one, row, key, unknown))


def _model(maker: _Maker, one: Taken, model: type[BaseModel], row: Row) -> Any:
    try:
        return model.model_validate(row)
    except ValidationError as error:
        for found in error.errors(include_url=False):
            where = ".".join(str(part) for part in found["loc"])
            _error(maker, one, "bad-value", f"{clean(where, 60)}: {clean(found['msg'], 160)}")
    except RecursionError:
        _error(maker, one, "bad-value", "it is nested too deep")
    return None


def _error(maker: _Maker, one: Taken, code: str, summary: str, detail: str = "") -> None:
    maker.out.error(
        code,
        summary,
        address=f"{one.layer} {clean(str(one.row.get('id', '')), 64)}".strip(),
        source=one.found.source,
        detail=detail,
        hint="Correct the property in the source; docs/network-folder.md says how each is written.",
    )


def _cable_types(maker: _Maker) -> None:
    kinds: dict[str, models.CableTypeModel] = {}
    for row in maker.found.cable_types:
        try:
            kind = models.CableTypeModel.model_validate(row)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            maker.out.error(
                "bad-value",
                f"{clean(where, 60)}: {clean(first['msg'], 160)}",
                address=f"cable type {clean(str(row.get('id', '')), 64)}",
                hint="It stands in the member `sdnctl` of the collection, or follows from a number of strands.",
            )
            continue
        kinds.setdefault(kind.id, kind)
    if kinds:
        file = models.CableTypesFile(cable_types=tuple(kinds.values()))
        maker.made.documents["inventory/cable-types.yaml"] = Document("inventory/cable-types.yaml", file)


def _keep(maker: _Maker, drawing: Drawing) -> None:
    """Properties, members and geometries that the inventory has no place for."""
    kept = maker.made.kept
    numbers = {id(row): number for number, row in enumerate(sorted(maker.made.table["area"], key=order))}
    for one, row, key, unknown in maker.rest:
        name = f"{row['area']}#{numbers[id(row)]}" if one.layer == "area" else key
        members = {
            member: value
            for member, value in one.found.value.items()
            if member not in ("type", "properties", "geometry")
        }
        extra = Extra(unknown, members)
        theirs, ours = one.found.geometry, geometry(one.layer, row, drawing)
        if theirs is not None and plain(theirs) != ours and _says_more(one.layer, theirs, ours):
            extra.geometry, extra.instead_of = theirs, ours
        if extra:
            kept.extras[one.layer, name] = extra
    kept.features = [other.value for other in maker.found.others]
    kept.members = dict(maker.found.members)


def _says_more(layer: Layer, theirs: Any, ours: Any) -> bool:
    """Whether a geometry is to come back as it was: it has altitudes, or we would draw another line or nothing."""
    return layer in ("duct", "cable", "closure", "loop") or shapes.flat(theirs) == shapes.flat(ours)


def _documents(maker: _Maker) -> None:
    """Files of the inventory: what fits into a table stands there, the rest in the YAML file beside it."""
    values = maker.values
    add = maker.made.documents.__setitem__

    def document(stem: str, value: Any) -> None:
        if value:
            add(f"inventory/{stem}", Document(f"inventory/{stem}", value))

    def rest(layer: Layer, row: type[BaseModel]) -> tuple[list[Any], tuple[Any, ...]]:
        fields = set(row.model_fields)
        plain_ones, special = [], []
        for value in values[layer]:
            body = value.model_dump(by_alias=True, exclude_defaults=True)
            if set(body) <= fields:
                plain_ones.append(row.model_validate(value.model_dump(**_DUMP)))
            else:
                special.append(value)
        return plain_ones, tuple(special)

    document("sites.yaml", models.SitesFile(sites=tuple(values["site"])) if values["site"] else None)
    document("chambers.csv", tuple(values["chamber"]))
    document("segments.geojson", tuple(values["segment"]))
    document("areas.geojson", tuple(values["area"]))
    hazards = tuple(values["hazard"])
    document("hazards.yaml", models.HazardsFile(hazards=hazards) if hazards else None)
    ducts, special = rest("duct", rows.DuctRow)
    document("ducts.csv", tuple(ducts))
    document("ducts.yaml", models.DuctsFile(ducts=special) if special else None)
    cables, special = rest("cable", rows.CableRow)
    document("cables.csv", tuple(cables))
    document("cables.yaml", models.CablesFile(cables=special) if special else None)
    closures, special = rest("closure", rows.ClosureRow)
    document("closures.csv", tuple(closures))
    document("closures.yaml", models.ClosuresFile(closures=special) if special else None)
    document("splices.csv", tuple(maker.splices))
