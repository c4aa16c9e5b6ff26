"""One plan over switches and gear beside them, all simulated: apply, drift, repair, roll back, faults half-way."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mixed_network import MixedNet, mixed_net

from sdnctl.dataplane.attachment import Attachment


@pytest.fixture
def net(tmp_path: Path) -> MixedNet:
    return mixed_net(tmp_path / "a network")


def stages(net: MixedNet) -> list[str]:
    return [stage["kind"] for stage in net.json("plan")["plan"]["plan"]["stages"]]


def events(net: MixedNet, number: int) -> list[tuple[str, dict[str, object]]]:
    return [(one["event"], one["detail"]) for one in net.json("history", number)["journal"]]


def test_devices_are_attached_first_and_detached_last(net: MixedNet) -> None:
    planned = stages(net)
    assert planned[0] == "attach"
    net.ok("apply", "--yes")
    net.assert_exact()
    net.probe()
    school, hall, handover = (net.running()[name] for name in ("sw-school", "sw-hall", "handover"))
    assert school == [
        Attachment("eth1", "eth9", 100, "cam-s", None, 8_000_000, 50_000, 4),
        Attachment("eth2", "eth9", 101, "line-s", None, 10_000_000, 62_500, 3),
    ]
    assert hall == [Attachment("xe-0/0/2", "xe-0/0/1", 200, "cam-h", 30, None, None, 4)]
    assert [(one.vlan, one.tag) for one in handover] == [(40, 300)]
    (told,) = net.json("explain", "video/cam-s>rec-1")["demands"]
    assert [(one["device"], one["port"], one["tag"]) for one in told["devices"]] == [("sw-school", "eth1", 100)]
    assert "behind sw-school: eth1" in net.ok("explain", "video/cam-s>rec-1").out

    net.edit(
        "intents/video.yaml", "leaves: {select: {kind: camera}}", "leaves: {select: {kind: camera, tags: [north]}}"
    )
    net.edit("intents/circuits.yaml", "  - {id: school, a: line-s, b: line-h, bandwidth: 10 Mbit/s}\n", "")
    planned = stages(net)
    assert (planned[0], planned[-1]) == ("drain", "detach") or planned[-1] == "detach"
    net.ok("apply", "--yes")
    net.assert_exact()
    assert {name: len(held) for name, held in net.running().items()} == {
        "handover": 0,
        "sw-hall": 0,
        "sw-school": 0,
    }


def test_tags_stay_when_others_come_and_go(net: MixedNet) -> None:
    """An edit elsewhere changes no tag; a freed one is used again when switch and device are seen without it."""
    net.ok("apply", "--yes")
    before = {one.endpoint: one.tag for held in net.running().values() for one in held}
    with net.path("inventory/endpoints.csv").open("a", encoding="utf-8") as file:
        file.write("aaa-cam,alpha,sw-school,eth0,,,10.1.0.20/32,camera,\n")  # first in every order
    net.ok("apply", "--yes")
    after = {one.endpoint: one.tag for held in net.running().values() for one in held}
    assert after == {**before, "aaa-cam": 102}
    assert {one.endpoint: one.port for one in net.running()["sw-school"]}["aaa-cam"] == "eth0"

    endpoints = net.path("inventory/endpoints.csv").read_text(encoding="utf-8")
    gone = "".join(line for line in endpoints.splitlines(keepends=True) if not line.startswith("cam-s,"))
    net.path("inventory/endpoints.csv").write_text(gone, encoding="utf-8")
    net.ok("apply", "--yes")
    with net.path("inventory/endpoints.csv").open("a", encoding="utf-8") as file:
        file.write("zzz-cam,alpha,sw-school,eth7,,,10.1.0.21/32,camera,\n")
    net.ok("apply", "--yes")
    net.assert_exact()
    assert {one.endpoint: one.tag for one in net.running()["sw-school"]} == {
        "aaa-cam": 102,
        "line-s": 101,
        "zzz-cam": 100,
    }


def test_a_freed_tag_waits_for_a_device_that_does_not_answer(net: MixedNet) -> None:
    net.ok("apply", "--yes")
    with net.simulator.changing("sw-school") as device:
        device.reachable = False
    endpoints = net.path("inventory/endpoints.csv").read_text(encoding="utf-8")
    edited = endpoints.replace(
        "cam-s,alpha,sw-school,eth1,,,10.1.0.11/32", "new-s,alpha,sw-school,eth3,,,10.1.0.31/32"
    )
    net.path("inventory/endpoints.csv").write_text(edited, encoding="utf-8")
    planned = net.json("plan")
    assert planned["summary"]["unknown"] == ["sw-school"]
    net.ok("apply", "--yes")
    with net.simulator.changing("sw-school") as device:
        device.reachable = True
        assert [one.endpoint for one in device.running.values()] == ["cam-s", "line-s"], "as it was"
    net.ok("apply", "--yes")
    net.assert_exact()
    assert {one.endpoint: one.tag for one in net.running()["sw-school"]} == {"line-s": 101, "new-s": 102}


def test_hand_edits_on_each_device_are_drift_and_repaired(net: MixedNet) -> None:
    net.ok("apply", "--yes")
    with net.simulator.changing("sw-school") as device:
        del device.running["eth1", None]
    with net.simulator.changing("sw-hall") as device:
        stray = Attachment("xe-0/0/7", "xe-0/0/1", 205, "who-knows")
        device.running[stray.key] = stray
    with net.simulator.changing("handover") as device:
        (key,) = device.running
        device.running[key] = Attachment("GigabitEthernet0/2", "GigabitEthernet0/1", 301, "line-h", 40)
    found = net.json("drift", "--exit-code", code=2)
    assert {one["device"]: (one["missing"], one["extra"], one["altered"]) for one in found["attachments"]} == {
        "handover": (0, 0, 1),
        "sw-hall": (0, 1, 0),
        "sw-school": (1, 0, 0),
    }
    said = {one["switch"]: one for one in found["findings"]}
    assert said["sw-school"]["state"] == "missing"
    assert said["sw-school"]["what"] == "endpoint cam-s"
    assert [owner["application"] for owner in said["sw-school"]["owners"]] == ["video"]
    assert "eth1 → eth9 VLAN 100" in said["sw-school"]["rule"]
    assert said["sw-hall"]["owners"] == []
    with net.simulator.changing("handover") as device:
        device.reachable = False
    silent = net.json("drift", "--exit-code", code=2)
    assert {one["device"]: one["status"] for one in silent["attachments"]}["handover"] == "unknown"
    with net.simulator.changing("handover") as device:
        device.reachable = True

    text = net.ok("plan").out
    assert "restores" in text or "attach" in text
    net.ok("apply", "--yes")
    net.assert_exact()
    assert net.json("drift", "--exit-code")["ok"]


def test_rolling_back_detaches_and_attaches(net: MixedNet) -> None:
    net.ok("apply", "--yes")
    before = net.running()
    net.edit("inventory/endpoints.csv", "cam-s,alpha,sw-school,eth1,", "cam-s,alpha,sw-school,eth5,")
    net.edit("intents/circuits.yaml", "b: line-h, bandwidth: 10 Mbit/s", "b: line-h, bandwidth: 20 Mbit/s")
    assert "reattach" in stages(net), "the same tag at another port, and another limit"
    net.ok("apply", "--yes")
    net.assert_exact()
    after = net.running()
    assert {one.port: one.tag for one in after["sw-school"]} == {"eth2": 101, "eth5": 100}
    assert after["handover"][0].rate == 20_000_000
    net.ok("rollback", "--yes")
    assert net.running() == before


@pytest.mark.parametrize("step", ["validate", "commit", "confirm"])
def test_one_device_that_refuses_or_hangs_leaves_everything_as_before(net: MixedNet, step: str) -> None:
    """All are taken back: those before it, those after it, and the switches; the journal says which and where."""
    net.ok("apply", "--yes")
    switches, devices, state = net.held(), net.running(), net.applied()
    with net.path("inventory/endpoints.csv").open("a", encoding="utf-8") as file:
        for name, device, port in (
            ("s", "sw-school", "eth6"),
            ("h", "sw-hall", "xe-0/0/6"),
            ("o", "handover", "Gi0/6"),
        ):
            site = {"s": "alpha", "h": "beta", "o": "gamma"}[name]
            file.write(f"late-{name},{site},{device},{port},,,10.1.2.{ord(name)}/32,camera,\n")
    with net.simulator.changing("sw-hall") as found:
        found.faults, found.hangs = {step: "hang" if step == "commit" else "no more memory"}, 0.3
    result = net("apply", "--yes")
    assert result.code == 1, result.out + result.err
    assert "sw-hall" in result.plain
    assert "as it was before" in result.plain
    with net.simulator.changing("sw-hall") as found:
        found.faults = {}
    assert net.held() == switches
    assert net.running() == devices
    assert net.applied() == state
    assert net.pending() is None
    assert all(net.device(name).confirmed is None for name in net.simulator.names())

    abandoned = max(one.id for one in net.history())
    told = [detail for event, detail in events(net, abandoned) if event == "attachments-failed"]
    assert [(one["step"], list(one["faults"])) for one in told] == [
        ({"validate": "check"}.get(step, step), ["sw-hall"])
    ]
    reverted = [detail["devices"] for event, detail in events(net, abandoned) if event == "attachments-reverted"]
    everyone = ["handover", "sw-hall", "sw-school"]  # those that confirmed already are planned back instead
    assert reverted == {"validate": [], "commit": [everyone], "confirm": [["sw-hall"]]}[step]
    net.ok("apply", "--yes")
    net.assert_exact()


def test_a_port_of_somebody_else_is_refused_before_anything_changes(net: MixedNet) -> None:
    with net.simulator.changing("sw-school") as device:
        device.foreign["eth1"] = "description printer"
    result = net("apply", "--yes")
    assert result.code == 1
    assert "eth1" in result.plain
    assert "printer" in result.plain
    assert all(not held for held in net.running().values())
    assert all(not len(rules) for rules in net.ours().values())


def test_a_plan_does_not_fit_a_device_that_changed(net: MixedNet) -> None:
    net.ok("plan", "-o", net.path("plan.json"))
    with net.simulator.changing("sw-school") as device:
        stray = Attachment("eth8", "eth9", 109, "stray")
        device.running[stray.key] = stray
    result = net("apply", net.path("plan.json"), "--yes")
    assert result.code == 1
    assert "device sw-school" in result.plain
    assert "changed since the plan was made" in result.plain


def test_a_device_that_leaves_the_inventory_is_cleared(net: MixedNet) -> None:
    net.ok("apply", "--yes")
    text = net.path("inventory/equipment.yaml").read_text(encoding="utf-8")
    start, end = text.index("  - id: sw-hall"), text.index("  - id: handover")
    net.path("inventory/equipment.yaml").write_text(text[:start] + text[end:], encoding="utf-8")
    endpoints = net.path("inventory/endpoints.csv").read_text(encoding="utf-8")
    net.path("inventory/endpoints.csv").write_text(
        "".join(line for line in endpoints.splitlines(keepends=True) if "sw-hall" not in line), encoding="utf-8"
    )
    net.ok("apply", "--yes")
    assert net.running()["sw-hall"] == []


def test_validate_names_drivers_that_are_not_here(net: MixedNet) -> None:
    lacking = 'drivers: {attachments-memory: "attachments-memory:/nowhere"}\n    can:'
    net.edit(
        "inventory/equipment.yaml", lacking, 'drivers: {carrier-pigeon: "coop:7", memory: "memory:/x"}\n    can:'
    )
    found = net.json("validate")
    assert [(one["code"], one["address"], one["severity"]) for one in found["diagnostics"]] == [
        ("driver-missing", "device sw-hall", "warning")
    ]
    assert found["devices"] == 3
    net.edit("inventory/equipment.yaml", 'carrier-pigeon: "coop:7", ', "")
    assert [one["code"] for one in net.json("validate")["diagnostics"]] == ["no-attachment-driver"]
    assert "sw-school:eth1" in net.ok("show", "endpoints").out


def test_killed_between_commit_and_confirmation_the_next_apply_finishes(net: MixedNet) -> None:
    """Devices take back what nobody confirmed; the snapshot is pending, and the next apply finishes it."""
    for name in net.simulator.names():
        with net.simulator.changing(name) as device:
            device.window = 1.0
    with net.simulator.changing("sw-hall") as device:
        device.faults, device.hangs = {"confirm": "hang"}, 60.0
    process = subprocess.Popen(
        [sys.executable, "-m", "sdnctl", "-n", net.folder, "apply", "--yes"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: net.device("sw-hall").confirmed is not None and net.device("sw-school").confirmed is None)
    finally:
        process.kill()
        process.wait()
    with net.simulator.changing("sw-hall") as device:
        device.faults = {}
    assert net.pending() is not None
    wait_for(lambda: not net.device("sw-hall").running)
    net.ok("apply", "--yes")
    net.assert_exact()
    assert any(event == "resumed" for one in net.history() for event, _ in events(net, one.id))


def wait_for(happened: Callable[[], bool], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.05)
