"""Breaks at random places of random fibre: found where they are, within the interval that is stated.

Each is written into a .sor file as an instrument would, with launch leads, slack loops, helix and an index that is
not quite the fibre's (`otdr_world`), and read back from there.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import pytest
from otdr_world import World, make_world, random_shot, sor_file

from sdnctl.exchange.sor_read import read
from sdnctl.exchange.sor_trace import reflectogram
from sdnctl.inventory.course import course, fibre_metres, spot
from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.geometry import distance
from sdnctl.inventory.otdr import Finding, Verdict, survey
from sdnctl.inventory.plant import OdfPosition


@dataclass(frozen=True)
class Case:
    """One break: where it is, in recorded metres of fibre and on the ground, and what was found."""

    world: World
    at: float
    piece: int
    share: float
    found: Finding

    @property
    def inside(self) -> bool:
        return self.found.where.low.at <= self.at <= self.found.where.high.at

    @property
    def narrow(self) -> bool:
        """Half-width ≤ max(5 m, 1 % of the distance to the nearest calibrated event)."""
        return self.found.where.half <= max(5.0, 0.01 * self.found.where.calibrated)

    @property
    def off_on_the_ground(self) -> float:
        """Metres, as the crow flies, between the point shown and the break."""
        piece = self.world.pieces[self.piece]
        a, b = (self.position(place) for place in piece.places)
        true = a[0] + self.share * (b[0] - a[0]), a[1] + self.share * (b[1] - a[1])
        shown = self.found.where.spot.point
        assert shown is not None
        return distance(true, shown)

    def position(self, place: str) -> tuple[float, float]:
        plant = self.world.plant
        found = plant.sites[place].position if place in plant.sites else plant.chambers[place].position
        assert found is not None
        return found


def examine(seed: int) -> Case:
    world = make_world(seed)
    rng = world.rng
    shot = random_shot(rng)
    piece = rng.choices(range(len(world.pieces)), [one.true for one in world.pieces])[0]
    share = rng.random()
    file, _ = read(sor_file(world, shot, (piece, share)))
    trace, _ = reflectogram(file, "break.sor")
    way = course(world.plant, OdfPosition("odf-a", 1), trace.wavelength)
    found = survey(world.plant, way, trace)
    return Case(world, world.recorded(piece, share), piece, share, found.end)


def judge(seeds: range) -> None:
    cases = [examine(seed) for seed in seeds]
    assert Counter(case.inside for case in cases)[True] >= 0.95 * len(cases)
    assert all(case.narrow for case in cases)
    on_ground = [case.off_on_the_ground <= case.found.where.half + 0.5 for case in cases]
    assert sum(on_ground) >= 0.95 * len(cases)
    assert sum(case.inside for case in cases) < len(cases), "intervals that are never wrong are too wide"


def test_two_hundred_breaks() -> None:
    judge(range(200))


@pytest.mark.soak
def test_five_thousand_breaks() -> None:
    judge(range(1000, 6000))


@pytest.mark.parametrize("seed", range(12))
def test_a_course_is_as_long_as_what_it_runs_through(seed: int) -> None:
    """Against a sum made without it; and every place on it leads back to its own metre."""
    world = make_world(seed)
    way = course(world.plant, OdfPosition("odf-a", 1), Wavelength(1550))
    assert way.length == pytest.approx(world.recorded(len(world.pieces)), abs=1e-6)
    for number, piece in enumerate(world.pieces):
        place = spot(world.plant, way, world.recorded(number, 0.5))
        assert place.cable == piece.cable
        assert place.sheath is not None
        assert min(abs(at - place.at) for at in fibre_metres(way, piece.cable, place.sheath)) < 1e-6
        assert (place.behind, place.ahead) == piece.places
        assert place.in_loop is piece.loop
        if not piece.loop:
            assert place.from_behind == pytest.approx(piece.way / 2, abs=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_both_ends_of_a_course_agree(seed: int) -> None:
    world = make_world(seed)
    there = course(world.plant, OdfPosition("odf-a", 1), Wavelength(1550))
    back = course(world.plant, OdfPosition("odf-b", 1), Wavelength(1550))
    assert there.length == pytest.approx(back.length)
    for at in (0.1, 0.37, 0.5, 0.81):
        one = spot(world.plant, there, at * there.length)
        two = spot(world.plant, back, (1 - at) * back.length)
        assert (one.cable, one.sheath) == (two.cable, pytest.approx(two.sheath, abs=1e-6))
        assert (one.behind, one.ahead) == (two.ahead, two.behind)


def test_whole_fibre_is_whole() -> None:
    """Also with a receive lead, which is no fibre of the link."""
    for seed in range(30):
        world = make_world(seed)
        shot = replace(random_shot(world.rng), receive=300.0 if seed % 2 else 0.0)
        trace, _ = reflectogram(read(sor_file(world, shot))[0], "whole.sor")
        way = course(world.plant, OdfPosition("odf-a", 1), trace.wavelength)
        found = survey(world.plant, way, trace)
        assert found.verdict is Verdict.WHOLE, seed
        assert found.receive == pytest.approx(300.0 if seed % 2 else 0.0, abs=5.0)
        assert abs(found.fibre - world.true(len(world.pieces))) < 0.003 * way.length + 5
