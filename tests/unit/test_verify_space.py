"""Cubes are sets: their algebra agrees with the algebra of the sets of frames they stand for."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from sdnctl.dataplane.values import VLAN_PRESENT, Match
from sdnctl.verify.index import Index
from sdnctl.verify.space import Cube, cube_of, describe, exactly, meet, minus, minus_all, overlap

SMALL = {"vlan_pcp": 3, "mpls_tc": 3}
FRAMES = [
    {"vlan_pcp": pcp, "mpls_tc": tc, "vlan_vid": vid}
    for pcp, tc, vid in product(range(8), range(8), (0, VLAN_PRESENT, VLAN_PRESENT | 1, VLAN_PRESENT | 6))
]


def inside(frame: dict[str, int], cube: Cube) -> bool:
    return all(frame[name] & mask == value for name, (value, mask) in cube.items())


def members(cubes: list[Cube]) -> set[int]:
    return {number for number, frame in enumerate(FRAMES) if any(inside(frame, cube) for cube in cubes)}


@st.composite
def cubes(draw: st.DrawFn) -> Cube:
    cube: dict[str, tuple[int, int]] = {}
    for name in SMALL:
        mask = draw(st.integers(0, 7))
        if mask:
            cube[name] = (draw(st.integers(0, 7)) & mask, mask)
    mask = draw(st.sampled_from([0, VLAN_PRESENT, 0x1FFF, VLAN_PRESENT | 7]))
    if mask:
        vid = draw(st.sampled_from([0, VLAN_PRESENT, VLAN_PRESENT | 1, VLAN_PRESENT | 6]))
        cube["vlan_vid"] = (vid & mask, 0x1FFF if not vid & VLAN_PRESENT else mask)
    return cube


@given(cubes(), cubes())
def test_meet_is_intersection_and_minus_is_difference(a: Cube, b: Cube) -> None:
    both = meet(a, b)
    assert members([both] if both is not None else []) == members([a]) & members([b])
    pieces = minus(a, b)
    assert members(pieces) == members([a]) - members([b])
    for index, piece in enumerate(pieces):
        for other in pieces[:index]:
            assert meet(piece, other) is None, "the pieces of a difference are disjoint"


@given(st.lists(cubes(), max_size=4), st.lists(cubes(), max_size=4))
def test_unions(a: list[Cube], b: list[Cube]) -> None:
    assert members(minus_all(a, b)) == members(a) - members(b)
    common = overlap(a, b)
    assert (common is None) == (not members(a) & members(b))
    if common is not None:
        assert members([common]) <= members(a) & members(b)


@given(st.lists(cubes(), max_size=40), cubes())
def test_an_index_finds_everything_that_overlaps_in_order(table: list[Cube], cube: Cube) -> None:
    index = Index([(entry, number) for number, entry in enumerate(table)])
    found = [entry.item for entry in index.candidates(cube)]
    assert found == sorted(set(found))
    assert {number for number, entry in enumerate(table) if meet(entry, cube) is not None} <= set(found)


def test_an_index_of_exact_values_looks_at_one() -> None:
    index = Index([(exactly(in_port=port, ipv4_dst=port << 8), port) for port in range(1000)])
    assert [entry.item for entry in index.candidates(exactly(in_port=7))] == [7]
    assert len(index.candidates({})) == 1000


def test_an_untagged_frame_has_no_vlan_id() -> None:
    untagged: Cube = {"vlan_vid": (0, VLAN_PRESENT)}
    assert meet(untagged, {"vlan_vid": (5, 0xFFF)}) is None
    assert minus(untagged, exactly(vlan_vid=0)) == []
    assert minus({}, exactly(vlan_vid=0)) == [{"vlan_vid": (VLAN_PRESENT, VLAN_PRESENT)}]


def test_cubes_for_people() -> None:
    assert describe({}) == "any frame"
    cube = cube_of(Match.of(in_port=3, ipv4_dst=(0x0A000000, 0xFF000000)))
    assert describe(cube) == "in_port=0x3 ipv4_dst=0xa000000/0xff000000"
