"""Every fault, when nothing goes on and amid an apply: a sample on embedded switches, all of it on real ones.

After each one is settled V1 and V2 hold, frames of every demand that has a way arrive and nothing is pending; as
long as that cannot be, the status names exactly what is not so.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from unittest import mock

import jumping_clock
import pytest
from campaign_network import QUICK, ControllerProcess, campaign_net, machine
from fault_matrix import Row, World, matrix, paced
from faults import log_of
from fork_server import ForkServer
from ovs_fixture import tool
from sdnctl_in_process import Net, new_net
from slow_switch import Pace, SlowSwitch

from sdnctl.dataplane.values import RuleSet
from sdnctl.lab import netns
from sdnctl.lab.ovslab import OvsLab

REPORTS = Path(__file__).parents[2] / "lab" / "reports"
PATIENT = QUICK.replace("{drift_interval", "{flap_limit: 8, flap_half_life: 500 ms, drift_interval", 1)
"""Little patience with links, so that many cells are got through."""
RARELY = (
    "controller: {flap_limit: 8, flap_half_life: 500 ms, drift_interval: 3 s, drift: {default: repair}, "
    "poll_interval: 500 ms, discovery_interval: 10 s, telemetry_interval: 0 s}"
)
"""The same where all looking costs processor time: embedded switches are files."""
CRAWL = Pace(delay=0.05, piece=4096)
"""A switch that takes and gives 80 kB/s, each piece 50 ms late."""


@contextmanager
def watched(net: Net, place: Path) -> Iterator[tuple[ControllerProcess, ForkServer, Path]]:
    """A controller, and commands, all of which look at one clock."""
    clock = place / "clock"
    program = (str(Path(jumping_clock.__file__)), str(clock))
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, {jumping_clock.VARIABLE: str(clock)}))
        stack.enter_context(jumping_clock.installed(clock))
        server = stack.enter_context(ForkServer(place / "output"))
        controller = stack.enter_context(ControllerProcess(net, log_of(place), program))
        controller.start()
        yield controller, server, clock


# ── embedded switches ────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A small network on embedded switches."""
    place = tmp_path_factory.mktemp("matrix")
    net = new_net(place / "network", example="small-links")
    net.edit("network.yaml", "hold_down: 5 s", "hold_down: 300 ms")
    with net.path("network.yaml").open("a", encoding="utf-8") as file:
        file.write(RARELY + "\n")
    net.ok("apply", "--yes")
    with net.open() as context:
        lab = context.lab
    assert lab is not None

    def empty(node: str) -> None:
        with net.board.changing(node) as one:
            one.rules = RuleSet()

    def shut(link: str, closed: bool) -> None:
        end = net.applied().compiled.topology.links[link].a
        net.board.set_port(end.node, end.port, up=not closed)

    @contextmanager
    def slow() -> Iterator[None]:
        """Somebody else changes the switch for long at a time."""
        with net.board.changing("pop-east"):
            time.sleep(1.0)
        yield

    with watched(net, place) as (controller, server, clock):
        world = World(
            net,
            controller,
            lab,
            server=server,
            clock=clock,
            seed=11,
            empty=empty,
            shut=shut,
            slow=slow,
            held_up=1.5,
            proof="none",
        )
        yield world
    net.ok("lab", "down")


CELLS = matrix()


@pytest.mark.parametrize("row", Random(3).sample(CELLS, 2), ids=lambda row: f"{row.fault}, {row.when}")
def test_a_sample_of_the_matrix(embedded: World, row: Row) -> None:
    embedded.run(row)


@pytest.mark.soak
@pytest.mark.parametrize("row", CELLS, ids=lambda row: f"{row.fault}, {row.when}")
def test_the_matrix_on_embedded_switches(embedded: World, row: Row) -> None:
    embedded.run(row)


# ── real switches ────────────────────────────────────────────────────────────────────────────────


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of its own that can be full without anybody else noticing."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "sdnctl-test", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The small example with every class on Open vSwitch, in a folder on a small disk."""
    place = tmp_path_factory.mktemp("matrix")
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(place / "disk"))
        net = campaign_net(disk / "network", settings=PATIENT, hold_down="300 ms")
        stack.callback(net.ok, "lab", "down")
        with net.open() as context:
            lab = context.lab
        assert isinstance(lab, OvsLab)
        before = stack.enter_context(SlowSwitch(lab.targets()["pop-east"]["openflow"]))

        def empty(node: str) -> None:
            for verb in ("del-flows", "del-groups", "del-meters"):
                command = [tool("ovs-ofctl"), "-O", "OpenFlow13", verb, before.direct]
                subprocess.run(command, check=True, capture_output=True)

        def shut(link: str, closed: bool) -> None:
            with netns.Interfaces(lab.namespace) as interfaces:
                interfaces.set_up(lab.cable(link)[0], not closed)

        controller, server, clock = stack.enter_context(watched(net, place))
        world = World(
            net,
            controller,
            lab,
            server=server,
            clock=clock,
            seed=12,
            empty=empty,
            shut=shut,
            slow=lambda: paced(before, CRAWL),
            sever=before.sever,
            disk=disk,
        )
        world.rehearse()
        yield world


@pytest.fixture(scope="module")
def report() -> Iterator[list[Row]]:
    """Rows that were run; written down at the end where all of them were."""
    rows: list[Row] = []
    started = time.monotonic()
    yield rows
    if len(rows) < len(CELLS):
        return
    lines = [
        "Fault matrix: what goes wrong, when, and what is said of it; real Open vSwitch under a controller",
        "command: pytest --soak -m 'soak and ovs' tests/integration/test_fault_matrix.py",
        f"date:    {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {machine()}",
        "",
        f"{len(rows)} cells (seed 12), {time.monotonic() - started:.0f} s. After each: switches hold exactly",
        "what is applied, nothing pending, V1 holds for links that are down, a frame of every demand arrives",
        "that has a way.",
        "Settled: seconds from a fault, and from its end, until the controller has dealt with it.",
        "",
        f"{'fault':34} {'when':13} times   median     longest  what was said meanwhile",
        *(row.line for row in rows),
        "",
    ]
    (REPORTS / "fault-matrix.txt").write_text("\n".join(lines), encoding="utf-8")


TIMES = 3


@pytest.mark.soak
@pytest.mark.ovs
@pytest.mark.parametrize("row", matrix(), ids=lambda row: f"{row.fault}, {row.when}")
def test_the_matrix_on_open_vswitch(real: World, report: list[Row], row: Row) -> None:
    for _ in range(int(os.environ.get("SDNCTL_MATRIX_TIMES", TIMES))):
        real.run(row)
    report.append(row)
