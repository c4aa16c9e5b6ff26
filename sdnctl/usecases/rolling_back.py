"""The way back: a plan to an earlier snapshot, made like any other plan."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from sdnctl.errors import Diagnostic, InputError
from sdnctl.store.state import State, loads
from sdnctl.usecases.applying import resume
from sdnctl.usecases.context import Context
from sdnctl.usecases.planning import Prepared, prepare_on, proven
from sdnctl.usecases.progress import Progress, silent


def prepare_rollback(context: Context, to: int | None, *, progress: Progress = silent) -> Prepared | None:
    """The plan to snapshot `to`, or to the one before the applied one.

    An interrupted apply is undone first; when that was all that was asked for (no `to`), returns None.
    """
    undone = resume(context, back=True, progress=progress)
    if undone is not None and to is None:
        return None
    current, state = context.need_applied()
    number = current.parent if to is None else to
    if number is None:
        raise InputError(
            Diagnostic(
                "nothing-before", "there is no snapshot before the applied one", hint="see `sdnctl history`"
            )
        )
    snapshot = context.store.snapshot(number)
    if snapshot is None or snapshot.state != "applied":
        what = "was never applied" if snapshot is not None else "does not exist"
        raise InputError(Diagnostic("no-such-snapshot", f"snapshot {number} {what}", hint="see `sdnctl history`"))
    earlier = loads(context.store.content(number))
    # Labels that were freed since must not come back into use before every switch forgot them, and links
    # that are down now are down whatever the snapshot says.
    quarantine = {**earlier.baseline.quarantine, **state.baseline.quarantine}
    held = {trunk.label for trunk in earlier.compiled.trunks} | {
        trunk.standby_label for trunk in earlier.compiled.trunks
    }
    baseline = replace(
        earlier.baseline,
        quarantine={label: holders for label, holders in quarantine.items() if label not in held},
    )
    desired = State(
        replace(earlier.compiled, baseline=baseline), state.down & frozenset(earlier.compiled.topology.links)
    )
    proof = proven(desired)

    async def work() -> Prepared:
        async with context.fleet(desired.compiled.topology) as fleet:
            plan, observation = await prepare_on(fleet, desired, state)
            return Prepared(plan, desired, state, proof, observation.faults)

    return asyncio.run(work())
