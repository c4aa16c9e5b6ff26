"""V1's shortcut: what can be proven of rules that have a form, for all demands and failures at once.

Most demands take the same few ways through the core, and there only labels decide. So a demand is read at its
two ends by itself (`edge`), and the way between them is judged once for all that share it (`ways`). What is
proven here is exactly what walking would find; whatever has no form, or breaks a claim, is not proven and named
in `Swift`, and is walked (`demands`, `labels`, `classify`, `wellformed`), so that it gets its counterexample
there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sdnctl.compiler.ir import Settings, Trunk
from sdnctl.dataplane.values import RuleSet
from sdnctl.intents.demand import Demand, Grade, ServiceClass
from sdnctl.topology.graph import Failure, Path, PortRef, Topology
from sdnctl.topology.risk import NotCovered, Residual, Risks
from sdnctl.verify.coverage import ORDER, coverage_of
from sdnctl.verify.edge import Edge, Edges, contested
from sdnctl.verify.flips import Flips
from sdnctl.verify.forms import DELIVER, Forms, HopForm
from sdnctl.verify.isolation import Met
from sdnctl.verify.lanes import ODD, Core, Wires
from sdnctl.verify.report import Loss, Verdict
from sdnctl.verify.walk import OVERHEAD
from sdnctl.verify.ways import Events, Judgement, Way, Ways, banned

_NONE: frozenset[int] = frozenset()


@dataclass(slots=True)
class Proof:
    """What is proven of one demand: the judgement of its way, and what its frames met."""

    judged: Judgement
    met: Met
    remarks: tuple[str, ...]

    def verdict(self, demand: Demand) -> Verdict:
        """The verdict of a demand that nothing else is wrong with."""
        found = self.judged
        return Verdict(
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
            self.remarks + found.remarks if self.remarks else found.remarks,
        )


class Swift:
    """One run: `proofs` by demand; switches that are `overlapping`, `leaking`, `suspect` need a closer look."""

    def __init__(
        self,
        topology: Topology,
        settings: Settings,
        classes: Mapping[str, ServiceClass],
        demands: Sequence[Demand],
        trunk_of: Mapping[str, Trunk],
        rules: Mapping[str, RuleSet],
        failures: Sequence[Failure],
        down: frozenset[str],
        risks: Risks,
    ) -> None:
        self.topology, self.demands, self.trunk_of, self.down = topology, demands, trunk_of, down
        self.risks = risks
        self.wires = Wires(topology)
        empty = RuleSet()
        self.forms = {
            node: Forms(rules.get(node, empty), self.wires.ports[node], settings.bypass_labels)
            for node in self.wires.nodes
        }
        self.events = Events(topology, self.wires, failures, down, risks)
        self.used: set[int] = set()
        self.proofs: dict[str, Proof] = {}
        self._demands(classes)
        self.overlapping = self._edges.shared
        self.leaking = {
            node
            for node, forms in self.forms.items()
            if forms.open or len(forms.classify) > len(self._edges.owned[node]) or forms.strange or forms.untidy
        }
        known: dict[str, set[int]] = {node: set() for node in self.forms}
        for demand in demands:
            for end in (demand.ingress.attachment, demand.egress.attachment):
                known[end.node].add(end.port)
        self.known = known
        self.suspect = {
            node
            for node, forms in self.forms.items()
            if forms.suspect or not forms.outputs <= known[node] or node in self.leaking
        }

    # ── demands ──────────────────────────────────────────────────────────────────────────────────

    def _demands(self, classes: Mapping[str, ServiceClass]) -> None:
        """Read every demand at its ends, judge every way, and put the two together."""
        self._edges = edges = Edges(
            self.forms, {node: contested(forms) for node, forms in self.forms.items()}, classes
        )
        ways: dict[tuple[object, ...], int] = {}
        found: list[Way] = []
        sizes: list[int] = []
        read: list[tuple[Demand, Edge, int, tuple[str, ...]]] = []
        for demand in self.demands:
            edge = edges.read(demand)
            if edge is None:
                continue
            way, remarks = self._way(demand, edge)
            if way is None:
                if edge.encapsulate.trunk is None and demand.id not in self.trunk_of:
                    self._local(demand, edge)
                continue
            key = way.node, way.label, id(way.hop), way.avoid, way.trunk.key, way.grade, way.latency
            number = ways.setdefault(key, len(found))
            if number == len(found):
                found.append(way)
                sizes.append(0)
            sizes[number] = max(sizes[number], demand.mtu + OVERHEAD)
            read.append((demand, edge, number, remarks))
        found = [way._replace(size=size) for way, size in zip(found, sizes, strict=True)]
        judged = self._judge(found)
        self._collect(read, judged)

    def _way(self, demand: Demand, edge: Edge) -> tuple[Way | None, tuple[str, ...]]:
        """The way of a demand that leaves its switch; None where that is for walking to find out."""
        form, trunk = edge.encapsulate.trunk, self.trunk_of.get(demand.id)
        if form is None or trunk is None:
            return None, ()
        if trunk.path.hops[-1].head != demand.egress.attachment.node:
            return None, ()
        grade: Grade = demand.grade
        remarks: tuple[str, ...] = ()
        if self.down:
            if not self.down.isdisjoint(trunk.path.links):
                return None, ()
            if ORDER.index(trunk.grade) < ORDER.index(grade):
                grade = trunk.grade
                remarks = (f"has grade {grade} while {', '.join(sorted(self.down))} is down",)
        node = demand.ingress.attachment.node
        return Way(node, form.label, form.hop, demand.avoid, trunk, grade, demand.latency, 0), remarks

    def _judge(self, ways: list[Way]) -> list[Judgement]:
        """Judge all ways; those with a standby are flipped as well."""
        self._flips = Flips(self.topology, self.wires, self.forms, self.risks, ways, self.down)
        starts: list[tuple[str, int, HopForm]] = [(way.node, way.label, way.hop) for way in ways]
        self.core = Core(self.wires, self.forms, [*starts, *self._flips.starts])
        avoids: dict[frozenset[str], int] = {frozenset(): 0}
        for way in ways:
            avoids.setdefault(way.avoid, len(avoids))
        bans = banned(self.topology, self.wires, avoids)
        judged = Ways(self.topology, self.wires, self.events, self.risks, self.core, ways)
        judged.judge(bans, avoids)
        self._flips.judge(self.core, self.events, bans, avoids, judged.found)
        self._bans = bans
        return judged.found

    def _local(self, demand: Demand, edge: Edge) -> None:
        """A demand between two ports of one switch: only that switch can fail."""
        node = demand.ingress.attachment.node
        found = Judgement(Path(()))
        residual, exposed = [], []
        for number in np.flatnonzero(self.events.dead[self.wires.node[node]]).tolist():
            failure = self.events.failures[number]
            coverage = coverage_of(self.risks, demand.grade, found.path, failure, (node, node))
            if isinstance(coverage, Residual):
                residual.append(Loss(coverage.name, f"single point of failure of {coverage.switch}"))
            elif isinstance(coverage, NotCovered):
                exposed.append(Loss(failure.name, coverage.reason))
        found.residual, found.exposed = tuple(dict.fromkeys(residual)), tuple(dict.fromkeys(exposed))
        met = Met(_NONE, _NONE, frozenset(((node, edge.police.meter),)))
        self.proofs[demand.id] = Proof(found, met, ())
        self._use(edge)

    def _collect(self, read: list[tuple[Demand, Edge, int, tuple[str, ...]]], judged: list[Judgement]) -> None:
        """Proofs of the demands whose ways hold and end at their egress switch; and every rule that was used."""
        labels: dict[int, frozenset[int]] = {}
        for demand, edge, number, remarks in read:
            found = judged[number]
            if not found.holds:
                continue
            trunk = edge.encapsulate.trunk
            assert trunk is not None
            service = edge.encapsulate.service
            met = Met(
                labels.get(trunk.label) or labels.setdefault(trunk.label, frozenset((trunk.label,))),
                labels.get(service) or labels.setdefault(service, frozenset((service,))),
                frozenset(((demand.ingress.attachment.node, edge.police.meter),)),
            )
            self.proofs[demand.id] = Proof(found, met, remarks)
            self._use(edge)
            self.used.add(id(trunk.group))
        self.used |= self._flips.used
        self.used |= set(self._used())

    def _use(self, edge: Edge) -> None:
        self.used.update(map(id, edge.first))
        self.used.update(map(id, edge.last))
        self.used.add(id(edge.police.flow))
        self.used.add(id(edge.encapsulate.flow))

    def _used(self) -> Iterator[int]:
        """Rules of the core that some lane met so far."""
        core, wires = self.core, self.wires
        for index in np.flatnonzero(core.seen).tolist():
            if index < core.known:
                state = core.states[index][1]
                yield id(state.flow)
            hop = core.hops[index]
            if hop is not None and hop.group is not None:
                yield id(hop.group)
        for link in np.flatnonzero(core.arrived[:-1]).tolist():
            there = self.forms[wires.nodes[wires.head[link]]]
            entries = there.entries
            if entries and not there.strange:  # one port of those that are treated alike stands for all
                yield id(entries[min(entries)])
                port = int(wires.arrives[link])
                if port in entries:
                    yield id(entries[port])

    # ── labels ───────────────────────────────────────────────────────────────────────────────────

    def labels(self) -> tuple[list[tuple[str, int]], dict[int, list[tuple[str, int]]]]:
        """Labels at switches whose ways do not plainly end: with everything up, and by number of failure."""
        core, events = self.core, self.events
        every = np.arange(core.known, dtype=np.int32)
        ends = core.run(core.lanes(every, np.zeros(core.known, np.int32)), events.down, self._bans[:1], loose=True)
        doubtful = [self._place(index) for index in np.flatnonzero(ends.state == ODD).tolist()]
        for node, forms in self.forms.items():
            if not forms.strange:
                doubtful += [(node, label) for label in sorted(forms.odd - forms.void)]
        away = np.flatnonzero(core.kind[: core.known] != DELIVER)
        first, second = core.first[away] >> 1, core.second[away] >> 1
        starts = events.down[:, first]
        if self.down:
            starts = starts | events.down[:, second] | events.down[0, first]
        starts[0] = False
        row, state = np.nonzero(starts)
        lanes = core.lanes(away[state].astype(np.int32), row.astype(np.int32))
        ends = core.run(lanes, events.down, self._bans[:1], loose=True)
        under: dict[int, list[tuple[str, int]]] = {}
        for lane in np.flatnonzero(ends.state == ODD).tolist():
            under.setdefault(int(row[lane]), []).append(self._place(int(away[state[lane]])))
        more = {number: under[row] for number, row in enumerate(events.row.tolist()) if row in under}
        return doubtful, more

    def _place(self, index: int) -> tuple[str, int]:
        node, state = self.core.states[index]
        return node, state.label

    # ── addresses ────────────────────────────────────────────────────────────────────────────────

    def addresses_agree(self) -> bool:
        """Whether each port has one address in all forms, its own and locally administered."""
        owner: dict[int, int] = {}
        mine: dict[int, int] = {}
        for forms in self.forms.values():
            for link, src, dst in forms.addresses:
                for port, mac in ((link, src), (link ^ 1, dst)):
                    if mine.setdefault(port, mac) != mac or owner.setdefault(mac, port) != port:
                        return False
                    if (mac >> 40) & 3 != 2:
                        return False
        return True

    def addresses(self) -> Iterator[tuple[PortRef, int]]:
        """Addresses that lanes had on the links they crossed."""
        core, wires = self.core, self.wires
        for seen, second in ((core.seen_first, False), (core.seen_second, True)):
            for index in np.flatnonzero(seen).tolist():
                hop = core.hops[index]
                out = None if hop is None else hop.second if second else hop.first
                if out is not None:
                    head = wires.nodes[wires.head[out.link]]
                    yield PortRef(wires.nodes[core.node[index]], out.port), out.src
                    yield PortRef(head, int(wires.arrives[out.link])), out.dst
