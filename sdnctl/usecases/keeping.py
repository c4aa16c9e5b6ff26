"""What the recorders of the folder's applications have to keep."""

from __future__ import annotations

from sdnctl.intents.models import Application
from sdnctl.intents.retention import Storage, storage
from sdnctl.usecases.context import Context


def kept(context: Context) -> tuple[Storage, ...]:
    """Storage and load of every root of the applications that say `retention`."""
    loaded = context.loaded
    applications = (one.value for one in loaded.documents.values() if isinstance(one.value, Application))
    retention = {one.application: one.retention for one in applications if one.retention is not None}
    return storage(loaded.network.demands, retention)
