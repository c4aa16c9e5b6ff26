"""Ring roads: the way of every hop, from node to node or into the streets of Nîmes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from lab.reference.ground import Line, length, sideways, steps, wound
from lab.reference.places import town_halls
from lab.reference.rings import (
    BRIDGE_HOPS,
    BRIDGE_NORTH,
    BRIDGE_SOUTH,
    GATES,
    MEETING,
    MEETING_HOPS,
    MEETING_SPOT,
    RUNS,
    TAPS,
    site,
)
from lab.reference.streets import Streets
from lab.reference.villages import Share, dense
from lab.reference.works import Works

SINUOSITY = 1.235
TOWN, COUNTRY = 148.0, 470.0  # between chambers: 6–8 per km in towns, 2–3 outside
ENTRY = 45.0
LEAD_IN = 35.0


def lay_roads(works: Works, streets: Streets, found: Mapping[str, Share]) -> dict[str, list[str]]:
    """Dig every hop; returns its places from end to end, by its key. Cabinets on it get their lead-ins."""
    for place in town_halls().values():
        works.site(place.id, place.position)
    works.chamber("dions", BRIDGE_SOUTH, name="ch-pont-du-gardon-s")
    works.chamber("saint-chaptes", BRIDGE_NORTH, name="ch-pont-du-gardon-n")
    hops: dict[str, list[str]] = {}
    for run in RUNS:
        for a, b in pairwise(run.nodes):
            hops[f"{a} {b}"] = _hop(works, streets, found, a, b)
    return hops


def _hop(works: Works, streets: Streets, found: Mapping[str, Share], a: str, b: str) -> list[str]:
    if a.startswith("pop-"):
        return _hop_to_city(works, streets, found, b, a, f"{a} {b}")[::-1]
    if b.startswith("pop-"):
        return _hop_to_city(works, streets, found, a, b, f"{a} {b}")
    one, two = site(a), site(b)
    if f"{a} {b}" in BRIDGE_HOPS or f"{b} {a}" in BRIDGE_HOPS:
        return _hop_over_bridge(works, found, a, b)
    line = wound(works.positions[one], works.positions[two], SINUOSITY, "road", a, b)
    near = _dense(found, a, b, f"{a} {b}")
    places = works.lay(one, two, line, _marks(length(line), *near), f"road {a} {b}", (a, b))
    _tap(works, f"{a} {b}", places)
    return places


def _dense(found: Mapping[str, Share], a: str, b: str, key: str) -> tuple[float, float]:
    """How far a town reaches along the road from each end: its own closures, and those round its cabinets."""
    reach = {
        a: dense(found.get(site(a)), f"{key}>"),
        b: dense(found.get(site(b)), f"{key}<"),
    }
    for tap in TAPS.get(key, ()):
        share = found[tap.cabinet]
        outward = f"{key}>" if tap.near == a else f"{key}<"
        reach[tap.near] = max(reach[tap.near], tap.metres + dense(share, outward))
    return reach[a], reach[b]


def _marks(whole: float, near: float, far: float) -> list[float]:
    """Where chambers stand: before each door, close together in towns, wide apart outside."""
    near, far = max(near, ENTRY), max(far, ENTRY)
    if near + far > whole - TOWN:
        near, far = whole / 2, whole / 2
    marks = [ENTRY, *(ENTRY + one for one in steps(near - ENTRY, TOWN))]
    middle = whole - near - far
    if middle > 1:
        marks += [near, *(near + one for one in steps(middle, COUNTRY))]
    marks += [whole - far, *(whole - far + one for one in steps(far - ENTRY, TOWN)), whole - ENTRY]
    kept: list[float] = []
    for mark in sorted(round(one, 2) for one in marks):
        if not kept or mark - kept[-1] > 20:
            kept.append(mark)
    return kept


def _hop_to_city(
    works: Works, streets: Streets, found: Mapping[str, Share], commune: str, pop: str, key: str
) -> list[str]:
    """From a commune by road to the gate, then by street."""
    gate = streets.closest(GATES.get(f"{commune} {pop}") or GATES[f"{pop} {commune}"])[0]
    names = {f"{commune} {pop}", f"{pop} {commune}"}
    via = [gate, pop]
    if names & set(MEETING_HOPS):
        meeting = streets.closest(MEETING_SPOT)[0]
        if meeting not in streets.chambers:
            streets.chambers[meeting] = works.chamber("nimes", streets.positions[meeting], name=MEETING)
        via = [gate, meeting, pop] if gate != meeting else [gate, pop]
    start, end = works.positions[site(commune)], streets.positions[gate]
    line = wound(start, end, SINUOSITY, "road", commune, pop)
    forward = key.startswith(commune)
    near, far = _dense(found, *key.split(), key)
    if not forward:
        near, far = far, near
    marks = [mark for mark in _marks(length(line), near, 500.0) if mark < length(line) - ENTRY - 1]
    road = works.lay(site(commune), streets.place(gate), line, marks, f"road {commune} {pop}", (commune, "nimes"))
    _tap(works, key, road if forward else road[::-1])
    return road + streets.way(via, {pop})[1:]


def _hop_over_bridge(works: Works, found: Mapping[str, Share], a: str, b: str) -> list[str]:
    """Two hops to Saint-Chaptes cross the river on one bridge; on both banks each has trenches of its own."""
    south, north = ("ch-pont-du-gardon-s", "ch-pont-du-gardon-n")
    order = (south, north) if b == "saint-chaptes" else (north, south)
    near, far = _dense(found, a, b, f"{a} {b}")
    one = wound(works.positions[site(a)], works.positions[order[0]], SINUOSITY, "road", a, "bridge")
    two = wound(works.positions[order[1]], works.positions[site(b)], SINUOSITY, "road", "bridge", b, a)
    places = works.lay(site(a), order[0], one, _marks(length(one), near, 0)[:-1], f"road {a} bridge", (a, a))
    straight = [works.positions[order[0]], works.positions[order[1]]]
    key = works.segment(order[0], order[1], straight, "bridge gardon", "dions")
    works.segments[key].kind = "bridge"
    marks = _marks(length(two), 0, far)[1:]
    return places + works.lay(order[1], site(b), two, marks, f"road bridge {b} {a}", (b, b))


def _tap(works: Works, key: str, places: list[str]) -> None:
    """Stand the cabinets of a hop beside its chambers."""
    for tap in TAPS.get(key, ()):
        order = places if key.startswith(tap.near) else places[::-1]
        gone, at = 0.0, 0
        while gone < tap.metres:
            gone += works.metres(order[at : at + 2])
            at += 1
        chamber, before = works.positions[order[at]], works.positions[order[at - 1]]
        works.site(tap.cabinet, sideways(before, chamber, 8.0, LEAD_IN, chamber))
        line: Line = [chamber, works.positions[tap.cabinet]]
        works.segment(order[at], tap.cabinet, line, f"tap {tap.cabinet}", tap.commune)


def stand(works: Works, cabinet: str) -> str:
    """The chamber that a cabinet on a ring stands at."""
    ends = next(ends for ends in works.between if cabinet in ends)
    return next(iter(ends - {cabinet}))
