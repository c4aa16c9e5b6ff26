"""Proving again after a small change: what was proven of the same rules stays proven.

Only where the run before left nothing open, and only while the change adds to the core without altering it: no
label's rule, no hop's group and no port's entry goes or becomes another one. Then no packet that had a way takes
another, as a new label is met by nobody but its own packets, and what is to be proven is what is new. Otherwise
all is proven anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sdnctl.compiler.ir import Trunk
from sdnctl.intents.demand import Demand, Endpoint, Grade
from sdnctl.verify.change import Change
from sdnctl.verify.edge import Edges
from sdnctl.verify.forms import Fields
from sdnctl.verify.ground import Given
from sdnctl.verify.reading import TRANSIT_TABLE, Forms
from sdnctl.verify.swift import (
    Proof,
    Proven,
    Shares,
    WayKey,
    addresses_agree,
    core_rules,
    edge_rules,
    judge,
    label_ways,
    local,
    look_around,
    proof,
    read_demands,
)
from sdnctl.verify.ways import Way


def onward(
    last: Proven,
    given: Given,
    forms: Mapping[str, Forms],
    disputed: Mapping[str, set[Fields]],
    changes: Mapping[str, Change],
) -> Proven | None:
    """Prove what is new; None where the change is not of the kind that can be followed."""
    if not last.clean or given.classes != last.given.classes or any(disputed[node] for node in changes):
        return None
    added = {
        (node, label)
        for node, changed in changes.items()
        for flow in changed.flows
        if flow.table == TRANSIT_TABLE and (label := forms[node].label_of(flow)) is not None
    }
    if added & last.missed or _hops_near_standbys(last, forms, changes):
        return None
    touched = {id(flow) for changed in changes.values() for flow in changed.gone}
    for node, changed in changes.items():
        if changed.gone_meters:
            police = last.forms[node].police.values()
            touched.update(id(item.flow) for item in police if item.meter in changed.gone_meters)
    proofs, todo = _kept(last, given, touched)
    lost = [item for key, item in last.proofs.items() if key not in proofs]
    edges = Edges(forms, disputed, given.classes)
    _own(edges, last, lost, (demand.ingress.attachment.node for demand in todo))
    reads, ways = read_demands(todo, given.trunk_of, edges, last.ground.down)
    fresh = _fresh(last, ways)
    if len(reads) < len(todo) or edges.shared or fresh is None:
        return None
    result = Proven(given, last.ground, forms, disputed, edges.owned, set(), proofs)
    result.missed, result.core_used, result.ways = last.missed, last.core_used, {**last.ways}
    if (fresh or added) and not _more_core(result, fresh, added):
        return None
    altered = bool(lost or touched)
    result.shares = Shares() if altered else last.shares.copy()
    for read in reads:
        found = local(read, result.ground) if read.way is None else result.ways[read.way][1]
        proofs[read.demand.id] = proof(read, found)
        result.shares.add(proofs[read.demand.id])
    if lost and result.ways.keys() != {item.read.way for item in proofs.values()} - {None}:
        return None
    if altered:
        used = {rule for item in proofs.values() for rule in edge_rules(item.read.edge)}
        result.used = result.core_used | used
        result.shares.add(*proofs.values())
    else:
        result.idle = {node: found for node, found in last.idle.items() if node not in changes}
        used = {rule for read in reads for rule in edge_rules(read.edge)}
        result.used = last.used | result.core_used | used if used or added else last.used
    look_around(result)
    return None if result.leaking or result.suspect or not addresses_agree(forms.values()) else result


def _hops_near_standbys(last: Proven, forms: Mapping[str, Forms], changes: Mapping[str, Change]) -> bool:
    """Whether a new hop's group could carry the standby of a way that was proven without it."""
    nodes = {
        node
        for node, changed in changes.items()
        if any(item.id in forms[node].groups.hops for item in changed.groups)
    }
    return any(way.node in nodes and way.grade is Grade.DISJOINT for way, _ in last.ways.values())


