"""Closures and ODFs: which strands are cut where, and what each cut end is joined to.

Only exceptions are written: a strand that no closure and no ODF names passes uncut. Naming a strand of a
cable that passes a place cuts it there; its two ends are `CABLE/a:n` and `CABLE/b:n`, by the cable end
that the glass leads to. Where a cable ends there is one end only, and the side need not be written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sdnctl.errors import Source
from sdnctl.inventory import models
from sdnctl.inventory.collect import Collector, Entry
from sdnctl.inventory.colours import strands_of
from sdnctl.inventory.fields import StrandRange
from sdnctl.inventory.glass import SpliceRun, StrandRun, TerminationRun, bits, numbers
from sdnctl.inventory.plant import Cable, CableType, Closure, Life, Odf, Side
from sdnctl.quick import quick
from sdnctl.units import Loss

PLACES = ("chamber", "site")


@quick
@dataclass(frozen=True, slots=True)
class _Held:
    """Strands as bits that something holds, what (its name is made only for a fault), and where that is said."""

    strands: int
    holder: Callable[[], str]
    origin: Source


@dataclass(slots=True)
class Joints:
    """What closures and ODFs did to strands so far. `used`: cable, place and side → strand ends that are held.

    `cut`: cable → place → strands (bits) that are cut there.
    """

    cables: Mapping[str, Cable]
    types: Mapping[str, CableType]
    used: dict[tuple[str, int, Side], list[_Held]] = field(default_factory=dict)
    cut: dict[str, dict[int, int]] = field(default_factory=dict)
    splices: list[SpliceRun] = field(default_factory=list)
    terminations: list[TerminationRun] = field(default_factory=list)
    _bits: dict[int, tuple[tuple[int, ...], int]] = field(default_factory=dict)

    def bits(self, strands: tuple[int, ...]) -> int:
        """Numbers as bits; the same tuple, which files name over and over again, is known by its identity."""
        known = self._bits.get(id(strands))
        if known is None:
            known = self._bits[id(strands)] = (
                strands,
                bits(strands),
            )  # kept, so that nothing else gets its identity
        return known[1]

    @property
    def cut_places(self) -> dict[str, tuple[tuple[int, int], ...]]:
        return {cable: tuple(sorted(places.items())) for cable, places in self.cut.items()}

    def cut_here(self, strands: StrandRange, place: int) -> None:
        """Note that strands are cut at an inner place of their cable."""
        places = self.cut.setdefault(strands.cable, {})
        places[place] = places.get(place, 0) | self.bits(strands.strands)

    def locate(self, c: Collector, strands: StrandRange, place: str, address: str, origin: Source) -> int | None:
        """The number of `place` on the cable's route, once the strands are known to exist there."""
        cable = self.cables.get(strands.cable)
        if cable is None:
            c.exists("cable", strands.cable, address, origin)
            return None
        capacity = self.types[cable.type].strands
        if self.bits(strands.strands).bit_length() > capacity + 1:
            c.error(
                "strand-beyond-capacity",
                f"cable {cable.id} has {capacity} strands, not {max(strands.strands)}",
                address,
                origin,
                detail=f"{strands} is written, the cable is of type {cable.type}.",
                hint="Correct the strand numbers or the cable type.",
            )
            return None
        if place not in cable.places:
            c.error(
                "cable-not-here",
                f"cable {cable.id} does not pass {place}",
                address,
                origin,
                detail=f"It passes {', '.join(cable.places)}.",
                hint="Correct the place or the cable.",
            )
            return None
        return cable.places.index(place)

    def ends(
        self, c: Collector, strands: StrandRange, place: str, address: str, origin: Source
    ) -> StrandRun | None:
        """The strand ends that a range means at a place; None (and a diagnostic) if it means none."""
        index = self.locate(c, strands, place, address, origin)
        if index is None:
            return None
        cable = self.cables[strands.cable]
        implied: Side | None = "b" if index == 0 else "a" if index == len(cable.places) - 1 else None
        if strands.side not in ("a", "b", None) or (implied and strands.side not in (implied, None)):
            c.error(
                "no-such-strand-end",
                f"cable {cable.id} has no glass towards its end {strands.side} at {place}",
                address,
                origin,
                detail=f"{place} is that end.",
                hint=f"Write {StrandRange(strands.cable, strands.strands)}.",
            )
            return None
        side: Side | None = implied or ("a" if strands.side == "a" else "b" if strands.side == "b" else None)
        if side is None:
            c.error(
                "strand-side-missing",
                f"{strands} has two ends at {place}, because cable {cable.id} passes there",
                address,
                origin,
                hint=f"Write {StrandRange(strands.cable, strands.strands, 'a')} for the part towards {cable.a}, "
                f"or {StrandRange(strands.cable, strands.strands, 'b')} for the part towards {cable.b}.",
            )
            return None
        if implied is None:
            self.cut_here(strands, index)
        return StrandRun(cable.id, strands.strands, index, side)

    def take(self, c: Collector, run: StrandRun, holder: Callable[[], str], address: str, origin: Source) -> int:
        """Join something to strand ends; those (as bits) to which something is joined already are reported."""
        wanted, held = self.bits(run.strands), self.used.setdefault((run.cable, run.place, run.side), [])
        twice = 0
        for one in held:
            both = one.strands & wanted & ~twice
            for strand in numbers(both):
                c.error(
                    "strand-spliced-twice",
                    f"strand {strand} of cable {run.cable} is joined twice "
                    f"at {self.cables[run.cable].places[run.place]}",
                    address,
                    origin,
                    detail=f"{one.holder()} joined it first ({one.origin}); {holder()} does again.",
                    hint="Remove one of the two, or correct the strand numbers.",
                )
            twice |= both
        held.append(_Held(wanted & ~twice, holder, origin))
        return twice


