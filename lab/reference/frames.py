"""Optical frames: which strands are on which position, at every site."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from lab.reference.cables import STRANDS, Cable
from lab.reference.drops import Access
from lab.reference.rings import NODE, RUNS, site
from lab.reference.trunks import Trunks

SIZE = 144
LANDING = {288: 96, 144: 48, 72: 24, 720: 240}
"""Strands on frames where a ring lands in Nîmes, and at both ends of core cables."""
FULL = {"c-richelieu--pop-est": 252, "c-caveirac-d1": 21}
"""Two cables that are taken above 85 %."""
LOOP = 12
RESERVE = 3
"""Strands on the frame of a serving site beyond those with a drop."""


class Termination(NamedTuple):
    """Consecutive positions of a frame, and the strands on them."""

    odf: str
    first: int
    cable: str
    strands: str
    count: int


@dataclass(slots=True)
class Frames:
    """Frames of 144 positions, filled in order. `at`: (site, cable with side, strand) → its position."""

    sizes: dict[str, tuple[str, int]] = field(default_factory=dict)
    rows: list[Termination] = field(default_factory=list)
    at: dict[tuple[str, str, int], str] = field(default_factory=dict)
    free: dict[str, int] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)

    def put(self, place: str, cable: str, strands: Iterable[int]) -> None:
        """Put strands on positions of one frame, and of the next where they do not fit."""
        rest = sorted(set(strands))
        while rest:
            odf = f"odf-{place}-{self.last.get(place, 1)}"
            self.last.setdefault(place, 1)
            used = self.free.get(odf, 0)
            if SIZE - used < min(len(rest), 24):
                self.last[place] += 1
                continue
            part, rest = rest[: SIZE - used], rest[SIZE - used :]
            self.sizes[odf] = place, SIZE
            self.free[odf] = used + len(part)
            self.rows.append(Termination(odf, used + 1, cable, ranges(part), len(part)))
            for number, strand in enumerate(part, used + 1):
                self.at[place, cable, strand] = f"{odf}:{number}"


def ranges(numbers: Iterable[int]) -> str:
    """``1-12,25``."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def ring_side(trunks: Trunks, run: str, node: str, after: bool) -> str:
    """The cable of a run that leads from a node to the node after it, or before it."""
    reach = trunks.reach[run, node]
    return reach.after if after else reach.before


def fill(trunks: Trunks, access: Access) -> Frames:
    """Frames of all sites: rings, taps, core, loops, then distribution."""
    frames = Frames()
    for run in RUNS:
        for at, node in enumerate(run.nodes):
            count = LANDING[STRANDS[run.type]] if node.startswith("pop-") else NODE
            for after in (False, True):
                if 0 <= at + (1 if after else -1) < len(run.nodes):
                    frames.put(site(node), ring_side(trunks, run.id, node, after), range(1, count + 1))
    for cabinet, cable in trunks.taps.items():
        frames.put(cabinet, cable, range(1, 5))
    for item in trunks.laying.cables.values():
        if item.use == "core":
            for end in (item.places[0], item.places[-1]):
                frames.put(end, item.id, range(1, FULL.get(item.id, LANDING[item.strands]) + 1))
    for sites, cables in trunks.loops:
        for at, cable in enumerate(cables):
            for end, side in ((sites[at], "a"), (sites[at + 1], "b")):
                frames.put(
                    end, cable, [*range(1, LOOP + 1), *_fed(access, end, trunks.laying.cables[cable], side)]
                )
    for (place, side), _ in access.feeds.items():
        name, _, end = side.partition("/")
        if not name.startswith("c-loop-"):
            frames.put(place, name, _fed(access, place, trunks.laying.cables[name], end))
    return frames


def _fed(access: Access, place: str, cable: Cable, side: str) -> list[int]:
    """Strands with drops, and some in reserve behind the last one that any drop takes."""
    strands = access.feeds.get((place, f"{cable.id}/{side}"), [])
    if not strands:
        return []
    spare = access.taken[cable.id] + (0 if side == "a" else RESERVE)
    reserve = range(spare, min(spare + RESERVE, cable.strands + 1))
    full = range(1, FULL[cable.id] + 1) if cable.id in FULL else ()
    return [*strands, *reserve, *full]
