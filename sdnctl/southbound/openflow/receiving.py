"""The memory that connections receive into."""

from __future__ import annotations

import threading

RECEIVE_SIZE = 256 * 1024
"""Octets received at once."""

_thread = threading.local()


def received_into() -> memoryview:
    """The buffer that all connections of a thread receive into, one after the other; emptied before the next."""
    view: memoryview | None = getattr(_thread, "view", None)
    if view is None:
        view = _thread.view = memoryview(bytearray(RECEIVE_SIZE))
    return view
