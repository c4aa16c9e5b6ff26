"""A drawing on paper as values: strokes, shapes, marks and text in millimetres from the top left corner.

`svg` and `png` write it; both know only what stands here, so that they look alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

Spot: TypeAlias = tuple[float, float]
Box: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Stroke:
    """Lines in one style; `dash` is strokes and gaps in mm."""

    lines: tuple[tuple[Spot, ...], ...]
    colour: str
    width: float
    dash: tuple[float, ...] = ()
    opacity: float = 1.0
    round: bool = True


@dataclass(frozen=True, slots=True)
class Fill:
    """Closed rings in one style."""

    rings: tuple[tuple[Spot, ...], ...]
    fill: str
    colour: str = ""
    width: float = 0.0
    opacity: float = 1.0
    dash: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Marks:
    """Symbols of one form, size and style."""

    at: tuple[Spot, ...]
    form: str
    radius: float
    fill: str
    colour: str = "#ffffff"
    width: float = 0.15


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; `at` is its baseline's start, middle or end. `halo` is the colour round its letters."""

    at: Spot
    text: str
    size: float
    colour: str
    face: str = "Regular"
    anchor: str = "start"
    spacing: float = 0.0
    halo: str = ""


Item: TypeAlias = Stroke | Fill | Marks | Text


@dataclass(frozen=True, slots=True)
class Clipped:
    """Items of which only what lies inside the box is seen."""

    box: Box
    items: tuple[Item, ...]


@dataclass(slots=True)
class Drawing:
    """A sheet under way; sizes in mm."""

    width: float
    height: float
    title: str
    description: str
    items: list[Item | Clipped] = field(default_factory=list)

    def add(self, *items: Item | Clipped) -> None:
        self.items.extend(items)


FORMS: dict[str, tuple[Spot, ...]] = {
    "square": ((-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)),
    "triangle": ((0, -1.15), (1.08, 0.8), (-1.08, 0.8)),
    "wedge": ((0, 1.15), (1.08, -0.8), (-1.08, -0.8)),
    "diamond": ((0, -1.25), (1.05, 0), (0, 1.25), (-1.05, 0)),
    "cross": tuple(
        (x * sx, y * sy)
        for sx, sy, corner in (
            (1, -1, ((0.42, 1.1), (0.42, 0.42), (1.1, 0.42))),
            (1, 1, ((1.1, 0.42), (0.42, 0.42), (0.42, 1.1))),
            (-1, 1, ((0.42, 1.1), (0.42, 0.42), (1.1, 0.42))),
            (-1, -1, ((1.1, 0.42), (0.42, 0.42), (0.42, 1.1))),
        )
        for x, y in corner
    ),
}
"""Corners of each form of mark for radius 1; "circle" is the only round one."""


def corners(form: str, at: Spot, radius: float) -> tuple[Spot, ...]:
    """Where the corners of a mark are."""
    return tuple((at[0] + x * radius, at[1] + y * radius) for x, y in FORMS[form])


def thinned(line: Iterable[Spot], step: float = 0.12) -> tuple[Spot, ...]:
    """The line without points closer than `step` to the one before, which nobody can see; its ends stay."""
    points = list(line)
    kept = points[:1]
    for point in points[1:-1]:
        if abs(point[0] - kept[-1][0]) + abs(point[1] - kept[-1][1]) >= step:
            kept.append(point)
    return tuple(kept + points[-1:] if len(points) > 1 else kept)
