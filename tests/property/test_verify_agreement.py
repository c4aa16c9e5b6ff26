"""Two readings of the same rules: V1's sets of frames, and the in-memory switches with real frames.

They share no code. On random networks V1's verdict of every demand under every failure is compared with what the
switches do to the demand's probes; and whatever fault V1 lets pass, the switches have to let pass too.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest
from compile_networks import random_network
from verify_fabric import exchange, fabric_of, fail
from verify_mutants import mutants

from sdnctl.compiler.ir import Compiled
from sdnctl.compiler.pipeline import compile_network
from sdnctl.dataplane.refusals import RuleRefused
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import CompileError
from sdnctl.topology.graph import Failure
from sdnctl.verify.probes import Probe, V3Report, judge, label_stacks, probes
from sdnctl.verify.report import Report
from sdnctl.verify.v1 import verify_compiled

SMALL_KINDS = ("udp", "udp6", "arp", "solicitation", "least", "double-tagged")


def compiled_network(seed: int) -> Compiled:
    """The first network from this seed on whose demands can all be carried."""
    for offset in range(20):
        try:
            return compile_network(random_network(seed + 100 * offset))
        except CompileError:
            continue
    raise AssertionError("no network can be compiled")


def answers(
    compiled: Compiled, rules: Mapping[str, RuleSet], sent: Sequence[Probe], failure: Failure | None
) -> V3Report:
    """What the in-memory switches do with probes under one failure."""
    fabric = fabric_of(compiled.topology, compiled.demands, rules)
    fail(fabric, compiled.topology, failure)
    return judge(sent, exchange(fabric, sent))


def lost_by(report: Report, failure: Failure) -> set[str]:
    """Demands that V1 says are lost under a failure."""
    found = set()
    for verdict in report.verdicts:
        losses = {loss.failure for loss in (*verdict.residual, *verdict.exposed)}
        losses |= {item.failure for item in verdict.violations if item.code in ("blackhole", "loop", "mtu")}
        if failure.name in losses:
            found.add(verdict.demand)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_every_demand_under_every_failure_fares_as_v1_says(seed: int) -> None:
    compiled = compiled_network(seed)
    report = verify_compiled(compiled)
    assert report.ok, report.diagnostics()
    sent = probes(compiled.demands, label_stacks(compiled.rules))
    everything = answers(compiled, compiled.rules, sent, None)
    assert everything.ok, everything.diagnostics()
    assert sum(item.negative for item in everything.applications) > 0
    one_each = [probe for probe in sent if probe.kind in SMALL_KINDS or not probe.positive]
    compared = 0
    for failure in compiled.topology.failures():
        faults = answers(compiled, compiled.rules, one_each, failure).faults
        assert {fault.code for fault in faults} <= {"lost"}, faults
        dead = {
            item.id
            for item in compiled.demands
            if {item.ingress.attachment.node, item.egress.attachment.node} & failure.nodes
        }
        lost = {fault.demand for fault in faults}
        assert lost - dead == lost_by(report, failure) - dead, failure
        compared += len(compiled.demands)
    assert compared > 50


@pytest.mark.parametrize("seed", range(2))
def test_what_v1_lets_pass_the_switches_let_pass(seed: int) -> None:
    """Random faults: where V1 sees none, no probe is lost under a covered failure and none leaks."""
    compiled = compiled_network(seed)
    sent = [
        probe
        for probe in probes(compiled.demands, label_stacks(compiled.rules))
        if probe.kind in SMALL_KINDS or not probe.positive
    ]
    before = verify_compiled(compiled)
    picked = random.Random(seed).sample(list(mutants(compiled.rules)), 40)
    passed = killed = 0
    for mutant in picked:
        report = verify_compiled(compiled, mutant.rules)
        if not report.ok:
            killed += 1
            continue
        passed += 1
        for failure in (None, *compiled.topology.failures(("link", "srlg"))):
            try:
                faults = answers(compiled, mutant.rules, sent, failure).faults
            except RuleRefused:
                break  # a real switch would not even take it
            allowed = lost_by(before, failure) if failure is not None else set()
            wrong = [item for item in faults if item.code != "lost" or item.demand not in allowed]
            assert not wrong, (mutant.operator, mutant.node, mutant.rule, failure, wrong)
    assert killed > 25
    assert passed + killed == len(picked)


def test_the_probes_find_gross_faults_too() -> None:
    """V3 is no formality: of the faults in rules that probes use, most are seen by probes alone."""
    compiled = compiled_network(1)
    sent = probes(compiled.demands, label_stacks(compiled.rules))
    seen = total = 0
    for mutant in mutants(compiled.rules):
        if mutant.operator not in (
            "flow-dropped",
            "port-other",
            "widened-eth_src",
            "widened-ipv4_src",
            "goto-dropped",
        ):
            continue
        try:
            ok = answers(compiled, mutant.rules, sent, None).ok
        except RuleRefused:
            continue
        total += 1
        seen += not ok
    assert total > 50
    assert seen / total > 0.5
