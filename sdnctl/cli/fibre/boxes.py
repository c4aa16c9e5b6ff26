"""The verb about splice boxes: inventory closure."""

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
