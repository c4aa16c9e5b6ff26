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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sdnctl.topology.graph import Path, Topology
from sdnctl.verify.forms import DELIVER, POP_FORWARD, HopForm
from sdnctl.verify.reading import Forms

Ints: TypeAlias = NDArray[np.int64]
"""Numbers are as wide as what numpy indexes with: narrower ones would be widened at every hop."""
Index: TypeAlias = NDArray[np.signedinteger[Any]]
Bools: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]

LOST, ODD = -1, -2
REACH = 60
HUGE = 1 << 31
LABEL_SIZE = 4


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
        """Copies of some lanes, by mask or by number."""
        return Lanes(*(item[which] for item in self.columns))

    def put(self, at: Any, others: Lanes) -> None:
        """Put other lanes in the places of some of these."""
        columns: Sequence[NDArray[Any]] = self.columns
        for mine, other in zip(columns, others.columns, strict=True):
            mine[at] = other


class Wires:
    """Links as numbers: link i is 2i from its a to its b, and 2i+1 back."""

    def __init__(self, topology: Topology) -> None:
        self.nodes = sorted(topology.nodes)
        self.node = {name: index for index, name in enumerate(self.nodes)}
        self.links = sorted(topology.links)
        self.link = {name: index for index, name in enumerate(self.links)}
        self.ports: dict[str, dict[int, int]] = {name: {} for name in self.nodes}
        count = len(self.links)
        self.head = np.zeros(2 * count, np.int64)
        self.arrives = np.zeros(2 * count, np.int64)
        self.delay = np.zeros(2 * count, np.float64)
        self.room = np.zeros(2 * count, np.int64)
        for index, name in enumerate(self.links):
            link = topology.links[name]
            self.ports[link.a.node][link.a.port] = 2 * index
            self.ports[link.b.node][link.b.port] = 2 * index + 1
            self.head[2 * index : 2 * index + 2] = self.node[link.b.node], self.node[link.a.node]
            self.arrives[2 * index : 2 * index + 2] = link.b.port, link.a.port
            self.delay[2 * index : 2 * index + 2] = link.delay
            self.room[2 * index : 2 * index + 2] = min(link.mtu, HUGE)

    def numbers(self, topology: Topology, path: Path) -> list[int]:
        """The directed links of a path."""
        return [2 * self.link[hop.link] + (topology.links[hop.link].a.node != hop.tail) for hop in path.hops]

    def rows(self, events: Sequence[frozenset[str]]) -> Bools:
        """Which links are down in each event; the last column but one is always down, the last never."""
        table = np.zeros((len(events), len(self.links) + 2), np.bool_)
        for index, links in enumerate(events):
            table[index, [self.link[name] for name in links]] = True
        table[:, -2] = True
        return table


