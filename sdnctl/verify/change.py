"""What changed in the rules of one switch, told by the rules themselves: callers may change rule sets in place."""

from __future__ import annotations

from operator import is_
from typing import NamedTuple, TypeVar

from sdnctl.dataplane.values import Flow, Group, RuleSet

K = TypeVar("K")
V = TypeVar("V")


class Change(NamedTuple):
    """What is new in the rules of one switch and what has gone; a rule that was altered is both."""

    flows: tuple[Flow, ...]
    gone: tuple[Flow, ...]
    groups: tuple[Group, ...]
    gone_groups: tuple[Group, ...]
    gone_meters: frozenset[int]
    rules: RuleSet

    @property
    def ports(self) -> set[int]:
        """Ports whose first rules are new."""
        exact = (flow.match.get("in_port") for flow in self.flows if flow.table == 0)
        return {port[0] for port in exact if port is not None}


def change(old: RuleSet, new: RuleSet) -> tuple[RuleSet, Change | None]:
    """The new rules, made of old objects where they are equal, and what changed from the old ones to them."""
    flows, more, gone = _compare(old.flows, new.flows)
    groups, more_groups, gone_groups = _compare(old.groups, new.groups)
    meters, more_meters, gone_meters = _compare(old.meters, new.meters)
    rules = RuleSet(flows, groups, meters)
    if not (more or gone or more_groups or gone_groups or more_meters or gone_meters):
        return rules, None
    meters_gone = frozenset(meter.id for meter in gone_meters)
    return rules, Change(more, gone, more_groups, gone_groups, meters_gone, rules)


def _compare(old: dict[K, V], new: dict[K, V]) -> tuple[dict[K, V], tuple[V, ...], tuple[V, ...]]:
    """The new values as old objects where they are equal; those that are new; old ones that are gone."""
    if len(old) == len(new) and all(map(is_, old.values(), new.values())):
        return old, (), ()
    known, here = set(map(id, old.values())), set(map(id, new.values()))
    same = dict(new)
    more = []
    for key, value in [(key, value) for key, value in new.items() if id(value) not in known]:
        before = old.get(key)
        if before is not None and before == value:
            same[key] = before
            here.add(id(before))
        else:
            more.append(value)
    return same, tuple(more), tuple([value for value in old.values() if id(value) not in here])
