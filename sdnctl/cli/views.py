"""How daily answers look: validate, compile, status, drift, history, drivers, lab."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sdnctl.cli.output import MARK, RIGHT, table
from sdnctl.errors import Diagnostic, Severity
from sdnctl.usecases.documents import (
    diagnostic_document,
    drift_document,
    history_document,
    journal_document,
    status_document,
)
from sdnctl.wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.lab import Lab
    from sdnctl.southbound.registry import Installed, Missing
    from sdnctl.store.state import State
    from sdnctl.store.store import JournalEntry, Snapshot
    from sdnctl.usecases.drifting import Drift, Located
    from sdnctl.usecases.status import ApplicationStatus, GroupStatus, Status
    from sdnctl.usecases.verifying import Proof
    from sdnctl.workspace.folder import Loaded

__all__ = [
    "compiled",
    "compiled_document",
    "counts",
    "counts_document",
    "drift",
    "drift_document",
    "drivers",
    "drivers_document",
    "history",
    "history_document",
    "journal",
    "journal_document",
    "lab",
    "lab_document",
    "status",
    "status_document",
]


# ── validate ─────────────────────────────────────────────────────────────────────────────────────


def counts_document(loaded: Loaded) -> dict[str, Any]:
    network = loaded.network
    return {
        "network": network.settings.name,
        "switches": len(network.topology.nodes),
        **({"devices": len(network.topology.devices)} if network.topology.devices else {}),
        "links": len(network.topology.links),
        "srlgs": len(network.topology.srlgs),
        "endpoints": len(network.endpoints),
        "applications": len({demand.application for demand in network.demands}),
        "demands": len(network.demands),
    }


def counts(loaded: Loaded, diagnostics: Sequence[Diagnostic]) -> list[RenderableType]:
    found = counts_document(loaded)
    name = found.pop("network")
    words = ", ".join(f"{count} {what}" for what, count in found.items())
    warnings = sum(one.severity is Severity.WARNING for one in diagnostics)
    return [f"[green]valid[/]: {name}: {words}" + (f"; {warnings} warnings" if warnings else "")]


# ── compile ──────────────────────────────────────────────────────────────────────────────────────


def compiled_document(state: State, proof: Proof) -> dict[str, Any]:
    compiled = state.compiled
    return {
        "ok": True,
        "network": compiled.settings.name,
        "fingerprint": state.compiled_fingerprint,
        "demands": len(compiled.demands),
        "trunks": len(compiled.trunks),
        "bypasses": len(compiled.bypasses),
        "rules": {node: len(rules) for node, rules in sorted(state.rules.items())},
        "proof": proof.document,
        "diagnostics": [diagnostic_document(item) for item in compiled.diagnostics],
    }


def compiled(state: State, proof: Proof) -> list[RenderableType]:
    made = state.compiled
    shown = table("", "application", ("demands", RIGHT), ("trunks", RIGHT), "grades")
    trunks = {demand: trunk for trunk in made.trunks for demand in trunk.demands}
    groups: dict[str, list[str]] = {}
    for demand in made.demands:
        groups.setdefault(demand.application, []).append(demand.id)
    for name, demands in sorted(groups.items()):
        keys = {trunks[demand].key for demand in demands if demand in trunks}
        grades = Counter(str(trunks[demand].grade) for demand in demands if demand in trunks)
        shown.add_row(
            name,
            str(len(demands)),
            str(len(keys)),
            ", ".join(f"{n} {grade}" for grade, n in sorted(grades.items())),
        )
    rules = sum(len(held) for held in state.rules.values())
    return [
        shown,
        f"{rules} rules on {counted(len(state.rules), 'switches')}, {counted(len(made.bypasses), 'bypasses')}; "
        f"{proof.sentence}",
    ]


# ── status ───────────────────────────────────────────────────────────────────────────────────────


def status(found: Status) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if found.snapshot is None:
        parts.append(f"[bold]{found.network}[/]: nothing applied yet")
    else:
        when = found.snapshot.created[:19].replace("T", " ")
        parts.append(
            f"[bold]{found.network}[/]: snapshot {found.snapshot.id} ({found.snapshot.reason}, "
            f"{when} UTC, {found.snapshot.author}): {found.snapshot.summary}"
        )
    if found.pending is not None:
        parts.append(
            f"[bold red]snapshot {found.pending.id} was interrupted[/]: `sdnctl apply` finishes it, "
            "`sdnctl rollback` undoes it"
        )
    up = found.switches - len(found.unreachable)
    lit = found.links - len({*found.down, *found.unseen})
    unseen = f", {len(found.unseen)} not known" if found.unseen else ""
    if found.snapshot is not None:
        parts.append(f"switches {up}/{found.switches} answer, links {lit}/{found.links} up{unseen}")
    else:
        parts.append(f"{counted(found.switches, 'switches')}, {counted(found.links, 'links')} in the folder")
    for what, names in (
        ("not reachable", found.unreachable),
        ("down", found.down),
        ("held down by the controller", found.pinned),
        ("flapping", found.damped),
        ("drained", found.drained),
    ):
        if names:
            parts.append(f"[yellow]{what}[/]: {', '.join(names)}")
    if found.lab:
        parts.append(f"lab: {found.lab}")
    if found.groups:
        shown = table(
            "",
            (found.by, {"min_width": 16}),
            ("applications", RIGHT),
            ("demands", RIGHT),
            "V1",
            "V2",
            "V3",
            "protection",
        )
        for group in found.groups:
            shown.add_row(group.name or "(none)", str(len(group.applications)), *_standing(group))
        parts.append(shown)
    elif found.applications:
        shown = table(
            "", ("application", {"min_width": 16}), "class", ("demands", RIGHT), "V1", "V2", "V3", "protection"
        )
        for one in found.applications:
            shown.add_row(one.application, one.service_class, *_standing(one))
        parts.append(shown)
    return parts


def _standing(one: ApplicationStatus | GroupStatus) -> list[str]:
    """Demands, verdicts and protection, for people."""
    less = one.unprotected - one.cut_off
    held = [f"[yellow]{less} have less[/]"] if less else []
    held += [f"[bold red]{one.cut_off} cut off[/]"] if one.cut_off else []
    verdicts = (MARK[one.levels[level]] for level in ("V1", "V2", "V3"))
    return [str(one.demands), *verdicts, ", ".join(held) or "as asked"]


# ── drift ────────────────────────────────────────────────────────────────────────────────────────


def drift(found: Drift) -> list[RenderableType]:
    devices = found.held.devices
    if found.clean:
        rules = sum(one.matching for one in devices.values())
        parts: list[RenderableType] = [
            f"[green]no drift[/]: {len(devices)} switches hold the {rules} rules that were applied"
        ]
        if found.attachments:
            held = sum(one.matching for one in found.attachments.values())
            parts.append(f"{len(found.attachments)} devices hold their {held} attachments")
    else:
        shown = table("", "switch", ("match", RIGHT), ("missing", RIGHT), ("extra", RIGHT), ("altered", RIGHT), "")
        for name, one in sorted(devices.items()):
            if one.unknown:
                shown.add_row(name, "", "", "", "", "[yellow]unknown: not reachable[/]")
            elif one.differs or name in found.settings:
                note = "settings differ" if name in found.settings else ""
                counts = (one.matching, len(one.missing), len(one.extra), len(one.altered))
                shown.add_row(name, *map(str, counts), note)
        for name, gear in found.attachments.items():
            if gear.unknown:
                shown.add_row(name, "", "", "", "", "[yellow]unknown: not reachable[/]")
            elif not gear.ok:
                counts = (gear.matching, len(gear.missing), len(gear.extra), len(gear.altered))
                shown.add_row(name, *map(str, counts), "attachments")
        parts = [shown, *_drifted_rules(found)]
    if found.foreign:
        kept = ", ".join(f"{count} on {name}" for name, count in found.foreign.items())
        parts.append(f"foreign rules, left alone: {kept}")
    return parts


_DRIFTED = {"missing": "- missing", "extra": "+ extra  ", "altered": "~ altered", "unknown": "? unknown"}
_SHOWN = 10


def _drifted_rules(found: Drift) -> Iterator[RenderableType]:
    """The rules, a few of each switch, with whose they are and where their glass runs."""
    from rich.text import Text

    from sdnctl.plan.drift import shown

    by_device: dict[str, list[Located]] = {}
    for one in found.findings:
        by_device.setdefault(one.finding.device, []).append(one)
    for device, items in by_device.items():
        for one in items[:_SHOWN]:
            finding = one.finding
            rule = finding.observed or finding.rule
            text = shown(rule) if rule is not None else "whatever it holds"
            yield Text(f"{device}  {_DRIFTED[finding.state]}  {text}")
            for line in whose(one):
                yield Text(f"    {line}", style="dim")
        if len(items) > _SHOWN:
            yield f"{device}  and {len(items) - _SHOWN} more (see --format json)"


def whose(one: Located) -> Iterator[str]:
    """What a rule is for and whose it is, and the glass under it: two lines at most."""
    finding, glass = one.finding, one.glass
    owners = ", ".join(f"{owner.application} ({owner.tenant}, {owner.service_class})" for owner in finding.owners)
    if owners or finding.what:
        yield " of ".join(part for part in (finding.what, owners) if part)
    ways = (("link", finding.links), ("cable", glass.cables), ("duct", glass.ducts))
    if text := "; ".join(f"{kind} {_few(names)}" for kind, names in ways if names):
        yield text


def _few(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


# ── history ──────────────────────────────────────────────────────────────────────────────────────


def history(found: Sequence[Snapshot]) -> list[RenderableType]:
    if not found:
        return ["nothing was applied yet"]
    shown = table("", ("#", RIGHT), "when (UTC)", "who", "why", "state", "what")
    for one in found:
        when = one.created[:19].replace("T", " ")
        colour = {"applied": "green", "pending": "bold red"}.get(one.state, "yellow")
        shown.add_row(str(one.id), when, one.author, one.reason, f"[{colour}]{one.state}[/]", one.summary)
    return [shown]


def journal(found: Sequence[JournalEntry]) -> list[RenderableType]:
    shown = table("", "when (UTC)", "event", "detail")
    for one in found:
        detail = ", ".join(f"{key} {value}" for key, value in one.detail.items() if value not in (None, ""))
        shown.add_row(one.created[:23].replace("T", " "), one.event, detail)
    return [shown]


# ── drivers, lab ─────────────────────────────────────────────────────────────────────────────────


def drivers_document(found: Sequence[Installed], missing: Sequence[Missing]) -> dict[str, Any]:
    return {"drivers": [asdict(one) for one in found], "missing": [asdict(one) for one in missing]}


def drivers(found: Sequence[Installed], missing: Sequence[Missing]) -> list[RenderableType]:
    from rich.text import Text

    shown = table("", "driver", "carries", "distribution", "version", "state")
    for one in found:
        shown.add_row(one.name, one.payload, one.distribution, one.version, one.status)
    for lacking in missing:
        shown.add_row(lacking.name, "", lacking.distribution, "", "[yellow]not installed[/]")
    commands = (Text(f"{one.name}: {one.install}", overflow="fold", no_wrap=False) for one in missing)
    return [shown, *commands]


def lab_document(lab: Lab) -> dict[str, Any]:
    return {
        "ok": True,
        "name": lab.name,
        "kind": lab.kind,
        "reason": lab.reason,
        "switches": len(lab.targets()),
        "links": len(lab.links),
        "hosts": len(lab.edges),
    }


def lab(running: Lab) -> list[RenderableType]:
    made = "real Open vSwitch bridges" if running.kind == "ovs" else "embedded in-memory switches"
    parts: list[RenderableType] = [
        f"lab {running.name}: {len(running.targets())} {made}, {counted(len(running.links), 'links')}, "
        f"{counted(len(running.edges), 'hosts')}"
    ]
    if running.reason:
        parts.append(f"[yellow]{running.reason}[/]")
    return parts
