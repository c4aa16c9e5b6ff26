"""Verbs that draw the glass: inventory closure, line, synoptic."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sdnctl.cli.app import Invocation, inventory, reporting
from sdnctl.errors import Diagnostic, UsageError

if TYPE_CHECKING:
    from sdnctl.drawing.fibre.plan import BoxPlan


@inventory.command()
@reporting
def closure(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="CLOSURE", help="A closure, or the place where it is the only one.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Draw its plan: NAME.svg, NAME.pdf or NAME.html.")
    ] = None,
    edit: Annotated[
        Path | None, typer.Option("--edit", metavar="FILE", help="Show what these edits (YAML or CSV) make of it.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="With --edit: write them into the network folder.")
    ] = False,
    allow_outage: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-outage", metavar="CLASS", help="A protected class that may lose light (repeatable)."
        ),
    ] = None,
) -> None:
    """What a closure holds: cables, strands by state, splices by cassette, and what runs there."""
    from sdnctl.cli.fibre import closures
    from sdnctl.usecases import closures as asked

    invocation: Invocation = context.obj
    if out is not None:
        asked.check_format(out)
    if edit is not None:
        _edit(invocation, name, edit, out, write, frozenset(allow_outage or ()))
        return
    if write or allow_outage:
        option = "--write" if write else "--allow-outage"
        raise UsageError(Diagnostic("usage", f"{option} needs --edit", hint="name a file with edits"))
    with invocation.output.progress("reading the network"):
        plan = asked.box_plan(invocation.context, name)
    files = _drawn(plan, out)
    invocation.output.show(
        "inventory closure",
        lambda: closures.document(plan, files),
        lambda: closures.render(plan, files),
        lambda: closures.markdown(plan),
    )


def _edit(
    invocation: Invocation, name: str, edit: Path, out: Path | None, write: bool, allowed: frozenset[str]
) -> None:
    from sdnctl.cli.fibre import changes
    from sdnctl.usecases import closure_editing

    with invocation.output.progress("reading the network"):
        made = closure_editing.edit_box(invocation.context, name, edit, allowed)
    files = _drawn(made.plan, out)
    if write:
        closure_editing.write(invocation.context.folder, made.files)
    invocation.output.show(
        "inventory closure",
        lambda: changes.document(made, files, written=write),
        lambda: changes.render(made, files, written=write),
        lambda: changes.markdown(made, written=write),
    )
    if invocation.output.format != "json":
        invocation.output.diagnostics(made.notes)


def _drawn(plan: "BoxPlan", out: Path | None) -> dict[str, Path]:
    """Draw a plan, if a file is named; what was written."""
    from sdnctl.usecases.closures import draw_box

    if out is None:
        return {}
    draw_box(plan, out)
    return {"plan": out}


def _drawing(out: Path | None) -> dict[str, Path]:
    """What will be drawn; raises UsageError before anything is read when the file is of no kind that can be."""
    from sdnctl.usecases.closures import check_format

    if out is None:
        return {}
    check_format(out)
    return {"drawing": out}


@inventory.command("line")
@reporting
def line_(
    context: typer.Context,
    route: Annotated[
        list[str],
        typer.Argument(metavar="ROUTE", help="An optical link, an end (core-a:3, odf-1:7, c-12:7), or two."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Draw it: NAME.svg, NAME.pdf or NAME.html.")
    ] = None,
) -> None:
    """Straight-line diagram of a route: splices, loops and chambers by metres of fibre and sheath, and dB."""
    from sdnctl.cli.fibre import straight
    from sdnctl.usecases import lines

    invocation: Invocation = context.obj
    files = _drawing(out)
    found = lines.line(invocation.context, route)
    if out is not None:
        lines.draw_line(found, out)
    invocation.output.show(
        "inventory line", lambda: straight.document(found, files), lambda: straight.render(found, files)
    )


@inventory.command()
@reporting
def synoptic(
    context: typer.Context,
    what: Annotated[
        list[str] | None,
        typer.Argument(
            help="Sites, closures, links, communes, cables or patterns of them ('c-ring-*'); all by default."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Draw it: NAME.svg, NAME.pdf or NAME.html.")
    ] = None,
) -> None:
    """Cables between sites and closures, not to scale: strands, length, used and free."""
    from sdnctl.cli.fibre import graphs
    from sdnctl.usecases import synoptics

    invocation: Invocation = context.obj
    files = _drawing(out)
    with invocation.output.progress("reading the network"):
        found = synoptics.select(invocation.context, what or ())
    if out is not None:
        synoptics.draw_synoptic(found, out)
    invocation.output.show(
        "inventory synoptic", lambda: graphs.document(found, files), lambda: graphs.render(found, files)
    )
