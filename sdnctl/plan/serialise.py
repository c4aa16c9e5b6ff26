"""Plans as JSON: a documented, versioned contract (``"format": 2``), protected by a fingerprint.

The document is one object: ``format``, ``kind`` ("plan"), ``fingerprint`` and ``plan`` (all other fields of
`Plan`; changes as `plan.lines` writes them, one a line). The fingerprint is the SHA-256 of the canonical text
(sorted keys, no blanks) of ``plan``. Format 1, in which changes had all their field names, is still read.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from sdnctl.compiler.codec import Json, canonical, decode, encode, fingerprint
from sdnctl.dataplane.bulk import in_bulk
from sdnctl.errors import AlteredPlan, Diagnostic, PlanError, brief
from sdnctl.plainjson import parse_json
from sdnctl.plan.lines import Lines, read_stages, stage_lines, stage_text
from sdnctl.plan.model import Plan

FORMAT = 2


@in_bulk()
def plan_fingerprint(plan: Plan) -> str:
    """SHA-256 of all fields but the fingerprint itself, hex."""
    return sha256(_body(plan, stage_lines(plan.stages)).encode()).hexdigest()


@in_bulk()
def dumps(plan: Plan) -> str:
    """JSON text of a plan: the same plan gives the same bytes, one line per change for people and diffs."""
    body = _body(plan, stage_lines(plan.stages), "\n")
    return f'{{"fingerprint":"{plan.fingerprint}","format":{FORMAT},"kind":"plan",\n"plan":{body}}}\n'


def _body(plan: Plan, lines: list[Lines], between: str = "") -> str:
    """The canonical text of ``plan``, or the same with line breaks."""
    head = encode(replace(plan, stages=(), fingerprint=""))
    texts = [stage_text(stage, one, between) for stage, one in zip(plan.stages, lines, strict=True)]
    parts = [
        f'"stages":[{",".join(texts)}]' if name == "stages" else f"{canonical(name)}:{canonical(head[name])}"
        for name in sorted(head)
        if name != "fingerprint"
    ]
    return f"{{{f',{between}'.join(parts)}}}"


@in_bulk()
def loads(text: str) -> Plan:
    """Read what `dumps` wrote.

    Raises PlanError if this is not a plan of a known format, AlteredPlan if it does not match its fingerprint.
    """
    try:
        document = parse_json(text)
    except ValueError as error:
        raise _no_plan(str(error)) from error
    return read(document)


@in_bulk()
def read(document: Json) -> Plan:
    """Read the JSON value of a plan; raises as `loads` does."""
    if not isinstance(document, dict) or document.get("kind") != "plan":
        raise _no_plan("it has no kind 'plan'")
    if document.get("format") not in (1, FORMAT):
        raise PlanError(
            Diagnostic(
                "plan-format",
                f"plan format {brief(repr(document.get('format')), 40)} is not known to this sdnctl "
                f"(it knows 1 to {FORMAT})",
                hint="use the sdnctl that made it, or plan again",
            )
        )
    if document.keys() != {"format", "kind", "fingerprint", "plan"}:
        raise _altered(f"its fields are {', '.join(sorted(document))}")
    try:
        if fingerprint(document["plan"]) != document["fingerprint"]:
            raise _altered("the text does not match its fingerprint")
        return _read(document)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise _altered(str(error)) from error


def _read(document: Json) -> Plan:
    body = {**document["plan"], "fingerprint": document["fingerprint"]}
    if document["format"] == FORMAT:
        return replace(decode(Plan, {**body, "stages": []}), stages=read_stages(body["stages"]))
    plan = decode(Plan, body)
    return replace(plan, fingerprint=plan_fingerprint(plan))


def check_altered(plan: Plan) -> None:
    """Raise AlteredPlan if a plan in memory does not match its fingerprint."""
    if plan_fingerprint(plan) != plan.fingerprint:
        raise _altered("its fields do not match its fingerprint")


def _no_plan(detail: str) -> PlanError:
    return PlanError(
        Diagnostic("not-a-plan", "this is not a plan", detail=brief(detail), hint="make one with `sdnctl plan -o`")
    )


def _altered(detail: str) -> AlteredPlan:
    return AlteredPlan(
        Diagnostic(
            "altered-plan", "the plan was altered after it was made", detail=brief(detail), hint="plan again"
        )
    )
