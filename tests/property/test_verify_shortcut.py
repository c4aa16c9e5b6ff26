"""The shortcut and the long way say the same: on random networks, on mutants of their rules, with links down.

Every field of the report is compared, counterexamples included; only how many steps were computed may differ.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from compile_networks import network as network_of
from compile_networks import random_demands, random_edges
from paths_networks import srlg, topology
from verify_mutants import mutants
from verify_rules import CLASS
from verify_rules import network as network_by_hand

from sdnctl.compiler.ir import Compiled, Settings
from sdnctl.compiler.pipeline import compile_network
from sdnctl.dataplane.values import Flow, Group, RuleSet
from sdnctl.errors import CompileError
from sdnctl.intents.demand import Demand, Grade
from sdnctl.topology.graph import Topology
from sdnctl.units import Delay, Octets
from sdnctl.verify.report import Report
from sdnctl.verify.v1 import verify

KINDS = ("chamber", "building", "duct", "feeder")


def risky(rng: random.Random) -> Topology:
    """A ring with chords whose links share risks; some of them isolate a switch, some take switches with them."""
    edges = random_edges(rng, rng.randint(4, 7))
    links = [f"l{index}" for index in range(len(edges))]
    nodes = sorted({name for edge in edges for name in edge[:2]})
    groups = []
    for index in range(rng.randint(2, 7)):
        kind = rng.choice(KINDS)
        members = rng.sample(links, rng.randint(1, 2))
        inside = rng.sample(nodes, 1) if kind == "building" else ()
        groups.append(srlg(f"{kind}:g{index}", *members, nodes=inside, metres=rng.choice([0.0, 50.0, 900.0])))
    for node in rng.sample(nodes, 2):
        groups.append(srlg(f"building:{node}", nodes=(node,)))
        near = [link for link, edge in zip(links, edges, strict=True) if node in edge[:2]]
        groups.append(srlg(f"chamber:{node}", *near))
    sizes = {link: rng.choice([1600, 1600, 9000]) for link in links}
    return topology(edges, groups, mtu=sizes)


def choosy(rng: random.Random, demand: Demand, net: Topology) -> Demand:
    """A demand that asks for more: other grades, latency, things to avoid, larger frames."""
    changes: dict[str, object] = {}
    if rng.random() < 0.3:
        changes["grade"] = rng.choice(list(Grade))
    if rng.random() < 0.3:
        changes["latency"] = Delay(rng.choice([2.0, 4.5, 6.0, 30.0]))
    if rng.random() < 0.2:
        changes["avoid"] = frozenset(rng.sample([*net.links, *net.srlgs, *net.nodes], 2))
    if rng.random() < 0.1:
        changes["mtu"] = Octets(1520)
    return replace(demand, **changes)  # type: ignore[arg-type]


def random_state(seed: int) -> Compiled:
    """A compiled random network: of its demands those that the compiler does not refuse."""
    rng = random.Random(seed)
    net = risky(rng)
    asked = {item.id: item for item in random_demands(rng, net, 5)}
    pairs = {key: choosy(rng, item, net) for key, item in asked.items() if item.reverse >= key}
    demands = [
        *pairs.values(),
        *(
            replace(asked[item.reverse], grade=item.grade, latency=item.latency, avoid=item.avoid, mtu=item.mtu)
            for item in pairs.values()
        ),
    ]
    for _ in range(60):
        try:
            return compile_network(network_of(net, demands))
        except CompileError as error:
            refused = {found.address.partition("demand ")[2] for found in error.diagnostics}
            left = [item for item in demands if item.id not in refused and item.reverse not in refused]
            demands = left if len(left) < len(demands) else demands[2:]
    raise AssertionError("nothing can be compiled")


def both(
    state: Compiled, rules: Mapping[str, RuleSet] | None = None, down: Iterable[str] = ()
) -> tuple[Report, Report]:
    found = [
        verify(
            state.topology,
            state.settings,
            state.classes,
            state.demands,
            state.trunks,
            state.rules if rules is None else rules,
            down=down,
            shortcuts=shortcuts,
        )
        for shortcuts in (True, False)
    ]
    return found[0], found[1]


def assert_same(short: Report, long: Report, case: object) -> None:
    assert replace(short.checked, steps=0) == replace(long.checked, steps=0), case
    assert short.faults == long.faults, case
    assert short.unused == long.unused, case
    for one, other in zip(short.verdicts, long.verdicts, strict=True):
        assert one == other, case


@pytest.mark.parametrize("seed", range(6))
def test_the_shortcut_says_what_the_long_way_says(seed: int) -> None:
    state = random_state(seed)
    short, long = both(state)
    assert_same(short, long, seed)
    assert short.ok, short.diagnostics()
    assert short.checked.steps < long.checked.steps / 2, "the shortcut was hardly taken"
    picked = random.Random(seed).sample(list(mutants(state.rules)), 12)
    for mutant in picked:
        assert_same(*both(state, mutant.rules), (mutant.operator, mutant.node, mutant.rule))


@pytest.mark.parametrize("seed", range(3))
def test_it_does_so_while_links_are_down(seed: int) -> None:
    state = random_state(seed)
    rng = random.Random(seed)
    faults = iter(rng.sample(list(mutants(state.rules)), len(state.topology.links)))
    for link in sorted(state.topology.links):
        assert_same(*both(state, down=(link,)), link)
        assert_same(*both(state, next(faults).rules, down=(link,)), link)


def test_it_does_so_where_standbys_are() -> None:
    """Demands with a standby path on a ring with chords; faults in groups and in rules of standby labels."""
    rng = random.Random(4)
    net = topology(random_edges(rng, 6), [srlg("duct:d0", "l0", metres=900.0)])
    asked = random_demands(rng, net, 4)
    state = compile_network(network_of(net, [replace(item, grade=Grade.DISJOINT) for item in asked]))
    assert sum(trunk.standby is not None for trunk in state.trunks) > 3
    short, long = both(state)
    assert_same(short, long, "correct")
    assert short.ok, short.diagnostics()
    assert short.checked.steps < long.checked.steps / 2
    standbys = {trunk.standby_label for trunk in state.trunks}
    near = [
        mutant
        for mutant in mutants(state.rules)
        if isinstance(mutant.rule, Group)
        or (isinstance(mutant.rule, Flow) and (mutant.rule.match.get("mpls_label") or (0,))[0] in standbys)
    ]
    for mutant in rng.sample(near, 12):
        assert_same(*both(state, mutant.rules), (mutant.operator, mutant.node, mutant.rule))
    flipped = replace(state.trunks[0], flipped=True)
    assert_same(*both(replace(state, trunks=(flipped, *state.trunks[1:]))), "flipped in name only")


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(16))
def test_it_does_so_for_every_mutant(seed: int) -> None:
    state = random_state(seed)
    for mutant in mutants(state.rules):
        assert_same(*both(state, mutant.rules), (mutant.operator, mutant.node, mutant.rule))


@pytest.mark.parametrize("count", [25, pytest.param(None, marks=pytest.mark.soak)], ids=["some", "all"])
def test_it_does_so_for_mutants_of_rules_written_by_hand(count: int | None) -> None:
    hand = network_by_hand()
    every = list(mutants(hand.rules))
    for mutant in random.Random(1).sample(every, count or len(every)):
        reports = [
            verify(
                hand.topology,
                Settings("ring"),
                {"video": CLASS},
                hand.demands,
                hand.trunks.values(),
                mutant.rules,
                shortcuts=shortcuts,
            )
            for shortcuts in (True, False)
        ]
        assert_same(reports[0], reports[1], (mutant.operator, mutant.node, mutant.rule))
