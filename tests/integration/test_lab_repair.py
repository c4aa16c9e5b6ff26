"""Local repair on real links, with rules made by hand: how many milliseconds a failure costs.

The same measure is used on compiled rules; here it shows what the scheme itself can do, without the compiler.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from lab_ring import HOST, HOST_2, Ring, endpoints, frame, ring

from sdnctl.lab import down, up
from sdnctl.lab.ovslab import OvsLab
from sdnctl.lab.repair import Repair, measure
from sdnctl.lab.traffic import Feed, Stream
from sdnctl.topology.graph import PortRef

pytestmark = pytest.mark.ovs
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
    assert repair.null_lost == 0, str(repair)
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


@pytest.mark.soak
@pytest.mark.parametrize("link", ["L1", "L2", "L3"])
def test_ring_hairpin_twenty_runs(lab: OvsLab, link: str) -> None:
    check(cutting(lab, LINK, link, 20))


@pytest.mark.soak
def test_parallel_link_twenty_runs(lab: OvsLab) -> None:
    check(cutting(lab, PARALLEL, "L2", 20))


@pytest.mark.soak
@pytest.mark.parametrize("node", ["s2", "s3"])
def test_node_death_twenty_runs(lab: OvsLab, node: str) -> None:
    check(
        measure(
            lab,
            feeds(NODE),
            lambda: lab.kill_switch(node),
            lambda: lab.revive(node),
            name=f"death of {node}",
            **PACE,
        )
    )


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
