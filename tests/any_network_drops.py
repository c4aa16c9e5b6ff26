"""Access lines of a random city: from a site's frame over distribution cable and drop to a customer's wall box."""

from __future__ import annotations

import random
from typing import Any

from any_network_plant import BLOCK, Plant, towards

DROP = {"strands": 4, "tubes": 1, "colours": "tia598", "fibre": "G.657.A2", "helix": "1.5 %"}


class Drops:
    """Draws the lines of one city; `kind` is its drop cable, `trunk` one with at least 24 strands."""

    def __init__(self, plant: Plant, rng: random.Random, kind: str, trunk: str) -> None:
        self.plant, self.rng, self.kind, self.trunk = plant, rng, kind, trunk
        self.free: dict[str, tuple[str, str, int, int]] = {}  # site → cable, chamber, next strand, first position
        self.splices: dict[str, list[dict[str, Any]]] = {}  # chamber → what its closure holds

    def lead(self, site: str, *, strands: int) -> tuple[str, list[str]]:
        """A line of one or two strands out of a site: its terminal, and positions of its frame, sender first."""
        cable, chamber, strand, start = self._distribution(site)
        wall = self.plant.place("wall-box", self._beside(chamber, 30, 150))
        drop = self.plant.lay([chamber, wall], self.kind)["id"]
        span = str(strand) if strands == 1 else f"{strand}-{strand + 1}"
        there = "1" if strands == 1 else "1-2"
        self.splices[chamber].append({"a": f"{cable}:{span}", "b": f"{drop}:{there}", "loss": "0.08 dB"})
        self.free[site] = cable, chamber, strand + strands, start
        odf = self.plant.frame(site).odf
        return f"{drop}:1", [f"{odf}:{start + strand - 1 + offset}" for offset in range(strands)]

    def _distribution(self, site: str) -> tuple[str, str, int, int]:
        """The site's distribution cable with free strands; a new one where there is none."""
        found = self.free.get(site)
        if found is not None and found[2] < 2 * BLOCK:
            return found
        plant = self.plant
        entry = next(place for pair in plant.between if site in pair for place in pair if place != site)
        chamber = plant.place("chamber", self._beside(entry, 120, 300))
        cable = plant.lay([site, entry, chamber], self.trunk)["id"]
        start, _ = (plant.frame(site).terminate(cable, first) for first in (1, 1 + BLOCK))
        self.splices[chamber] = []
        closure = {"id": plant.name("closure"), "at": chamber, "splices": self.splices[chamber]}
        plant.closures.append(closure)
        self.free[site] = cable, chamber, 1, start
        return self.free[site]

    def _beside(self, place: str, least: float, most: float) -> tuple[float, float]:
        here = self.plant.places[place].xy
        return towards(here, self.rng.uniform(0, 6.28), self.rng.uniform(least, most))
