"""Local repair on real links, with rules made by hand: how many milliseconds a failure costs.

The same measure is used on compiled rules; here it shows what the scheme itself can do, without the compiler.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lab_ring import HOST, HOST_2, Ring, endpoints, frame, ring

from sdnctl.lab import down, netns, up
from sdnctl.lab.ovslab import OvsLab
from sdnctl.lab.repair import Repair, measure
from sdnctl.lab.traffic import Feed, Stream
from sdnctl.topology.graph import PortRef

pytestmark = [pytest.mark.ovs, pytest.mark.quiet]
HOST_3 = 12
LINK = {"there": (PortRef("s1", HOST), PortRef("s4", HOST))}
NODE = {"there": (PortRef("s1", HOST_2), PortRef("s4", HOST_2))}
PARALLEL = {"there": (PortRef("s1", HOST_3), PortRef("s4", HOST_3))}
PORTS = [port for pair in (LINK, NODE, PARALLEL) for ends in pair.values() for port in ends]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OvsLab]:
    """A ring of six with a parallel link, and three lines s1–s4: by link, node and parallel-link bypasses."""
    folder = tmp_path_factory.mktemp("repair")
    lab = up(folder, ring(6, parallel=True), endpoints(*PORTS), kind="ovs")
    try:
        assert isinstance(lab, OvsLab)
        rules = Ring(6)
        rules.line(1, 1, 4, True)
        rules.line(2, 4, 1, False)
        rules.line(3, 1, 4, True, port=HOST_2, node=True)
        rules.line(4, 4, 1, False, port=HOST_2, node=True)
        rules.line(5, 1, 4, True, port=HOST_3, parallel=True)
        rules.line(6, 4, 1, False, port=HOST_3, parallel=True)
        rules.install(lab)
        yield lab
    finally:
        down(folder)


@pytest.fixture
def lab(running: OvsLab) -> Iterator[OvsLab]:
    yield running
    for node in running.dead_nodes:
        running.revive(node)
    running.heal(running.down_links)


def feeds(line: dict[str, tuple[PortRef, PortRef]]) -> list[Feed]:
    """Both directions of a line."""
    a, b = line["there"]
    return [Feed("there", a, frame(200), b), Feed("back", b, frame(200), a)]


def cutting(lab: OvsLab, line: dict[str, tuple[PortRef, PortRef]], link: str, runs: int) -> Repair:
    def cut() -> None:
        lab.cut([link])

    def heal() -> None:
        lab.heal([link])

    return measure(lab, feeds(line), cut, heal, name=f"cut {link}", runs=runs, **PACE)


PACE = {"null_runs": 1, "before": 0.08, "after": 0.2, "settle": 0.1}


def check(repair: Repair) -> None:
    """The bound that the project promises for a port that goes down at 1,000 packets a second."""
    assert repair.null_lost <= 10, f"the machine itself loses packets, so this says nothing: {repair}"
    assert repair.misdelivered == 0, str(repair)
    assert any(loss.lost for run in repair.runs for loss in run), f"nothing was ever lost: was it cut? {repair}"
    assert repair.median_ms <= 50, str(repair)
    assert repair.max_ms <= 150, str(repair)
    sent = min(loss.sent for run in repair.runs for loss in run)
    assert sent > 100, f"the sender got only {sent} frames out"


@pytest.mark.parametrize(("link", "runs"), [("L1", 3), ("L3", 6)])
def test_ring_hairpin(lab: OvsLab, link: str, runs: int) -> None:
    """The bypass leaves by the port that the packets came in on (L3), or the other way from the start (L1)."""
    check(cutting(lab, LINK, link, runs))


def test_parallel_link(lab: OvsLab) -> None:
    check(cutting(lab, PARALLEL, "L2", 4))


def test_node_death(lab: OvsLab) -> None:
    runs = measure(
        lab,
        feeds(NODE),
        lambda: lab.kill_switch("s3"),
        lambda: lab.revive("s3"),
        name="death of s3",
        runs=5,
        **PACE,
    )
    check(runs)


@pytest.fixture(scope="module")
def report() -> Iterator[list[str]]:
    """What the full counts measured, kept in lab/reports with date, command and versions."""
    lines: list[str] = []
    yield lines
    if lines:
        version = netns.call(["ovs-vswitchd", "--version"]).splitlines()[0]
        kernel = ".".join(os.uname().release.split(".")[:2])
        head = [
            f"Local repair with rules made by hand (docs/pipeline.md), {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            "pytest --soak -m soak tests/integration/test_lab_repair.py",
            f"{version}, userspace datapath; Linux {kernel}; {os.cpu_count()} CPUs; veth links, MTU 1600;",
            "ring of six, both directions of one line, 200 octets; a run's figure is its worse direction",
            "",
        ]
        path = Path(__file__).parents[2] / "lab" / "reports" / "local-repair-by-hand.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")


@pytest.mark.soak
@pytest.mark.parametrize("link", ["L1", "L2", "L3"])
def test_ring_hairpin_twenty_runs(lab: OvsLab, report: list[str], link: str) -> None:
    repair = cutting(lab, LINK, link, 20)
    report.append(str(repair))
    check(repair)


@pytest.mark.soak
def test_parallel_link_twenty_runs(lab: OvsLab, report: list[str]) -> None:
    repair = replace(cutting(lab, PARALLEL, "L2", 20), name="cut L2, parallel P2")
    report.append(str(repair))
    check(repair)


@pytest.mark.soak
@pytest.mark.parametrize("node", ["s2", "s3"])
def test_node_death_twenty_runs(lab: OvsLab, report: list[str], node: str) -> None:
    def kill() -> None:
        lab.kill_switch(node)

    def revive() -> None:
        lab.revive(node)

    repair = measure(lab, feeds(NODE), kill, revive, name=f"death of {node}", **PACE)
    report.append(str(repair))
    check(repair)


def test_link_bypasses_do_not_survive_a_dead_switch_and_do_not_circle(lab: OvsLab) -> None:
    """What grade *local* does not promise is dropped, not sent in circles."""
    lab.kill_switch("s3")
    with Stream(lab.wire(), feeds(LINK), 200) as stream:
        time.sleep(0.3)
        losses = stream.stop()
    assert all(loss.received == 0 and loss.misdelivered == 0 for loss in losses)
    assert lab.circling(0.5) == 0


@pytest.mark.parametrize("pair", [("L2", "L5"), ("L1", "L2"), ("L3", "L6"), ("L2", "P2")])
def test_two_failures_never_circle_nor_leak(lab: OvsLab, pair: tuple[str, str]) -> None:
    """Two cuts at once: delivered or dropped, never anywhere else, and the links are quiet afterwards."""
    everything = [*feeds(LINK), *feeds(NODE), *feeds(PARALLEL)]
    with Stream(lab.wire(), everything, 200) as stream:
        time.sleep(0.1)
        lab.cut(pair)
        time.sleep(0.3)
        losses = stream.stop()
    assert [loss.misdelivered for loss in losses] == [0] * len(losses)
    assert [loss.duplicated for loss in losses] == [0] * len(losses)
    assert lab.circling(0.5) == 0
