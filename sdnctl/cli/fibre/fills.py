"""How `inventory capacity` looks: the fullest of each kind, with what is over a threshold marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdnctl.cli.output import RIGHT, table
from sdnctl.units import format_bitrate
from sdnctl.wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.inventory.filling import Fill
    from sdnctl.usecases.filling import Filling

COLOUR = {"full": "bold red", "warn": "yellow", "ok": "green", "": "dim"}


def document(found: Filling) -> dict[str, Any]:
    return {
        "ok": True,
        "thresholds": {"warn": found.warn, "full": found.full},
        **{f"{kind}s": [_fill(found, one) for one in fills] for kind, fills in found.fills.items()},
        "links": [
            {
                "name": one.usual.name,
                "capacity": one.usual.total,
                "usual": {"rate": one.usual.used, "share": one.usual.share, "level": found.level(one.usual)},
                "worst": {
                    "rate": one.worst.used,
                    "share": one.worst.share,
                    "level": found.level(one.worst),
                    "failure": one.worst.note or None,
                },
            }
            for one in found.links
        ],
    }


def _fill(found: Filling, one: Fill) -> dict[str, Any]:
    return {
        "name": one.name,
        "used": one.used,
        "total": one.total,
        "share": one.share,
        "level": found.level(one),
        "note": one.note,
    }


def render(found: Filling, top: int) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for kind, fills in found.fills.items():
        shown = table(f"{kind}s", kind, ("used", RIGHT), ("of", RIGHT), ("fill", RIGHT), "")
        for one in fills[:top]:
            total = "?" if one.total is None else f"{one.total:.0f}"
            shown.add_row(one.name, f"{one.used:.0f}", total, _share(found, one), one.note)
        parts += [shown, _counted(found, kind, fills)]
    if found.links:
        columns = (("CIR", RIGHT), ("of", RIGHT), ("fill", RIGHT), ("worst", RIGHT), "when this fails")
        shown = table("links", "link", *columns)
        for link in found.links[:top]:
            rate, capacity = format_bitrate(int(link.usual.used)), format_bitrate(int(link.usual.total or 0))
            shares = _share(found, link.usual), _share(found, link.worst)
            shown.add_row(link.usual.name, rate, capacity, *shares, link.worst.note)
        parts += [shown, _counted(found, "link", [one.worst for one in found.links])]
    return parts


def _share(found: Filling, one: Fill) -> str:
    if one.share is None:
        return ""
    return f"[{COLOUR[found.level(one)]}]{one.share * 100:.{0 if one.share >= 0.1 else 1}f} %[/]"


def _counted(found: Filling, kind: str, fills: Any) -> str:
    levels = [found.level(one) for one in fills]
    full, warn = levels.count("full"), levels.count("warn")
    things = counted(len(levels), f"{kind}s")
    return f"{things}: {full} at {found.full * 100:.0f} % or more, {warn} at {found.warn * 100:.0f} %"
