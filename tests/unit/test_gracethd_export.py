"""GraceTHD deliveries out of networks: the same plant comes back, the same bytes, and all that was kept."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from gracethd_deliveries import Town, at, town
from sdnctl_in_process import sdnctl

from sdnctl.errors import InputError
from sdnctl.exchange import shapefile, wkb
from sdnctl.exchange.dbf import Reader
from sdnctl.exchange.gracethd.records import Records, read_documents
from sdnctl.inventory.lambert93 import to_grid
from sdnctl.usecases.context import Context
from sdnctl.usecases.exchanging import Exported
from sdnctl.usecases.gracethd import export_gracethd, import_gracethd

EXAMPLES = Path(__file__).parent.parent.parent / "lab" / "examples"


def records_of(folder: Path) -> Records:
    return read_documents(Context(folder).loaded.documents)


def contents(target: Path) -> dict[str, bytes]:
    if target.is_file():
        return {"": target.read_bytes()}
    return {path.name: path.read_bytes() for path in target.iterdir()}


def rows(folder: Path, table: str) -> list[dict[str, str]]:
    """The rows of a table of a folder, from text or from dBASE."""
    path = folder / f"{table}.csv"
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream, delimiter=";"))
    with (folder / f"{table}.dbf").open("rb") as raw:
        reader = Reader(raw, "UTF-8")
        names = [one.name for one in reader.fields]
        return [dict(zip(names, cells, strict=True)) for cells in reader.rows() if cells is not None]


@contextmanager
def editing(path: Path) -> Iterator[Any]:
    """The data of a YAML file, written back afterwards."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    yield data
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")


def export(folder: Path, target: Path, **options: object) -> Exported:
    return export_gracethd(Context(folder), target, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("example", "suffix", "version"),
    [
        ("small", "", "2.0"),
        ("small-plant", ".gpkg", "2.0"),
        ("small-plant", "", "3.0"),
        ("small-plant", "", "3.1"),
    ],
)
def test_a_network_comes_back_as_it_was(tmp_path: Path, example: str, suffix: str, version: str) -> None:
    first, second, network = tmp_path / f"1{suffix}", tmp_path / f"2{suffix}", tmp_path / "network"
    export(EXAMPLES / example, first, version=version)
    import_gracethd(first, network)
    assert records_of(network) == records_of(EXAMPLES / example)
    again = export(network, second)
    assert contents(second) == contents(first)
    assert again.changed


@pytest.mark.soak
@pytest.mark.parametrize("version", ["2.0", "3.0", "3.1"])
@pytest.mark.parametrize("suffix", ["", ".gpkg"])
def test_the_reference_network_comes_back_as_it_was(tmp_path: Path, suffix: str, version: str) -> None:
    test_a_network_comes_back_as_it_was(tmp_path, "../..", suffix, version)


def test_ports_lead_through_the_same_glass_as_before(tmp_path: Path) -> None:
    """What is no plant stays at home, and fits the plant that comes back: ids are the same."""
    export(EXAMPLES / "small", tmp_path / "out.gpkg", version="3.1")
    network = tmp_path / "network"
    import_gracethd(tmp_path / "out.gpkg", network)
    assert records_of(network) == records_of(EXAMPLES / "small")
    for name in ("equipment.yaml", "transceivers.yaml"):
        shutil.copy(EXAMPLES / "small" / "inventory" / name, network / "inventory" / name)
    for end in ("core-a:3", "com-estel:1"):
        before = sdnctl("--network", EXAMPLES / "small", "--format", "json", "inventory", "trace", end)
        after = sdnctl("--network", network, "--format", "json", "inventory", "trace", end)
        assert before.code == after.code == 0
        assert after.document == before.document


def test_points_and_lines_are_in_lambert_93(tmp_path: Path) -> None:
    export(EXAMPLES / "small", tmp_path / "out")
    with (tmp_path / "out" / "t_noeud.shp").open("rb") as stream:
        shapes = [wkb.load(one).coordinates for one in shapefile.read_shapes(stream) if one is not None]
    named = dict(zip((row["nd_code"] for row in rows(tmp_path / "out", "t_noeud")), shapes, strict=True))
    assert named["datacentre"] == pytest.approx(to_grid(4.35, 43.83), abs=1e-5)
    lengths = {row["cm_code"]: row for row in rows(tmp_path / "out", "t_cheminement")}
    plant = Context(EXAMPLES / "small").loaded.plant
    for key, row in lengths.items():
        assert float(row["cm_long"]) == pytest.approx(plant.segments[key].length, rel=2e-6, abs=0.006)


