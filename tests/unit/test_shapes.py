"""Shapefiles, dBASE tables, well-known binary and GeoPackages against other people's programs."""

from __future__ import annotations

import datetime
import io
import sqlite3
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import shapefile as pyshp
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sdnctl.exchange import dbf, delimited, geopackage, shapefile, wkb
from sdnctl.exchange.dbf import TableError
from sdnctl.exchange.wkb import Shape, ShapeError

numbers = st.floats(-1e9, 1e9, allow_nan=False)
lines = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=6)
SQUARE = [(0.0, 0.0), (0.0, 10.0), (10.0, 10.0), (10.0, 0.0), (0.0, 0.0)]  # clockwise
HOLE = [(2.0, 2.0), (4.0, 2.0), (4.0, 4.0), (2.0, 4.0), (2.0, 2.0)]


@settings(max_examples=40)
@given(lines)
def test_lines_as_shapely_has_them(line: list[tuple[float, float]]) -> None:
    made = wkb.line(line)
    assert list(shapely.from_wkb(made).coords) == line
    assert wkb.load(made).coordinates == tuple(line)
    assert wkb.dump(wkb.load(made)) == made


@pytest.mark.parametrize(
    "text",
    [
        "POINT (1 2)", "POINT Z (1 2 3)", "LINESTRING Z (0 0 1, 1 1 2)", "MULTIPOINT ((1 2), (3 4))",
        "POLYGON ((0 0, 0 9, 9 9, 0 0), (1 2, 2 3, 1 3, 1 2))", "MULTILINESTRING ((0 0, 1 1), (2 2, 3 3, 4 4))",
        "MULTIPOLYGON (((0 0, 0 9, 9 9, 0 0)), ((20 0, 20 9, 29 9, 20 0), (21 2, 22 3, 21 3, 21 2)))",
    ],
)  # fmt: skip
@pytest.mark.parametrize("order", [0, 1])
def test_every_kind_of_shape_as_shapely_has_it(text: str, order: int) -> None:
    wanted = shapely.from_wkt(text)
    loaded = wkb.load(shapely.to_wkb(wanted, byte_order=order, flavor="iso"))
    assert shapely.from_wkb(wkb.dump(loaded)).equals_exact(wanted, 0)
    assert len(list(loaded.vertices())) == shapely.count_coordinates(wanted)


@settings(max_examples=60)
@given(st.binary(max_size=80))
def test_any_bytes_are_a_shape_or_none(data: bytes) -> None:
    with suppress(ShapeError):
        wkb.load(data)


def test_a_count_that_cannot_be_is_not_believed() -> None:
    with pytest.raises(ShapeError, match="do not fit"):
        wkb.load(struct.pack("<BII", 1, wkb.LINE, 2**32 - 1))


# ── shapefiles ───────────────────────────────────────────────────────────────────────────────────


def written(kind: int, *shapes: Shape | None) -> tuple[bytes, bytes]:
    shp, shx = io.BytesIO(), io.BytesIO()
    writer = shapefile.Writer(shp, shx, kind)
    for shape in shapes:
        writer.write(None if shape is None else wkb.dump(shape))
    writer.close()
    return shp.getvalue(), shx.getvalue()


def table(*names: str, rows: int) -> bytes:
    stream = io.BytesIO()
    writer = dbf.Writer(stream, [dbf.Field(name) for name in names])
    for number in range(rows):
        writer.write(f"é{number}" for _ in names)
    writer.close()
    return stream.getvalue()


SHAPES: list[tuple[int, Shape, Callable[[Any], Any]]] = [
    (wkb.POINT, Shape(wkb.POINT, (1.5, 2.5)), lambda s: s.points[0]),
    (wkb.LINE, Shape(wkb.LINE, ((0.0, 1.0), (2.0, 3.0))), lambda s: tuple(s.points)),
    (wkb.LINE, Shape(wkb.MULTILINE, (((0.0, 1.0), (2.0, 3.0)), ((4.0, 5.0), (6.0, 7.0)))), lambda s: s.parts),
    (wkb.POLYGON, Shape(wkb.POLYGON, (tuple(SQUARE), tuple(HOLE))), lambda s: s.parts),
    (wkb.LINE, Shape(wkb.LINE, ((0.0, 1.0, 7.0), (2.0, 3.0, 8.0)), 1), lambda s: tuple(s.z)),
]  # fmt: skip
WANTED = [(1.5, 2.5), ((0.0, 1.0), (2.0, 3.0)), [0, 2], [0, 5], (7.0, 8.0)]


