"""Foreign inventories to be fuzzed, sound before they are damaged: NetBox, and GeoJSON with its mapping."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from exchange_fuzzing import geojson, netbox_files
from fuzzing import Case, Found
from fuzzing_mutators import CELLS, VALUES, Mutate, tables, trees
from inventory_support import EXAMPLES

from sdnctl.usecases.context import Context
from sdnctl.usecases.exchanging_netbox import export_netbox

# ── NetBox ───────────────────────────────────────────────────────────────────────────────────────

DEVICES = ("sw-hub", "sw-west", "odf-hub", "odf-west")
FEW = 1
"""Positions of a cable that are wired, of those that are read; and ports of a switch."""


@cache
def _exported() -> Mapping[str, bytes]:
    """Of an example: two switches, their frames, the cable between them, and the patch cords of a link."""
    with tempfile.TemporaryDirectory() as folder:
        export_netbox(Context(EXAMPLES / "small-plant"), Path(folder, "nb"))
        return {path.name: path.read_bytes() for path in Path(folder, "nb").iterdir()}


def _kept(row: Mapping[str, Any]) -> bool:
    """Whether a row of any table belongs to the excerpt."""
    devices = {name for key, name in row.items() if key == "device" or key.endswith("_device")}
    devices |= {row["name"]} if "device_type" in row else set()
    ends = [row[f"side_{side}_name"] for side in "ab" if row.get(f"side_{side}_type") == "dcim.frontport"]
    numbers = [*ends, row.get("rear_port_position") or 1, row["name"] if "speed" in row else 1]
    return devices <= set(DEVICES) and all(str(one).isdigit() and int(one) <= FEW for one in numbers)


@cache
def netbox_tables() -> Sequence[Case]:
    """The tables of a whole export, short."""
    found = []
    for name, data in sorted(_exported().items()):
        if not name.endswith(".csv") or name[:2] in ("02", "03", "04"):
            continue
        rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
        kept = [row for row in rows if _kept(row)]
        found.append((name, _table([list(rows[0]), *(list(row.values()) for row in kept)])))
    return found


def _table(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


def netbox_table(case: Case) -> Found:
    """All tables, of which one is damaged."""
    return netbox_files({**dict(netbox_tables()), case[0]: case[1]})


@cache
def netbox_documents() -> Sequence[Case]:
    """The same as the API gives it: lists by model."""
    models = {name.partition("-")[2].removesuffix(".csv"): data for name, data in netbox_tables()}
    names = {model: set(_names(model, data)) for model, data in models.items()}
    whole = json.loads(_exported()["rest.json"])
    made: dict[str, Any] = {}
    numbers: set[int] = set()
    for key, rows in whole.items():
        model = key.rpartition("/")[2]
        if model == "cables":
            ends = ("a_terminations", "b_terminations")
            made[key] = [
                row for row in rows if all(one["object_id"] in numbers for end in ends for one in row[end])
            ]
        elif model in names:
            made[key] = [row for row in rows if _name(row) in names[model]]
            numbers |= {row["id"] for row in made[key]}
    return [("rest.json", json.dumps(made).encode())]


def _names(model: str, data: bytes) -> list[tuple[str, str]]:
    rows = csv.DictReader(io.StringIO(data.decode(), newline=""))
    return [(row.get("device", ""), row.get("name", "")) for row in rows]


def _name(row: Mapping[str, Any]) -> tuple[str, str]:
    device = row.get("device")
    return (device["name"] if isinstance(device, dict) else "", row["name"])


def netbox_document(case: Case) -> Found:
    return netbox_files({case[0]: case[1]})


def exchanged(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """A table that is still one: values from elsewhere in it or from another, rows doubled, columns renamed."""
    rows, other = _rows(data), _rows(rng.choice(others))
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(1, len(rows)) if len(rows) > 1 else 0
        row = rows[at] = list(rows[at])
        column = rng.randrange(len(row))
        kind = rng.randrange(10)
        if kind < 3:
            row[column] = rng.choice(rows)[column % len(rows[0])]
        elif kind == 3:
            row[column] = rng.choice(rng.choice(other) or [""])
        elif kind == 4:
            row[column] = rng.choice(CELLS)
        elif kind == 5:
            row[column] = rng.choice(
                ("", row[column].upper(), row[column] + " ", "-" + row[column], row[column] * 2)
            )
        elif kind == 6:
            rows.insert(rng.randrange(len(rows) + 1), list(row))
        elif kind == 7 and len(rows) > 2:
            del rows[at]
        elif kind == 8:
            rows[0] = list(rows[0])
            rows[0][column % len(rows[0])] = rng.choice((*rng.choice((rows[0], other[0])), "x"))
        else:
            value = rng.choice(CELLS)
            for one in rows[1:]:
                one[column % len(one)] = value
    return _table(rows)


@cache
def _parsed(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def _rows(data: bytes) -> list[list[str]]:
    return [list(row) for row in _parsed(data)]


def netbox_cells() -> Mutate:
    """Half of the inputs are tables that are read to their end."""
    raw = tables()

    def mutate(rng: Random, seeds: Sequence[Case]) -> Case:
        if rng.random() < 0.4:
            return raw(rng, seeds)
        name, data = rng.choice(seeds)
        return name, exchanged(rng, data, [other for _, other in seeds])

    return mutate


# ── GeoJSON with a mapping ───────────────────────────────────────────────────────────────────────

MAPPING = """
layers:
  - to: segment
    from: {file: "x*", geometry: [LineString], where: {NATURE: [tranchee, aerien]}}
    id: CODE
    properties: {kind: NATURE, owner: PROPRIO, length: LONG_M, a: DE, b: VERS}
    values: {kind: {tranchee: trench, aerien: overhead}}
    units: {length: m}
    constants: {source: city GIS}
  - {to: chamber, from: {where: {T: chambre}}, id: REF, constants: {owner: ville, source: city GIS}}
  - {to: duct, from: {geometry: [LineString], where: {T: fourreau}}, id: NOM, constants: {owner: ville, source: x}}
  - {to: closure, from: {geometry: [Point], where: {T: boite}}, id: NOM}
  - {to: cable, id: NOM, properties: {route: ROUTE, strands: NB_FO}, constants: {owner: ville, source: city GIS}}
