"""Connections that stay: presence, ports as they change, dialling in, coming back, and who may write."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from openflow_fake import FakeSwitch

from sdnctl.daemon import session
from sdnctl.daemon.events import Kind
from sdnctl.daemon.live import LiveFleet
from sdnctl.daemon.settings import ControllerSettings
from sdnctl.dataplane.switch import Port
from sdnctl.dataplane.values import GROUP_BASE, Bucket, Group, GroupType, Output
from sdnctl.errors import DeviceUnreachable, LeaseHeld
from sdnctl.plan.model import Change, Observed, Op, Stage, StageKind
from sdnctl.southbound.base import Driver, Target
from sdnctl.southbound.driver_faults import driver_fault
from sdnctl.southbound.embedded import Switchboard
from sdnctl.southbound.fleet import Fleet, Observation
from sdnctl.southbound.memory import MemoryDriver
from sdnctl.southbound.openflow.codec.session import Role
from sdnctl.southbound.openflow.driver import OpenFlowDriver

Targets = Mapping[str, Mapping[type[Driver], Target]]
FAST = ControllerSettings(poll_interval=0.02)
GROUP = Group(GROUP_BASE + 1, GroupType.INDIRECT, (Bucket((Output(2),)),))


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(session, "LONGEST_PAUSE", 0.05)


def live(
    targets: Targets, use: Callable[[LiveFleet], Awaitable[None]], settings: ControllerSettings = FAST
) -> LiveFleet:
    async def main() -> LiveFleet:
        async with LiveFleet(targets, settings=settings) as fleet:
            await fleet.settled(5)
            await use(fleet)
        assert fleet.up == frozenset()
        return fleet

    return asyncio.run(main())


async def until(condition: Callable[[], object]) -> None:
    """Wait until something holds; fails after ten seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.005)


def kinds(fleet: LiveFleet) -> list[Kind]:
    return [event.kind for event in fleet.events.since(0)]


def openflow(switch: FakeSwitch, device: str = "a") -> Targets:
    return {device: {OpenFlowDriver: Target(device, switch.address, switch.features.dpid)}}


def adding(device: str) -> Stage:
    return Stage(StageKind.PREPARE, {device: (Change(Op.ADD, GROUP),)})


# ── switches that are dialled ────────────────────────────────────────────────────────────────────


def test_a_switch_comes_goes_and_comes_back_as_a_new_one() -> None:
    with FakeSwitch() as switch:

        async def use(fleet: LiveFleet) -> None:
            seen: list[tuple[str, bool]] = []
            fleet.on_presence(lambda device, up: seen.append((device, up)))
            assert fleet.up == {"a"}
            await fleet.take_role(1, master=True)
            await fleet.commit(adding("a"))
            first = await fleet.driver("a")
            switch.cut()
            await until(lambda: not fleet.up)
            with pytest.raises(DeviceUnreachable, match="a"):
                await fleet.driver("a")
            assert "no connection" in fleet.reason("a") or "closed" in fleet.reason("a")
            assert fleet.port_states() == {"a": None}
            switch.book.rules.groups.clear()  # it was started again, empty
            switch.restore()
            await until(lambda: fleet.up)
            assert await fleet.driver("a") is not first
            observation = await fleet.observe()
            assert observation.rule_sets["a"] is not None
            assert not observation.rule_sets["a"].groups  # nothing is remembered
            assert seen == [("a", False), ("a", True)]
            assert fleet.session("a") == 2
            assert fleet.reason("a") == ""
            assert switch.roles == [Role.MASTER, Role.MASTER]  # also on the new connection

        fleet = live(openflow(switch), use)
        assert kinds(fleet) == [Kind.SWITCH_UP, Kind.SWITCH_DOWN, Kind.SWITCH_UP]


def test_a_switch_that_is_not_there_is_told_of_once_and_tried_again() -> None:
    with FakeSwitch() as switch:
        switch.cut()

        async def use(fleet: LiveFleet) -> None:
            assert kinds(fleet) == [Kind.SWITCH_DOWN]
            await asyncio.sleep(0.2)  # several attempts
            assert kinds(fleet) == [Kind.SWITCH_DOWN]
            switch.restore()
            await until(lambda: fleet.up)

        live(openflow(switch), use)


