"""What a compilation leaves behind for the next one: the state of its passes, and who uses what.

Nothing in a memo is changed once it is made; what goes on from it copies the tables that it changes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sdnctl.compiler.admission import Unit
from sdnctl.compiler.fingerprints import (
    Row,
    Section,
    Texts,
    baseline_sections,
    demand_digests,
    demand_row,
    endpoint_digests,
    endpoint_rows,
    path_texts,
    section_digest,
    topology_digest,
    topology_rows,
)
from sdnctl.compiler.groups import HopGroup
from sdnctl.compiler.ir import Network, Placement
from sdnctl.compiler.label import Labelled, service_key
from sdnctl.compiler.lower import ServiceSide, service_side
from sdnctl.compiler.pipeline import Passes
from sdnctl.compiler.place import Placer
from sdnctl.compiler.protect import Protection
from sdnctl.compiler.references import numbers
from sdnctl.intents.demand import Demand
from sdnctl.topology.graph import PortRef, Topology

Numbers = Mapping[str, frozenset[int]]
"""Namespace → numbers, of one switch."""
Holders = Mapping[str, Mapping[int, tuple[str, ...]]]
"""Namespace → number → switches, sorted."""
Sides = Mapping[str, Mapping[ServiceSide, int]]
"""Service key → what the rules of the service depend on → how many demands need it."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A section of a baseline and its digest, with the texts of its paths, which the section keeps alive."""

    section: Section
    hex: str
    texts: Texts


Digests = Mapping[str, Digest]
"""Digests of sections by name."""


@dataclass(frozen=True)
class Memo:
    """The state of the passes, and look-ups by id, key or number.

    `source` is the topology as it was given. `topology_rows`, `rows` (of demands) and `ends`: what those are
    the same in. `ports`: the ids of demands that enter there. `counts`: how many hops use a hop group.
    `numbers`: of the rules of each switch; `holders` the other way round. `digests`: of those sections of the
    baseline that are known.
    """

    network: Network
    source: Topology
    demands: Mapping[str, Demand]
    topology_rows: tuple[Mapping[str, Row], ...]
    rows: Mapping[str, Row]
    ends: Mapping[str, Row]
    units: Mapping[str, Unit]
    ports: Mapping[PortRef, tuple[str, ...]]
    placer: Placer
    placement: Placement
    protection: Protection
    labelled: Labelled
    sides: Sides
    counts: Mapping[str, int]
    groups: Mapping[str, HopGroup]
    numbers: Mapping[str, Numbers]
    holders: Holders
    topology_digest: str
    demand_digests: Mapping[str, bytes]
    endpoint_digests: Mapping[str, bytes]
    endpoint_uses: Mapping[str, int]
    digests: Digests


def remember(passes: Passes, source: Topology) -> Memo:
    """The memo of a whole compilation."""
    network, labelled, compiled = passes.network, passes.labelled, passes.compiled
    units = [*passes.placer.local]
    units += (
        unit for lanes in passes.placer.lanes.values() for lane in lanes.values() for unit in lane.units.values()
    )
    groups = [group for ways in labelled.hops.values() for way in ways for group in way]
    carried = [demand for demand in network.demands if demand.id in labelled.demands]
    held = {switch: numbers(rules) for switch, rules in compiled.rules.items()}
    return Memo(
        network=network,
        source=source,
        demands={demand.id: demand for demand in network.demands},
        topology_rows=topology_rows(network.topology),
        rows={demand.id: demand_row(demand) for demand in network.demands},
        ends=endpoint_rows(network.demands),
        units={demand.id: unit for unit in units for demand in unit.demands},
        ports=ports_after({}, (), network.demands),
        placer=passes.placer,
        placement=passes.placement,
        protection=passes.protection,
        labelled=labelled,
        sides=sides_after({}, (), labelled, carried, labelled),
        counts=Counter(group.key for group in groups),
        groups={group.key: group for group in groups},
        numbers=held,
        holders=holders_after({}, {}, held),
        topology_digest=topology_digest(network.topology),
        demand_digests=demand_digests(network.demands),
        endpoint_digests=endpoint_digests(network.demands),
        endpoint_uses=uses_after({}, (), network.demands),
        digests=digests_of(baseline_sections(compiled.baseline), {}),
    )


