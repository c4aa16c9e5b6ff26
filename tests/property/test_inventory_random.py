"""Random small plants: traces are symmetric, agree with brute force, and no strand is joined twice unnoticed."""

from __future__ import annotations

import random

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_support import documents, plant_of
from inventory_tables import as_tables, comparable, through_text
from random_plants import STRANDS, brute_force, random_network

from sdnctl.inventory.build import build_plant
from sdnctl.inventory.fields import format_numbers, parse_end, parse_numbers, parse_strands
from sdnctl.inventory.plant import PortEnd
from sdnctl.inventory.rings import closed_loops
from sdnctl.inventory.tracing import StepKind, trace


@given(st.randoms(use_true_random=False), st.data())
@settings(max_examples=60)
def test_traces_are_symmetric_and_agree_with_brute_force(rng: random.Random, data: st.DataObject) -> None:
    network = random_network(rng)
    plant = plant_of(network)
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
    plant = plant_of(random_network(rng))
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
    plant = plant_of(network)
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
    wanted = plant_of(network)
    for name, value in comparable(wanted).items():
        if name in ("splices", "jumpers"):
            assert sorted(map(str, comparable(plant)[name])) == sorted(map(str, value))
        else:
            assert comparable(plant)[name] == value
