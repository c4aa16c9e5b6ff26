"""Observed to desired as a plan: what changes on which device, in an order in which nothing is lost.

Pure: the same arguments give the same plan. Foreign rules are neither changed nor deleted; a foreign flow in the
place of one of ours is an error that names both. Devices that did not answer get no changes and are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from sdnctl.compiler.ir import Compiled
from sdnctl.compiler.serialise import compiled_fingerprint
from sdnctl.dataplane.bulk import in_bulk
from sdnctl.dataplane.text import rule_name
from sdnctl.dataplane.values import Flow, Group, RuleSet, SwitchSettings
from sdnctl.errors import Diagnostic, PlanError
from sdnctl.plan.attachments import Reports, unanswered
from sdnctl.plan.attachments import stages as attachment_stages
from sdnctl.plan.changes import collisions, difference, in_stages, ours, settings_differ
from sdnctl.plan.holdback import HeldBack, hold_back
from sdnctl.plan.impact import impacts
from sdnctl.plan.model import Change, DeviceChange, Observed, Op, Plan, SettingsChange, Stage, StageKind
from sdnctl.plan.serialise import plan_fingerprint
from sdnctl.plan.stale import fingerprints

_ORDER = (StageKind.PREPARE, StageKind.SWITCH, StageKind.ADMIT, StageKind.DRAIN, StageKind.RETIRE)


@in_bulk()
def make_plan(
    network_name: str,
    compiled: Compiled,
    observed: Mapping[str, Observed | None],
    applied: Compiled | None = None,
    *,
    created: str,
    rules: Mapping[str, RuleSet] | None = None,
    applied_rules: Mapping[str, RuleSet] | None = None,
    settings_observed: Mapping[str, SwitchSettings | None] | None = None,
    target: str | None = None,
    doubtful: Mapping[str, tuple[RuleSet, ...]] | None = None,
    arrange: Callable[[tuple[Stage, ...]], tuple[Stage, ...]] | None = None,
    attached: Reports | None = None,
) -> Plan:
    """Plan from what devices report to what was compiled.

    `observed` maps every device to its report, None where it did not answer; `settings_observed` maps devices that
    have a settings driver to what is set there. `applied` is what was applied last (None: nothing). `rules` and
    `applied_rules` are given when other rules than the compiled ones are wanted or were applied: with pins
    laid over (`compiler.overlay`). `target` is the fingerprint of `compiled`, where it is known. `doubtful`: what
    devices that do not answer may hold instead of what was applied: those were lost in the middle of a change.
    `arrange` may divide the stages further. `attached`: what devices with attachments report, None where nobody
    asked any. `created`: ISO 8601, UTC. Raises PlanError if foreign flows stand where ours should be.
    """
    wanted = dict(compiled.rules if rules is None else rules)
    before = dict(applied.rules if applied is not None else {}) if applied_rules is None else dict(applied_rules)
    unknown = _unknown(observed, wanted, before)
    _refuse_collisions(observed, wanted)

    held = {device: ours(report.rules) for device, report in sorted(observed.items()) if report is not None}
    changes = {device: difference(rules, wanted.get(device, RuleSet())) for device, rules in held.items()}
    last = {device: (before.get(device, RuleSet()), *(doubtful or {}).get(device, ())) for device in unknown}
    alive = frozenset(compiled.baseline.ids.get("demand", {}).values())
    allowed = hold_back(
        changes, held, wanted, last, alive, compiled.settings.bypass_labels, _cables(compiled, applied)
    )

    settings = {
        device: report.settings for device, report in observed.items() if report is not None and report.settings
    } | dict(settings_observed or {})
    stages = (*_settings_stage(compiled, settings), *_stages(allowed, compiled))
    stages = stages if arrange is None else arrange(stages)
    attachments = attachment_stages(attached or {}, compiled.attachments)
    stages = _with_attachments(stages, attachments)
    attached_before = applied.attachments if applied is not None else {}
    missing = unanswered(attached, compiled.attachments, attached_before) if attached is not None else ()
    plan = Plan(
        network=network_name,
        target=compiled_fingerprint(compiled) if target is None else target,
        baseline=compiled.baseline_fingerprint,
        created=created,
        observed_fingerprints=fingerprints(stages, observed, settings, attached),
        stages=stages,
        impacts=impacts(compiled, applied, allowed, before, unknown, attachments.values()),
        unknown=(*unknown, *_unknown_settings(settings, unknown), *missing),
    )
    return replace(plan, fingerprint=plan_fingerprint(plan))


def _unknown(
    observed: Mapping[str, Observed | None], wanted: Mapping[str, RuleSet], before: Mapping[str, RuleSet]
) -> tuple[str, ...]:
    """Devices that did not answer, or that nobody asked although they should hold or did hold rules."""
    silent = {device for device, report in observed.items() if report is None}
    expected = {device for table in (wanted, before) for device, rules in table.items() if len(rules)}
    return tuple(sorted(silent | (expected - observed.keys())))


def _cables(compiled: Compiled, applied: Compiled | None) -> Mapping[tuple[str, int], tuple[str, int]]:
    """Port → the port at the other end of its cable, of links that were and of those that shall be."""
    links = [*(applied.topology.links.values() if applied is not None else ()), *compiled.topology.links.values()]
    ends = [((link.a.node, link.a.port), (link.b.node, link.b.port)) for link in links]
    return dict(ends) | {b: a for a, b in ends}


def _unknown_settings(settings: Mapping[str, SwitchSettings | None], unknown: Iterable[str]) -> tuple[str, ...]:
    known = set(unknown)
    return tuple(
        f"{device} (settings)" for device, held in sorted(settings.items()) if held is None and device not in known
    )


def _refuse_collisions(observed: Mapping[str, Observed | None], wanted: Mapping[str, RuleSet]) -> None:
    found = [
        Diagnostic(
            "foreign-rule-in-the-way",
            f"a rule that is not sdnctl's stands where one of ours should be: {rule_name(flow)}",
            address=f"switch {device}",
            detail=f"its cookie is {flow.cookie:#x}",
            hint="remove it by the tool that made it, then plan again",
        )
        for device, report in sorted(observed.items())
        if report is not None and device in wanted
        for flow in collisions((*report.rules.flows.values(), *report.others), wanted[device])
    ]
    if found:
        raise PlanError(*found)


# ── stages ───────────────────────────────────────────────────────────────────────────────────────


def _settings_stage(compiled: Compiled, settings: Mapping[str, SwitchSettings | None]) -> tuple[Stage, ...]:
    changes: dict[str, tuple[DeviceChange, ...]] = {}
    for device, wanted in sorted(compiled.switch_settings.items()):
        held = settings.get(device)
        if held is not None and settings_differ(held, wanted):
            changes[device] = (SettingsChange(wanted, held),)
    return (Stage(StageKind.SETTINGS, changes),) if changes else ()


def _stages(allowed: HeldBack, compiled: Compiled) -> tuple[Stage, ...]:
    table: dict[StageKind, dict[str, tuple[DeviceChange, ...]]] = {kind: {} for kind in _ORDER}
    for device, changes in sorted(allowed.changes.items()):
        for kind, items in in_stages(changes).items():
            table[kind][device] = items
    moved = bool(table[StageKind.SWITCH] or table[StageKind.ADMIT])
    drains = moved and any(_carried(change) for items in table[StageKind.RETIRE].values() for change in items)
    return tuple(
        Stage(kind, table[kind], compiled.settings.drain_ms if kind is StageKind.DRAIN else 0)
        for kind in _ORDER
        if table[kind] or (kind is StageKind.DRAIN and drains and compiled.settings.drain_ms)
    )


def _with_attachments(stages: tuple[Stage, ...], attachments: Mapping[StageKind, Stage]) -> tuple[Stage, ...]:
    """The stages of switches, with those of devices first, before packets drain, and last."""
    draining = (StageKind.DRAIN, StageKind.RETIRE)
    cut = next((index for index, stage in enumerate(stages) if stage.kind in draining), len(stages))
    parts = (
        attachments.get(StageKind.ATTACH),
        *stages[:cut],
        attachments.get(StageKind.REATTACH),
        *stages[cut:],
        attachments.get(StageKind.DETACH),
    )
    return tuple(stage for stage in parts if stage is not None)


def _carried(change: DeviceChange) -> bool:
    """Whether packets may still be on their way to what this change retires."""
    if not isinstance(change, Change) or change.op is not Op.DELETE:
        return False
    return isinstance(change.rule, Group) or (isinstance(change.rule, Flow) and change.rule.table >= 2)
