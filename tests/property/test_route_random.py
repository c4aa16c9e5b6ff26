"""Route and protect on random networks with shared risks, against definitions and an independent simulation."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from paths_networks import baseline, delivered, demand, network, pair, simple_paths, srlg, topology

from sdnctl.compiler.ir import Baseline, Bypass, Network, Placement, Settings
from sdnctl.compiler.place import place
from sdnctl.compiler.protect import protect
from sdnctl.compiler.route import Profile, Router
from sdnctl.intents.demand import Grade
from sdnctl.topology.graph import Path, Srlg, Topology
from sdnctl.topology.risk import Covered, Risks
from sdnctl.units import Delay, Octets

FAST = settings(deadline=None, max_examples=60)
NODES = "abcdefg"

node = st.sampled_from(NODES)
edge = st.tuples(node, node, st.integers(1, 9).map(float)).filter(lambda item: item[0] != item[1])
RING = [(one, two, 3.0) for one, two in zip(NODES, NODES[1:] + NODES[0], strict=True)]


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """A ring with chords, or whatever edges come; groups of links and switches, points, short and long."""
    edges = draw(st.lists(edge, min_size=2, max_size=5))
    edges = (RING if draw(st.integers(0, 3)) else [("a", "b", 2.0)]) + edges
    links = st.sampled_from([f"l{index}" for index in range(len(edges))])
    present = sorted({name for item in edges for name in item[:2]})
    groups = []
    for index in range(draw(st.integers(0, 4))):
        members = draw(st.sets(links, min_size=1, max_size=3))
        kind, metres = draw(st.sampled_from((("chamber", 0.0), ("duct", 900.0), ("duct", 50.0), ("zone", 0.0))))
        inside = draw(st.sets(st.sampled_from(present), max_size=1)) if kind == "zone" else ()
        groups.append(srlg(f"{kind}:{index}", *members, nodes=inside, metres=metres))
    return topology(edges, groups)


def has_bypass(risks: Risks, link: str, tail: str, merge: str, dead: str | None) -> bool:
    """The definition, by removing from the network what a bypass must avoid."""
    topo = risks.topology
    links, nodes = {link}, {dead} if dead else set()
    for name, group in topo.srlgs.items():
        hit = link in topo.down(group.links, group.nodes)
        if hit and not any(name in risks.residual(end) for end in (tail, merge)):
            links |= group.links
            nodes |= group.nodes
    if {tail, merge} & nodes:
        return False
    return any(True for _ in simple_paths(topo.without(links, nodes), tail, merge))


def is_protected(risks: Risks, path: Path, grade: Grade) -> bool:
    for way in (path, path.reversed()):
        nodes = way.nodes
        for index, hop in enumerate(way.hops):
            if grade is Grade.NODE and index + 2 < len(nodes):
                good = has_bypass(risks, hop.link, hop.tail, nodes[index + 2], hop.head)
            else:
                good = has_bypass(risks, hop.link, hop.tail, hop.head, None)
            if not good:
                return False
    return True


@FAST
@given(topologies(), st.sampled_from((Grade.LOCAL, Grade.NODE)))
def test_a_route_exists_exactly_when_the_definition_allows_one(topo: Topology, grade: Grade) -> None:
    router = Router(topo, Settings("t"))
    profile = Profile("a", "b", grade, None, (), Octets(1500))
    good = [path for path in simple_paths(topo, "a", "b") if is_protected(router.risks, path, grade)]
    found = router.find(profile)
    assert (found is None) == (not good)
    if found is not None:
        assert found.path in good
        assert router.graph.weight(found.path) == min(map(router.graph.weight, good))


@FAST
@given(topologies(), st.sampled_from(list(Grade)), st.integers(2, 40))
def test_the_latency_bound_holds_for_the_repaired_path_and_nothing_is_missed(
    topo: Topology, grade: Grade, bound: int
) -> None:
    router = Router(topo, Settings("t"))
    profile = Profile("a", "b", grade, Delay(float(bound)), (), Octets(1500))
    free = replace(profile, latency=None)
    found = router.find(profile)
    fitting = []
    for path in simple_paths(topo, "a", "b"):
        extras = router.extras(free, path)
        if extras is not None and topo.delay(path) + max([0, *extras]) / 1000 <= bound:
            fitting.append(path)
    if grade is Grade.DISJOINT:
        problem = router.problem(profile)
        pairs = [
            (one, two) for one in fitting for two in simple_paths(topo, "a", "b") if problem.is_solution(one, two)
        ]
        assert (found is None) == (not pairs)
        assert found is None or (found.path, found.standby) in pairs
    else:
        assert (found is None) == (not fitting)
        assert found is None or found.path in fitting


def compile_all(net: Network, base: Baseline | None = None) -> tuple[Placement, tuple[Bypass, ...]]:
    placed = place(net, base or Baseline())
    bypasses, warnings = protect(net, placed, base or Baseline())
    assert not [item for item in warnings if item.code == "bypass-missing"]
    return placed, bypasses


@st.composite
def networks(draw: st.DrawFn) -> Network:
    topo = draw(topologies())
    ends = st.sampled_from(sorted(topo.nodes))
    demands = []
    for index in range(draw(st.integers(1, 6))):
        a, b = draw(ends), draw(ends)
        grade = draw(st.sampled_from(list(Grade)))
        latency = draw(st.one_of(st.none(), st.integers(5, 60).map(float)))
        avoid = draw(st.sampled_from(((), (), ("l1",), ("duct:1",), ("c",))))
        demands += pair(f"d{index}", a, b, grade, latency=latency, avoid=avoid)
    return network(topo, demands)


@settings(deadline=None, max_examples=120)
@given(networks())
def test_what_a_grade_covers_is_delivered_under_every_single_failure(net: Network) -> None:
    placed, bypasses = compile_all(net)
    ways = {bypass.key: bypass.path for bypass in bypasses}
    risks = Risks(net.topology, net.settings)
    for key, (path, standby) in placed.paths.items():
        grade = placed.grades[key]
        for failure in net.topology.failures():
            if risks.covered(grade, path, failure) == Covered():
                assert delivered(path, grade, ways, failure), (key, failure)
        if standby is not None:
            ends = {path.nodes[0], path.nodes[-1]}
            for failure in net.topology.failures(("link", "srlg")):
                excused = any(risks.residual(end).issuperset(failure.names) for end in ends)
                both = not failure.links.isdisjoint(path.links) and not failure.links.isdisjoint(standby.links)
                assert not both or (failure.kind == "srlg" and excused), (key, failure)


@FAST
@given(networks())
def test_every_demand_is_placed_once_and_both_ways_alike_or_refused_with_a_reason(net: Network) -> None:
    placed, _ = compile_all(net)
    carried = [name for names in placed.members.values() for name in names]
    assert sorted([*carried, *placed.local, *placed.refused]) == sorted(item.id for item in net.demands)
    home = {name: key for key, names in placed.members.items() for name in names}
    for item in net.demands:
        if item.id in home:
            path, standby = placed.paths[home[item.id]]
            back, back_standby = placed.paths[home[item.reverse]]
            assert (path.nodes[0], path.nodes[-1]) == (item.ingress.attachment.node, item.egress.attachment.node)
            assert back == path.reversed()
            assert back_standby == (standby.reversed() if standby else None)
            assert not {"l1", "duct:1", "c"} & item.avoid & {*path.links, *path.nodes}
    addresses = {item.address for item in placed.diagnostics}
    assert addresses == {f"intent app demand {name}" for name in placed.refused}
    assert all(item.summary and item.hint for item in placed.diagnostics)


@FAST
@given(networks(), st.randoms(use_true_random=False))
def test_results_do_not_depend_on_order(net: Network, rng: random.Random) -> None:
    def mixed(table: dict[str, object]) -> dict[str, object]:
        items = list(table.items())
        rng.shuffle(items)
        return dict(items)

    topo = net.topology
    other = Topology(mixed(topo.nodes), mixed(topo.links), mixed(topo.srlgs))  # type: ignore[arg-type]
    demands = list(net.demands)
    rng.shuffle(demands)
    shuffled = replace(net, topology=other, demands=tuple(demands))
    placed, bypasses = compile_all(net)
    again, bypasses_again = compile_all(shuffled)
    assert again == placed
    assert bypasses_again == bypasses


@FAST
@given(networks())
def test_the_same_again_from_its_own_baseline(net: Network) -> None:
    placed, bypasses = compile_all(net)
    again, bypasses_again = compile_all(net, baseline(placed, bypasses))
    assert again == placed
    assert bypasses_again == bypasses


@FAST
@given(networks(), node, node)
def test_one_more_demand_moves_nobody(net: Network, a: str, b: str) -> None:
    if not {a, b} <= net.topology.nodes.keys():
        a, b = "a", "b"
    placed, bypasses = compile_all(net)
    more = replace(net, demands=(*net.demands, demand("new", a, b, service_class="bollard")))
    again, _ = compile_all(more, baseline(placed, bypasses))
    assert set(placed.refused) <= set(again.refused)
    for key, paths in placed.paths.items():
        assert again.paths[key] == paths
        assert set(placed.members[key]) <= set(again.members[key])


def renamed(net: Network, names: dict[str, str]) -> Network:
    """The same network under other names of switches, links and groups."""
    topo = net.topology

    def port(ref: object) -> object:
        return replace(ref, node=names[ref.node])  # type: ignore[type-var, attr-defined]

    nodes = {names[key]: replace(item, id=names[key], site=names[item.site]) for key, item in topo.nodes.items()}
    links = {
        names[key]: replace(item, id=names[key], a=port(item.a), b=port(item.b))  # type: ignore[arg-type]
        for key, item in topo.links.items()
    }
    groups = {
        names[key]: Srlg(
            names[key],
            item.kind,
            frozenset(names[link] for link in item.links),
            frozenset(names[one] for one in item.nodes),
            item.metres,
        )
        for key, item in topo.srlgs.items()
    }
    demands = tuple(
        replace(
            item,
            ingress=replace(item.ingress, attachment=port(item.ingress.attachment)),  # type: ignore[arg-type]
            egress=replace(item.egress, attachment=port(item.egress.attachment)),  # type: ignore[arg-type]
            avoid=frozenset(names.get(one, one) for one in item.avoid),
        )
        for item in net.demands
    )
    return replace(net, topology=Topology(nodes, links, groups), demands=demands)


@FAST
@given(networks(), st.randoms(use_true_random=False))
def test_results_are_isomorphic_under_renaming(net: Network, rng: random.Random) -> None:
    # Distinct delays: where two ways are equally good, names decide, and they may.
    links = {
        key: replace(link, delay=Delay(link.delay + 0.001 * 2**index))
        for index, (key, link) in enumerate(sorted(net.topology.links.items()))
    }
    net = replace(net, topology=replace(net.topology, links=links))
    old = [*net.topology.nodes, *net.topology.links, *net.topology.srlgs]
    new = [f"x{number:02}" for number in range(len(old))]
    rng.shuffle(new)
    names = dict(zip(old, new, strict=True))
    placed, bypasses = compile_all(net)
    other, other_bypasses = compile_all(renamed(net, names))

    def links_of(path: Path | None, table: dict[str, str]) -> tuple[str, ...] | None:
        return None if path is None else tuple(table[link] for link in path.links)

    def by_demand(result: Placement, table: dict[str, str]) -> dict[str, object]:
        return {
            name: tuple(links_of(path, table) for path in result.paths[key])
            for key, members in result.members.items()
            for name in members
        }

    same = {link: link for link in names.values()}
    assert by_demand(other, same) == by_demand(placed, names)
    assert other.refused == placed.refused
    there = sorted((tuple(names[one] for one in item.protects), links_of(item.path, names)) for item in bypasses)
    assert sorted((item.protects, item.path.links) for item in other_bypasses) == there
