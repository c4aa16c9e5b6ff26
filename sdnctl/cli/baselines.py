"""`show baseline`: what was applied, as a file that stands for the store where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sdnctl.wording import counted

if TYPE_CHECKING:
    from sdnctl.cli.app import Invocation


def show_baseline(invocation: Invocation, out: Path | None) -> None:
    """Say what was applied last, and write it to a file for ``--baseline FILE``."""
    from sdnctl.usecases.files import write_state

    snapshot, state = invocation.context.need_applied()
    if out is not None:
        write_state(state, out)
    compiled = state.compiled
    document = {
        "snapshot": snapshot.id,
        "fingerprint": state.fingerprint,
        "baseline": compiled.baseline_fingerprint,
        "trunks": len(compiled.trunks),
        "demands": len(compiled.demands),
        "down": sorted(state.down),
        "drained": sorted(state.drained),
        "silent": sorted(state.silent),
        "file": str(out) if out is not None else None,
    }
    counts = ", ".join((counted(len(compiled.trunks), "trunks"), counted(len(compiled.demands), "demands")))
    said = [f"snapshot {snapshot.id}: {counts}"]
    said += [f"{word}: {', '.join(sorted(items))}" for word, items in _apart(state.down, state.drained) if items]
    end = (
        f"written to {out}: `plan --baseline {out}` plans from it where there is no store"
        if out is not None
        else ""
    )
    invocation.output.show(
        "show", lambda: {"what": "baseline", **document}, lambda: [*said, *([end] if end else [])]
    )


def _apart(down: frozenset[str], drained: frozenset[str]) -> tuple[tuple[str, frozenset[str]], ...]:
    return ("links that are down", down), ("drained switches", drained)
