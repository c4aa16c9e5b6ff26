"""How results leave: text for people, JSON for programs, Markdown for merge requests, findings for viewers.

Diagnostics for people go to stderr.

Text is coloured and boxed on a terminal and plain when piped. JSON documents are versioned:
``{"format": 1, "command": …, "ok": …, …}``; errors are a document too, on stdout, with the same exit code.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sdnctl.errors import Diagnostic, SdnctlError, Severity
from sdnctl.usecases.documents import FORMAT, diagnostic_document
from sdnctl.usecases.progress import silent

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    JUNIT = "junit"

    @property
    def is_report(self) -> bool:
        """Whether programs that show findings read it; only verbs that check something have it."""
        return self in (Format.SARIF, Format.JUNIT)


@dataclass
class Output:
    """Where and how one command prints."""

    format: Format = Format.TEXT

    @property
    def console(self) -> Console:
        return _console()

    @property
    def errors(self) -> Console:
        return _console(stderr=True)

    def show(
        self,
        command: str,
        document: Callable[[], dict[str, Any]],
        render: Callable[[], Sequence[RenderableType]],
        markdown: Callable[[], str] | None = None,
    ) -> None:
        """Print one result in the format that was asked for; the others are not even made."""
        if self.format is Format.JSON:
            self.json(command, document())
        elif self.format is Format.MARKDOWN and markdown is not None:
            print(markdown())  # noqa: T201
        else:
            console = self.console
            for item in render():
                console.print(item)

    def value(self, command: str, document: Callable[[], dict[str, Any]], text: str) -> None:
        """Print one text that is copied, or given to another program: on one line, however wide a terminal is."""
        if self.format is Format.JSON:
            self.json(command, document())
        else:
            print(text)  # noqa: T201

    def json(self, command: str, document: dict[str, Any]) -> None:
        import json

        readable = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        full = {"format": FORMAT, "command": command, "ok": True, **document}
        print(json.dumps(full, indent=2, ensure_ascii=not readable))  # noqa: T201

    def diagnostics(self, items: Sequence[Diagnostic]) -> None:
        """Print findings for people on stderr, each with place, reason and hint.

        Lines end between words: a path that is longer than a line can still be copied.
        """
        from rich.text import Text

        console = self.errors
        colours = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
        for item in items:
            severity, code = str(item.severity), f"[{item.code}]"
            head = Text(_wrapped(f"{severity}{code} {item.summary}", console.width))
            head.stylize(colours[item.severity], 0, len(severity))
            head.stylize("dim", len(severity), len(severity + code))
            head.stylize("bold", len(severity + code))
            console.print(head, soft_wrap=True)
            where = "  ".join(str(part) for part in (item.source, item.address) if part)
            for label, text in (("at", where), ("why", item.detail), ("do", item.hint)):
                if text:
                    body = Text(_wrapped(f"  {label:>4}  {text}", console.width))
                    body.stylize("dim", 0, 8)
                    console.print(body, soft_wrap=True)

    def fail(self, command: str, error: SdnctlError) -> int:
        """Print an error in the format that was asked for; returns the exit code."""
        if self.format is Format.JSON:
            self.json(
                command, {"ok": False, "diagnostics": [diagnostic_document(item) for item in error.diagnostics]}
            )
        else:
            self.diagnostics(error.diagnostics)
        return error.exit_code

    @contextmanager
    def progress(self, title: str) -> Iterator[Callable[[str, int, int], None]]:
        """A progress line on stderr while something takes its time; silent when stderr is no terminal."""
        if self.format is not Format.TEXT or not sys.stderr.isatty():
            yield silent
            return
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.errors, transient=True) as bar:
            task = bar.add_task(title, total=None)

            def update(what: str, step: int, steps: int) -> None:
                bar.update(task, description=what, completed=step, total=steps or None)

            yield update


def _console(*, stderr: bool = False) -> Console:
    """Plain words as they are: `:up:` in a name is no picture.

    `COLUMNS=0` is how serial lines and containers say that they do not know; rich would print nothing at all.
    """
    from rich.console import Console

    unknown = not os.environ.get("COLUMNS", "80").strip("0")
    width = shutil.get_terminal_size().columns if unknown else None
    return Console(stderr=stderr, highlight=False, emoji=False, width=width)


def _wrapped(text: str, width: int) -> str:
    """Lines of `width` columns; one word may be longer than that."""
    lines = textwrap.TextWrapper(
        width,
        expand_tabs=False,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(one for line in text.split("\n") for one in lines.wrap(line) or [""])


def table(title: str, *columns: str | tuple[str, dict[str, Any]]) -> Table:
    """A table in the house style: what does not fit the terminal is folded, or a list, never lost."""
    from rich import box

    from sdnctl.cli.tables import FoldingTable

    made = FoldingTable(
        title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for column in columns:
        name, options = column if isinstance(column, tuple) else (column, {})
        made.add_column(name, overflow="fold", **options)
    return made


RIGHT: dict[str, Any] = {"justify": "right"}

MARK = {
    "ok": "[green]ok[/]",
    "degraded": "[yellow]degraded[/]",
    "failed": "[bold red]failed[/]",
    "stale": "[yellow]stale[/]",
    "": "[dim]–[/]",
}
"""Verdicts as people see them."""
