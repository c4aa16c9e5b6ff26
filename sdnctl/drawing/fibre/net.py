"""A graph on one sheet: boxes and circles on a grid, lines between them, a label on each that covers nothing else.

A label that finds no room on its line becomes a number there, and stands in a list at the foot of the sheet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, hypot

from sdnctl.drawing.canvas import Box, Fill, Marks, Spot, Stroke, Text
from sdnctl.drawing.fibre.layout import Cell, place
from sdnctl.drawing.fibre.paper import INK, SOFT, Sheets
from sdnctl.drawing.fibre.swatch import fitted, rectangle
from sdnctl.drawing.labels import Labels
from sdnctl.drawing.metrics import width

NAME, NOTE, CODE, FIGURES = 3.6, 2.7, 3.0, 2.8
BOX = 11.5
"""Height of a site's box."""
RADIUS = 2.6
FOOT = 5.0
"""Height of a row of the list of labels without room."""
TRIES = (0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73, 0.2, 0.8)
"""Where on a line its label may stand, the best first."""
BESIDE = 9.0
"""Distance between lines that join the same two nodes."""


@dataclass(frozen=True, slots=True)
class Spotted:
    """A node: how it looks (``site``, ``closure``, ``end``), what is written at it, where it lies in the world."""

    id: str
    kind: str
    notes: tuple[str, ...]
    at: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Joined:
    """A line between two nodes with its label: a code, and figures below it."""

    a: str
    b: str
    code: str
    figures: str
    strands: int
    dashed: bool = False


def net(sheets: Sheets, nodes: Sequence[Spotted], lines: Sequence[Joined]) -> None:
    """Draw a graph over what is left of a sheet."""
    if not nodes:
        return
    cells = place({one.id: one.at for one in nodes}, [(one.a, one.b) for one in lines])
    foot = FOOT * ceil(len(lines) / 8)
    drawn = _Net(sheets, {one.id: one for one in nodes}, cells, foot)
    for line in drawn.bent(lines):
        drawn.line(*line)
    drawn.symbols()
    drawn.labels()
    drawn.foot()


