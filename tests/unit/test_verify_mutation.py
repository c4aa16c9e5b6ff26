"""Mutation score of V1: one fault at a time in correct rules, and V1 has to find it.

A survivor must be equivalent: it changes no demand's frames in any case that V1 claims anything about. The reasons
are spelled out in `equivalent`; whatever survives for no listed reason fails the test. That the in-memory switches
agree about survivors is tested in `test_verify_agreement`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import pytest
from compile_networks import random_network
from verify_mutants import Mutant, mutants
from verify_rules import CLASS, network

from sdnctl.compiler.ir import Settings
from sdnctl.compiler.pipeline import compile_network
from sdnctl.dataplane.text import rule_name
from sdnctl.dataplane.values import RuleSet
from sdnctl.verify.report import Report
from sdnctl.verify.v1 import verify, verify_compiled

WANTED = 0.95


@pytest.fixture
def tell(request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Write a line to the terminal, captured or not."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")

    def line(text: str) -> None:
        with capfd.disabled():
            reporter.ensure_newline()
            reporter.write_line(text)

    return line


def equivalent(mutant: Mutant, before: Report) -> str:
    """Why a mutant does what the original does, as far as V1 claims anything; "" if no reason is known."""
    name = f"{mutant.node}: {rule_name(mutant.rule)}" if mutant.rule is not None else ""
    if name in before.unused:
        return "no demand uses this rule under any failure that its grade covers"
    if mutant.operator in ("dropped-ClearInPort", "in-port-other"):
        return "no single failure makes a bypass leave by the port where this label traffic comes in"
    return ""


def score(
    rules: Mapping[str, RuleSet], judge: Callable[[Mapping[str, RuleSet]], Report], picked: Iterable[Mutant]
) -> tuple[float, Counter[str], list[str]]:
    """Share of real mutants that were killed, why others are equivalent, survivors without a reason."""
    before = judge(rules)
    assert before.ok, before.diagnostics()
    total, why, unexplained = 0, Counter[str](), []
    for mutant in picked:
        total += 1
        if judge(mutant.rules).ok:
            reason = equivalent(mutant, before)
            why[reason] += 1
            if not reason:
                rule = rule_name(mutant.rule) if mutant.rule is not None else "an added rule"
                unexplained.append(f"{mutant.operator} at {mutant.node} in {rule}")
    real = total - sum(count for reason, count in why.items() if reason)
    return (real - len(unexplained)) / real, why, unexplained


def judge_ring(rules: Mapping[str, RuleSet]) -> Report:
    hand = network()
    return verify(hand.topology, Settings("ring"), {"video": CLASS}, hand.demands, hand.trunks.values(), rules)


def one_of_each(found: Iterable[Mutant], each: int) -> list[Mutant]:
    """Some mutants of every operator, spread over the rules."""
    by_operator: dict[str, list[Mutant]] = {}
    for mutant in found:
        by_operator.setdefault(mutant.operator, []).append(mutant)
    return [
        group[round(step * (len(group) - 1) / max(each - 1, 1))]
        for group in by_operator.values()
        for step in range(min(each, len(group)))
    ]


def test_every_kind_of_fault_in_rules_written_by_hand_is_found(tell: Callable[[str], None]) -> None:
    rules = network().rules
    result, why, unexplained = score(rules, judge_ring, one_of_each(mutants(rules), 2))
    tell(f"mutation score {result:.1%}; equivalent: {dict(why)}")
    assert not unexplained
    assert result >= WANTED


@pytest.mark.soak
def test_all_mutants_of_the_rules_written_by_hand(tell: Callable[[str], None]) -> None:
    rules = network().rules
    result, why, unexplained = score(rules, judge_ring, mutants(rules))
    tell(f"mutation score {result:.1%}; equivalent: {dict(why)}")
    assert not unexplained


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_all_mutants_of_compiled_rules(seed: int, tell: Callable[[str], None]) -> None:
    compiled = compile_network(random_network(seed))
    result, why, unexplained = score(
        compiled.rules, lambda rules: verify_compiled(compiled, rules), mutants(compiled.rules)
    )
    tell(f"mutation score {result:.1%}; equivalent: {dict(why)}; unexplained: {unexplained}")
    assert result >= WANTED
