"""What each switch does with each packet, computed once and reused wherever that is exact.

A step depends on the packet and on the links that the switch consulted, all of them its own. So the step with
everything up holds under every failure that leaves those links alone, and failures that take the same links of a
switch share a step. And most steps look at the outermost label only: they are computed
for a *pattern*, a packet of which only that label is known, and filled in for every packet that fits. Where a
pattern turns out to know too little (a deeper label is matched, the customer's frame comes out), the step is
computed for the packet itself.

In a pattern label number i has value −(i+1) unless it is known, class 8+i and TTL `_BASE`·(i+1), so that the
result tells where each of its labels came from and how often its TTL was decremented.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import TypeAlias

from sdnctl.dataplane.values import ETH_MPLS, Action, ClearInPort, RuleSet
from sdnctl.topology.graph import Failure, PortRef, Topology
from sdnctl.verify.execute import Ambiguous, Dropped, Exposed, Outcome, Sent, Step, Switch
from sdnctl.verify.frames import Tags
from sdnctl.verify.packet import NEW_TTL, UNKNOWN, Label, Wire
from sdnctl.verify.space import exactly, meet

UNCHANGED = Tags()
_BASE = 1 << 12
_CLASS = 8
_Key: TypeAlias = tuple[str, int, Wire | int, int]


class Steps:
    """All switches with their rules, and every step that was computed so far.

    `down` are links that are down all the time; a failure comes on top. `stuck` collects (switch, label) whose
    TTL does not fall and `macs` the outer addresses at each port, over all steps.
    """

    def __init__(self, topology: Topology, rules: Mapping[str, RuleSet], down: frozenset[str]) -> None:
        self.topology = topology
        self.down = down
        self.switches = _Switches(topology, rules)
        self.computed = 0
        self.stuck: set[tuple[str, int]] = set()
        self.macs: dict[PortRef, set[int]] = {}
        self._healthy: dict[_Key, Step] = {}
        self._failed: dict[tuple[_Key, frozenset[str]], Step] = {}
        self._failure: Failure | None = None
        self._links_near: Mapping[str, frozenset[str]] = {}
        self._rules = rules
        self._ports: dict[str, tuple[dict[int, int], dict[int, int]]] = {}

    @cached_property
    def plain_macs(self) -> bool:
        """Whether no rule that label traffic can meet looks at its outer addresses."""
        return not any(name in ("eth_dst", "eth_src") for name in self._looked_at)

    @cached_property
    def _plain_classes(self) -> bool:
        return "mpls_tc" not in self._looked_at

    @cached_property
    def _looked_at(self) -> frozenset[str]:
        """Fields that rules look at which label traffic can meet."""
        names: set[str] = set()
        for held in self._rules.values():
            for flow in held.flows.values():
                fields = flow.match.fields
                if not any(name == "eth_type" and value != ETH_MPLS for name, value, _ in fields):
                    names.update(name for name, _, _ in fields)
        return frozenset(names)

    def _equal(self, node: str) -> tuple[dict[int, int], dict[int, int]]:
        if node not in self._ports:
            self._ports[node] = _equal_ports(self.switches[node])
        return self._ports[node]

    def port_class(self, node: str, in_port: int) -> int:
        """One port for all that treat label traffic alike: those whose first rule forgets the port."""
        return self._equal(node)[0].get(in_port, in_port)

    def step(self, node: str, in_port: int, wire: Wire, failure: Failure | None = None) -> Step:
        """What one switch does with one packet, with no failure or one."""
        if not wire.labels:
            return self._cached(node, in_port, wire, 0, failure)
        entry = self._equal(node)[1].get(in_port)
        if entry is not None:
            self.switches[node].used.add(entry)
        in_port = self.port_class(node, in_port)
        step = self._cached(node, in_port, wire, 1, failure)
        if wire.space is not UNKNOWN and any(isinstance(outcome, Exposed) for outcome in step.outcomes):
            step = self._cached(node, in_port, wire, len(wire.labels), failure)
        return Step(tuple(_filled(outcome, wire, node) for outcome in step.outcomes), step.consulted)

    def _pattern(self, wire: Wire, known: int) -> Wire:
        """The packet with only its first `known` labels; all of them: with its frames as well."""
        labels = tuple(
            Label(
                label.value if index < known else -1 - index,
                _CLASS + index if self._plain_classes else label.tc,
                _BASE * (index + 1),
            )
            for index, label in enumerate(wire.labels)
        )
        macs = (0, 0) if self.plain_macs else wire.macs
        if known < len(labels):
            return Wire(UNKNOWN, labels, wire.ethernet, macs, UNCHANGED, ())
        return wire._replace(labels=labels, macs=macs)

    def _cached(self, node: str, in_port: int, wire: Wire, known: int, failure: Failure | None) -> Step:
        """The step of a pattern (`known` labels; 0: the packet itself), with the links that are down near it."""
        key: _Key
        if known == 1 and len(wire.labels) > 1 and self.plain_macs and self._plain_classes:
            key = node, in_port, wire.labels[0].value, len(wire.labels)
        else:
            key = node, in_port, self._pattern(wire, known) if known else wire, 0
        healthy = self._healthy.get(key)
        if healthy is None:
            made = self._pattern(wire, known) if known else wire
            healthy = self._healthy[key] = self._compute(node, in_port, made, self.down)
        if failure is None or healthy.consulted.isdisjoint(failure.links):
            return healthy
        near = self._near(failure)[node]
        step = self._failed.get((key, near))
        if step is None:
            made = self._pattern(wire, known) if known else wire
            step = self._failed[key, near] = self._compute(node, in_port, made, failure.links | self.down)
        return step

    def _near(self, failure: Failure) -> Mapping[str, frozenset[str]]:
        """Of the links that a failure takes, those at each switch: no other can matter to its steps."""
        if failure is not self._failure:
            at: dict[str, set[str]] = defaultdict(set)
            for link in failure.links:
                for node in self.topology.links[link].nodes:
                    at[node].add(link)
            self._failure = failure
            self._links_near = {node: frozenset(links) for node, links in at.items()}
        return self._links_near

    def _compute(self, node: str, in_port: int, wire: Wire, down: frozenset[str]) -> Step:
        """Run a step."""
        step = self.switches[node].step(wire, in_port, down)
        self._note(node, wire, step)
        return step

    def act(self, node: str, in_port: int, wire: Wire, actions: tuple[Action, ...]) -> Step:
        """What an action list would do with a packet of the switch's own, outside of any table."""
        step = self.switches[node].act(wire, in_port, actions, self.down)
        self._note(node, wire, step)
        return step

    def _note(self, node: str, wire: Wire, step: Step) -> None:
        """Keep what is claimed of every step: falling TTLs and consistent outer addresses."""
        self.computed += 1
        for sent in step.outcomes:
            link = self.switches[node].link_at.get(sent.port) if isinstance(sent, Sent) else None
            if link is None or not isinstance(sent, Sent):
                continue
            if not sent.falls:
                self.stuck.add((node, wire.labels[0].value))
            if sent.wire.labels:
                other = self.topology.links[link].other(node)
                peer = PortRef(other, self.topology.links[link].port_at(other))
                self.macs.setdefault(peer, set()).add(sent.wire.macs[0])
                self.macs.setdefault(PortRef(node, sent.port), set()).add(sent.wire.macs[1])

    def used(self) -> frozenset[int]:
        """Identities of the flows and groups that any step used so far."""
        return frozenset().union(*(switch.used for switch in self.switches.values()))


