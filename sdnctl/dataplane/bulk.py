"""Making many values at once without the cyclic garbage collector looking at each of them again and again.

Rules, paths and demands are trees of frozen values: reference counts free them, and there are no cycles to be
found. Python's collector does not know that and walks all of them whenever their number has grown by a quarter,
which takes longer than making them. Memory does not grow by pausing it, because nothing here waits for it.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def in_bulk() -> Iterator[None]:
    """Pause the cyclic collector; whoever paused it first sets it going again. Also a decorator."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            if not gc.get_freeze_count():  # what was made is old now, without a walk through all of it
                gc.freeze()
                gc.unfreeze()
            gc.enable()
