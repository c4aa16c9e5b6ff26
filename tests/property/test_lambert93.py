"""Lambert-93 against PROJ, to the millimetre, and the scale of the grid."""

from __future__ import annotations

from math import cos, hypot, radians

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from sdnctl.inventory.lambert93 import from_grid, ground_length, scale_factor, to_grid

TO_GRID = Transformer.from_crs(4326, 2154, always_xy=True)
FROM_GRID = Transformer.from_crs(2154, 4326, always_xy=True)
MILLIMETRE = 1e-3
metropolitan = st.tuples(st.floats(-5.2, 9.7), st.floats(41.3, 51.2))


@settings(max_examples=50)
@given(metropolitan)
def test_degrees_to_metres_as_proj_to_the_millimetre(point: tuple[float, float]) -> None:
    (x, y), (px, py) = to_grid(*point), TO_GRID.transform(*point)
    assert hypot(x - px, y - py) < MILLIMETRE / 1000


@settings(max_examples=50)
@given(metropolitan)
def test_metres_to_degrees_as_proj_to_the_millimetre(point: tuple[float, float]) -> None:
    x, y = TO_GRID.transform(*point)
    (lon, lat), (plon, plat) = from_grid(x, y), FROM_GRID.transform(x, y)
    metres = 111_200 * hypot((lon - plon) * cos(radians(lat)), lat - plat)
    assert metres < MILLIMETRE / 1000


@settings(max_examples=50)
@given(metropolitan)
def test_there_and_back_is_the_same_point(point: tuple[float, float]) -> None:
    lon, lat = from_grid(*to_grid(*point))
    assert abs(lon - point[0]) < 1e-11
    assert abs(lat - point[1]) < 1e-11


@pytest.mark.parametrize(
    ("place", "latitude", "centimetres"),
    [("Nîmes", 43.8367, 12.6), ("Saint-Gilles", 43.6767, 26.0), ("southern border", 43.547, 37.0)],
)
def test_a_kilometre_on_the_grid_is_too_long_in_the_south(place: str, latitude: float, centimetres: float) -> None:
    assert (scale_factor(latitude) - 1) * 100_000 == pytest.approx(centimetres, abs=0.5), place
    x, y = to_grid(4.36, latitude)
    grid = [(x + step * 100.0, y) for step in range(11)]
    assert (1000 - ground_length(grid)) * 100 == pytest.approx(centimetres, abs=0.5)


@settings(max_examples=50)
@given(metropolitan, st.floats(-4000, 4000), st.floats(-4000, 4000))
def test_lengths_on_the_ground_are_those_of_the_geodesic(
    point: tuple[float, float], east: float, north: float
) -> None:
    x, y = to_grid(*point)
    a, b = FROM_GRID.transform(x, y), FROM_GRID.transform(x + east, y + north)
    expected = Geod(ellps="GRS80").inv(*a, *b)[2]
    assert ground_length([(x, y), (x + east, y + north)]) == pytest.approx(expected, rel=2e-7, abs=1e-6)


def test_a_pole_is_not_on_the_grid() -> None:
    with pytest.raises(ValueError, match="not a latitude"):
        to_grid(3.0, 90.0)
