"""Cutting a cable in two at a closure: what that changes in the files, so that everything else goes on.

The part from end a keeps the cable's id, the other gets one of its own and says what it was cut off (`was`). Every
strand keeps its number on both sides; those that passed are spliced through. What was joined to the far part, in
closures, on frames, by jumpers, stays joined under its new name. So the same ports face each other as before, over
as much glass and one splice more.

Pure: documents and their plant in, edits out; nothing is changed when something stands against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sdnctl.document import Document, KeyPath
from sdnctl.errors import Diagnostic, InputError
from sdnctl.inventory import models
from sdnctl.inventory.collect import NOTHING
from sdnctl.inventory.edits import DocumentEdit, Insert, Put
from sdnctl.inventory.fields import EndRef, StrandRange
from sdnctl.inventory.finding import no_such
from sdnctl.inventory.history import Spot, called_now
from sdnctl.inventory.life import Life
from sdnctl.inventory.mentions import Mention, mentions
from sdnctl.inventory.plant import Cable, Plant
from sdnctl.units import Length, format_length, parse_length

CABLES, CABLE_ROWS = "inventory/cables.yaml", "inventory/cables.csv"
CLOSURES, CLOSURE_ROWS, SPLICE_ROWS = "inventory/closures.yaml", "inventory/closures.csv", "inventory/splices.csv"
DUCTS, DUCT_ROWS = "inventory/ducts.yaml", "inventory/ducts.csv"

Documents = Mapping[str, Document[Any]]


@dataclass(frozen=True, slots=True)
class Cut:
    """A cable to be cut at one of its inner places: number of the place, and names of far part and box."""

    cable: str
    place: int
    far: str
    closure: str
    new_closure: bool


def plan_cut(plant: Plant, cable: str, at: str, closure: str, far: str | None = None) -> Cut:
    """What is meant by names; raises InputError that says what stands against it.

    `at` is a chamber or site on the way, or a length along the sheath, which must be that of such a place (to the
    length of its loop, 5 m at least). `closure` is one that stands there, or a name for a new one.
    """
    found = plant.cables.get(cable)
    if found is None:
        raise InputError(no_such("cable", cable, plant.cables))
    place = _place(plant, found, at)
    name = found.places[place]
    box = plant.closures.get(closure)
    if box is not None and box.at != name:
        raise _refused(
            f"closure {closure} stands at {box.at}, not at {name}",
            cable,
            f"Name a closure at {name}, or a new one.",
        )
    if far is None:
        far = next(one for number in range(2, 1000) if (one := f"{cable}-{number}") not in plant.cables)
    named = {"cable": plant.cables, "ODF": plant.odfs, "passive node": plant.passives, "switch": plant.switches}
    taken = next((kind for kind, table in named.items() if far in table), None)
    if taken is not None:
        raise _refused(f"there is a {taken} {far} already", cable, "Give the far part another name.")
    return Cut(cable, place, far, closure, box is None)


def _place(plant: Plant, cable: Cable, at: str) -> int:
    inner = cable.places[1:-1]
    passes = f"Between its ends it passes {', '.join(inner) or 'no chamber'}."
    if at in inner:
        return cable.places.index(at)
    if at in cable.places:
        raise _refused(f"cable {cable.id} ends at {at}: there is nothing to cut", cable.id, passes)
    try:
        mark = parse_length(at)
    except ValueError:
        raise _refused(f"cable {cable.id} does not pass {at}", cable.id, passes) from None
    for number, name in enumerate(inner, start=1):
        reach = max(5.0, float(cable.slack.get(name, 0.0)) / 2)
        if abs(cable.marks[number] - mark) <= reach:
            return number
    if mark > cable.sheath:
        now = called_now(plant, Spot(cable.id, 1, mark))
        raise _refused(
            f"cable {cable.id} is {format_length(round(cable.sheath))} long",
            cable.id,
            f"It was cut: what lies there is {now.cable} at {format_length(round(now.mark))}." if now else passes,
        )
    near = sorted(sorted(range(1, len(inner) + 1), key=lambda number: abs(cable.marks[number] - mark))[:2])
    names = " and ".join(
        f"{cable.places[number]} at {format_length(round(cable.marks[number]))}" for number in near
    )
    raise _refused(
        f"cable {cable.id} passes no chamber at {format_length(mark)}",
        cable.id,
        f"The nearest are {names}." if near else passes + " Draw the chamber first, and split its segment there.",
    )


def _refused(summary: str, cable: str, hint: str) -> InputError:
    return InputError(Diagnostic("cannot-cut-cable", summary, f"cable {cable}", hint=hint))


# ── edits ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Work:
    documents: Documents
    plant: Plant
    cut: Cut
    edits: list[DocumentEdit] = field(default_factory=list)

    @property
    def cable(self) -> Cable:
        return self.plant.cables[self.cut.cable]

    @property
    def name(self) -> str:
        return self.cable.places[self.cut.place]


def cut_edits(documents: Documents, plant: Plant, cut: Cut) -> tuple[DocumentEdit, ...]:
    """Every edit of the inventory and topology files that cuts a cable in two; see `plan_cut`."""
    work = _Work(documents, plant, cut)
    _cable(work)
    _duct(work)
    _mentions(work)
    _closure(work)
    _lists_of_cables(work)
    return tuple(work.edits)


def _cable(work: _Work) -> None:
    """The entry of the cable becomes that of its near part; one for the far part comes after it."""
    file, path, item = _entry(work.documents, work.cable.id, CABLES, CABLE_ROWS, "cables")
    changes, added = _parts(work, item)
    if file == CABLES:
        work.edits += [Put(file, (*path, key), value) for key, value in changes.items()]
        work.edits.append(Insert(file, ("cables",), added, after=int(path[1])))
    else:  # the far part has more to say than a row: both files count
        cells = {key: ";".join(value) if key == "route" else value for key, value in changes.items()}
        work.edits += [Put(file, (*path, key), value) for key, value in cells.items()]
        work.edits.append(Insert(CABLES, ("cables",), added))


def _parts(work: _Work, item: models.CableBase) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the entry of the near part says otherwise than before, and the entry of the far part."""
    cable, cut = work.cable, work.cut
    mark = round(cable.marks[cut.place], 3)
    near: dict[str, Any] = {"b": work.name}
    far: dict[str, Any] = {"id": cut.far, "type": item.type, "a": work.name, "b": cable.b}
    if item.route:
        near["route"], far["route"] = _routes(work.plant, cable, item.route, cut.place)
    if item.sheath is not None:
        near["sheath"], far["sheath"] = _length(mark), _length(round(float(cable.sheath) - mark, 3))
    lists = {"slack": _slack(cable, cut.place), "faults": _faults(item, mark)}
    for key, (here, there) in lists.items():
        if getattr(item, key, ()):
            near[key] = here or None
        if there:
            far[key] = there
    kept = _text(item).items()
    far |= {key: value for key, value in kept if key not in (*far, *lists, "was", "was_from")}
    root, start = cable.was if cable.was is not None else (cable.id, Length(0.0))
    return near, far | {"was": root, "was_from": _length(round(float(start) + mark, 3))}


