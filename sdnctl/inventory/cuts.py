"""What an event does to the plant: which cables it hits, where, and which of their strands.

    segment:s-1           a digger: every cable in every duct of the segment
    segment:s-1@120m      the same, known to the metre from the segment's end a; @-120m counts from its end b
    duct:d-1, duct:d-1@40m   works in a duct: what lies in it and in the ducts nested in it, not its neighbours
    cable:c-1             the whole cable; with @412m what runs past that mark on its sheath
    chamber:ch-1, site:s  everything that passes or ends there; a site's gear too
    closure:k-1           the strands that it holds: those of the tubes that are opened in it
    passive:mux-1         what runs through a mux, splitter or attenuator
    zone:z-1              every segment that enters the hazard zone, and every place in it
    feeder:f-1            the gear of the sites on a power feeder; no glass

A kind may be left out where only one thing has the name. Blocking a duct is no cut: nothing in it is hurt.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sdnctl.errors import Diagnostic, Diagnostics, InputError
from sdnctl.inventory.closures import Boxes
from sdnctl.inventory.colours import strands_of, tube_of
from sdnctl.inventory.finding import no_such
from sdnctl.inventory.glass import bits, numbers
from sdnctl.inventory.history import Spot as Place
from sdnctl.inventory.history import called_now
from sdnctl.inventory.models import Status
from sdnctl.inventory.places import At, Whereabouts, along_duct, segment_point, sheath_at, sheath_position
from sdnctl.inventory.plant import Plant, Point, Side, StrandEnd
from sdnctl.inventory.uses import Spot
from sdnctl.units import format_length, parse_length

KINDS = ("segment", "duct", "cable", "chamber", "closure", "site", "zone", "feeder", "passive")
_ALIASES = {"building": "site", "hazard": "zone"}
_AT = re.compile(r"(?P<name>[^@]+)@(?P<distance>.+)\Z")
_METRES = re.compile(r"[\d.]+\Z|([\d.]+)(m|km)\Z")
ROUNDED = 0.5
"""Metres by which a distance may be beyond the end: lengths are told in whole metres."""
_WITH_DISTANCE = ("segment", "duct", "cable")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens: its kind and name, and how far along it, metres, where that is known."""

    kind: str
    name: str
    at: float | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" + ("" if self.at is None else f"@{format_length(round(self.at, 1))}")


@dataclass(frozen=True, slots=True)
class Wound:
    """Where a cable is hit: a position in half steps, a mark on its sheath (None where that is a stretch)."""

    at: int
    strands: int
    mark: float | None
    cause: str
    closure: str = ""


@dataclass(slots=True)
class Damage:
    """What events did: wounds by cable, sites whose gear is gone, and the things that were hit, by kind.

    `point`: where on the map, for events whose distance is known. `broken`: passive nodes that nothing passes.
    """

    wounds: dict[str, list[Wound]] = field(default_factory=lambda: defaultdict(list))
    dead: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    hit: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    points: dict[str, Point] = field(default_factory=dict)

    @property
    def spots(self) -> Mapping[str, tuple[Spot, ...]]:
        return {
            cable: tuple({Spot(wound.at, wound.strands, wound.closure): None for wound in wounds})
            for cable, wounds in self.wounds.items()
        }

    def strands(self, cable: str) -> int:
        """Strands of a cable that are hit somewhere, as bits."""
        mask = 0
        for wound in self.wounds.get(cable, ()):
            mask |= wound.strands
        return mask


# ── names to events ──────────────────────────────────────────────────────────────────────────────


def known_names(plant: Plant) -> Mapping[str, Iterable[str]]:
    """Kind → names of that kind."""
    feeders = dict.fromkeys(site.feeder for site in plant.sites.values() if site.feeder is not None)
    tables: tuple[Iterable[str], ...] = (
        plant.segments,
        plant.ducts,
        plant.cables,
        plant.chambers,
        plant.closures,
        plant.sites,
        plant.hazards,
        feeders,
        plant.passives,
    )
    return dict(zip(KINDS, tables, strict=True))


def find_events(plant: Plant, texts: Sequence[str]) -> tuple[Event, ...]:
    """The events that these names mean; raises InputError that tells every name that means none."""
    names, out, found = known_names(plant), Diagnostics(), list[Event]()
    for text in texts:
        try:
            found.append(_event(plant, names, text))
        except InputError as error:
            out.extend(error.diagnostics)
    out.raise_if_errors(InputError)
    return tuple(found)


