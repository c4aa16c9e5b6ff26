"""Controllers and real Open vSwitch: the switch refuses whoever wrote before, and a restart touches no rule."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping

import pytest
from ovs_fixture import PrivateSwitch, tool
from sdnctl_in_process import Net, on_ovs

from sdnctl.cli.running import parts
from sdnctl.daemon.controller import Controller
from sdnctl.daemon.live import LiveFleet
from sdnctl.daemon.settings import ControllerSettings
from sdnctl.dataplane.values import GROUP_BASE, Bucket, Group, GroupType, Output
from sdnctl.errors import DeviceError
from sdnctl.plan.model import Change, Op, Stage, StageKind
from sdnctl.southbound.base import Driver, Target
from sdnctl.southbound.fleet import Fleet, StageFailed
from sdnctl.southbound.openflow.driver import OpenFlowDriver
from sdnctl.usecases.context import Context

pytestmark = pytest.mark.ovs
SECONDS = 20.0


@pytest.fixture(scope="module")
def switch() -> Iterator[PrivateSwitch]:
    with PrivateSwitch() as one:
        one.add_bridge("a", 1)
        one.add_bridge("b", 2)
        yield one


def targets(switch: PrivateSwitch) -> Mapping[str, Mapping[type[Driver], Target]]:
    return {
        "a": {OpenFlowDriver: Target("a", switch.management("a"), 1)},
        "b": {OpenFlowDriver: Target("b", "dial-in", 2)},
    }


def adding(number: int, *devices: str) -> Stage:
    group = Group(GROUP_BASE + number, GroupType.INDIRECT, (Bucket((Output(2),)),))
    return Stage(StageKind.PREPARE, {device: (Change(Op.ADD, group),) for device in devices})


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.02)


async def connected(switch: PrivateSwitch, fleet: LiveFleet) -> None:
    """Let the switch that dials in call this controller as well."""
    known = switch.vsctl("get-controller", "b").split()
    port = fleet.doors.addresses[0].split(":")[1]
    await asyncio.to_thread(switch.set_controller, "b", *known, f"tcp:127.0.0.1:{port}")
    await until(lambda: fleet.up == {"a", "b"})


def numbers(switch: PrivateSwitch, bridge: str) -> set[int]:
    found = re.findall(r"group_id=(\d+)", switch.ofctl("dump-groups", bridge))
    return {int(number) - GROUP_BASE for number in found}


def test_switches_obey_the_newest_writer_only(switch: PrivateSwitch) -> None:
    listening = ControllerSettings(listen=("ptcp:0:127.0.0.1",))

    async def main() -> None:
        fenced: list[str] = []
        async with (
            LiveFleet(targets(switch), settings=listening) as old,
            LiveFleet(targets(switch), settings=listening) as new,
        ):
            old.on_fenced = fenced.append
            await connected(switch, old)
            await connected(switch, new)
            assert await old.take_role(10, master=True) == {}
            assert await new.take_role(10, master=False) == {}
            await old.commit(adding(1, "a", "b"))
            # The standby takes over while the old master sleeps, and believes in its lease when it wakes up.
            assert await new.take_role(11, master=True) == {}
            with pytest.raises(StageFailed) as caught:
                await old.commit(adding(2, "a", "b"))
            assert set(caught.value.faults) == {"a", "b"}
            assert "IS_SLAVE" in str(caught.value)
            await new.commit(adding(3, "a", "b"))
            # Its role request is refused as well, and on every new connection again.
            assert set(await old.take_role(10, master=True)) == {"a", "b"}
            await until(lambda: {"a", "b"} <= set(fenced))
            # The command line comes later still, without a controller's roles so far.
            async with Fleet({"a": targets(switch)["a"]}) as direct:
                await direct.observe()
                await direct.fence(12)
                await direct.commit(adding(4, "a"))
            with pytest.raises(StageFailed):
                await new.commit(adding(5, "a"))
            async with Fleet({"a": targets(switch)["a"]}) as late:
                await late.fence(9)
                with pytest.raises(DeviceError, match="newer writer"):
                    await late.driver("a")

    asyncio.run(main())
    assert numbers(switch, "a") == {1, 3, 4}
    assert numbers(switch, "b") == {1, 3}


# ── a whole network ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """The small example on real switches."""
    with on_ovs(tmp_path_factory.mktemp("controller") / "network") as one:
        yield one


def flows(net: Net) -> dict[tuple[str, str], float]:
    """(switch, flow without its counters) → seconds that the switch says it has been there."""
    found = {}
    with net.open() as context:
        assert context.lab is not None
        for node, addresses in context.lab.targets().items():
            command = [tool("ovs-ofctl"), "-O", "OpenFlow13", "dump-flows", addresses["openflow"]]
            text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            for line in text.splitlines():
                if (age := re.search(r"duration=([\d.]+)s, ", line)) is not None:
                    rule = re.sub(r"(duration|n_packets|n_bytes|idle_age|hard_age)=[^,]*, ", "", line).strip()
                    found[node, rule] = float(age[1])
    return found


def test_controllers_that_come_and_go_touch_no_rule(net: Net) -> None:
    before = flows(net)
    assert len(before) > 100

    async def session(use: Callable[[Controller], Awaitable[None]]) -> None:
        controller = Controller(Context(net.folder), parts(), options={"discovery_interval": 0.5})
        task = asyncio.create_task(controller.run())
        await asyncio.wait_for(controller.ready.wait(), SECONDS)
        await use(controller)
        controller.stop()
        await asyncio.wait_for(task, SECONDS)

    async def look(controller: Controller) -> None:
        fleet = controller.hub.fleet
        await until(lambda: fleet.up == set(fleet.devices()) and fleet.master)
        assert not (await fleet.observe()).faults
        await asyncio.sleep(1)  # every part has begun what it does
        assert not [event for event in controller.hub.events.since(0) if event.subject.startswith("part ")]

    asyncio.run(session(look))
    asyncio.run(session(look))
    after = flows(net)
    assert after.keys() == before.keys()
    again = [rule for rule, age in after.items() if age < before[rule]]
    assert not again, f"{len(again)} flows were made anew"
    assert net.json("drift")["ok"]
