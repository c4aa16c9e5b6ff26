"""The groups `sdnctl import` and `sdnctl export`, and how their verbs answer.

A format is one module of `sdnctl.cli.formats`, named there in `__init__`. It registers its verbs with
``@importing.command("NAME")`` and ``@exporting.command("NAME")``, below ``@reporting`` as every verb, imports what
reads and writes the format inside of the function, and ends in `imported` or `exported`:

    @importing.command("gracethd")
    @reporting
    def import_gracethd(context: typer.Context, source: Annotated[Path, typer.Argument(...)], folder: ...) -> None:
        from sdnctl.usecases.exchanging_gracethd import bring_in
        imported(context.obj, "gracethd", bring_in(source, folder))
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sdnctl.cli.app import Invocation, app
from sdnctl.errors import Diagnostic, UsageError

if TYPE_CHECKING:
    from sdnctl.usecases.exchanging import Exported, Imported

importing = typer.Typer(help="Make a network folder from what another tool wrote.", rich_markup_mode=None)
exporting = typer.Typer(help="Write this network for another tool.", rich_markup_mode=None)
app.add_typer(importing, name="import")
app.add_typer(exporting, name="export")


NewFolder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; must not exist, or be empty.")]
"""Where an import goes."""
Redact = Annotated[
    bool, typer.Option("--redact", help="Leave out every trace of restricted sites (sites.yaml: restricted).")
]
"""What an export leaves out."""


def metres(text: str | None, option: str) -> float | None:
    """A length as an option gives it, with its unit; raises UsageError."""
    from sdnctl.units import parse_length

    try:
        return float(parse_length(text)) if text is not None else None
    except ValueError as error:
        raise UsageError(Diagnostic("usage", str(error), option, hint="write it like '10 cm'")) from None


def imported(invocation: Invocation, name: str, result: Imported) -> None:
    """Print what an import made, and everything that it found in the source."""
    folder = shlex.quote(str(result.folder))
    _answer(
        invocation,
        f"import {name}",
        {"folder": str(result.folder)},
        result,
        [f"{result.folder}: {_sum(result.counts)}", f"next: sdnctl --network {folder} validate"],
    )


def exported(invocation: Invocation, name: str, result: Exported) -> None:
    """Print what an export wrote, and everything that the format has no place for."""
    unchanged = "" if result.changed else "; nothing changed since the last time"
    _answer(
        invocation,
        f"export {name}",
        {"target": str(result.target), "changed": [str(file) for file in result.changed]},
        result,
        [f"{result.target}: {_sum(result.counts)}{unchanged}"],
    )


def _answer(
    invocation: Invocation,
    command: str,
    head: dict[str, Any],
    result: Imported | Exported,
    lines: Sequence[str],
) -> None:
    from sdnctl.usecases.documents import diagnostic_document

    if invocation.output.format != "json":
        invocation.output.diagnostics(result.findings)
    document = {
        "ok": True,
        **head,
        "files": [str(file) for file in result.files],
        "counts": dict(result.counts),
        "diagnostics": [diagnostic_document(item) for item in result.findings],
    }
    found = _found(result.findings)
    invocation.output.show(command, lambda: document, lambda: [lines[0], *found, *lines[1:]])


def _sum(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "nothing"


def _found(findings: Sequence[Diagnostic]) -> list[str]:
    """How many findings of each severity there are, in one line; none without any."""
    counted = Counter(str(item.severity) for item in findings)
    text = ", ".join(
        f"{count} {severity}{'s' if count > 1 else ''}" for severity, count in sorted(counted.items())
    )
    return [f"found: {text}"] if text else []
