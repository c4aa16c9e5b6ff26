"""Rings of spliced glass that lead to no port and no free end: always a mistake in the records.

Few strands are on one, and most networks have none. So whole runs of strands are looked at first, as bits: glass
that is joined to nothing at one end is taken away, and with it what is spliced to it, until only what goes round
is left. That alone is followed strand by strand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from sdnctl.inventory.glass import StrandRun, bits
from sdnctl.inventory.plant import OdfPosition, Plant, PortEnd, Side, StrandEnd
from sdnctl.inventory.tracing import next_cut, trace

Key: TypeAlias = tuple[str, int, Side]
"""Cable, place and side: what the strand ends of a run have in common."""


def closed_loops(plant: Plant) -> tuple[tuple[StrandEnd, ...], ...]:
    """The strand ends of each ring, in the order in which light would pass them."""
    left = _joined_at_both_ends(plant)
    seen: set[StrandEnd] = set()
    loops: list[tuple[StrandEnd, ...]] = []
    for run in plant.splice_runs:
        suspects = left[run.a.key]
        for index, strand in enumerate(run.a.strands if suspects else ()):
            if suspects >> strand & 1 and (start := run.a.end(index)) not in seen:
                loops.extend(_ring(plant, start, seen))
    return tuple(loops)


# ── what may be on a ring ────────────────────────────────────────────────────────────────────────


def _joined_at_both_ends(plant: Plant) -> dict[Key, int]:
    """Strands (bits) by their end, without those that lead to a free end or a port, over whatever splices.

    Jumpers between two ODFs or passive nodes are not followed here: what is patched on counts as joined.
    """
    joined: dict[Key, list[tuple[StrandRun, StrandRun]]] = {}
    left: dict[Key, int] = {}
    for run in plant.splice_runs:
        for near, far in ((run.a, run.b), (run.b, run.a)):
            joined.setdefault(near.key, []).append((near, far))
            left[near.key] = left.get(near.key, 0) | bits(near.strands)
    for end in _patched_on(plant):
        key = end.cable, end.place, end.side
        left[key] = left.get(key, 0) | 1 << end.strand
    waiting = dict.fromkeys(left)
    while waiting:
        key, _ = waiting.popitem()
        gone = left[key]
        for beyond, strands in _beyond(plant, key, gone):
            gone &= ~(strands & left.get(beyond, 0))
        if not gone:
            continue
        left[key] &= ~gone
        for near, far in joined.get(key, ()):
            lost = _opposite(near, far, gone) & left[far.key]
            if lost:
                left[far.key] &= ~lost
                waiting.update((beyond, None) for beyond, _ in _beyond(plant, far.key, lost) if beyond in left)
    return left


def _beyond(plant: Plant, key: Key, strands: int) -> Iterator[tuple[Key, int]]:
    """The other ends of the glass of some strands: the next place where each is cut, or the end of the cable."""
    cable, place, side = key
    cuts = plant.cut_places.get(cable, ())
    far: Side = "a" if side == "b" else "b"
    if side == "b":
        ahead, end = [one for one in cuts if one[0] > place], len(plant.cables[cable].places) - 1
    else:
        ahead, end = [one for one in reversed(cuts) if one[0] < place], 0
    for at, cut in ahead:
        if strands & cut:
            yield (cable, at, far), strands & cut
            strands &= ~cut
    if strands:
        yield (cable, end, far), strands


def _opposite(near: StrandRun, far: StrandRun, strands: int) -> int:
    """The strands of `far` that are spliced to some strands of `near`."""
    strands &= bits(near.strands)
    if near.strands == far.strands or not strands:
        return strands
    return bits(tuple(two for one, two in zip(near.strands, far.strands, strict=True) if strands >> one & 1))


def _patched_on(plant: Plant) -> Iterator[StrandEnd]:
    """Strand ends, and those behind ODF positions, from which a jumper leads on to what is no port."""
    for jumper in plant.jumpers:
        if isinstance(jumper.a, PortEnd) or isinstance(jumper.b, PortEnd):
            continue
        for end in (jumper.a, jumper.b):
            strand = plant.terminations.get(end) if isinstance(end, OdfPosition) else end
            if isinstance(strand, StrandEnd):
                yield strand


# ── one ring ─────────────────────────────────────────────────────────────────────────────────────


def _ring(plant: Plant, start: StrandEnd, seen: set[StrandEnd]) -> Iterator[tuple[StrandEnd, ...]]:
    """The ring that a spliced strand end belongs to, if any; adds what was passed to `seen`."""
    ends: list[StrandEnd] = []
    here = start
    while here not in seen:
        seen.add(here)
        joined = plant.splice_at.joined(here)
        if joined is None:  # patched on: the general walk knows jumpers and passive nodes
            walk = trace(plant, start)
            steps = [end for step in walk.steps for end in (step.enter, step.leave)]
            ends = [end for end in steps if isinstance(end, StrandEnd)]
            seen.update(ends)
            if walk.broken is not None and walk.broken.cause == "loop":
                yield tuple(dict.fromkeys(ends))
            return
        beyond = joined[1]
        seen.add(beyond)
        ends += (here, beyond)
        side: Side = "a" if beyond.side == "b" else "b"
        here = StrandEnd(beyond.cable, beyond.strand, next_cut(plant, beyond), side)
    if here == start:
        yield tuple(ends)
