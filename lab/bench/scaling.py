"""Many switches at one controller: memory of each and of each rule, idle computing, threads, time to connect.

The switches are bridges of one real Open vSwitch with a dummy datapath, which dial in to a listener in a process
of its own; it opens a driver for each, pushes 100 flows to it and keeps them, as a controller does, and then waits
for a while. Beyond `REAL` bridges one vswitchd is busy with itself on a small machine; the others are simulated:
one process that speaks the protocol for them, takes every bundle, and answers every echo. Memory is the resident
set of the controller alone, against the same process before the first switch.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from lab.bench.bridges import Bridges
from lab.bench.flows import GROUPS, flows
from lab.bench.measure import Report
from sdnctl.cli.garbage import spare_collections
from sdnctl.dataplane.values import Flow
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import Target
from sdnctl.southbound.openflow.address import DIAL_IN, Address
from sdnctl.southbound.openflow.driver import OpenFlowDriver
from sdnctl.southbound.openflow.listener import Listener

RULES = 100
REAL = 200
COUNTS = (200, 1_000)
IDLE_SECONDS = 20.0
ROOT = Path(__file__).parent.parent.parent


def _resident() -> int:
    """Octets of memory that this process takes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def rules(number: int) -> list[Flow]:
    """`RULES` flows of one switch, others than those of the switches around it."""
    return list(islice(flows((number % 4 + 1) * RULES), number % 4 * RULES, None))


async def _hold(port: int, count: int) -> None:
    """The controller: wait for all switches, hold 100 rules on each, say what that took."""
    said: dict[str, float] = {}

    async def drive(listener: Listener, dpid: int, number: int) -> OpenFlowDriver:
        channel = await listener.wait_for(dpid, 120)
        driver = await OpenFlowDriver.over(channel, Target(f"s{number}", DIAL_IN, dpid=dpid))
        await driver.observe()
        return driver

    async def fill(driver: OpenFlowDriver, number: int) -> None:
        groups = [Change(Op.ADD, group) for group in GROUPS] if (await driver.observe()).rules.groups == {} else []
        await driver.commit([*groups, *(Change(Op.ADD, flow) for flow in rules(number))])
        await driver.confirm()
        held = await driver.observe()
        assert len(held.rules.flows) == RULES, f"switch {number} holds {len(held.rules.flows)} flows"

    async with Listener(Address("tcp", "127.0.0.1", port, listen=True)) as listener:
        rules(1)
        spare_collections()
        gc.collect()
        before = _resident()
        print("ready", flush=True)
        dpids = json.loads(sys.stdin.readline())
        started = time.perf_counter()
        drivers = await asyncio.gather(*(drive(listener, dpid, at) for at, dpid in enumerate(dpids)))
        said["connected"] = time.perf_counter() - started
        gc.collect()
        said["switch"] = (_resident() - before) / count
        said["threads"] = threading.active_count()
        started, connected = time.perf_counter(), _resident()
        for at in range(0, count, 50):
            await asyncio.gather(*(fill(driver, at + more) for more, driver in enumerate(drivers[at : at + 50])))
        said["filled"] = time.perf_counter() - started
        gc.collect()
        said["rule"] = (_resident() - connected) / count / (RULES + len(GROUPS))
        idle, used = time.perf_counter(), time.process_time()
        await asyncio.sleep(IDLE_SECONDS)
        said["idle"] = (time.process_time() - used) / (time.perf_counter() - idle)
        said["threads after"] = threading.active_count()
        said["lost"] = sum(driver.closed.done() for driver in drivers)
        said["total"] = _resident()
        said["before"] = before
        print(json.dumps(said), flush=True)


def _measured(bridges: Bridges, count: int) -> dict[str, float]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    command = [sys.executable, "-m", "lab.bench.scaling", "hold", str(port), str(count)]
    with ExitStack() as stack:
        controller = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        )
        stack.callback(controller.kill)
        assert controller.stdin is not None
        assert controller.stdout is not None
        controller.stdout.readline()
        real = min(count, REAL)
        dpids = stack.enter_context(bridges.dialling(real, port))
        if count > real:
            simulated = range(0x10000, 0x10000 + count - real)
            others = [
                sys.executable,
                "-m",
                "lab.bench.simulated",
                str(port),
                str(simulated.start),
                str(len(simulated)),
            ]
            stack.callback(stack.enter_context(subprocess.Popen(others, cwd=ROOT)).kill)
            dpids = [*dpids, *simulated]
        controller.stdin.write(json.dumps(dpids) + "\n")
        controller.stdin.flush()
        line = controller.stdout.readline()
    found: dict[str, float] = json.loads(line)
    return found


def run(report: Report) -> None:
    """Both sizes, then the claims at each."""
    for count in COUNTS:
        with Bridges() as bridges:
            found = _measured(bridges, count)
        simulated = f" ({REAL} of Open vSwitch, {count - REAL} simulated)" if count > REAL else " of Open vSwitch"
        report.print(
            f"{count} switches{simulated}: all connected and read after {found['connected']:.1f} s, "
            f"{RULES} flows and {len(GROUPS)} groups on each after {found['filled']:.1f} s more, "
            f"{found['before'] / 1e6:.0f} MB before, {found['total'] / 1e6:.0f} MB after"
        )
        assert not found["lost"], f"{found['lost']:.0f} connections were lost"
        report.claim(f"memory of a switch, {count}", found["switch"] / 1000, 20.0, unit=" KB")
        report.claim(f"memory of a rule, {count}", found["rule"] / 1000, 1.5, unit=" KB")
        report.claim(f"idle computing, {count}", found["idle"] * 100, 1.0, unit=" %")
        report.claim(f"threads, {count}", max(found["threads"], found["threads after"]), 1, unit="")


if __name__ == "__main__":
    asyncio.run(_hold(int(sys.argv[2]), int(sys.argv[3])))
