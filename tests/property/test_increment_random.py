"""Increments: whatever is edited, the session goes on to the very bytes of a whole compilation."""

from __future__ import annotations

import copy
import pickle
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from random import Random

import pytest
from compile_networks import both_ways, edited, endpoint, random_network

from lab.bench.networks import SIZES, with_camera
from lab.bench.networks import network as city
from sdnctl.compiler.increment import Session, begin, compile_increment
from sdnctl.compiler.ir import Baseline, Compiled, Network
from sdnctl.compiler.label import settle
from sdnctl.compiler.pipeline import compile_network
from sdnctl.compiler.serialise import dumps_compiled
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import CompileError, Source
from sdnctl.intents.demand import Demand, Grade, Service
from sdnctl.topology.graph import PortRef
from sdnctl.units import Bitrate, Delay

Edit = Callable[[Network, Random], Network]


def with_demands(net: Network, demands: list[Demand]) -> Network:
    ends = {end.id: end for demand in demands for end in (demand.ingress, demand.egress)}
    return replace(net, demands=tuple(demands), endpoints=ends)


def some_unit(net: Network, rng: Random) -> set[str]:
    """Ids of a random demand and of its way back."""
    one = rng.choice(net.demands)
    return {one.id, one.reverse}


def change(net: Network, rng: Random, **fields: object) -> Network:
    ids = some_unit(net, rng)
    return with_demands(net, [replace(item, **fields) if item.id in ids else item for item in net.demands])  # type: ignore[arg-type]


def add_line(net: Network, rng: Random) -> Network:
    used = {end.attachment for end in net.endpoints.values()}
    name = f"more{rng.randrange(10**6)}"
    nodes = [rng.choice(sorted(net.topology.nodes)) for _ in range(2)]
    ports = [
        next(port for port in range(600, 900) if PortRef(node, port) not in used and port % 2 == side)
        for side, node in enumerate(nodes)
    ]
    ends = [endpoint(f"{name}{index}", node, ports[index]) for index, node in enumerate(nodes)]
    grade = rng.choice([Grade.NONE, Grade.LOCAL, Grade.NODE, Grade.DISJOINT])
    cir = rng.choice([1_000_000, 900_000_000])
    more = both_ways(name, *ends, Service.LINE, grade, service_class=rng.choice(sorted(net.classes)), cir=cir)
    return with_demands(net, [*net.demands, *more])


def add_leaf(net: Network, rng: Random) -> Network:
    """One more leaf of a tree: on a port of its own, or on one that is used already."""
    trees = [item for item in net.demands if item.service is Service.TREE]
    if not trees:
        return add_line(net, rng)
    like = rng.choice(trees)
    number = rng.randrange(10**6)
    node = rng.choice(sorted(net.topology.nodes))
    port = rng.choice([900 + number % 90, like.egress.attachment.port])
    prefixes = (
        ip_network(0x0A800000 + number * 16),
        *(item for item in like.egress.prefixes if item.version == 6),
    )
    if rng.random() < 0.1:
        prefixes = like.egress.prefixes
    leaf = replace(like.egress, id=f"leaf{number}", attachment=PortRef(node, port), prefixes=prefixes[:1])
    there, back = (
        f"{like.application}/{like.ingress.id}>{leaf.id}",
        f"{like.application}/{leaf.id}>{like.ingress.id}",
    )
    if {there, back} & {item.id for item in net.demands}:
        return net
    return with_demands(
        net,
        [
            *net.demands,
            replace(like, id=there, reverse=back, egress=leaf),
            replace(like, id=back, reverse=there, ingress=leaf, egress=like.ingress),
        ],
    )


def remove(net: Network, rng: Random) -> Network:
    ids = some_unit(net, rng)
    kept = [item for item in net.demands if item.id not in ids]
    return with_demands(net, kept) if kept else net


def remove_one_way(net: Network, rng: Random) -> Network:
    one = rng.choice(net.demands)
    return with_demands(net, [item for item in net.demands if item is not one]) if len(net.demands) > 1 else net


def remove_application(net: Network, rng: Random) -> Network:
    gone = rng.choice(net.demands).application
    kept = [item for item in net.demands if item.application != gone]
    return with_demands(net, kept) if kept else net