def test_the_standards_tables_alone_still_make_the_network(tmp_path: Path) -> None:
    export(EXAMPLES / "small", tmp_path / "out", plain=True)
    assert not (tmp_path / "out" / "x_sdnctl.csv").exists()
    import_gracethd(tmp_path / "out", tmp_path / "network")
    ours, theirs = records_of(EXAMPLES / "small"), records_of(tmp_path / "network")
    for kind in ("site", "chamber", "segment", "duct", "cable", "closure", "odf"):
        assert set(theirs[kind]) == set(ours[kind])
    for name, cable in ours["cable"].items():
        assert theirs["cable"][name].get("route") == cable.get("route")
    assert theirs.terminations == ours.terminations


# ── what was kept ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def network(tmp_path: Path) -> Path:
    import_gracethd(town().write_folder(tmp_path / "delivery"), tmp_path / "network")
    return tmp_path / "network"


def same_rows(one: Path, other: Path, but: frozenset[str] = frozenset()) -> None:
    """Every table of one delivery is in the other, cell by cell."""
    for table in town().tables:
        if table in but:
            continue
        before, after = rows(one, table), rows(other, table)
        names = {key.lower() for key in before[0]}
        after = [{key.lower(): cell for key, cell in row.items() if key.lower() in names} for row in after]
        assert after == [{key.lower(): cell for key, cell in row.items()} for row in before], table


def test_what_nobody_here_understands_comes_back(network: Path, tmp_path: Path) -> None:
    export(network, tmp_path / "out")
    same_rows(tmp_path / "delivery", tmp_path / "out")
    assert not (tmp_path / "out" / "x_sdnctl.csv").exists()
    for name in ("t_noeud", "t_cheminement", "t_cableline", "photos"):
        assert (tmp_path / "out" / f"{name}.shp").read_bytes() == (
            tmp_path / "delivery" / f"{name}.shp"
        ).read_bytes()


def test_an_edit_changes_what_was_edited_and_nothing_else(network: Path, tmp_path: Path) -> None:
    with editing(network / "inventory" / "cables.yaml") as data:
        data["cables"][0]["sheath"] = "331 m"
    export(network, tmp_path / "out")
    same_rows(tmp_path / "delivery", tmp_path / "out", frozenset({"t_cable"}))
    row = {key.lower(): cell for key, cell in rows(tmp_path / "out", "t_cable")[0].items()}
    assert (row["cb_lgreel"], row["cb_teinte"], row["cb_code"]) == ("331", "noir", "CB/1")
    first = contents(tmp_path / "out")
    import_gracethd(tmp_path / "out", tmp_path / "again")
    assert records_of(tmp_path / "again") == records_of(network)
    export(tmp_path / "again", tmp_path / "third")
    assert contents(tmp_path / "third") == first


def test_a_cable_that_is_removed_takes_along_what_hangs_on_it(network: Path, tmp_path: Path) -> None:
    with editing(network / "inventory" / "cables.yaml") as data:
        data["cables"] = [one for one in data["cables"] if one["id"] != "CB-2"]
    (network / "inventory" / "splices.csv").unlink()
    export(network, tmp_path / "out")
    assert [row["cb_code"] for row in rows(tmp_path / "out", "t_cable")] == ["CB/1"]
    for table, column in (("t_fibre", "fo_cb_code"), ("t_love", "lv_cb_code"), ("t_cab_cond", "cc_cb_code")):
        assert "CB/2" not in {row[column] for row in rows(tmp_path / "out", table)}
    assert not any("FO2" in row["ps_2"] for row in rows(tmp_path / "out", "t_position"))
    assert len(rows(tmp_path / "out", "t_position")) == 25
    assert len(rows(tmp_path / "out", "t_document")) == 2


