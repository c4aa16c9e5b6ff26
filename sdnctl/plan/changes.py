"""What differs between what a device holds and what it should, as changes; and in which stage each belongs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from sdnctl.compiler.references import groups_used
from sdnctl.compiler.tables import CLASSIFY, DELIVER, DEMUX, ENCAP, POLICE, TRANSIT, Kind, cookie
from sdnctl.dataplane.text import flow_order
from sdnctl.dataplane.values import COOKIE_OWNER_MASK, Flow, Group, Meter, Queue, RuleSet, SwitchSettings, is_ours
from sdnctl.plan.model import Change, Op, Rule, StageKind

K = TypeVar("K")
R = TypeVar("R", Flow, Group, Meter)

ADMISSION = frozenset((CLASSIFY.number, POLICE.number, ENCAP.number))
"""Tables that a demand's frames pass before they have a label."""


def ours(rules: RuleSet) -> RuleSet:
    """Only the rules that are sdnctl's; the same rule set where all of them are."""
    if all(map(is_ours, rules)):
        return rules
    return RuleSet.of(item for item in rules if is_ours(item))


def difference(held: RuleSet, wanted: RuleSet) -> tuple[Change, ...]:
    """Changes that turn `held` into `wanted`: by identity, so a flow with another behaviour is modified."""
    return (
        *_difference(held.meters, wanted.meters),
        *_difference(held.groups, wanted.groups),
        *_difference(held.flows, wanted.flows),
    )


def _difference(before: Mapping[K, R], after: Mapping[K, R]) -> Iterator[Change]:
    if before is after:
        return
    for key, rule in after.items():
        was = before.get(key)
        if was is None:
            yield Change(Op.ADD, rule)
        elif was is not rule and was != rule:
            yield Change(Op.MODIFY, rule, was)
    for key, rule in before.items():
        if key not in after:
            yield Change(Op.DELETE, rule, rule)


def is_carrier_rule(rule: Rule) -> bool:
    """Whether a rule belongs to no demand or trunk, but to a switch that carries any (`lower`)."""
    return isinstance(rule, Flow) and rule.cookie & _KIND == _CARRIER


_KIND = COOKIE_OWNER_MASK | 0xFFFF << 32
_CARRIER = cookie(Kind.PORT, 0)


def stage_of(change: Change) -> StageKind:
    """The stage in which a change loses no packet."""
    rule, op = change.rule, change.op
    if op is Op.DELETE:
        return StageKind.RETIRE
    if is_carrier_rule(rule):
        return StageKind.PREPARE
    # A classify rule that changes leads to another demand number, whose police and encap rules may be new.
    if isinstance(rule, Flow) and (rule.table == CLASSIFY.number or (op is Op.ADD and rule.table in ADMISSION)):
        return StageKind.ADMIT
    return StageKind.PREPARE if op is Op.ADD else StageKind.SWITCH


def in_stages(changes: Iterable[Change]) -> Mapping[StageKind, tuple[Change, ...]]:
    """One device's changes by stage, each in the order in which they are to be sent."""
    changes = tuple(changes)
    depth = _depths(changes)
    table: dict[StageKind, list[Change]] = {}
    for change in changes:
        table.setdefault(stage_of(change), []).append(change)
    return {
        kind: tuple(sorted(items, key=lambda item: _order(kind, item, depth))) for kind, items in table.items()
    }


# Flows after the groups and meters they need; what is nearer to the egress before what leads to it.
_FORWARD = (DEMUX, DELIVER, TRANSIT, ENCAP, POLICE, CLASSIFY)
_POSITION = {table.number: position for position, table in enumerate(_FORWARD)}


def _order(kind: StageKind, change: Change, depth: Mapping[int, int]) -> tuple[object, ...]:
    rule = change.rule
    if isinstance(rule, Meter):
        place: tuple[object, ...] = (0, 0, rule.id)
    elif isinstance(rule, Group):
        place = (1, depth[rule.id], rule.id)
    else:
        place = (2, _POSITION.get(rule.table, -1), flow_order(rule))
    if kind is not StageKind.RETIRE:
        return place
    return -place[0], -place[1], *place[2:]  # type: ignore[operator]


def _depths(changes: Iterable[Change]) -> Mapping[int, int]:
    """Group id → how many groups deep it sends, by the groups that are changed together (0: to ports only)."""
    sends: dict[int, frozenset[int]] = {}
    for change in changes:
        if isinstance(change.rule, Group):
            sends[change.rule.id] = groups_used(change.rule)
    depths: dict[int, int] = {}

    def depth(group: int, above: frozenset[int]) -> int:
        if group not in depths:
            below = (depth(used, above | {group}) for used in sends[group] if used in sends and used not in above)
            depths[group] = 1 + max(below, default=-1)
        return depths[group]

    for group in sends:
        depth(group, frozenset((group,)))
    return depths


def settings_differ(held: SwitchSettings, wanted: SwitchSettings) -> bool:
    """Whether anything that is wanted (None and () mean "leave alone") is set otherwise."""
    if held.fail_mode != wanted.fail_mode:
        return True
    for number, port in wanted.ports.items():
        there = held.ports.get(number)
        if port.bfd_interval_ms is not None and (there is None or there.bfd_interval_ms != port.bfd_interval_ms):
            return True
        if port.queues and (there is None or sorted(there.queues, key=_queue) != sorted(port.queues, key=_queue)):
            return True
    return False


def _queue(queue: Queue) -> int:
    return queue.id


def collisions(held: Iterable[Flow], wanted: RuleSet) -> Iterator[Flow]:
    """Foreign flows that stand where one of ours should be (same table, priority and match)."""
    return (flow for flow in held if flow.key in wanted.flows and not is_ours(flow))
