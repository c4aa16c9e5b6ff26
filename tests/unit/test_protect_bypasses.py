"""Bypasses: which, for whom, kept, shared, with room."""

from __future__ import annotations

from dataclasses import replace

from paths_networks import GBIT, baseline, demand, network, pair, ring, srlg, topology

from sdnctl.compiler.detour import Need
from sdnctl.compiler.ir import Baseline, Bypass, Network
from sdnctl.compiler.place import place
from sdnctl.compiler.protect import protect
from sdnctl.errors import Diagnostic
from sdnctl.intents.demand import Grade

NONE = Baseline()


def bypasses(net: Network, base: Baseline = NONE) -> tuple[dict[str, Bypass], tuple[Diagnostic, ...]]:
    placed = place(net, base)
    assert not placed.refused
    found, warnings = protect(net, placed, base)
    return {bypass.key: bypass for bypass in found}, warnings


def ways(net: Network, base: Baseline = NONE) -> dict[str, tuple[str, ...]]:
    found, warnings = bypasses(net, base)
    assert not warnings
    return {key: bypass.path.links for key, bypass in found.items()}


def test_only_hops_of_protected_trunks_get_bypasses() -> None:
    topo = topology(ring(4))
    assert ways(network(topo, [demand("x", "a", "c", Grade.NONE)])) == {}
    assert ways(network(topo, [demand("x", "a", "b"), demand("y", "c", "d", Grade.NONE)])) == {
        "l0:a>b": ("l3", "l2", "l1")
    }


def test_both_directions_of_a_pair_have_their_own() -> None:
    assert ways(network(topology(ring(4)), pair("x", "a", "b"))) == {
        "l0:a>b": ("l3", "l2", "l1"),
        "l0:b>a": ("l1", "l2", "l3"),
    }


def test_grade_node_goes_round_switches_and_round_the_last_hop() -> None:
    found, _ = bypasses(network(topology(ring(5)), [demand("x", "a", "c", Grade.NODE)]))
    assert {key: bypass.path.links for key, bypass in found.items()} == {
        "l0:a>b>c": ("l4", "l3", "l2"),
        "l1:b>c": ("l0", "l4", "l3", "l2"),
    }
    assert found["l0:a>b>c"].protects == ("a", "b", "c")
    assert found["l0:a>b>c"].link == "l0"
    assert all(bypass.label is None for bypass in found.values())


def test_a_parallel_link_is_a_bypass_of_one_hop_unless_it_shares_the_duct() -> None:
    edges = [("a", "b", 1.0), ("a", "b", 2.0), ("a", "c", 5.0), ("c", "b", 5.0)]
    assert ways(network(topology(edges), [demand("x", "a", "b")])) == {"l0:a>b": ("l1",)}
    same = [srlg("duct:x", "l0", "l1", metres=400.0)]
    assert ways(network(topology(edges, same), [demand("x", "a", "b")])) == {"l0:a>b": ("l2", "l3")}


def test_disjoint_has_link_bypasses_on_the_primary_and_where_possible_on_the_standby() -> None:
    edges = [("a", "b", 1.0), ("a", "b", 2.0), ("a", "c", 5.0), ("c", "b", 5.0), ("a", "c", 6.0)]
    groups = [srlg("duct:x", "l0", "l1", metres=400.0)]
    net = network(topology(edges, groups), [demand("x", "a", "b", Grade.DISJOINT)])
    placed = place(net, NONE)
    path, standby = placed.paths["a>b/disjoint#1"]
    assert standby is not None
    assert (path.links, standby.links) == (("l0",), ("l2", "l3"))
    assert ways(net) == {
        "l0:a>b": ("l2", "l3"),
        "l2:a>c": ("l4",),
        "l3:c>b": ("l2", "l0"),
    }


