"""How `whatif` looks: the wounds, the services and why they live, whom to tell, what to splice first."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sdnctl.cli.output import RIGHT, table
from sdnctl.inventory.fields import format_numbers
from sdnctl.usecases.whatif_answer import FATES

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.usecases.whatif_answer import Answer, Rescue, ServiceHit

FEW = 3
"""Segments of which it is said what happened to them."""
SHOWN = 12
"""Rows of a table that are shown; `--format json` has all."""


def document(found: Answer) -> dict[str, Any]:
    shown = asdict(found)
    for tube, one in zip(shown["tubes"], found.tubes, strict=True):
        tube["tube"] = {"number": one.tube.number, "colour": one.tube.colour.name, "label": one.tube.label}
    for service, hit in zip(shown["services"], found.services, strict=True):
        service["fares"] = dict(hit.fares)
        service["worst"] = hit.worst
    shown["lost"] = {"strands": found.strands, "lit": found.lit, **_by(found.services)}
    shown["down"] = shown.pop("links")
    del shown["outcome"]
    shown["dark_endpoints"], shown["dead_switches"] = list(found.outcome.dark), list(found.outcome.switches)
    return {"ok": True, **shown}


def _by(services: tuple[ServiceHit, ...]) -> dict[str, Any]:
    """Demands without service, by class and by tenant."""
    by_class: dict[str, int] = {}
    by_tenant: dict[str, int] = {}
    for hit in services:
        if hit.without_service:
            by_class[hit.service_class] = by_class.get(hit.service_class, 0) + hit.without_service
            by_tenant[hit.tenant] = by_tenant.get(hit.tenant, 0) + hit.without_service
    return {"by_class": by_class, "by_tenant": by_tenant}


def render(found: Answer) -> list[RenderableType]:
    parts: list[RenderableType] = [_head(found)]
    parts += [f"{name}: {mode}" for name, mode in tuple(found.modes.items())[:FEW]]
    parts += [f"at {y:.6f} N, {x:.6f} E: {name}" for name, (x, y) in found.points.items()]
    for duct, cables in found.blocked.items():
        held = f"{', '.join(cables)} in it stay whole" if cables else "no cable lies in it"
        parts.append(f"duct {duct} is blocked, which cuts nothing: {held}; nothing more can be pulled through")
    if found.cables:
        parts.append(_cables(found))
    if found.links or found.outcome.switches:
        parts.append(_sentence("down", (*found.links, *(f"switch {one}" for one in found.outcome.switches))))
    if found.unused:
        parts.append(_sentence("hit, but carrying nothing", found.unused))
    if found.lines:
        parts.append(f"{len(found.lines)} access lines with {len(found.outcome.dark)} endpoints are dark")
    if found.services:
        parts += [_services(found.services), *_rescues(found.rescues)]
    elif found.cables or found.links:
        parts.append("no service runs over it")
    if found.tubes:
        parts.append(_tubes(found))
        if found.besides:
            parts.append(f"counted as if mended, too: {_few(found.besides, 8)}")
    theirs = [f"{who} ({_kinds(things)})" for who, things in found.owners.items()]
    if theirs:
        parts.append(f"whose works: {'; '.join(theirs)}")
    return parts


def _head(found: Answer) -> str:
    cables = f"{_count(len(found.cables), 'cable')}, {_count(found.strands, 'strand')}, {found.lit} of them lit"
    return f"[bold]{', '.join(found.what)}[/]: {cables if found.cables else 'no cable is hit'}"


def _cables(found: Answer) -> RenderableType:
    shown = table("", "cable", ("sheath m", RIGHT), ("strands", RIGHT), ("lit", RIGHT), "owner")
    for hit in found.cables[:SHOWN]:
        marks = ", ".join(f"{low:.0f}" if low == high else f"{low:.0f}–{high:.0f}" for low, high in hit.stretches)
        shown.add_row(hit.cable, marks, f"{hit.strands} of {hit.capacity}", str(hit.lit), hit.owner)
    if len(found.cables) > SHOWN:
        shown.add_row(f"… {len(found.cables) - SHOWN} more", "", "", "", "")
    return shown


def _services(services: tuple[ServiceHit, ...]) -> RenderableType:
    shown = table("tell in this order", "application", "class", "tenant", "owner", "demands hit")
    for hit in services:
        fares = ", ".join(f"{hit.fares[one]} {one}" for one in reversed(FATES) if hit.fares[one])
        colour = "bold red" if hit.without_service else "yellow" if hit.fares["standby"] else "green"
        shown.add_row(hit.application, hit.service_class, hit.tenant, hit.owner, f"[{colour}]{fares}[/]")
    return shown


def _rescues(rescues: tuple[Rescue, ...]) -> list[RenderableType]:
    if not rescues:
        return []
    shown = table("why the rest lives", ("demands", RIGHT), "over", "instead of", "label")
    for one in rescues[:SHOWN]:
        instead = one.link if one.how == "bypass" else f"trunk {one.link} (flip)"
        shown.add_row(str(one.demands), " → ".join(one.path), instead, str(one.label or ""))
    if len(rescues) > SHOWN:
        shown.add_row("", f"… {len(rescues) - SHOWN} more", "", "")
    return [shown]


def _tubes(found: Answer) -> RenderableType:
    columns = ("cable", "tube", "strands", "comes back", ("lost", RIGHT), ("weaker", RIGHT))
    shown = table("splice in this order", ("", RIGHT), *columns)
    for number, tube in enumerate(found.tubes[:SHOWN], 1):
        back = f"{tube.first_class}: {_few(tube.users, 2)}" if tube.first_class else _few(tube.users, 2)
        strands = format_numbers(tube.strands)
        shown.add_row(
            str(number),
            tube.cable,
            str(tube.tube),
            strands,
            back,
            str(tube.without_service),
            str(tube.unprotected),
        )
    last = f"{_count(found.dark_tubes, 'tube')} without light"
    if len(found.tubes) > SHOWN:
        last = f"{len(found.tubes) - SHOWN} more with light, {last}"
    shown.add_row("…", last, "", "", "", "", "")
    return shown


def _kinds(things: tuple[str, ...]) -> str:
    """How many of each kind; of few things, which."""
    if len(things) <= 2:
        return ", ".join(things)
    kinds = [thing.partition(":")[0] for thing in things]
    return ", ".join(_count(kinds.count(kind), kind) for kind in dict.fromkeys(kinds))


def _few(names: tuple[str, ...], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def _sentence(what: str, names: tuple[str, ...]) -> str:
    return f"{what} ({len(names)}): {_few(names, 8)}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