def _slack(cable: Cable, place: int) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Loops of the near and of the far part; of that at the cut each has half."""
    loop = float(cable.slack.get(cable.places[place], 0.0))
    number = {name: index for index, name in enumerate(cable.places)}
    near = [
        {"at": name, "length": _length(length)} for name, length in cable.slack.items() if number[name] < place
    ]
    far = [{"at": name, "length": _length(length)} for name, length in cable.slack.items() if number[name] > place]
    if loop:
        near.append({"at": cable.places[place], "length": _length(loop / 2)})
        far.insert(0, {"at": cable.places[place], "length": _length(loop / 2)})
    return near, far


def _faults(item: Any, mark: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    near, far = list[dict[str, Any]](), list[dict[str, Any]]()
    for fault, written in zip(getattr(item, "faults", ()), _text(item).get("faults", ()), strict=True):
        if fault.at <= mark:
            near.append(written)
        else:
            far.append(written | {"at": _length(round(float(fault.at) - mark, 3))})
    return near, far


def _routes(plant: Plant, cable: Cable, route: Sequence[str], place: int) -> tuple[list[str], list[str]]:
    """The parts of a route up to a place and from it; a duct that the place lies in is part of both."""
    near, far, passed = list[str](), list[str](), 0
    for name in route:
        length = 1
        if name in plant.ducts:
            length = 0
            while passed + length < len(cable.passages) and cable.passages[passed + length].duct == name:
                length += 1
        if passed < place:
            near.append(name)
        if passed + length > place:
            far.append(name)
        passed += length
    return near, far


def _duct(work: _Work) -> None:
    """A duct that the cable runs through at the cut is opened there."""
    cable, place = work.cable, work.cut.place
    if not cable.passages:
        return
    before, after = cable.passages[place - 1].duct, cable.passages[place].duct
    if before is None or before != after or work.name in work.plant.ducts[before].openings:
        return
    file, path, item = _entry(work.documents, before, DUCTS, DUCT_ROWS, "ducts")
    openings = [*item.openings, work.name]
    if file == DUCTS:
        work.edits.append(Put(file, (*path, "openings"), openings))
    elif any(row.openings for row in work.documents[file].value):
        work.edits.append(Put(file, (*path, "openings"), ";".join(openings)))
    else:  # a column more would change every row of the table: what is special stands in YAML
        written = {"id": item.id} | _text(item) | {"openings": openings}
        if item.masks:
            written["masks"] = {place: str(position) for place, position in item.masks.items()}
        work.edits += [Put(file, path, None), Insert(DUCTS, ("ducts",), written)]


def _mentions(work: _Work) -> None:
    """Strands of the far part are called by its name wherever something is joined to them."""
    for one in mentions(work.documents, work.plant, work.cut.cable):
        if one.place is None:
            continue
        if one.what in ("opened", "opened_tubes", "cut") and one.place == work.cut.place:
            continue  # the closure says anew what passes
        if one.place > work.cut.place or (one.place == work.cut.place and one.side == "b"):
            work.edits.append(Put(one.file, one.path, str(_renamed(one, work.cut.far))))


def _renamed(one: Mention, far: str) -> StrandRange | EndRef:
    if isinstance(one.value, StrandRange):
        return replace(one.value, cable=far)
    return replace(one.value, name=far)


def _closure(work: _Work) -> None:
    """Strands that passed the place uncut are spliced through; those that wait go on waiting on both sides."""
    cut, cable = work.cut, work.cable
    capacity = work.plant.cable_types[cable.type].strands
    broken = dict(work.plant.cut_places.get(cable.id, ())).get(cut.place, 0)
    passing = tuple(strand for strand in range(1, capacity + 1) if not broken >> strand & 1)
    splice = {"a": str(StrandRange(cable.id, passing)), "b": str(StrandRange(cut.far, passing))}
    for closure in work.plant.closures.values():
        if closure.at == work.name:
            _touched(work, closure.id)
    if cut.new_closure:
        written = work.documents.get(CLOSURES)
        life = _life(cable.life, written.value.defaults if written is not None else NOTHING)
        entry: dict[str, Any] = {"id": cut.closure, "at": work.name, **life}
        work.edits.append(Insert(CLOSURES, ("closures",), entry | ({"splices": [splice]} if passing else {})))
        return
    if not passing:
        return
    file, path, item = _entry(work.documents, cut.closure, CLOSURES, CLOSURE_ROWS, "closures")
    if file == CLOSURE_ROWS or SPLICE_ROWS in work.documents:
        work.edits.append(Insert(SPLICE_ROWS, (), {"closure": cut.closure, **splice}))
    elif item.splices:
        work.edits.append(Insert(file, (*path, "splices"), splice))
    else:
        work.edits.append(Put(file, (*path, "splices"), [splice]))


def _touched(work: _Work, closure: str) -> None:
    """Opened tubes of the cable in a closure at the cut are spliced now; what waits there waits on both sides."""
    file, path, item = _entry(work.documents, closure, CLOSURES, CLOSURE_ROWS, "closures")
    if file == CLOSURE_ROWS:
        return
    for key in ("opened", "opened_tubes", "cut"):
        written: tuple[StrandRange, ...] = getattr(item, key)
        if any(strands.cable == work.cut.cable for strands in written):
            left = [str(strands) for strands in written if key == "cut" or strands.cable != work.cut.cable]
            if key == "cut":
                mine = (strands for strands in written if strands.cable == work.cut.cable)
                left += [str(replace(strands, cable=work.cut.far)) for strands in mine]
            work.edits.append(Put(file, (*path, key), left or None))


def _lists_of_cables(work: _Work) -> None:
    """Declared links and management links that run over the cable run over both parts."""
    for file, key in (("topology/links.yaml", "links"), ("topology/control.yaml", "links")):
        document = work.documents.get(file)
        for index, entry in enumerate(getattr(document.value, key) if document is not None else ()):
            cables: tuple[str, ...] = entry.cables
            if work.cut.cable in cables:
                work.edits.append(Put(file, (key, index, "cables"), _in_order(work, cables)))


def _in_order(work: _Work, cables: Sequence[str]) -> list[str]:
    """The names with the far part beside the near one, on the side where the far end meets the next cable."""
    place = list(cables).index(work.cut.cable)
    cable, plant = work.cable, work.plant
    after = plant.cables.get(cables[place + 1]) if place + 1 < len(cables) else None
    before = plant.cables.get(cables[place - 1]) if place else None
    backwards = (after is not None and cable.a in after.places and cable.b not in after.places) or (
        after is None and before is not None and cable.b in before.places and cable.a not in before.places
    )
    both = [work.cut.far, work.cut.cable] if backwards else [work.cut.cable, work.cut.far]
    return [*cables[:place], *both, *cables[place + 1 :]]


# ── what is written ──────────────────────────────────────────────────────────────────────────────


def _entry(documents: Documents, name: str, file: str, rows: str, key: str) -> tuple[str, KeyPath, Any]:
    """Where a thing is declared, and as what."""
    listed = documents.get(file)
    for index, item in enumerate(getattr(listed.value, key) if listed is not None else ()):
        if item.id == name:
            return file, (key, index), item
    table = documents.get(rows)
    for index, item in enumerate(table.value if table is not None else ()):
        if item.id == name:
            return rows, (index,), item
    raise LookupError(name)  # it is in the plant, so it is in one of the two


def _text(item: models.Strict) -> dict[str, Any]:
    """An entry as it would be written."""
    written: dict[str, Any] = item.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return written


def _life(life: Life, defaults: models.Life) -> dict[str, str]:
    """Whose the new closure is, and how it is known: as the cable; what its file says of all is not said again."""
    found = {"owner": life.owner, "manager": life.manager, "user": life.user, "source": life.provenance}
    given = {key: getattr(defaults, key) for key in found}
    implied = {**given, **{key: given[key] or given["owner"] or life.owner for key in ("manager", "user")}}
    return {key: value for key, value in found.items() if value and value != implied[key]}


def _length(metres: float) -> str:
    return format_length(metres)
