"""The rules that a switch holds, and what adding, changing and deleting does to them (OpenFlow 1.3 §6.4–6.7).

Deleting a group or a meter deletes the flows that refer to it. Deleting what is not there is no error. Each
rule has a packet counter that lives as long as the rule; a flow that is added again starts at zero, a
modified one keeps counting.
"""

from __future__ import annotations

from collections.abc import Iterable

from sdnctl.dataplane.lookup import FlowTable
from sdnctl.dataplane.refusals import RuleRefused, check_flow, check_group, check_meter
from sdnctl.dataplane.values import Flow, FlowKey, Group, Meter, RuleSet, ToGroup


class Rulebook:
    """Flows, groups and meters of one switch, with look-up and counters; `rules` is for reading only."""

    def __init__(self, rules: RuleSet | None = None) -> None:
        self.rules = RuleSet()
        self.tables: dict[int, FlowTable] = {}
        self.flow_packets: dict[FlowKey, int] = {}
        self.meter_packets: dict[int, int] = {}
        self.meter_drops: dict[int, int] = {}
        self.group_packets: dict[int, int] = {}
        for rule in rules or ():
            self.add(rule)

    def add(self, rule: Flow | Group | Meter) -> None:
        """Add a rule; a flow replaces the one of the same identity, groups and meters must be new."""
        if isinstance(rule, Flow):
            check_flow(rule, self.rules.groups, self.rules.meters)
            self._put(rule)
            self.flow_packets[rule.key] = 0
        elif isinstance(rule, Group):
            check_group(rule)
            if rule.id in self.rules.groups:
                raise RuleRefused("OFPGMFC_GROUP_EXISTS", f"group {rule.id} exists already")
            self.rules.groups[rule.id] = rule
            self.group_packets[rule.id] = 0
        else:
            check_meter(rule)
            if rule.id in self.rules.meters:
                raise RuleRefused("OFPMMFC_METER_EXISTS", f"meter {rule.id} exists already")
            self.rules.meters[rule.id] = rule
            self.meter_packets[rule.id] = self.meter_drops[rule.id] = 0

    def modify(self, rule: Flow | Group | Meter) -> None:
        """Change a rule; an absent flow stays absent (OFPFC_MODIFY_STRICT), a group or meter must exist."""
        if isinstance(rule, Flow):
            check_flow(rule, self.rules.groups, self.rules.meters)
            if rule.key in self.rules.flows:
                self._put(rule)
        elif isinstance(rule, Group):
            check_group(rule)
            if rule.id not in self.rules.groups:
                raise RuleRefused("OFPGMFC_UNKNOWN_GROUP", f"group {rule.id} does not exist")
            self.rules.groups[rule.id] = rule
        else:
            check_meter(rule)
            if rule.id not in self.rules.meters:
                raise RuleRefused("OFPMMFC_UNKNOWN_METER", f"meter {rule.id} does not exist")
            self.rules.meters[rule.id] = rule

    def delete(self, rule: Flow | Group | Meter) -> tuple[Flow, ...]:
        """Delete a rule by its identity (flows strictly); returns the flows that went along with it."""
        if isinstance(rule, Flow):
            if rule.key in self.rules.flows:
                self._drop(rule.key)
            return ()
        if isinstance(rule, Group):
            gone = [flow for flow in self.rules.flows.values() if ToGroup(rule.id) in flow.actions]
            known = self.rules.groups.pop(rule.id, None) is not None
            self.group_packets.pop(rule.id, None)
        else:
            gone = [flow for flow in self.rules.flows.values() if flow.meter == rule.id]
            known = self.rules.meters.pop(rule.id, None) is not None
            self.meter_packets.pop(rule.id, None)
            self.meter_drops.pop(rule.id, None)
        self._drop_all(flow.key for flow in gone)
        return tuple(gone) if known else ()

    def clear(self) -> None:
        """Delete everything."""
        self._drop_all(list(self.rules.flows))
        for group in list(self.rules.groups.values()):
            self.delete(group)
        for meter in list(self.rules.meters.values()):
            self.delete(meter)

    def _put(self, flow: Flow) -> None:
        self.rules.flows[flow.key] = flow
        self.tables.setdefault(flow.table, FlowTable()).put(flow)
        self.flow_packets.setdefault(flow.key, 0)

    def _drop(self, key: FlowKey) -> None:
        del self.rules.flows[key]
        del self.flow_packets[key]
        self.tables[key[0]].remove(key)

    def _drop_all(self, keys: Iterable[FlowKey]) -> None:
        for key in keys:
            self._drop(key)
