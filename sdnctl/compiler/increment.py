"""Compile after a small edit in a fraction of the time of a whole compilation, to the same result byte for byte.

    session = begin(network)                          # a whole compilation, and what the next one can reuse
    session = compile_increment(session, edited)      # .compiled == compile_network(edited, before.baseline)

A `Session` is a value: going on from it leaves it as it is. Whoever runs for long keeps it (a controller); a
command that starts anew compiles as a whole. An edit of demands and endpoints is followed from demand to trunk to
rule. What reaches further (topology, classes, links that are down, room that is short, anything that is refused)
is compiled as a whole; `Session.whole` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import compress
from operator import attrgetter, is_not, ne
from typing import TypeVar

from sdnctl.compiler.admission import Unit, units
from sdnctl.compiler.attach import place_behind
from sdnctl.compiler.check import Ranges, clashes
from sdnctl.compiler.fingerprints import (
    Row,
    baseline_sections,
    demand_digests,
    demand_row,
    demands_digest,
    endpoint_digests,
    endpoint_rows,
    network_fingerprint_of,
    of_parts,
    topology_rows,
)
from sdnctl.compiler.groups import HopGroup
from sdnctl.compiler.ir import Baseline, Compiled, Network, Placement
from sdnctl.compiler.label import service_key
from sdnctl.compiler.lower import ServiceSide
from sdnctl.compiler.memo import (
    Holders,
    Memo,
    Numbers,
    Sides,
    digests_of,
    holders_after,
    ports_after,
    remember,
    sides_after,
    uses_after,
)
from sdnctl.compiler.pipeline import in_order, run_passes
from sdnctl.compiler.rebase import rebase
from sdnctl.compiler.references import numbers
from sdnctl.compiler.relower import Side, relower
from sdnctl.compiler.renumber import Edit, relabel, with_other_rules
from sdnctl.compiler.replace_units import Elsewhere, LocalPlacer, joint
from sdnctl.compiler.tags import with_tags
from sdnctl.dataplane.bulk import in_bulk
from sdnctl.intents.demand import Demand

V = TypeVar("V")
_id: Callable[[Demand], str] = attrgetter("id")

MOST = 0.1
"""Share of the demands that may change in an edit that is followed; beyond, compiling as a whole is not slower."""


@dataclass(frozen=True)
class Session:
    """A compiled network, and all that the next compilation can reuse of it.

    `whole` says why it was compiled as a whole; it is "" where an edit was followed.
    """

    compiled: Compiled
    whole: str
    memo: Memo = field(repr=False, compare=False)


@in_bulk()
def begin(network: Network, baseline: Baseline | None = None, *, why: str = "the first one") -> Session:
    """Compile as a whole, and keep what can be reused. Raises CompileError, as `compile_network` does."""
    passes = run_passes(network, baseline)
    return Session(passes.compiled, why, remember(passes, network.topology))


@in_bulk()
def compile_increment(previous: Session, network: Network, baseline: Baseline | None = None) -> Session:
    """The session of ``compile_network(network, baseline)``, reusing what did not change since `previous`.

    `baseline` is by default that of `previous`; another one is followed if it has the same decisions and differs
    in `held` and `quarantine` alone (`label.settle`). Raises CompileError with all diagnostics.
    """
    before = previous.compiled.baseline if baseline is None else baseline
    try:
        return _follow(previous, network, before)
    except Elsewhere as reason:
        return begin(network, before, why=str(reason))


def _follow(previous: Session, network: Network, baseline: Baseline) -> Session:
    memo, old = previous.memo, previous.compiled
    source = network.topology
    tagged = place_behind(_ordered(memo, network), baseline)
    network = tagged.network
    if tagged.diagnostics:
        raise Elsewhere("a device has too few tags")
    _check_same(memo, network, old.baseline, baseline)
    change = _compare(memo, network)
    _check_frames(memo, network, change)

    gone, new = _units(memo, network, change)
    placer = LocalPlacer(network, baseline, memo.placer)
    placement, touched = placer.go_on(memo.placement, gone, new)
    protection = memo.protection.copy(placer.router, baseline)
    moved, guards = protection.settle(placement, touched, change.now)

    was = tuple(demand for unit in gone for demand in unit.demands)
    now = tuple(demand for unit in new for demand in unit.demands)
    edit = Edit(
        placement,
        frozenset(touched),
        frozenset(moved),
        frozenset(guards),
        protection.bypasses(),
        change.now,
        {demand.id: demand.id in change.now for demand in (*was, *now)},
        _services(memo, was, now),
    )
    renewed = relabel(network, memo.labelled, memo.counts, memo.groups, edit, baseline)
    labelled = renewed.labelled
    sides = sides_after(memo.sides, was, memo.labelled, now, labelled)
    trunks = with_other_rules(memo.labelled, labelled, edit.touched | edit.moved)
    carriers = [_carriers(side, edit.touched) for side in (memo.placement, placement)]
    before = Side(memo.network, memo.labelled, was, carriers[0], _sides(memo.sides, edit), trunks[0])
    after = Side(network, labelled, now, carriers[1], _sides(sides, edit), trunks[1])
    rules, came, lost = relower(
        old.rules,
        replace(before, groups=_groups(memo.groups, renewed.affected)),
        replace(after, groups=_groups(renewed.groups, renewed.affected)),
    )
    had = {switch: memo.numbers[switch] for switch in came}
    has = {
        switch: numbers(rules[switch]) if switch in lost else _more(had[switch], numbers(more))
        for switch, more in came.items()
    }
    holders = holders_after(memo.holders, had, has)
    gained = _gained(holders, had, has)
    demand_table = _exchanged(memo.demand_digests, was, demand_digests(now))
    uses = uses_after(memo.endpoint_uses, was, now)
    endpoint_table = {**memo.endpoint_digests, **endpoint_digests(now)}
    if was:
        endpoint_table = {key: value for key, value in endpoint_table.items() if uses.get(key)}
    digests = digests_of(baseline_sections(baseline), memo.digests)
    compiled = Compiled(
        settings=network.settings,
        topology=network.topology,
        classes=network.classes,
        demands=network.demands,
        trunks=labelled.trunks,
        bypasses=labelled.bypasses,
        rules=rules,
        switch_settings=old.switch_settings,
        baseline=with_tags(
            rebase(baseline, edit, renewed, holders if baseline.held is not old.baseline.held else gained),
            network.topology,
            tagged.tags,
            baseline,
        ),
        network_fingerprint=network_fingerprint_of(
            network, memo.topology_digest, demands_digest(demand_table, endpoint_table)
        ),
        baseline_fingerprint=of_parts({name: known.hex for name, known in digests.items()}),
        diagnostics=protection.diagnostics(network.topology),
        attachments=tagged.attachments,
    )
    units_now = _exchanged(memo.units, was, {demand.id: unit for unit in new for demand in unit.demands})
    return Session(
        compiled,
        "",
        Memo(
            network=network,
            source=source,
            demands=change.now,
            topology_rows=memo.topology_rows,
            rows=_exchanged(memo.rows, was, {demand.id: demand_row(demand) for demand in now}),
            ends={**memo.ends, **change.ends},
            units=units_now,
            ports=ports_after(memo.ports, was, now),
            placer=placer,
            placement=placement,
            protection=protection,
            labelled=labelled,
            sides=sides,
            counts=renewed.counts,
            groups=renewed.groups,
            numbers={**memo.numbers, **has},
            holders=holders,
            topology_digest=memo.topology_digest,
            demand_digests=demand_table,
            endpoint_digests=endpoint_table,
            endpoint_uses=uses,
            digests=digests,
        ),
    )


# ── what an edit is ──────────────────────────────────────────────────────────────────────────────


def _ordered(memo: Memo, network: Network) -> Network:
    """The network in the order in which it is compiled; a topology that is known is not ordered again."""
    if network.topology is not memo.source:
        return in_order(network)
    return replace(
        network,
        topology=memo.network.topology,
        classes=dict(sorted(network.classes.items())),
        demands=tuple(sorted(network.demands, key=_id)),
    )


def _check_same(memo: Memo, network: Network, decided: Baseline, baseline: Baseline) -> None:
    """Raise Elsewhere where something differs that all demands may depend on."""
    before = memo.network
    for what, same in (
        ("settings", network.settings == before.settings),
        ("service classes", _classes(network) == _classes(before)),
        ("the topology", _same_topology(memo, network)),
    ):
        if not same:
            raise Elsewhere(f"{what} changed")
    if network.down or before.down:
        raise Elsewhere("links are down")
    if network.drained or before.drained:
        raise Elsewhere("switches are drained")
    decisions = ("paths", "standby", "labels", "bypasses", "members", "ids", "flipped")
    if any(getattr(baseline, name) is not getattr(decided, name) for name in decisions):
        raise Elsewhere("another baseline")
    if not joint(memo.placer):
        raise Elsewhere("trunks stand in each other's way")


def _same_topology(memo: Memo, network: Network) -> bool:
    return network.topology is memo.network.topology or topology_rows(network.topology) == memo.topology_rows


def _classes(network: Network) -> dict[str, object]:
    return {key: replace(item, source=None) for key, item in network.classes.items()}


@dataclass(frozen=True)
class _Change:
    """The demands now, by id; the ids of those that came, went or became another; endpoints that did."""

    now: Mapping[str, Demand]
    ids: frozenset[str]
    ends: Mapping[str, Row]


def _compare(memo: Memo, network: Network) -> _Change:
    now = {demand.id: demand for demand in network.demands}
    if len(now) != len(network.demands):
        raise Elsewhere("two demands of one id")
    before = memo.demands
    other = list(compress(network.demands, map(is_not, network.demands, map(before.get, now))))
    keys = list(map(_id, other))
    ids = set(compress(keys, map(ne, map(memo.rows.get, keys), map(demand_row, other))))
    ends = {key: row for key, row in endpoint_rows(other).items() if not row or memo.ends.get(key) != row}
    moved = ends.keys() & memo.ends.keys()
    if moved:
        ids.update(one.id for one in other if one.ingress.id in moved or one.egress.id in moved)
    ids.update(before.keys() - now.keys())
    if len(ids) > MOST * len(before) + 20:
        raise Elsewhere("many demands changed")
    return _Change(now, frozenset(ids), ends)


def _check_frames(memo: Memo, network: Network, change: _Change) -> None:
    """Raise Elsewhere where `check.refusals` may have something to say."""
    ranges = Ranges()
    topology = network.topology
    new = [change.now[key] for key in sorted(change.ids) if key in change.now]
    beside: dict[object, list[Demand]] = {}
    for demand in new:
        for end in (demand.ingress, demand.egress):
            if end.attachment.node not in topology.nodes or end.attachment in topology.link_at:
                raise Elsewhere("an endpoint is not where it can be")
        if not ranges.has_frames(demand):
            raise Elsewhere("a demand has no frames")
        port = demand.ingress.attachment
        if port not in beside:
            there = (key for key in memo.ports.get(port, ()) if key not in change.ids)
            beside[port] = [change.now[key] for key in there]
        if clashes(demand, beside[port], ranges):
            raise Elsewhere("two demands claim the same frames")
        beside[port].append(demand)


def _units(memo: Memo, network: Network, change: _Change) -> tuple[list[Unit], list[Unit]]:
    """The units that are dissolved, and those that their demands and the changed ones make up now."""
    partners = {change.now[key].reverse for key in change.ids if key in change.now}
    ids = change.ids | (partners & change.now.keys())
    gone = {unit.id: unit for key in ids if (unit := memo.units.get(key)) is not None}
    ids |= {demand.id for unit in gone.values() for demand in unit.demands}
    only = [change.now[key] for key in sorted(ids) if key in change.now]
    return [gone[key] for key in sorted(gone)], units(network, change.now, only)


def _services(memo: Memo, was: tuple[Demand, ...], now: tuple[Demand, ...]) -> dict[str, bool]:
    """Keys of the services that these demands had or have, and whether any demand has them now."""
    left = {service_key(demand): 0 for demand in (*was, *now)}
    for key in left:
        left[key] = sum(memo.sides.get(key, {}).values())
    for demands, step in ((was, -1), (now, 1)):
        for demand in demands:
            left[service_key(demand)] += step
    return {key: count > 0 for key, count in left.items()}


# ── tables ───────────────────────────────────────────────────────────────────────────────────────


def _carriers(placement: Placement, trunks: frozenset[str]) -> dict[str, str]:
    """Demand id → key of its trunk, for some trunks."""
    return {member: key for key in trunks for member in placement.members.get(key, ())}


def _sides(sides: Sides, edit: Edit) -> frozenset[ServiceSide]:
    return frozenset(side for key in edit.services for side in sides.get(key, ()))


def _groups(groups: Mapping[str, HopGroup], affected: frozenset[str]) -> tuple[HopGroup, ...]:
    return tuple(groups[key] for key in sorted(affected & groups.keys()))


def _more(had: Numbers, more: Numbers) -> Numbers:
    """The numbers of a switch that has further rules."""
    return {key: had.get(key, frozenset()) | more.get(key, frozenset()) for key in had.keys() | more.keys()}


def _gained(holders: Holders, had: Mapping[str, Numbers], has: Mapping[str, Numbers]) -> Holders:
    """Who holds the numbers that some switch has now and had not before."""
    return {
        namespace: {
            number: table[number]
            for switch, found in has.items()
            for number in found.get(namespace, frozenset()) - had[switch].get(namespace, frozenset())
        }
        for namespace, table in holders.items()
    }


def _exchanged(table: Mapping[str, V], gone: tuple[Demand, ...], new: Mapping[str, V]) -> dict[str, V]:
    """A table by demand id, for other demands."""
    result = dict(table)
    for demand in gone:
        result.pop(demand.id, None)
    result.update(new)
    return result
