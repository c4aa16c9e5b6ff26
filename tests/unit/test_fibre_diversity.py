"""Diversity of routes: the traps of the small example, against the topology's shared risks, and symmetry."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import pytest
from inventory_support import EXAMPLES

from sdnctl.errors import InputError
from sdnctl.inventory.diversity import Comparison, compare
from sdnctl.inventory.footprint import Footprint
from sdnctl.inventory.geometry import distance
from sdnctl.inventory.plant import Plant
from sdnctl.topology.graph import Topology
from sdnctl.usecases.asking import diversity
from sdnctl.usecases.context import Context
from sdnctl.usecases.glass import find_route, named_links


@pytest.fixture(scope="module")
def context() -> Context:
    return Context(EXAMPLES / "small")


@pytest.fixture(scope="module")
def plant(context: Context) -> Plant:
    return context.loaded.plant


@pytest.fixture(scope="module")
def routes(plant: Plant) -> Mapping[str, Footprint]:
    links = named_links(plant)
    return {name: find_route(plant, name, links, {}) for name in links}


def counted(found: Comparison) -> set[tuple[str, str]]:
    return {(item.kind, item.name) for item in found.counting}


def test_the_bridge_is_one_duct(context: Context) -> None:
    found = diversity(context, "core-a--pop-south", "core-b--pop-south")
    assert counted(found) == {
        ("duct", "du-pont-vieux"),
        ("segment", "s-pont-n-pont-s"),
        ("chamber", "ch-pont-n"),
        ("chamber", "ch-pont-s"),
    }
    bridge = next(item for item in found.shared if item.name == "du-pont-vieux")
    assert bridge.metres == pytest.approx(391, abs=1)
    assert "du-pont-vieux" in found.verdicts["local"]
    assert found.verdicts["none"] == ""
    assert found.closest is not None
    assert found.closest.metres == 0


def test_parallel_links_share_only_their_ends(context: Context) -> None:
    found = diversity(context, "core-a--core-b-1", "core-a--core-b-2")
    assert not found.counting
    assert not any(found.verdicts.values())
    assert {item.residual for item in found.shared} == {"datacentre", "exchange"}
    assert found.closest is not None
    assert found.closest.metres > 200


def test_an_only_entry_is_residual(context: Context) -> None:
    found = diversity(context, "cab-halles--core-a", "cab-halles--pop-west")
    assert not found.counting
    entry = next(item for item in found.shared if item.kind == "entry")
    assert (entry.name, entry.residual) == ("halles by ch-ha", "halles")
    assert entry.metres == pytest.approx(59, abs=1)


def test_a_feeder_of_a_common_end_is_its_own(context: Context) -> None:
    found = diversity(context, "core-a--pop-south,pop-south--pop-west", "core-a--pop-west")
    assert {item.residual for item in found.shared if item.kind == "feeder"} == {"datacentre", "west"}
    assert not found.counting
    apart = diversity(context, "core-a--pop-south", "com-estel--pop-west")
    assert ("feeder", "feeder-south") in counted(apart)


def test_a_longer_shared_way_counts(plant: Plant, routes: Mapping[str, Footprint]) -> None:
    one, two = routes["cab-halles--core-a"], routes["cab-halles--pop-west"]
    assert compare(plant, one, two, lead_in=50).counting  # type: ignore[arg-type]


def test_it_says_the_same_both_ways_round(plant: Plant, routes: Mapping[str, Footprint]) -> None:
    for a, b in combinations(routes.values(), 2):
        one, two = compare(plant, a, b), compare(plant, b, a)
        assert one.shared == two.shared
        assert one.verdicts == two.verdicts
        if one.closest is None or two.closest is None:
            assert one.closest is two.closest
        else:
            assert one.closest.metres == pytest.approx(two.closest.metres, abs=0.01)


def test_what_two_links_share_is_what_the_topology_says(context: Context, routes: Mapping[str, Footprint]) -> None:
    topology: Topology = context.loaded.network.topology
    kinds = {"segment", "duct", "cable", "chamber", "building", "zone"}
    for a, b in combinations(sorted(topology.links), 2):
        found = compare(context.loaded.plant, routes[a], routes[b])
        shared = {f"{item.kind}:{item.name}" for item in found.shared if item.kind in kinds}
        assert shared == {key for key in topology.risks[a] & topology.risks[b] if key.partition(":")[0] in kinds}


def test_a_route_shares_everything_with_itself(plant: Plant, routes: Mapping[str, Footprint]) -> None:
    for one in routes.values():
        found = compare(plant, one, one)
        assert found.metres == pytest.approx(one.metres)
        assert {item.name for item in found.shared if item.kind == "cable"} == set(one.cables)


def test_the_closest_approach_is_where_it_says(plant: Plant, routes: Mapping[str, Footprint]) -> None:
    for a, b in combinations(routes.values(), 2):
        found = compare(plant, a, b)
        if found.closest is None or found.closest.metres == 0 or a.ends & b.ends:
            continue
        corners = [point for name in b.segments for point in plant.segments[name].line]
        near = min(distance(found.closest.at, corner) for corner in corners)
        assert found.closest.metres <= near * 1.0005 + 1
        own = plant.segments[found.closest.things[0]].line
        assert (
            min(distance(found.closest.at, corner) for corner in own)
            <= plant.segments[found.closest.things[0]].length
        )


def test_trunks_are_compared_by_their_paths(context: Context) -> None:
    found = diversity(context, "pop-north>pop-south/disjoint#1", "pop-north>pop-south/disjoint#1!standby")
    assert not found.counting


@pytest.mark.parametrize("name", ["zz", "core-a--pop-soth", "c-milll", "a>b"])
def test_names_that_are_not_there(context: Context, name: str) -> None:
    with pytest.raises(InputError) as caught:
        diversity(context, name, "core-a--pop-south")
    assert caught.value.diagnostics[0].code == "no-such-thing"
