"""Cuts on random plants against brute force: take the thing out of the glass as written, see who still meets."""

from __future__ import annotations

import random
from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_support import plant_of
from written_plants import Written, network_with_ducts

from sdnctl.inventory.cuts import Cutter, find_events
from sdnctl.inventory.links import OpticalLink
from sdnctl.inventory.places import sheath_span
from sdnctl.inventory.plant import Plant, PortEnd
from sdnctl.inventory.tracing import trace
from sdnctl.inventory.uses import Uses
from sdnctl.units import Delay, Length


def pairs(plant: Plant) -> list[OpticalLink]:
    """Every two ends of ports that face each other, as if they were links."""
    found = []
    for start in (end for end in plant.jumper_at if isinstance(end, PortEnd)):
        there = trace(plant, start)
        if isinstance(there.end, PortEnd) and start < there.end:
            origin = plant.switches[start.switch].origin
            back = there.reversed()
            found.append(OpticalLink(start, there.end, there, back, Length(0.0), Delay(0.0), None, (), (), origin))
    return found


def events_of(plant: Plant, rng: random.Random) -> list[str]:
    found = [f"segment:{name}" for name in plant.segments]
    found += [f"duct:{name}" for name in plant.ducts]
    found += [f"cable:{name}" for name in plant.cables]
    found += [f"chamber:{name}" for name in plant.chambers]
    found += [f"site:{name}" for name in plant.sites]
    found += [f"closure:{name}" for name in plant.closures]
    for cable in plant.cables.values():
        low, high = sheath_span(cable, rng.randrange(len(cable.passages)))
        found.append(f"cable:{cable.id}@{rng.uniform(low + 1, high - 1):.1f}m")
    return found


@given(st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_a_cut_is_what_brute_force_finds(rng: random.Random) -> None:
    network = network_with_ducts(rng)
    plant = plant_of(network)
    written = Written(network, plant)
    links = pairs(plant)
    uses, cutter = Uses(plant, links), Cutter(plant)
    for event in events_of(plant, rng):
        damage = cutter.cut(find_events(plant, (event,)))
        island = {
            node: number
            for number, part in enumerate(nx.connected_components(written.without(event)))
            for node in part
        }
        apart = {number for number, link in enumerate(links) if island.get(link.a, -1) != island.get(link.b, -2)}
        assert uses.met(damage.spots, damage.dead).users == apart, event


@given(st.randoms(use_true_random=False), st.integers(2, 4))
@settings(max_examples=25)
def test_several_cuts_are_the_union_of_each(rng: random.Random, count: int) -> None:
    plant = plant_of(network_with_ducts(rng))
    uses, cutter = Uses(plant, pairs(plant)), Cutter(plant)
    chosen = rng.sample(events_of(plant, rng), count)
    together = cutter.cut(find_events(plant, chosen))
    met = uses.met(together.spots, together.dead).users
    alone = [cutter.cut(find_events(plant, (one,))) for one in chosen]
    assert met == frozenset().union(*(uses.met(one.spots, one.dead).users for one in alone))
    for cable in plant.cables:
        strands = 0
        for one in alone:
            strands |= one.strands(cable)
        assert together.strands(cable) == strands


@given(st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_a_segment_takes_its_ducts_and_a_polygon_its_segments(rng: random.Random) -> None:
    plant = plant_of(network_with_ducts(rng))
    cutter = Cutter(plant)
    for number, segment in enumerate(plant.segments):
        dug = cutter.cut(find_events(plant, (f"segment:{segment}",)))
        in_ducts = cutter.cut(find_events(plant, [f"duct:{one}" for one in dug.hit["duct"]]))
        direct = {
            cable.id
            for cable in plant.cables.values()
            for p in cable.passages
            if p.segment == segment and p.duct is None
        }
        assert set(dug.wounds) - direct <= set(in_ducts.wounds)
        middle = 4.0 + number * 0.01 + 0.005
        box = [(middle - 0.001, 43.9), (middle + 0.001, 43.9), (middle + 0.001, 44.1), (middle - 0.001, 44.1)]
        drawn = cutter.cut((), [box])
        assert {cable: {w.at for w in wounds} for cable, wounds in drawn.wounds.items()} == {
            cable: {w.at for w in wounds} for cable, wounds in dug.wounds.items()
        }


@given(st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_a_metre_of_a_segment_is_a_metre_of_each_cable(rng: random.Random) -> None:
    plant = plant_of(network_with_ducts(rng))
    cutter = Cutter(plant)
    for key, segment in plant.segments.items():
        along = rng.uniform(0, segment.length)
        damage = cutter.cut(find_events(plant, (f"segment:{key}@{along:.2f} m",)))
        (point,) = damage.points.values()
        (ax, _), (bx, _) = segment.line
        assert (point[0] - ax) / (bx - ax) == pytest.approx(along / segment.length, abs=1e-4)
        for name, wounds in damage.wounds.items():
            cable = plant.cables[name]
            for wound in wounds:
                low, high = sheath_span(cable, wound.at // 2)
                share = along / segment.length
                if cable.places[wound.at // 2] != segment.a:
                    share = 1 - share
                assert wound.mark == pytest.approx(low + share * (high - low), abs=0.01)
    for cable in plant.cables.values():
        marks = [mark for number in range(len(cable.passages)) for mark in sheath_span(cable, number)]
        assert marks == sorted(marks)
        loops = sum(cable.slack.values())
        spanned = sum(high - low for low, high in pairwise(marks)) - (marks[-1] - marks[0])
        assert spanned == pytest.approx(0)
        assert marks[0] == pytest.approx(cable.slack.get(cable.a, 0.0))
        assert sum(b - a for a, b in zip(marks[::2], marks[1::2], strict=True)) == pytest.approx(
            cable.sheath - loops
        )
