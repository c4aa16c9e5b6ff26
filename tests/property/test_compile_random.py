"""The compiler on random networks, judged by the in-memory switches that execute its rules."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

from compile_networks import (
    FIRST_EDGE_PORT,
    check_delivery,
    down_ports,
    edited,
    fabric,
    network,
    random_network,
    samples,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sdnctl.compiler.ir import Compiled, Network
from sdnctl.compiler.pipeline import compile_network
from sdnctl.compiler.serialise import dumps_baseline, dumps_compiled, loads_baseline, loads_compiled
from sdnctl.compiler.tables import faults
from sdnctl.intents.demand import Demand, Grade, Service
from sdnctl.topology.graph import Topology

SEEDS = st.integers(0, 10_000)


@settings(max_examples=10)
@given(SEEDS)
def test_exactly_the_intended_frames_arrive_also_with_any_single_link_down(seed: int) -> None:
    net = random_network(seed)
    compiled = compile_network(net)
    for rules in compiled.rules.values():
        assert not list(faults(rules))
    built = fabric(compiled.rules, net.topology)
    check_delivery(built, net.demands)
    protected = [item for item in net.demands if item.grade is not Grade.NONE]
    for link in net.topology.links:
        built.fail(down_ports(net, [link]))
        check_delivery(built, protected, quick=True)


@settings(max_examples=6)
@given(SEEDS)
def test_grade_node_survives_the_death_of_any_transit_switch(seed: int) -> None:
    net = random_network(seed, size=6)
    net = network(net.topology, [replace(item, grade=Grade.NODE) for item in net.demands])
    built = fabric(compile_network(net).rules, net.topology)
    for node in net.topology.nodes:
        built.fail(dead=[node])
        alive = [
            item for item in net.demands if node not in (item.ingress.attachment.node, item.egress.attachment.node)
        ]
        check_delivery(built, alive, quick=True)


@settings(max_examples=8)
@given(SEEDS)
def test_nothing_leaks_between_leaves_groups_or_applications(seed: int) -> None:
    net = random_network(seed)
    built = fabric(compile_network(net).rules, net.topology)
    intended = {(item.ingress.attachment, sample.frame) for item in net.demands for sample in samples(item)}
    for item in net.demands:
        if item.service is Service.LINE:
            continue
        for other in net.demands:
            # The frames of a demand, offered at another endpoint's port: its tag and addresses do not fit there.
            port = other.ingress.attachment
            if other.service is not Service.LINE and other.ingress != item.ingress:
                for sample in samples(item):
                    if (port, sample.frame) not in intended:
                        outcome = built.inject(port.node, port.port, sample.frame)
                        assert not outcome.frames, f"{item.id} at {other.ingress.id}\n{outcome}"


@settings(max_examples=10)
@given(SEEDS)
def test_members_reach_each_other_and_nobody_of_another_group(seed: int) -> None:
    """From every endpoint of an application to every other: it arrives exactly where a demand was declared."""
    net = random_network(seed, applications=4)
    built = fabric(compile_network(net).rules, net.topology)
    declared = {(item.application, item.ingress.id, item.egress.id) for item in net.demands}
    for one, other in itertools.product(net.demands, repeat=2):
        if one.service is Service.LINE or one.application != other.application or one.ingress == other.egress:
            continue
        tried = replace(one, egress=other.egress)
        for sample in samples(tried):
            outcome = built.inject(one.ingress.attachment.node, one.ingress.attachment.port, sample.frame)
            place = other.egress.attachment
            expected = [(place.node, place.port, sample.expected)]
            meets = (one.application, one.ingress.id, other.egress.id) in declared
            assert outcome.frames == (expected if meets else []), f"{one.ingress.id} {other.egress.id}\n{outcome}"


@settings(max_examples=10)
@given(SEEDS)
def test_the_order_of_input_decides_nothing(seed: int) -> None:
    net = random_network(seed)
    rng = random.Random(seed)

    def shuffled(table: dict[str, object]) -> dict[str, object]:
        items = list(table.items())
        rng.shuffle(items)
        return dict(items)

    demands = list(net.demands)
    rng.shuffle(demands)
    topo = net.topology
    other = replace(
        net,
        topology=Topology(
            shuffled(dict(topo.nodes)),  # type: ignore[arg-type]
            shuffled(dict(topo.links)),  # type: ignore[arg-type]
            shuffled(dict(topo.srlgs)),  # type: ignore[arg-type]
        ),
        endpoints=shuffled(dict(net.endpoints)),  # type: ignore[arg-type]
        classes=shuffled(dict(net.classes)),  # type: ignore[arg-type]
        demands=tuple(demands),
    )
    assert dumps_compiled(compile_network(other)) == dumps_compiled(compile_network(net))


@settings(max_examples=10)
@given(SEEDS)
def test_what_was_applied_is_compiled_the_same_way_again(seed: int) -> None:
    net = random_network(seed)
    first = compile_network(net)
    again = compile_network(net, first.baseline)
    assert again.rules == first.rules
    assert again.baseline == first.baseline
    assert again.network_fingerprint == first.network_fingerprint


@settings(max_examples=10)
@given(SEEDS)
def test_load_of_dump_is_the_same_value_and_the_same_bytes(seed: int) -> None:
    net = random_network(seed)
    compiled = compile_network(edited(net, random.Random(seed)), compile_network(net).baseline)
    text = dumps_compiled(compiled)
    assert loads_compiled(text) == compiled
    assert dumps_compiled(loads_compiled(text)) == text
    assert loads_baseline(dumps_baseline(compiled.baseline)) == compiled.baseline


@settings(max_examples=10)
@given(SEEDS)
def test_no_number_changes_its_meaning_from_one_compilation_to_the_next(seed: int) -> None:
    """Over several edits: a label names one path only, and ids of what went are not given to what came."""
    rng = random.Random(seed)
    net = random_network(seed)
    before = compile_network(net)
    for _ in range(3):
        net = edited(net, rng)
        if not net.demands:
            return
        after = compile_network(net, before.baseline)
        old, new = _meanings(before), _meanings(after)
        for number in old.keys() & new.keys():
            assert old[number] == new[number], number
        assert not new.keys() & {("label", label) for label in after.baseline.quarantine}
        before = after


def _meanings(compiled: Compiled) -> dict[tuple[str, int], object]:
    table: dict[tuple[str, int], object] = {}
    for trunk in compiled.trunks:
        table["label", trunk.label] = trunk.key, trunk.path
        if trunk.standby_label is not None:
            table["label", trunk.standby_label] = trunk.key, trunk.standby
    for bypass in compiled.bypasses:
        if bypass.label is not None:
            table["label", bypass.label] = bypass.key, bypass.path
    for namespace, ids in compiled.baseline.ids.items():
        if namespace != "bypass":
            table |= {
                ("label" if namespace == "service" else namespace, number): key for key, number in ids.items()
            }
    return table


@settings(max_examples=10)
@given(SEEDS)
def test_one_endpoint_that_changes_its_port_changes_only_its_own_rules(seed: int) -> None:
    net = random_network(seed)
    rng = random.Random(seed)
    end = rng.choice(sorted(net.endpoints.values(), key=lambda item: item.id))
    moved = replace(end, attachment=replace(end.attachment, port=FIRST_EDGE_PORT + 250))

    def at_new_port(item: Demand) -> Demand:
        return replace(
            item,
            ingress=moved if item.ingress.id == end.id else item.ingress,
            egress=moved if item.egress.id == end.id else item.egress,
        )

    before = compile_network(net)
    after = compile_network(network(net.topology, map(at_new_port, net.demands)), before.baseline)
    touching = [item for item in net.demands if end.id in (item.ingress.id, item.egress.id)]
    numbers = {before.baseline.ids["demand"][item.id] for item in touching}
    services = {before.baseline.ids["service"][f"{item.application}>{end.id}"] for item in touching}
    for switch, rules in before.rules.items():
        assert rules.groups == after.rules[switch].groups
        assert rules.meters == after.rules[switch].meters
        changed = set(rules.flows.values()) ^ set(after.rules[switch].flows.values())
        for flow in changed:
            assert switch == end.attachment.node
            assert flow.cookie & 0xFFFFFFFF in numbers | services


@settings(max_examples=10)
@given(SEEDS)
def test_without_demands_there_are_no_rules(seed: int) -> None:
    net = random_network(seed)
    before = compile_network(net)
    after = compile_network(network(net.topology, ()), before.baseline)
    assert not any(len(rules) for rules in after.rules.values())
    assert set(after.rules) == set(net.topology.nodes)


def _renamed(net: Network, rng: random.Random) -> tuple[Network, dict[str, str]]:
    """Every id replaced by a random word, and the words by id."""
    words: dict[str, str] = {}

    def word(name: str) -> str:
        if name not in words:
            words[name] = f"{rng.choice('abcdefghijklmnopqrstuvwxyz')}{rng.randrange(10**9)}"
        return words[name]

    nodes = [replace(node, id=word(node.id), site=word(node.site)) for node in net.topology.nodes.values()]
    links = [
        replace(
            link,
            id=word(link.id),
            a=replace(link.a, node=word(link.a.node)),
            b=replace(link.b, node=word(link.b.node)),
        )
        for link in net.topology.links.values()
    ]
    ends = {
        end.id: replace(
            end,
            id=word(end.id),
            site=word(end.site),
            attachment=replace(end.attachment, node=word(end.attachment.node)),
        )
        for end in net.endpoints.values()
    }

    def demand_name(item: Demand) -> str:
        return f"{word(item.application)}/{word(item.ingress.id)}>{word(item.egress.id)}"

    names = {item.id: demand_name(item) for item in net.demands}
    words |= names
    demands = [
        replace(
            item,
            id=names[item.id],
            application=word(item.application),
            ingress=ends[item.ingress.id],
            egress=ends[item.egress.id],
            reverse=names[item.reverse],
        )
        for item in net.demands
    ]
    topo = Topology({node.id: node for node in nodes}, {link.id: link for link in links})
    return network(topo, demands), words


@settings(max_examples=10)
@given(SEEDS)
def test_renaming_everything_gives_isomorphic_rules(seed: int) -> None:
    net = random_network(seed)
    other, words = _renamed(net, random.Random(seed + 1))
    one, two = compile_network(net), compile_network(other)
    numbers = _translation(one, two, words)
    for switch, rules in one.rules.items():
        translated = {_shape(rule, numbers) for rule in rules}
        assert translated == {_shape(rule, {}) for rule in two.rules[words[switch]]}


def _translation(one: Compiled, two: Compiled, words: dict[str, str]) -> dict[tuple[str, int], int]:
    """What each number of one compilation is in the other, found by what it stands for."""
    table: dict[tuple[str, int], int] = {}
    home = {member: trunk for trunk in two.trunks for member in trunk.demands}
    trunk_words = {}
    for trunk in one.trunks:
        twin = home[words[trunk.demands[0]]]
        table["label", trunk.label] = twin.label
        trunk_words[trunk.key] = twin.key
        if trunk.standby_label is not None and twin.standby_label is not None:
            table["label", trunk.standby_label] = twin.standby_label
    twins = {(words_of.link, words_of.protects): words_of for words_of in two.bypasses}
    for bypass in one.bypasses:
        twin_bypass = twins[words[bypass.link], tuple(words[name] for name in bypass.protects)]
        if bypass.label is not None and twin_bypass.label is not None:
            table["label", bypass.label] = twin_bypass.label
    for key, number in one.baseline.ids["demand"].items():
        table["demand", number] = two.baseline.ids["demand"][words[key]]
    for key, number in one.baseline.ids["service"].items():
        application, _, end = key.partition(">")
        table["label", number] = two.baseline.ids["service"][f"{words[application]}>{words[end]}"]
    for key, number in one.baseline.ids["group"].items():
        kind, _, rest = key.partition(":")
        if kind == "trunk":
            renamed = trunk_words[rest]
        else:
            link, _, hops = rest.partition(":")
            renamed = f"{words[link]}:{'>'.join(words[name] for name in hops.split('>'))}"
        table["group", number] = two.baseline.ids["group"][f"{kind}:{renamed}"]
    return table


def _shape(rule: object, numbers: dict[tuple[str, int], int]) -> str:
    """A rule as text with every number of ours replaced by its twin."""
    import re

    from sdnctl.dataplane.values import GROUP_BASE, METER_BASE, Flow, Group, Meter

    def say(kind: str, number: int) -> str:
        return f"<{kind} {numbers.get((kind, number), number)}>"

    assert isinstance(rule, Flow | Group | Meter)
    if isinstance(rule, Meter):
        return f"{say('demand', rule.id - METER_BASE)} {rule.rate} {rule.burst}"
    text = repr(rule)
    if isinstance(rule, Flow):
        kind = rule.cookie >> 32 & 0xFFFF
        namespace = {1: "demand", 2: "label", 3: "label", 4: "label"}.get(kind, "port")
        text = text.replace(f"cookie={rule.cookie}", f"cookie={kind} {say(namespace, rule.cookie & 0xFFFFFFFF)}")
        text = re.sub(r"meter=(\d+)", lambda found: say("demand", int(found[1]) - METER_BASE), text)
        own = "label" if rule.table == 5 else "demand"
        text = re.sub(r"\('metadata', (\d+),", lambda found: f"('metadata', {say(own, int(found[1]))},", text)
        written = "label" if rule.goto == 5 else "demand"
        text = re.sub(r"metadata=\((\d+),", lambda found: f"metadata=({say(written, int(found[1]))},", text)
        text = re.sub(
            r"\('mpls_label', (\d+),", lambda found: f"('mpls_label', {say('label', int(found[1]))},", text
        )
    else:
        text = text.replace(f"id={rule.id}", say("group", rule.id - GROUP_BASE))
    text = re.sub(r"group=(\d+)", lambda found: say("group", int(found[1]) - GROUP_BASE), text)
    return re.sub(
        r"name='mpls_label', value=(\d+)", lambda found: f"mpls_label={say('label', int(found[1]))}", text
    )
