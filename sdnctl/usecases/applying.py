"""Apply: a plan that somebody reviewed is followed exactly, and refused where it does not fit any more.

An apply that finds a pending snapshot first takes the network to it (or back, where a device refuses it), because
half of it may already be installed. How a plan is followed is in `following`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sdnctl.client import changes as asked
from sdnctl.errors import Diagnostic, StalePlan
from sdnctl.plan.model import ATTACHING, DeviceChange, Op, Plan, StageKind
from sdnctl.plan.serialise import dumps as dumps_plan
from sdnctl.plan.stale import check_stale
from sdnctl.southbound.fleet import Fleet, Observation
from sdnctl.store.lease import Lease
from sdnctl.store.state import State, dumps, loads
from sdnctl.store.store import Snapshot
from sdnctl.usecases.auditing import audited
from sdnctl.usecases.computing import Compute, at_once, waited
from sdnctl.usecases.context import Context
from sdnctl.usecases.following import ApplyStopped, complete, follow
from sdnctl.usecases.planning import Prepared, check_outage, plan_between, settings_of
from sdnctl.usecases.progress import Progress, listener, silent
from sdnctl.wording import counted

__all__ = ["ApplyStopped", "Outcome", "apply", "carry_out", "follow", "resume", "summarise"]


@dataclass(frozen=True)
class Outcome:
    """What an apply did: the snapshot's number (None when there was nothing to do) and what it followed."""

    snapshot: int | None
    plan: Plan


def apply(
    context: Context,
    desired: State,
    plan: Plan,
    *,
    allow_outage: frozenset[str] = frozenset(),
    reason: str = "apply",
    summary: str = "",
    made: Prepared | None = None,
    progress: Progress = silent,
) -> Outcome:
    """Follow `plan` to `desired`; `made` is what the plan came with, where it was made just now.

    Raises StalePlan when the folder, what was applied or a device changed since the plan was made, OutageRefused
    when a protected class would be interrupted, LeaseHeld when another writer is at work, ApplyStopped when a
    device was lost in the middle, VerificationFailed when what is read back is not what was sent.
    """
    try:
        return _apply(context, desired, plan, allow_outage, reason, summary, made, progress)
    except StalePlan as error:
        number = next((one.id for one in context.store.history() if _done(one, plan)), None)
        if number is None:
            raise
        raise StalePlan(
            Diagnostic(
                "stale-plan",
                f"this plan was already applied as snapshot {number}",
                hint="`sdnctl plan` says what is to be done now",
            )
        ) from error


def _done(snapshot: Snapshot, plan: Plan) -> bool:
    return snapshot.state == "applied" and snapshot.plan == plan.fingerprint


def _apply(
    context: Context,
    desired: State,
    plan: Plan,
    allow_outage: frozenset[str],
    reason: str,
    summary: str,
    made: Prepared | None,
    progress: Progress,
) -> Outcome:
    _check_target(desired, plan)
    if context.controller is not None:
        number = asked.apply(
            context.controller,
            plan=dumps_plan(plan),
            state=dumps(desired),
            allow_outage=allow_outage,
            reason=reason,
            summary=summary,
            progress=listener(progress),
        )
        return Outcome(number, plan)
    summary = summary or summarise(plan)
    with context.store.hold() as lease, audited(context, reason, summary, plan.fingerprint):

        async def work() -> Outcome:
            previous = _previous(context)
            async with _fleet(context, desired, previous) as fleet:
                return await carry_out(
                    context,
                    fleet,
                    lease,
                    desired,
                    plan,
                    allow_outage=allow_outage,
                    reason=reason,
                    summary=summary,
                    made=made,
                    progress=progress,
                )

        return waited(work())


