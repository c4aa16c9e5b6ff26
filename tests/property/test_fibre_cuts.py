"""Cuts on random plants against brute force: take the thing out of the glass as written, see who still meets."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_plants import build, random_network

from sdnctl.inventory.colours import strands_of, tube_of
from sdnctl.inventory.cuts import Cutter, find_events
from sdnctl.inventory.fields import parse_strands
from sdnctl.inventory.links import OpticalLink
from sdnctl.inventory.places import sheath_span
from sdnctl.inventory.plant import Plant, PortEnd
from sdnctl.inventory.tracing import trace
from sdnctl.inventory.uses import Uses
from sdnctl.units import Delay, Length

Piece = tuple[str, int, int]
"""Glass: cable, strand, number of the passage."""


def network_with_ducts(rng: random.Random) -> dict[str, Any]:
    """A random network whose cables lie in nested ducts, two tubes to a cable, some tubes opened."""
    network = random_network(rng)
    segments = [segment["id"] for segment in network["segments"]]
    ducts: list[dict[str, Any]] = []
    for segment in segments:
        ducts.append({"id": f"d-{segment}", "segments": [segment]})
        if rng.random() < 0.7:
            ducts += [{"id": f"d-{segment}-{n}", "parent": f"d-{segment}"} for n in range(rng.randint(1, 2))]
    for cable in network["cables"]["cables"]:
        cable["route"] = [
            rng.choice([name, *(d["id"] for d in ducts if d["id"].startswith(f"d-{name}"))])
            for name in cable["route"]
        ]
    network["ducts"] = {"defaults": network["cables"]["defaults"], "ducts": ducts}
    network["cable-types"]["cable_types"][0] |= {"strands": 4, "tubes": 2}
    plant = build(network)
    for closure in network["closures"]["closures"]:
        for cable in plant.cables.values():
            if closure["at"] in cable.places[1:-1] and rng.random() < 0.4:
                cut = {strand for strand in range(1, 5) if (closure["at"], strand) in _cuts(plant, cable.id)}
                free = sorted(set(range(1, 5)) - cut)
                if free:
                    closure.setdefault("opened", []).append(f"{cable.id}:{rng.choice(free)}")
    return network


def _cuts(plant: Plant, cable: str) -> set[tuple[str, int]]:
    places = plant.cables[cable].places
    return {(places[number], strand) for (key, strand), at in plant.cuts.items() if key == cable for number in at}


class Written:
    """The glass as a plain graph; every edge knows where it is and what it is, and may be taken out."""

    def __init__(self, network: dict[str, Any], plant: Plant) -> None:
        self.network, self.plant = network, plant
        self.graph: nx.MultiGraph[Any] = nx.MultiGraph()
        self.cut: set[tuple[str, int, str]] = set()
        self.held: dict[str, set[tuple[str, int]]] = {}  # closure → strands that it joins or opens
        for closure in network["closures"]["closures"]:
            held = self.held[closure["id"]] = set()
            for splice in closure["splices"]:
                a, b = (self._glass(splice[end], closure["at"]) for end in ("a", "b"))
                self.graph.add_edge(a, b, place=closure["at"], closure=closure["id"])
                held |= {a[:2], b[:2]}
            held |= {(one.cable, one.strands[0]) for one in map(parse_strands, closure.get("opened", ()))}
        for odf in network["odfs"]["odfs"]:
            for item in odf["terminations"]:
                glass = self._glass(item["strands"], odf["site"])
                self.graph.add_edge(f"{odf['id']}:{item['positions']}", glass, place=odf["site"])
        for start, end, site in self._jumpers():
            self.graph.add_edge(start, end, place=site)
        for cable in plant.cables.values():
            for strand in range(1, 5):
                self.graph.add_nodes_from((cable.id, strand, index) for index in range(len(cable.passages)))
                for index, place in enumerate(cable.places[1:-1], 1):
                    if (cable.id, strand, place) not in self.cut:
                        a, b = (cable.id, strand, index - 1), (cable.id, strand, index)
                        self.graph.add_edge(a, b, place=place, uncut=(cable.id, strand))

    def _glass(self, text: str, place: str) -> Piece:
        found = parse_strands(text)
        cable, strand = self.plant.cables[found.cable], found.strands[0]
        index = cable.places.index(place)
        side = found.side or ("b" if index == 0 else "a")
        self.cut.add((cable.id, strand, place))
        return cable.id, strand, index if side == "b" else index - 1

    def _jumpers(self) -> Iterator[tuple[Any, Any, str]]:
        for switch in self.network["equipment"]["switches"]:
            for port in switch["ports"]:
                for lane in ("tx", "rx", "bidi"):
                    if lane in port:
                        yield PortEnd(switch["id"], port["port"], lane), port[lane], switch["site"]
        for jumper in self.network["equipment"]["jumpers"]:
            yield jumper["a"], jumper["b"], jumper["a"].partition(":")[0].removeprefix("odf-")

    def without(self, event: str) -> nx.MultiGraph[Any]:
        """The same glass, and what is joined to it, after an event."""
        left = self.graph.copy()
        kind, _, rest = event.partition(":")
        name, _, along = rest.partition("@")
        if kind == "cable" and along:
            left.remove_nodes_from([piece for piece in left if self._lies_at(piece, name, float(along[:-1]))])
        elif kind in ("segment", "duct", "cable"):
            left.remove_nodes_from(
                [piece for piece in left if isinstance(piece, tuple) and self._in(piece, kind, name)]
            )
        elif kind == "closure":
            left.remove_edges_from(
                [edge[:3] for edge in left.edges(keys=True, data=True) if self._held(edge[3], name)]
            )
        else:
            gone = [(a, b, key) for a, b, key, data in left.edges(keys=True, data=True) if data["place"] == name]
            left.remove_edges_from(gone)
        return left

    def _in(self, piece: Any, kind: str, name: str) -> bool:
        if len(piece) != 3 or piece[0] not in self.plant.cables:
            return False
        if kind == "cable":
            return bool(piece[0] == name)
        written = next(one for one in self.network["cables"]["cables"] if one["id"] == piece[0])["route"][piece[2]]
        parents = {one["id"]: one.get("parent") for one in self.network["ducts"]["ducts"]}
        chain = [written]
        while parents.get(chain[-1]):
            chain.append(parents[chain[-1]])
        if kind == "duct":
            return name in chain
        return name == "-".join(chain[-1].removeprefix("d-").split("-")[:1])

    def _lies_at(self, piece: Any, cable: str, mark: float) -> bool:
        if not isinstance(piece, tuple) or len(piece) != 3 or piece[0] != cable:
            return False
        marks = self.plant.cables[cable].marks
        return marks[piece[2]] < mark < marks[piece[2] + 1]

    def _held(self, edge: dict[str, Any], closure: str) -> bool:
        if edge.get("closure") == closure:
            return True
        if "uncut" not in edge or edge["place"] != self.plant.closures[closure].at:
            return False
        cable, strand = edge["uncut"]
        kind = self.plant.cable_types["t"]
        return any((cable, other) in self.held[closure] for other in strands_of(kind, tube_of(kind, strand)))


def pairs(plant: Plant) -> list[OpticalLink]:
    """Every two ends of ports that face each other, as if they were links."""
    found = []
    for start in (end for end in plant.jumper_at if isinstance(end, PortEnd)):
        there = trace(plant, start)
        if isinstance(there.end, PortEnd) and start < there.end:
            origin = plant.switches[start.switch].origin
            back = there.reversed()
            found.append(OpticalLink(start, there.end, there, back, Length(0.0), Delay(0.0), None, (), (), origin))
    return found


def events_of(plant: Plant, rng: random.Random) -> list[str]:
    found = [f"segment:{name}" for name in plant.segments]
    found += [f"duct:{name}" for name in plant.ducts]
    found += [f"cable:{name}" for name in plant.cables]
    found += [f"chamber:{name}" for name in plant.chambers]
    found += [f"site:{name}" for name in plant.sites]
    found += [f"closure:{name}" for name in plant.closures]
    for cable in plant.cables.values():
        low, high = sheath_span(cable, rng.randrange(len(cable.passages)))
        found.append(f"cable:{cable.id}@{rng.uniform(low + 1, high - 1):.1f}m")
    return found


@given(st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_a_cut_is_what_brute_force_finds(rng: random.Random) -> None:
    network = network_with_ducts(rng)
    plant = build(network)
    written = Written(network, plant)
    links = pairs(plant)
    uses, cutter = Uses(plant, links), Cutter(plant)
    for event in events_of(plant, rng):
        damage = cutter.cut(find_events(plant, (event,)))
        island = {
            node: number
            for number, part in enumerate(nx.connected_components(written.without(event)))
            for node in part
        }
        apart = {number for number, link in enumerate(links) if island.get(link.a, -1) != island.get(link.b, -2)}
        assert uses.met(damage.spots, damage.dead).users == apart, event


@given(st.randoms(use_true_random=False), st.integers(2, 4))
@settings(max_examples=25)
def test_several_cuts_are_the_union_of_each(rng: random.Random, count: int) -> None:
    plant = build(network_with_ducts(rng))
    uses, cutter = Uses(plant, pairs(plant)), Cutter(plant)
    chosen = rng.sample(events_of(plant, rng), count)
    together = cutter.cut(find_events(plant, chosen))
    met = uses.met(together.spots, together.dead).users
    alone = [cutter.cut(find_events(plant, (one,))) for one in chosen]
    assert met == frozenset().union(*(uses.met(one.spots, one.dead).users for one in alone))
    for cable in plant.cables:
        strands = 0
        for one in alone:
            strands |= one.strands(cable)
        assert together.strands(cable) == strands


@given(st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_a_segment_takes_its_ducts_and_a_polygon_its_segments(rng: random.Random) -> None:
    plant = build(network_with_ducts(rng))
    cutter = Cutter(plant)
    for number, segment in enumerate(plant.segments):
        dug = cutter.cut(find_events(plant, (f"segment:{segment}",)))
        in_ducts = cutter.cut(find_events(plant, [f"duct:{one}" for one in dug.hit["duct"]]))
        direct = {
            cable.id
            for cable in plant.cables.values()
            for p in cable.passages
            if p.segment == segment and p.duct is None
        }
        assert set(dug.wounds) - direct <= set(in_ducts.wounds)
        middle = 4.0 + number * 0.01 + 0.005
        box = [(middle - 0.001, 43.9), (middle + 0.001, 43.9), (middle + 0.001, 44.1), (middle - 0.001, 44.1)]
        drawn = cutter.cut((), [box])
        assert {cable: {w.at for w in wounds} for cable, wounds in drawn.wounds.items()} == {
            cable: {w.at for w in wounds} for cable, wounds in dug.wounds.items()
        }


@given(st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_a_metre_of_a_segment_is_a_metre_of_each_cable(rng: random.Random) -> None:
    plant = build(network_with_ducts(rng))
    cutter = Cutter(plant)
    for key, segment in plant.segments.items():
        along = rng.uniform(0, segment.length)
        damage = cutter.cut(find_events(plant, (f"segment:{key}@{along:.2f} m",)))
        (point,) = damage.points.values()
        (ax, _), (bx, _) = segment.line
        assert (point[0] - ax) / (bx - ax) == pytest.approx(along / segment.length, abs=1e-4)
        for name, wounds in damage.wounds.items():
            cable = plant.cables[name]
            for wound in wounds:
                low, high = sheath_span(cable, wound.at // 2)
                share = along / segment.length
                if cable.places[wound.at // 2] != segment.a:
                    share = 1 - share
                assert wound.mark == pytest.approx(low + share * (high - low), abs=0.01)
    for cable in plant.cables.values():
        marks = [mark for number in range(len(cable.passages)) for mark in sheath_span(cable, number)]
        assert marks == sorted(marks)
        loops = sum(cable.slack.values())
        spanned = sum(high - low for low, high in pairwise(marks)) - (marks[-1] - marks[0])
        assert spanned == pytest.approx(0)
        assert marks[0] == pytest.approx(cable.slack.get(cable.a, 0.0))
        assert sum(b - a for a, b in zip(marks[::2], marks[1::2], strict=True)) == pytest.approx(
            cable.sheath - loops
        )
