"""Translation of one packet by the rules of one switch, as Open vSwitch 3.1 translates it.

What is not obvious, and was measured on Open vSwitch:

- The actions of a bucket are an *action set*: each kind at most once (the last counts), executed in a fixed
  order, set-fields after pushes, and one output or group at the end.
- A bucket works on a copy; after the group the packet is as it was before.
- An action that cannot be done (a fourth label, a decapsulation of the wrong packet) loses everything
  that this translation would have sent, also by outputs before it; within a bucket, only that bucket.
- A packet is parsed again after a decapsulation; what was sent before is then safe from later errors.
- TTL expiry and a bucket's absent group end the list of actions they stand in, not those around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from sdnctl.dataplane.rulebook import Rulebook
from sdnctl.dataplane.state import Failed, State
from sdnctl.dataplane.text import format_action, rule_name
from sdnctl.dataplane.trace import Drop, Result, Sent, Step, Why
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
    SetField,
    SetQueue,
    ToGroup,
)

MAX_DEPTH = 64
PORT_IN_PORT = 0xFFFFFFF8
PORT_ALL, PORT_FLOOD = 0xFFFFFFFC, 0xFFFFFFFB
PORT_RESERVED = 0xFFFFFFF9

# The order in which an action set is executed; of each kind only the last counts (ofp-actions.c).
_SET_ORDER: tuple[type[Action], ...] = (PopVlan, PopMpls, Decap, Encap, PushMpls, PushVlan, DecMplsTtl)
_SET_FIELDS = (SetField, ClearInPort, SetQueue)
# Actions that do not look behind an MPLS header that was just popped to something else.
_SHALLOW = (Output, ToGroup, SetQueue)
_SHALLOW_FIELDS = frozenset({"eth_dst", "eth_src", "vlan_vid", "vlan_pcp", "metadata", "in_port"})

Item: TypeAlias = Action | tuple[str, int] | tuple[str, int, int]
Chooser: TypeAlias = Callable[[Group, State, Sequence[int]], int]


class _TooDeep(Exception):
    """Groups chained too deep: loses the whole translation, whatever bucket it happens in."""


class Egress(Protocol):
    """What the executor asks of the switch's ports and meters."""

    def alive(self, port: int) -> bool: ...

    def refusal(self, port: int, state: State) -> tuple[Why, str] | None: ...

    def admits(self, meter: int, state: State) -> bool: ...

    @property
    def numbers(self) -> Sequence[int]: ...


