"""Foreign GraceTHD deliveries: what is understood, what is graded, what is inferred."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from gracethd_deliveries import Town, at, town, write_shapefile

from sdnctl.errors import InputError
from sdnctl.usecases.gracethd import import_gracethd
from sdnctl.workspace.folder import Loaded, load_network


def defects(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Defects of an import by code."""
    found: dict[str, list[dict[str, str]]] = {}
    with (folder / "gracethd" / "defects.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found.setdefault(row["code"], []).append(row)
    return found


def inferred(folder: Path) -> set[tuple[str, str, str, str]]:
    with (folder / "gracethd" / "inferred.csv").open(encoding="utf-8", newline="") as stream:
        return {(row["table"], row["row"], row["column"], row["value"]) for row in csv.DictReader(stream)}


def imported(tmp_path: Path, made: Town, snap: float = 0.0) -> tuple[Path, Loaded]:
    folder = tmp_path / "network"
    import_gracethd(made.write_folder(tmp_path / "delivery"), folder, snap=snap)
    return folder, load_network(folder)


def test_a_delivery_without_fault_is_a_network_that_validates(tmp_path: Path) -> None:
    folder, loaded = imported(tmp_path, town())
    plant = loaded.plant
    assert not defects(folder)
    assert not [one for one in loaded.diagnostics if one.severity == "error"]
    assert set(plant.sites) == {"ST-01"}
    assert plant.sites["ST-01"].name == "Hôtel de ville"
    assert str(plant.sites["ST-01"].life.valid_from) == "2015-06-01"
    assert {key: one.kind for key, one in plant.chambers.items()} == {
        "PT-02": "chamber", "PT-03": "chamber", "PT-04": "pole",
    }  # fmt: skip
    life = plant.chambers["PT-02"].life
    assert (life.owner, life.manager, str(life.valid_from), life.provenance) == (
        "OR01", "OR02", "2019-05-04", "récolement; lot 3",
    )  # fmt: skip
    assert plant.segments["CM3"].kind == "overhead"
    assert plant.ducts["CD1"].segments == ("CM2", "CM1")
    first, second = plant.cables["CB-1"], plant.cables["CB-2"]
    assert first.places == ("ST-01", "PT-02", "PT-03")
    assert [passage.duct for passage in first.passages] == ["CD1", "CD1"]
    assert [passage.duct for passage in second.passages] == [None]
    assert (first.sheath, first.slack) == (335.5, {"PT-03": 25.0})
    kind = plant.cable_types[first.type]
    assert (kind.strands, kind.tubes, kind.fibre, kind.colours) == (24, 2, "G.657.A2", "orange-fr")
    assert len(plant.splices) == 8
    assert {(one.a.strand, one.b.strand) for one in plant.splices} == {(n, n) for n in range(1, 9)}
    assert plant.odfs["TI1"].positions == 24
    assert sum(len(run.positions) for run in plant.termination_runs) == 12


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_text_in_any_usual_encoding(tmp_path: Path, encoding: str) -> None:
    import_gracethd(town().write_folder(tmp_path / "delivery", encoding), tmp_path / "network")
    site = load_network(tmp_path / "network").plant.sites["ST-01"]
    assert site.name == "Hôtel de ville"


def test_columns_in_any_order_and_case(tmp_path: Path) -> None:
    made = town()
    made.tables = {
        name.upper(): [{key.upper() if key != "geom" else key: row[key] for key in reversed(row)} for row in rows]
        for name, rows in made.tables.items()
    }
    _, loaded = imported(tmp_path, made)
    assert set(loaded.plant.cables) == {"CB-1", "CB-2"}
    assert len(loaded.plant.splices) == 8


def test_a_geopackage_of_another_program(tmp_path: Path) -> None:
    folder = tmp_path / "network"
    import_gracethd(town().write_package(tmp_path / "town.gpkg"), folder)
    plant = load_network(folder).plant
    assert not defects(folder)
    assert (len(plant.cables), len(plant.splices), len(plant.segments)) == (2, 8, 3)


# ── what is graded ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("off", "code", "grade"),
    [
        (0.005, "", ""),
        (0.05, "end-off-node-centimetres", "note"),
        (0.5, "end-off-node-metre", "warning"),
        (3.0, "end-off-node-far", "error"),
    ],
)
def test_distance_between_a_line_and_its_node(tmp_path: Path, off: float, code: str, grade: str) -> None:
    made = town()
    made.row("t_cheminement", "CM3")["geom"] = [at(100, 200 + off), at(400, 200)]
    folder, loaded = imported(tmp_path, made)
    found = {key: rows for key, rows in defects(folder).items() if key.startswith("end-off")}
    assert [(key, row["grade"], row["row"]) for key, rows in found.items() for row in rows] == (
        [(code, grade, "CM3")] if code else []
    )
    assert "CM3" in loaded.plant.segments
    points = json.loads((folder / "gracethd" / "defects.geojson").read_text(encoding="utf-8"))["features"]
    assert len(points) == len(found)


