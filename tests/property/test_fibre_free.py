"""Free strands on random plants: what is offered is free, whole and joined; where a way exists, one is found."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_support import LIFE, plant_of
from random_plants import STRANDS, random_network

from sdnctl.inventory.free import Free
from sdnctl.inventory.plant import Plant, StrandEnd
from sdnctl.inventory.spare import Bundle, bundles
from sdnctl.inventory.tracing import trace


def in_use(plant: Plant) -> set[tuple[str, int, int]]:
    """Passages of strands that something plugged in leads to: (cable, strand, passage)."""
    found: set[tuple[str, int, int]] = set()
    for start in plant.jumper_at:
        for backwards in (True, False):
            for step in trace(plant, start, backwards=backwards).steps:
                if isinstance(step.enter, StrandEnd) and isinstance(step.leave, StrandEnd) and step.length:
                    low, high = sorted((step.enter.place, step.leave.place))
                    found |= {(step.via, step.enter.strand, passage) for passage in range(low, high)}
    return found


def offered(bundle: Bundle) -> list[tuple[str, int, int]]:
    return [
        (piece.cable, strand, passage)
        for chain in bundle.chains
        for piece, strand in zip(bundle.pieces, chain, strict=True)
        for passage in range(*sorted((piece.first, piece.last)))
    ]


@given(st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_bundles_are_exactly_what_nothing_is_plugged_into(rng: random.Random) -> None:
    plant = plant_of(random_network(rng))
    times = Counter(passage for bundle in bundles(plant) for passage in offered(bundle))
    assert set(times.values()) <= {1}
    used = in_use(plant)
    every = {
        (cable.id, strand, passage)
        for cable in plant.cables.values()
        for strand in range(1, STRANDS + 1)
        for passage in range(len(cable.passages))
    }
    # Rings of glass lead nowhere: they are neither used nor offered.
    rings = every - used - set(times)
    assert set(times) & used == set()
    for cable, strand, passage in rings:
        start = StrandEnd(cable, strand, _piece(plant, cable, strand, passage), "b")
        assert trace(plant, start, backwards=True).broken is not None


def _piece(plant: Plant, cable: str, strand: int, passage: int) -> int:
    """The place number where the glass over a passage begins."""
    return max(place for place in (0, *plant.cuts.get((cable, strand), ())) if place <= passage)


@given(st.randoms(use_true_random=False), st.integers(1, 3))
@settings(max_examples=30)
def test_routes_are_free_whole_and_joined(rng: random.Random, count: int) -> None:
    plant = plant_of(random_network(rng))
    free, used = Free(plant), in_use(plant)
    places = sorted({*plant.sites, *plant.chambers})
    a, b = rng.sample(places, 2)
    found = free.routes(a, b, count)
    for route in found:
        assert (route.taken[0].a, route.taken[-1].b) == (a, b)
        for one, two in pairwise(route.taken):
            assert one.b == two.a
        for part in route.taken:
            cable = plant.cables[part.cable]
            low, high = sorted((cable.places.index(part.a), cable.places.index(part.b)))
            assert len(set(part.strands)) == count
            assert not {(part.cable, strand, n) for strand in part.strands for n in range(low, high)} & used
            assert part.metres == pytest.approx((cable.marks[high] - cable.marks[low]) * 1.02)
            left = min(free.left[part.cable][n] for n in range(low, high))
            assert part.reserve == left - count >= 0
        span = route.losses[free_wavelength(route.losses)]
        glass = route.metres / 1000
        assert span.min == pytest.approx(glass * 0.342)
        joints = sum(work.count for work in route.works if work.kind == "splice") / count
        assert span.max >= glass * 0.35 + joints * 0.2 - 1e-9
    losses = [route.losses[free_wavelength(route.losses)].max for route in found]
    assert all(losses[0] <= other + 1e-9 for other in losses)


def free_wavelength(losses: object) -> int:
    return min(losses)  # type: ignore[call-overload, no-any-return]


@given(st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_as_many_as_are_told_are_found_and_no_more(rng: random.Random) -> None:
    """Strands on frames and open ones together; nothing is taken twice, and only what is loose gets a pigtail."""
    plant = plant_of(with_a_street(random_network(rng), rng))
    free = Free(plant)
    assert free.most("yard", "zoo") == STRANDS
    for a, b in pairwise(sorted(plant.sites)):
        most = free.most(a, b)
        assert free.routes(a, b, most + 1, 1) == ()
        if not most:
            continue
        (best,) = free.routes(a, b, most, 1)
        for part in best.taken:
            assert len(set(part.strands)) == most
            assert part.reserve >= 0
        if (a, b) == ("yard", "zoo"):
            pigtails = {work.place: work.count for work in best.works if work.kind == "pigtail"}
            for place, loose in _loose(plant, "c-street", best.taken[0].strands).items():
                assert pigtails.get(place, 0) == (loose if loose < STRANDS or place in free._framed else 0)


def with_a_street(network: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """A cable between two sites of its own, of which each has some strands on a frame."""
    network["sites"]["sites"] += [
        {"id": name, "position": at} for name, at in (("yard", (5.0, 44.0)), ("zoo", (5.01, 44.0)))
    ]
    street = {"id": "street", "a": "yard", "b": "zoo", "coordinates": [(5.0, 44.0), (5.01, 44.0)], **LIFE}
    network["segments"].append(street)
    kind = network["cables"]["cables"][0]["type"]
    network["cables"]["cables"].append(
        {"id": "c-street", "type": kind, "a": "yard", "b": "zoo", "route": ["street"]}
    )
    for site in ("yard", "zoo"):
        framed = sorted(rng.sample(range(1, STRANDS + 1), rng.randint(0, STRANDS)))
        terminations = [{"positions": n, "strands": f"c-street:{n}"} for n in framed]
        network["odfs"]["odfs"].append(
            {"id": f"odf-{site}", "site": site, "positions": 40, "terminations": terminations}
        )
    return network


def _loose(plant: Plant, name: str, strands: tuple[int, ...]) -> dict[str, int]:
    """Place at either end of a cable → how many of these strands are on no frame there."""
    cable, loose = plant.cables[name], dict[str, int]()
    for place, side in ((0, "b"), (len(cable.places) - 1, "a")):
        at = [StrandEnd(name, strand, place, side) for strand in strands]  # type: ignore[arg-type]
        loose[cable.places[place]] = sum(end not in plant.position_at for end in at)
    return loose


@given(st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_where_a_way_exists_one_is_found(rng: random.Random) -> None:
    plant = plant_of(random_network(rng))
    free = Free(plant)
    boxes = {closure.at for closure in plant.closures.values()} | set(plant.sites)
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from((*plant.sites, *plant.chambers))
    for bundle in free.bundles:
        stops: list[str] = []
        for piece in bundle.pieces:
            step = 1 if piece.last > piece.first else -1
            stops += (
                plant.cables[piece.cable].places[piece.first : piece.last + step : step]
                if (piece.last + step >= 0)
                else plant.cables[piece.cable].places[piece.first :: -1]
            )
        doors = [stop for n, stop in enumerate(stops) if stop in boxes or n in (0, len(stops) - 1)]
        graph.add_edges_from(pairwise(doors))
    for a in plant.sites:
        for b in plant.sites:
            if a < b:
                assert bool(free.routes(a, b, 1, 1)) == nx.has_path(graph, a, b)
