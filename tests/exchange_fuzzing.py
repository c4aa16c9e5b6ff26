"""Readers of foreign formats, to be fuzzed: octets in; read, or refused with diagnostics that name a place."""

from __future__ import annotations

import json
import tempfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from exchange_files import DEMANDS, FILES, REPETITA
from inventory_support import EXAMPLES

from sdnctl.document import Document
from sdnctl.errors import Diagnostic, Diagnostics, InputError
from sdnctl.exchange.geojson.documents import make
from sdnctl.exchange.geojson.features import read_collection
from sdnctl.exchange.geojson.keepsake import loads
from sdnctl.exchange.geojson.mapping import MappingFile, read_mapping
from sdnctl.exchange.geojson.objects import objects
from sdnctl.exchange.netbox.network import network
from sdnctl.exchange.netbox.read import read_inventory
from sdnctl.exchange.netbox.records import read_records
from sdnctl.exchange.topology.formats import read_topology
from sdnctl.exchange.topology.graph import Report, Units
from sdnctl.exchange.topology.network import derive
from sdnctl.exchange.topology.repetita import read_demands
from sdnctl.exchange.topology.texts import files
from sdnctl.usecases.context import Context
from sdnctl.usecases.exchanging_geojson import export_geojson
from sdnctl.usecases.exchanging_netbox import export_netbox
from sdnctl.workspace.dump import dump_documents
from sdnctl.workspace.folder import load_network

Faults: TypeAlias = Iterable[Diagnostic]
Reader: TypeAlias = Callable[[bytes], Faults]
MAPPING = """
layers:
  - {to: segment, from: {geometry: [LineString]}, id: id, properties: {a: a, kind: kind}, units: {length: m}}
  - {to: chamber, id: id, values: {kind: {x: pole}}, constants: {owner: me}}
"""


def judged(out: Diagnostics) -> Faults:
    """The faults of a file, each of which has a place in it."""
    for item in out.errors:
        assert item.source is not None, item
        assert item.source.line, item
    return out.errors


def graph(content: bytes, *, load: bool = False) -> Faults:
    """A foreign topology as the files of a network folder, which may be loaded."""
    out = Diagnostics()
    read = read_topology(content, "x", Units(), out)
    judged(out)
    if read is None or out.errors:
        return out.errors
    found = derive(read, Units(), "ring", out)
    made = files(found, out.sorted(), {"x": content})
    if load and len(found.names) < 40:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in made.items():
                path = Path(folder, name)
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(text)
            load_network(Path(folder))
    return out.errors


def topology(content: bytes) -> Faults:
    return graph(content, load=True)


def demands(content: bytes) -> Faults:
    out = Diagnostics()
    read = read_topology(REPETITA.encode(), "x", Units(), out)
    assert read is not None
    read_demands(content.decode("utf-8", "replace"), read, Report("x", out), Units())
    return judged(out)


def dump_some(documents: Mapping[str, Document[Any]], content: bytes) -> None:
    """One in eight of what was understood is written: it is valid by then, and YAML is written slowly."""
    if zlib.crc32(content) % 8 == 0:
        dump_documents(documents)


@cache
def rules_of(mapping: str | None) -> MappingFile | None:
    return read_mapping(mapping, "m", Diagnostics()) if mapping is not None else None


def geojson(content: bytes, mapping: str | None = None) -> Faults:
    out = Diagnostics()
    rules = rules_of(mapping)
    collection = read_collection(content, "x", out)
    judged(out)
    if collection is None:
        return out.errors
    made = make(objects([collection], rules, out), 0.5, out)
    for item in out.errors:
        assert item.source is not None or item.address.startswith("cable type"), item
    if not out.errors:
        dump_some(made.documents, content)
        kept = made.kept.dumps()
        assert loads(kept).dumps() == kept
    return out.errors


def mapped(content: bytes) -> Faults:
    return geojson(content, MAPPING)


def mappings(content: bytes) -> Faults:
    out = Diagnostics()
    read_mapping(content.decode("utf-8", "replace"), "m", out)
    return judged(out)


def keepsakes(content: bytes) -> Faults:
    found: tuple[Diagnostic, ...] = ()
    try:
        loads(content)
    except InputError as error:
        found = error.diagnostics
    assert all(item.source is not None for item in found)
    return found


def netbox(content: bytes, name: str = "rest.json") -> Faults:
    return netbox_files({name: content})


def netbox_files(contents: Mapping[str, bytes]) -> Faults:
    """Files of NetBox as those of a network folder."""
    out = Diagnostics()
    records = read_records(contents, out)
    judged(out)
    reading = read_inventory(records, out)
    judged(out)
    if not out.errors:
        made = network(reading, out)
        judged(out)
        if not out.errors:
            dump_some(made.documents, b"".join(contents.values()))
    return out.errors


def netbox_table(content: bytes) -> Faults:
    return [item for name in ("sites.csv", "devices.csv", "cables.csv") for item in netbox(content, name)]


def _shortened(line: str) -> str:
    """A feature of a line as it stands in a collection, with few of its points."""
    feature = json.loads(line.rstrip(","))
    shape = feature["geometry"]
    if shape["type"] == "LineString":
        shape["coordinates"] = [*shape["coordinates"][:2], shape["coordinates"][-1]]
    return json.dumps(feature, ensure_ascii=False, separators=(",", ":"))


@cache
def seeds() -> dict[Reader, list[bytes]]:
    """Good files for each reader, short enough to be hit where it hurts."""
    with tempfile.TemporaryDirectory() as folder:
        context = Context(EXAMPLES / "small")
        export_geojson(context, Path(folder, "all.geojson"))
        lines = Path(folder, "all.geojson").read_text(encoding="utf-8").splitlines()
        picked = {line.partition('"layer":"')[2][:5]: line for line in lines[1:-1]}
        short = "\n".join([lines[0], ",\n".join(map(_shortened, picked.values())), "]}"])
        links = Context(EXAMPLES / "small-links")
        export_netbox(links, Path(folder, "nb"))
        rest = json.loads(Path(folder, "nb", "rest.json").read_text(encoding="utf-8"))
        few = {key: rows if key == "dcim/sites" else rows[:6] for key, rows in rest.items()}
        whole = {key: rest[key][:1] if key == "dcim/cables" else rows for key, rows in rest.items()}
        csv = [
            Path(folder, "nb", name).read_bytes()[:1500]
            for name in ("01-sites.csv", "05-devices.csv", "09-cables.csv")
        ]
    kept = b'{"format": 1, "members": {}, "extras": [{"layer": "site", "key": "a", "properties": {"x": 1.0}, '
    kept += b'"members": {}, "geometry": null, "instead_of": null}], "features": [{"type": "Feature"}]}'
    return {
        topology: [text.encode() for text in FILES.values()],
        demands: [DEMANDS.encode()],
        geojson: [short.encode()],
        mapped: [short.encode()],
        mappings: [MAPPING.encode()],
        keepsakes: [kept],
        netbox: [json.dumps(whole, indent=0).encode(), json.dumps(few, indent=0).encode()],
        netbox_table: csv,
    }


READERS: list[Reader] = [topology, demands, geojson, mapped, mappings, keepsakes, netbox, netbox_table]