def test_ends_are_moved_only_on_request(tmp_path: Path) -> None:
    made = town()
    made.row("t_cheminement", "CM3")["geom"] = [at(100, 200.09), at(400, 200.2)]
    folder, loaded = imported(tmp_path, made, snap=0.1)
    assert {(row, column) for table, row, column, _ in inferred(folder) if table == "t_cheminement"} == {
        ("CM3", "geom")
    }
    assert loaded.plant.segments["CM3"].line[0] == loaded.plant.chambers["PT-03"].position
    assert loaded.plant.segments["CM3"].line[1] != loaded.plant.chambers["PT-04"].position


Break = Callable[[Town], object]


def change(table: str, code: str, **cells: str) -> Break:
    return lambda made: made.row(table, code).update(cells)


def more(table: str, **cells: object) -> Break:
    return lambda made: made[table].append(cells)


def in_another_box(first: str, second: str, function: str) -> Break:
    """A position of a second box in the chamber of the first."""

    def put(made: Town) -> None:
        made["t_ebp"].append({"bp_code": "BP2", "bp_pt_code": "PT-03"})
        made["t_cassette"].append({"cs_code": "CS2", "cs_bp_code": "BP2"})
        row = {"ps_code": "PS-X", "ps_1": first, "ps_2": second, "ps_fonct": function}
        made["t_position"].append({**row, "ps_cs_code": "CS2"})

    return put


LINE, LOOP = [at(0, 0), at(1, 1)], [at(0, 0), at(1, 0)]
LOST = {"cb_code": "CB/9", "cb_nd1": "ND/01", "cb_nd2": "ND/04", "cb_capafo": "12", "cb_lgreel": "9"}
FAULTS: list[tuple[str, str, str, Break]] = [
    ("capacity-against-strands", "warning", "CB/1", lambda made: made["t_fibre"].pop(20)),
    ("sheath-against-line", "warning", "CB/2", change("t_cable", "CB/2", cb_lgreel="400")),
    ("sheath-against-line", "warning", "CB/2", change("t_cable", "CB/2", cb_lgreel="290")),
    ("one-sided-position", "warning", "PS-E3", change("t_position", "PS-E3", ps_2="")),
    ("orphan-strand", "error", "PS-E3", change("t_position", "PS-E3", ps_2="FO9")),
    ("orphan-position", "error", "PS-E3", change("t_position", "PS-E3", ps_cs_code="CS9")),
    ("orphan-strands", "error", "CB/9", more("t_fibre", fo_code="F", fo_cb_code="CB/9")),
    ("strand-joined-twice", "error", "PS-E3", change("t_position", "PS-E3", ps_2="FO2001")),
    ("cable-not-here", "error", "PS-T1", change("t_position", "PS-T1", ps_1="FO2012")),
    ("orphan-line", "warning", "CB/9", more("t_cableline", cl_cb_code="CB/9", geom=LINE)),
    ("orphan-loop", "warning", "CB/9", more("t_love", lv_cb_code="CB/9", lv_nd_code="ND/02", lv_long="3")),
    ("loop-off-route", "warning", "CB/2", change("t_love", "9", lv_nd_code="ND/01")),
    ("box-without-place", "error", "BP1", change("t_ebp", "BP1", bp_pt_code="PT-99")),
    ("drawer-without-site", "error", "TI1", change("t_baie", "BA1", ba_lt_code="")),
    ("no-such-conduit", "warning", "CB/2", more("t_cab_cond", cc_cb_code="CB/2", cc_cd_code="CD9")),
    ("no-such-way", "warning", "CD1", more("t_cond_chem", dm_cd_code="CD1", dm_cm_code="CM9")),
    ("duplicate-code", "error", "CB/1", lambda made: made["t_cable"].append(made.row("t_cable", "CB/1"))),
    ("bad-date", "warning", "PT-02", change("t_ptech", "PT-02", pt_datemes="31/02/2019")),
    ("bad-date", "warning", "PT-02", change("t_ptech", "PT-02", pt_datemes="05/31/2019")),
    ("unknown-status", "warning", "PT-02", change("t_ptech", "PT-02", pt_statut="ZZZ")),
    ("route-without-order", "note", "RT1", change("t_ropt", "1", rt_fo_ordr="")),
    ("cable-without-strands", "error", "CB/9", more("t_cable", cb_code="CB/9", cb_nd1="ND/01", cb_nd2="ND/02")),
    ("way-unusable", "error", "CM9",
     more("t_cheminement", cm_code="CM9", cm_ndcode1="ND/01", cm_ndcode2="ND/01", geom=LOOP)),
    ("tubes-not-even", "warning", "CB/1", change("t_cable", "CB/1", cb_modulo="7")),
    ("place-without-position", "error", "PT-09", more("t_ptech", pt_code="PT-09", pt_nd_code="ND/09")),
    ("strand-joined-twice", "error", "PS-X", in_another_box("FO1001", "FO2012", "EP")),
    ("passes-and-cut", "warning", "BP2", in_another_box("FO1001", "FO1001", "PA")),
    ("no-such-node", "error", "CB/1", change("t_cable", "CB/1", cb_nd1="ND/99")),
    ("cable-without-route", "warning", "CB/9", more("t_cable", **LOST)),
]  # fmt: skip
"""Code, grade and row of a defect, and what causes it."""