class _Net:
    def __init__(
        self, sheets: Sheets, nodes: Mapping[str, Spotted], cells: Mapping[str, Cell], foot: float
    ) -> None:
        self.sheets, self.nodes = sheets, nodes
        columns, rows = max(x for x, _ in cells.values()) + 1, max(y for _, y in cells.values()) + 1
        self.top = sheets.y
        high = sheets.bottom - sheets.y - foot
        self.step = sheets.wide / columns, min(high / rows, 48.0)
        self.spots = {
            name: (sheets.left + self.step[0] * (x + 0.5), sheets.y + self.step[1] * (y + 0.5))
            for name, (x, y) in cells.items()
        }
        self.under = sheets.y + self.step[1] * rows
        self.room = Labels((sheets.left, sheets.y - 2.0, sheets.right, sheets.bottom))
        self.waiting: list[tuple[Joined, tuple[Spot, ...]]] = []
        self.without: list[tuple[int, Joined]] = []

    def bent(self, lines: Sequence[Joined]) -> Iterator[tuple[Joined, tuple[Spot, ...]]]:
        """Lines with their points; those that join the same nodes lie beside each other."""
        beside: dict[tuple[str, str], list[Joined]] = defaultdict(list)
        for one in lines:
            if one.a != one.b:
                beside[min(one.a, one.b), max(one.a, one.b)].append(one)
        for (a, b), several in sorted(beside.items()):
            (x1, y1), (x2, y2) = self.spots[a], self.spots[b]
            size = hypot(x2 - x1, y2 - y1) or 1.0
            across = -(y2 - y1) / size, (x2 - x1) / size
            for number, one in enumerate(several):
                shift = (number - (len(several) - 1) / 2) * BESIDE
                if not shift:
                    yield one, ((x1, y1), (x2, y2))
                    continue
                dx, dy = across[0] * shift, across[1] * shift
                bends = [(x1 + (x2 - x1) * t + dx, y1 + (y2 - y1) * t + dy) for t in (0.16, 0.84)]
                yield one, ((x1, y1), *bends, (x2, y2))

    def line(self, one: Joined, points: tuple[Spot, ...]) -> None:
        wide = 0.35 if one.strands < 48 else 0.55 if one.strands < 144 else 0.8
        self.sheets.add(Stroke((points,), SOFT if one.dashed else INK, wide, (1.6, 1.2) if one.dashed else ()))
        self.waiting.append((one, points))

    def symbols(self) -> None:
        for name, (x, y) in self.spots.items():
            node = self.nodes[name]
            if node.kind == "site":
                self._site(node, x, y)
            else:
                self._small(node, x, y)

    def _site(self, node: Spotted, x: float, y: float) -> None:
        room = self.step[0] - 3.0
        name, size = fitted(node.id, NAME, room - 3.0, "SemiBold")
        note, small = fitted(" · ".join(node.notes), NOTE, room - 3.0)
        wide = min(room, max(width(name, size, "SemiBold"), width(note, small), 14.0) + 4.0)
        high = BOX if note else BOX - 3.0
        box = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
        self.sheets.add(Fill((rectangle(box[0], box[1], wide, high),), "#ffffff", INK, 0.5))
        self.sheets.add(Text((x, y + (-0.3 if note else 1.1)), name, size, INK, "SemiBold", "middle"))
        if note:
            self.sheets.add(Text((x, y + 3.4), note, small, SOFT, anchor="middle"))
        self.room.take(box)

    def _small(self, node: Spotted, x: float, y: float) -> None:
        """A closure, or a place where a cable ends, with its name beside it where that covers nothing."""
        radius = RADIUS if node.kind == "closure" else 1.0
        fill = "#ffffff" if node.kind == "closure" else INK
        self.sheets.add(Marks(((x, y),), "circle", radius, fill, INK, 0.5))
        self.room.take((x - radius, y - radius, x + radius, y + radius))
        rows = [(*fitted(node.id, CODE, self.step[0] - 2.0, "SemiBold"), "SemiBold", INK)]
        rows += [(*fitted(note, NOTE, self.step[0] - 2.0), "Regular", SOFT) for note in node.notes]
        wide = max(width(text, size, face) for text, size, face, _ in rows)
        high = sum(size * 1.2 for _, size, _, _ in rows)
        gap = radius + 0.8
        corners = ((x + gap, y - high / 2), (x - wide / 2, y + gap), (x - gap - wide, y - high / 2))
        diagonal: tuple[Spot, ...] = ((x + gap * 0.8, y + gap * 0.8), (x + gap * 0.8, y - gap * 0.8 - high))
        left = x - gap * 0.8 - wide
        diagonal += (left, y + gap * 0.8), (left, y - gap * 0.8 - high)
        spots = (*corners, (x - wide / 2, y - gap - high), *diagonal)
        boxes = [(left, top, left + wide, top + high) for left, top in spots]
        box = next((one for one in boxes if self.room.is_free(one) and self._clear(one)), boxes[1])
        self.room.take(box)
        top = box[1]
        for text, size, face, colour in rows:
            at = (box[0] + wide / 2, top + size * 0.95)
            self.sheets.add(Text(at, text, size, colour, face, "middle", halo="#ffffff"))
            top += size * 1.2

    def labels(self) -> None:
        """The shortest lines choose first: they have the least room."""
        order = sorted(self.waiting, key=lambda item: (_length(item[1]), item[0].code))
        for one, points in order:
            spot = self._spot(one, points)
            if spot is None:
                self.without.append((len(self.without) + 1, one))
                self._number(len(self.without), points)
            else:
                self._label(one, spot)

    def _size(self, one: Joined) -> tuple[float, float]:
        wide = max(width(one.code, CODE, "SemiBold"), width(one.figures, FIGURES)) + 1.0
        return wide, CODE + FIGURES + 1.6

    def _spot(self, one: Joined, points: tuple[Spot, ...]) -> Spot | None:
        """The middle of the first place on the line where the label covers nothing."""
        wide, high = self._size(one)
        for share in TRIES:
            x, y = _along(points, share)
            box = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
            if self.room.is_free(box) and self._clear(box, one):
                self.room.take(box)
                return x, y
        return None

    def _clear(self, box: Box, one: Joined | None = None) -> bool:
        """Whether no line runs under a label, but for its own."""
        return not any(
            _meets(box, start, end)
            for other, points in self.waiting
            if other is not one
            for start, end in pairwise(points)
        )

    def _label(self, one: Joined, spot: Spot) -> None:
        x, y = spot
        wide, high = self._size(one)
        self.sheets.add(Fill((rectangle(x - wide / 2, y - high / 2, wide, high),), "#ffffff"))
        self.sheets.add(Text((x, y - 0.3), one.code, CODE, INK, "SemiBold", "middle"))
        self.sheets.add(Text((x, y + FIGURES + 0.2), one.figures, FIGURES, SOFT, anchor="middle"))

    def _number(self, number: int, points: tuple[Spot, ...]) -> None:
        shares = sorted(
            (0.5 + side * step / 50 for step in range(21) for side in (1, -1)), key=lambda at: abs(at - 0.5)
        )
        spots = [_along(points, share) for share in shares]
        boxes = [(x - 2.0, y - 2.0, x + 2.0, y + 2.0) for x, y in spots]
        box = next((one for one in boxes if self.room.is_free(one)), boxes[0])
        self.room.take(box)
        x, y = box[0] + 2.0, box[1] + 2.0
        self.sheets.add(Marks(((x, y),), "circle", 1.9, "#ffffff", INK, 0.3))
        self.sheets.add(Text((x, y + 0.85), str(number), 2.3, INK, "SemiBold", "middle"))

    def foot(self) -> None:
        """The list of what had no room, in columns."""
        sheets = self.sheets
        sheets.y = min(self.under + 3.0, sheets.bottom - 4.0)
        if not self.without:
            return
        columns = max(1, int(sheets.wide // 95.0))
        step = sheets.wide / columns
        for start in range(0, len(self.without), columns):
            sheets.room(FOOT)
            for column, (number, one) in enumerate(self.without[start : start + columns]):
                text = f"{number}  {one.a} – {one.b}: {one.code}, {one.figures}"
                shown, size = fitted(text, FIGURES, step - 2.0)
                sheets.add(Text((sheets.left + column * step, sheets.y + 3.0), shown, size, INK))
            sheets.y += FOOT


def _length(points: Sequence[Spot]) -> float:
    return sum(hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(points))


def _along(points: Sequence[Spot], share: float) -> Spot:
    """The point at a share of the way."""
    left = _length(points) * share
    for a, b in pairwise(points):
        size = hypot(b[0] - a[0], b[1] - a[1])
        if left <= size and size:
            return a[0] + (b[0] - a[0]) * left / size, a[1] + (b[1] - a[1]) * left / size
        left -= size
    return points[-1]


def _meets(box: Box, a: Spot, b: Spot) -> bool:
    """Whether a line runs through a box (Liang and Barsky's clipping)."""
    low, high = 0.0, 1.0
    for axis, (near, far) in enumerate(((box[0], box[2]), (box[1], box[3]))):
        start, step = a[axis], b[axis] - a[axis]
        if not step:
            if not near <= start <= far:
                return False
            continue
        one, two = sorted(((near - start) / step, (far - start) / step))
        low, high = max(low, one), min(high, two)
    return low <= high
