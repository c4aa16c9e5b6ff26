"""Links that are known to be down: paths and bypasses avoid them, and nobody is thrown out because of them.

The passes place and protect see the network without these links. A demand that was carried and now has no path
keeps the one it had, without protection, so that it works again in the moment the link does.
"""

from __future__ import annotations

from dataclasses import replace

from sdnctl.compiler.ir import Baseline, Network, Placement
from sdnctl.errors import Diagnostic, Severity
from sdnctl.intents.demand import Demand, Grade
from sdnctl.topology.graph import Path
from sdnctl.topology.paths import exists


def usable(network: Network) -> Network:
    """The network without the links that are down."""
    return replace(network, topology=network.topology.without(links=network.down)) if network.down else network


def keep_stranded(network: Network, placement: Placement, baseline: Baseline) -> Placement:
    """The placement with refused demands back on the dead path that they had, and their refusal as a warning.

    Only while links are down, and only for trunks that nobody else took to another path.
    """
    if not network.down:
        return placement
    by_id = {demand.id: demand for demand in network.demands}
    paths, grades = dict(placement.paths), dict(placement.grades)
    members = dict(placement.members)
    stranded = [key for key in placement.refused if key in baseline.members]
    for key in stranded:
        trunk = baseline.members[key]
        path = baseline.paths.get(trunk)
        if trunk in placement.paths or path is None or not _fits(network, path, by_id[key]):
            continue
        standby = baseline.standby.get(trunk)
        if standby is not None and not _fits(network, standby, by_id[key]):
            standby = None
        paths[trunk], grades[trunk] = (path, standby), Grade.NONE
        members[trunk] = tuple(sorted((*members.get(trunk, ()), key)))
    return replace(
        placement,
        paths=dict(sorted(paths.items())),
        grades=dict(sorted(grades.items())),
        members=dict(sorted(members.items())),
        refused=tuple(key for key in placement.refused if key not in baseline.members),
        diagnostics=tuple(_softened(item, frozenset(stranded)) for item in placement.diagnostics),
    )


def remembered(network: Network, baseline: Baseline, before: Baseline) -> Baseline:
    """The baseline in which demands that are cut off are still known to have had a way.

    One whose old way is no longer in the plan has no trunk; the next compilation must not take it for new and
    refuse it, and everything else with it, while links are down.
    """
    if not network.down:
        return baseline
    had = {
        demand.id: before.members[demand.id]
        for demand in network.demands
        if demand.id in before.members and demand.id not in baseline.members
    }
    return replace(baseline, members=dict(sorted({**baseline.members, **had}.items()))) if had else baseline


def _fits(network: Network, path: Path, demand: Demand) -> bool:
    """Whether the path is still there in the plant and joins the demand's ends."""
    ends = demand.ingress.attachment.node, demand.egress.attachment.node
    return exists(network.topology, path) and (path.nodes[0], path.nodes[-1]) == ends


def _softened(item: Diagnostic, stranded: frozenset[str]) -> Diagnostic:
    if item.severity is Severity.ERROR and item.address.rpartition("demand ")[2] in stranded:
        return replace(item, severity=Severity.WARNING)
    return item
