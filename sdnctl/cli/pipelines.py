"""Verbs of pipelines and commits: fmt, diff, and the hook that checks what is staged."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sdnctl.cli.app import Invocation, app, reporting

if TYPE_CHECKING:
    from sdnctl.usecases.formatting import Formatting

hook = typer.Typer(
    help="Git's pre-commit hook: what is staged must be canonical and valid.", rich_markup_mode=None
)
app.add_typer(hook, name="hook")

LimitOption = Annotated[
    int,
    typer.Option(
        min=0,
        help="Markdown: at most so many characters, by leaving out whole sections; GitHub takes 65536, "
        "GitLab 1000000, 0 is no bound.",
    ),
]


@app.command("fmt")
@reporting
def format_files(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Only these files of the network folder.", metavar="[file]...")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 2 when a file would change.")
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; show what would change.")] = False,
) -> int:
    """Write the files of the network folder in their canonical form; comments and meaning stay."""
    from sdnctl.cli import formatting
    from sdnctl.usecases.formatting import look, write

    invocation: Invocation = context.obj
    found = look(invocation.folder, files or ())
    written = not (check or diff)
    if written:
        write(invocation.folder, found)
    code = _code(found, check=check)
    if invocation.output.format.is_report:
        invocation.report(formatting.report("fmt", invocation.folder, found), code)
        return code
    if invocation.output.format != "json":
        invocation.output.diagnostics(found.diagnostics)
    if diff and invocation.output.format != "json":
        typer.echo(formatting.diffs(found), nl=False)
    invocation.output.show(
        "fmt",
        lambda: formatting.document(found, written=written),
        lambda: formatting.render(found, written=written, diff=diff),
    )
    return code


def _code(found: "Formatting", *, check: bool) -> int:
    if found.diagnostics:
        return 1
    return 2 if check and found.changed else 0


@app.command("diff")
@reporting
def diff_revisions(
    context: typer.Context,
    older: Annotated[str, typer.Argument(help="A git revision: commit, branch, tag.", metavar="revision")],
    newer: Annotated[
        str | None, typer.Argument(help="Another one; without it, the files as they are.", metavar="[newer]")
    ] = None,
    baseline: Annotated[
        str, typer.Option(help="What the older one is compiled on: store, none, or a file.")
    ] = "store",
    exit_code: Annotated[
        bool,
        typer.Option("--exit-code", help="Exit with 2 when they differ, 3 when a protected class is interrupted."),
    ] = False,
    limit: LimitOption = 65_536,
) -> int:
    """What a git revision changes: intents, demands, trunks, rules per switch, and what would be interrupted."""
    from sdnctl.cli import comparisons
    from sdnctl.plan.summary import outages
    from sdnctl.usecases.comparing import compare

    invocation: Invocation = context.obj
    with invocation.output.progress("comparing"):
        found = compare(invocation.context, older, newer, baseline=baseline)
    if invocation.output.format != "json":
        invocation.output.diagnostics(found.diagnostics)
    invocation.output.show(
        "diff",
        lambda: comparisons.document(found),
        lambda: comparisons.render(found),
        lambda: comparisons.markdown(found, limit or None),
    )
    if not exit_code:
        return 0
    return 3 if outages(found.plan) else 0 if found.empty else 2


@hook.command("check")
@reporting
def check_hook(context: typer.Context) -> int:
    """Check what is staged for the next commit, whatever lies in the working tree: fmt --check and validate."""
    from sdnctl.cli import formatting
    from sdnctl.errors import Severity
    from sdnctl.usecases.staged import check_staged

    invocation: Invocation = context.obj
    found = check_staged(invocation.folder)
    code = 0 if found.ok else 1
    if invocation.output.format.is_report:
        invocation.report(formatting.staged_report(invocation.folder, found), code)
        return code
    if invocation.output.format != "json":
        grave = [one for one in found.diagnostics if one.severity is Severity.ERROR]
        invocation.output.diagnostics((*grave, *formatting.not_canonical(found.formatting)))
    invocation.output.show(
        "hook check", lambda: formatting.staged_document(found), lambda: formatting.staged(found)
    )
    return code


@hook.command("install")
@reporting
def install_hook(
    context: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Replace a hook that somebody else wrote.")] = False,
) -> None:
    """Have git check what is staged before every commit in this repository."""
    from sdnctl.usecases.staged import install_hook as install

    invocation: Invocation = context.obj
    place = install(invocation.folder, force=force)
    shown = os.path.relpath(place)
    invocation.output.show("hook install", lambda: {"hook": str(place)}, lambda: [f"{shown} checks every commit"])
