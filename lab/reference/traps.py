"""Decoys: things that look like a way but are none, each with a documented answer (inventory/README.md).

The other traps are in the plant itself: the bridge, the way past the station, the meeting of three rings, the
common power feeder (`rings`, `places`), the rented ducts (`kinds`) and the flood zone (here).
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.reference.cables import Cable
from lab.reference.frames import Frames, ring_side
from lab.reference.ground import length, steps, wound
from lab.reference.links import Patching, Side
from lab.reference.model import Position
from lab.reference.rings import site
from lab.reference.streets import CHAMBERS
from lab.reference.trunks import Splice, Trunks
from lab.reference.works import Works

PLANNED = "c-planned-mauressargues"
ABANDONED = "c-old-tramway"
GAINER = "bpe-east-05"
MEASURED = "bpe-east-09"
FLOOD: tuple[Position, ...] = (
    (4.3496, 43.8146),
    (4.3556, 43.8146),
    (4.3652, 43.8088),
    (4.3652, 43.8042),
    (4.3556, 43.8032),
    (4.3496, 43.8036),
)
"""The bank of the Vistre: pop-sud and the cabinets km-delta and mas-de-vignolles stand on it."""


def lay_decoys(trunks: Trunks, works: Works) -> None:
    """A cable that is only planned, and one that died with its duct."""
    _way(trunks, works, PLANNED, ("com-mauressargues", "com-domessargues"), "mauressargues", "g657a1-72", 2027)
    _way(trunks, works, ABANDONED, ("pop-sud-est", "pop-est"), "nimes", "g652d-72-m6", 2003)


def _way(trunks: Trunks, works: Works, name: str, ends: tuple[str, str], area: str, kind: str, year: int) -> None:
    status = "planned" if name == PLANNED else "abandoned"
    line = wound(works.positions[ends[0]], works.positions[ends[1]], 1.15, name)
    before = set(works.chambers), set(works.segments)
    places = works.lay(ends[0], ends[1], line, steps(length(line), 2 * CHAMBERS), name, (area, area))
    for key in set(works.chambers) - before[0]:
        works.chambers[key].status = status
    for key in set(works.segments) - before[1]:
        works.segments[key].status = status
    trunks.laying.add(Cable(name, "decoy", kind, places, year, status=status))


def gainers(splices: Sequence[Splice]) -> list[Splice]:
    """Two ring joints whose first strands were read one way at a time: in one of them both ways."""
    found: list[Splice] = []
    for splice in splices:
        if splice.closure not in (GAINER, MEASURED):
            found.append(splice)
            continue
        a, b = splice.a.partition(":")[0], splice.b.partition(":")[0]
        last = splice.a.rpartition("-")[2]
        back = None if splice.closure == GAINER else 0.16
        ahead = -0.05 if splice.closure == GAINER else -0.04
        found.append(Splice(splice.closure, f"{a}:1-2", f"{b}:1-2", None, ahead, back))
        found.append(Splice(splice.closure, f"{a}:3-{last}", f"{b}:3-{last}", splice.loss))
    return found


def terminate_decoys(frames: Frames) -> None:
    """The planned and the dead cable are on frames, too."""
    for cable, ends in ((PLANNED, ("mauressargues", "domessargues")), (ABANDONED, ("pop-sud-est", "pop-est"))):
        for end in ends:
            frames.put(site(end), cable, range(1, 13))


def patch_decoys(patching: Patching, trunks: Trunks) -> None:
    """Ports patched onto what must not carry traffic."""

    def side(run: str, node: str, after: bool, strand: int) -> Side:
        place = site(node)
        return patching.side(place, place, ring_side(trunks, run, node, after), strand)

    patching.link(
        side("south", "pop-sud", True, 5), side("south", "saint-gilles", False, 5), "10g-lr",
        name="spare-saint-gilles",
    )  # fmt: skip
    for strand in (5, 6):
        ends = [
            patching.frames.at["com-generac", ring_side(trunks, "south", "generac", after), strand]
            for after in (False, True)
        ]
        patching.jumpers.append((ends[0], ends[1]))
    patching.link(
        side("gardon", "pop-nord", True, 3), side("gardon", "sainte-anastasie", False, 3), "10g-er",
        name="spare-sainte-anastasie",
    )  # fmt: skip
    patching.link(
        side("south-east", "caissargues", True, 5), side("south-east", "pop-sud", False, 5), "10g-lr",
        name="spare-caissargues", crossed=False,
    )  # fmt: skip
    for name, cable, a, b in (
        ("planned-mauressargues", PLANNED, "com-mauressargues", "com-domessargues"),
        ("old-tramway", ABANDONED, "pop-sud-est", "pop-est"),
    ):
        patching.link(patching.side(a, a, cable, 1), patching.side(b, b, cable, 1), "10g-lr", name=name)
