"""Areas on the ground: what is inside, what crosses, and which outlines are none, against a geometry library."""

from __future__ import annotations

import math
import re
import sys
from itertools import pairwise

import pytest
import shapely
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon

from sdnctl.inventory.geometry import Outline, Ring, distance, line_length, polygon_fault

Corner = tuple[float, float]
# a coarse grid makes corners on edges, lines along edges and touching corners likely
grid = st.tuples(st.integers(0, 8), st.integers(0, 8)).map(lambda at: (4.0 + at[0] / 64, 43.0 + at[1] / 64))
anywhere = st.tuples(st.floats(3.99, 4.14), st.floats(42.99, 43.14))
corners = grid | anywhere


@st.composite
def stars(draw: st.DrawFn) -> list[Corner]:
    """Simple outlines that are not convex: one distance from the middle for each direction."""
    count = draw(st.integers(3, 40))
    reach = draw(st.lists(st.floats(0.005, 0.06), min_size=count, max_size=count))
    turn = draw(st.sampled_from((1, -1)))
    ring = [
        (4.06 + far * math.cos(turn * math.tau * index / count), 43.06 + far * math.sin(math.tau * index / count))
        for index, far in enumerate(reach)
    ]
    return [*ring, ring[0]] if draw(st.booleans()) else ring


outlines = stars() | st.lists(grid, min_size=3, max_size=7)


@given(outlines, corners)
def test_points_are_in_the_area_or_on_its_edge(ring: list[Corner], at: Corner) -> None:
    area = Polygon(ring)
    assume(area.is_valid and area.area > 0)
    edge = area.exterior.distance(Point(at))
    found = Outline(ring).contains(at)
    if edge > 1e-12:
        assert found == area.contains(Point(at))
    elif edge == 0 and at in ring:
        assert found


@given(stars(), stars(), st.lists(corners, min_size=2, max_size=2))
@settings(max_examples=60)
def test_a_hole_is_outside(outer: list[Corner], inner: list[Corner], line: list[Corner]) -> None:
    """The hole is the second outline, drawn to a tenth of its size in the middle of the first."""
    hole = [(4.06 + (x - 4.06) / 13, 43.06 + (y - 43.06) / 13) for x, y in inner]
    area = Polygon(outer, [hole])
    assume(area.is_valid and all(a != b for a, b in pairwise(line)))
    ring = Ring(outer, [hole])
    assert not polygon_fault(ring)
    found = Outline(ring)
    for at in line:
        if area.boundary.distance(Point(at)) > 1e-12:
            assert found.contains(at) == area.contains(Point(at))
    drawn = area.intersection(LineString(line))
    parts = [list(part.coords) for part in getattr(drawn, "geoms", [drawn]) if isinstance(part, LineString)]
    wanted = sum(line_length(part) for part in parts if part)
    assert abs((found.inside(line) or 0.0) - wanted) <= 0.01 + 1e-4 * line_length(line)


@given(outlines, st.lists(corners, min_size=2, max_size=5))
@example([(4.0, 43.0), (4.1, 43.0), (4.1, 43.1), (4.0, 43.1)], [(4.0, 43.0), (4.1, 43.0)])  # along an edge
@example([(4.0, 43.0), (4.1, 43.0), (4.1, 43.1), (4.0, 43.1)], [(4.05, 43.1), (4.05, 43.2)])  # touches
def test_metres_inside_are_those_of_the_intersection(ring: list[Corner], line: list[Corner]) -> None:
    area = Polygon(ring)
    assume(area.is_valid and area.area > 0 and all(a != b for a, b in pairwise(line)))
    found = Outline(ring).inside(line)
    drawn = LineString(line)
    if area.distance(drawn) > 1e-12:
        assert found is None
        return
    if found is None:
        assert area.buffer(-1e-12).disjoint(drawn)
        return
    # each step apart: where a line runs over itself, a set of points would count it once
    wanted = 0.0
    for step in pairwise(line):
        part = area.intersection(LineString(step))
        for piece in getattr(part, "geoms", (part,)):
            if piece.geom_type == "LineString":
                wanted += line_length([(x, y) for x, y in piece.coords])
    # where a line runs along an edge, rounding decides whether it is inside
    along = sum(
        area.exterior.buffer(1e-9).intersection(LineString(step)).length * 111_200 for step in pairwise(line)
    )
    # a degree of longitude shortens to the north: over some kilometres a part is not quite its share of the whole
    assert abs(found - wanted) <= 0.01 + 1e-4 * line_length(line) + along


@given(outlines)
def test_outlines_that_are_none_are_found(ring: list[Corner]) -> None:
    area = Polygon(ring)
    fault = polygon_fault(ring)
    assert bool(fault) == (not area.is_valid or area.area == 0)
    told = re.search(r"\[(\S+) (\S+)\]", shapely.is_valid_reason(area))
    if told is not None and "corners" not in fault:
        assert fault.endswith(f", at {float(told[2]):.6f} N, {float(told[1]):.6f} E")


@pytest.mark.parametrize("count", [3, 500])
def test_ordinary_outlines_need_no_geometry_library(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = [
        (4 + math.cos(math.tau * index / count), 43 + math.sin(math.tau * index / count)) for index in range(count)
    ]
    monkeypatch.setitem(sys.modules, "shapely", None)
    monkeypatch.setitem(sys.modules, "shapely.geometry", None)
    assert polygon_fault(ring) == ""
    with pytest.raises(ImportError):
        polygon_fault([*ring, ring[1]])


def test_the_part_of_a_straight_line_inside() -> None:
    square = Outline([(4.0, 43.0), (4.02, 43.0), (4.02, 43.02), (4.0, 43.02)])
    assert square.inside([(3.99, 43.01), (4.03, 43.01)]) == pytest.approx(distance((4.0, 43.01), (4.02, 43.01)))
    assert square.inside([(4.005, 43.01), (4.01, 43.01)]) == pytest.approx(distance((4.005, 43.01), (4.01, 43.01)))
    assert square.inside([(3.98, 43.02), (4.0, 43.04)]) is None
    assert square.inside([(3.98, 43.0), (4.02, 43.04)]) == pytest.approx(0.0, abs=1e-6)
