"""Verbs about glass: inventory trace."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
from typing import Annotated

import typer

from sdnctl.cli.app import Invocation, inventory, reporting


@inventory.command("trace")
@reporting
def trace_(
    context: typer.Context,
    end: Annotated[
        str,
        typer.Argument(
            metavar="PORT", help="core-a:3 or core-a:3/tx, an ODF position odf-1:7, or a strand c-12:7."
        ),
    ],
    wavelength: Annotated[
        str | None, typer.Option("--wavelength", "-w", help="Light to follow through muxes: '1550 nm'.")
    ] = None,
) -> None:
    """Follow the glass from a port: cables, tubes, colours, splices, km, dB, and where it breaks."""
    from sdnctl.cli.fibre import chains
    from sdnctl.usecases.glass import follow

    invocation: Invocation = context.obj
    found = follow(invocation.context.loaded.plant, end, wavelength)
    invocation.output.show("inventory trace", lambda: chains.document(end, found), lambda: chains.render(found))
