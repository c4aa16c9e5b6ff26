"""Which place a position is: the nearest one, looked up on a grid; and places that nobody wrote down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor

from sdnctl.inventory.geometry import distance

REACH = 1.0
"""Metres within which a position is that of a place; beyond it they are two."""
CELL = 1e-4
"""Degrees of a cell of the grid: more than `REACH` in both directions up to 84° of latitude."""


class Places:
    """Positions by id, asked for by position."""

    def __init__(self) -> None:
        self.positions: dict[str, tuple[float, float]] = {}
        self._cells: dict[tuple[int, int], list[str]] = {}

    def add(self, name: str, position: Sequence[float]) -> None:
        place = float(position[0]), float(position[1])
        self.positions[name] = place
        self._cells.setdefault(_cell(place), []).append(name)

    def nearest(self, position: Sequence[float]) -> str | None:
        """The nearest place within `REACH`, the first by id of several equally near."""
        here = float(position[0]), float(position[1])
        found = sorted((distance(here, self.positions[name]), name) for name in self._around(here))
        return found[0][1] if found and found[0][0] <= REACH else None

    def _around(self, here: tuple[float, float]) -> Iterator[str]:
        x, y = _cell(here)
        for column in (x - 1, x, x + 1):
            for row in (y - 1, y, y + 1):
                yield from self._cells.get((column, row), ())


def _cell(place: tuple[float, float]) -> tuple[int, int]:
    return floor(place[0] / CELL), floor(place[1] / CELL)
