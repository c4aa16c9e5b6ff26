"""Random small plants for properties, and their glass as a plain graph, made from what was written."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import networkx as nx
from inventory_support import LIFE

from sdnctl.inventory.fields import parse_strands
from sdnctl.inventory.plant import Plant, PortEnd

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
