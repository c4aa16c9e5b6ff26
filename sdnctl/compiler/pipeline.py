"""The compiler: passes wired one after the other, a pure function of a network and a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sdnctl.compiler.abilities import Abilities
from sdnctl.compiler.attach import place_behind
from sdnctl.compiler.check import UNKNOWN_SWITCH, refusals
from sdnctl.compiler.failed import keep_stranded, remembered, usable
from sdnctl.compiler.ir import Baseline, Compiled, Network, Placement
from sdnctl.compiler.label import Labelled, label, next_baseline
from sdnctl.compiler.lower import lower
from sdnctl.compiler.place import Placer
from sdnctl.compiler.protect import Protection
from sdnctl.compiler.route import Router
from sdnctl.compiler.serialise import baseline_fingerprint, network_fingerprint
from sdnctl.compiler.switches import switch_settings
from sdnctl.compiler.tables import faults
from sdnctl.compiler.tags import with_tags
from sdnctl.dataplane.bulk import in_bulk
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import CompileError, Diagnostics
from sdnctl.topology.graph import Topology


@in_bulk()
def compile_network(
    network: Network,
    baseline: Baseline | None = None,
    *,
    optimise: bool = False,
    capabilities: Mapping[str, Abilities] | None = None,
) -> Compiled:
    """Compile demands into rules; what the baseline decided stays, unless infeasible or `optimise` is set.

    Raises CompileError with the diagnostics of *all* passes when any demand is refused or anything else is an
    error; warnings are in the result. `capabilities` (switch → what it declares) is optional.
    """
    return run_passes(network, baseline, optimise=optimise, capabilities=capabilities).compiled


@dataclass(frozen=True)
class Passes:
    """One compilation with what its passes came to, for whoever goes on from there (`compiler.increment`)."""

    network: Network
    placer: Placer
    placement: Placement
    protection: Protection
    labelled: Labelled
    compiled: Compiled


def run_passes(
    network: Network,
    baseline: Baseline | None = None,
    *,
    optimise: bool = False,
    capabilities: Mapping[str, Abilities] | None = None,
) -> Passes:
    """What `compile_network` does, step by step."""
    before = baseline if baseline is not None else Baseline()
    tagged = place_behind(in_order(network), before)
    network = tagged.network
    found = Diagnostics()
    found.extend(tagged.diagnostics)
    found.raise_if_errors(CompileError)  # an endpoint without tag would claim the whole port
    found.extend(refusals(network.topology, network.demands))
    if any(item.code == UNKNOWN_SWITCH for item in found):
        found.raise_if_errors(CompileError)

    # Only links that are down, and switches that are drained, excuse weaker protection; an edit that asks for too
    # much is refused.
    kept = _forgetting_paths(before) if optimise else before
    working = usable(network)
    router = Router(working.topology, working.settings, working.drained)
    placer = Placer(working, kept, router, degrade=bool(network.down or network.drained))
    placement = placer.run()
    protection = Protection(router, kept)
    protection.settle(placement, placement.paths, {demand.id: demand for demand in network.demands})
    found.extend(protection.diagnostics(working.topology))
    placement = keep_stranded(network, placement, before)
    found.extend(placement.diagnostics)
    labelled, findings = label(network, placement, protection.bypasses(), before)
    found.extend(findings)
    found.raise_if_errors(CompileError)

    rules, findings = lower(network, labelled, capabilities)
    found.extend(findings)
    _check(rules, found)
    found.raise_if_errors(CompileError)
    decided = remembered(network, next_baseline(labelled, rules, before), before)
    compiled = Compiled(
        settings=network.settings,
        topology=network.topology,
        classes=network.classes,
        demands=network.demands,
        trunks=labelled.trunks,
        bypasses=labelled.bypasses,
        rules=rules,
        switch_settings=switch_settings(network),
        baseline=with_tags(decided, network.topology, tagged.tags, before),
        network_fingerprint=network_fingerprint(network),
        baseline_fingerprint=baseline_fingerprint(before),
        diagnostics=found.sorted(),
        attachments=tagged.attachments,
    )
    return Passes(network, placer, placement, protection, labelled, compiled)


def _forgetting_paths(baseline: Baseline) -> Baseline:
    """The baseline without its choice of paths; numbers stay with whatever gets the same path again."""
    return replace(baseline, paths={}, standby={}, members={}, bypasses={}, flipped=frozenset())


def in_order(network: Network) -> Network:
    """The same network with everything sorted by id, so that the order of files decides nothing."""
    topology = network.topology
    return replace(
        network,
        topology=Topology(
            dict(sorted(topology.nodes.items())),
            dict(sorted(topology.links.items())),
            dict(sorted(topology.srlgs.items())),
            dict(sorted(topology.devices.items())),
        ),
        endpoints=dict(sorted(network.endpoints.items())),
        classes=dict(sorted(network.classes.items())),
        tenants=dict(sorted(network.tenants.items())),
        demands=tuple(sorted(network.demands, key=lambda demand: demand.id)),
    )


def _check(rules: Mapping[str, RuleSet], found: Diagnostics) -> None:
    """Hold the result against the pipeline's description: a fault here is one of sdnctl, not of its user."""
    for switch, held in rules.items():
        for fault in faults(held):
            found.error(
                "inconsistent-rules",
                fault,
                address=f"switch {switch}",
                hint="this is a fault in sdnctl: please report it with the network folder",
            )
