"""Push and read back of flows on one real bridge, against ``ovs-ofctl``; needs Open vSwitch, not root."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from sdnctl.dataplane.text import format_flow
from sdnctl.dataplane.values import COOKIE_OWNER, ETH_MPLS, DecMplsTtl, Flow, Match, Output
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import Target
from sdnctl.southbound.openflow.driver import OpenFlowDriver

sys.path.append(str(Path(__file__).parent.parent.parent / "tests"))
from ovs_fixture import PrivateSwitch


def flows(count: int) -> list[Flow]:
    return [
        Flow(
            3,
            100,
            Match.of(eth_type=ETH_MPLS, mpls_label=1000 + number),
            COOKIE_OWNER | number,
            (DecMplsTtl(), Output(1 + number % 8)),
        )
        for number in range(count)
    ]


async def _ours(address: str, wanted: list[Flow]) -> tuple[float, float]:
    driver = await OpenFlowDriver.open(Target("bench", address))
    try:
        start = time.perf_counter()
        await driver.commit([Change(Op.ADD, flow) for flow in wanted])
        pushed = time.perf_counter() - start
        start = time.perf_counter()
        seen = await driver.observe()
        read = time.perf_counter() - start
        assert len(seen.rules.flows) == len(wanted), "what was pushed is not what is read back"
    finally:
        await driver.close()
    return pushed, read


def run(console: Console) -> None:
    """Flows a second, confirmed by barrier and counted, for growing numbers of flows."""
    with PrivateSwitch() as switch:
        for number, count in enumerate((1_000, 10_000, 30_000)):
            wanted = flows(count)
            switch.add_bridge(f"a{number}", 2 * number + 1)
            switch.add_bridge(f"b{number}", 2 * number + 2)
            pushed, read = asyncio.run(_ours(switch.management(f"a{number}"), wanted))
            other = switch.management(f"b{number}").removeprefix("unix:")
            with tempfile.NamedTemporaryFile("w", suffix=".flows") as file:
                file.writelines(f"{format_flow(flow)}\n" for flow in wanted)
                file.flush()
                start = time.perf_counter()
                subprocess.run(
                    ["ovs-ofctl", "-O", "OpenFlow13", "--bundle", "add-flows", other, file.name], check=True
                )
                reference = time.perf_counter() - start
            start = time.perf_counter()
            subprocess.run(
                ["ovs-ofctl", "-O", "OpenFlow13", "dump-flows", other], check=True, stdout=subprocess.DEVNULL
            )
            dumped = time.perf_counter() - start
            console.print(
                f"{count:6} flows: push {count / pushed:8.0f}/s ({reference / pushed:.2f}× ovs-ofctl --bundle), "
                f"read back {count / read:8.0f}/s ({read / dumped:.2f}× the time of dump-flows)"
            )
