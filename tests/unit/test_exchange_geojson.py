"""GeoJSON: round trips byte by byte, RFC 7946, foreign files with a mapping, grades, snapping, redaction."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from inventory_support import EXAMPLES
from sdnctl_in_process import sdnctl

from sdnctl.errors import InputError
from sdnctl.exchange.geojson.keepsake import FILE
from sdnctl.usecases.context import Context
from sdnctl.usecases.exchanging import Exported, Imported
from sdnctl.usecases.exchanging_geojson import export_geojson, import_geojson

CHAMBERS: list[dict[str, Any]] = [
    {"layer": "chamber", "id": "a", "at": [4.30, 43.80]},
    {"layer": "chamber", "id": "b", "at": [4.301, 43.801]},
    {"layer": "chamber", "id": "c", "at": [4.302, 43.802]},
]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small example as one GeoJSON file."""
    path = tmp_path_factory.mktemp("geojson") / "small.geojson"
    export_geojson(Context(EXAMPLES / "small"), path)
    return path


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def point(x: float, y: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [x, y]}


def line(*places: list[float]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": list(places)}


def chambers() -> list[dict[str, Any]]:
    return [feature(point(*one["at"]), layer="chamber", id=one["id"]) for one in CHAMBERS]


def written(folder: Path, *features: dict[str, Any], name: str = "in.geojson", **members: Any) -> Path:
    path = folder / name
    collection = {"type": "FeatureCollection", **members, "features": list(features)}
    path.write_text(json.dumps(collection, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def bring_in(folder: Path, *features: dict[str, Any], **options: Any) -> Imported:
    return import_geojson(written(folder, *features), folder / "net", **options)


def again(folder: Path, network: Path) -> tuple[Path, Exported]:
    """The network exported once more."""
    target = folder / "again.geojson"
    return target, export_geojson(Context(network), target)


def properties_of(path: Path) -> dict[str, dict[str, Any]]:
    found = json.loads(path.read_text(encoding="utf-8"))["features"]
    return {one["properties"].get("id", one["properties"].get("layer")): one["properties"] for one in found}


# ── round trips ──────────────────────────────────────────────────────────────────────────────────


def test_export_import_export_is_byte_stable(small: Path, tmp_path: Path) -> None:
    result = import_geojson(small, tmp_path / "net")
    target, _ = again(tmp_path, tmp_path / "net")
    assert target.read_bytes() == small.read_bytes()
    context = Context(EXAMPLES / "small")
    assert result.counts["segments"] == len(context.loaded.plant.segments)
    here, there = Context(tmp_path / "net").loaded.plant, context.loaded.plant
    assert {key: one.line for key, one in here.segments.items()} == {
        key: one.line for key, one in there.segments.items()
    }
    assert {key: (one.sheath, one.slack) for key, one in here.cables.items()} == {
        key: (one.sheath, one.slack) for key, one in there.cables.items()
    }
    assert sorted(map(str, here.splices)) or not there.splices
    assert len(here.splices) == len(there.splices)


def test_a_folder_of_layers_says_the_same(small: Path, tmp_path: Path) -> None:
    first = export_geojson(Context(EXAMPLES / "small"), tmp_path / "layers")
    assert Path("cables.geojson") in first.files
    import_geojson(tmp_path / "layers", tmp_path / "net")
    target, _ = again(tmp_path, tmp_path / "net")
    assert target.read_bytes() == small.read_bytes()
    second = export_geojson(Context(tmp_path / "net"), tmp_path / "layers")
    assert second.changed == ()


def test_what_nobody_knows_comes_back_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "in.geojson"
    path.write_text(
        """{"type": "FeatureCollection", "name": "città", "features": [
{"type":"Feature","id":17,"properties":{"layer":"chamber","id":"a","colour":"röd","n":1.10,"deep":{"x":[1e5,-0]}},
 "geometry":{"type":"Point","coordinates":[4.3,43.8,12.50]},"foreign":null},
{"type":"Feature","properties":{"kind":"tree","h":3.0},"geometry":{"type":"Point","coordinates":[4.31,43.81]}},
{"type":"Feature","properties":null,"geometry":null}
]}""",
        encoding="utf-8",
    )
    result = import_geojson(path, tmp_path / "net")
    assert result.counts["features kept as they are"] == 2
    target, _ = again(tmp_path, tmp_path / "net")
    text = target.read_text(encoding="utf-8")
    assert '"colour":"röd","n":1.10,"deep":{"x":[1e5,-0]}' in text
    assert '"coordinates":[4.3,43.8,12.50]},"id":17,"foreign":null}' in text
    assert '{"type":"Feature","properties":{"kind":"tree","h":3.0},' in text
    assert '{"type":"Feature","properties":null,"geometry":null}' in text
    assert '"name":"città"' in text
    import_geojson(target, tmp_path / "net2")
    second = tmp_path / "second.geojson"
    export_geojson(Context(tmp_path / "net2"), second)
    assert second.read_bytes() == target.read_bytes()


def test_an_altitude_is_dropped_once_the_line_was_edited(tmp_path: Path) -> None:
    seg = feature(line([4.30, 43.80, 9], [4.301, 43.801, 9]), layer="segment", id="s", a="a", b="b")
    bring_in(tmp_path, *chambers(), seg)
    file = tmp_path / "net" / "inventory" / "segments.geojson"
    assert "9" in (tmp_path / "net" / FILE).read_text()
    file.write_text(file.read_text().replace("[4.301, 43.801]]", "[4.3005, 43.8004], [4.301, 43.801]]"))
    target, _ = again(tmp_path, tmp_path / "net")
    (found,) = [one for one in json.loads(target.read_text())["features"] if one["properties"]["id"] == "s"]
    assert found["geometry"]["coordinates"] == [[4.3, 43.8], [4.3005, 43.8004], [4.301, 43.801]]


# ── RFC 7946 ─────────────────────────────────────────────────────────────────────────────────────


def test_rings_follow_the_right_hand_rule_and_the_box_holds_everything(tmp_path: Path) -> None:
    clockwise = [[4.0, 43.0], [4.0, 44.0], [5.0, 44.0], [5.0, 43.0], [4.0, 43.0]]
    hole = [[4.4, 43.4], [4.6, 43.4], [4.6, 43.6], [4.4, 43.6], [4.4, 43.4]]
    area = feature({"type": "Polygon", "coordinates": [clockwise, hole]}, layer="area", area="x")
    zone = feature({"type": "Polygon", "coordinates": [clockwise]}, layer="hazard", id="z")
    bring_in(tmp_path, *chambers(), area, zone)
    target, _ = again(tmp_path, tmp_path / "net")
    document = json.loads(target.read_text())
    assert document["bbox"] == [4.0, 43.0, 5.0, 44.0]
    assert "crs" not in document
    rings = [
        ring
        for one in document["features"]
        if one["geometry"]["type"] == "Polygon"
        for ring in one["geometry"]["coordinates"]
    ]

    def turns_left(ring: list[list[float]]) -> bool:
        return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring)) > 0

    assert [turns_left(ring) for ring in rings] == [True, False, True]
    assert all(ring[0] == ring[-1] for ring in rings)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"type": "FeatureCollection", "features": [', "json-syntax"),
        ('{"type": "FeatureCollection", "features": 5}', "json-syntax"),
        ('{"type": "FeatureCollection", "features": [{"type": "Nothing"}]}', "not-geojson"),
        ('{"type": "Topology"}', "not-geojson"),
        ("[" * 100_000, "json-syntax"),
        ('{"type": "FeatureCollection", "features": [' + '{"a":' * 90 + "1" + "}" * 90 + "]}", "json-syntax"),
        ('{"type": "FeatureCollection", "x": 1e999, "features": []}', "json-syntax"),
        (
            '{"type": "FeatureCollection", "crs": {"properties": {"name": "EPSG:2154"}}, "features": []}',
            "not-wgs84",
        ),
        ('{"type": "FeatureCollection", "features": []}', "nothing-recognised"),
        (
            '{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": null, '
            '"properties": {"layer": "chamber", "id": "a"}}]}',
            "wrong-geometry",
        ),
        (
            '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"layer": "chamber", '
            '"id": "a"}, "geometry": {"type": "Point", "coordinates": [843211.2, 6300000]}}]}',
            "not-wgs84",
        ),
        (
            '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"layer": "site", '
            '"id": "a b", "status": "gone"}, "geometry": null}]}',
            "bad-value",
        ),
    ],
)
def test_faults_are_diagnostics_and_nothing_is_made(text: str, code: str, tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        import_geojson(path, tmp_path / "net")
    assert code in {item.code for item in caught.value.diagnostics}
    assert not (tmp_path / "net").exists()


# ── grades ───────────────────────────────────────────────────────────────────────────────────────


def test_ends_are_graded_and_snapped_on_request(tmp_path: Path) -> None:
    metre = 1 / 111_120
    ends = {"s1": 0.005, "s2": 0.05, "s3": 0.5, "s4": 5.0}
    segments = [
        feature(line([4.30, 43.80], [4.301, 43.801 + off * metre]), layer="segment", id=name, a="a", b="b")
        for name, off in ends.items()
    ]
    result = bring_in(tmp_path, *chambers(), *segments)
    graded = {
        item.address: (item.summary[:7], str(item.severity)) for item in result.findings if "grade" in item.summary
    }
    assert graded == {
        "segment s2": ("grade B", "note"),
        "segment s3": ("grade C", "warning"),
        "segment s4": ("grade D", "warning"),
    }
    assert all(item.source and item.source.line for item in result.findings if "grade" in item.summary)
    other = import_geojson(written(tmp_path, *chambers(), *segments), tmp_path / "net2", snap=0.1)
    assert {item.address for item in other.findings if item.code == "snapped"} == {"segment s1", "segment s2"}
    plant = Context(tmp_path / "net2").loaded.plant
    assert plant.segments["s2"].line[-1] == (4.301, 43.801)
    assert plant.segments["s3"].line[-1] != (4.301, 43.801)


def test_orphans_and_sheaths_that_do_not_fit_are_named(tmp_path: Path) -> None:
    kind = {"cable_types": [{"id": "t", "strands": 12, "tubes": 1, "helix": "1 %"}]}
    features = [
        *chambers(),
        feature(line([4.30, 43.80], [4.301, 43.801]), layer="segment", id="s", a="a", b="b"),
        feature(None, layer="cable", id="k", type="t", a="a", b="b", route=["s"], sheath="200 m"),
        feature(None, layer="cable", id="ok", type="t", a="a", b="b", route=["s"], sheath="151 m"),
        feature(None, layer="loop", cable="ok", at="b", length="10 m"),
        feature(None, layer="closure", id="x", at="c"),
    ]
    path = written(tmp_path, *features, sdnctl=kind)
    result = import_geojson(path, tmp_path / "net")
    found = {(item.code, item.address) for item in result.findings}
    assert found == {("orphan", "chamber c"), ("orphan", "closure x"), ("sheath-ratio", "cable k")}
    assert Context(tmp_path / "net").loaded.plant.cables["ok"].slack == {"b": 10.0}


# ── somebody else's ──────────────────────────────────────────────────────────────────────────────

MAPPING = """
layers:
  - to: segment
    from: {file: "trac*.geojson", where: {NATURE: [tranchee, aerien]}}
    id: CODE
    properties: {kind: NATURE, owner: PROPRIO, length: LONG_M}
    values: {kind: {tranchee: trench, aerien: overhead}}
    units: {length: m}
    constants: {source: city GIS}
  - {to: chamber, from: {file: chambres.geojson}, id: REF, constants: {owner: ville, source: city GIS}}
  - {to: duct, from: {geometry: [LineString], where: {T: fourreau}}, id: NOM, constants: {owner: ville, source: x}}
  - {to: closure, from: {geometry: [Point], where: {T: boite}}, id: NOM}
  - {to: cable, id: NOM, properties: {route: ROUTE, strands: NB_FO}, constants: {owner: ville, source: city GIS}}
"""


def foreign(folder: Path) -> Path:
    source = folder / "gis"
    source.mkdir()
    written(
        source,
        feature(
            line([4.30, 43.80], [4.301, 43.801]), CODE="T/1", NATURE="tranchee", LONG_M="155,5", PROPRIO="ville"
        ),
        feature(line([4.301, 43.801], [4.302, 43.802]), CODE="T/2", NATURE="aerien", LONG_M=140, couleur="noir"),
        name="tracé.geojson",
    )
    written(
        source,
        feature(point(4.30, 43.80), REF="CH 1"),
        feature(point(4.301, 43.801), REF="CH 1"),
        name="chambres.geojson",
    )
    written(
        source,
        feature(line([4.30, 43.80], [4.302, 43.802]), NOM="CB-01", NB_FO=144, ROUTE="T/1; T/2"),
        feature(line([4.30, 43.80], [4.31, 43.80]), NOM="CB-02", NB_FO=24),
        feature(line([4.31, 43.80], [4.32, 43.80]), NOM="F1", T="fourreau"),
        feature(point(4.31, 43.80), NOM="BPE 1", T="boite"),
        name="réseau.geojson",
    )
    (folder / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    return source


def test_a_foreign_gis_comes_in_with_a_mapping(tmp_path: Path) -> None:
    source = foreign(tmp_path)
    result = import_geojson(source, tmp_path / "net", mapping=tmp_path / "mapping.yaml")
    plant = Context(tmp_path / "net").loaded.plant
    assert {key: (one.kind, one.length) for key, one in plant.segments.items() if key != "sg-F1"} == {
        "t-1": ("trench", 155.5),
        "t-2": ("overhead", 140.0),
    }
    assert plant.cables["CB-01"].places == ("ch-1", "ch-1-2", "ch-t-2-b")
    assert plant.cable_types[plant.cables["CB-02"].type].strands == 24
    assert plant.ducts["F1"].segments == ("sg-F1",)
    assert plant.closures["bpe-1"].at == plant.cables["CB-02"].b
    derived = {item.code for item in result.findings}
    assert derived >= {"id-derived", "place-derived", "sheath-derived", "type-derived", "segment-derived"}
    target, _ = again(tmp_path, tmp_path / "net")
    found = properties_of(target)
    assert found["t-2"]["couleur"] == "noir"
    assert found["CB-01"]["ROUTE"] == "T/1; T/2"
    import_geojson(target, tmp_path / "net2")
    export_geojson(Context(tmp_path / "net2"), tmp_path / "second.geojson")
    assert (tmp_path / "second.geojson").read_bytes() == target.read_bytes()


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        ("layers: []", "bad-mapping"),
        ("layers:\n  - {to: submarine}", "bad-mapping"),
        ("layers:\n  - {to: cable, properties: {colour: C}, constants: {type: t}}", "bad-value"),
        ("layers: [", "yaml-syntax"),
    ],
)
def test_a_wrong_mapping_is_explained(mapping: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(mapping)
    cable = feature(line([4.30, 43.80], [4.31, 43.80]), C="red")
    with pytest.raises(InputError) as caught:
        bring_in(tmp_path, cable, mapping=tmp_path / "m.yaml")
    assert code in {item.code for item in caught.value.diagnostics}


def hazard(*corners: list[float]) -> dict[str, Any]:
    shape = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
    return {"type": "Feature", "properties": {"layer": "hazard", "id": "h", "kind": "flood"}, "geometry": shape}


def test_positions_of_a_grid_are_told_once(tmp_path: Path) -> None:
    chambers = [
        {
            "type": "Feature",
            "properties": {"layer": "chamber", "id": f"c{n}"},
            "geometry": point(809_000 + n, 6_303_000),
        }
        for n in range(9)
    ]
    path = tmp_path / "in.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": chambers}), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        import_geojson(path, tmp_path / "net")
    (one,) = caught.value.diagnostics
    assert one.code == "not-wgs84"
    assert "Lambert-93" in one.detail
    assert not (tmp_path / "net").exists()


