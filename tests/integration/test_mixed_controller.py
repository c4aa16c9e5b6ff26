"""A running controller and devices (simulated): attached through it, polled by turns, put right by it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from controller_thread import Running
from mixed_network import MixedNet, mixed_net

from sdnctl.daemon.drift import DriftWatch


@pytest.fixture
def net(tmp_path: Path) -> MixedNet:
    net = mixed_net(tmp_path / "net")
    net.path("network.yaml").write_text(
        "name: triangle\ncontroller: {drift_interval: 400 ms, poll_interval: 100 ms}\n", encoding="utf-8"
    )
    return net


def wait_for(happened: Callable[[], object], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_controller_attaches_sees_drift_and_repairs(net: MixedNet) -> None:
    with Running(net, parts=(DriftWatch(),)) as running:
        net.ok("apply", "--yes")
        applied = net.running()
        assert [one.endpoint for one in applied["sw-school"]] == ["cam-s", "line-s"]
        assert net.json("drift")["attachments"] == [
            {"device": name, "status": "match", "matching": count, "missing": 0, "extra": 0, "altered": 0}
            for name, count in (("handover", 1), ("sw-hall", 1), ("sw-school", 2))
        ]
        board = running.hub.drift
        wait_for(lambda: "sw-school" in board.switches and board.switches["sw-school"].state == "match")
        with net.simulator.changing("sw-school") as device:
            del device.running["eth1", None]
        wait_for(lambda: net.running() == applied)
        wait_for(lambda: board.switches["sw-school"].state == "match")
        assert board.repairs >= 1
        with net.simulator.changing("handover") as device:
            device.reachable = False
        wait_for(lambda: board.switches["handover"].state == "unknown")
        assert net.running() == applied
        with net.simulator.changing("handover") as device:
            device.reachable = True
        wait_for(lambda: board.switches["handover"].state == "match")
        assert net.json("plan")["empty"]
    net.assert_exact()