def test_changes_of_ports_are_told_as_they_come() -> None:
    with FakeSwitch() as switch:

        async def use(fleet: LiveFleet) -> None:
            told: list[tuple[str, int, bool]] = []
            forget = fleet.on_port(lambda device, state: told.append((device, state.port, state.up)))
            fleet.on_port(lambda device, state: 1 / 0)  # a listener that fails costs nobody the connection
            counters = fleet.port_states()["a"]
            assert counters is not None
            assert {number: port.up for number, port in counters.ports.items()} == {1: True, 2: True, 3: True}
            await asyncio.to_thread(switch.port_status, 2, up=False)
            await until(lambda: told == [("a", 2, False)])
            await asyncio.to_thread(switch.port_status, 2, up=False)  # nothing new
            await asyncio.to_thread(switch.port_status, 2, up=True)
            await until(lambda: told == [("a", 2, False), ("a", 2, True)])
            forget()
            assert fleet.session("a") == 1
            ports = (await fleet.port_counters())["a"]
            assert ports is not None
            assert ports[2].up

        live(openflow(switch), use)


def test_a_refusal_costs_no_connection() -> None:
    with FakeSwitch(bundles=True) as switch:
        switch.refuse = lambda rule: "OFPGMFC_OUT_OF_GROUPS"

        async def use(fleet: LiveFleet) -> None:
            await fleet.take_role(1, master=True)
            with pytest.raises(Exception, match="OUT_OF_GROUPS"):
                await fleet.commit(adding("a"))
            assert fleet.up == {"a"}
            assert fleet.session("a") == 1

        live(openflow(switch), use)


# ── who may write ────────────────────────────────────────────────────────────────────────────────


def test_only_a_master_writes_and_only_while_its_lease_lasts() -> None:
    with FakeSwitch() as switch:

        async def use(fleet: LiveFleet) -> None:
            with pytest.raises(LeaseHeld):
                await fleet.commit(adding("a"))
            await fleet.take_role(7, master=False)
            assert switch.roles == [Role.SLAVE]
            with pytest.raises(LeaseHeld):
                await fleet.fence(7)
            await fleet.take_role(8, master=True)
            await fleet.fence(8)
            with pytest.raises(LeaseHeld):
                await fleet.fence(7)  # of a lease that was lost, and taken again
            fleet.may_write = lambda: False  # it slept, and its lease may have run out
            with pytest.raises(LeaseHeld):
                await fleet.commit(adding("a"))
            assert not switch.book.rules.groups
            fleet.may_write = lambda: True
            await fleet.commit(adding("a"))
            assert switch.book.rules.groups

        live(openflow(switch), use)


def test_a_switch_that_obeys_a_newer_writer_is_out_of_reach_and_says_so() -> None:
    with FakeSwitch() as switch:
        switch.generation = 9

        async def use(fleet: LiveFleet) -> None:
            fenced: list[str] = []
            fleet.on_fenced = fenced.append
            faults = await fleet.take_role(8, master=True)
            assert {item.code for item in faults["a"].diagnostics} == {"device-refused", "fenced"}
            await until(lambda: not fleet.up)
            assert "newer writer" in fleet.reason("a")
            await until(lambda: len(fenced) >= 2)  # it was tried again, and refused again
            await fleet.take_role(10, master=True)
            await until(lambda: fleet.up)

        live(openflow(switch), use)


# ── switches that dial in ────────────────────────────────────────────────────────────────────────


