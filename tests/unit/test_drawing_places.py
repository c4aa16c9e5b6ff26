"""Where things are drawn: guesses for what has no position, room for many at one place, labels that keep apart."""

from __future__ import annotations

import io
from itertools import combinations
from math import dist

import pytest
from fontTools.ttLib import TTFont
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from sdnctl.drawing import assets, metrics
from sdnctl.drawing.canvas import thinned
from sdnctl.drawing.encode import decode_line, encode_line
from sdnctl.drawing.labels import Label, Labels
from sdnctl.drawing.places import arc, contains, extent, move, name_spots, site_positions, spread
from sdnctl.inventory.geometry import distance

points = st.tuples(st.floats(-179, 179), st.floats(-80, 80))


# ── positions ────────────────────────────────────────────────────────────────────────────────────


def test_given_positions_stay_and_gaps_are_filled_beside_neighbours() -> None:
    given_ = {"a": (4.3, 43.8), "b": (4.4, 43.8), "c": None, "d": None}
    found, meaningful = site_positions(given_, {"c": ["a"], "d": ["c"], "a": ["c"]})
    assert meaningful
    assert found["a"] == (4.3, 43.8)
    assert found["b"] == (4.4, 43.8)
    assert set(found) == set(given_)
    assert len(set(found.values())) == 4
    assert distance(found["c"], found["a"]) < 3_000 < distance(found["c"], found["b"])


def test_sites_that_nobody_knows_are_drawn_all_the_same() -> None:
    found, meaningful = site_positions({"a": (4.3, 43.8), "lonely": None}, {})
    assert meaningful
    assert found["lonely"] != found["a"]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_without_any_position_the_graph_is_laid_out(count: int) -> None:
    names = [f"s{number}" for number in range(count)]
    ring = {name: [names[index - 1]] for index, name in enumerate(names)} if count > 1 else {}
    found, meaningful = site_positions(dict.fromkeys(names), ring)
    assert not meaningful
    assert len(set(found.values())) == count
    assert found == site_positions(dict.fromkeys(names), ring)[0]


@given(point=points, metres=st.floats(1, 2_000), angle=st.floats(0, 6.28))
def test_moving_goes_as_far_as_it_says(point: tuple[float, float], metres: float, angle: float) -> None:
    # A sphere against the ellipsoid, and positions to six decimals.
    assert distance(point, move(point, metres, angle)) == pytest.approx(metres, rel=0.012, abs=0.4)


@given(count=st.integers(1, 60), big=st.booleans())
def test_things_at_one_place_come_apart(count: int, big: bool) -> None:
    home = (4.35, 43.83)
    found = spread({f"e{number:02}": home for number in range(count)}, 9.0, [home] if big else [])
    assert len(found) == count
    if count == 1 and not big:
        assert found["e00"] == home
    nearest = min((distance(a, b) for a, b in combinations(found.values(), 2)), default=99.0)
    assert nearest > 7.0
    if big:
        assert min(distance(home, at) for at in found.values()) > 14.0


def test_an_arc_joins_its_ends_and_bends_as_far_as_it_says() -> None:
    a, b = (4.30, 43.80), (4.40, 43.80)
    assert arc(a, b, 0) == (a, b)
    line = arc(a, b, 0.1)
    assert line[0] == a
    assert line[-1] == b
    off = max(distance(point, (point[0], 43.80)) for point in line)
    assert off == pytest.approx(0.1 * distance(a, b), rel=0.02)
    assert arc(a, b, -0.1)[6][1] < 43.80 < line[6][1]


def test_the_extent_is_the_longer_side() -> None:
    assert extent([]) == extent([(4.0, 43.0)]) == 0
    assert extent([(4.0, 43.0), (4.1, 43.0)]) == pytest.approx(distance((4.0, 43.0), (4.1, 43.0)), rel=0.005)