def test_a_bypass_of_the_baseline_stays_while_it_is_good() -> None:
    edges = [("a", "b", 1.0), ("a", "c", 5.0), ("c", "b", 5.0), ("a", "d", 3.0), ("d", "b", 3.0)]
    net = network(topology(edges), [demand("x", "a", "b")])
    assert ways(net) == {"l0:a>b": ("l3", "l4")}
    before, _ = bypasses(network(topology(edges[:3]), net.demands))
    kept = Baseline(bypasses={key: bypass.path for key, bypass in before.items()})
    assert ways(net, kept) == {"l0:a>b": ("l1", "l2")}
    risky = replace(net, topology=topology(edges, [srlg("duct:x", "l0", "l1", metres=400.0)]))
    assert ways(risky, kept) == {"l0:a>b": ("l3", "l4")}


def test_one_bypass_suits_all_who_share_it() -> None:
    """The short way is too narrow for one of two trunks over the hop: both take the wide one."""
    edges = [("a", "b", 1.0), ("a", "c", 1.0), ("c", "b", 1.0), ("a", "d", 3.0), ("d", "b", 3.0)]
    topo = topology(edges, mtu={"l1": 1540})
    small = demand("small", "a", "b", mtu=1500)
    large = demand("large", "a", "b", mtu=1566)
    assert ways(network(topo, [small])) == {"l0:a>b": ("l1", "l2")}
    assert ways(network(topo, [small, large])) == {"l0:a>b": ("l3", "l4")}


def test_needs_add_up_in_either_order() -> None:
    edges = [("a", "b", 1.0), ("a", "c", 1.0), ("c", "b", 1.0), ("a", "d", 3.0), ("d", "b", 3.0)]
    topo = topology(edges, mtu={"l1": 1500})
    small = demand("small", "a", "b", mtu=1400)  # its trunk key sorts behind that of the default
    assert ways(network(topo, [small])) == {"l0:a>b": ("l1", "l2")}
    assert ways(network(topo, [small, demand("default", "a", "b")])) == {"l0:a>b": ("l3", "l4")}
    one, two = Need(frozenset("x"), 5), Need(frozenset("y"), 3)
    assert one.merge(two) == two.merge(one) == Need(frozenset("xy"), 3)
    assert one.merge(Need(frozenset("y"))) == Need(frozenset("xy"), 5)


def test_what_the_way_back_of_grade_node_needs_counts() -> None:
    """a–b–c needs a short way round b→a on its way back; a trunk over a–b that needs a wide one goes elsewhere."""
    edges = [
        ("a", "b", 1.0),
        ("b", "c", 1.0),
        ("a", "p", 1.0),
        ("p", "b", 1.0),
        ("a", "q", 30.0),
        ("q", "b", 30.0),
    ]
    edges += [("a", "r", 2.0), ("r", "c", 2.0)]
    topo = topology(edges, mtu=dict.fromkeys(("l2", "l3", "l6", "l7"), 1540))
    tight = pair("tight", "a", "c", Grade.NODE, latency=10.0, service_class="bollard")
    net = network(topo, [*tight, *pair("large", "a", "b", mtu=1566)])
    placed = place(net, NONE)
    assert placed.paths["a>c/node,latency=10us#1"][0].links == ("l0", "l1")
    assert placed.paths["a>b/local,mtu=1566#1"][0].links == ("l4", "l5")
    assert ways(net)["l0:b>a"] == ("l3", "l2")


def test_who_comes_later_must_suit_the_bypass_that_others_need() -> None:
    """A tight latency needs the short bypass, a large frame the wide one: the second in the ladder is refused."""
    edges = [("a", "b", 1.0), ("a", "c", 1.0), ("c", "b", 1.0), ("a", "d", 3.0), ("d", "b", 3.0)]
    topo = topology(edges, mtu={"l1": 1540})
    tight = demand("tight", "a", "b", latency=2.0, service_class="bollard")
    large = demand("large", "a", "b", mtu=1566)
    placed = place(network(topo, [tight, large]), NONE)
    # The large one goes round by itself instead of sharing the hop.
    assert not placed.refused
    assert placed.paths["a>b/local,mtu=1566#1"][0].links == ("l3", "l4")
    only_hop = topology([*edges[:3], ("a", "b", 9.0)], mtu={"l1": 1540})
    placed = place(network(only_hop, [tight, replace(large, latency=tight.latency)]), NONE)
    assert placed.refused == ("app/large",)
    loose = place(network(topo, [replace(tight, latency=None), large]), NONE)
    assert {path.links for path, _ in loose.paths.values()} == {("l0",)}


