"""Answers of the controller's own moves as JSON documents, as `usecases.documents` has the others."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sdnctl.daemon.moving import Reconciled
from sdnctl.plan.summary import summary


def reconciled_document(found: Reconciled) -> dict[str, Any]:
    """`controller reconcile`, `flip`, `drain`: each step is a snapshot; trunks with other paths or protection."""
    return {
        "ok": True,
        "down": sorted(found.down),
        "healed": sorted(found.healed),
        "waiting": sorted(found.waiting),
        "unreachable": list(found.unreachable),
        "steps": [
            {
                "action": step.action,
                "snapshot": step.snapshot,
                "seconds": round(step.seconds, 3),
                "summary": asdict(summary(step.plan)),
            }
            for step in found.steps
        ],
        "moved": [asdict(one) for one in found.moved],
    }