def test_a_new_cable_comes_behind_with_strands_and_way(network: Path, tmp_path: Path) -> None:
    kind = next(iter(Context(network).loaded.plant.cable_types))
    text = f"id,type,a,b,route,sheath,owner,source\nnew,{kind},PT-03,PT-04,CM3,330 m,OR01,us\n"
    (network / "inventory" / "cables.csv").write_text(text, encoding="utf-8")
    export(network, tmp_path / "out")
    grown = {"t_cable", "t_fibre", "t_cab_cond", "t_cableline", "t_conduite", "t_cond_chem"}
    same_rows(tmp_path / "delivery", tmp_path / "out", frozenset(grown))
    assert [row["cb_code"] for row in rows(tmp_path / "out", "t_cable")] == ["CB/1", "CB/2", "new"]
    assert rows(tmp_path / "out", "t_cable")[2]["cb_nd1"] == "ND/03"
    count = Context(network).loaded.plant.cable_types[kind].strands
    assert len(rows(tmp_path / "out", "t_fibre")) == 36 + count
    duct = rows(tmp_path / "out", "t_cab_cond")[-1]["cc_cd_code"]
    assert {"dm_cd_code": duct, "dm_cm_code": "CM3"} in rows(tmp_path / "out", "t_cond_chem")
    assert duct in {row["cd_code"] for row in rows(tmp_path / "out", "t_conduite")}
    import_gracethd(tmp_path / "out", tmp_path / "again")
    assert records_of(tmp_path / "again") == records_of(network)


def test_inferred_values_stay_empty(tmp_path: Path) -> None:
    made = town()
    made.row("t_cable", "CB/1").update(cb_nd1="", cb_lgreel="", cb_modulo="")
    made["t_ptech"].remove(made.row("t_ptech", "PT-04"))
    made["t_baie"][0]["ba_note"] = "x"
    import_gracethd(made.write_folder(tmp_path / "delivery"), tmp_path / "network")
    with editing(tmp_path / "network" / "inventory" / "sites.yaml") as data:
        data["sites"][0]["name"] = "Hôtel de villa"
    export(tmp_path / "network", tmp_path / "out")
    row = rows(tmp_path / "out", "t_cable")[0]
    assert (row["cb_nd1"], row["cb_lgreel"], row["cb_modulo"]) == ("", "", "")
    assert len(rows(tmp_path / "out", "t_ptech")) == 2
    assert rows(tmp_path / "out", "t_sitetech")[0]["ST_NOM"] == "Hôtel de villa"


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_a_delivery_of_version_2_as_one_of_version_3(network: Path, tmp_path: Path, version: str) -> None:
    export(network, tmp_path / "out", version=version)
    assert rows(tmp_path / "out", "t_site")[0]["st_couleur"] == "vert d'eau"
    assert rows(tmp_path / "out", "t_local")[0]["lc_code"] == "LT01"
    assert rows(tmp_path / "out", "t_baie")[0]["ba_lc_code"] == "LT01"
    assert rows(tmp_path / "out", "photos")[0]["NOTE"] == "été, 2019"
    import_gracethd(tmp_path / "out", tmp_path / "again")
    assert records_of(tmp_path / "again") == records_of(network)
    export(tmp_path / "again", tmp_path / "third")
    assert contents(tmp_path / "third") == contents(tmp_path / "out")


def test_a_folder_as_a_geopackage_and_back(network: Path, tmp_path: Path) -> None:
    assert export(network, tmp_path / "out.gpkg").changed
    assert not export(network, tmp_path / "out.gpkg").changed
    import_gracethd(tmp_path / "out.gpkg", tmp_path / "again")
    assert records_of(tmp_path / "again") == records_of(network)
    export(tmp_path / "again", tmp_path / "out")
    same_rows(tmp_path / "delivery", tmp_path / "out")


def test_values_of_a_geopackage_keep_their_types(tmp_path: Path) -> None:
    path = town().write_package(tmp_path / "town.gpkg")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE odd (a, b INTEGER, c REAL, d TEXT, e BLOB, f NUMERIC)")
        values = [
            (1, 2, 3.0, "\\x", b"\0\1", 5),
            (1.5, None, 0.1, "", None, "x"),
            ("1", "n", 1e300, "7", "t", 2.5),
        ]
        connection.executemany("INSERT INTO odd VALUES (?, ?, ?, ?, ?, ?)", values)
        wanted = connection.execute("SELECT *, typeof(a), typeof(b), typeof(c), typeof(f) FROM odd").fetchall()
    import_gracethd(path, tmp_path / "network")
    export(tmp_path / "network", tmp_path / "out.gpkg")
    with sqlite3.connect(tmp_path / "out.gpkg") as connection:
        columns = "a, b, c, d, e, f, typeof(a), typeof(b), typeof(c), typeof(f)"
        assert connection.execute(f"SELECT {columns} FROM odd ORDER BY fid").fetchall() == wanted


