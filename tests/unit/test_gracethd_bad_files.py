"""GraceTHD: what programs do to files on their way; each is said, and nothing is imported by halves."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from gracethd_deliveries import Town, town, write_shapefile

from sdnctl.errors import InputError
from sdnctl.usecases.context import Context
from sdnctl.usecases.exchanging import Imported
from sdnctl.usecases.gracethd import export_gracethd, import_gracethd

XY = tuple[float, float]


def refused(delivery: Path, network: Path) -> set[str]:
    with pytest.raises(InputError) as caught:
        import_gracethd(delivery, network)
    assert not network.exists()
    assert all(one.hint for one in caught.value.diagnostics)
    return {one.code for one in caught.value.diagnostics if one.severity == "error"}


def said(result: Imported) -> set[str]:
    return {one.code for one in result.findings}


def moved(made: Town, move: Callable[[XY], XY]) -> Town:
    for rows in made.tables.values():
        for row in rows:
            if "geom" in row:
                row["geom"] = (
                    move(row["geom"]) if isinstance(row["geom"], tuple) else [move(one) for one in row["geom"]]
                )
    return made


def names(folder: Path) -> set[str]:
    return {site.name for site in Context(folder).loaded.plant.sites.values()}


# ── text ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_line_of_another_encoding_costs_no_other_line_its_accents(tmp_path: Path) -> None:
    made = town()
    made["t_sitetech"].append(
        {**made["t_sitetech"][0], "st_code": "ST/02", "st_nd_code": "", "ST_NOM": "Mairie d'Été"}
    )
    delivery = made.write_folder(tmp_path / "delivery")
    path = delivery / "t_sitetech.csv"
    path.write_bytes(path.read_bytes().replace("Hôtel".encode(), "Hôtel".encode("cp1252")))
    result = import_gracethd(delivery, tmp_path / "network")
    assert "mixed-encoding" in said(result)
    assert names(tmp_path / "network") == {"Hôtel de ville", "Mairie d'Été"}


def test_a_text_in_windows_1252_that_looks_like_utf8_here_and_there(tmp_path: Path) -> None:
    made = town()
    made["t_sitetech"][0]["ST_NOM"] = (
        "« CAFÉ\u00a0» hôtelé"  # É and the space after it are a character of UTF-8, too
    )
    import_gracethd(made.write_folder(tmp_path / "delivery", "cp1252"), tmp_path / "network")
    assert names(tmp_path / "network") == {"« CAFÉ\u00a0» hôtelé"}


@pytest.mark.parametrize(("page", "code"), [("1252", "encoding-differs"), ("CP437", "unknown-page"), ("", None)])
def test_a_page_that_is_wrong_unknown_or_missing(tmp_path: Path, page: str, code: str | None) -> None:
    made = town()
    for row in made["t_noeud"]:
        row["nd_comment"] = "près de l'œuvre"
    import_gracethd(made.write_folder(tmp_path / "a"), tmp_path / "right")
    result = import_gracethd(made.write_folder(tmp_path / "b", page=page), tmp_path / "network")
    assert said(result) & {"encoding-differs", "unknown-page"} == ({code} if code else set())
    kept = [(tmp_path / name / "gracethd/tables/t_noeud.csv").read_text("utf-8") for name in ("right", "network")]
    assert kept[0] == kept[1]


# ── places ───────────────────────────────────────────────────────────────────────────────────────

DEGREES = 'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984"]]'


def to_degrees(one: XY) -> XY:
    return 4.3 + (one[0] - 809_000) / 80_000, 43.8 + (one[1] - 6_303_000) / 111_000


@pytest.mark.parametrize(
    ("move", "prj", "hint"),
    [
        (lambda one: (one[1], one[0]), "", "axes"),
        (to_degrees, "", "degrees"),
        (lambda one: to_degrees(one)[::-1], DEGREES, "axes"),
        (lambda one: one, DEGREES, "grid|Lambert-93"),
        (lambda one: (one[0] + 5e6, one[1]), "", "reference system"),
    ],
)
def test_layers_that_are_somewhere_else_are_refused(
    tmp_path: Path, move: Callable[[XY], XY], prj: str, hint: str
) -> None:
    delivery = moved(town(), move).write_folder(tmp_path / "delivery")
    for path in delivery.glob("*.prj") if prj else ():
        path.write_text(prj)
    with pytest.raises(InputError) as caught:
        import_gracethd(delivery, tmp_path / "network")
    assert {one.code for one in caught.value.diagnostics} == {"positions-elsewhere"}
    assert all(any(word in one.hint for word in hint.split("|")) for one in caught.value.diagnostics)
    assert not (tmp_path / "network").exists()


def test_one_node_that_is_nowhere_costs_only_what_needs_it(tmp_path: Path) -> None:
    made = town()
    made["t_noeud"].append({"nd_code": "ND/99", "geom": (0.0, 0.0)})
    result = import_gracethd(made.write_folder(tmp_path / "delivery"), tmp_path / "network")
    assert "bad-shape" in said(result)
    assert result.counts["cables"] == 2


def test_a_network_elsewhere_is_not_bent_into_the_grid(tmp_path: Path) -> None:
    folder = tmp_path / "network"
    (folder / "inventory").mkdir(parents=True)
    (folder / "network.yaml").write_text("name: n\n")
    (folder / "inventory/sites.yaml").write_text("sites:\n  - {id: lima, owner: o, position: [-77.0, -12.0]}\n")
    with pytest.raises(InputError, match="not in France"):
        export_gracethd(Context(folder), tmp_path / "out")
    assert not (tmp_path / "out").exists()


# ── names of files, and what else is in a database ───────────────────────────────────────────────


def test_parts_of_a_layer_in_capitals_and_not(tmp_path: Path) -> None:
    delivery = town().write_folder(tmp_path / "delivery")
    for number, path in enumerate(sorted(delivery.iterdir())):
        if number % 2:
            path.rename(path.with_name(path.name.upper()))
    result = import_gracethd(delivery, tmp_path / "network")
    assert "crs-assumed" not in said(result)
    assert result.counts["cables"] == 2


def test_one_table_in_two_files_is_refused(tmp_path: Path) -> None:
    delivery = town().write_folder(tmp_path / "delivery")
    (delivery / "T_CABLE.CSV").write_bytes((delivery / "t_cable.csv").read_bytes())
    assert refused(delivery, tmp_path / "network") == {"table-twice"}


def test_what_a_database_has_beside_tables(tmp_path: Path) -> None:
    path = town().write_package(tmp_path / "town.gpkg")
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY, style TEXT, icon BLOB);"
        "INSERT INTO layer_styles VALUES (1, '<qml/>', x'00ff');"
        "CREATE VIEW v_cables AS SELECT cb_code FROM t_cable;"
        "CREATE TRIGGER counted AFTER INSERT ON t_cable BEGIN SELECT 1; END;"
        "CREATE INDEX quick ON t_cable (cb_code);"
        "CREATE TABLE gpkg_metadata (id INTEGER PRIMARY KEY, metadata TEXT);"
        "INSERT INTO gpkg_metadata VALUES (1, '<xml/>');"
        "CREATE TABLE gpkg_data_columns (table_name TEXT);"
    )
    connection.commit()
    connection.close()
    result = import_gracethd(path, tmp_path / "network")
    (told,) = [one for one in result.findings if one.code == "not-kept"]
    assert all(word in told.summary for word in ("view v_cables", "trigger counted", "table gpkg_metadata"))
    assert "gpkg_data_columns" not in told.summary  # nothing is in it
    export_gracethd(Context(tmp_path / "network"), tmp_path / "again.gpkg")
    connection = sqlite3.connect(tmp_path / "again.gpkg")
    assert connection.execute("SELECT style, icon FROM layer_styles").fetchall() == [("<qml/>", b"\x00\xff")]
    connection.close()


def test_a_layer_without_a_row_comes_back(tmp_path: Path) -> None:
    made = town()
    delivery = made.write_folder(tmp_path / "delivery")
    write_shapefile(delivery / "t_zsro", [{"zs_code": "Z", "geom": (809_000.0, 6_303_000.0)}])
    for suffix, size in ((".shp", 100), (".shx", 100)):
        path = delivery / f"t_zsro{suffix}"
        head = bytearray(path.read_bytes()[:size])
        head[24:28] = (50).to_bytes(4, "big")
        path.write_bytes(head)
    table = delivery / "t_zsro.dbf"
    head = bytearray(table.read_bytes()[: 32 + 32 + 1])
    head[4:8] = bytes(4)
    table.write_bytes(bytes(head) + b"\x1a")
    (delivery / "t_zpbo.csv").write_text("zp_code;zp_nd_code\n", encoding="utf-8")
    import_gracethd(delivery, tmp_path / "network")
    export_gracethd(Context(tmp_path / "network"), tmp_path / "again")
    assert (tmp_path / "again/t_zpbo.csv").read_text(encoding="utf-8") == "zp_code;zp_nd_code\n"
    assert (tmp_path / "again/t_zsro.shp").stat().st_size == 100
