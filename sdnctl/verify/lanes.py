"""Labelled packets on their way through the core, thousands at once.

Above the service label nothing but labels decides where a packet goes: the rules that say so have forms
(`forms`), and become arrays here. A *lane* is one packet under one failure: the state it is in (a switch and
the outermost label there), the label below if a bypass label is on top, and the row of links that are down. All
lanes move one hop at a time. Where a rule has no form a lane ends as `ODD`, and what it stood for is walked the
long way.

A state has one or two ways out, so a lane that comes back to where it was goes round for ever: those that are
not home after `REACH` hops are `ODD` too. The TTL cannot run out before: it is 64 at the start and falls by one
a hop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from sdnctl.topology.graph import Path, Topology
from sdnctl.verify.arrays import Bools, Floats, Index, Ints
from sdnctl.verify.forms import DELIVER, POP_FORWARD, TRANSIT, Effect, HopForm
from sdnctl.verify.reading import Forms

LOST, ODD = -1, -2
REACH = 60
HUGE = 1 << 31
LABEL_SIZE = 4
BLOCK = 1 << 14
"""Lanes that move together: so few that what is worked out on the way stays in the processor's cache."""


@dataclass(slots=True)
class Lanes:
    """Lanes where they are now, or where they ended: `state` ≥ 0 is the state that delivers, or LOST or ODD.

    `delay` is the sum of the delays of the links so far, µs, in the order they were crossed. `least` is
    the smallest room a link left below the labels, octets; `met` whether something to be avoided was met.
    """

    state: Ints
    under: Ints
    row: Ints
    delay: Floats
    least: Ints
    avoid: Ints
    met: Bools

    @property
    def columns(self) -> tuple[Ints, Ints, Ints, Floats, Ints, Ints, Bools]:
        return self.state, self.under, self.row, self.delay, self.least, self.avoid, self.met

    def some(self, which: Any) -> Lanes:
        """Some lanes: copies of those of a mask or of numbers, views of those of a slice."""
        return Lanes(*(item[which] for item in self.columns))

    def put(self, at: Any, others: Lanes) -> None:
        """Let some of these be where others came to; rows and what is to be avoided are theirs already."""
        self.state[at], self.under[at] = others.state, others.under
        self.delay[at], self.least[at], self.met[at] = others.delay, others.least, others.met


class Wires:
    """Links as numbers: link i is 2i from its a to its b, and 2i+1 back."""

    def __init__(self, topology: Topology) -> None:
        self.nodes = sorted(topology.nodes)
        self.node = {name: index for index, name in enumerate(self.nodes)}
        self.links = sorted(topology.links)
        self.link = {name: index for index, name in enumerate(self.links)}
        self.ports: dict[str, dict[int, int]] = {name: {} for name in self.nodes}
        self._leaves: dict[str, tuple[str, int]] = {}
        count = len(self.links)
        self.head = np.zeros(2 * count, np.int64)
        self.arrives = np.zeros(2 * count, np.int64)
        self.delay = np.zeros(2 * count, np.float64)
        self.room = np.zeros(2 * count, np.int64)
        for index, name in enumerate(self.links):
            link = topology.links[name]
            self._leaves[name] = link.a.node, 2 * index
            self.ports[link.a.node][link.a.port] = 2 * index
            self.ports[link.b.node][link.b.port] = 2 * index + 1
            self.head[2 * index : 2 * index + 2] = self.node[link.b.node], self.node[link.a.node]
            self.arrives[2 * index : 2 * index + 2] = link.b.port, link.a.port
            self.delay[2 * index : 2 * index + 2] = link.delay
            self.room[2 * index : 2 * index + 2] = min(link.mtu, HUGE)

    def numbers(self, path: Path) -> list[int]:
        """The directed links of a path."""
        return [number + (node != hop.tail) for hop in path.hops for node, number in (self._leaves[hop.link],)]

    def rows(self, events: Sequence[frozenset[str]]) -> Bools:
        """Which links are down in each event; the last column but one is always down, the last never."""
        table = np.zeros((len(events), len(self.links) + 2), np.bool_)
        for index, links in enumerate(events):
            table[index, [self.link[name] for name in links]] = True
        table[:, -2] = True
        return table