def _kept(last: Proven, given: Given, touched: set[int]) -> tuple[dict[str, Proof], list[Demand]]:
    """Proofs that stand, and the demands that have none."""
    proofs: dict[str, Proof] = {}
    todo: list[Demand] = []
    ends: dict[tuple[int, int], bool] = {}
    trunks: dict[tuple[int, int], bool] = {}
    for demand in given.demands:
        old = last.proofs.get(demand.id)
        if old is None:
            todo.append(demand)
            continue
        before, trunk = old.read.demand, given.trunk_of.get(demand.id)
        if before is demand and old.read.trunk is trunk and not touched:
            proofs[demand.id] = old
            continue
        pair = id(old.read.trunk), id(trunk)
        same = trunks.get(pair)
        if same is None:
            same = trunks[pair] = _same_trunk(old.read.trunk, trunk)
        if same and before is not demand:
            same = _same_demand(before, demand, ends)
        if same and touched and not touched.isdisjoint(edge_rules(old.read.edge)):
            same = False
        if same:
            proofs[demand.id] = old
        else:
            todo.append(demand)
    return proofs, todo


def _same_trunk(old: Trunk | None, new: Trunk | None) -> bool:
    """Whether two trunks go the same ways under the same labels; who uses them and how much is no matter here."""
    if old is new or old is None or new is None:
        return old is new
    return (
        (old.key, old.label, old.grade, old.standby_label, old.flipped)
        == (new.key, new.label, new.grade, new.standby_label, new.flipped)
        and old.path == new.path
        and old.standby == new.standby
    )


_JUDGED = (
    "application",
    "tenant",
    "service",
    "service_class",
    "cir",
    "eir",
    "grade",
    "latency",
    "avoid",
    "exclusive",
    "mtu",
)
"""What of a demand V1 looks at, beside its ends: not where it was written down."""


def _same_demand(old: Demand, new: Demand, ends: dict[tuple[int, int], bool]) -> bool:
    for one, other in ((old.ingress, new.ingress), (old.egress, new.egress)):
        pair = id(one), id(other)
        same = ends.get(pair)
        if same is None:
            same = ends[pair] = _same_end(one, other)
        if not same:
            return False
    return all(getattr(old, name) == getattr(new, name) for name in _JUDGED)


def _same_end(old: Endpoint, new: Endpoint) -> bool:
    return old is new or (
        (old.id, old.attachment, old.vlan, old.prefixes, old.mac)
        == (new.id, new.attachment, new.vlan, new.prefixes, new.mac)
    )


def _own(edges: Edges, last: Proven, lost: Iterable[Proof], nodes: Iterable[str]) -> None:
    """Start with the rules of the first tables that the demands own which stay."""
    edges.owned = {**last.owned}
    for node in {*nodes, *(item.read.demand.ingress.attachment.node for item in lost)}:
        edges.owned[node] = set(last.owned[node])
    for item in lost:
        edges.owned[item.read.demand.ingress.attachment.node].difference_update(map(id, item.read.edge.first))


def _fresh(last: Proven, ways: Mapping[WayKey, Way]) -> dict[WayKey, Way] | None:
    """Ways that were not judged before; None where one was, but for smaller frames or another trunk."""
    fresh: dict[WayKey, Way] = {}
    for key, way in ways.items():
        known = last.ways.get(key)
        if known is None:
            fresh[key] = way
        elif known[0].size < way.size or not _same_trunk(known[0].trunk, way.trunk):
            return None
    return fresh


def _more_core(result: Proven, fresh: Mapping[WayKey, Way], added: set[tuple[str, int]]) -> bool:
    """Judge the new ways and follow the new labels; False where something is not proven."""
    core, flips, judged = judge(result.ground, result.forms, list(fresh.values()))
    if not all(found.holds for found in judged):
        return False
    result.ways.update({key: (way, found) for (key, way), found in zip(fresh.items(), judged, strict=True)})
    result.core_used = result.core_used.union(core_rules(core, result.forms), flips.used)
    doubtful = label_ways(core, result.ground, result.forms, core.states_at(added))
    result.missed |= core.missed
    return not doubtful
