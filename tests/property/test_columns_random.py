"""Tables read column by column say what tables read row by row say: values, lines, every word of every fault."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from sdnctl.document import Table
from sdnctl.errors import Diagnostics
from sdnctl.inventory.files import FILES
from sdnctl.inventory.models import AreaFeature, SegmentFeature
from sdnctl.inventory.rows import JumperRow, SpliceRow
from sdnctl.workspace import tables
from sdnctl.workspace.tables import Rows, parse_csv, parse_geojson

counts = pytest.mark.parametrize("count", [20, pytest.param(600, marks=pytest.mark.soak)])
TABLES = {file: spec.model for file, spec in FILES.items() if spec.format == "csv"}

GOOD = {
    "id": ["a", "b.1", "C-2", "d_3"],
    "at": ["ch-1", "s"],
    "lon": ["4.283000", "4", "-0", "1e1"],
    "lat": ["43.9", "44"],
    "port": ["1", "3", "eth3"],
    "vlan": ["", "7", "4094"],
    "mac": ["", "02:00:00:00:00:2a"],
    "prefixes": ["", "10.0.0.0/24", "10.0.0.0/24;fe80::/64", "10.1.2.3/32"],
    "kind": ["", "chamber", "camera", "pole"],
    "tags": ["", "x;y", "x"],
    "terminal": ["", "dr-1:1", "ODF:3"],
    "route": ["", "du-1;du-2"],
    "segments": ["", "sg-1;sg-2", "sg-1"],
    "masks": ["", "ch-1=A:2.3;ch-2=C:1", "ch-1=A:1"],
    "openings": ["", "ch-1"],
    "diameter": ["", "40 mm"],
    "capacity": ["", "3"],
    "sheath": ["", "1971 m", "2 km"],
    "was": ["", "c-0"],
    "was_from": ["", "3 m"],
    "loss": ["", "0.08 dB"],
    "loss_ab": ["", "-0.1 dB"],
    "loss_ba": ["", "0.2 dB"],
    "cassette": ["", "4"],
    "positions": ["1-12", "1,3", "7"],
    "strands": ["c-1:1-12", "c-1:1,3", "c-1/b:7"],
    "tx": ["", "ODF:1"],
    "rx": ["", "ODF:2"],
    "bidi": ["", "ODF:3"],
    "rate": ["", "10 Gbit/s"],
    "mtu": ["", "1600 B"],
    "length": ["", "5 m"],
    "link": ["", "l-1"],
    "transceiver": ["", "lr4"],
    "status": ["", "in-service", "planned"],
    "valid_from": ["", "2006-01-01"],
    "valid_to": ["", "2030-12-31"],
    "owner": ["", "nimes", "ville de nîmes"],
}
"""Column → what it may say; other columns say names."""
ENDS = {
    SpliceRow: (["c-1:1-12", "c-1/a:4-15", "c-1:1"], ["c-2:1-12", "c-2/b:2-13", "c-2:7"]),
    JumperRow: (["ODF-1:3", "core-a:3/tx"], ["att/in", "c-1:1"]),
}
"""Model → what its columns `a` and `b` say where they are no places."""
BAD = (
    "0",
    "-1",
    "1.5",
    "99999",
    "true",
    "nan",
    "inf",
    "1e999",
    "2006-13-01",
    "5",
    "1_0",
    "x y",
    "é",
    "A:0",
    "10 m",
    "a:b",
)
"""What is wrong in many columns, and right in some."""


def _cell(model: type[BaseModel], name: str) -> st.SearchStrategy[str]:
    good = {**GOOD, **dict(zip("ab", ENDS.get(model, (["n-1"], ["n-2"])), strict=True))}
    return st.sampled_from(good.get(name, ["n-1", "n-2"]))


@st.composite
def csv_texts(draw: st.DrawFn, model: type[BaseModel]) -> tuple[str, bool]:
    """A table of a model, and whether anything odd was put into it."""
    required = [name for name, field in model.model_fields.items() if field.is_required()]
    others = [name for name in model.model_fields if name not in required]
    header = draw(st.permutations([*required, *draw(st.sets(st.sampled_from(others), max_size=5))]))
    rows = [[draw(_cell(model, name)) for name in header] for _ in range(draw(st.integers(1, 5)))]
    odd = draw(st.booleans())
    if odd:
        row, column = draw(st.integers(0, len(rows) - 1)), draw(st.integers(0, len(header) - 1))
        rows[row][column] = draw(st.sampled_from((*BAD, "", " ", f" {rows[row][column]} ", 'q"', "two\nlines")))
        if draw(st.integers(0, 5)) == 0:
            rows.insert(row, draw(st.sampled_from(([], [""] * len(header), [*rows[row], "x"], rows[row][:-1]))))
    stream = io.StringIO(newline="")
    end = draw(st.sampled_from(("\n", "\r\n")))
    quoting: Any = csv.QUOTE_ALL if draw(st.booleans()) else csv.QUOTE_MINIMAL
    out = csv.writer(stream, lineterminator=end, quoting=quoting)
    out.writerows([header, *rows])
    text = stream.getvalue()
    return (text if draw(st.booleans()) else text.rstrip("\r\n")), odd


def _said(rows: Rows[Any] | None, out: Diagnostics) -> tuple[Any, ...]:
    """All that came of a text; representations, because 1, 1.0 and true are equal."""
    faults = tuple(map(str, out.items))
    if rows is None:
        return (None, faults)
    values = rows.document.value
    sources = [rows.document.at(index, "x") for index in range(len(values))]
    return [repr(one) for one in values], values, dict(rows.document.lines), sources, rows.broken, faults


def _both(
    parse: Callable[..., Rows[Any] | None], short: str, text: str, model: type[BaseModel]
) -> tuple[Rows[Any] | None, tuple[Any, ...]]:
    """The rows of a text, read in the fast way; the careful way says the same."""
    fast, slow = Diagnostics(), Diagnostics()
    rows = parse(text, model, "inventory/things.csv", fast)
    with patch.object(tables, short, lambda *_: None):
        careful = parse(text, model, "inventory/things.csv", slow)
    said = _said(rows, fast)
    assert said == _said(careful, slow)
    assert not isinstance(careful.document if careful else None, Table)
    return rows, said


@counts
@pytest.mark.parametrize("file", TABLES)
def test_columns_of_text_say_what_rows_say(file: str, count: int) -> None:
    fast = []

    @given(csv_texts(TABLES[file]))
    @settings(max_examples=count)
    def compare(made: tuple[str, bool]) -> None:
        text, odd = made
        rows, said = _both(parse_csv, "text_columns", text, TABLES[file])
        if rows is not None and not said[-1]:
            assert odd or isinstance(rows.document, Table)  # without a fault it is the fast way that was taken
            fast.append(isinstance(rows.document, Table))

    compare()
    assert any(fast)


POINT = st.tuples(st.sampled_from((4.5, 4, -0.0, 180.0)), st.sampled_from((43.25, 44, -90))).map(list)
PROPERTIES = {
    "id": ("s-1", "s-2", "s-3"),
    "a": ("ch-1",),
    "b": ("ch-2",),
    "kind": ("trench", "overhead"),
    "length": ("12 m", "1.5 km"),
    "status": ("planned",),
    "valid_from": ("2006-01-01",),
    "owner": ("nimes", "gecko", "é", "x\\y", "nullity", 'a":b'),
    "area": ("north",),
}
ODD: tuple[Any, ...] = (1, 1.0, True, None, "", "?", [], ["a"], {"a": 1}, "2006-13-01", 1e300, "a b")


@st.composite
def geojson_texts(draw: st.DrawFn, model: type[BaseModel]) -> tuple[str, bool]:
    """Features of a model, one on each line, and whether anything odd was done to the text."""
    area = model is AreaFeature
    known = [name for name in PROPERTIES if name in model.model_fields]
    features = []
    for _ in range(draw(st.integers(1, 4))):
        names = [name for name in known if model.model_fields[name].is_required() or draw(st.booleans())]
        line: Any = draw(st.lists(POINT, min_size=3, max_size=4))
        features.append(
            {
                "type": "Feature",
                "properties": {name: draw(st.sampled_from(PROPERTIES[name])) for name in names},
                "geometry": {
                    "type": "Polygon" if area else "LineString",
                    "coordinates": [line] * draw(st.integers(1, 2)) if area else line,
                },
            }
        )
    odd = draw(st.sampled_from((0, 0, 0, 1, 2, 3)))
    one: Any = draw(st.sampled_from(features))
    if odd == 1:
        part = draw(st.sampled_from((one, one["properties"], one["geometry"])))
        part[draw(st.sampled_from(("id", "type", "source", "length", "bbox", "coordinates")))] = draw(
            st.sampled_from(ODD)
        )
    elif odd == 2:
        shape = one["geometry"]["coordinates"]
        (shape[0] if area else shape)[0] = draw(
            st.sampled_from(([4.5], [4.5, 43.5, 12.0], [4.5, 91.0], [True, 43.5], ["4.5", 43.5], 4.5, [], None))
        )
    between = draw(st.sampled_from(((",", ":"), (", ", ": "))))
    lines = ",\n".join(json.dumps(one, separators=between, ensure_ascii=False) for one in features)
    text = (
        '{"type":"FeatureCollection","features":[\n'
        + lines
        + draw(st.sampled_from(("\n]}", "\n]}\n", "\n]\n}\n")))
    )
    if odd == 3:
        text = draw(_surgery(text))
    return text, bool(odd)


SWAPS = (
    ('{"id"', '{"id":"s-9","id"'),
    ('{"id"', '{"id" :"s-9","id"'),
    ('{"area"', '{"area":"south","area"'),
    ('{"type"', '{"type":"x","type"'),
    ('"}', '" }'),
    (",\n", ",\n\n"),
    ("\n]", "]"),
    (":[", ": [\n"),
    ("4.5", "1e999"),
    ('"type"', '"typ\\u0065"'),
    ('"ch-1"', '"a\\":b"'),
    ('"ch-1"', "null"),
    ('"Feature"', '"Thing"'),
    ('"features":', '"others":[],"features":'),
    ("]\n}", '],"features":[]}'),
)


def _surgery(text: str) -> st.SearchStrategy[str]:
    """Something put in, taken out or written otherwise."""
    marks = ('"', ",", "\n", "]", "}", " ", "\t", "e999", '"id":"s-9",', '"id" :"s-9",', "NaN", "{", '{"type":1},')
    spots = st.integers(0, len(text))
    insert = st.builds(lambda at, mark: text[:at] + mark + text[at:], spots, st.sampled_from(marks))
    places = [index + 1 for index, one in enumerate(text) if one in "{["]
    within = st.builds(
        lambda at, mark: text[:at] + mark + text[at:], st.sampled_from(places), st.sampled_from(marks)
    )
    cut = st.builds(lambda at: text[:at] + text[at + 1 :], spots)
    swap = st.sampled_from(SWAPS).map(lambda pair: text.replace(*pair))
    return st.one_of(swap, insert, within, cut)


@counts
@pytest.mark.parametrize("model", [SegmentFeature, AreaFeature])
def test_lines_of_features_say_what_features_say(model: type[BaseModel], count: int) -> None:
    fast = []

    @given(geojson_texts(model))
    @settings(max_examples=4 * count)
    def compare(made: tuple[str, bool]) -> None:
        rows, _ = _both(parse_geojson, "read_lines", made[0], model)
        fast.append(rows is not None and isinstance(rows.document, Table))

    compare()
    assert sum(fast) >= len(fast) // 10


@pytest.mark.parametrize("swap", SWAPS)
def test_unusual_texts_are_read_in_the_careful_way(swap: tuple[str, str]) -> None:
    features: list[dict[str, Any]] = [
        {
            "type": "Feature",
            "properties": {"id": name, "a": "ch-1", "b": "ch-2"},
            "geometry": {"type": "LineString", "coordinates": [[4.5, 43.5], [4.5, 43.25]]},
        }
        for name in ("s-1", "s-2")
    ]
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in features)
    text = '{"type":"FeatureCollection","features":[\n' + lines + "\n]\n}\n"
    plain, _ = _both(parse_geojson, "read_lines", text, SegmentFeature)
    assert plain is not None
    assert isinstance(plain.document, Table)
    _both(parse_geojson, "read_lines", text.replace(*swap), SegmentFeature)
