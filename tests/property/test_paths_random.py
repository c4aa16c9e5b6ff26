"""Path searches against brute force on small random graphs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdnctl.topology.disjoint import PairProblem, by_exclusion, by_lesser, risk_disjoint, suurballe
from sdnctl.topology.graph import Hop, Link, Node, Path, PortRef, Topology
from sdnctl.topology.pairs_ilp import least_pair, least_shared
from sdnctl.topology.paths import Graph, is_simple
from sdnctl.topology.turns import shortest_with_turns
from sdnctl.units import Bitrate, Delay, Length, Octets

FAST = settings(deadline=None, max_examples=60)


def make(edges: list[tuple[int, int, int]], order: int = 1) -> Topology:
    nodes = {f"n{index}": Node(f"n{index}", index + 1, f"n{index}") for index in range(7)}
    links = {}
    for number, (a, b, delay) in list(enumerate(edges))[::order]:
        key = f"l{number}"
        ends = PortRef(f"n{a}", 2 * number), PortRef(f"n{b}", 2 * number + 1)
        links[key] = Link(key, *ends, Length(100.0 * delay), Delay(float(delay)), Bitrate(10**9), Octets(1600))
    return Topology(dict(list(nodes.items())[::order]), links)


edge = st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 4)).filter(lambda e: e[0] != e[1])
edges = st.lists(edge, min_size=3, max_size=11)
groups = st.lists(st.sets(st.integers(0, 10), min_size=2, max_size=4), max_size=3)


def all_paths(
    topology: Topology, source: str, target: str, banned: frozenset[str] = frozenset()
) -> Iterator[Path]:
    def extend(hops: tuple[Hop, ...], node: str) -> Iterator[Path]:
        if node == target:
            yield Path(hops)
            return
        for hop in topology.adjacency[node]:
            if hop.link not in banned and hop.head != source and all(hop.head != one.head for one in hops):
                yield from extend((*hops, hop), hop.head)

    return extend((), source)


@FAST
@given(edges, st.sets(st.integers(0, 10), max_size=2))
def test_shortest_and_yen_list_all_paths_in_order(data: list[tuple[int, int, int]], closed: set[int]) -> None:
    topology = make(data)
    graph = Graph(topology)
    banned = frozenset(f"l{number}" for number in closed)
    expected = sorted(all_paths(topology, "n0", "n1", banned), key=graph.order)
    assert graph.shortest("n0", "n1", banned) == (expected[0] if expected else None)
    assert list(graph.k_shortest("n0", "n1", banned)) == expected
    back = graph.shortest("n1", "n0", banned)
    assert (back is None) == (not expected)
    if back is not None:
        assert graph.weight(back) == graph.weight(expected[0])


@FAST
@given(edges)
def test_result_does_not_depend_on_the_order_of_the_files(data: list[tuple[int, int, int]]) -> None:
    one, two = Graph(make(data)), Graph(make(data, -1))
    assert one.shortest("n0", "n1") == two.shortest("n0", "n1")
    assert suurballe(one, "n0", "n1") == suurballe(two, "n0", "n1")


@FAST
@given(edges, st.booleans())
def test_suurballe_has_the_least_sum(data: list[tuple[int, int, int]], node_disjoint: bool) -> None:
    topology = make(data)
    graph = Graph(topology)
    paths = list(all_paths(topology, "n0", "n1"))
    sums = [
        graph.weight(one) + graph.weight(two)
        for one in paths
        for two in paths
        if set(one.links).isdisjoint(two.links) and (not node_disjoint or set(one.transit).isdisjoint(two.transit))
    ]
    pair = suurballe(graph, "n0", "n1", node_disjoint=node_disjoint)
    assert (pair is None) == (not sums)
    if pair is not None:
        one, two = pair
        assert is_simple(one)
        assert is_simple(two)
        assert set(one.links).isdisjoint(two.links)
        assert one.nodes[0] == two.nodes[0] == "n0"
        assert one.nodes[-1] == two.nodes[-1] == "n1"
        assert not node_disjoint or set(one.transit).isdisjoint(two.transit)
        assert graph.weight(one) + graph.weight(two) == min(sums)


@FAST
@given(edges, groups, st.one_of(st.none(), st.integers(0, 12_000)))
def test_risk_disjoint_pair_exists_exactly_when_brute_force_finds_one(
    data: list[tuple[int, int, int]], members: list[set[int]], bound: int | None
) -> None:
    topology = make(data)
    graph = Graph(topology)
    risks = {f"g{number}": frozenset(f"l{link}" for link in links) for number, links in enumerate(members)}
    excess = {"l0": 3000, "l2": 1000, "l4": -500}
    problem = PairProblem(graph, "n0", "n1", risks, frozenset(("l1",)), frozenset(("l3",)), bound, excess)

    def touched(path: Path) -> set[str]:
        return {name for name, links in risks.items() if not links.isdisjoint(path.links)}

    def fine(one: Path, two: Path) -> bool:
        delay = graph.delay(one) + max(0, *(excess.get(link, 0) for link in one.links))
        return (
            "l1" not in one.links + two.links
            and "l3" not in one.links
            and set(one.links).isdisjoint(two.links)
            and set(one.transit).isdisjoint(two.transit)
            and touched(one).isdisjoint(touched(two))
            and (bound is None or (delay <= bound and graph.delay(two) <= bound))
        )

    paths = list(all_paths(topology, "n0", "n1"))
    pairs = [(one, two) for one in paths for two in paths if fine(one, two)]
    found = risk_disjoint(problem)
    assert (found is None) == (not pairs)
    arbiter = least_pair(problem)
    assert (arbiter is None) == (not pairs)
    if found is not None and arbiter is not None:
        assert fine(*found)
        assert fine(*arbiter)
        assert sum(map(graph.delay, arbiter)) == min(graph.delay(one) + graph.delay(two) for one, two in pairs)
    least = by_lesser(problem)  # None says nothing
    if least is not None:
        assert fine(*least)
        assert sum(map(graph.weight, least)) == min(graph.weight(one) + graph.weight(two) for one, two in pairs)


@FAST
@given(edges, st.sets(st.tuples(st.integers(0, 10), st.integers(0, 10)), max_size=25), st.integers(0, 10))
def test_turns_match_brute_force(
    data: list[tuple[int, int, int]], forbidden: set[tuple[int, int]], odd: int
) -> None:
    topology = make(data)
    graph = Graph(topology)
    closed = {(f"l{one}", f"l{two}") for one, two in forbidden}

    def turn(one: Hop, two: Hop) -> bool:
        return (one.link, two.link) not in closed

    def first(hop: Hop) -> bool:
        return hop.link != f"l{odd}"

    allowed = [
        path
        for path in all_paths(topology, "n0", "n1")
        if first(path.hops[0]) and all(turn(one, two) for one, two in zip(path.hops, path.hops[1:], strict=False))
    ]
    found = shortest_with_turns(graph, "n0", "n1", frozenset(), turn, first, lambda _: True)
    assert (found is None) == (not allowed)
    if found is not None:
        assert found in allowed
        assert graph.weight(found) == min(map(graph.weight, allowed))


def trap() -> Topology:
    """The shortest path crosses both disjoint ones: remove-then-find fails, Suurballe does not."""
    return make([(0, 2, 1), (2, 3, 1), (3, 1, 1), (0, 3, 3), (2, 1, 3)])


def test_remove_then_find_fails_on_the_trap_and_suurballe_does_not() -> None:
    topology = trap()
    graph = Graph(topology)
    shortest = graph.shortest("n0", "n1")
    assert shortest is not None
    assert shortest.links == ("l0", "l1", "l2")
    assert graph.shortest("n0", "n1", set(shortest.links)) is None
    pair = suurballe(graph, "n0", "n1")
    assert pair is not None
    assert {path.links for path in pair} == {("l0", "l4"), ("l3", "l2")}


def test_exclusion_fails_and_the_arbiter_finds_the_pair() -> None:
    # Ten short ways (n0-n2, n2-n1 in parallel) all share a group with everything but the long pair's own links.
    data = [(0, 2, 1)] * 5 + [(2, 1, 1)] * 5 + [(0, 3, 50), (3, 1, 50), (0, 4, 60), (4, 1, 60)]
    graph = Graph(make(data))
    short = {f"l{number}" for number in range(10)}
    risks = {"g1": frozenset(short | {"l10"}), "g2": frozenset(short | {"l12"})}
    problem = PairProblem(graph, "n0", "n1", risks)
    assert by_exclusion(problem) is None
    pair = risk_disjoint(problem)
    assert pair is not None
    assert {path.links for path in pair} == {("l10", "l11"), ("l12", "l13")}
    assert pair == by_lesser(problem)


def test_the_arbiter_decides_where_there_are_many_lesser_paths() -> None:
    # As above, but there are more short ways than are tried one after the other.
    data = [(0, 2, 1)] * 11 + [(2, 1, 1)] * 11 + [(0, 3, 50), (3, 1, 50), (0, 4, 60), (4, 1, 60)]
    graph = Graph(make(data))
    short = {f"l{number}" for number in range(22)}
    risks = {"g1": frozenset(short | {"l22"}), "g2": frozenset(short | {"l24"})}
    problem = PairProblem(graph, "n0", "n1", risks)
    assert by_lesser(problem) is None
    pair = risk_disjoint(problem)
    assert pair is not None
    assert {path.links for path in pair} == {("l22", "l23"), ("l24", "l25")}


def test_least_shared_names_the_cheapest_common_risk() -> None:
    graph = Graph(make([(0, 2, 1), (2, 1, 1), (0, 3, 1), (3, 1, 1), (0, 4, 9), (4, 1, 9)]))
    risks = {"duct:long": frozenset(("l0", "l2", "l4")), "duct:short": frozenset(("l0", "l4"))}
    shared = least_shared(PairProblem(graph, "n0", "n1", risks), {"duct:long": 900.0, "duct:short": 40.0})
    assert shared is not None
    # Every pair shares the long duct; the cheapest does not share the short one as well.
    assert shared.groups == ("duct:long",)
    assert shared.links == shared.nodes == ()


@pytest.mark.parametrize("way_round", [True, False])
def test_a_walk_that_turns_in_a_triangle_is_not_a_path(way_round: bool) -> None:
    data = [(0, 2, 1), (2, 3, 1), (3, 4, 1), (4, 2, 1), (2, 1, 1)]
    graph = Graph(make(data + ([(0, 5, 50), (5, 1, 50)] if way_round else [])))

    def turn(one: Hop, two: Hop) -> bool:
        return (one.link, two.link) != ("l0", "l4")

    found = shortest_with_turns(graph, "n0", "n1", frozenset(), turn, lambda _: True, lambda _: True)
    assert (found.links if found else None) == (("l5", "l6") if way_round else None)


@pytest.mark.parametrize("hops", [(), ("n0", "n0")])
def test_a_path_without_hops_is_not_simple(hops: tuple[str, ...]) -> None:
    path = Path(tuple(Hop("l0", one, two) for one, two in pairwise(hops)))
    assert not is_simple(path)
