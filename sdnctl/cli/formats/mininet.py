"""The verb `export mininet`."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
from pathlib import Path
from typing import Annotated

import typer

from sdnctl.cli.app import reporting
from sdnctl.cli.exchanging import exported, exporting


@exporting.command("mininet")
@reporting
def export_mininet(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("mininet.json"),
) -> None:
    """Write switches, cables, hosts and traffic for lab/mininet_topo.py."""
    from sdnctl.usecases.exchanging_mininet import write

    exported(context.obj, "mininet", write(context.obj.context, out))
