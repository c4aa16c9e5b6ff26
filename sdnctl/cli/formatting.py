"""How `fmt` and `hook check` look."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdnctl.errors import Diagnostic, Severity, Source
from sdnctl.usecases.documents import diagnostic_document
from sdnctl.usecases.reporting import Report, by_file
from sdnctl.wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.usecases.formatting import Formatting, Reformatted
    from sdnctl.usecases.staged import Staged


def document(found: Formatting, *, written: bool) -> dict[str, Any]:
    return {
        "ok": not found.diagnostics,
        "written": written,
        "files": list(found.files),
        "changed": [{"file": one.file, "diff": one.diff} for one in found.changed],
        "diagnostics": [diagnostic_document(one) for one in found.diagnostics],
    }


def render(found: Formatting, *, written: bool, diff: bool) -> list[RenderableType]:
    """Names of files, unless their diffs say them, and how many there are."""
    from rich.text import Text

    parts: list[RenderableType] = [] if diff else [Text(one.file) for one in found.changed]
    broken = len({one.source.file for one in found.diagnostics if one.source is not None})
    same = len(found.files) - len(found.changed) - broken
    said = [f"{len(found.changed)} {'formatted' if written else 'to format'}", f"{same} as they should be"]
    said += [f"{broken} not readable, left alone"] if broken else []
    return [*parts, Text(", ".join(said))]


def diffs(found: Formatting) -> str:
    """What changes, for people and for `git apply`: no line is ever folded."""
    return "".join(
        one.diff or f"{one.file}: only the ends of its lines, or a mark at its beginning\n"
        for one in found.changed
    )


def not_canonical(found: Formatting) -> tuple[Diagnostic, ...]:
    """Files that are not in their form, as findings: at the first line that differs."""
    return tuple(
        Diagnostic(
            "not-canonical",
            "the file is not in its canonical form",
            source=Source(one.file, _first_difference(one)),
            hint="`sdnctl fmt` writes it; `sdnctl fmt --diff` shows what changes",
            severity=Severity.ERROR,
        )
        for one in found.changed
    )


def _first_difference(one: Reformatted) -> int:
    lines = zip(one.before.splitlines(), one.after.splitlines(), strict=False)
    number = next((number for number, (old, new) in enumerate(lines, start=1) if old != new), None)
    return number or max(1, min(len(one.before.splitlines()), len(one.after.splitlines())))


def report(command: str, folder: Path, found: Formatting) -> Report:
    return by_file(command, folder, found.files, (*found.diagnostics, *not_canonical(found)))


# ── what is staged ───────────────────────────────────────────────────────────────────────────────


def staged_document(found: Staged) -> dict[str, Any]:
    return {
        "ok": found.ok,
        "files": list(found.formatting.files),
        "changed": [{"file": one.file, "diff": one.diff} for one in found.formatting.changed],
        "diagnostics": [diagnostic_document(one) for one in found.diagnostics],
    }


def staged(found: Staged) -> list[RenderableType]:
    valid = "valid" if found.valid else "[bold red]not valid[/]"
    count = len(found.formatting.changed)
    form = "all in canonical form" if not count else f"[bold red]{count} not in canonical form[/]"
    mild = sum(one.severity is not Severity.ERROR for one in found.diagnostics)
    more = f"; {mild} warnings and notes (sdnctl validate)" if mild else ""
    return [f"staged: {counted(len(found.formatting.files), 'files')}, {valid}, {form}{more}"]


def staged_report(folder: Path, found: Staged) -> Report:
    return by_file(
        "hook check", folder, found.formatting.files, (*found.diagnostics, *not_canonical(found.formatting))
    )
