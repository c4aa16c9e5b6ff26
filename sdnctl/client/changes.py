"""The changes that commands ask a controller for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sdnctl.client.dialect import understood
from sdnctl.client.remote import Progress, Remote


def apply(
    remote: Remote,
    *,
    plan: str,
    state: str,
    allow_outage: Iterable[str],
    reason: str,
    summary: str,
    progress: Progress | None,
) -> int | None:
    """Follow a plan; the number of the new snapshot, None where nothing had to change.

    `plan` and `state` are texts as they are written to files: they are long, and sent as they are.
    """
    rest = json.dumps({"allow_outage": sorted(allow_outage), "reason": reason, "summary": summary})
    body = f'{{"plan":{plan},"state":{state},{rest[1:]}'
    return _snapshot(remote, remote.change("/v1/apply", body.encode(), progress))


def resume(remote: Remote, *, back: bool, progress: Progress | None) -> int | None:
    """Finish or undo what was interrupted; its snapshot, None where there is nothing any more."""
    return _snapshot(remote, remote.change("/v1/resume", {"back": back}, progress))


def reconcile(remote: Remote, *, hold_down: bool, progress: Progress | None) -> dict[str, Any]:
    """One pass over links and rules; its document."""
    return remote.change("/v1/reconcile", {"hold_down": hold_down}, progress)


def flip(remote: Remote, trunks: Iterable[str], progress: Progress | None) -> dict[str, Any]:
    """Switch trunks to their other path, in one snapshot; its document."""
    return remote.change("/v1/flips", {"trunks": list(trunks)}, progress)


def drain(remote: Remote, node: str, *, back: bool, progress: Progress | None) -> dict[str, Any]:
    """Drain a switch, or undrain it; its document."""
    return remote.change("/v1/drains", {"switch": node, "back": back}, progress)


def _snapshot(remote: Remote, answer: dict[str, Any]) -> int | None:
    with understood(remote.where):
        return int(answer["snapshot"]) if answer["snapshot"] is not None else None
