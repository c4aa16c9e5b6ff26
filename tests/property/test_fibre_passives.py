"""Muxes, splitters, single strands on random plants: reversed traces, cuts, lit channels against brute force."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_support import documents
from random_passives import NM, light, with_passives
from written_plants import Written, network_with_ducts

from sdnctl.inventory.build import build_plant
from sdnctl.inventory.channels import alike, clashes
from sdnctl.inventory.cuts import Cutter, find_events
from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.links import OpticalLink
from sdnctl.inventory.optics import UnknownAttenuation, chain_loss
from sdnctl.inventory.plant import Plant, PortEnd
from sdnctl.inventory.tracing import StepKind, Trace, branches, trace
from sdnctl.inventory.uses import Uses
from sdnctl.units import Delay, Length


def plant_with(rng: random.Random) -> tuple[dict[str, Any], Plant]:
    network = with_passives(rng, network_with_ducts(rng))
    plant, found = build_plant(documents(network))
    assert {one.code for one in found.errors} <= {"wavelength-taken"}
    return network, plant


class Lit(Written):
    """The glass as written; jumpers at passive nodes are at the site of the node."""

    def _jumpers(self) -> Iterator[tuple[Any, Any, str]]:
        sites = {one["id"]: one["site"] for one in self.network["passives"]["passives"]}
        for a, b, site in super()._jumpers():
            yield (
                a,
                b,
                next(
                    (
                        sites[end.partition("/")[0]]
                        for end in (a, b)
                        if "/" in str(end) and str(end).partition("/")[0] in sites
                    ),
                    site,
                ),
            )


def ways_of(plant: Plant) -> list[tuple[Wavelength, Trace]]:
    """Every way from a port to a port, at every wavelength."""
    return [
        (Wavelength(nm), way)
        for start in plant.jumper_at
        if isinstance(start, PortEnd)
        for nm in NM
        for way in branches(plant, start, wavelength=Wavelength(nm))
        if isinstance(way.end, PortEnd)
    ]


def check_a_way_reversed_is_a_way_of_its_other_end(rng: random.Random) -> None:
    _, plant = plant_with(rng)
    for nm, way in ways_of(plant):
        back = way.reversed()
        found = list(branches(plant, way.end, wavelength=nm))
        assert back in found
        split = any(step.kind is StepKind.PASSIVE and plant.passives[step.via].ways for step in way.steps)
        if not split:
            assert trace(plant, way.end, wavelength=nm) == back
        try:
            there, again = chain_loss(plant, way, nm), chain_loss(plant, back, nm)
        except UnknownAttenuation:
            continue
        assert (there.min, there.max) == pytest.approx((again.min, again.max))


def check_a_cut_takes_the_ways_that_brute_force_finds(rng: random.Random) -> None:
    network, plant = plant_with(rng)
    written = Lit(network, plant)
    ways = ways_of(plant)
    links = [_as_link(plant, way) for _, way in ways]
    uses, cutter = Uses(plant, links), Cutter(plant)
    things = [
        f"{kind}:{name}"
        for kind in ("segment", "duct", "cable", "chamber", "closure", "site")
        for name in getattr(plant, _TABLES.get(kind, f"{kind}s"))
    ]
    events = rng.sample(things, min(len(things), 6)) + [f"passive:{name}" for name in plant.passives]
    for event in events:
        damage = cutter.cut(find_events(plant, (event,)))
        kind, _, name = event.partition(":")
        if kind == "passive":
            left = written.graph.copy()
            left.remove_nodes_from([node for node in left if str(node).startswith(f"{name}/")])
        else:
            left = written.without(event)
        gone = set()
        for number, (nm, way) in enumerate(ways):
            assert isinstance(way.start, PortEnd)
            before = light(written.graph, network, way.start, nm)[0]
            assert way.end in before
            if _alone(ways, number) and way.end not in light(left, network, way.start, nm)[0]:
                gone.add(number)
        met = {
            number for number in uses.met(damage.spots, damage.dead, damage.broken).users if _alone(ways, number)
        }
        assert met == gone, event


_TABLES = {"duct": "ducts"}


def _alone(ways: list[tuple[Wavelength, Trace]], number: int) -> bool:
    """Whether light has one way only from its start to its end: then it is gone with that."""
    nm, way = ways[number]
    return sum(1 for other, two in ways if (other, two.start, two.end) == (nm, way.start, way.end)) == 1


def _as_link(plant: Plant, way: Trace) -> OpticalLink:
    assert isinstance(way.start, PortEnd)
    assert isinstance(way.end, PortEnd)
    origin = plant.switches[way.start.switch].origin
    return OpticalLink(way.start, way.end, way, way, Length(0.0), Delay(0.0), None, (), (), origin)


def check_light_that_meets_alike_is_found_and_named(rng: random.Random) -> None:
    network, plant = plant_with(rng)
    graph = Lit(network, plant).graph
    kinds = {one["id"]: one for one in network["transceivers"]["transceivers"]}
    sent: dict[PortEnd, tuple[float, float, set[Any], set[PortEnd]]] = {}
    for switch in network["equipment"]["switches"]:
        for port in switch["ports"]:
            for lane in ("tx", "bidi"):
                if lane in port:
                    kind = kinds[port["transceiver"]]
                    nm, hears = (float(kind[key].split()[0]) for key in ("wavelength", "rx_wavelength"))
                    end = PortEnd(switch["id"], port["port"], lane)  # type: ignore[arg-type]
                    arrived, glass = light(graph, network, end, nm)
                    sent[end] = nm, hears, glass, arrived
    wanted = set()
    for one, two in combinations(sent, 2):
        (a, hears_a, glass_a, at_a), (b, hears_b, glass_b, at_b) = sent[one], sent[two]
        facing = two in at_a or one in at_b
        deaf = facing and (abs(a - hears_b) > 20 or abs(b - hears_a) > 20)
        if glass_a & glass_b and alike(Wavelength(a), Wavelength(b)) and not deaf:
            wanted.add(frozenset((one, two)))
    if not plant.passives:
        wanted = {pair for pair in wanted if all(end.lane == "bidi" for end in pair)}
    assert {frozenset((one.by, two.by)) for one, two in clashes(plant)} == wanted


CHECKS = (
    check_a_way_reversed_is_a_way_of_its_other_end,
    check_a_cut_takes_the_ways_that_brute_force_finds,
    check_light_that_meets_alike_is_found_and_named,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@given(rng=st.randoms(use_true_random=False))
@settings(max_examples=18)
def test_passives(check: Callable[[random.Random], None], rng: random.Random) -> None:
    check(rng)


@pytest.mark.soak
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@given(rng=st.randoms(use_true_random=False))
@settings(max_examples=1000)
def test_passives_at_length(check: Callable[[random.Random], None], rng: random.Random) -> None:
    check(rng)
