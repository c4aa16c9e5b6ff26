"""A plan as Markdown, for merge requests: what applications feel first, then what changes where."""

from __future__ import annotations

from collections.abc import Iterator

from sdnctl.dataplane.attachment import format_attachment
from sdnctl.dataplane.text import format_rule
from sdnctl.dataplane.values import SwitchSettings
from sdnctl.plan.model import AttachmentChange, DeviceChange, Impact, Op, Plan, SettingsChange, Stage
from sdnctl.plan.summary import summary


def markdown(plan: Plan, *, details: bool = True) -> str:
    """The whole plan as Markdown text; `details` adds every rule, folded away per stage and device."""
    return "\n".join(_lines(plan, details)) + "\n"


def effect_text(impact: Impact) -> str:
    """``brief (≤ 50 ms)`` or the effect's name."""
    if impact.milliseconds is None:
        return str(impact.effect)
    return f"{impact.effect} (≤ {impact.milliseconds} ms)"


def _lines(plan: Plan, details: bool) -> Iterator[str]:
    counts = summary(plan)
    yield f"# Plan for {plan.network}"
    yield ""
    yield "No changes." if plan.empty else f"{counts.sentence[0].upper()}{counts.sentence[1:]}."
    if plan.unknown:
        yield ""
        yield f"**Not reachable, nothing planned for:** {', '.join(plan.unknown)}"
    if plan.impacts:
        yield from (
            "",
            "| application | class | demands | feels | why |",
            "|---|---|---:|---|---|",
        )
        for impact in plan.impacts:
            name = f"**{impact.service_class}**" if impact.protected else impact.service_class
            yield (
                f"| {_cell(impact.application)} | {name} | {impact.demands} | {effect_text(impact)} "
                f"| {_cell(impact.reason)} |"
            )
    if plan.stages:
        yield from ("", "| stage | changes | devices |", "|---|---:|---:|")
        for stage, (kind, changes, devices) in zip(plan.stages, counts.stages, strict=True):
            wait = f" (wait {stage.wait_ms} ms)" if stage.wait_ms else ""
            yield f"| {kind}{wait} | {changes} | {devices} |"
    if details:
        for stage in plan.stages:
            yield from _stage(stage)
    yield from ("", f"Made {plan.created} · fingerprint `{plan.fingerprint[:16]}` · target `{plan.target[:16]}`")


def _stage(stage: Stage) -> Iterator[str]:
    for device, changes in stage.changes.items():
        yield from ("", f"<details><summary>{stage.kind}: {device} ({len(changes)})</summary>", "", "```diff")
        for change in changes:
            yield from change_lines(change)
        yield from ("```", "", "</details>")


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
            said.append(f"{len(port.queues)} queues")
        if said:
            parts.append(f"port {number}: {', '.join(said)}")
    return "; ".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
