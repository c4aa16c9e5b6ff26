"""What a trace says of a fibre: bends, echoes, leads, both ends, and changes since commissioning."""

from __future__ import annotations

from dataclasses import replace

import pytest
from inventory_support import plant_of, two_sites
from otdr_world import LIGHT, Shot, World, make_world, sor_file

from sdnctl.exchange.sor_read import read
from sdnctl.exchange.sor_trace import reflectogram
from sdnctl.inventory.calibration import Tolerances
from sdnctl.inventory.course import Course, course
from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.otdr import Finding, Kind, Survey, Verdict, survey
from sdnctl.inventory.otdr_both import at_odds, both_ways, meeting
from sdnctl.inventory.otdr_expected import Instrument, expected
from sdnctl.inventory.otdr_remarks import against_records, against_reference
from sdnctl.inventory.plant import OdfPosition, Plant, StrandEnd
from sdnctl.inventory.reflectogram import Reading, Reflectogram

NM = Wavelength(1550)
SHOT = Shot(pulse=10, spacing=1.25)


@pytest.fixture
def world() -> World:
    """Three cables with two splices that show, 6 km, nine loops."""
    world = make_world(7)
    assert len({piece.cable for piece in world.pieces}) == 3
    world.joints = [(at, 0.1, mirror) for at, _, mirror in world.joints]
    return world


def trace_of(data: bytes, name: str = "t.sor") -> Reflectogram:
    return reflectogram(read(data)[0], name)[0]


def looked_at(world: World, data: bytes, end: str = "a", reference: Survey | None = None) -> Survey:
    trace = trace_of(data)
    return survey(world.plant, course(world.plant, OdfPosition(f"odf-{end}", 1), NM), trace, reference)


def of(found: Survey, kind: Kind) -> list[Finding]:
    return [one for one in found.findings if one.kind is kind]


def words(found: Survey, reference: Survey | None = None) -> list[str]:
    remarks = against_records(found) if reference is None else against_reference(found, reference)
    return [one.code for one in remarks]


def middle(world: World) -> int:
    """A piece in the middle of the fibre that is no loop."""
    half = world.true(len(world.pieces)) / 2
    return max(
        (number for number, piece in enumerate(world.pieces) if not piece.loop and world.true(number) < half),
        key=world.true,
    )


# ── one trace ────────────────────────────────────────────────────────────────────────────────────


def test_a_healthy_fibre_says_nothing(world: World) -> None:
    found = looked_at(world, sor_file(world, SHOT))
    assert found.verdict is Verdict.WHOLE
    assert [one.kind for one in found.findings] == [Kind.START, Kind.JOINT, Kind.JOINT, Kind.END][
        : len(found.findings)
    ]
    assert not found.unseen
    assert words(found) == []


def test_a_bend_is_new_and_is_found(world: World) -> None:
    piece = middle(world)
    found = looked_at(world, sor_file(world, SHOT, bends=((piece, 0.4, 0.6),)))
    (bend,) = of(found, Kind.NEW)
    assert bend.where.low.at <= world.recorded(piece, 0.4) <= bend.where.high.at
    assert bend.where.spot.cable == world.pieces[piece].cable
    assert bend.reading.loss == pytest.approx(0.6)
    assert words(found) == ["new"]


def test_good_splices_do_not_show_and_are_not_missed(world: World) -> None:
    world.joints = [(at, 0.1 if mirror else 0.0, mirror) for at, _, mirror in world.joints]
    found = looked_at(world, sor_file(world, SHOT))
    assert {one.kind.value for one in found.unseen} == {"splice"}
    assert found.verdict is Verdict.WHOLE
    assert words(found) == []


@pytest.mark.parametrize(("loss", "word"), [(0.5, "lossy"), (-0.3, "gain"), (0.1, None), (0.22, None)], ids=str)
def test_losses_of_a_splice(world: World, loss: float, word: str | None) -> None:
    at, _, mirror = world.joints[1]
    world.joints[1] = at, loss, mirror
    found = looked_at(world, sor_file(world, SHOT))
    assert words(found) == ([word] if word else [])
    if word:
        assert "apparent" in against_records(found)[0].text


