"""`docs/commands.md` is the help of every verb; `--update-golden` writes it anew."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from sdnctl_in_process import sdnctl

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGE = DOCS / "commands.md"

INTRODUCTION = """# Commands

Every verb takes the global options before it: `--network DIR`, `--store URL`, `--controller URL`,
`--format text|json|markdown|sarif|junit` (or `SDNCTL_NETWORK`, `SDNCTL_STORE`, `SDNCTL_CONTROLLER`,
`SDNCTL_FORMAT`). Where a [controller](controller.md) runs, verbs ask it; what they print is the same. JSON
documents carry `format` (now 1), `command`, `ok` and the result; errors are documents too, with `diagnostics`
([all of them](diagnostics.md)). Diagnostics for people go to stderr.
SARIF and JUnit are for findings of `validate`, `verify`, `inventory check`, `fmt` and `hook check`
([pipelines](pipelines.md)).

| exit code | means |
|---|---|
| 0 | done |
| 1 | error; nothing was half applied |
| 2 | changes are pending, or something drifted or differs; only with `--exit-code` (`fmt`: `--check`) |
| 3 | a protected class would be interrupted; see `--allow-outage` |
| 4 | verification failed |
| 64 | the command line is wrong |

This page is made from the program's own help.
"""


def verbs() -> list[tuple[str, ...]]:
    """Every command of the program, groups spelled out."""
    from sdnctl.cli import daily, fibre, formats, identities, labs, live, pipelines, running, setup, tokens
    from sdnctl.cli.app import app, controller, inventory, lab
    from sdnctl.cli.exchanging import exporting, importing

    works = fibre.works.works
    modules = [
        module.__name__
        for module in (
            daily,
            fibre.verbs,
            fibre.boxes,
            fibre.measuring,
            fibre.works,
            *(getattr(formats, name) for name in sorted(formats.__all__)),
            identities,
            labs,
            live,
            pipelines,
            running,
            setup,
            tokens,
        )
    ]

    def place(callback: Callable[..., object]) -> tuple[int, int]:
        """As in a new process, whatever other tests have imported before."""
        return modules.index(callback.__module__), inspect.unwrap(callback).__code__.co_firstlineno

    def names(part: typer.Typer) -> list[str]:
        found = [(one.callback, one.name) for one in part.registered_commands if one.callback is not None]
        found.sort(key=lambda one: place(one[0]))
        return [name or callback.__name__.rstrip("_") for callback, name in found]

    return [
        *((name,) for name in names(app)),
        *(("lab", name) for name in names(lab)),
        *(("controller", name) for name in names(controller)),
        *(("inventory", name) for name in names(inventory)),
        *(("inventory", "works", name) for name in names(works)),
        *(("import", name) for name in names(importing)),
        *(("export", name) for name in names(exporting)),
        *(("controller", "token", name) for name in names(tokens.token)),
        *(("hook", name) for name in names(pipelines.hook)),
    ]


def used_on(verb: tuple[str, ...]) -> list[str]:
    """Links to the pages of the guide that show this verb in a block of commands, in the order of the guide."""
    typed = re.compile(
        rf"^(?:[$#] )?(?:.*[|(&] ?)?sdnctl(?: -{{1,2}}[\w-]+[ =]\S+)* {' '.join(verb)}(?![\w-])", re.MULTILINE
    )
    order = re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    found = []
    for name in order:
        text = (DOCS / name).read_text(encoding="utf-8")
        if name != PAGE.name and any(
            typed.search(block) for block in re.findall(r"```\w+\n(.*?)```", text, re.DOTALL)
        ):
            title = re.search(r"^# (.+)$", text, re.MULTILINE)
            found.append(f"[{title[1] if title else name}]({name})")
    return found


def page() -> str:
    parts = [INTRODUCTION]
    for verb in verbs():
        done = sdnctl(*verb, "--help")
        assert done.code == 0, done.err
        body = "\n".join(line.rstrip() for line in done.out.strip().splitlines())
        shown = used_on(verb)
        assert shown, f"no page of the guide shows `sdnctl {' '.join(verb)}`"
        parts.append(f"## sdnctl {' '.join(verb)}\n\n```\n{body}\n```\n\nShown in {', '.join(shown[:4])}.\n")
    return "\n".join(parts)


def test_every_verb_is_documented(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    made = page()
    if pytestconfig.getoption("--update-golden"):
        PAGE.write_text(made, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == made, "run this test with --update-golden"
