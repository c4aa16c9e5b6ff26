"""Apply: follow a plan exactly, stage by stage, journalled so that a killed apply is finished by the next.

The pending snapshot is written before any device is touched and becomes *applied* only after every
device has confirmed and read back. An apply that finds a pending snapshot first takes the network to it
(or back, where a device refuses it), because half of it may already be installed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from sdnctl.compiler.ir import Baseline
from sdnctl.compiler.revive import revive
from sdnctl.dataplane.values import RuleSet, SwitchSettings
from sdnctl.errors import (
    DeviceError,
    DeviceUnreachable,
    Diagnostic,
    StalePlan,
    VerificationFailed,
)
from sdnctl.plan.changes import settings_differ
from sdnctl.plan.model import Change, Op, Plan, SettingsChange, Stage, StageKind
from sdnctl.plan.serialise import dumps as dumps_plan
from sdnctl.plan.stale import check_stale
from sdnctl.southbound.fleet import Fleet, Observation, StageFailed
from sdnctl.store.lease import Lease
from sdnctl.store.state import State, dumps, loads
from sdnctl.usecases.context import Context
from sdnctl.usecases.planning import Prepared, check_outage, plan_between, settings_of
from sdnctl.usecases.progress import Progress, silent
from sdnctl.verify.held import compare


class ApplyStopped(DeviceError):
    """A stage could not be finished; what was done stays, and the next apply continues from there."""

    default_code = "apply-stopped"


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
    if plan.target != desired.compiled_fingerprint:
        raise StalePlan(
            Diagnostic(
                "stale-plan",
                "the plan was made for other intents, another inventory or another baseline",
                detail=f"the plan is for {plan.target[:12]}, the folder gives {desired.compiled_fingerprint[:12]}",
                hint="make a new plan from this folder",
            )
        )
    with context.store.hold() as lease:
        return asyncio.run(_apply(context, lease, desired, plan, allow_outage, reason, summary, made, progress))


async def _apply(
    context: Context,
    lease: Lease,
    desired: State,
    plan: Plan,
    allow_outage: frozenset[str],
    reason: str,
    summary: str,
    made: Prepared | None,
    progress: Progress,
) -> Outcome:
    if context.store.pending() is not None:
        raise StalePlan(
            Diagnostic(
                "apply-unfinished",
                "an earlier apply was interrupted, so this plan was made on a half-applied network",
                hint="`sdnctl apply` without a file first finishes it, then makes a new plan",
            )
        )
    applied = context.applied()
    previous = applied[1] if applied is not None else None
    async with _fleet(context, desired, previous) as fleet:
        observation = await fleet.observe()
        check_stale(plan, observation.rules, settings_of(observation))
        if made is None or made.applied is not previous or not _same(made.observation, observation):
            now = plan_between(desired, observation, previous)
            _check_same(plan, now)
            check_outage(now, allow_outage)
        else:  # a plan is a function of what was compared again
            check_outage(plan, allow_outage)
        result = desired.after(previous, observation.rule_sets)
        if plan.empty and previous is not None and result.fingerprint == previous.fingerprint:
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
            progress=progress,
        )
        return Outcome(number, plan)


async def follow(
    context: Context,
    fleet: Fleet,
    lease: Lease,
    desired: State,
    previous: State | None,
    plan: Plan,
    seen: Observation,
    *,
    reason: str,
    summary: str,
    progress: Progress = silent,
) -> tuple[int, Observation]:
    """Journal a plan, do it on an open fleet and close its snapshot; returns its number and what devices hold now.

    `seen` is what the plan was made from; only the devices that the plan touches, and those that were silent,
    are read back afterwards.
    """
    number = context.store.begin(
        lease,
        content=dumps(desired),
        fingerprint=desired.fingerprint,
        reason=reason,
        author=context.author,
        summary=summary,
        plan=(plan.fingerprint, dumps_plan(plan)),
    )
    return number, await _follow(context, fleet, lease, number, desired, previous, plan, seen, progress)


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


def _by_device(plan: Plan) -> dict[str, list[tuple[StageKind, tuple[Change | SettingsChange, ...]]]]:
    table: dict[str, list[tuple[StageKind, tuple[Change | SettingsChange, ...]]]] = {}
    for stage in plan.stages:
        for device, changes in stage.changes.items():
            table.setdefault(device, []).append((stage.kind, changes))
    return table


def summarise(plan: Plan) -> str:
    """One line for the history: what changed on how many devices."""
    devices = {device for stage in plan.stages for device in stage.changes}
    counts = ", ".join(
        f"{plan.count(op)} {word}"
        for op, word in ((Op.ADD, "added"), (Op.MODIFY, "changed"), (Op.DELETE, "removed"))
    )
    return f"{counts} on {len(devices)} switches"


async def _follow(
    context: Context,
    fleet: Fleet,
    lease: Lease,
    number: int,
    desired: State,
    previous: State | None,
    plan: Plan,
    seen: Observation,
    progress: Progress,
) -> Observation:
    """Do the stages of `plan`, read back, and close the snapshot; a refusal takes every switch back."""
    try:
        await _stages(context, fleet, lease, number, plan.stages, progress)
    except StageFailed as failure:
        if any(isinstance(fault, DeviceUnreachable) for fault in failure.faults.values()):
            context.store.note(
                lease, number, "stopped", {"stage": failure.stage.kind, "devices": sorted(failure.faults)}
            )
            raise ApplyStopped(
                *failure.diagnostics,
                Diagnostic(
                    "apply-stopped",
                    f"the plan stopped at its {failure.stage.kind} stage",
                    detail="what was confirmed stays installed; traffic still runs on what was there before"
                    if failure.stage.kind in {"settings", "prepare"}
                    else "",
                    hint="`sdnctl apply` completes it when the switch is back; `sdnctl rollback` undoes it",
                ),
            ) from failure
        await _back(context, fleet, lease, number, desired, previous, progress)
        raise DeviceError(
            *failure.diagnostics,
            Diagnostic("rolled-back", "a switch refused its changes; every switch is as it was before"),
        ) from failure
    return await _close(context, fleet, lease, number, desired, previous, plan, seen)


async def _stages(
    context: Context, fleet: Fleet, lease: Lease, number: int, stages: tuple[Stage, ...], progress: Progress
) -> None:
    for index, stage in enumerate(stages):
        progress(f"{stage.kind}: {len(stage.changes)} switches", index, len(stages))
        context.store.note(lease, number, "stage", {"index": index, "kind": stage.kind})
        await fleet.commit(stage)
        context.store.note(lease, number, "staged", {"index": index, "kind": stage.kind})
    progress("reading back", len(stages), len(stages))


async def _close(
    context: Context,
    fleet: Fleet,
    lease: Lease,
    number: int,
    desired: State,
    previous: State | None,
    plan: Plan,
    seen: Observation,
) -> Observation:
    """V2: planning again on what is read back must leave nothing to do; then the snapshot is what is applied."""
    touched = {device for stage in plan.stages for device in stage.changes}
    observation = seen.updated(await fleet.observe(sorted(touched | set(seen.unreachable))))
    rest = None if _held(desired, observation) else plan_between(desired, observation, previous)
    if rest is not None and not rest.empty:
        devices = sorted({device for stage in rest.stages for device in stage.changes})
        context.store.note(lease, number, "stopped", {"stage": "read-back", "devices": devices})
        held = compare({device: desired.rules.get(device, RuleSet()) for device in devices}, observation.rule_sets)
        raise VerificationFailed(
            *(
                Diagnostic(
                    "read-back",
                    f"{device} does not hold what was applied: {held.devices[device].summary}",
                    address=f"switch {device}",
                    hint="somebody else may be writing to it; `sdnctl apply` completes the plan",
                )
                for device in devices
            )
        )
    context.store.finish(lease, number, content=dumps(desired.after(previous, observation.rule_sets)))
    return observation


def _same(one: Observation, other: Observation) -> bool:
    return one.rule_sets == other.rule_sets and settings_of(one) == settings_of(other)


def _held(desired: State, observation: Observation) -> bool:
    """Whether every device holds what is desired and nothing else: then there is nothing left to plan.

    A device with foreign rules, a silent one, or one without a driver for settings takes the long way.
    """
    settings = desired.compiled.switch_settings
    return (
        all(device in observation.rules for device in desired.rules)
        and all(
            one is not None and one.rules == desired.rules.get(device, RuleSet())
            for device, one in observation.rules.items()
        )
        and all(
            held is not None and not (device in settings and settings_differ(held, settings[device]))
            for device, held in settings_of(observation).items()
        )
    )


async def _back(
    context: Context,
    fleet: Fleet,
    lease: Lease,
    number: int,
    desired: State,
    previous: State | None,
    progress: Progress,
) -> None:
    """Take every device back to the state before a pending snapshot, and abandon it.

    A device that does not answer may hold some of it: then the state that is gone back to is stored anew, with
    the numbers that must not be used for anything else before that device has let go of them.
    """
    state = previous if previous is not None else _nothing(desired)
    plan = plan_between(state, await fleet.observe(), desired)
    await _stages(context, fleet, lease, number, plan.stages, progress)
    observation = await fleet.observe()
    successor = None
    if observation.unreachable:
        left = state.based(revive(state.baseline, desired.baseline)).after(state, observation.rule_sets)
        successor = left.fingerprint, dumps(left)
    context.store.abandon(lease, number, "rolled back", successor=successor)


def _nothing(like: State) -> State:
    """The state of a network of these switches before the first apply: no demand, no rule."""
    nodes = like.compiled.topology.nodes
    return State(
        replace(
            like.compiled,
            demands=(),
            trunks=(),
            bypasses=(),
            rules={node: RuleSet() for node in nodes},
            switch_settings={node: SwitchSettings() for node in nodes},
            baseline=Baseline(),
        )
    )


def resume(context: Context, *, back: bool = False, progress: Progress = silent) -> int | None:
    """Finish (or with `back` undo) an apply that was interrupted; returns its snapshot, None if there was none."""
    pending = context.store.pending()
    if pending is None:
        return None
    with context.store.hold() as lease:
        pending = context.store.pending()  # its writer may have finished while we waited
        if pending is None:
            return None
        target = loads(context.store.content(pending.id))
        applied = context.applied()
        previous = applied[1] if applied is not None else None

        async def work() -> None:
            async with _fleet(context, target, previous) as fleet:
                context.store.note(lease, pending.id, "resumed", {"back": back})
                if back:
                    await _back(context, fleet, lease, pending.id, target, previous, progress)
                    return
                seen = await fleet.observe()
                plan = plan_between(target, seen, previous)
                await _follow(context, fleet, lease, pending.id, target, previous, plan, seen, progress)

        asyncio.run(work())
        return pending.id
