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
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sdnctl.compiler.ir import Trunk
from sdnctl.intents.demand import Grade
from sdnctl.topology.graph import Failure, Path, Topology
from sdnctl.topology.risk import NotCovered, Residual, Risks
from sdnctl.verify.coverage import ORDER, coverage_of, repairs
from sdnctl.verify.forms import HopForm
from sdnctl.verify.lanes import HUGE, REACH, Bools, Core, Floats, Index, Ints, Lanes, Wires
from sdnctl.verify.report import Loss

KINDS = ("link", "srlg", "node")
SRLG, NODE = 1, 2


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
    """Ways with everything up: per hop and way the state, the link (padded by one that never fails), the delay."""

    ends: Lanes
    states: Ints
    links: Ints
    delays: Floats
    hops: Ints
    astray: Bools


class Events:
    """The failures, and the distinct sets of links that they take: row 0 is what is down all the time."""

    def __init__(
        self, topology: Topology, wires: Wires, failures: Sequence[Failure], down: frozenset[str], risks: Risks
    ) -> None:
        self.failures = failures
        rows: dict[frozenset[str], int] = {down: 0}
        self.row = np.array([rows.setdefault(failure.links | down, len(rows)) for failure in failures], np.int64)
        self.down = wires.rows(list(rows))
        count, nodes = len(failures), len(wires.nodes)
        self.dead = np.zeros((nodes, count), np.bool_)
        self.residual = np.zeros((nodes, count), np.bool_)
        self.kind = np.array([KINDS.index(failure.kind) for failure in failures], np.int8)
        naming: dict[str, list[int]] = {}
        for number, failure in enumerate(failures):
            for node in failure.nodes:
                self.dead[wires.node[node], number] = True
            if failure.kind == "srlg":
                naming.setdefault(failure.names[0], []).append(number)
        for index, node in enumerate(wires.nodes):
            groups = risks.residual(node)
            for name in groups:
                for number in naming.get(name, ()):
                    self.residual[index, number] = groups.issuperset(failures[number].names)


def banned(topology: Topology, wires: Wires, avoids: Iterable[frozenset[str]]) -> Bools:
    """Per set of things to avoid, the directed links that meet one of them (the one past the last meets none)."""
    rows = []
    for avoid in avoids:
        row = np.zeros(2 * len(wires.links) + 1, np.bool_)
        if avoid:
            groups = [topology.srlgs[name] for name in avoid if name in topology.srlgs]
            gone = frozenset().union(*(topology.down(group.links, group.nodes) for group in groups))
            names = avoid.union(*(group.nodes for group in groups))
            for index, name in enumerate(wires.links):
                ends = topology.links[name].nodes
                near = {name, *ends, *(topology.nodes[node].site for node in ends)}
                row[2 * index : 2 * index + 2] = name in gone or not near.isdisjoint(names)
        rows.append(row)
    return np.array(rows)


def healthy(core: Core, lanes: Lanes, events: Events, bans: Bools) -> Healthy:
    """Follow ways with everything up, hop by hop."""
    count = len(lanes.state)
    states = np.zeros((REACH, count), np.int64)
    links = np.full((REACH, count), core.nothing + 2, np.int64)
    delays = np.zeros((REACH, count))
    hops = np.zeros(count, np.int64)
    astray = np.zeros(count, np.bool_)
    ends = lanes.some(np.arange(count))
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
        ends.state[left] = -2
    most = int(hops.max(initial=0))
    return Healthy(ends, states[:most], links[:most], delays[:most], hops, astray)


