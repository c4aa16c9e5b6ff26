"""Verbs that draw the glass: inventory closure, line, synoptic."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
from pathlib import Path
from typing import Annotated

import typer

from sdnctl.cli.app import Invocation, inventory, reporting


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
) -> None:
    """What a closure holds: cables, strands by state, splices by cassette, and what runs there."""
    from sdnctl.cli.fibre import closures
    from sdnctl.usecases import closures as asked

    invocation: Invocation = context.obj
    if out is not None:
        asked.check_format(out)
    with invocation.output.progress("reading the network"):
        plan = asked.box_plan(invocation.context, name)
    files = {"plan": out} if out is not None else {}
    if out is not None:
        asked.draw_box(plan, out)
    invocation.output.show(
        "inventory closure",
        lambda: closures.document(plan, files),
        lambda: closures.render(plan, files),
        lambda: closures.markdown(plan),
    )


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
    from sdnctl.usecases.closures import check_format

    invocation: Invocation = context.obj
    if out is not None:
        check_format(out)
    found = lines.line(invocation.context, route)
    files = {"drawing": out} if out is not None else {}
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
    from sdnctl.usecases.closures import check_format

    invocation: Invocation = context.obj
    if out is not None:
        check_format(out)
    with invocation.output.progress("reading the network"):
        found = synoptics.select(invocation.context, what or ())
    files = {"drawing": out} if out is not None else {}
    if out is not None:
        synoptics.draw_synoptic(found, out)
    invocation.output.show(
        "inventory synoptic", lambda: graphs.document(found, files), lambda: graphs.render(found, files)
    )
