"""Lambert-93 (EPSG:2154): between longitude and latitude in degrees and metres of the French national grid.

RGF93 and WGS 84 are taken for the same (they differ by decimetres, and nobody transforms between them). The
formulas are those of the Lambert conformal conic with two standard parallels, EPSG guidance note 7-2, method 9802,
written with the isometric latitude; the ellipsoid is GRS 80. A test compares with PROJ to a millimetre.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import asin, atan2, atanh, cos, degrees, exp, hypot, log, radians, sin, sqrt, tanh
from typing import TypeAlias

from sdnctl.units import Length

Point: TypeAlias = tuple[float, float]

_A = 6_378_137.0
_FLATTENING = 1 / 298.257_222_101
_E = sqrt(_FLATTENING * (2 - _FLATTENING))
_LON_0, _LAT_0 = radians(3.0), radians(46.5)
_LAT_1, _LAT_2 = radians(44.0), radians(49.0)
_X_0, _Y_0 = 700_000.0, 6_600_000.0
WEST, SOUTH, EAST, NORTH = -9.86, 41.15, 10.38, 51.56
"""Degrees between which EPSG says that the grid is meant."""
_FRANCE = ((-500_000.0, 1_500_000.0), (5_800_000.0, 7_400_000.0))
"""Metres east and north between which it is used: the country and 100 km around it."""


def _isometric(latitude: float) -> float:
    return atanh(sin(latitude)) - _E * atanh(_E * sin(latitude))


def _parallel(latitude: float) -> float:
    """The radius of a parallel, in semi-major axes."""
    return cos(latitude) / sqrt(1 - (_E * sin(latitude)) ** 2)


_N = (log(_parallel(_LAT_1)) - log(_parallel(_LAT_2))) / (_isometric(_LAT_2) - _isometric(_LAT_1))
_C = _A * _parallel(_LAT_1) / _N * exp(_N * _isometric(_LAT_1))
_R_0 = _C * exp(-_N * _isometric(_LAT_0))


def to_grid(longitude: float, latitude: float) -> Point:
    """Degrees → metres east and north; raises ValueError for a latitude that is none, or a pole."""
    if not -90 < latitude < 90:
        raise ValueError(f"{latitude} is not a latitude of the grid")
    radius = _C * exp(-_N * _isometric(radians(latitude)))
    angle = _N * (radians(longitude) - _LON_0)
    return _X_0 + radius * sin(angle), _Y_0 + _R_0 - radius * cos(angle)


def from_grid(x: float, y: float) -> Point:
    """Metres east and north → longitude and latitude in degrees."""
    east, south = x - _X_0, _R_0 - (y - _Y_0)
    radius = hypot(east, south)
    if not radius:
        return degrees(_LON_0), 90.0
    isometric = -log(radius / _C) / _N
    sine = tanh(isometric)
    for _ in range(8):  # each turn gains a factor of 150
        sine = tanh(isometric + _E * atanh(_E * sine))
    return degrees(_LON_0 + atan2(east, south) / _N), degrees(asin(sine))


def in_france(place: Point) -> bool:
    """Whether a place on the grid is where the grid is meant for, and some way around."""
    return all(low <= number <= high for number, (low, high) in zip(place, _FRANCE, strict=True))


def scale_factor(latitude: float) -> float:
    """Metres on the grid to a metre on the ellipsoid, at a latitude in degrees: below 1 from 44° to 49° north."""
    phi = radians(latitude)
    return _N * _C * exp(-_N * _isometric(phi)) / (_A * _parallel(phi))


def ground_length(line: Sequence[Point]) -> Length:
    """Metres on the ground along a line on the grid: each step divided by the scale factor at its middle."""
    metres = 0.0
    for (ax, ay), (bx, by) in pairwise(line):
        step = hypot(bx - ax, by - ay)
        if step:
            metres += step / scale_factor(from_grid((ax + bx) / 2, (ay + by) / 2)[1])
    return Length(metres)
