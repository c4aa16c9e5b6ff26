"""One demand, walked the long way: with everything up, and under every failure on which its walk depended.

This restriction is exact: what a switch does depends on the packet and on the state of the links it consults, so a
walk that consulted none of the failed links goes the same way under the failure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sdnctl.compiler.ir import Trunk
from sdnctl.intents.demand import Demand, Grade
from sdnctl.topology.graph import Failure, Path
from sdnctl.topology.risk import Coverage, Covered, NotCovered, Residual, Risks
from sdnctl.verify import standby
from sdnctl.verify.coverage import ORDER, coverage_of, repairs
from sdnctl.verify.frames import frames
from sdnctl.verify.isolation import Met, astray, met
from sdnctl.verify.judge import Context, avoided, careless, undelivered, unsafe
from sdnctl.verify.packet import Space, Wire
from sdnctl.verify.report import Loss, Violation
from sdnctl.verify.steps import UNCHANGED
from sdnctl.verify.walk import Network, Walk, path_of


@dataclass(slots=True)
class Findings:
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


class Walks:
    """Walks demands one by one through one network."""

    def __init__(
        self,
        network: Network,
        risks: Risks,
        context: Context,
        failures: Sequence[Failure],
        trunk_of: Mapping[str, Trunk],
    ) -> None:
        self.topology = network.topology
        self.network, self.risks, self.context = network, risks, context
        self.failures, self.trunk_of = failures, trunk_of
        self.by_link: dict[str, list[int]] = defaultdict(list)
        self.by_node: dict[str, list[int]] = defaultdict(list)
        for number, failure in enumerate(failures):
            for link in failure.links:
                self.by_link[link].append(number)
            for node in failure.nodes:
                self.by_node[node].append(number)

    def judge(self, demand: Demand) -> Findings:
        """Everything that is claimed of one demand alone."""
        found, required = Findings(), frames(demand)
        if not required:
            found.violations.append(Violation("vacuous", "its ends share no address family: it carries no frame"))
            return found
        space = Space(required)
        walk = self.network.enter(demand.ingress.attachment, space, demand.mtu)
        found.walks += 1
        trunk = self.trunk_of.get(demand.id)
        wrong = list(unsafe(demand, walk))
        carried = self._promise(demand, found, walk, trunk)
        if carried:
            wrong += [*undelivered(demand, required, walk), *careless(demand, walk, self.context)]
        self._blame(demand, found, space, wrong, None)
        found.path, found.met = path_of(walk), met(walk)
        found.worst_delay = float(self.topology.delay(found.path))
        if trunk is not None and walk.delivered and not found.spent:
            found.violations += astray(found.path, found.met.trunks, trunk)
        meets = avoided(demand, found.path, self.context)
        if meets:
            found.violations.append(Violation("avoid", f"its path meets {', '.join(sorted(meets))}"))
        for number in self._touching(walk):
            self._under(demand, found, space, walk, self.failures[number], whole=carried and not wrong)
        if found.grade is Grade.DISJOINT and walk.delivered and found.path.hops and not found.spent:
            gone = standby.spent(trunk, self.network.down)
            if gone:
                found.exposed.append(Loss("", f"its standby is gone: {', '.join(sorted(gone))} is down"))
            found.walks += 1
            found.violations += standby.check(
                demand, required, trunk, walk.delivered[0], self.network, self.risks, self.context
            )
        return found

    def _promise(self, demand: Demand, found: Findings, walk: Walk, trunk: Trunk | None) -> bool:
        """What the demand is promised now; False if it is not carried.

        With everything up: its grade. While links are down it may have less, or nothing, and the verdict says so.
        """
        down = self.network.down
        found.grade = demand.grade
        found.spent = (walk.touched | frozenset(trunk.path.links if trunk else ())) & down
        if not down or demand.ingress.attachment.node == demand.egress.attachment.node:
            return True
        because = f"while {', '.join(sorted(down))} is down"
        if trunk is None:
            found.exposed.append(Loss("", f"not carried {because}"))
            return False
        if ORDER.index(trunk.grade) < ORDER.index(demand.grade):
            found.grade = trunk.grade
            found.remarks.append(f"has grade {trunk.grade} {because}")
        return True

    def _touching(self, walk: Walk) -> list[int]:
        """The failures on which a walk may depend, in order."""
        numbers = {number for link in walk.touched for number in self.by_link.get(link, ())}
        numbers.update(number for node in walk.switches for number in self.by_node.get(node, ()))
        return sorted(numbers)

    def _under(
        self, demand: Demand, found: Findings, space: Space, healthy: Walk, failure: Failure, whole: bool
    ) -> None:
        """One demand under one failure; `whole`: it is served with everything up, as `healthy` shows."""
        coverage = self._coverage(demand, found, failure)
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
            late = repairs(found.grade, found.path, failure) < 2
            wrong += [*missing, *careless(demand, walk, self.context, late=late)]
            wrong += self._repaired(demand, found, walk, failure)
        self._blame(demand, found, space, wrong, failure)

    def _repaired(self, demand: Demand, found: Findings, walk: Walk, failure: Failure) -> Iterator[Violation]:
        """Remember the longest way that a covered failure leads to; it may not meet what is avoided either."""
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

    def _coverage(self, demand: Demand, found: Findings, failure: Failure) -> Coverage:
        """What the grade promises, unless its protection is spent already."""
        ends = demand.ingress.attachment.node, demand.egress.attachment.node
        if found.spent and failure.nodes.isdisjoint(ends):
            return NotCovered(f"its protection is spent: {', '.join(sorted(found.spent))} is down")
        return coverage_of(self.risks, found.grade, found.path, failure, ends)

    def _uncovered(self, found: Findings, failure: Failure, coverage: Coverage) -> None:
        if isinstance(coverage, Residual):
            found.residual.append(Loss(coverage.name, f"single point of failure of {coverage.switch}"))
        elif isinstance(coverage, NotCovered):
            found.exposed.append(Loss(failure.name, coverage.reason))

    def _blame(
        self,
        demand: Demand,
        found: Findings,
        space: Space,
        violations: Iterable[Violation],
        failure: Failure | None,
    ) -> None:
        """Record violations with the failure and one trace of how it happens."""
        trace: tuple[str, ...] | None = None
        for violation in violations:
            if trace is None:
                wire = Wire(space, (), True, (0, 0), UNCHANGED, ())
                trace = self.network.traced(demand.ingress.attachment, wire, demand.mtu, failure)
            name = failure.name if failure else ""
            found.violations.append(replace(violation, failure=name, trace=trace))