class Core:
    """What all switches do with all labels, as arrays; `starts` are first hops of labels that switches push."""

    def __init__(
        self, wires: Wires, forms: Mapping[str, Forms], starts: Sequence[tuple[str, int, HopForm]]
    ) -> None:
        self.wires = wires
        self.states = [state for name in wires.nodes for state in forms[name].states.values()]
        self.known = len(self.states)
        label: list[int] = [state.label for state in self.states]
        label += [value for _, value, _ in starts]
        self.hops: list[HopForm | None] = [state.hop for state in self.states]
        self.hops += [hop for _, _, hop in starts]
        counts = [len(forms[name].states) for name in wires.nodes]
        begins = np.array([wires.node[name] for name, _, _ in starts], np.int64)
        self.node = np.append(np.repeat(np.arange(len(counts)), counts), begins)
        self.kind = np.zeros(len(label), np.int8)
        self.kind[: self.known] = [state.kind for state in self.states]
        self.nothing = 2 * len(wires.links)  # its link is always down
        self.head = np.append(wires.head, 0)
        self.delay = np.append(wires.delay, 0.0)
        self.room = np.append(wires.room, HUGE)
        alike = {id(hop): hop for hop in self.hops}  # far fewer than states
        ways = np.array([self._ways(hop) for hop in alike.values()], np.int64).reshape(-1, 3)
        number = {key: index for index, key in enumerate(alike)}
        which = np.array([number[id(hop)] for hop in self.hops], np.int64)
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
        self.missed: frozenset[tuple[str, int]] = frozenset()
        self.seen = np.zeros(len(self.node), np.bool_)
        self.seen_first = np.zeros(len(self.node), np.bool_)
        self.seen_second = np.zeros(len(self.node), np.bool_)
        self.arrived = np.zeros(self.nothing + 1, np.bool_)

    def _ways(self, hop: HopForm | None) -> tuple[int, int, int]:
        """The links of the first and the second way of a hop, and the label that the second pushes (0: none)."""
        if hop is None:
            return self.nothing, self.nothing, 0
        return hop.first.link, self.nothing if hop.second is None else hop.second.link, hop.push

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
        left = np.flatnonzero(lanes.state >= 0)
        now = lanes.some(left)
        for _ in range(REACH):
            going = self.leave(now)
            if not going.all():
                ends.put(left[~going], now.some(~going))
                left, now = left[going], now.some(going)
            if not len(left):
                return ends
            self.cross(now, down, banned, loose=loose)
        ends.state[left] = ODD
        return ends

    def leave(self, now: Lanes) -> Bools:
        """Which lanes are to go on from the states they are in; the others are at their end."""
        going = now.state >= 0
        here = now.state[going]
        self.seen[here] = True
        home = self.kind[here] == DELIVER
        if home.any():
            at = np.flatnonzero(going)[home]
            going[at] = False
            now.state[at[now.under[at] >= 0]] = ODD  # a bypass label ends nowhere
        return going

    def cross(self, now: Lanes, down: Bools, banned: Bools, *, loose: bool = False) -> Ints:
        """Move lanes over one link each; returns the directed links (one past the last: there was none)."""
        states, under = now.state, now.under
        link, label = self.first[states], self.label[states]
        popped = np.flatnonzero(self.kind[states] == POP_FORWARD)
        if len(popped):
            label[popped] = under[popped]
            under[popped] = -1
        dead = down[now.row, link >> 1]
        self.seen_first[states[~dead]] = True
        deep = np.zeros(0, np.int64)
        aside = np.flatnonzero(dead)
        if len(aside):
            link[aside] = self.second[states[aside]]
            gone = down[now.row[aside], link[aside] >> 1]
            self.seen_second[states[aside[~gone]]] = True
            link[aside[gone]] = self.nothing
            pushed = aside[~gone & (self.push[states[aside]] >= 0)]
            deep = pushed[under[pushed] >= 0]
            under[pushed] = label[pushed]
            label[pushed] = self.push[states[pushed]]
        new = self.at[self.head[link], label]
        new[~self.enters[link]] = LOST
        stray = np.flatnonzero((new == LOST) & (link != self.nothing) & (label >= 0))
        if len(stray):
            self._miss(link[stray], label[stray])
        new[label < 0] = LOST if loose else ODD
        new[deep] = ODD
        new[link == self.nothing] = LOST
        self.arrived[link] = True
        now.state = new
        now.delay += self.delay[link]
        np.minimum(now.least, self.room[link] - LABEL_SIZE * (2 + (under >= 0)), out=now.least)
        if len(banned) > 1:
            now.met |= banned[now.avoid, link]
        return link

    def _miss(self, links: Ints, labels: Ints) -> None:
        """Remember labels that came where nobody knows them."""
        places = zip(self.head[links].tolist(), self.values[labels].tolist(), strict=True)
        self.missed |= {(self.wires.nodes[node], label) for node, label in places}

    def place(self, index: int) -> tuple[str, int]:
        """The switch and the label of a state."""
        return self.wires.nodes[self.node[index]], self.states[index].label
