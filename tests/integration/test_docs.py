"""The documentation's commands, executed: the README's first steps, on embedded and on real switches."""

from __future__ import annotations

import contextlib
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sdnctl_in_process import sdnctl

ROOT = Path(__file__).parent.parent.parent


def first_steps() -> list[list[str]]:
    """The commands of the README's section, as words."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("## First steps")[2].partition("\n## ")[0]
    block = re.search(r"```console\n(.*?)```", section, re.DOTALL)
    assert block is not None
    return [shlex.split(line.removeprefix("$ ")) for line in block.group(1).splitlines() if line.startswith("$ ")]


def run_here(folder: Path, words: list[str]) -> str:
    with contextlib.chdir(folder):
        done = sdnctl(*words[1:])
    assert done.code == 0, f"{' '.join(words)}\n{done.out}{done.err}"
    return done.out


def run_process(folder: Path, words: list[str]) -> str:
    command = [sys.executable, "-m", "sdnctl", *words[1:]]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout


def walk(tmp_path: Path, kind: str, run: Callable[[Path, list[str]], str]) -> None:
    here = tmp_path
    steps = first_steps()
    assert [words[1] for words in steps if words[0] == "sdnctl"] == [
        "init",
        "validate",
        "compile",
        "lab",
        "apply",
        "verify",
    ]
    try:
        for words in steps:
            if words[0] == "cd":
                here = here / words[1]
                continue
            extra = ["--kind", kind] if words[1:3] == ["lab", "up"] else []
            said = run(here, [*words, *extra])
            if words[1] == "verify":
                assert "V1 on rules read back: ok" in said
                assert "V2 switches hold what was applied: ok" in said
                assert "V3 probes on the wire: ok" in said
    finally:
        if here != tmp_path:
            run(here, ["sdnctl", "lab", "down"])


def test_first_steps_on_embedded_switches(tmp_path: Path) -> None:
    walk(tmp_path, "memory", run_here)


@pytest.mark.ovs
def test_first_steps_on_open_vswitch(tmp_path: Path) -> None:
    walk(tmp_path, "ovs", run_process)


def test_every_file_that_documentation_links_to_exists() -> None:
    missing = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "plugins").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                missing.append(f"{page.relative_to(ROOT)}: {target}")
    assert not missing


def test_the_demo_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for heading in ("A digger", "The controller", "Somebody meddles"):
        assert heading in text
