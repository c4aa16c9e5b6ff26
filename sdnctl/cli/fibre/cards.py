"""How `inventory describe` looks: facts by name, then lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.inventory.cards import Card


def document(found: Card) -> dict[str, Any]:
    return {
        "ok": True,
        "kind": found.kind,
        "name": found.name,
        "facts": dict(found.facts),
        "lists": {key: list(values) for key, values in found.lists.items()},
    }


def render(found: Card) -> list[RenderableType]:
    from rich.text import Text

    width = max(len(name) for name, _ in found.facts) + 2
    parts: list[RenderableType] = [f"[bold]{found.kind} {found.name}[/]"]
    parts += [Text(f"  {name:<{width}}{value}") for name, value in found.facts]
    for name, values in found.lists.items():
        parts.append(f"  [bold]{name}[/]")
        parts += [Text(f"    {value}") for value in values]
    return parts
