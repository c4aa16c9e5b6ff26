"""Drain a switch: what only passes through leaves it, so that it can be upgraded without anybody noticing.

What begins or ends at the switch stays. Paths and bypasses of everything else avoid it, until it is undrained;
that it is drained is part of what is applied, so that plans, failures and restarts of the controller keep it. A
drain that leaves a demand no way is refused with the proof; one that only weakens protection is done, and says so.
"""

from __future__ import annotations

import difflib

from sdnctl.compiler.protection import stranded
from sdnctl.daemon.moving import solved
from sdnctl.errors import CompileError, Diagnostic, InputError
from sdnctl.store.state import State


def drained(state: State, node: str, *, back: bool = False) -> State:
    """The state with a switch drained (`back`: no longer), proven; the same one where it is so already.

    Raises InputError for a switch that does not exist, CompileError with the reasons where a demand
    would have no way.
    """
    topology = state.compiled.topology
    if node not in topology.nodes:
        close = difflib.get_close_matches(node, sorted(topology.nodes), n=3)
        raise InputError(
            Diagnostic(
                "no-such-switch",
                f"there is no switch {node}",
                address=f"switch {node}",
                hint=f"did you mean {' or '.join(close)}?" if close else "`sdnctl show switches` lists them",
            )
        )
    if (node in state.drained) is not back:
        return state
    wanted = state.drained - {node} if back else state.drained | {node}
    try:
        after = solved(state, state.down, wanted)
    except CompileError as error:
        raise CompileError(_refused(node), *error.diagnostics) from error
    if not back:
        _check_ways(state, after, node)
    return after


def _check_ways(before: State, after: State, node: str) -> None:
    """Raise CompileError for demands that only the drain leaves without a way.

    While links are down the compiler keeps a demand that has no way on the path it had. That is right for a
    failure; a drain must not make one.
    """
    lost = stranded(before.compiled, before.down)
    left = [
        Diagnostic(
            "no-path",
            f"while {', '.join(sorted(after.down))} is down, its only way runs through {node}",
            address=f"intent {trunk.demands[0].partition('/')[0]} demand {demand}",
            detail=" → ".join(trunk.path.nodes),
            hint="wait until the link is repaired",
        )
        for trunk in after.compiled.trunks
        if node in trunk.path.transit
        for demand in trunk.demands
        if demand not in lost
    ]
    if left:
        raise CompileError(_refused(node), *left)


def _refused(node: str) -> Diagnostic:
    return Diagnostic(
        "drain-refused",
        f"{node} cannot be drained: some demands have no other way",
        address=f"switch {node}",
        hint="the reasons follow; nothing was changed",
    )
