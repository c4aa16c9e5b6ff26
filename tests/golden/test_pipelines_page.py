"""`docs/pipelines.md`, executed: every command in it, and every line that it says it prints.

As for the fibre guide (`test_fibre_pages`): `console` blocks run in a copy of an example, in their order, and
blocks whose first line is a comment with a path are written there first. The folder is a git repository with one
commit. With ``--update-golden`` what is printed goes into the page.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from sdnctl_in_process import sdnctl

PAGE = Path(__file__).parent.parent.parent / "docs" / "pipelines.md"
BLOCK = re.compile(r"^(```+)(\w+)\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# file (\S+)\n")
CHANGING = [
    (re.compile(r"\b20\d\d-\d\d-\d\dT[\d:.]+Z"), "2026-03-31T10:00:00Z"),
    (re.compile(r"\(([0-9a-f]{12})\)"), "(3f5c9a12b7e0)"),
    (re.compile(r"(fingerprint|target) `[0-9a-f]{16}`"), r"\1 `0123456789abcdef`"),
]
"""What differs from run to run, and how it stands on the page."""


def run(command: str, folder: Path) -> str:
    """What a command prints, stdout then stderr, without blanks at the ends of lines."""
    line, _, echo = command.partition("; echo ")
    words = shlex.split(line)
    if words[0] == "git":
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
        text, code = done.stdout + done.stderr, done.returncode
    else:
        result = sdnctl("-n", folder, *words[1:])
        text, code = f"{result.out}{result.err}", result.code
    assert echo or code == 0, (command, text)
    text = text.replace(f"{folder}/", "")
    for pattern, shown in CHANGING:
        text = pattern.sub(shown, text)
    said = "".join(f"{one.rstrip()}\n" for one in text.strip("\n").splitlines())
    return said + (f"{code}\n" if echo else "")


def executed(text: str, folder: Path) -> str:
    """The page with what its commands really print."""

    def block(found: re.Match[str]) -> str:
        fence, kind, body = found.groups()
        if kind != "console":
            if named := FILE.match(body):
                (folder / named[1]).write_text(body[named.end() :], encoding="utf-8")
            return found[0]
        commands = [line for line in body.splitlines() if line.startswith("$ ")]
        return f"{fence}console\n" + "".join(f"{line}\n{run(line[2:], folder)}" for line in commands) + fence

    return BLOCK.sub(block, text)


def test_page_says_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    for name, value in {
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "net"
    assert sdnctl("init", folder, "--example", "small-links").code == 0
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "The network"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    monkeypatch.chdir(folder)
    text = PAGE.read_text(encoding="utf-8")
    made = executed(text, folder)
    if pytestconfig.getoption("--update-golden"):
        PAGE.write_text(made, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == made, "run this test with --update-golden"
