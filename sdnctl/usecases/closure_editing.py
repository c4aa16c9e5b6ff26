"""Edits of a splice box: read from a file, checked as a whole, shown as they would be, and written all or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from sdnctl.drawing.fibre.plan import BoxPlan
from sdnctl.errors import Diagnostic, Diagnostics, InputError, OutageRefused, Severity, Source
from sdnctl.inventory.closure_edits import EditFile, EditModel, prepare
from sdnctl.inventory.closure_work import Interruption
from sdnctl.inventory.closures import Boxes, EndState, Held, Joint, State
from sdnctl.inventory.colours import tube_of
from sdnctl.inventory.plant import Side, StrandEnd
from sdnctl.usecases.closures import caption_of, find_box, lighting, today
from sdnctl.usecases.context import Context
from sdnctl.usecases.lighting import Lighting
from sdnctl.usecases.rewrites import Changed, edited, folder_texts, loaded_from, write
from sdnctl.workspace.files import read_text
from sdnctl.workspace.tables import parse_csv
from sdnctl.workspace.validate import validate
from sdnctl.workspace.yaml import parse_yaml

SIDES: tuple[Side, ...] = ("a", "b")

__all__ = ["Edited", "StrandChange", "edit_box", "write"]


@dataclass(frozen=True, slots=True)
class StrandChange:
    """What becomes of a strand, or of one end of one that is cut (`side`: the end of its cable it leads to)."""

    cable: str
    strand: int
    side: Side | None
    before: str
    after: str


@dataclass(frozen=True)
class Edited:
    """The box as edits would make it, what changes of strands and files. `notes`: light that goes out."""

    plan: BoxPlan
    strands: tuple[StrandChange, ...]
    files: Changed
    notes: tuple[Diagnostic, ...]


def edit_box(
    context: Context, name: str, file: Path, allowed: frozenset[str] = frozenset(), on: date | None = None
) -> Edited:
    """What the edits in a file make of a box; nothing is written.

    Raises InputError with every fault of all edits; OutageRefused where one separates glass on which a protected
    class runs that is not `allowed`.
    """
    loaded = context.loaded
    boxes = Boxes(loaded.plant)
    key = find_box(loaded.plant, boxes, name)
    before = boxes.held(key)
    prepared = prepare(loaded.documents, loaded.plant, key, read_edits(file, key))
    light = lighting(context)
    notes = _light_lost(light, before, prepared.separated, allowed)
    texts = folder_texts(context.folder)
    changed = edited(texts, prepared.edits, f"closure {key}")
    new = loaded_from({**texts, **changed})
    after = Boxes(new.plant).held(key)
    caption = caption_of(new.plant, new.areas, after, loaded.network.settings.name, on or today())
    made, gone = _pairs(after), _pairs(before)
    plan = BoxPlan(
        replace(caption, kind="Closure, edited"),
        after,
        Lighting(new.plant, light.compiled, new.access).on(after),
        frozenset(made.keys() - gone.keys()),
        tuple(joint for pair, joint in gone.items() if pair not in made),
        before=before,
    )
    return Edited(plan, tuple(_changes(before, after)), Changed(texts, changed), notes)


def read_edits(file: Path, key: str) -> list[tuple[EditModel, Source]]:
    """The edits in a YAML or CSV file; raises InputError with every fault, also where it is of another box."""
    out = Diagnostics()
    text = read_text(file, str(file), out)
    found: list[tuple[EditModel, Source]] = []
    if text is not None and file.suffix.lower() == ".csv":
        rows = parse_csv(text, EditModel, str(file), out)
        if rows is not None:
            found = [(row, rows.document.at(index)) for index, row in enumerate(rows.document.value)]
    elif text is not None:
        tree = parse_yaml(text, str(file), out)
        checked = validate(tree, EditFile, str(file), out) if tree is not None else None
        if checked is not None and checked.document is not None:
            document = checked.document
            if document.value.closure not in (None, key):
                out.error(
                    "edits-of-another-closure",
                    f"these are edits of {document.value.closure}, not of {key}",
                    address=f"closure {key}",
                    source=document.at("closure"),
                    hint="Name that closure, or correct the file.",
                )
            found = [(one, document.at("edits", index)) for index, one in enumerate(document.value.edits)]
    out.raise_if_errors(InputError)
    return found


def _light_lost(
    light: Lighting, held: Held, separated: Sequence[Interruption], allowed: frozenset[str]
) -> tuple[Diagnostic, ...]:
    """What runs on glass that is separated; raises OutageRefused where a protected class does."""
    services, refused = light.on(held), list[Diagnostic]()
    notes: dict[str, Diagnostic] = {}
    for one in separated:
        running = {service: None for side in SIDES for service in services.get((one.cable, one.strand, side), ())}
        for service in running:
            kept = [name for name in service.classes if name in light.protected and name not in allowed]
            where = f"strand {one.strand} of cable {one.cable}"
            if kept:
                refused.append(
                    Diagnostic(
                        "outage",
                        f"{service.name} runs on {where}, with {', '.join(kept)}",
                        f"closure {held.closure.id}",
                        one.origin,
                        detail="These classes are protected: nobody interrupts them without saying so.",
                        hint=f"Reroute first, or allow it: {' '.join(f'--allow-outage {name}' for name in kept)}",
                    )
                )
            else:
                what = f"{service.name} goes dark: it runs on {where}"
                detail = f"Classes: {', '.join(service.classes)}." if service.classes else "Nothing runs over it."
                note = Diagnostic("light-lost", what, f"closure {held.closure.id}", one.origin, detail=detail)
                notes.setdefault(service.name, replace(note, severity=Severity.WARNING))
    if refused:
        raise OutageRefused(*refused)
    return tuple(notes.values())


def _pairs(held: Held) -> dict[tuple[StrandEnd, StrandEnd], Joint]:
    return {(joint.a, joint.b): joint for joint in held.joints}


def _changes(before: Held, after: Held) -> Iterator[StrandChange]:
    """Every strand, and end of one, of which another thing is true after than before."""
    old, new = _said(before), _said(after)
    for cable, strand in sorted({*old, *new}):
        was, now = old.get((cable, strand), {}), new.get((cable, strand), {})
        for side in sorted({*was, *now}, key=lambda one: one or ""):
            if side is None and len({*was, *now}) > 1:
                continue  # told of each end of the strand, as it is cut on one side of the edit
            one, other = was.get(side, was.get(None, "")), now.get(side, now.get(None, ""))
            if one != other:
                yield StrandChange(cable, strand, side, one, other)


def _said(held: Held) -> dict[tuple[str, int], dict[Side | None, str]]:
    """What is true of every strand in a box: of one that passes uncut once, of a cut one for each of its ends."""
    said: dict[tuple[str, int], dict[Side | None, str]] = {}
    for one in held.cables:
        for strand, state in enumerate(one.states, start=1):
            if state is State.UNCUT:
                is_open = tube_of(one.kind, strand) in one.opened
                said[one.id, strand] = {None: "uncut, tube open" if is_open else "uncut, tube closed"}
            else:
                ends = {side: held.ends[StrandEnd(one.id, strand, one.place, side)] for side in one.sides}
                said[one.id, strand] = {side if one.passes else None: _told(end) for side, end in ends.items()}
    return said


def _told(end: EndState) -> str:
    return str(end.state) if end.other is None else f"{end.state} to {end.other}"
