"""How long work tells what it is doing, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with (what is done now, step, steps)."""


def silent(_what: str, _step: int, _steps: int) -> None:
    """Nobody listens."""


def listener(progress: Progress) -> Progress | None:
    """Whoever listens, None where nobody does."""
    return None if progress is silent else progress
