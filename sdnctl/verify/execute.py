"""What one switch does with a symbolic packet: tables, groups with fast failover, label stack, hairpin rule.

An own reading of OpenFlow and of the measured behaviour of Open vSwitch, on purpose not shared with
the in-memory switch: output to the port a packet came in on is a drop, a bucket works on its own copy, a
fast-failover group takes its first live bucket. Where a space meets a rule in part it is divided, never
sampled. What the pipeline never needs (select groups, reserved ports) is a drop.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from typing import NamedTuple, TypeAlias

from sdnctl.dataplane.values import (
    PORT_CONTROLLER,
    Action,
    Bucket,
    ClearInPort,
    Decap,
    DecMplsTtl,
    Encap,
    Flow,
    Group,
    GroupType,
    Output,
    PopMpls,
    PopVlan,
    PushMpls,
    PushVlan,
    RuleSet,
    SetField,
    SetQueue,
    ToGroup,
)
from sdnctl.topology.graph import PortRef, Topology
from sdnctl.verify.actions import act
from sdnctl.verify.index import Entry, Index
from sdnctl.verify.packet import UNKNOWN, Packet, Space, Wire
from sdnctl.verify.space import Cube, cube_of, meet, minus

LAST_PORT = 0xFFFFFEFF
"""Port numbers above are reserved (controller, flood, in_port, …)."""


class Sent(NamedTuple):
    """A packet that leaves by a port; `falls`: the TTL of the outermost label that stayed is lower than before."""

    port: int
    wire: Wire
    queue: int | None
    meters: tuple[int, ...]
    falls: bool


class Dropped(NamedTuple):
    """Frames that end here, and why: a stable code and a sentence."""

    code: str
    detail: str
    space: Space


class Exposed(NamedTuple):
    """A label or frames of which nothing is known were to be matched or sent out of the network."""

    wire: Wire


class Ambiguous(NamedTuple):
    """Two rules of equal priority select the same frames: the switch may follow either."""

    detail: str
    space: Space


Outcome: TypeAlias = Sent | Dropped | Exposed | Ambiguous


class Step(NamedTuple):
    """All that one switch does with one arriving packet, and the links whose state it depended on."""

    outcomes: tuple[Outcome, ...]
    consulted: frozenset[str]


class Switch:
    """One switch's rules, indexed; `step` is a pure function of the packet and of the links that are down."""

    def __init__(self, node: str, rules: RuleSet, topology: Topology) -> None:
        self.node = node
        self.groups = rules.groups
        self.meters = rules.meters
        self.links = {hop.link: topology.links[hop.link].port_at(node) for hop in topology.adjacency[node]}
        self.link_at = {port: link for link, port in self.links.items()}
        tables: dict[int, list[tuple[Cube, Flow]]] = {}
        for flow in sorted(rules.flows.values(), key=lambda flow: -flow.priority):
            tables.setdefault(flow.table, []).append((cube_of(flow.match), flow))
        self.tables = {table: Index(entries) for table, entries in tables.items()}
        self.used: set[int] = set()
        self.trace: list[str] | None = None

    def step(self, wire: Wire, in_port: int, down: Collection[str] = frozenset()) -> Step:
        """Send one packet through the tables."""
        run = _Run(self, down)
        run.table(Packet(wire, in_port), 0)
        return Step(tuple(run.outcomes), frozenset(run.consulted))

    def act(self, wire: Wire, in_port: int, actions: tuple[Action, ...], down: Collection[str] = ()) -> Step:
        """Execute an action list on a packet of this switch's own, outside of any table."""
        run = _Run(self, down)
        packet = Packet(wire, in_port)
        packet.arrived, packet.floor = (), 0
        run.apply(packet, actions, ())
        return Step(tuple(run.outcomes), frozenset(run.consulted))


