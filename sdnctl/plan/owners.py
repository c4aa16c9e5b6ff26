"""Whose rules these are: from a rule back to the demands it carries, by cookies and group numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sdnctl.compiler.groups import trunk_group_key, trunk_hops, trunk_paths
from sdnctl.compiler.ir import Compiled, Trunk
from sdnctl.compiler.label import service_key
from sdnctl.compiler.tables import Kind, read_cookie
from sdnctl.dataplane.values import GROUP_BASE, METER_BASE, Flow, Group
from sdnctl.intents.demand import Demand
from sdnctl.plan.model import Rule
from sdnctl.topology.graph import Path


@dataclass(frozen=True)
class Owners:
    """Look-ups into one compiled network."""

    compiled: Compiled

    @cached_property
    def demands(self) -> Mapping[str, Demand]:
        return {demand.id: demand for demand in self.compiled.demands}

    @cached_property
    def trunks(self) -> Mapping[str, Trunk]:
        """Demand id → trunk."""
        return {member: trunk for trunk in self.compiled.trunks for member in trunk.demands}

    @cached_property
    def ways(self) -> Mapping[int, Path]:
        """Trunk label → the path that it names."""
        return {label: path for trunk in self.compiled.trunks for label, path in trunk_paths(trunk)}

    @cached_property
    def by_number(self) -> Mapping[int, str]:
        """Demand number → demand id."""
        return {number: key for key, number in self.compiled.baseline.ids.get("demand", {}).items()}

    @cached_property
    def by_label(self) -> Mapping[int, frozenset[str]]:
        """Trunk or service label → demand ids."""
        table: dict[int, set[str]] = defaultdict(set)
        for trunk in self.compiled.trunks:
            for label, _ in trunk_paths(trunk):
                table[label].update(trunk.demands)
        services = self.compiled.baseline.ids.get("service", {})
        for demand in self.compiled.demands:
            if service_key(demand) in services:
                table[services[service_key(demand)]].add(demand.id)
        return {label: frozenset(ids) for label, ids in table.items()}

    @cached_property
    def by_group(self) -> Mapping[int, frozenset[str]]:
        """Group number → demand ids."""
        numbers = self.compiled.baseline.ids.get("group", {})
        bypasses = {bypass.key: bypass for bypass in self.compiled.bypasses}
        table: dict[int, set[str]] = defaultdict(set)
        for trunk in self.compiled.trunks:
            keys = [trunk_group_key(trunk.key)]
            for _, path in trunk_paths(trunk):
                keys += (group.key for group in trunk_hops(trunk, path, bypasses))
            for key in keys:
                if key in numbers:
                    table[numbers[key]].update(trunk.demands)
        return {number: frozenset(ids) for number, ids in table.items()}

    def of(self, rule: Rule) -> frozenset[str]:
        """Ids of the demands whose frames a rule handles; none for bypasses and trunk ports."""
        if isinstance(rule, Group):
            return self.by_group.get(rule.id - GROUP_BASE, frozenset())
        if not isinstance(rule, Flow):
            return self._numbered(rule.id - METER_BASE)
        mark = read_cookie(rule.cookie)
        if mark is None:
            return frozenset()
        kind, number = mark
        if kind is Kind.DEMAND:
            return self._numbered(number)
        if kind in (Kind.TRUNK, Kind.SERVICE):
            return self.by_label.get(number, frozenset())
        return frozenset()

    def _numbered(self, number: int) -> frozenset[str]:
        return frozenset((self.by_number[number],)) if number in self.by_number else frozenset()