@dataclass(slots=True)
class _Pairs:
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
        paths = self._paths(up)
        size = np.array([way.size for way in self.ways], np.int64)
        limit = np.array([np.inf if way.latency is None else way.latency for way in self.ways])
        wrong = (up.ends.state < 0) | up.astray | up.ends.met | (up.ends.least < size) | (up.ends.delay > limit)
        for index, way in enumerate(self.ways):
            admitted = way.trunk.standby if way.trunk.flipped else way.trunk.path
            label = way.trunk.standby_label if way.trunk.flipped else way.trunk.label
            fits = (
                admitted is not None
                and way.label == label
                and paths[index] == self.wires.numbers(self.topology, admitted)
            )
            delay = float(up.ends.delay[index])
            path = admitted if admitted is not None and fits else Path(())
            holds = fits and not wrong[index]
            self.found.append(Judgement(path, path.nodes, holds, delay=delay, worst_delay=delay))
        pairs, ends = self._under(up, bans)
        self._claims(up, pairs, ends, size, limit)

    def _paths(self, up: Healthy) -> list[list[int]]:
        return [row[:hops] for row, hops in zip(up.links.T.tolist(), up.hops.tolist(), strict=True)]

    def _under(self, up: Healthy, bans: Bools) -> tuple[_Pairs, Lanes]:
        """Run every way under every distinct set of links that touches it, from the first hop that is down."""
        core, events = self.core, self.events
        count = len(self.ways)
        on = np.zeros((count, events.down.shape[1]), np.float32)
        which = np.repeat(np.arange(count), up.hops)
        on[which, (up.links.T >> 1)[np.arange(len(up.links)) < up.hops[:, None]]] = 1.0
        on[:, -2:] = 0.0
        touched = on @ events.down.T.astype(np.float32) > 0
        way, row = np.nonzero(touched)
        number = np.full(touched.shape, -1, np.int64)
        number[way, row] = np.arange(len(way))
        first = np.argmax(events.down[row[:, None], up.links.T[way] >> 1], axis=1) if len(way) else way
        lanes = Lanes(
            up.states[first, way],
            np.full(len(way), -1, np.int64),
            row.astype(np.int64),
            up.delays[first, way],
            np.full(len(way), HUGE, np.int64),
            up.ends.avoid[way],
            np.zeros(len(way), np.bool_),
        )
        ends = core.run(lanes, events.down, bans)
        at, failure = np.nonzero(touched[:, events.row])
        return _Pairs(at, failure, number[at, events.row[failure]]), ends

    def _claims(self, up: Healthy, pairs: _Pairs, ends: Lanes, size: Ints, limit: Floats) -> None:
        """Compare what happens with what the grades promise."""
        events, ways = self.events, self.ways
        way, failure, lane = pairs.way, pairs.failure, pairs.lane
        state = ends.state[lane]
        home = state == up.ends.state[way]
        lost = state == -1
        short = ends.least[lane] < size[way]
        covered, whose = self._coverage(up, pairs)
        wrong = ~(home | lost) | short | (covered & (lost | ends.met[lane]))
        bad = np.zeros(len(ways), np.bool_)
        bad[way[wrong]] = True
        delay = ends.delay[lane]
        fine = covered & home
        late = fine & (delay > limit[way])
        starts = np.searchsorted(way, np.arange(len(ways) + 1)).tolist()
        longest = np.where(fine, delay, -1.0)
        lives = ~events.dead[np.array([self.wires.node[item.node] for item in ways]), :][way, failure]
        for index in np.flatnonzero(bad).tolist():
            self.found[index].holds = False
        losses = self._losses(up, pairs, lost, covered, whose)
        for index, found in enumerate(self.found):
            a, b = starts[index], starts[index + 1]
            if not found.holds or a == b:
                continue
            worst = a + int(longest[a:b].argmax())
            if longest[worst] > found.delay:
                found.worst_delay = float(longest[worst])
                found.worst_failure = events.failures[failure[worst]].name
            found.walks += int(lives[a:b].sum())
            found.residual, found.exposed = losses.get(index, ((), ()))
            if late[a:b].any():
                self._late(
                    found, ways[index], [(int(failure[i]), float(delay[i])) for i in a + np.flatnonzero(late[a:b])]
                )

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

    def _coverage(self, up: Healthy, pairs: _Pairs) -> tuple[Bools, Ints]:
        """Whether each failure is covered, and if not the switch that it is a residual risk of, or −1.

        `Risks.covered` as arrays: ends first, then from dead hop to dead hop as the switches jump.
        """
        events, way, failure = self.events, pairs.way, pairs.failure
        nodes = self._nodes(up)
        none = np.array([item.grade is Grade.NONE for item in self.ways])[way]
        node = np.array([item.grade is Grade.NODE for item in self.ways])[way]
        ends = nodes[way, 0], nodes[way, up.hops[way]]
        over = events.dead[ends[0], failure] | events.dead[ends[1], failure]
        whose = np.full(len(way), -1, np.int64)
        for end in (np.minimum(*ends), np.maximum(*ends)):  # switches are numbered in order of name
            hit = ~none & (whose < 0) & events.dead[end, failure] & events.residual[end, failure]
            whose[hit] = end[hit]
        covered = ~over & ~none & ((events.kind[failure] != NODE) | node)
        for end in ends:
            hit = covered & (whose < 0) & events.residual[end, failure]
            whose[hit] = end[hit]
        self._jumps(up, nodes, pairs, covered & (events.kind[failure] == SRLG) & (whose < 0), node, whose)
        return covered & (whose < 0), whose

    def _jumps(self, up: Healthy, nodes: Ints, pairs: _Pairs, open_: Bools, far: Bools, whose: Ints) -> None:
        """Find, hop by hop, the first switch of a jump that the event is a residual risk of."""
        events = self.events
        at = np.flatnonzero(open_)
        way, failure, long = pairs.way[at], pairs.failure[at], far[at]
        dead = events.down[events.row[failure][:, None], up.links.T[way] >> 1]
        skip = np.zeros(len(at), np.bool_)
        found = np.full(len(at), -1, np.int64)
        for hop in range(len(up.links)):
            jumps = dead[:, hop] & ~skip & (hop < up.hops[way])
            two = long & (hop + 2 <= up.hops[way])
            here = nodes[way, hop]
            there = nodes[way, np.minimum(hop + 1 + two, nodes.shape[1] - 1)]
            for node in (here, there):
                hit = jumps & (found < 0) & events.residual[node, failure]
                found[hit] = node[hit]
            skip = jumps & two
        whose[at] = found

    def _nodes(self, up: Healthy) -> Ints:
        """Way × position → switch; past the end the last one."""
        heads = np.append(self.wires.head, [0, 0, 0])
        count = len(self.ways)
        nodes = np.zeros((count, len(up.links) + 1), np.int64)
        nodes[:, 0] = [self.wires.node[way.node] for way in self.ways]
        for hop in range(len(up.links)):
            nodes[:, hop + 1] = np.where(hop < up.hops, heads[up.links[hop]], nodes[:, hop])
        return nodes

    def _losses(
        self, up: Healthy, pairs: _Pairs, lost: Bools, covered: Bools, whose: Ints
    ) -> dict[int, tuple[tuple[Loss, ...], tuple[Loss, ...]]]:
        """Residual and exposed losses of each way, in the order of failures; equal ones are one object.

        What a loss says depends on the failure and one thing more: the switch that it is a residual risk of, the
        end that dies, or the grade. So few different ones are put into words.
        """
        holds = np.array([found.holds for found in self.found])
        which = np.flatnonzero(lost & ~covered & holds[pairs.way])
        way, failure, switch = pairs.way[which], pairs.failure[which], whose[which]
        nodes, events = self._nodes(up), self.events
        ends = nodes[way, 0], nodes[way, up.hops[way]]
        low, high = np.minimum(*ends), np.maximum(*ends)
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
