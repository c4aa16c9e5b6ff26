"""Refusals name what every candidate shares; without the named thing, or with a way round it, they go away."""

from __future__ import annotations

from dataclasses import replace

import pytest
from paths_networks import Edge, demand, network, pair, ring, srlg, topology

from sdnctl.compiler.ir import Baseline, Settings
from sdnctl.compiler.place import place
from sdnctl.compiler.proof import Refusal, explain
from sdnctl.compiler.route import Profile, Router
from sdnctl.errors import Diagnostic, Source
from sdnctl.intents.demand import Grade
from sdnctl.topology.graph import Topology
from sdnctl.topology.paths import Graph
from sdnctl.units import Delay, Octets

PROTECTED = (Grade.LOCAL, Grade.NODE, Grade.DISJOINT)


def profile(grade: Grade, a: str = "a", b: str = "d", *, latency: float | None = None, mtu: int = 1500) -> Profile:
    return Profile(a, b, grade, None if latency is None else Delay(latency), (), Octets(mtu))


def refused(topo: Topology, wanted: Profile) -> Refusal:
    router = Router(topo, Settings("t"))
    assert router.find(wanted) is None
    return explain(router, wanted)


def cut_off(topo: Topology, name: str, a: str = "a", b: str = "d") -> bool:
    """Whether the two switches are apart once the named thing is gone."""
    group = topo.srlgs.get(name)
    links = (name, *group.links) if group else (name,)
    nodes = group.nodes if group else frozenset((name,)) & topo.nodes.keys()
    rest = topo.without(links, nodes)
    return b not in Graph(rest).reachable(a)


@pytest.mark.parametrize("grade", PROTECTED)
def test_a_spur_is_refused_naming_its_only_link(grade: Grade) -> None:
    topo = topology(
        [*ring(3), ("c", "d", 5.0)], [srlg("chamber:entry", "l3"), srlg("cable:spur", "l3", metres=900.0)]
    )
    proof = refused(topo, profile(grade))
    assert (proof.code, proof.names[0]) == ("no-protected-path", "l3")
    assert "link l3 (1 km)" in proof.summary
    assert cut_off(topo, "l3")
    assert refused(topo, profile(Grade.NONE, latency=1.0)).code == "latency"
    assert Router(topo, Settings("t")).find(profile(Grade.NONE)) is not None


@pytest.mark.parametrize("grade", PROTECTED)
def test_two_links_in_one_duct_are_no_way_round_each_other(grade: Grade) -> None:
    """The ring that shares the bridge: both ways out of the half with `a` are in one duct."""
    topo = topology(ring(6), [srlg("duct:bridge", "l1", "l4", metres=870.0), srlg("chamber:bridge", "l1", "l4")])
    proof = refused(topo, profile(grade))
    assert (proof.code, proof.names[0]) == ("no-protected-path", "duct:bridge")
    assert "duct bridge (870 m shared)" in proof.summary
    assert "chamber bridge" in proof.detail
    assert cut_off(topo, "duct:bridge")
    # The longer true alternative makes both the duct and the chamber harmless.
    free = replace(topo, srlgs={})
    assert Router(free, Settings("t")).find(profile(grade)) is not None


@pytest.mark.parametrize("grade", [Grade.NODE, Grade.DISJOINT])
def test_a_switch_that_every_path_passes_is_named(grade: Grade) -> None:
    topo = topology([("a", "b", 1.0), ("a", "b", 2.0), ("b", "d", 1.0), ("b", "d", 2.0)])
    proof = refused(topo, profile(grade))
    assert proof.names[0] == "b"
    assert cut_off(topo, "b")
    assert Router(topo, Settings("t")).find(profile(Grade.LOCAL)) is not None


def test_the_entry_chamber_of_an_end_is_not_a_reason_but_a_long_duct_is() -> None:
    short = topology(ring(4), [srlg("chamber:x", "l0", "l3"), srlg("duct:x", "l0", "l3", metres=150.0)])
    long = topology(ring(4), [srlg("chamber:x", "l0", "l3"), srlg("duct:x", "l0", "l3", metres=450.0)])
    for grade in PROTECTED:
        assert Router(short, Settings("t")).find(profile(grade)) is not None
        assert refused(long, profile(grade)).names == ("duct:x",)
        assert Router(long, Settings("t", lead_in=long.srlgs["duct:x"].metres)).find(profile(grade)) is not None


def test_without_a_single_cut_the_blocked_hops_are_explained() -> None:
    """Each group alone leaves a way round l0; together they leave none, and a bypass must avoid both."""
    edges: list[Edge] = [("a", "b", 1.0), ("a", "c", 1.0), ("c", "b", 1.0), ("a", "e", 1.0), ("e", "b", 1.0)]
    blockers = [
        srlg(f"duct:{link}-{other}", link, other, metres=500.0)
        for link, other in (("l0", "l1"), ("l0", "l3"), ("l1", "l4"), ("l2", "l3"), ("l2", "l4"), ("l1", "l3"))
    ]
    topo = topology(edges, blockers)
    assert not any(cut_off(topo, name, b="b") for name in (*topo.srlgs, *topo.links) if name != "duct:l1-l3")
    proof = refused(topo, profile(Grade.LOCAL, b="b"))
    assert proof.code == "no-protected-path"
    assert proof.names
    # Taking the named groups away gives the hop its bypass back.
    rest = {key: item for key, item in topo.srlgs.items() if key not in proof.names}
    assert Router(replace(topo, srlgs=rest), Settings("t")).find(profile(Grade.LOCAL, b="b")) is not None


