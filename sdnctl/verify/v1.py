"""V1: do these rules carry these demands, and nothing else, under every failure that each grade covers?

`verify` is a pure function of topology, demands and rules; it shares no code with what made the rules. What has
a form is proven for all demands and failures at once (`swift`); what has not, or breaks a claim, is walked
demand by demand (`demands`), label by label (`labels`), rule by rule (`classify`, `wellformed`). Both say the
same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

from sdnctl.compiler.ir import Compiled, Settings, Trunk
from sdnctl.dataplane.bulk import in_bulk
from sdnctl.dataplane.text import rule_name
from sdnctl.dataplane.values import Flow, Group, RuleSet
from sdnctl.intents.demand import Demand, ServiceClass
from sdnctl.topology.graph import PortRef, Topology
from sdnctl.verify import wellformed
from sdnctl.verify.classify import EdgeCheck
from sdnctl.verify.demands import Findings, Walks
from sdnctl.verify.ground import Given, Ground
from sdnctl.verify.isolation import isolation
from sdnctl.verify.judge import Context
from sdnctl.verify.labels import LabelCheck
from sdnctl.verify.memory import Memory
from sdnctl.verify.report import Checked, Report, Verdict, Violation
from sdnctl.verify.swift import Proven, addresses, addresses_agree
from sdnctl.verify.walk import Network

ALL_KINDS = ("link", "srlg", "node")


@in_bulk()
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
    memory: Memory | None = None,
) -> Report:
    """Judge `rules` (per switch; a switch that is missing holds none) by what `demands` are promised.

    `demands` are those that were admitted. `trunks` say on which path each was, and where standby paths are.
    `failures` are the kinds of single failures to go through: link, srlg, node, or none of them. `down` are
    links of the topology that are down now: the failures come on top, and what runs on its repair has spent
    its protection until it is rerouted. Without `shortcuts` every demand is walked one by one: the same report
    (but for `checked.steps`), by the longer way. A `memory` that has seen the run before makes this one short
    where little is new.
    """
    trunk_of = {demand: trunk for trunk in trunks for demand in trunk.demands}
    ordered = tuple(sorted(demands, key=lambda demand: demand.id))
    memory = memory or Memory()
    ground = memory.ground(topology, settings, tuple(failures), frozenset(down))
    given = Given(settings, classes, ordered, trunk_of, rules)
    return _V1(ground, given, memory.prove(given, ground) if shortcuts else None).run()


def verify_compiled(
    compiled: Compiled,
    rules: Mapping[str, RuleSet] | None = None,
    failures: Iterable[str] = ALL_KINDS,
    down: Iterable[str] = (),
    *,
    memory: Memory | None = None,
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
        memory=memory,
    )


class _V1:
    """One run: the shortcut for what it proves, the long way for the rest, and one report of both."""

    def __init__(self, ground: Ground, given: Given, proven: Proven | None) -> None:
        self.ground, self.given, self.proven = ground, given, proven
        self.topology, self.demands = ground.topology, given.demands
        self.rules = proven.given.rules if proven else given.rules
        self.network = Network(ground.topology, self.rules, ground.down)
        self.found: dict[str, Findings] = {}
        self.extra: dict[str, list[Violation]] = defaultdict(list)

    def run(self) -> Report:
        proven = self.proven
        every = frozenset(self.topology.nodes)
        faults = self._wellformed(proven.suspect if proven else every)
        edge = EdgeCheck(self.network, self.demands, proven.overlapping | proven.leaking if proven else every)
        for demand, violation in edge.overlaps():
            self.extra[demand.id].append(violation)
        self._walk()
        for demand, violation in self._isolation():
            self.extra[demand.id].append(violation)
        unused = self._unused()
        faults += edge.leaks()
        labels = self._known_labels()
        faults += self._labels(labels)
        faults += self._steps()
        return Report(
            self._verdicts(),
            tuple(dict.fromkeys(faults)),
            self._checked(len(labels), len(unused)),
            unused,
        )

    # ── rules ────────────────────────────────────────────────────────────────────────────────────

    def _wellformed(self, nodes: Collection[str]) -> list[Violation]:
        """Faults of rules by themselves, at some switches."""
        faults = []
        ports: dict[str, set[int]] = defaultdict(set)
        for demand in self.demands if nodes else ():
            for endpoint in (demand.ingress, demand.egress):
                ports[endpoint.attachment.node].add(endpoint.attachment.port)
        for node in sorted(self.rules):
            if node not in self.topology.nodes:
                if len(self.rules[node]):
                    faults.append(Violation("unknown-switch", f"rules for {node}, which is not in the topology"))
            elif node in nodes:
                known = ports[node] | self.network.switches[node].link_at.keys()
                faults += wellformed.check(node, self.rules[node], known, self.given.settings.bypass_labels)
        return faults

    def _labels(self, known: Collection[int]) -> list[Violation]:
        """Faults of label ways: those that do not plainly end."""
        proven = self.proven
        if proven is None:
            check = LabelCheck(self.network, self.topology.nodes)
        else:
            check = LabelCheck(self.network, [node for node, forms in proven.forms.items() if forms.strange])
        faults = list(check.unknown(known))
        starts = [start for node in check.nodes for start in check.starts(node, check.known(node))]
        if proven is None:
            return [*faults, *check.run(starts, self.ground.failures)]
        starts += [start for node, label in proven.doubtful for start in check.starts(node, (label,))]
        return [*faults, *check.run(starts, self.ground.failures)] if starts else faults

    def _known_labels(self) -> frozenset[int]:
        """Every label that a rule names."""
        proven, found = self.proven, set[int]()
        for node in self.topology.nodes:
            if proven and node not in proven.suspect:
                found |= proven.forms[node].labels
            elif node in self.rules:
                matches = (flow.match.get("mpls_label") for flow in self.rules[node].flows.values())
                found.update(label[0] for label in matches if label is not None)
        return frozenset(found)

    def _steps(self) -> list[Violation]:
        """Claims that every step must keep: TTLs fall, outer addresses belong to their ports."""
        steps, proven = self.network.steps, self.proven
        faults = [
            Violation("ttl", f"{node} sends on packets that came with label {label} without lowering the TTL")
            for node, label in sorted(steps.stuck)
        ]
        if proven and not steps.macs and (proven.core is None or addresses_agree(proven.forms.values())):
            return faults
        seen: dict[PortRef, set[int]] = {port: set(macs) for port, macs in steps.macs.items()}
        for port, mac in addresses(proven.core) if proven and proven.core else ():
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
        """Walk the demands that were not proven."""
        left = [demand for demand in self.demands if not self.proven or demand.id not in self.proven.proofs]
        if left:
            context = Context(self.topology, self.rules, self.given.classes)
            ground = self.ground
            walks = Walks(self.network, ground.risks, context, ground.failures, self.given.trunk_of)
            self.found = {demand.id: walks.judge(demand) for demand in left}

    def _isolation(self) -> Iterator[tuple[Demand, Violation]]:
        """What demands share that may not be shared; not looked for where plainly nothing is."""
        proofs = self.proven.proofs if self.proven else {}
        if self.found or not (self.proven and self.proven.shares.apart):
            met = {key: found.met for key, found in self.found.items()}
            met |= {key: proof.met for key, proof in proofs.items()}
            yield from isolation(self.demands, met)

    # ── result ───────────────────────────────────────────────────────────────────────────────────

    def _verdicts(self) -> tuple[Verdict, ...]:
        if self.proven and not self.found and not self.extra:
            proofs = self.proven.proofs
            return tuple([proofs[demand.id].verdict for demand in self.demands])
        return tuple(self._verdict(demand) for demand in self.demands)

    def _verdict(self, demand: Demand) -> Verdict:
        extra = self.extra.get(demand.id, ())
        proof = self.proven.proofs.get(demand.id) if self.proven else None
        if proof is not None:
            return replace(proof.verdict, violations=tuple(dict.fromkeys(extra))) if extra else proof.verdict
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

    def _unused(self) -> tuple[str, ...]:
        """Flows and groups that no demand used so far, by name."""
        used = self.network.steps.used()
        if self.proven:
            used = used | self.proven.used if used else self.proven.used
        idle = self.proven.idle if self.proven else {}
        for node, held in self.rules.items():
            if node in idle:
                idle[node] = [item for item in idle[node] if item[0] not in used]
            else:
                rules: Iterable[Flow | Group] = chain(held.flows.values(), held.groups.values())
                idle[node] = [(id(rule), f"{node}: {rule_name(rule)}") for rule in rules if id(rule) not in used]
        return tuple(name for node in sorted(self.rules) for name in sorted(name for _, name in idle[node]))

    def _checked(self, labels: int, unused: int) -> Checked:
        rules = sum(len(held.flows) + len(held.groups) for held in self.rules.values())
        walks = sum(found.walks for found in self.found.values())
        if self.proven:
            walks += sum(proof.verdict.walks for proof in self.proven.proofs.values())
        return Checked(
            len(self.topology.nodes),
            rules,
            len(self.demands),
            len(self.ground.failures),
            walks,
            self.network.steps.computed,
            labels,
            rules - unused,
        )
