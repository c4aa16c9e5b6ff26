"""Closures and ODFs: which strands are cut where, and what each cut end is joined to.

Only exceptions are written: a strand that no closure and no ODF names passes uncut. Naming a strand of a
cable that passes a place cuts it there; its two ends are `CABLE/a:n` and `CABLE/b:n`, by the cable end
that the glass leads to. Where a cable ends there is one end only, and the side need not be written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sdnctl.errors import Source
from sdnctl.inventory import models
from sdnctl.inventory.collect import Collector
from sdnctl.inventory.fields import StrandRange
from sdnctl.inventory.plant import Cable, CableType, Closure, Odf, OdfPosition, Side, Splice, StrandEnd
from sdnctl.units import Loss


@dataclass(slots=True)
class Joints:
    """What closures and ODFs did to strands so far. `used`: strand end → what holds it, and where that is said."""

    cables: Mapping[str, Cable]
    types: Mapping[str, CableType]
    used: dict[StrandEnd, tuple[str, Source]] = field(default_factory=dict)
    cut: dict[tuple[str, int], set[int]] = field(default_factory=dict)
    splices: list[Splice] = field(default_factory=list)
    terminations: dict[OdfPosition, StrandEnd] = field(default_factory=dict)

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
    document = c.document("inventory/closures.yaml", models.ClosuresFile)
    closures: dict[str, Closure] = {}
    for index, item in enumerate(document.value.closures if document else ()):
        assert document is not None
        origin, address = document.at("closures", index), f"closure {item.id}"
        if not c.declare("closure", item.id, origin):
            continue
        if not c.exists(("chamber", "site"), item.at, address, document.at("closures", index, "at")):
            continue
        for number, splice in enumerate(item.splices):
            _splice(c, joints, item, splice, document.at("closures", index, "splices", number))
        for number, strands in enumerate(item.cut):
            where = document.at("closures", index, "cut", number)
            place = joints.locate(c, strands, item.at, address, where)
            if place is not None and 0 < place < len(joints.cables[strands.cable].places) - 1:
                for strand in strands.strands:
                    joints.cut.setdefault((strands.cable, strand), set()).add(place)
        opened: dict[str, frozenset[int]] = {}
        for number, strands in enumerate(item.opened):
            where = document.at("closures", index, "opened", number)
            place = joints.locate(c, strands, item.at, address, where)
            if place is None:
                continue
            both = sorted(n for n in strands.strands if place in joints.cut.get((strands.cable, n), ()))
            if both:
                c.error(
                    "opened-and-cut",
                    f"strand {both[0]} of cable {strands.cable} cannot pass uncut and be cut at {item.at}",
                    address,
                    where,
                    hint="Remove it from opened, or its splice.",
                )
            opened[strands.cable] = opened.get(strands.cable, frozenset()) | frozenset(strands.strands)
        life = c.life(document.value.defaults, item, address, origin)
        closures[item.id] = Closure(item.id, item.at, opened, life, origin)
    c.note_unknown_owners("closure", ((closure.life, closure.origin) for closure in closures.values()))
    return closures


def _splice(
    c: Collector, joints: Joints, closure: models.ClosureModel, item: models.SpliceModel, origin: Source
) -> None:
    """Join the strands of one entry; a one-way reading is kept out of the loss and said to be so."""
    address, holder = f"closure {closure.id}", f"the splice {item.a} – {item.b} in {closure.id}"
    left = joints.ends(c, item.a, closure.at, address, origin)
    right = joints.ends(c, item.b, closure.at, address, origin)
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
            joints.splices.append(Splice(closure.id, a, b, loss, origin))


def read_odfs(c: Collector, joints: Joints) -> dict[str, Odf]:
    document = c.document("inventory/odfs.yaml", models.OdfsFile)
    odfs: dict[str, Odf] = {}
    for index, item in enumerate(document.value.odfs if document else ()):
        assert document is not None
        origin, address = document.at("odfs", index), f"ODF {item.id}"
        if not c.declare("ODF", item.id, origin):
            continue
        if not c.exists("site", item.site, address, document.at("odfs", index, "site")):
            continue
        taken: dict[int, Source] = {}
        for number, termination in enumerate(item.terminations):
            where = document.at("odfs", index, "terminations", number)
            ends = joints.ends(c, termination.strands, item.site, address, where)
            for position, end in zip(termination.positions, ends or (), strict=False):
                if _free(c, item, position, taken, where) and joints.take(
                    c, end, f"ODF {item.id}", address, where
                ):
                    joints.terminations[OdfPosition(item.id, position)] = end
        life = c.life(document.value.defaults, item, address, origin)
        odfs[item.id] = Odf(item.id, item.site, item.positions, item.connector, item.grade, life, origin)
    c.note_unknown_owners("ODF", ((odf.life, odf.origin) for odf in odfs.values()))
    return odfs


def _free(c: Collector, item: models.OdfModel, position: int, taken: dict[int, Source], origin: Source) -> bool:
    """Whether a position exists and has no strand yet; notes that it has one now."""
    if position > item.positions:
        c.error(
            "position-beyond-odf",
            f"ODF {item.id} has {item.positions} positions, not {position}",
            f"ODF {item.id}",
            origin,
            hint="Correct the position, or the number of positions.",
        )
        return False
    first = taken.setdefault(position, origin)
    if first is origin:
        return True
    c.error(
        "odf-position-used-twice",
        f"position {position} of ODF {item.id} has two strands",
        f"ODF {item.id}",
        origin,
        detail=f"It has one at {first} already.",
        hint="Give one of the two another position.",
    )
    return False
