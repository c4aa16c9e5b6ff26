"""GraceTHD deliveries for tests: one of a small town, invented here, as a surveyor's office writes them.

Two ways between a shed (site), two chambers and a pole; three cables, a box, a drawer. `Town` is edited by a test
before it is written.
"""

from __future__ import annotations

import csv
import io
import sqlite3
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdnctl.exchange import dbf, shapefile, wkb
from sdnctl.exchange.gracethd.targets import PROJECTIONS

X, Y = 809_000.0, 6_303_000.0
"""A corner of the town, in metres of Lambert-93."""
XY = tuple[float, float]


def at(east: float, north: float) -> XY:
    return X + east, Y + north


def _points(*names_and_places: tuple[str, XY]) -> list[dict[str, Any]]:
    return [{"nd_code": name, "geom": xy} for name, xy in names_and_places]


@dataclass
class Town:
    """Tables by name, rows as dictionaries; ``geom`` is a point or a list of points."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __getitem__(self, table: str) -> list[dict[str, Any]]:
        return self.tables[table]

    def row(self, table: str, code: str) -> dict[str, Any]:
        """The row whose first column has this value."""
        return next(row for row in self.tables[table] if next(iter(row.values())) == code)

    def write_folder(self, folder: Path, encoding: str = "utf-8", page: str = "UTF-8") -> Path:
        """CSV files and shapefiles; `encoding` of the CSV files, `page` of the .cpg files ("" for none)."""
        folder.mkdir(parents=True)
        for name, rows in self.tables.items():
            columns = columns_of(rows)
            if "geom" in columns:
                write_shapefile(folder / name, rows, page)
            else:
                stream = io.StringIO(newline="")
                writer = csv.DictWriter(stream, columns, delimiter=";", lineterminator="\r\n", restval="")
                writer.writeheader()
                writer.writerows(rows)
                (folder / f"{name}.csv").write_bytes(stream.getvalue().encode(encoding))
        return folder

    def write_package(self, path: Path) -> Path:
        """A GeoPackage as another program would write it: other page size, other order, envelopes, blank cells."""
        connection = sqlite3.connect(path)
        connection.executescript(
            "PRAGMA page_size = 1024; PRAGMA application_id = 1196444487;"
            "CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT,"
            " organization_coordsys_id INTEGER, definition TEXT, description TEXT);"
            "INSERT INTO gpkg_spatial_ref_sys VALUES ('L93', 100000, 'epsg', 2154, 'x', '');"
            "CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT,"
            " srs_id INTEGER, z TINYINT, m TINYINT);"
        )
        for name, rows in reversed(self.tables.items()):
            columns = columns_of(rows)
            plain = [column for column in columns if column != "geom"]
            marks = ", ".join("?" * len(columns))
            connection.execute(
                f"CREATE TABLE {name} (ogc_fid INTEGER PRIMARY KEY, {', '.join(f'{c} TEXT' for c in columns)})"
            )
            if "geom" in columns:
                connection.execute(
                    "INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', 'GEOMETRY', 100000, 0, 0)", (name,)
                )
            for row in rows:
                cells: list[Any] = [row.get(column) for column in plain]
                if "geom" in columns:
                    cells.append(_with_envelope(row["geom"]))
                filled = ", ".join([*plain, "geom"][: len(columns)])
                connection.execute(f"INSERT INTO {name} ({filled}) VALUES ({marks})", cells)
        connection.commit()
        connection.close()
        return path


def _with_envelope(geometry: Any) -> bytes:
    points = [geometry] if isinstance(geometry, tuple) else geometry
    xs, ys = [x for x, _ in points], [y for _, y in points]
    head = struct.pack("<2sBBi4d", b"GP", 0, 0b0000_0011, 100000, min(xs), max(xs), min(ys), max(ys))
    return head + shape_of(geometry)


def shape_of(geometry: Any) -> bytes:
    return wkb.point(*geometry) if isinstance(geometry, tuple) else wkb.line(geometry)


def columns_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(column for row in rows for column in row))


def write_shapefile(stem: Path, rows: list[dict[str, Any]], page: str = "UTF-8", prj: str | None = None) -> None:
    kind = wkb.POINT if isinstance(rows[0]["geom"], tuple) else wkb.LINE
    names = [column for column in columns_of(rows) if column != "geom"]
    with (
        stem.with_suffix(".shp").open("wb") as shp,
        stem.with_suffix(".shx").open("wb") as shx,
        stem.with_suffix(".dbf").open("wb") as table,
    ):
        shapes = shapefile.Writer(shp, shx, kind)
        cells = dbf.Writer(table, [dbf.Field(name.upper(), "C", 80) for name in names])
        for row in rows:
            shapes.write(shape_of(row["geom"]))
            cells.write(str(row.get(name, "")) for name in names)
        shapes.close()
        cells.close()
    stem.with_suffix(".prj").write_text(PROJECTIONS[2154] if prj is None else prj)
    if page:
        stem.with_suffix(".cpg").write_text(page)


def town() -> Town:
    """Version 2, without a fault, but with what is not ours to understand."""
    nodes = {"ND/01": at(0, 0), "ND/02": at(100, 0), "ND/03": at(100, 200), "ND/04": at(400, 200)}
    ways = (("ND/01", "ND/02"), ("ND/02", "ND/03"), ("ND/03", "ND/04"))
    who = {"prop": "OR01", "gest": "OR02", "statut": "REC"}
    town = Town()
    town.tables = {
        "t_noeud": _points(*nodes.items()),
        "t_sitetech": [
            {"st_code": "ST/01", "st_nd_code": "ND/01", "ST_NOM": "Hôtel de ville", "st_typelog": "NRO",
             "st_prop": "OR01", "st_statut": "REC", "st_datemes": "2015-06-01 00:00:00",
             "st_couleur": "vert d'eau"},
        ],
        "t_ptech": [
            {"pt_code": f"PT-0{number}", "pt_nd_code": f"ND/0{number}", "pt_typephy": "A" if number == 4 else "C",
             "pt_nature": "L2T", "pt_datemes": "04/05/2019", "pt_majsrc": "récolement; lot 3",
             **{f"pt_{key}": value for key, value in who.items()}}
            for number in (2, 3, 4)
        ],
        "t_ltech": [{"lt_code": "LT01", "lt_st_code": "ST/01"}],
        "t_cheminement": [
            {"cm_code": f"CM{number}", "cm_ndcode1": a, "cm_ndcode2": b, "cm_typ_imp": "0" if number == 3 else "7",
             "cm_lgreel": "", "cm_voirie": "rue basse", "geom": [nodes[a], nodes[b]]}
            for number, (a, b) in enumerate(ways, start=1)
        ],
        "t_conduite": [
            {"cd_code": "CD1", "cd_type": "PEHD", "cd_dia_ext": "40", "cd_prop": "OR01"},
            {"cd_code": "CD2", "cd_type": "AER", "cd_dia_ext": "", "cd_prop": ""},
        ],
        "t_cond_chem": [
            {"dm_cd_code": "CD1", "dm_cm_code": "CM2"},
            {"dm_cd_code": "CD1", "dm_cm_code": "CM1"},
            {"dm_cd_code": "CD2", "dm_cm_code": "CM3"},
        ],
        "t_cable": [
            {"cb_code": "CB/1", "cb_nd1": "ND/01", "cb_nd2": "ND/03", "cb_capafo": "24", "cb_modulo": "12",
             "cb_lgreel": "335,5", "cb_statut": "REC", "cb_prop": "OR01", "cb_teinte": "noir"},
            {"cb_code": "CB/2", "cb_nd1": "ND/03", "cb_nd2": "ND/04", "cb_capafo": "12", "cb_modulo": "12",
             "cb_lgreel": "322.0", "cb_statut": "REC", "cb_prop": "OR01", "cb_teinte": ""},
        ],
        "t_cab_cond": [
            {"cc_cb_code": "CB/1", "cc_cd_code": "CD1"},
            {"cc_cb_code": "CB/2", "cc_cd_code": "CD2"},
        ],
        "t_cableline": [
            {"cl_code": "CL1", "cl_cb_code": "CB/1", "geom": [nodes["ND/01"], nodes["ND/02"], nodes["ND/03"]]},
            {"cl_code": "CL2", "cl_cb_code": "CB/2", "geom": [nodes["ND/03"], nodes["ND/04"]]},
        ],
        "t_love": [
            {"lv_id": "7", "lv_cb_code": "CB/1", "lv_nd_code": "ND/03", "lv_long": "25"},
            {"lv_id": "9", "lv_cb_code": "CB/2", "lv_nd_code": "ND/03", "lv_long": "15"},
        ],
        "t_ebp": [{"bp_code": "BP1", "bp_pt_code": "PT-03", "bp_statut": "REC", "bp_typelog": "BPE"}],
        "t_cassette": [{"cs_code": "CS1", "cs_bp_code": "BP1", "cs_num": "1"}],
        "t_baie": [{"ba_code": "BA1", "ba_lt_code": "LT01"}],
        "t_tiroir": [{"ti_code": "TI1", "ti_ba_code": "BA1"}],
        "t_fibre": [
            {"fo_code": f"FO{cable}{number:03d}", "fo_cb_code": f"CB/{cable}", "fo_nincab": str(number),
             "fo_numtub": str((number - 1) // 12 + 1), "fo_nintub": str((number - 1) % 12 + 1),
             "fo_type": "G657A2",
             "fo_color": str((number - 1) % 12 + 1)}
            for cable, count in ((1, 24), (2, 12))
            for number in range(1, count + 1)
        ],
        "t_position": [
            *({"ps_code": f"PS-E{number}", "ps_numero": str(number), "ps_1": f"FO1{number:03d}",
               "ps_2": f"FO2{number:03d}", "ps_cs_code": "CS1", "ps_ti_code": "", "ps_fonct": "EP"}
              for number in range(1, 9)),
            {"ps_code": "PS-E9", "ps_numero": "9", "ps_1": "FO1009", "ps_2": "", "ps_cs_code": "CS1",
             "ps_ti_code": "", "ps_fonct": "AT"},
            *({"ps_code": f"PS-T{number}", "ps_numero": str(number),
               "ps_1": f"FO1{number:03d}" if number < 13 else "",
               "ps_2": "", "ps_cs_code": "", "ps_ti_code": "TI1", "ps_fonct": "CO"} for number in range(1, 25)),
        ],
        "t_ropt": [{"rt_id": "1", "rt_code": "RT1", "rt_fo_code": "FO1001", "rt_fo_ordr": "1"}],
        "t_document": [{"do_code": "DO1", "do_titre": "plan « as built »"}, {"do_code": "DO2", "do_titre": "a;b"}],
        "photos": [{"id": "12", "note": "été, 2019", "geom": at(50, 3)}],
    }  # fmt: skip
    return town
