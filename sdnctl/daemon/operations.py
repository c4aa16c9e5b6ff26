"""What can be asked of a running controller: reads at any time, changes in turn.

Reads wait neither for changes nor for what is being computed. A change takes a turn, is told as events (begun,
each stage, done or failed) with the `id` of its `Call`, and leaves a line in the audit trail with who asked, the
plan and the result. What is long and pure runs in the hub's thread, so that the event loop goes on answering
switches and other callers.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sdnctl.daemon.carrying import carry, finish_pending, need_lease
from sdnctl.daemon.draining import drained
from sdnctl.daemon.events import Kind, Severity
from sdnctl.daemon.flipping import flipped
from sdnctl.daemon.hub import Hub
from sdnctl.daemon.moving import Mover, Reconciled, named
from sdnctl.daemon.newcomers import Newcomers, waiting
from sdnctl.daemon.reconcile import one_pass
from sdnctl.daemon.turns import Urgency
from sdnctl.errors import Diagnostic, InputError, SdnctlError
from sdnctl.plan.model import Plan
from sdnctl.southbound.base import Counters
from sdnctl.southbound.fleet import Observation
from sdnctl.store.lease import Lease
from sdnctl.store.state import State
from sdnctl.usecases.applying import Outcome, carry_out, summarise
from sdnctl.usecases.drifting import Drift, compared
from sdnctl.usecases.following import complete
from sdnctl.usecases.planning import Prepared, check_outage, plan_between, proven
from sdnctl.usecases.progress import Progress
from sdnctl.usecases.rolling_back import WayBack, earlier_state
from sdnctl.usecases.status import Status, standing
from sdnctl.usecases.verifying import Verification, kinds_of, prove, read_back, verdicts_of

Check = Callable[[State | None, State, Plan], None]
"""Called with what is applied, what is to be, and the plan; raises what speaks against it."""


@dataclass
class Call:
    """One request for a change: who asks, an id that its events carry, and whether its turn has come.

    Until then whoever asked may go away and nothing happens; from then on it is finished whatever they do.
    """

    by: str
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    begun: bool = False


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


async def status(hub: Hub, by: str = "application") -> Status:
    """Where things stand; asks every switch that is connected."""
    return await asyncio.to_thread(standing, hub.context, await hub.fleet.ports(), by, hub.damped)


async def drift(hub: Hub) -> Drift:
    """What switches hold against what was applied."""
    _, state = await asyncio.to_thread(hub.context.need_applied)
    return await asyncio.to_thread(compared, state, await hub.fleet.observe())


async def observe(
    hub: Hub, devices: Iterable[str] | None = None, newcomers: Mapping[str, int] | None = None
) -> Observation:
    """Read back rules and settings; raises InputError for a switch that the controller does not know.

    `newcomers`: datapath ids of switches that dialled in, by what they are to be called.
    """
    if devices is not None:
        _known(devices, (*hub.fleet.devices(), *hub.fleet.devices("attachments")))
    found = await hub.fleet.observe(devices)
    if not newcomers:
        return found
    async with Newcomers(hub.fleet, waiting(newcomers)) as fleet:
        return found.updated(await fleet.observe(sorted(newcomers)))


async def counters(hub: Hub) -> Mapping[str, Counters | None]:
    """Ports and packet counters of every switch."""
    return await hub.fleet.counters()


async def verify(hub: Hub, *, live: bool = True, failures: str = "all") -> Verification:
    """V1 on the applied rules; with `live` on those that are read back, and V2. Verdicts of live ones are kept."""
    kinds = kinds_of(failures)
    snapshot, state = await asyncio.to_thread(hub.context.need_applied)
    why = "the controller has no hosts to send probes from: `sdnctl verify --live` does, where a lab runs"
    if not live:
        proof = await hub.compute(prove, state.compiled, state.rules, kinds, state.down)
        return Verification("applied rules", proof.report, why_no_v3=why)
    observation = await hub.fleet.observe()

    def judge() -> Verification:
        report, held = read_back(state, observation, kinds)
        found = Verification("rules read back", report, held, None, why)
        hub.context.store.record_verdicts(verdicts_of(snapshot.id, state, found))
        return found

    return await hub.compute(judge)


async def plan(hub: Hub, desired: State) -> Prepared:
    """The plan that leads to a state from what switches hold now, with its proof; changes nothing."""
    applied = await hub.compute(hub.applied)
    state = applied[1] if applied is not None else None
    proof = await hub.compute(proven, desired)
    observation = await _observe_for(hub, desired, state)
    made = await hub.compute(plan_between, desired, observation, state)
    return Prepared(made, desired, state, proof, observation)


async def _observe_for(hub: Hub, desired: State, applied: State | None) -> Observation:
    """What the switches of a state hold; those that are new to the network are asked over connections of this
    moment, because nothing is decided yet."""
    have = frozenset((*hub.fleet.devices(), *hub.fleet.devices("attachments")))
    new = frozenset((*desired.compiled.topology.nodes, *desired.compiled.topology.devices)) - have
    seen = await hub.fleet.observe()
    if not new:
        return seen
    before = applied.compiled.topology if applied is not None else None
    topologies = (before, desired.compiled.topology) if before is not None else (desired.compiled.topology,)
    targets = {key: found for one in topologies for key, found in hub.context.targets(one).items()}
    async with Newcomers(hub.fleet, targets) as fleet:
        return seen.updated(await fleet.observe(sorted(new)))


# ── changing ─────────────────────────────────────────────────────────────────────────────────────


async def apply(
    hub: Hub,
    call: Call,
    desired: State,
    plan: Plan,
    *,
    allow_outage: frozenset[str] = frozenset(),
    reason: str = "apply",
    summary: str = "",
    check: Check | None = None,
) -> Outcome:
    """Follow a plan exactly; raises what `usecases.applying.apply` raises, and what `check` does.

    The state is proven (V1) again: it comes from outside, and nothing goes to switches that was not.
    """
    await hub.compute(_prove_once, hub, desired)
    async with _changing(hub, call, reason, summary or summarise(plan), plan) as change:
        applied = await hub.compute(hub.applied)
        state = applied[1] if applied is not None else None
        if check is not None:
            await hub.compute(check, state, desired, plan)
        return await _carry_out(hub, call, change, state, desired, plan, allow_outage, reason, summary)


async def rollback(
    hub: Hub, call: Call, to: int | None = None, *, allow_outage: frozenset[str] = frozenset()
) -> tuple[Outcome, int]:
    """Go back to an earlier snapshot, default the last one with other rules; returns its number, too."""
    where = f"to {to if to is not None else 'the one before'}"
    async with _changing(hub, call, "rollback", where) as change:
        made = await _way_back(hub, to)
        change.plan = made.plan
        check_outage(made.plan, allow_outage)
        summary = f"back to snapshot {made.to}: {summarise(made.plan)}"
        outcome = await _carry_out(
            hub, call, change, made.applied, made.desired, made.plan, allow_outage, "rollback", summary, made
        )
        return outcome, made.to


async def _way_back(hub: Hub, to: int | None) -> WayBack:
    state, desired, number = await hub.compute(earlier_state, hub.context, to)
    proof = await hub.compute(proven, desired)
    observation = await _observe_for(hub, desired, state)
    made = await hub.compute(plan_between, desired, observation, state)
    return WayBack(made, desired, state, proof, observation, number)


async def resume(hub: Hub, call: Call, *, back: bool = False) -> int | None:
    """Finish, or undo, an apply that was interrupted; its snapshot, None where there is none."""
    if await hub.compute(hub.context.store.pending) is None:
        return None
    async with _changing(hub, call, "resume", "undo" if back else "finish") as change:
        pending = await hub.compute(hub.context.store.pending)
        if pending is None:
            return None
        await complete(
            hub.context, hub.fleet, change.lease, pending, back=back, compute=hub.compute, progress=change.progress
        )
        return pending.id


async def reconcile(hub: Hub, call: Call, *, hold_down: bool = True) -> Reconciled:
    """One pass over links and rules, as `controller reconcile` does it."""
    async with _changing(hub, call, "reconcile", "links and rules") as change:
        state = await _settled_state(hub, change.lease)
        mover = Mover(hub.context, hub.fleet, change.lease, "unknown", hub.compute, change.progress, call.by)
        return change.made(await one_pass(mover, state, hold_down))


async def flip(hub: Hub, call: Call, trunks: Sequence[str]) -> Reconciled:
    """Switch trunks to their other path, all of them in one snapshot."""
    what = f"flip {named(trunks)}"
    async with _changing(hub, call, "flip", named(trunks)) as change:
        state = await _settled_state(hub, change.lease)
        after = await hub.compute(flipped, state, *trunks)
        return change.made(await carry(hub, state, after, what, by=call.by))


async def drain(hub: Hub, call: Call, switch: str, *, back: bool = False) -> Reconciled:
    """Drain a switch, or (`back`) let it carry again."""
    word = "undrain" if back else "drain"
    async with _changing(hub, call, word, switch) as change:
        state = await _settled_state(hub, change.lease)
        after = await hub.compute(drained, state, switch, back=back)
        if after is state:
            return Reconciled(state.down, frozenset(), (), (), ())
        return change.made(await carry(hub, state, after, f"{word} {switch}", by=call.by))


async def _settled_state(hub: Hub, lease: Lease) -> State:
    """What is applied, once nothing is half done; raises InputError before the first apply."""
    await finish_pending(hub, lease)
    return (await hub.compute(hub.context.need_applied))[1]


async def _carry_out(
    hub: Hub,
    call: Call,
    change: _Change,
    before: State | None,
    desired: State,
    plan: Plan,
    allow_outage: frozenset[str],
    reason: str,
    summary: str,
    made: Prepared | None = None,
) -> Outcome:
    """`carry_out` with connections to the switches of before and after, and to those of after when it is done."""
    topology = desired.compiled.topology
    old = before.compiled.topology if before is not None else topology
    moved = old.nodes != topology.nodes or before is None
    if moved:
        await hub.reach(old, topology)
    outcome = await carry_out(
        hub.context,
        hub.fleet,
        change.lease,
        desired,
        plan,
        allow_outage=allow_outage,
        reason=reason,
        summary=summary,
        author=call.by,
        made=made,
        progress=change.progress,
        compute=hub.compute,
    )
    if moved:
        await hub.reach(topology)
    return outcome


def _prove_once(hub: Hub, desired: State) -> None:
    """V1, unless these very rules are what is applied."""
    applied = hub.applied()
    if applied is None or applied[1].compiled_fingerprint != desired.compiled_fingerprint:
        proven(desired)


def _known(devices: Iterable[str], have: Iterable[str]) -> None:
    unknown = sorted(set(devices) - set(have))
    if unknown:
        raise InputError(
            Diagnostic(
                "no-such-switch",
                f"no switch is named {', '.join(unknown)}",
                hint="`sdnctl show switches` lists them",
            )
        )


@dataclass
class _Change:
    """A turn that is held: who may write, how stages are told, and the plan, as soon as there is one."""

    lease: Lease
    progress: Progress
    plan: Plan | None = None

    def made(self, found: Reconciled) -> Reconciled:
        """The plan of the last step is what the audit trail names."""
        if found.steps:
            self.plan = found.steps[-1].plan
        return found


@asynccontextmanager
async def _changing(
    hub: Hub, call: Call, what: str, summary: str, plan: Plan | None = None
) -> AsyncIterator[_Change]:
    """A turn with its events and its line in the audit trail; raises LeaseHeld when this process may not write."""
    detail: dict[str, Any] = {"operation": call.id, "by": call.by, "action": what}

    def progress(step: str, done: int, total: int) -> None:
        hub.events.publish(Kind.CHANGE_STAGE, what, step, done=done, total=total, **detail)

    async def noted(plan: Plan | None, result: str) -> None:
        fingerprint = plan.fingerprint if plan is not None else None
        await hub.compute(hub.context.store.record_audit, call.by, what, summary, plan=fingerprint, result=result)

    async with hub.turns.turn(Urgency.REQUEST, f"{what}: {summary}", call.by):
        call.begun = True
        hub.events.publish(Kind.CHANGE_BEGUN, what, f"{what} by {call.by}: {summary}", **detail)
        change: _Change | None = None
        try:
            change = _Change(need_lease(hub), progress, plan)
            yield change
        except SdnctlError as error:
            first = error.diagnostics[0]
            text = f"{what} by {call.by} failed: {first.summary}"
            hub.events.publish(
                Kind.CHANGE_FAILED, what, text, severity=Severity.WARNING, code=first.code, **detail
            )
            await noted(change.plan if change else plan, first.code[:64])
            raise
        except BaseException:
            hub.events.publish(Kind.CHANGE_FAILED, what, f"{what} broke off", severity=Severity.CRITICAL, **detail)
            await noted(change.plan if change else plan, "broken-off")
            raise
        hub.events.publish(Kind.CHANGE_DONE, what, f"{what} by {call.by} is done", **detail)
        await noted(change.plan, "done")
