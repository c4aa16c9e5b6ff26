"""Labels that do not run over each other: what matters most is placed first, what finds no room is left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sdnctl.drawing import metrics
from sdnctl.drawing.canvas import Box, Spot, Text

CELL = 12.0
"""Side, mm, of the squares by which boxes are looked up."""


@dataclass(frozen=True, slots=True)
class Label:
    """A name for something at `at`; `gap` is the room that its symbol takes, None for a name of an area.

    `others` are further places that would do.
    """

    at: Spot
    text: str
    size: float
    colour: str
    face: str = "Regular"
    gap: float | None = None
    spacing: float = 0.0
    halo: str = "#ffffff"
    others: tuple[Spot, ...] = ()


@dataclass(slots=True)
class Labels:
    """Places labels inside `frame`; what is `taken` stays free."""

    frame: Box
    taken: dict[tuple[int, int], list[Box]] = field(default_factory=dict)

    def take(self, box: Box) -> None:
        """Keep a box free of labels."""
        for cell in _cells(box):
            self.taken.setdefault(cell, []).append(box)

    def is_free(self, box: Box) -> bool:
        left, top, right, bottom = self.frame
        if box[0] < left or box[1] < top or box[2] > right or box[3] > bottom:
            return False
        return not any(_meet(box, other) for cell in _cells(box) for other in self.taken.get(cell, ()))

    def place(self, labels: Iterable[Label]) -> list[Text]:
        """The labels that find room, in the order given."""
        placed = []
        for label in labels:
            wide = metrics.width(label.text, label.size, label.face, label.spacing) - label.spacing
            for box in _spots(label, wide):
                if self.is_free(box):
                    self.take(box)
                    placed.append(_text(label, box))
                    break
        return placed


def _spots(label: Label, wide: float) -> list[Box]:
    """Boxes that would do, the best first."""
    (x, y), high = label.at, label.size * 1.12
    if label.gap is None:
        steps = [(x, y + step * high) for step in (0, -1, 1)]
        return [(x - wide / 2, y - high / 2, x + wide / 2, y + high / 2) for x, y in (*steps, *label.others)]
    gap = label.gap
    corners = [
        (x + gap, y - high / 2),
        (x - gap - wide, y - high / 2),
        (x - wide / 2, y - gap - high),
        (x - wide / 2, y + gap),
        (x + gap * 0.7, y - gap * 0.7 - high),
        (x + gap * 0.7, y + gap * 0.7),
        (x - gap * 0.7 - wide, y - gap * 0.7 - high),
        (x - gap * 0.7 - wide, y + gap * 0.7),
    ]
    return [(left, top, left + wide, top + high) for left, top in corners]


def _text(label: Label, box: Box) -> Text:
    baseline = box[1] + label.size * 0.88
    return Text(
        (box[0], baseline),
        label.text,
        label.size,
        label.colour,
        label.face,
        spacing=label.spacing,
        halo=label.halo,
    )


def _cells(box: Box) -> Iterable[tuple[int, int]]:
    return (
        (column, row)
        for column in range(int(box[0] // CELL), int(box[2] // CELL) + 1)
        for row in range(int(box[1] // CELL), int(box[3] // CELL) + 1)
    )


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
