"""Flip trunks of grade `disjoint` between their two paths: one group change at each ingress."""

from __future__ import annotations

from dataclasses import replace

from sdnctl.compiler.pipeline import compile_network
from sdnctl.daemon.moving import network_of
from sdnctl.errors import Diagnostic, StoreError
from sdnctl.store.state import State
from sdnctl.usecases.planning import proven


def flipped(state: State, *trunks: str) -> State:
    """The state with these trunks on their other path, proven; raises StoreError for those without a standby."""
    able = [one.key for one in state.compiled.trunks if one.standby is not None]
    have = ", ".join(able) or "none"
    unable = [
        Diagnostic("no-standby", f"trunk {trunk} has no standby path", hint=f"trunks that have one: {have}")
        for trunk in dict.fromkeys(trunks)
        if trunk not in able
    ]
    if unable:
        raise StoreError(*unable)
    baseline = replace(state.baseline, flipped=state.baseline.flipped ^ set(trunks))
    network = network_of(state.compiled, state.down, state.drained)
    after = State(compile_network(network, baseline), state.down, drained=state.drained)
    proven(after)
    return after
