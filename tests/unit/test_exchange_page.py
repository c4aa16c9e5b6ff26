"""`docs/exchange.md`: its examples are executed, its files are those that it shows, its diagnostics are real."""

from __future__ import annotations

import contextlib
import re
import shlex
from pathlib import Path

from sdnctl_in_process import sdnctl

from sdnctl.errors import Diagnostics
from sdnctl.exchange.geojson.mapping import read_mapping

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "exchange.md").read_text(encoding="utf-8")


def test_the_examples_run_and_do_what_they_say(tmp_path: Path) -> None:
    for name, text in re.findall(r"^`([\w.]+)`:\n\n```\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE):
        (tmp_path / name).write_text(text, encoding="utf-8")
    lines = [line for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    assert len(lines) >= 10
    with contextlib.chdir(tmp_path):
        for line in lines:
            words = shlex.split(line.removeprefix("$ "))
            assert words[0] == "sdnctl"
            done = sdnctl(*words[1:])
            assert done.code == 0, f"{line}\n{done.out}{done.err}"
    assert (tmp_path / "town.geojson").read_bytes() == (tmp_path / "town-again.geojson").read_bytes()
    assert (tmp_path / "triangle" / "intents" / "demands.yaml").is_file()


def test_the_mapping_is_one() -> None:
    (text,) = re.findall(r"```yaml\n# mapping.yaml\n(.*?)```", PAGE, re.DOTALL)
    out = Diagnostics()
    assert read_mapping(text, "mapping.yaml", out) is not None, out.items


def test_every_finding_that_the_page_names_is_made_somewhere() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "sdnctl").rglob("*.py"))
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", PAGE))
    shown = {"sao-paulo"}  # an id, not a finding
    assert len(named) > 15
    assert not {name for name in named - shown if f'"{name}"' not in code}
