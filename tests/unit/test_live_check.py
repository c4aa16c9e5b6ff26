"""What a check of the inventory finds, one lie of the network at a time; the network is values (`live_world`)."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from live_world import World
from workspace_folder import EXAMPLES

from sdnctl.inventory.facts import Neighbour
from sdnctl.inventory.live import Expected, Finding, Place, Reading, Weight, judge
from sdnctl.inventory.live.expected import Level
from sdnctl.inventory.live.levels import judge_level
from sdnctl.inventory.live.names import device_of, kind_of, port_of, same_port
from sdnctl.units import Power
from sdnctl.usecases.checking import expectations
from sdnctl.usecases.context import Context
from sdnctl.workspace.editing import make_patch

SCHOOL = """
devices:
  - id: sw-school-1 # in the cupboard behind the gym
    site: west
    platform: frr
    uplink: {port: eth9, switch: pop-west, switch_port: 40}
    tags: 100-199
    drivers: {world: "memory:/school"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The small example, with a school's switch at pop-west:40."""
    target = tmp_path / "network"
    shutil.copytree(EXAMPLES / "small", target)
    with (target / "inventory/equipment.yaml").open("a", encoding="utf-8") as file:
        file.write(SCHOOL)
    return target


@pytest.fixture
def expected(folder: Path) -> Expected:
    return expectations(Context(folder))


@pytest.fixture
def world(expected: Expected) -> World:
    return World.of(expected)


def found(world: World, **more: Reading) -> list[Finding]:
    return list(judge(world.expected, world.readings(**more), {}))


def only(world: World, **more: Reading) -> Finding:
    (one,) = found(world, **more)
    return one


def patched(folder: Path, findings: list[Finding]) -> tuple[Expected, str]:
    """The expectations of the folder after the edits of findings, and the patch; nothing may be left out."""
    edits = [edit for one in findings for edit in one.edits]
    patch = make_patch(edits, lambda file: (folder / file).read_text(encoding="utf-8"))
    assert not patch.left_out
    apply(folder, patch.text)
    return expectations(Context(folder)), patch.text


def apply(folder: Path, text: str) -> None:
    """As ``git apply`` does it."""
    import subprocess

    subprocess.run(["git", "apply", "--unidiff-zero", "-"], input=text, text=True, check=True, cwd=folder)


def test_a_network_as_written_says_nothing(world: World) -> None:
    assert found(world) == []


# ── devices ──────────────────────────────────────────────────────────────────────────────────────


def test_a_device_that_does_not_answer(world: World) -> None:
    one = only(world, **{"pop-south": Reading(None, "timed out")})
    assert (one.code, one.weight, one.address) == ("no-answer", Weight.ALARM, "switch pop-south")
    assert one.why == "timed out"
    assert str(one.source).startswith("inventory/equipment.yaml:")


def test_another_device_answers(world: World) -> None:
    world.facts["pop-south"] = replace(world.facts["pop-north"], name="POP-NORTH")
    one = found(world)[0]
    assert (one.code, one.weight) == ("wrong-device", Weight.URGENT)
    assert "pop-north answers at the address of pop-south" in one.summary


def test_a_name_that_nobody_knows_is_no_finding(world: World) -> None:
    world.facts["pop-south"] = replace(world.facts["pop-south"], name="Switch")
    assert found(world) == []


# ── neighbours ───────────────────────────────────────────────────────────────────────────────────


def test_exchanged_jumpers(folder: Path, world: World) -> None:
    """Both ports and both far ends tell; the edit exchanges the jumpers of the two ports, both lanes."""
    world.swap(("core-a", "3"), ("core-a", "4"))
    findings = found(world)
    assert sorted(one.code for one in findings) == ["wrong-neighbour"] * 2 + ["wrong-port"] * 2
    here = next(one for one in findings if one.address == "switch core-a port 3")
    assert here.source is not None
    assert here.source.file == "inventory/equipment.yaml"
    far = world.expected.facing(("core-a", "3"))
    assert far is not None
    assert f"not {far[0]}:{far[1]}" in here.summary
    assert "the inventory joins core-a:3" in here.why
    world.expected, patch = patched(folder, findings)
    assert found(world) == []
    assert [line for line in patch.splitlines() if line.startswith("-  ")] == [
        '-      - {port: 3, transceiver: 10g-lr, tx: "odf-datacentre:25", rx: "odf-datacentre:26"}',
        '-      - {port: 4, transceiver: 10g-lr, tx: "odf-datacentre:37", rx: "odf-datacentre:38"}',
    ]


def test_one_strand_exchanged(folder: Path, world: World) -> None:
    """Only what two receivers hear is exchanged: so is only `rx` in the edit."""
    a, b = ("core-a", "3"), ("core-a", "4")
    world.wires[a], world.wires[b] = world.wires[b], world.wires[a]
    findings = found(world)
    assert len(findings) == 2
    edits = {edit for one in findings for edit in one.edits}
    assert len(edits) == 1
    assert "'rx'" in repr(edits)


def test_parallel_links_exchanged_are_a_wrong_port(world: World) -> None:
    world.swap(("core-a", "1"), ("core-a", "2"))
    assert {(one.code, one.weight) for one in found(world)} == {("wrong-port", Weight.ALARM)}


def test_an_unknown_device_on_a_trunk(folder: Path, world: World) -> None:
    world.hears(("core-a", "3"), "mystery", "1")
    one = only(world)
    assert (one.code, one.weight) == ("unknown-device", Weight.ALARM)
    assert "no switch or device of the inventory is called mystery" in one.why
    after, patch = patched(folder, [one])
    assert after.devices.keys() == world.expected.devices.keys(), "a remark is for a person to complete"
    assert "+#   - {id: mystery, site: datacentre" in patch


def test_a_customers_own_gear_is_a_notice(world: World) -> None:
    facts = world.facts["core-a"]
    world.facts["core-a"] = replace(facts, neighbours=(Neighbour("Ethernet30", "printer"),))
    one = only(world)
    assert (one.code, one.weight, one.address) == ("unknown-device", Weight.NOTICE, "switch core-a port 30")


def test_an_uplink_in_another_port_of_the_switch(folder: Path, world: World) -> None:
    """The switch hears the device at 41; both say so, and one edit makes it true."""
    del world.wires["pop-west", "40"]
    world.wires["sw-school-1", "eth9"] = ("pop-west", "41")
    world.wires["pop-west", "41"] = ("sw-school-1", "eth9")
    findings = found(world)
    assert {one.code for one in findings} == {"wrong-port"}
    assert {one.address for one in findings} == {"device sw-school-1 port eth9", "switch pop-west port 41"}
    world.expected, patch = patched(folder, findings)
    assert found(world) == []
    assert "+    uplink: {port: eth9, switch: pop-west, switch_port: 41}" in patch
    assert "in the cupboard behind the gym" in (folder / "inventory/equipment.yaml").read_text()


def test_an_uplink_at_another_switch(folder: Path, world: World) -> None:
    del world.wires["pop-west", "40"]
    world.wires["sw-school-1", "eth9"] = ("core-a", "33")
    world.wires["core-a", "33"] = ("sw-school-1", "eth9")
    findings = found(world)
    assert {one.code for one in findings} == {"wrong-neighbour", "unwritten-cable"}
    world.expected, patch = patched(folder, findings)
    assert found(world) == []
    assert "+    uplink: {port: eth9, switch: core-a, switch_port: 33}" in patch


def test_an_uplink_by_another_port_of_the_device(folder: Path, world: World) -> None:
    facts = world.facts["sw-school-1"]
    ports = (*facts.ports, replace(facts.ports[0], name="eth8"))
    world.facts["sw-school-1"] = replace(facts, ports=ports)
    world.wires["sw-school-1", "eth8"] = world.wires.pop(("sw-school-1", "eth9"))
    del world.wires["pop-west", "40"]
    one = only(world)
    assert one.code == "wrong-port"
    world.expected, patch = patched(folder, [one])
    assert "+    uplink: {port: eth8, switch: pop-west, switch_port: 40}" in patch


def test_a_chassis_id_says_who_a_switch_is(world: World) -> None:
    """The beacon that a customer port hears has no name, only the datapath."""
    facts = world.facts["sw-school-1"]
    del world.wires["sw-school-1", "eth9"]
    dpid = world.expected.devices["pop-west"].dpid
    world.facts["sw-school-1"] = replace(facts, neighbours=(Neighbour("eth9", "", "40", f"dpid:{dpid:016x}"),))
    assert found(world) == []


def test_discovery_of_a_controller_counts_before_lldp(world: World) -> None:
    from sdnctl.inventory.live import Readings

    heard = {("core-a", "3"): ("pop-south", "1")}
    findings = judge(world.expected, Readings({}, heard, frozenset({("core-a", "4")})), {})
    assert {(one.code, one.address) for one in findings} == {
        ("wrong-neighbour", "switch core-a port 3"),
        ("nobody-heard", "switch core-a port 4"),
    }


# ── ports and modules ────────────────────────────────────────────────────────────────────────────


def test_a_port_that_is_down(folder: Path, world: World) -> None:
    world.port(("com-aigues", "2"), up=False)
    one = only(world)
    assert (one.code, one.weight, one.address) == ("port-down", Weight.ALARM, "switch com-aigues port 2")
    after, patch = patched(folder, [one])
    assert not after.devices["com-aigues"].ports["2"].in_service
    assert (
        '+      - {port: 2, transceiver: 10g-lr, tx: "odf-aigues:13", rx: "odf-aigues:14", status: out-of' in patch
    )


def test_a_spare_port_may_be_down(world: World) -> None:
    world.port(("com-aigues", "7"), up=False)
    assert found(world) == []


def test_a_port_that_is_not_there(world: World) -> None:
    facts = world.facts["com-aigues"]
    world.facts["com-aigues"] = replace(facts, ports=tuple(one for one in facts.ports if one.name != "Ethernet2"))
    one = only(world)
    assert (one.code, one.summary) == ("no-such-port", "com-aigues has no port 2")


def test_a_wrong_transceiver(folder: Path, world: World) -> None:
    world.module(("pop-west", "3"), kind="SFP-10G-ER", vendor="ACME", part="SFP-10G-ER", serial="S1")
    one = only(world)
    assert (one.code, one.weight) == ("wrong-transceiver", Weight.ALARM)
    assert one.summary == "pop-west:3 has SFP-10G-ER, not 10g-lr"
    assert "S1" in one.why
    after, patch = patched(folder, [one])
    optics = after.devices["pop-west"].ports["3"].optics
    assert optics is not None
    assert optics.id == "10g-er"
    assert patch.count("\n+ ") == 1


def test_a_transceiver_of_no_known_kind(world: World) -> None:
    """One that the inventory lacks has no edit; a name that says nothing is no finding."""
    world.module(("pop-west", "3"), kind="10GBASE-ZR")
    assert only(world).edits == ()
    world.module(("pop-west", "3"), kind="whatever")
    assert found(world) == []


def test_the_wrong_half_of_a_pair(world: World) -> None:
    world.module(("pop-west", "4"), kind="1000BASE-BX10-U")
    assert only(world).code == "wrong-transceiver"


# ── light ────────────────────────────────────────────────────────────────────────────────────────

LEVEL = Level(Power(-11.0), Power(-2.0), Power(-14.4), Power(0.5))


@pytest.mark.parametrize(
    ("measured", "stored", "code", "weight"),
    [
        (-6.0, -6.0, None, None),
        (-6.9, -6.0, None, None),
        (-7.0, -6.0, "rx-drift", Weight.ALARM),
        (-5.0, -6.0, "rx-drift", Weight.ALARM),
        (-8.9, -6.0, "rx-drift", Weight.ALARM),
        (-9.0, -6.0, "rx-drift", Weight.URGENT),
        (-3.0, -6.0, "rx-drift", Weight.ALARM),  # more light than before is no damage
        (-12.5, -12.5, "rx-margin", Weight.URGENT),
        (-12.4, -12.4, None, None),
        (-15.0, -15.0, "rx-too-weak", Weight.URGENT),
        (0.6, 0.6, "rx-overload", Weight.URGENT),
        (-6.0, None, None, None),
        (-11.9, None, None, None),
        (-12.0, None, "rx-off-budget", Weight.ALARM),
        (-1.0, None, "rx-off-budget", Weight.ALARM),
        (-40.0, None, "rx-too-weak", Weight.URGENT),
    ],
)
def test_levels(measured: float, stored: float | None, code: str | None, weight: Weight | None) -> None:
    judged = judge_level(Power(measured), LEVEL, None if stored is None else Power(stored))
    assert (judged.code if judged else None, judged.weight if judged else None) == (code, weight)


def test_every_reason_and_figure_is_told() -> None:
    judged = judge_level(Power(-13.0), LEVEL, Power(-6.0))
    assert judged is not None
    assert judged.summary == "the receiver has a reserve of only 1.4 dB"
    assert judged.why == (
        "-13 dBm received, -6 dBm when last accepted, -11 dBm to -2 dBm by the budget, -14.4 dBm needed; "
        "the received power fell by 7 dB"
    )


def test_light_at_a_port(world: World) -> None:
    place: Place = ("core-a", "6")
    level = world.expected.devices["core-a"].ports["6"].level
    assert level is not None
    world.module(place, rx_power=Power(level.low - 3))
    one = only(world)
    assert (one.code, one.weight, one.address) == ("rx-off-budget", Weight.URGENT, "switch core-a port 6")
    assert one.edits == (), "light that weakens is repaired, not written down"
    assert list(judge(world.expected, world.readings(), {place: Power(level.low - 3)})) == []


# ── names ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("Gi1/0/24", "GigabitEthernet1/0/24", True),
        ("Eth 1/1", "ethernet1/1", True),
        ("ge-0/0/3", "ge-0/0/3", True),
        ("ge-0/0/3", "xe-0/0/3", False),
        ("e1", "eth1", False),
        ("eth1", "eth11", False),
        ("", "", False),
    ],
)
def test_names_of_ports(a: str, b: str, same: bool) -> None:
    assert same_port(a, b) is same
    assert same_port(b, a) is same


