"""Deliveries on disk into a store: folders of tables and shapefiles, and GeoPackages.

What cannot be read is an error for the table, never an exception; the caller decides whether the rest may go on.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from sdnctl.errors import Diagnostics, Source
from sdnctl.exchange import delimited, geopackage, shapefile
from sdnctl.exchange.dbf import Reader, TableError
from sdnctl.exchange.gracethd.cells import escaped, write_cell
from sdnctl.exchange.gracethd.schema import LAMBERT93, WGS84
from sdnctl.exchange.gracethd.store import NONE, Cell, Column, Shape, Store, Table
from sdnctl.exchange.wkb import ShapeError

_TABLES = frozenset({".shp", ".dbf", ".csv"})
_BESIDE = frozenset({".prj", ".cpg"})
Row = tuple[int, Sequence[Cell], Shape]


@dataclass
class _Delivery:
    """What is read: names of files for people are relative to `root`."""

    root: Path
    store: Store
    out: Diagnostics
    bad_rows: dict[str, int] = field(default_factory=dict)

    def name(self, path: Path) -> str:
        return path.name if path == self.root else str(path.relative_to(self.root))

    def error(
        self, code: str, path: Path, summary: str, detail: str = "", hint: str = "", line: int | None = None
    ) -> None:
        self.out.error(code, summary, source=Source(self.name(path), line), detail=detail, hint=hint)

    def warning(
        self, code: str, path: Path, summary: str, detail: str = "", hint: str = "", line: int | None = None
    ) -> None:
        self.out.warning(code, summary, source=Source(self.name(path), line), detail=detail, hint=hint)


def read_source(path: Path, store: Store, out: Diagnostics) -> str:
    """Read a delivery; returns ``folder`` or ``gpkg``. Everything wrong with the files is in `out`."""
    source = _Delivery(path, store, out)
    try:
        if path.is_dir():
            _read_folder(source)
            kind = "folder"
        elif path.is_file():
            _read_package(source)
            kind = "gpkg"
        else:
            out.error("no-such-delivery", f"there is no file or folder {path}", hint="Check the name.")
            return ""
    except OSError as error:
        out.error("cannot-read", f"{path} cannot be read", detail=str(error), hint="Check its permissions.")
        return ""
    if not store.tables and not out.errors:
        out.error(
            "empty-delivery",
            f"there is no table in {path}",
            hint="Name the folder that has the .csv and .shp files, or the .gpkg file.",
        )
    elif not out.errors and not any(name.startswith("t_") for name in store.tables):
        out.error(
            "not-gracethd",
            f"{path} has no table of GraceTHD",
            detail=f"It has {', '.join(sorted(store.tables)[:8])}.",
            hint="Their names begin with t_, such as t_noeud and t_cable.",
        )
    return kind


# ── folders ──────────────────────────────────────────────────────────────────────────────────────


def _read_folder(source: _Delivery) -> None:
    """Every table of a folder; of a name in several encodings the shapefile counts."""
    files: dict[str, dict[str, Path]] = {}
    for entry in sorted(os.scandir(source.root), key=lambda one: (one.name.lower(), one.name)):
        path = Path(entry.path)
        if not entry.is_file() or path.suffix.lower() not in _TABLES | _BESIDE:
            continue
        parts = files.setdefault(path.stem.lower(), {})
        first = parts.setdefault(path.suffix.lower(), path)
        if first is not path:
            hint = "Which of them is right? Take the other one away."
            source.error("table-twice", path, f"{first.name} and {path.name} are the same table", hint=hint)
    for name, parts in files.items():
        if _TABLES.isdisjoint(parts):
            continue
        try:
            if ".shp" in parts or ".dbf" in parts:
                _read_shapefile(source, parts)
                if ".csv" in parts:
                    source.warning(
                        "table-twice", parts[".csv"], f"{name} is there as a shapefile, too; that was read"
                    )
            else:
                _read_csv(source, parts[".csv"])
        except TableError as error:
            path = next(part for suffix, part in parts.items() if suffix in _TABLES)
            if name in source.store.tables:
                source.store.drop(name)
            hint = "Ask for the file again; it may have been cut off on its way."
            source.error("bad-table", path, f"{path.name} cannot be read", f"{error}.", hint)


def _read_csv(source: _Delivery, path: Path) -> None:
    style = delimited.style_of(path)
    if style.stray:
        summary = f"{path.name} is in UTF-8, but for {style.stray:,} bytes, which were read as Windows-1252"
        source.warning("mixed-encoding", path, summary, hint="Look at the accents, and save it as UTF-8.")
    rows = delimited.read_rows(path, style)
    first = next(rows, None)
    if first is None:
        source.warning("empty-table", path, f"{path.name} is empty")
        return
    if isinstance(first[1], str):
        raise TableError(first[1])
    header = [cell.lstrip("\ufeff") for cell in first[1]]
    while len(header) > 1 and not header[-1].strip():
        header.pop()
    shapes = [index for index, cell in enumerate(header) if cell.strip().lower() in ("geom", "wkt", "the_geom")]
    table = Table(path.stem, tuple(map(Column, header)), file=path.name)
    if shapes:
        source.warning("shapes-in-text", path, f"{path.name} has shapes as text; they are kept, and not read")
    source.store.add(table, _csv_rows(source, path, rows, len(header)))


def _csv_rows(
    source: _Delivery, path: Path, rows: Iterator[tuple[int, list[str] | str]], width: int
) -> Iterator[Row]:
    for line, cells in rows:
        if isinstance(cells, str):
            _bad_row(source, path, line, cells)
            continue
        extra = cells[width:]
        if any(cell.strip() for cell in extra) or len(cells) < width:
            _bad_row(source, path, line, f"it has {len(cells)} cells, the header {width}")
            continue
        yield line, [escaped(cell) for cell in cells[:width]], None


def _bad_row(source: _Delivery, path: Path, line: int, why: str) -> None:
    """Rows that do not fit the header: the delivery is refused, and the first of them are named."""
    count = source.bad_rows[path.name] = source.bad_rows.get(path.name, 0) + 1
    if count <= 5:
        hint = "A separator or a quotation mark inside of a cell? Put the cell into double quotes."
        source.error(
            "bad-row", path, f"a row of {path.name} cannot be read", f"{why[0].upper()}{why[1:]}.", hint, line
        )


def _read_shapefile(source: _Delivery, parts: dict[str, Path]) -> None:
    shp, table = parts.get(".shp"), parts.get(".dbf")
    if table is None:
        assert shp is not None
        raise TableError(f"{shp.with_suffix('.dbf').name} is missing, which has the attributes")
    page = _sidecar(parts.get(".cpg"))
    with table.open("rb") as stream:
        reader = Reader(stream, page)
        columns = tuple(Column(one.name, f"{one.kind}({one.width},{one.decimals})") for one in reader.fields)
        if page.strip() and not reader.codec:
            summary = (
                f"{table.name} is in {page.strip()[:40]!r}, which is not known; UTF-8 or Windows-1252 was assumed"
            )
            source.warning("unknown-page", table, summary, hint="Look at the accents, and ask for UTF-8.")
        if shp is None:
            source.store.add(Table(table.stem, columns, file=table.name), _dbf_rows(reader, None, table))
        elif (crs := _crs_of(source, shp, _sidecar(parts.get(".prj")))) is not None:
            with shp.open("rb") as shapes:
                kind = _kind_of(shapes.read(36))
                shapes.seek(0)
                made = Table(table.stem, columns, kind, crs, shp.name)
                source.store.add(made, _dbf_rows(reader, shapefile.read_shapes(shapes), shp))
        if reader.otherwise:
            summary = (
                f"{reader.otherwise:,} texts of {table.name} are not in {reader.codec}, as its .cpg file says"
            )
            source.warning("encoding-differs", table, summary, hint="Look at the accents: UTF-8 or Windows-1252?")


def _dbf_rows(reader: Reader, shapes: Iterator[bytes | None] | None, path: Path) -> Iterator[Row]:
    if shapes is None:
        for line, cells in enumerate(reader.rows(), start=1):
            if cells is not None:
                yield line, [escaped(cell) for cell in cells], None
        return
    for line, (held, shape) in enumerate(zip_longest(reader.rows(), shapes, fillvalue=""), start=1):
        if isinstance(held, str) or isinstance(shape, str):
            raise TableError(f"{path.name} and its .dbf do not have the same number of rows")
        if held is not None:
            yield line, [escaped(cell) for cell in held], shape


def _kind_of(head: bytes) -> str:
    code = int.from_bytes(head[32:36], "little") % 10 if len(head) == 36 else 0
    return {1: "POINT", 3: "LINESTRING", 5: "POLYGON", 8: "MULTIPOINT"}.get(code, "GEOMETRY")


def _sidecar(path: Path | None) -> str:
    """The text of a small file beside a table, "" where there is none."""
    if path is None:
        return ""
    with path.open("rb") as stream:
        return stream.read(1 << 16).decode("utf-8", "replace")


def _crs_of(source: _Delivery, shp: Path, text: str) -> int | None:
    """The reference system of a shapefile by the `text` of its .prj; None (and an error) for one not read here."""
    plain = re.sub(r"[^a-z0-9]", "", text.lower())
    if not plain:
        source.warning(
            "crs-assumed",
            shp,
            f"{shp.name} does not say its reference system; Lambert-93 was assumed",
            hint="Ask for the .prj file.",
        )
        return LAMBERT93
    if "lambert93" in plain or 'authority["epsg","2154"]' in text.lower().replace(" ", ""):
        return LAMBERT93
    if text.lstrip().upper().startswith(("GEOGCS", "GEOGCRS")) and re.search(
        r"wgs_?19?84|rgf_?(19)?93", text.lower().replace(" ", "_")
    ):
        return WGS84
    _refuse_crs(source, shp, text.strip().split("[", 1)[-1][:60])
    return None


def _refuse_crs(source: _Delivery, path: Path, name: str) -> None:
    source.error(
        "unknown-crs",
        path,
        f"{path.name} is in a reference system that is not read: {name}",
        hint="Export it in Lambert-93 (EPSG:2154), as the standard asks, or in EPSG:4326.",
    )


# ── GeoPackages ──────────────────────────────────────────────────────────────────────────────────


def _read_package(source: _Delivery) -> None:
    try:
        connection = geopackage.open_package(source.root)
    except TableError as error:
        hint = "A delivery is a GeoPackage, or a folder of .csv and .shp files."
        source.error("not-a-geopackage", source.root, f"{source.root.name} is no GeoPackage", f"{error}.", hint)
        return
    try:
        _note_left(source, connection)
        for layer in geopackage.layers(connection):
            crs = LAMBERT93
            if layer.shape is not None:
                owner, number = geopackage.srs_of(connection, layer.srs)
                crs = number if owner in ("EPSG", "") else 0
                if crs not in (LAMBERT93, WGS84):
                    _refuse_crs(source, source.root, f"{owner}:{number} of layer {layer.name}")
                    continue
            kind = layer.kind.upper() if layer.shape is not None else None
            columns = [Column(one.name, one.type or NONE) for one in layer.columns]
            table = Table(layer.name, tuple(columns), kind, crs, f"{source.root.name}/{layer.name}")
            if table.name in source.store.tables:
                source.error("table-twice", source.root, f"there are two tables {table.name}")
                continue
            rows = geopackage.read_rows(connection, layer)
            source.store.add(table, _package_rows(source, layer.name, columns, rows))
    except TableError as error:
        hint = "Ask for the file again; it may have been cut off on its way."
        source.error("bad-table", source.root, f"{source.root.name} cannot be read", f"{error}.", hint)
    finally:
        connection.close()


def _note_left(source: _Delivery, connection: sqlite3.Connection) -> None:
    """What a database has beside tables and layers stays behind: others make it again, or it runs by itself."""
    left = geopackage.others(connection)
    if left:
        shown = ", ".join(left[:8]) + (" and others" if len(left) > 8 else "")
        summary = f"{len(left)} things of {source.root.name} that are no tables of data are not kept: {shown}"
        source.warning("not-kept", source.root, summary, hint="An export is a new GeoPackage, without them.")


def _package_rows(
    source: _Delivery, name: str, columns: Sequence[Column], rows: Iterator[tuple[geopackage.Value, ...]]
) -> Iterator[Row]:
    for line, row in enumerate(rows, start=1):
        try:
            shape = geopackage.unblob(row[-1])
        except ShapeError as error:
            raise TableError(f"row {line} of {name}: {error}") from error
        yield line, [write_cell(value, one.type) for value, one in zip(row, columns, strict=False)], shape
