"""What was applied when, by whom and why."""

from __future__ import annotations

from sdnctl.errors import Diagnostic, InputError
from sdnctl.store.store import JournalEntry, Snapshot
from sdnctl.usecases.context import Context


def remember(context: Context, limit: int = 50) -> tuple[Snapshot, ...]:
    """Snapshots, newest first."""
    return context.store.history(limit)


def journal_of(context: Context, number: int) -> tuple[JournalEntry, ...]:
    """The journal of one snapshot; raises InputError when there is no such snapshot."""
    if context.store.snapshot(number) is None:
        raise InputError(
            Diagnostic("no-such-snapshot", f"snapshot {number} does not exist", hint="see `sdnctl history`")
        )
    return context.store.journal(number)