def _event(plant: Plant, names: Mapping[str, Iterable[str]], text: str) -> Event:
    match = _AT.match(text)
    name, written = (match["name"], match["distance"]) if match else (text, None)
    kind, colon, rest = name.partition(":")
    kind = _ALIASES.get(kind, kind)
    if colon:
        if kind not in KINDS:
            raise InputError(
                no_such("kind of thing", kind, (*KINDS, *_ALIASES), hint=f"One of {', '.join(KINDS)}.")
            )
        if rest not in names[kind]:
            raise InputError(no_such(kind, rest, names[kind]))
        name = rest
    else:
        kinds = [one for one in KINDS if name in names[one]]
        if not kinds:
            raise InputError(no_such(_one_of(KINDS), name, [known for table in names.values() for known in table]))
        if len(kinds) > 1:
            ways = " or ".join(f"{one}:{name}" for one in kinds)
            raise InputError(
                Diagnostic("ambiguous-name", f"{name} is a {' and a '.join(kinds)}", text, hint=f"Write {ways}.")
            )
        kind = kinds[0]
    return Event(kind, name, None if written is None else _distance(plant, kind, name, written, text))


def _distance(plant: Plant, kind: str, name: str, written: str, text: str) -> float:
    if kind not in _WITH_DISTANCE:
        hint = f"Give a distance along a {_one_of(_WITH_DISTANCE)}."
        raise InputError(Diagnostic("not-along", f"a {kind} has no length to count along", text, hint=hint))
    from_b = written.strip().startswith("-")
    bare = written.strip().removeprefix("-").lstrip()
    short = _METRES.match(bare)
    try:
        metres = parse_length(f"{short[1]} {short[2]}" if short and short[1] else bare)
    except ValueError as error:
        hint = f"Write {kind}:{name}@412m, or @-412m from its other end."
        raise InputError(Diagnostic("bad-distance", str(error), text, hint=hint)) from None
    whole = length_of(plant, kind, name)
    if metres > whole + ROUNDED:
        summary = f"{kind} {name} is {format_length(round(whole, 1))} long, not {format_length(metres)}"
        starts = {"cable": "end a along the sheath", "segment": "the end a", "duct": "its first opening"}
        hint = f"Distances count from {starts[kind]}, with a minus (@-40m) from the other end."
        now = called_now(plant, Place(name, 1, metres)) if kind == "cable" and not from_b else None
        if now is not None:
            hint = f"It was cut: what lies there now is cable:{now.cable}@{now.mark:.0f}m."
        raise InputError(Diagnostic("beyond-its-end", summary, text, hint=hint))
    along = min(float(metres), whole)
    return whole - along if from_b else along


def length_of(plant: Plant, kind: str, name: str) -> float:
    """Metres of a segment, duct or cable (its sheath)."""
    if kind == "segment":
        return plant.segments[name].length
    if kind == "cable":
        return plant.cables[name].sheath
    return sum(plant.segments[segment].length for segment in plant.ducts[name].segments)


