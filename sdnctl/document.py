"""A validated file that still knows on which line each value stands.

Loaders (`workspace`) make documents; pure stages (`inventory`, `intents`, `topology`) read them and
point their diagnostics at `document.at("cables", 3, "type")`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from sdnctl.errors import Source

T = TypeVar("T")
KeyPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document(Generic[T]):
    """One file: its path relative to the network folder, its validated value, and lines by key path."""

    file: str
    value: T
    lines: Mapping[KeyPath, int] = field(default_factory=dict)

    def at(self, *path: str | int) -> Source:
        """Where the value at `path` stands; the nearest enclosing value whose line is known."""
        line = self.lines.get(path)
        while line is None and path:
            path = path[:-1]
            line = self.lines.get(path)
        return Source(self.file, line)
