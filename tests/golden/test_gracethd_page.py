"""`docs/gracethd.md`, executed: every command in it, and every line that it says it prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from sdnctl_in_process import sdnctl

PAGE = Path(__file__).parent.parent.parent / "docs" / "gracethd.md"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
FILE = re.compile(r"# file (\S+)\n")


def run(command: str) -> str:
    words = shlex.split(command)
    result = sdnctl("-n", Path(), *words[1:])
    return "".join(f"{line.rstrip()}\n" for line in f"{result.out}{result.err}".strip("\n").splitlines())


def block(found: re.Match[str]) -> str:
    """A block with what its commands really print; a file is written."""
    kind, body = found.groups()
    if kind != "console":
        if named := FILE.match(body):
            Path(named[1]).write_text(body[named.end() :], encoding="utf-8")
        return found[0]
    said = "".join(f"{line}\n{run(line[2:])}" for line in body.splitlines() if line.startswith("$ "))
    return f"```console\n{said}```"


def test_page_says_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    assert sdnctl("init", tmp_path / "net").code == 0
    monkeypatch.chdir(tmp_path / "net")
    text = PAGE.read_text(encoding="utf-8")
    made = BLOCK.sub(block, text)
    if pytestconfig.getoption("--update-golden"):
        PAGE.write_text(made, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == made, "run this test with --update-golden"
    assert max(len(line) for line in made.splitlines()) <= 125
    report = Path("survey/gracethd/defects.txt").read_text(encoding="utf-8")
    assert "orphan-loop" in report
    assert "inferred" in report
