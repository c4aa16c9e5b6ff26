"""`sdnctl import topology`."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sdnctl.cli.app import reporting
from sdnctl.cli.exchanging import NewFolder, imported, importing
from sdnctl.errors import Diagnostic, UsageError


class Invent(StrEnum):
    NONE = "none"
    RING = "ring"
    MESH = "mesh"


@importing.command("topology")
@reporting
def import_topology(
    context: typer.Context,
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="Topology Zoo GraphML, topohub JSON, SNDlib native or REPETITA.")
    ],
    folder: NewFolder,
    demands: Annotated[
        Path | None, typer.Option("--demands", help="REPETITA's .demands file (by default the one beside FILE).")
    ] = None,
    rate_unit: Annotated[
        str | None,
        typer.Option("--rate-unit", help="What a capacity or demand of 1 is: '1 Mbit/s' (default: the format's)."),
    ] = None,
    delay_unit: Annotated[
        str | None, typer.Option("--delay-unit", help="What a delay of 1 is: '1 ms' (default: the format's).")
    ] = None,
    plane: Annotated[
        str | None,
        typer.Option("--plane", help="Positions are those of a drawing, and one unit of it is so long: '1 km'."),
    ] = None,
    invent: Annotated[
        Invent, typer.Option("--invent", help="Circuits to try a topology with that has no demands.")
    ] = Invent.NONE,
) -> None:
    """A research topology and its demands, as a network of links."""
    from sdnctl.exchange.topology.graph import Units
    from sdnctl.units import parse_bitrate, parse_delay, parse_length
    from sdnctl.usecases.exchanging_topology import import_topology

    units = []
    for option, text, parse in (
        ("--rate-unit", rate_unit, parse_bitrate),
        ("--delay-unit", delay_unit, parse_delay),
        ("--plane", plane, parse_length),
    ):
        try:
            value = float(parse(text)) if text is not None else None
        except ValueError as error:
            raise UsageError(Diagnostic("usage", str(error), option)) from None
        if value == 0:
            raise UsageError(Diagnostic("usage", f"{option} is 0", option, hint="say how much one unit is"))
        units.append(value)
    result = import_topology(source, folder, demands=demands, units=Units(*units), invented=invent.value)
    imported(context.obj, "topology", result)
