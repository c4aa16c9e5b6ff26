"""What a tenant sees, and what it may change: its own applications and nothing else. Pure functions.

A tenant's plan is held to more than its demands: the network, its classes and settings must be what they were, the
rules exactly what the compiler makes of these demands on what is applied, and nobody else may be interrupted. So a
plan that was written by hand cannot reach another tenant's traffic either.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sdnctl.compiler.ir import Baseline, Network
from sdnctl.compiler.pipeline import compile_network
from sdnctl.daemon.events import Event, Kind
from sdnctl.errors import Diagnostic, Forbidden, SdnctlError
from sdnctl.intents.demand import Demand
from sdnctl.plan.model import Effect, Plan
from sdnctl.store.state import State
from sdnctl.usecases.status import Status

# ── seeing ───────────────────────────────────────────────────────────────────────────────────────


def applications_of(state: State | None, tenants: Collection[str]) -> frozenset[str]:
    """Names of the applied applications of these tenants."""
    demands = state.compiled.demands if state is not None else ()
    return frozenset(demand.application for demand in demands if demand.tenant in tenants)


def own_status(found: Status, tenants: Collection[str]) -> Status:
    """A status as a tenant sees it: its applications, and of the network only its name and what is applied since
    when."""
    snapshot = replace(found.snapshot, summary="", plan=None, author="") if found.snapshot is not None else None
    return Status(
        network=found.network,
        snapshot=snapshot,
        pending=None,
        unreachable=(),
        switches=0,
        links=0,
        down=(),
        pinned=(),
        applications=tuple(one for one in found.applications if one.tenant in tenants),
        lab="",
        by=found.by,
        groups=tuple(one for one in found.groups if found.by == "tenant" and one.name in tenants),
    )


def own_drift(document: Mapping[str, Any], tenants: Collection[str]) -> dict[str, Any]:
    """A drift document as a tenant sees it: the findings about its demands, without their neighbours."""
    findings = []
    for one in document["findings"]:
        owners = [owner for owner in one["owners"] if owner["tenant"] in tenants]
        if owners:
            findings.append({**one, "owners": owners, "rule": None, "observed": None})
    return {
        "ok": not findings,
        "level": document["level"],
        "counts": {},
        "devices": [],
        "settings": [],
        "foreign": {},
        "attachments": [],
        "findings": findings,
    }


_TOLD: Mapping[Kind, str] = {
    Kind.TRUNK_MOVED: "traffic was moved to another way",
    Kind.PROTECTION_LOST: "protection is less than was asked for",
    Kind.PROTECTION_RESTORED: "protection is as was asked for again",
    Kind.CUT_OFF: "no way is left for some traffic",
    Kind.DRIFT: "a switch does not hold what was applied",
    Kind.DRIFT_CLEARED: "switches hold what was applied again",
    Kind.VERDICT: "it was verified",
}
"""Kinds that tenants are told of, in words that name nobody else."""


def own_event(event: Event, applications: Collection[str]) -> Event | None:
    """An event as the tenant of these applications sees it, None for one that is not about them."""
    if event.kind not in _TOLD:
        return None
    demands = [str(one) for name in ("demand", "demands") for one in _listed(event.detail.get(name))]
    named = {str(one) for name in ("application", "applications") for one in _listed(event.detail.get(name))}
    mine = sorted((named | {one.partition("/")[0] for one in demands}) & set(applications))
    if not mine:
        return None
    detail: dict[str, Any] = {"applications": mine}
    if demands:
        detail["demands"] = sorted(one for one in demands if one.partition("/")[0] in applications)
    subject = f"application {mine[0]}" if len(mine) == 1 else "applications"
    return replace(event, subject=subject, summary=f"{', '.join(mine)}: {_TOLD[event.kind]}", detail=detail)


def _listed(value: Any) -> Collection[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple | set | frozenset) else (value,)


# ── changing ─────────────────────────────────────────────────────────────────────────────────────


def check_own(tenants: frozenset[str], before: State | None, after: State, plan: Plan) -> None:
    """Raise Forbidden, with everything that is somebody else's, unless a change is these tenants' own."""
    found = [
        *_foreign_demands(tenants, before, after),
        *_foreign_ports(tenants, before, after),
        *_foreign_network(before, after),
    ]
    if not found:
        found += _foreign_impacts(tenants, after, plan)
        found += _not_compiled(before, after)
    if found:
        raise Forbidden(*found)


def _foreign_demands(tenants: frozenset[str], before: State | None, after: State) -> list[Diagnostic]:
    old = _by_id(before)
    new = _by_id(after)
    foreign: dict[str, set[str]] = {}
    for key in old.keys() | new.keys():
        was, will = old.get(key), new.get(key)
        if was == will:
            continue
        for one in (was, will):
            if one is not None and one.tenant not in tenants:
                foreign.setdefault(one.application, set()).add(one.tenant)
    return [
        _forbidden(
            f"the change concerns {application} of {', '.join(sorted(owners))}",
            f"intent {application}",
            "have a plan made that changes only your own applications",
        )
        for application, owners in sorted(foreign.items())
    ]


def _by_id(state: State | None) -> Mapping[str, Demand]:
    """Demands without the lines of files that they stand on: those move when others edit theirs."""
    return {one.id: _placeless(one) for one in state.compiled.demands} if state is not None else {}


def _placeless(demand: Demand) -> Demand:
    ingress, egress = replace(demand.ingress, source=None), replace(demand.egress, source=None)
    return replace(demand, source=None, ingress=ingress, egress=egress)


def _foreign_ports(tenants: frozenset[str], before: State | None, after: State) -> list[Diagnostic]:
    """Where customers are plugged in is inventory: a tenant cannot move an end, or put one on another's port."""
    ends = {end.id: end for one in _by_id(before).values() for end in (one.ingress, one.egress)}
    taken = {
        end.attachment: one.application
        for one in _by_id(before).values()
        if one.tenant not in tenants
        for end in (one.ingress, one.egress)
    }
    own = {
        end.attachment
        for one in _by_id(before).values()
        if one.tenant in tenants
        for end in (one.ingress, one.egress)
    }
    found = []
    for end in {end.id: end for one in _by_id(after).values() for end in (one.ingress, one.egress)}.values():
        known = ends.get(end.id)
        if known is not None and known != end:
            found.append(
                _forbidden(f"the plan changes where {end.id} is", f"endpoint {end.id}", "that is inventory")
            )
        elif known is None and end.attachment in taken and end.attachment not in own:
            what = f"{end.id} would be on a port of {taken[end.attachment]}"
            found.append(_forbidden(what, f"endpoint {end.id}", "ask whoever runs the network"))
    return found


