"""Life cycles at a stated day, mid-span access, and strands that are implied by the type of their cable."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_support import documents, example_plant, plant_of, two_sites

from sdnctl.errors import UsageError
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.closures import Boxes
from sdnctl.inventory.cuts import Cutter, find_events
from sdnctl.inventory.days import on_day
from sdnctl.inventory.glass import numbers
from sdnctl.inventory.links import optical_links
from sdnctl.inventory.models import Status
from sdnctl.inventory.plant import OdfPosition, Plant, StrandEnd
from sdnctl.inventory.spare import bundles
from sdnctl.inventory.tracing import StepKind, trace
from sdnctl.usecases.glass import as_of, follow

Network = dict[str, Any]


# ── days ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "thing",
    [
        lambda n: n["cables"]["cables"][0],
        lambda n: n["odfs"]["odfs"][0],
        lambda n: n["equipment"]["switches"][1],
        lambda n: n["closures"]["closures"][0],
    ],
    ids=["cable", "frame", "switch", "closure"],
)
def test_only_glass_in_service_on_that_day_carries_traffic(thing: Callable[[Network], dict[str, Any]]) -> None:
    network = two_sites()
    network["closures"]["closures"] = [{"id": "k", "at": "k1", "splices": [{"a": "c/a:1-2", "b": "c/b:1-2"}]}]
    thing(network).update(valid_from="2025-01-01", valid_to="2026-12-31")
    plant = plant_of(network)
    usable = {day: optical_links(on_day(plant, day))[0][0].usable for day in map(date.fromisoformat, DAYS)}
    assert [usable[date.fromisoformat(day)] for day in DAYS] == [False, True, True, False]
    free = [sum(map(len, bundles(on_day(plant, date.fromisoformat(day))))) > 0 for day in DAYS]
    gone = "cables" if thing(network) is network["cables"]["cables"][0] else ""
    assert free == ([False, True, True, False] if gone else [True] * 4)


DAYS = ("2024-12-31", "2025-01-01", "2026-12-31", "2027-01-01")


def test_a_day_changes_statuses_and_nothing_else() -> None:
    plant = example_plant("small-plant")
    then = on_day(plant, date(2010, 1, 1))
    assert then.cables["c-ring"].life.status is Status.PLANNED
    assert then.cables["c-east"].life is plant.cables["c-east"].life
    assert then.cables["c-ring"].life.owner == "riverside-town"
    assert then.splice_runs == plant.splice_runs
    assert on_day(plant, date(2028, 1, 1)).cables["c-new"].life.status is Status.PLANNED  # until somebody built it
    assert on_day(plant, date(2020, 1, 1)).ducts["d-old"].life.status is Status.ABANDONED


def test_a_trace_names_what_is_dark_on_its_way() -> None:
    plant = example_plant("small-plant")
    (there, _) = follow(as_of(plant, "2010-01-01"), "sw-west:1")
    assert [fault.summary for fault in there.dark] == [
        "cable c-ring is not in service",
        "cable c-ring-2 is not in service",
    ]
    assert not follow(as_of(plant, None), "sw-west:1")[0].dark
    with pytest.raises(UsageError) as caught:
        as_of(plant, "31 May")
    assert caught.value.diagnostics[0].hint == "write it like 2026-05-31"


def test_dates_in_either_order_are_told() -> None:
    network = two_sites()
    network["cables"]["cables"][0].update(valid_from="2026-02-01", valid_to="2026-01-31")
    assert [one.code for one in build_plant(documents(network))[1].errors] == ["validity-reversed"]


# ── mid-span access ──────────────────────────────────────────────────────────────────────────────


def opened(tubes: str, strands: int = 144, count: int = 12, **closure: Any) -> Plant:
    network = two_sites()
    network["cable-types"]["cable_types"][0] |= {"strands": strands, "tubes": count}
    network["closures"]["closures"] = [{"id": "k", "at": "k1", "opened_tubes": [f"c:{tubes}"], **closure}]
    return plant_of(network)


@given(st.integers(1, 12), st.sets(st.integers(0, 11), max_size=4))
@settings(max_examples=25)
def test_opening_one_of_twelve_tubes_concerns_its_twelve_strands(tube: int, cut: set[int]) -> None:
    mine = range(12 * tube - 11, 12 * tube + 1)
    waiting = [mine[index] for index in sorted(cut)]
    plant = opened(str(tube), cut=[f"c:{strand}" for strand in waiting])
    damage = Cutter(plant).cut(find_events(plant, ("closure:k",)))
    assert set(numbers(damage.strands("c"))) == set(mine)
    box = Boxes(plant).held("k")
    (held,) = box.cables
    assert set(held.opened) == {tube}
    assert held.concerned == set(mine)
    assert plant.closures["k"].opened == {"c": frozenset(mine) - frozenset(waiting)}
    for strand in range(1, 145):
        whole = trace(plant, StrandEnd("c", strand, 0, "b"), backwards=True).steps[0]
        assert whole.kind is StepKind.STRAND
        assert (whole.length < 1000) == (
            strand in waiting
        )  # cut at k1, 80 m from a; the others have no event there


def test_a_tube_that_is_not_there_is_named() -> None:
    network = two_sites()
    network["closures"]["closures"] = [{"id": "k", "at": "k1", "opened_tubes": ["c:2"]}]
    (fault,) = build_plant(documents(network))[1].errors
    assert (fault.code, fault.summary) == ("tube-beyond-capacity", "cable c has 1 tube(s), not 2")


# ── strands are implied ──────────────────────────────────────────────────────────────────────────


def test_strands_cost_nothing_until_somebody_names_them() -> None:
    sizes = []
    for strands in (12, 2304):
        network = two_sites()
        network["cable-types"]["cable_types"][0]["strands"] = strands
        sizes.append(len(pickle.dumps(plant_of(network))))
    assert sizes[1] - sizes[0] < 200  # a number, and a mask or two


def test_positions_of_a_frame_are_found_in_runs() -> None:
    plant = example_plant("small-plant")
    assert len(plant.termination_runs) == 4
    assert str(plant.terminations[OdfPosition("odf-hub", 37)]) == "c-east/b:1"
