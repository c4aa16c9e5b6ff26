"""Follow frames from an edge port through the whole network, with no failure or one.

What a switch does with a packet is a function of the packet and of the state of the links it consulted
(watch ports looked at, ports sent to), so a walk that consulted none of the links of a failure goes the same way
under it. Steps are reused on the same grounds (`steps`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sdnctl.dataplane.values import RuleSet
from sdnctl.topology.graph import Failure, Hop, Path, PortRef, Topology
from sdnctl.verify.execute import Ambiguous, Dropped, Exposed, Sent, Step
from sdnctl.verify.packet import NEW_TTL, UNKNOWN, Label, Space, Wire
from sdnctl.verify.steps import UNCHANGED, Steps

ETHERNET, VLAN_TAG, LABEL = 14, 4, 4
OVERHEAD = ETHERNET + 2 * VLAN_TAG
"""What the customer's frame adds to its payload below the labels: its Ethernet header and two tags, octets."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Frames that left by an edge port, and what they met on the way.

    `queues` and `meters` are (switch, queue id) and (switch, meter id); `classes` the traffic classes of all
    labels on all links; `trunks` the labels that stood directly above the service label, `services` the
    bottom labels.
    """

    port: PortRef
    wire: Wire
    hops: tuple[Hop, ...]
    queues: tuple[tuple[str, int], ...]
    meters: tuple[tuple[str, int], ...]
    classes: frozenset[int]
    trunks: frozenset[int]
    services: frozenset[int]


@dataclass(frozen=True, slots=True)
class Lost:
    """Frames that did not arrive: `code` as in `execute.Dropped`, or ``loop`` or ``mtu``."""

    code: str
    detail: str
    space: Space
    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class Walk:
    """All that came of a set of frames; `touched` are the links whose state the walk depended on.

    `chain` are the steps in order, each with the links it consulted, where the ways never parted.
    """

    delivered: tuple[Delivered, ...]
    lost: tuple[Lost, ...]
    clashes: tuple[str, ...]
    touched: frozenset[str]
    switches: frozenset[str]
    chain: tuple[tuple[Branch, frozenset[str]], ...] = ()


class Branch(NamedTuple):
    """One packet on its way, and its history."""

    node: str
    in_port: int
    wire: Wire
    hops: tuple[Hop, ...]
    seen: tuple[tuple[str, int, tuple[int, ...]], ...]
    queues: tuple[tuple[str, int], ...]
    meters: tuple[tuple[str, int], ...]
    classes: frozenset[int]
    trunks: frozenset[int]
    services: frozenset[int]


_NONE: frozenset[int] = frozenset()


class Network:
    """All switches with their rules; answers walks, and remembers steps.

    `rules` may lack switches: a switch without rules drops everything. `down` are links that are down all
    the time; a failure comes on top.
    """

    def __init__(
        self, topology: Topology, rules: Mapping[str, RuleSet], down: frozenset[str] = frozenset()
    ) -> None:
        self.topology = topology
        self.down = down
        self.steps = Steps(topology, rules, down)
        self.switches = self.steps.switches
        self.step = self.steps.step

    def enter(self, port: PortRef, space: Space, mtu: int, failure: Failure | None = None) -> Walk:
        """Send customer frames into an edge port; `mtu` is their largest payload in octets."""
        return self.follow(port, Wire(space, (), True, (0, 0), UNCHANGED, ()), mtu, failure)

    def again(self, walk: Walk, port: PortRef, space: Space, mtu: int, failure: Failure) -> Walk:
        """The same frames under a failure; `walk` is theirs with everything up.

        Up to the first step that consulted a failed link nothing changes, so it starts there where it can.
        """
        for branch, consulted in walk.chain:
            if not consulted.isdisjoint(failure.links):
                return self._follow(branch, mtu, failure, None)
        return self.enter(port, space, mtu, failure)

    def follow(
        self, port: PortRef, wire: Wire, mtu: int, failure: Failure | None = None, first: Step | None = None
    ) -> Walk:
        """Follow one packet from where it arrives until every copy of it was delivered or lost.

        `first` replaces what the first switch does with it.
        """
        start = Branch(port.node, port.port, wire, (), (), (), (), _NONE, _NONE, _NONE)
        return self._follow(start, mtu, failure, first)

    def _follow(self, start: Branch, mtu: int, failure: Failure | None, first: Step | None) -> Walk:
        """Follow one packet from somewhere on its way."""
        delivered: list[Delivered] = []
        lost: list[Lost] = []
        clashes: list[str] = []
        touched: set[str] = set()
        switches: set[str] = set()
        chain: list[tuple[Branch, frozenset[str]]] = []
        parted = False
        todo = [start]
        while todo:
            at = todo.pop()
            switches.add(at.node)
            place = at.node, at.in_port, tuple(label.value for label in at.wire.labels)
            if place in at.seen:
                lost.append(Lost("loop", f"comes back to {at.node} as it was before", at.wire.space, at.hops))
                continue
            step = first or self.step(at.node, at.in_port, at.wire, failure)
            first = None
            touched |= step.consulted
            chain.append((at, step.consulted))
            parted = parted or len(step.outcomes) > 1
            for outcome in step.outcomes:
                if isinstance(outcome, Dropped):
                    lost.append(Lost(outcome.code, outcome.detail, outcome.space, at.hops))
                elif isinstance(outcome, Ambiguous):
                    clashes.append(outcome.detail)
                elif isinstance(outcome, Exposed):
                    lost.append(Lost("exposed", "the label below", outcome.wire.space, at.hops))
                else:
                    link = self.switches[at.node].link_at.get(outcome.port)
                    queues, meters = at.queues, at.meters
                    if outcome.queue is not None:
                        queues = (*queues, (at.node, outcome.queue))
                    if outcome.meters:
                        meters = (*meters, *((at.node, meter) for meter in outcome.meters))
                    if link is None:
                        out = PortRef(at.node, outcome.port)
                        delivered.append(
                            Delivered(
                                out, outcome.wire, at.hops, queues, meters, at.classes, at.trunks, at.services
                            )
                        )
                        continue
                    size = _size(outcome.wire, mtu)
                    if size > self.topology.links[link].mtu:
                        detail = f"{size} octets do not fit link {link} ({self.topology.links[link].mtu})"
                        lost.append(Lost("mtu", detail, outcome.wire.space, at.hops))
                        continue
                    todo.append(self._cross(at, place, link, outcome.wire, queues, meters))
        return Walk(
            tuple(delivered),
            tuple(lost),
            tuple(clashes),
            frozenset(touched),
            frozenset(switches),
            () if parted else tuple(chain),
        )

    def _cross(
        self,
        at: Branch,
        place: tuple[str, int, tuple[int, ...]],
        name: str,
        wire: Wire,
        queues: tuple[tuple[str, int], ...],
        meters: tuple[tuple[str, int], ...],
    ) -> Branch:
        """The same packet at the other end of a link."""
        link = self.topology.links[name]
        head = link.other(at.node)
        labels = wire.labels
        return Branch(
            head,
            link.port_at(head),
            wire,
            (*at.hops, Hop(name, at.node, head)),
            (*at.seen, place),
            queues,
            meters,
            at.classes.union(label.tc for label in labels),
            at.trunks.union((labels[-2].value,)) if len(labels) > 1 else at.trunks,
            at.services.union((labels[-1].value,)) if labels else at.services,
        )

    def traced(self, port: PortRef, wire: Wire, mtu: int, failure: Failure | None = None) -> tuple[str, ...]:
        """The same walk, told rule by rule, for people."""
        lines: list[str] = []
        todo: list[tuple[str, int, Wire, tuple[tuple[str, int, tuple[int, ...]], ...]]]
        todo = [(port.node, port.port, wire, ())]
        down = failure.links | self.down if failure else self.down
        while todo:
            node, in_port, now, seen = todo.pop()
            place = node, in_port, tuple(label.value for label in now.labels)
            if place in seen:
                lines.append(f"{node} comes back to where it was: loop")
                continue
            switch = self.switches[node]
            switch.trace = lines
            try:
                step = switch.step(now, in_port, down)
            finally:
                switch.trace = None
            for outcome in step.outcomes:
                name = switch.link_at.get(outcome.port) if isinstance(outcome, Sent) else None
                if name is None or not isinstance(outcome, Sent):
                    continue
                link = self.topology.links[name]
                if _size(outcome.wire, mtu) > link.mtu:
                    lines.append(f"{node} drop: too large for link {name}")
                    continue
                head = link.other(node)
                todo.append((head, link.port_at(head), outcome.wire, (*seen, place)))
        return tuple(lines)


def _size(wire: Wire, mtu: int) -> int:
    """What a link must carry behind the outer Ethernet header, octets: labels and the largest customer frame."""
    return mtu + OVERHEAD + LABEL * len(wire.labels) if wire.labels else mtu + 2 * VLAN_TAG


def labelled(*labels: int) -> Wire:
    """A packet under labels (outermost first) of which only the labels matter."""
    stack = tuple(Label(value, 0, NEW_TTL) for value in labels)
    return Wire(UNKNOWN, stack, True, (0, 0), UNCHANGED, ())


def path_of(walk: Walk) -> Path:
    """The way that the frames took; of several deliveries the first."""
    return Path(walk.delivered[0].hops) if walk.delivered else Path(())
