"""Flip a trunk of grade `disjoint` between its two paths: one group change at its ingress."""

from __future__ import annotations

from dataclasses import replace

from sdnctl.compiler.pipeline import compile_network
from sdnctl.daemon.moving import network_of
from sdnctl.errors import Diagnostic, StoreError
from sdnctl.store.state import State
from sdnctl.usecases.planning import proven


def flipped(state: State, trunk: str) -> State:
    """The state with a trunk on its other path, proven; raises StoreError for one that has no standby."""
    if not any(one.key == trunk and one.standby is not None for one in state.compiled.trunks):
        have = ", ".join(one.key for one in state.compiled.trunks if one.standby is not None) or "none"
        raise StoreError(
            Diagnostic("no-standby", f"trunk {trunk} has no standby path", hint=f"trunks that have one: {have}")
        )
    baseline = replace(state.baseline, flipped=state.baseline.flipped ^ {trunk})
    network = network_of(state.compiled, state.down, state.drained)
    after = State(compile_network(network, baseline), state.down, drained=state.drained)
    proven(after)
    return after
