"""V1's shortcut: what can be proven of rules that have a form, for all demands and failures at once.

Most demands take the same few ways through the core, and there only labels decide. So a demand is read at its two
ends by itself (`edge`), and the way between them is judged once for all that share it (`ways`). What is proven
here is exactly what walking would find. What has no form, or breaks a claim, is not proven but named in `Proven`,
and is walked (`demands`, `labels`, `classify`, `wellformed`), so that it gets its counterexample there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np

from sdnctl.compiler.ir import Trunk
from sdnctl.intents.demand import Demand, Grade
from sdnctl.topology.graph import Path, PortRef
from sdnctl.topology.risk import NotCovered, Residual
from sdnctl.verify.arrays import Bools, Index, Ints, runs
from sdnctl.verify.coverage import ORDER, coverage_of
from sdnctl.verify.edge import Edge, Edges
from sdnctl.verify.events import banned
from sdnctl.verify.flips import Flips
from sdnctl.verify.forms import DELIVER, Fields
from sdnctl.verify.ground import Given, Ground
from sdnctl.verify.isolation import Met
from sdnctl.verify.lanes import ODD, Core
from sdnctl.verify.reading import Forms
from sdnctl.verify.report import Loss, Verdict
from sdnctl.verify.walk import OVERHEAD
from sdnctl.verify.ways import Judgement, Way, Ways

WayKey: TypeAlias = tuple[object, ...]
Place: TypeAlias = tuple[str, int]
"""A switch and a label there."""


class Read(NamedTuple):
    """A demand with its rules at both ends, and the key of its way (None: both ends are on one switch)."""

    demand: Demand
    trunk: Trunk | None
    edge: Edge
    way: WayKey | None
    remarks: tuple[str, ...]


class Proof(NamedTuple):
    """What is proven of one demand: its verdict, and the trunk and service label of its frames (0: none)."""

    read: Read
    verdict: Verdict
    trunk: int
    service: int

    @property
    def met(self) -> Met:
        """What its frames met."""
        trunks, services = ((self.trunk,), (self.service,)) if self.trunk else ((), ())
        return Met(frozenset(trunks), frozenset(services), frozenset((self.meter,)))

    @property
    def meter(self) -> tuple[str, int]:
        """The meter that its frames pass."""
        return self.read.demand.ingress.attachment.node, self.read.edge.police.meter


class Shares:
    """What demands have for themselves: meters, service labels, trunks of exclusive demands.

    `apart`: plainly nothing is shared that may not be. Where it is False `isolation` says what is.
    """

    def __init__(self) -> None:
        self._meters: set[tuple[str, int]] = set()
        self._owners: dict[int, tuple[str, str]] = {}
        self._tenants: dict[int, str] = {}
        self._mixed: set[int] = set()
        self._exclusive: set[int] = set()
        self._shared = False

    @property
    def apart(self) -> bool:
        return not self._shared and not self._mixed & self._exclusive

    def copy(self) -> Shares:
        """The same again, to be added to."""
        twin = Shares()
        twin._meters, twin._owners, twin._tenants = set(self._meters), dict(self._owners), dict(self._tenants)
        twin._mixed, twin._exclusive, twin._shared = set(self._mixed), set(self._exclusive), self._shared
        return twin

    def add(self, *proofs: Proof) -> None:
        """Take in what some more demands use."""
        before = len(self._meters)
        self._meters.update(item.meter for item in proofs)
        self._shared = self._shared or len(self._meters) < before + len(proofs)
        for item in proofs:
            if item.trunk:
                demand = item.read.demand
                own = demand.application, demand.egress.id
                if self._owners.setdefault(item.service, own) != own:
                    self._shared = True
                if self._tenants.setdefault(item.trunk, demand.tenant) != demand.tenant:
                    self._mixed.add(item.trunk)
                if demand.exclusive:
                    self._exclusive.add(item.trunk)


@dataclass(slots=True)
class Proven:
    """The result of one run.

    Demands without a proof are to be walked; switches that are `overlapping`, `leaking` or `suspect` to be looked
    at rule by rule, and label ways from the places of `doubtful` to be followed.
    `owned` are identities of rules of the first tables that are some demand's, by switch. `idle` are rules that
    were not used, by switch, as identity and name: all that may still be unused there.
    """

    given: Given
    ground: Ground
    forms: Mapping[str, Forms]
    disputed: Mapping[str, set[Fields]]
    owned: Mapping[str, set[int]]
    overlapping: set[str]
    proofs: dict[str, Proof] = field(default_factory=dict)
    ways: dict[WayKey, tuple[Way, Judgement]] = field(default_factory=dict)
    core_used: frozenset[int] = frozenset()
    used: frozenset[int] = frozenset()
    doubtful: set[Place] = field(default_factory=set)
    leaking: set[str] = field(default_factory=set)
    suspect: set[str] = field(default_factory=set)
    missed: frozenset[Place] = frozenset()
    shares: Shares = field(default_factory=Shares)
    idle: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    core: Core | None = None

    @property
    def clean(self) -> bool:
        """Whether everything was proven."""
        doubts = self.overlapping or self.leaking or self.suspect or self.doubtful
        return not doubts and len(self.proofs) == len(self.given.demands) and addresses_agree(self.forms.values())


def prove(given: Given, ground: Ground, forms: Mapping[str, Forms], disputed: Mapping[str, set[Fields]]) -> Proven:
    """Prove whatever can be proven without walking; `disputed` are matches of the first tables that overlap."""
    edges = Edges(forms, disputed, given.classes)
    result = Proven(given, ground, forms, disputed, edges.owned, edges.shared)
    reads, ways = read_demands(given.demands, given.trunk_of, edges, ground.down)
    core, flips, judged = judge(ground, forms, list(ways.values()))
    result.ways = {key: (way, found) for (key, way), found in zip(ways.items(), judged, strict=True)}
    result.core = core
    result.core_used = frozenset(core_rules(core, forms)) | flips.used
    _put_together(result, reads)
    result.used = result.core_used | _edge_rules(result)
    look_around(result)
    result.doubtful = label_ways(core, ground, forms, np.arange(core.known))
    result.missed = core.missed
    return result


# ── demands ──────────────────────────────────────────────────────────────────────────────────────


def read_demands(
    demands: Iterable[Demand], trunk_of: Mapping[str, Trunk], edges: Edges, down: frozenset[str]
) -> tuple[list[Read], dict[WayKey, Way]]:
    """Read demands at their ends; the ways are those that the demands need, each with its largest frame."""
    reads: list[Read] = []
    ways: dict[WayKey, Way] = {}
    for demand in demands:
        edge = edges.read(demand)
        if edge is None:
            continue
        trunk = trunk_of.get(demand.id)
        if edge.encapsulate.trunk is None:
            if trunk is None:
                reads.append(Read(demand, None, edge, None, ()))
            continue
        way, remarks = _way(demand, trunk, edge, down)
        if way is None:
            continue
        key = way.node, way.label, id(way.hop), way.avoid, way.trunk.key, way.grade, way.latency
        known = ways.get(key)
        if known is None or known.size < way.size:
            ways[key] = way
        reads.append(Read(demand, trunk, edge, key, remarks))
    return reads, ways


def _way(
    demand: Demand, trunk: Trunk | None, edge: Edge, down: frozenset[str]
) -> tuple[Way | None, tuple[str, ...]]:
    """The way of a demand that leaves its switch; None where that is for walking to find out."""
    form = edge.encapsulate.trunk
    if form is None or trunk is None or trunk.path.hops[-1].head != demand.egress.attachment.node:
        return None, ()
    grade: Grade = demand.grade
    remarks: tuple[str, ...] = ()
    if down:
        if not down.isdisjoint(trunk.path.links):
            return None, ()
        if ORDER.index(trunk.grade) < ORDER.index(grade):
            grade = trunk.grade
            remarks = (f"has grade {grade} while {', '.join(sorted(down))} is down",)
    node, size = demand.ingress.attachment.node, demand.mtu + OVERHEAD
    return Way(node, form.label, form.hop, demand.avoid, trunk, grade, demand.latency, size), remarks


def judge(ground: Ground, forms: Mapping[str, Forms], ways: Sequence[Way]) -> tuple[Core, Flips, list[Judgement]]:
    """Judge ways; those with a standby are flipped as well."""
    wires = ground.wires
    flips = Flips(ground.topology, wires, forms, ground.risks, ways, ground.down)
    core = Core(wires, forms, [*((way.node, way.label, way.hop) for way in ways), *flips.starts])
    avoids: dict[frozenset[str], int] = {frozenset(): 0}
    for way in ways:
        avoids.setdefault(way.avoid, len(avoids))
    bans = banned(ground.topology, wires, avoids)
    judged = Ways(ground.topology, wires, ground.events, ground.risks, core, ways)
    judged.judge(bans, avoids)
    flips.judge(core, ground.events, bans, avoids, judged.found)
    return core, flips, judged.found


def local(read: Read, ground: Ground) -> Judgement:
    """The judgement of a demand between two ports of one switch: only that switch can fail."""
    node = read.demand.ingress.attachment.node
    found = Judgement(Path(()))
    residual, exposed = [], []
    for number in np.flatnonzero(ground.events.dead[ground.wires.node[node]]).tolist():
        failure = ground.failures[number]
        coverage = coverage_of(ground.risks, read.demand.grade, found.path, failure, (node, node))
        if isinstance(coverage, Residual):
            residual.append(Loss(coverage.name, f"single point of failure of {coverage.switch}"))
        elif isinstance(coverage, NotCovered):
            exposed.append(Loss(failure.name, coverage.reason))
    found.residual, found.exposed = tuple(dict.fromkeys(residual)), tuple(dict.fromkeys(exposed))
    return found


def proof(read: Read, found: Judgement) -> Proof:
    """The proof of a demand whose way holds."""
    demand, encapsulate = read.demand, read.edge.encapsulate
    verdict = Verdict(
        demand.id,
        demand.application,
        demand.grade,
        (),
        found.residual,
        found.exposed,
        found.nodes,
        found.delay,
        found.worst_delay,
        found.worst_failure,
        found.walks,
        read.remarks + found.remarks if read.remarks else found.remarks,
    )
    if encapsulate.trunk is None:
        return Proof(read, verdict, 0, 0)
    return Proof(read, verdict, encapsulate.trunk.label, encapsulate.service)


def _put_together(result: Proven, reads: Iterable[Read]) -> None:
    """Proofs of the demands whose ways hold."""
    for read in reads:
        found = local(read, result.ground) if read.way is None else result.ways[read.way][1]
        if found.holds:
            result.proofs[read.demand.id] = proof(read, found)
    result.shares.add(*result.proofs.values())


# ── rules ────────────────────────────────────────────────────────────────────────────────────────


def edge_rules(edge: Edge) -> tuple[int, ...]:
    """Identities of the rules that a demand uses at its ends."""
    form = edge.encapsulate
    ends = *map(id, edge.first), *map(id, edge.last), id(edge.police.flow), id(form.flow)
    return ends if form.trunk is None else (*ends, id(form.trunk.group))


def _edge_rules(result: Proven) -> set[int]:
    edges = [item.read.edge for item in result.proofs.values()]
    used = {id(flow) for edge in edges for ends in (edge.first, edge.last) for flow in ends}
    used.update([id(edge.police.flow) for edge in edges])
    used.update([id(edge.encapsulate.flow) for edge in edges])
    used.update([id(edge.encapsulate.trunk.group) for edge in edges if edge.encapsulate.trunk is not None])
    return used


def core_rules(core: Core, forms: Mapping[str, Forms]) -> Iterator[int]:
    """Rules of the core that some lane met so far."""
    wires = core.wires
    seen = core.seen.tolist()
    yield from [id(core.flows[index]) for index in seen if index < core.known]
    hops = {id(hop): hop for hop in [core.hops[index] for index in seen]}
    yield from [id(hop.group) for hop in hops.values() if hop is not None and hop.group is not None]
    for link in core.arrived.tolist():
        there = forms[wires.nodes[wires.head[link]]]
        port = int(wires.arrives[link])
        if port in there.entries and not there.strange:  # of ports that are treated alike the first stands for all
            yield id(there.entries[min(there.entries)])
            yield id(there.entries[port])


def look_around(result: Proven) -> None:
    """Which switches hold rules that nobody owns, or that have no form."""
    ends = {id(end): end for demand in result.given.demands for end in (demand.ingress, demand.egress)}
    known: dict[str, set[int]] = {node: set() for node in result.forms}
    for end in ends.values():
        known[end.attachment.node].add(end.attachment.port)
    for node, forms in result.forms.items():
        unowned = len(forms.classify) > len(result.owned[node])
        if forms.open or forms.strange or forms.untidy or unowned:
            result.leaking.add(node)
            result.suspect.add(node)
        elif forms.suspect or not forms.outputs <= known[node]:
            result.suspect.add(node)


# ── labels ───────────────────────────────────────────────────────────────────────────────────────


def label_ways(core: Core, ground: Ground, forms: Mapping[str, Forms], states: Index) -> set[Place]:
    """Labels at switches whose ways do not plainly end, with everything up or under some failure.

    Under a failure it is enough to start in `states` whose link fails: elsewhere nothing changes.
    """
    events, free = ground.events, np.zeros((1, core.nothing + 1), np.bool_)
    every = states.astype(np.int64)
    ends = core.run(core.lanes(every, np.zeros(len(every), np.int64)), events.down, free, loose=True)
    doubtful = {core.place(index) for index in every[ends.state == ODD].tolist()}
    for node, found in forms.items():
        if not found.strange:
            doubtful.update((node, label) for label in found.odd - found.void)
    away = np.flatnonzero(core.kind[every] != DELIVER)
    row, which = _meets(events.down, core.first[every[away]] >> 1)
    if ground.down:
        other = _meets(events.down, core.second[every[away]] >> 1)
        on_repair = np.flatnonzero(events.down[0, core.first[every[away]] >> 1])
        each = np.repeat(np.arange(1, len(events.down)), len(on_repair))
        always = each, np.tile(on_repair, len(events.down) - 1)
        row, which = (np.concatenate(items) for items in zip((row, which), other, always, strict=True))
    which = away[which]
    ends = core.run(core.lanes(every[which], row.astype(np.int64)), events.down, free, loose=True)
    return doubtful.union(core.place(index) for index in every[which[ends.state == ODD]].tolist())


def _meets(down: Bools, links: Ints) -> tuple[Ints, Ints]:
    """Pairs of a row (but the first) and the position of a link in `links` that is down in it."""
    order = np.argsort(links, kind="stable")
    begins = np.searchsorted(links[order], np.arange(down.shape[1] - 1))
    row, link = np.nonzero(down[1:, :-2])  # the two last columns are no links
    which, at = runs(begins[link], begins[link + 1])
    return row[which] + 1, order[at]


# ── addresses ────────────────────────────────────────────────────────────────────────────────────


def addresses_agree(forms: Iterable[Forms]) -> bool:
    """Whether each port has one address in all forms, its own and locally administered."""
    owner: dict[int, int] = {}
    mine: dict[int, int] = {}
    for found in forms:
        for link, src, dst in found.groups.addresses:
            for port, mac in ((link, src), (link ^ 1, dst)):
                if mine.setdefault(port, mac) != mac or owner.setdefault(mac, port) != port:
                    return False
                if (mac >> 40) & 3 != 2:
                    return False
    return True


def addresses(core: Core) -> Iterator[tuple[PortRef, int]]:
    """Addresses that lanes had on the links they crossed."""
    wires = core.wires
    for seen, second in ((core.seen_first, False), (core.seen_second, True)):
        for index in np.flatnonzero(seen).tolist():
            hop = core.hops[index]
            out = None if hop is None else hop.second if second else hop.first
            if out is not None:
                head = wires.nodes[wires.head[out.link]]
                yield PortRef(wires.nodes[core.node[index]], out.port), out.src
                yield PortRef(head, int(wires.arrives[out.link])), out.dst
