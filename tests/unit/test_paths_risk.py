"""What isolates, what is residual, and what a grade covers, on networks one can draw."""

from __future__ import annotations

from itertools import pairwise

import pytest
from paths_networks import ring, srlg, topology

from sdnctl.compiler.ir import Settings
from sdnctl.topology.graph import Failure, Path, Srlg, Topology
from sdnctl.topology.paths import Graph
from sdnctl.topology.risk import Coverage, Covered, NotCovered, Residual, Risks, covered, is_residual, isolates

SETTINGS = Settings("t")  # lead-in 200 m


def event(topo: Topology, *names: str) -> Failure:
    groups = [topo.srlgs[name] for name in names]
    nodes = frozenset().union(*(group.nodes for group in groups))
    return Failure("srlg", names, topo.down(frozenset().union(*(group.links for group in groups)), nodes), nodes)


def path(topo: Topology, *switches: str) -> Path:
    hops = []
    for tail, head in pairwise(switches):
        hops.append(next(hop for hop in topo.adjacency[tail] if hop.head == head))
    return Path(tuple(hops))


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (srlg("chamber:x", "l0", "l5"), True),
        (srlg("feeder:x", "l0", "l5"), True),
        (srlg("duct:short", "l0", "l5", metres=200.0), True),
        (srlg("duct:long", "l0", "l5", metres=200.1), False),
        (srlg("chamber:one-way", "l0"), False),
        (srlg("zone:switch", nodes=("a",)), True),
        (srlg("zone:both-neighbours", nodes=("b", "f")), True),
        (srlg("cable:long-with-the-switch", nodes=("a",), metres=5_000.0), False),
    ],
)
def test_residual_is_a_point_or_a_short_lead_in_that_cuts_every_way_in(group: Srlg, expected: bool) -> None:
    topo = topology(ring(6), [group])  # a is on l0 (a–b) and l5 (f–a)
    assert is_residual(topo, SETTINGS, group.id, "a") is expected
    assert not is_residual(topo, SETTINGS, group.id, "d")


def test_a_long_duct_isolates_but_is_not_residual() -> None:
    topo = topology(ring(4), [srlg("duct:x", "l0", "l3", metres=900.0)])
    assert isolates(topo, SETTINGS, "duct:x", "a")
    assert not is_residual(topo, SETTINGS, "duct:x", "a")


def test_a_site_with_two_switches_is_isolated_when_every_way_out_of_it_is_cut() -> None:
    edges = [("a1", "a2", 1.0), ("a1", "b", 1.0), ("a2", "c", 1.0), ("b", "c", 1.0)]
    topo = topology(edges, [srlg("chamber:entry", "l1", "l2")], sites={"a1": "A", "a2": "A"})
    assert isolates(topo, SETTINGS, "chamber:entry", "a1")
    assert isolates(topo, SETTINGS, "chamber:entry", "a2")
    assert not isolates(topo, SETTINGS, "chamber:entry", "b")


def judge(topo: Topology, grade: str, way: Path, failure: Failure) -> Coverage:
    result = Risks(topo, SETTINGS).covered(grade, way, failure)
    assert covered(topo, SETTINGS, grade, way, failure) == result
    return result


def test_what_does_not_touch_the_path_is_promised_to_every_grade() -> None:
    topo = topology(ring(5), [srlg("duct:x", "l2", "l3", metres=900.0)])
    way = path(topo, "a", "b", "c")
    for failure in (Failure("link", ("l3",), frozenset(("l3",))), event(topo, "duct:x")):
        assert (judge(topo, "none", way, failure) == Covered()) == ("l2" not in way.links)


def test_plain_links_are_promised_from_local_up_and_switches_by_node_only() -> None:
    topo = topology(ring(5))
    way = path(topo, "a", "b", "c")
    link = Failure("link", ("l0",), frozenset(("l0",)))
    transit = Failure("node", ("b",), topo.down(nodes=("b",)), frozenset("b"))
    end = Failure("node", ("a",), topo.down(nodes=("a",)), frozenset("a"))
    assert isinstance(judge(topo, "none", way, link), NotCovered)
    for grade in ("local", "disjoint"):
        assert judge(topo, grade, way, link) == Covered()
        assert isinstance(judge(topo, grade, way, transit), NotCovered)
    assert judge(topo, "node", way, transit) == Covered()
    assert isinstance(judge(topo, "node", way, end), NotCovered)


def test_a_spur_is_never_residual_for_its_own_link() -> None:
    topo = topology([("a", "b", 1.0)])
    assert judge(topo, "local", path(topo, "a", "b"), Failure("link", ("l0",), frozenset(("l0",)))) == Covered()


def test_residual_of_an_end_and_of_a_transit_switch_is_named() -> None:
    topo = topology(ring(6), [srlg("chamber:end", "l0", "l5"), srlg("chamber:transit", "l0", "l1")])
    way = path(topo, "a", "b", "c", "d")
    assert judge(topo, "local", way, event(topo, "chamber:end")) == Residual("chamber:end", "a")
    assert judge(topo, "node", way, event(topo, "chamber:end")) == Residual("chamber:end", "a")
    assert judge(topo, "local", way, event(topo, "chamber:transit")) == Residual("chamber:transit", "b")
    assert judge(topo, "node", way, event(topo, "chamber:transit")) == Covered()  # round b


def test_two_dead_neighbours_are_residual_for_grade_node() -> None:
    topo = topology(ring(6), [srlg("zone:flood", nodes=("b", "c"))])
    way = path(topo, "a", "b", "c", "d")
    assert judge(topo, "node", way, event(topo, "zone:flood")) == Residual("zone:flood", "c")


def test_one_event_with_two_names_is_residual_only_if_both_are() -> None:
    topo = topology(ring(4), [srlg("chamber:x", "l0", "l3"), srlg("duct:x", "l0", "l3", metres=900.0)])
    way = path(topo, "a", "b")
    assert judge(topo, "local", way, event(topo, "chamber:x")) == Residual("chamber:x", "a")
    assert judge(topo, "local", way, event(topo, "chamber:x", "duct:x")) == Covered()


def test_bans_hold_all_that_may_fail_together_except_what_is_residual() -> None:
    groups = [
        srlg("duct:river", "l0", "l2", metres=900.0),
        srlg("chamber:entry", "l0", "l5"),  # every way into a
        srlg("zone:flood", "l0", nodes=("d",)),
    ]
    risks = Risks(topology(ring(6), groups), SETTINGS)
    assert risks.link_ban("l0") == {"l0", "l2", "l3"}  # the duct's l2, and d's links l2 and l3
    assert risks.node_ban("l1", "b", "c", "d") == {"l1", "l2"}
    assert risks.node_ban("l0", "a", "b", "c") == {"l0", "l1", "l2", "l3"}


def test_shortest_of_a_switch_to_itself_is_empty() -> None:
    graph = Graph(topology(ring(3)))
    assert graph.shortest("a", "a") == Path(())
    assert list(graph.k_shortest("a", "a")) == [Path(())]
