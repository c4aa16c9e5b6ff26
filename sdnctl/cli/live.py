"""`inventory check`: what is written against itself (`fibre.checks`), or with `--live` what the network says."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sdnctl.cli.app import Invocation, inventory, reporting
from sdnctl.errors import Diagnostic, Severity, UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.usecases.checking import Checked


@inventory.command("check")
@reporting
def check(
    context: typer.Context,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the network: neighbours, transceivers, light, ports.")
    ] = False,
    device: Annotated[
        list[str] | None, typer.Option("--device", "-d", help="Ask only this switch or device (repeatable).")
    ] = None,
    patch: Annotated[Path | None, typer.Option(help="Write the proposed edits, for `git apply`.")] = None,
    accept_levels: Annotated[
        bool, typer.Option("--accept-levels", help="Later checks compare with the light received now.")
    ] = False,
    rules: Annotated[bool, typer.Option("--rules", help="List the rules, and ask none.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="RULE", help="Ask only this rule (repeatable).")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="RULE", help="But not this one (repeatable).")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count, too, for the exit code.")] = False,
    on: Annotated[
        str | None, typer.Option(metavar="DATE", help="The day for which dates are judged (today).")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="How many findings of a rule are shown; JSON has all.")] = 3,
) -> int:
    """Check the records by all rules, or with --live against what devices say; exits with 4 on errors."""
    from sdnctl.cli.fibre import checks

    invocation: Invocation = context.obj
    if live and (rules or only or ignore or strict or on):
        raise _not_with_live()
    if rules:
        checks.show_rules(invocation)
        return 0
    if not live:
        if device or accept_levels:
            raise UsageError(Diagnostic("usage", "--device and --accept-levels go with --live", "inventory check"))
        asked = checks.Asked(tuple(only or ()), tuple(ignore or ()), strict, on, most, patch)
        return checks.run(invocation, asked)
    from sdnctl.usecases.checking import check as check_live
    from sdnctl.usecases.files import write_text

    with invocation.output.progress("asking the network") as progress:
        checked = check_live(invocation.context, device or (), accept_levels=accept_levels, progress=progress)
    if patch is not None:
        write_text(patch, checked.patch.text)
    if invocation.output.format.is_report:
        from sdnctl.usecases.reporting import by_file

        found = diagnostics(checked)
        files = invocation.context.loaded.documents
        code = 0 if checked.ok else 4
        invocation.report(by_file("inventory check", invocation.folder, files, found), code)
        return code
    invocation.output.show(
        "inventory check",
        lambda: document(checked),
        lambda: render(checked, patch, accepted=accept_levels),
        lambda: markdown(checked),
    )
    return 0 if checked.ok else 4


def _not_with_live() -> UsageError:
    return UsageError(
        Diagnostic(
            "usage",
            "rules are for the records, not for what devices say",
            "inventory check",
            hint="leave --live away, or --rules, --only, --ignore, --strict and --on",
        )
    )


def document(checked: "Checked") -> dict[str, Any]:
    """As JSON has it; `patch` is a unified diff, `levels` are dBm."""
    return {
        "ok": checked.ok,
        "findings": [one.to_json() for one in checked.findings],
        "asked": list(checked.asked),
        "unasked": list(checked.unasked),
        "discovery": checked.discovery,
        "levels": {f"{device}:{port}": level for (device, port), level in sorted(checked.levels.items())},
        "patch": checked.patch.text,
        "left_out": [why for _, why in checked.patch.left_out],
    }


_SEVERITY = {"urgent": Severity.ERROR, "alarm": Severity.WARNING, "notice": Severity.NOTE}


def diagnostics(checked: "Checked") -> tuple[Diagnostic, ...]:
    """The findings as those of other verbs, for reports."""
    return tuple(
        Diagnostic(one.code, one.summary, one.address, one.source, one.why, one.remedy, _SEVERITY[str(one.weight)])
        for one in checked.findings
    )


_STYLE = {"urgent": "bold red", "alarm": "yellow", "notice": "cyan"}


def render(checked: "Checked", patch: Path | None, *, accepted: bool) -> "Sequence[RenderableType]":
    """For people: a line a finding, with place, reason and what to do below it; at 80 columns as well."""
    from rich.text import Text

    from sdnctl.cli.output import table

    shown = table("", ("severity", {"no_wrap": True}), "where", "what")
    for one in checked.findings:
        what = Text(one.summary, style="bold")
        for label, text in (("why", one.why), ("do", one.remedy)):
            if text:
                what.append(f"\n{label:>4}  ", style="dim")
                what.append(text, style="not bold")
        if one.edits:
            what.append("\nedit  ", style="dim")
            what.append("proposed: see the patch", style="not bold")
        where = Text(one.address)
        if one.source is not None:
            where.append(f"\n{one.source}", style="dim")
        shown.add_row(Text(str(one.weight), style=_STYLE[one.weight]), where, what)
    parts: list[RenderableType] = [shown] if checked.findings else []
    return [*parts, *(Text(line) for line in _summary(checked, patch, accepted=accepted))]


def _summary(checked: "Checked", patch: Path | None, *, accepted: bool) -> list[str]:
    asked = f"{_counted(len(checked.asked), 'device')} asked"
    if checked.discovery:
        asked += ", and the controller's discovery"
    found = _counted(len(checked.findings), "finding") if checked.findings else "everything is as written"
    lines = [f"{found}; {asked}"]
    if checked.unasked:
        shown = ", ".join(checked.unasked[:6]) + (", …" if len(checked.unasked) > 6 else "")
        lines.append(f"{len(checked.unasked)} tell no facts by themselves: {shown}")
    if accepted:
        lines.append(f"{len(checked.levels)} receive powers are accepted")
    if patch is not None:
        lines.append(f"the patch is in {patch}" if checked.patch.text else f"{patch} is empty: nothing to edit")
    elif checked.patch.text:
        lines.append("--patch FILE writes the edits that would make the inventory say what was found")
    lines += [f"an edit is not in the patch: {why}" for _, why in checked.patch.left_out]
    return lines


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def markdown(checked: "Checked") -> str:
    """For merge requests: a table, and the patch."""
    lines = ["| severity | where | what | why |", "|---|---|---|---|"]
    lines += [
        f"| {one.weight} | {one.address} ({one.source or ''}) | {one.summary} | {one.why} |"
        for one in checked.findings
    ]
    if checked.patch.text:
        lines += ["", "```diff", checked.patch.text.rstrip("\n"), "```"]
    return "\n".join(lines)
