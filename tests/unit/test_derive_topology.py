"""Plant and declarations become a topology: names, what wins, depths, shared risks, maintenance."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from inventory_support import documents, plant_of, two_sites

from sdnctl.document import Document
from sdnctl.errors import Diagnostics
from sdnctl.inventory.build import build_plant
from sdnctl.topology.derive import derive
from sdnctl.topology.graph import PortRef, Topology
from sdnctl.topology.models import LinksFile, MaintenanceFile
from sdnctl.topology.srlg import Exposure, group


def build(
    network: dict[str, Any],
    links: dict[str, Any] | None = None,
    out: list[dict[str, str]] | None = None,
    on: date | None = None,
) -> tuple[Topology, Diagnostics]:
    plant = plant_of(network)
    declared = Document("topology/links.yaml", LinksFile.model_validate(links)) if links else None
    entries = MaintenanceFile.model_validate({"out_of_service": out or []})
    return derive(plant, declared, Document("topology/maintenance.yaml", entries), on=on)


def codes(diagnostics: Diagnostics) -> list[str]:
    return [item.code for item in diagnostics]


def bare() -> dict[str, Any]:
    """Two switches and nothing known about the glass between them."""
    network = two_sites()
    for switch in network["equipment"]["switches"]:
        switch["ports"] = []
    return {key: network[key] for key in ("sites", "equipment")}


ENTRY = {"id": "x", "a": "sa:1", "b": "sb:1", "length": "1.7 km", "capacity": "10 Gbit/s", "mtu": "1600 B"}


def test_a_link_from_its_strands() -> None:
    topology, diagnostics = build(two_sites())
    assert list(diagnostics) == []
    link = topology.links["sa--sb"]
    assert (link.a, link.b) == (PortRef("sa", 1), PortRef("sb", 1))
    assert link.capacity == 10**10
    assert link.mtu == 1600
    assert link.length == pytest.approx(1700, rel=0.02)
    assert link.delay == pytest.approx(link.length * 0.0049, rel=0.01)
    assert link.budget is not None
    assert link.budget.loss_min < link.budget.loss_max
    assert link.budget.margin == pytest.approx(6.2 - link.budget.loss_max)
    assert topology.nodes["sa"].position == (4.0, 44.0)


def test_risks_of_a_link_from_its_strands() -> None:
    network = two_sites()
    network["sites"]["sites"][0]["feeder"] = "grid"
    network["ducts"]["ducts"] = [
        {"id": "outer", "segments": ["a-k1", "k1-k2", "k2-b"]},
        {"id": "d", "parent": "outer"},
    ]
    west, east = 4.015, 4.0205  # k2 is inside, b is not
    network["hazards"]["hazards"] = [
        {"id": "z", "polygon": [[west, 43.9], [east, 43.9], [east, 44.1], [west, 44.1]], "kind": "flood"}
    ]
    topology, _ = build(network)
    assert set(topology.srlgs) == {
        *("segment:a-k1", "segment:k1-k2", "segment:k2-b", "duct:d", "duct:outer", "cable:c"),
        *("chamber:k1", "chamber:k2", "building:a", "building:b", "feeder:grid", "zone:z"),
    }
    for key, srlg in topology.srlgs.items():
        assert srlg.links == (frozenset() if key == "feeder:grid" else {"sa--sb"})
        assert not srlg.declared
        assert srlg.source is not None
    assert topology.srlgs["building:a"].nodes == {"sa"}
    assert topology.srlgs["feeder:grid"].nodes == {"sa"}
    assert topology.srlgs["zone:z"].nodes == frozenset()
    assert topology.srlgs["chamber:k1"].metres == 0
    assert topology.srlgs["duct:outer"].metres == topology.srlgs["cable:c"].metres > 1600
    assert 400 < topology.srlgs["zone:z"].metres < 500


def test_metres_are_those_that_two_links_share() -> None:
    network = two_sites()
    network["ducts"]["ducts"].append({"id": "far", "segments": ["k2-b"]})
    network["sites"]["sites"].append({"id": "c", "position": [4.02, 44.001]})
    network["segments"].append(
        network["segments"][0] | {"id": "c-k2", "a": "c", "b": "k2", "coordinates": [[4.02, 44.001], [4.02, 44.0]]}
    )
    network["cables"]["cables"].append({"id": "c2", "type": "t12", "a": "c", "b": "b", "route": ["c-k2", "far"]})
    frame = [{"positions": "1-2", "strands": "c2:1-2"}]
    network["odfs"]["odfs"].append({"id": "odf-c", "site": "c", "positions": 2, "terminations": frame})
    network["odfs"]["odfs"][1]["terminations"].append({"positions": "13-14", "strands": "c2:1-2"})
    b = network["equipment"]["switches"][1]
    b["ports"].append({"port": 2, "transceiver": "lr", "tx": "odf-b:14", "rx": "odf-b:13"})
    network["equipment"]["switches"].append(
        {
            "id": "sc",
            "dpid": 3,
            "site": "c",
            "ports": [{"port": 1, "transceiver": "lr", "tx": "odf-c:1", "rx": "odf-c:2"}],
        }
    )
    topology, _ = build(network)
    shared = topology.srlgs["segment:k2-b"]
    assert shared.links == {"sa--sb", "sb--sc"}
    assert shared.metres == pytest.approx(80, abs=1)
    assert topology.srlgs["segment:k1-k2"].metres == pytest.approx(1524, abs=1)
    assert topology.srlgs["building:b"].links == {"sa--sb", "sb--sc"}
    assert topology.links["sb--sc"].mtu == 1500  # sc does not say its own


def test_metres_are_the_same_whatever_order_links_come_in() -> None:
    """Sets of links come in another order in every process, and metres are in the network's fingerprint."""
    plant, _ = build_plant(documents(two_sites()))
    lengths = {"x": 0.1, "y": 0.2, "z": 0.3}
    assert (0.1 + 0.2) + 0.3 != (0.3 + 0.2) + 0.1

    def metres(order: str) -> float:
        exposures = {
            f"{name}{number}": Exposure({"segment:s": {name: lengths[name]}})
            for name in order
            for number in (1, 2)
        }
        return group(plant, {}, exposures, {})["segment:s"].metres

    assert metres("xyz") == metres("zyx") == pytest.approx(0.6)


