"""Labs on the embedded switches: life cycle, cuts, dead switches, probes and streams, without root."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_ring import BACK, CLOCKWISE, HOST, Shot, endpoints, frame, ring, shots

from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    GROUP_BASE,
    Bucket,
    Flow,
    Group,
    GroupType,
    Match,
    Output,
    ToGroup,
)
from sdnctl.errors import DeviceError, DeviceUnreachable, InputError
from sdnctl.lab import Lab, down, manage, open_lab, up
from sdnctl.lab.openvswitch import obstacle
from sdnctl.lab.repair import measure
from sdnctl.lab.traffic import Feed, Stream
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import Target
from sdnctl.southbound.memory import MemoryDriver
from sdnctl.topology.graph import PortRef
from sdnctl.verify.probes import MAGIC

A, B = PortRef("s1", HOST), PortRef("s2", HOST)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A triangle with hosts at s1 and s2."""
    yield up(tmp_path, ring(3), endpoints(A, B), kind="memory")
    down(tmp_path)


def rule(match: Match, *actions: Output | ToGroup) -> Flow:
    return Flow(0, 100, match, COOKIE_OWNER, actions)


def program(lab: Lab) -> None:
    """s1's host to s2's host and back: direct, or round by s3 when the direct link is down."""
    for node, far, spare in (("s1", CLOCKWISE, BACK), ("s2", BACK, CLOCKWISE)):
        group = Group(GROUP_BASE + 1, GroupType.FAST_FAILOVER, (
            Bucket((Output(far),), watch_port=far), Bucket((Output(spare),), watch_port=spare),
        ))  # fmt: skip
        flows = [rule(Match.of(in_port=HOST), ToGroup(group.id))]
        flows += [rule(Match.of(in_port=port), Output(HOST)) for port in (far, spare)]
        install(lab, node, group, *flows)
    install(
        lab, "s3", rule(Match.of(in_port=CLOCKWISE), Output(BACK)), rule(Match.of(in_port=BACK), Output(CLOCKWISE))
    )


def install(lab: Lab, node: str, *rules: Flow | Group) -> None:
    async def commit() -> None:
        driver = await MemoryDriver.open(Target(node, lab.targets()[node]["memory"]))
        await driver.commit([Change(Op.ADD, item) for item in rules])
        await driver.confirm()
        await driver.close()

    asyncio.run(commit())


def arrivals(lab: Lab) -> dict[str, list[str]]:
    with lab.prober() as prober:
        found = prober.exchange(shots((A, B)), 0.01)
    for shot in shots((A, B)):
        assert all(octets == shot.frame for _, octets in found[shot.id])
    return {name: [str(port) for port, _ in came] for name, came in found.items()}


def test_probes_arrive_at_the_other_host(lab: Lab) -> None:
    assert all(came == [] for came in arrivals(lab).values())  # nothing is programmed yet
    program(lab)
    found = arrivals(lab)
    assert len(found) == 12
    assert all(came == ["s2:10" if name.startswith("s1") else "s1:10"] for name, came in found.items())


def test_cut_heal_and_open_again(lab: Lab) -> None:
    program(lab)
    lab.cut(["L1"])
    again = open_lab(lab.folder)
    assert again is not None
    assert again.down_links == {"L1"}
    assert all(len(came) == 1 for came in arrivals(again).values())  # round by s3
    again.cut(["L3"])
    assert not any(arrivals(again).values())
    again.heal(["L1", "L3"])
    assert again.down_links == frozenset()
    assert all(arrivals(again).values())


def test_dead_switch_is_dark_and_unreachable(lab: Lab) -> None:
    program(lab)
    lab.cut(["L1"])
    lab.kill_switch("s3")
    assert lab.down_links == {"L1", "L2", "L3"}
    assert not any(arrivals(lab).values())
    with pytest.raises(DeviceUnreachable):
        asyncio.run(MemoryDriver.open(Target("s3", lab.targets()["s3"]["memory"])))
    lab.heal(["L1", "L2"])
    assert lab.down_links == {"L2", "L3"}
    lab.revive("s3")
    lab.cut(["L1"])
    assert all(arrivals(lab).values())


def test_unknown_links_are_all_named(lab: Lab) -> None:
    with pytest.raises(InputError) as caught:
        lab.cut(["L1", "L9", "nope"])
    assert [item.address for item in caught.value.diagnostics] == ["link L9", "link nope"]
    assert "L1" in caught.value.diagnostics[0].hint
    assert lab.down_links == frozenset()
    with pytest.raises(InputError, match="no switch 's7'"):
        lab.kill_switch("s7")


