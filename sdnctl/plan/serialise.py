"""Plans as JSON: a documented, versioned contract (``"format": 1``), protected by a fingerprint.

The document is one object: ``format``, ``kind`` ("plan"), ``fingerprint`` and ``plan`` (all other fields of
`Plan`). The fingerprint is the SHA-256 of the canonical text (sorted keys, no blanks) of ``plan``.
"""

from __future__ import annotations

import json
from dataclasses import replace

from sdnctl.compiler.codec import Json, decode, encode, fingerprint
from sdnctl.errors import AlteredPlan, Diagnostic, PlanError
from sdnctl.plan.model import Plan

FORMAT = 1


def plan_fingerprint(plan: Plan) -> str:
    """SHA-256 of all fields but the fingerprint itself, hex."""
    return fingerprint(_body(plan))


def dumps(plan: Plan) -> str:
    """JSON text of a plan: the same plan gives the same bytes, one line per field level for people and diffs."""
    document = {"format": FORMAT, "kind": "plan", "fingerprint": plan.fingerprint, "plan": _body(plan)}
    return json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False) + "\n"


def loads(text: str) -> Plan:
    """Read what `dumps` wrote.

    Raises PlanError if this is not a plan of a known format, AlteredPlan if it does not match its fingerprint.
    """
    try:
        document = json.loads(text)
        if not isinstance(document, dict) or document.get("kind") != "plan":
            raise ValueError("it has no kind 'plan'")
    except ValueError as error:
        raise PlanError(
            Diagnostic(
                "not-a-plan", "this is not a plan", detail=str(error), hint="make one with `sdnctl plan -o`"
            )
        ) from error
    if document.get("format") != FORMAT:
        raise PlanError(
            Diagnostic(
                "plan-format",
                f"plan format {document.get('format')} is not known to this sdnctl (it knows {FORMAT})",
                hint="use the sdnctl that made it, or plan again",
            )
        )
    if document.keys() != {"format", "kind", "fingerprint", "plan"}:
        raise _altered(f"its fields are {', '.join(sorted(document))}")
    if fingerprint(document["plan"]) != document["fingerprint"]:
        raise _altered("the text does not match its fingerprint")
    try:
        return decode(Plan, {**document["plan"], "fingerprint": document["fingerprint"]})
    except (ValueError, TypeError, AttributeError) as error:
        raise _altered(str(error)) from error


def check_altered(plan: Plan) -> None:
    """Raise AlteredPlan if a plan in memory does not match its fingerprint."""
    if plan_fingerprint(plan) != plan.fingerprint:
        raise _altered("its fields do not match its fingerprint")


def _altered(detail: str) -> AlteredPlan:
    return AlteredPlan(
        Diagnostic("altered-plan", "the plan was altered after it was made", detail=detail, hint="plan again")
    )


def _body(plan: Plan) -> Json:
    data = encode(replace(plan, fingerprint=""))
    del data["fingerprint"]
    return data
