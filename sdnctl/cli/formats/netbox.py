"""`sdnctl import netbox` and `sdnctl export netbox`."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
from pathlib import Path
from typing import Annotated

import typer

from sdnctl.cli.app import reporting
from sdnctl.cli.exchanging import exported, exporting


@exporting.command("netbox")
@reporting
def export_netbox(
    context: typer.Context,
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="A folder: CSV files for bulk import, and rest.json.")
    ],
    redact: Annotated[
        bool, typer.Option("--redact", help="Leave out every trace of restricted sites (sites.yaml: restricted).")
    ] = False,
) -> None:
    """Write sites, devices, ports and cables for NetBox."""
    from sdnctl.usecases.exchanging_netbox import export_netbox

    exported(context.obj, "netbox", export_netbox(context.obj.context, target, redacted=redact))
