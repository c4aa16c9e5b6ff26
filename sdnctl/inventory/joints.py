"""Closures and ODFs: which strands are cut where, and what each cut end is joined to.

Only exceptions are written: a strand that no closure and no ODF names passes uncut. Naming a strand of a
cable that passes a place cuts it there; its two ends are `CABLE/a:n` and `CABLE/b:n`, by the cable end
that the glass leads to. Where a cable ends there is one end only, and the side need not be written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sdnctl.errors import Source
from sdnctl.inventory import models
from sdnctl.inventory.collect import Collector, Entry
from sdnctl.inventory.fields import StrandRange
from sdnctl.inventory.plant import Cable, CableType, Closure, Life, Odf, OdfPosition, Side, Splice, StrandEnd
from sdnctl.units import Loss

PLACES = ("chamber", "site")


@dataclass(slots=True)
class Joints:
    """What closures and ODFs did to strands so far. `used`: strand end → what holds it, and where that is said."""

    cables: Mapping[str, Cable]
    types: Mapping[str, CableType]
    used: dict[StrandEnd, tuple[str, Source]] = field(default_factory=dict)
    cut: dict[tuple[str, int], set[int]] = field(default_factory=dict)
    splices: list[Splice] = field(default_factory=list)
    terminations: dict[OdfPosition, StrandEnd] = field(default_factory=dict)
    pigtails: dict[OdfPosition, Life] = field(default_factory=dict)

    @property
    def cuts(self) -> dict[tuple[str, int], tuple[int, ...]]:
        return {key: tuple(sorted(places)) for key, places in self.cut.items()}

    def locate(self, c: Collector, strands: StrandRange, place: str, address: str, origin: Source) -> int | None:
        """The number of `place` on the cable's route, once the strands are known to exist there."""
        if not c.exists("cable", strands.cable, address, origin) or strands.cable not in self.cables:
            return None
        cable = self.cables[strands.cable]
        capacity = self.types[cable.type].strands
        if max(strands.strands) > capacity:
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
    ) -> list[StrandEnd] | None:
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
            for strand in strands.strands:
                self.cut.setdefault((cable.id, strand), set()).add(index)
        return [StrandEnd(cable.id, strand, index, side) for strand in strands.strands]

    def take(self, c: Collector, end: StrandEnd, holder: str, address: str, origin: Source) -> bool:
        """Join something to a strand end; False (and a diagnostic) if something is joined to it already."""
        before = self.used.get(end)
        if before is None:
            self.used[end] = holder, origin
            return True
        place = self.cables[end.cable].places[end.place]
        c.error(
            "strand-spliced-twice",
            f"strand {end.strand} of cable {end.cable} is joined twice at {place}",
            address,
            origin,
            detail=f"{before[0]} joined it first ({before[1]}); {holder} does again.",
            hint="Remove one of the two, or correct the strand numbers.",
        )
        return False


def read_closures(c: Collector, joints: Joints) -> dict[str, Closure]:
    """Closures, and what they do to strands: splices first, because none may cut an opened strand."""
    entries: dict[str, tuple[Entry[Any], Source]] = {}
    for entry in (
        *c.listed("inventory/closures.yaml", "closures"),
        *c.rows("inventory/closures.csv", "inventory/closures.yaml"),
    ):
        origin = entry.at()
        if c.declare("closure", entry.item.id, origin) and (
            c.known(PLACES, entry.item.at)
            or c.missing(PLACES, entry.item.at, f"closure {entry.item.id}", entry.at("at"))
        ):
            entries[entry.item.id] = entry, origin
    for key, (entry, _) in entries.items():
        for number, splice in enumerate(getattr(entry.item, "splices", ())):
            _splice(c, joints, key, entry.item.at, splice, entry.at("splices", number))
    for row in c.rows("inventory/splices.csv"):
        address, origin = f"closure {row.item.closure}", row.at()
        if not c.exists("closure", row.item.closure, address, origin) or row.item.closure not in entries:
            continue
        life = c.own_life(row.item, address, origin)
        _splice(c, joints, row.item.closure, entries[row.item.closure][0].item.at, row.item, origin, life)
    for entry, _ in entries.values():
        _cut(c, joints, entry)
    closures = {
        key: Closure(
            key,
            entry.item.at,
            _opened(c, joints, entry),
            c.life(entry.defaults, entry.item, f"closure {key}", origin),
            origin,
        )
        for key, (entry, origin) in entries.items()
    }
    c.note_unknown_owners("closure", ((closure.life, closure.origin) for closure in closures.values()))
    return closures


