"""`lab up` and `lab down` over and over, and killed in between: nothing is left. Two at once: neither notices."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from campaign_network import prefer_switches
from fork_server import ForkServer
from lab_ring import HOST, Ring, endpoints, frame, ring
from lab_traces import of_folder, of_machine, of_this_process
from sdnctl_in_process import Net, new_net

from sdnctl.lab import down, up
from sdnctl.lab.ovslab import OvsLab
from sdnctl.lab.traffic import Feed, Loss, Stream
from sdnctl.topology.graph import PortRef

KINDS = ("memory", pytest.param("ovs", marks=pytest.mark.ovs))
A, B = PortRef("s1", HOST), PortRef("s3", HOST)


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    one = new_net(tmp_path / "a network", kind="")
    yield one
    one.ok("lab", "down")


# ── up and down ──────────────────────────────────────────────────────────────────────────────────


def cycle(net: Net, kind: str, times: int) -> None:
    """Each time everything that was made is gone; what a running lab leaves shows that this is looked for."""
    net.ok("lab", "up", "--kind", kind)  # what Python opens and imports the first time it keeps
    net.ok("lab", "down")
    gc.collect()  # what other tests left open in a cycle must not be closed in the middle of this one
    files = {path for path in net.folder.rglob("*") if path.is_file()}
    before, own = of_folder(net.folder), of_this_process()
    assert not before
    for _ in range(times):
        net.ok("lab", "up", "--kind", kind)
        assert of_folder(net.folder)
        net.ok("lab", "down")
        assert of_folder(net.folder) == before
        assert {path for path in net.folder.rglob("*") if path.is_file()} == files
        assert of_this_process() == own


@pytest.mark.parametrize("kind", KINDS)
def test_twice_up_and_down_leaves_nothing(net: Net, kind: str) -> None:
    cycle(net, kind, 2)


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_fifty_times_up_and_down_leaves_nothing_on_the_machine(net: Net, kind: str) -> None:
    """With nobody else at work, that is said of the whole machine."""
    before = of_machine()
    cycle(net, kind, 50)
    assert of_machine() == before


# ── killed ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    with ForkServer(tmp_path_factory.mktemp("server") / "output") as one:
        yield one


def kills(net: Net, kind: str, count: int, seed: int, server: ForkServer) -> None:
    """`kill -9` of `lab up` at instants spread over its life; `lab down` right afterwards removes every trace."""
    rng = Random(seed)
    words = ("-n", net.folder, "lab", "up", "--kind", kind)
    whole = server.run(*words)
    assert whole.code == 0, whole.output
    net.ok("lab", "down")
    caught = 0
    for index in range(count):
        ended = server.run(*words, kill=(index + rng.random()) / count * whole.seconds)
        assert ended.code in (0, -9), ended.output
        caught += ended.code == -9
        net.ok("lab", "down")
        assert not of_folder(net.folder), f"killed after {ended.seconds:.3f} s"
        time.sleep(0.1)  # whoever was started by the one that was killed, and is late
        assert not of_folder(net.folder), f"killed after {ended.seconds:.3f} s, seen later"
    assert caught >= count // 2, "too late nearly every time"


@pytest.mark.parametrize("kind", KINDS)
def test_up_that_is_killed_leaves_nothing_after_down(net: Net, kind: str, server: ForkServer) -> None:
    kills(net, kind, 2, 1, server)


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_fifty_kills_of_up(net: Net, kind: str, server: ForkServer) -> None:
    kills(net, kind, 50, 2, server)


# ── side by side ─────────────────────────────────────────────────────────────────────────────────


def streaming(lab: OvsLab) -> Stream:
    return Stream(lab.wire(), [Feed("there", A, frame(100), B)], 250)


def made(folder: Path) -> OvsLab:
    """A ring of four with a line from s1 to s3 by s2, programmed by hand and without protection to speak of."""
    folder.mkdir()
    lab = up(folder, ring(4), endpoints(A, B), kind="ovs")
    assert isinstance(lab, OvsLab)
    prefer_switches(lab)
    rules = Ring(4)
    rules.line(1, 1, 3, True)
    rules.install(lab)
    return lab


def losses(one: OvsLab, other: OvsLab, place: Path) -> tuple[Loss, Loss, Loss]:
    """Traffic in both; one is cut in two places, healed, taken down: its loss, and that of the other each time."""
    with streaming(one) as here, streaming(other) as there:
        time.sleep(0.2)
        one.cut(["L1", "L4"])
        time.sleep(0.2)
        one.heal(["L1", "L4"])
        time.sleep(0.2)
        (cut,), (beside,) = here.stop(), there.stop()
    with streaming(other) as there:
        time.sleep(0.1)
        down(place)
        time.sleep(0.2)
        (after,) = there.stop()
    return cut, beside, after


@pytest.mark.ovs
def test_two_labs_side_by_side_with_traffic_in_both(tmp_path: Path) -> None:
    """What happens to one costs the other no frame; a machine that is busy elsewhere is given three tries."""
    here, there = tmp_path / "one", tmp_path / "other"
    other = made(there)
    try:
        for attempt in range(3):
            place = here.with_name(f"one {attempt}")
            one = made(place)
            try:
                cut, beside, after = losses(one, other, place)
            finally:
                down(place)
            assert not of_folder(place)
            assert cut.lost > 20, "nothing was cut"
            assert cut.misdelivered == beside.misdelivered == after.misdelivered == 0
            assert beside.duplicated == after.duplicated == 0
            assert min(beside.received, after.received) > 20
            assert other.alive
            if not beside.lost + after.lost:
                return
        pytest.fail(f"the other lab loses frames each time: {beside} {after}")
    finally:
        down(there)
        assert not of_folder(there)
