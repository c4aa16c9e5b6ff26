"""Making many values at once without the cyclic garbage collector looking at each of them again and again.

Rules, paths and demands are trees of frozen values: reference counts free them, and there are no cycles to be
found. Python's collector does not know that and walks all of them whenever their number has grown by a quarter,
which takes longer than making them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 100_000
"""So many new objects are made old at once; fewer are left to the collector, which walks them in milliseconds."""

PATIENCE = 2_000_000
"""After so many, or twice those that are there, all are looked through."""


class _Growth:
    """How many objects became old since all were last looked through, and how many may."""

    grown = 0
    most = PATIENCE


@contextmanager
def in_bulk() -> Iterator[None]:
    """Pause the cyclic collector; whoever paused it first sets it going again. Also a decorator.

    Garbage is looked for before more is made, not after: a command that makes much once looks for none.
    """
    running = gc.isenabled()
    if running and _Growth.grown > _Growth.most:
        _look_through()
    gc.disable()
    try:
        yield
    finally:
        if running:
            made = gc.get_count()[0]
            if made >= MANY and not gc.get_freeze_count():
                _Growth.grown += made
                gc.freeze()
                gc.unfreeze()  # all of it is old now, without a walk through it
            gc.enable()


def _look_through() -> None:
    """What became old at once counts for nothing in Python's own rule of when to look through all that is old.

    It would never find the cycles (of tasks, of exceptions) where much is made in bulk again and again.
    """
    if gc.get_freeze_count():
        return
    gc.collect()
    gc.freeze()
    _Growth.grown, _Growth.most = 0, max(PATIENCE, 2 * gc.get_freeze_count())
    gc.unfreeze()
