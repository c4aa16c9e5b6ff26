"""`inventory otdr` as people and programs call it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sdnctl_in_process import Result, sdnctl

from sdnctl.exchange.sor_read import read
from sdnctl.exchange.sor_write import write

START = "core-a:3/tx"
Ask = Callable[..., Result]


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small example with rehearsed traces: whole, cut at both sides, and from the far end."""
    folder = tmp_path_factory.mktemp("otdr") / "a network"
    assert sdnctl("init", folder, "--example", "small").code == 0
    for name, end, cut in (
        ("before", START, None),
        ("after", START, "c-carrefour-north@700 m"),
        ("back", "pop-north:1/rx", "c-carrefour-north@700 m"),
        ("back-whole", "pop-north:1/rx", None),
    ):
        words = ["--from", end, "--save", folder / f"{name}.sor", *(["--cut", cut] if cut else [])]
        assert sdnctl("-n", folder, "inventory", "otdr", *words).code == 0
    return folder


@pytest.fixture
def otdr(net: Path) -> Iterator[Ask]:
    """Asks about a trace from the usual end; removes what was kept."""

    def ask(name: str, *words: object, form: str = "text", start: str | None = START) -> Result:
        begin = ["--from", start] if start else []
        return sdnctl("-n", net, "--format", form, "inventory", "otdr", net / f"{name}.sor", *begin, *words)

    yield ask
    for path in (net / "inventory" / "traces").glob("*.sor"):
        path.unlink()


def test_json_says_where(otdr: Ask, net: Path) -> None:
    found = otdr("after", form="json").document
    assert (found["format"], found["command"], found["ok"]) == (1, "inventory otdr", True)
    assert found["verdict"] == "broken"
    end = found["end"]
    assert end["spot"]["cable"] == "c-carrefour-north"
    assert end["spot"]["sheath"] == pytest.approx(700, abs=0.2)
    assert end["low"]["sheath"] < 700 < end["high"]["sheath"]
    assert end["half_width"] <= max(5, 0.01 * end["to_calibrated"])
    assert end["spot"]["behind"] == "ch-lycee"
    assert [one["kind"] for one in found["events"]] == ["joint", "joint", "break"]
    assert [one["code"] for one in found["remarks"]] == ["break"]


