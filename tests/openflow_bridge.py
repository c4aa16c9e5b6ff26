"""The OpenFlow driver on a bridge of a private Open vSwitch, which it dials."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from ovs_fixture import PrivateSwitch

from sdnctl.southbound.base import Target
from sdnctl.southbound.openflow.channel import Timing
from sdnctl.southbound.openflow.driver import OpenFlowDriver

DPID = 0x5D9C
PORTS = (1, 2, 3)


@contextmanager
def fresh_bridge(switch: PrivateSwitch) -> Iterator[PrivateSwitch]:
    """Bridge br0, empty, while the block lasts."""
    switch.add_bridge("br0", DPID, PORTS)
    try:
        yield switch
    finally:
        switch.vsctl("--timeout=15", "del-br", "br0")


@asynccontextmanager
async def opened(target: Target, timing: Timing | None = None) -> AsyncIterator[OpenFlowDriver]:
    driver = await OpenFlowDriver.open(target, timing=timing)
    try:
        yield driver
    finally:
        await driver.close()


def on_bridge(
    switch: PrivateSwitch, use: Callable[[OpenFlowDriver], Awaitable[None]], timing: Timing | None = None
) -> None:
    async def main() -> None:
        async with opened(Target("pop", switch.management("br0"), DPID), timing) as driver:
            await use(driver)

    asyncio.run(main())