def test_a_kept_delivery_that_was_damaged_is_refused(network: Path, tmp_path: Path) -> None:
    (network / "gracethd" / "tables" / "t_cable.csv").write_text("a,b\n1\n", encoding="utf-8")
    with pytest.raises(InputError, match="kept cannot be read"):
        export(network, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_tables_of_another_delivery_are_not_mixed_in(network: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "t_site.csv").write_text("st_code\n", encoding="utf-8")
    with pytest.raises(InputError, match="other tables"):
        export(network, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["t_site.csv"]


# ── redaction ────────────────────────────────────────────────────────────────────────────────────


def secret() -> Town:
    """The town with a bunker at the end of a way, and notes that name it."""
    made = town()
    made["t_noeud"].append({"nd_code": "ND/05", "geom": at(400, 300)})
    made["t_sitetech"].append({"st_code": "Bunker-7", "st_nd_code": "ND/05", "ST_NOM": "Abri préfectoral"})
    made["t_ltech"].append({"lt_code": "LT05", "lt_st_code": "Bunker-7"})
    made["t_cheminement"].append(
        {
            "cm_code": "CM-bunker-7",
            "cm_ndcode1": "ND/04",
            "cm_ndcode2": "ND/05",
            "geom": [at(400, 200), at(400, 300)],
        }
    )
    made["t_document"].append({"do_code": "DO3", "do_titre": "Plan de l'abri PRÉFECTORAL"})
    made.row("t_ptech", "PT-03")["pt_majsrc"] = "relevé depuis Bunker-7"
    return made


def needles() -> Iterator[bytes]:
    for word in ("bunker", "l'abri", "refectoral", "ND/05"):
        for text in {word, word.upper(), word.capitalize(), word.lower()}:
            yield text.encode()
    x, y = at(400, 300)
    for number in (x, y):
        yield struct.pack("<d", number)
        yield struct.pack(">d", number)
        yield str(int(number)).encode()


@pytest.mark.parametrize("suffix", ["", ".gpkg"])
def test_redaction_leaves_no_trace_in_any_byte(tmp_path: Path, suffix: str) -> None:
    import_gracethd(secret().write_folder(tmp_path / "delivery"), tmp_path / "network")
    with editing(tmp_path / "network" / "inventory" / "sites.yaml") as data:
        next(one for one in data["sites"] if one["id"] == "Bunker-7")["restricted"] = True
    export(tmp_path / "network", tmp_path / f"open{suffix}")
    export(tmp_path / "network", tmp_path / f"closed{suffix}", redacted=True)
    told = b"".join(contents(tmp_path / f"open{suffix}").values())
    kept = b"".join(contents(tmp_path / f"closed{suffix}").values())
    names = " ".join(contents(tmp_path / f"closed{suffix}")).encode()
    assert sum(needle in told for needle in needles()) >= 6
    assert [needle for needle in needles() if needle in kept or needle in names] == []
    import_gracethd(tmp_path / f"closed{suffix}", tmp_path / "again")
    plant = Context(tmp_path / "again").loaded.plant
    assert set(plant.cables) == {"CB-1", "CB-2"}
    assert len(plant.splices) == 8


def test_the_command_line(network: Path, tmp_path: Path) -> None:
    written = sdnctl("--network", network, "--format", "json", "export", "gracethd", tmp_path / "out.gpkg")
    assert written.code == 0
    assert written.document["counts"]["t_cable"] == 2
    read = sdnctl(
        "--format", "json", "import", "gracethd", tmp_path / "out.gpkg", tmp_path / "n", "--snap", "10 cm"
    )
    assert read.code == 0
    assert read.document["counts"]["cables"] == 2
    assert json.loads((tmp_path / "n" / "gracethd" / "defects.json").read_text(encoding="utf-8"))["defects"] == []
    assert sdnctl("--network", network, "export", "gracethd", tmp_path / "x", "--version", "9").code == 64
    assert sdnctl("import", "gracethd", tmp_path / "out.gpkg", tmp_path / "m", "--snap", "far").code == 64
    assert sdnctl("import", "gracethd", tmp_path / "out.gpkg", tmp_path / "n").code == 1
