"""A plan as Markdown, for merge requests: what applications feel first, then what changes where, folded away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sdnctl.dataplane.attachment import format_attachment
from sdnctl.dataplane.text import format_rule
from sdnctl.dataplane.values import SwitchSettings
from sdnctl.errors import Diagnostic
from sdnctl.plan.folding import Part, bounded, cell, folded, marker
from sdnctl.plan.model import AttachmentChange, DeviceChange, Effect, Impact, Op, Plan, SettingsChange, Stage
from sdnctl.plan.summary import outages, summary
from sdnctl.wording import counted

_WORDS = {
    Effect.OUTAGE: "interrupted",
    Effect.BRIEF: "disturbed briefly",
    Effect.HITLESS: "moved without loss",
    Effect.NONE: "feel nothing",
}


def markdown(
    plan: Plan,
    *,
    details: bool = True,
    limit: int | None = None,
    who: Mapping[str, str] | None = None,
    findings: Sequence[Diagnostic] = (),
    remarks: Sequence[str] = (),
) -> str:
    """The whole plan as Markdown text, as a comment that a bot can find again by its first line.

    `details` adds every rule, folded away per stage and device. `limit`: at most so many octets, by leaving out
    whole sections. `who`: application → whose it is. `findings` are shown as warnings, `remarks` at the end.
    """
    return bounded(_parts(plan, details, who or {}, findings, remarks), limit)


def effect_text(impact: Impact) -> str:
    """``brief (≤ 50 ms)`` or the effect's name."""
    if impact.milliseconds is None:
        return str(impact.effect)
    return f"{impact.effect} (≤ {impact.milliseconds} ms)"


def _parts(
    plan: Plan, details: bool, who: Mapping[str, str], findings: Sequence[Diagnostic], remarks: Sequence[str]
) -> Iterator[Part]:
    yield Part(f"{marker('plan', plan.network)}\n## Plan for {plan.network}\n")
    yield Part("\n".join(head_lines(plan)))
    yield from impact_parts(plan.impacts, who)
    yield from stage_parts(plan)
    if findings:
        said = [line for one in findings for line in str(one).splitlines()]
        yield Part(folded(counted(len(findings), "warnings"), said), "sections", "warnings")
    if details:
        for stage in plan.stages:
            yield from _stage(stage)
    end = [f"\nMade {plan.created} · fingerprint `{plan.fingerprint[:16]}` · target `{plan.target[:16]}`"]
    yield Part("\n".join([*(f"\n{remark}" for remark in remarks), *end]))


def head_lines(plan: Plan, most: int = 20) -> Iterator[str]:
    """The verdict: how many demands feel what, what needs a person's word, counts of changes, who is silent."""
    if plan.empty:
        yield "**No changes.**"
    else:
        yield f"**{feelings(plan.impacts)}**"
        counts = summary(plan)
        yield from ("", f"{counts.sentence[0].upper()}{counts.sentence[1:]}.")
    stopped = outages(plan)
    if stopped:
        classes = " ".join(f"--allow-outage {name}" for name in sorted({one.service_class for one in stopped}))
        yield from ("", f"> **A protected class would be interrupted.** Applying it takes `{classes}`.")
    if plan.unknown:
        more = f" and {len(plan.unknown) - most} more" if len(plan.unknown) > most else ""
        yield from ("", f"**Not reachable, nothing planned for:** {', '.join(plan.unknown[:most])}{more}")


def feelings(impacts: Sequence[Impact]) -> str:
    """``2 demands interrupted, 4 moved without loss``."""
    counts = {effect: sum(one.demands for one in impacts if one.effect is effect) for effect in _WORDS}
    said = [f"{count} {_WORDS[effect]}" for effect, count in counts.items() if count]
    if not said:
        return "No demand feels anything."
    first, *rest = said
    number, _, words = first.partition(" ")
    return ", ".join([f"{number} {'demand' if number == '1' else 'demands'} {words}", *rest])


def impact_parts(impacts: Sequence[Impact], who: Mapping[str, str]) -> Iterator[Part]:
    """A table of what each application feels and whose it is, worst first."""
    if not impacts:
        return
    yield Part("\n| application | class | demands | feels | why | who |\n|---|---|---:|---|---|---|")
    for impact in impacts:
        name = f"**{impact.service_class}**" if impact.protected else impact.service_class
        cells = (
            cell(impact.application),
            name,
            str(impact.demands),
            effect_text(impact),
            cell(impact.reason),
            cell(who.get(impact.application, "")),
        )
        yield Part(f"| {' | '.join(cells)} |", "applications", impact.application)


def stage_parts(plan: Plan) -> Iterator[Part]:
    """A table of the stages."""
    if not plan.stages:
        return
    rows = ["\n| stage | changes | devices |\n|---|---:|---:|"]
    for stage, (kind, changes, devices) in zip(plan.stages, summary(plan).stages, strict=True):
        wait = f" (wait {stage.wait_ms} ms)" if stage.wait_ms else ""
        rows.append(f"| {kind}{wait} | {changes} | {devices} |")
    yield Part("\n".join(rows))


def _stage(stage: Stage) -> Iterator[Part]:
    for device, changes in stage.changes.items():
        title = f"{stage.kind}: {device} ({len(changes)})"
        lines = (line for change in changes for line in change_lines(change))
        yield Part(folded(title, lines, "diff"), "sections", title)


def change_lines(change: DeviceChange) -> Iterator[str]:
    """One change as lines of a diff: ``+`` added, ``-`` removed; a modification is both."""
    if isinstance(change, SettingsChange):
        if change.before is not None:
            yield f"- {settings_text(change.before)}"
        yield f"+ {settings_text(change.settings)}"
        return
    if isinstance(change, AttachmentChange):
        if change.op is Op.MODIFY and change.before is not None:
            yield f"- {format_attachment(change.before)}"
        yield f"{'-' if change.op is Op.DELETE else '+'} {format_attachment(change.attachment)}"
        return
    if change.op is Op.MODIFY and change.before is not None:
        yield f"- {format_rule(change.before)}"
    yield f"{'-' if change.op is Op.DELETE else '+'} {format_rule(change.rule)}"


def settings_text(settings: SwitchSettings) -> str:
    """``fail_mode=secure port 1: bfd 100 ms, 3 queues``."""
    parts = [f"fail_mode={settings.fail_mode}"]
    for number, port in sorted(settings.ports.items()):
        said = []
        if port.bfd_interval_ms is not None:
            said.append(f"bfd {port.bfd_interval_ms} ms")
        if port.queues:
            said.append(counted(len(port.queues), "queues"))
        if said:
            parts.append(f"port {number}: {', '.join(said)}")
    return "; ".join(parts)
