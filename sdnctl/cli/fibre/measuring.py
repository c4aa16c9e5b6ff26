"""Verbs about measurements: inventory otdr."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sdnctl.cli.app import Invocation, inventory, reporting
from sdnctl.errors import Diagnostic, UsageError

if TYPE_CHECKING:
    from sdnctl.units import Length
    from sdnctl.usecases.measuring import Report


@inventory.command()
@reporting
def otdr(
    context: typer.Context,
    trace: Annotated[Path | None, typer.Argument(metavar="TRACE.sor", help="What the instrument wrote.")] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Where it stood: odf-1:7, core-a:3/tx, c-12:7 (by default as typed into it)."),
    ] = None,
    other: Annotated[
        Path | None, typer.Option("--other-end", help="A trace of the same fibre from its far end.")
    ] = None,
    reference: Annotated[
        Path | None, typer.Option("--reference", help="The trace of commissioning (by default the one kept).")
    ] = None,
    launch: Annotated[
        str | None,
        typer.Option("--launch", help="Length of the launch lead, if the file does not have it: '500 m'."),
    ] = None,
    index: Annotated[
        float | None, typer.Option("--index", help="Group index, instead of the file's: 1.4682.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse files whose checksum does not fit.")] = False,
    draw: Annotated[Path | None, typer.Option("--draw", help="Draw it: NAME.svg or NAME.png.")] = None,
    geojson: Annotated[
        Path | None, typer.Option("--geojson", help="Write its events as points for a map.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep it as the trace of commissioning.")] = False,
    save: Annotated[
        Path | None,
        typer.Option("--save", help="Instead: write the trace that the records promise, for rehearsal."),
    ] = None,
    cut: Annotated[
        str | None, typer.Option("--cut", help="With --save: as if cut at a sheath mark, 'c-12@412 m'.")
    ] = None,
    wavelength: Annotated[str, typer.Option("--wavelength", "-w", help="With --save: of that trace.")] = "1550 nm",
) -> None:
    """Where a fibre is broken, and what changed on it, from an OTDR trace."""
    invocation: Invocation = context.obj
    if save is not None:
        _rehearse(invocation, start, save, cut, wavelength, launch)
        return
    if trace is None:
        raise UsageError(
            Diagnostic("usage", "no trace is given", hint="name a .sor file, or --from END --save FILE")
        )
    from sdnctl.exchange.sor_trace import Settings
    from sdnctl.usecases import measuring

    settings = Settings(index, _metres(launch) if launch is not None else None)
    question = measuring.Question(trace, start, other, reference, settings, strict)
    plant = invocation.context.loaded.plant
    report = measuring.examine(invocation.context.folder, plant, question)
    _show(invocation, report, trace, draw, geojson, keep)


def _show(
    invocation: Invocation, report: "Report", trace: Path, draw: Path | None, geojson: Path | None, keep: bool
) -> None:
    from sdnctl.cli.fibre import reflections
    from sdnctl.usecases import measuring

    written: dict[str, Path] = {}
    if draw is not None:
        measuring.draw(report, draw)
        written["drawing"] = draw
    if geojson is not None:
        measuring.write_json(geojson, reflections.geojson(report))
        written["map"] = geojson
    if keep:
        written["kept"] = measuring.keep(invocation.context.folder, report, trace)
    invocation.output.show(
        "inventory otdr",
        lambda: reflections.document(report, written),
        lambda: reflections.render(report, written),
    )
    if invocation.output.format != "json":
        invocation.output.diagnostics(report.notes)


def _rehearse(
    invocation: Invocation, start: str | None, save: Path, cut: str | None, wavelength: str, launch: str | None
) -> None:
    from sdnctl.inventory.fields import parse_wavelength
    from sdnctl.inventory.otdr_expected import Instrument
    from sdnctl.usecases.measuring import rehearse

    if start is None:
        raise UsageError(Diagnostic("usage", "--save needs --from", hint="say where the instrument would stand"))
    try:
        light = parse_wavelength(wavelength)
    except ValueError as error:
        raise UsageError(Diagnostic("no-such-wavelength", str(error), hint="write it like '1550 nm'")) from None
    instrument = Instrument(light) if launch is None else Instrument(light, lead=_metres(launch))
    way = rehearse(invocation.context.loaded.plant, start, save, instrument, cut)
    text = f"{save}: {way.start} → {way.end}, {way.length / 1000:.3f} km of fibre as recorded"
    document = {"ok": True, "file": str(save), "from": str(way.start), "to": str(way.end), "length": way.length}
    invocation.output.show(
        "inventory otdr", lambda: document, lambda: [text + (f", cut at {cut}" if cut is not None else "")]
    )


def _metres(text: str) -> "Length":
    from sdnctl.units import parse_length

    try:
        return parse_length(text)
    except ValueError as error:
        raise UsageError(Diagnostic("usage", str(error), "--launch", hint="write it like '500 m'")) from None
