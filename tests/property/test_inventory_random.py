"""Random small plants: traces are symmetric, agree with brute force, and no strand is joined twice unnoticed."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_support import LIFE, documents
from inventory_tables import as_tables, comparable, through_text

from sdnctl.inventory.build import build_plant
from sdnctl.inventory.fields import format_numbers, parse_end, parse_numbers, parse_strands
from sdnctl.inventory.plant import Plant, PortEnd
from sdnctl.inventory.rings import closed_loops
from sdnctl.inventory.tracing import StepKind, trace

STRANDS = 3


def random_network(rng: random.Random) -> dict[str, Any]:
    """Places in a row with sites at some of them; cables over stretches of it, cut and joined at random."""
    count = rng.randint(3, 5)
    names = [f"p{index}" for index in range(count)]
    at_sites = {name for name in names if rng.random() < 0.6} | {names[0], names[-1]}
    spots = {name: (4.0 + index * 0.01, 44.0) for index, name in enumerate(names)}
    cables = []
    for number in range(rng.randint(1, 4)):
        first, last = sorted(rng.sample(range(count), 2))
        route = [f"g{index}" for index in range(first, last)]
        a, b = names[first], names[last]
        if rng.random() < 0.5:
            a, b, route = b, a, route[::-1]
        slack = [{"at": rng.choice((a, b)), "length": f"{rng.randint(5, 40)} m"}] if rng.random() < 0.5 else []
        cables.append({"id": f"c{number}", "type": "t", "a": a, "b": b, "route": route, "slack": slack})
    closures, odfs, switches, jumpers = [], [], [], []
    for name in names:
        ends = _ends_at(rng, name, names, cables)
        rng.shuffle(ends)
        splices = []
        while len(ends) > 1 and (name not in at_sites or rng.random() < 0.4):
            splices.append({"a": ends.pop(), "b": ends.pop()})
        closures.append({"id": f"k-{name}", "at": name, "splices": splices})
        if name not in at_sites:
            continue
        terminations = [{"positions": index, "strands": end} for index, end in enumerate(ends, start=1)]
        odfs.append({"id": f"odf-{name}", "site": name, "positions": 40, "terminations": terminations})
        free = [f"odf-{name}:{index}" for index in range(1, len(ends) + 2)]  # one position without a strand
        rng.shuffle(free)
        ports = []
        for number in range(1, rng.randint(1, 4)):
            port: dict[str, Any] = {"port": number}
            for lane in ("tx", "rx") if rng.random() < 0.8 else ("bidi",):
                if free and rng.random() < 0.9:
                    port[lane] = free.pop()
            ports.append(port)
        switches.append({"id": f"s-{name}", "dpid": len(switches) + 1, "site": name, "ports": ports})
        while len(free) > 1 and rng.random() < 0.5:
            jumpers.append({"a": free.pop(), "b": free.pop()})
    return {
        "sites": {"defaults": LIFE, "sites": [{"id": n, "position": spots[n]} for n in names if n in at_sites]},
        "chambers": [{"id": n, "lon": spots[n][0], "lat": 44.0, **LIFE} for n in names if n not in at_sites],
        "segments": [
            {"id": f"g{i}", "a": a, "b": b, "coordinates": [spots[a], spots[b]], **LIFE}
            for i, (a, b) in enumerate(pairwise(names))
        ],
        "cable-types": {"cable_types": [{"id": "t", "strands": STRANDS, "helix": "2 %"}]},
        "cables": {"defaults": LIFE, "cables": cables},
        "closures": {"defaults": LIFE, "closures": closures},
        "odfs": {"defaults": LIFE, "odfs": odfs},
        "equipment": {"defaults": LIFE, "switches": switches, "jumpers": jumpers},
    }


def _ends_at(rng: random.Random, name: str, names: list[str], cables: list[dict[str, Any]]) -> list[str]:
    """Strand ends to join at a place: all of cables that end there, both of some strands that pass."""
    ends = []
    for cable in cables:
        first, last = sorted((names.index(cable["a"]), names.index(cable["b"])))
        here = names.index(name)
        for strand in range(1, STRANDS + 1):
            if here in (first, last):
                ends.append(f"{cable['id']}:{strand}")
            elif first < here < last and rng.random() < 0.4:
                ends += [f"{cable['id']}/a:{strand}", f"{cable['id']}/b:{strand}"]
    return ends


def build(network: dict[str, Any]) -> Plant:
    plant, diagnostics = build_plant(documents(network))
    assert diagnostics.errors == []
    return plant


def brute_force(network: dict[str, Any], plant: Plant, severed: frozenset[str]) -> nx.MultiGraph[Any]:
    """Pieces of strands per segment, frames and ports as a plain graph, from what was written."""
    graph: nx.MultiGraph[Any] = nx.MultiGraph()
    cut: set[tuple[str, int, str]] = set()

    def glass(text: str, place: str) -> tuple[str, int, int]:
        found = parse_strands(text)
        cable, strand = plant.cables[found.cable], found.strands[0]
        index = cable.places.index(place)
        side = found.side or ("b" if index == 0 else "a")
        cut.add((cable.id, strand, place))
        return cable.id, strand, index if side == "b" else index - 1

    joints: list[tuple[Any, Any]] = []
    splices: list[tuple[Any, Any, dict[str, bool]]] = []
    for closure in network["closures"]["closures"]:
        for splice in closure["splices"]:
            splices.append(
                (glass(splice["a"], closure["at"]), glass(splice["b"], closure["at"]), {"splice": True})
            )
    for odf in network["odfs"]["odfs"]:
        for item in odf["terminations"]:
            joints.append((f"{odf['id']}:{item['positions']}", glass(item["strands"], odf["site"])))
    for switch in network["equipment"]["switches"]:
        for port in switch["ports"]:
            joints += [
                (PortEnd(switch["id"], port["port"], lane), port[lane])  # type: ignore[arg-type]
                for lane in ("tx", "rx", "bidi")
                if lane in port
            ]
    joints += [(jumper["a"], jumper["b"]) for jumper in network["equipment"]["jumpers"]]
    for cable in plant.cables.values():
        for strand in range(1, STRANDS + 1):
            for index in range(1, len(cable.passages)):
                if (cable.id, strand, cable.places[index]) not in cut:
                    joints.append(((cable.id, strand, index - 1), (cable.id, strand, index)))
    graph.add_edges_from(joints)
    graph.add_edges_from(splices)
    gone = [
        node
        for node in graph
        if type(node) is tuple and plant.cables[node[0]].passages[node[2]].segment in severed
    ]
    graph.remove_nodes_from(gone)
    return graph


@given(st.randoms(use_true_random=False), st.data())
@settings(max_examples=60)
def test_traces_are_symmetric_and_agree_with_brute_force(rng: random.Random, data: st.DataObject) -> None:
    network = random_network(rng)
    plant = build(network)
    severed = frozenset(data.draw(st.sets(st.sampled_from(sorted(plant.segments)), max_size=2)))
    graph = brute_force(network, plant, severed)
    ports = [node for node in graph if isinstance(node, PortEnd)]
    for start in ports:
        walked = trace(plant, start, severed=severed)
        others = {node for node in nx.node_connected_component(graph, start) if isinstance(node, PortEnd)} - {
            start
        }
        assert others == ({walked.end} if isinstance(walked.end, PortEnd) else set())
        assert (walked.broken is None) == bool(others)
        if walked.broken is None:
            assert trace(plant, walked.end, severed=severed) == walked.reversed()


@given(st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_glass_of_a_strand_adds_up_to_its_cable(rng: random.Random) -> None:
    plant = build(random_network(rng))
    ends = {end for splice in plant.splices for end in (splice.a, splice.b)} | set(plant.terminations.values())
    glass: dict[tuple[str, int], dict[frozenset[int], float]] = {}
    for end in ends:
        step = trace(plant, end, backwards=True).steps[0]
        assert step.kind is StepKind.STRAND
        pieces = glass.setdefault((end.cable, end.strand), {})
        pieces[frozenset((step.enter.place, step.leave.place))] = step.length  # type: ignore[union-attr]
    for (cable, strand), pieces in glass.items():
        whole = plant.cables[cable].sheath * 1.02
        cuts = len(plant.cuts.get((cable, strand), ()))
        assert sum(pieces.values()) <= whole + 1e-6
        if len(pieces) == cuts + 1:
            assert sum(pieces.values()) == pytest.approx(whole)


@given(st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_a_strand_joined_twice_is_always_reported(rng: random.Random) -> None:
    network = random_network(rng)
    joined = [
        (closure["at"], end)
        for closure in network["closures"]["closures"]
        for splice in closure["splices"]
        for end in (splice["a"], splice["b"])
    ]
    joined += [(odf["site"], item["strands"]) for odf in network["odfs"]["odfs"] for item in odf["terminations"]]
    if not joined:
        return
    place, end = rng.choice(joined)
    at_ends = [c["id"] for c in network["cables"]["cables"] if place in (c["a"], c["b"])]
    other = f"{rng.choice(at_ends)}:{rng.randint(1, STRANDS)}" if at_ends else end
    splice = {"a": end, "b": other} if rng.random() < 0.5 else {"a": other, "b": end}
    network["closures"]["closures"].append({"id": "extra", "at": place, "splices": [splice]})
    codes = {item.code for item in build_plant(documents(network))[1].errors}
    assert codes & {"strand-spliced-twice", "spliced-to-itself"}
    if other != end:
        assert "strand-spliced-twice" in codes


@given(st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_rings_of_glass_are_exactly_the_cycles(rng: random.Random) -> None:
    network = random_network(rng)
    plant = build(network)
    graph = brute_force(network, plant, frozenset())
    rings = [
        frozenset(node[:2] for node in part if isinstance(node, tuple))
        for part in nx.connected_components(graph)
        if all(graph.degree(node) == 2 for node in part)
        and any(splice for _, _, splice in graph.subgraph(part).edges(data="splice"))
    ]
    loops = [frozenset((end.cable, end.strand) for end in loop) for loop in closed_loops(plant)]
    assert sorted(map(sorted, loops)) == sorted(map(sorted, rings))


@given(st.sets(st.integers(1, 400), min_size=1), st.randoms(use_true_random=False))
def test_ranges_read_back_as_written(numbers: set[int], rng: random.Random) -> None:
    order = list(numbers)
    rng.shuffle(order)
    for wanted in (tuple(sorted(numbers)), tuple(order)):
        assert parse_numbers(format_numbers(wanted)) == wanted


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9._-]{0,8}(/[ab])?:[1-9][0-9]?(-[1-9][0-9]{2})?", fullmatch=True))
def test_strand_notation_reads_back_as_written(text: str) -> None:
    found = parse_strands(text)
    assert parse_strands(str(found)) == found


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9._-]{0,8}(:[1-9][0-9]?)(/[a-z]{1,5})?", fullmatch=True))
def test_end_notation_reads_back_as_written(text: str) -> None:
    assert str(parse_end(text)) == text


@given(st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_tables_say_the_same_as_yaml(rng: random.Random) -> None:
    network = random_network(rng)
    for closure in network["closures"]["closures"]:
        for splice in closure["splices"]:
            if rng.random() < 0.5:
                splice["loss"] = f"0.0{rng.randint(1, 9)} dB"
    found = documents(as_tables(network))
    for file, document in found.items():
        if file.endswith(".csv"):
            found[file] = through_text(file, [row.model_dump(exclude_unset=True) for row in document.value])
    plant, diagnostics = build_plant(found)
    assert diagnostics.errors == []
    wanted = build(network)
    for name, value in comparable(wanted).items():
        if name in ("splices", "jumpers"):
            assert sorted(map(str, comparable(plant)[name])) == sorted(map(str, value))
        else:
            assert comparable(plant)[name] == value
