"""`sdnctl import gracethd` and `sdnctl export gracethd`."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
from pathlib import Path
from typing import Annotated

import typer

from sdnctl.cli.app import reporting
from sdnctl.cli.exchanging import NewFolder, Redact, exported, exporting, imported, importing, metres


@importing.command("gracethd")
@reporting
def import_gracethd(
    context: typer.Context,
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A folder of .csv and .shp files, or a .gpkg file.")
    ],
    folder: NewFolder,
    snap: Annotated[
        str | None,
        typer.Option("--snap", help="Move ends of ways onto their nodes, if at most so far off: '10 cm'."),
    ] = None,
) -> None:
    """A GraceTHD delivery (versions 2 and 3) as a network folder, with a report of its defects."""
    from sdnctl.usecases.gracethd import import_gracethd

    imported(context.obj, "gracethd", import_gracethd(source, folder, snap=metres(snap, "--snap") or 0.0))


@exporting.command("gracethd")
@reporting
def export_gracethd(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A folder, or a file that ends in .gpkg.")],
    version: Annotated[
        str | None, typer.Option("--version", help="2.0, 3.0 or 3.1 (default: the one that came in, else 2.0).")
    ] = None,
    redact: Redact = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Only tables of the standard; what they have no column for is lost.")
    ] = False,
) -> None:
    """Write the plant as a GraceTHD delivery, in Lambert-93."""
    from sdnctl.usecases.gracethd import export_gracethd

    result = export_gracethd(context.obj.context, target, version=version, redacted=redact, plain=plain)
    exported(context.obj, "gracethd", result)