def move_end(net: Network, rng: Random) -> Network:
    end = rng.choice(sorted(net.endpoints))
    place = PortRef(rng.choice(sorted(net.topology.nodes)), rng.randint(910, 990))
    moved = replace(net.endpoints[end], attachment=place, vlan=rng.choice([None, 77]))

    def now(item: Demand) -> Demand:
        return replace(
            item,
            ingress=moved if item.ingress.id == end else item.ingress,
            egress=moved if item.egress.id == end else item.egress,
        )

    return with_demands(net, [now(item) for item in net.demands])


def read_again(net: Network, rng: Random) -> Network:
    """Every object is another one, and stands elsewhere in its file; the order is another."""
    line = rng.randint(1, 999)
    fresh: Network = pickle.loads(pickle.dumps(net))
    demands = [replace(item, source=Source("intents/x.yaml", line)) for item in fresh.demands]
    rng.shuffle(demands)
    links = {
        key: replace(link, source=Source("topology/links.yaml", line))
        for key, link in fresh.topology.links.items()
    }
    return replace(with_demands(fresh, demands), topology=replace(fresh.topology, links=links))


LOCAL: dict[str, Edit] = {
    "line": add_line,
    "leaf": add_leaf,
    "remove": remove,
    "one way": remove_one_way,
    "application": remove_application,
    "rate": lambda net, rng: change(net, rng, cir=Bitrate(rng.choice([1, 5_000_000, 800_000_000]))),
    "class": lambda net, rng: change(net, rng, service_class=rng.choice(sorted(net.classes))),
    "grade": lambda net, rng: change(net, rng, grade=rng.choice(list(Grade))),
    "latency": lambda net, rng: change(net, rng, latency=rng.choice([None, Delay(9.0), Delay(30.0)])),
    "avoid": lambda net, rng: change(net, rng, avoid=frozenset([rng.choice(sorted(net.topology.links))])),
    "tenant": lambda net, rng: change(net, rng, exclusive=rng.random() < 0.5, tenant="other"),
    "move": move_end,
    "files": read_again,
    "nothing": lambda net, _: net,
}
GLOBAL: dict[str, Edit] = {
    "anything": edited,
    "down": lambda net, rng: replace(net, down=frozenset([rng.choice(sorted(net.topology.links))])),
    "up": lambda net, _: replace(net, down=frozenset()),
    "settings": lambda net, rng: replace(net, settings=replace(net.settings, name=f"net{rng.random()}")),
}


def whole(net: Network, baseline: Baseline) -> Compiled | str:
    try:
        return compile_network(net, baseline)
    except CompileError as error:
        return str(error)


def go_on(session: Session, net: Network, baseline: Baseline | None = None) -> Session | str:
    try:
        return compile_increment(session, net, baseline)
    except CompileError as error:
        return str(error)


def check_step(session: Session, net: Network, baseline: Baseline | None = None) -> Session | None:
    """Go on both ways: the same result, or the same refusal (None)."""
    expected = whole(net, session.compiled.baseline if baseline is None else baseline)
    got = go_on(session, net, baseline)
    if isinstance(got, str):
        assert got == expected
        return None
    assert isinstance(expected, Compiled), expected
    assert got.compiled == expected, f"followed: {not got.whole} ({got.whole})"
    assert dumps_compiled(got.compiled) == dumps_compiled(expected)
    return got


@pytest.mark.parametrize("seed", range(20))
def test_a_walk_of_edits_compiles_as_if_each_were_the_first(seed: int) -> None:
    walk(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20, 400))
def test_many_walks_of_edits_compile_as_if_each_were_the_first(seed: int) -> None:
    walk(seed)