class Executor:
    """Runs one packet; made anew for each."""

    def __init__(self, rulebook: Rulebook, egress: Egress, vlan_limit: int, choose: Chooser) -> None:
        self.rulebook = rulebook
        self.egress = egress
        self.vlan_limit = vlan_limit
        self.choose = choose
        self.result = Result()
        self.depth = 0

    def run(self, state: State) -> Result:
        """Translate from table 0."""
        self._translation([("goto", 0)], state)
        return self.result

    # ── translations and lists ───────────────────────────────────────────────────────────────────

    def _translation(self, items: Sequence[Item], state: State) -> None:
        """A list whose outputs are lost together if an action fails in it."""
        mark, depth = len(self.result.sent), self.depth
        try:
            self._list(items, state)
        except Failed as failure:
            self._lose(mark, failure.why, failure.reason, state)
        except _TooDeep:
            if depth:
                raise
            self._lose(mark, Why.TOO_DEEP, f"groups are chained more than {MAX_DEPTH} deep", state)
        finally:
            self.depth = depth

    def _lose(self, mark: int, why: Why, reason: str, state: State) -> None:
        lost = self.result.sent[mark:]
        del self.result.sent[mark:]
        note = f"; {len(lost)} earlier outputs are lost with it" if lost else ""
        self._drop(why, reason + note, state)

    def _list(self, items: Sequence[Item], state: State) -> None:
        """Execute in order; an item may end the list."""
        for index, item in enumerate(items):
            if state.reparse and not _is_shallow(item):
                state.parse_again(self.vlan_limit)
                self._translation(items[index:], state)
                return
            if isinstance(item, tuple):
                if not self._instruction(item, state):
                    return
                continue
            self._note(format_action(item))
            if isinstance(item, Decap):
                if state.decap(item.to_ethernet):
                    if state.packet.runt:
                        self._drop(Why.RUNT, "what is below the labels is shorter than an Ethernet header", state)
                        return
                    state.parse_again(self.vlan_limit)
                    self._translation(items[index + 1 :], state)
                    return
            elif not self._action(item, state):
                return

    def _instruction(self, item: tuple[str, int] | tuple[str, int, int], state: State) -> bool:
        match item:
            case ("meter", meter):
                self._note(f"meter:{meter}")
                if not self.egress.admits(meter, state):
                    self._drop(Why.METER, f"above the rate of meter {meter}", state)
                    return False
            case ("metadata", value, mask):
                state.metadata = state.metadata & ~mask | value
                self._note(f"metadata is now {state.metadata:#x}")
            case (_, table):
                self._table(table, state)
                return False
        return True

    def _table(self, table: int, state: State) -> None:
        """Look a packet up and run what it hits; a miss is a drop."""
        if not state.packet.ethernet:
            self._drop(
                Why.NOT_ETHERNET, f"no flow of table {table} matches a packet without Ethernet header", state
            )
            return
        flows = self.rulebook.tables.get(table)
        flow = flows.find(state.reader()) if flows else None
        if flow is None:
            self._drop(Why.TABLE_MISS, f"no flow of table {table} matches", state)
            return
        self.rulebook.flow_packets[flow.key] += 1
        self._note(rule_name(flow).replace("flow ", "", 1))
        items = _items(flow)
        if not items:
            self._drop(Why.NO_OUTPUT, f"the flow drops: {rule_name(flow)}", state)
        elif not any(isinstance(item, (Output, ToGroup)) or item == ("goto", flow.goto) for item in items):
            self._list(items, state)
            self._drop(Why.NO_OUTPUT, f"the flow sends nowhere: {rule_name(flow)}", state)
        else:
            self._list(items, state)

    # ── actions ──────────────────────────────────────────────────────────────────────────────────

    def _action(self, action: Action, state: State) -> bool:
        """Do one action; False ends the list it stands in."""
        match action:
            case Output(port):
                self._output(port, state)
            case ToGroup(group):
                return self._group(group, state)
            case DecMplsTtl():
                if not state.dec_ttl():
                    self._drop(Why.TTL, "the MPLS TTL is used up", state)
                    return False
            case PushMpls(ethertype):
                state.push_label(ethertype)
            case PopMpls(ethertype):
                state.pop_label(ethertype)
            case PushVlan(ethertype):
                state.push_tag(ethertype)
            case PopVlan():
                state.pop_tag()
            case SetField(name, value):
                state.set_field(name, value)
            case SetQueue(queue):
                state.queue = queue
            case ClearInPort():
                state.clear_in_port()
            case Encap("mpls"):
                state.encap_mpls()
            case Encap():
                state.encap_ethernet()
            case Decap():
                raise AssertionError("decapsulation is executed by the list")
        return True

    def _output(self, port: int, state: State) -> None:
        if port in (PORT_ALL, PORT_FLOOD):
            for number in self.egress.numbers:
                if number != state.in_port:
                    self._output(number, state)
            return
        if port == PORT_CONTROLLER:
            self.result.sent.append(Sent(port, state.packet, state.queue))
            return
        if port == PORT_IN_PORT:
            port = state.in_port
        elif port == state.in_port:
            self._drop(Why.HAIRPIN, f"port {port} is the port it came in on", state)
            return
        if not state.packet.ethernet:
            self._drop(Why.NOT_ETHERNET, f"port {port} carries Ethernet frames only", state)
        elif (refusal := self.egress.refusal(port, state)) is not None:
            self._drop(*refusal, state)
        else:
            self.result.sent.append(Sent(port, state.packet, state.queue))

    def _group(self, number: int, state: State) -> bool:
        group = self.rulebook.rules.groups.get(number)
        if group is None:
            self._drop(Why.NO_GROUP, f"group {number} does not exist", state)
            return False
        self.rulebook.group_packets[number] += 1
        chosen = self._choose(group, state)
        if not chosen:
            self._drop(Why.NO_LIVE_BUCKET, f"group {number} has no live bucket", state)
        for index in chosen:
            self._bucket(group, index, state.copy())
        return True

    def _choose(self, group: Group, state: State) -> Sequence[int]:
        """Numbers of the buckets that get a copy."""
        if group.type in (GroupType.ALL, GroupType.INDIRECT):
            return range(len(group.buckets))
        live = [
            index
            for index, bucket in enumerate(group.buckets)
            if bucket.watch_port is None or self.egress.alive(bucket.watch_port)
        ]
        if group.type is GroupType.FAST_FAILOVER:
            return live[:1]
        weighted = [index for index in live if group.buckets[index].weight > 0]
        return [self.choose(group, state, weighted)] if weighted else []

    def _bucket(self, group: Group, index: int, state: State) -> None:
        if self.depth >= MAX_DEPTH:
            raise _TooDeep
        self._note(f"bucket {index}")
        self.depth += 1
        items = action_set(group.buckets[index])
        self._translation(items, state)
        self.depth -= 1
        if not any(isinstance(item, (Output, ToGroup)) for item in items):
            self._drop(Why.NO_OUTPUT, f"bucket {index} of group {group.id} sends nowhere", state)

    # ── notes ────────────────────────────────────────────────────────────────────────────────────

    def _note(self, text: str) -> None:
        self.result.steps.append(Step(self.depth, text))

    def _drop(self, why: Why, reason: str, state: State) -> None:
        self.result.drops.append(Drop(why, reason, state.packet))
        self._note(f"dropped: {reason}")


def _items(flow: Flow) -> list[Item]:
    """A flow's instructions in the order of execution: meter, actions, metadata, goto."""
    items: list[Item] = [] if flow.meter is None else [("meter", flow.meter)]
    items += flow.actions
    if flow.metadata is not None:
        items.append(("metadata", *flow.metadata))
    if flow.goto is not None:
        items.append(("goto", flow.goto))
    return items


def action_set(bucket: Bucket) -> list[Action]:
    """A bucket's actions as the action set that they are: last of each kind, in OpenFlow's order."""
    last: Mapping[type[Action], Action] = {type(action): action for action in bucket.actions}
    items = [last[kind] for kind in _SET_ORDER if kind in last]
    items += [action for action in bucket.actions if isinstance(action, _SET_FIELDS)]
    final = last.get(ToGroup) or last.get(Output)
    return [*items, final] if final else items


def _is_shallow(item: Item) -> bool:
    return isinstance(item, _SHALLOW) or (isinstance(item, SetField) and item.name in _SHALLOW_FIELDS)
