"""Admission by ladder, trunks and their numbers, stability against the baseline, degraded networks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from paths_networks import CLASSES, GBIT, baseline, demand, network, pair, ring, srlg, topology

from sdnctl.compiler.ir import Baseline, Placement
from sdnctl.compiler.place import place
from sdnctl.compiler.protect import protect
from sdnctl.intents.demand import Grade
from sdnctl.topology.graph import Topology

NONE = Baseline()


def links(placed: Placement, name: str) -> tuple[str, ...]:
    key = next(key for key, names in placed.members.items() if name in names)
    return placed.paths[key][0].links


def codes(placed: Placement) -> dict[str, str]:
    return {item.address.rpartition(" ")[2]: item.code for item in placed.diagnostics}


def test_keys_say_what_matters_and_both_directions_have_the_same_number() -> None:
    demands = [
        *pair("x", "c", "a"),
        *pair("y", "a", "c"),
        *pair("late", "a", "c", latency=20_000.0, avoid=("l9", "b"), mtu=1400),
        *pair("own", "a", "c", Grade.NODE, exclusive=True),
    ]
    placed = place(network(topology(ring(4)), demands), NONE)
    assert placed.members == {
        "a>c/local#1": ("app/x-back", "app/y"),
        "c>a/local#1": ("app/x", "app/y-back"),
        "a>c/node,tenant=city#1": ("app/own",),
        "c>a/node,tenant=city#1": ("app/own-back",),
    }
    assert codes(placed) == {"app/late": "no-protected-path", "app/late-back": "no-protected-path"}
    special = pair("z", "a", "c", Grade.NONE, latency=500.0, avoid=("b",))
    assert place(network(topology(ring(4)), special), NONE).paths.keys() == {
        "a>c/none,latency=500us,avoid=b#1",
        "c>a/none,latency=500us,avoid=b#1",
    }
    assert placed.paths["c>a/local#1"][0] == placed.paths["a>c/local#1"][0].reversed()


def test_exclusive_demands_share_no_trunk_with_other_tenants() -> None:
    demands = [
        demand("one", "a", "c", tenant="city"),
        demand("two", "a", "c", tenant="water", exclusive=True),
        demand("three", "a", "c", tenant="police", exclusive=True),
        demand("four", "a", "c", tenant="police"),
    ]
    placed = place(network(topology(ring(4)), demands), NONE)
    assert sorted(placed.members.values()) == [("app/four", "app/one"), ("app/three",), ("app/two",)]


def test_demands_on_one_switch_need_no_trunk() -> None:
    placed = place(network(topology(ring(4)), pair("x", "a", "a", Grade.DISJOINT)), NONE)
    assert placed.local == ("app/x", "app/x-back")
    assert not placed.paths
    assert not placed.diagnostics


def test_a_second_trunk_takes_what_the_first_has_no_room_for() -> None:
    demands = [demand(f"d{index}", "a", "c", Grade.LOCAL, cir=400_000_000) for index in range(5)]
    placed = place(network(topology(ring(4)), demands), NONE)
    assert placed.members == {"a>c/local#1": ("app/d0", "app/d1"), "a>c/local#2": ("app/d2", "app/d3")}
    one, two = (placed.paths[key][0] for key in placed.members)
    assert set(one.links).isdisjoint(two.links)
    assert placed.refused == ("app/d4",)
    (found,) = placed.diagnostics
    assert found.code == "no-capacity"
    assert "200 Mbit/s left (video 800 Mbit/s)" in found.detail
    assert "no room for 400 Mbit/s between a and c" in found.summary


def test_directions_of_a_link_have_their_own_capacity() -> None:
    demands = [
        *pair("x", "a", "b", Grade.NONE, cir=900_000_000)[:1],
        replace(demand("y", "b", "a", Grade.NONE, cir=900_000_000)),
    ]
    placed = place(network(topology([("a", "b", 1.0)]), [replace(item, reverse="") for item in demands]), NONE)
    assert not placed.refused


def test_the_way_round_is_taken_against_the_full_direction_only() -> None:
    """Only b→a is full: a demand from a to c crosses l0 from a to b, one from c to a must go the other way."""
    full = demand("full", "b", "a", Grade.NONE, cir=GBIT, service_class="bollard")
    there = demand("there", "a", "c", Grade.NONE)
    back = demand("back", "c", "a", Grade.NONE)
    edges = [("a", "b", 1.0), ("b", "c", 1.0), ("a", "c", 9.0)]
    assert links(place(network(topology(edges), [full, there]), NONE), "app/there") == ("l0", "l1")
    assert links(place(network(topology(edges), [full, back]), NONE), "app/back") == ("l2",)
    both = [*pair("x", "a", "c", Grade.NONE), full]
    assert links(place(network(topology(edges), both), NONE), "app/x") == ("l2",)


def test_the_ladder_decides_who_is_refused_and_the_refusal_says_who_is_in_the_way() -> None:
    names = ["wifi", "school", "video", "bollard"]
    demands = [demand(name, "a", "b", Grade.NONE, cir=400_000_000, service_class=name) for name in names]
    placed = place(network(topology([("a", "b", 1.0)]), demands), NONE)
    assert placed.refused == ("app/school", "app/wifi")
    for item in placed.diagnostics:
        assert "bollard 400 Mbit/s, video 400 Mbit/s" in item.detail
        assert item.address.startswith("intent app demand app/")


def test_a_newcomer_of_a_higher_class_displaces_from_the_bottom_and_only_what_it_must() -> None:
    edges = [("a", "b", 1.0)]
    old = [
        demand("wifi", "a", "b", Grade.NONE, cir=300_000_000, service_class="wifi"),
        demand("school", "a", "b", Grade.NONE, cir=300_000_000, service_class="school"),
        demand("video", "a", "b", Grade.NONE, cir=300_000_000, service_class="video"),
    ]
    before = place(network(topology(edges), old), NONE)
    new = demand("bollard", "a", "b", Grade.NONE, cir=300_000_000, service_class="bollard")
    after = place(network(topology(edges), [*old, new]), baseline(before))
    assert after.refused == ("app/wifi",)
    (found,) = after.diagnostics
    assert "it gave way to bollard (app/bollard)" in found.detail
    assert after.members["a>b/none#1"] == ("app/bollard", "app/school", "app/video")


def test_a_newcomer_of_a_lower_class_displaces_nobody() -> None:
    edges = [("a", "b", 1.0)]
    old = [demand("video", "a", "b", Grade.NONE, cir=800_000_000)]
    before = place(network(topology(edges), old), NONE)
    new = demand("school", "a", "b", Grade.NONE, cir=800_000_000, service_class="school")
    same_class = demand("aa", "a", "b", Grade.NONE, cir=800_000_000)
    after = place(network(topology(edges), [new, same_class, *old]), baseline(before))
    assert after.members["a>b/none#1"] == ("app/video",)
    assert after.refused == ("app/aa", "app/school")


def test_what_is_displaced_moves_to_another_way_where_there_is_one() -> None:
    edges = [("a", "b", 1.0), ("a", "c", 5.0), ("c", "b", 5.0)]
    low = demand("low", "a", "b", Grade.NONE, cir=600_000_000, service_class="wifi")
    before = place(network(topology(edges), [low]), NONE)
    assert links(before, "app/low") == ("l0",)
    high = demand("high", "a", "b", Grade.NONE, cir=600_000_000, service_class="bollard", latency=3.0)
    after = place(network(topology(edges), [low, high]), baseline(before))
    assert links(after, "app/high") == ("l0",)
    assert links(after, "app/low") == ("l1", "l2")
    assert not after.refused


def test_excess_rates_count_where_classes_share_a_queue() -> None:
    demands = [demand(f"d{index}", "a", "b", Grade.NONE, cir=300_000_000, eir=400_000_000) for index in range(2)]
    net = network(topology([("a", "b", 1.0)]), demands)
    assert not place(net, NONE).refused
    shared = {name: replace(item, queue=1) if name == "wifi" else item for name, item in CLASSES.items()}
    assert shared["video"].queue == shared["wifi"].queue
    assert place(replace(net, classes=shared), NONE).refused == ("app/d1",)


def test_trunks_keep_paths_that_are_no_longer_the_best() -> None:
    slow = topology([("a", "b", 9.0), ("a", "c", 5.0), ("c", "b", 5.0), ("a", "b", 20.0)])
    demands = [*pair("x", "a", "b"), *pair("y", "a", "b", Grade.DISJOINT), *pair("z", "a", "b", Grade.NODE)]
    before = place(network(slow, demands), NONE)
    assert links(before, "app/x") == ("l0",)
    fast = topology([("a", "b", 9.0), ("a", "c", 1.0), ("c", "b", 1.0), ("a", "b", 20.0)])
    after = place(network(fast, demands), baseline(before))
    assert after == before
    assert links(place(network(fast, demands), NONE), "app/x") == ("l1", "l2")


def test_a_trunk_whose_path_is_gone_keeps_its_key_and_the_others_their_paths() -> None:
    edges = [("a", "b", 1.0), ("a", "b", 2.0), ("a", "c", 5.0), ("c", "b", 5.0), ("c", "d", 1.0), ("d", "b", 1.0)]
    demands = [*pair("x", "a", "b"), *pair("y", "c", "b")]
    before = place(network(topology(edges), demands), NONE)
    assert links(before, "app/x") == ("l0",)
    after = place(network(topology(edges).without(("l0",)), demands), baseline(before))
    assert after.members == before.members
    assert links(after, "app/x") == ("l1",)
    assert links(after, "app/y") == links(before, "app/y")


def test_a_changed_promise_moves_a_demand_to_another_trunk_and_leaves_the_old_number_alone() -> None:
    demands = [demand("x", "a", "c"), demand("y", "a", "c")]
    before = place(network(topology(ring(4)), demands), NONE)
    after = place(network(topology(ring(4)), [demands[0], demand("y", "a", "c", Grade.NODE)]), baseline(before))
    assert after.members == {"a>c/local#1": ("app/x",), "a>c/node#1": ("app/y",)}


def test_a_freed_number_of_the_baseline_is_not_given_to_another_path() -> None:
    demands = [demand(f"d{index}", "a", "c", cir=600_000_000) for index in range(2)]
    before = place(network(topology(ring(4)), demands), NONE)
    assert set(before.members) == {"a>c/local#1", "a>c/local#2"}
    newcomer = demand("new", "a", "c", cir=900_000_000, service_class="bollard")
    after = place(network(topology(ring(4)), [demands[1], newcomer]), baseline(before))
    assert after.paths["a>c/local#2"] == before.paths["a>c/local#2"]
    assert after.members["a>c/local#3"] == ("app/new",)


@pytest.fixture
def cut() -> tuple[list[object], Topology, Baseline]:
    """A ring with all grades on it, and the same ring cut: nothing can be protected any more."""
    topo = topology(ring(5))
    demands = [
        *pair("local", "a", "c", service_class="school"),
        *pair("node", "a", "c", Grade.NODE),
        *pair("disjoint", "a", "c", Grade.DISJOINT),
        *pair("late", "a", "c", latency=50.0),
    ]
    before = place(network(topo, demands), NONE)
    assert not before.refused
    return list(demands), topo, baseline(before, protect(network(topo, demands), before, NONE)[0])


def test_after_a_failure_what_was_carried_stays_carried_with_a_warning(
    cut: tuple[list[object], Topology, Baseline],
) -> None:
    demands, topo, base = cut
    rest = topo.without(("l3",))  # not on any primary path
    strict = place(network(rest, demands), base)  # type: ignore[arg-type]
    assert len(strict.refused) == len(demands)
    newcomer = demand("new", "a", "c")
    net = network(rest, [*demands, newcomer])  # type: ignore[list-item]
    placed = place(net, base, degrade=True)
    assert placed.refused == ("app/new",)
    assert {key: path for key, (path, _) in placed.paths.items()} == base.paths
    assert placed.grades["a>c/node#1"] is Grade.NODE
    warnings = {item.code for item in placed.diagnostics if item.address.rpartition(" ")[2] != "app/new"}
    assert warnings == {"protection-lost"}
    # Again from its own baseline, nothing moves; repaired, all is as it was.
    assert place(net, baseline(placed), degrade=True) == placed
    repaired = place(network(topo, demands), baseline(placed))  # type: ignore[arg-type]
    assert not repaired.diagnostics
    assert {key: path for key, (path, _) in repaired.paths.items()} == base.paths
    bypasses, found = protect(net, placed, base)
    assert not bypasses
    assert {item.code for item in found} == {"bypass-missing"}


def test_after_a_failure_on_the_path_it_moves_even_if_late(cut: tuple[list[object], Topology, Baseline]) -> None:
    demands, topo, base = cut
    placed = place(network(topo.without(("l0",)), demands), base, degrade=True)  # type: ignore[arg-type]
    assert not placed.refused
    assert {path.links for key, (path, _) in placed.paths.items() if key.startswith("a")} == {("l4", "l3", "l2")}
    assert placed.members == place(network(topo, demands), base).members  # type: ignore[arg-type]


def test_degraded_trunks_get_the_protection_that_is_left() -> None:
    """A chord keeps one half of the path protected; node protection falls back to links."""
    edges = [*ring(5), ("a", "b", 50.0)]
    topo = topology(edges)
    demands = pair("x", "a", "c", Grade.NODE)
    before = place(network(topo, demands), NONE)
    assert not before.refused
    net = network(topo.without(("l3",)), demands)
    placed = place(net, baseline(before), degrade=True)
    bypasses, _ = protect(net, placed, baseline(before))
    assert {bypass.key: bypass.path.links for bypass in bypasses} == {"l0:a>b": ("l5",), "l0:b>a": ("l5",)}


def test_a_residual_group_does_not_hinder_placement() -> None:
    topo = topology(ring(4), [srlg("chamber:entry", "l0", "l3"), srlg("building:c", nodes=("c",))])
    placed = place(network(topo, [*pair("x", "a", "c", Grade.DISJOINT), *pair("y", "a", "c", Grade.NODE)]), NONE)
    assert not placed.refused
