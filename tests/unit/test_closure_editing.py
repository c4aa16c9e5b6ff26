"""Edits of a closure through the command line: what they write and leave, and what is refused as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from sdnctl_in_process import Result, sdnctl

from sdnctl.errors import InputError
from sdnctl.usecases.closure_editing import read_edits

LATE = "c-mill:5"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("closures") / "net"
    assert sdnctl("init", folder).code == 0
    return folder


@pytest.fixture
def texts(small: Path) -> dict[str, str]:
    """The files, to see that nothing was changed; put back what was after the test."""
    return {
        path.name: path.read_text(encoding="utf-8") for path in (small / "inventory").iterdir() if path.is_file()
    }


@pytest.fixture(autouse=True)
def _as_it_was(small: Path) -> object:
    kept = {path: path.read_bytes() for path in (small / "inventory").iterdir()}
    yield
    for path, content in kept.items():
        path.write_bytes(content)


def edit(folder: Path, text: str, *options: str, box: str = "k-moulin", name: str = "edits.yaml") -> Result:
    file = folder.parent / name
    file.write_text(text, encoding="utf-8")
    return sdnctl("-n", folder, "--format", "json", "inventory", "closure", box, "--edit", file, *options)


def edits(*lines: str) -> str:
    return "edits:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


def test_other_lines_stay_as_they_are(small: Path, texts: dict[str, str]) -> None:
    made = edit(
        small, edits('splice: "c-south-west/a:15", with: "c-mill:3", loss: 0.07 dB, cassette: 3'), "--write"
    )
    assert made.code == 0, made.err
    assert made.document["written"] is True
    assert made.document["changed_files"] == ["inventory/closures.yaml"]
    now = (small / "inventory" / "closures.yaml").read_text(encoding="utf-8")
    old, new = texts["closures.yaml"].splitlines(), now.splitlines()
    assert [line for line in old if line not in new] == ['    opened: ["c-south-west:15-24"]']
    assert [line for line in new if line not in old] == [
        '      - {a: "c-south-west/a:15", b: "c-mill:3", loss: 0.07 dB, cassette: 3}',
        '    opened: ["c-south-west:16-24"]',
    ]
    assert [line for line in new if line.lstrip().startswith("#")] == [
        line for line in old if line.lstrip().startswith("#")
    ]
    (splice,) = made.document["cassettes"][1]["splices"]
    assert splice["new"]
    assert (splice["a"]["strand"], splice["b"]["strand"], splice["loss"]) == (15, 3, 0.07)


def test_nothing_is_written_without_being_asked(small: Path, texts: dict[str, str]) -> None:
    made = edit(small, edits('park: "c-mill:1"'))
    assert made.code == 0, made.err
    assert made.document["written"] is False
    assert len(made.document["removed"]) == 1
    assert '+    cut: ["c-south-west:13"]' in made.document["diff"]
    assert (small / "inventory" / "closures.yaml").read_text(encoding="utf-8") == texts["closures.yaml"]


FAULTS = (
    ('splice: "c-south-west/a:13", with: "c-mill:3"', "strand-spliced-twice"),  # in this closure
    ('splice: "c-south-west/a:99", with: "c-mill:3"', "strand-beyond-capacity"),
    ('splice: "c-south-west:20", with: "c-mill:3"', "strand-side-missing"),
    ('splice: "c-core-south:20", with: "c-mill:3"', "cable-not-here"),
    ('splice: "c-nowhere:20", with: "c-mill:3"', "dangling-reference"),
    ('splice: "c-mill:3", with: "c-mill:3"', "spliced-to-itself"),
    ('splice: "c-mill:3-4", with: "c-mill:4,3"', "strand-spliced-twice"),
    ('cut: "c-south-west:13"', "already-cut"),
    ('cut: "c-south-west/a:20"', "cut-has-no-side"),
    ('cut: "c-mill:3"', "nothing-to-cut"),
    ('park: "c-mill:3"', "not-spliced-here"),
    ("open: c-south-west, tube: 7", "tube-beyond-capacity"),
    ("open: c-south-west, tube: 2", "already-open"),
    ("open: c-mill, tube: 1", "already-open"),
    ("open: c-core-south, tube: 1", "cable-not-here"),
    ("close: c-south-west, tube: 7", "tube-beyond-capacity"),
    ("close: c-south-west, tube: 2", "tube-in-use"),  # two of its strands go to the mill
    ("close: c-mill, tube: 1", "tube-in-use"),  # it ends here
    ("close: c-south-west, tube: 3", "already-closed"),
    ("close: c-core-south, tube: 1", "cable-not-here"),
    ('mend: "c-south-west:30"', "nothing-to-mend"),  # whole
    ('mend: "c-south-west/a:13"', "cut-has-no-side"),
    ('mend: "c-south-west:14"', "strand-spliced-twice"),  # one end goes to the mill
    ('mend: "c-mill:3"', "nothing-to-mend"),
    ('mend: "c-core-south:3"', "cable-not-here"),
)


def test_every_fault_of_every_edit_is_told_at_once_and_nothing_is_written(
    small: Path, texts: dict[str, str]
) -> None:
    good = f'splice: "c-south-west/a:15", with: "{LATE}"'
    made = edit(small, edits(good, *(line for line, _ in FAULTS)), "--write")
    assert made.code == 1
    told = {(one["line"], one["code"]) for one in made.document["diagnostics"]}
    assert told == {(number, code) for number, (_, code) in enumerate(FAULTS, start=3)}
    assert all(one["hint"] for one in made.document["diagnostics"])
    assert (small / "inventory" / "closures.yaml").read_text(encoding="utf-8") == texts["closures.yaml"]


def test_a_tube_that_was_opened_is_closed_again(small: Path, texts: dict[str, str]) -> None:
    assert edit(small, edits("open: c-south-west, tube: 3-4"), "--write").code == 0
    made = edit(small, edits("close: c-south-west, tube: 3"), "--write")
    assert made.code == 0, made.err
    assert [(one["strand"], one["after"]) for one in made.document["changes"]] == [
        (strand, "uncut, tube closed") for strand in range(25, 37)
    ]
    assert 'opened_tubes: ["c-south-west:4"]' in (small / "inventory" / "closures.yaml").read_text(
        encoding="utf-8"
    )
    assert edit(small, edits("close: c-south-west, tube: 4"), "--write").code == 0
    assert (small / "inventory" / "closures.yaml").read_text(encoding="utf-8") == texts["closures.yaml"]


def test_a_tube_opened_and_closed_in_one_file_changes_nothing(small: Path) -> None:
    made = edit(small, edits("open: c-south-west, tube: 3", "close: c-south-west, tube: 3"))
    assert (made.document["diff"], made.document["changed_files"]) == ("", [])


def test_a_strand_that_was_cut_is_mended(small: Path) -> None:
    assert edit(small, edits('cut: "c-south-west:17-19"'), "--write").code == 0
    made = edit(small, edits('mend: "c-south-west:17,19", loss: 0.04 dB, cassette: 2'), "--write")
    assert made.code == 0, made.err
    now = (small / "inventory" / "closures.yaml").read_text(encoding="utf-8")
    assert (
        '      - {a: "c-south-west/a:17,19", b: "c-south-west/b:17,19", loss: 0.04 dB, cassette: 2}\n'
        '    opened: ["c-south-west:15-16,20-24"]\n'
        '    cut: ["c-south-west:18"]\n'
    ) in now
    (trace,) = sdnctl("-n", small, "--format", "json", "inventory", "trace", "c-south-west:17").document["chains"]
    assert [leg["losses"]["1550"]["max"] for leg in trace["legs"] if leg["kind"] == "splice"] == [0.04]


def test_a_strand_is_parked_and_mended_in_one_file(small: Path) -> None:
    made = edit(small, edits('park: "c-mill:1"', 'mend: "c-south-west:13"'), "--write")
    assert made.code == 0, made.err
    now = (small / "inventory" / "closures.yaml").read_text(encoding="utf-8")
    assert '      - {a: "c-south-west/a:13", b: "c-south-west/b:13"}\n' in now
    assert "    cut:" not in now


def test_a_strand_used_twice_names_where_it_is_used(small: Path) -> None:
    made = edit(
        small,
        edits(f'splice: "c-south-west/a:20", with: "{LATE}"', f'splice: "c-south-west/a:21", with: "{LATE}"'),
    )
    (fault,) = made.document["diagnostics"]
    assert fault["line"] == 3
    assert "edits.yaml:2" in fault["detail"]
    made = edit(small, edits('splice: "c-south-west/a:20", with: "c-mill:1"'))
    assert "inventory/closures.yaml:28" in made.document["diagnostics"][0]["detail"]


def test_validate_refuses_a_strand_used_twice_with_both_lines(small: Path) -> None:
    path = small / "inventory" / "closures.yaml"
    text = path.read_text(encoding="utf-8")
    line = '      - {a: "c-south-west/a:13-14", b: "c-mill:1-2", loss: 0.05 dB}\n'
    path.write_text(
        text.replace(line, line + '      - {a: "c-south-west/b:13", b: "c-mill:2"}\n'), encoding="utf-8"
    )
    made = sdnctl("-n", small, "--format", "json", "validate")
    assert made.code == 1
    (fault,) = [one for one in made.document["diagnostics"] if one["code"] == "strand-spliced-twice"]
    assert (fault["file"], fault["line"]) == ("inventory/closures.yaml", 29)
    assert "inventory/closures.yaml:28" in fault["detail"]


def test_light_of_a_protected_class_is_not_cut_unasked(small: Path, texts: dict[str, str]) -> None:
    text = edits('park: "c-dc-carrefour:1"')
    refused = edit(small, text, "--write", box="k-carrefour")
    assert refused.code == 3
    assert refused.codes() == {"outage"}
    assert "--allow-outage scada" in refused.document["diagnostics"][0]["hint"]
    assert (small / "inventory" / "closures.yaml").read_text(encoding="utf-8") == texts["closures.yaml"]
    allowed = edit(small, text, "--allow-outage", "scada", box="k-carrefour")
    assert allowed.code == 0, allowed.err
    assert {one["code"] for one in allowed.document["diagnostics"]} == {"light-lost"}


def test_dark_strands_beside_light_may_be_worked_on(small: Path) -> None:
    made = edit(small, edits('park: "c-dc-carrefour:3-4"'), box="k-carrefour")
    assert made.code == 0, made.err
    assert made.document["diagnostics"] == []


def test_a_table_of_edits(small: Path) -> None:
    rows = (",,,c-mill:1-2,,", "c-south-west/b:13,c-mill:7,0.1 dB,,,", ",,,,c-south-west,3")
    text = "".join(f"{row}\n" for row in ("splice,with,loss,park,open,tube", *rows))
    made = edit(small, text, name="edits.csv")
    assert made.code == 0, made.err
    (splices,) = [one["splices"] for one in made.document["cassettes"]]
    assert [(one["a"]["side"], one["a"]["strand"], one["b"]["strand"]) for one in splices] == [("b", 13, 7)]
    assert made.document["changes"][0] == {
        "cable": "c-mill",
        "strand": 1,
        "side": None,
        "before": "spliced to c-south-west/a:13",
        "after": "waiting",
    }
    wrong = edit(small, "splice,with\nc-mill:7,\n", name="edits.csv")
    assert wrong.code == 1


@pytest.mark.parametrize(
    "text",
    [
        "edits: []\n",
        "closure: k-plateau\n" + edits(f'park: "{LATE}"'),
        edits('splice: "c-mill:3"'),
        edits('splice: "c-mill:3-4", with: "c-mill:5"'),
        edits('cut: "c-mill:3", park: "c-mill:3"'),
        edits("open: c-south-west"),
        edits('cut: "c-south-west:20", loss: 0.1 dB'),
        edits("glue: yes"),
    ],
)
def test_a_file_that_says_nothing_sensible(tmp_path: Path, text: str) -> None:
    file = tmp_path / "edits.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_edits(file, "k-moulin")
    assert all(one.source is not None and one.source.file == str(file) for one in caught.value.diagnostics)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_edits(tmp_path / "none.yaml", "k-moulin")


def test_the_command_line_is_checked(small: Path) -> None:
    assert sdnctl("-n", small, "inventory", "closure", "k-moulin", "--write").code == 64
    assert sdnctl("-n", small, "inventory", "closure", "k-moulin", "-o", "plan.dwg").code == 64
    assert sdnctl("-n", small, "inventory", "closure", "k-nowhere").code == 1
    assert sdnctl("-n", small, "inventory", "closure", "datacentre").code == 1
    assert sdnctl("-n", small, "inventory", "closure", "fc-moulin").code == 0
    assert sdnctl("-n", small, "inventory", "line", "core-z--core-y").code == 1
    assert sdnctl("-n", small, "inventory", "line", "core-a:3/tx", "pop-west:1").code == 1
    assert sdnctl("-n", small, "inventory", "synoptic", "atlantis").code == 1


def test_a_closure_of_the_table_that_says_more_becomes_an_entry(small: Path) -> None:
    boxes, rows = small / "inventory" / "closures.yaml", small / "inventory" / "closures.csv"
    splices = small / "inventory" / "splices.csv"
    text = boxes.read_text(encoding="utf-8")
    begin = text.index("  - id: k-moulin")
    boxes.write_text(text[: text.index("  # One tube of six")], encoding="utf-8")
    assert "k-moulin" in text[begin:]
    rows.write_text("id,at,valid_from\nk-moulin,fc-moulin,2020-05-01\n", encoding="utf-8")
    splices.write_text(
        "closure,a,b\nk-moulin,c-south-west/a:13,c-mill:1\nk-moulin,c-south-west/a:14,c-mill:2\n",
        encoding="utf-8",
    )
    try:
        made = edit(small, edits('park: "c-mill:1"', 'splice: "c-south-west/a:14", with: "c-mill:9"'))
        assert made.codes() == {"strand-spliced-twice"}
        made = edit(small, edits('park: "c-mill:1-2"', 'splice: "c-south-west/a:14", with: "c-mill:9"'), "--write")
        assert made.code == 0, made.err
        assert rows.read_text(encoding="utf-8") == "id,at,valid_from\n"
        assert "k-moulin,c-south-west/a:14,c-mill:9" in splices.read_text(encoding="utf-8")
        assert "c-mill:1\n" not in splices.read_text(encoding="utf-8")
        assert 'cut: ["c-south-west:13"]' in boxes.read_text(encoding="utf-8")
        assert "2020-05-01" in boxes.read_text(encoding="utf-8")
    finally:
        rows.unlink()
        splices.unlink()


def test_a_plan_is_told_even_where_the_intents_cannot_be_carried(small: Path) -> None:
    path = small / "intents" / "flood-sensors.yaml"
    text = path.read_text(encoding="utf-8")
    assert "latency: 10 ms" in text
    path.write_text(text.replace("latency: 10 ms", "latency: 1 us"), encoding="utf-8")
    try:
        made = sdnctl("-n", small, "--format", "json", "inventory", "closure", "k-carrefour")
        assert made.code == 0, made.err
        assert made.document["notes"][0].startswith("Links and lines without their services")
        assert made.document["cassettes"][0]["splices"][0]["runs"] == [
            {"name": "core-a--pop-north", "classes": []}
        ]
        # what may not be cut is not known then, so nothing is
        assert edit(small, edits('park: "c-dc-carrefour:1"'), box="k-carrefour").code == 1
    finally:
        path.write_text(text, encoding="utf-8")