class _Run:
    """One passage of one packet: what came of it so far."""

    def __init__(self, switch: Switch, down: Collection[str]) -> None:
        self.switch = switch
        self.down = down
        self.outcomes: list[Outcome] = []
        self.consulted: set[str] = set()

    def drop(self, packet: Packet, code: str, detail: str) -> bool:
        self.note(f"drop: {detail}")
        self.outcomes.append(Dropped(code, f"{self.switch.node}: {detail}", packet.space))
        return False

    def note(self, text: str) -> None:
        if self.switch.trace is not None:
            self.switch.trace.append(f"{self.switch.node} {text}")

    # ── tables ───────────────────────────────────────────────────────────────────────────────────

    def table(self, packet: Packet, number: int) -> None:
        """Match in one table, and go on with each part of the space on its own."""
        if packet.labels[0].value < 0 if packet.labels else packet.space is UNKNOWN:
            self.outcomes.append(Exposed(packet.wire()))
            return
        index = self.switch.tables.get(number)
        if packet.labels:
            self._labelled(packet, number, index)
        else:
            self._customer(packet, number, index)

    def _labelled(self, packet: Packet, number: int, index: Index[Flow] | None) -> None:
        """Nothing about a packet under a label is free: one rule takes all of it."""
        view = packet.labelled_view()
        hits: list[Flow] = []
        for entry in index.candidates(view) if index else ():
            if hits and entry.item.priority < hits[0].priority:
                break
            if meet(view, entry.cube) is not None:
                hits.append(entry.item)
        if not hits:
            self.drop(packet, "miss", f"table {number} has no rule for label {packet.labels[0].value}")
        if len(hits) > 1:
            self.outcomes.append(Ambiguous(self._clash(hits[0], hits[1]), packet.space))
        for flow in hits:
            self._follow(packet.copy() if len(hits) > 1 else packet, flow)

    def _customer(self, packet: Packet, number: int, index: Index[Flow] | None) -> None:
        """Divide the customer's frames among the rules, highest priority first."""
        shares: dict[int, tuple[Flow, list[Cube]]] = {}
        missed: list[Cube] = []
        for cube in packet.space.cubes:
            view = packet.frame_view(cube)
            rest = [view]
            for level in _levels(index.candidates(view) if index else []):
                taken: list[tuple[Cube, Flow]] = []
                for entry in level:
                    for piece in rest:
                        hit = meet(piece, entry.cube)
                        if hit is None:
                            continue
                        for other, flow in taken:
                            if flow is not entry.item and meet(other, hit) is not None:
                                space = Space((packet.from_view(hit, cube),))
                                self.outcomes.append(Ambiguous(self._clash(flow, entry.item), space))
                        taken.append((hit, entry.item))
                        shares.setdefault(id(entry.item), (entry.item, []))[1].append(packet.from_view(hit, cube))
                for entry in level:
                    rest = [left for piece in rest for left in minus(piece, entry.cube)]
                if not rest:
                    break
            missed += [packet.from_view(piece, cube) for piece in rest]
        if missed:
            self.drop(packet.copy(tuple(missed)), "miss", f"table {number} has no rule for these frames")
        for same in _alike(shares.values()):
            self.switch.used.update(id(flow) for flow, _ in same)
            cubes = tuple(cube for _, part in same for cube in part)
            self._follow(packet.copy(cubes), same[0][0])

    def _clash(self, one: Flow, other: Flow) -> str:
        return (
            f"{self.switch.node}: rules with cookies {one.cookie:#x} and {other.cookie:#x} in table {one.table} "
            f"select the same frames with the same priority {one.priority}"
        )

    def _follow(self, packet: Packet, flow: Flow) -> None:
        """Instructions of one rule: meter, actions, metadata, goto."""
        self.switch.used.add(id(flow))
        self.note(f"table {flow.table} priority {flow.priority} cookie {flow.cookie:#x}")
        if flow.meter is not None:
            if flow.meter not in self.switch.meters:
                self.drop(packet, "no-meter", f"meter {flow.meter} does not exist")
                return
            packet.meters += (flow.meter,)
        before = len(self.outcomes)
        if not self.apply(packet, flow.actions, ()):
            return
        packet.emitted = packet.emitted or len(self.outcomes) > before
        if flow.metadata is not None:
            value, mask = flow.metadata
            packet.metadata = (packet.metadata & ~mask) | (value & mask)
        if flow.goto is not None and flow.goto > flow.table:
            self.table(packet, flow.goto)
        elif flow.goto is not None:
            self.drop(packet, "malformed", f"table {flow.table} goes back to table {flow.goto}")
        elif not packet.emitted:
            self.drop(packet, "rule", f"the rule with cookie {flow.cookie:#x} in table {flow.table} drops")

    # ── actions ──────────────────────────────────────────────────────────────────────────────────

    def apply(self, packet: Packet, actions: tuple[Action, ...], chain: tuple[int, ...]) -> bool:
        """Execute an action list; False where the packet was dropped on the way."""
        for action in actions:
            if isinstance(action, ToGroup):
                self._group(packet, action.group, chain)
            elif isinstance(action, Output):
                self._output(packet, action.port)
            else:
                fault = act(packet, action)
                if fault is not None:
                    return self.drop(packet, *fault)
        return True

    def _group(self, packet: Packet, number: int, chain: tuple[int, ...]) -> None:
        group = self.switch.groups.get(number)
        if group is None:
            self.drop(packet, "no-group", f"group {number:#x} does not exist")
            return
        if number in chain:
            self.drop(packet, "malformed", f"group {number:#x} leads back to itself")
            return
        self.switch.used.add(id(group))
        buckets = self._choose(packet, group)
        for bucket in buckets:
            copy = packet.copy()
            before = len(self.outcomes)
            if self.apply(copy, _action_set(bucket), (*chain, number)) and len(self.outcomes) == before:
                self.drop(copy, "rule", f"a bucket of group {number:#x} outputs nowhere")

    def _choose(self, packet: Packet, group: Group) -> tuple[Bucket, ...]:
        """The buckets that a packet takes now; drops it where there is none."""
        if group.type is GroupType.ALL and group.buckets:
            return group.buckets
        if group.type is GroupType.INDIRECT and len(group.buckets) == 1:
            self.note(f"group {group.id:#x}")
            return group.buckets
        if group.type is GroupType.FAST_FAILOVER:
            for number, bucket in enumerate(group.buckets):
                if self._is_live(bucket):
                    self.note(f"group {group.id:#x} bucket {number + 1}")
                    return (bucket,)
            self.drop(packet, "no-live-bucket", f"group {group.id:#x} has no live bucket")
            return ()
        self.drop(
            packet,
            "malformed",
            f"group {group.id:#x} ({group.type}, {len(group.buckets)} buckets) is not one of ours",
        )
        return ()

    def _is_live(self, bucket: Bucket) -> bool:
        """A bucket without watch port is always live (as in Open vSwitch); ports without a link never go down."""
        link = self.switch.link_at.get(bucket.watch_port) if bucket.watch_port is not None else None
        if link is None:
            return True
        self.consulted.add(link)
        return link not in self.down

    def _output(self, packet: Packet, port: int) -> None:
        if port == packet.in_port:
            self.drop(packet, "hairpin", f"output to port {port}, where the packet came in")
        elif port == PORT_CONTROLLER:
            self.drop(packet, "controller", "goes to the controller")
        elif port > LAST_PORT:
            self.drop(packet, "reserved-port", f"output to reserved port {port:#x}")
        elif not packet.ethernet:
            self.drop(packet, "malformed", "output of labels without an Ethernet header")
        else:
            link = self.switch.link_at.get(port)
            if link is not None:
                self.consulted.add(link)
                if link in self.down:
                    self.drop(packet, "link-down", f"output to port {port}, whose link {link} is down")
                    return
            if packet.space is UNKNOWN and packet.customer:
                self.outcomes.append(Exposed(packet.wire()))
                return
            self.note(f"output {PortRef(self.switch.node, port)} labels {_stack(packet)}")
            self.outcomes.append(Sent(port, packet.wire(), packet.queue, packet.meters, _falls(packet)))


