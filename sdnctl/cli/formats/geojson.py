"""`sdnctl import geojson` and `sdnctl export geojson`."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
from pathlib import Path
from typing import Annotated

import typer

from sdnctl.cli.app import reporting
from sdnctl.cli.exchanging import NewFolder, Redact, exported, exporting, imported, importing, metres


@importing.command("geojson")
@reporting
def import_geojson(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A GeoJSON file, or a folder of them.")],
    folder: NewFolder,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="Which property of somebody else's GeoJSON is which of ours.")
    ] = None,
    snap: Annotated[
        str | None,
        typer.Option("--snap", help="Move ends of segments onto their places, if at most so far off: '10 cm'."),
    ] = None,
) -> None:
    """Sites, segments, ducts, cables, closures and loops from GeoJSON."""
    from sdnctl.usecases.exchanging_geojson import import_geojson

    imported(context.obj, "geojson", import_geojson(source, folder, mapping=mapping, snap=metres(snap, "--snap")))


@exporting.command("geojson")
@reporting
def export_geojson(
    context: typer.Context,
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="A file (.geojson, .json), or a folder: a file per layer.")
    ],
    redact: Redact = False,
) -> None:
    """Write the plant for a GIS, in WGS 84 (RFC 7946)."""
    from sdnctl.usecases.exchanging_geojson import export_geojson

    exported(context.obj, "geojson", export_geojson(context.obj.context, target, redacted=redact))
