"""V1: do these rules carry these demands, and nothing else, under every failure that each grade covers?

`verify` is a pure function of topology, demands and rules; it shares no code with what made the rules. For
each demand the whole set of its frames is followed with everything up, and again under every failure that
takes a link or a switch on which that walk depended. This restriction is exact: what a switch does
depends on the packet and on the state of the links it consults, so a walk that consulted none of the failed
links goes the same way under the failure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sdnctl.compiler.ir import Compiled, Settings, Trunk
from sdnctl.dataplane.values import RuleSet
from sdnctl.intents.demand import Demand, Grade, ServiceClass
from sdnctl.topology.graph import Failure, Path, PortRef, Topology
from sdnctl.topology.risk import Coverage, Covered, NotCovered, Residual, Risks
from sdnctl.verify import standby, wellformed
from sdnctl.verify.classify import EdgeCheck
from sdnctl.verify.frames import frames
from sdnctl.verify.judge import Context, avoided, careless, undelivered, unsafe
from sdnctl.verify.labels import LabelCheck
from sdnctl.verify.packet import Space, Wire
from sdnctl.verify.report import Checked, Loss, Report, Verdict, Violation
from sdnctl.verify.steps import UNCHANGED
from sdnctl.verify.walk import Network, Walk, path_of

ALL_KINDS = ("link", "srlg", "node")


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

    `demands` are those that were admitted. `trunks` say where standby paths are; nothing else is taken from
    them. `failures` are the kinds of single failures to go through: link, srlg, node, or none of them. `down` are
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
    walks: int = 0
    trunks: frozenset[int] = frozenset()
    services: frozenset[int] = frozenset()
    meters: frozenset[tuple[str, int]] = frozenset()


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
        self._isolation()
        faults += edge.leaks()
        labels = LabelCheck(self.network)
        faults += labels.run(self.failures)
        faults += self._steps()
        return Report(
            tuple(self._verdict(demand) for demand in self.demands),
            tuple(dict.fromkeys(faults)),
            self._checked(len(labels.labels)),
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
        found = self.found[demand.id]
        required = self.frames[demand.id]
        if not required:
            found.violations.append(Violation("vacuous", "its ends share no address family: it carries no frame"))
            return
        space = Space(required)
        walk = self.network.enter(demand.ingress.attachment, space, demand.mtu)
        found.walks += 1
        wrong = [
            *unsafe(demand, walk),
            *undelivered(demand, required, walk),
            *careless(demand, walk, self.context),
        ]
        self._blame(demand, space, wrong, None)
        found.path = path_of(walk)
        found.spent = walk.touched & self.network.down
        found.worst_delay = float(self.topology.delay(found.path))
        found.trunks = frozenset().union(*(end.trunks for end in walk.delivered))
        found.services = frozenset().union(*(end.services for end in walk.delivered))
        found.meters = frozenset(meter for end in walk.delivered for meter in end.meters)
        met = avoided(demand, found.path, self.context)
        if met:
            found.violations.append(Violation("avoid", f"its path meets {', '.join(sorted(met))}"))
        for number in self._touching(walk):
            self._under(demand, space, walk, self.failures[number], whole=not wrong)
        if demand.grade is Grade.DISJOINT and walk.delivered and found.path.hops and not found.spent:
            trunk = self.trunk_of.get(demand.id)
            end = walk.delivered[0]
            found.walks += 1
            found.violations += standby.check(demand, required, trunk, end, self.network, self.risks, self.context)

    def _touching(self, walk: Walk) -> list[int]:
        """The failures on which a walk may depend, in order."""
        numbers = {number for link in walk.touched for number in self.by_link.get(link, ())}
        numbers.update(number for node in walk.switches for number in self.by_node.get(node, ()))
        return sorted(numbers)

    def _under(self, demand: Demand, space: Space, healthy: Walk, failure: Failure, whole: bool) -> None:
        """One demand under one failure; `whole`: it is served with everything up, as `healthy` shows."""
        found = self.found[demand.id]
        coverage = self._coverage(demand, found.path, failure, found.spent)
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
            wrong += [*missing, *careless(demand, walk, self.context)]
            self._repaired(demand, walk, failure)
        self._blame(demand, space, wrong, failure)

    def _repaired(self, demand: Demand, walk: Walk, failure: Failure) -> None:
        """Remember the longest way that a covered failure leads to, and what it meets that is avoided."""
        found = self.found[demand.id]
        for end in walk.delivered:
            path = Path(end.hops)
            delay = self.topology.delay(path)
            if delay > found.worst_delay:
                found.worst_delay, found.worst_failure = delay, failure.name
            met = avoided(demand, path, self.context)
            if met:
                found.remarks.append(f"under {failure.name} the repaired way meets {', '.join(sorted(met))}")

    def _coverage(self, demand: Demand, path: Path, failure: Failure, spent: frozenset[str]) -> Coverage:
        """What the grade promises; the death of an end switch is never covered."""
        ends = {demand.ingress.attachment.node, demand.egress.attachment.node}
        dead = sorted(ends & failure.nodes)
        if dead and demand.grade is not Grade.NONE:
            for switch in dead:
                if failure.kind == "srlg" and self.risks.residual(switch).issuperset(failure.names):
                    return Residual(failure.name, switch)
        if dead:
            return NotCovered(f"switch {dead[0]} is an end of the demand")
        if spent:
            return NotCovered(f"its protection is spent: {', '.join(sorted(spent))} is down")
        return self.risks.covered(demand.grade, path, failure)

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

    def _isolation(self) -> None:
        """What may not be shared: meters, service labels of different ends, trunks of exclusive demands."""
        meters: dict[tuple[str, int], str] = {}
        services: dict[int, tuple[str, str]] = {}
        tenants: dict[int, set[str]] = defaultdict(set)
        for demand in self.demands:
            for label in self.found[demand.id].trunks:
                tenants[label].add(demand.tenant)
        for demand in self.demands:
            found = self.found[demand.id]
            for meter in sorted(found.meters):
                other = meters.setdefault(meter, demand.id)
                if other != demand.id:
                    detail = f"shares meter {meter[1]} at {meter[0]} with {other}"
                    found.violations.append(Violation("isolation", detail))
            own = demand.application, demand.egress.id
            for label in sorted(found.services):
                if services.setdefault(label, own) != own:
                    detail = f"shares service label {label} with {' to '.join(services[label])}"
                    found.violations.append(Violation("isolation", detail))
            for label in sorted(found.trunks):
                if demand.exclusive and len(tenants[label]) > 1:
                    others = ", ".join(sorted(tenants[label] - {demand.tenant}))
                    found.violations.append(Violation("isolation", f"shares trunk {label} with {others}"))

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

    def _checked(self, labels: int) -> Checked:
        used = frozenset().union(*(switch.used for switch in self.network.switches.values()))
        return Checked(
            len(self.topology.nodes),
            sum(wellformed.rule_count(rules) for rules in self.rules.values()),
            len(self.demands),
            len(self.failures),
            sum(found.walks for found in self.found.values()),
            self.network.steps.computed,
            labels,
            sum(wellformed.used_by(r.flows.values(), r.groups.values(), used) for r in self.rules.values()),
        )
