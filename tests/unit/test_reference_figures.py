"""The plant of the reference network: the files are what the generator writes, and its figures as asked for."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from any_network import ROOT, read_folder

from lab.reference.communes import communes
from lab.reference.ground import length
from lab.reference.plant import build
from sdnctl.inventory.geometry import line_length
from sdnctl.workspace.folder import Loaded

PARTS = ("network.yaml", "inventory", "topology", "intents")


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return read_folder("reference")


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(build().files[f"inventory/{name}.csv"])))


def features() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(build().files["inventory/segments.geojson"])["features"]
    return found


# ── the files ────────────────────────────────────────────────────────────────────────────────────


def files(folder: Path) -> dict[str, bytes]:
    found = [folder / PARTS[0], *(file for part in PARTS[1:] for file in (folder / part).rglob("*"))]
    return {str(file.relative_to(folder)): file.read_bytes() for file in found if file.is_file()}


def test_the_generator_writes_the_committed_files(tmp_path: Path) -> None:
    """In another process, with other hashes, in another place and language: the same bytes."""
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "4711",
        "LC_ALL": "C",
        "TZ": "Asia/Tokyo",
        "PYTHONPATH": str(ROOT),
    }
    subprocess.run(
        [sys.executable, "-m", "lab.reference", str(tmp_path / "a b")], cwd=tmp_path, env=environment, check=True
    )
    written, committed = files(tmp_path / "a b"), files(ROOT)
    by_hand = {"inventory/README.md", "topology/README.md"}
    assert sorted(written) == sorted(set(committed) - by_hand)
    assert [name for name in written if written[name] != committed[name]] == []
    assert sum(map(len, committed.values())) < 6_000_000


def test_the_committed_network_has_no_faults_but_its_traps(loaded: Loaded) -> None:
    assert Counter(one.code for one in loaded.diagnostics) == {
        "control-residual": 1,
        "not-in-service": 2,
        "one-way-splice-reading": 1,
        "optical-budget": 1,
        "optical-overload": 1,
        "reversed-polarity": 1,
    }


# ── figures ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("figure", "wanted", "off"),
    [
        ("sheath", 700, 7),
        ("sheath ring", 280, 5),
        ("sheath core", 50, 2.5),
        ("sheath distribution", 210, 10),
        ("sheath drop", 160, 10),
        ("segments", 430, 20),
        ("chambers", 1950, 250),
        ("wall boxes", 1300, 0),
        ("closures", 900, 30),
        ("links", 170, 5),
        ("sinuosity", 1.3, 0.07),
        ("fill", 0.35, 0.03),
        ("cables above 85 %", 2, 0),
    ],
)
def test_figures_are_what_was_asked_for(figure: str, wanted: float, off: float) -> None:
    assert build().figures[figure] == pytest.approx(wanted, abs=off)


def test_kinds_of_segment_and_sizes_of_ring_cable_have_their_shares() -> None:
    found = build().figures
    for kind, share in {"trench": 0.60, "rented": 0.25, "overhead": 0.10}.items():
        assert found[f"segments {kind}"] / found["segments"] == pytest.approx(share, abs=0.02)
    other = sum(found[f"segments {kind}"] for kind in ("facade", "sewer", "bridge"))
    assert other / found["segments"] == pytest.approx(0.05, abs=0.01)
    for strands, share in {144: 0.70, 72: 0.20, 288: 0.10}.items():
        assert found[f"ring strands {strands}"] / found["sheath ring"] == pytest.approx(share, abs=0.03)


def test_the_page_quotes_the_figures() -> None:
    """`inventory/README.md` is written by hand; what it says is counted."""
    page = (ROOT / "inventory/README.md").read_text(encoding="utf-8")
    found = build().figures
    for words, figure, places in (
        (r"cable sheath \| ([\d.]+) km", "sheath", 1),
        (r"rings ([\d.]+), core", "sheath ring", 1),
        (r"core in Nîmes ([\d.]+),", "sheath core", 1),
        (r"distribution ([\d.]+),", "sheath distribution", 1),
        (r"drops ([\d.]+) \|", "sheath drop", 1),
        (r"144 strands ([\d.]+),", "ring strands 144", 1),
        (r"segments \| ([\d.]+) km", "segments", 1),
        (r"rented duct ([\d.]+),", "segments rented", 1),
        (r"chambers \| (\d+) ", "chambers", 0),
        (r"closures \| (\d+) ", "closures", 0),
        (r"sinuosity \| ([\d.]+)", "sinuosity", 2),
        (r"lit links \| (\d+)", "links", 0),
    ):
        match = re.search(words, page)
        assert match, words
        assert float(match[1]) == round(found[figure], places), words


def test_segments_wind_and_lengths_agree_with_the_ellipsoid() -> None:
    off = drawn = 0.0
    for feature in features():
        line = [tuple(point) for point in feature["geometry"]["coordinates"]]  # type: ignore[index]
        drawn += line_length(line)
        off += abs(line_length(line) - length(line))
    assert off / drawn < 1e-5


def test_points_are_shared_out_by_population() -> None:
    points = build().points
    assert len(points) == len({one.terminal for one in points}) == len({(one.switch, one.port) for one in points})
    assert len(points) == 1300
    by_area = Counter(one.area for one in points)
    order = [by_area[one.name] for one in communes().values()]
    assert len(order) == 39
    assert min(order) >= 8
    assert order == sorted(order, reverse=True)
    lengths = [float(row["sheath"].split()[0]) for row in rows("cables") if row["id"].startswith("dr-")]
    assert 100 < sum(lengths) / len(lengths) < 130


def test_every_object_says_that_it_is_synthetic(loaded: Loaded) -> None:
    plant = loaded.plant
    for table in (
        plant.sites,
        plant.chambers,
        plant.segments,
        plant.ducts,
        plant.cables,
        plant.closures,
        plant.odfs,
    ):
        assert {one.life.provenance for one in table.values()} == {"synthetic"}
        assert all(one.life.owner for one in table.values())
    years = {one.life.valid_from.year for one in plant.cables.values() if one.life.valid_from}
    assert (min(years), max(years)) == (2003, 2027)  # 2027: the planned one
    assert {type_.colours for type_ in plant.cable_types.values()} == {"orange-fr"}
    assert {one.type for one in plant.cables.values()} == set(plant.cable_types)
