"""The plan of a splice box: what it holds and what runs there, with its title block, as sheets or to be told."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from sdnctl.compiler.pipeline import compile_network
from sdnctl.drawing.book import book_html, book_svg
from sdnctl.drawing.canvas import Drawing
from sdnctl.drawing.fibre import box
from sdnctl.drawing.fibre.paper import Caption
from sdnctl.drawing.fibre.plan import BoxPlan
from sdnctl.drawing.pdf import pdf
from sdnctl.errors import CompileError, Diagnostic, InputError, UsageError
from sdnctl.inventory.areas import Area
from sdnctl.inventory.closures import Boxes, Held
from sdnctl.inventory.finding import no_such
from sdnctl.inventory.plant import Plant, Point
from sdnctl.usecases.context import Context
from sdnctl.usecases.files import write_bytes
from sdnctl.usecases.lighting import Lighting
from sdnctl.usecases.planning import compile_folder
from sdnctl.wording import counted

FORMATS = (".svg", ".pdf", ".html")


def box_plan(context: Context, name: str, on: date | None = None) -> BoxPlan:
    """The plan of a box by its name, or of the only one at a place; raises InputError where there is none."""
    loaded = context.loaded
    boxes = Boxes(loaded.plant)
    held = boxes.held(find_box(loaded.plant, boxes, name))
    caption = caption_of(loaded.plant, loaded.areas, held, loaded.network.settings.name, on or today())
    try:
        return BoxPlan(caption, held, lighting(context).on(held))
    except CompileError as error:  # a crew in the field needs the plan, whatever somebody asked of the network
        why = f"Links and lines without their services: {error.diagnostics[0].summary}."
        return BoxPlan(caption, held, _bare(context).on(held), notes=(why,))


def lit(context: Context) -> Lighting:
    """What runs on the glass; links and lines without their services where the intents cannot be carried."""
    try:
        return lighting(context)
    except CompileError:
        return _bare(context)


def _bare(context: Context) -> Lighting:
    loaded = context.loaded
    return Lighting(loaded.plant, compile_network(replace(context.network(), demands=())), loaded.access)


def lighting(context: Context) -> Lighting:
    """What runs on the glass: what is applied, or what the folder compiles to where nothing is."""
    applied = context.applied()
    state = applied[1] if applied is not None else compile_folder(context)
    return Lighting(context.loaded.plant, state.compiled, context.loaded.access)


def find_box(plant: Plant, boxes: Boxes, name: str) -> str:
    """A box by its own name or by that of the place where it is the only one; raises InputError."""
    if name in plant.closures:
        return name
    here = boxes.at.get(name, ())
    if len(here) == 1:
        return here[0]
    if here:
        raise InputError(
            Diagnostic(
                "several-closures", f"there are {len(here)} closures at {name}", name, hint=" or ".join(here)
            )
        )
    if name in plant.chambers or name in plant.sites:
        raise InputError(
            Diagnostic(
                "no-closure-here", f"there is no closure at {name}", name, hint="name one that has a closure"
            )
        )
    raise InputError(no_such("closure", name, plant.closures))


def caption_of(plant: Plant, areas: Sequence[Area], held: Held, network: str, on: date) -> Caption:
    """The title block of a box."""
    closure = held.closure
    fields = (
        ("closure at", closure.at),
        ("commune", area_of(plant, areas, closure.at)),
        ("owner", closure.life.owner),
        ("manager", closure.life.manager),
        ("status", str(closure.life.status)),
        ("network", network),
        ("date", on.isoformat()),
        ("revision", revision(held)),
    )
    holds = [counted(len(held.cables), "cables"), counted(len(held.joints), "splices")]
    if held.nodes:
        holds.append(counted(len(held.nodes), "passive nodes"))
    return Caption("Closure", closure.id, fields, f"{', '.join(holds)} at {closure.at}")


def area_of(plant: Plant, areas: Sequence[Area], place: str) -> str:
    """The commune or district of a place: as its site says, else the outline that it lies in; "" where unknown."""
    site = plant.sites.get(place)
    if site is not None and site.area:
        return site.area
    at = site.position if site is not None else plant.chambers[place].position if place in plant.chambers else None
    return next((area.name for area in areas if at is not None and _inside(at, area)), "")


def _inside(at: Point, area: Area) -> bool:
    """Whether a point lies in an area: it is inside an odd number of its outlines."""
    inside = False
    for ring in area.rings:
        for (x1, y1), (x2, y2) in zip(ring, (*ring[1:], ring[0]), strict=True):
            if (y1 > at[1]) != (y2 > at[1]) and at[0] < x1 + (at[1] - y1) / (y2 - y1) * (x2 - x1):
                inside = not inside
    return inside


def revision(held: Held) -> str:
    """A short fingerprint of what a box holds: two plans that differ have different ones."""
    said = [f"{held.closure.id} at {held.closure.at}"]
    for one in held.cables:
        kind = f"{one.kind.strands} in {one.kind.tubes}, {one.kind.colours}"
        said.append(f"{one.id} {kind} {one.sides} {sorted(one.opened)} {' '.join(one.states)}")
    said += [f"{joint.cassette} {joint.slot} {joint.a} {joint.b} {joint.loss}" for joint in held.joints]
    for node in held.nodes:
        ports = " ".join(f"{port}={other}" for port, other in node.ports.items())
        said.append(f"{node.passive.id} {node.passive.kind} {ports}")
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:8]


def today() -> date:
    return datetime.now().astimezone().date()


def check_format(out: Path) -> None:
    """Raise UsageError for a file that sheets cannot be written to."""
    if out.suffix.lower() not in FORMATS:
        hint = f"give a name that ends in one of {', '.join(FORMATS)}"
        raise UsageError(
            Diagnostic("no-such-format", f"{out.name} is neither a page nor a picture nor a document", hint=hint)
        )


def draw_box(plan: BoxPlan, out: Path) -> None:
    """The plan of a box on sheets of paper."""
    write_sheets(box.draw(plan), out)


def write_sheets(sheets: Sequence[Drawing], out: Path) -> None:
    """Sheets as SVG, PDF or HTML, as the name of the file says; raises UsageError for another format."""
    check_format(out)
    kind = out.suffix.lower()
    if kind == ".pdf":
        write_bytes(out, pdf(sheets))
    else:
        write_bytes(out, (book_svg(sheets) if kind == ".svg" else book_html(sheets)).encode("utf-8"))
