"""What can be said against changes before a switch is bothered with them.

Switches accept what is wrong in ways that only show in packets: a group that sends to an absent group,
a field without its prerequisite in an action. These checks need no device, only what it holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from sdnctl.dataplane.fields import missing_prerequisite
from sdnctl.dataplane.text import rule_name
from sdnctl.dataplane.values import Action, Encap, Flow, FlowKey, Group, Meter, RuleSet
from sdnctl.errors import Diagnostic
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import Capabilities
from sdnctl.southbound.openflow.mirror import applied, groups_of, groups_of_group


def check(
    device: str,
    changes: Sequence[Change],
    held: RuleSet,
    foreign: Collection[FlowKey],
    capabilities: Capabilities,
) -> list[Diagnostic]:
    """All faults of `changes` on a switch that holds `held`; `foreign` are flows that are not ours."""
    after, _ = applied(held, changes)
    faults = []
    for change in changes:
        if change.op is Op.DELETE:
            continue
        for code, reason in _faults(change, after, foreign, capabilities):
            faults.append(
                Diagnostic(
                    code,
                    f"{device}: cannot {change.op} {rule_name(change.rule)}: {reason}",
                    address=f"switch {device}",
                )
            )
    return faults


def _faults(
    change: Change, after: RuleSet, foreign: Collection[FlowKey], capabilities: Capabilities
) -> Iterator[tuple[str, str]]:
    rule = change.rule
    if isinstance(rule, Flow):
        yield from _flow_faults(rule, after, capabilities)
        if rule.key in foreign:
            yield "foreign-rule", "somebody else's flow has the same table, priority and match"
        yield from _action_faults(rule.actions, capabilities)
    elif isinstance(rule, Group):
        if rule.type.value not in capabilities.groups:
            yield "unsupported-group", f"the switch has no groups of type {rule.type.value}"
        for group in groups_of_group(rule):
            if group not in after.groups:
                yield "absent-group", f"group {group}, which it sends to, is absent"
        for bucket in rule.buckets:
            yield from _action_faults(bucket.actions, capabilities)
    elif isinstance(rule, Meter) and rule.id > capabilities.meters:
        yield "unsupported-meter", f"the switch's meters end at {capabilities.meters}"


def _flow_faults(flow: Flow, after: RuleSet, capabilities: Capabilities) -> Iterator[tuple[str, str]]:
    if flow.table >= capabilities.tables:
        yield "absent-table", f"the switch has {capabilities.tables} tables"
    if flow.goto is not None and not flow.table < flow.goto < capabilities.tables:
        yield "bad-goto", f"goes to table {flow.goto}"
    prerequisite = missing_prerequisite(flow.match)
    if prerequisite is not None:
        yield "bad-match", prerequisite
    for group in groups_of(flow.actions):
        if group not in after.groups:
            yield "absent-group", f"group {group} is absent"
    if flow.meter is not None and flow.meter not in after.meters:
        yield "absent-meter", f"meter {flow.meter} is absent"


def _action_faults(actions: Sequence[Action], capabilities: Capabilities) -> Iterator[tuple[str, str]]:
    if any(isinstance(action, Encap) for action in actions) and "mpls" not in capabilities.encapsulations:
        yield "unsupported-encapsulation", "the switch cannot put a frame into MPLS"
