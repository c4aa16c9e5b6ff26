"""GraceTHD: patch cords become jumpers, and optical routes are held against the splices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gracethd_deliveries import Town, town

from sdnctl.usecases.context import Context
from sdnctl.usecases.gracethd import export_gracethd, import_gracethd


def with_cord(length: str = "3") -> Town:
    """The town with a second drawer, and a cord from position 1 of the first to position 5 of that one."""
    made = town()
    made["t_tiroir"].append({"ti_code": "TI/2", "ti_ba_code": "BA1"})
    made["t_cable"].append({"cb_code": "J1", "cb_typephy": "J", "cb_lgreel": length, "cb_prop": "OR01"})
    made["t_fibre"].append({"fo_code": "FJ1", "fo_cb_code": "J1", "fo_nincab": "1"})
    made.row("t_position", "PS-T1")["ps_2"] = "FJ1"
    made.tables["t_position"] += [
        {
            "ps_code": f"P2-{number}",
            "ps_numero": str(number),
            "ps_1": "FJ1" if number == 5 else "",
            "ps_ti_code": "TI/2",
        }
        for number in range(1, 7)
    ]
    return made


def jumpers(folder: Path) -> list[tuple[str, str, float]]:
    found = {id(one): one for one in Context(folder).loaded.plant.jumper_at.values()}
    return sorted((str(one.a), str(one.b), float(one.length)) for one in found.values())


def codes(made: Town, folder: Path) -> set[str]:
    result = import_gracethd(made.write_folder(folder / "delivery"), folder / "network")
    return {one.code for one in result.findings} - {"unknown-owner", "tables-kept"}


def test_a_cord_between_drawers_is_a_jumper_and_comes_back(tmp_path: Path) -> None:
    assert codes(with_cord(), tmp_path) == set()
    assert jumpers(tmp_path / "network") == [("TI-2:5", "TI1:1", 3.0)]
    export_gracethd(Context(tmp_path / "network"), tmp_path / "out")
    import_gracethd(tmp_path / "out", tmp_path / "again")
    for name in ("t_cable.csv", "t_position.csv", "t_fibre.csv"):
        before = (tmp_path / "delivery" / name).read_bytes().replace(b"\r\n", b"\n")
        assert (tmp_path / "out" / name).read_bytes() == before
    for name in ("inventory/jumpers.csv", "inventory/terminations.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "network" / name).read_bytes()


def test_a_cord_with_one_end_is_kept_and_counted(tmp_path: Path) -> None:
    made = with_cord("")
    made.row("t_position", "P2-5")["ps_1"] = ""
    assert codes(made, tmp_path) == {"patch-cords-kept"}
    assert jumpers(tmp_path / "network") == []


def test_two_cords_in_one_position(tmp_path: Path) -> None:
    made = with_cord()
    made["t_cable"].append({"cb_code": "J2", "cb_typephy": "J", "cb_lgreel": "2"})
    made["t_fibre"].append({"fo_code": "FJ2", "fo_cb_code": "J2", "fo_nincab": "1"})
    made.row("t_position", "P2-5")["ps_2"] = "FJ2"
    made.row("t_position", "P2-6")["ps_1"] = "FJ2"
    assert codes(made, tmp_path) == {"position-plugged-twice", "patch-cords-kept"}
    assert len(jumpers(tmp_path / "network")) == 1


def test_a_drawer_that_joins_two_strands_is_told(tmp_path: Path) -> None:
    made = town()
    made.row("t_position", "PS-T1")["ps_2"] = "FO1020"
    assert codes(made, tmp_path) == {"two-strands-in-drawer"}


# ── optical routes ───────────────────────────────────────────────────────────────────────────────


def route(*strands: str) -> list[dict[str, Any]]:
    return [
        {"rt_id": str(number), "rt_code": "RT1", "rt_fo_code": strand, "rt_fo_ordr": str(number)}
        for number, strand in enumerate(strands, 1)
    ]


@pytest.mark.parametrize(
    ("strands", "told"),
    [
        (("FO1003", "FO2003"), ""),
        (("FO2003", "FO1003"), ""),
        (("FO1003",), ""),
        (("FJ1", "FO1001", "FO2001"), ""),
        (("FO1003", "FO2004"), "from CB-1:3 to CB-2:4; the splices lead to CB-2:3"),
        (("FO1020", "FO2003"), "from CB-1:20 to CB-2:3; the splices end there"),
        (("FO2001", "FO1001", "FO1002"), "from CB-1:1 to CB-1:2; the splices end there"),
        (("FO1003", "FO9999"), "FO9999, which is no strand"),
    ],
)
def test_routes_against_splices(tmp_path: Path, strands: tuple[str, ...], told: str) -> None:
    made = with_cord()
    made.tables["t_ropt"] = route(*strands)
    result = import_gracethd(made.write_folder(tmp_path / "delivery"), tmp_path / "network")
    found = [one.summary for one in result.findings if "route" in one.code]
    assert len(found) == bool(told)
    assert all(told in one for one in found)


def test_a_route_through_a_cord(tmp_path: Path) -> None:
    made = with_cord()
    made.row("t_position", "P2-6")["ps_1"] = "FO1024"
    made.row("t_position", "P2-6")["ps_2"] = "FJ1"
    made.row("t_position", "P2-5")["ps_1"] = ""
    made.tables["t_ropt"] = route("FO2001", "FO1001", "FJ1", "FO1024")
    assert codes(made, tmp_path) == set()


def test_a_closed_loop_of_splices_ends(tmp_path: Path) -> None:
    """Two strands of one cable are spliced to each other at its end, and to each other in the box, too."""
    made = town()
    made.tables["t_position"] += [
        {
            "ps_code": "X1",
            "ps_numero": "10",
            "ps_1": "FO2011",
            "ps_2": "FO2012",
            "ps_cs_code": "CS1",
            "ps_fonct": "EP",
        },
        {
            "ps_code": "X2",
            "ps_numero": "1",
            "ps_1": "FO2011",
            "ps_2": "FO2012",
            "ps_cs_code": "CS9",
            "ps_fonct": "EP",
        },
    ]
    made["t_cassette"].append({"cs_code": "CS9", "cs_bp_code": "BP9", "cs_num": "1"})
    made["t_ebp"].append({"bp_code": "BP9", "bp_pt_code": "PT-04"})
    made.tables["t_ropt"] = route("FO2011", "FO2012", "FO2011", "FO2012", "FO2010")
    assert "route-differs" in codes(made, tmp_path)
    assert len(Context(tmp_path / "network").loaded.plant.splices) == 10
