"""Lines on the ground, in degrees: lengths, windings, cuts.

Only + − × ÷, square roots and exact sums, which every machine rounds alike: positions, and so the files, are the
same everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import fsum, sqrt

from lab.reference.chance import between
from lab.reference.model import Position

Line = list[Position]

_MIDDLE = 43.84
_DEGREE_NORTH = 111_109.12, 19.52  # metres per degree at the middle latitude, and its change per degree
_DEGREE_EAST = 80_421.42, -1_343.19, -12.32  # the same, quadratic; off by less than 1e-6 in the area


def scale(latitude: float) -> Position:
    """Metres per degree of longitude and of latitude (GRS 80, expanded round 43.84° N)."""
    d = latitude - _MIDDLE
    return (
        _DEGREE_EAST[0] + d * (_DEGREE_EAST[1] + d * _DEGREE_EAST[2]),
        _DEGREE_NORTH[0] + d * _DEGREE_NORTH[1],
    )


def metres(a: Position, b: Position) -> float:
    """Distance between two points of the area."""
    east, north = scale((a[1] + b[1]) / 2)
    x, y = (b[0] - a[0]) * east, (b[1] - a[1]) * north
    return sqrt(x * x + y * y)


def length(line: Sequence[Position]) -> float:
    """Metres along a line."""
    return fsum(metres(a, b) for a, b in pairwise(line))


def rounded(point: Position) -> Position:
    """To six decimals, a tenth of a metre: what is written."""
    return round(point[0], 6), round(point[1], 6)


def moved(start: Position, east: float, north: float) -> Position:
    """A point some metres east and north of another."""
    per_east, per_north = scale(start[1])
    return rounded((start[0] + east / per_east, start[1] + north / per_north))


def sideways(a: Position, b: Position, forward: float, left: float, origin: Position | None = None) -> Position:
    """From `origin` (by default `a`) some metres in the direction from a to b, and to the left of it."""
    east, north = scale(a[1])
    x, y = (b[0] - a[0]) * east, (b[1] - a[1]) * north
    span = sqrt(x * x + y * y) or 1.0
    x, y = x / span, y / span
    return moved(origin or a, x * forward - y * left, y * forward + x * left)


def wound(a: Position, b: Position, sinuosity: float, *name: object) -> Line:
    """A winding line from a to b, about `sinuosity` times as long as the straight one.

    Each middle is moved sideways, less on every finer level, as roads do; how far is found by bisection.
    """
    low, high = 0.0, 0.6
    line: Line = []
    for _ in range(14):
        swing = (low + high) / 2
        line = _displaced(a, b, swing, name)
        if length(line) < sinuosity * metres(a, b):
            low = swing
        else:
            high = swing
    return line


def _displaced(a: Position, b: Position, swing: float, name: tuple[object, ...]) -> Line:
    line, level = [a, b], 0
    while metres(line[0], line[1]) > 130 and level < 9:
        finer = [line[0]]
        for index, (one, two) in enumerate(pairwise(line)):
            middle = (one[0] + two[0]) / 2, (one[1] + two[1]) / 2
            side = between(-1.0, 1.0, *name, level, index) * swing * metres(one, two)
            finer += [sideways(one, two, 0.0, side, middle), two]
        line, swing, level = finer, swing * 0.86, level + 1
    return line


def cut(line: Sequence[Position], marks: Sequence[float]) -> list[Line]:
    """The line in pieces, cut at `marks` (metres from its start, ascending)."""
    pieces: list[Line] = []
    piece: Line = [line[0]]
    done, rest = 0.0, list(marks)
    for a, b in pairwise(line):
        step = metres(a, b)
        while rest and rest[0] < done + step:
            share = (rest.pop(0) - done) / step
            here = rounded((a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share))
            pieces.append([*piece, here])
            piece = [here]
        done += step
        piece.append(b)
    return [*pieces, piece]


def steps(metres_long: float, spacing: float) -> list[float]:
    """Marks that divide a length evenly, about `spacing` apart."""
    parts = max(1, round(metres_long / spacing))
    return [metres_long * number / parts for number in range(1, parts)]
