"""What was heard against the plan: every kind of finding, from both sides and one."""

from __future__ import annotations

import pytest
from inventory_support import EXAMPLES
from paths_networks import topology

from sdnctl.daemon.cabling import Cabling, Found, compare, wrong_edges, wrong_links
from sdnctl.daemon.identity import Identities
from sdnctl.daemon.sightings import Sightings
from sdnctl.errors import DeviceRefused
from sdnctl.inventory.crossing import crossing, links_by_port
from sdnctl.inventory.links import optical_links
from sdnctl.store.bindings import Binding
from sdnctl.topology.graph import PortRef
from sdnctl.workspace.folder import load_network

TOPO = topology([("a", "b", 1.0), ("b", "c", 1.0), ("c", "a", 1.0)])
AB, BC, CA = (TOPO.links[f"l{number}"] for number in range(3))
ALL = {here: there for link in TOPO.links.values() for here, there in ((link.a, link.b), (link.b, link.a))}
EDGE = PortRef("a", 50)


def kinds(found: tuple[Found, ...]) -> list[tuple[str, tuple[str, ...]]]:
    return [(str(one.kind), one.links) for one in found]


def test_all_as_planned() -> None:
    assert kinds(compare(TOPO, ALL)) == [("confirmed", ("l0",)), ("confirmed", ("l1",)), ("confirmed", ("l2",))]


def test_nothing_heard_is_silence_only_where_one_listens() -> None:
    assert {one.kind for one in compare(TOPO, {})} == {Cabling.UNSEEN}
    found = compare(TOPO, {}, {AB.a})
    assert found[0].kind is Cabling.SILENT
    assert str(AB.a) in found[0].summary
    assert {one.kind for one in found[1:]} == {Cabling.UNSEEN}


def test_one_direction_is_a_fault_only_where_the_other_end_listens() -> None:
    half = {here: there for here, there in ALL.items() if here != AB.b}
    assert compare(TOPO, half)[0].kind is Cabling.CONFIRMED, "the other end may not be able to tell us"
    found = compare(TOPO, half, {AB.b})[0]
    assert found.kind is Cabling.ONE_WAY
    assert found.summary == f"l0: {AB.a} hears {AB.b}, but {AB.b} does not hear {AB.a}"


def test_two_plugs_exchanged_at_one_switch() -> None:
    """At a, the plugs of l0 (to b) and l2 (to c) are exchanged: two wrong cables, and no link is left."""
    heard = {**ALL, AB.a: CA.a, CA.a: AB.a, CA.b: AB.b, AB.b: CA.b}
    found = compare(TOPO, heard)
    assert kinds(found) == [
        ("unseen", ("l0",)),
        ("confirmed", ("l1",)),
        ("unseen", ("l2",)),
        ("miswired", ("l0", "l2")),
        ("miswired", ("l0", "l2")),
    ]
    assert f"{AB.a} should hear {AB.b} (l0), but hears {CA.a}" in " ".join(one.summary for one in found)
    assert set(wrong_links(found)) == {"l0", "l2"}
    assert wrong_edges(TOPO, found) == {}


def test_one_exchanged_strand_is_enough() -> None:
    found = compare(TOPO, {**ALL, AB.a: BC.b})
    assert set(wrong_links(found)) == {"l0", "l1"}
    assert found[0].kind is Cabling.ONE_WAY


@pytest.mark.parametrize("far", [AB.a, PortRef("a", 51), CA.b])
def test_loops(far: PortRef) -> None:
    """A port that hears itself, another edge port, or a trunk port of the same switch."""
    here = AB.a if far == AB.a else EDGE
    (found,) = (one for one in compare(TOPO, {here: far}) if one.kind is Cabling.LOOPED)
    assert set(found.ports) == {here, far}
    assert set(wrong_edges(TOPO, (found,))) == {port for port in (here, far) if port not in TOPO.link_at}


def test_rogue_cables() -> None:
    found = compare(TOPO, {EDGE: BC.a, PortRef("b", 60): PortRef("c", 61)})
    assert [one.kind for one in found if one.kind is Cabling.ROGUE] == [Cabling.ROGUE, Cabling.ROGUE]
    assert set(wrong_links(found)) == {"l1"}
    assert set(wrong_edges(TOPO, found)) == {EDGE, PortRef("b", 60), PortRef("c", 61)}