def walk(seed: int) -> None:
    """Eight edits, nine tenths of them of demands, three tenths of them two at once."""
    rng = Random(seed)
    net = random_network(seed, rng.randint(4, 8), rng.randint(3, 7))
    session = begin(net)
    assert session.compiled == compile_network(net)
    kinds = Counter[str]()
    for _ in range(8):
        table = LOCAL if rng.random() < 0.9 else GLOBAL
        name = rng.choice(sorted(table))
        candidate = table[name](net, rng)
        if rng.random() < 0.3:
            candidate = LOCAL[rng.choice(sorted(LOCAL))](candidate, rng)
        before = dumps_compiled(session.compiled)
        after = check_step(session, candidate)
        assert dumps_compiled(session.compiled) == before
        if after is not None:
            kinds[after.whole] += 1
            if rng.random() < 0.5:  # from the same session once more, as if the first had not been
                again = compile_increment(session, candidate)
                assert again.compiled == after.compiled
            net, session = candidate, after
    assert sum(kinds.values())


def test_most_edits_of_demands_are_followed() -> None:
    """The property above would hold of a session that always compiles as a whole."""
    reasons: dict[str, Counter[str]] = {name: Counter() for name in LOCAL}
    for seed in range(12):
        rng = Random(seed)
        net = random_network(seed, 6, 6)
        session = begin(net)
        for name, edit in LOCAL.items():
            try:
                reasons[name][compile_increment(session, edit(net, rng)).whole] += 1
            except CompileError:
                reasons[name]["refused"] += 1
    for name, found in reasons.items():
        possible = sum(found.values()) - found["refused"]
        assert found[""] >= 0.5 * possible, (name, found)


@pytest.mark.parametrize("seed", range(8))
def test_a_baseline_that_was_settled_is_followed(seed: int) -> None:
    """As a controller has it: what switches have let go of is free, what they miss is not held."""
    rng = Random(seed)
    net = random_network(seed, 6, 5)
    session = begin(net)
    for _ in range(4):
        observed: dict[str, RuleSet | None] = {}
        for switch, rules in session.compiled.rules.items():
            kept = [rule for rule in rules if rng.random() < 0.9]
            observed[switch] = rng.choice([rules, RuleSet.of(kept), None])
        baseline = settle(session.compiled.baseline, observed)
        candidate = LOCAL[rng.choice(["line", "leaf", "remove", "rate", "nothing"])](net, rng)
        after = check_step(session, candidate, baseline)
        if after is not None:
            net, session = candidate, after


def test_another_baseline_is_not_followed() -> None:
    net = random_network(3, 6, 5)
    session = begin(net)
    for baseline in (Baseline(), copy.deepcopy(session.compiled.baseline)):
        after = check_step(session, net, baseline)
        assert after is not None
        assert after.whole == "another baseline"


@pytest.mark.parametrize("node", ["ring0-1", "cab1-0", "core-1"])
def test_cameras_in_a_city_one_after_the_other(node: str) -> None:
    net = city(SIZES["tiny"])
    session = begin(net)
    for number in range(4):
        net = with_camera(net, node, number)
        after = check_step(session, net)
        assert after is not None
        assert after.whole == ""
        session = after


def test_one_camera_more_changes_its_rules_and_no_others() -> None:
    """On a switch that has one already: nothing but the rules of its own demands and service comes in addition."""
    net = city(SIZES["tiny"])
    first = begin(with_camera(net, "ring0-1", 0))
    more = with_camera(with_camera(net, "ring0-1", 0), "ring0-1", 1)
    second = compile_increment(first, more)
    assert second.whole == ""
    ids = {item.id for item in more.demands} - {item.id for item in first.compiled.demands}
    assert len(ids) == 4
    baseline = second.compiled.baseline
    demands = {baseline.ids["demand"][key] for key in ids}
    services = {
        number
        for key, number in baseline.ids["service"].items()
        if key not in first.compiled.baseline.ids["service"]
    }
    ends = {
        place.attachment.node for item in more.demands if item.id in ids for place in (item.ingress, item.egress)
    }
    for switch, rules in second.compiled.rules.items():
        before = first.compiled.rules[switch]
        if switch not in ends:
            assert rules is before
            continue
        assert before.flows.items() <= rules.flows.items()
        assert before.meters.items() <= rules.meters.items()
        assert before.groups == rules.groups
        for flow in rules.flows.keys() - before.flows.keys():
            number = rules.flows[flow].cookie & 0xFFFFFFFF
            assert number in demands | services
        assert {meter - 0x1000 for meter in rules.meters.keys() - before.meters.keys()} <= demands
