"""Verbs about glass: whatif, and those of inventory."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
from pathlib import Path
from typing import Annotated

import typer

from sdnctl.cli.app import Invocation, app, inventory, reporting
from sdnctl.errors import Diagnostic, UsageError

On = Annotated[
    str | None,
    typer.Option("--on", metavar="DATE", help="As things are on a day: 2026-05-31 (default: by status)."),
]


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
    on: On = None,
) -> None:
    """Follow the glass from a port: cables, tubes, colours, splices, km, dB, and where it breaks."""
    from sdnctl.cli.fibre import chains
    from sdnctl.usecases.glass import as_of, follow

    invocation: Invocation = context.obj
    found = follow(as_of(invocation.context.loaded.plant, on), end, wavelength)
    invocation.output.show("inventory trace", lambda: chains.document(end, found), lambda: chains.render(found))


@inventory.command()
@reporting
def describe(
    context: typer.Context,
    thing: Annotated[
        str, typer.Argument(metavar="THING", help="duct:d-1, or d-1: a segment, duct, place, cable, closure, …")
    ],
    on: On = None,
) -> None:
    """All that is known of one thing of the plant: whose it is, how it is built, what lies in it."""
    from sdnctl.cli.fibre import cards
    from sdnctl.inventory.cards import card
    from sdnctl.usecases.glass import as_of

    invocation: Invocation = context.obj
    found = card(as_of(invocation.context.loaded.plant, on), thing)
    invocation.output.show("inventory describe", lambda: cards.document(found), lambda: cards.render(found))


@app.command()
@reporting
def whatif(
    context: typer.Context,
    cut: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X[@DISTANCE]",
            help="segment:S, duct:D, cable:K@412m, chamber:C, closure:B, site:P, a link … (repeatable).",
        ),
    ] = None,
    polygon: Annotated[
        list[Path] | None, typer.Option(help="GeoJSON: all that lies in these outlines (repeatable).")
    ] = None,
    hazard: Annotated[list[str] | None, typer.Option(help="All that lies in a hazard zone (repeatable).")] = None,
    block: Annotated[list[str] | None, typer.Option(help="A duct that is blocked: cuts nothing.")] = None,
    onboard: Annotated[
        bool, typer.Option("--onboard", help="With --polygon, an open road: what connects the sites at it.")
    ] = False,
    reach: Annotated[
        str, typer.Option(metavar="LENGTH", help="With --onboard: sites so far outside, too: '50 m'.")
    ] = "0 m",
    count: Annotated[int, typer.Option("--count", "-c", min=1, help="With --onboard: strands for a site.")] = 2,
    limit: Annotated[
        str, typer.Option(metavar="LENGTH", help="With --onboard: how far to dig at most from a site.")
    ] = "1000 m",
    layer: Annotated[
        Path | None, typer.Option("--map", help="With --onboard: write the answer as GeoJSON.")
    ] = None,
) -> None:
    """What a cut takes away, whom to tell, what to splice first; or what an open road could connect."""
    from sdnctl.cli.fibre import cutting
    from sdnctl.usecases.asking import what_if

    if onboard:
        _onboard(context.obj, polygon or [], (cut, hazard, block), (reach, limit), count, layer)
        return
    if not (cut or polygon or hazard or block):
        raise UsageError(
            Diagnostic(
                "nothing-asked", "nothing is cut", "whatif", hint="give --cut, --polygon, --hazard or --block"
            )
        )
    invocation: Invocation = context.obj
    with invocation.output.progress("reading the network") as progress:
        found = what_if(invocation.context, cut or (), polygon or (), hazard or (), block or (), progress)
    invocation.output.show("whatif", lambda: cutting.document(found), lambda: cutting.render(found))


def _onboard(
    invocation: Invocation,
    polygons: list[Path],
    others: tuple[list[str] | None, ...],
    lengths: tuple[str, str],
    count: int,
    layer: Path | None,
) -> None:
    """What to lay while a road is open."""
    from sdnctl.cli.fibre import onboard as shown
    from sdnctl.units import parse_length
    from sdnctl.usecases.connecting import onboard
    from sdnctl.usecases.measuring import write_json

    if not polygons or any(others):
        what = "--onboard goes with --polygon, and with nothing that is cut"
        raise UsageError(Diagnostic("usage", what, "whatif", hint="give the outline of the works as GeoJSON"))
    try:
        reach, limit = (parse_length(text) for text in lengths)
    except ValueError as error:
        raise UsageError(Diagnostic("usage", str(error), "whatif", hint="write it like '50 m'")) from None
    with invocation.output.progress("looking for glass"):
        found = onboard(invocation.context.loaded.plant, polygons, reach, count, limit)
    if layer is not None:
        write_json(layer, shown.geojson(found))
    invocation.output.show("whatif", lambda: shown.document(found, layer), lambda: shown.render(found, layer))


@inventory.command()
@reporting
def budget(
    context: typer.Context,
    links: Annotated[list[str] | None, typer.Argument(help="Optical links by name; without any, all.")] = None,
    cheapest: Annotated[
        bool, typer.Option("--cheapest", help="Name the cheapest optics for every link, not only where one fails.")
    ] = False,
    on: On = None,
) -> None:
    """Loss of lit links against their optics: margin, overload, dispersion, and what would do better."""
    from sdnctl.cli.fibre import light
    from sdnctl.usecases.glass import as_of, light_budgets

    invocation: Invocation = context.obj
    found = light_budgets(as_of(invocation.context.loaded.plant, on), links or (), advise=cheapest)
    invocation.output.show("inventory budget", lambda: light.document(found), lambda: light.render(found))


@inventory.command()
@reporting
def diversity(
    context: typer.Context,
    one: Annotated[str, typer.Argument(help="A link, a cable, a trunk, a port or a strand; several with commas.")],
    two: Annotated[str, typer.Argument(help="The same, to hold against it.")],
) -> None:
    """What two routes share, how near they come, and which protection grades that allows."""
    from sdnctl.cli.fibre import pairs
    from sdnctl.usecases.asking import diversity as compare

    invocation: Invocation = context.obj
    found = compare(invocation.context, one, two)
    invocation.output.show("inventory diversity", lambda: pairs.document(found), lambda: pairs.render(found))


@inventory.command()
@reporting
def free(
    context: typer.Context,
    a: Annotated[str, typer.Argument(help="A site or chamber, or an ODF, switch or closure there.")],
    b: Annotated[str, typer.Argument(help="The other end.")],
    count: Annotated[int, typer.Option("--count", "-c", min=1, help="How many strands.")] = 2,
    routes: Annotated[int, typer.Option(min=1, max=20, help="How many routes at most.")] = 3,
    diverse_from: Annotated[
        str | None, typer.Option(metavar="R", help="A route to stay away from, as `inventory diversity` takes it.")
    ] = None,
    on: On = None,
) -> None:
    """Routes of free strands between two places: splices to make, km, loss, reserve left per cable."""
    from sdnctl.cli.fibre import spare
    from sdnctl.usecases.asking import free as find_free

    invocation: Invocation = context.obj
    found = find_free(invocation.context, a, b, count, routes, diverse_from, on)
    invocation.output.show("inventory free", lambda: spare.document(found), lambda: spare.render(found))
    if invocation.output.format != "json":
        invocation.output.diagnostics(found.notes)


@inventory.command()
@reporting
def capacity(
    context: typer.Context,
    what: Annotated[
        list[str] | None, typer.Argument(help="strand, cable, duct, port, link; without any, all but strand.")
    ] = None,
    warn: Annotated[float, typer.Option(min=0, max=100, help="From how many percent on a fill is marked.")] = 70.0,
    full: Annotated[
        float, typer.Option(min=0, max=100, help="From how many percent on it counts as full.")
    ] = 90.0,
    top: Annotated[int, typer.Option(min=1, help="How many of each kind are shown; JSON has all.")] = 10,
    on: On = None,
) -> None:
    """How full strands, cables, ducts, ports and links are; links also in the failure that loads them most."""
    from sdnctl.cli.fibre import fills
    from sdnctl.usecases.filling import filling

    invocation: Invocation = context.obj
    with invocation.output.progress("counting"):
        kinds = what or ("cable", "duct", "port", "link")
        found = filling(invocation.context, kinds, warn / 100, full / 100, on)
    invocation.output.show("inventory capacity", lambda: fills.document(found), lambda: fills.render(found, top))
