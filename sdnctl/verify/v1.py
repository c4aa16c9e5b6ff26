"""V1: do these rules carry these demands, and nothing else, under every failure that each grade covers?

`verify` is a pure function of topology, demands and rules; it shares no code with what made the rules. What has
a form is proven for all demands and failures at once (`swift`); what has not, or breaks a claim, is walked
demand by demand (`demands`), label by label (`labels`), rule by rule (`classify`, `wellformed`). Both say the
same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from sdnctl.compiler.ir import Compiled, Settings, Trunk
from sdnctl.dataplane.text import rule_name
from sdnctl.dataplane.values import RuleSet
from sdnctl.intents.demand import Demand, ServiceClass
from sdnctl.topology.graph import PortRef, Topology
from sdnctl.topology.risk import Risks
from sdnctl.verify import wellformed
from sdnctl.verify.classify import EdgeCheck
from sdnctl.verify.demands import Findings, Walks
from sdnctl.verify.isolation import Met, isolation
from sdnctl.verify.judge import Context
from sdnctl.verify.labels import LabelCheck
from sdnctl.verify.report import Checked, Report, Verdict, Violation
from sdnctl.verify.swift import Swift
from sdnctl.verify.walk import Network

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
    *,
    shortcuts: bool = True,
) -> Report:
    """Judge `rules` (per switch; a switch that is missing holds none) by what `demands` are promised.

    `demands` are those that were admitted. `trunks` say on which path each was, and where standby paths are.
    `failures` are the kinds of single failures to go through: link, srlg, node, or none of them. `down` are
    links of the topology that are down now: the failures come on top, and what runs on its repair has spent
    its protection until it is rerouted. Without `shortcuts` every demand is walked one by one: the same report
    (but for `checked.steps`), by the longer way.
    """
    gone = frozenset(down)
    run = _V1(topology, settings, classes, tuple(demands), tuple(trunks), rules, tuple(failures), gone)
    return run.run(shortcuts=shortcuts)


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


class _V1:
    """One run: the shortcut for what it proves, the long way for the rest, and one report of both."""

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
        self.topology, self.settings, self.classes, self.rules = topology, settings, classes, rules
        self.demands = tuple(sorted(demands, key=lambda demand: demand.id))
        self.down = down
        left = topology.without(down) if down else topology
        self.failures = tuple(left.failures(kinds))
        self.risks = Risks(left, settings)
        self.trunk_of = {demand: trunk for trunk in trunks for demand in trunk.demands}
        self.network = Network(topology, rules, down)
        self.swift: Swift | None = None
        self.found: dict[str, Findings] = {}
        self.extra: dict[str, list[Violation]] = defaultdict(list)

    def run(self, *, shortcuts: bool) -> Report:
        if shortcuts:
            self.swift = Swift(
                self.topology,
                self.settings,
                self.classes,
                self.demands,
                self.trunk_of,
                self.rules,
                self.failures,
                self.down,
                self.risks,
            )
        swift = self.swift
        every = frozenset(self.topology.nodes)
        faults = self._wellformed(swift.suspect if swift else every)
        doubtful = swift.overlapping | swift.leaking if swift else every
        edge = EdgeCheck(self.network, self.demands, doubtful)
        for demand, violation in edge.overlaps():
            self.extra[demand.id].append(violation)
        self._walk()
        for demand, violation in isolation(self.demands, self._met()):
            self.extra[demand.id].append(violation)
        unused = self._unused()
        faults += edge.leaks()
        faults += self._labels()
        faults += self._steps()
        return Report(
            tuple(self._verdict(demand) for demand in self.demands),
            tuple(dict.fromkeys(faults)),
            self._checked(len(self._known_labels()), len(unused)),
            unused,
        )

    # ── rules ────────────────────────────────────────────────────────────────────────────────────

    def _wellformed(self, nodes: Collection[str]) -> list[Violation]:
        """Faults of rules by themselves, at some switches."""
        faults = []
        ports: dict[str, set[int]] = defaultdict(set)
        for demand in self.demands:
            for endpoint in (demand.ingress, demand.egress):
                ports[endpoint.attachment.node].add(endpoint.attachment.port)
        for node in sorted(self.rules):
            if node not in self.topology.nodes:
                if len(self.rules[node]):
                    faults.append(Violation("unknown-switch", f"rules for {node}, which is not in the topology"))
            elif node in nodes:
                known = ports[node] | self.network.switches[node].link_at.keys()
                faults += wellformed.check(node, self.rules[node], known, self.settings.bypass_labels)
        return faults

    def _labels(self) -> list[Violation]:
        """Faults of label ways: those that do not plainly end."""
        swift = self.swift
        nodes = [node for node, forms in swift.forms.items() if forms.strange] if swift else self.topology.nodes
        check = LabelCheck(self.network, nodes)
        faults = list(check.unknown(self._known_labels()))
        starts = [start for node in check.nodes for start in check.starts(node, check.known(node))]
        if swift is None:
            return [*faults, *check.run(starts, self.failures)]
        doubtful, more = swift.labels()
        starts += [start for node, label in doubtful for start in check.starts(node, (label,))]
        under = {
            number: [start for node, label in places for start in check.starts(node, (label,))]
            for number, places in more.items()
        }
        if starts or under:
            faults += check.run(starts, self.failures, under)
        return faults

    def _known_labels(self) -> frozenset[int]:
        """Every label that a rule names."""
        swift, found = self.swift, set[int]()
        for node in self.topology.nodes:
            if swift and node not in swift.suspect:
                found |= swift.forms[node].labels
            elif node in self.rules:
                matches = (flow.match.get("mpls_label") for flow in self.rules[node].flows.values())
                found.update(label[0] for label in matches if label is not None)
        return frozenset(found)

    def _steps(self) -> list[Violation]:
        """Claims that every step must keep: TTLs fall, outer addresses belong to their ports."""
        steps, swift = self.network.steps, self.swift
        faults = [
            Violation("ttl", f"{node} sends on packets that came with label {label} without lowering the TTL")
            for node, label in sorted(steps.stuck)
        ]
        if swift and not steps.macs and swift.addresses_agree():
            return faults
        seen: dict[PortRef, set[int]] = {port: set(macs) for port, macs in steps.macs.items()}
        for port, mac in swift.addresses() if swift else ():
            seen.setdefault(port, set()).add(mac)
        owners: dict[int, PortRef] = {}
        for port, macs in sorted(seen.items()):
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

    def _walk(self) -> None:
        """Walk the demands that the shortcut did not prove."""
        context = Context(self.topology, self.rules, self.classes)
        left = [demand for demand in self.demands if not self.swift or demand.id not in self.swift.proofs]
        if not left:
            return
        walks = Walks(self.network, self.risks, context, self.failures, self.trunk_of)
        for demand in left:
            self.found[demand.id] = walks.judge(demand)

    def _met(self) -> dict[str, Met]:
        proofs = self.swift.proofs if self.swift else {}
        return {key: found.met for key, found in self.found.items()} | {
            key: proof.met for key, proof in proofs.items()
        }

    def _verdict(self, demand: Demand) -> Verdict:
        extra = self.extra.get(demand.id, ())
        if self.swift and (proof := self.swift.proofs.get(demand.id)) is not None:
            verdict = proof.verdict(demand)
            return replace(verdict, violations=tuple(dict.fromkeys(extra))) if extra else verdict
        found = self.found[demand.id]
        return Verdict(
            demand.id,
            demand.application,
            demand.grade,
            tuple(dict.fromkeys((*extra, *found.violations))),
            tuple(dict.fromkeys(found.residual)),
            tuple(dict.fromkeys(found.exposed)),
            found.path.nodes,
            float(self.topology.delay(found.path)),
            found.worst_delay,
            found.worst_failure,
            found.walks,
            tuple(found.remarks),
        )

    # ── result ───────────────────────────────────────────────────────────────────────────────────

    def _unused(self) -> tuple[str, ...]:
        """Flows and groups that no demand used so far, by name."""
        used = self.network.steps.used()
        if self.swift:
            used |= self.swift.used
        names: list[str] = []
        for node, held in sorted(self.rules.items()):
            names += [f"{node}: {rule_name(flow)}" for flow in held.flows.values() if id(flow) not in used]
            names += [f"{node}: {rule_name(group)}" for group in held.groups.values() if id(group) not in used]
        return tuple(names)

    def _checked(self, labels: int, unused: int) -> Checked:
        rules = sum(len(held.flows) + len(held.groups) for held in self.rules.values())
        walks = sum(found.walks for found in self.found.values())
        if self.swift:
            walks += sum(proof.judged.walks for proof in self.swift.proofs.values())
        return Checked(
            len(self.topology.nodes),
            rules,
            len(self.demands),
            len(self.failures),
            walks,
            self.network.steps.computed,
            labels,
            rules - unused,
        )
