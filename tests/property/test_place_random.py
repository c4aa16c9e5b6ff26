"""Admission on random networks with little room: never overbooked, never refused where there was a way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from paths_networks import CLASSES, baseline, demand, network, simple_paths, topology

from sdnctl.compiler.ir import Baseline, Network, Placement
from sdnctl.compiler.place import place
from sdnctl.intents.demand import Demand, Grade

FAST = settings(deadline=None, max_examples=80)
NODES = "abcd"
EDGES = [("a", "b", 1.0), ("b", "c", 2.0), ("c", "d", 3.5), ("d", "a", 4.25), ("a", "c", 9.0)]

ends = st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)).filter(lambda pair: pair[0] != pair[1])
asks = st.tuples(
    ends,
    st.sampled_from(sorted(CLASSES)),
    st.integers(1, 8),
    st.sampled_from((Grade.NONE, Grade.NONE, Grade.LOCAL)),
)
lists = st.lists(asks, min_size=1, max_size=12)


def demands(data: list[tuple[tuple[str, str], str, int, Grade]], start: int = 0) -> list[Demand]:
    return [
        demand(f"d{start + index:02}", a, b, grade, cir=rate * 100_000_000, service_class=name)
        for index, ((a, b), name, rate, grade) in enumerate(data)
    ]


def loads(net: Network, placed: Placement, most_rank: int | None = None) -> dict[tuple[str, str], int]:
    by_id = {item.id: item for item in net.demands}
    table: dict[tuple[str, str], int] = defaultdict(int)
    for key, names in placed.members.items():
        for name in names:
            if most_rank is None or net.classes[by_id[name].service_class].rank <= most_rank:
                for hop in placed.paths[key][0].hops:
                    table[hop.link, hop.tail] += by_id[name].cir
    return table


def check(net: Network, placed: Placement) -> None:
    capacity = {key: link.capacity for key, link in net.topology.links.items()}
    for (link, _), load in loads(net, placed).items():
        assert load <= capacity[link]
    by_id = {item.id: item for item in net.demands}
    for name in placed.refused:
        item = by_id[name]
        taken = loads(net, placed, net.classes[item.service_class].rank)
        for path in simple_paths(net.topology, item.ingress.attachment.node, item.egress.attachment.node):
            assert any(taken[hop.link, hop.tail] + item.cir > capacity[hop.link] for hop in path.hops)
    assert {item.code for item in placed.diagnostics} <= {"no-capacity"}


@FAST
@given(lists)
def test_links_are_never_overbooked_and_refusals_are_necessary(data: list[object]) -> None:
    net = network(topology(EDGES), demands(data))  # type: ignore[arg-type]
    check(net, place(net, Baseline()))


@FAST
@given(lists, lists)
def test_newcomers_displace_only_lower_classes(data: list[object], more: list[object]) -> None:
    old = demands(data)  # type: ignore[arg-type]
    before_net = network(topology(EDGES), old)
    before = place(before_net, Baseline())
    new = demands(more, 50)  # type: ignore[arg-type]
    net = network(topology(EDGES), [*old, *new])
    after = place(net, baseline(before))
    check(net, after)
    ranks = {item.id: CLASSES[item.service_class].rank for item in net.demands}
    carried = {name for names in before.members.values() for name in names}
    admitted = [item.id for item in new if item.id not in after.refused]
    best = min((ranks[name] for name in admitted), default=len(CLASSES))
    # Refused before and carried now is possible only where somebody made room; what lost its place is lower.
    best = min([best, *(ranks[name] for name in before.refused if name not in after.refused)])
    for name in carried & set(after.refused):
        assert ranks[name] > best


@FAST
@given(lists)
def test_the_same_from_its_own_baseline_and_less_demand_moves_nobody(data: list[object]) -> None:
    net = network(topology(EDGES), demands(data))  # type: ignore[arg-type]
    placed = place(net, Baseline())
    again = place(net, baseline(placed))
    assert (again.paths, again.members, again.refused) == (placed.paths, placed.members, placed.refused)
    fewer = replace(net, demands=net.demands[1:])
    after = place(fewer, baseline(placed))
    for key, names in after.members.items():
        kept = set(names) & set(placed.members.get(key, ()))
        assert not kept or after.paths[key] == placed.paths[key]
    assert set(after.refused) <= set(placed.refused)
