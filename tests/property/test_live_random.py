"""Any network, told as it is, is as written; plugs exchanged anywhere are found, and the patch is right."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from live_world import World
from workspace_folder import EXAMPLES

from sdnctl.inventory.live import Expected, Place, Weight, judge
from sdnctl.inventory.live.expected import Level
from sdnctl.inventory.live.levels import judge_level
from sdnctl.inventory.live.names import kind_of, same_port
from sdnctl.units import Power
from sdnctl.usecases.checking import expectations
from sdnctl.usecases.context import Context
from sdnctl.workspace.editing import make_patch

NAMINGS: dict[str, Callable[[Place], str]] = {
    "bare": lambda place: place[1],
    "ethernet": lambda place: f"Ethernet{place[1]}",
    "slots": lambda place: f"xe-0/0/{place[1]}",
    "device": lambda place: f"{place[0]}-p{place[1]}",
}


@cache
def written(example: str) -> Expected:
    return expectations(Context(EXAMPLES / example))


def trunks(expected: Expected, node: str) -> list[Place]:
    return sorted(place for place in expected.cables if place[0] == node)


@pytest.mark.parametrize("example", ["small", "small-links"])
@pytest.mark.parametrize("naming", NAMINGS)
def test_whatever_ports_are_called_the_truth_is_no_finding(example: str, naming: str) -> None:
    world = World.of(written(example), NAMINGS[naming])
    assert judge(world.expected, world.readings(), {}) == ()


@st.composite
def crossings(draw: st.DrawFn) -> tuple[str, World, set[Place], tuple[Place, Place]]:
    """An example, its network with two plugs of one switch exchanged, the ports that this touches, and the two."""
    example = draw(st.sampled_from(["small", "small-links"]))
    expected = written(example)
    node = draw(st.sampled_from(sorted({place[0] for place in expected.cables})))
    ports = trunks(expected, node)
    assume(len(ports) > 1)
    a, b = draw(st.lists(st.sampled_from(ports), min_size=2, max_size=2, unique=True))
    world = World.of(expected, NAMINGS[draw(st.sampled_from(sorted(NAMINGS)))])
    assume(world.wires[a] != b)
    touched = {a, b, world.wires[a], world.wires[b]}
    world.swap(a, b)
    return example, world, touched, (a, b)


@settings(max_examples=60)
@given(crossings())
def test_exchanged_plugs_are_found(crossing: tuple[str, World, set[Place], tuple[Place, Place]]) -> None:
    """At both ports, and nowhere but there and at their far ends."""
    _, world, touched, both = crossing
    findings = judge(world.expected, world.readings(), {})
    found = {one.address for one in findings}
    assert set(map(world.expected.address, both)) <= found <= set(map(world.expected.address, touched))
    assert all(one.source is not None and one.why and one.remedy for one in findings)


@settings(max_examples=12)
@given(crossings())
def test_the_patch_makes_exchanged_plugs_right(
    crossing: tuple[str, World, set[Place], tuple[Place, Place]],
) -> None:
    example, world, _, both = crossing
    bidi = {port.bidi for place in both if (port := world.expected.port(place)) is not None}
    assume(example == "small-links" or len(bidi) == 1)  # one strand and two do not fit into each other
    findings = judge(world.expected, world.readings(), {})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "network"
        shutil.copytree(EXAMPLES / example, folder)
        edits = [edit for one in findings for edit in one.edits]
        assert edits
        patch = make_patch(edits, lambda file: (folder / file).read_text(encoding="utf-8"))
        assert not patch.left_out
        subprocess.run(["git", "apply", "-"], input=patch.text, text=True, check=True, cwd=folder)
        world.expected = expectations(Context(folder))
    assert judge(world.expected, world.readings(), {}) == ()


POWERS = st.floats(-45, 10).map(Power)


@given(
    expected=st.tuples(POWERS, POWERS, POWERS, POWERS),
    stored=st.none() | POWERS,
    measured=POWERS,
    fall=st.floats(0, 40),
)
@example(
    expected=(Power(-11), Power(-2), Power(-14.4), Power(0.5)), stored=Power(-6), measured=Power(-6), fall=3.0
)
def test_less_light_is_never_less_urgent(
    expected: tuple[Power, Power, Power, Power], stored: Power | None, measured: Power, fall: float
) -> None:
    """Below what was accepted, or else the least of the budget, a further fall cannot calm anybody."""
    high, low, most, needed = sorted(expected, reverse=True)[:2] + sorted(expected, reverse=True)[2:]
    level = Level(Power(min(low, high)), Power(max(low, high)), Power(min(most, needed)), Power(max(*expected)))
    start = Power(min(measured, stored if stored is not None else level.low))
    before, after = judge_level(start, level, stored), judge_level(Power(start - fall), level, stored)
    urgency = list(Weight)
    if before is not None:
        assert after is not None
        assert urgency.index(after.weight) <= urgency.index(before.weight)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_name_is_a_name(a: str, b: str) -> None:
    """Devices may call things anything: nothing raises, and being the same is mutual."""
    assert same_port(a, b) == same_port(b, a)
    assert kind_of(a) is None or kind_of(a) == kind_of(a.lower())
