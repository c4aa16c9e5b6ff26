"""How often Python looks for cycles of garbage.

A command makes hundreds of thousands of rules, demands and links, keeps them, and ends. Each time their number has
grown by a quarter, Python walks through all of them to look for cycles that it could free, and finds none: half
of the time in which rules are read back from switches. So it looks rarely. Cycles that do arise (tasks,
exceptions) are small, and are still found, because a long-running controller must not grow.
"""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 100_000, 20, 50
"""New objects before the young ones are looked through; rounds of that before older ones are."""


def spare_collections() -> None:
    """Set the thresholds for a process that is one command, or one controller."""
    gc.set_threshold(YOUNG, MIDDLE, OLD)