def _filled(outcome: Outcome, wire: Wire, node: str) -> Outcome:
    """An outcome of a pattern as it is for one packet."""
    if isinstance(outcome, Dropped | Ambiguous):
        return outcome._replace(space=wire.space) if outcome.space is UNKNOWN else outcome
    labels = tuple(_label(label, wire.labels) for label in outcome.wire.labels)
    if any(label.ttl < 1 for label in labels):
        return Dropped("ttl", f"{node}: the TTL has run out", wire.space)
    if outcome.wire.space is UNKNOWN:
        new = Wire(wire.space, labels, outcome.wire.ethernet, outcome.wire.macs, wire.tags, wire.edits)
    else:
        new = outcome.wire._replace(labels=labels)
    if isinstance(outcome, Exposed):
        return Exposed(new)
    return outcome._replace(wire=new)


def _label(label: Label, arrived: tuple[Label, ...]) -> Label:
    """A label of a pattern's result, with the value, class and TTL that it has in one packet."""
    value, tc, ttl = label
    if value < 0:
        value = arrived[-1 - value].value
    if tc >= _CLASS:
        tc = arrived[tc - _CLASS].tc
    if ttl > NEW_TTL:
        source = (ttl - 1) // _BASE
        ttl = arrived[source].ttl - (_BASE * (source + 1) - ttl)
    return Label(value, tc, ttl)


def _equal_ports(switch: Switch) -> tuple[dict[int, int], dict[int, int]]:
    """Ports of a switch whose label traffic is treated alike → one of them; and the rule that says so.

    Their only rule for label traffic in the first table looks at nothing but the port and clears it first.
    """
    same: dict[int, int] = {}
    rules: dict[int, int] = {}
    table = switch.tables.get(0)
    first: dict[object, int] = {}
    for port in sorted(switch.link_at) if table else ():
        here = exactly(in_port=port, eth_type=ETH_MPLS)
        hits = [entry for entry in table.candidates(here) if meet(here, entry.cube) is not None] if table else []
        if len(hits) != 1 or hits[0].cube != here or hits[0].item.actions[:1] != (ClearInPort(),):
            continue
        flow = hits[0].item
        behaviour = flow.actions, flow.meter, flow.metadata, flow.goto
        same[port] = first.setdefault(behaviour, port)
        rules[port] = id(flow)
    return same, rules


class _Switches(dict[str, Switch]):
    """Switches by name, indexed when they are first asked for."""

    def __init__(self, topology: Topology, rules: Mapping[str, RuleSet]) -> None:
        super().__init__()
        self.topology, self.rules = topology, rules

    def __missing__(self, node: str) -> Switch:
        if node not in self.topology.nodes:
            raise KeyError(node)
        made = self[node] = Switch(node, self.rules.get(node, RuleSet()), self.topology)
        return made