def test_cables_that_carry_nothing_are_known_all_the_same() -> None:
    one, two = PortRef("a", 8), PortRef("b", 8)
    dark = {one: two, two: one}
    assert all(item.kind is Cabling.UNSEEN for item in compare(TOPO, {one: two, two: one}, dark=dark))
    found = compare(TOPO, {one: BC.b}, dark=dark)
    assert found[-1].kind is Cabling.MISWIRED
    assert "a:8 should hear b:8 (not in service)" in found[-1].summary
    assert wrong_edges(TOPO, found, dark) == {}, "not a customer's port"


# ── the memory of it ─────────────────────────────────────────────────────────────────────────────


def sightings() -> Sightings:
    made = Sightings(2, lambda port: 10.0)
    for port in ALL:
        made.comes_up(port)
    return made


def test_silence_is_so_many_beacons_missed_in_a_row() -> None:
    one = sightings()
    for _ in range(2):
        one.sent(TOPO, AB.b)
    assert not one.silent("abc")
    one.sent(TOPO, AB.b)
    assert one.silent("abc") == {AB.a}
    assert not one.silent("bc"), "a brings no beacons to us"
    one.hears(AB.a, AB.b, 0.0)
    assert not one.silent("abc")


def test_what_was_heard_is_forgotten_with_its_port_its_switch_and_its_time() -> None:
    one = sightings()
    assert one.hears(AB.a, AB.b, 0.0)
    assert not one.hears(AB.a, AB.b, 1.0), "no news"
    assert one.heard(20.0) == {AB.a: AB.b}
    assert one.heard(50.0) == {}
    one.hears(AB.a, AB.b, 50.0)
    assert one.goes_down(AB.b)
    assert one.heard(50.0) == {}
    one.comes_up(AB.b)
    one.hears(AB.a, AB.b, 50.0)
    one.leaves("b")
    assert one.heard(50.0) == {}
    assert AB.b not in one.up


# ── where to look ────────────────────────────────────────────────────────────────────────────────


def test_the_strands_to_check_are_those_of_both_chains() -> None:
    plant = load_network(EXAMPLES / "small").plant
    links = links_by_port(optical_links(plant)[0])
    assert crossing(plant, links, ("cab-halles", 1), ("pop-west", 4)) == (
        "jumpers at halles: cab-halles:1/rx – odf-halles:2 and odf-halles:13 – cab-halles:2/bidi",
        "ODF odf-halles: odf-halles:2 (strand 2 of cable c-halles-dc) and "
        "odf-halles:13 (strand 1 of cable c-halles-west)",
    )
    assert crossing(plant, links, ("nowhere", 1), ("pop-west", 44)) == ()
    (one,) = crossing(plant, links, ("cab-halles", 1), ("nowhere", 1))
    assert one.startswith("the way of cab-halles:1/rx as planned: odf-halles:2, strand 2 of cable c-halles-dc")


# ── who is which switch ──────────────────────────────────────────────────────────────────────────


def test_a_switch_is_the_device_that_it_was_bound_to() -> None:
    rows = (
        Binding("b", 0xB0, "", "t", "me", "later"),
        Binding("b", 0xB1, "cafe", "t", "me"),
    )
    who = Identities.of({"a": 0xA0, "b": 0xB0}, rows)
    assert who.device_of(0xA0, "anything") == "a"
    assert who.device_of(0xB1, "cafe") == "b"
    assert who.device_of(0xC0, "") is None
    with pytest.raises(DeviceRefused, match="another certificate"):
        who.device_of(0xB1, "beef")
    with pytest.raises(DeviceRefused, match="was replaced as b"):
        who.device_of(0xB0, "")


def test_a_switch_that_was_replaced_may_come_back() -> None:
    rows = (
        Binding("b", 0xB0, "", "t", "me", "later"),
        Binding("b", 0xB1, "", "t", "me", "later still"),
        Binding("b", 0xB0, "", "t", "me"),
    )
    who = Identities.of({"b": 0xB0}, rows)
    assert who.device_of(0xB0, "") == "b"
    assert set(who.retired) == {0xB1}
