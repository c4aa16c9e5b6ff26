"""Rules about glass: splices, opened tubes, and glass that leads nowhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

from sdnctl.errors import Severity
from sdnctl.inventory.checking.finding import Hit
from sdnctl.inventory.checking.subject import Subject, entry
from sdnctl.inventory.colours import strands_of, tube_mark, tube_of
from sdnctl.inventory.fields import StrandRange, format_numbers
from sdnctl.inventory.glass import bits, numbers
from sdnctl.inventory.live.findings import Edit, Write
from sdnctl.inventory.models import ClosureModel, ClosuresFile
from sdnctl.inventory.plant import Closure, Plant

SPLICE_MOST, SPLICE_MEAN = 0.20, 0.10
"""dB: what a splice is accepted up to, and what the mean of a closure should be (mean of both directions)."""
FEW = 12
"""Splices of a closure from which on their mean says something."""
CLOSURES = "inventory/closures.yaml"


def lossy(s: Subject) -> Iterator[Hit]:
    """Splices whose loss would not have been accepted, or that gain light."""
    for run in s.plant.splice_runs:
        if run.loss is not None and not 0 <= run.loss <= SPLICE_MOST:
            gain = run.loss < 0
            yield Hit(
                f"closure {run.closure}",
                run.origin,
                f"{run.a.end(0)} – {run.b.end(0)} {'gains' if gain else 'loses'} {abs(run.loss):.2f} dB",
                "The mean of both directions cannot be a gain."
                if gain
                else f"Up to {SPLICE_MOST:.2f} dB are accepted on the mean of both directions.",
                "Check the readings." if gain else "Splice it again, or check the readings.",
            )


def lossy_closure(s: Subject) -> Iterator[Hit]:
    """Closures whose splices lose too much on the average."""
    for closure, runs in s.where.spliced_in.items():
        known = [(run.loss, len(run.a.strands)) for run in runs if run.loss is not None]
        count = sum(number for _, number in known)
        mean = sum(loss * number for loss, number in known) / count if count else 0.0
        if count >= FEW and mean > SPLICE_MEAN:
            yield Hit(
                f"closure {closure}",
                s.plant.closures[closure].origin,
                f"{count} splices of {closure} lose {mean:.2f} dB on the average",
                f"{SPLICE_MEAN:.2f} dB are usual; each may be accepted, all together tell of a bad machine.",
                "Measure some of them again.",
            )


def crowded(s: Subject) -> Iterator[Hit]:
    """Closures with more splices than their trays take."""
    for closure in s.plant.closures.values():
        count = sum(len(run.a.strands) for run in s.where.spliced_in.get(closure.id, ()))
        if closure.capacity is not None and count > closure.capacity:
            yield Hit(
                f"closure {closure.id}",
                closure.origin,
                f"{count} splices are in closure {closure.id}, which takes {closure.capacity}",
                remedy="Correct its capacity, or which closure the splices are in.",
            )


def mixed_fibre(s: Subject) -> Iterator[Hit]:
    """Closures in which unlike fibres are joined."""
    for closure, kinds in _kinds_met(s).items():
        fibres = sorted({s.plant.cable_types[kind].fibre for kind in kinds})
        if len(fibres) > 1:
            yield Hit(
                f"closure {closure}",
                s.plant.closures[closure].origin,
                f"{' and '.join(fibres)} are joined in {closure}",
                "Seen from one end such splices seem to gain or to lose light.",
                "Believe the mean of both directions only.",
            )


def mixed_colours(s: Subject) -> Iterator[Hit]:
    """Closures in which cables of unlike colour orders are joined."""
    for closure, kinds in _kinds_met(s).items():
        schemes = sorted({s.plant.cable_types[kind].colours for kind in kinds})
        if len(schemes) > 1:
            yield Hit(
                f"closure {closure}",
                s.plant.closures[closure].origin,
                f"colours of {' and '.join(schemes)} meet in {closure}",
                "The same colour is another strand on the other side.",
                "Splice by number, and print the closure's sheet.",
            )


def _kinds_met(s: Subject) -> Mapping[str, set[str]]:
    """Closure → kinds of cables that are spliced in it."""
    found: dict[str, set[str]] = defaultdict(set)
    for run in s.plant.splice_runs:
        found[run.closure].update(s.plant.cables[end.cable].type for end in (run.a, run.b))
    return found


# ── tubes ────────────────────────────────────────────────────────────────────────────────────────


def opened_for_nothing(s: Subject) -> Iterator[Hit]:
    """Tubes that are opened though no strand of theirs is cut."""
    for closure in s.plant.closures.values():
        spare: dict[str, set[int]] = {}
        for cable, strands in closure.opened.items():
            cut = {_tube(s.plant, cable, strand) for strand in numbers(_cut_at(s, cable, closure.at))}
            idle = {strand for strand in strands if _tube(s.plant, cable, strand) not in cut}
            if idle:
                spare[cable] = idle
        if spare:
            names = [str(StrandRange(cable, tuple(sorted(idle)))) for cable, idle in spare.items()]
            yield Hit(
                f"closure {closure.id}",
                closure.origin,
                f"tubes of {', '.join(names)} are opened in {closure.id}, and nothing in them is cut",
                "Strands in opened tubes are at risk whenever the closure is.",
                "Take them from opened, if their tubes are whole.",
                tuple(_kept(s, closure, spare)),
            )


def _kept(s: Subject, closure: Closure, idle: Mapping[str, set[int]]) -> Iterator[Edit]:
    """What stays of `opened` and `opened_tubes` without idle strands."""
    item = _item(s, closure)
    if item is None:
        return
    strands = [_without(one, idle.get(one.cable, set())) for one in item.opened]
    if tuple(strands) != item.opened:
        yield _ranges(closure, "opened", strands)
    tubes = []
    for one in item.opened_tubes:
        gone = {_tube(s.plant, one.cable, strand) for strand in idle.get(one.cable, ())}
        tubes.append(_without(one, gone))
    if tuple(tubes) != item.opened_tubes:
        yield _ranges(closure, "opened_tubes", tubes)


def _item(s: Subject, closure: Closure) -> ClosureModel | None:
    """A closure as it is written, where that is a file that knows of opened tubes."""
    found = s.written(closure.origin)
    return found[1] if found is not None and isinstance(found[1], ClosureModel) else None


def _without(some: StrandRange, gone: set[int]) -> StrandRange:
    return StrandRange(some.cable, tuple(one for one in some.strands if one not in gone), some.side)


def _ranges(closure: Closure, field: str, ranges: Iterable[StrandRange]) -> Edit:
    text = ", ".join(f'"{one}"' for one in ranges if one.strands)
    return Write(entry(closure.origin, closure.id), field, f"[{text}]")


def tube_in_part(s: Subject) -> Iterator[Hit]:
    """Tubes of which strands are cut in a closure, and of the others nothing is said."""
    told: dict[tuple[str, str], int] = defaultdict(int)
    for closure in s.plant.closures.values():
        for cable, strands in closure.opened.items():
            told[cable, closure.at] |= bits(tuple(sorted(strands)))
    for cable, places in s.plant.cut_places.items():
        kind = s.plant.cable_types[s.plant.cables[cable].type]
        for place, cut in places:
            name = s.plant.cables[cable].places[place]
            boxes = s.where.closures_at.get(name, ())
            if not boxes:
                continue
            tubes = dict.fromkeys(tube_of(kind, strand) for strand in numbers(cut))
            whole = tuple(strand for tube in tubes for strand in strands_of(kind, tube))
            missing = tuple(numbers(bits(whole) & ~cut & ~told[cable, name]))
            if missing:
                box = s.plant.closures[boxes[0]]
                item = _item(s, box)
                edits = (_ranges(box, "opened", (*item.opened, StrandRange(cable, missing))),) if item else ()
                yield Hit(
                    f"closure {box.id}",
                    box.origin,
                    f"{cable}:{format_numbers(missing)} lie in tubes that are opened at {name}",
                    f"Strands of {', '.join(str(tube_mark(kind, tube)) for tube in tubes)} are cut there; "
                    "who works there touches the rest of the tube, too.",
                    "Write them under opened.",
                    edits,
                )


def _tube(plant: Plant, cable: str, strand: int) -> int:
    return tube_of(plant.cable_types[plant.cables[cable].type], strand)


def _cut_at(s: Subject, cable: str, place: str) -> int:
    """Strands (bits) of a cable that are cut, or end, at a place."""
    places = s.plant.cables[cable].places
    if place in (places[0], places[-1]):
        capacity = s.plant.cable_types[s.plant.cables[cable].type].strands
        return (1 << capacity + 1) - 2
    return next((cut for number, cut in s.plant.cut_places.get(cable, ()) if places[number] == place), 0)


# ── glass that leads nowhere ─────────────────────────────────────────────────────────────────────


def one_sided(s: Subject) -> Iterator[Hit]:
    """Strands that are cut on the way, and of which one half is joined to nothing and not said to wait."""
    waiting = _waiting(s)
    for cable, places in s.plant.cut_places.items():
        for place, cut in places:
            ends = [s.joined.get((cable, place, side), 0) for side in ("a", "b")]
            half = cut & (ends[0] ^ ends[1]) & ~waiting.get((cable, place), 0)
            if not half:
                continue
            name = s.plant.cables[cable].places[place]
            strands = tuple(numbers(half))
            lone = "b" if ends[0] & 1 << strands[0] else "a"
            boxes = s.where.closures_at.get(name, ())
            yield Hit(
                f"closure {boxes[0]}" if boxes else f"cable {cable}",
                s.plant.closures[boxes[0]].origin if boxes else s.plant.cables[cable].origin,
                f"{cable}:{format_numbers(strands)} are cut at {name} and joined on one side only",
                f"Of the half towards end {lone} nothing is said.",
                "Splice it, or write under cut of the closure that it waits.",
            )


def _waiting(s: Subject) -> Mapping[tuple[str, int], int]:
    """Cable and place → strands (bits) that closures say wait there."""
    document, found = s.documents.get(CLOSURES), dict[tuple[str, int], int]()
    if document is None or not isinstance(document.value, ClosuresFile):
        return found
    for closure in document.value.closures:
        for strands in closure.cut:
            cable = s.plant.cables.get(strands.cable)
            if cable is not None and closure.at in cable.places:
                key = cable.id, cable.places.index(closure.at)
                found[key] = found.get(key, 0) | bits(strands.strands)
    return found


def nowhere(s: Subject) -> Iterator[Hit]:
    """Cables in service of which nothing is joined at one end, or at both."""
    for cable in s.plant.cables.values():
        if not cable.life.in_service():
            continue
        last = len(cable.places) - 1
        first, second = (bool(s.joined.get((cable.id, *end), 0)) for end in ((0, "b"), (last, "a")))
        if first and second:
            continue
        inner = any(s.joined.get((cable.id, place, side), 0) for place in range(1, last) for side in ("a", "b"))
        alone = not (first or second or inner)
        ends = [place for place, joined in ((cable.a, first), (cable.b, second)) if not joined]
        yield Hit(
            f"cable {cable.id}",
            cable.origin,
            f"no strand of {cable.id} is joined to anything at {' or '.join(ends)}",
            "It is written as in service and leads nowhere." if alone else "",
            "Enter its splices and frame positions, or plan it." if alone else "Enter what is joined there.",
            grade=Severity.WARNING if alone else None,
        )


def empty_closure(s: Subject) -> Iterator[Hit]:
    """Closures in which nothing is spliced, cut or opened, or where no cable passes."""
    busy = s.where.spliced_in.keys()
    waiting = {(cable, place) for cable, place in _waiting(s)}
    for closure in s.plant.closures.values():
        if closure.id in busy or closure.opened:
            continue
        cables = s.where.at_place.get(closure.at, ())
        if any((cable, place) in waiting for cable, place in cables):
            continue
        yield Hit(
            f"closure {closure.id}",
            closure.origin,
            f"nothing is spliced in closure {closure.id}" if cables else f"no cable passes closure {closure.id}",
            f"It stands at {closure.at}.",
            "Enter its splices, or remove it." if cables else "Correct its place, or the routes of its cables.",
            grade=None if cables else Severity.WARNING,
        )


def crossed(s: Subject) -> Iterator[Hit]:
    """Neighbours that are exchanged among splices that are one to one otherwise."""
    for closure, runs in s.where.spliced_in.items():
        pairs: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
        for run in runs:
            near, far = (run.a, run.b) if run.a.cable <= run.b.cable else (run.b, run.a)
            pairs[near.cable, far.cable].update(zip(near.strands, far.strands, strict=True))
        for (a, b), joined in pairs.items():
            straight = sum(strand == other for strand, other in joined.items())
            odd = [(strand, other) for strand, other in joined.items() if strand != other]
            if a == b or straight < FEW or not 0 < len(odd) <= straight // 4:
                continue
            for (one, two), (three, four) in combinations(odd, 2):
                if (one, two) == (four, three):
                    yield Hit(
                        f"closure {closure}",
                        s.plant.closures[closure].origin,
                        f"strands {one} and {two} of {a} and {b} are crossed in {closure}",
                        f"{straight} others of the two cables are joined one to one.",
                        "Look at both ends: one transmitter may face another.",
                    )
