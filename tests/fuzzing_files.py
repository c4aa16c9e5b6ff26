"""Files of the network folder and foreign ones, to be fuzzed: YAML, CSV, GeoJSON; traces, deliveries and more."""

from __future__ import annotations

import io
import json
import random
import shutil
import tempfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from unittest import mock

import exchange_fuzzing
import fuzzing_foreign
from fuzzing import Case, Found, Target, scratch, written
from fuzzing_mutators import Mutate, documents, octets, tables, trees, yaml_texts
from gracethd_deliveries import town
from inventory_support import EXAMPLES
from otdr_world import make_world, random_shot, sor_file
from workspace_folder import FILES as TRIANGLE

from sdnctl.errors import Diagnostics
from sdnctl.exchange import wkb
from sdnctl.exchange.dbf import Reader, TableError
from sdnctl.exchange.delimited import read_rows, style_of
from sdnctl.exchange.gracethd.sources import read_source
from sdnctl.exchange.gracethd.store import Store
from sdnctl.exchange.shapefile import read_shapes
from sdnctl.exchange.sor_read import read as read_sor
from sdnctl.exchange.sor_trace import reflectogram
from sdnctl.usecases.glass import polygons_of
from sdnctl.workspace.canonical import canonical
from sdnctl.workspace.convention import kind_of
from sdnctl.workspace.files import read_text
from sdnctl.workspace.folder import load_network
from sdnctl.workspace.tables import parse_csv, parse_geojson
from sdnctl.workspace.validate import validate
from sdnctl.workspace.yaml import parse_yaml

# ── the network folder ───────────────────────────────────────────────────────────────────────────


@cache
def network_files(form: str) -> Sequence[Case]:
    """Files of the examples in one format, each once: short ones, and the beginning of tables and layers."""
    found = [("triangle", name, text.encode()) for name, text in TRIANGLE.items()]
    for example in ("small-plant", "small", "small-links"):
        folder = EXAMPLES / example
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        found += [(example, str(path.relative_to(folder)), path.read_bytes()) for path in paths]
    kinds = {name: kind for _, name, _ in found if (kind := kind_of(name)) is not None}
    picked = {
        (name, _beginning(form, data)): None
        for _, name, data in found
        if name in kinds and kinds[name].format == form and len(data) < 4500
    }
    return list(picked)


def _beginning(form: str, data: bytes) -> bytes:
    """A few rows or features say what a hundred say."""
    if form == "csv":
        return b"".join(data.splitlines(keepends=True)[:7])
    if form == "geojson":
        layer = json.loads(data)
        return json.dumps({**layer, "features": layer["features"][:4]}, indent=0).encode()
    return data


def network_file(case: Case) -> Found:
    """One file by itself, from its octets to its models."""
    name, _ = case
    out = Diagnostics()
    kind = kind_of(name)
    text = read_text(written(("file", case[1])), name, out)
    if text is not None and kind is not None:
        if kind.format == "yaml":
            tree = parse_yaml(text, name, out)
            if tree is not None:
                validate(tree, kind.model, name, out)
        else:
            (parse_csv if kind.format == "csv" else parse_geojson)(text, kind.model, name, out)
    return out.errors


def formatted(case: Case) -> Found:
    """As `fmt` writes a file again: it says the same, and of one in four: once more changes nothing."""
    name, data = case
    out = Diagnostics()
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")  # as files are read
    made = canonical(name, text, out)
    assert (made is None) is bool(out.errors), out.errors
    if made is not None and zlib.crc32(data) % 4 == 0:
        assert canonical(name, made, Diagnostics()) == made, "formatting it again changes it"
    return out.errors


@cache
def formatted_files() -> Sequence[Case]:
    """Those that are formatted within milliseconds."""
    return [(name, data) for name, data in network_files("yaml") if len(data) < 700]


@cache
def network_folders() -> Sequence[Case]:
    """Files of two whole network folders, which lie in the scratch folder; the name has the folder before it."""
    for name, text in TRIANGLE.items():
        written((f"triangle/{name}", text.encode()))
    shutil.copytree(EXAMPLES / "small-plant", scratch() / "plant", dirs_exist_ok=True)
    found = []
    for folder in ("triangle", "plant"):
        paths = sorted(path for path in (scratch() / folder).rglob("*") if path.is_file())
        found += [(str(path.relative_to(scratch())), path.read_bytes()) for path in paths if path.suffix != ".md"]
    return found


def network_folder(case: Case) -> Found:
    """A whole folder in which one file is damaged: all stages, from files to demands."""
    good = dict(network_folders())
    try:
        load_network(scratch() / Path(written(case).relative_to(scratch()).parts[0]))
    finally:
        written((case[0], good[case[0]]))
    return None


def damaged_folder(rng: random.Random, seeds: Sequence[Case]) -> Case:
    """Each format in its own way."""
    case = rng.choice(seeds)
    suffix = Path(case[0]).suffix
    return (_YAML if suffix == ".yaml" else _CSV if suffix == ".csv" else _TREES)(rng, [case])


_YAML, _CSV, _TREES = yaml_texts(), tables(), trees()


# ── foreign files ────────────────────────────────────────────────────────────────────────────────


