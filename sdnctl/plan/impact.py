"""What each application feels from a plan, and why: from what was applied, what was compiled, and the changes.

New demands feel nothing (there was nothing). A trunk that moves is hitless, because old and new path coexist. A
rule that selects or delivers the frames of an existing demand is replaced in place: brief. What drift took away is
restored: the plan does no harm. Only what leaves the intents is an outage.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain

from sdnctl.compiler.groups import active, trunk_paths
from sdnctl.compiler.ir import Compiled
from sdnctl.compiler.tables import CLASSIFY, DELIVER, DEMUX, ENCAP
from sdnctl.dataplane.attachment import Attachments
from sdnctl.dataplane.values import Flow, Group, Meter, RuleSet
from sdnctl.intents.demand import Demand
from sdnctl.plan.attachments import same_frames
from sdnctl.plan.holdback import HeldBack
from sdnctl.plan.model import AttachmentChange, Change, Effect, Impact, Op, Rule, Stage
from sdnctl.plan.owners import Owners

BRIEF_MS = 50
"""Bound for a change in place: the rules of one stage reach all their switches within this time."""

Finding = tuple[Effect, str]
_WORST_FIRST = (Effect.OUTAGE, Effect.BRIEF, Effect.HITLESS, Effect.NONE)


def impacts(
    compiled: Compiled,
    applied: Compiled | None,
    allowed: HeldBack,
    before: Mapping[str, RuleSet],
    unknown: Collection[str],
    attaching: Iterable[Stage] = (),
) -> tuple[Impact, ...]:
    """One impact per application and class that the plan touches, worst first.

    `before` are the rules that were applied; `unknown` devices get no changes. `attaching`: the stages of gear
    beside the switches.
    """
    new = Owners(compiled)
    old = Owners(applied) if applied is not None else None
    found: dict[str, Finding] = {}

    def note(demand: str, finding: Finding) -> None:
        if demand not in found or _WORST_FIRST.index(finding[0]) < _WORST_FIRST.index(found[demand][0]):
            found[demand] = finding

    known: Mapping[str, Demand] = old.demands if old is not None else {}
    for key in sorted(known.keys() | new.demands.keys()):
        for finding in _by_intent(key, old, new):
            note(key, finding)
    if known:  # what is new feels nothing
        attached = applied.attachments if applied is not None else {}
        by_change = _by_change(allowed.changes, old, new, before), _by_attachment(attaching, new, attached)
        for demand, finding in chain(*by_change):
            if demand in known and demand in new.demands:
                note(demand, finding)
    names = ", ".join(unknown)
    silent = frozenset(unknown)
    waiting = {new.by_number[number] for number in allowed.waiting if number in new.by_number}
    waiting |= {
        key for key, demand in new.demands.items() if key not in known and demand.ingress.attachment.node in silent
    }
    for key in waiting:
        found[key] = Effect.NONE, f"waits until {names} can be reached"
    return tuple(sorted(_per_application(found, old, new), key=_rank))


def _by_intent(key: str, old: Owners | None, new: Owners) -> Iterator[Finding]:
    """What follows for one demand from the two compiled networks alone."""
    if old is None or key not in old.demands:
        yield Effect.NONE, "new"
        return
    if key not in new.demands:
        yield Effect.OUTAGE, "removed from the intents"
        return
    before, after = old.demands[key], new.demands[key]
    if (
        before.ingress.attachment != after.ingress.attachment
        or before.egress.attachment != after.egress.attachment
    ):
        yield Effect.BRIEF, "an endpoint moves to another port"
    was, now = old.trunks.get(key), new.trunks.get(key)
    if was is None or now is None or was == now:
        return
    if _means_another(old, new, {label for trunk in (was, now) for label, _ in trunk_paths(trunk)}):
        yield Effect.BRIEF, "a label of its path is given to another path"
    if active(was)[1] != active(now)[1]:
        yield Effect.HITLESS, "moves to another path, make before break"
    elif was.grade != now.grade:
        yield Effect.HITLESS, f"its protection changes from {was.grade} to {now.grade}"
    elif active(was) != active(now):
        yield Effect.HITLESS, "moves to another label on the same path, make before break"


def _means_another(old: Owners, new: Owners, labels: set[int]) -> bool:
    """Whether one of these labels names one path before and another path after."""
    return any(label in old.ways and label in new.ways and old.ways[label] != new.ways[label] for label in labels)


def _by_change(
    changes: Mapping[str, tuple[Change, ...]],
    old: Owners | None,
    new: Owners,
    before: Mapping[str, RuleSet],
) -> Iterator[tuple[str, Finding]]:
    """What follows from the changes themselves, per demand that they touch."""
    for device, items in changes.items():
        for change in items:
            owners = new if change.op is not Op.DELETE or old is None else old
            finding = _of_change(change, before.get(device, RuleSet()))
            if finding is not None:
                for demand in owners.of(change.rule):
                    yield demand, finding


def _by_attachment(
    attaching: Iterable[Stage], new: Owners, before: Mapping[str, Attachments]
) -> Iterator[tuple[str, Finding]]:
    """What follows from changes on devices, per demand that begins or ends at the endpoint."""
    demands: dict[str, list[str]] = defaultdict(list)
    for demand in new.demands.values():
        for end in (demand.ingress, demand.egress):
            demands[end.id].append(demand.id)
    for stage in attaching:
        for device, changes in stage.changes.items():
            for change in changes:
                if isinstance(change, AttachmentChange):
                    finding = _of_attachment(change, device, before.get(device, {}))
                    for key in demands.get(change.attachment.endpoint, ()):
                        yield key, finding


def _of_attachment(change: AttachmentChange, device: str, before: Attachments) -> Finding:
    one = change.attachment
    if change.op is Op.DELETE:
        return Effect.NONE, f"removes what is not needed on {device}"
    if before.get(one.key) == one:
        return Effect.NONE, f"restores what is missing or altered on {device}"
    if change.before is not None and same_frames(change.before, one):
        return Effect.HITLESS, f"its limit or priority on {device} changes"
    return Effect.BRIEF, f"its port or tag on {device} changes"


def _of_change(change: Change, before: RuleSet) -> Finding | None:
    """How a demand feels one change of its rules; None where it is part of something that is judged elsewhere."""
    rule = change.rule
    if _holds(before, rule):
        if change.op is Op.ADD:
            return Effect.NONE, "restores rules that are missing on a switch"
        if change.op is Op.MODIFY:
            return Effect.NONE, "restores rules that were altered on a switch"
    elif change.op is Op.DELETE:
        return Effect.NONE, "removes rules that do not belong on a switch"
    if isinstance(rule, Meter):
        return Effect.HITLESS, "its rate changes"
    if isinstance(rule, Group):
        return (Effect.HITLESS, "its path or protection changes") if change.op is Op.MODIFY else None
    if rule.table == CLASSIFY.number:
        if change.op is Op.ADD:
            return Effect.HITLESS, "more frames are selected"
        return Effect.BRIEF, "its frames are selected differently"
    if change.op is not Op.MODIFY:
        return None
    if rule.table in (DELIVER.number, DEMUX.number):
        return Effect.BRIEF, "it is delivered differently"
    if rule.table == ENCAP.number and not _same_but_group(rule, change.before):
        return Effect.BRIEF, "it is encapsulated differently"
    return Effect.HITLESS, "its path, protection or queue changes"


def _holds(rules: RuleSet, rule: Rule) -> bool:
    """Whether this very rule was applied."""
    if isinstance(rule, Flow):
        return rules.flows.get(rule.key) == rule
    if isinstance(rule, Group):
        return rules.groups.get(rule.id) == rule
    return rules.meters.get(rule.id) == rule


def _same_but_group(rule: Flow, before: Rule | None) -> bool:
    """Whether an encap rule only goes to another trunk: every action but the last, ToGroup, is the same."""
    return (
        isinstance(before, Flow)
        and bool(rule.actions)
        and bool(before.actions)
        and rule.actions[:-1] == before.actions[:-1]
        and rule.metadata == before.metadata
    )


# ── per application ──────────────────────────────────────────────────────────────────────────────


def _per_application(found: Mapping[str, Finding], old: Owners | None, new: Owners) -> Iterator[Impact]:
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    classes = {**(old.compiled.classes if old is not None else {}), **new.compiled.classes}
    for key in sorted(found):
        demand = new.demands.get(key) or (old.demands[key] if old is not None else None)
        assert demand is not None  # every finding is of a demand of one of the two
        groups[demand.application, demand.service_class].append(found[key])
    for (application, name), findings in groups.items():
        effect = min((finding[0] for finding in findings), key=_WORST_FIRST.index)
        yield Impact(
            application,
            name,
            effect,
            _reasons(findings),
            BRIEF_MS if effect is Effect.BRIEF else None,
            len(findings),
            name in classes and classes[name].protected,
        )


def _reasons(findings: list[Finding]) -> str:
    """The reasons, worst effect first; with counts where there is more than one."""
    counts: dict[Finding, int] = defaultdict(int)
    for finding in findings:
        counts[finding] += 1
    order = sorted(counts, key=lambda finding: (_WORST_FIRST.index(finding[0]), -counts[finding], finding[1]))
    if len(order) == 1:
        return order[0][1]
    return "; ".join(f"{counts[finding]}: {finding[1]}" for finding in order)


def _rank(impact: Impact) -> tuple[int, bool, str, str]:
    return _WORST_FIRST.index(impact.effect), not impact.protected, impact.application, impact.service_class
