"""Rules without names and numbers: what two compilations have in common when only words differ.

Every number that the compiler chose (label, demand, group, meter) is replaced by what it stands for, said in
datapath ids and port numbers, which no renaming touches. Two networks that differ in words only have equal shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sdnctl.compiler.ir import Compiled
from sdnctl.dataplane.values import GROUP_BASE, METER_BASE, Bucket, Flow, Group, Match, Meter, SetField, ToGroup
from sdnctl.intents.demand import Demand, Endpoint
from sdnctl.topology.graph import Path

_DEMAND, _TRUNK, _BYPASS, _SERVICE = 1, 2, 3, 4
"""Kinds of cookies (docs/pipeline.md)."""


def shapes(compiled: Compiled) -> dict[int, frozenset[Any]]:
    """Datapath id → its rules, in words that do not depend on ids."""
    say = _Meanings(compiled)
    dpids = {node.id: node.dpid for node in compiled.topology.nodes.values()}
    return {dpids[switch]: frozenset(map(say.rule, rules)) for switch, rules in compiled.rules.items()}


@dataclass
class _Meanings:
    compiled: Compiled

    def __post_init__(self) -> None:
        compiled = self.compiled
        self.dpid = {node.id: node.dpid for node in compiled.topology.nodes.values()}
        demands = {item.id: self._demand(item) for item in compiled.demands}
        self.labels: dict[int, Any] = {}
        trunks: dict[str, Any] = {}
        for trunk in compiled.trunks:
            said = "trunk", self._path(trunk.path), frozenset(demands[key] for key in trunk.demands)
            self.labels[trunk.label] = trunks[trunk.key] = said
            if trunk.standby is not None and trunk.standby_label is not None:
                self.labels[trunk.standby_label] = "standby", self._path(trunk.standby), said
        for bypass in compiled.bypasses:
            if bypass.label is not None:
                guard = self._link(bypass.link), tuple(self.dpid[name] for name in bypass.protects)
                self.labels[bypass.label] = "bypass", guard, self._path(bypass.path)
        ids = compiled.baseline.ids
        self.demands = {0: "discovery"} | {number: demands[key] for key, number in ids["demand"].items()}
        served: dict[str, set[Any]] = {}
        for item in compiled.demands:
            served.setdefault(f"{item.application}>{item.egress.id}", set()).add(demands[item.id])
        for key, number in ids["service"].items():
            self.labels[number] = "service", frozenset(served[key])
        self.groups = {number: self._group(key, trunks) for key, number in ids["group"].items()}

    # ── meanings ─────────────────────────────────────────────────────────────────────────────────

    def _endpoint(self, end: Endpoint) -> Any:
        return self.dpid[end.attachment.node], end.attachment.port, end.vlan, end.prefixes, end.mac

    def _demand(self, item: Demand) -> Any:
        return self._endpoint(item.ingress), self._endpoint(item.egress)

    def _link(self, name: str) -> frozenset[tuple[int, int]]:
        link = self.compiled.topology.links[name]
        return frozenset((self.dpid[port.node], port.port) for port in (link.a, link.b))

    def _path(self, path: Path) -> Any:
        return tuple((self._link(hop.link), self.dpid[hop.tail]) for hop in path.hops)

    def _group(self, key: str, trunks: Mapping[str, Any]) -> Any:
        kind, _, rest = key.partition(":")
        if kind == "trunk":
            return trunks[rest]
        link, _, nodes = rest.partition(":")
        return kind, self._link(link), tuple(self.dpid[name] for name in nodes.split(">"))

    # ── rules ────────────────────────────────────────────────────────────────────────────────────

    def rule(self, rule: Flow | Group | Meter) -> Any:
        if isinstance(rule, Meter):
            return "meter", self.demands[rule.id - METER_BASE], rule.rate, rule.burst
        if isinstance(rule, Group):
            return "group", self.groups[rule.id - GROUP_BASE], rule.type, tuple(map(self._bucket, rule.buckets))
        kind, number = rule.cookie >> 32 & 0xFFFF, rule.cookie & 0xFFFFFFFF
        whose: Any = number
        if kind == _DEMAND:
            whose = self.demands[number]
        elif kind in (_TRUNK, _BYPASS, _SERVICE):
            whose = self.labels[number]
        written: Any = rule.metadata
        if rule.metadata is not None:
            value, mask = rule.metadata
            written = self._metadata(value, 5 if rule.goto == 5 else 0), mask
        meter = None if rule.meter is None else self.demands[rule.meter - METER_BASE]
        return (
            "flow", rule.table, rule.priority, self._match(rule.match, rule.table), kind, whose,
            tuple(map(self._action, rule.actions)), meter, written, rule.goto,
        )  # fmt: skip

    def _metadata(self, value: int, table: int) -> Any:
        return self.labels[value] if table == 5 else self.demands[value]

    def _match(self, match: Match, table: int) -> Any:
        found = []
        for name, value, mask in match:
            said: Any = value
            if name == "metadata":
                said = self._metadata(value, table)
            elif name == "mpls_label" and value > 15:
                said = self.labels[value]
            found.append((name, said, mask))
        return tuple(found)

    def _bucket(self, bucket: Bucket) -> Any:
        return tuple(map(self._action, bucket.actions)), bucket.watch_port, bucket.weight

    def _action(self, action: Any) -> Any:
        if isinstance(action, ToGroup):
            return "group", self.groups[action.group - GROUP_BASE]
        if isinstance(action, SetField) and action.name == "mpls_label":
            return "label", self.labels[action.value]
        return (type(action).__name__, *(getattr(action, item.name) for item in fields(action)))