@pytest.mark.parametrize(
    ("kind", "shape", "part", "wanted"), [(*one, want) for one, want in zip(SHAPES, WANTED, strict=True)]
)
def test_pyshp_reads_what_is_written(kind: int, shape: Shape, part: Callable[[Any], Any], wanted: Any) -> None:
    shp, shx = written(kind, None, shape)
    with pyshp.Reader(shp=io.BytesIO(shp), shx=io.BytesIO(shx), dbf=io.BytesIO(table("name", rows=2))) as reader:
        assert len(reader) == 2
        found = part(reader.shape(1))
        assert (list(found) if isinstance(wanted, list) else found) == wanted
        assert reader.record(1)["name"] == "é1"
    assert list(shapefile.read_shapes(io.BytesIO(shp))) == [None, wkb.dump(shape)]


def test_what_pyshp_writes_is_read(tmp_path: Path) -> None:
    with pyshp.Writer(str(tmp_path / "x"), shapeType=pyshp.POLYGON, encoding="utf-8") as writer:
        writer.field("name", "C", 20)
        writer.field("length", "N", 10, 2)
        writer.field("day", "D")
        writer.poly([SQUARE, HOLE, [(x + 50, y) for x, y in SQUARE]])
        writer.record("Nîmes", 12.3, datetime.date(2019, 5, 4))
    with (tmp_path / "x.shp").open("rb") as stream:
        (shape,) = shapefile.read_shapes(stream)
    assert shape is not None
    loaded = wkb.load(shape)
    assert loaded.kind == wkb.MULTIPOLYGON
    assert [len(polygon) for polygon in loaded.coordinates] == [2, 1]
    assert shapely.from_wkb(shape).area == pytest.approx(196)
    with (tmp_path / "x.dbf").open("rb") as stream:
        assert list(dbf.Reader(stream).rows()) == [["Nîmes", "12.30", "20190504"]]


def test_rings_are_turned_as_a_shapefile_wants_them() -> None:
    """A hole that turns like its outer ring would become an area of its own."""
    shape = Shape(wkb.POLYGON, (tuple(SQUARE), tuple(reversed(HOLE))))
    shp, _ = written(wkb.POLYGON, shape)
    (read,) = shapefile.read_shapes(io.BytesIO(shp))
    assert read is not None
    assert shapely.from_wkb(read).area == pytest.approx(96)


def test_shapes_that_do_not_fit_a_layer_are_refused() -> None:
    with pytest.raises(ShapeError, match="POINT does not fit"):
        written(wkb.LINE, SHAPES[0][1])


