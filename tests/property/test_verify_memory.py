"""A report made with a memory of the run before equals one made without, whatever has changed in between."""

from __future__ import annotations

import random
from dataclasses import replace
from ipaddress import ip_network

import pytest
from compile_networks import both_ways, edited, endpoint, random_network
from verify_mutants import mutants

from sdnctl.compiler.ir import Compiled, Network
from sdnctl.compiler.pipeline import compile_network
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import CompileError
from sdnctl.intents.demand import Demand, Service
from sdnctl.verify.edge import Edge, Edges
from sdnctl.verify.memory import Memory
from sdnctl.verify.v1 import verify_compiled


def rebuilt(state: Compiled) -> Compiled:
    """The same state made of other objects, as if it had been read from a file."""
    rules = {
        node: RuleSet.of(replace(rule) for rule in reversed(list(held))) for node, held in state.rules.items()
    }
    return replace(state, rules=rules, demands=tuple(replace(item) for item in state.demands))


def with_leaf(base: Network, number: int) -> Network:
    """One more leaf for the first tree there is (or one more line), on a port of its own."""
    trees = [item for item in base.demands if item.service is Service.TREE]
    node = sorted(base.topology.nodes)[number % len(base.topology.nodes)]
    if trees:
        like = trees[0]
        roots = [item.ingress for item in trees if item.application == like.application]
        root = max(roots, key=lambda end: sum(end == other for other in roots))
        leaf = endpoint(f"new{number}", node, 900 + number, None, [f"10.200.{number}.0/28"])
        if not any(prefix.version == 4 for prefix in root.prefixes):
            leaf = replace(leaf, prefixes=(ip_network(f"2001:db8:ffff:{number}::/64"),))
        pair = both_ways(like.application, root, leaf, Service.TREE, like.grade, service_class=like.service_class)
    else:
        one, other = (endpoint(f"new{number}{side}", node, 900 + 2 * number + i) for i, side in enumerate("ab"))
        pair = both_ways(f"new{number}", one, other, Service.LINE)
    ends = {end.id: end for item in pair for end in (item.ingress, item.egress)}
    return replace(base, demands=(*base.demands, *pair), endpoints={**base.endpoints, **ends})


def assert_remembered(memory: Memory, state: Compiled) -> None:
    report, alone = verify_compiled(state, memory=memory), verify_compiled(state)
    assert replace(report.checked, steps=0) == replace(alone.checked, steps=0)
    assert report.faults == alone.faults
    assert report.unused == alone.unused
    assert report.verdicts == alone.verdicts


@pytest.mark.parametrize("seed", range(6))
def test_edits_one_after_the_other(seed: int) -> None:
    rng = random.Random(seed)
    memory, base, state = Memory(), random_network(seed), None
    carried = 0
    for step in range(8):
        base = with_leaf(base, step) if rng.random() < 0.5 else edited(base, rng)
        try:
            state = compile_network(base, state.baseline) if state else compile_network(base)
        except CompileError:
            continue
        carried += 1
        assert_remembered(memory, rebuilt(state) if rng.random() < 0.5 else state)
    assert carried > 2


@pytest.mark.parametrize("seed", range(3))
def test_faults_come_and_go(seed: int) -> None:
    state = compile_network(random_network(seed))
    memory = Memory()
    assert verify_compiled(state, memory=memory).ok
    found = 0
    for mutant in random.Random(seed).sample(list(mutants(state.rules)), 20):
        changed = replace(state, rules=mutant.rules)
        assert_remembered(memory, changed)
        found += not verify_compiled(changed).ok
        assert_remembered(memory, state)
    assert found > 10


def test_rules_that_a_caller_changes_in_place_are_looked_at_again() -> None:
    state = compile_network(random_network(0))
    memory = Memory()
    assert verify_compiled(state, memory=memory).ok
    held = next(held for _, held in sorted(state.rules.items()) if held.meters)
    held.meters.clear()
    assert not verify_compiled(state, memory=memory).ok


def test_a_new_leaf_leaves_little_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is new is read, and nothing else: the demands that were there are not read again."""
    base = random_network(3)
    state = compile_network(base)
    memory = Memory()
    assert verify_compiled(state, memory=memory).ok
    more = compile_network(with_leaf(base, 7), state.baseline)
    read: list[str] = []
    original = Edges.read

    def listening(self: Edges, demand: Demand) -> Edge | None:
        read.append(demand.id)
        return original(self, demand)

    monkeypatch.setattr(Edges, "read", listening)
    assert verify_compiled(more, memory=memory).ok
    assert sorted(read) == sorted({item.id for item in more.demands} - {item.id for item in state.demands})