def foreign(name: str, reader: exchange_fuzzing.Reader, mutate: Mutate, sample: int = 100) -> Target:
    """One of the readers of `exchange_fuzzing`; topologies are told apart by what is in them."""
    at = exchange_fuzzing.topology if reader is exchange_fuzzing.graph else reader
    return Target(
        name,
        lambda: [("file", data) for data in exchange_fuzzing.seeds()[at]],
        mutate,
        lambda case: reader(case[1]),
        sample=sample,
    )


RING = [[4.7, 44.2], [4.9, 44.2], [4.9, 44.4], [4.7, 44.4], [4.7, 44.2]]
HOLE = [[4.75, 44.25], [4.85, 44.25], [4.85, 44.35], [4.75, 44.25]]


@cache
def outlines() -> Sequence[Case]:
    """A polygon with a hole, several of them, and a collection with both."""
    one = {"type": "Polygon", "coordinates": [RING, HOLE]}
    other = {"type": "MultiPolygon", "coordinates": [[RING], [[[x + 1, y] for x, y in RING]]]}
    features = [{"type": "Feature", "properties": {"name": "flood"}, "geometry": shape} for shape in (one, other)]
    whole = {"type": "FeatureCollection", "features": features}
    return [("area.geojson", json.dumps(shape).encode()) for shape in (one, other, whole)]


def outline(case: Case) -> Found:
    """As `whatif --polygon` reads it."""
    polygons_of(written(case))
    return None


@cache
def traces() -> Sequence[Case]:
    rng = random.Random(1)
    whole = [sor_file(make_world(number), random_shot(rng)) for number in range(4)]
    return [("trace.sor", data) for data in sorted(whole, key=len)[:2]]


def trace(case: Case) -> Found:
    file, _ = read_sor(case[1])
    reflectogram(file, case[0])
    return None


@cache
def delivery() -> dict[str, bytes]:
    folder = town().write_folder(scratch() / "town")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def delivered(suffix: str) -> Callable[[], Sequence[Case]]:
    return lambda: [(name, data) for name, data in sorted(delivery().items()) if name.endswith(suffix)]


def dbf_table(case: Case) -> Found:
    for _ in Reader(io.BytesIO(case[1])).rows():
        pass
    return None


def shapes(case: Case) -> Found:
    for shape in read_shapes(io.BytesIO(case[1])):
        if shape is not None:
            wkb.load(shape)
    return None


def separated(case: Case) -> Found:
    path = written(("table.csv", case[1]))
    for _ in read_rows(path, style_of(path)):
        pass
    return None


@cache
def packages() -> Sequence[Case]:
    """A few tables with the beginning of each, and their geometry: the reader does the same with the others."""
    whole = town()
    kept = {
        name: whole.tables[name][:4] for name in ("t_noeud", "t_ptech", "t_cable", "t_cheminement", "t_cableline")
    }
    path = replace(whole, tables=kept).write_package(scratch() / "town.gpkg")
    return [("town.gpkg", path.read_bytes())]


def package(case: Case) -> Found:
    out = Diagnostics()
    with mock.patch.object(tempfile, "tempdir", str(scratch())), Store() as store:
        read_source(written(case, "packages"), store, out)
    return out.errors


TARGETS = [
    Target("YAML of the network folder", lambda: network_files("yaml"), yaml_texts(), network_file, placed=True),
    Target("CSV of the network folder", lambda: network_files("csv"), tables(), network_file, placed=True),
    Target("GeoJSON of the network folder", lambda: network_files("geojson"), trees(), network_file, placed=True),
    Target("fmt", formatted_files, yaml_texts(), formatted, placed=True, sample=60),
    Target("fmt of tables", lambda: network_files("csv"), tables(), formatted, placed=True, sample=60),
    Target("fmt of GeoJSON", lambda: network_files("geojson"), trees(), formatted, placed=True, sample=40),
    Target("network folder, all stages", network_folders, damaged_folder, network_folder, sample=25, soak=100_000),
    foreign("topology of others", exchange_fuzzing.graph, documents()),
    foreign("REPETITA demands", exchange_fuzzing.demands, documents()),
    foreign("GeoJSON of others", exchange_fuzzing.geojson, trees(), sample=40),
    Target(
        "GeoJSON, mapped",
        fuzzing_foreign.mapped_seeds,
        fuzzing_foreign.mapped_trees(),
        fuzzing_foreign.mapped,
        sample=40,
    ),
    Target("outline of an area", outlines, trees(), outline),
    foreign("GeoJSON mapping file", exchange_fuzzing.mappings, yaml_texts()),
    foreign("GeoJSON, what is kept", exchange_fuzzing.keepsakes, trees()),
    Target("NetBox", fuzzing_foreign.netbox_documents, trees(), fuzzing_foreign.netbox_document, sample=40),
    Target(
        "NetBox tables",
        fuzzing_foreign.netbox_tables,
        fuzzing_foreign.netbox_cells(),
        fuzzing_foreign.netbox_table,
        sample=60,
    ),
    Target("GraceTHD .dbf", delivered(".dbf"), octets(), dbf_table, (TableError,)),
    Target("GraceTHD .shp", delivered(".shp"), octets(), shapes, (TableError,)),
    Target("GraceTHD .csv", delivered(".csv"), octets(), separated, (TableError,)),
    Target("GraceTHD GeoPackage", packages, octets(), package, sample=20),
    Target(".sor trace", traces, octets((b"Map\0", b"GenParams\0", b"DataPts\0", b"Cksum\0")), trace),
]
