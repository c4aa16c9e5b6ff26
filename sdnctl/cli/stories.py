"""How longer answers look: explain, cut, reconcile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sdnctl.cli.output import RIGHT, table
from sdnctl.dataplane.attachment import dump_attachment, format_attachment
from sdnctl.plan.summary import summary
from sdnctl.units import format_bitrate

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.daemon.reconcile import Moved, Reconciled
    from sdnctl.usecases.explaining import DemandStory, Story
    from sdnctl.usecases.labs import Cut


TRUNKS = 30
"""Moved trunks that are shown one by one; more are summed up by application."""

# ── explain ──────────────────────────────────────────────────────────────────────────────────────


def document(story: Story) -> dict[str, Any]:
    return {
        "ok": True,
        "name": story.name,
        "file": str(story.source) if story.source else None,
        "tenant": story.tenant,
        "class": story.service_class,
        "applied": story.applied,
        "demands": [_demand_document(one) for one in story.demands],
    }


def _demand_document(one: DemandStory) -> dict[str, Any]:
    return {
        "id": one.demand.id,
        "ingress": {"endpoint": one.demand.ingress.id, "port": str(one.demand.ingress.attachment)},
        "egress": {"endpoint": one.demand.egress.id, "port": str(one.demand.egress.attachment)},
        "cir": one.demand.cir,
        "eir": one.demand.eir,
        "grade": str(one.demand.grade),
        "trunk": one.trunk.key if one.trunk else None,
        "label": one.trunk.label if one.trunk else None,
        "path": list(one.trunk.path.nodes) if one.trunk else [],
        "standby": list(one.standby),
        "hops": [
            {
                **asdict(hop.hop),
                "length": hop.length,
                "delay": hop.delay,
                "risks": hop.shares,
                "repair": hop.repair,
            }
            for hop in one.hops
        ],
        "devices": [{"device": device, **dump_attachment(attachment)} for device, attachment in one.gear],
        "rules": [{"switch": switch, "rule": rule.strip()} for switch, rule in one.rules],
    }


def render(story: Story) -> list[RenderableType]:
    state = "as applied" if story.applied else "as the folder compiles (nothing applied yet)"
    head = f"[bold]{story.name}[/]: tenant {story.tenant}, class {story.service_class}, {state}"
    parts: list[RenderableType] = [head]
    if story.source:
        parts.append(f"from {story.source}")
    if len(story.demands) == 1:
        return parts + _one(story.demands[0])
    shown = table("", "demand", "path", ("label", RIGHT), "grade", ("rate", RIGHT))
    for one in story.demands:
        path = " → ".join(one.trunk.path.nodes) if one.trunk else f"on {one.demand.ingress.attachment.node}"
        label = str(one.trunk.label) if one.trunk else ""
        name = one.demand.id.partition("/")[2]
        shown.add_row(name, path, label, str(one.demand.grade), format_bitrate(one.demand.cir))
    parts.append(shown)
    parts.append(f"one demand in full: sdnctl explain '{story.demands[0].demand.id}'")
    return parts


def _one(one: DemandStory) -> list[RenderableType]:
    from rich.text import Text

    demand = one.demand
    parts: list[RenderableType] = [
        f"{demand.ingress.id} at {demand.ingress.attachment} → {demand.egress.id} at {demand.egress.attachment}, "
        f"{format_bitrate(demand.cir)}, protection {demand.grade}"
    ]
    parts += [f"behind {device}: {format_attachment(attachment)}" for device, attachment in one.gear]
    if one.trunk is not None:
        parts.append(f"trunk {one.trunk.key}, label {one.trunk.label}: {' → '.join(one.trunk.path.nodes)}")
        hops = table("", "link", "in cables", ("km", RIGHT), ("µs", RIGHT), "repaired by")
        for hop in one.hops:
            cables = " ".join(name.removeprefix("cable:") for name in hop.shares if name.startswith("cable:"))
            hops.add_row(hop.hop.link, cables, f"{hop.length / 1000:.2f}", f"{hop.delay:.0f}", hop.repair)
        parts.append(hops)
    if one.standby:
        parts.append(f"standby: {' → '.join(one.standby)}")
    parts += [Text(f"{switch}  {rule}", overflow="fold") for switch, rule in one.rules]
    return parts


# ── cut ──────────────────────────────────────────────────────────────────────────────────────────


def cut_document(found: Cut) -> dict[str, Any]:
    return {"ok": True, **asdict(found)}


def cut(found: Cut) -> list[RenderableType]:
    what = [f"links {', '.join(found.links)}"] if found.links else []
    what += [f"switches {', '.join(found.nodes)}"] if found.nodes else []
    parts: list[RenderableType] = [
        f"cut {', '.join(found.what)}: {' and '.join(what) or 'no lit link runs there'}"
    ]
    if found.already:
        rest = "; nothing else" if len(found.already) == len(found.links) + len(found.nodes) else ""
        parts.append(f"[yellow]cut before[/]: {', '.join(found.already)}{rest}")
    if found.hits:
        shown = table("", "application", "class", ("demands hit", RIGHT), "switches repair", "standby", "lost")
        for hit in found.hits:
            lost = f"[bold red]{hit.lost}[/]" if hit.lost else "0"
            shown.add_row(
                hit.application, hit.service_class, str(hit.demands), str(hit.repaired), str(hit.standby), lost
            )
        parts.append(shown)
    else:
        parts.append("no demand runs over it")
    return parts


# ── reconcile ────────────────────────────────────────────────────────────────────────────────────


def reconciled(found: Reconciled, until: str = "") -> list[RenderableType]:
    """What was done; `until` is what gives protection back that was given up, where somebody decides that."""
    parts: list[RenderableType] = []
    for step in found.steps:
        counted = summary(step.plan).sentence
        parts.append(f"snapshot {step.snapshot}: {step.action} ({counted}) in {step.seconds * 1000:.0f} ms")
    if not found.steps:
        parts.append("[green]nothing to do[/]: switches hold what was applied, no link changed")
    if found.moved:
        rows = _both_ways(found.moved)
        parts.append(_each_trunk(rows) if len(rows) <= TRUNKS else _by_application(rows))
    weaker = sum(one.demands for one in found.moved if one.weaker)
    if weaker:
        what = "demand is" if weaker == 1 else "demands are"
        parts.append(f"[yellow]{weaker} {what} less protected[/]{f' until {until}' if until else ''}")
    for what, names in (("down", found.down), ("healed", found.healed), ("not yet stable", found.waiting)):
        if names:
            parts.append(f"{what}: {', '.join(sorted(names))}")
    if found.unreachable:
        parts.append(f"[yellow]not reachable[/]: {', '.join(found.unreachable)}")
    return parts


def _each_trunk(rows: Sequence[Moved]) -> RenderableType:
    # Only ways are folded: a minimal width would make the table wider than the terminal, and cut its last column.
    whole = {"no_wrap": True}
    shown = table("", ("application", whole), "trunk", "was via", "now via", ("protection", whole))
    for one in rows:
        ends = f"{one.before[0]} ↔ {one.before[-1]}"
        was = " ".join(one.before[1:-1]) or "direct"
        shown.add_row("\n".join(one.applications), ends, was, _now_via(one), _grades(one))
    return shown


def _now_via(one: Moved) -> str:
    """The switches between its ends; where they are the same as before, the links that are not."""
    if one.before != one.after:
        return " ".join(one.after[1:-1]) or "direct"
    others = [link for link in one.links_after if link not in one.links_before]
    return f"over {' '.join(others)}" if others else "as before"


def _by_application(rows: Sequence[Moved]) -> RenderableType:
    """What hundreds of trunks come to; `--format json` has each."""
    shown = table(
        "", ("application", {"no_wrap": True}), ("trunks", RIGHT), ("moved", RIGHT), "protection changed"
    )
    owned: dict[tuple[str, ...], list[Moved]] = {}
    for one in rows:
        owned.setdefault(one.applications, []).append(one)
    for names, mine in sorted(owned.items()):
        moved = sum(one.elsewhere for one in mine)
        changed = Counter(_grades(one) for one in mine if one.grade_before != one.grade_after)
        grades = ", ".join(f"{count} {grade}" for grade, count in sorted(changed.items()))
        shown.add_row(" ".join(names), str(len(mine)), str(moved), grades)
    return shown


def _grades(one: Moved) -> str:
    same = one.grade_before == one.grade_after
    return one.grade_after if same else f"[yellow]{one.grade_before} → {one.grade_after}[/]"


def _both_ways(moved: Sequence[Moved]) -> list[Moved]:
    """One row for the two directions of a trunk, which take the same way."""
    rows: dict[tuple[object, ...], Moved] = {}
    for one in moved:
        ways = (one.before, one.after, one.links_before, one.links_after)
        if (one.applications, one.grade_after, *(way[::-1] for way in ways)) not in rows:
            rows[one.applications, one.grade_after, *ways] = one
    return list(rows.values())
