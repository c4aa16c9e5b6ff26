"""How `diff` looks: what applications feel, then intents, demands, trunks, switches and files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sdnctl.cli.output import RIGHT, table
from sdnctl.plan.folding import Part, bounded, cell, folded, marker
from sdnctl.plan.markdown import effect_text, feelings, impact_parts
from sdnctl.plan.summary import outages, summary
from sdnctl.usecases.comparing import ADDED, CHANGED, REMOVED, Comparison, Difference, by_application
from sdnctl.usecases.documents import diagnostic_document
from sdnctl.wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

_SIGN = {ADDED: "+", REMOVED: "-", CHANGED: "~"}
_SHOWN = 30
"""Rows of a list that a terminal gets; JSON and Markdown have all of them."""


def document(found: Comparison) -> dict[str, Any]:
    """As JSON has it; rules are counted per switch, `outages` are of protected classes."""
    counts = summary(found.plan)
    return {
        "older": found.older,
        "newer": found.newer,
        "empty": found.empty,
        "files": [_plain(one) for one in found.files],
        "intents": [_plain(one) for one in found.intents],
        "demands": [_plain(one) for one in found.demands],
        "trunks": [_plain(one) for one in found.trunks],
        "switches": [asdict(one) for one in counts.devices],
        "impacts": [
            {**asdict(one), "effect": str(one.effect), "who": found.owners.get(one.application, "")}
            for one in found.plan.impacts
        ],
        "outages": [one.application for one in outages(found.plan)],
        "diagnostics": [diagnostic_document(one) for one in found.diagnostics],
    }


def _plain(one: Difference) -> dict[str, Any]:
    return {"name": one.name, "kind": one.kind, "edits": [asdict(edit) for edit in one.edits]}


def _lines(found: Sequence[Difference]) -> Iterator[str]:
    """``~ name`` and below it ``what: before → after``."""
    for one in found:
        yield f"{_SIGN[one.kind]} {one.name}"
        for edit in one.edits:
            yield f"    {edit.what}: {edit.before or 'not said'} → {edit.after or 'not said'}"


# ── text ─────────────────────────────────────────────────────────────────────────────────────────


def render(found: Comparison) -> list[RenderableType]:
    from rich.text import Text

    title = f"{found.older} → {found.newer}"
    if found.empty:
        return [Text(f"{title}: nothing that matters differs")]
    parts: list[RenderableType] = [Text(f"{title}: {feelings(found.plan.impacts)}", style="bold")]
    if found.plan.impacts:
        feels = table("", "application", "class", ("demands", RIGHT), "feels", "why", "who")
        for one in found.plan.impacts:
            who = found.owners.get(one.application, "")
            row = (one.application, one.service_class, str(one.demands), effect_text(one), one.reason, who)
            feels.add_row(*map(Text, row))
        parts.append(feels)
    if found.files:
        parts.append(Text("files: " + ", ".join(f"{_SIGN[one.kind]}{one.name}" for one in found.files)))
    parts += _list("intents", found.intents)
    if found.demands:
        counted = table("demands", "application", *((kind, RIGHT) for kind in (ADDED, REMOVED, CHANGED)))
        for name, numbers in by_application(found.demands).items():
            counted.add_row(Text(name), *(str(numbers[kind] or "") for kind in (ADDED, REMOVED, CHANGED)))
        parts.append(counted)
    parts += _list("trunks", found.trunks)
    counts = summary(found.plan)
    rules = table("rules", "switch", *((kind, RIGHT) for kind in ("add", "modify", "delete", "settings")))
    for device in counts.devices:
        changes = (device.add, device.modify, device.delete, device.settings)
        rules.add_row(Text(device.device), *(str(number or "") for number in changes))
    return [*parts, *([rules] if counts.devices else []), Text(counts.sentence)]


def _list(title: str, found: Sequence[Difference]) -> list[RenderableType]:
    from rich.text import Text

    if not found:
        return []
    lines = list(_lines(found))
    more = [f"  … {len(lines) - _SHOWN} lines more, in --format json"] if len(lines) > _SHOWN else []
    return [
        Text(f"{title}\n" + "\n".join(f"  {line}" for line in lines[:_SHOWN]) + "".join(f"\n{m}" for m in more))
    ]


# ── markdown ─────────────────────────────────────────────────────────────────────────────────────


def markdown(found: Comparison, limit: int | None = None) -> str:
    return bounded(_parts(found), limit).rstrip("\n")


def _parts(found: Comparison) -> Iterator[Part]:
    plan = found.plan
    yield Part(f"{marker('diff', plan.network)}\n## {plan.network}: {cell(found.older)} → {cell(found.newer)}\n")
    if found.empty:
        yield Part("**Nothing that matters differs.**")
        return
    yield Part(f"**{feelings(plan.impacts)}**\n\n{summary(plan).sentence[0].upper()}{summary(plan).sentence[1:]}.")
    stopped = sorted({one.service_class for one in outages(plan)})
    if stopped:
        yield Part(f"\n> **A protected class would be interrupted:** {', '.join(stopped)}.")
    yield from impact_parts(plan.impacts, found.owners)
    for title, items in (("files", found.files), ("intents", found.intents)):
        if items:
            yield Part(folded(f"{len(items)} {title}", _lines(items), "diff"), "sections", title)
    for application, counts in by_application(found.demands).items():
        those = [one for one in found.demands if one.name.partition("/")[0] == application]
        said = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
        title = f"demands of {application}: {said}"
        yield Part(folded(title, _lines(those), "diff"), "sections", title)
    if found.trunks:
        title = counted(len(found.trunks), "trunks")
        yield Part(folded(title, _lines(found.trunks), "diff"), "sections", title)
    devices = summary(plan).devices
    if devices:
        rows = (
            f"{one.device}: +{one.add} ~{one.modify} -{one.delete}, {one.settings} settings" for one in devices
        )
        yield Part(folded(f"rules of {counted(len(devices), 'switches')}", rows), "sections", "rules")