# ── how the tables go on ─────────────────────────────────────────────────────────────────────────


def ports_after(
    before: Mapping[PortRef, tuple[str, ...]], gone: Iterable[Demand], new: Iterable[Demand]
) -> dict[PortRef, tuple[str, ...]]:
    """The ports without the `gone` demands and with the `new` ones."""
    ports = dict(before)
    changed: dict[PortRef, dict[str, None]] = {}

    def ids(port: PortRef) -> dict[str, None]:
        if port not in changed:
            changed[port] = dict.fromkeys(ports.get(port, ()))
        return changed[port]

    for demand in gone:
        del ids(demand.ingress.attachment)[demand.id]
    for demand in new:
        ids(demand.ingress.attachment)[demand.id] = None
    ports.update((port, tuple(found)) for port, found in changed.items())
    return {port: found for port, found in ports.items() if found} if gone else ports


def sides_after(
    before: Sides, gone: Iterable[Demand], was: Labelled, new: Iterable[Demand], now: Labelled
) -> dict[str, dict[ServiceSide, int]]:
    """What services depend on, without the `gone` demands (as they were labelled) and with the `new` ones."""
    changed: dict[str, dict[ServiceSide, int]] = {}
    for demands, labelled, step in ((gone, was, -1), (new, now, 1)):
        local = frozenset(labelled.local)
        for demand in demands:
            key = service_key(demand)
            side = service_side(demand, labelled.services[key], local=demand.id in local)
            table = changed.setdefault(key, dict(before.get(key, {})))
            table[side] = table.get(side, 0) + step
    result: dict[str, dict[ServiceSide, int]] = {**before, **changed}  # type: ignore[dict-item]
    for key, table in changed.items():
        result[key] = {side: count for side, count in table.items() if count}
        if not result[key]:
            del result[key]
    return result


def uses_after(before: Mapping[str, int], gone: Iterable[Demand], new: Iterable[Demand]) -> dict[str, int]:
    """How many demands begin or end at each endpoint."""
    uses: dict[str, int] = defaultdict(int, before)
    for demands, step in ((gone, -1), (new, 1)):
        for demand in demands:
            uses[demand.ingress.id] += step
            uses[demand.egress.id] += step
    return dict(uses)


def holders_after(before: Holders, was: Mapping[str, Numbers], now: Mapping[str, Numbers]) -> Holders:
    """Who holds which number, after some switches have other numbers than they had."""
    result: dict[str, dict[int, tuple[str, ...]]] = {namespace: dict(table) for namespace, table in before.items()}
    for switch in sorted(now):
        alone = (switch,)
        old = was.get(switch, {})
        for namespace in sorted(old.keys() | now[switch].keys()):
            had, has = old.get(namespace, frozenset()), now[switch].get(namespace, frozenset())
            table = result.setdefault(namespace, {})
            for number in had - has:
                rest = tuple(name for name in table[number] if name != switch)
                if rest:
                    table[number] = rest
                else:
                    del table[number]
            for number in has - had:
                table[number] = tuple(sorted((*table[number], switch))) if number in table else alone
    return result


def digests_of(sections: Mapping[str, Section], known: Digests) -> Digests:
    """Digests of sections; what is the very same object as a known one is not worked out again."""
    result: dict[str, Digest] = {}
    for name, section in sections.items():
        before = known.get(name)
        if before is None or before.section is not section:
            texts = path_texts(section, {} if before is None else before.texts)
            before = Digest(section, section_digest(section, texts), texts)
        result[name] = before
    return result