def test_a_pair_that_must_share_names_the_least() -> None:
    """Three ways, each two of which share a duct: no single cut, and still no disjoint pair."""
    edges: list[Edge] = [(one, two, 1.0) for middle in "bce" for one, two in (("a", middle), (middle, "d"))]
    groups = [
        srlg("duct:bc", "l0", "l2", metres=700.0),
        srlg("duct:ce", "l3", "l4", metres=300.0),
        srlg("duct:be", "l1", "l5", metres=900.0),
    ]
    topo = topology(edges, groups)
    assert not any(cut_off(topo, name) for name in (*topo.links, *topo.srlgs, "b", "c", "e"))
    proof = refused(topo, profile(Grade.DISJOINT))
    assert proof.names == ("duct:ce",)
    assert "300 m shared" in proof.summary
    rest = {key: item for key, item in topo.srlgs.items() if key != "duct:ce"}
    assert Router(replace(topo, srlgs=rest), Settings("t")).find(profile(Grade.DISJOINT)) is not None


def test_a_grade_that_fits_only_unrepaired_says_how_late_the_repair_is() -> None:
    topo = topology([("a", "d", 5.0), ("a", "b", 20.0), ("b", "d", 20.0)])
    proof = refused(topo, profile(Grade.LOCAL, latency=39.0))
    assert proof.code == "latency"
    assert "40 us" in proof.detail
    assert Router(topo, Settings("t")).find(profile(Grade.LOCAL, latency=40.0)) is not None
    assert Router(topo, Settings("t")).find(profile(Grade.NONE, latency=5.0)) is not None


def test_frames_that_do_not_fit_name_the_narrow_links() -> None:
    topo = topology(ring(4), mtu={"l0": 1533, "l3": 1533})
    proof = refused(topo, profile(Grade.NONE))
    assert (proof.code, proof.names) == ("mtu-too-small", ("l0", "l3"))
    assert "1534 B" in proof.detail
    assert "1533 B" in proof.detail
    assert Router(topo, Settings("t")).find(profile(Grade.NONE, mtu=1499)) is not None


def test_a_bypass_must_carry_the_frames_too() -> None:
    topo = topology(ring(4), mtu={"l2": 1533})
    assert Router(topo, Settings("t")).find(profile(Grade.NONE)) is not None
    proof = refused(topo, profile(Grade.LOCAL))
    assert proof.code == "no-protected-path"
    assert "1534 B: l2" in proof.detail


def diagnostics(topo: Topology, *demands: object) -> tuple[Diagnostic, ...]:
    return place(network(topo, demands), Baseline()).diagnostics  # type: ignore[arg-type]


def test_avoid_holds_links_switches_sites_and_groups_also_on_bypasses() -> None:
    topo = topology(ring(4), [srlg("zone:flood", "l1", nodes=("c",))], sites={"c": "site-c"})
    for avoid in ("l1", "c", "site-c", "zone:flood"):
        placed = place(network(topo, [demand("x", "a", "d", Grade.NONE, avoid=(avoid,))]), Baseline())
        ((path, _),) = placed.paths.values()
        assert path.links == ("l3",)
        (found,) = diagnostics(topo, demand("x", "a", "d", Grade.LOCAL, avoid=(avoid,)))
        assert found.code == "no-protected-path"
    both = demand("x", "a", "d", Grade.NONE, avoid=("l3", "c"))
    (found,) = diagnostics(topo, both)
    assert found.code == "no-path"
    assert "together" in found.detail
    (found,) = diagnostics(topo, demand("x", "a", "c", Grade.NONE, avoid=("zone:flood",)))
    assert "holds the end switch c" in found.summary
    (found,) = diagnostics(topo, demand("x", "c", "c", Grade.NONE, avoid=("zone:flood",)))
    assert "holds the end switch c" in found.summary


def test_refusals_carry_address_source_and_hint_for_both_directions() -> None:
    topo = topology([("a", "b", 1.0), ("c", "d", 1.0)])
    there, back = pair("x", "a", "d")
    source = Source("intents/app.yaml", 7)
    found = diagnostics(topo, replace(there, source=source), replace(back, source=source))
    assert {item.address for item in found} == {"intent app demand app/x", "intent app demand app/x-back"}
    assert all((item.code, item.source) == ("no-path", source) and item.hint for item in found)
    (found_one,) = diagnostics(topo, demand("x", "a", "nowhere"))
    assert "switch nowhere is not in the topology" in found_one.summary