@settings(max_examples=60)
@given(st.binary(max_size=200), st.integers(0, 250), st.integers(0, 3))
def test_any_damage_to_a_shapefile_is_said(junk: bytes, at: int, kind: int) -> None:
    whole, _ = written(SHAPES[kind][0], SHAPES[kind][1], SHAPES[kind][1])
    data = whole[:at] + junk + whole[at + len(junk) // 2 :]
    with suppress(TableError):
        list(shapefile.read_shapes(io.BytesIO(data)))


@settings(max_examples=60)
@given(st.binary(max_size=60), st.integers(0, 250))
def test_any_damage_to_a_table_is_said(junk: bytes, at: int) -> None:
    whole = table("a", "b", rows=2)
    with suppress(TableError):
        list(dbf.Reader(io.BytesIO(whole[:at] + junk + whole[at + len(junk) :])).rows())


def test_a_table_is_the_same_bytes_on_every_day_and_cuts_whole_characters() -> None:
    assert table("a", rows=3) == table("a", rows=3)
    stream = io.BytesIO()
    writer = dbf.Writer(stream, [dbf.Field("a", "C", 4), dbf.Field("n", "N", 6, 2)])
    assert writer.write(["été!", "1.5"]) is False
    assert writer.write(["été"[:2], "1.50"]) is True
    writer.close()
    assert list(dbf.Reader(io.BytesIO(stream.getvalue()), "UTF-8").rows()) == [["ét", "1.5"], ["ét", "1.50"]]


@pytest.mark.parametrize(
    ("page", "raw"), [("UTF-8", "é".encode()), ("1252", b"\xe9"), ("", b"\xe9"), ("", "é".encode())]
)
def test_encodings_of_tables(page: str, raw: bytes) -> None:
    data = table("a", rows=1).replace("é".encode(), raw.ljust(2))
    assert [row[0].split()[0][0] for row in dbf.Reader(io.BytesIO(data), page).rows() if row] == ["é"]


# ── GeoPackages ──────────────────────────────────────────────────────────────────────────────────


def package(path: Path, note: str = "x") -> Path:
    systems = [("WGS 84", 4326, "GEOGCS[]")]
    with geopackage.Writer(path, systems) as writer:
        layer = geopackage.Layer("t_noeud", (geopackage.Column("nd_code"),), "geom", "POINT", 4326)
        writer.write(layer, [("a", wkb.point(1.0, 2.0)), (note, None)])
        writer.write(geopackage.Layer("plain", (geopackage.Column("n", "INTEGER"),)), [(7, None)])
    return path


def test_a_geopackage_is_what_the_standard_asks(tmp_path: Path) -> None:
    path = package(tmp_path / "a.gpkg")
    data = path.read_bytes()
    assert data[68:72] == b"GPKG"
    assert package(tmp_path / "b.gpkg").read_bytes() == data
    with sqlite3.connect(path) as connection:
        run = connection.execute
        assert run("PRAGMA integrity_check").fetchone() == ("ok",)
        assert run("SELECT table_name, data_type, min_x, max_y FROM gpkg_contents").fetchall() == [
            ("t_noeud", "features", 1.0, 2.0), ("plain", "attributes", None, None),
        ]  # fmt: skip
        assert run("SELECT * FROM gpkg_geometry_columns").fetchall() == [("t_noeud", "geom", "POINT", 4326, 0, 0)]
        assert {row[0] for row in run("SELECT srs_id FROM gpkg_spatial_ref_sys")} == {-1, 0, 4326}
        (shape,) = run("SELECT geom FROM t_noeud WHERE fid = 1").fetchone()
    assert shape[:8] == b"GP\0\1" + struct.pack("<i", 4326)
    assert shapely.from_wkb(shape[8:]).equals(shapely.Point(1, 2))
    connection = geopackage.open_package(path)
    read = {one.name: list(geopackage.read_rows(connection, one)) for one in geopackage.layers(connection)}
    connection.close()
    assert [(row[0], geopackage.unblob(row[1])) for row in read["t_noeud"]] == [
        ("a", wkb.point(1, 2)),
        ("x", None),
    ]
    assert read["plain"] == [(7, None)]


def test_headers_of_shapes() -> None:
    point = wkb.point(1.0, 2.0)
    for flags, envelope in ((0b0001, 0), (0b0011, 4), (0b0101, 6), (0b1001, 8), (0b0000, 0)):
        head = struct.pack("<2sBBi", b"GP", 0, flags, 1) + bytes(8 * envelope)
        assert geopackage.unblob(head + point) == point
    assert geopackage.unblob(struct.pack("<2sBBi", b"GP", 0, 0b10001, 1) + point) is None
    for bad in (
        b"",
        b"GP",
        "text",
        struct.pack("<2sBBi", b"GP", 0, 0b1011, 1),
        struct.pack("<2sBBi", b"GP", 0, 32, 1),
    ):
        with pytest.raises(ShapeError):
            geopackage.unblob(bad)


# ── text ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("encoding", "style"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("cp1252", "cp1252"), ("utf-16", "utf-16")],
)
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_styles_of_text(tmp_path: Path, encoding: str, style: str, separator: str) -> None:
    path = tmp_path / "a.csv"
    text = f'a{separator}b\r\n"x\ny"{separator}été – œ\r\n\r\n1{separator}\r\n'
    path.write_bytes(text.encode(encoding))
    found = delimited.style_of(path)
    assert found == delimited.Style(style, separator)
    rows = list(delimited.read_rows(path, found))
    assert rows == [(1, ["a", "b"]), (2, ["x\ny", "été – œ"]), (5, ["1", ""])]


def test_an_accent_far_down_decides_the_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a;b\n" + b"1;2\n" * 50_000 + b"\xe9;3\n")
    assert delimited.style_of(path).encoding == "cp1252"