def test_an_angled_connector_on_a_straight_one(world: World) -> None:
    world.joints[0] = 0, 3.5, -35.0
    assert words(looked_at(world, sor_file(world, SHOT))) == ["mixed-polish"]


def test_echoes_are_no_events(world: World) -> None:
    """Of the launch connector between which and a strong reflection at x light goes once more: at 2x."""
    trace = trace_of(sor_file(world, SHOT))
    x = trace.readings[1].time
    mirror = replace(trace.readings[1], reflective=True, reflectance=-30.0)
    ghost = Reading(9, 2 * x, None, -60.0, None, reflective=True)
    far = Reading(10, trace.readings[-1].time * 2, None, -60.0, None, reflective=True)
    with_echo = replace(trace, readings=(trace.readings[0], mirror, ghost, *trace.readings[2:], far))
    with_echo = replace(with_echo, readings=tuple(sorted(with_echo.readings, key=lambda one: one.time)))
    found = survey(world.plant, course(world.plant, OdfPosition("odf-a", 1), NM), with_echo)
    assert [one.reading.number for one in of(found, Kind.ECHO)] == [9, 10]
    assert "new" not in words(found)


def test_a_receive_lead_is_no_fibre_of_the_link(world: World) -> None:
    found = looked_at(world, sor_file(world, replace(SHOT, receive=500.0)))
    assert found.verdict is Verdict.WHOLE
    assert found.receive == pytest.approx(500, abs=3)
    assert words(found) == []


def test_fibre_that_goes_on_is_another_fibre(world: World) -> None:
    trace = trace_of(sor_file(world, SHOT))
    last = replace(trace.readings[-1], time=trace.readings[-1].time + 3000)
    found = survey(
        world.plant,
        course(world.plant, OdfPosition("odf-a", 1), NM),
        replace(trace, readings=(*trace.readings[:-1], last)),
    )
    assert found.verdict is Verdict.LONGER
    assert words(found) == ["longer", "unseen"]


def test_steep_fibre(world: World) -> None:
    trace = trace_of(sor_file(world, SHOT))
    steep = tuple(replace(one, slope=0.6) for one in trace.readings)
    found = survey(world.plant, course(world.plant, OdfPosition("odf-a", 1), NM), replace(trace, readings=steep))
    assert "steep" in words(found)


def test_a_break_in_a_loop_is_at_its_place(world: World) -> None:
    loop = next(number for number, piece in enumerate(world.pieces) if piece.loop and number > 3)
    found = looked_at(world, sor_file(world, SHOT, (loop, 0.5)))
    ends = {found.end.where.low.here, found.end.where.spot.here, found.end.where.high.here}
    assert world.pieces[loop].places[0] in ends
    assert words(found) == ["break"]


# ── against commissioning ────────────────────────────────────────────────────────────────────────


def test_a_trace_of_commissioning_narrows_the_interval(world: World) -> None:
    piece = middle(world)
    before = looked_at(world, sor_file(world, SHOT))
    data = sor_file(world, SHOT, (piece, 0.5))
    alone, both = looked_at(world, data), looked_at(world, data, reference=before)
    assert both.end.where.half < alone.end.where.half
    assert both.end.where.low.at <= world.recorded(piece, 0.5) <= both.end.where.high.at
    assert words(both, before) == ["shorter"]


def test_a_break_just_before_the_far_end_needs_commissioning_to_be_seen(world: World) -> None:
    """Alone it looks like the far end, and the interval says so."""
    last = len(world.pieces) - 1
    share = 1 - 12 / world.pieces[last].true
    before = looked_at(world, sor_file(world, SHOT))
    data = sor_file(world, SHOT, (last, share))
    alone = looked_at(world, data)
    assert alone.verdict is Verdict.WHOLE
    assert alone.end.where.low.at <= world.recorded(last, share) <= alone.end.where.high.at + 5
    known = looked_at(world, data, reference=before)
    assert known.verdict is Verdict.BROKEN
    assert known.end.where.low.at <= world.recorded(last, share) <= known.end.where.high.at


