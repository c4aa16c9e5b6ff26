"""Fibre in the ground as it really is, beside what the records say of it, and what an OTDR would write of both.

The records of a world are a plant like any other. The truth is drawn apart from it: each segment holds a little
more or less cable than its share, loops were not laid to the metre, the helix of each cable is not quite its
type's, and the instrument's group index is not quite the fibre's. The arithmetic here shares nothing with
`sdnctl.inventory.course`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from inventory_support import LIFE, plant_of

from sdnctl.exchange import sor
from sdnctl.exchange.sor_write import write
from sdnctl.inventory.geometry import distance
from sdnctl.inventory.plant import Plant

LIGHT = 0.299792458


@dataclass(frozen=True)
class Piece:
    """Glass between two places, or in a loop at one: metres of way, recorded and true metres of fibre."""

    cable: str
    places: tuple[str, str]
    way: float
    recorded: float
    true: float

    @property
    def loop(self) -> bool:
        return self.places[0] == self.places[1]


@dataclass
class World:
    """`pieces` from the instrument on; `joints`: pieces before it, loss, reflectance (None: none)."""

    rng: random.Random
    plant: Plant
    pieces: list[Piece] = field(default_factory=list)
    joints: list[tuple[int, float, float | None]] = field(default_factory=list)

    def reversed(self) -> World:
        """The same glass seen from its other end."""
        count = len(self.pieces)
        pieces = [replace(one, places=one.places[::-1]) for one in reversed(self.pieces)]
        return World(self.rng, self.plant, pieces, [(count - at, *rest) for at, *rest in reversed(self.joints)])

    def true(self, pieces: int, share: float = 0.0) -> float:
        """True metres of fibre through so many pieces and a share of the next."""
        rest = self.pieces[pieces].true * share if share else 0.0
        return sum(one.true for one in self.pieces[:pieces]) + rest

    def recorded(self, pieces: int, share: float = 0.0) -> float:
        rest = self.pieces[pieces].recorded * share if share else 0.0
        return sum(one.recorded for one in self.pieces[:pieces]) + rest


def make_world(seed: int) -> World:
    """A chain of one to four cables between two sites, with chambers every few hundred metres."""
    rng = random.Random(seed)
    network, layout = _records(rng)
    plant = plant_of(network)
    world = World(rng, plant)
    world.joints.append((0, rng.uniform(0.1, 0.5), rng.uniform(-55, -40)))
    for number, (name, flipped, ways, slack, sheath, helix) in enumerate(layout):
        pieces = _pieces(rng, name, ways, slack, sheath, helix)
        if flipped:  # the cable's end a is at the far side
            pieces = [replace(one, places=one.places[::-1]) for one in reversed(pieces)]
        world.pieces += pieces
        last = number == len(layout) - 1
        loss = rng.uniform(0.1, 0.5) if last else rng.choice((0.0, rng.uniform(0.03, 0.2)))
        world.joints.append((len(world.pieces), loss, rng.uniform(-55, -40) if last else None))
    return world


def _records(rng: random.Random) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """The network as written, and per cable: name, whether it was laid from the far side, segments, loops, …"""
    sizes = [rng.randint(2, 7) for _ in range(rng.randint(1, 4))]
    count = sum(sizes) + 1
    names = ["a", *(f"k{number}" for number in range(1, count - 1)), "b"]
    spots = {"a": (4.0, 44.0)}
    for before, name in pairwise(names):
        lon, lat = spots[before]
        spots[name] = lon + rng.uniform(0.0015, 0.009), lat + rng.uniform(-0.004, 0.004)
    hops = list(pairwise(names))
    cables, layout, closures = [], [], []
    first = 0
    for number, size in enumerate(sizes):
        places = names[first : first + size + 1]
        flipped = rng.random() < 0.5
        if flipped:
            places.reverse()
        ways = [(a, b, distance(spots[a], spots[b])) for a, b in pairwise(places)]
        slack = {place: float(rng.randint(10, 30)) for place in places if rng.random() < 0.5}
        ratio = rng.uniform(1.01, 1.05)
        sheath = round(sum(way for _, _, way in ways) * ratio + sum(slack.values()), 1)
        cable = {"id": f"c{number}", "type": f"t{number % 2}", "a": places[0], "b": places[-1]}
        cable["route"] = [f"s-{'-'.join(sorted(pair))}" for pair in pairwise(places)]
        cable["sheath"] = f"{sheath} m"
        cable["slack"] = [{"at": place, "length": f"{length} m"} for place, length in slack.items()]
        cables.append(cable)
        layout.append((f"c{number}", flipped, ways, slack, sheath, (0.01, 0.02)[number % 2]))
        first += size
        if number < len(sizes) - 1:
            splices = [{"a": f"c{number}:1-12", "b": f"c{number + 1}:1-12"}]
            closures.append({"id": f"j{number}", "at": names[first], "splices": splices})
    ends = {"a": "c0", "b": f"c{len(sizes) - 1}"}
    network: dict[str, Any] = {
        "sites": {"defaults": LIFE, "sites": [{"id": one, "position": spots[one]} for one in "ab"]},
        "chambers": [{"id": one, "lon": spots[one][0], "lat": spots[one][1], **LIFE} for one in names[1:-1]],
        "segments": [
            {
                "id": f"s-{'-'.join(sorted(hop))}",
                "a": hop[0],
                "b": hop[1],
                "coordinates": [spots[one] for one in hop],
            }
            | LIFE
            for hop in hops
        ],
        "cable-types": {
            "cable_types": [
                {"id": "t0", "strands": 12, "helix": "1 %"},
                {"id": "t1", "strands": 12, "helix": "2 %"},
            ]
        },
        "cables": {"defaults": LIFE, "cables": cables},
        "closures": {"defaults": LIFE, "closures": closures},
        "odfs": {
            "defaults": LIFE,
            "odfs": [
                {
                    "id": f"odf-{site}",
                    "site": site,
                    "positions": 12,
                    "terminations": [{"positions": "1-12", "strands": f"{cable}:1-12"}],
                }
                for site, cable in ends.items()
            ],
        },
    }
    return network, layout


def _pieces(
    rng: random.Random,
    cable: str,
    ways: list[tuple[str, str, float]],
    slack: dict[str, float],
    sheath: float,
    helix: float,
) -> list[Piece]:
    """Loops and ways of a cable from its end a, with what is in them according to the records and in truth."""
    ratio = (sheath - sum(slack.values())) / sum(way for _, _, way in ways)
    really = 1 + helix + rng.uniform(-0.0043, 0.0043)
    pieces: list[Piece] = []

    def loop(place: str) -> None:
        if place in slack:
            true = slack[place] * (1 + rng.uniform(-0.05, 0.05)) * really
            pieces.append(Piece(cable, (place, place), 0.0, slack[place] * (1 + helix), true))

    loop(ways[0][0])
    for a, b, way in ways:
        true = (way * ratio + rng.gauss(0, 0.05) * way**0.5) * really
        pieces.append(Piece(cable, (a, b), way, way * ratio * (1 + helix), true))
        loop(b)
    return pieces


# ── what an instrument writes ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Shot:
    """How a trace is taken: leads (m), pulse and spacing (ns), the index that was set, and how far it is off."""

    generation: int = 2
    lead: float = 500.0
    pulse: int = 30
    spacing: float = 2.5
    index: float = 1.4682
    off: float = 0.0
    wavelength: int = 1550
    receive: float = 0.0


def random_shot(rng: random.Random) -> Shot:
    return Shot(
        rng.choice((1, 2)),
        rng.choice((150.0, 500.0, 1000.0)),
        rng.choice((10, 30, 100)),
        rng.choice((1.25, 2.5, 5.0)),
        rng.choice((1.4677, 1.4682, 1.4700)),
        rng.uniform(-0.0017, 0.0017),
        rng.choice((1310, 1550, 1625)),
    )


def sor_file(
    world: World,
    shot: Shot,
    broken: tuple[int, float] | None = None,
    bends: tuple[tuple[int, float, float], ...] = (),
) -> bytes:
    """The trace of a world, broken in a share of a piece; bends are (piece, share, loss)."""
    rng = world.rng
    end = world.true(*broken) if broken is not None else world.true(len(world.pieces))
    events = [(world.true(pieces), loss, reflectance) for pieces, loss, reflectance in world.joints]
    events += [(world.true(piece, share), loss, None) for piece, share, loss in bends]
    events = [one for one in sorted(events, key=lambda one: one[0]) if one[0] < end - 5 and (one[1] or one[2])]
    rows = [(*one, "F") for one in events]
    rows.append((end, 12.0, rng.choice((None, -30.0)), "E" if not shot.receive else "F"))
    if shot.receive:
        rows.append((end + shot.receive, 14.0, -14.0, "E"))

    def ticks(metres: float) -> int:
        return round(metres * (1 + shot.off) * shot.index / LIGHT * 10)

    found = [
        sor.KeyEvent(
            number,
            ticks(at + rng.gauss(0, 0.5) + rng.uniform(-0.5, 0.5) * shot.spacing * 0.2),
            0,
            round(loss * 1000),
            round(back * 1000) if back is not None else 0,
            f"{0 if back is None else 1}{code}9999",
        )
        for number, (at, loss, back, code) in enumerate(rows, start=1)
    ]
    samples = round((shot.lead + end + shot.receive) * 1.2 * shot.index / LIGHT / shot.spacing)
    general = sor.General(cable="c0", fibre="1", wavelength=shot.wavelength, user_offset=ticks(shot.lead))
    fixed = sor.Fixed(
        taken=1_700_000_000,
        wavelength=shot.wavelength * 10,
        pulses=(sor.Pulse(shot.pulse, round(shot.spacing * 100_000), samples),),
        group_index=round(shot.index * 100_000),
    )
    curve = _curve(rows, shot, samples)
    return write(sor.SorFile(shot.generation, general, fixed, tuple(found), sor.Summary(), samples=(curve,)))


def _curve(rows: list[tuple[float, float, float | None, str]], shot: Shot, count: int) -> sor.Samples:
    """Backscatter: a slope, steps down at events, noise behind the end."""
    metres = np.arange(count) * shot.spacing * LIGHT / shot.index - shot.lead
    level = 0.2 * (metres + shot.lead) / 1000
    for at, loss, _, _ in rows:
        level[metres >= at] += loss
    return sor.Samples(1000, np.clip(20_000 + level * 1000, 0, 65_535).astype(np.uint16))
