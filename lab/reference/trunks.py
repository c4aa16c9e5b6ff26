"""Trunk cables: reels of the rings with their joints, the core, and the loops of cabinets in Nîmes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from lab.reference.cables import LOOP, STRANDS, Cable, Laying
from lab.reference.chance import between
from lab.reference.rings import CORE, LOOPS, NODE, RUNS, STATION, STATION_CABLES, STATION_DUCT, TAPS, Run
from lab.reference.roads import stand
from lab.reference.streets import Streets
from lab.reference.works import Works

REEL = 3_600.0  # metres between two ring joints


class Splice(NamedTuple):
    """Strands joined in a closure; losses in dB: the mean, or the one-way readings."""

    closure: str
    a: str
    b: str
    loss: float | None
    loss_ab: float | None = None
    loss_ba: float | None = None


@dataclass(slots=True)
class Closures:
    """Closures and what is spliced in them."""

    at: dict[str, tuple[str, int]] = field(default_factory=dict)
    splices: list[Splice] = field(default_factory=list)

    def add(self, name: str, place: str, year: int) -> str:
        self.at[name] = place, year
        return name

    def join(self, closure: str, a: str, b: str) -> None:
        """A splice measured both ways: mean 0.03 to 0.09 dB."""
        self.splices.append(Splice(closure, a, b, round(between(0.03, 0.09, closure, a, b), 2)))


class Reach(NamedTuple):
    """The reels of a run that end at a node: the one before it and the one after it (none at the run's ends)."""

    before: str
    after: str


@dataclass(slots=True)
class Trunks:
    """What links are made of. `reach`: (run, node) → its cables there; `loops`: sites and cables of each loop."""

    laying: Laying
    closures: Closures
    reach: dict[tuple[str, str], Reach] = field(default_factory=dict)
    taps: dict[str, str] = field(default_factory=dict)  # cabinet → its tap cable
    loops: list[tuple[list[str], list[str]]] = field(default_factory=list)


def lay_rings(trunks: Trunks, works: Works, hops: Mapping[str, list[str]]) -> None:
    """Reels along every run, jointed at nodes, at cabinets and about every 3.6 km between.

    A node takes two tubes off the cable; all other strands go through. One reel on both sides of a node would be
    one shared risk of both: reels end there.
    """
    for run in RUNS:
        _run(trunks, works, hops, run)


def _run(trunks: Trunks, works: Works, hops: Mapping[str, list[str]], run: Run) -> None:
    whole = STRANDS[run.type]
    before, number = "", 0
    for a, b in pairwise(run.nodes):
        places = hops[f"{a} {b}"]
        cabinets = {stand(works, tap.cabinet): tap.cabinet for tap in TAPS.get(f"{a} {b}", ())}
        bounds = [0, *_joints(works, places, cabinets), len(places) - 1]
        for first, last in pairwise(bounds):
            number += 1
            name = f"c-{run.id}-{number:02d}"
            loops = {places[at]: LOOP // 2 for at in (first, last) if places[at].startswith("ch-")}
            trunks.laying.add(Cable(name, "ring", run.type, places[first : last + 1], run.year, loops=loops))
            if before:
                closure = trunks.closures.add(f"bpe-{run.id}-{number:02d}", places[first], run.year)
                if first == 0:
                    trunks.closures.join(closure, f"{before}:{NODE + 1}-{whole}", f"{name}:{NODE + 1}-{whole}")
                elif places[first] in cabinets:
                    _tap(
                        trunks,
                        closure,
                        (before, name),
                        whole,
                        places[first],
                        cabinets[places[first]],
                        run.year + 4,
                    )
                else:
                    trunks.closures.join(closure, f"{before}:1-{whole}", f"{name}:1-{whole}")
            if first == 0:
                trunks.reach[run.id, a] = Reach(before, name)
            before = name
    trunks.reach[run.id, run.nodes[-1]] = Reach(before, "")


def _tap(
    trunks: Trunks, closure: str, reels: tuple[str, str], whole: int, chamber: str, cabinet: str, year: int
) -> None:
    """Strands 13 and 14 lead into a cabinet, from both sides; the others go on."""
    cable = f"c-tap-{cabinet.removeprefix('cab-')}"
    trunks.laying.add(Cable(cable, "ring", "g657a2-12", [chamber, cabinet], year))
    one, two = reels
    trunks.closures.join(closure, f"{one}:13-14", f"{cable}:1-2")
    trunks.closures.join(closure, f"{two}:13-14", f"{cable}:3-4")
    trunks.closures.join(closure, f"{one}:1-12,15-{whole}", f"{two}:1-12,15-{whole}")
    trunks.taps[cabinet] = cable


def _joints(works: Works, places: Sequence[str], cabinets: Mapping[str, str]) -> list[int]:
    """Numbers of the places of a hop with a joint: at cabinets, and evenly between where it is far."""
    marks = [0.0]
    for a, b in pairwise(places):
        marks.append(marks[-1] + works.metres((a, b)))
    fixed = [at for at, place in enumerate(places) if place in cabinets]
    chosen = list(fixed)
    for first, last in pairwise([0, *fixed, len(places) - 1]):
        far = marks[last] - marks[first]
        count = max(1, round(far / REEL))
        for number in range(1, count):
            target = marks[first] + far * number / count
            chosen.append(min(range(first + 1, last), key=lambda at: (round(abs(marks[at] - target), 1), at)))
    return sorted(set(chosen))


def lay_core(trunks: Trunks, works: Works, streets: Streets) -> None:
    """Core cables on streets that keep apart from each other at every site."""
    u, v = _station(streets)
    streets.private.add(frozenset((u, v)))
    trunks.laying.enclose(STATION_DUCT, streets.street(u, v), 2003)
    for row in CORE.strip().splitlines():
        a, b, strands, year, *way = row.split()
        name = "--".join((a, b)) + (f"-{way[0]}" if way else "")
        via = [a, b]
        if name in STATION_CABLES:
            via = [a, *_towards(streets, a, u, v), b]
        places = streets.way(via, {a, b})
        kind = {"288": "g652d-288" if int(year) < 2012 else "g657a1-288", "720": "g657a2-720"}[strands]
        trunks.laying.add(Cable(f"c-{name}", "core", kind, places, int(year)))


def _station(streets: Streets) -> tuple[str, str]:
    """The two corners of the street past the station."""
    first = streets.closest(STATION)[0]
    second = min(
        (key for key in streets.near[first] if key in streets.corners),
        key=lambda key: (streets.near[first][key], key),
    )
    return first, second


def _towards(streets: Streets, start: str, u: str, v: str) -> tuple[str, str]:
    """The two corners, the nearer one first."""
    x, y = streets.positions[start]

    def far(key: str) -> float:
        return round(abs(streets.positions[key][0] - x) + abs(streets.positions[key][1] - y), 6)

    return (u, v) if far(u) < far(v) else (v, u)


def lay_loops(trunks: Trunks, streets: Streets) -> None:
    """Distribution cables from cabinet to cabinet, landing at two different sites."""
    for number, row in enumerate(LOOPS.strip().splitlines(), 1):
        year, first, *quarters, last = row.split()
        sites = [first, *(f"cab-{key}" for key in quarters), last]
        names: list[str] = []
        for part, (a, b) in enumerate(pairwise(sites), 1):
            name = f"c-loop-{number:02d}-{part}"
            kind = "g652d-72-m6" if int(year) == 2003 else "g652d-72" if int(year) < 2010 else "g657a2-72"
            # Apart from everything else at its landings, too: the loop must survive what takes a core link there.
            places = streets.way([a, b], {a, b, first, last})
            trunks.laying.add(Cable(name, "distribution", kind, places, int(year)))
            names.append(name)
        trunks.loops.append((sites, names))
