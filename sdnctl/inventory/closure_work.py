"""A splice box while edits of it are read: what is joined to which end, and what stands against an edit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sdnctl.document import Document, KeyPath
from sdnctl.errors import Diagnostics, Source
from sdnctl.inventory.collect import Collector
from sdnctl.inventory.colours import strands_of
from sdnctl.inventory.fields import StrandRange, format_numbers
from sdnctl.inventory.glass import StrandRun
from sdnctl.inventory.joints import Joints
from sdnctl.inventory.plant import CableType, Plant, Side, StrandEnd

BOXES, SPLICES = "inventory/closures.yaml", "inventory/splices.csv"
SIDES: tuple[Side, Side] = ("a", "b")
Documents = Mapping[str, Document[Any]]


@dataclass(frozen=True, slots=True)
class Interruption:
    """A strand whose glass an edit separates at the box, and where the edit says so."""

    cable: str
    strand: int
    origin: Source


@dataclass(slots=True)
class Joined:
    """An entry that joins strands: of a file (`path` there), or new; pairs that are left of it."""

    file: str
    path: KeyPath
    a: StrandRange
    b: StrandRange
    ends: tuple[list[StrandEnd], list[StrandEnd]]
    origin: Source
    details: Mapping[str, str | int] = field(default_factory=dict)
    changed: bool = False

    @property
    def new(self) -> bool:
        return not self.file

    def ranges(self) -> tuple[str, str]:
        """Both sides as they are written."""
        sides = zip((self.a, self.b), self.ends, strict=True)
        a, b = (StrandRange(one.cable, tuple(end.strand for end in ends), one.side) for one, ends in sides)
        return str(a), str(b)


@dataclass(slots=True)
class Work:
    """A box while edits are read: what is joined to which end, and which strands are cut."""

    plant: Plant
    key: str
    place: str
    collector: Collector
    joints: Joints
    entries: list[Joined]
    joined: dict[StrandEnd, Joined]
    cut_before: dict[str, set[int]]
    opened: dict[str, set[int]]
    path: KeyPath | None
    documents: Documents
    newly_cut: dict[str, set[int]] = field(default_factory=dict)
    parked: list[StrandEnd] = field(default_factory=list)
    tubes: list[str] = field(default_factory=list)
    closed: dict[str, set[int]] = field(default_factory=dict)
    separated: list[Interruption] = field(default_factory=list)

    @classmethod
    def of(cls, documents: Documents, plant: Plant, key: str) -> Work:
        closure = plant.closures[key]
        collector = Collector({})
        for name in plant.cables:
            collector.declare("cable", name, plant.cables[name].origin)
        joints = Joints(plant.cables, plant.cable_types)
        cut: dict[str, set[int]] = {}
        for cable, places in plant.cut_places.items():
            for index, strands in places:
                if plant.cables[cable].places[index] == closure.at:
                    cut[cable] = {number for number in range(1, strands.bit_length()) if strands >> number & 1}
        opened = {cable: set(strands) for cable, strands in closure.opened.items()}
        work = cls(plant, key, closure.at, collector, joints, [], {}, cut, opened, None, documents)
        work._read()
        return work

    @property
    def out(self) -> Diagnostics:
        return self.collector.diagnostics

    @property
    def address(self) -> str:
        return f"closure {self.key}"

    def kind(self, cable: str) -> CableType:
        return self.plant.cable_types[self.plant.cables[cable].type]

    def _read(self) -> None:
        """The splices that the files have of the box."""
        boxes = self.documents.get(BOXES)
        for index, box in enumerate(boxes.value.closures if boxes else ()):
            if boxes is not None and box.id == self.key:
                self.path = ("closures", index)
                for number, one in enumerate(box.splices):
                    path: KeyPath = ("closures", index, "splices", number)
                    self._entry(BOXES, path, one.a, one.b, boxes.at(*path))
        rows = self.documents.get(SPLICES)
        for number, row in enumerate(rows.value if rows else ()):
            if rows is not None and row.closure == self.key:
                self._entry(SPLICES, (number,), row.a, row.b, rows.at(number))

    def _entry(self, file: str, path: KeyPath, a: StrandRange, b: StrandRange, origin: Source) -> None:
        ends = self._ends(a, origin), self._ends(b, origin)
        assert ends[0] is not None
        assert ends[1] is not None
        self._add(Joined(file, path, a, b, (ends[0], ends[1]), origin))

    def _add(self, entry: Joined) -> None:
        self.entries.append(entry)
        for end in (*entry.ends[0], *entry.ends[1]):
            self.joined[end] = entry

    def _ends(self, strands: StrandRange, origin: Source) -> list[StrandEnd] | None:
        run: StrandRun | None = self.joints.ends(self.collector, strands, self.place, self.address, origin)
        return None if run is None else [run.end(index) for index in range(len(run.strands))]

    def _passes(self, end: StrandEnd) -> bool:
        return 0 < end.place < len(self.plant.cables[end.cable].places) - 1

    def _is_cut(self, cable: str, strand: int) -> bool:
        return strand in self.cut_before.get(cable, ()) or strand in self.newly_cut.get(cable, ())

    def _sever(self, cable: str, strand: int, origin: Source) -> None:
        """Note that a strand that passed is cut now."""
        if not self._is_cut(cable, strand):
            self.newly_cut.setdefault(cable, set()).add(strand)
            self.separated.append(Interruption(cable, strand, origin))

    # ── the edits ────────────────────────────────────────────────────────────────────────────────

    def splice(self, a: StrandRange, b: StrandRange, details: Mapping[str, str | int], origin: Source) -> None:
        first, second = self._ends(a, origin), self._ends(b, origin)
        if first is None or second is None:
            return
        good = not self._twice_in_itself(a, b, first, second, origin)
        for end in (*first, *second):
            good = self._is_free(end, origin) and good
        if not good:
            return
        for end in (*first, *second):
            if self._passes(end):
                self._sever(end.cable, end.strand, origin)
        self._add(Joined("", (), a, b, (first, second), origin, details))

    def _twice_in_itself(
        self,
        a: StrandRange,
        b: StrandRange,
        first: Sequence[StrandEnd],
        second: Sequence[StrandEnd],
        origin: Source,
    ) -> bool:
        both = sorted(set(first) & set(second))
        for end in both:
            self.collector.error(
                "spliced-to-itself" if first.index(end) == second.index(end) else "strand-spliced-twice",
                f"{end} is on both sides of the splice {a} – {b}",
                self.address,
                origin,
                hint="Correct one side.",
            )
        return bool(both)

    def _is_free(self, end: StrandEnd, origin: Source) -> bool:
        """Whether nothing is joined to an end yet; says what and where, if something is."""
        holder = self._holder(end)
        if holder is None:
            return True
        what, where = holder
        self.collector.error(
            "strand-spliced-twice",
            f"strand {end.strand} of cable {end.cable} is joined already at {self.place}",
            self.address,
            origin,
            detail=f"{what}{f' ({where})' if where else ''} has it.",
            hint="Park it first, or correct the strand number.",
        )
        return False

    def _holder(self, end: StrandEnd) -> tuple[str, Source | None] | None:
        entry = self.joined.get(end)
        if entry is not None:
            return f"the splice {entry.a} – {entry.b} in {self.key}", entry.origin
        elsewhere = self.plant.splice_at.get(end)
        if elsewhere is not None and elsewhere.closure != self.key:
            return f"a splice in {elsewhere.closure}", elsewhere.origin
        position = self.plant.position_at.get(end)
        if position is not None:
            return f"position {position}", self.plant.odfs[position.odf].origin
        jumper = self.plant.jumper_at.get(end)
        if jumper is not None:
            return "a jumper", jumper.origin
        return None

    def cut(self, strands: StrandRange, origin: Source) -> None:
        index = self.joints.locate(self.collector, strands, self.place, self.address, origin)
        if index is None:
            return
        cable = self.plant.cables[strands.cable]
        if strands.side is not None:
            hint = f"Write {_bare(strands)}."
            self._error("cut-has-no-side", f"{strands} is cut on both sides at once", origin, hint)
            return
        if not 0 < index < len(cable.places) - 1:
            hint = "Its strands wait already; splice them."
            self._error("nothing-to-cut", f"cable {cable.id} ends at {self.place}", origin, hint)
            return
        for strand in strands.strands:
            if self._is_cut(cable.id, strand):
                hint = "Splice its ends, or park them."
                self._error("already-cut", f"strand {strand} of cable {cable.id} is cut already", origin, hint)
            else:
                self._sever(cable.id, strand, origin)

    def park(self, strands: StrandRange, origin: Source) -> None:
        for end in self._ends(strands, origin) or ():
            entry = self.joined.get(end)
            if entry is None:
                hint = "Only splices of this closure can be undone here."
                self._error("not-spliced-here", f"{end} is not spliced in {self.key}", origin, hint)
                continue
            side = 0 if end in entry.ends[0] else 1
            index = entry.ends[side].index(end)
            pair = entry.ends[0].pop(index), entry.ends[1].pop(index)
            entry.changed = True
            for one in pair:
                del self.joined[one]
                self.parked.append(one)
                self.separated.append(Interruption(one.cable, one.strand, origin))

    def mend(self, strands: StrandRange, details: Mapping[str, str | int], origin: Source) -> None:
        """Join the two ends of strands that were cut where their cable passes."""
        index = self.joints.locate(self.collector, strands, self.place, self.address, origin)
        if index is None:
            return
        if strands.side is not None:
            self._error("cut-has-no-side", f"{strands} has two ends here", origin, f"Write {_bare(strands)}.")
            return
        if not 0 < index < len(self.plant.cables[strands.cable].places) - 1:
            hint = "Splice it to a strand of another cable."
            self._error("nothing-to-mend", f"cable {strands.cable} ends at {self.place}", origin, hint)
            return
        whole = [number for number in strands.strands if not self._is_cut(strands.cable, number)]
        for number in whole:
            hint = "Leave the edit out."
            self._error("nothing-to-mend", f"strand {number} of cable {strands.cable} passes uncut", origin, hint)
        if not whole:
            a, b = (StrandRange(strands.cable, strands.strands, side) for side in SIDES)
            self.splice(a, b, details, origin)

    def open(self, cable: str, tubes: Sequence[int], origin: Source) -> None:
        """Open tubes; strands of theirs that are cut already are open as it is."""
        for tube, inside, passes in self._tubes(cable, tubes, origin):
            known = self.opened.setdefault(cable, set())
            if not passes or known.intersection(inside):
                hint = "Leave the edit out."
                self._error("already-open", f"tube {tube} of cable {cable} is open already", origin, hint)
                continue
            known.update(inside)
            self.tubes.append(str(StrandRange(cable, (tube,))))

    def close(self, cable: str, tubes: Sequence[int], origin: Source) -> None:
        """Close opened tubes; not where a strand is cut, whose splice lies outside of the tube."""
        for tube, inside, passes in self._tubes(cable, tubes, origin):
            known, called = self.opened.setdefault(cable, set()), f"tube {tube} of cable {cable}"
            cut = [number for number in inside if self._is_cut(cable, number)]
            if not passes:
                hint = "Only tubes of a cable that passes are closed."
                self._error(
                    "tube-in-use", f"cable {cable} ends at {self.place}: {called} stays open", origin, hint
                )
            elif cut:
                strands = f"strand{'s' if len(cut) > 1 else ''} {format_numbers(tuple(cut))}"
                hint = "Leave it open: a strand that was cut is shorter than its tube, mended or not."
                self._error(
                    "tube-in-use",
                    f"{called} stays open: {strands} {'were' if len(cut) > 1 else 'was'} cut here",
                    origin,
                    hint,
                )
            elif not known.intersection(inside):
                self._error("already-closed", f"{called} is closed already", origin, "Leave the edit out.")
            else:
                known.difference_update(inside)
                self.closed.setdefault(cable, set()).update(inside)
                just_opened = str(StrandRange(cable, (tube,)))
                self.tubes = [one for one in self.tubes if one != just_opened]

    def _tubes(
        self, cable: str, tubes: Sequence[int], origin: Source
    ) -> Iterator[tuple[int, tuple[int, ...], bool]]:
        """Tubes that a cable has, their strands, and whether it passes the box; says what is not there."""
        if not self.collector.exists("cable", cable, self.address, origin):
            return
        kind = self.kind(cable)
        for tube in tubes:
            if tube > kind.tubes:
                hint = "Correct the number of the tube."
                summary = f"cable {cable} has {kind.tubes} tube(s), not {tube}"
                self._error("tube-beyond-capacity", summary, origin, hint)
                continue
            inside = tuple(strands_of(kind, tube))
            index = self.joints.locate(
                self.collector, StrandRange(cable, inside), self.place, self.address, origin
            )
            if index is None:
                return
            yield tube, inside, 0 < index < len(self.plant.cables[cable].places) - 1

    def _error(self, code: str, summary: str, origin: Source, hint: str) -> None:
        self.collector.error(code, summary, self.address, origin, hint=hint)

    # ── what is left to say ──────────────────────────────────────────────────────────────────────

    def to_cut(self) -> dict[str, list[int]]:
        """Strands that are cut and that no splice or frame names: they have to be written as cut."""
        named = {(end.cable, end.strand) for end in self.joined}
        wanted: dict[str, set[int]] = {cable: set(strands) for cable, strands in self.newly_cut.items()}
        for end in self.parked:
            if self._passes(end):
                wanted.setdefault(end.cable, set()).add(end.strand)
        return {
            cable: sorted(strand for strand in strands if not self._held(named, cable, strand))
            for cable, strands in sorted(wanted.items())
        }

    def _held(self, named: set[tuple[str, int]], cable: str, strand: int) -> bool:
        """Whether a splice here or elsewhere at the place, or a frame, cuts a strand anyway."""
        if (cable, strand) in named:
            return True
        index = self.plant.cables[cable].places.index(self.place)
        for side in SIDES:
            end = StrandEnd(cable, strand, index, side)
            joined = self.plant.splice_at.joined(end)
            if (joined is not None and joined[0] != self.key) or end in self.plant.position_at:
                return True
        return False


def _bare(strands: StrandRange) -> StrandRange:
    return StrandRange(strands.cable, strands.strands)
