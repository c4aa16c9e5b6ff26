"""What a switch holds after changes: OpenFlow's semantics on rule sets, deletion cascades and refusals included.

Used to prove plans in tests and to fold journalled changes; real devices do the same (OpenFlow 1.3.5 §6.4–6.7).
"""

from __future__ import annotations

from collections.abc import Iterable

from sdnctl.compiler.references import groups_used
from sdnctl.dataplane.values import Flow, Group, Meter, RuleSet
from sdnctl.plan.model import Change, DeviceChange, Op


def apply_changes(rules: RuleSet, changes: Iterable[DeviceChange]) -> RuleSet:
    """The rule set after `changes` in their order; settings do not matter here.

    Deleting a group or meter deletes the flows that use it. Raises ValueError where a switch would refuse: a group
    or meter added twice or modified before it exists, and anything that refers to a group or meter that is
    not there. Deleting what is not there is no error.
    """
    result = RuleSet(dict(rules.flows), dict(rules.groups), dict(rules.meters))
    for change in changes:
        if isinstance(change, Change):
            _apply(result, change)
    return result


def _apply(rules: RuleSet, change: Change) -> None:
    rule = change.rule
    if isinstance(rule, Flow):
        if change.op is Op.DELETE:
            rules.flows.pop(rule.key, None)
            return
        _need(rules, rule)
        if rule.meter is not None and rule.meter not in rules.meters:
            raise ValueError(f"{rule} uses meter {rule.meter}, which is not there")
        rules.flows[rule.key] = rule  # an add of the same identity overwrites
    elif isinstance(rule, Group):
        _check_exists(change, rule.id in rules.groups)
        if change.op is Op.DELETE:
            rules.groups.pop(rule.id, None)
            _drop_flows(rules, [flow for flow in rules.flows.values() if rule.id in groups_used(flow)])
            return
        _need(rules, rule)
        rules.groups[rule.id] = rule
    else:
        _check_exists(change, rule.id in rules.meters)
        if change.op is Op.DELETE:
            rules.meters.pop(rule.id, None)
            _drop_flows(rules, [flow for flow in rules.flows.values() if flow.meter == rule.id])
            return
        rules.meters[rule.id] = rule


def _check_exists(change: Change, exists: bool) -> None:
    if change.op is Op.ADD and exists:
        raise ValueError(f"{change.rule} exists already")
    if change.op is Op.MODIFY and not exists:
        raise ValueError(f"{change.rule} does not exist")


def _need(rules: RuleSet, rule: Flow | Group | Meter) -> None:
    missing = groups_used(rule) - rules.groups.keys()
    if missing:
        raise ValueError(f"{rule} sends to groups {sorted(missing)}, which are not there")


def _drop_flows(rules: RuleSet, flows: Iterable[Flow]) -> None:
    for flow in flows:
        del rules.flows[flow.key]
