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
from collections.abc import Mapping
from typing import Any

from sdnctl.client import changes as asked
from sdnctl.compiler.codec import decode
from sdnctl.daemon.draining import drained
from sdnctl.daemon.flipping import flipped
from sdnctl.daemon.moving import Moved, Mover, Reconciled, Step, moves, named, network_of, solved
from sdnctl.errors import Diagnostic, StoreError
from sdnctl.plan.serialise import loads as read_plan
from sdnctl.southbound.fleet import Observation
from sdnctl.southbound.ports import links_down
from sdnctl.store.lease import Lease
from sdnctl.store.state import State
from sdnctl.usecases.auditing import audited
from sdnctl.usecases.computing import waited
from sdnctl.usecases.context import Context
from sdnctl.usecases.progress import Progress, listener, silent
from sdnctl.wording import counted

__all__ = ["Moved", "Reconciled", "Step", "drain", "flip", "moves", "network_of", "reconcile"]


def reconcile(context: Context, *, hold_down: bool = True, progress: Progress = silent) -> Reconciled:
    """One pass: look at ports and rules, and do what the module's docstring says.

    `hold_down` False releases healed links at once. Raises LeaseHeld when an apply is at work, StoreError
    when one was interrupted (`sdnctl apply` finishes it), and what `apply` raises for devices.
    """
    context.need_applied()
    if context.controller is not None:
        return _told(
            context, asked.reconcile(context.controller, hold_down=hold_down, progress=listener(progress))
        )
    with context.store.hold() as lease, audited(context, "reconcile", "links and rules"):
        _refuse_unfinished(context)
        return waited(_pass(context, lease, hold_down, progress))


def _refuse_unfinished(context: Context) -> None:
    if context.store.pending() is not None:
        raise StoreError(
            Diagnostic(
                "apply-unfinished",
                "an apply was interrupted; the controller does not move what is half applied",
                hint="`sdnctl apply` finishes it, `sdnctl rollback` undoes it",
            )
        )


async def _pass(context: Context, lease: Lease, hold_down: bool, progress: Progress) -> Reconciled:
    _, state = context.need_applied()
    async with context.fleet(state.compiled.topology) as fleet:
        return await one_pass(Mover(context, fleet, lease, progress=progress), state, hold_down)


async def one_pass(mover: Mover, state: State, hold_down: bool = True) -> Reconciled:
    """`reconcile` from what is applied, on a fleet that is open already, by whoever may write."""
    topology, fleet, compute = state.compiled.topology, mover.fleet, mover.compute
    steps: list[Step | None] = []
    moved: tuple[Moved, ...] = ()
    seen: Observation | None = None
    down = links_down(topology, await fleet.ports(), state.down)
    new, healed = down - state.down, state.down - down
    if new:
        pinned = state.changed(down=state.down | new, silent={})
        step, seen = await mover.move(state, pinned, f"pin {named(new)}", await fleet.observe())
        steps.append(step)
        state = pinned
    waiting = frozenset[str]()
    if healed and hold_down:
        await asyncio.sleep(state.compiled.settings.hold_down_ms / 1000)
        again = links_down(topology, await fleet.ports(), state.down)
        waiting = healed & again
        healed, down = healed - again, down | again
    wanted = (state.down | down) - healed
    seen = seen if seen is not None else await fleet.observe()
    if wanted != state.down or new:
        after = await compute(solved, state, wanted)
        moved = await compute(moves, state.compiled, after.compiled)
        action = f"move {counted(len(moved), 'trunks')}" if new else f"release {named(healed)}"
    else:
        after, action = state, "repair drift"
    step, _ = await mover.move(state, after, action, seen)
    steps.append(step)
    unreachable = tuple(node for node, one in (await fleet.ports()).items() if one is None)
    return Reconciled(after.down, healed, unreachable, _done(steps), moved, waiting)


def _done(steps: list[Step | None]) -> tuple[Step, ...]:
    return tuple(step for step in steps if step is not None)


def _change(context: Context, after: State, action: str, progress: Progress) -> Reconciled:
    """Bring devices from what is applied to another state, once."""
    _, state = context.need_applied()
    what, _, which = action.partition(" ")
    with context.store.hold() as lease, audited(context, what, which):
        _refuse_unfinished(context)

        async def work() -> Step | None:
            async with context.fleet(state.compiled.topology) as fleet:
                mover = Mover(context, fleet, lease, progress=progress)
                step, _ = await mover.move(state, after, action, await fleet.observe())
                return step

        steps = _done([waited(work())])
    return Reconciled(after.down, frozenset(), (), steps, moves(state.compiled, after.compiled))


def flip(context: Context, trunk: str, *, progress: Progress = silent) -> Reconciled:
    """Switch a `disjoint` trunk to its standby path, or back: one group change at its ingress."""
    if context.controller is not None:
        return _told(context, asked.flip(context.controller, [trunk], listener(progress)))
    _, state = context.need_applied()
    after = flipped(state, trunk)
    return _change(context, after, f"flip {trunk}", progress)


def drain(context: Context, node: str, *, back: bool = False, progress: Progress = silent) -> Reconciled:
    """Move everything that only passes through a switch away from it (`back`: let it carry again), hitless.

    Raises what `draining.drained` raises where that cannot be.
    """
    if context.controller is not None:
        return _told(context, asked.drain(context.controller, node, back=back, progress=listener(progress)))
    _, state = context.need_applied()
    after = drained(state, node, back=back)
    if after is state:
        return Reconciled(state.down, frozenset(), (), (), ())
    return _change(context, after, f"{'undrain' if back else 'drain'} {node}", progress)


def _told(context: Context, document: Mapping[str, Any]) -> Reconciled:
    """What a controller says that it did, as `documents.reconciled_document` writes it."""
    steps = []
    for one in document["steps"]:
        snapshot = context.store.snapshot(one["snapshot"])
        assert snapshot is not None, "a step is a snapshot"
        plan = read_plan(context.store.plan(snapshot.plan or ""))
        steps.append(Step(one["action"], one["snapshot"], plan, one["seconds"]))
    return Reconciled(
        frozenset(document["down"]),
        frozenset(document["healed"]),
        tuple(document["unreachable"]),
        tuple(steps),
        tuple(decode(Moved, one) for one in document["moved"]),
        frozenset(document["waiting"]),
    )