def test_text_fits_eighty_and_forty_columns(otdr: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (80, 40):
        monkeypatch.setenv("COLUMNS", str(columns))
        said = otdr("after")
        assert said.code == 0
        assert max(map(len, said.out.splitlines())) <= columns
        assert "…" not in said.out
        assert "broken at 2,161 m" in said.out


def test_both_ends(otdr: Ask, net: Path) -> None:
    found = otdr("after", "--other-end", net / "back.sor", form="json").document
    assert found["meeting"]["gap"] == 0
    assert found["meeting"]["half_width"] < found["end"]["half_width"]
    assert "from both ends" in otdr("after", "--other-end", net / "back.sor").out
    whole = otdr("before", "--other-end", net / "back-whole.sor", form="json").document
    assert whole["meeting"] is None
    splice = next(one for one in whole["both_ways"] if one["name"] == "splice k-carrefour")
    assert splice["loss"] == pytest.approx(0.06)
    assert splice["apparent"] == {"there": 0.06, "back": 0.06}


def test_a_kept_trace_is_compared_with(otdr: Ask, net: Path) -> None:
    kept = otdr("before", "--keep", form="json").document["files"]["kept"]
    assert kept == "inventory/traces/core-a_3_tx-1550.sor"
    assert (net / kept).read_bytes() == (net / "before.sor").read_bytes()
    again = otdr("before", "--keep", form="json")
    assert again.code == 1
    assert again.codes() == {"trace-kept"}
    found = otdr("after", form="json").document
    assert found["reference"]["name"] == "core-a_3_tx-1550.sor"
    assert {one["code"] for one in found["remarks"]} == {"break", "shorter"}
    assert sdnctl("-n", net, "validate").code == 0, "kept traces are no fault of the folder"


def test_what_the_instrument_knows_is_used(otdr: Ask, net: Path) -> None:
    """Cable and strand as typed in, where no end is named."""
    assert otdr("before", start=None, form="json").codes() == {"otdr-from-where"}
    file, _ = read((net / "before.sor").read_bytes())
    general = replace(file.general, cable="c-dc-carrefour", fibre="F01", origin="datacentre")
    (net / "typed.sor").write_bytes(write(replace(file, general=general)))
    found = otdr("typed", start=None, form="json").document
    assert found["from"] == "odf-datacentre:25"
    assert [one["code"] for one in found["notes"]] == ["otdr-start"]


def test_drawings_and_maps(otdr: Ask, net: Path) -> None:
    said = otdr("after", "--draw", net / "t.svg", "--geojson", net / "t.geojson", form="json").document
    assert said["files"] == {"drawing": str(net / "t.svg"), "map": str(net / "t.geojson")}
    root = ET.parse(net / "t.svg").getroot()
    texts = ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any(text.startswith("break, c-carrefour-north") for text in texts)
    assert any("k-carrefour" in text for text in texts)
    found = json.loads((net / "t.geojson").read_text())
    roles = [(one["properties"]["kind"], one["properties"]["role"]) for one in found["features"]]
    assert roles[-3:] == [("break", "event"), ("break", "interval low"), ("break", "interval high")]
    for one in found["features"]:
        lon, lat = one["geometry"]["coordinates"]
        assert 4 < lon < 5
        assert 43 < lat < 45


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (("nowhere.sor", "--from", START), 1, "trace-unreadable"),
        (("network.yaml", "--from", START), 1, "sor-not-a-trace"),
        (("before.sor", "--from", "core-a:3"), 64, "otdr-which-strand"),
        (("before.sor", "--from", "nobody:1"), 1, "no-such-thing"),
        (("before.sor", "--from", "odf-datacentre:95"), 1, "otdr-no-glass"),
        (("before.sor", "--from", START, "--launch", "9 km"), 1, "otdr-all-lead"),
        (("before.sor", "--from", START, "--launch", "9"), 64, "usage"),
        (("before.sor", "--from", START, "--index", "3"), 1, "sor-group-index"),
        (("before.sor", "--from", START, "--draw", "x.pdf"), 64, "no-such-format"),
        (("--from", START), 64, "usage"),
        (("--save", "x.sor"), 64, "usage"),
        (("--from", START, "--save", "x.sor", "--cut", "c-core-south@1 m"), 1, "cut-off-course"),
        (("--from", START, "--save", "x.sor", "--cut", "nothing@1 m"), 1, "no-such-thing"),
        (("--from", START, "--save", "x.sor", "--wavelength", "blue"), 64, "no-such-wavelength"),
    ],
)
def test_errors(net: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, what: str) -> None:
    monkeypatch.chdir(net)
    said = sdnctl("--format", "json", "inventory", "otdr", *words)
    assert (said.code, said.codes()) == (code, {what})
    assert not (net / "x.sor").exists()


def test_a_checksum_that_does_not_fit(otdr: Ask, net: Path) -> None:
    data = bytearray((net / "before.sor").read_bytes())
    data[-1] ^= 0xFF
    (net / "edited.sor").write_bytes(data)
    said = otdr("edited")
    assert said.code == 0
    assert "warning[sor-checksum]" in said.err
    strict = otdr("edited", "--strict", form="json")
    assert (strict.code, strict.codes()) == (1, {"sor-checksum"})
    assert strict.document["diagnostics"][0]["severity"] == "error"


def test_a_truncated_file(otdr: Ask, net: Path) -> None:
    (net / "short.sor").write_bytes((net / "before.sor").read_bytes()[:400])
    said = otdr("short")
    assert said.code == 1
    assert "error[sor-truncated]" in said.err
    assert "byte" in said.err


def test_two_traces_that_are_not_of_one_fibre(otdr: Ask, net: Path) -> None:
    twice = otdr("before", "--other-end", net / "before.sor", form="json").document
    assert [one["code"] for one in twice["remarks"]] == ["same-end"]
    assert (twice["both_ways"], twice["meeting"]) == ([], None)
    said = otdr("after", "--other-end", net / "back-whole.sor")
    assert "two-fibres: the fibre is whole from there" in " ".join(said.out.split())
    assert "both directions" not in said.out


def test_an_index_that_no_glass_has_is_told(otdr: Ask) -> None:
    said = otdr("after", "--index", "1.45")
    assert said.code == 0
    assert "sor-index-unlikely" in said.err + said.out
