"""Edits that a check proposes: the patch applies to files as people wrote them, and what was found is gone."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from inventory_support import EXAMPLES
from sdnctl_in_process import sdnctl

Break = Callable[[Path], object]


def replace(file: str, old: str, new: str) -> Break:
    """A text of a file replaced where it stands once."""

    def change(folder: Path) -> None:
        path = folder / "inventory" / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, (file, old, text.count(old))
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change


def again(file: str, start: str) -> Break:
    """The line that begins so stands once more at the end of its list."""

    def change(folder: Path) -> None:
        path = folder / "inventory" / file
        text = path.read_text(encoding="utf-8")
        line = next(line for line in text.splitlines() if line.strip().startswith(start))
        path.write_text(text.rstrip("\n") + f"\n{line}\n", encoding="utf-8")

    return change


BACKWARDS = '"id": "s-dc-s-arenes", "a": "ch-dc-s", "b": "ch-arenes"'
TURNED = '"id": "s-dc-s-arenes", "a": "ch-arenes", "b": "ch-dc-s"'
FIRST = "[[4.3722, 43.8272], [4.372, 43.8262]]"
OPENED = 'opened: ["c-south-west:15-24"]'
DUCT = "segments: [s-dc-s-arenes, s-arenes-canal, s-canal-ex-s]"
SPLICE = '      - {a: "c-calvas-vigne:3-72", b: "c-vigne-dourbie:3-72", loss: 0.08 dB}\n'
SAME = '      - {b: "c-calvas-vigne:3-72", a: "c-vigne-dourbie:3-72", loss: 0.08 dB}  # turned\n'

Row = tuple[str, Break | None, str]
WHOLE: list[Row] = [
    ("reversed-polarity", None, '+      - {port: 7, transceiver: 10g-lr, tx: "odf-'),
    ("segment-off-its-ends", replace("segments.geojson", BACKWARDS, TURNED), BACKWARDS),
    ("segment-off-its-ends", replace("segments.geojson", FIRST, FIRST.replace("8272", "827204")), FIRST),
    (
        "tube-opened-for-nothing",
        replace("closures.yaml", OPENED, 'opened: ["c-south-west:15-24,25-36"]'),
        f"+    {OPENED}",
    ),
    ("status-contradiction", replace("ducts.yaml", DUCT, f"{DUCT}, status: planned"), "status: in-service"),
    (
        "validity-over",
        replace("cables.yaml", "  - id: c-mill\n", "  - id: c-mill  # next year\n    valid_from: 2031-01-01\n"),
        "+    status: planned",
    ),
]
"""Faults of which none is an error of the folder: every rule is asked."""

FAULTY: list[Row] = [
    ("tube-opened-in-part", replace("closures.yaml", OPENED, "opened: []"), f"+    {OPENED}"),
    ("duplicate-id", again("chambers.csv", "ch-dc-n,"), "-ch-dc-n,"),
    ("duplicate-id", again("ducts.yaml", "- {id: du-core-south"), "-  - {id: du-core-south"),
    (
        "strand-spliced-twice",
        replace("closures.yaml", SPLICE, SPLICE + SAME),
        '-      - {b: "c-calvas-vigne:3-72"',
    ),
]
"""Faults with which the folder does not load: it is checked as far as it can be read."""


@pytest.mark.parametrize("rows", [WHOLE, FAULTY], ids=["whole", "faulty"])
def test_the_patch_applies_and_what_was_found_is_gone(rows: list[Row], tmp_path: Path) -> None:
    folder = tmp_path / "net"
    shutil.copytree(EXAMPLES / "small", folder)
    for _, change, _ in rows:
        if change is not None:
            change(folder)
    patch = tmp_path / "right.patch"
    only = [word for code in dict.fromkeys(row[0] for row in rows) for word in ("--only", code)]
    asked = ("--format", "json", "-n", folder, "inventory", "check", *only, "--on", "2026-06-01")
    found = json.loads(sdnctl(*asked, "--patch", patch).out)
    assert {one["code"] for one in found["findings"]} == {row[0] for row in rows}
    assert all(one["edits"] for one in found["findings"])
    assert found["left_out"] == []
    for _, _, said in rows:
        assert said in found["patch"]
    assert patch.read_text(encoding="utf-8") == found["patch"]
    subprocess.run(["git", "apply", patch], cwd=folder, check=True)
    second = sdnctl(*asked)
    assert second.code == 0
    assert json.loads(second.out)["findings"] == []


def test_two_that_differ_are_for_a_person(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    shutil.copytree(EXAMPLES / "small", folder)
    again("chambers.csv", "ch-dc-n,")(folder)
    path = folder / "inventory" / "chambers.csv"
    before, _, after = path.read_text(encoding="utf-8").rpartition("ch-dc-n,4.3503")
    path.write_text(f"{before}ch-dc-n,4.3504{after}", encoding="utf-8")
    result = sdnctl("--format", "json", "-n", folder, "inventory", "check", "--only", "duplicate-id")
    found = json.loads(result.out)
    assert result.code == 4
    assert [one["edits"] for one in found["findings"]] == [0]
    assert found["patch"] == ""