def test_instruments_set_to_other_indices_agree(world: World) -> None:
    """Traces are compared by time: what was set on the one does not move events of the other."""
    before = looked_at(world, sor_file(world, replace(SHOT, index=1.4750, off=1.4682 / 1.4750 - 1)))
    now = looked_at(world, sor_file(world, SHOT))
    assert words(now, before) == []


def test_what_changed(world: World) -> None:
    before = looked_at(world, sor_file(world, SHOT, bends=((1, 0.5, 0.3),)))
    at, _, mirror = world.joints[1]
    world.joints[1] = at, 0.4, mirror
    after = looked_at(world, sor_file(world, SHOT, bends=((middle(world), 0.3, 0.5),)))
    assert sorted(words(after, before)) == ["appeared", "more-loss", "vanished"]
    other = replace(after, trace=replace(after.trace, wavelength=Wavelength(1310)))
    assert "other-wavelength" in words(other, before)
    assert "more-loss" not in words(other, before)


# ── both ends ────────────────────────────────────────────────────────────────────────────────────


def test_the_mean_of_both_directions_counts(world: World) -> None:
    at, _, mirror = world.joints[1]
    world.joints[1] = at, 0.36, mirror
    there = looked_at(world, sor_file(world, SHOT))
    world.joints[1] = at, -0.20, mirror
    back = looked_at(world, sor_file(world.reversed(), SHOT), "b")
    rows = both_ways(there, back)
    assert rows[0].there == pytest.approx(0.36)
    assert rows[0].back == pytest.approx(-0.20)
    assert rows[0].loss == pytest.approx(0.08)
    assert words(back)[0] == "gain"


def test_a_break_is_closed_in_from_both_ends(world: World) -> None:
    piece = middle(world)
    there = looked_at(world, sor_file(world, SHOT, (piece, 0.5)))
    mirrored = world.reversed()
    back = looked_at(world, sor_file(mirrored, SHOT, (len(world.pieces) - 1 - piece, 0.5)), "b")
    met = meeting(there, back)
    assert met is not None
    assert met.gap == 0
    assert met.half < min(there.end.where.half, back.end.where.half)
    assert abs(met.at - world.recorded(piece, 0.5)) <= met.half


def test_two_breaks_leave_a_gap(world: World) -> None:
    there = looked_at(world, sor_file(world, SHOT, (2, 0.5)))
    back = looked_at(world, sor_file(world.reversed(), SHOT, (2, 0.5)), "b")
    met = meeting(there, back)
    assert met is not None
    between = world.recorded(len(world.pieces) - 3, 0.5) - world.recorded(2, 0.5)
    assert met.gap == pytest.approx(between, rel=0.02)
    whole = looked_at(world, sor_file(world, SHOT))
    assert meeting(whole, back) is None


def odds(world: World, here: bytes, there: bytes) -> list[str]:
    """What is said of a trace from a and another one that is said to be from b."""
    return [
        one.code for one in at_odds(looked_at(world, here), looked_at(world, there, "b"), looked_at(world, there))
    ]


def test_two_traces_of_one_fibre_agree(world: World) -> None:
    piece, mirrored = middle(world), world.reversed()
    whole, back = sor_file(world, SHOT), sor_file(mirrored, replace(SHOT, index=1.4675))
    assert odds(world, whole, back) == []
    breaks = ((piece, 0.5), (len(world.pieces) - 1 - piece, 0.5))
    assert odds(world, sor_file(world, SHOT, breaks[0]), sor_file(mirrored, SHOT, breaks[1])) == []


def test_two_fibres_are_told_apart(world: World) -> None:
    piece, mirrored = middle(world), world.reversed()
    whole, cut = sor_file(world, SHOT), sor_file(world, SHOT, (piece, 0.5))
    assert odds(world, whole, sor_file(make_world(9).reversed(), SHOT))[:1] == ["two-fibres"]
    assert odds(world, cut, sor_file(mirrored, SHOT)) == ["two-fibres"]  # whole from there
    late = sor_file(mirrored, SHOT, (len(world.pieces) - 2, 0.5))
    assert "two-fibres" in odds(world, sor_file(world, SHOT, (len(world.pieces) - 2, 0.5)), late)


