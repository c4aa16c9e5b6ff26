"""What is known of one thing of the plant: whose it is, how it is built, what lies in it, what is joined to it.

A card is a head, facts by name, and lists of what belongs to the thing. All values are text as people write it, so
that a card can be printed, or compared with the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sdnctl.errors import Diagnostic, InputError
from sdnctl.inventory.ducting import Content, area_in, contents, cross_section, lies_there, mask_at
from sdnctl.inventory.fields import format_numbers
from sdnctl.inventory.finding import no_such
from sdnctl.inventory.glass import numbers
from sdnctl.inventory.life import Life
from sdnctl.inventory.modes import MODES
from sdnctl.inventory.places import Whereabouts
from sdnctl.inventory.plant import Cable, Duct, Passive, PassivePort, Plant, Segment
from sdnctl.units import format_length, format_loss

Facts = Iterator[tuple[str, str]]
KINDS = ("segment", "duct", "chamber", "site", "cable", "closure", "odf", "passive")


@dataclass(frozen=True, slots=True)
class Card:
    """A thing, facts about it, and lists of what belongs to it, by what the lists hold."""

    kind: str
    name: str
    facts: tuple[tuple[str, str], ...]
    lists: Mapping[str, tuple[str, ...]]


def card(plant: Plant, text: str) -> Card:
    """The card of a thing, ``duct:d-1`` or ``d-1``; raises InputError where none, or several, have the name."""
    tables: Mapping[str, Mapping[str, Any]] = {
        "segment": plant.segments,
        "duct": plant.ducts,
        "chamber": plant.chambers,
        "site": plant.sites,
        "cable": plant.cables,
        "closure": plant.closures,
        "odf": plant.odfs,
        "passive": plant.passives,
    }
    kind, colon, rest = text.partition(":")
    name, kinds = (rest, [kind]) if colon else (text, list(KINDS))
    found = [one for one in kinds if name in tables.get(one, ())]
    if not found:
        known = [key for one in kinds for key in tables.get(one, ())] or KINDS
        raise InputError(no_such("thing of the plant", text, known, hint=f"Its kinds: {', '.join(KINDS)}."))
    if len(found) > 1:
        ways = " or ".join(f"{one}:{name}" for one in found)
        raise InputError(Diagnostic("ambiguous-name", f"{name} is several things", text, hint=f"Write {ways}."))
    makers: Mapping[str, Callable[[_Teller, Any], tuple[Facts, dict[str, list[str]]]]] = {
        "segment": _Teller.segment,
        "duct": _Teller.duct,
        "chamber": _Teller.place,
        "site": _Teller.place,
        "cable": _Teller.cable,
        "closure": _Teller.closure,
        "odf": _Teller.odf,
        "passive": _Teller.passive,
    }
    thing = tables[found[0]][name]
    facts, lists = makers[found[0]](_Teller(plant, Whereabouts(plant)), thing)
    shown = {key: tuple(values) for key, values in lists.items() if values}
    return Card(found[0], name, (*facts, *life_facts(thing.life)), shown)


def life_facts(life: Life) -> Facts:
    """Whose a thing is, where in its life it is, and how that is known."""
    yield "owner", life.owner or "?"
    for what, who in (("manager", life.manager), ("user", life.user)):
        if who != life.owner:
            yield what, who
    valid = [f"{word} {day}" for word, day in (("from", life.valid_from), ("to", life.valid_to)) if day]
    yield "status", ", ".join((str(life.status), *valid))
    if life.provenance:
        yield "source", life.provenance


@dataclass(frozen=True, slots=True)
class _Teller:
    plant: Plant
    where: Whereabouts

    # ── works ────────────────────────────────────────────────────────────────────────────────────

    def segment(self, one: Segment) -> tuple[Facts, dict[str, list[str]]]:
        mode = MODES[one.kind]

        def facts() -> Facts:
            yield "built as", mode.label
            yield "from, to", f"{one.a} – {one.b}, {_metres(one.length)}"
            yield "when cut", f"{mode.cut}: takes all that lies in it"

        ducts = [f"{'  ' * self._depth(name)}{name}" for name in self._nested_order(one.id)]
        bare = [self._named(cable) for cable, _, duct in self.where.in_segment.get(one.id, ()) if duct is None]
        return facts(), {"ducts": ducts, "cables in no duct": bare}

    def _nested_order(self, segment: str) -> Iterator[str]:
        here = self.where.ducts_in.get(segment, ())
        outer = [name for name in here if self.plant.ducts[name].parent not in here]
        waiting = outer[::-1]
        while waiting:
            yield (name := waiting.pop())
            waiting += [inner for inner in reversed(self.where.nested.get(name, ())) if inner in here]

    def _depth(self, duct: str) -> int:
        return len(self.plant.enclosing(duct)) - 1

    def duct(self, one: Duct) -> tuple[Facts, dict[str, list[str]]]:
        held = contents(self.plant.ducts, filter(lies_there, self.plant.cables.values()))
        content = held.get(one.id, Content("", (), ()))

        def facts() -> Facts:
            for place in one.ends:
                mask = mask_at(self.plant.ducts, one.id, place)
                yield f"at {place}", f"mask {mask}" if mask else "mask not written"
            length = sum(self.plant.segments[name].length for name in one.segments)
            yield "length", _metres(length)
            if one.openings:
                yield "opened at", ", ".join(one.openings)
            if one.parent is not None:
                yield "lies in", " in ".join(self.plant.enclosing(one.parent))
            yield "holds", self._fill(one, content)

        inner = list(self.where.nested.get(one.id, ()))
        return facts(), {"segments": list(one.segments), "inner ducts": inner, "cables": list(content.cables)}

    def _fill(self, one: Duct, content: Content) -> str:
        said = content.words or "nothing"
        if one.capacity is not None:
            said += f", takes {one.capacity}"
        area = area_in(content, self.plant.ducts, self.plant.cables, self.plant.cable_types)
        if one.diameter and area is not None:
            whole = cross_section(one.diameter)
            said += f"; {area * 1e6:.0f} of {whole * 1e6:.0f} mm² ({area / whole:.0%})"
        return said

    def place(self, one: Any) -> tuple[Facts, dict[str, list[str]]]:
        masks = sorted(
            (mask.face, mask.row, mask.column, duct.id, str(mask))
            for duct in self.plant.ducts.values()
            for place, mask in duct.masks
            if place == one.id
        )
        ends = [duct.id for duct in self.plant.ducts.values() if one.id in duct.ends]
        masked = {name for *_, name, _ in masks}
        inner = [name for name in ends if name not in masked and mask_at(self.plant.ducts, name, one.id) is None]
        cables = [
            f"{self._named(cable)} at {_metres(self.plant.cables[cable].marks[number])}"
            for cable, number in self.where.at_place.get(one.id, ())
        ]
        here = (self.plant.odfs, self.plant.passives)
        gear = [key for table in here for key, thing in table.items() if thing.site == one.id]
        return iter((("kind", one.kind),)), {
            "masks": [f"{mask}: {name}" for *_, name, mask in masks],
            "ducts without a position": inner,
            "cables": cables,
            "closures": list(self.where.closures_at.get(one.id, ())),
            "frames and passive nodes": gear,
        }

    def _named(self, cable: str) -> str:
        """A cable, and its status where that is another than one expects."""
        life = self.plant.cables[cable].life
        return cable if life.in_service() else f"{cable} ({life.status})"

    # ── glass ────────────────────────────────────────────────────────────────────────────────────

    def cable(self, one: Cable) -> tuple[Facts, dict[str, list[str]]]:
        kind = self.plant.cable_types[one.type]

        def facts() -> Facts:
            yield (
                "type",
                f"{one.type}: {kind.strands} strands in {kind.tubes} tube(s), {kind.colours}, {kind.fibre}",
            )
            yield "from, to", f"{one.a} – {one.b}, sheath {_metres(one.sheath)}"
            if one.was is not None:
                yield "was", f"{one.was[0]} from {_metres(one.was[1])} on"

        cuts = dict(self.plant.cut_places.get(one.id, ()))
        places = []
        for number, (name, mark) in enumerate(zip(one.places, one.marks, strict=True)):
            loop = f", loop {_metres(one.slack[name])}" if name in one.slack else ""
            cut = f", cut there: {format_numbers(tuple(numbers(cuts[number])))}" if number in cuts else ""
            places.append(f"{name} at {_metres(mark)}{loop}{cut}")
        passages = [
            f"{one.places[number]} – {one.places[number + 1]}: {passage.segment}"
            + (f" in {' in '.join(self.plant.enclosing(passage.duct))}" if passage.duct else "")
            for number, passage in enumerate(one.passages)
        ]
        parts = [f"{cable.id} from {_metres(cable.was[1])} on" for cable in self._parts_of(one)]
        faults = [
            f"strands {format_numbers(tuple(sorted(fault.strands)))} at {_metres(fault.at)} {fault.note}".rstrip()
            for fault in one.faults
        ]
        return facts(), {"places": places, "runs in": passages, "cut off it": parts, "faults": faults}

    def _parts_of(self, one: Cable) -> Iterator[Any]:
        return (cable for cable in self.plant.cables.values() if cable.was is not None and cable.was[0] == one.id)

    def closure(self, one: Any) -> tuple[Facts, dict[str, list[str]]]:
        spliced = [f"{run.a.cable} – {run.b.cable}" for run in self.where.spliced_in.get(one.id, ())]
        opened = [f"{cable}:{format_numbers(tuple(sorted(found)))}" for cable, found in one.opened.items()]
        facts = (("stands at", one.at), ("strand by strand", f"sdnctl inventory closure {one.id}"))
        return iter(facts), {"splices": list(dict.fromkeys(spliced)), "opened, passing uncut": opened}

    def odf(self, one: Any) -> tuple[Facts, dict[str, list[str]]]:
        runs = [run for run in self.plant.termination_runs if run.odf == one.id]
        used = sum(len(run.positions) for run in runs)
        facts = (
            ("stands at", one.site),
            ("positions", f"{one.positions}, {used} with a strand behind"),
            ("connectors", f"{one.connector}, grade {one.grade}"),
        )
        behind = [
            f"{format_numbers(run.positions)}: {run.strands.cable}:{format_numbers(run.strands.strands)}"
            for run in runs
        ]
        return iter(facts), {"behind": behind}

    def passive(self, one: Passive) -> tuple[Facts, dict[str, list[str]]]:
        def facts() -> Facts:
            yield "kind", f"{one.kind}, {one.grid}" if one.kind == "mux" else one.kind
            yield "stands at", one.site
            yield "loss", _span(one.loss_min, one.loss_max)
            for nm, (low, high) in one.losses.items():
                yield f"loss at {nm} nm", _span(low, high)
            for port, (low, high) in one.port_losses.items():
                yield f"loss by {port}", _span(low, high)

        ports = []
        for port in one.ports:
            end = PassivePort(one.id, port)
            jumper = self.plant.jumper_at.get(end)
            far = "nothing plugged in" if jumper is None else str(jumper.a if jumper.b == end else jumper.b)
            ports.append(f"{port}{f' ({one.channels[port]} nm)' if port in one.channels else ''}: {far}")
        return facts(), {"ports": ports}


def _metres(value: float) -> str:
    return format_length(round(value, 1))


def _span(low: float, high: float) -> str:
    return f"{format_loss(low)} to {format_loss(high)}"
