"""Free strands and wavelengths on known plants: works place by place, diversity, what there is not."""

from __future__ import annotations

from typing import Any

import pytest
from inventory_support import LIFE, example_plant, plant_of, two_sites

from sdnctl.errors import InputError
from sdnctl.inventory.plant import Plant
from sdnctl.usecases.glass import find_route, free_glass, named_links


@pytest.fixture(scope="module")
def small() -> Plant:
    return example_plant("small")


def works(found: Any) -> list[tuple[str, str, int]]:
    return [(work.kind, work.place, work.count) for work in found.works]


def test_framed_strands_need_no_work(small: Plant) -> None:
    found = free_glass(small, "datacentre", "odf-south", 4)
    best = found.routes[0]
    assert [(one.cable, one.strands, one.reserve) for one in best.taken] == [("c-dc-south", (3, 4, 5, 6), 66)]
    assert best.works == ()
    assert best.losses[1310].max == pytest.approx(3.45 * 0.35 + 1.0, abs=0.01)  # type: ignore[index]
    assert "10g-lr" in best.closes


def test_strands_passing_a_closure_are_cut_there(small: Plant) -> None:
    spliced = free_glass(small, "mill", "exchange", 2).routes[0]  # strands 13 and 14 lead to the mill already
    assert works(spliced) == [("splice", "south", 2), ("pigtail", "exchange", 2)]
    assert spliced.splices == 4
    more = free_glass(small, "mill", "exchange", 4).routes[0]
    assert works(more)[:2] == [("cut", "fc-moulin", 4), ("splice", "fc-moulin", 4)]
    assert more.works[1].box == "k-moulin"


def test_a_diverse_route_stays_away(small: Plant) -> None:
    away = find_route(small, "core-a--pop-south", named_links(small), {})
    found = free_glass(small, "datacentre", "south", 2, most=1, away=away)
    assert [one.cable for one in found.routes[0].taken] == ["c-dc-west", "c-south-west"]
    assert not found.against[0].counting
    assert not any(found.against[0].verdicts.values())


def test_used_faulty_and_planned_glass_is_not_offered() -> None:
    network = two_sites()
    network["cables"]["cables"][0]["faults"] = [{"strands": "5-12", "at": "100 m"}]
    plant = plant_of(network)
    (route,) = free_glass(plant, "a", "b", 2).routes
    assert (route.taken[0].strands, route.taken[0].reserve) == ((3, 4), 0)  # 1 and 2 carry the link
    network["cables"]["cables"][0]["status"] = "planned"
    with pytest.raises(InputError) as caught:
        free_glass(plant_of(network), "a", "b", 1)
    assert caught.value.diagnostics[0].code == "no-free-glass"


def test_wavelengths_between_muxes_are_offered() -> None:
    network = two_sites()
    mux = {"kind": "mux", "loss": {"min": "1 dB", "max": "2 dB"}, "channels": {"c1": "1530 nm", "c2": "1550 nm"}}
    network["passives"] = {"defaults": LIFE, "passives": [{"id": f"mux-{s}", "site": s, **mux} for s in "ab"]}
    network["equipment"]["jumpers"] = [{"a": f"odf-{s}:5", "b": f"mux-{s}/com"} for s in "ab"]
    found = free_glass(plant_of(network), "a", "b", 12)
    assert found.routes == ()
    assert [(one.wavelength, str(one.a), str(one.b)) for one in found.channels] == [
        (1530, "mux-a/c1", "mux-b/c1"),
        (1550, "mux-a/c2", "mux-b/c2"),
    ]


@pytest.mark.parametrize(
    ("a", "b", "codes"),
    [
        ("nort", "wst", ["no-such-thing"] * 2),
        ("north", "odf-north", ["same-place"]),
        ("estel", "mill", ["no-free-glass"]),
    ],
)
def test_what_there_is_not(small: Plant, a: str, b: str, codes: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        free_glass(small, a, b, 80)
    assert [item.code for item in caught.value.diagnostics] == codes


@pytest.mark.parametrize(
    ("count", "first", "pigtails"),
    [(10, 3, 0), (11, 3, 1), (60, 3, 50), (70, 3, 60)],
    ids=["all on frames", "one is not", "most are not", "all that are free"],
)
def test_strands_on_frames_and_open_ones_make_up_the_number(
    small: Plant, count: int, first: int, pigtails: int
) -> None:
    """Of the 72 strands, 2 are lit, 10 are free on the frames of both sites, and 60 end open."""
    best = free_glass(small, "datacentre", "south", count, most=1).routes[0]
    (taken,) = best.taken
    assert taken.strands == tuple(range(first, first + count))
    assert taken.reserve == 70 - count
    wanted = [("pigtail", place, pigtails) for place in ("datacentre", "south")]
    assert works(best) == (wanted if pigtails else [])
    assert best.losses[1310].max == pytest.approx(3.45 * 0.35 + 1.0, abs=0.01)  # type: ignore[index]


def test_more_than_there_are_says_how_many_there_are(small: Plant) -> None:
    with pytest.raises(InputError) as caught:
        free_glass(small, "datacentre", "south", 71)
    (said,) = caught.value.diagnostics
    assert said.code == "no-free-glass"
    assert "Ask for 70 or fewer" in said.hint
    with pytest.raises(InputError) as caught:
        free_glass(small, "estel", "mill", 1000)
    assert "or fewer" in caught.value.diagnostics[0].hint


def test_wavelengths_do_not_hide_that_strands_are_missing() -> None:
    found = free_glass(example_plant("small-plant"), "west", "hub", 1000)
    assert found.routes == ()
    assert found.channels
    assert [one.code for one in found.notes] == ["no-free-glass"]
