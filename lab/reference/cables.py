"""Cables as they are laid in the works: ways, lengths, loops of spare, ducts and years."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import fsum

from lab.reference.works import Segment, Works

SHEATH = 1.03  # sheath without loops ÷ route
LOOP = 24  # metres of spare at a joint, both sides of it
STRANDS = {
    "g652d-288": 288,
    "g652d-144": 144,
    "g652d-72": 72,
    "g652d-72-m6": 72,
    "g652d-24-m6": 24,
    "g657a1-288": 288,
    "g657a1-144": 144,
    "g657a1-72": 72,
    "g657a2-720": 720,
    "g657a2-72": 72,
    "g657a2-24": 24,
    "g657a2-12": 12,
    "g657a2-4": 4,
}


@dataclass(slots=True)
class Cable:
    """A cable from the first to the last of its places. `use` is ring, core, distribution or drop."""

    id: str
    use: str
    type: str
    places: list[str]
    year: int
    route: list[str] = field(default_factory=list)
    loops: dict[str, int] = field(default_factory=dict)
    sheath: int = 0
    status: str = "in-service"

    @property
    def strands(self) -> int:
        return STRANDS[self.type]


@dataclass(slots=True)
class Duct:
    """A duct through consecutive segments, or in another duct."""

    id: str
    segments: tuple[str, ...]
    rented: bool = False
    parent: str = ""
    diameter: int = 40
    year: int = 0
    status: str = "in-service"


@dataclass(slots=True)
class Laying:
    """Cables and ducts so far. `outer`: segment → the outer duct in which every cable there lies."""

    works: Works
    cables: dict[str, Cable] = field(default_factory=dict)
    ducts: dict[str, Duct] = field(default_factory=dict)
    outer: dict[str, str] = field(default_factory=dict)

    def add(self, cable: Cable) -> Cable:
        """Note a cable; its ducts and length are settled when all works are known (`settle`)."""
        assert len(set(cable.places)) == len(cable.places), cable.id
        self.cables[cable.id] = cable
        return cable

    def enclose(self, name: str, places: Sequence[str], year: int) -> None:
        """An outer duct from place to place: cables that pass all of it lie in ducts within it."""
        segments = [segment.id for segment in self.segments(places)]
        self.ducts[name] = Duct(name, tuple(segments), diameter=160, year=year)
        self.outer.update(dict.fromkeys(segments, name))

    def settle(self) -> None:
        """Give every cable its ducts and length, and every segment the year of its first cable."""
        for cable in self.cables.values():
            segments = self.segments(cable.places)
            for segment in segments:
                segment.year = min(segment.year or cable.year, cable.year)
        for cable in self.cables.values():
            segments = self.segments(cable.places)
            cable.route = self._route(cable, segments)
            route = fsum(segment.metres for segment in segments)
            spare = sum(cable.loops.values())
            cable.sheath = round(route * SHEATH + (4 if cable.use == "drop" else spare))

    def segments(self, places: Sequence[str]) -> list[Segment]:
        return [self.works.segments[self.works.between[frozenset(pair)]] for pair in pairwise(places)]

    def _route(self, cable: Cable, segments: Sequence[Segment]) -> list[str]:
        """Ducts where there are trenches, one per owner; bare segments elsewhere."""
        route: list[str] = []
        run: list[Segment] = []
        inside = ""
        for segment in segments:
            outer = "" if cable.use == "drop" else self.outer.get(segment.id, "")
            alike = run and (run[-1].rented, run[-1].status) == (segment.rented, segment.status)
            if segment.kind != "trench" or outer or (run and not alike):
                self._close(cable, run, route)
                run = []
            if outer and outer != inside:
                inner = f"{outer}-{sum(duct.parent == outer for duct in self.ducts.values()) + 1}"
                self.ducts[inner] = Duct(inner, (), parent=outer, year=cable.year)
                route.append(inner)
            elif not outer and segment.kind == "trench":
                run.append(segment)
            elif not outer:
                route.append(segment.id)
            inside = outer
        self._close(cable, run, route)
        return route

    def _close(self, cable: Cable, run: Sequence[Segment], route: list[str]) -> None:
        if not run:
            return
        name = f"du-{cable.id.removeprefix('c-')}"
        number = sum(1 for part in route if part.startswith("du-"))
        name += f"-{number + 1}" if number else ""
        self.ducts[name] = Duct(
            name, tuple(segment.id for segment in run), run[0].rented, year=cable.year, status=cable.status
        )
        route.append(name)
