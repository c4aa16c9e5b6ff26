"""Distribution cables, their closures, and the drop of every customer's place.

A drop is a thin cable from a closure to a wall box; its first strand is spliced to a strand of distribution
cable that leads to the frame of the serving switch. In Nîmes closures stand on the loops of the cabinets; in
the other communes on cables along the ring's road (arms) and into side streets (ribs).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from lab.reference.cables import Cable
from lab.reference.chance import between, chance
from lab.reference.ground import Line, length, metres, sideways, steps, wound
from lab.reference.model import Position
from lab.reference.rings import RUNS, TAPS, site
from lab.reference.roads import stand
from lab.reference.trunks import Trunks
from lab.reference.villages import Share
from lab.reference.works import Works

FIRST_STRAND = {True: 13, False: 1}
"""On loops drops begin in the second tube: links between switches are in the first. Elsewhere there are none."""
CHAMBERS = 142.0
RIB_STEP = 268.0
LEAD_IN = (22.0, 39.0)
BESIDE = 0.5  # share of the wall boxes that stand at the chamber of the closure; the others are one chamber on


class Stand(NamedTuple):
    """A closure to be: on a cable, in a chamber, with the neighbouring chamber where a wall box may be, too."""

    cable: str
    side: str
    chamber: str
    beside: str
    order: float


class Drop(NamedTuple):
    """A lit access line: from the frame of `site` over `cable` and a splice in `closure` to the box `box`."""

    name: str
    site: str
    commune: str
    cable: str
    strand: int
    box: str


@dataclass(slots=True)
class Access:
    """All drops; `taken`: distribution cable → its next free strand."""

    drops: list[Drop] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    feeds: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """(site, cable with side) → strands that lead drops to the frame of that site."""


def lay_distribution(
    trunks: Trunks, works: Works, hops: Mapping[str, Sequence[str]], found: Mapping[str, Share]
) -> Access:
    """Distribution of all communes, in the order of the shares."""
    access = Access()
    stands = _loop_stands(trunks, works, found)
    roads = _roads(works, hops)
    for share in found.values():
        if share.commune != "nimes":
            stands[share.site] = _village(trunks, works, roads, share)
    for share in found.values():
        _drops(trunks, works, access, share, stands[share.site])
    return access


# ── where closures stand ─────────────────────────────────────────────────────────────────────────


def _loop_stands(trunks: Trunks, works: Works, found: Mapping[str, Share]) -> dict[str, list[Stand]]:
    """Closures of the cabinets of Nîmes: evenly on the halves of the loop next to it, all up to a landing."""
    chosen: dict[str, list[Stand]] = {}
    for sites, cables in trunks.loops:
        for at, cabinet in enumerate(sites[1:-1], 1):
            free: list[Stand] = []
            for cable, other, side in ((cables[at - 1], sites[at - 1], "b"), (cables[at], sites[at + 1], "a")):
                places = trunks.laying.cables[cable].places
                outward = places if side == "a" else places[::-1]
                half = other.startswith("cab-")
                free += _along(works, cable, side, outward, half)
            wanted = -int(-found[cabinet].drops // 1.62)
            chosen[cabinet] = [free[int((number + 0.5) * len(free) / wanted)] for number in range(wanted)]
    return chosen


def _along(works: Works, cable: str, side: str, outward: Sequence[str], half: bool) -> list[Stand]:
    """Chambers from a cabinet outward (up to the middle), each with the next one."""
    chambers = [place for place in outward if place.startswith("ch-")]
    if half:
        chambers = chambers[: (len(chambers) + (side == "a")) // 2]
    pairs = list(pairwise(chambers)) or [(chambers[0], chambers[0])]
    return [Stand(cable, side, one, two, number) for number, (one, two) in enumerate(pairs)]


def _roads(works: Works, hops: Mapping[str, Sequence[str]]) -> dict[str, dict[str, list[str]]]:
    """Serving site → road → places from the site outward, chambers only behind the first."""
    found: dict[str, dict[str, list[str]]] = {}
    for run in RUNS:
        for a, b in pairwise(run.nodes):
            key, places = f"{a} {b}", list(hops[f"{a} {b}"])
            for node, way, side in ((a, places, ">"), (b, places[::-1], "<")):
                found.setdefault(site(node), {})[f"{key}{side}"] = way
            for tap in TAPS.get(key, ()):
                at = places.index(stand(works, tap.cabinet))
                found.setdefault(tap.cabinet, {})[f"{key}>"] = [tap.cabinet, *places[at:]]
                found[tap.cabinet][f"{key}<"] = [tap.cabinet, *places[at::-1]]
    return found


def _village(
    trunks: Trunks, works: Works, roads: Mapping[str, Mapping[str, list[str]]], share: Share
) -> list[Stand]:
    """Cables of one serving site: one per arm, one per side street; returns their closures."""
    stands: list[Stand] = []
    ways = roads[share.site]
    number = 0
    for road, closures in share.arms.items():
        if closures:
            number += 1
            reach = ways[road][: 2 + 2 * closures]
            stands += _cable(trunks, share, number, reach, 2)
    starts = [(road, at) for at in (2, 3, 4, 5) for road in sorted(share.arms)]
    usable = [(road, at) for road, at in starts if at <= 1 + 2 * share.arms[road] and len(ways[road]) > at + 2]
    if not usable:
        usable = [(road, 1) for road in sorted(ways)]
    for rib, closures in enumerate(share.ribs):
        number += 1
        road, at = usable[rib % len(usable)]
        road_part = ways[road][: at + 1]
        beyond = ways[road][at + 1]
        side = 1.0 if (rib + rib // len(usable)) % 2 == 0 else -1.0
        street = _rib(works, share, road_part[-1], beyond, closures, side, rib)
        stands += _cable(trunks, share, number, road_part + street[1:], at + 1)
    return stands


def _rib(works: Works, share: Share, start: str, beyond: str, closures: int, side: float, rib: int) -> list[str]:
    """A side street off the road at `start`."""
    name = ("rib", share.site, rib)
    here, there = works.positions[start], works.positions[beyond]
    far = (closures * RIB_STEP - 60.0) / 1.12
    end = sideways(here, there, far * between(-0.35, 0.45, *name, "turn"), side * far * 0.93)
    line = wound(here, end, 1.12, *name)
    last = works.chamber(share.commune, end)
    return works.lay(
        start, last, line, steps(length(line), CHAMBERS), " ".join(map(str, name)), (share.commune, share.commune)
    )


def _cable(trunks: Trunks, share: Share, number: int, places: list[str], first: int) -> list[Stand]:
    """A dead-end distribution cable with closures at every second chamber from place `first` on."""
    name = f"c-{share.site.removeprefix('com-').removeprefix('cab-')}-d{number}"
    year = min(2025, 2008 + int(chance(name, "year") * 18))
    kind = "g652d-24-m6" if year < 2011 else "g657a2-24"
    ends = [at for at in range(first, len(places)) if (at - first) % 2 == 0]
    cable = places[: ends[-1] + 1]
    trunks.laying.add(Cable(name, "distribution", kind, cable, year))
    return [
        Stand(name, "a", places[at], places[at + 1] if at + 1 < len(places) else places[at - 1], at) for at in ends
    ]


# ── drops ────────────────────────────────────────────────────────────────────────────────────────


def _drops(trunks: Trunks, works: Works, access: Access, share: Share, stands: Sequence[Stand]) -> None:
    """Give each closure its drops, one or two each, and each drop a wall box, a cable and a splice."""
    counts = [share.drops // len(stands)] * len(stands)
    for extra in sorted(range(len(stands)), key=lambda at: chance("extra", stands[at].cable, stands[at].chamber))[
        : share.drops % len(stands)
    ]:
        counts[extra] += 1
    for one, count in zip(stands, counts, strict=True):
        cable = trunks.laying.cables[one.cable]
        closure = trunks.closures.add(
            f"bpe-{one.cable.removeprefix('c-')}-{one.side}{int(one.order):02d}", one.chamber, cable.year
        )
        for _ in range(count):
            _drop(trunks, works, access, share, one, closure)


def _drop(trunks: Trunks, works: Works, access: Access, share: Share, one: Stand, closure: str) -> None:
    name = f"dr-{len(access.drops) + 1:04d}"
    door = one.chamber if chance(name, "door") < BESIDE or not one.beside.startswith("ch-") else one.beside
    other = one.beside if door == one.chamber else one.chamber
    box = works.chamber(
        share.commune, _box(works, name, door, other), "wall-box", f"wb-{name.removeprefix('dr-')}"
    )
    line: Line = [works.positions[door], _corner(works, name, door, box), works.positions[box]]
    works.segment(door, box, line, f"lead-in {share.site} {int(chance(name, 'lot') * 3)}", share.commune)
    way = [one.chamber, box] if door == one.chamber else [one.chamber, door, box]
    year = max(trunks.laying.cables[one.cable].year, 2016) + int(chance(name, "year") * 10)
    trunks.laying.add(Cable(name, "drop", "g657a2-4", way, min(year, 2025)))
    strand = access.taken.get(one.cable, FIRST_STRAND[one.cable.startswith("c-loop-")])
    access.taken[one.cable] = strand + 1
    side = f"{one.cable}/{one.side}"
    access.feeds.setdefault((share.site, side), []).append(strand)
    trunks.closures.join(closure, f"{side}:{strand}", f"{name}:1")
    access.drops.append(Drop(name, share.site, share.commune, one.cable, strand, box))


def _box(works: Works, name: str, door: str, other: str) -> Position:
    """Some tens of metres beside the street."""
    here, there = works.positions[door], works.positions[other]
    left = 1.0 if chance(name, "side") < 0.5 else -1.0
    far = between(*LEAD_IN, name, "far")
    spot = sideways(here, there, between(-22.0, 22.0, name, "along"), left * far)
    while any(metres(spot, one) < 1.0 for one in (here, there)):
        spot = sideways(here, there, 5.0, far)
    return spot


def _corner(works: Works, name: str, door: str, box: str) -> Position:
    """A bend in the lead-in."""
    a, b = works.positions[door], works.positions[box]
    return sideways(a, b, metres(a, b) * 0.5, between(-7.0, 7.0, name, "bend"))
