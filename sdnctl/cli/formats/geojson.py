"""`sdnctl import geojson` and `sdnctl export geojson`."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
from pathlib import Path
from typing import Annotated

import typer

from sdnctl.cli.app import reporting
from sdnctl.cli.exchanging import exported, exporting, imported, importing
from sdnctl.errors import Diagnostic, UsageError


@importing.command("geojson")
@reporting
def import_geojson(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A GeoJSON file, or a folder of them.")],
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder to make; must not exist, or be empty.")
    ],
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="Which property of somebody else's GeoJSON is which of ours.")
    ] = None,
    snap: Annotated[
        str | None,
        typer.Option("--snap", help="Move ends of segments onto their places, if at most so far off: '10 cm'."),
    ] = None,
) -> None:
    """Sites, segments, ducts, cables, closures and loops from GeoJSON."""
    from sdnctl.units import parse_length
    from sdnctl.usecases.exchanging_geojson import import_geojson

    try:
        reach = float(parse_length(snap)) if snap is not None else None
    except ValueError as error:
        raise UsageError(Diagnostic("usage", str(error), "--snap", hint="write it like '10 cm'")) from None
    imported(context.obj, "geojson", import_geojson(source, folder, mapping=mapping, snap=reach))


@exporting.command("geojson")
@reporting
def export_geojson(
    context: typer.Context,
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="A file (.geojson, .json), or a folder: a file per layer.")
    ],
    redact: Annotated[
        bool, typer.Option("--redact", help="Leave out every trace of restricted sites (sites.yaml: restricted).")
    ] = False,
) -> None:
    """Write the plant for a GIS, in WGS 84 (RFC 7946)."""
    from sdnctl.usecases.exchanging_geojson import export_geojson

    exported(context.obj, "geojson", export_geojson(context.obj.context, target, redacted=redact))
