"""The first pages of the user guide, executed: every command, edit and output, as a new user meets them.

`console` blocks of a page run in their order, in one folder; `diff` blocks are the edits that the reader makes.
Blocks after a line ``<!-- on Open vSwitch, as root -->`` run in the tier of Open vSwitch. With ``--update-golden``
what is printed goes into the page.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from sdnctl_in_process import sdnctl

from sdnctl.cli.app import run as run_program

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = (
    "index",
    "first-hour",
    "daily-work",
    "verification",
    "map",
    "lab",
    "security",
    "live-check",
    "devices",
    "architecture",
)
ON_OVS = "<!-- on Open vSwitch, as root -->\n"
BLOCK = re.compile(rf"(?P<before>{ON_OVS})?```(?P<kind>\w+)\n(?P<body>.*?)```", re.DOTALL)
CHANGING = [
    (re.compile(r"20\d\d-\d\d-\d\d(?P<gap>[T ])\d\d:\d\d:\d\d"), r"2026-03-31\g<gap>10:15:00"),
    (re.compile(r"20\d\d-\d\d-\d\d(?=\s*$)", re.MULTILINE), "2026-03-31"),  # a column where the time is below it
    (re.compile(r"(?<=\s)\d\d:\d\d:\d\d(?=\s)"), "10:15:00"),
    (re.compile(r"in \d+ ms\b"), "in 800 ms"),
    (re.compile(r"\(([0-9a-f]{12})\)"), "(3f5c9a12b7e0)"),
]
"""What differs from run to run, and how it stands on the page."""


def shown(text: str) -> str:
    for pattern, instead in CHANGING:
        text = pattern.sub(instead, text)
    return "".join(f"{line.rstrip()}\n" for line in text.strip("\n").splitlines())


class Reader:
    """Somebody who does what a page says, from a folder on; `mark` is what stands before the blocks that count."""

    def __init__(self, folder: Path, mark: str = "") -> None:
        self.folder = folder
        self._mark = mark

    def follow(self, text: str) -> str:
        """The page with what its commands really print."""
        return BLOCK.sub(self._block, text)

    def _block(self, found: re.Match[str]) -> str:
        before, kind, body = found["before"] or "", found["kind"], found["body"]
        if before != self._mark or kind not in ("console", "diff"):
            return found[0]
        if kind == "diff":
            edit = ["git", "apply", "--unidiff-zero", "-"]
            subprocess.run(edit, cwd=self.folder, input=body, text=True, check=True, timeout=30)
            return found[0]
        commands = [line for line in body.splitlines() if line.startswith(("$ ", "# "))]
        return f"{before}```console\n" + "".join(f"{line}\n{self._run(line[2:])}" for line in commands) + "```"

    def _run(self, command: str) -> str:
        line, _, echo = command.partition("; echo ")
        words = shlex.split(line)
        if words[0] == "cd":
            self.folder = self.folder / words[1]
            return ""
        alone = words[0] == "sdnctl" and "|" not in words
        code, said = self._program(words) if alone else self._shell(line)
        assert echo or code == 0, (command, said)
        return shown(said) + (f"{code}\n" if echo else "")

    def _program(self, words: list[str]) -> tuple[int, str]:
        """Run sdnctl here; its exit code and what a terminal would show, both streams as they come."""
        said = io.StringIO()
        with (
            contextlib.chdir(self.folder),
            mock.patch.object(sys, "argv", words),
            mock.patch.object(sys, "stdin", io.StringIO()),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            try:
                run_program()
            except SystemExit as end:
                return int(end.code or 0), said.getvalue()
        return 0, said.getvalue()

    def _shell(self, line: str) -> tuple[int, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-c", f"exec 2>&1; {line}"],
            cwd=self.folder,
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )
        return done.returncode, done.stdout


@pytest.fixture(autouse=True)
def _somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns, a user and a machine with names."""
    for name, value in {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb", "LOGNAME": "ana"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(socket, "gethostname", lambda: "noc")


def hold(page: Path, made: str, config: pytest.Config) -> None:
    """The page is what was made, or becomes it."""
    if config.getoption("--update-golden"):
        page.write_text(made, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == made, "run this test with --update-golden"
    shown = (found["body"] for found in BLOCK.finditer(made) if found["kind"] == "console")
    assert max(len(line) for block in shown for line in block.splitlines()) <= 125


@pytest.mark.parametrize("name", PAGES)
def test_the_page_says_what_is_printed(name: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    page = DOCS / f"{name}.md"
    hold(page, Reader(tmp_path).follow(page.read_text(encoding="utf-8")), pytestconfig)


@pytest.mark.ovs
def test_the_first_hour_on_open_vswitch(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    page = DOCS / "first-hour.md"
    reader = Reader(tmp_path, mark=ON_OVS)
    try:
        hold(page, reader.follow(page.read_text(encoding="utf-8")), pytestconfig)
    finally:
        sdnctl("-n", reader.folder, "lab", "down")
