"""A store as a delivery on disk, a folder or a GeoPackage: the same rows are the same bytes."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from sdnctl.errors import Diagnostics
from sdnctl.exchange import dbf, geopackage, shapefile, wkb
from sdnctl.exchange.geopackage import quoted
from sdnctl.exchange.gracethd.cells import affinity, plain, read_cell, write_cell
from sdnctl.exchange.gracethd.schema import LAMBERT93, NUMBERS, WGS84
from sdnctl.exchange.gracethd.store import SHAPE, Column, Store, Table
from sdnctl.exchange.wkb import ShapeError

PROJECTIONS = {
    LAMBERT93: (
        'PROJCS["RGF93_Lambert_93",GEOGCS["GCS_RGF_1993",DATUM["D_RGF_1993",'
        'SPHEROID["GRS_1980",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],'
        'PROJECTION["Lambert_Conformal_Conic"],PARAMETER["False_Easting",700000.0],'
        'PARAMETER["False_Northing",6600000.0],PARAMETER["Central_Meridian",3.0],'
        'PARAMETER["Standard_Parallel_1",49.0],PARAMETER["Standard_Parallel_2",44.0],'
        'PARAMETER["Latitude_Of_Origin",46.5],UNIT["Meter",1.0]]'
    ),
    WGS84: (
        'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
        'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
    ),
}
_SYSTEMS = {LAMBERT93: "RGF93 v1 / Lambert-93", WGS84: "WGS 84"}
_FIELD = re.compile(r"([CNFDL])\((\d+),(\d+)\)\Z")
_KINDS = {name: kind for kind, name in wkb.NAMES.items()}
NARROWEST, LONGEST_NAME = 10, 10


def write_folder(store: Store, folder: Path, out: Diagnostics) -> list[Path]:
    """Every table as a .csv, or as a shapefile where it has shapes; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for table in store.tables.values():
        stem = folder / re.sub(r"[^\w.-]", "_", table.title)
        if table.shape is None:
            path = stem.with_name(stem.name + ".csv")
            _write_csv(store, table, path)
            files.append(path)
        else:
            files += _write_shapefile(store, table, stem, out)
    return files


def _write_csv(store: Store, table: Table, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=";", lineterminator="\n")
        writer.writerow([column.title for column in table.columns])
        for cells, _ in store.cells(table.name):
            writer.writerow([plain(cell) for cell in cells])


def _write_shapefile(store: Store, table: Table, stem: Path, out: Diagnostics) -> list[Path]:
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("shp", "shx", "dbf", "prj", "cpg")]
    kind = _kind(store, table)
    cut = left = 0
    with paths[0].open("wb") as shp, paths[1].open("wb") as shx, paths[2].open("wb") as rows:
        shapes, cells_ = shapefile.Writer(shp, shx, kind), dbf.Writer(rows, _fields(store, table, out))
        for cells, shape in store.cells(table.name):
            try:
                shapes.write(shape)
            except ShapeError:
                left += 1
                shapes.write(None)
            cut += not cells_.write(plain(cell) for cell in cells)
        shapes.close()
        cells_.close()
    paths[3].write_text(PROJECTIONS[table.crs], encoding="ascii")
    paths[4].write_text("UTF-8", encoding="ascii")
    if cut:
        summary = f"{cut} rows of {table.title} have a text that is too long for a shapefile, and was cut"
        out.warning("text-cut", summary, hint="Export a GeoPackage (a target that ends in .gpkg).")
    if left:
        summary = f"{left} shapes of {table.title} do not fit into a shapefile with the others, and were left out"
        out.warning("shape-left-out", summary, hint="Export a GeoPackage (a target that ends in .gpkg).")
    return paths


def _kind(store: Store, table: Table) -> int:
    """The kind of shapes of a layer; where it does not say, that of its first shape."""
    kind = _KINDS.get((table.shape or "").split(" ")[0])
    if kind is not None:
        return kind
    sql = f"SELECT {quoted(SHAPE)} FROM {quoted(table.name)} WHERE {quoted(SHAPE)} IS NOT NULL LIMIT 1"
    row = store.connection.execute(sql).fetchone()
    return wkb.load(row[0]).kind if row is not None else wkb.POINT