_SET_ORDER = (PopVlan, PopMpls, Decap, Encap, PushMpls, PushVlan, DecMplsTtl, SetQueue)
_KEPT_ALL = (SetField, ClearInPort)


def _action_set(bucket: Bucket) -> tuple[Action, ...]:
    """A bucket's actions as a switch executes them: an action set, whatever order they were written in.

    Of each kind the last counts, taking off comes before putting on, all fields are set after that, and there is
    one end: the group if there is one, else the output (OpenFlow 1.3.5, 5.10; `ofpacts_execute_action_set`).
    """
    last = {type(action): action for action in bucket.actions}
    ordered = [last[kind] for kind in _SET_ORDER if kind in last]
    fields = [action for action in bucket.actions if isinstance(action, _KEPT_ALL)]
    end = last.get(ToGroup) or last.get(Output)
    return (*ordered, *fields, *((end,) if end else ()))


def _alike(shares: Iterable[tuple[Flow, list[Cube]]]) -> Iterable[list[tuple[Flow, list[Cube]]]]:
    """Rules that do the same, together: their frames stay one packet from here on."""
    groups: dict[Hashable, list[tuple[Flow, list[Cube]]]] = {}
    for flow, cubes in shares:
        behaviour = flow.actions, flow.meter, flow.metadata, flow.goto
        groups.setdefault(behaviour, []).append((flow, cubes))
    return groups.values()


def _levels(entries: list[Entry[Flow]]) -> list[list[Entry[Flow]]]:
    """Entries grouped by equal priority, highest first."""
    levels: list[list[Entry[Flow]]] = []
    for entry in entries:
        if levels and levels[-1][0].item.priority == entry.item.priority:
            levels[-1].append(entry)
        else:
            levels.append([entry])
    return levels


def _falls(packet: Packet) -> bool:
    """Whether the outermost of the labels that arrived and stayed has a lower TTL than it arrived with.

    If this holds at every switch, the stack (TTL of the lower label, TTL of the upper one) falls
    lexicographically on every hop, whatever fails: a label that is pushed starts with the TTL below it.
    """
    if not packet.arrived:
        return True
    if not packet.floor:
        return False
    return packet.labels[-packet.floor].ttl < packet.arrived[-packet.floor].ttl


def _stack(packet: Packet) -> str:
    return "/".join("?" if label.value < 0 else str(label.value) for label in packet.labels) or "none"
