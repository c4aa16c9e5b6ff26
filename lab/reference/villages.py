"""How many drop points each serving site has, and how its closures spread along the roads and side streets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from lab.reference.chance import apportion
from lab.reference.communes import LEAST, POINTS, communes
from lab.reference.ground import metres
from lab.reference.places import COMMUNE_CABINETS, quarters, town_halls
from lab.reference.rings import RUNS, TAPS

DROPS_PER_CLOSURE = 1.62
CLOSURE_STEP = 290.0  # distribution closures stand every 250 to 400 m
LONGEST_ARM = 6  # closures on a cable along the ring's road; what is left goes into side streets
LONGEST_RIB = 4


@dataclass(slots=True)
class Share:
    """What one serving site has: drop points, and closures along each road (hop) and in side streets."""

    site: str
    commune: str
    drops: int
    arms: dict[str, int] = field(default_factory=dict)
    ribs: list[int] = field(default_factory=list)


def shares() -> dict[str, Share]:
    """Drop points of every serving site: communes by population, evenly among the sites of each."""
    by_commune = apportion(POINTS, {key: one.population for key, one in communes().items()}, LEAST)
    found: dict[str, Share] = {}
    for key in communes():
        names = [f"cab-{key}-{name}" for name in COMMUNE_CABINETS.get(key, ())]
        sites = list(quarters()) if key == "nimes" else [f"com-{key}", *names]
        for name, drops in apportion(by_commune[key], dict.fromkeys(sites, 1.0)).items():
            found[name] = Share(name, key, drops)
    return found


def spread(found: Mapping[str, Share]) -> None:
    """Fill arms and ribs of the sites outside Nîmes."""
    room = _room()
    for share in found.values():
        if share.commune == "nimes":
            continue
        left = -int(-share.drops // DROPS_PER_CLOSURE)
        roads = room[share.site]
        share.arms = dict.fromkeys(roads, 0)
        while left and any(share.arms[road] < roads[road] for road in roads):
            for road in roads:
                if left and share.arms[road] < roads[road]:
                    share.arms[road] += 1
                    left -= 1
        count = -(-left // LONGEST_RIB)
        share.ribs = [left // count + (number < left % count) for number in range(count)] if count else []


def _room() -> dict[str, dict[str, int]]:
    """Site → hop → most closures along it: half of the way to the next site that serves."""
    room: dict[str, dict[str, int]] = {}
    spots = {key: place.position for key, place in town_halls().items()}
    for run in RUNS:
        for a, b in pairwise(run.nodes):
            key = f"{a} {b}"
            crow = metres(spots[a], spots[b]) if a in spots and b in spots else 9_000.0
            stands = [(f"com-{a}", 0.0)] if a in spots else [("", -9_000.0)]
            stands += [
                (tap.cabinet, tap.metres if tap.near == a else 1.15 * crow - tap.metres)
                for tap in TAPS.get(key, ())
            ]
            stands += [(f"com-{b}", 1.15 * crow)] if b in spots else [("", 1.15 * crow + 9_000)]
            for (one, here), (two, there) in pairwise(stands):
                most = min(LONGEST_ARM, int(((there - here) / 2 - 50) // CLOSURE_STEP))
                for site in (one, two):
                    if site:
                        side = "<" if site == two else ">"
                        room.setdefault(site, {})[f"{key}{side}"] = max(most, 0)
    return room


def dense(share: Share | None, road: str) -> float:
    """How far along a road chambers stand as in a town."""
    return 0.0 if share is None else 120.0 + share.arms.get(road, 0) * CLOSURE_STEP
