"""Where the nodes of a small graph stand on a grid: near to how they lie in the world, with few crossings.

Nodes are first put on the cell of a grid that their place in the order from west to east and from north to south
gives. Then each is moved, or exchanged with another, as long as that costs less: a crossing of two lines costs
most, a line through a node next, then length. Nothing is left to chance: the same graph lies alike each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, hypot, sqrt
from typing import TypeAlias

Cell: TypeAlias = tuple[int, int]
Edge: TypeAlias = tuple[str, str]

CROSSING, THROUGH, LENGTH, AWAY = 30.0, 24.0, 1.0, 0.35
"""What a crossing, a line through a node, a cell of length and a cell away from the first place cost."""
NEAR = 0.42
"""How near to the middle of a cell (in cells) a line goes through the node in it."""
PASSES = 8
REACH = 3
"""How far a node may be moved at a time, in cells."""


def place(spots: Mapping[str, tuple[float, float]], edges: Iterable[Edge], ratio: float = 1.5) -> dict[str, Cell]:
    """Node → column and row. `spots`: where nodes lie, y to the north; `ratio`: columns to rows."""
    cells = _first(spots, ratio)
    known = sorted({(min(a, b), max(a, b)) for a, b in edges if a != b and a in cells and b in cells})
    size = max(x for x, _ in cells.values()) + 1, max(y for _, y in cells.values()) + 1
    _Search(cells, known, size).run()
    return _tight(cells)


def _first(spots: Mapping[str, tuple[float, float]], ratio: float) -> dict[str, Cell]:
    """Nodes by rank, half evened out: dense parts of a town get room, distances keep their order."""
    names = sorted(spots)
    rows = max(2, ceil(sqrt(2.2 * len(names) / ratio)))
    columns = max(2, ceil(rows * ratio))
    across = _spread([spots[name][0] for name in names], columns)
    down = _spread([-spots[name][1] for name in names], rows)
    cells: dict[str, Cell] = {}
    taken: set[Cell] = set()
    for name, x, y in zip(names, across, down, strict=True):
        free = ((column, row) for column in range(columns) for row in range(rows) if (column, row) not in taken)
        cells[name] = min(free, key=lambda cell: (hypot(cell[0] - x, cell[1] - y), cell))
        taken.add(cells[name])
    return cells


def _spread(values: Sequence[float], count: int) -> list[float]:
    """Values on 0 … count − 1: the mean of where they lie and of their rank."""
    low, high = min(values), max(values)
    order = sorted(range(len(values)), key=lambda index: (values[index], index))
    rank = {index: number for number, index in enumerate(order)}
    span, last = (high - low) or 1.0, max(len(values) - 1, 1)
    return [((value - low) / span + rank[index] / last) / 2 * (count - 1) for index, value in enumerate(values)]


def _tight(cells: dict[str, Cell]) -> dict[str, Cell]:
    """Without columns and rows that are empty."""
    columns = {x: number for number, x in enumerate(sorted({x for x, _ in cells.values()}))}
    rows = {y: number for number, y in enumerate(sorted({y for _, y in cells.values()}))}
    return {name: (columns[x], rows[y]) for name, (x, y) in cells.items()}


class _Search:
    """Improves a placement in passes over all nodes, until nothing gets better."""

    def __init__(self, cells: dict[str, Cell], edges: Sequence[Edge], size: Cell) -> None:
        self.cells, self.edges, self.size = cells, edges, size
        self.home = dict(cells)
        self.at: dict[str, list[Edge]] = {name: [] for name in cells}
        for edge in edges:
            for end in edge:
                self.at[end].append(edge)

    def run(self) -> None:
        for _ in range(PASSES):
            moved = [name for name in sorted(self.cells) if self.better(name)]
            if not moved:
                return

    def better(self, name: str) -> bool:
        """Move a node to where it costs least; whether it moved."""
        inhabitant = {cell: other for other, cell in self.cells.items()}
        here = self.cells[name]
        best, where, alone = 0.0, here, self.cost({name: None})
        for cell in self.around(here):
            moved = {name: cell}
            if cell in inhabitant:
                moved[inhabitant[cell]] = here
            gain = self.cost(moved) - (self.cost(dict.fromkeys(moved, None)) if len(moved) > 1 else alone)
            if gain < best - 1e-9:
                best, where = gain, cell
        if where == here:
            return False
        if where in inhabitant:
            self.cells[inhabitant[where]] = here
        self.cells[name] = where
        return True

    def around(self, cell: Cell) -> Iterable[Cell]:
        x, y = cell
        columns = range(max(0, x - REACH), min(self.size[0], x + REACH + 1))
        return [
            (i, j)
            for i in columns
            for j in range(max(0, y - REACH), min(self.size[1], y + REACH + 1))
            if (i, j) != cell
        ]

    def cost(self, moved: Mapping[str, Cell | None]) -> float:
        """What these nodes and their lines cost, where they were moved (None: where they are)."""

        def spot(name: str) -> Cell:
            return moved.get(name) or self.cells[name]

        total = 0.0
        mine = {edge: None for name in moved for edge in self.at[name]}
        for edge in mine:
            a, b = spot(edge[0]), spot(edge[1])
            total += LENGTH * hypot(a[0] - b[0], a[1] - b[1])
            for other in self.edges:
                if other == edge or (other in mine and other < edge):
                    continue
                if edge[0] in other or edge[1] in other:
                    total += CROSSING * overlap(a, b, spot(other[0]), spot(other[1]), edge, other)
                elif crosses(a, b, spot(other[0]), spot(other[1])):
                    total += CROSSING
            for name in self.cells:
                if name not in edge and through(spot(name), a, b):
                    total += THROUGH
        for name in moved:
            x, y = spot(name)
            total += AWAY * hypot(x - self.home[name][0], y - self.home[name][1])
            for other in self.edges:
                if name not in other and other not in mine and through((x, y), spot(other[0]), spot(other[1])):
                    total += THROUGH
        return total


def crosses(a: Cell, b: Cell, c: Cell, d: Cell) -> bool:
    """Whether two lines cross, or one ends on the other."""
    # most do not even come near each other
    if max(a[0], b[0]) < min(c[0], d[0]) or max(c[0], d[0]) < min(a[0], b[0]):
        return False
    if max(a[1], b[1]) < min(c[1], d[1]) or max(c[1], d[1]) < min(a[1], b[1]):
        return False
    return _turn(a, b, c) * _turn(a, b, d) <= 0 and _turn(c, d, a) * _turn(c, d, b) <= 0


def overlap(a: Cell, b: Cell, c: Cell, d: Cell, one: Edge, two: Edge) -> bool:
    """Whether two lines from one node lie on each other."""
    shared = a if one[0] in two else b
    first = b if shared == a else a
    second = d if c == shared else c
    if _turn(shared, first, second):
        return False
    forward = (first[0] - shared[0]) * (second[0] - shared[0]) + (first[1] - shared[1]) * (second[1] - shared[1])
    return forward > 0


def _turn(a: Cell, b: Cell, c: Cell) -> int:
    """1, 0 or −1 as the way from a by b to c turns."""
    area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return (area > 0) - (area < 0)


def through(spot: Cell, a: Cell, b: Cell) -> bool:
    """Whether a line from a to b passes a spot too near."""
    x, y = spot
    if (x < a[0] and x < b[0]) or (x > a[0] and x > b[0]) or (y < a[1] and y < b[1]) or (y > a[1] and y > b[1]):
        return False  # NEAR is less than a cell
    dx, dy = b[0] - a[0], b[1] - a[1]
    square = dx * dx + dy * dy
    if not square:
        return False
    along = ((x - a[0]) * dx + (y - a[1]) * dy) / square
    if not 0 < along < 1:
        return False
    return hypot(a[0] + along * dx - x, a[1] + along * dy - y) < NEAR