def test_latitude_before_longitude_is_noticed_by_lengths(small: Path, tmp_path: Path) -> None:
    def turned(tree: Any) -> Any:
        return tree[::-1] if isinstance(tree[0], int | float) else [turned(part) for part in tree]

    data = json.loads(small.read_text(encoding="utf-8"))
    for feature in data["features"]:
        if feature["geometry"] is not None:
            feature["geometry"]["coordinates"] = turned(feature["geometry"]["coordinates"])
    path = tmp_path / "in.geojson"
    path.write_text(json.dumps(data), encoding="utf-8")
    assert "axes-exchanged" in {one.code for one in import_geojson(path, tmp_path / "net").findings}
    assert "axes-exchanged" not in {one.code for one in import_geojson(small, tmp_path / "right").findings}


def test_an_outline_that_crosses_itself_is_no_area(tmp_path: Path) -> None:
    bow = hazard([4.30, 43.80], [4.36, 43.86], [4.36, 43.80], [4.30, 43.86])
    path = tmp_path / "in.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [bow]}), encoding="utf-8")
    with pytest.raises(InputError, match="crosses itself"):
        import_geojson(path, tmp_path / "net")
    assert not (tmp_path / "net").exists()


# ── restricted sites ─────────────────────────────────────────────────────────────────────────────


