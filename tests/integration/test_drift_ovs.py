"""The controller and switches that restart, on real Open vSwitch: what is missing is written, what is right keeps
its packet counters."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sdnctl_in_process import Net, big_change, new_net

from sdnctl.daemon.controller import Controller
from sdnctl.daemon.drift import DriftWatch
from sdnctl.daemon.events import Kind
from sdnctl.daemon.hub import Hub
from sdnctl.dataplane.values import RuleSet
from sdnctl.lab import netns
from sdnctl.lab.openvswitch import OpenVSwitch
from sdnctl.lab.ovslab import OvsLab
from sdnctl.usecases.context import Context

pytestmark = pytest.mark.ovs

OPTIONS = {"drift_interval": 2.0}
FOREIGN = "cookie=0xbeef,table=0,priority=7,in_port=10,dl_type=0x88cc,actions=output:1"


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    net = new_net(tmp_path_factory.mktemp("ovs") / "net", example="small-links", kind="ovs")
    try:
        net.ok("apply", "--yes")
        yield net
    finally:
        net.ok("lab", "down")


def lab_of(net: Net) -> OvsLab:
    with net.open() as context:
        lab = context.lab
    assert isinstance(lab, OvsLab)
    return lab


def ofctl(net: Net, switch: str, command: str, *arguments: str) -> str:
    address = lab_of(net).targets()[switch]["openflow"]
    return netns.call(["ovs-ofctl", "-O", "OpenFlow13", command, address, *arguments])


@asynccontextmanager
async def controller(net: Net) -> AsyncIterator[Hub]:
    one = Controller(Context(net.folder), [DriftWatch()], options=OPTIONS)
    task = asyncio.create_task(one.run())
    try:
        ready = asyncio.create_task(one.ready.wait())
        await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield one.hub
    finally:
        one.stop()
        await task


def run(work: Coroutine[None, None, None]) -> None:
    asyncio.run(work)


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not what():  # noqa: ASYNC110 - what switches do has no event
            await asyncio.sleep(0.1)


def matched(hub: Hub) -> bool:
    """Whether the last look at every switch found what is applied."""
    states = {name: one.state for name, one in hub.drift.switches.items()}
    return len(states) == len(hub.fleet.devices()) and set(states.values()) == {"match"}


async def read_back(hub: Hub) -> None:
    applied = hub.applied()
    assert applied is not None
    held = (await hub.fleet.observe()).rule_sets
    assert held == {**{name: RuleSet() for name in held}, **applied[1].rules}


def packets(net: Net, switch: str) -> dict[tuple[int, str, int], int]:
    """Flow (table, priority and match, cookie) → packets it has counted since it was installed."""
    found = {}
    for line in ofctl(net, switch, "dump-flows").splitlines():
        rule = re.search(r"cookie=(\S+),.* table=(\d+), n_packets=(\d+),.* (priority=\S+)", line)
        if rule:
            found[int(rule[2]), rule[4], int(rule[1], 16)] = int(rule[3])
    return found


def test_a_bridge_that_is_emptied_and_a_daemon_that_restarts_are_filled_again(net: Net) -> None:
    lab = lab_of(net)
    daemon = OpenVSwitch(lab.run_dir, lab.namespace)

    async def story() -> None:
        async with controller(net) as hub:
            await until(lambda: matched(hub))
            ofctl(net, "core-a", "add-flow", FOREIGN)
            for command in ("del-groups", "del-meters"):
                ofctl(net, "core-b", command)
            ofctl(net, "core-b", "del-flows")
            await until(lambda: any(one.kind is Kind.DRIFT_CLEARED for one in hub.events.since(0)))
            await read_back(hub)

            start = hub.events.last
            pid = int((lab.run_dir / "ovs-vswitchd.pid").read_text())
            os.kill(pid, signal.SIGTERM)
            await until(lambda: not Path(f"/proc/{pid}").exists() or not hub.fleet.up)
            await asyncio.to_thread(_gone, pid)
            daemon._daemon("ovs-vswitchd", f"unix:{daemon.socket}")
            await until(lambda: len(hub.fleet.up) == len(hub.fleet.devices()) and matched(hub))
            await read_back(hub)
            assert not [one for one in hub.events.since(start) if one.kind is Kind.CHANGE_FAILED]

    run(story())
    assert "0xbeef" not in ofctl(net, "core-a", "dump-flows"), (
        "it went with the daemon, and is not ours to bring back"
    )
    net.ok("plan", "--exit-code")
    net.ok("verify", "--live")


def _gone(pid: int) -> None:
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_switch_with_old_state_is_brought_along_and_what_is_right_keeps_its_counters(net: Net) -> None:
    switch = "pop-east"
    before = net.applied().rules[switch]
    net.probe()
    counted = {name: count for name, count in packets(net, switch).items() if count}
    assert len(counted) > 5
    lab = lab_of(net)
    lab.kill_switch(switch)
    big_change(net)
    net.ok("apply", "--yes")
    assert switch in net.applied().silent

    async def story() -> None:
        async with controller(net) as hub:
            await until(lambda: hub.drift.switches.get(switch))
            assert hub.drift.switches[switch].state == "unknown"
            lab.revive(switch)
            await until(lambda: matched(hub))
            await read_back(hub)

    run(story())
    after = net.applied().rules[switch]
    changed = {(flow.table, flow.cookie) for flow in {*before} ^ {*after} if hasattr(flow, "cookie")}
    now = packets(net, switch)
    kept = [name for name in counted if (name[0], name[2]) not in changed]
    assert len(kept) > 3
    assert all(now.get(name, -1) >= counted[name] for name in kept), "a rule that was right was installed anew"
    assert net.applied().baseline.quarantine == {}
    net.ok("plan", "--exit-code")