"""


def _feature(points: Sequence[Sequence[float]], **properties: object) -> dict[str, Any]:
    line = len(points) > 1
    geometry = {"type": "LineString" if line else "Point", "coordinates": points if line else points[0]}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


@cache
def mapped_seeds() -> Sequence[Case]:
    """What a city's GIS would write: drawn ways, chambers, a cable by its ways and one by its line, and a box."""
    a, b, c, d, e = [4.30, 43.80], [4.301, 43.801], [4.302, 43.802], [4.31, 43.80], [4.32, 43.80]
    features = [
        _feature([a, b], CODE="T/1", NATURE="tranchee", LONG_M="155,5", PROPRIO="ville", DE="CH 1", VERS="CH 2"),
        _feature([b, c], CODE="T/2", NATURE="aerien", LONG_M=140, couleur="noir"),
        _feature([a], REF="CH 1", T="chambre"),
        _feature([b], REF="CH 2", T="chambre"),
        _feature([a, c], NOM="CB-01", NB_FO=144, ROUTE="T/1; T/2"),
        _feature([a, d], NOM="CB-02", NB_FO=24),
        _feature([d, e], NOM="F1", T="fourreau"),
        _feature([d], NOM="BPE 1", T="boite"),
    ]
    return [("x.geojson", json.dumps({"type": "FeatureCollection", "features": features}).encode())]


def mapped(case: Case) -> Found:
    return geojson(case[1], MAPPING)


def mapped_trees() -> Mutate:
    """Trees; and half of the time a feature whose properties or points are those of another, or odd."""
    plain = trees()

    def mutate(rng: Random, seeds: Sequence[Case]) -> Case:
        if rng.random() < 0.5:
            return plain(rng, seeds)
        name, data = rng.choice(seeds)
        document = json.loads(data)
        features = document["features"]
        for _ in range(rng.choice((1, 1, 2, 3))):
            _muddle(rng, features)
        return name, json.dumps(document).encode()

    return mutate


def _muddle(rng: Random, features: list[dict[str, Any]]) -> None:
    """One feature says something else, most of it of the right kind."""
    one, other = rng.choice(features), rng.choice(features)
    properties, geometry = one["properties"], one["geometry"]
    kind, key = rng.randrange(9), rng.choice(list(properties or {"": 0}))
    if kind < 2:
        properties[key] = rng.choice(list(other["properties"].values()) or [""])
    elif kind == 2:
        properties[rng.choice(list(other["properties"]) or ["x"])] = properties.get(key)
    elif kind == 3:
        properties[key] = rng.choice(
            (*VALUES, "1e3", "0", "-3,5", "1,5,5", "T/1;T/1", "; ;", "T/2,T/1,T/2", "ville")
        )
    elif kind == 4:
        properties.pop(key, None)
    elif kind == 5:
        one["geometry"] = other["geometry"]
    elif kind == 6:
        features.append(json.loads(json.dumps(other)))
    elif kind == 7 and geometry is not None:
        far = [
            rng.choice((4.3, 4.301, 180.0, -181.0, 0.0, 1e-9, 1e300)),
            rng.choice((43.8, 90.0, -91.0, 0.0, 43.8)),
        ]
        points = geometry["coordinates"]
        if geometry["type"] == "Point":
            geometry["coordinates"] = far
        elif points:
            points[rng.randrange(len(points))] = rng.choice((far, points[0], [*far, 12.0]))
    else:
        one["geometry"] = None if rng.random() < 0.5 else {"type": "Polygon", "coordinates": [[[4.3, 43.8]] * 4]}