async def carry_out(
    context: Context,
    fleet: Fleet,
    lease: Lease,
    desired: State,
    plan: Plan,
    *,
    allow_outage: frozenset[str] = frozenset(),
    reason: str = "apply",
    summary: str = "",
    author: str | None = None,
    made: Prepared | None = None,
    progress: Progress = silent,
    compute: Compute = at_once,
) -> Outcome:
    """`apply` on an open fleet, by whoever holds the lease; `fleet` has the switches of before and after."""
    _check_target(desired, plan)
    if await compute(context.store.pending) is not None:
        raise StalePlan(
            Diagnostic(
                "apply-unfinished",
                "an earlier apply was interrupted, so this plan was made on a half-applied network",
                hint="`sdnctl apply` without a file first finishes it, then makes a new plan",
            )
        )
    previous = await compute(_previous, context)
    observation = await fleet.observe()

    def check() -> bool:
        """Whether there is anything to do; raises what speaks against it."""
        check_stale(plan, observation.rules, settings_of(observation), observation.attachments)
        if made is None or made.applied is not previous or not _same(made.observation, observation):
            now = plan_between(desired, observation, previous)
            _check_same(plan, now)
            check_outage(now, allow_outage)
        else:  # a plan is a function of what was compared again
            check_outage(plan, allow_outage)
        result = desired.after(previous, observation.rule_sets, attachments=observation.attached_read)
        return not plan.empty or previous is None or result.fingerprint != previous.fingerprint

    if not await compute(check):
        return Outcome(None, plan)
    number, _ = await follow(
        context,
        fleet,
        lease,
        desired,
        previous,
        plan,
        observation,
        reason=reason,
        summary=summary or summarise(plan),
        author=author,
        progress=progress,
        compute=compute,
    )
    return Outcome(number, plan)


def _check_target(desired: State, plan: Plan) -> None:
    if plan.target != desired.compiled_fingerprint:
        raise StalePlan(
            Diagnostic(
                "stale-plan",
                "the plan was made for other intents, another inventory or baseline, or by another sdnctl",
                detail=f"the plan is for {plan.target[:12]}, the folder gives {desired.compiled_fingerprint[:12]}",
                hint="make a new plan from this folder",
            )
        )


def _previous(context: Context) -> State | None:
    applied = context.applied()
    return applied[1] if applied is not None else None


def _fleet(context: Context, desired: State, previous: State | None) -> Fleet:
    before = previous.compiled.topology if previous is not None else None
    return context.fleet(desired.compiled.topology, before)


def _check_same(plan: Plan, now: Plan) -> None:
    """Raise StalePlan unless the plan does, change by change, what would be planned now.

    That covers what fingerprints of the touched devices cannot: another writer's apply, drift elsewhere, and a
    plan that somebody wrote by hand.
    """
    if plan.stages == now.stages:
        return
    before, after = _by_device(plan), _by_device(now)
    differ = sorted(device for device in before.keys() | after.keys() if before.get(device) != after.get(device))
    raise StalePlan(
        Diagnostic(
            "stale-plan",
            "the network needs other changes than the plan has",
            address=f"switch {', '.join(differ)}" if differ else "",
            detail="switches were changed by somebody else, or the plan was not made by `sdnctl plan`",
            hint="plan again",
        )
    )


def _by_device(plan: Plan) -> dict[str, list[tuple[StageKind, tuple[DeviceChange, ...]]]]:
    table: dict[str, list[tuple[StageKind, tuple[DeviceChange, ...]]]] = {}
    for stage in plan.stages:
        for device, changes in stage.changes.items():
            table.setdefault(device, []).append((stage.kind, changes))
    return table


def summarise(plan: Plan) -> str:
    """One line for the history: what changed on how many devices."""
    switches = {device for stage in plan.stages if stage.kind not in ATTACHING for device in stage.changes}
    devices = {device for stage in plan.stages if stage.kind in ATTACHING for device in stage.changes}
    counts = ", ".join(
        f"{plan.count(op)} {word}"
        for op, word in ((Op.ADD, "added"), (Op.MODIFY, "changed"), (Op.DELETE, "removed"))
    )
    return f"{counts} on {counted(len(switches), 'switches')}" + (
        f" and {counted(len(devices), 'devices')}" if devices else ""
    )


def _same(one: Observation, other: Observation) -> bool:
    return (
        one.rule_sets == other.rule_sets
        and settings_of(one) == settings_of(other)
        and one.attached == other.attached
    )


def resume(context: Context, *, back: bool = False, progress: Progress = silent) -> int | None:
    """Finish (or with `back` undo) an apply that was interrupted; returns its snapshot, None if there was none."""
    pending = context.store.pending()
    if pending is None:
        return None
    if context.controller is not None:
        return asked.resume(context.controller, back=back, progress=listener(progress))
    with context.store.hold() as lease:
        pending = context.store.pending()  # its writer may have finished while we waited
        if pending is None:
            return None
        with audited(context, "resume", f"{'undo' if back else 'finish'} snapshot {pending.id}", pending.plan):
            target = loads(context.store.content(pending.id))
            applied = context.applied()
            previous = applied[1] if applied is not None else None

            async def work() -> None:
                async with _fleet(context, target, previous) as fleet:
                    await complete(context, fleet, lease, pending, back=back, progress=progress)

            waited(work())
        return pending.id
