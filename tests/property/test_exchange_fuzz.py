"""Any bytes: a foreign file is read, or refused with diagnostics that name file and line; nothing else ever
happens.

"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from exchange_files import GRAPHML, REPETITA, SNDLIB, TOPOHUB
from exchange_fuzzing import READERS, Reader, geojson, judged, mapped, netbox, seeds
from hypothesis import given, settings
from hypothesis import strategies as st

from sdnctl.errors import Diagnostics
from sdnctl.exchange.topology.formats import read_topology
from sdnctl.exchange.topology.graph import Units

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


def attack(reader: Reader, seeds: list[bytes], number: int) -> None:
    source = random.Random(number)
    reader(mutated(source.choice(seeds), source))


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_mutations_are_read_or_refused(reader: Reader) -> None:
    for number in range(40):
        attack(reader, seeds()[reader], number)


@pytest.mark.soak
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_many_mutations_are_read_or_refused(reader: Reader) -> None:
    for number in range(1000, 126_000):
        attack(reader, seeds()[reader], number)


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
