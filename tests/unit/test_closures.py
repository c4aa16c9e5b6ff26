"""What a closure holds: the state of every strand, open tubes, cassettes, and whose a cable is."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from inventory_support import LIFE, example_plant, plant_of

from sdnctl.inventory.closures import Boxes, Held, State
from sdnctl.inventory.plant import Plant, StrandEnd


def ringed(closures: list[dict[str, Any]], **more: Any) -> Plant:
    """A cable of 144 strands from a by m to b, and one of 24 from m to a mill."""
    places = {"a": (4.0, 44.0), "m": (4.01, 44.0), "b": (4.02, 44.0), "mill": (4.01, 44.01)}
    segments = [("s1", "a", "m"), ("s2", "m", "b"), ("s3", "m", "mill")]
    network = {
        "sites": {"defaults": LIFE, "sites": [{"id": name, "position": at} for name, at in places.items()]},
        "segments": [
            {"id": key, "a": a, "b": b, "coordinates": [places[a], places[b]], **LIFE} for key, a, b in segments
        ],
        "cable-types": {
            "cable_types": [
                {"id": "t144", "strands": 144, "tubes": 12, "helix": "1 %"},
                {"id": "t24", "strands": 24, "tubes": 2, "helix": "1 %"},
            ]
        },
        "cables": {
            "defaults": LIFE,
            "cables": [
                {"id": "ring", "type": "t144", "a": "a", "b": "b", "route": ["s1", "s2"]},
                {"id": "tap", "type": "t24", "a": "m", "b": "mill", "route": ["s3"]},
            ],
        },
        "closures": {"defaults": LIFE, "closures": closures},
        **more,
    }
    return plant_of(network)


@cache
def small() -> Boxes:
    return Boxes(example_plant("small"))


def held(closure: dict[str, Any], **more: Any) -> Held:
    return Boxes(ringed([{"id": "k", "at": "m", **closure}], **more)).held("k")


def test_one_open_tube_of_twelve_concerns_twelve_strands_and_no_other() -> None:
    found = held({"opened_tubes": ["ring:5"]}).cable("ring")
    assert found.opened == {5}
    assert found.concerned == frozenset(range(49, 61))
    assert len(found.concerned) == 12
    assert set(found.states) == {State.UNCUT}
    assert 144 - len(found.concerned) == 132


def test_cutting_one_strand_opens_its_tube_and_leaves_the_others_uncut() -> None:
    found = held({"splices": [{"a": "ring/a:50", "b": "tap:1"}]})
    ring = found.cable("ring")
    assert ring.opened == {5}
    assert len(ring.concerned) == 12
    assert ring.strands(State.SPLICED) == (50,)
    assert len(ring.strands(State.UNCUT)) == 143
    # no end of the 132 in closed tubes, and none of the eleven beside the one that is cut
    assert {end.strand for end in found.ends if end.cable == "ring"} == {50}


def test_each_end_of_a_cut_strand_has_a_state_of_its_own() -> None:
    found = held({"splices": [{"a": "ring/a:50", "b": "tap:1"}], "cut": ["ring:51"]})
    place = found.cable("ring").place
    assert found.ends[StrandEnd("ring", 50, place, "a")].state is State.SPLICED
    assert found.ends[StrandEnd("ring", 50, place, "b")].state is State.WAITING
    assert found.cable("ring").strands(State.WAITING) == (51,)
    assert [(one.id, side, strands) for one, side, strands in found.waiting()] == [
        ("ring", "a", (51,)),
        ("ring", "b", (50, 51)),
        ("tap", "b", tuple(range(2, 25))),
    ]


def test_strands_on_a_frame_and_with_a_plug_are_connectorised() -> None:
    odfs = [{"id": "f", "site": "m", "positions": 12, "terminations": [{"positions": "3", "strands": "tap:2"}]}]
    jumpers = [{"a": "tap:3", "b": "f:4"}]
    found = held(
        {"splices": [{"a": "ring/a:1", "b": "tap:1"}]},
        odfs={"defaults": LIFE, "odfs": odfs},
        equipment={"defaults": LIFE, "jumpers": jumpers},
    )
    assert found.cable("tap").strands(State.CONNECTORISED) == (2, 3)
    end = found.ends[StrandEnd("tap", 2, 0, "b")]
    assert str(end.other) == "f:3"


def test_a_cable_that_no_box_names_is_in_the_first_of_its_place() -> None:
    plant = ringed([{"id": "k2", "at": "m", "opened": ["ring:1"]}, {"id": "k1", "at": "m"}])
    boxes = Boxes(plant)
    assert {one.id for one in boxes.held("k1").cables} == {"tap"}
    assert {one.id for one in boxes.held("k2").cables} == {"ring"}


def test_a_cable_on_a_frame_is_in_no_box_that_does_not_name_it() -> None:
    odfs = [{"id": "f", "site": "m", "positions": 12, "terminations": [{"positions": "3", "strands": "tap:2"}]}]
    assert held({}, odfs={"defaults": LIFE, "odfs": odfs}).cables == ()


def test_tubes_stay_together_on_cassettes_of_twelve() -> None:
    splices = [{"a": "ring/a:1-2", "b": "tap:1-2"}, {"a": "ring/b:13-24", "b": "tap:13-24"}]
    found = held({"splices": splices}).cassettes
    assert {number: len(joints) for number, joints in found.items()} == {1: 2, 2: 12}
    assert [joint.slot for joint in found[2]] == list(range(1, 13))
    carrefour = small().held("k-carrefour").cassettes
    assert [len(joints) for joints in carrefour.values()] == [12] * 12
    assert all(len({joint.a.strand // 12.0001 for joint in joints}) == 1 for joints in carrefour.values())


def test_losses_and_lives_come_from_the_records() -> None:
    joint = small().held("k-moulin").joints[0]
    assert joint.loss == pytest.approx(0.05)
    assert joint.origin.file == "inventory/closures.yaml"
    assert str(joint.life.status) == "in-service"


def test_recorded_cassettes_stay_and_the_others_take_numbers_that_are_left() -> None:
    splices = [
        {"a": "ring/a:1-2", "b": "tap:1-2"},
        {"a": "ring/a:3", "b": "tap:3", "cassette": 1},
        {"a": "ring/a:13-14", "b": "tap:13-14", "cassette": 4},
        {"a": "ring/a:15", "b": "tap:15", "cassette": 1},
    ]
    found = held({"splices": splices}).cassettes
    told = {number: [(one.a.strand, one.slot, one.recorded) for one in joints] for number, joints in found.items()}
    assert told == {
        1: [(3, 1, True), (15, 2, True)],
        2: [(1, 1, False), (2, 2, False)],
        4: [(13, 1, True), (14, 2, True)],
    }