def read_closures(c: Collector, joints: Joints) -> dict[str, Closure]:
    """Closures, and what they do to strands: splices first, because none may cut an opened strand."""
    entries: dict[str, tuple[Entry[Any], Source]] = {}
    for entry in (
        *c.listed("inventory/closures.yaml", "closures"),
        *c.rows("inventory/closures.csv", "inventory/closures.yaml"),
    ):
        origin = entry.origin
        if c.declare("closure", entry.item.id, origin) and (
            c.known(PLACES, entry.item.at)
            or c.missing(PLACES, entry.item.at, f"closure {entry.item.id}", entry.where("at"))
        ):
            entries[entry.item.id] = entry, origin
    written = [(key, entry) for key, (entry, _) in entries.items() if isinstance(entry.item, models.ClosureModel)]
    for key, entry in written:
        for number, splice in enumerate(entry.item.splices):
            _splice(c, joints, key, entry.item.at, splice, entry.where("splices", number))
    for row in c.rows("inventory/splices.csv"):
        splice, origin = row.item, row.origin
        closure, address = splice.closure, f"closure {splice.closure}"
        held = entries.get(closure)
        if held is None:
            c.exists("closure", closure, address, origin)
            continue
        _splice(c, joints, closure, held[0].item.at, splice, origin, c.own_life(splice, address, origin))
    for _, entry in written:
        _cut(c, joints, entry)
    opened = {key: _opened(c, joints, entry) for key, entry in written}
    closures = {
        key: Closure(
            key,
            entry.item.at,
            opened.get(key, {}),
            c.life(entry.defaults, entry.item, f"closure {key}", origin),
            origin,
            entry.item.capacity,
        )
        for key, (entry, origin) in entries.items()
    }
    c.note_unknown_owners("closure", closures.values())
    return closures


def _cut(c: Collector, joints: Joints, entry: Entry[Any]) -> None:
    """Strands that are cut and wait."""
    item = entry.item
    for number, strands in enumerate(item.cut):
        place = joints.locate(c, strands, item.at, f"closure {item.id}", entry.where("cut", number))
        if place is not None and 0 < place < len(joints.cables[strands.cable].places) - 1:
            joints.cut_here(strands, place)


def _opened(c: Collector, joints: Joints, entry: Entry[Any]) -> dict[str, frozenset[int]]:
    """Strands in opened tubes, by cable; none of them may be cut there."""
    item, opened = entry.item, dict[str, frozenset[int]]()
    for number, strands in enumerate(item.opened):
        where = entry.where("opened", number)
        place = joints.locate(c, strands, item.at, f"closure {item.id}", where)
        if place is None:
            continue
        both = bits(strands.strands) & joints.cut.get(strands.cable, {}).get(place, 0)
        if both:
            c.error(
                "opened-and-cut",
                f"strand {next(numbers(both))} of cable {strands.cable} cannot pass uncut and be cut at {item.at}",
                f"closure {item.id}",
                where,
                hint="Remove it from opened, or its splice.",
            )
        opened[strands.cable] = opened.get(strands.cable, frozenset()) | frozenset(strands.strands)
    for number, tubes in enumerate(item.opened_tubes):
        where = entry.where("opened_tubes", number)
        within = _strands_of_tubes(c, joints, tubes, f"closure {item.id}", where)
        place = joints.locate(c, within, item.at, f"closure {item.id}", where) if within else None
        if within is None or place is None:
            continue
        cut = joints.cut.get(within.cable, {}).get(place, 0)
        uncut = frozenset(strand for strand in within.strands if not cut >> strand & 1)
        opened[within.cable] = opened.get(within.cable, frozenset()) | uncut
    return opened


def _strands_of_tubes(
    c: Collector, joints: Joints, tubes: StrandRange, address: str, origin: Source
) -> StrandRange | None:
    """The strands in tubes of a cable; None (and a diagnostic) where there are no such."""
    cable = joints.cables.get(tubes.cable)
    if cable is None:
        c.exists("cable", tubes.cable, address, origin)
        return None
    kind = joints.types[cable.type]
    if max(tubes.strands) > kind.tubes:
        c.error(
            "tube-beyond-capacity",
            f"cable {cable.id} has {kind.tubes} tube(s), not {max(tubes.strands)}",
            address,
            origin,
            detail=f"{tubes} is written, the cable is of type {kind.id}: {kind.strands} strands.",
            hint="Correct the tube numbers or the cable type; strands are named under opened.",
        )
        return None
    found = tuple(strand for tube in tubes.strands for strand in strands_of(kind, tube))
    return StrandRange(tubes.cable, found, tubes.side)


