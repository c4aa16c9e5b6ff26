"""Any bytes: a foreign file is read, or refused with diagnostics that name file and line; nothing else ever
happens.

"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from exchange_files import DEMANDS, FILES, GRAPHML, REPETITA, SNDLIB, TOPOHUB
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_support import EXAMPLES

from sdnctl.errors import Diagnostic, Diagnostics, InputError
from sdnctl.exchange.geojson.documents import make
from sdnctl.exchange.geojson.features import read_collection
from sdnctl.exchange.geojson.keepsake import loads
from sdnctl.exchange.geojson.mapping import read_mapping
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

MAPPING = """
layers:
  - {to: segment, from: {geometry: [LineString]}, id: id, properties: {a: a, kind: kind}, units: {length: m}}
  - {to: chamber, id: id, values: {kind: {x: pole}}, constants: {owner: me}}
"""
WORDS = [
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"1e999",
    b"-1",
    b"NaN",
    b'"',
    b"{",
    b"]",
    b"(",
    b")",
    b"\n",
]
WORDS += [
    b"null",
    b"true",
    b"99999999999999999999",
    b"<a>",
    b"</node>",
    b"&lt;",
    b"&x;",
    b"[[[[",
    b'{"a":',
    b",",
    b" ",
]
WORDS += ["é".encode(), "\u2028".encode(), b"0.0", b"NODES 5", b"EDGES", b"features", b"None", b"x" * 300]


def judged(out: Diagnostics) -> None:
    """Every fault of a file has a place in it."""
    for item in out.errors:
        assert item.source is not None, item
        assert item.source.line, item


def topology(content: bytes) -> None:
    out = Diagnostics()
    graph = read_topology(content, "x", Units(), out)
    judged(out)
    if graph is None or out.errors:
        return
    found = derive(graph, Units(), "ring", out)
    made = files(found, out.sorted(), {"x": content})
    if len(found.names) < 40:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in made.items():
                path = Path(folder, name)
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(text)
            load_network(Path(folder))


def demands(content: bytes) -> None:
    out = Diagnostics()
    graph = read_topology(REPETITA.encode(), "x", Units(), out)
    assert graph is not None
    read_demands(content.decode("utf-8", "replace"), graph, Report("x", out), Units())
    judged(out)


def geojson(content: bytes, mapping: str | None = None) -> None:
    out = Diagnostics()
    rules = read_mapping(mapping, "m", out) if mapping is not None else None
    collection = read_collection(content, "x", out)
    judged(out)
    if collection is None:
        return
    made = make(objects([collection], rules, out), 0.5, out)
    for item in out.errors:
        assert item.source is not None or item.address.startswith("cable type"), item
    if not out.errors:
        dump_documents(made.documents)
        assert loads(made.kept.dumps()).dumps() == made.kept.dumps()


def mapped(content: bytes) -> None:
    geojson(content, MAPPING)


def mappings(content: bytes) -> None:
    out = Diagnostics()
    read_mapping(content.decode("utf-8", "replace"), "m", out)
    judged(out)


def keepsakes(content: bytes) -> None:
    found: tuple[Diagnostic, ...] = ()
    try:
        loads(content)
    except InputError as error:
        found = error.diagnostics
    assert all(item.source is not None for item in found)


def netbox(content: bytes, name: str = "rest.json") -> None:
    out = Diagnostics()
    records = read_records({name: content}, out)
    judged(out)
    reading = read_inventory(records, out)
    judged(out)
    if not out.errors:
        made = network(reading, out)
        judged(out)
        if not out.errors:
            dump_documents(made.documents)


def netbox_table(content: bytes) -> None:
    for name in ("sites.csv", "devices.csv", "cables.csv"):
        netbox(content, name)


@pytest.fixture(scope="module")
def seeds() -> dict[Callable[[bytes], None], list[bytes]]:
    """Good files for each reader, short enough to be hit where it hurts."""
    with tempfile.TemporaryDirectory() as folder:
        context = Context(EXAMPLES / "small")
        export_geojson(context, Path(folder, "all.geojson"))
        lines = Path(folder, "all.geojson").read_text(encoding="utf-8").splitlines()
        picked = {line.partition('"layer":"')[2][:5]: line for line in lines[1:-1]}
        short = "\n".join([lines[0], ",\n".join(line.rstrip(",") for line in picked.values()), "]}"])
        links = Context(EXAMPLES / "small-links")
        export_netbox(links, Path(folder, "nb"))
        rest = json.loads(Path(folder, "nb", "rest.json").read_text(encoding="utf-8"))
        few = {key: rows[:6] if key != "dcim/sites" else rows for key, rows in rest.items()}
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
        netbox: [json.dumps(few, indent=0).encode()],
        netbox_table: csv,
    }


def mutated(seed: bytes, random: random.Random) -> bytes:
    """A good file with a few bytes or words changed, dropped, doubled or exchanged, or cut off."""
    data = bytearray(seed)
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(data) + 1)
        until = min(len(data), at + random.choice((1, 1, 3, 20, 200)))
        kind = random.randrange(6)
        if kind == 0 and at < len(data):
            data[at] = random.randrange(256)
        elif kind == 1:
            data[at:at] = random.choice(WORDS)
        elif kind == 2:
            del data[at:until]
        elif kind == 3:
            data[at:at] = data[at:until]
        elif kind == 4:
            data[at:until] = random.choice(WORDS)
        elif random.random() < 0.2:
            del data[at:]
    return bytes(data)


READERS = [topology, demands, geojson, mapped, mappings, keepsakes, netbox, netbox_table]


def attack(reader: Callable[[bytes], None], seeds: list[bytes], number: int) -> None:
    source = random.Random(number)
    reader(mutated(source.choice(seeds), source))


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_mutations_are_read_or_refused(reader: Callable[[bytes], None], seeds: dict[Any, list[bytes]]) -> None:
    for number in range(40):
        attack(reader, seeds[reader], number)


@pytest.mark.soak
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_many_mutations_are_read_or_refused(
    reader: Callable[[bytes], None], seeds: dict[Any, list[bytes]]
) -> None:
    for number in range(1000, 126_000):
        attack(reader, seeds[reader], number)


@settings(max_examples=25)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for reader in READERS:
        reader(content)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["id", "a", "b", "route", "type", "kind", "sheath", "at", "length", "cable", "splices", "masks"]
)
LAYER = st.sampled_from(
    ["site", "chamber", "segment", "duct", "cable", "closure", "loop", "area", "hazard", "tree"]
)


@settings(max_examples=25)
@given(st.lists(st.tuples(LAYER, st.dictionaries(FIELDS, JSON, max_size=4), JSON), max_size=4), JSON)
def test_any_features_are_read_or_refused(found: list[tuple[str, dict[str, Any], Any]], own: Any) -> None:
    features = [
        {"type": "Feature", "properties": {"layer": layer, **fields}, "geometry": shape}
        for layer, fields, shape in found
    ]
    collection = {"type": "FeatureCollection", "sdnctl": own, "features": features}
    content = json.dumps(collection).encode()
    geojson(content)
    mapped(content)


@settings(max_examples=25)
@given(
    st.dictionaries(
        st.sampled_from(["sites", "devices", "interfaces", "cables", "rear-ports", "front-ports"]),
        st.lists(
            st.dictionaries(
                st.sampled_from(
                    [
                        "id",
                        "name",
                        "site",
                        "device",
                        "rear_port",
                        "positions",
                        "a_terminations",
                        "b_terminations",
                        "status",
                        "comments",
                        "length",
                        "latitude",
                        "rear_ports",
                        "type",
                    ]
                ),
                JSON,
                max_size=5,
            ),
            max_size=3,
        ),
        max_size=4,
    )
)
def test_any_records_are_read_or_refused(found: dict[str, Any]) -> None:
    netbox(json.dumps(found).encode())


@pytest.mark.parametrize(
    "text", [GRAPHML, SNDLIB, REPETITA, TOPOHUB], ids=["graphml", "sndlib", "repetita", "topohub"]
)
def test_every_truncation_is_read_or_refused(text: str) -> None:
    whole = text.encode()
    for cut in range(0, len(whole), 29):
        out = Diagnostics()
        read_topology(whole[:cut], "x", Units(), out)
        judged(out)
