"""Help that fits the terminal: nothing is wider than its lines, and no sentence ends in dots.

The library that parses command lines lays help out for 50 columns and more, and shortens what a list of verbs
says of each. Below 50 columns an option stands on a line of its own here, with what it does below it; a verb's
first sentence is always whole.
"""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

# Typer has carried its own copy of click since 0.2x; its public context leads to the right base class.
_Formatter: Any = typer.Context.formatter_class

NARROW = 50
"""Columns from which on the library's own layout fits."""
_INDENT = "    "


class Lines(_Formatter):  # type: ignore[misc]
    """Help in as many columns as there are; `width` leaves two of them at the edge."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        columns = shutil.get_terminal_size().columns
        narrow = max(columns - 2, 20) if columns < NARROW + 2 else None
        super().__init__(indent_increment, width or narrow, max_width)

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The command, then its arguments below it where they do not fit beside it."""
        if self.width >= NARROW:
            super().write_usage(prog, args, prefix)
            return
        words = f"{prefix or 'Usage: '}{prog} {args}"
        self.write("\n".join(textwrap.wrap(words, self.width, subsequent_indent=_INDENT)) + "\n")

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Names and what they mean, side by side or, where that is too narrow, one below the other."""
        if self.width >= NARROW:
            super().write_dl(rows, col_max, col_spacing)
            return
        edge = " " * self.current_indent
        for name, meaning in rows:
            shown = name if len(edge + name) <= self.width else name.replace("|", "| ")
            self.write("\n".join(textwrap.wrap(shown, self.width, initial_indent=edge, subsequent_indent=edge)))
            indent = edge + _INDENT
            body = textwrap.wrap(meaning, self.width, initial_indent=indent, subsequent_indent=indent)
            self.write("".join(f"\n{line}" for line in body) + "\n")


class Page(typer.Context):
    """One command line while it is parsed; only the layout of its help differs."""

    formatter_class = Lines


def fitted(command: Any, first: Sequence[str] = ()) -> Any:
    """The command and all below it, with help that fits and names the `first` verbs first; the same object."""
    command.context_class = Page
    if command.help and not command.short_help:
        sentence = re.split(r"(?<=\.)\s|\n\s*\n", command.help.strip(), maxsplit=1)[0]
        command.short_help = " ".join(sentence.split())
    if isinstance(command, TyperGroup):
        order = (*(name for name in first if name in command.commands), *command.commands)
        command.commands = {name: command.commands[name] for name in order}
        for part in command.commands.values():
            fitted(part)
    return command