def _splice(
    c: Collector,
    joints: Joints,
    closure: str,
    place: str,
    item: models.SpliceModel,
    origin: Source,
    life: Life | None = None,
) -> None:
    """Join the strands of one entry; a one-way reading is kept out of the loss and said to be so."""
    address = f"closure {closure}"

    def holder() -> str:
        return f"the splice {item.a} – {item.b} in {closure}"

    left = joints.ends(c, item.a, place, address, origin)
    right = joints.ends(c, item.b, place, address, origin)
    if left is None or right is None:
        return
    loss = item.loss
    one_way = (
        []  # of nearly all
        if loss is not None
        else [reading for reading in (item.loss_ab, item.loss_ba) if reading is not None]
    )
    if len(one_way) == 2:
        loss = Loss((one_way[0] + one_way[1]) / 2)
    elif one_way:
        gain = " It shows a gain, which no splice has." if one_way[0] < 0 else ""
        c.warning(
            "one-way-splice-reading",
            f"the splice {item.a} – {item.b} was read in one direction only ({one_way[0]:+.2f} dB)",
            address,
            origin,
            detail=f"A one-way reading is apparent: fibres that scatter differently add or hide loss.{gain} "
            "Budgets use the planning figure instead.",
            hint="Measure from the other end and give loss_ab and loss_ba; their mean is the loss.",
        )
    if (
        left.cable == right.cable
        and left.key == right.key
        and any(a == b for a, b in zip(left.strands, right.strands, strict=True))
    ):
        same = next(index for index, strand in enumerate(left.strands) if strand == right.strands[index])
        c.error(
            "spliced-to-itself",
            f"{left.end(same)} is spliced to itself",
            address,
            origin,
            hint="Correct one end.",
        )
    elif not joints.take(c, left, holder, address, origin) | joints.take(c, right, holder, address, origin):
        joints.splices.append(SpliceRun(closure, left, right, loss, origin, life, item.cassette))


def read_odfs(c: Collector, joints: Joints) -> dict[str, Odf]:
    odfs: dict[str, Odf] = {}
    taken: dict[str, list[_Held]] = {}
    for entry in c.listed("inventory/odfs.yaml", "odfs"):
        item, origin = entry.item, entry.where()
        if not c.declare("ODF", item.id, origin):
            continue
        if not c.exists("site", item.site, f"ODF {item.id}", entry.where("site")):
            continue
        life = c.life(entry.defaults, item, f"ODF {item.id}", origin)
        odfs[item.id] = Odf(item.id, item.site, item.positions, item.connector, item.grade, life, origin)
        for number, termination in enumerate(item.terminations):
            _terminate(c, joints, odfs[item.id], termination, taken, entry.where("terminations", number), None)
    for row in c.rows("inventory/terminations.csv"):
        address, origin = f"ODF {row.item.odf}", row.origin
        if c.exists("ODF", row.item.odf, address, origin) and row.item.odf in odfs:
            own = c.own_life(row.item, address, origin)
            _terminate(c, joints, odfs[row.item.odf], row.item, taken, origin, own)
    c.note_unknown_owners("ODF", odfs.values())
    return odfs


def _terminate(
    c: Collector,
    joints: Joints,
    odf: Odf,
    item: models.TerminationModel,
    taken: dict[str, list[_Held]],
    origin: Source,
    life: Life | None,
) -> None:
    """Put the strands of one entry behind positions."""
    address = f"ODF {odf.id}"
    run = joints.ends(c, item.strands, odf.site, address, origin)
    free = _take_positions(c, joints, odf, item.positions, taken.setdefault(odf.id, []), origin)
    if run is not None and free and not joints.take(c, run, lambda: address, address, origin):
        joints.terminations.append(TerminationRun(odf.id, item.positions, run, life))


def _take_positions(
    c: Collector, joints: Joints, odf: Odf, positions: tuple[int, ...], taken: list[_Held], origin: Source
) -> bool:
    """Whether positions exist and have no strands yet; notes that they have now."""
    wanted, fits = joints.bits(positions), True
    if wanted.bit_length() > odf.positions + 1:
        fits = False
        c.error(
            "position-beyond-odf",
            f"ODF {odf.id} has {odf.positions} positions, not {max(positions)}",
            f"ODF {odf.id}",
            origin,
            hint="Correct the position, or the number of positions.",
        )
    for one in taken:
        for number in numbers(one.strands & wanted):
            fits = False
            c.error(
                "odf-position-used-twice",
                f"position {number} of ODF {odf.id} has two strands",
                f"ODF {odf.id}",
                origin,
                detail=f"It has one at {one.origin} already.",
                hint="Give one of the two another position.",
            )
        wanted &= ~one.strands
    taken.append(_Held(wanted, str, origin))
    return fits
