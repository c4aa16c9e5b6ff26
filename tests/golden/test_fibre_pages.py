"""Pages of the fibre guide, executed: every command in them, and every line that they say it prints.

A page is ``docs/fibre-*.md``. Its ``console`` blocks are run in a copy of the small example (or of the one that a
first line ``<!-- example: NAME -->`` names), in their order;
``yaml``, ``csv`` or ``json`` blocks whose first line is a comment with a path are written there first. With
``--update-golden`` what is printed goes into the page.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from sdnctl_in_process import sdnctl

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted((ROOT / "docs").glob("fibre-*.md"))
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
EXAMPLE = re.compile(r"<!-- example: (\S+) -->\n")
FILE = re.compile(r"(?:#|//) file (\S+)\n")


def run(command: str, folder: Path) -> str:
    """What a command prints, stdout then stderr, without blanks at the ends of lines."""
    words = shlex.split(command)
    assert words[0] == "sdnctl", command
    result = sdnctl("-n", folder, *words[1:])
    return "".join(f"{line.rstrip()}\n" for line in f"{result.out}{result.err}".strip("\n").splitlines())


def executed(text: str, folder: Path) -> str:
    """The page with what its commands really print."""

    def block(found: re.Match[str]) -> str:
        kind, body = found.groups()
        if kind != "console":
            if named := FILE.match(body):
                (folder / named[1]).write_text(body[named.end() :], encoding="utf-8")
            return found[0]
        said = ""
        for line in body.splitlines():
            if line.startswith("$ "):
                said += f"{line}\n{run(line[2:], folder)}"
        return f"```console\n{said}```"

    return BLOCK.sub(block, text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_says_what_is_printed(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    folder = tmp_path / "net"
    text = page.read_text(encoding="utf-8")
    named = EXAMPLE.match(text)
    assert sdnctl("init", folder, "--example", named[1] if named else "small").code == 0
    monkeypatch.chdir(folder)
    made = executed(text, folder)
    if pytestconfig.getoption("--update-golden"):
        page.write_text(made, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == made, "run this test with --update-golden"
    assert max(len(line) for line in made.splitlines()) <= 125


def test_there_is_a_page_for_each_question() -> None:
    asked = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for verb in (
        "inventory trace",
        "whatif",
        "inventory budget",
        "inventory diversity",
        "inventory free",
        "inventory capacity",
        "inventory closure",
        "inventory line",
        "inventory synoptic",
    ):
        assert f"$ sdnctl {verb}" in asked