class Core:
    """What all switches do with all labels, as arrays; `starts` are first hops of labels that switches push.

    `after` is the state that a packet comes to if it keeps its label and leaves by the first link of its hop.
    """

    def __init__(
        self, wires: Wires, forms: Mapping[str, Forms], starts: Sequence[tuple[str, int, HopForm]]
    ) -> None:
        self.wires = wires
        here = [forms[name] for name in wires.nodes]
        self.flows = list(chain.from_iterable(found.states.values() for found in here))
        self.known = len(self.flows)
        label = [*chain.from_iterable(found.states for found in here), *(value for _, value, _ in starts)]
        effects = [effect for found in here for effect in found.effects.values()]
        effects += [Effect(TRANSIT, hop) for _, _, hop in starts]
        counts = [len(found.states) for found in here]
        begins = np.array([wires.node[name] for name, _, _ in starts], np.int64)
        self.node = np.append(np.repeat(np.arange(len(counts)), counts), begins)
        self.nothing = 2 * len(wires.links)  # its link is always down
        self.head = np.append(wires.head, 0)
        self.delay = np.append(wires.delay, 0.0)
        room = np.append(wires.room, HUGE) - 2 * LABEL_SIZE
        self.room = np.concatenate((room, room - LABEL_SIZE))  # under two labels, and under three
        same = np.array(list(map(id, effects)), np.int64)
        _, one, which = np.unique(same, return_index=True, return_inverse=True)
        alike = [effects[index] for index in one.tolist()]  # far fewer than states
        self.hops = [effect.hop for effect in effects]
        self.kind = np.array([effect.kind for effect in alike], np.int8)[which]
        ways = np.array([self._ways(effect.hop) for effect in alike], np.int64).reshape(-1, 3)
        self.first: Ints = ways[which, 0]
        self.second: Ints = ways[which, 1]
        push: Ints = ways[which, 2]
        odd = [(index, value) for index, name in enumerate(wires.nodes) for value in forms[name].odd]
        pushed = ways[:, 2].tolist()
        self.values = np.unique(np.array([0, *label, *pushed, *(value for _, value in odd)], np.int64))
        self.label = self.number(label)
        self.push = np.where(push > 0, self.number(push), -1)
        self.at = np.full((len(wires.nodes), len(self.values)), LOST, np.int64)
        self.at[self.node[: self.known], self.label[: self.known]] = np.arange(self.known, dtype=np.int64)
        for index, value in odd:
            self.at[index, np.searchsorted(self.values, value)] = ODD
        self.enters = np.ones(self.nothing + 1, np.bool_)
        for index, name in enumerate(wires.nodes):
            if forms[name].strange:
                self.at[index] = ODD
        for link, (head, port) in enumerate(zip(wires.head.tolist(), wires.arrives.tolist(), strict=True)):
            there = forms[wires.nodes[head]]
            self.enters[link] = there.strange or port in there.entries
        self.after = self._come(self.first, self.label)
        self.pops = self.kind == POP_FORWARD
        self._stops = np.append(self.kind == DELIVER, [True, True])  # ODD and LOST are the last two places
        self._missed: set[tuple[str, int]] = set()
        self._seen = np.zeros(len(self.node) + 2, np.bool_)
        self.seen_first = np.zeros(len(self.node), np.bool_)
        self.seen_second = np.zeros(len(self.node), np.bool_)

    def _ways(self, hop: HopForm | None) -> tuple[int, int, int]:
        """The links of the first and the second way of a hop, and the label that the second pushes (0: none)."""
        if hop is None:
            return self.nothing, self.nothing, 0
        return hop.first.link, self.nothing if hop.second is None else hop.second.link, hop.push

    def _come(self, link: Ints, label: Ints) -> Ints:
        """The states that packets are in behind their links."""
        new: Ints = self.at[self.head[link], label]
        new[~self.enters[link]] = LOST
        new[link == self.nothing] = LOST
        return new

    @property
    def seen(self) -> Index:
        """The states that some lane was in."""
        return np.flatnonzero(self._seen[:-2])

    @property
    def missed(self) -> frozenset[tuple[str, int]]:
        """Labels that came where nobody knows them, with the switch."""
        lost = np.flatnonzero(self.seen_first & ~self.pops & (self.after == LOST))
        return frozenset(self._missed).union(self._places(self.first[lost], self.label[lost]))

    @property
    def arrived(self) -> Index:
        """The links that some lane crossed."""
        return np.unique(np.append(self.first[self.seen_first], self.second[self.seen_second]))

    def number(self, labels: Sequence[int] | Ints) -> Ints:
        """Labels as small numbers."""
        return np.searchsorted(self.values, np.asarray(labels, np.int64)).astype(np.int64)

    def lanes(self, state: Ints, row: Ints, delay: Floats | None = None, avoid: Ints | None = None) -> Lanes:
        """Lanes that start in these states, with no label below but the service label."""
        count = len(state)
        return Lanes(
            state,
            np.full(count, -1, np.int64),
            row,
            np.zeros(count) if delay is None else delay,
            np.full(count, HUGE, np.int64),
            np.zeros(count, np.int64) if avoid is None else avoid,
            np.zeros(count, np.bool_),
        )

    def run(self, lanes: Lanes, down: Bools, banned: Bools, *, loose: bool = False) -> Lanes:
        """Move all lanes until each is delivered, LOST or ODD; `banned`: row of things to avoid × directed link.

        `loose`: what is below the label is not known, and a packet that comes to it has ended.
        """
        ends = lanes.some(np.arange(len(lanes.state)))
        for begin in range(0, len(ends.state), BLOCK):
            self._run(ends.some(slice(begin, begin + BLOCK)), down, banned, loose=loose)
        return ends

    def _run(self, ends: Lanes, down: Bools, banned: Bools, *, loose: bool) -> None:
        """Move one block of lanes to its ends, in place."""
        left = np.arange(len(ends.state))
        now = ends.some(left)
        for _ in range(REACH):
            going = self.leave(now)
            if not going.all():
                gone, still = np.flatnonzero(~going), np.flatnonzero(going)
                ends.put(left[gone], now.some(gone))
                left, now = left[still], now.some(still)
            if not len(left):
                return
            self.cross(now, down, banned, loose=loose)
        ends.state[left] = ODD

    def leave(self, now: Lanes) -> Bools:
        """Which lanes are to go on from the states they are in; the others are at their end."""
        self._seen[now.state] = True
        stops = self._stops[now.state]
        deep = np.flatnonzero(stops & (now.under >= 0))
        now.state[deep[now.state[deep] >= 0]] = ODD  # a bypass label ends nowhere
        return ~stops

    def cross(self, now: Lanes, down: Bools, banned: Bools, *, loose: bool = False) -> Ints:
        """Move lanes over one link each; returns the directed links (one past the last: there was none)."""
        states = now.state
        link, new = self.first[states], self.after[states]
        dead = down[now.row, link >> 1]
        self.seen_first[states[~dead]] = True
        others = np.flatnonzero(dead | self.pops[states])
        if len(others):
            link[others], new[others] = self._turn(now, others, dead[others], down, loose=loose)
        now.state = new
        now.delay += self.delay[link]
        np.minimum(now.least, self.room[link + (self.nothing + 1) * (now.under >= 0)], out=now.least)
        if len(banned) > 1:
            now.met |= banned[now.avoid, link]
        return link

    def _turn(self, now: Lanes, which: Index, dead: Bools, down: Bools, *, loose: bool) -> tuple[Ints, Ints]:
        """Links and next states of those lanes whose label changes, or whose first link is dead."""
        states, under, row = now.state[which], now.under[which], now.row[which]
        link, label = self.first[states], self.label[states]
        popped = np.flatnonzero(self.pops[states])
        label[popped], under[popped] = under[popped], -1
        aside = np.flatnonzero(dead)
        link[aside] = self.second[states[aside]]
        gone = down[row[aside], link[aside] >> 1]
        self.seen_second[states[aside[~gone]]] = True
        link[aside[gone]] = self.nothing
        pushed = aside[~gone & (self.push[states[aside]] >= 0)]
        deep = pushed[under[pushed] >= 0]
        under[pushed], label[pushed] = label[pushed], self.push[states[pushed]]
        new = self._come(link, label)
        stray = np.flatnonzero((new == LOST) & (link != self.nothing) & (label >= 0))
        self._missed.update(self._places(link[stray], label[stray]))
        new[label < 0] = LOST if loose else ODD
        new[deep] = ODD
        new[link == self.nothing] = LOST
        now.under[which] = under
        return link, new

    def _places(self, links: Ints, labels: Ints) -> Iterator[tuple[str, int]]:
        """The switches that links lead to, with labels that come there."""
        for node, label in zip(self.head[links].tolist(), self.values[labels].tolist(), strict=True):
            yield self.wires.nodes[node], label

    def states_at(self, places: Iterable[tuple[str, int]]) -> Ints:
        """The states of labels at switches, where there are any."""
        nodes, labels = [], []
        for node, label in places:
            nodes.append(self.wires.node[node])
            labels.append(label)
        found: Ints = self.at[np.array(nodes, np.int64), self.number(labels)]
        return found[found >= 0]

    def place(self, index: int) -> tuple[str, int]:
        """The switch and the label of a state."""
        return self.wires.nodes[self.node[index]], int(self.values[self.label[index]])
