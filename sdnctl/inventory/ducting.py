"""Ducts at chambers and in each other: positions in masks that are taken, and what lies in a duct.

Where ducts come through a wall of a chamber a mask holds them, in rows and columns; a nested duct comes through in
the duct that it lies in. What lies directly in a duct are cables and inner ducts, segment by segment. A cable that
is planned is not there yet; one that was given up lies where it was until somebody pulls it out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import pi

from sdnctl.inventory.collect import Collector
from sdnctl.inventory.fields import MaskPosition
from sdnctl.inventory.models import Status
from sdnctl.inventory.plant import Cable, CableType, Duct
from sdnctl.quick import quick
from sdnctl.units import Length

_PLANNED = Status.PLANNED


@quick
@dataclass(frozen=True, slots=True)
class Content:
    """What lies directly in a duct, in the segment where most does."""

    segment: str
    cables: tuple[str, ...]
    inner: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.cables) + len(self.inner)

    @property
    def words_of_all(self) -> str:
        """Where it lies, and what everything in there is called."""
        return f"In segment {self.segment}: {', '.join((*self.cables, *self.inner))}."

    @property
    def words(self) -> str:
        parts = [(len(self.cables), "cable"), (len(self.inner), "inner duct")]
        return " and ".join(f"{number} {what}{'' if number == 1 else 's'}" for number, what in parts if number)


def lies_there(cable: Cable) -> bool:
    return cable.life.status is not _PLANNED


def contents(ducts: Mapping[str, Duct], cables: Iterable[Cable]) -> dict[str, Content]:
    """What lies in every duct in which something does."""
    lying: dict[str, dict[str, list[str]]] = {}
    nested: dict[str, dict[str, list[str]]] = {}
    for cable in cables:
        key = cable.id
        for passage in cable.passages:
            if passage.duct is not None:
                lying.setdefault(passage.duct, {}).setdefault(passage.segment, []).append(key)
    for duct in ducts.values():
        for segment in duct.segments if duct.parent is not None else ():
            nested.setdefault(duct.parent or "", {}).setdefault(segment, []).append(duct.id)
    found: dict[str, Content] = {}
    for key in (*lying, *(key for key in nested if key not in lying)):
        here, within = lying.get(key, {}), nested.get(key, {})
        counts = {one: len(held) for one, held in here.items()}
        for one, held in within.items():
            counts[one] = counts.get(one, 0) + len(held)
        fullest = max(counts, key=counts.__getitem__)
        found[key] = Content(fullest, tuple(here.get(fullest, ())), tuple(within.get(fullest, ())))
    return found


def cross_section(diameter: Length) -> float:
    """m² of something round."""
    return diameter**2 * pi / 4


def area_in(
    content: Content,
    ducts: Mapping[str, Duct],
    cables: Mapping[str, Cable],
    types: Mapping[str, CableType],
) -> float | None:
    """Cross-section of what lies in a duct, m²; None where a diameter is not known."""
    sizes = [ducts[name].diameter for name in content.inner]
    sizes += [types[cables[name].type].diameter for name in content.cables]
    known = [size for size in sizes if size is not None]
    return sum(map(cross_section, known)) if len(known) == len(sizes) else None


def check_contents(
    c: Collector, ducts: Mapping[str, Duct], cables: Mapping[str, Cable], types: Mapping[str, CableType]
) -> None:
    """Warn of ducts in which more lies than they hold, by number or by cross-section."""
    for key, content in contents(ducts, filter(lies_there, cables.values())).items():
        duct = ducts[key]
        area = area_in(content, ducts, cables, types) if duct.diameter else None
        if duct.capacity is not None and content.count > duct.capacity:
            c.warning(
                "duct-overfull",
                f"duct {key} holds {content.words}, and takes {duct.capacity}",
                f"duct {key}",
                duct.origin,
                detail=content.words_of_all,
                hint="Correct the routes of the cables, or the capacity of the duct.",
            )
        elif area is not None and duct.diameter and area > cross_section(duct.diameter):
            c.warning(
                "duct-overfull",
                f"duct {key} has a cross-section of {cross_section(duct.diameter) * 1e6:.0f} mm², "
                f"what lies in it {area * 1e6:.0f}",
                f"duct {key}",
                duct.origin,
                detail=content.words_of_all,
                hint="Correct the routes of the cables, or the diameters of the duct and of what lies in it.",
            )


# ── masks ────────────────────────────────────────────────────────────────────────────────────────


def mask_at(ducts: Mapping[str, Duct], duct: str, place: str) -> MaskPosition | None:
    """The position by which a duct comes into a chamber: its own, else that of the nearest duct around it."""
    for name in (duct, *enclosing(ducts, duct)):
        for where, position in ducts[name].masks:
            if where == place:
                return position
    return None


def enclosing(ducts: Mapping[str, Duct], duct: str) -> Iterator[str]:
    """The ducts that a duct lies in, innermost first."""
    parent = ducts[duct].parent
    while parent is not None and parent in ducts:
        yield parent
        parent = ducts[parent].parent


def check_masks(c: Collector, ducts: Mapping[str, Duct]) -> None:
    """Report positions at places where a duct does not end, and those that two ducts have.

    Ducts that lie in each other, or in the same one, come through one hole.
    """
    taken: dict[tuple[str, MaskPosition], list[str]] = defaultdict(list)
    for duct in ducts.values():
        for place, position in duct.masks:
            if place not in duct.ends:
                c.error(
                    "mask-not-at-an-end",
                    f"duct {duct.id} does not end at {place}",
                    f"duct {duct.id}",
                    duct.origin,
                    detail=f"It ends at {' and '.join(duct.ends)}.",
                    hint="Give positions of masks at the two ends of the duct.",
                )
                continue
            others = taken[place, position]
            rival = next((other for other in others if not _together(ducts, duct.id, other)), None)
            if rival is not None:
                c.error(
                    "mask-position-taken",
                    f"ducts {rival} and {duct.id} are both at position {position} of the mask at {place}",
                    f"duct {duct.id}",
                    duct.origin,
                    detail=f"{rival} is declared at {ducts[rival].origin}.",
                    hint="Correct one of the two; if one lies in the other, name its parent.",
                )
            elif (around := _around(ducts, duct.id, place)) not in (None, position):
                c.error(
                    "mask-differs",
                    f"duct {duct.id} is at position {position} of the mask at {place}, "
                    f"what it lies in at {around}",
                    f"duct {duct.id}",
                    duct.origin,
                    hint="Leave the position of the inner duct away, or correct it.",
                )
            others.append(duct.id)


def _around(ducts: Mapping[str, Duct], duct: str, place: str) -> MaskPosition | None:
    """The position of the nearest duct around a duct that has one at a place."""
    parent = ducts[duct].parent
    return mask_at(ducts, parent, place) if parent is not None and parent in ducts else None


def _together(ducts: Mapping[str, Duct], one: str, two: str) -> bool:
    return bool({one, *enclosing(ducts, one)} & {two, *enclosing(ducts, two)})
