"""V1: do these rules carry these demands, and nothing else, under every failure that each grade covers?

`verify` is a pure function of topology, demands and rules; it shares no code with what made the rules. For
each demand the whole set of its frames is followed with everything up, and again under every failure that
takes a link or a switch on which that walk depended. This restriction is exact: what a switch does
depends on the packet and on the state of the links it consults, so a walk that consulted none of the failed
links goes the same way under the failure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sdnctl.compiler.ir import Compiled, Settings, Trunk
from sdnctl.dataplane.text import rule_name
from sdnctl.dataplane.values import RuleSet
from sdnctl.intents.demand import Demand, Grade, ServiceClass
from sdnctl.topology.graph import Failure, Path, PortRef, Topology
from sdnctl.topology.risk import Coverage, Covered, NotCovered, Residual, Risks
from sdnctl.verify import standby, wellformed
from sdnctl.verify.classify import EdgeCheck
from sdnctl.verify.frames import frames
from sdnctl.verify.isolation import Met, astray, isolation, met
from sdnctl.verify.judge import Context, avoided, careless, undelivered, unsafe
from sdnctl.verify.labels import LabelCheck
from sdnctl.verify.packet import Space, Wire
from sdnctl.verify.report import Checked, Loss, Report, Verdict, Violation
from sdnctl.verify.steps import UNCHANGED
from sdnctl.verify.walk import Network, Walk, path_of

ALL_KINDS = ("link", "srlg", "node")
_ORDER = (Grade.NONE, Grade.LOCAL, Grade.NODE, Grade.DISJOINT)


def verify(
    topology: Topology,
    settings: Settings,
    classes: Mapping[str, ServiceClass],
    demands: Iterable[Demand],
    trunks: Iterable[Trunk],
    rules: Mapping[str, RuleSet],
    failures: Iterable[str] = ALL_KINDS,
    down: Iterable[str] = (),
) -> Report:
    """Judge `rules` (per switch; a switch that is missing holds none) by what `demands` are promised.

    `demands` are those that were admitted. `trunks` say on which path each was, and where standby paths are.
    `failures` are the kinds of single failures to go through: link, srlg, node, or none of them. `down` are
    links of the topology that are down now: the failures come on top, and what runs on its repair has spent
    its protection until it is rerouted.
    """
    kinds, gone = tuple(failures), frozenset(down)
    return _V1(topology, settings, classes, tuple(demands), tuple(trunks), rules, kinds, gone).run()


def verify_compiled(
    compiled: Compiled,
    rules: Mapping[str, RuleSet] | None = None,
    failures: Iterable[str] = ALL_KINDS,
    down: Iterable[str] = (),
) -> Report:
    """Judge a compiled state, or the `rules` that were read back, by the demands of that state."""
    return verify(
        compiled.topology,
        compiled.settings,
        compiled.classes,
        compiled.demands,
        compiled.trunks,
        compiled.rules if rules is None else rules,
        failures,
        down,
    )


@dataclass(slots=True)
class _Findings:
    """What is known of one demand so far."""

    violations: list[Violation] = field(default_factory=list)
    residual: list[Loss] = field(default_factory=list)
    exposed: list[Loss] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    path: Path = field(default_factory=lambda: Path(()))
    worst_delay: float = 0.0
    worst_failure: str = ""
    spent: frozenset[str] = frozenset()
    met: Met = field(default_factory=Met)
    grade: Grade = Grade.NONE
    walks: int = 0


class _V1:
    """One run: tables that all demands share, then each demand by itself."""

    def __init__(
        self,
        topology: Topology,
        settings: Settings,
        classes: Mapping[str, ServiceClass],
        demands: tuple[Demand, ...],
        trunks: tuple[Trunk, ...],
        rules: Mapping[str, RuleSet],
        kinds: tuple[str, ...],
        down: frozenset[str],
    ) -> None:
        self.topology, self.settings, self.rules = topology, settings, rules
        self.demands = tuple(sorted(demands, key=lambda demand: demand.id))
        self.context = Context(topology, rules, classes)
        self.network = Network(topology, rules, down)
        left = topology.without(down) if down else topology
        self.risks = Risks(left, settings)
        self.failures = tuple(left.failures(kinds))
        self.trunk_of = {demand: trunk for trunk in trunks for demand in trunk.demands}
        self.frames = {demand.id: frames(demand) for demand in self.demands}
        self.found = {demand.id: _Findings() for demand in self.demands}
        self.by_link: dict[str, list[int]] = defaultdict(list)
        self.by_node: dict[str, list[int]] = defaultdict(list)
        for number, failure in enumerate(self.failures):
            for link in failure.links:
                self.by_link[link].append(number)
            for node in failure.nodes:
                self.by_node[node].append(number)

    def run(self) -> Report:
        faults = self._wellformed()
        edge = EdgeCheck(self.network, self.demands, self.frames)
        for demand, violation in edge.overlaps():
            self.found[demand.id].violations.append(violation)
        for demand in self.demands:
            self._demand(demand)
        for demand, violation in isolation(self.demands, {name: found.met for name, found in self.found.items()}):
            self.found[demand.id].violations.append(violation)
        unused = self._unused()
        faults += edge.leaks()
        labels = LabelCheck(self.network)
        faults += labels.run(self.failures)
        faults += self._steps()
        return Report(
            tuple(self._verdict(demand) for demand in self.demands),
            tuple(dict.fromkeys(faults)),
            self._checked(len(labels.labels), len(unused)),
            unused,
        )

    # ── rules ────────────────────────────────────────────────────────────────────────────────────

    def _wellformed(self) -> list[Violation]:
        """Faults of each switch's rules by themselves."""
        faults = []
        ports: dict[str, set[int]] = defaultdict(set)
        for demand in self.demands:
            for endpoint in (demand.ingress, demand.egress):
                ports[endpoint.attachment.node].add(endpoint.attachment.port)
        for node in sorted(self.rules):
            if node not in self.topology.nodes:
                if len(self.rules[node]):
                    faults.append(Violation("unknown-switch", f"rules for {node}, which is not in the topology"))
                continue
            known = ports[node] | self.network.switches[node].link_at.keys()
            faults += wellformed.check(node, self.rules[node], known, self.settings.bypass_labels)
        return faults

    def _steps(self) -> list[Violation]:
        """Claims that every computed step must keep: TTLs fall, outer addresses belong to their ports."""
        faults = [
            Violation("ttl", f"{node} sends on packets that came with label {label} without lowering the TTL")
            for node, label in sorted(self.network.steps.stuck)
        ]
        owners: dict[int, PortRef] = {}
        for port, macs in sorted(self.network.steps.macs.items()):
            if len(macs) > 1:
                names = ", ".join(f"{mac:012x}" for mac in sorted(macs))
                faults.append(Violation("macs", f"{port} has several outer addresses: {names}"))
            for mac in sorted(macs):
                if (mac >> 40) & 3 != 2:
                    detail = f"{port}: outer address {mac:012x} is not a locally administered unicast one"
                    faults.append(Violation("macs", detail))
                if owners.setdefault(mac, port) != port:
                    faults.append(Violation("macs", f"{port} and {owners[mac]} share outer address {mac:012x}"))
        return faults

    # ── demands ──────────────────────────────────────────────────────────────────────────────────

    def _demand(self, demand: Demand) -> None:
        """Everything that is claimed of one demand alone."""
        found, required = self.found[demand.id], self.frames[demand.id]
        if not required:
            found.violations.append(Violation("vacuous", "its ends share no address family: it carries no frame"))
            return
        space = Space(required)
        walk = self.network.enter(demand.ingress.attachment, space, demand.mtu)
        found.walks += 1
        trunk = self.trunk_of.get(demand.id)
        wrong = list(unsafe(demand, walk))
        carried = self._promise(demand, walk, trunk)
        if carried:
            wrong += [*undelivered(demand, required, walk), *careless(demand, walk, self.context)]
        self._blame(demand, space, wrong, None)
        found.path, found.met = path_of(walk), met(walk)
        found.worst_delay = float(self.topology.delay(found.path))
        if trunk is not None and walk.delivered and not found.spent:
            found.violations += astray(found.path, found.met.trunks, trunk)
        meets = avoided(demand, found.path, self.context)
        if meets:
            found.violations.append(Violation("avoid", f"its path meets {', '.join(sorted(meets))}"))
        for number in self._touching(walk):
            self._under(demand, space, walk, self.failures[number], whole=carried and not wrong)
        if found.grade is Grade.DISJOINT and walk.delivered and found.path.hops and not found.spent:
            gone = standby.spent(trunk, self.network.down)
            if gone:
                found.exposed.append(Loss("", f"its standby is gone: {', '.join(sorted(gone))} is down"))
            found.walks += 1
            found.violations += standby.check(
                demand, required, trunk, walk.delivered[0], self.network, self.risks, self.context
            )

    def _promise(self, demand: Demand, walk: Walk, trunk: Trunk | None) -> bool:
        """What the demand is promised now; False if it is not carried.

        With everything up: its grade. While links are down it may have less, or nothing, and the verdict says so.
        """
        found, down = self.found[demand.id], self.network.down
        found.grade = demand.grade
        found.spent = (walk.touched | frozenset(trunk.path.links if trunk else ())) & down
        if not down or demand.ingress.attachment.node == demand.egress.attachment.node:
            return True
        because = f"while {', '.join(sorted(down))} is down"
        if trunk is None:
            found.exposed.append(Loss("", f"not carried {because}"))
            return False
        if _ORDER.index(trunk.grade) < _ORDER.index(demand.grade):
            found.grade = trunk.grade
            found.remarks.append(f"has grade {trunk.grade} {because}")
        return True

    def _touching(self, walk: Walk) -> list[int]:
        """The failures on which a walk may depend, in order."""
        numbers = {number for link in walk.touched for number in self.by_link.get(link, ())}
        numbers.update(number for node in walk.switches for number in self.by_node.get(node, ()))
        return sorted(numbers)

    def _under(self, demand: Demand, space: Space, healthy: Walk, failure: Failure, whole: bool) -> None:
        """One demand under one failure; `whole`: it is served with everything up, as `healthy` shows."""
        found = self.found[demand.id]
        coverage = self._coverage(demand, failure)
        if demand.ingress.attachment.node in failure.nodes:
            self._uncovered(found, failure, coverage)
            return
        walk = self.network.again(healthy, demand.ingress.attachment, space, demand.mtu, failure)
        found.walks += 1
        wrong = list(unsafe(demand, walk))
        missing = list(undelivered(demand, space.cubes, walk))
        if not isinstance(coverage, Covered):
            if missing:
                self._uncovered(found, failure, coverage)
        elif whole:
            late = _repairs(found.grade, found.path, failure) < 2
            wrong += [*missing, *careless(demand, walk, self.context, late=late)]
            wrong += self._repaired(demand, walk, failure)
        self._blame(demand, space, wrong, failure)

    def _repaired(self, demand: Demand, walk: Walk, failure: Failure) -> Iterator[Violation]:
        """Remember the longest way that a covered failure leads to; it may not meet what is avoided either."""
        found = self.found[demand.id]
        for end in walk.delivered:
            path = Path(end.hops)
            delay = float(self.topology.delay(path))
            if delay > found.worst_delay:
                found.worst_delay, found.worst_failure = delay, failure.name
            if demand.latency is not None and delay > demand.latency:
                found.remarks.append(f"under {failure.name}: {delay:.1f} µs")
            meets = avoided(demand, path, self.context)
            if meets:
                yield Violation("avoid", f"its repaired way meets {', '.join(sorted(meets))}")

    def _coverage(self, demand: Demand, failure: Failure) -> Coverage:
        """What the grade promises; the death of an end switch is never covered."""
        ends = {demand.ingress.attachment.node, demand.egress.attachment.node}
        dead = sorted(ends & failure.nodes)
        found = self.found[demand.id]
        if dead and found.grade is not Grade.NONE:
            for switch in dead:
                if failure.kind == "srlg" and self.risks.residual(switch).issuperset(failure.names):
                    return Residual(failure.name, switch)
        if dead:
            return NotCovered(f"switch {dead[0]} is an end of the demand")
        if found.spent:
            return NotCovered(f"its protection is spent: {', '.join(sorted(found.spent))} is down")
        return self.risks.covered(found.grade, found.path, failure)

    def _uncovered(self, found: _Findings, failure: Failure, coverage: Coverage) -> None:
        if isinstance(coverage, Residual):
            found.residual.append(Loss(coverage.name, f"single point of failure of {coverage.switch}"))
        elif isinstance(coverage, NotCovered):
            found.exposed.append(Loss(failure.name, coverage.reason))

    def _blame(
        self, demand: Demand, space: Space, violations: Iterable[Violation], failure: Failure | None
    ) -> None:
        """Record violations with the failure and one trace of how it happens."""
        trace: tuple[str, ...] | None = None
        for violation in violations:
            if trace is None:
                wire = Wire(space, (), True, (0, 0), UNCHANGED, ())
                trace = self.network.traced(demand.ingress.attachment, wire, demand.mtu, failure)
            name = failure.name if failure else ""
            self.found[demand.id].violations.append(replace(violation, failure=name, trace=trace))

    # ── result ───────────────────────────────────────────────────────────────────────────────────

    def _verdict(self, demand: Demand) -> Verdict:
        found = self.found[demand.id]
        return Verdict(
            demand.id,
            demand.application,
            demand.grade,
            tuple(dict.fromkeys(found.violations)),
            tuple(dict.fromkeys(found.residual)),
            tuple(dict.fromkeys(found.exposed)),
            found.path.nodes,
            float(self.topology.delay(found.path)),
            found.worst_delay,
            found.worst_failure,
            found.walks,
            tuple(found.remarks),
        )

    def _unused(self) -> tuple[str, ...]:
        """Flows and groups that no demand used so far, by name."""
        used = self.network.steps.used()
        names: list[str] = []
        for node, held in sorted(self.rules.items()):
            names += [f"{node}: {rule_name(flow)}" for flow in held.flows.values() if id(flow) not in used]
            names += [f"{node}: {rule_name(group)}" for group in held.groups.values() if id(group) not in used]
        return tuple(names)

    def _checked(self, labels: int, unused: int) -> Checked:
        rules = sum(len(held.flows) + len(held.groups) for held in self.rules.values())
        return Checked(
            len(self.topology.nodes),
            rules,
            len(self.demands),
            len(self.failures),
            sum(found.walks for found in self.found.values()),
            self.network.steps.computed,
            labels,
            rules - unused,
        )


def _repairs(grade: Grade, path: Path, failure: Failure) -> int:
    """How many bypasses a path needs at once under a failure, as `Risks.covered` counts them."""
    count = index = 0
    while index < len(path.hops):
        if path.hops[index].link in failure.links:
            count += 1
            index += 2 if grade is Grade.NODE and index + 1 < len(path.hops) else 1
        else:
            index += 1
    return count
