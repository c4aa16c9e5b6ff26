"""The small example: every trap has its documented answer, and both depths say the same."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from inventory_support import EXAMPLES, read_example, read_topology

from sdnctl.compiler.ir import Settings
from sdnctl.document import Document
from sdnctl.errors import Diagnostic, Severity
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.files import FILES
from sdnctl.inventory.links import optical_links
from sdnctl.inventory.models import Status
from sdnctl.inventory.plant import Plant, PortEnd
from sdnctl.inventory.tracing import events, trace
from sdnctl.topology.derive import derive
from sdnctl.topology.graph import Topology
from sdnctl.topology.risk import Risks

SPUR = "com-estel--pop-west"


@cache
def example(name: str = "small") -> tuple[Plant, Topology, tuple[Diagnostic, ...]]:
    plant, first = build_plant(read_example(name))
    topology, second = derive(plant, *read_topology(name))
    first.extend(second)
    return plant, topology, first.sorted()


def warning(address: str) -> Diagnostic:
    (found,) = [item for item in example()[2] if item.address == address]
    return found


def detour(banned: frozenset[str], start: str, end: str) -> list[str] | None:
    """Switches of the shortest way that uses no banned link, or None."""
    topology = example()[1]
    graph = nx.Graph()
    graph.add_nodes_from(topology.nodes)
    for link in sorted(topology.links.values(), key=lambda link: -link.length):
        if link.id not in banned:
            graph.add_edge(*link.nodes, weight=link.length)
    return list(nx.shortest_path(graph, start, end, weight="weight")) if nx.has_path(graph, start, end) else None


@cache
def risks() -> Risks:
    return Risks(example()[1], Settings("small"))


def test_it_loads_without_errors_and_warns_of_the_traps_only() -> None:
    _, topology, found = example()
    assert {item.severity for item in found} == {Severity.WARNING}
    assert sorted(item.code for item in found) == [
        "not-in-service",
        "not-in-service",
        "one-way-splice-reading",
        "optical-budget",
        "optical-overload",
        "reversed-polarity",
    ]
    assert len(topology.nodes) == 12
    assert len(topology.links) == 18
    assert {link.mtu for link in topology.links.values()} == {1600}
    slow = {key for key, link in topology.links.items() if link.capacity == 10**9}
    assert slow == {"cab-halles--core-a", "cab-halles--pop-west"}


def test_bridge_two_links_share_a_duct_and_a_longer_way_is_true() -> None:
    _, topology, _ = example()
    bridge = topology.srlgs["duct:du-pont-vieux"]
    assert bridge.links == {"core-a--pop-south", "core-b--pop-south"}
    assert bridge.metres == pytest.approx(391, abs=1)
    assert detour(frozenset({"core-b--pop-south"}), "core-b", "pop-south") == ["core-b", "core-a", "pop-south"]
    true = detour(risks().link_ban("core-b--pop-south"), "core-b", "pop-south")
    assert true == ["core-b", "core-a", "pop-west", "pop-south"]
    assert topology.srlgs["segment:s-neuf-s-neuf-n"].links == {"pop-south--pop-west"}


def test_spur_is_the_only_link_without_a_way_round() -> None:
    _, topology, _ = example()
    alone = {key for key, link in topology.links.items() if detour(risks().link_ban(key), *link.nodes) is None}
    assert alone == {SPUR}
    for key, link in topology.links.items():
        for tail, head in (link.nodes, link.nodes[::-1]):
            for hop in topology.adjacency[head]:
                if hop.head == tail or SPUR in (key, hop.link):
                    continue
                assert detour(risks().node_ban(key, tail, head, hop.head), tail, hop.head), (tail, head, hop.head)


def test_chamber_where_rings_meet() -> None:
    _, topology, _ = example()
    assert topology.srlgs["chamber:ch-carrefour"].links == {
        "core-a--pop-north",
        "core-a--pop-west",
        "com-aigues--pop-north",
    }
    way = detour(risks().link_ban("core-a--pop-north"), "core-a", "pop-north")
    assert way == ["core-a", "core-b", "pop-east", "pop-north"]


def test_only_entry_is_residual() -> None:
    lead_in = example()[1].srlgs["segment:s-halles-ha"]
    assert lead_in.links == {"cab-halles--core-a", "cab-halles--pop-west"}
    assert lead_in.metres < 200
    assert lead_in.id in risks().residual("cab-halles")
    assert "duct:du-pont-vieux" not in risks().residual("pop-south")


def test_budget_that_fails_with_the_cheap_transceiver() -> None:
    found = warning("link com-boisset:5 – pop-east:6")
    assert found.code == "optical-budget"
    assert "margin -1.7 dB" in found.summary
    assert "7.9 dB are lost" in found.detail
    assert "allows 6.2 dB" in found.detail
    assert "spare-boisset-east" not in example()[1].links


def test_long_reach_optics_need_the_attenuator() -> None:
    plant, topology, _ = example()
    good = topology.links[SPUR].budget
    assert good is not None
    assert good.margin == pytest.approx(2.0, abs=0.05)
    assert good.overload == pytest.approx(1.7, abs=0.05)
    assert topology.links[SPUR].length == pytest.approx(10_400, abs=50)
    found = warning("link com-estel:2 – pop-west:6")
    assert found.code == "optical-overload"
    assert "by 2.8 dB" in found.summary
    links = {str(link.a): link for link in optical_links(plant)[0]}
    allowed = {budget.allowed for budget in links["com-estel:1/tx"].budgets}
    assert all(value == pytest.approx(11, abs=0.2) for value in allowed)
    standard = links["core-a:3/tx"].budgets[0]
    assert standard.allowed == pytest.approx(6.2, abs=0.1)


def test_flood_zone_takes_a_pop_and_two_cabinets() -> None:
    _, topology, _ = example()
    zone = topology.srlgs["zone:low-bank"]
    assert zone.nodes == {"pop-west"}
    assert zone.links == {key for key, link in topology.links.items() if "pop-west" in link.nodes}
    assert topology.srlgs["building:fc-moulin"].links == {"pop-south--pop-west"}
    assert topology.srlgs["building:fc-lavoir"].links == {"pop-south--pop-west"}
    rows = read_example("small")["inventory/endpoints.csv"].value
    assert "west" not in {row.site for row in rows}


def test_common_feeder_takes_two_switches() -> None:
    feeder = example()[1].srlgs["feeder:feeder-south"]
    assert feeder.nodes == {"pop-south", "pop-west"}
    assert feeder.id in risks().residual("pop-south")


def test_rented_duct_carries_and_is_a_risk_like_any_other() -> None:
    plant, topology, _ = example()
    assert plant.ducts["du-hopital-zac"].life.owner == "rentel"
    assert topology.srlgs["duct:du-hopital-zac"].links == {"pop-east--pop-north"}


def test_gainer_does_not_count() -> None:
    plant, _, _ = example()
    assert warning("closure k-vigne").code == "one-way-splice-reading"
    losses = {(splice.closure, splice.a.strand): splice.loss for splice in plant.splices}
    assert losses["k-vigne", 1] is None
    assert losses["k-plateau", 1] == pytest.approx(0.06)


def test_reversed_polarity_on_the_spare() -> None:
    found = warning("switch com-aigues port 7")
    assert found.code == "reversed-polarity"
    assert "pop-north:7/tx" in found.summary


def test_planned_cable_and_abandoned_ford_carry_nothing() -> None:
    plant, topology, _ = example()
    assert "planned" in warning("link com-estel:3 – pop-south:7").detail
    assert "abandoned" in warning("link core-b:8 – pop-south:8").detail
    assert plant.ducts["du-quai-e-verger"].life.status is Status.ABANDONED
    assert not {"planned-estel-south", "old-ford"} & set(topology.links)
    assert "duct:du-quai-e-verger" not in topology.srlgs


def test_strands_pass_uncut_where_the_mill_is_tapped() -> None:
    plant, _, _ = example()
    live = trace(plant, PortEnd("pop-south", 3, "tx"))
    assert [event.kind for event in events(plant, live)] == ["connector", "connector"]
    assert {strand for (cable, strand) in plant.cuts if cable == "c-south-west"} == {13, 14}


def test_two_wavelengths_on_one_strand() -> None:
    plant, _, _ = example()
    up = trace(plant, PortEnd("cab-halles", 2, "bidi"))
    assert up.end == PortEnd("pop-west", 4, "bidi")
    assert trace(plant, up.end) == up.reversed()


def test_ring_bypass_hairpins_and_parallel_links_are_apart() -> None:
    _, topology, _ = example()
    way = detour(risks().link_ban("com-boisset--com-calvas"), "com-boisset", "com-calvas")
    assert way is not None
    assert way[:2] == ["com-boisset", "com-aigues"]
    one, two = "core-a--core-b-1", "core-a--core-b-2"
    assert two not in risks().link_ban(one)
    assert {key for key, srlg in topology.srlgs.items() if {one, two} <= srlg.links} == {
        "building:datacentre",
        "building:exchange",
    }


@pytest.mark.parametrize("ends", [("pop-north", "pop-south"), ("com-boisset", "core-b")])
def test_disjoint_pairs_exist(ends: tuple[str, str]) -> None:
    _, topology, _ = example()
    start, end = ends
    excused = risks().residual(start) | risks().residual(end)
    first = detour(frozenset(), start, end)
    assert first is not None
    used = {
        min((link.length, key) for key, link in topology.links.items() if set(link.nodes) == {a, b})[1]
        for a, b in pairwise(first)
    }
    hit = {key for link in used for key in risks().hits[link]} - excused
    banned = frozenset(used).union(*(risks().down[key] for key in hit))
    second = detour(banned, start, end)
    assert second is not None
    assert set(first) & set(second) == {start, end}


def test_depth_one_says_the_same() -> None:
    deep, shallow = example()[1], example("small-links")[1]
    assert example("small-links")[2] == ()
    assert set(deep.links) == set(shallow.links)
    for key, link in deep.links.items():
        other = shallow.links[key]
        assert (other.a, other.b, other.capacity, other.mtu) == (link.a, link.b, link.capacity, link.mtu)
        assert other.length == pytest.approx(link.length, rel=0.01)
        assert other.delay == pytest.approx(link.delay, rel=0.01)
    assert {key: (node.dpid, node.site, node.role, node.position) for key, node in deep.nodes.items()} == {
        key: (node.dpid, node.site, node.role, node.position) for key, node in shallow.nodes.items()
    }

    def members(topology: Topology) -> set[tuple[frozenset[str], frozenset[str]]]:
        return {(s.links, s.nodes) for s in topology.srlgs.values() if len(s.links) + len(s.nodes) > 1}

    assert members(deep) == members(shallow)
    assert any(srlg.declared for srlg in shallow.srlgs.values())
    assert not any(srlg.declared for srlg in deep.srlgs.values())


def test_order_in_files_does_not_matter() -> None:
    rng = random.Random(7)
    shuffled: dict[str, Document[Any]] = {}
    for file, document in read_example("small").items():
        value = document.value
        if FILES[file].format == "yaml":
            lists = {key: mixed(rng, item) for key, item in value if isinstance(item, tuple)}
            shuffled[file] = replace(document, value=value.model_copy(update=lists))
        else:
            shuffled[file] = replace(document, value=mixed(rng, value), lines={})
    plant, diagnostics = build_plant(shuffled)
    assert diagnostics.errors == []
    topology, _ = derive(plant, *read_topology("small"))
    wanted = example()[1]
    assert list(topology.links) == list(wanted.links)
    for key, link in wanted.links.items():
        assert replace(topology.links[key], source=None) == replace(link, source=None)
    assert list(topology.srlgs) == list(wanted.srlgs)
    for key, srlg in wanted.srlgs.items():
        other = topology.srlgs[key]
        assert (other.links, other.nodes) == (srlg.links, srlg.nodes)
        assert other.metres == pytest.approx(srlg.metres)


def mixed(rng: random.Random, items: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(rng.sample(items, len(items)))


def test_customers_and_trunks_have_their_own_ports() -> None:
    _, topology, _ = example()
    trunk = {port.port for link in topology.links.values() for port in (link.a, link.b)}
    assert max(trunk) < 10
    rows = read_example("small")["inventory/endpoints.csv"].value
    assert min(row.port for row in rows) >= 10
    assert all(row.mac is None or row.mac >> 40 & 0b11 == 0b10 for row in rows)  # local, unicast


@pytest.mark.parametrize(
    ("script", "folder"), [("make_small.py", "small/inventory"), ("make_small_links.py", "small-links")]
)
def test_the_tables_give_the_committed_files(script: str, folder: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(EXAMPLES / script), str(tmp_path)], check=True)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) >= 5
    for path in written:
        assert path.read_bytes() == (EXAMPLES / folder / path.relative_to(tmp_path)).read_bytes(), path.name
