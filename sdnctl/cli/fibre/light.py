"""How `inventory budget` looks: a row per link, then what would do better where something is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdnctl.cli.output import RIGHT, table
from sdnctl.wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.inventory.budgets import Advice, Direction, LinkBudget
    from sdnctl.usecases.glass import Budgets

SHORT = {"does not close": "too weak", "wavelengths differ": "colours"}
"""Verdicts as they fit into a table."""


def document(found: Budgets) -> dict[str, Any]:
    return {
        "ok": True,
        "links": [_link(one) for one in found.links],
        "advice": {name: _advice(one) for name, one in found.advice.items()},
    }


def _link(one: LinkBudget) -> dict[str, Any]:
    return {
        "link": one.name,
        "length": one.link.length,
        "usable": one.link.usable,
        "verdicts": list(one.verdicts),
        "directions": [_direction(direction) for direction in one.directions],
    }


def _direction(one: Direction) -> dict[str, Any]:
    figures = one.figures
    shown = {"from": str(one.chain.start), "to": str(one.chain.end), "tx": one.tx, "rx": one.rx}
    if figures is None:
        return {**shown, "figures": None, "why": one.why}
    return {
        **shown,
        "why": "",
        "figures": {
            "loss": {"min": figures.loss.min, "max": figures.loss.max},
            "allowed": figures.allowed,
            "margin": figures.margin,
            "needed": figures.needed,
            "overload": figures.overload,
            "dispersion": figures.dispersion,
            "dispersion_limit": figures.dispersion_limit,
        },
    }


def _advice(one: Advice | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "a": one.a,
        "b": one.b,
        "attenuator_at_a": one.at_a,
        "attenuator_at_b": one.at_b,
        "margin": one.margin,
        "overload": one.overload,
        "price": one.price,
    }


def render(found: Budgets) -> list[RenderableType]:
    figures = [(name, RIGHT) for name in ("km", "dB", "of", "margin", "over")]
    shown = table("", "link", *figures, "verdict")
    for one in found.links:
        shown.add_row(one.name, f"{one.link.length / 1000:.2f}", *_figures(one), _verdict(one))
    wrong = sum(bool(one.verdicts) for one in found.links)
    closing = "; over: dB above the least loss that the receiver needs; the worse direction of each"
    parts: list[RenderableType] = [
        shown,
        f"{counted(len(found.links), 'links')}, {wrong or 'none'} with a fault{closing}",
    ]
    parts += [f"{name}: {_sentence(one)}" for name, one in found.advice.items()]
    return parts


def _figures(one: LinkBudget) -> tuple[str, ...]:
    worst = one.worst
    if worst is None or worst.figures is None or one.overload is None:
        return ("",) * 4
    of = worst.figures
    return (
        f"{of.loss.min:.1f}–{of.loss.max:.1f}",
        f"{of.allowed:.1f}",
        f"{of.margin:.1f}",
        f"{one.overload:.1f}",
    )


def _verdict(one: LinkBudget) -> str:
    if one.verdicts:
        return f"[bold red]{', '.join(SHORT.get(word, word) for word in one.verdicts)}[/]"
    return "[green]ok[/]" if one.link.usable else "[yellow]ok, dark[/]"


def _sentence(one: Advice | None) -> str:
    if one is None:
        return "no optics in the inventory do"
    optics = one.a if one.a == one.b else f"{one.a} and {one.b}"
    damped = [f"{part} before the receiver at {end}" for end, part in (("a", one.at_a), ("b", one.at_b)) if part]
    if one.at_a == one.at_b and one.at_a:
        damped = [f"{one.at_a} before each receiver"]
    price = f", {one.price:g} in all" if one.price is not None else ""
    with_ = f" with {' and '.join(damped)}" if damped else ""
    return f"{optics}{with_} would do (margin {one.margin:.1f} dB, {one.overload:.1f} dB from overload){price}"