def test_opposite_directions_share_needs() -> None:
    """What the way back needs counts as well: a placed trunk always finds its bypasses again in protect."""
    edges = [("a", "b", 1.0), ("a", "c", 1.0), ("c", "b", 1.0), ("a", "d", 3.0), ("d", "b", 3.0)]
    topo = topology(edges, mtu={"l1": 1540})
    net = network(
        topo, [*pair("tight", "b", "a", latency=2.0, service_class="bollard"), *pair("large", "a", "b", mtu=1566)]
    )
    found, warnings = bypasses(net)
    assert not warnings
    assert found["l0:a>b"].path.links == ("l1", "l2")
    assert found["l0:b>a"].path.links == ("l2", "l1")


def test_a_bypass_with_room_is_preferred_and_lack_of_room_is_a_warning() -> None:
    edges = [("a", "b", 1.0), ("a", "c", 1.0), ("c", "b", 1.0), ("a", "d", 3.0), ("d", "b", 3.0)]
    busy = demand("busy", "a", "c", Grade.NONE, cir=700_000_000)
    wanted = demand("wanted", "a", "b", cir=400_000_000)
    assert ways(network(topology(edges), [wanted])) == {"l0:a>b": ("l1", "l2")}
    assert ways(network(topology(edges), [busy, wanted])) == {"l0:a>b": ("l3", "l4")}
    found, warnings = bypasses(network(topology(edges[:3]), [busy, wanted]))
    assert found["l0:a>b"].path.links == ("l1", "l2")
    (warning,) = warnings
    assert (warning.code, warning.address) == ("bypass-overbooked", "link l1 from a")
    assert "if link l0 fails, 1.1 Gbit/s of committed rate meet 1 Gbit/s" in warning.summary
    assert "bypass l0:a>b" in warning.detail


def test_bypasses_share_capacity_unless_one_group_takes_both_hops() -> None:
    edges = [("a", "b", 1.0), ("c", "b", 1.0), ("a", "d", 4.0), ("c", "d", 4.0), ("d", "b", 4.0)]
    demands = [demand("x", "a", "b", cir=600_000_000), demand("y", "c", "b", cir=600_000_000)]
    _, warnings = bypasses(network(topology(edges), demands))
    assert not warnings  # one failure at a time: 600 Mbit/s over d–b
    edges = [*edges, ("d", "e", 100.0), ("e", "b", 100.0)]
    far = [srlg("zone:far", "l0", "l1")]
    found, warnings = bypasses(network(topology(edges, far), demands))
    assert {bypass.path.links[-1] for bypass in found.values()} == {"l4"}
    (warning,) = warnings
    assert warning.address == "link l4 from d"
    assert "if srlg zone:far fails, 1.2 Gbit/s" in warning.summary


def test_a_standby_without_room_is_a_warning() -> None:
    edges = [("a", "b", 1.0), ("a", "b", 2.0), ("a", "c", 5.0), ("c", "b", 5.0)]
    groups = [srlg("duct:x", "l0", "l1", metres=400.0)]
    demands = [demand(f"d{index}", "a", "b", Grade.DISJOINT, cir=GBIT // 2) for index in range(3)]
    placed = place(network(topology(edges, groups), demands), NONE)
    assert {(path.links, standby.links) for path, standby in placed.paths.values() if standby} == {
        (("l0",), ("l2", "l3")),
        (("l1",), ("l2", "l3")),
    }
    _, warnings = bypasses(network(topology(edges, groups), demands))
    assert {item.code for item in warnings} == {"bypass-overbooked", "standby-overbooked"}


def test_placing_again_from_the_baseline_changes_nothing() -> None:
    net = network(topology(ring(5)), [*pair("x", "a", "c", Grade.NODE), *pair("y", "b", "d", Grade.DISJOINT)])
    placed = place(net, NONE)
    found, _ = protect(net, placed, NONE)
    base = baseline(placed, found)
    assert place(net, base) == placed
    assert protect(net, placed, base)[0] == found