def test_a_number_at_the_end_decides_only_where_it_is_alone() -> None:
    known = ["1", "2"]
    assert port_of("Ethernet2", known, ["Ethernet1", "Ethernet2"], {}) == "2"
    assert port_of("Ethernet1/2", known, ["Ethernet1/2", "Ethernet2/2"], {}) is None
    assert port_of("Ethernet1/2", known, ["Ethernet1/2", "Ethernet2/2"], {"Ethernet1/2": 7}) == "7"
    assert port_of("mgmt", known, ["mgmt"], {}) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("10GBASE-LR", (10.0, "LR", "")),
        ("SFP-10G-LR", (10.0, "LR", "")),
        ("10g-lr", (10.0, "LR", "")),
        ("10GBASE-LRM", (10.0, "LRM", "")),
        ("1000Base-LX", (1.0, "LX", "")),
        ("1000BASE-LX/LH", (1.0, "LX", "")),
        ("1g-bx10-u", (1.0, "BX", "U")),
        ("QSFP-100G-LR4-S", (100.0, "LR", "")),
        ("100BASE-FX", None),
        ("SFP+", None),
        ("", None),
    ],
)
def test_kinds_of_transceivers(text: str, kind: tuple[float, str, str] | None) -> None:
    assert kind_of(text) == kind


def test_devices_by_name_and_chassis() -> None:
    known, dpids = ["core-a", "pop.x"], {0x0000_0200_0000_0001: "core-a"}
    assert device_of("CORE-A.example.net", "", dpids, known) == "core-a"
    assert device_of("pop.x", "", dpids, known) == "pop.x"
    assert device_of("", "02:00:00:00:00:01", dpids, known) == "core-a"
    assert device_of("", "dpid:0000020000000001", dpids, known) == "core-a"
    assert device_of("", "02:00:00:00:00:02", dpids, known) is None
    assert device_of("printer", "02:00:00:00:00:01", {}, known) is None
