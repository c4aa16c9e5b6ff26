"""Following a plan on an open fleet: stage after stage, journalled, each read back before the next relies on it.

The pending snapshot is written before any device is touched and becomes *applied* only after every device has
confirmed and everything has been read back. A device that refuses, or does not hold what it confirmed, takes
every device back. One that is lost on the way stops the plan there (`lost="stop"`: a person decides), or is left
to itself while the rest is completed round it (`lost="unknown"`: the controller's own moves; nobody waits there).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NoReturn, TypeAlias

from sdnctl.compiler.ir import Baseline
from sdnctl.compiler.revive import revive
from sdnctl.dataplane.values import RuleSet, SwitchSettings
from sdnctl.errors import DeviceError, DeviceUnreachable, Diagnostic, VerificationFailed
from sdnctl.plan.model import ATTACHING, Plan, Stage, StageKind
from sdnctl.plan.serialise import dumps as dumps_plan
from sdnctl.southbound.attaching import Told
from sdnctl.southbound.fleet import Fleet, NotHeld, Observation, StageFailed
from sdnctl.store.lease import Lease
from sdnctl.store.state import State, dumps, loads
from sdnctl.store.store import Snapshot
from sdnctl.usecases.computing import Compute, at_once
from sdnctl.usecases.context import Context
from sdnctl.usecases.planning import plan_between
from sdnctl.usecases.progress import Progress, silent
from sdnctl.usecases.readback import differences, exact

Lost: TypeAlias = Literal["stop", "unknown"]


class ApplyStopped(DeviceError):
    """A stage could not be finished; what was done stays, and the next apply continues from there."""

    default_code = "apply-stopped"


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
    author: str | None = None,
    progress: Progress = silent,
    lost: Lost = "stop",
    compute: Compute = at_once,
) -> tuple[int, Observation]:
    """Journal a plan, do it on an open fleet and close its snapshot; returns its number and what devices hold now.

    `seen` is what the plan was made from; only the devices that the plan touches, and those that were silent,
    are read back afterwards. `lost` says what happens when a device stops answering in the middle: ``stop``
    raises ApplyStopped and leaves the snapshot pending; ``unknown`` plans again round it, completes the rest and
    closes the snapshot, whose `State.silent` and `State.doubtful` say what that device may hold: it is in the
    observation's `unreachable`, even where it has come back by then, and the next plan brings it along. A device
    that restarted on the way is planned for once more, then left as unknown too; one that holds something else at
    the end has drifted, and the snapshot is applied all the same. `compute` does what takes long.

    Raises also DeviceError when a device refused, and (``stop``) VerificationFailed when one does not hold what it
    confirmed: every device is then as it was before and the snapshot abandoned, or it is pending after the last
    stage.
    """

    def begin() -> int:
        applied = context.applied()
        follows = applied is not None and applied[1] is previous
        return context.store.begin(
            lease,
            content=desired.text_after(applied[1], applied[0].id) if applied and follows else dumps(desired),
            fingerprint=desired.fingerprint,
            reason=reason,
            author=author or context.author,
            summary=summary,
            plan=(plan.fingerprint, dumps_plan(plan)),
        )

    await fleet.fence(lease.generation)
    number = await compute(begin)
    move = Move(context, fleet, lease, number, lost, compute, progress)
    return number, await move.forward(desired, previous, plan, seen)


async def complete(
    context: Context,
    fleet: Fleet,
    lease: Lease,
    pending: Snapshot,
    *,
    back: bool = False,
    lost: Lost = "stop",
    compute: Compute = at_once,
    progress: Progress = silent,
) -> None:
    """Finish (or with `back` undo) a snapshot that another process left pending; it may be half done anywhere."""
    target = await compute(lambda: loads(context.store.content(pending.id)))
    applied = context.applied()
    previous = applied[1] if applied is not None else None
    await fleet.fence(lease.generation)
    move = Move(context, fleet, lease, pending.id, lost, compute, progress)
    await move.note("resumed", {"back": back})
    if back:
        await move.back(target, previous)
        return
    seen = await fleet.observe()
    move.start(previous)
    move.leave(target, seen, seen.unreachable)
    plan = await compute(plan_between, target, seen, previous, doubtful=move.beside)
    await move.forward(target, previous, plan, seen)


@dataclass
class Move:
    """One pending snapshot on its way to being applied, or back.

    `left` are devices that the rest is done without; `beside` is what devices that cannot be asked may hold
    instead of what they are known to have held.
    """

    context: Context
    fleet: Fleet
    lease: Lease
    number: int
    lost: Lost = "stop"
    compute: Compute = at_once
    progress: Progress = silent
    left: set[str] = field(default_factory=set)
    beside: dict[str, tuple[RuleSet, ...]] = field(default_factory=dict)
    _touched: set[str] = field(default_factory=set)
    _drifted: set[str] = field(default_factory=set)  # confirmed everything, and hold something else at the end
    _again: set[str] = field(default_factory=set)  # did not hold what they confirmed, and get it once more

    def start(self, previous: State | None) -> None:
        """What was in doubt before this move still is."""
        if previous is not None:
            self.beside = {**previous.doubtful, **self.beside}

    async def forward(self, desired: State, previous: State | None, plan: Plan, seen: Observation) -> Observation:
        """Do a plan and close the snapshot; a refusal takes every device back."""
        self.start(previous)
        try:
            now = await self._through(desired, previous, plan, seen)
        except StageFailed as failure:
            attaching = failure.stage.kind in ATTACHING
            if not attaching and _silent(failure):
                await self._stopped(failure)
            await self.back(desired, previous)
            if attaching:
                text = "what was attached on devices was taken back; every switch and device is as it was before"
                hint = "a device that did not answer takes back by itself what it was not told to keep"
                said = Diagnostic("rolled-back", text, hint=hint if _silent(failure) else "")
                raise DeviceError(*failure.diagnostics, said) from failure
            if all(isinstance(fault, NotHeld) for fault in failure.faults.values()):
                text = "what was installed did not stay; every switch is as it was before"
                raise VerificationFailed(*failure.diagnostics, Diagnostic("rolled-back", text)) from failure
            text = "a switch refused its changes; every switch is as it was before"
            raise DeviceError(*failure.diagnostics, Diagnostic("rolled-back", text)) from failure
        return await self._close(desired, previous, seen, now)

    async def back(self, desired: State, previous: State | None) -> None:
        """Take every device back to the state before the pending one, and abandon it.

        A device that does not answer may hold some of it: then the state that is gone back to is stored anew, with
        the numbers that must not be used for anything else before that device has let go of them.
        """
        self.start(previous)
        state = previous if previous is not None else nothing(desired)
        seen = await self.fleet.observe()
        seen = seen.updated(_silence(self.left))
        self.leave(desired, seen, seen.unreachable)
        plan = await self.compute(plan_between, state, seen, desired, doubtful=self.beside)
        await self._through(state, desired, plan, seen)
        observation = (await self.fleet.observe()).updated(_silence(self.left))

        def abandon() -> None:
            successor = None
            if observation.unreachable:
                self.leave(desired, observation, observation.unreachable)
                known = state.based(revive(state.baseline, desired.baseline))
                known = known.after(
                    state, observation.read, doubtful=self.beside, attachments=observation.attached_read
                )
                successor = known.fingerprint, dumps(known)
            self.context.store.abandon(self.lease, self.number, "rolled back", successor=successor)

        await self.compute(abandon)

    def leave(self, desired: State, seen: Observation, devices: Iterable[str], empty: bool = False) -> None:
        """Go on without these: each may hold what was seen of it, all or some of what is desired, or nothing."""
        for device in devices:
            self.left.add(device)
            held = seen.rules.get(device)
            possible = [desired.rules.get(device, RuleSet()), *([held.rules] if held is not None else [])]
            possible += [RuleSet()] if empty else []
            known = self.beside.get(device, ())
            self.beside[device] = (*known, *(rules for rules in possible if rules not in known))

    async def note(self, event: str, detail: Mapping[str, object]) -> None:
        """Add to the journal of the snapshot."""
        await self.compute(self.context.store.note, self.lease, self.number, event, detail)

    # ── stages ───────────────────────────────────────────────────────────────────────────────────

    async def _through(self, desired: State, previous: State | None, plan: Plan, seen: Observation) -> Observation:
        """Do the stages of a plan, and plan again round devices that are lost, where that is wanted.

        Returns what was seen when the last plan was made: devices that were lost are unreachable in it.
        """
        while True:
            self._touched |= _devices(plan)
            try:
                await self._stages(plan.stages)
            except StageFailed as failure:
                gone = self._given_up(failure)
                if gone is None:
                    raise
                await self.note("lost", {"stage": failure.stage.kind, "devices": sorted(failure.faults)})
                for device in gone:
                    self.leave(desired, seen, [device], empty=isinstance(failure.faults[device], NotHeld))
                fresh = await self.fleet.observe(sorted(self._touched - self.left))
                self.leave(desired, seen, fresh.unreachable)
                seen = seen.updated(fresh).updated(_silence(gone, failure.faults))
                plan = await self.compute(plan_between, desired, seen, previous, doubtful=self.beside)
            else:
                return seen

    def _given_up(self, failure: StageFailed) -> set[str] | None:
        """Devices of a failed stage to go on without; None where the stage is not to be gone round."""
        if (
            self.lost == "stop"
            or failure.stage.kind in ATTACHING
            or not all(isinstance(fault, DeviceUnreachable | NotHeld) for fault in failure.faults.values())
        ):
            return None
        restarted = {device for device, fault in failure.faults.items() if isinstance(fault, NotHeld)}
        gone = failure.faults.keys() - (restarted - self._again)
        self._again |= restarted
        return set(gone)

    async def _stages(self, stages: tuple[Stage, ...]) -> None:
        """Commit stage after stage; what one made is read back before the next relies on it.

        PREPARE before packets are led to it; what leads packets to it before RETIRE takes the old way from under
        them, while they drain. At the end everything that was touched is read back as a whole.
        """
        turned: list[Stage] = []
        for index, stage in enumerate(stages):
            what = "devices" if stage.kind in ATTACHING else "switches"
            self.progress(f"{stage.kind}: {len(stage.changes)} {what}", index, len(stages))
            await self.note("stage", {"index": index, "kind": stage.kind})
            if stage.kind in (StageKind.DRAIN, StageKind.RETIRE):
                stage = await self._check(turned, stage)
                turned = []
            if stage.kind in ATTACHING:
                await self.fleet.attach(stage, self._hearing(stage, index, len(stages)))
            else:
                await self.fleet.commit(stage)
            if stage.kind is StageKind.PREPARE and index + 1 < len(stages):
                await self.fleet.check(stage)
            elif stage.kind in (StageKind.SWITCH, StageKind.ADMIT):
                turned.append(stage)
            await self.note("staged", {"index": index, "kind": stage.kind})
        self.progress("reading back", len(stages), len(stages))

    def _hearing(self, stage: Stage, index: int, stages: int) -> Told:
        """What is heard of devices on the way: steps and faults are journalled, the rest is progress."""

        async def told(event: str, detail: Mapping[str, object]) -> None:
            if event == "progress":
                what = f"{stage.kind}, {detail['step']}: {detail['done']} of {detail['of']} devices"
                self.progress(what, index, stages)
            else:
                await self.note(f"attachments-{event}", {"stage": stage.kind, **detail})

        return told

    async def _check(self, turned: Iterable[Stage], waiting: Stage) -> Stage:
        """Read stages back; returns the stage that comes next, with what it still has to wait."""
        clock = asyncio.get_running_loop().time
        start = clock()
        for stage in turned:
            await self.fleet.check(stage)
        spent = round((clock() - start) * 1000)
        return replace(waiting, wait_ms=max(waiting.wait_ms - spent, 0))

    async def _stopped(self, failure: StageFailed) -> NoReturn:
        await self.note("stopped", {"stage": failure.stage.kind, "devices": sorted(failure.faults)})
        raise ApplyStopped(
            *failure.diagnostics,
            Diagnostic(
                "apply-stopped",
                f"the plan stopped at its {failure.stage.kind} stage",
                detail="what was confirmed stays installed; traffic still runs on what was there before"
                if failure.stage.kind in {"attach", "settings", "prepare"}
                else "",
                hint="`sdnctl apply` completes it when the switch is back; `sdnctl rollback` undoes it",
            ),
        ) from failure

    # ── the end ──────────────────────────────────────────────────────────────────────────────────

    async def _close(
        self, desired: State, previous: State | None, seen: Observation, now: Observation
    ) -> Observation:
        """V2: planning again on what is read back must leave nothing to do; then the snapshot is what is applied.

        `seen` is from before the change; `now` the same, newer where devices were lost. A device that was silent
        when the plan was made and has come back since was not planned for: what it holds is noted, no more.
        """
        asked = (self._touched | set(now.unreachable)) - (self.left & self._touched)
        observation = now.updated(await self.fleet.observe(sorted(asked)))
        self.leave(desired, seen, self._touched & set(observation.unreachable))
        if not await self.compute(exact, desired, observation):
            planned = observation.updated(_silence(now.unreachable))
            rest = await self.compute(plan_between, desired, planned, previous, doubtful=self.beside)
            if not rest.empty:
                await self._differs(desired, observation, sorted(_devices(rest)))
        drifted = self._drifted

        def finish() -> None:
            result = desired.after(previous, observation.read, seen.read, self.beside, observation.attached_read)
            if drifted & result.silent.keys():  # they were given it, and somebody else took it away
                known = {device: rules for device, rules in result.silent.items() if device not in drifted}
                result = result.changed(silent=known)
            self.context.store.finish(
                self.lease, self.number, content=None if result is desired else dumps(result)
            )
            self.context.keep(result)

        await self.compute(finish)
        return observation

    async def _differs(self, desired: State, observation: Observation, devices: list[str]) -> None:
        """Some devices confirmed everything, and hold something else: that is drift, or the end of an apply."""
        if self.lost == "unknown":
            self._drifted |= set(devices)
            await self.note("drifted", {"stage": "read-back", "devices": devices})
            return
        await self.note("stopped", {"stage": "read-back", "devices": devices})
        raise VerificationFailed(*differences(desired, observation, devices))


def _devices(plan: Plan) -> set[str]:
    return {device for stage in plan.stages for device in stage.changes}


def _silent(failure: StageFailed) -> bool:
    return any(isinstance(fault, DeviceUnreachable) for fault in failure.faults.values())


def _silence(devices: Iterable[str], faults: Mapping[str, DeviceError] | None = None) -> Observation:
    """What is seen of devices that are not asked."""
    devices = set(devices)
    why = {device: fault for device, fault in (faults or {}).items() if device in devices}
    return Observation(dict.fromkeys(sorted(devices)), faults=why)


def nothing(like: State) -> State:
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
            attachments={device: {} for device in like.compiled.topology.devices},
        )
    )