def test_redaction_leaves_no_trace_of_a_restricted_site(small: Path, tmp_path: Path) -> None:
    import_geojson(small, tmp_path / "net")
    sites = tmp_path / "net" / "inventory" / "sites.yaml"
    text = sites.read_text(encoding="utf-8")
    assert text.count("id: exchange\n") == 1
    sites.write_text(text.replace("id: exchange\n", "id: exchange\n    restricted: true\n"), encoding="utf-8")
    plant = Context(tmp_path / "net").loaded.plant
    site = plant.sites["exchange"]
    assert site.position is not None
    notes = {"remark": "note near EXCHANGE hall", "geo": [*site.position]}
    keep = tmp_path / "net" / FILE
    keep.parent.mkdir(exist_ok=True)
    kept = [
        {"type": "Feature", "properties": notes, "geometry": None},
        {"type": "Feature", "properties": {"t": "tree"}, "geometry": point(*site.position)},
    ]
    keep.write_text(json.dumps({"format": 1, "members": {}, "extras": [], "features": kept}))
    with pytest.raises(InputError, match="redaction-leaks"):
        export_geojson(Context(tmp_path / "net"), tmp_path / "no.geojson", redacted=True)
    assert not (tmp_path / "no.geojson").exists()
    del notes["geo"]
    keep.write_text(json.dumps({"format": 1, "members": {}, "extras": [], "features": kept}))
    result = export_geojson(Context(tmp_path / "net"), tmp_path / "out.geojson", redacted=True)
    out = (tmp_path / "out.geojson").read_text(encoding="utf-8")
    assert "exchange" not in out.lower()
    assert site.name.lower() not in out.lower()
    x, y = site.position
    assert f"{x}" not in out or f"{y}" not in out
    assert "tree" not in out
    assert "note near redacted-1 hall" in out
    assert any(item.code == "redacted" for item in result.findings)
    whole = json.loads(small.read_text(encoding="utf-8"))["features"]
    assert 0 < len(json.loads(out)["features"]) < len(whole)


def test_the_verbs(tmp_path: Path, small: Path) -> None:
    done = sdnctl("--format", "json", "import", "geojson", small, tmp_path / "net", "--snap", "10 cm")
    assert (done.code, done.document["command"]) == (0, "import geojson")
    done = sdnctl("-n", tmp_path / "net", "--format", "json", "export", "geojson", tmp_path / "o.geojson")
    assert (done.document["changed"], done.document["command"]) == (["o.geojson"], "export geojson")
    done = sdnctl("-n", tmp_path / "net", "export", "geojson", tmp_path / "o.geojson")
    assert "nothing changed since the last time" in " ".join(done.out.split())
    assert sdnctl("import", "geojson", small, tmp_path / "n2", "--snap", "far").code == 64
