"""Every way through the core under every failure, and what each grade says of it.

A *way* is what all demands share that push the same label into the same hop: its lanes are run once, with
everything up and under every set of links that fails and touches it. What they claim is worked out for all
(way, failure) at once: `Covered` as `topology.risk.Risks` defines it, hop by hop, as arrays; the sentences for
what is lost come from `Risks` itself. A way that breaks any claim is not judged here: its demands are walked
one by one, and get their traces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from sdnctl.compiler.ir import Trunk
from sdnctl.intents.demand import Grade
from sdnctl.topology.graph import Failure, Path, Topology
from sdnctl.topology.risk import NotCovered, Residual, Risks
from sdnctl.verify.arrays import Bools, Floats, Index, Ints, longest
from sdnctl.verify.coverage import ORDER, coverage_of, repairs
from sdnctl.verify.covered import Routes, covered
from sdnctl.verify.events import Events
from sdnctl.verify.forms import HopForm
from sdnctl.verify.lanes import LOST, ODD, REACH, Core, Lanes, Wires
from sdnctl.verify.report import Loss


class Way(NamedTuple):
    """Where packets start, what they may not meet, and how large they are (octets below the labels)."""

    node: str
    label: int
    hop: HopForm
    avoid: frozenset[str]
    trunk: Trunk
    grade: Grade
    latency: float | None
    size: int


@dataclass(slots=True)
class Judgement:
    """What holds of every demand on a way; `holds` False: something does not, or it has no form."""

    path: Path
    nodes: tuple[str, ...] = ()
    holds: bool = True
    residual: tuple[Loss, ...] = ()
    exposed: tuple[Loss, ...] = ()
    delay: float = 0.0
    worst_delay: float = 0.0
    worst_failure: str = ""
    walks: int = 1
    remarks: tuple[str, ...] = ()


@dataclass(slots=True)
class Healthy:
    """Ways with everything up: where they end, and per hop and way the state and the delay."""

    ends: Lanes
    states: Ints
    delays: Floats
    routes: Routes
    astray: Bools

    @property
    def paths(self) -> list[list[int]]:
        """The links of each way."""
        links, hops = self.routes.links, self.routes.hops
        return [row[:count] for row, count in zip(links.T.tolist(), hops.tolist(), strict=True)]


def healthy(core: Core, lanes: Lanes, events: Events, bans: Bools) -> Healthy:
    """Follow ways with everything up, hop by hop."""
    count = len(lanes.state)
    states = np.zeros((REACH, count), np.int64)
    links = np.full((REACH, count), core.nothing + 2, np.int64)
    delays = np.zeros((REACH, count))
    hops = np.zeros(count, np.int64)
    astray = np.zeros(count, np.bool_)
    ends, start = lanes.some(np.arange(count)), core.node[lanes.state]
    left, now = np.arange(count), lanes
    for hop in range(REACH):
        going = core.leave(now)
        ends.put(left[~going], now.some(~going))
        left, now = left[going], now.some(going)
        if not len(left):
            break
        before = now.state
        states[hop, left], delays[hop, left] = before, now.delay
        link = core.cross(now, events.down, bans)
        links[hop, left] = link
        hops[left] += 1
        astray[left] |= link != core.first[before]
    else:
        ends.state[left] = ODD
    most = int(hops.max(initial=0))
    heads, nodes = np.append(core.head, [0, 0]), np.zeros((most + 1, count), np.int64)
    nodes[0] = start
    for hop in range(most):
        nodes[hop + 1] = np.where(hop < hops, heads[links[hop]], nodes[hop])
    return Healthy(ends, states[:most], delays[:most], Routes(nodes, links[:most], hops), astray)


class _Pairs(NamedTuple):
    """(way, failure) where the failure touches the way, sorted; `lane` says which lane it is."""

    way: Index
    failure: Index
    lane: Ints


@dataclass(slots=True)
class Ways:
    """All ways of a network, judged."""

    topology: Topology
    wires: Wires
    events: Events
    risks: Risks
    core: Core
    ways: Sequence[Way]
    found: list[Judgement] = field(default_factory=list)

    def judge(self, bans: Bools, avoid: Mapping[frozenset[str], int]) -> None:
        """Work out a `Judgement` for each way; way i starts in the core's i-th start."""
        core, count = self.core, len(self.ways)
        if not count:
            return
        start = np.arange(core.known, core.known + count, dtype=np.int64)
        avoids = np.array([avoid[way.avoid] for way in self.ways], np.int64)
        up = healthy(core, core.lanes(start, np.zeros(count, np.int64), avoid=avoids), self.events, bans)
        paths = up.paths
        size = np.array([way.size for way in self.ways], np.int64)
        limit = np.array([np.inf if way.latency is None else way.latency for way in self.ways])
        wrong = (up.ends.state < 0) | up.astray | up.ends.met | (up.ends.least < size) | (up.ends.delay > limit)
        for index, way in enumerate(self.ways):
            admitted = way.trunk.standby if way.trunk.flipped else way.trunk.path
            label = way.trunk.standby_label if way.trunk.flipped else way.trunk.label
            fits = admitted is not None and way.label == label and paths[index] == self.wires.numbers(admitted)
            delay = float(up.ends.delay[index])
            path = admitted if admitted is not None and fits else Path(())
            holds = fits and not wrong[index]
            self.found.append(Judgement(path, path.nodes, holds, delay=delay, worst_delay=delay))
        pairs, ends = self._under(up, bans)
        self._claims(up, pairs, ends, size, limit)

    def _under(self, up: Healthy, bans: Bools) -> tuple[_Pairs, Lanes]:
        """Run every way under every distinct set of links that touches it, from the first hop that is down."""
        core, events = self.core, self.events
        width = len(events.failures)
        first = np.zeros((len(self.ways), width), np.uint8)  # hop + 1 (`REACH` is small); 0: not touched
        for hop, links in reversed(list(enumerate(up.routes.links))):
            over = np.flatnonzero(links < core.nothing)
            at, failure = events.taking(links[over] >> 1)
            first[over[at], failure] = hop + 1
        cells = np.flatnonzero(first.ravel() != 0)
        way, failure = np.divmod(cells, width)
        lead = events.lead[failure]
        leads = lead == failure
        lane = np.cumsum(leads) - 1
        like = np.flatnonzero(~leads)  # same links as another failure: same lane
        lane[like] = lane[np.searchsorted(cells, way[like] * width + lead[like])]
        mine = way[leads]
        hops = first.ravel()[cells[leads]] - np.uint8(1)
        lanes = core.lanes(
            up.states[hops, mine], events.row[failure[leads]], up.delays[hops, mine], up.ends.avoid[mine]
        )
        return _Pairs(way, failure, lane), core.run(lanes, events.down, bans)

    def _claims(self, up: Healthy, pairs: _Pairs, ends: Lanes, size: Ints, limit: Floats) -> None:
        """Compare what happens with what the grades promise."""
        events, (way, failure, lane) = self.events, pairs
        grades = [item.grade for item in self.ways]
        state, delay = ends.state[lane], ends.delay[lane]
        home, lost = state == up.ends.state[way], state == LOST
        held, whose = covered(events, up.routes, grades, way, failure)
        wrong = ~(home | lost) | (ends.least[lane] < size[way]) | (held & (lost | ends.met[lane]))
        for index in np.unique(way[wrong]).tolist():
            self.found[index].holds = False
        losses = self._losses(up, pairs, lost & ~held, whose)
        lives = ~events.dead[up.routes.nodes[0][way], failure]
        walks = np.bincount(way[lives], minlength=len(self.ways)).tolist()
        for index, found in enumerate(self.found):
            found.walks += walks[index]
            found.residual, found.exposed = losses.get(index, ((), ()))
        repaired = np.where(held & home, delay, 0.0)
        groups, worst = longest(way, repaired)
        for index, most, number in zip(
            groups.tolist(), repaired[worst].tolist(), failure[worst].tolist(), strict=True
        ):
            found = self.found[index]
            if most > found.delay:
                found.worst_delay, found.worst_failure = most, events.failures[number].name
        late = np.flatnonzero(repaired > limit[way])
        items = zip(way[late].tolist(), failure[late].tolist(), repaired[late].tolist(), strict=True)
        for index, mine in groupby(items, key=itemgetter(0)):
            self._late(self.found[index], self.ways[index], [(number, long) for _, number, long in mine])

    def _late(self, found: Judgement, way: Way, events: Iterable[tuple[int, float]]) -> None:
        """Repairs longer than the latency allows: a remark where two are in use at once, else a fault."""
        remarks = []
        for number, delay in events:
            failure = self.events.failures[number]
            if repairs(way.grade, found.path, failure) < 2:
                found.holds = False
                return
            remarks.append(f"under {failure.name}: {delay:.1f} µs")
        found.remarks = tuple(remarks)

    def _losses(
        self, up: Healthy, pairs: _Pairs, lost: Bools, whose: Ints
    ) -> dict[int, tuple[tuple[Loss, ...], tuple[Loss, ...]]]:
        """Residual and exposed losses of each way, in the order of failures; equal ones are one object.

        What a loss says depends on the failure and one thing more: the switch that it is a residual risk of, the
        end that dies, or the grade. So few different ones are put into words.
        """
        holds = np.array([found.holds for found in self.found])
        which = np.flatnonzero(lost & holds[pairs.way])
        way, failure, switch = pairs.way[which], pairs.failure[which], whose[which]
        events, (one, other) = self.events, up.routes.ends
        low, high = np.minimum(one, other)[way], np.maximum(one, other)[way]
        dead = np.where(events.dead[low, failure], low, np.where(events.dead[high, failure], high, -1))
        grades = np.array([ORDER.index(item.grade) for item in self.ways])[way]
        width = len(self.wires.nodes) + len(ORDER)
        rest = np.where(switch >= 0, switch, np.where(dead >= 0, width + dead, 2 * width + grades))
        _, first, kinds = np.unique(failure * (3 * width) + rest, return_index=True, return_inverse=True)
        known: dict[tuple[bool, Loss], int] = {}
        number = []
        for index in first.tolist():
            item, event = int(way[index]), events.failures[failure[index]]
            made = self._loss(self.ways[item], self.found[item].path, event)
            number.append(known.setdefault(made, len(known)))
        told = list(known)
        every = np.array(number, np.int64)[kinds].tolist() if number else []
        starts = np.searchsorted(way, np.arange(len(self.ways) + 1)).tolist()
        result: dict[int, tuple[tuple[Loss, ...], tuple[Loss, ...]]] = {}
        shared: dict[tuple[int, ...], tuple[tuple[Loss, ...], tuple[Loss, ...]]] = {}
        for index, (a, b) in enumerate(pairwise(starts)):
            if a < b:
                mine = tuple(dict.fromkeys(every[a:b]))
                if mine not in shared:
                    items = [told[item] for item in mine]
                    residual = tuple(loss for is_residual, loss in items if is_residual)
                    shared[mine] = residual, tuple(loss for is_residual, loss in items if not is_residual)
                result[index] = shared[mine]
        return result

    def _loss(self, way: Way, path: Path, failure: Failure) -> tuple[bool, Loss]:
        """Whether a loss is residual, and the loss in words."""
        coverage = coverage_of(self.risks, way.grade, path, failure, (path.hops[0].tail, path.hops[-1].head))
        if isinstance(coverage, Residual):
            return True, Loss(coverage.name, f"single point of failure of {coverage.switch}")
        assert isinstance(coverage, NotCovered), "what is lost here was found not to be covered"
        return False, Loss(failure.name, coverage.reason)
