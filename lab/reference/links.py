"""Links: which ports face each other over which strands, and the optics that their loss asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from lab.reference.cables import LOOP, SHEATH
from lab.reference.drops import Access
from lab.reference.frames import Frames, ring_side
from lab.reference.rings import RUNS, TAPS, Tap, site
from lab.reference.roads import stand
from lab.reference.trunks import Trunks

SLOW = frozenset(
    f"cab-{key}"
    for key in (
        "caveirac-vaunage", "poulx-capitelles", "clarensac-liquiere", "redessan-tgv", "caissargues-vistre",
        "generac-chateau", "bernis-vistrenque", "saint-genies-cooperative",
    )
)  # fmt: skip
"""Cabinets with uplinks of 1 Gbit/s; all others have 10."""

ATTENUATED = ("pop-nord", "com-sainte-anastasie")
"""A hop with long-reach optics although it is short: it needs attenuators."""

# Loss, dB: per km (planning, 1310 and 1550 nm; least at 1550), a frame position at each end, a splice
KM_1310, KM_1550, LEAST_1550, FRAME, SPLICE, HELIX = 0.35, 0.25, 0.21, 0.5, 0.09, 1.015
LR_BUDGET, ER_BUDGET, ER_NEEDS, LX_BUDGET = 6.2, 11.1, 5.0, 10.5
MARGIN = 0.3


class Side(NamedTuple):
    """One end of a link: its switch, and the frame positions of its two strands (sending first at end a)."""

    switch: str
    one: str
    two: str


class PortRow(NamedTuple):
    """A row of ports.csv."""

    switch: str
    port: int
    transceiver: str
    tx: str = ""
    rx: str = ""
    bidi: str = ""
    link: str = ""
    status: str = ""


@dataclass(slots=True)
class Patching:
    """Ports, jumpers and attenuators so far; trunk ports of a switch count from 1."""

    frames: Frames
    ports: list[PortRow] = field(default_factory=list)
    jumpers: list[tuple[str, str]] = field(default_factory=list)
    passives: list[tuple[str, str, float]] = field(default_factory=list)  # id, site, dB
    used: dict[str, int] = field(default_factory=dict)
    lit: list[tuple[str, str]] = field(default_factory=list)

    def port(self, switch: str) -> int:
        self.used[switch] = self.used.get(switch, 0) + 1
        return self.used[switch]

    def link(
        self, a: Side, b: Side, optics: str, attenuator: float = 0.0, name: str = "", crossed: bool = True
    ) -> None:
        """Join two ports: end a sends on the first strand, end b on the second (unless not crossed)."""
        if not name:
            self.lit.append((a.switch, b.switch))
        far = (b.two, b.one) if crossed else (b.one, b.two)
        for switch, (tx, rx) in ((a.switch, (a.one, a.two)), (b.switch, far)):
            number = self.port(switch)
            if attenuator:
                place = tx.removeprefix("odf-").rpartition("-")[0]
                passive = f"att-{switch.removeprefix('com-')}-{number}"
                self.passives.append((passive, place, attenuator))
                self.jumpers.append((rx, f"{passive}/in"))
                rx = f"{passive}/out"
            self.ports.append(PortRow(switch, number, optics, tx, rx, link=name))

    def inside(self, a: str, b: str, optics: str) -> None:
        """A link within a building, by two patch cords."""
        self.lit.append((a, b))
        one, two = self.port(a), self.port(b)
        self.ports += [PortRow(a, one, optics), PortRow(b, two, optics)]
        self.jumpers += [(f"{a}:{one}/tx", f"{b}:{two}/rx"), (f"{a}:{one}/rx", f"{b}:{two}/tx")]

    def side(self, switch: str, place: str, cable: str, strand: int) -> Side:
        return Side(switch, self.frames.at[place, cable, strand], self.frames.at[place, cable, strand + 1])


def optics(metres: float, splices: int, slow: bool, long_reach: bool = False) -> tuple[str, float]:
    """The cheapest transceiver that closes over a length of sheath, and the attenuator (dB) that it needs."""
    km = metres / 1000 * HELIX
    most = km * KM_1310 + 2 * FRAME + splices * SPLICE + MARGIN
    if slow:
        return "1g-lx10", 0.0
    if most <= LR_BUDGET and not long_reach:
        return "10g-lr", 0.0
    least = km * LEAST_1550
    for attenuator in (0.0, 3.0, 5.0):
        if least + attenuator - (0.5 if attenuator else 0.0) >= ER_NEEDS:
            assert km * KM_1550 + 2 * FRAME + splices * SPLICE + attenuator + 0.5 <= ER_BUDGET
            return "10g-er", attenuator
    raise AssertionError("no optics fit")


def patch_rings(patching: Patching, trunks: Trunks, hops: Mapping[str, Sequence[str]]) -> None:
    """Hops on strands 1 and 2; cabinets on a hop in a chain on strands 13 and 14."""
    for run in RUNS:
        for a, b in pairwise(run.nodes):
            one, two = site(a), site(b)
            left, right = ring_side(trunks, run.id, a, True), ring_side(trunks, run.id, b, False)
            places = hops[f"{a} {b}"]
            splices, metres = _glass(trunks, run.id, places)
            kind, attenuator = optics(metres, splices, False, (one, two) == ATTENUATED)
            patching.link(patching.side(one, one, left, 1), patching.side(two, two, right, 1), kind, attenuator)
            _chain(patching, trunks, run.id, places, (one, left), (two, right), TAPS.get(f"{a} {b}", ()))


def _chain(
    patching: Patching,
    trunks: Trunks,
    run: str,
    places: Sequence[str],
    start: tuple[str, str],
    end: tuple[str, str],
    taps: Sequence[Tap],
) -> None:
    """Links from node to cabinet to cabinet to node, on the strands that are cut at each."""
    cabinets = [tap.cabinet for tap in taps]
    if not cabinets:
        return
    works = trunks.laying.works
    stations = [0, *(list(places).index(stand(works, cabinet)) for cabinet in cabinets), len(places) - 1]
    slow = bool(SLOW & set(cabinets))
    out = patching.side(start[0], start[0], start[1], 13)
    for number, (first, last) in enumerate(pairwise(stations)):
        splices, metres = _glass(trunks, run, places[first : last + 1])
        if number < len(cabinets):
            cabinet = cabinets[number]
            cable = trunks.taps[cabinet]
            there = patching.side(cabinet, cabinet, cable, 1)
        else:
            there = patching.side(end[0], end[0], end[1], 13)
        kind, attenuator = optics(metres + 100, splices + 2, slow)
        patching.link(out, there, kind, attenuator)
        if number < len(cabinets):
            out = patching.side(cabinets[number], cabinets[number], trunks.taps[cabinets[number]], 3)


def _glass(trunks: Trunks, run: str, places: Sequence[str]) -> tuple[int, float]:
    """Joints of a run strictly between two of its places, and metres of sheath."""
    ends = {
        cable.places[-1] for key, cable in trunks.laying.cables.items() if key.rpartition("-")[0] == f"c-{run}"
    }
    joints = sum(place in ends for place in places[1:-1])
    return joints, trunks.laying.works.metres(places) * SHEATH + joints * 2 * LOOP


# Core cable → the switches at its ends
CORE_SWITCHES = {
    "c-neticenter--pop-nord": ("neti-1", "pop-nord"),
    "c-neticenter--pop-nord-ouest": ("neti-2", "pop-nord-ouest"),
    "c-neticenter--pop-ouest": ("neti-1", "pop-ouest"),
    "c-neticenter--pop-sud": ("neti-2", "pop-sud"),
    "c-richelieu--pop-nord": ("rich-1", "pop-nord"),
    "c-richelieu--pop-est": ("rich-2", "pop-est"),
    "c-richelieu--pop-sud-est": ("rich-1", "pop-sud-est"),
    "c-neticenter--richelieu-north": ("neti-1", "rich-1"),
    "c-neticenter--richelieu-south": ("neti-2", "rich-2"),
    "c-csu--neticenter": ("csu-1", "neti-2"),
    "c-csu--richelieu": ("csu-1", "rich-1"),
}
INSIDE = (
    ("neti-1", "neti-2"), ("rich-1", "rich-2"),
    ("ho-1", "neti-1"), ("ho-1", "neti-2"), ("cloud-1", "neti-1"), ("cloud-1", "neti-2"),
    ("inet-1", "neti-1"), ("inet-1", "neti-2"),
    ("ho-2", "rich-1"), ("ho-2", "rich-2"), ("cloud-2", "rich-1"), ("cloud-2", "rich-2"),
)  # fmt: skip
"""Links by patch cord within a building."""


def patch_core(patching: Patching, trunks: Trunks) -> None:
    """100 Gbit/s on strands 1 and 2 of every core cable, and within buildings."""
    for cable in trunks.laying.cables.values():
        if cable.use != "core":
            continue
        a, b = cable.places[0], cable.places[-1]
        left, right = CORE_SWITCHES.get(cable.id, (a, b))
        patching.link(patching.side(left, a, cable.id, 1), patching.side(right, b, cable.id, 1), "100g-lr4")
    for left, right in INSIDE:
        patching.inside(left, right, "100g-lr4")


LANDING_SWITCH = {"neticenter": ("neti-1", "neti-2"), "richelieu": ("rich-1", "rich-2")}


def patch_loops(patching: Patching, trunks: Trunks) -> None:
    """10 Gbit/s from cabinet to cabinet; landings at a datacentre take turns over its two switches."""
    turns: dict[str, int] = {}
    for sites, cables in trunks.loops:
        for at, cable in enumerate(cables):
            ends: list[Side] = []
            for place in sites[at : at + 2]:
                switches = LANDING_SWITCH.get(place, (place,))
                turns[place] = turns.get(place, -1) + 1
                ends.append(patching.side(switches[turns[place] % len(switches)], place, cable, 1))
            patching.link(ends[0], ends[1], "10g-lr")


def patch_access(patching: Patching, access: Access) -> dict[str, int]:
    """A port from 101 on for every drop, one strand with a wavelength each way; returns drop → port."""
    ports: dict[str, int] = {}
    used: dict[str, int] = {}
    for drop in access.drops:
        used[drop.site] = used.get(drop.site, 100) + 1
        ports[drop.name] = used[drop.site]
        side = next(
            key
            for key in (drop.cable, f"{drop.cable}/a", f"{drop.cable}/b")
            if (drop.site, key, drop.strand) in patching.frames.at
        )
        bidi = patching.frames.at[drop.site, side, drop.strand]
        patching.ports.append(PortRow(drop.site, used[drop.site], "1g-bx10-d", bidi=bidi))
    return ports