def test_a_switch_that_dials_in_is_known_by_its_datapath_id_and_strangers_stay_outside() -> None:
    targets: Targets = {"b": {OpenFlowDriver: Target("b", "dial-in", 2)}}
    listening = ControllerSettings(listen=("ptcp:0:127.0.0.1",))

    async def main(ours: FakeSwitch, again: FakeSwitch, stranger: FakeSwitch) -> None:
        async with LiveFleet(targets, settings=listening) as fleet:
            port = int(fleet.doors.addresses[0].split(":")[1])
            await fleet.settled(0.01)
            assert fleet.up == frozenset()
            ours.dial(port)
            stranger.dial(port)
            await until(lambda: fleet.up == {"b"} and fleet.outside)
            assert set(fleet.outside) == {3}
            await until(lambda: Kind.SWITCH_UNKNOWN in kinds(fleet))
            again.dial(port)  # it calls again before the end of its connection was noticed
            await until(lambda: fleet.session("b") == 2 and fleet.up == {"b"})
            # The stranger is made a device of the network: its connection is taken as it is.
            await fleet.retarget({**targets, "c": {OpenFlowDriver: Target("c", "dial-in", 3)}})
            await until(lambda: fleet.up == {"b", "c"})
            assert not fleet.outside
            await fleet.retarget(targets)
            assert fleet.up == {"b"}
            assert "no longer part" in fleet.events.since(0)[-1].summary
            again.cut()
            await until(lambda: not fleet.up)

    with FakeSwitch(2) as ours, FakeSwitch(2) as again, FakeSwitch(3) as stranger:
        asyncio.run(main(ours, again, stranger))


# ── switches that have to be asked ───────────────────────────────────────────────────────────────


def test_switches_without_a_connection_are_polled(tmp_path: Path) -> None:
    board = Switchboard(tmp_path)
    board.create("m", {1: Port(), 2: Port()})
    targets: Targets = {"m": {MemoryDriver: Target("m", f"memory:{tmp_path}")}}

    async def use(fleet: LiveFleet) -> None:
        told: list[tuple[int, bool]] = []
        fleet.on_port(lambda device, state: told.append((state.port, state.up)))
        assert fleet.up == {"m"}
        board.set_port("m", 2, up=False)
        await until(lambda: told == [(2, False)])
        board.set_reachable("m", False)
        await until(lambda: not fleet.up)
        board.set_reachable("m", True)
        await until(lambda: fleet.up)
        assert told == [(2, False)]  # what was known of its ports still holds

    live(targets, use)


@pytest.mark.parametrize("kind", [RuntimeError, OSError])
def test_a_driver_that_fails_with_a_secret_in_its_words_is_logged_without(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PLANTED", "tr0ub%s\ndor")
    target = Target("sw-a", "here", options={"community": "env:PLANTED"})
    secret = "tr0ub%s\ndor"
    for words in ("no answer", f"no answer to {secret}", f"no answer to {secret!r}"):
        told = driver_fault(target.device, [target], kind(words))
        assert "no answer" in str(told)
        assert "tr0ub" not in str(told)
    formatter = logging.Formatter()
    logged = "\n".join(map(formatter.format, caplog.records))
    assert logged.count("its driver failed") == (3 if kind is RuntimeError else 0)
    assert logged.count("RuntimeError") == (1 if kind is RuntimeError else 0), "what tells no secret is whole"
    assert "tr0ub" not in logged


class Broken(MemoryDriver):
    """A driver with a bug, which comes out with what it knows."""

    async def observe(self) -> Observed:
        raise KeyError("tr0ub4dor")


def test_the_bug_of_one_driver_is_told_of_its_device_and_takes_no_other_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PLANTED", "tr0ub4dor")
    board = Switchboard(tmp_path)
    for name in "ab":
        board.create(name, [1])
    bad = Target("b", f"memory:{tmp_path}", options={"community": "env:PLANTED"})

    async def observe() -> Observation:
        async with Fleet({"a": {MemoryDriver: Target("a", f"memory:{tmp_path}")}, "b": {Broken: bad}}) as fleet:
            return await fleet.observe()

    found = asyncio.run(observe())
    assert found.unreachable == ("b",)
    (told,) = found.faults["b"].diagnostics
    assert told.code == "driver-failed"
    assert told.detail == "KeyError: '[secret]'"
    assert "b: its driver failed" in caplog.text
    assert "tr0ub4dor" not in caplog.text
