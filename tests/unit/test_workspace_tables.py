"""CSV rows and GeoJSON features: values, lines, and faults that cost one row, not the table."""

from __future__ import annotations

import json

import pytest

from sdnctl.errors import Diagnostics
from sdnctl.inventory.models import EndpointRow, SegmentFeature
from sdnctl.workspace.tables import Rows, parse_csv, parse_geojson

HEADER = "id,site,device,port,vlan,prefixes,kind,tags\n"


def csv_rows(text: str) -> tuple[Rows[EndpointRow] | None, Diagnostics]:
    out = Diagnostics()
    return parse_csv(text, EndpointRow, "inventory/endpoints.csv", out), out


def codes(out: Diagnostics) -> list[tuple[str, int | None]]:
    return [(one.code, one.source.line if one.source else None) for one in out]


def test_rows_become_models_with_their_lines() -> None:
    rows, out = csv_rows(HEADER + "a, s ,d,3,,10.0.0.0/24;fe80::/64,camera,x;y\n\nb,s,d,4,7,,camera,\n")
    assert not out.items
    assert rows is not None
    one, two = rows.document.value
    assert (one.id, one.site, one.port, one.vlan, one.tags) == ("a", "s", 3, None, ("x", "y"))
    assert [str(prefix) for prefix in one.prefixes] == ["10.0.0.0/24", "fe80::/64"]
    assert (two.vlan, two.prefixes, two.tags) == (7, (), ())
    assert [rows.document.at(index, "port").line for index in (0, 1)] == [2, 4]


def test_a_quoted_cell_over_two_lines_keeps_the_lines_right() -> None:
    rows, out = csv_rows(HEADER + 'a,s,d,3,,,"cam\nera",\nb,s,d,x y,,,camera,\nc,s,d,5,,,camera,\n')
    assert rows is not None
    assert codes(out) == [("bad-value", 4)]
    assert [row.id for row in rows.document.value] == ["a", "c"]
    assert rows.document.at(1).line == 5


def test_every_fault_of_every_row_is_reported() -> None:
    rows, out = csv_rows(
        HEADER + "a,s,d,70000,5000,10.0.0.1/8,camera,\nb,s,d\nc,s,d,4,,,camera,\n,s,d,4,,,camera,\n"
    )
    assert rows is not None
    assert codes(out) == [("bad-value", 2)] * 3 + [("ragged-row", 3), ("missing-key", 5)]
    assert {one.address for one in out.items[:3]} == {"endpoint a"}
    assert any("10.0.0.0/8" in one.hint for one in out)
    assert all(one.hint for one in out)
    assert rows.broken == {"a", "b"}
    assert [row.id for row in rows.document.value] == ["c"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("id,site,device,port,kind,colour\n", ["unknown-column"]),
        ("id,site,device,prt,kind\n", ["unknown-column", "missing-column"]),
        ("id,site,device,port,kind,port\n", ["duplicate-column"]),
        ("id;site;device;port;kind\n", ["csv-delimiter"]),
        ("", ["empty-file"]),
        ("\n\n", ["empty-file"]),
        ('id,"si', ["csv-syntax"]),
    ],
)
def test_headers_are_strict(header: str, expected: list[str]) -> None:
    rows, out = csv_rows(header + ("a,s,d,3,k\n" if header.strip() and '"' not in header else ""))
    assert rows is None
    assert [one.code for one in out] == expected
    assert all(one.source is not None and one.source.line == 1 and one.hint for one in out)


def test_a_misspelled_column_gets_the_right_name() -> None:
    _, out = csv_rows("id,site,device,prt,kind\n")
    assert out.items[0].hint == "Did you mean port?"


def test_an_open_quote_loses_the_table_and_says_where() -> None:
    rows, out = csv_rows(HEADER + 'a,s,d,3,,,camera,\nb,s,d,4,,,"camera,\n')
    assert rows is None
    assert codes(out) == [("csv-syntax", 3)]


# ── GeoJSON ──────────────────────────────────────────────────────────────────────────────────────


def feature(name: object = "s1", kind: str = "LineString", **properties: object) -> dict[str, object]:
    coordinates = [[4.3, 43.8], [4.31, 43.81, 120.5]]
    return {
        "type": "Feature",
        "properties": {"id": name, "a": "x", "b": "y", **properties},
        "geometry": {"type": kind, "coordinates": coordinates},
    }


def collection(*features: object) -> str:
    text = ",\n".join(json.dumps(one) for one in features)
    return f'{{"type": "FeatureCollection",\n"name": "segments", "features": [\n{text}\n]}}\n'


def geo(text: str) -> tuple[Rows[SegmentFeature] | None, Diagnostics]:
    out = Diagnostics()
    return parse_geojson(text, SegmentFeature, "inventory/segments.geojson", out), out


def test_features_become_models_with_their_lines() -> None:
    rows, out = geo(collection(feature("s1", kind="LineString", owner=None), feature("s2", length="2 km")))
    assert not out.items
    assert rows is not None
    one, two = rows.document.value
    assert one.coordinates == ((4.3, 43.8), (4.31, 43.81))
    assert (one.owner, two.length) == (None, 2000.0)
    assert [rows.document.at(index, "owner").line for index in (0, 1)] == [3, 4]


def test_the_id_of_a_feature_may_stand_outside_its_properties() -> None:
    one = {**feature(), "id": "outside", "properties": {"a": "x", "b": "y"}}
    rows, _ = geo(collection(one))
    assert rows is not None
    assert rows.document.value[0].id == "outside"


def test_faults_of_features_cost_one_feature_each() -> None:
    rows, out = geo(
        collection(
            feature("s1", lenght="3 m"), feature("s2", kind="Point"), feature("s3"), feature("s4", length=5), 7
        )
    )
    assert rows is not None
    assert sorted(codes(out), key=lambda item: item[1] or 0) == [
        ("unknown-key", 3),
        ("wrong-geometry", 4),
        ("missing-unit", 6),
        ("not-geojson", 7),
    ]
    assert all(one.hint for one in out)
    assert [row.id for row in rows.document.value] == ["s3"]
    assert rows.broken == {"s1", "s2", "s4"}


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("", "empty-file", 1),
        ("\n\n{", "json-syntax", 3),
        ('{"type": "FeatureCollection",\n"features": [}', "json-syntax", 2),
        ('{"type": "FeatureCollection", "features": []} x', "json-syntax", 1),
        ('{"type":\n"Topology"}', "not-geojson", 1),
        ('{"features": [NaN]}', "json-syntax", 1),
        ('{"a": ' + "[" * 100_000, "json-syntax", 1),
        ('{"a":\n"\\ud800"}', "json-syntax", 2),
        ("{" + '"a": 1' * 2 + "}", "json-syntax", 1),
        ('{"a": ' + "1" * 5000 + "}", "json-syntax", 1),
    ],
)
def test_what_is_not_geojson_is_reported_with_its_line(text: str, code: str, line: int) -> None:
    rows, out = geo(text)
    assert rows is None
    assert codes(out) == [(code, line)]


def test_duplicate_keys_and_other_coordinate_systems_are_errors() -> None:
    system = '"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2154"}}'
    text = collection(feature()).replace('"name": "segments"', system).replace('"a": "x"', '"a": "x", "a": "z"')
    _, out = geo(text)
    assert codes(out) == [("not-wgs84", 2), ("duplicate-key", 3)]