def _cut(c: Collector, joints: Joints, entry: Entry[Any]) -> None:
    """Strands that are cut and wait."""
    item = entry.item
    for number, strands in enumerate(getattr(item, "cut", ())):
        place = joints.locate(c, strands, item.at, f"closure {item.id}", entry.at("cut", number))
        if place is not None and 0 < place < len(joints.cables[strands.cable].places) - 1:
            for strand in strands.strands:
                joints.cut.setdefault((strands.cable, strand), set()).add(place)


def _opened(c: Collector, joints: Joints, entry: Entry[Any]) -> dict[str, frozenset[int]]:
    """Strands in opened tubes, by cable; none of them may be cut there."""
    item, opened = entry.item, dict[str, frozenset[int]]()
    for number, strands in enumerate(getattr(item, "opened", ())):
        where = entry.at("opened", number)
        place = joints.locate(c, strands, item.at, f"closure {item.id}", where)
        if place is None:
            continue
        both = sorted(n for n in strands.strands if place in joints.cut.get((strands.cable, n), ()))
        if both:
            c.error(
                "opened-and-cut",
                f"strand {both[0]} of cable {strands.cable} cannot pass uncut and be cut at {item.at}",
                f"closure {item.id}",
                where,
                hint="Remove it from opened, or its splice.",
            )
        opened[strands.cable] = opened.get(strands.cable, frozenset()) | frozenset(strands.strands)
    return opened


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
    address, holder = f"closure {closure}", f"the splice {item.a} – {item.b} in {closure}"
    left = joints.ends(c, item.a, place, address, origin)
    right = joints.ends(c, item.b, place, address, origin)
    if left is None or right is None:
        return
    loss = item.loss
    one_way = [reading for reading in (item.loss_ab, item.loss_ba) if reading is not None]
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
    for a, b in zip(left, right, strict=True):
        if a == b:
            c.error("spliced-to-itself", f"{a} is spliced to itself", address, origin, hint="Correct one end.")
            continue
        taken = [joints.take(c, end, holder, address, origin) for end in (a, b)]
        if all(taken):
            joints.splices.append(Splice(closure, a, b, loss, origin, life))


def read_odfs(c: Collector, joints: Joints) -> dict[str, Odf]:
    odfs: dict[str, Odf] = {}
    taken: dict[OdfPosition, Source] = {}
    for entry in c.listed("inventory/odfs.yaml", "odfs"):
        item, origin = entry.item, entry.at()
        if not c.declare("ODF", item.id, origin):
            continue
        if not c.exists("site", item.site, f"ODF {item.id}", entry.at("site")):
            continue
        life = c.life(entry.defaults, item, f"ODF {item.id}", origin)
        odfs[item.id] = Odf(item.id, item.site, item.positions, item.connector, item.grade, life, origin)
        for number, termination in enumerate(item.terminations):
            _terminate(c, joints, odfs[item.id], termination, taken, entry.at("terminations", number), None)
    for row in c.rows("inventory/terminations.csv"):
        address, origin = f"ODF {row.item.odf}", row.at()
        if c.exists("ODF", row.item.odf, address, origin) and row.item.odf in odfs:
            own = c.own_life(row.item, address, origin)
            _terminate(c, joints, odfs[row.item.odf], row.item, taken, origin, own)
    c.note_unknown_owners("ODF", ((odf.life, odf.origin) for odf in odfs.values()))
    return odfs


def _terminate(
    c: Collector,
    joints: Joints,
    odf: Odf,
    item: models.TerminationModel,
    taken: dict[OdfPosition, Source],
    origin: Source,
    life: Life | None,
) -> None:
    """Put the strands of one entry behind positions."""
    address = f"ODF {odf.id}"
    ends = joints.ends(c, item.strands, odf.site, address, origin)
    for number, end in zip(item.positions, ends or (), strict=False):
        position = OdfPosition(odf.id, number)
        if _free(c, odf, position, taken, origin) and joints.take(c, end, address, address, origin):
            joints.terminations[position] = end
            if life is not None:
                joints.pigtails[position] = life


def _free(c: Collector, odf: Odf, position: OdfPosition, taken: dict[OdfPosition, Source], origin: Source) -> bool:
    """Whether a position exists and has no strand yet; notes that it has one now."""
    if position.number > odf.positions:
        c.error(
            "position-beyond-odf",
            f"ODF {odf.id} has {odf.positions} positions, not {position.number}",
            f"ODF {odf.id}",
            origin,
            hint="Correct the position, or the number of positions.",
        )
        return False
    first = taken.setdefault(position, origin)
    if first is origin:
        return True
    c.error(
        "odf-position-used-twice",
        f"position {position.number} of ODF {odf.id} has two strands",
        f"ODF {odf.id}",
        origin,
        detail=f"It has one at {first} already.",
        hint="Give one of the two another position.",
    )
    return False
