"""What only increments ask: rows that say what changed, digests that are kept, tables that go on from others."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from ipaddress import ip_network
from random import Random

import pytest
from compile_networks import random_network

from sdnctl.compiler.fingerprints import demand_row, endpoint_rows, section_digest
from sdnctl.compiler.ir import Network
from sdnctl.compiler.memo import digests_of, holders_after, ports_after, uses_after
from sdnctl.compiler.overbooked import Taker, worst
from sdnctl.compiler.route import Router
from sdnctl.errors import Source
from sdnctl.topology.graph import Hop, Path
from sdnctl.topology.paths import Place
from sdnctl.units import Octets


@pytest.fixture
def net() -> Network:
    return random_network(4)


# ── what is the same ─────────────────────────────────────────────────────────────────────────────


def test_a_row_is_the_same_wherever_the_demand_is_written_down(net: Network) -> None:
    one = net.demands[0]
    assert demand_row(replace(one, source=Source("intents/moved.yaml", 7))) == demand_row(one)
    assert demand_row(replace(one, mtu=Octets(one.mtu - 1))) != demand_row(one)


def test_rows_of_endpoints_say_what_became_another(net: Network) -> None:
    before = endpoint_rows(net.demands)
    assert before.keys() == {end.id for item in net.demands for end in (item.ingress, item.egress)}
    one = net.demands[0]
    moved = replace(one.ingress, prefixes=(ip_network("192.0.2.0/28"),))
    demands = [replace(item, ingress=moved) if item.ingress.id == moved.id else item for item in net.demands]
    demands = [replace(item, egress=moved) if item.egress.id == moved.id else item for item in demands]
    after = endpoint_rows(demands)
    assert {key for key in before if before[key] != after[key]} == {moved.id}


def test_two_endpoints_of_one_id_are_never_the_same(net: Network) -> None:
    one = net.demands[0]
    equal, other = replace(one.ingress, source=None), replace(one.ingress, kind="something else")
    assert endpoint_rows([one, replace(one, ingress=equal)]) == endpoint_rows([one])
    for pair in ([one.ingress, other], [other, one.ingress], [other, one.ingress, one.ingress]):
        assert endpoint_rows([replace(one, ingress=end) for end in pair])[one.ingress.id] == ()


# ── digests ──────────────────────────────────────────────────────────────────────────────────────


def test_a_digest_is_of_values_in_whatever_order_and_of_whatever_objects() -> None:
    there, on = Hop("l1", "a", "b"), Hop("l2", "b", "c")
    paths = {"x": Path((there, on)), "y": Path((there,))}
    again = {"y": Path((Hop("l1", "a", "b"),)), "x": Path((Hop("l1", "a", "b"), Hop("l2", "b", "c")))}
    assert section_digest(paths) == section_digest(again)
    assert section_digest(paths) != section_digest({"x": paths["y"], "y": paths["x"]})
    assert section_digest(paths) != section_digest(paths | {"y": Path((on,))})


def test_what_separates_names_does_not_make_two_things_one() -> None:
    """Names may hold any character, those too that stand between names in what is hashed."""
    ways = [
        Path((Hop("l", "a", "b"), Hop("m", "b", "c"))),
        Path((Hop("l", "a", "b\x1fm\x1fb\x1fc"),)),
        Path((Hop("l", "a\x1fb", "m\x1fb\x1fc"),)),
        Path((Hop("l\x1ea", "a", "b"),)),
    ]
    assert len({section_digest({"x": way}) for way in ways}) == len(ways)
    texts: list[dict[str, tuple[str, ...]]] = [{"x": ("a", "b")}, {"x": ("a\x1fb",)}, {"x": ("a\x1eb",)}]
    assert len({section_digest(table) for table in texts}) == len(texts)


def test_digests_of_the_very_same_sections_are_kept() -> None:
    flipped, paths = frozenset(("x",)), {"x": Path((Hop("l", "a", "b"),)), "y": Path((Hop("m", "a", "b"),))}
    known = digests_of({"labels": {"x": 17}, "flipped": flipped, "paths": paths}, {})
    others = {"x": paths["x"], "z": Path((Hop("m", "b", "a"),))}
    after = digests_of({"labels": {"x": 18}, "flipped": flipped, "paths": others}, known)
    assert after["flipped"] is known["flipped"]
    assert after["labels"].hex == section_digest({"x": 18}) != known["labels"].hex
    assert after["paths"].hex == section_digest(others) != known["paths"].hex
    assert after["paths"].texts.keys() == {id(path) for path in others.values()}, "what is gone is forgotten"


# ── tables that go on ────────────────────────────────────────────────────────────────────────────


def test_tables_of_demands_go_on_as_if_made_anew(net: Network) -> None:
    gone, kept, new = net.demands[:3], net.demands[3:-3], net.demands[-3:]
    before = net.demands[:-3]
    ports = ports_after(ports_after({}, (), before), gone, new)
    anew = ports_after({}, (), (*kept, *new))
    assert {port: sorted(ids) for port, ids in ports.items()} == {port: sorted(ids) for port, ids in anew.items()}
    uses = uses_after(uses_after({}, (), before), gone, new)
    assert {end: count for end, count in uses.items() if count} == uses_after({}, (), (*kept, *new))


@pytest.mark.parametrize("seed", range(5))
def test_holders_go_on_as_if_made_anew(seed: int) -> None:
    rng = Random(seed)

    def numbers() -> dict[str, frozenset[int]]:
        return {space: frozenset(rng.sample(range(12), rng.randrange(8))) for space in ("label", "group")}

    was = {switch: numbers() for switch in "abcd"}
    now = {switch: numbers() for switch in "bd"}
    holders = holders_after(holders_after({}, {}, was), {switch: was[switch] for switch in now}, now)
    assert holders == holders_after({}, {}, was | now)


@pytest.mark.parametrize("seed", range(10))
def test_overbooked_links_at_some_places_are_those_of_the_whole(seed: int) -> None:
    rng = Random(seed)
    net = random_network(seed)
    router = Router(net.topology, net.settings)
    links = net.topology.links
    places = [(link.id, node) for link in links.values() for node in link.nodes]
    takers = [
        Taker(
            f"bypass {number}",
            frozenset((rng.choice(sorted(links)),)),
            tuple(rng.sample(places, 3)),
            min(link.capacity for link in links.values()) * rng.choice((1, 4, 7)) // 10,
        )
        for number in range(30)
    ]
    load: dict[Place, int] = defaultdict(int, {place: links[place[0]].capacity // 3 for place in places})
    whole = worst(router, takers, load)
    assert whole
    some = frozenset(rng.sample(places, len(places) // 2))
    assert worst(router, takers, load, some) == {place: found for place, found in whole.items() if place in some}
    # Looked at one failure after the other, without regard to where there is room.
    loads: dict[Place, int] = {}
    for failure in net.topology.failures():
        for place in places:
            taken = [one for one in takers if one.triggers & failure.links and place in one.places]
            total = load[place] + sum(one.cir for one in taken)
            if taken and place[0] not in failure.links and total > links[place[0]].capacity:
                loads[place] = max(total, loads.get(place, 0))
    assert {place: found[0] for place, found in whole.items()} == loads