@pytest.mark.parametrize("turn", [1, -1])
def test_names_of_areas_go_where_the_area_is(turn: int) -> None:
    """A horseshoe's middle is outside of it: the further places are all inside."""
    horseshoe = ((0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3))[::turn]
    small = ((9.0, 9.0), (9.1, 9.0), (9.1, 9.1))
    first, *others = name_spots([small, horseshoe])
    assert first == pytest.approx((1.5, 1.357), abs=0.01)
    assert len(others) >= 5
    shape = Polygon(horseshoe)
    assert all(shape.contains(Point(*spot)) for spot in others)
    assert name_spots([((0, 0), (1, 1), (0, 0))]) == ((0, 0),)


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=3, max_size=12, unique=True),
    st.integers(0, 9),
)
def test_inside_is_what_a_geometry_library_says(ring: list[tuple[int, int]], seed: int) -> None:
    shape = Polygon(ring)
    assume(shape.is_valid)
    point = ((seed * 7.31 + 0.123) % 20, (seed * 3.77 + 0.456) % 20)
    assert contains(tuple((float(x), float(y)) for x, y in ring), point) == shape.contains(Point(*point))


# ── lines ────────────────────────────────────────────────────────────────────────────────────────


@given(st.lists(points, min_size=1, max_size=40))
def test_lines_survive_their_coding(line: list[tuple[float, float]]) -> None:
    back = decode_line(encode_line(line))
    assert len(back) == len(line)
    assert all(dist(a, b) < 1e-6 for a, b in zip(line, back, strict=True))


@given(st.lists(st.tuples(st.floats(0, 400), st.floats(0, 300)), min_size=1, max_size=60))
def test_thinning_keeps_the_ends_and_moves_nothing_far(line: list[tuple[float, float]]) -> None:
    thin = thinned(line)
    assert thin[0] == line[0]
    assert thin[-1] == line[-1]
    assert set(thin) <= set(line)
    assert all(min(abs(x - u) + abs(y - v) for u, v in thin) < 0.12 for x, y in line)


# ── text ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("face", assets.FACES)
def test_advances_are_those_of_the_font(face: str) -> None:
    """Against fontTools, which reads fonts for a living."""
    content = assets.resource("vendor", "barlow", f"BarlowSemiCondensed-{face}.ttf").read_bytes()
    font = TTFont(io.BytesIO(content))
    units = font["head"].unitsPerEm
    expected = {chr(code): font["hmtx"][glyph][0] / units for code, glyph in font.getBestCmap().items()}
    assert metrics.read_advances(content) == expected
    assert {"é", "ç", "Œ", "Ł", "–", "\u00a0", "µ"} <= expected.keys()


def test_text_is_as_wide_as_its_letters_and_wraps_where_it_must() -> None:
    assert metrics.width("AB", 10) == pytest.approx(metrics.width("A", 10) + metrics.width("B", 10))
    assert metrics.width("AB", 10, spacing=1) == pytest.approx(metrics.width("AB", 10) + 2)
    assert metrics.width("漢", 10) == 10 * metrics.UNKNOWN
    lines = metrics.wrap("one two three four five six seven", 3, 20)
    assert " ".join(lines) == "one two three four five six seven"
    assert len(lines) > 1
    assert all(metrics.width(line, 3) <= 20 for line in lines)
    assert metrics.wrap("incomprehensibilities", 3, 5) == ["incomprehensibilities"]


def test_a_font_without_its_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="head"):
        metrics.read_advances(b"\0\1\0\0\0\0" + b"\0" * 6)


@given(
    st.lists(
        st.tuples(st.floats(-10, 110), st.floats(-10, 110), st.sampled_from(["Nîmes", "Poulx", "A"])), max_size=40
    )
)
def test_labels_never_meet_and_stay_inside(wanted: list[tuple[float, float, str]]) -> None:
    frame = (0.0, 0.0, 100.0, 100.0)
    labels = Labels(frame)
    kept_free = (40.0, 40.0, 60.0, 60.0)
    labels.take(kept_free)
    made = [
        Label((x, y), text, 3.0, "#000", gap=1.0 if index % 2 else None)
        for index, (x, y, text) in enumerate(wanted)
    ]
    placed = labels.place(made)
    boxes = [kept_free]
    for text in placed:
        (x, y), wide = text.at, metrics.width(text.text, text.size)
        box = (x, y - 2.0, x + wide, y + 0.5)
        assert min(box) >= 0
        assert max(box) <= 100
        assert not any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in boxes)
        boxes.append(box)


def test_a_label_with_room_stands_where_it_is_best() -> None:
    labels = Labels((0, 0, 100, 100))
    beside, over = labels.place(
        [Label((50, 50), "right", 3, "#000", gap=1.0), Label((50, 20), "middle", 3, "#000")]
    )
    assert beside.at[0] == 51.0
    assert over.at[0] == pytest.approx(50 - metrics.width("middle", 3) / 2)
