"""`sdnctl import netbox` and `sdnctl export netbox`."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
from pathlib import Path
from typing import Annotated

import typer

from sdnctl.cli.app import reporting
from sdnctl.cli.exchanging import NewFolder, Redact, exported, exporting, imported, importing


@importing.command("netbox")
@reporting
def import_netbox(
    context: typer.Context,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help="A folder of NetBox's tables (CSV, or JSON of its API), or a JSON file."
        ),
    ],
    folder: NewFolder,
) -> None:
    """Sites, switches and links from NetBox, as a network of links."""
    from sdnctl.usecases.exchanging_netbox import import_netbox

    imported(context.obj, "netbox", import_netbox(source, folder))


@exporting.command("netbox")
@reporting
def export_netbox(
    context: typer.Context,
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="A folder: CSV files for bulk import, and rest.json.")
    ],
    redact: Redact = False,
) -> None:
    """Write sites, devices, ports and cables for NetBox."""
    from sdnctl.usecases.exchanging_netbox import export_netbox

    exported(context.obj, "netbox", export_netbox(context.obj.context, target, redacted=redact))
