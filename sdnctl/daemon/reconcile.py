"""Reconcile with what was applied: pin after a cut, move what was hit, repair drift, unpin after healing.

The switches repair a cut themselves within milliseconds (fast failover). What is left to the controller,
in this order:

1. *pin*: groups that watch a dead port are fixed to their bypass, so that a flapping link moves nothing;
2. *move*: trunks that ran over the link get a new path under a new label, make before break, and bypasses
   that crossed it are rebuilt, so that the next failure is survived too;
3. after the link has been up for the hold-down time, *release*: pins go, trunks stay where they are.

Every move is a snapshot of its own: it changes what is *applied*, and the next plan keeps it. It never reads the
network folder.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace

from sdnctl.compiler.ir import Compiled, Network
from sdnctl.compiler.pipeline import compile_network
from sdnctl.compiler.protection import effective_grades
from sdnctl.errors import Diagnostic, StoreError
from sdnctl.plan.model import Plan
from sdnctl.southbound.fleet import Fleet, Observation
from sdnctl.southbound.ports import links_down
from sdnctl.store.lease import Lease
from sdnctl.store.state import State
from sdnctl.usecases.applying import follow
from sdnctl.usecases.context import Context
from sdnctl.usecases.planning import plan_between, proven
from sdnctl.usecases.progress import Progress, silent


@dataclass(frozen=True)
class Moved:
    """A trunk that was moved, or lost or regained protection: its key, application names, and both paths."""

    trunk: str
    applications: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    grade_before: str
    grade_after: str


@dataclass(frozen=True)
class Step:
    """One journalled move: what it was for, its snapshot, its plan and how long it took (seconds)."""

    action: str
    snapshot: int
    plan: Plan
    seconds: float


@dataclass(frozen=True)
class Reconciled:
    """What one pass found and did."""

    down: frozenset[str]
    healed: frozenset[str]
    unreachable: tuple[str, ...]
    steps: tuple[Step, ...]
    moved: tuple[Moved, ...]
    waiting: frozenset[str] = frozenset()


def network_of(compiled: Compiled, down: frozenset[str]) -> Network:
    """The network that was applied, with other links down: what a move is compiled from."""
    endpoints = {end.id: end for demand in compiled.demands for end in (demand.ingress, demand.egress)}
    return Network(compiled.settings, compiled.topology, endpoints, compiled.classes, {}, compiled.demands, down)


def moves(before: Compiled, after: Compiled) -> tuple[Moved, ...]:
    """Trunks whose path or protection differs between two compiled states."""
    old = {trunk.key: trunk for trunk in before.trunks}
    had, have = effective_grades(before), effective_grades(after)
    owner = {demand.id: demand.application for demand in after.demands}
    return tuple(
        Moved(
            trunk.key,
            tuple(sorted({owner[demand] for demand in trunk.demands})),
            old[trunk.key].path.nodes,
            trunk.path.nodes,
            had[trunk.key],
            have[trunk.key],
        )
        for trunk in after.trunks
        if trunk.key in old and (trunk.path != old[trunk.key].path or have[trunk.key] != had[trunk.key])
    )


def reconcile(context: Context, *, hold_down: bool = True, progress: Progress = silent) -> Reconciled:
    """One pass: look at ports and rules, and do what the module's docstring says.

    `hold_down` False releases healed links at once. Raises LeaseHeld when an apply is at work, StoreError
    when one was interrupted (`sdnctl apply` finishes it), and what `apply` raises for devices.
    """
    context.need_applied()
    with context.store.hold() as lease:
        if context.store.pending() is not None:
            raise StoreError(
                Diagnostic(
                    "apply-unfinished",
                    "an apply was interrupted; the controller does not move what is half applied",
                    hint="`sdnctl apply` finishes it, `sdnctl rollback` undoes it",
                )
            )
        return asyncio.run(_pass(context, lease, hold_down, progress))


async def _pass(context: Context, lease: Lease, hold_down: bool, progress: Progress) -> Reconciled:
    _, state = context.need_applied()
    topology = state.compiled.topology
    steps: list[Step] = []
    moved: tuple[Moved, ...] = ()
    seen: Observation | None = None
    async with context.fleet(topology) as fleet:
        down = links_down(topology, await fleet.counters(), state.down)
        new, healed = down - state.down, state.down - down
        if new:
            pinned = state.changed(down=state.down | new, silent={})
            seen = await _move(context, fleet, lease, state, pinned, f"pin {_names(new)}", steps, progress)
            state = pinned
        waiting = frozenset[str]()
        if healed and hold_down:
            await asyncio.sleep(state.compiled.settings.hold_down_ms / 1000)
            again = links_down(topology, await fleet.counters(), state.down)
            waiting = healed & again
            healed, down = healed - again, down | again
        wanted = (state.down | down) - healed
        if wanted != state.down or new:
            compiled = compile_network(network_of(state.compiled, wanted), state.baseline)
            after = State(compiled, wanted)
            proven(after)
            moved = moves(state.compiled, compiled)
            action = f"move {len(moved)} trunks" if new else f"release {_names(healed)}"
            await _move(context, fleet, lease, state, after, action, steps, progress, seen)
            state = after
        else:
            await _move(context, fleet, lease, state, state, "repair drift", steps, progress)
        unreachable = tuple(node for node, one in (await fleet.counters()).items() if one is None)
    return Reconciled(state.down, healed, unreachable, tuple(steps), moved, waiting)


def _names(links: frozenset[str]) -> str:
    return ", ".join(sorted(links))


async def _move(
    context: Context,
    fleet: Fleet,
    lease: Lease,
    before: State,
    after: State,
    action: str,
    steps: list[Step],
    progress: Progress,
    seen: Observation | None = None,
) -> Observation:
    """Plan from what is observed to `after`, journal it and do it; nothing where nothing differs.

    `seen` is what was read back just before, if it was. Returns what devices hold now.
    """
    start = time.monotonic()
    observation = seen if seen is not None else await fleet.observe()
    plan = plan_between(after, observation, before)
    if plan.empty and after.fingerprint == before.fingerprint:
        return observation
    snapshot, held = await follow(
        context,
        fleet,
        lease,
        after,
        before,
        plan,
        observation,
        reason="reconcile",
        summary=action,
        progress=progress,
    )
    steps.append(Step(action, snapshot, plan, time.monotonic() - start))
    return held


def flip(context: Context, trunk: str, *, progress: Progress = silent) -> Reconciled:
    """Switch a `disjoint` trunk to its standby path, or back: one group change at its ingress."""
    _, state = context.need_applied()
    flipped = state.baseline.flipped ^ {trunk}
    if not any(one.key == trunk and one.standby is not None for one in state.compiled.trunks):
        have = ", ".join(one.key for one in state.compiled.trunks if one.standby is not None) or "none"
        raise StoreError(
            Diagnostic("no-standby", f"trunk {trunk} has no standby path", hint=f"trunks that have one: {have}")
        )
    baseline = replace(state.baseline, flipped=frozenset(flipped))
    with context.store.hold() as lease:

        async def work() -> Reconciled:
            steps: list[Step] = []
            after = State(compile_network(network_of(state.compiled, state.down), baseline), state.down)
            proven(after)
            async with context.fleet(state.compiled.topology) as fleet:
                await _move(context, fleet, lease, state, after, f"flip {trunk}", steps, progress)
            return Reconciled(state.down, frozenset(), (), tuple(steps), ())

        return asyncio.run(work())
