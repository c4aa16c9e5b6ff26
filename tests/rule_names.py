"""Rules with the names of things in place of their numbers: two applies agree if these are equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sdnctl.compiler.ir import Baseline
from sdnctl.compiler.tables import Kind, read_cookie
from sdnctl.dataplane.values import GROUP_BASE, METER_BASE, Action, Flow, Group, Meter, RuleSet, SetField, ToGroup

DEMUX = 5


def named(rules: Mapping[str, RuleSet], baseline: Baseline) -> dict[str, frozenset[object]]:
    """Switch → its rules, with labels, demand, group and meter numbers replaced by what they stand for."""
    names = _Names(baseline)
    return {switch: frozenset(names.rule(rule) for rule in held) for switch, held in rules.items()}


class _Names:
    def __init__(self, baseline: Baseline) -> None:
        ids = baseline.ids
        self.labels = {number: f"reserved {number}" for number in range(16)}
        self.labels |= {number: f"trunk {key}" for key, number in baseline.labels.items()}
        self.labels |= {number: f"bypass {key}" for key, number in ids.get("bypass", {}).items()}
        self.labels |= {number: f"service {key}" for key, number in ids.get("service", {}).items()}
        self.demands = {0: "discovery"} | {number: key for key, number in ids.get("demand", {}).items()}
        self.groups = {GROUP_BASE + number: key for key, number in ids.get("group", {}).items()}

    def rule(self, rule: Flow | Group | Meter) -> object:
        if isinstance(rule, Meter):
            return "meter", self.demands[rule.id - METER_BASE], rule.rate, rule.burst
        if isinstance(rule, Group):
            buckets = tuple((self._actions(bucket.actions), bucket.watch_port) for bucket in rule.buckets)
            return "group", self.groups[rule.id], rule.type, buckets
        return (
            "flow",
            rule.table,
            rule.priority,
            tuple(self._field(rule.table, *field) for field in rule.match),
            self._cookie(rule.cookie),
            self._actions(rule.actions),
            None if rule.meter is None else self.demands[rule.meter - METER_BASE],
            None if rule.metadata is None else self._metadata(rule.goto, rule.metadata[0]),
            rule.goto,
        )

    def _cookie(self, cookie: int) -> object:
        mark = read_cookie(cookie)
        assert mark is not None
        kind, number = mark
        if kind is Kind.PORT:
            return kind, number
        return kind, self.demands[number] if kind is Kind.DEMAND else self.labels[number]

    def _field(self, table: int, name: str, value: int, mask: int) -> object:
        if name == "mpls_label":
            return name, self.labels[value]
        return (name, self._metadata(table, value)) if name == "metadata" else (name, value, mask)

    def _metadata(self, table: int | None, value: int) -> str:
        return self.labels[value] if table == DEMUX else self.demands[value]

    def _actions(self, actions: tuple[Action, ...]) -> tuple[object, ...]:
        return tuple(self._action(action) for action in actions)

    def _action(self, action: Action) -> object:
        if isinstance(action, ToGroup):
            return "group", self.groups[action.group]
        if isinstance(action, SetField) and action.name == "mpls_label":
            return "label", self.labels[action.value]
        return replace(action)