def test_names_come_from_ports_or_ends() -> None:
    network = two_sites()
    for switch, (tx, rx) in zip(network["equipment"]["switches"], ((3, 4), (4, 3)), strict=True):
        site = switch["site"]
        switch["ports"].append(
            {"port": 2, "transceiver": "lr", "tx": f"odf-{site}:{tx}", "rx": f"odf-{site}:{rx}"}
        )
    assert set(build(network)[0].links) == {"sa--sb", "sa--sb-p2"}
    network["equipment"]["switches"][1]["ports"][1]["link"] = "second"
    assert set(build(network)[0].links) == {"sa--sb", "second"}
    network["equipment"]["switches"][0]["ports"][1]["link"] = "zweiter"
    assert "link-name-conflict" in codes(build(network)[1])


def test_declarations_rename_and_set_but_glass_counts() -> None:
    entry = ENTRY | {"id": "north", "length": "9 km", "capacity": "1 Gbit/s", "mtu": "9000 B", "delay": "1 ms"}
    topology, diagnostics = build(two_sites(), {"links": [entry]})
    assert codes(diagnostics) == ["length-differs"]
    (link,) = topology.links.values()
    assert (link.id, link.capacity, link.mtu, link.delay) == ("north", 10**9, 9000, 1000)
    assert link.length < 1800
    assert topology.srlgs["cable:c"].links == {"north"}


def test_a_declaration_by_name_must_have_the_same_ends() -> None:
    _, diagnostics = build(two_sites(), {"links": [{"id": "sa--sb", "a": "sa:2", "b": "sb:1"}]})
    assert codes(diagnostics) == ["link-ends-differ"]


def test_a_link_whose_light_does_not_arrive_stays_out_even_if_declared() -> None:
    network = two_sites()
    network["cables"]["cables"][0]["sheath"] = "18 km"
    topology, diagnostics = build(network, {"links": [ENTRY | {"length": "18.2 km"}]})
    assert topology.links == {}
    assert set(codes(diagnostics)) == {"optical-budget"}


def test_depth_one_is_what_the_declaration_says() -> None:
    topology, diagnostics = build(bare(), {"links": [ENTRY | {"srlgs": ["bridge"]}]})
    assert list(diagnostics) == []
    link = topology.links["x"]
    assert (link.length, link.capacity, link.mtu, link.budget) == (1700, 10**10, 1600, None)
    assert link.delay == pytest.approx(1700 * 0.0049, rel=0.01)
    assert topology.srlgs["declared:bridge"].declared
    assert topology.srlgs["declared:bridge"].links == {"x"}
    assert set(topology.srlgs) == {"declared:bridge", "building:a", "building:b"}


def test_depth_two_takes_length_and_risks_from_cables() -> None:
    network = two_sites()
    for switch in network["equipment"]["switches"]:
        switch["ports"] = []
    del network["odfs"]
    entry = {key: value for key, value in ENTRY.items() if key != "length"}
    topology, diagnostics = build(network, {"links": [entry | {"cables": ["c"]}]})
    assert list(diagnostics) == []
    strands, _ = build(two_sites())
    assert topology.links["x"].length == pytest.approx(strands.links["sa--sb"].length - 10)
    assert set(topology.srlgs) == set(strands.srlgs)
    network["cables"]["cables"][0]["status"] = "planned"
    topology, diagnostics = build(network, {"links": [entry | {"cables": ["c"]}]})
    assert topology.links == {}
    assert codes(diagnostics) == ["not-in-service"]