@pytest.mark.parametrize(("code", "grade", "row", "fault"), FAULTS, ids=[one[0] for one in FAULTS])
def test_a_fault_is_named_graded_and_costs_nothing_else(
    tmp_path: Path, code: str, grade: str, row: str, fault: Break
) -> None:
    made = town()
    fault(made)
    folder, loaded = imported(tmp_path, made)
    assert {(one["grade"], one["row"]) for one in defects(folder)[code]} == {(grade, row)}
    assert {"CB-1", "CB-2"} <= set(loaded.plant.cables)


# ── what is inferred ─────────────────────────────────────────────────────────────────────────────


def test_what_is_missing_is_inferred_and_marked(tmp_path: Path) -> None:
    made = town()
    made.row("t_cable", "CB/1").update(cb_nd1="", cb_lgreel="", cb_modulo="")
    made.row("t_cheminement", "CM1").update(cm_ndcode2="")
    made["t_ptech"].remove(made.row("t_ptech", "PT-04"))
    folder, loaded = imported(tmp_path, made)
    marks = inferred(folder)
    assert ("t_cable", "CB/1", "cb_nd1", "ND/01") in marks
    assert ("t_cable", "CB/1", "cb_modulo", "12") in marks
    assert ("t_cheminement", "CM1", "cm_ndcode2", "ND/02") in marks
    assert ("t_ptech", "ND/04", "pt_nd_code", "ND/04") in marks
    assert [mark[3] for mark in marks if mark[2] == "cb_lgreel"] != []
    plant = loaded.plant
    assert plant.cables["CB-1"].a == "ST-01"
    assert plant.cables["CB-1"].sheath == pytest.approx(300 / 1.000135 + 25, abs=0.1)
    assert plant.cable_types[plant.cables["CB-1"].type].tubes == 2


def test_both_ends_from_the_line_alone(tmp_path: Path) -> None:
    made = town()
    made["t_cab_cond"].clear()
    del made.tables["t_cab_cond"]
    for row in made["t_cable"]:
        row.update(cb_nd1="", cb_nd2="")
    folder, loaded = imported(tmp_path, made)
    assert loaded.plant.cables["CB-1"].places == ("ST-01", "PT-02", "PT-03")
    assert ("t_cable", "CB/1", "route", "CM1;CM2") in inferred(folder)


def test_a_node_without_shape_is_where_its_ways_end(tmp_path: Path) -> None:
    made = town()
    made["t_noeud"].remove(made.row("t_noeud", "ND/03"))
    made.row("t_cheminement", "CM2").update(cm_ndcode2="ND/03")
    delivery = made.write_folder(tmp_path / "delivery")
    import_gracethd(delivery, tmp_path / "network")
    found = defects(tmp_path / "network")
    assert found["no-such-node"][0]["row"] in ("CM2", "CB/1", "CB/2")  # a node that is no row at all stays unknown
    assert found["place-without-position"][0]["row"] == "PT-03"
    assert "Fill in" in (tmp_path / "network" / "gracethd" / "defects.txt").read_text(encoding="utf-8")


def test_strands_without_number_by_tube(tmp_path: Path) -> None:
    made = town()
    for row in made["t_fibre"]:
        row["fo_nincab"] = ""
    _, loaded = imported(tmp_path, made)
    assert {(one.a.strand, one.b.strand) for one in loaded.plant.splices} == {(n, n) for n in range(1, 9)}


