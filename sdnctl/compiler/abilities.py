"""What a switch declares it can do, held against the rules it would get: refuse or degrade, and say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from sdnctl.compiler.references import actions_of
from sdnctl.dataplane.values import METER_BASE, Decap, Encap, RuleSet, SetQueue
from sdnctl.errors import Diagnostic, Severity


class Abilities(Protocol):
    """The part of a driver's declared capabilities that lowering depends on (see `southbound.base`)."""

    @property
    def tables(self) -> int: ...

    @property
    def groups(self) -> frozenset[str]: ...

    @property
    def meters(self) -> int: ...

    @property
    def encapsulations(self) -> frozenset[str]: ...

    @property
    def queues(self) -> bool: ...


def fit(switch: str, rules: RuleSet, abilities: Abilities) -> tuple[RuleSet, tuple[Diagnostic, ...]]:
    """The rules that the switch can take, and what was refused (errors) or degraded (warnings)."""
    findings: list[Diagnostic] = []
    if len(rules.meters) > abilities.meters and METER_BASE in rules.meters:
        rules = without_discovery(rules)
        findings.append(
            Diagnostic(
                "no-discovery",
                "the switch has no meter to spare: what its ports hear of other switches is not known",
                address=f"switch {switch}",
                severity=Severity.WARNING,
            )
        )
    findings += _refusals(switch, rules, abilities)
    if not abilities.queues and any(_queues(rules)):
        rules = without_queues(rules)
        findings.append(
            Diagnostic(
                "no-queues",
                "the switch has no queues: classes are policed but share one queue",
                address=f"switch {switch}",
                severity=Severity.WARNING,
            )
        )
    return rules, tuple(findings)


def _refusals(switch: str, rules: RuleSet, abilities: Abilities) -> Iterator[Diagnostic]:
    def refuse(code: str, summary: str) -> Diagnostic:
        return Diagnostic(code, summary, address=f"switch {switch}", hint="route around it or use another switch")

    tables = max((flow.table for flow in rules.flows.values()), default=-1) + 1
    if tables > abilities.tables:
        yield refuse("too-few-tables", f"{tables} tables are needed, the switch has {abilities.tables}")
    missing = {str(group.type) for group in rules.groups.values()} - abilities.groups
    if missing:
        yield refuse("no-such-groups", f"the switch has no groups of type {', '.join(sorted(missing))}")
    if len(rules.meters) > abilities.meters:
        yield refuse("too-few-meters", f"{len(rules.meters)} meters are needed, the switch has {abilities.meters}")
    wraps = any(isinstance(action, Encap | Decap) for item in rules for action in actions_of(item))
    if wraps and "mpls" not in abilities.encapsulations:
        yield refuse(
            "no-encapsulation", "the switch cannot encapsulate Ethernet in MPLS, so no service ends on it"
        )


def _queues(rules: RuleSet) -> Iterator[SetQueue]:
    return (action for item in rules for action in actions_of(item) if isinstance(action, SetQueue))


def without_discovery(rules: RuleSet) -> RuleSet:
    """The same rules without the meter of discovery and the flow that passes it."""
    return RuleSet(
        {key: flow for key, flow in rules.flows.items() if flow.meter != METER_BASE},
        dict(rules.groups),
        {key: meter for key, meter in rules.meters.items() if key != METER_BASE},
    )


def without_queues(rules: RuleSet) -> RuleSet:
    """The same rules without queue selection."""
    result = RuleSet(groups=dict(rules.groups), meters=dict(rules.meters))
    for flow in rules.flows.values():
        kept = tuple(action for action in flow.actions if not isinstance(action, SetQueue))
        result.add(replace(flow, actions=kept))
    return result
