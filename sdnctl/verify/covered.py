"""What grades promise, for many ways and failures at once: `Risks.covered` and the ends of demands, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sdnctl.intents.demand import Grade
from sdnctl.verify.arrays import Bools, Index, Ints
from sdnctl.verify.events import NODE, SRLG, Events


class Routes(NamedTuple):
    """Ways with everything up: position × way → switch (past the end the last one), hop × way → link, hops."""

    nodes: Ints
    links: Ints
    hops: Ints

    @property
    def ends(self) -> tuple[Ints, Ints]:
        """The first and the last switch of each way."""
        return self.nodes[0], self.nodes[-1]


def covered(
    events: Events, routes: Routes, grades: Sequence[Grade], way: Index, failure: Index
) -> tuple[Bools, Ints]:
    """Whether each failure is covered on each way, and if not the switch that it is a residual risk of, or −1.

    Ends first, then from dead hop to dead hop as the switches jump.
    """
    none = np.array([grade is Grade.NONE for grade in grades])[way]
    far = np.array([grade is Grade.NODE for grade in grades])[way]
    one, other = routes.ends
    ends = one[way], other[way]
    dead = [events.dead[end, failure] for end in ends]
    risky = [events.residual[end, failure] & ~none for end in ends]
    whose = np.full(len(way), -1, np.int64)
    _mark(whose, risky[0] & dead[0], ends[0])
    both = risky[1] & dead[1] & ((whose < 0) | (ends[1] < whose))  # switches are numbered in order of name
    whose[both] = ends[1][both]
    open_ = ~(dead[0] | dead[1] | none) & ((events.kind[failure] != NODE) | far)
    for end, risk in zip(ends, risky, strict=True):
        _mark(whose, open_ & risk, end)
    open_ &= whose < 0
    at = np.flatnonzero(open_ & (events.kind[failure] == SRLG))
    whose[at] = _jumps(events, routes, way[at], failure[at], far[at])
    return open_ & (whose < 0), whose


def _mark(whose: Ints, hit: Bools, switch: Ints) -> None:
    """Name a switch where none was named before."""
    new = np.flatnonzero(hit & (whose < 0))
    whose[new] = switch[new]


def _jumps(events: Events, routes: Routes, way: Index, failure: Index, far: Bools) -> Ints:
    """Hop by hop, the first end of a jump that the event is a residual risk of; `far` jumps go round a switch."""
    found = np.full(len(way), -1, np.int64)
    skipped = np.zeros(len(way), np.bool_)
    at = np.arange(len(way))
    for hop in range(len(routes.links)):
        at = at[(hop < routes.hops[way[at]]) & (found[at] < 0)]
        dead = events.down[events.row[failure[at]], routes.links[hop, way[at]] >> 1] & ~skipped[at]
        skipped[:] = False
        jump = at[dead]
        mine, event = way[jump], failure[jump]
        two = far[jump] & (hop + 2 <= routes.hops[mine])
        skipped[jump] = two
        for node in (routes.nodes[hop, mine], routes.nodes[hop + 1 + two, mine]):
            hit = np.flatnonzero(events.residual[node, event] & (found[jump] < 0))
            found[jump[hit]] = node[hit]
    return found
