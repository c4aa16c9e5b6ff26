"""What the plant adds up to: kilometres by use and by kind, counts, how full the cables are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise

from lab.reference.cables import Laying
from lab.reference.frames import Frames
from lab.reference.ground import metres
from lab.reference.rings import RINGS, RUNS
from lab.reference.trunks import Trunks
from lab.reference.works import Works

USES = ("ring", "core", "distribution", "drop")


def figures(
    works: Works, laying: Laying, trunks: Trunks, frames: Frames, links: int, hops: Mapping[str, list[str]]
) -> dict[str, float]:
    """Kilometres, counts and ratios by name, of what is in service."""
    found: dict[str, float] = defaultdict(float)
    for cable in laying.cables.values():
        found[f"sheath {cable.use}"] += cable.sheath / 1000
        if cable.use == "ring":
            found[f"ring strands {cable.strands}"] += cable.sheath / 1000
    live = [segment for segment in works.segments.values() if segment.status == "in-service"]
    for segment in live:
        found[f"segments {'rented' if segment.rented else segment.kind}"] += segment.metres / 1000
    found["sheath"] = sum(found[f"sheath {use}"] for use in USES)
    found["segments"] = sum(segment.metres for segment in live) / 1000
    found["chambers"] = sum(one.kind != "wall-box" for one in works.chambers.values())
    found["wall boxes"] = sum(one.kind == "wall-box" for one in works.chambers.values())
    found["closures"] = len(trunks.closures.at)
    found["links"] = links
    found["sinuosity"] = _sinuosity(works, hops)
    shares = fills(laying, frames)
    strands = {key: laying.cables[key].strands * laying.cables[key].sheath for key in shares}
    found["fill"] = sum(shares[key] * strands[key] for key in shares) / sum(strands.values())
    found["cables above 85 %"] = sum(share > 0.85 for share in shares.values())
    nodes = {run.id: run.nodes for run in RUNS}
    for ring, runs in RINGS.items():
        ways = [hops[f"{a} {b}"] for run in runs for a, b in pairwise(nodes[run])]
        found[f"ring {ring}"] = sum(works.metres(way) for way in ways) / 1000
    return {key: round(value, 3) for key, value in sorted(found.items())}


def fills(laying: Laying, frames: Frames) -> dict[str, float]:
    """Cable of rings, core and distribution → share of its strands that are on a frame.

    The reels of a run are spliced through: a strand that is on a frame at its landing is taken on all of them.
    """
    taken: dict[str, set[int]] = defaultdict(set)
    for _, cable, strand in frames.at:
        name = cable.partition("/")[0]
        taken[_run(name) if laying.cables[name].use == "ring" else name].add(strand)
    return {
        name: len(taken[_run(name) if cable.use == "ring" else name]) / cable.strands
        for name, cable in laying.cables.items()
        if cable.use in USES[:3] and not name.startswith("c-tap-")
    }


def _run(cable: str) -> str:
    return cable if cable.startswith("c-tap-") else cable.rpartition("-")[0]


def _sinuosity(works: Works, hops: Mapping[str, list[str]]) -> float:
    """Metres of the ring roads ÷ metres as the crow flies between their ends."""
    crow = sum(metres(works.positions[way[0]], works.positions[way[-1]]) for way in hops.values())
    return sum(works.metres(way) for way in hops.values()) / crow