def test_a_trace_from_the_same_end_is_not_of_the_far_one(world: World) -> None:
    same = sor_file(world, SHOT)
    assert odds(world, same, same) == ["same-end"]


def test_a_bend_seen_from_both_ends_is_one(world: World) -> None:
    piece = middle(world)
    there = looked_at(world, sor_file(world, SHOT, bends=((piece, 0.5, 0.7),)))
    behind = len(world.pieces) - 1 - piece
    back = looked_at(world, sor_file(world.reversed(), SHOT, bends=((behind, 0.5, 0.5),)), "b")
    (bend,) = [one for one in both_ways(there, back) if one.name == "not in the records"]
    assert bend.loss == pytest.approx(0.6)


# ── what the records leave open ──────────────────────────────────────────────────────────────────


def with_cable(**cable: object) -> Plant:
    network = two_sites()
    network["cables"]["cables"][0] |= cable
    return plant_of(network)


def way_of(plant: Plant) -> Course:
    return course(plant, OdfPosition("odf-a", 1), NM)


def test_a_sheath_that_nobody_measured_widens_the_interval() -> None:
    """Taken to be as long as the way, it is 1 to 6 % longer as a rule."""
    halves = []
    for cable in ({}, {"sheath": "1730 m"}):
        plant = with_cable(**cable)
        way = way_of(plant)
        found = survey(plant, way, expected(way, Instrument(NM), 900.0))
        halves.append(found.end.where.half)
    assert halves[0] > 5 * halves[1]
    assert halves[1] < 9


def test_a_wide_pulse_widens_the_interval() -> None:
    plant = with_cable(sheath="1730 m")
    way = way_of(plant)
    narrow, wide = (survey(plant, way, expected(way, Instrument(NM, pulse=pulse), 200.0)) for pulse in (10, 1000))
    assert wide.end.where.half > narrow.end.where.half + 2


def test_a_break_that_the_records_know() -> None:
    plant = with_cable(sheath="1730 m", faults=[{"strands": "1-3", "at": "800 m", "note": "digger"}])
    way = way_of(plant)
    assert way.faults == (pytest.approx(808.0),)
    assert way.end_place == "b", "the course goes on behind it"
    (known,) = against_records(survey(plant, way, expected(way, Instrument(NM), 808.0)))
    assert known.code == "break"
    assert "know" in known.text
    (other,) = against_records(survey(plant, way, expected(way, Instrument(NM), 1200.0)))
    assert "know" not in other.text
    assert words(survey(plant, way, expected(way, Instrument(NM)))) == ["whole-again"]


def test_a_strand_that_ends_in_the_ground_has_a_course_too() -> None:
    """An unpatched, unspliced strand: to its end and no farther."""
    network = two_sites()
    network["odfs"]["odfs"] = [network["odfs"]["odfs"][0] | {"terminations": []}]
    network["equipment"] = {"switches": [], "jumpers": []}
    plant = plant_of(network)
    way = course(plant, StrandEnd("c", 5, 0, "b"), NM)
    assert way.broken is not None
    assert (way.broken.cause, way.end_place, way.joints) == ("strand-end", "b", ())


def test_what_is_expected_is_recognised() -> None:
    """The rehearsal and the survey agree on every metre."""
    plant = with_cable(sheath="1730 m", slack=[{"at": "k1", "length": "20 m"}])
    way = way_of(plant)
    found = survey(plant, way, expected(way, Instrument(NM, index=1.47)))
    assert found.verdict is Verdict.WHOLE
    assert found.fibre == pytest.approx(way.length)
    assert found.trace.metres(found.trace.time(123.0)) == pytest.approx(123.0)
    assert found.trace.time(LIGHT) == pytest.approx(1.47)


def test_tolerances_are_the_callers() -> None:
    plant = with_cable(sheath="1730 m")
    way = way_of(plant)
    trace = expected(way, Instrument(NM), 1500.0)
    usual = survey(plant, way, trace)
    sure = survey(plant, way, trace, tolerances=Tolerances(helix=0.0, index=0.0, lay=0.0))
    assert sure.end.where.half < usual.end.where.half / 2
