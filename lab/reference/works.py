"""Civil works as they are laid: chambers, segments between places, and what kind each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import fsum

from lab.reference.communes import communes
from lab.reference.ground import Line, cut, length, rounded
from lab.reference.model import Position


@dataclass(slots=True)
class Chamber:
    """A chamber, handhole, pole or wall box."""

    id: str
    position: Position
    kind: str
    area: str
    status: str = "in-service"


@dataclass(slots=True)
class Segment:
    """A stretch between two places; `stretch` names the works it was laid in, which are all of one kind."""

    id: str
    a: str
    b: str
    line: Line
    stretch: str
    area: str
    metres: float
    kind: str = "trench"
    rented: bool = False
    status: str = "in-service"
    year: int = 0


@dataclass(slots=True)
class Works:
    """All civil works so far; ids count within a commune, in order of laying."""

    positions: dict[str, Position] = field(default_factory=dict)
    chambers: dict[str, Chamber] = field(default_factory=dict)
    segments: dict[str, Segment] = field(default_factory=dict)
    between: dict[frozenset[str], str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def number(self, kind: str, area: str) -> str:
        """The next id of a kind in a commune: ``ch-189-0042`` after the commune's INSEE code."""
        prefix = f"{kind}-{communes()[area].insee[2:]}"
        self.counts[prefix] = self.counts.get(prefix, 0) + 1
        return f"{prefix}-{self.counts[prefix]:04d}"

    def site(self, name: str, position: Position) -> str:
        self.positions[name] = position
        return name

    def chamber(self, area: str, position: Position, kind: str = "chamber", name: str = "") -> str:
        key = name or self.number("ch", area)
        self.positions[key] = rounded(position)
        self.chambers[key] = Chamber(key, rounded(position), kind, area)
        return key

    def segment(self, a: str, b: str, line: Sequence[Position], stretch: str, area: str) -> str:
        """Lay a segment from a to b, or find the one that lies there already."""
        ends = frozenset((a, b))
        if ends not in self.between:
            key = self.number("sg", area)
            drawn = [rounded(point) for point in line]
            drawn[0], drawn[-1] = self.positions[a], self.positions[b]
            drawn = [drawn[0], *(two for one, two in pairwise(drawn) if two != one)]
            self.segments[key] = Segment(key, a, b, drawn, stretch, area, length(drawn))
            self.between[ends] = key
        return self.between[ends]

    def lay(
        self,
        a: str,
        b: str,
        line: Sequence[Position],
        marks: Sequence[float],
        stretch: str,
        areas: tuple[str, str],
    ) -> list[str]:
        """Chambers at marks along a line from a to b, segments between; returns the places.

        The first half belongs to the first of the two communes; every six chambers begin another stretch.
        """
        whole = length(line)
        places, pieces = [a], cut(line, marks)
        for number, piece in enumerate(pieces):
            area = areas[0] if number < len(marks) and marks[number] < whole / 2 else areas[1]
            end = b if number == len(marks) else self.chamber(area, piece[-1])
            self.segment(places[-1], end, piece, f"{stretch}.{number // 6}", area)
            places.append(end)
        return places

    def metres(self, places: Sequence[str]) -> float:
        """Metres along a route of neighbouring places."""
        return fsum(self.segments[self.between[frozenset(pair)]].metres for pair in pairwise(places))

    def prune(self) -> None:
        """Forget what no cable uses in the end: segments in service without a year, and chambers left alone."""
        for key in [key for key, one in self.segments.items() if not one.year and one.status == "in-service"]:
            segment = self.segments.pop(key)
            del self.between[frozenset((segment.a, segment.b))]
        met = {end for segment in self.segments.values() for end in (segment.a, segment.b)}
        for key in [key for key in self.chambers if key not in met]:
            del self.chambers[key], self.positions[key]
