"""Chains told on random plants: reversed from their other end, the same from wherever one asks."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_support import plant_of
from random_plants import random_network

from sdnctl.inventory.itinerary import Itinerary, Leg, itinerary
from sdnctl.inventory.optics import chain_loss
from sdnctl.inventory.plant import PortEnd
from sdnctl.inventory.tracing import trace


def said(leg: Leg, backwards: bool = False) -> tuple[object, ...]:
    """A leg without its distance from the start, as it is told from the other end if `backwards`."""
    ends, places, sheath = (leg.enter, leg.leave), leg.places, leg.sheath
    if backwards:
        ends, places, sheath = ends[::-1], places[::-1], sheath[::-1] if sheath else None
    return leg.kind, leg.via, ends, places, leg.length, leg.strand, leg.mark, sheath, leg.measured, leg.losses


def all_of(one: Itinerary, backwards: bool = False) -> list[tuple[object, ...]]:
    legs = one.legs[::-1] if backwards else one.legs
    return [said(leg, backwards) for leg in legs]


@given(st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_a_chain_reversed_is_the_chain_of_its_other_end(rng: random.Random) -> None:
    plant = plant_of(random_network(rng))
    for start in (end for end in plant.jumper_at if isinstance(end, PortEnd)):
        found = itinerary(plant, start)
        assert found.complete == isinstance(found.end, PortEnd)
        assert found.length == pytest.approx(trace(plant, start).length)
        for nm, span in zip(found.wavelengths, found.losses, strict=True):
            whole = chain_loss(plant, trace(plant, start), nm)
            assert span is not None
            assert (span.min, span.max) == pytest.approx((whole.min, whole.max))
        if not found.complete:
            continue
        back = itinerary(plant, found.end)
        assert all_of(back) == all_of(found, backwards=True)
        assert back.length == pytest.approx(found.length)


@given(st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_a_chain_is_the_same_from_wherever_one_asks(rng: random.Random) -> None:
    plant = plant_of(random_network(rng))
    for start in (end for end in plant.jumper_at if isinstance(end, PortEnd)):
        found = itinerary(plant, start)
        if not found.complete:
            continue
        for leg in found.legs:
            for end in (leg.enter, leg.leave):
                if isinstance(end, PortEnd):
                    continue
                again = itinerary(plant, end)
                assert all_of(again) in (all_of(found), all_of(found, backwards=True))
                assert again.complete
