"""Frames of demands as exact matches: the same sets as the cubes that walking starts with."""

from __future__ import annotations

import random

import pytest
from compile_networks import random_network
from verify_rules import network

from sdnctl.compiler.ir import Settings
from sdnctl.dataplane.values import COOKIE_OWNER, Flow, Match
from sdnctl.intents.demand import Demand
from sdnctl.verify.edge import contested
from sdnctl.verify.forms import Fields
from sdnctl.verify.frames import frames
from sdnctl.verify.ground import Ground
from sdnctl.verify.reading import Forms
from sdnctl.verify.space import cube_of, exactly, meet
from sdnctl.verify.wanted import Wanted


def cubes(demand: Demand) -> list[Fields]:
    """The cubes of a demand at its port, as a switch would be asked for them."""
    port = exactly(in_port=demand.ingress.attachment.port)
    return [Match.of(**{**port, **cube}).fields for cube in frames(demand)]


@pytest.mark.parametrize("seed", range(8))
def test_matches_are_the_cubes_of_the_frames(seed: int) -> None:
    wanted = Wanted()
    demands = random_network(seed, applications=8).demands
    assert sum(len(wanted.matches(demand)) for demand in demands) >= len(demands)
    for demand in demands:
        assert wanted.matches(demand) == cubes(demand)


def random_match(rng: random.Random) -> Match:
    """A match at one of two ports, of prefixes and tags that often overlap."""
    fields: dict[str, int | tuple[int, int]] = {"in_port": rng.choice([10, 11])}
    if rng.random() < 0.6:
        bits = rng.choice([8, 24, 30, 32])
        mask = (1 << 32) - (1 << (32 - bits))
        fields |= {"eth_type": 0x0800, "ipv4_src": (rng.choice([0x0A000001, 0x0A000002]) & mask, mask)}
    elif rng.random() < 0.5:
        fields["eth_type"] = rng.choice([0x0800, 0x0806])
    if rng.random() < 0.5:
        tags: list[int | tuple[int, int]] = [0, 0x1064, 0x1065, (0x1000, 0x1000)]
        fields["vlan_vid"] = rng.choice(tags)
    return Match.of(**fields)


@pytest.mark.parametrize("seed", range(40))
def test_overlaps_are_found_as_the_algebra_finds_them(seed: int) -> None:
    rng = random.Random(seed)
    hand = network()
    rules = hand.rules["s1"]
    rules.flows.clear()
    matches = list(dict.fromkeys(random_match(rng) for _ in range(rng.randint(2, 7))))
    for match in matches:
        rules.add(Flow(0, rng.choice([200, 250]), match, COOKIE_OWNER, metadata=(1, 0xFFFFFFFF), goto=1))
    ground = Ground(hand.topology, Settings("test"), ("link",), frozenset())
    found = contested(Forms(rules, ground.wires.ports["s1"], ground.bypass))
    clashing = {
        one.fields
        for one in matches
        for other in matches
        if one is not other and meet(cube_of(one), cube_of(other)) is not None
    }
    assert found == clashing
