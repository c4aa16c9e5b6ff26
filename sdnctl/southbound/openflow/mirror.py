"""What a switch should hold after changes, and how to get back: pure functions on rule sets.

A switch does more than it is told: deleting a group or a meter deletes the flows that use it. To undo
a commit, the driver must therefore know everything that the commit touches, not only what it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sdnctl.dataplane.values import Action, Flow, FlowKey, Group, Meter, RuleSet, ToGroup
from sdnctl.plan.model import Change, Op

R = TypeVar("R", Flow, Group, Meter)
K = TypeVar("K", int, FlowKey)


@dataclass(slots=True)
class Touched:
    """Identities of rules that changes affect, named or taken along, in order of first mention."""

    flows: dict[FlowKey, None] = field(default_factory=dict)
    groups: dict[int, None] = field(default_factory=dict)
    meters: dict[int, None] = field(default_factory=dict)

    def add(self, rule: Flow | Group | Meter) -> None:
        if isinstance(rule, Flow):
            self.flows[rule.key] = None
        elif isinstance(rule, Group):
            self.groups[rule.id] = None
        else:
            self.meters[rule.id] = None

    def update(self, other: Touched) -> None:
        self.flows.update(other.flows)
        self.groups.update(other.groups)
        self.meters.update(other.meters)


def groups_of(actions: Iterable[Action]) -> Iterator[int]:
    """Groups that a list of actions sends to."""
    for action in actions:
        if isinstance(action, ToGroup):
            yield action.group


def groups_of_group(group: Group) -> Iterator[int]:
    """Groups that a group's buckets send to."""
    for bucket in group.buckets:
        yield from groups_of(bucket.actions)


class _Users:
    """Flows by the group or meter that they use; made when the first of those is deleted."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        self.groups: dict[int, dict[FlowKey, None]] = {}
        self.meters: dict[int, dict[FlowKey, None]] = {}
        for flow in flows:
            self.add(flow)

    def add(self, flow: Flow) -> None:
        for group in groups_of(flow.actions):
            self.groups.setdefault(group, {})[flow.key] = None
        if flow.meter is not None:
            self.meters.setdefault(flow.meter, {})[flow.key] = None

    def of(self, rule: Group | Meter, flows: Mapping[FlowKey, Flow]) -> list[FlowKey]:
        """Flows that use the rule now; entries of flows that changed meanwhile are skipped."""
        if isinstance(rule, Group):
            known = self.groups.get(rule.id, {})
            return [key for key in known if key in flows and rule.id in groups_of(flows[key].actions)]
        known = self.meters.get(rule.id, {})
        return [key for key in known if key in flows and flows[key].meter == rule.id]


class Mirror:
    """What a switch holds, followed change by change; the rule set it starts from stays as it is.

    Groups and meters are followed at once, because checks ask for them. All rules at a point in time are worked
    out when something is to be undone, which is rare.
    """

    REMEMBERED = 200_000
    """Changes after which a settled past is forgotten."""

    def __init__(self, rules: RuleSet) -> None:
        self.groups, self.meters = dict(rules.groups), dict(rules.meters)
        self._base = rules
        self._changes: list[Sequence[Change]] = []

    def take(self, changes: Sequence[Change]) -> None:
        """Follow changes, in their order."""
        self._changes.append(changes)
        for change in changes:
            rule = change.rule
            if not isinstance(rule, Flow):
                _put(self.groups if isinstance(rule, Group) else self.meters, change.op, rule)

    def mark(self) -> int:
        """This point in time, for `at`."""
        return len(self._changes)

    def at(self, mark: int) -> RuleSet:
        """All rules at a point in time that is not yet settled."""
        changes = [change for part in self._changes[:mark] for change in part]
        return applied(self._base, changes)[0]

    def settle(self) -> None:
        """Nobody will ask for an earlier point in time than this; marks made before are void."""
        if sum(map(len, self._changes)) > self.REMEMBERED:
            self._base, self._changes = self.at(self.mark()), []


def followed(
    flows: Mapping[FlowKey, Flow], changes: Iterable[Change]
) -> tuple[dict[FlowKey, Flow], dict[FlowKey, None]]:
    """The flows after changes, in order; and those that the deletion of their group or meter took along."""
    after = dict(flows)
    taken: dict[FlowKey, None] = {}
    users: _Users | None = None
    for change in changes:
        rule = change.rule
        if isinstance(rule, Flow):
            if change.op is Op.DELETE:
                after.pop(rule.key, None)
                continue
            after[rule.table, rule.priority, rule.match] = rule
            if users is not None:
                users.add(rule)
        elif change.op is Op.DELETE:
            users = users or _Users(after.values())
            for key in users.of(rule, after):
                taken[key] = None
                del after[key]
    return after, taken


def applied(rules: RuleSet, changes: Sequence[Change]) -> tuple[RuleSet, Touched]:
    """The rules after changes, in order, with what deletions take along; and everything that was touched."""
    flows, taken = followed(rules.flows, changes)
    after = RuleSet(flows, dict(rules.groups), dict(rules.meters))
    touched = Touched(flows=taken)
    for change in changes:
        touched.add(change.rule)
        if not isinstance(change.rule, Flow):
            _put(after.groups if isinstance(change.rule, Group) else after.meters, change.op, change.rule)
    return after, touched


def _put(rules: dict[int, Any], op: Op, rule: Group | Meter) -> None:
    if op is Op.DELETE:
        rules.pop(rule.id, None)
    else:
        rules[rule.id] = rule


def restoring(current: RuleSet, wanted: RuleSet, touched: Touched) -> list[Change]:
    """Changes that bring the touched identities from `current` to `wanted`, make before break.

    Additions: meters, groups (after those that they send to), flows. Deletions: the other way round.
    """
    meters = _difference(current.meters, wanted.meters, touched.meters)
    groups = _difference(current.groups, wanted.groups, touched.groups)
    flows = _difference(current.flows, wanted.flows, touched.flows)
    groups = sorted_groups(groups)
    put = [change for part in (meters, groups, flows) for change in part if change.op is not Op.DELETE]
    drop = [change for part in (flows, groups[::-1], meters) for change in part if change.op is Op.DELETE]
    return put + drop


def _difference(current: Mapping[K, R], wanted: Mapping[K, R], keys: Iterable[K]) -> list[Change]:
    changes = []
    for key in keys:
        have, want = current.get(key), wanted.get(key)
        if have == want:
            continue
        if want is None:
            assert have is not None
            changes.append(Change(Op.DELETE, have, before=have))
        else:
            changes.append(Change(Op.ADD if have is None else Op.MODIFY, want, before=have))
    return changes


def sorted_groups(changes: list[Change]) -> list[Change]:
    """The changes of groups, each after those of the groups it sends to; a ring is cut somewhere."""
    by_id = {change.rule.id: change for change in changes if isinstance(change.rule, Group)}
    ordered: dict[int, Change] = {}
    visiting: set[int] = set()

    for root in by_id:
        stack = [root]
        while stack:
            number = stack[-1]
            rule = by_id[number].rule
            assert isinstance(rule, Group)
            open_ = [
                other
                for other in groups_of_group(rule)
                if other in by_id and other not in ordered and other not in visiting
            ]
            visiting.add(number)
            if open_:
                stack.append(open_[0])
            else:
                ordered.setdefault(stack.pop(), by_id[number])
    return list(ordered.values())