def _foreign_network(before: State | None, after: State) -> list[Diagnostic]:
    if before is None:
        return [_forbidden("nothing is applied yet", "network", "whoever runs the network applies it first")]
    parts = {
        "switches and links": (before.compiled.topology, after.compiled.topology),
        "service classes": (before.compiled.classes, after.compiled.classes),
        "settings": (before.compiled.settings, after.compiled.settings),
        "links taken for failed": (before.down, after.down),
        "drained switches": (before.drained, after.drained),
        "switches that did not answer": (before.silent, after.silent) if after.silent else (None, None),
    }
    return [
        _forbidden(
            f"the plan changes the {what} of the network", "network", "have the plan made from what is applied"
        )
        for what, (was, will) in parts.items()
        if was != will
    ]


def _foreign_impacts(tenants: frozenset[str], after: State, plan: Plan) -> list[Diagnostic]:
    tenant = {demand.application: demand.tenant for demand in after.compiled.demands}
    return [
        _forbidden(
            f"{impact.application} of {tenant[impact.application]} would be interrupted: {impact.reason}",
            f"intent {impact.application}",
            "ask whoever runs the network",
        )
        for impact in plan.impacts
        if impact.effect is Effect.OUTAGE and tenant.get(impact.application, "") not in {"", *tenants}
    ]


def _not_compiled(before: State | None, after: State) -> list[Diagnostic]:
    """Whether the state is what the compiler makes of its own demands on what is applied."""
    compiled = after.compiled
    ends = {end.id: end for demand in compiled.demands for end in (demand.ingress, demand.egress)}
    network = Network(
        compiled.settings,
        compiled.topology,
        ends,
        compiled.classes,
        {},
        compiled.demands,
        after.down,
        after.drained,
    )
    try:
        made = compile_network(network, before.baseline if before is not None else Baseline())
    except SdnctlError as error:
        return [_forbidden("these demands cannot be carried", "network", error.diagnostics[0].summary)]
    if made.rules == compiled.rules and made.baseline == compiled.baseline and made.trunks == compiled.trunks:
        return []
    return [
        _forbidden(
            "the rules are not what the compiler makes of these demands",
            "network",
            "have the plan made on what is applied now (--baseline store)",
        )
    ]


def _forbidden(summary: str, address: str, hint: str) -> Diagnostic:
    return Diagnostic("forbidden", summary, address, hint=hint)
