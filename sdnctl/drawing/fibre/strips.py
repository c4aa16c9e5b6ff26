"""Cables as strips: each from left to right with the boxes on it in their order, none across another.

Cables that are spliced on in a box follow each other in one strip. A strip that is longer than a sheet goes on in
the next row; short ones share a row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sdnctl.drawing.canvas import Fill, Marks, Stroke, Text
from sdnctl.drawing.fibre.paper import INK, SOFT, Sheets
from sdnctl.drawing.fibre.swatch import fitted, rectangle
from sdnctl.inventory.synoptic import Kind, Section, Synoptic
from sdnctl.wording import counted

STEP = 26.0
"""From one node to the next."""
HIGH = 28.0
BASE = 14.0
"""The line of a row, below its top."""
"""Height of a row of strips."""
CODE, NAME, SMALL = 2.7, 2.4, 2.1
DROPS = 3
"""How many drops of a node are named."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Sections that follow each other; `goes_on`: whether it was broken off before them, or after them."""

    sections: tuple[Section, ...]
    goes_on: tuple[bool, bool] = (False, False)

    @property
    def nodes(self) -> tuple[str, ...]:
        return (self.sections[0].a, *(one.b for one in self.sections))


def strips(found: Synoptic, cables: Sequence[str]) -> tuple[Strip, ...]:
    """These cables as strips, by name; one that begins where another ends in a box follows it."""
    left = dict.fromkeys(sorted(cables))
    begins: dict[str, list[str]] = defaultdict(list)
    for name in left:
        for end in (found.sections[name][0].a, found.sections[name][-1].b):
            if found.nodes[end].kind is Kind.CLOSURE:
                begins[end].append(name)
    made = []
    while left:
        name = _start(found, left)
        del left[name]
        run = list(found.sections[name])
        while (following := _next(found, begins, left, run[-1])) is not None:
            del left[following]
            more = found.sections[following]
            run += more if more[0].a == run[-1].b else _turned(more)
        made.append(Strip(tuple(run)))
    return tuple(made)


def _start(found: Synoptic, left: Iterable[str]) -> str:
    """The first cable that does not begin in a box, so that chains are begun at their ends; else the first."""
    names = list(left)
    return next(
        (name for name in names if found.nodes[found.sections[name][0].a].kind is not Kind.CLOSURE), names[0]
    )


def _next(found: Synoptic, begins: dict[str, list[str]], left: Iterable[str], last: Section) -> str | None:
    """The cable of the most similar size that goes on from the box where a strip ends."""
    there = [name for name in begins.get(last.b, ()) if name in left]
    there = [name for name in there if found.sections[name][0].a == last.b or found.sections[name][-1].b == last.b]
    return min(there, key=lambda name: (abs(found.sections[name][0].strands - last.strands), name), default=None)


def _turned(sections: Sequence[Section]) -> list[Section]:
    return [replace(one, a=one.b, b=one.a) for one in reversed(sections)]


def draw_strips(sheets: Sheets, found: Synoptic, made: Iterable[Strip]) -> None:
    """Rows of strips over as many sheets as they need."""
    for row in _rows(made, int(sheets.wide // STEP)):
        sheets.room(HIGH)
        x = sheets.left + STEP / 2
        for strip in row:
            _strip(sheets, found, strip, x)
            x += STEP * len(strip.nodes)
        sheets.y += HIGH


def _rows(made: Iterable[Strip], fit: int) -> Iterator[list[Strip]]:
    """Strips cut to what fits into a row, and put side by side where they fit."""
    row: list[Strip] = []
    used = 0
    for strip in made:
        for part in _parts(strip, fit):
            if used and used + len(part.nodes) > fit:
                yield row
                row, used = [], 0
            row.append(part)
            used += len(part.nodes)
    if row:
        yield row


def _parts(strip: Strip, fit: int) -> Iterator[Strip]:
    for start in range(0, len(strip.sections), fit - 1):
        part = strip.sections[start : start + fit - 1]
        yield Strip(part, (start > 0, start + len(part) < len(strip.sections)))


def _strip(sheets: Sheets, found: Synoptic, strip: Strip, x: float) -> None:
    y = sheets.y + BASE
    if strip.goes_on[0]:
        sheets.add(Stroke((((x - STEP / 2 + 2, y), (x, y)),), SOFT, 0.5, (1.0, 1.0)))
    for number, one in enumerate(strip.sections):
        left, right = x + STEP * number, x + STEP * (number + 1)
        wide = 0.45 if one.strands < 48 else 0.7 if one.strands < 144 else 1.0
        sheets.add(Stroke((((left, y), (right, y)),), INK, wide, () if one.in_service else (1.6, 1.2)))
        if number == 0 or one.cable != strip.sections[number - 1].cable:
            _code(sheets, strip, number, left, y)
        figures, size = fitted(f"{one.length:,.0f} m · {use(one)}", SMALL, STEP - 6.5)
        middle = (left + right) / 2
        sheets.add(Text((middle, y + 3.0), figures, size, SOFT, anchor="middle"))
    if strip.goes_on[1]:
        end = x + STEP * len(strip.sections)
        sheets.add(Stroke((((end, y), (end + STEP / 2 - 2, y)),), SOFT, 0.5, (1.0, 1.0)))
    for number, name in enumerate(strip.nodes):
        _node(
            sheets, found, name, x + STEP * number, y, low=bool(round((x - sheets.left) / STEP - 0.5 + number) % 2)
        )


def _code(sheets: Sheets, strip: Strip, number: int, x: float, y: float) -> None:
    """The cable's code and strands above all that it runs past."""
    one = strip.sections[number]
    length = sum(1 for other in strip.sections if other.cable == one.cable)
    text, size = fitted(f"{one.cable} · {one.strands}", CODE, STEP * (length + 0.3), "SemiBold")
    sheets.add(Text((x - 3.0, y - 10.6), text, size, INK, "SemiBold"))


def _node(sheets: Sheets, found: Synoptic, name: str, x: float, y: float, *, low: bool) -> None:
    """A node with its name above it and its drops below it; every second name stands higher."""
    node = found.nodes[name]
    if node.kind is Kind.SITE:
        text, size = fitted(name, NAME, STEP * 1.7, "SemiBold")
        sheets.add(Fill((rectangle(x - 3.0, y - 2.2, 6.0, 4.4),), "#ffffff", INK, 0.45))
    else:
        radius, fill = (2.1, "#ffffff") if node.kind is Kind.CLOSURE else (0.9, INK)
        sheets.add(Marks(((x, y),), "circle", radius, fill, INK, 0.4))
        text, size = fitted(name, NAME, STEP * 1.7)
    face = "SemiBold" if node.kind is Kind.SITE else "Regular"
    sheets.add(Text((x, y - (3.4 if low else 6.6)), text, size, INK, face, "middle", halo="#ffffff"))
    for number, line in enumerate(_drops(found.drops.get(name, ()))):
        shown, small = fitted(line, SMALL, STEP - 2.0)
        sheets.add(Text((x, y + 6.2 + 2.6 * number), shown, small, SOFT, anchor="middle"))


def use(one: Section) -> str:
    """Used and free strands of a section; of one that is not in service none are either."""
    return f"{one.used}/{one.free}" if one.in_service else "not in service"


def _drops(found: Sequence[Section]) -> list[str]:
    """Drops that hang on a node: a few by name, more by number."""
    if len(found) <= DROPS:
        return [f"{one.cable}  {use(one)}" for one in found]
    used, free = sum(one.used for one in found), sum(one.free for one in found)
    return [counted(len(found), "drops"), f"{used}/{free}"]
