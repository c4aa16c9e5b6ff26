"""Forty columns: help of every verb fits, and no table loses a letter at any width."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console
from sdnctl_in_process import sdnctl
from typer.core import TyperGroup

from sdnctl.cli.app import FIRST, app
from sdnctl.cli.helping import fitted
from sdnctl.cli.output import RIGHT, Output, table
from sdnctl.errors import Diagnostic, Source
from sdnctl.wording import counted


def contexts() -> Iterator[typer.Context]:
    """The program, its groups and every verb of them, as asked for help."""

    def below(command: Any, above: typer.Context | None) -> Iterator[typer.Context]:
        context = command.context_class(command, info_name=command.name, parent=above)
        yield context
        if isinstance(command, TyperGroup):
            for part in command.commands.values():
                yield from below(part, context)

    sdnctl("--version")  # every verb is there from now on
    yield from below(fitted(typer.main.get_command(app)), None)


def test_help_of_every_verb_fits_forty_columns_and_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0
    for context in contexts():
        monkeypatch.setenv("COLUMNS", "40")
        narrow = context.get_help()
        monkeypatch.setenv("COLUMNS", "100")
        wide = context.get_help()
        assert max(map(len, narrow.splitlines())) <= 40, narrow
        assert "".join(narrow.split()) == "".join(wide.split())
        seen += 1
    assert seen > 60


def test_lists_of_verbs_shorten_nothing_and_begin_with_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = sdnctl("--help").out.partition("Commands:")[2]
    assert "..." not in said
    names = [line.split()[0] for line in said.splitlines() if line[:2] == "  " and line[2:3].strip()]
    assert tuple(names[: len(FIRST)]) == FIRST
    assert len(set(names)) == len(names) > 20


def drawn(width: int, whole: bool) -> str:
    shown = table("Cables", ("cable", {"no_wrap": whole}), "from and to", ("strands", RIGHT), "", ("m", RIGHT))
    shown.add_row("c-carrefour-north", "k-carrefour [dim]→[/] north", "144", "lit", "1,322")
    shown.add_row("", "north → a-very-long-name-of-a-site-indeed", "24", "", "20,105")
    shown.add_row("c-mill", "", "", "", "")
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False)
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("whole", [True, False])
def test_a_table_loses_nothing_at_any_width(whole: bool) -> None:
    wanted = Counter("".join(drawn(300, whole).split()).replace("─", ""))
    for width in range(16, 120, 3):
        said = drawn(width, whole)
        assert max(map(len, said.splitlines())) <= width, said
        assert not wanted - Counter("".join(said.split())), said


def test_a_narrow_table_is_a_list_with_headings() -> None:
    lines = [line.rstrip() for line in drawn(36, whole=True).splitlines() if line.strip()]
    assert lines[1:4] == [
        "cable c-carrefour-north",
        "  from and to k-carrefour → north;",
        "  strands 144; lit; m 1,322",
    ]
    assert lines[-1] == "cable c-mill"


def test_counts_in_words() -> None:
    said = [
        counted(*one) for one in ((1, "switches"), (2, "switches"), (1, "bypasses"), (1, "devices"), (0, "links"))
    ]
    assert said == ["1 switch", "2 switches", "1 bypass", "1 device", "0 links"]
    assert counted(1, "cases") == "1 case"


QUESTIONS = (
    "plan",
    "whatif --cut segment:s-pont-n-pont-s",
    "inventory closure k-moulin",
    "inventory line core-a:3/tx",
    "inventory synoptic",
    "inventory trace core-a:3/tx",
    "inventory free datacentre south --count 4",
    "inventory capacity --top 5",
    "inventory check",
)


def test_answers_at_forty_columns_leave_nothing_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is said at two hundred columns, tables and diagnostics, is said at forty."""
    folder = tmp_path / "net"
    assert sdnctl("init", folder, "--example", "small").code == 0
    for line in QUESTIONS:
        said = {}
        for columns in (200, 40):
            monkeypatch.setenv("COLUMNS", str(columns))
            found = sdnctl("-n", folder, *line.split())
            said[columns] = Counter("".join((found.out + found.err).split()).replace("─", ""))
            assert max(map(len, (found.out + found.err).splitlines())) <= columns, line
        assert not said[200] - said[40], (line, said[200] - said[40])


@pytest.mark.parametrize("width", [20, 80])
def test_no_word_of_an_error_is_broken(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody copies the path out of the log of a pipeline."""
    monkeypatch.setenv("COLUMNS", str(width))
    path = "/a-folder-of-a-runner" * 6 + "/one.key"
    Output().diagnostics(
        [Diagnostic("a-code", f"{path} is none", "one", Source(Path(path), 3), path, f"see {path}, then go")]
    )
    said = capsys.readouterr().err
    assert said.count(path) == 4
    assert all(len(line) <= width or len(line.split()) == 1 for line in said.splitlines())


def test_who_does_not_know_its_width_is_told_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    Output().diagnostics([Diagnostic("a-code", "what is wrong")])
    Output().show("show", dict, lambda: [table("Cables", "cable")])
    said = capsys.readouterr()
    assert "what is wrong" in said.err
    assert "Cables" in said.out