def _one_of(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


# ── events to damage ─────────────────────────────────────────────────────────────────────────────


class Cutter:
    """Applies events to one plant; keeps the index of where its cables lie."""

    def __init__(self, plant: Plant, where: Whereabouts | None = None) -> None:
        self.plant = plant
        self.where = where or Whereabouts(plant)
        self._boxes = Boxes(plant)
        every = {key: bits(tuple(range(1, kind.strands + 1))) for key, kind in plant.cable_types.items()}
        absent = (Status.PLANNED, Status.ABANDONED)
        self._strands = {
            key: every[cable.type] for key, cable in plant.cables.items() if cable.life.status not in absent
        }

    def cut(self, events: Iterable[Event], polygons: Iterable[Sequence[Point]] = ()) -> Damage:
        """What all these events together do; `polygons` take what a hazard zone of that outline would."""
        out = Damage()
        apply: Mapping[str, Callable[[Event, Damage], None]] = {
            "segment": self._segment,
            "duct": self._duct,
            "cable": self._cable,
            "chamber": self._chamber,
            "closure": self._closure,
            "site": self._site,
            "zone": lambda event, to: self._area(self.plant.hazards[event.name].polygon, to),
            "feeder": self._feeder,
            "passive": lambda event, to: to.broken.add(event.name),
        }
        for event in events:
            out.hit[event.kind].add(event.name)
            apply[event.kind](event, out)
        for polygon in polygons:
            self._area(polygon, out)
        return out

    def _hit(
        self, out: Damage, found: Iterable[At], cause: str, mark: Callable[[str, int], float] | None = None
    ) -> None:
        """Every strand of these cables, at these positions; cables that are not laid or given up lose nothing."""
        for cable, at in found:
            if cable in self._strands:
                wound = Wound(at, self._strands[cable], mark(cable, at) if mark else None, cause)
                out.wounds[cable].append(wound)

    def _segment(self, event: Event, out: Damage) -> None:
        out.hit["duct"].update(self.where.ducts_in.get(event.name, ()))
        self._works(event, event.name, event.at, self.where.cables_in_segment(event.name), out)

    def _duct(self, event: Event, out: Damage) -> None:
        out.hit["duct"].update(self.where.within(event.name))
        if event.at is None:
            self._works(event, None, None, self.where.cables_in_duct(event.name), out)
            return
        place = along_duct(self.plant, self.plant.ducts[event.name], event.at)
        assert place is not None  # the distance was compared with the length
        segment, along = place
        self._works(event, segment, along, self.where.cables_in_duct(event.name, segment), out)

    def _works(
        self, event: Event, segment: str | None, along: float | None, found: Iterable[At], out: Damage
    ) -> None:
        if along is None or segment is None:
            self._hit(out, found, str(event))
            return
        out.points[str(event)] = segment_point(self.plant.segments[segment], along)
        self._hit(
            out,
            found,
            str(event),
            lambda cable, at: sheath_at(self.plant, self.plant.cables[cable], at // 2, along),
        )

    def _cable(self, event: Event, out: Damage) -> None:
        cable = self.plant.cables[event.name]
        if event.at is None:
            stations = range(1, 2 * (len(cable.places) - 1), 2)
            self._hit(out, ((cable.id, at) for at in stations), str(event))
        else:
            mark = event.at
            self._hit(out, [(cable.id, sheath_position(cable, mark))], str(event), lambda *_: mark)

    def _chamber(self, event: Event, out: Damage) -> None:
        self._hit(out, self.where.cables_at(event.name), str(event), self._mark)

    def _site(self, event: Event, out: Damage) -> None:
        out.dead.add(event.name)
        self._hit(out, self.where.cables_at(event.name), str(event), self._mark)

    def _mark(self, cable: str, at: int) -> float:
        return self.plant.cables[cable].marks[at // 2]

    def _closure(self, event: Event, out: Damage) -> None:
        out.broken.update(self._boxes.nodes_in.get(event.name, ()))
        for cable, (place, strands) in held_in(self.where, self._boxes, event.name).items():
            if cable in self._strands:
                mark = self.plant.cables[cable].marks[place]
                out.wounds[cable].append(Wound(2 * place, strands, mark, str(event), event.name))

    def _area(self, polygon: Sequence[Point], out: Damage) -> None:
        segments, places = self.where.inside(polygon)
        for key in segments:
            out.hit["segment"].add(key)
            self._segment(Event("segment", key), out)
        for key in places:
            kind = "site" if key in self.plant.sites else "chamber"
            out.hit[kind].add(key)
            (self._site if kind == "site" else self._chamber)(Event(kind, key), out)

    def _feeder(self, event: Event, out: Damage) -> None:
        out.dead.update(key for key, site in self.plant.sites.items() if site.feeder == event.name)


def held_in(where: Whereabouts, boxes: Boxes, closure: str) -> dict[str, tuple[int, int]]:
    """Cable → place number and strands (bits) that a closure holds: all of each tube that is opened in it.

    A tube is opened where one of its strands is spliced, waits cut, or is named as opened; of a cable that ends in
    the closure all are, joined or not. The strands of other tubes pass without an event: they are not its own.
    """
    plant = where.plant
    box = plant.closures[closure]
    touched: dict[str, int] = defaultdict(int)
    for run in where.spliced_in.get(closure, ()):
        for end in (run.a, run.b):
            touched[end.cable] |= bits(end.strands)
    for cable, strands in box.opened.items():
        touched[cable] |= bits(tuple(sorted(strands)))
    alone = len(where.closures_at[box.at]) == 1  # else nobody wrote in which box a cut strand waits
    found: dict[str, tuple[int, int]] = {}
    for cable, number in where.at_place.get(box.at, ()):
        kind = plant.cable_types[plant.cables[cable].type]
        mask = touched[cable] | (_waiting(plant, cable, number) if alone else 0)
        if (mask or (alone and cable in boxes.cables_in(closure))) and number in (
            0,
            len(plant.cables[cable].places) - 1,
        ):
            mask = bits(tuple(range(1, kind.strands + 1)))
        tubes = {tube_of(kind, strand) for strand in numbers(mask)}
        if tubes:
            found[cable] = number, bits(tuple(one for tube in sorted(tubes) for one in strands_of(kind, tube)))
    return found


def _waiting(plant: Plant, cable: str, place: int) -> int:
    """Strands (bits) that are cut at an inner place of a cable and are on no frame there."""
    mask = dict(plant.cut_places.get(cable, ())).get(place, 0)
    sides: tuple[Side, Side] = ("a", "b")
    framed = (
        n for n in numbers(mask) if any(StrandEnd(cable, n, place, side) in plant.position_at for side in sides)
    )
    for strand in framed:
        mask &= ~(1 << strand)
    return mask
