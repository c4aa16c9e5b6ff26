"""What maps show: gathered from the network, and what each cut takes down, against answers found otherwise."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import networkx as nx
import pytest
from any_network import CITIES, Subject, subject

from sdnctl.drawing.gather import gather
from sdnctl.drawing.scene import Event, Scene
from sdnctl.errors import InputError
from sdnctl.inventory.plant import StrandEnd
from sdnctl.usecases.consequences import Judge, behind, islands
from sdnctl.usecases.labs import elements, hit_by

over_three = pytest.mark.parametrize("name", ["small", CITIES[0], "reference"])
over_all = pytest.mark.parametrize("name", ["small", CITIES[0]])
ASKED = 150
"""How many of the things that can be cut are asked about one by one."""


def judge_of(one: Subject, *, lines: bool = True) -> Judge:
    return Judge(one.compiled, behind(one.loaded.plant, one.loaded.access) if lines else None)


def scene_of(one: Subject) -> Scene:
    loaded = one.loaded
    return gather(loaded.plant, one.compiled, loaded.network.endpoints, loaded.access, loaded.areas)


def counts(scene: Scene, event: Event) -> dict[str, tuple[int, int, int, int]]:
    """Application → demands, repaired, on standby, not carried by the switches."""
    return {
        name: (row.demands, row.repaired, row.standby, row.lost + row.severed)
        for name, row in scene.fates(event).items()
    }


# ── cuts ─────────────────────────────────────────────────────────────────────────────────────────


@over_three
def test_what_a_cut_takes_down_is_what_lab_cut_says(name: str) -> None:
    """Links, switches and shared risks, one by one; customers' own lines are left out here: labs have none."""
    one = subject(name)
    scene, judge = scene_of(one), judge_of(one, lines=False)
    found = judge.everything()
    topology = one.compiled.topology
    assert set(found.by_thing) == {*topology.links, *topology.srlgs, *(f"node:{key}" for key in topology.nodes)}
    hit = 0
    asked = ASKED if len(topology.links) < 100 else ASKED // 10
    for thing, number in list(found.by_thing.items())[:: max(1, len(found.by_thing) // asked)]:
        links, nodes = elements(topology, [thing])
        expected = {
            row.application: (row.demands, row.repaired, row.standby, row.lost)
            for row in hit_by(one.compiled, topology.down(links, nodes), nodes)
        }
        assert counts(scene, found.events[number]) == expected, thing
        hit += bool(expected)
    assert hit > asked / 5


@over_all
def test_cut_off_means_that_no_way_is_left(name: str) -> None:
    """Against networkx: a trunk is severed if and only if its ends lie in different components."""
    one = subject(name)
    topology = one.compiled.topology
    ends = {trunk.key: (trunk.ingress, trunk.egress) for trunk in one.compiled.trunks}
    severed = 0
    for event in judge_of(one).everything().events:
        graph = topology.to_networkx()
        graph.remove_nodes_from(event.switches)
        dead = [(*topology.links[key].nodes, key) for key in event.links]
        graph.remove_edges_from([edge for edge in dead if graph.has_edge(*edge)])
        for key in (*event.lost, *event.severed):
            a, b = ends[key]
            reachable = a in graph and b in graph and nx.has_path(graph, a, b)
            assert (key in event.lost) == reachable
            severed += not reachable
    assert severed


@over_all
def test_islands_are_connected_components(name: str) -> None:
    topology = subject(name).compiled.topology
    for failure in list(topology.failures(("node", "srlg")))[::3]:
        graph = topology.without(failure.links, failure.nodes).to_networkx()
        found = islands(topology, failure.links, failure.nodes)
        groups: dict[int, set[str]] = {}
        for node, number in found.items():
            groups.setdefault(number, set()).add(node)
        assert sorted(map(sorted, groups.values())) == sorted(map(sorted, nx.connected_components(graph)))


@over_all
def test_a_cut_line_takes_its_endpoints_along(name: str) -> None:
    """Everything under a customer's drop: its endpoints have nothing left, whatever the switches repair."""
    one = subject(name)
    if not one.loaded.access:
        assert name == "small"  # the small example plugs its endpoints in at the sites
        return
    scene, judge = scene_of(one), judge_of(one)
    for line in one.loaded.access:
        cable = line.chains[0].end
        assert isinstance(cable, StrandEnd)
        event = judge.cut([f"cable:{cable.cable}"])
        assert set(line.endpoints) <= set(event.dark)
        fates = dict.fromkeys(line.endpoints, 0)
        for flow, fate in scene.flow_fates(event):
            for end in {flow.ingress, flow.egress} & fates.keys():
                assert fate == "severed"
                fates[end] += 1
        wanted = Counter(end.id for demand in one.compiled.demands for end in (demand.ingress, demand.egress))
        assert fates == {key: wanted[key] for key in fates}


def test_a_cut_of_several_things_is_one_event() -> None:
    one = subject("small")
    judge, topology = judge_of(one), one.compiled.topology
    both = judge.cut(["segment:s-pont-n-pont-s", "node:core-a"])
    assert both == judge.event(topology.srlgs["segment:s-pont-n-pont-s"].links, frozenset({"core-a"}))
    with pytest.raises(InputError, match="nowhere"):
        judge.cut(["segment:nowhere"])


def test_a_trap_gives_its_documented_answer() -> None:
    """The old bridge takes both ways to the south down together, and a true alternative carries everything."""
    one = subject("small")
    event = judge_of(one).cut(["segment:s-pont-n-pont-s"])
    assert event.links == ("core-a--pop-south", "core-b--pop-south")
    assert event.repaired
    assert event.lost == event.severed == event.standby == ()
    spur = judge_of(one).cut(["com-estel--pop-west"])
    assert spur.severed
    assert not spur.repaired


# ── what is gathered ─────────────────────────────────────────────────────────────────────────────


@over_three
def test_loads_are_the_sums_of_what_runs_there(name: str) -> None:
    one = subject(name)
    demands = {demand.id: demand for demand in one.compiled.demands}
    expected: Counter[tuple[str, str]] = Counter()
    for trunk in one.compiled.trunks:
        for hop in trunk.path.hops:
            expected[hop.link, hop.tail] += sum(int(demands[key].cir) for key in trunk.demands)
    links = one.compiled.topology.links
    for link in scene_of(one).links:
        assert sum(link.there.values()) == expected[link.id, links[link.id].a.node]
        assert sum(link.back.values()) == expected[link.id, links[link.id].b.node]
        assert link.load == max(expected[link.id, node] for node in links[link.id].nodes) / link.capacity


@over_three
def test_every_demand_is_on_the_map_once(name: str) -> None:
    one = subject(name)
    scene = scene_of(one)
    flows = [flow.id for trunk in scene.trunks for flow in trunk.flows] + [flow.id for flow in scene.local]
    assert sorted(flows) == sorted(demand.id for demand in one.compiled.demands)
    assert {item.id for item in scene.endpoints} == set(one.loaded.network.endpoints)


def test_strands_that_carry_light_are_counted() -> None:
    one = subject("small")
    lit = {cable.id: cable.lit for cable in scene_of(one).cables}
    # core-a--core-b-1 has two strands of its own cable, the market hall's cabinet one strand with two wavelengths.
    assert lit["c-core-south"] == 2
    assert all(0 <= cable.lit <= cable.strands for cable in scene_of(one).cables)
    assert lit["c-mill"] == 0


def test_what_was_applied_may_name_what_the_folder_has_no_more() -> None:
    """A site, an endpoint and a segment that went away since are drawn without, or as they were."""
    one = subject("small")
    plant = one.loaded.plant
    less = replace(
        plant,
        sites={key: site for key, site in plant.sites.items() if key != "estel"},
        segments={key: item for key, item in plant.segments.items() if key != "s-pont-n-pont-s"},
    )
    endpoints = {key: item for key, item in one.loaded.network.endpoints.items() if key != "cam-01"}
    scene = gather(less, one.compiled, endpoints)
    assert "cam-01" in {item.id for item in scene.endpoints}
    assert "school-3" in {item.id for item in scene.endpoints}
    assert all("s-pont-n-pont-s" not in link.segments for link in scene.links)


def test_states_of_links_are_those_of_the_network() -> None:
    one = subject("small")
    links = sorted(one.compiled.topology.links)
    plant, endpoints = one.loaded.plant, one.loaded.network.endpoints
    scene = gather(plant, one.compiled, endpoints, down=frozenset(links[:2]), pinned=frozenset(links[1:3]))
    assert [link.state for link in scene.links] == ["down", "down", "pinned", *[""] * (len(links) - 3)]
