"""Random plants in nested ducts, and their glass as a plain graph with edges to be taken out: a second opinion."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import networkx as nx
from inventory_support import plant_of
from random_plants import random_network

from sdnctl.inventory.colours import strands_of, tube_of
from sdnctl.inventory.fields import parse_strands
from sdnctl.inventory.plant import Plant, PortEnd

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
    plant = plant_of(network)
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
