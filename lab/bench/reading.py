"""Read-back of flows into rules, against ``ovs-ofctl dump-flows`` of the same bridge."""

from __future__ import annotations

import asyncio
import subprocess
import time
from functools import partial

from lab.bench.bridges import Bridge, Bridges
from lab.bench.flows import GROUPS, flows
from lab.bench.measure import Report, growth, interleaved, medians, ratio, wall
from lab.bench.raw import plain, send
from sdnctl.cli.garbage import spare_collections
from sdnctl.dataplane.values import RuleSet
from sdnctl.southbound.base import Target
from sdnctl.southbound.openflow.driver import OpenFlowDriver

SIZES = (10_000, 30_000, 100_000)
ROUNDS = 7


async def observe(bridge: Bridge, wanted: RuleSet, cpu: list[float]) -> float:
    """Seconds to read a bridge into rules over a connection that is open; raises when one differs."""
    driver = await OpenFlowDriver.open(Target(bridge.name, bridge.address))
    try:
        started, used = time.perf_counter(), time.process_time()
        seen = await driver.observe()
        seconds = time.perf_counter() - started
        cpu.append(time.process_time() - used)
    finally:
        await driver.close()
    if seen.rules.flows != wanted.flows:
        raise AssertionError("what is read back is not what was pushed")
    return seconds


def _observe_once(bridge: Bridge, wanted: RuleSet, cpu: list[float]) -> float:
    return asyncio.run(observe(bridge, wanted, cpu))


def dump(bridge: Bridge) -> float:
    """Seconds of ``ovs-ofctl dump-flows``, which formats text, its start included."""
    command = ["ovs-ofctl", "-O", "OpenFlow13", "dump-flows", bridge.address.removeprefix("unix:")]
    return wall(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))


def run(report: Report) -> None:
    """Seconds and their ratio over size; the claim at 100,000 flows."""
    spare_collections()
    ours = []
    with Bridges() as bridges:
        for size in SIZES:
            wanted = flows(size)
            rules = RuleSet.of((*GROUPS, *wanted))
            cpu: list[float] = []
            with bridges.fresh() as bridge:
                asyncio.run(send(bridge.address, plain(wanted)))
                bridge.expect(size)
                read = partial(_observe_once, bridge, rules, cpu)
                found = interleaved(ROUNDS, {"ours": read, "dump": partial(dump, bridge)})
            middle = medians(found)
            ours.append(middle["ours"])
            report.print(
                f"{size:6} flows  sdnctl {middle['ours']:.3f} s ({size / middle['ours']:.0f} flows/s, own CPU "
                f"{min(cpu) / size * 1e6:.1f} µs a flow)  dump-flows {middle['dump']:.3f} s  "
                f"{ratio(found, 'ours', 'dump'):.2f}×"
            )
    report.print(f"growth of the time over size: size^{growth(SIZES, ours):.2f}")
    report.claim("read-back into rules, times ovs-ofctl dump-flows", ratio(found, "ours", "dump"), 1.5)