@pytest.mark.parametrize(
    ("links", "code"),
    [
        ({"links": [ENTRY, ENTRY]}, "duplicate-id"),
        ({"links": [ENTRY | {"a": "sz:1"}]}, "dangling-reference"),
        ({"links": [ENTRY | {"b": None}]}, "link-incomplete"),
        ({"links": [ENTRY | {"b": "sa:2"}]}, "link-incomplete"),
        ({"links": [ENTRY | {"length": None}]}, "link-incomplete"),
        ({"links": [ENTRY | {"capacity": None}]}, "link-rate-unknown"),
        ({"links": [ENTRY, ENTRY | {"id": "y", "b": "sb:2"}]}, "port-in-two-links"),
        ({"links": [ENTRY | {"cables": ["c9"]}]}, "dangling-reference"),
        ({"links": [ENTRY], "srlgs": [{"id": "r", "links": ["y"]}]}, "dangling-reference"),
        ({"links": [ENTRY], "srlgs": [{"id": "r", "nodes": ["sz"]}]}, "dangling-reference"),
        ({"links": [ENTRY], "srlgs": [{"id": "r"}, {"id": "r"}]}, "duplicate-id"),
    ],
)
def test_faulty_declarations(links: dict[str, Any], code: str) -> None:
    _, diagnostics = build(bare(), links)
    assert [item.code for item in diagnostics.errors] == [code]
    assert all(item.hint and item.source for item in diagnostics.errors)


def test_cables_of_a_declared_link_must_lead_there() -> None:
    network = two_sites()
    for switch in network["equipment"]["switches"]:
        switch["ports"] = []
    network["cables"]["cables"][0] |= {"a": "k1", "route": ["k1-k2", "k2-b"]}
    del network["odfs"], network["ducts"]
    _, diagnostics = build(network, {"links": [ENTRY | {"cables": ["c"]}]})
    assert codes(diagnostics) == ["cables-do-not-join"]


def test_a_port_without_rate_needs_a_declared_capacity() -> None:
    network = two_sites()
    for switch in network["equipment"]["switches"]:
        del switch["ports"][0]["transceiver"]
    topology, diagnostics = build(network)
    assert codes(diagnostics) == ["link-rate-unknown"]
    topology, diagnostics = build(network, {"links": [{"id": "sa--sb", "capacity": "1 Gbit/s"}]})
    assert codes(diagnostics) == []
    assert topology.links["sa--sb"].budget is None


def test_maintenance_takes_out_links_and_switches() -> None:
    topology, diagnostics = build(two_sites(), out=[{"link": "sa--sb", "reason": "works"}])
    assert list(diagnostics) == []
    assert topology.links == {}
    assert set(topology.nodes) == {"sa", "sb"}
    assert set(topology.srlgs) == {"building:a", "building:b"}
    topology, _ = build(two_sites(), out=[{"node": "sb", "reason": "works"}])
    assert set(topology.nodes) == {"sa"}
    assert topology.links == {}
    _, diagnostics = build(two_sites(), out=[{"node": "sz", "reason": "x"}, {"link": "y", "reason": "x"}])
    assert [item.code for item in diagnostics.errors] == ["dangling-reference"] * 2


def test_validity_is_read_for_a_day() -> None:
    network = two_sites()
    network["cables"]["cables"][0] |= {"valid_from": "2020-01-01", "valid_to": "2024-12-31"}
    assert set(build(network)[0].links) == {"sa--sb"}
    assert set(build(network, on=date(2022, 5, 1))[0].links) == {"sa--sb"}
    topology, diagnostics = build(network, on=date(2025, 1, 1))
    assert topology.links == {}
    assert "valid from 2020-01-01 to 2024-12-31" in diagnostics.items[0].detail


def test_a_switch_that_is_not_in_service_is_not_there() -> None:
    network = two_sites()
    network["equipment"]["switches"][1]["status"] = "planned"
    topology, diagnostics = build(network)
    assert set(topology.nodes) == {"sa"}
    assert topology.links == {}
    assert codes(diagnostics) == ["not-in-service"]


def test_rings_of_glass_are_reported() -> None:
    network = two_sites()
    network["closures"]["closures"] = [
        {"id": "k", "at": "k1", "splices": [{"a": "c/b:7", "b": "c/b:8"}]},
        {"id": "m", "at": "k2", "splices": [{"a": "c/a:7", "b": "c/a:8"}]},
    ]
    assert codes(build(network)[1]) == ["closed-loop"]
