"""How long the help takes, against Typer programs with the same verbs that do nothing.

The other programs are written from this one's own command line: the same groups, verbs, options, arguments and
help texts, and functions without a body. One is as Typer is by default, which formats help with rich; the other
has that switched off as ours has, and is the stricter measure: what is left is what our own modules cost.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer.main

from lab.bench.measure import Report, interleaved, medians, ratio, wall

ROUNDS = 15


def _commands() -> Any:
    """This program's command line as click sees it."""
    from sdnctl.cli import daily, labs, setup  # noqa: F401  (they add their verbs to the app)
    from sdnctl.cli.app import app

    return typer.main.get_command(app)


def _parameter(parameter: Any, number: int) -> str:
    """One parameter of a function, as a person would write it for Typer."""
    flag = getattr(parameter, "is_flag", None)
    kind = "bool" if flag else "str"
    default = "..." if parameter.required else repr(bool(parameter.default) if flag else None)
    words = [default, f"help={parameter.help or ''!r}"]
    if flag is None:
        return f"p{number}: {kind} = typer.Argument({', '.join(words)})"
    names = [*map(repr, parameter.opts)]
    if parameter.secondary_opts:
        names = [repr(f"{parameter.opts[0]}/{parameter.secondary_opts[0]}")]
    return f"p{number}: {kind} = typer.Option({', '.join([words[0], *names, words[1]])})"


def program(rich: bool) -> str:
    """Source of the program that does nothing."""
    mode = "" if rich else "rich_markup_mode=None, "
    lines = ["import typer"]

    def write(command: Any, name: str) -> Iterator[str]:
        yield f"{name} = typer.Typer({mode}help={command.help or ''!r})"
        for verb, one in sorted(command.commands.items()):
            inner = f"{name}_{verb.replace('-', '_')}"
            if hasattr(one, "commands"):
                yield from write(one, inner)
                yield f"{name}.add_typer({inner}, name={verb!r})"
                continue
            parameters = ", ".join(_parameter(item, number) for number, item in enumerate(one.params))
            yield f"@{name}.command({verb!r})\ndef {inner}({parameters}) -> None:\n    {one.help or 'Nothing.'!r}"

    return "\n".join([*lines, *write(_commands(), "app"), "app()", ""])


def run(report: Report) -> None:
    """Median wall time of ``--help``, and of one verb's, of all three, interleaved."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": folder}
        programs = {"sdnctl": [sys.executable, "-c", "from sdnctl.cli import main; main()"]}  # as its script does
        for name, rich in (("no-op", False), ("no-op with rich", True)):
            module = name.replace("-", "_").replace(" ", "_")
            Path(folder, f"{module}.py").write_text(program(rich), encoding="utf-8")
            # Imported and not run as a script, so that it is compiled once, as ours is.
            programs[name] = [sys.executable, "-c", f"import {module}"]

        def time(name: str, words: list[str]) -> Callable[[], float]:
            command = [*programs[name], *words]
            return lambda: wall(
                lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
            )

        for words in (["--help"], ["plan", "--help"]):
            found = interleaved(ROUNDS, {name: time(name, words) for name in programs})
            for name, seconds in medians(found).items():
                report.print(f"{' '.join(words):12}  {name:16} {seconds * 1000:5.0f} ms")
            for name in list(programs)[1:]:
                report.claim(f"{' '.join(words)}, times {name} Typer program", ratio(found, "sdnctl", name), 1.3)
