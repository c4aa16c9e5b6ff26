"""The way back: a plan to an earlier snapshot, made like any other plan."""

from __future__ import annotations

from dataclasses import dataclass

from sdnctl.compiler.ir import Network
from sdnctl.compiler.pipeline import compile_network
from sdnctl.compiler.revive import revive
from sdnctl.errors import Diagnostic, InputError
from sdnctl.store.state import State, loads
from sdnctl.store.store import Snapshot
from sdnctl.usecases.computing import waited
from sdnctl.usecases.context import Context
from sdnctl.usecases.planning import Prepared, observe, plan_between, proven
from sdnctl.usecases.progress import Progress, silent


@dataclass(frozen=True)
class WayBack(Prepared):
    """A plan to an earlier snapshot, and that snapshot's number."""

    to: int


def prepare_rollback(context: Context, to: int | None = None, *, progress: Progress = silent) -> WayBack:
    """The plan to snapshot `to`, or to the last one whose rules were others than the applied ones.

    Raises InputError when there is no such snapshot, or it was never applied.
    """
    state, desired, number = earlier_state(context, to)
    progress("proving every single failure", 1, 3)
    proof = proven(desired)
    progress("reading back", 2, 3)
    observation = waited(observe(context, desired, state))
    plan = plan_between(desired, observation, state)
    return WayBack(plan, desired, state, proof, observation, number)


def earlier_state(context: Context, to: int | None = None) -> tuple[State, State, int]:
    """What is applied, the state to go back to, and its snapshot's number; raises as `prepare_rollback` does."""
    current, state = context.need_applied()
    number, earlier = _before(context, current, state) if to is None else (to, _snapshot(context, to))
    return state, _again(earlier, state), number


def _before(context: Context, current: Snapshot, state: State) -> tuple[int, State]:
    number = current.parent
    while number is not None:
        earlier = _snapshot(context, number)
        if earlier.rules != state.rules:
            return number, earlier
        snapshot = context.store.snapshot(number)
        number = snapshot.parent if snapshot is not None else None
    raise InputError(
        Diagnostic(
            "nothing-before",
            "no other rules were applied before those of the applied snapshot",
            hint="`sdnctl history` lists the snapshots",
        )
    )


def _snapshot(context: Context, number: int) -> State:
    snapshot = context.store.snapshot(number)
    if snapshot is None or snapshot.state != "applied":
        what = "was never applied" if snapshot is not None else "does not exist"
        raise InputError(
            Diagnostic("no-such-snapshot", f"snapshot {number} {what}", hint="`sdnctl history` lists them")
        )
    return loads(context.store.content(number))


def _again(earlier: State, now: State) -> State:
    """What `earlier` asked for, compiled again: links may be down since, and numbers have another meaning."""
    compiled = earlier.compiled
    ends = {end.id: end for demand in compiled.demands for end in (demand.ingress, demand.egress)}
    topology = compiled.topology
    down, drained = now.down.intersection(topology.links), now.drained.intersection(topology.nodes)
    network = Network(compiled.settings, topology, ends, compiled.classes, {}, compiled.demands, down, drained)
    return State(compile_network(network, revive(earlier.baseline, now.baseline)), down, drained=drained)