def _fields(store: Store, table: Table, out: Diagnostics) -> list[dbf.Field]:
    """Columns of a dBASE table: as they were, and wide enough for what is in them; names have ten letters."""
    found, taken = [], set[str]()
    for column, name in zip(table.columns, table.names, strict=True):
        title = dbf.fitting(column.title, LONGEST_NAME).decode()
        number = 1
        while title.lower() in taken:
            number += 1
            title = f"{dbf.fitting(column.title, LONGEST_NAME - len(str(number)) - 1).decode()}_{number}"
        if title != column.title:
            out.warning("name-cut", f"column {column.title} of {table.title} is called {title} in the shapefile")
        taken.add(title.lower())
        found.append(_field(store, table, column, name, title))
    return found or [dbf.Field("id", "C", NARROWEST)]


def _field(store: Store, table: Table, column: Column, name: str, title: str) -> dbf.Field:
    cell = quoted(name)
    sql = f"SELECT max(length(CAST({cell} AS BLOB))) FROM {quoted(table.name)}"
    needed = min(store.connection.execute(sql).fetchone()[0] or 0, dbf.WIDEST)
    match = _FIELD.match(column.type)
    if match is not None:
        return dbf.Field(title, match[1], max(int(match[2]), needed), int(match[3]))
    if column.name in NUMBERS:
        _, width, decimals = NUMBERS[column.name]
        return dbf.Field(title, "N", max(width, needed), decimals)
    return dbf.Field(title, "C", max(NARROWEST, needed))


def write_package(store: Store, path: Path) -> None:
    """Every table in one GeoPackage."""
    systems = [(name, number, PROJECTIONS[number]) for number, name in sorted(_SYSTEMS.items())]
    with geopackage.Writer(path, systems) as package:
        for table in store.tables.values():
            types = [
                _sql_type(store, table, column, name)
                for column, name in zip(table.columns, table.names, strict=True)
            ]
            columns = tuple(
                geopackage.Column(title, kind) for title, kind in zip(_titles(table), types, strict=True)
            )
            shape = None if table.shape is None else _free("geom", [column.name for column in columns])
            key = _free("fid", [column.name for column in columns])
            layer = geopackage.Layer(table.title, columns, shape, table.shape or "", table.crs, key)
            package.write(layer, _values(store, table, types))


def _titles(table: Table) -> list[str]:
    return [
        column.title if name == column.name else name
        for column, name in zip(table.columns, table.names, strict=True)
    ]


def _free(name: str, taken: list[str]) -> str:
    while name in {one.lower() for one in taken}:
        name += "_"
    return name


def _sql_type(store: Store, table: Table, column: Column, name: str) -> str:
    """The type of a column: as it was in a GeoPackage; numbers where the standard has them and none is altered."""
    if column.type and _FIELD.match(column.type) is None:
        return column.type
    if column.name not in NUMBERS:
        return "TEXT"
    kind = NUMBERS[column.name][0]
    cell = quoted(name)
    sql = f"SELECT {cell}, CAST({cell} AS {kind}) FROM {quoted(table.name)} WHERE coalesce({cell}, '') != ''"
    same = all(write_cell(value, kind) == text for text, value in store.connection.execute(sql))
    return kind if same else "TEXT"


def _values(store: Store, table: Table, types: list[str]) -> Iterator[tuple[geopackage.Value, ...]]:
    numeric = [affinity(kind) in ("INTEGER", "REAL", "NUMERIC") for kind in types]
    for cells, shape in store.cells(table.name):
        values = [
            (read_cell(cell) if cell[0] == "\\" else cell) if cell else (None if number else cell)
            for cell, number in zip(cells, numeric, strict=True)
        ]
        yield *values, shape