def test_stream_counts_loss_by_number_and_time(lab: Lab) -> None:
    program(lab)
    install(lab, "s1", rule(Match.of(in_port=CLOCKWISE), Output(HOST)))
    feeds = [Feed("there", A, frame(100), B), Feed("back", B, frame(100), A), Feed("wrong", A, frame(90), A)]
    with Stream(lab.wire(), feeds, 500) as stream:
        time.sleep(0.1)
        lab.cut(["L1", "L3"])
        time.sleep(0.2)
        lab.heal(["L1", "L3"])
        time.sleep(0.1)
        there, back, wrong = stream.stop()
    for loss in (there, back):
        assert loss.received + loss.lost == loss.sent > 50
        assert loss.lost > 0
        assert 150 < loss.lost_ms < 1000
        assert loss.duplicated == loss.misdelivered == 0
    assert wrong.received == 0
    assert abs(wrong.misdelivered - there.received) <= 2  # a cut may come between two frames of one tick
    assert sum(lab.link_packets().values()) > 0


def test_repair_in_memory_loses_nothing(lab: Lab) -> None:
    program(lab)
    repair = measure(
        lab, [Feed("there", A, frame(64), B)], lambda: lab.cut(["L1"]), lambda: lab.heal(["L1"]),
        runs=2, null_runs=1, pps=200, before=0.05, after=0.05, settle=0.0,
    )  # fmt: skip
    assert (len(repair.runs), len(repair.null_runs)) == (2, 1)
    assert repair.null_lost == 0
    assert repair.max_ms < 50


def test_duplicates_are_seen(lab: Lab) -> None:
    program(lab)
    both = Group(GROUP_BASE + 9, GroupType.ALL, (Bucket((Output(CLOCKWISE),)), Bucket((Output(BACK),))))
    install(lab, "s1", both, rule(Match.of(in_port=HOST), ToGroup(both.id)))
    stream = Stream(lab.wire(), [Feed("there", A, frame(64), B)], 200).start()
    time.sleep(0.1)
    (loss,) = stream.stop()
    assert loss.lost == 0
    assert loss.duplicated == loss.received > 0


def test_a_loop_is_counted_as_circling(lab: Lab) -> None:
    for node in ("s1", "s2", "s3"):
        install(lab, node, rule(Match(), Output(CLOCKWISE)))
    assert lab.circling(0) == 0
    with lab.prober() as prober:
        prober.exchange(shots((A,))[:1], 0.01)
    assert lab.circling(0) > 100
    assert lab.circling(0) == 0


def test_prober_refuses_what_it_cannot_tell_apart(lab: Lab) -> None:
    token = MAGIC + bytes(8)
    with lab.prober() as prober:
        with pytest.raises(ValueError, match="no token"):
            prober.exchange([Shot("a", A, frame(64))])
        with pytest.raises(ValueError, match="same token"):
            prober.exchange([Shot("a", A, frame(64, token=token)), Shot("b", B, frame(65, token=token))])
        with pytest.raises(DeviceError, match="no host"):
            prober.exchange([Shot("a", PortRef("s3", 10), frame(64, token=token))])


def test_second_lab_is_refused_and_down_leaves_nothing(lab: Lab) -> None:
    with pytest.raises(InputError, match="already up"):
        up(lab.folder, ring(3), {}, kind="memory")
    assert down(lab.folder) is True
    assert list(lab.folder.rglob("*")) == [lab.folder / ".sdnctl"]
    assert down(lab.folder) is False
    assert open_lab(lab.folder) is None


def test_without_open_vswitch_auto_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    lab = up(tmp_path, ring(3), {}, kind="auto")
    assert lab.kind == "memory"
    assert lab.reason == "running on the embedded in-memory switches: not root"
    down(tmp_path)
    with pytest.raises(InputError, match="not root") as caught:
        up(tmp_path, ring(3), {}, kind="ovs")
    assert "sudo" in caught.value.diagnostics[0].hint
    assert open_lab(tmp_path) is None


def test_missing_programs_are_named_with_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("sdnctl.lab.netns.program", lambda name: None if name == "ovs-vswitchd" else name)
    problem = obstacle()
    assert problem is not None
    assert problem.summary == "ovs-vswitchd not found"
    assert "apt install openvswitch-switch" in problem.hint


def test_start_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sdnctl.southbound.embedded import Switchboard

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Switchboard, "wire", fail)
    with pytest.raises(OSError, match="disk full"):
        up(tmp_path, ring(3), {}, kind="memory")
    assert list(tmp_path.rglob("*")) == [tmp_path / ".sdnctl"]


def test_remains_of_a_dead_lab(lab: Lab) -> None:
    """A lab whose switches are gone is reported, can be brought up again, and can be taken down."""
    next((lab.folder / ".sdnctl" / "lab").glob("s1.json")).unlink()
    with pytest.raises(InputError, match="recorded but not running"):
        open_lab(lab.folder)
    assert up(lab.folder, ring(3), {}, kind="memory").down_links == frozenset()
    (lab.folder / ".sdnctl" / "lab.json").write_text("broken")
    assert manage.down(lab.folder) is True
    assert list(lab.folder.rglob("*")) == [lab.folder / ".sdnctl"]
