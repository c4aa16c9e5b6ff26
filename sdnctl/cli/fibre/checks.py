"""`inventory check` without `--live`, and how it looks: findings by rule, the gravest first, and the patch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdnctl.cli.output import table
from sdnctl.errors import Diagnostic, Severity, UsageError
from sdnctl.wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.cli.app import Invocation
    from sdnctl.inventory.checking import Finding
    from sdnctl.usecases.inspecting import Inspected
    from sdnctl.usecases.reporting import Report

_STYLE = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for. `most`: findings of a rule that are shown."""

    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    strict: bool = False
    on: str | None = None
    most: int = 3
    patch: Path | None = None


def run(invocation: Invocation, asked: Asked) -> int:
    """Inspect the folder and show what was found; 4 where there are errors (`strict`: or warnings)."""
    from sdnctl.usecases.files import write_text
    from sdnctl.usecases.inspecting import inspect

    with invocation.output.progress("reading the inventory") as progress:
        found = inspect(invocation.context, _day(asked.on), asked.only, asked.ignore, progress)
    if asked.patch is not None:
        write_text(asked.patch, found.patch.text)
    grave = found.count(Severity.ERROR) + (found.count(Severity.WARNING) if asked.strict else 0)
    if invocation.output.format.is_report:
        invocation.report(_report(invocation.folder, found), 4 if grave else 0)
        return 4 if grave else 0
    invocation.output.show(
        "inventory check",
        lambda: document(found, ok=not grave),
        lambda: render(found, asked),
        lambda: markdown(found),
    )
    return 4 if grave else 0


def _report(folder: Path, found: Inspected) -> Report:
    """The findings as other programs show them, each rule with what it finds."""
    from sdnctl.errors import Diagnostics
    from sdnctl.inventory.checking import listed
    from sdnctl.usecases.reporting import by_file
    from sdnctl.workspace.read import network_files

    files = network_files(folder, Diagnostics())
    about = {one.code: one.about for one in listed()}
    return by_file("inventory check", folder, files, [one.told for one in found.findings], about)


def _day(text: str | None) -> date:
    try:
        return datetime.now().astimezone().date() if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(Diagnostic("usage", str(error), "--on", hint="write it like 2026-03-31")) from None


def document(found: Inspected, *, ok: bool) -> dict[str, Any]:
    """As JSON has it; `patch` is a unified diff."""
    return {
        "ok": ok,
        "counts": {str(grade): found.count(grade) for grade in Severity},
        "findings": [one.to_json() for one in found.findings],
        "unjudged": [{"rule": code, "why": why} for code, why in found.checked.unjudged],
        "patch": found.patch.text,
        "left_out": [why for _, why in found.patch.left_out],
    }


def render(found: Inspected, asked: Asked) -> list[RenderableType]:
    """For people: under each rule its first findings, with place, reason and what to do."""
    from rich.text import Text

    parts: list[RenderableType] = []
    for (grade, code), group in groupby(found.findings, key=lambda one: (one.told.severity, one.told.code)):
        members = list(group)
        head = Text(f"{grade} ", style=_STYLE[grade]) + Text(code, style="bold")
        parts.append(head + Text(f": {len(members)}", style="dim"))
        for one in members[: asked.most]:
            parts += _one(one)
        if len(members) > asked.most:
            parts.append(Text(f"  … {len(members) - asked.most} more", style="dim"))
    return [*parts, *(Text(line) for line in _summary(found, asked.patch))]


def _one(finding: Finding) -> list[RenderableType]:
    from rich.text import Text

    told = finding.told
    shown: list[RenderableType] = [Text("  ") + Text(told.summary)]
    where = "  ".join(str(part) for part in (told.source, told.address) if part)
    edit = "an edit is in the patch" if finding.edits else ""
    for label, text in (("at", where), ("why", told.detail), ("do", told.hint), ("edit", edit)):
        if text:
            shown.append(Text(f"    {label:>4}  ", style="dim") + Text(text))
    return shown


def _summary(found: Inspected, patch: Path | None) -> list[str]:
    counts = [f"{found.count(grade)} {grade}{'s' if found.count(grade) != 1 else ''}" for grade in Severity]
    lines = [", ".join(counts) if found.findings else "nothing was found"]
    reasons = dict.fromkeys(why for _, why in found.checked.unjudged)
    for why in reasons:
        codes = [code for code, reason in found.checked.unjudged if reason == why]
        lines.append(f"not asked: {', '.join(codes)} ({why})")
    if patch is not None:
        lines.append(f"the patch is in {patch}" if found.patch.text else f"{patch} is empty: nothing to edit")
    elif found.patch.text:
        lines.append("--patch FILE writes the proposed edits, for `git apply`")
    return [*lines, *(f"an edit is not in the patch: {why}" for _, why in found.patch.left_out)]


def markdown(found: Inspected) -> str:
    """For merge requests: a table, and the patch."""
    lines = ["| grade | rule | where | what | why |", "|---|---|---|---|---|"]
    for finding in found.findings:
        one = finding.told
        where = f"{one.address} ({one.source})" if one.source else one.address
        lines.append(f"| {one.severity} | {one.code} | {where} | {one.summary} | {one.detail} |")
    if found.patch.text:
        lines += ["", "```diff", found.patch.text.rstrip("\n"), "```"]
    return "\n".join(lines)


# ── the list of rules ────────────────────────────────────────────────────────────────────────────


def show_rules(invocation: Invocation) -> None:
    """Every rule by code, with its usual grade and what it finds."""
    from sdnctl.inventory.checking import listed

    rows = listed()
    invocation.output.show(
        "inventory check --rules",
        lambda: {"rules": [{"code": one.code, "grade": str(one.grade), "finds": one.about} for one in rows]},
        lambda: _rules(rows),
        lambda: "\n".join(
            ["| rule | grade | finds |", "|---|---|---|"]
            + [f"| `{one.code}` | {one.grade} | {one.about} |" for one in rows]
        ),
    )


def _rules(rows: Sequence[Any]) -> list[RenderableType]:
    shown = table("", ("rule", {"no_wrap": True}), "grade", "finds")
    for one in rows:
        shown.add_row(one.code, f"[{_STYLE[one.grade]}]{one.grade}[/]", one.about)
    return [shown, counted(len(rows), "rules")]
