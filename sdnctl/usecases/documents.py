"""Answers as JSON documents: the shapes that `--format json` prints and the API returns, made in one place.

Every function gives the part that belongs to its answer; `format`, `command` and `ok` of an error are added by
whoever sends it. Keys are never renamed within a format; new ones may be added.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sdnctl.errors import Diagnostic, Severity

if TYPE_CHECKING:
    from sdnctl.plan.attachments import DeviceAttachments
    from sdnctl.store.store import JournalEntry, Snapshot
    from sdnctl.usecases.applying import Outcome
    from sdnctl.usecases.drifting import Drift, Located
    from sdnctl.usecases.planning import Prepared
    from sdnctl.usecases.status import Status
    from sdnctl.usecases.verifying import Verification

FORMAT = 1
"""Version of all these documents."""


def diagnostic_document(item: Diagnostic) -> dict[str, Any]:
    """A diagnostic as JSON."""
    return item.to_json()


def plan_document(prepared: Prepared) -> dict[str, Any]:
    """`plan`: the plan itself, its numbers, the proof of its rules, and what there is to warn of."""
    from sdnctl.plan.serialise import dumps
    from sdnctl.plan.summary import summary

    return {
        "ok": True,
        "empty": prepared.plan.empty,
        "summary": asdict(summary(prepared.plan)),
        "plan": json.loads(dumps(prepared.plan)),
        "proof": prepared.proof.document if prepared.proof is not None else None,
        "diagnostics": [diagnostic_document(item) for item in plan_warnings(prepared)],
    }


def plan_warnings(prepared: Prepared) -> tuple[Diagnostic, ...]:
    """What the compiler had to say, and the switches that did not answer."""
    silent = tuple(
        Diagnostic(item.code, item.summary, item.address, item.source, item.detail, item.hint, Severity.WARNING)
        for fault in prepared.faults.values()
        for item in fault.diagnostics
    )
    return (*prepared.desired.compiled.diagnostics, *silent)


def outcome_document(outcome: Outcome, resumed: int | None) -> dict[str, Any]:
    """`apply`: the new snapshot (None where nothing was to do) and the plan that was followed."""
    from sdnctl.plan.summary import summary

    return {
        "ok": True,
        "snapshot": outcome.snapshot,
        "resumed": resumed,
        "summary": asdict(summary(outcome.plan)),
        "plan": outcome.plan.fingerprint,
    }


def verification_document(found: Verification) -> dict[str, Any]:
    """`verify`: the report of every level that was asked for."""
    return {
        "ok": found.ok,
        "subject": found.subject,
        "v1": found.v1.to_json(),
        "v2": found.v2.to_json() if found.v2 is not None else None,
        "v3": found.v3.to_json() if found.v3 is not None else None,
        "why_no_v3": found.why_no_v3,
        "v3_sampled": found.sampled,
    }


def status_document(found: Status) -> dict[str, Any]:
    """`status`: `ok` while every switch answers, every link is up and no apply was interrupted."""
    return {"ok": not found.unreachable and not found.down and found.pending is None, **asdict(found)}


def drift_document(found: Drift) -> dict[str, Any]:
    """`drift`: switch by switch; `ok` while all hold what was applied."""
    return {
        "ok": found.clean,
        **found.held.to_json(),
        "settings": list(found.settings),
        "foreign": found.foreign,
        "attachments": [_attached_document(one) for one in found.attachments.values()],
        "findings": [finding_document(one) for one in found.findings],
    }


def _attached_document(one: DeviceAttachments) -> dict[str, Any]:
    return {
        "device": one.device,
        "status": "unknown" if one.unknown else "match" if one.ok else "drift",
        "matching": one.matching,
        "missing": len(one.missing),
        "extra": len(one.extra),
        "altered": len(one.altered),
    }


def finding_document(one: Located) -> dict[str, Any]:
    """One rule or attachment that is not as applied (or a device that was silent), whose it is, and its glass."""
    from sdnctl.plan.drift import shown

    found = one.finding
    return {
        "switch": found.device,
        "state": str(found.state),
        "rule": shown(found.rule) if found.rule is not None else None,
        "observed": shown(found.observed) if found.observed is not None else None,
        "what": found.what,
        "owners": [
            {"application": owner.application, "tenant": owner.tenant, "class": owner.service_class}
            for owner in found.owners
        ],
        "links": list(found.links),
        "cables": list(one.glass.cables),
        "ducts": list(one.glass.ducts),
    }


def history_document(found: Sequence[Snapshot]) -> dict[str, Any]:
    """`history`: snapshots, newest first."""
    return {"snapshots": [asdict(one) for one in found]}


def journal_document(found: Sequence[JournalEntry]) -> dict[str, Any]:
    """`history NUMBER`: the journal of one snapshot."""
    return {"journal": [{**asdict(one), "detail": dict(one.detail)} for one in found]}
