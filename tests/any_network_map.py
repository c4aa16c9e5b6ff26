"""The map of another city: sites, entries, trenches that links share at first, a bridge, glass for every edge."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from importlib.resources import files
from itertools import combinations
from math import hypot
from typing import Any

from any_network_plant import BLOCK, XY, Glass, Names, Plant, bearing, layout, towards

RISKY = 0.35
"""How often two neighbouring ways out of a site run in one trench at first."""


class Map:
    """A Topology Zoo graph as a city: `site` of each of its nodes, `glass` of each of its edges."""

    def __init__(self, graph: str, seed: int) -> None:
        self.rng = random.Random(f"{graph}/{seed}")
        self.names = Names(self.rng)
        self.plant = Plant(self.rng, self.names, self.rng.uniform(-45, 60), self.rng.uniform(-120, 140))
        data = json.loads(files("topohub").joinpath(f"data/topozoo/{graph}.json").read_text(encoding="utf-8"))
        self.edges = [
            (edge["source"], edge["target"]) for edge in data["edges"] if edge["source"] != edge["target"]
        ]
        spots: dict[str, XY] = {node["id"]: (node["pos"][0], node["pos"][1]) for node in data["nodes"]}
        self.spots = layout(spots, self.edges, longest=self.rng.uniform(9_000, 12_000))
        self.site: dict[str, str] = {}
        self.entry: dict[tuple[str, int], list[str]] = {}  # (node, edge) → places from the site outwards
        self.glass: dict[int, Glass] = {}
        self.cable_types = self._cable_types()
        self._sites()
        self._extra_edge()
        self._entries()
        self._ways()

    def _sites(self) -> None:
        for node in sorted(self.spots, key=int):
            self.site[node] = self.plant.place("site", self.spots[node])

    def _extra_edge(self) -> None:
        """A second link between two busy neighbours: parallel links, sometimes in one trench."""
        busiest = max(self.edges, key=lambda edge: self.degree(edge[0]) + self.degree(edge[1]))
        self.edges.append(busiest)

    def degree(self, node: str) -> int:
        return sum(node in edge for edge in self.edges)

    def edges_of(self, node: str) -> list[int]:
        """Edges of a node, clockwise."""
        found = [number for number, edge in enumerate(self.edges) if node in edge]
        return sorted(found, key=lambda number: (bearing(self.spots[node], self._far(number, node)), number))

    def _far(self, number: int, node: str) -> XY:
        a, b = self.edges[number]
        return self.spots[b if node == a else a]

    def _entries(self) -> None:
        """Entry chambers of each site, and trenches that neighbouring links share at first."""
        for node in self.site:
            edges = self.edges_of(node)
            count = min(len(edges), 3 if len(edges) > 4 else 2)
            if self.rng.random() < 0.12:
                count = 1
            size = -(-len(edges) // count)
            for start in range(0, len(edges), size):
                self._one_entry(node, edges[start : start + size])

    def _one_entry(self, node: str, edges: Sequence[int]) -> None:
        here = self.spots[node]
        angles = [bearing(here, self._far(number, node)) for number in edges]
        middle = angles[len(angles) // 2] + self.rng.uniform(-0.4, 0.4)
        entry = self.plant.place("chamber", towards(here, middle, self.rng.uniform(50, 120)))
        self.plant.share(self.site[node], entry)
        index = 0
        while index < len(edges):
            self.entry[node, edges[index]] = [self.site[node], entry]
            pair = edges[index : index + 2]
            if len(pair) == 2 and self.rng.random() < RISKY:
                angle = (angles[index] + angles[index + 1]) / 2
                fork = self.plant.place("chamber", towards(self.plant.places[entry].xy, angle, 350))
                self.plant.share(entry, fork)
                for number in pair:
                    self.entry[node, number] = [self.site[node], entry, fork]
                index += 1
            index += 1

    def _ways(self) -> None:
        """The glass of every edge, two of them over one bridge where the map gives it."""
        bridge = self._bridge()
        for number, (a, b) in enumerate(self.edges):
            left, right = self.entry[a, number], self.entry[b, number]
            if number in bridge:
                over = bridge[number]
                first = self._between(left[-1], over[0])
                second = self._between(over[1], right[-1])
                middle = [*first, *over, *second]
            else:
                middle = self._between(left[-1], right[-1])
            self.glass[number] = self._lay([*left, *middle, *reversed(right)])

    def _between(self, a: str, b: str) -> list[str]:
        found = self.plant.chambers_between(a, b, self.rng.uniform(700, 1100))
        if len(found) > 2 and self.rng.random() < 0.25:
            self.plant.segment(found[0], found[1], "overhead")
        return found

    def _bridge(self) -> dict[int, tuple[str, str]]:
        """Two links without a common end, whose middles are near, cross something together."""
        middles = {}
        for number, (a, b) in enumerate(self.edges):
            (ax, ay), (bx, by) = self.spots[a], self.spots[b]
            if hypot(bx - ax, by - ay) > 2_000:
                middles[number] = (ax + bx) / 2, (ay + by) / 2
        found = []
        for one, two in combinations(sorted(middles), 2):
            if not set(self.edges[one]) & set(self.edges[two]):
                (ax, ay), (bx, by) = middles[one], middles[two]
                found.append((hypot(bx - ax, by - ay), one, two))
        if not found or min(found)[0] > 2_500:
            return {}
        _, one, two = min(found)
        centre = (middles[one][0] + middles[two][0]) / 2, (middles[one][1] + middles[two][1]) / 2
        angle = bearing(self.spots[self.edges[one][0]], self.spots[self.edges[one][1]])
        shores = [self.plant.place("chamber", towards(centre, angle, side * 130)) for side in (-1, 1)]
        self.plant.share(shores[0], shores[1], "bridge")
        result = {one: (shores[0], shores[1])}
        start = self.spots[self.edges[two][0]]
        near = min((0, 1), key=lambda side: self._span(start, self.plant.places[shores[side]].xy))
        result[two] = (shores[near], shores[1 - near])
        return result

    @staticmethod
    def _span(a: XY, b: XY) -> float:
        return hypot(b[0] - a[0], b[1] - a[1])

    def _lay(self, places: Sequence[str]) -> Glass:
        """One cable all the way, or two that a crew spliced somewhere on it."""
        plant, kinds = self.plant, [row["id"] for row in self.cable_types]
        parts = [places]
        if len(places) > 5 and self.rng.random() < 0.5:
            joint = self.rng.randrange(3, len(places) - 2)
            parts = [places[: joint + 1], places[joint:]]
        cables = [plant.lay(part, self.rng.choice(kinds)) for part in parts]
        firsts = [self.rng.choice((1, 1 + BLOCK)) for _ in cables]
        if len(cables) == 2:
            plant.closure(parts[1][0], [(cables[0]["id"], firsts[0], cables[1]["id"], firsts[1])])
        starts = {
            site: plant.frame(site).terminate(cable["id"], first)
            for site, cable, first in (
                (places[0], cables[0], firsts[0]),
                (places[-1], cables[-1], firsts[-1]),
            )
        }
        risks = set().union(*(plant.risks_of(cable) for cable in cables))
        metres = sum(plant.sheath(cable) for cable in cables) * 1.015
        return Glass(starts, risks, metres, len(cables) - 1)

    def _cable_types(self) -> list[dict[str, Any]]:
        sizes = self.rng.sample([(24, 2), (48, 4), (72, 6), (96, 8), (144, 12), (36, 6)], 3)
        return [
            {
                "id": self.names("kind"),
                "strands": strands,
                "tubes": tubes,
                "colours": self.rng.choice(("orange-fr", "tia598")),
                "fibre": "G.652.D",
                "helix": self.rng.choice(("0.8 %", "1.2 %")),
            }
            for strands, tubes in sizes
        ]