def test_mid_span_the_first_position_leads_to_end_a(tmp_path: Path) -> None:
    made = town()
    made["t_cable"].append(
        {"cb_code": "CB/3", "cb_nd1": "ND/01", "cb_nd2": "ND/04", "cb_capafo": "12", "cb_lgreel": "640"}
    )
    made["t_cab_cond"].extend({"cc_cb_code": "CB/3", "cc_cd_code": duct} for duct in ("CD2", "CD1"))
    made["t_fibre"].extend(
        {"fo_code": f"FO3{n:03d}", "fo_cb_code": "CB/3", "fo_nincab": str(n), "fo_nintub": str(n)}
        for n in range(1, 13)
    )
    for code, first, second, function in (
        ("PS-M11", "FO3011", "FO1011", "EP"),
        ("PS-M12", "FO3012", "FO1012", "EP"),
        ("PS-P", "FO3005", "FO3005", "PA"),
    ):
        row = {"ps_code": code, "ps_numero": "40", "ps_1": first, "ps_2": second, "ps_fonct": function}
        made["t_position"].append({**row, "ps_cs_code": "CS1"})
    folder, loaded = imported(tmp_path, made)
    plant = loaded.plant
    assert plant.cables["CB-3"].places == ("ST-01", "PT-02", "PT-03", "PT-04")
    assert {str(one.a) for one in plant.splices if one.a.cable == "CB-3"} == {"CB-3/a:11", "CB-3/a:12"}
    assert plant.closures["BP1"].opened == {"CB-3": frozenset({5})}
    assert ("t_position", "PS-M11", "ps_1", "CB-3/a:11") in inferred(folder)


# ── files that cannot be read ────────────────────────────────────────────────────────────────────


def refused(delivery: Path, tmp_path: Path) -> set[str]:
    with pytest.raises(InputError) as caught:
        import_gracethd(delivery, tmp_path / "network")
    assert not (tmp_path / "network").exists()
    assert all(one.hint or one.detail for one in caught.value.diagnostics)
    return {one.code for one in caught.value.diagnostics if one.severity == "error"}


def test_a_shapefile_without_attributes(tmp_path: Path) -> None:
    delivery = town().write_folder(tmp_path / "delivery")
    (delivery / "t_noeud.dbf").unlink()
    assert refused(delivery, tmp_path) == {"bad-table"}


def test_one_bad_row_among_many(tmp_path: Path) -> None:
    delivery = town().write_folder(tmp_path / "delivery")
    with (delivery / "t_fibre.csv").open("a", encoding="utf-8") as stream:
        for number in range(20_000):
            stream.write(f"X{number};CB/1;{number};1;1;G657A2;1\n")
        stream.write("broken;row\n")
    with pytest.raises(InputError) as caught:
        import_gracethd(delivery, tmp_path / "network")
    (one,) = caught.value.diagnostics
    assert (one.code, str(one.source)) == ("bad-row", "t_fibre.csv:20038")
    assert not (tmp_path / "network").exists()


def test_an_unknown_reference_system(tmp_path: Path) -> None:
    made = town()
    delivery = made.write_folder(tmp_path / "delivery")
    write_shapefile(delivery / "t_noeud", made["t_noeud"], prj='PROJCS["Gauss_Boaga_Est",GEOGCS["Monte_Mario"]]')
    assert refused(delivery, tmp_path) == {"unknown-crs"}


def test_degrees_where_the_file_says_so(tmp_path: Path) -> None:
    from sdnctl.inventory.lambert93 import from_grid

    made = town()
    delivery = made.write_folder(tmp_path / "delivery")
    rows = [{**row, "geom": from_grid(*row["geom"])} for row in made["t_noeud"]]
    write_shapefile(delivery / "t_noeud", rows, prj='GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984"]]')
    import_gracethd(delivery, tmp_path / "network")
    assert not defects(tmp_path / "network")


def test_no_prj_is_said(tmp_path: Path) -> None:
    delivery = town().write_folder(tmp_path / "delivery")
    (delivery / "t_noeud.prj").unlink()
    result = import_gracethd(delivery, tmp_path / "network")
    assert "crs-assumed" in {one.code for one in result.findings}


def test_what_is_no_delivery(tmp_path: Path) -> None:
    (tmp_path / "a.gpkg").write_bytes(b"this is no database")
    assert refused(tmp_path / "a.gpkg", tmp_path) == {"not-a-geopackage"}
    assert refused(tmp_path / "nowhere", tmp_path) == {"no-such-delivery"}
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty", tmp_path) == {"empty-delivery"}
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "cities.csv").write_text("a;b\n1;2\n")
    assert refused(tmp_path / "other", tmp_path) == {"not-gracethd"}
