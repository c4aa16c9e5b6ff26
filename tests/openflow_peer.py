"""One OpenFlow connection to a switch in memory, or to a peer that follows a script."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from openflow_fake import FakeSwitch

from sdnctl.dataplane.values import COOKIE_OWNER, Flow, Match
from sdnctl.southbound.openflow.address import parse_address
from sdnctl.southbound.openflow.channel import Channel, Timing
from sdnctl.southbound.openflow.codec.session import Features, encode_features, hello
from sdnctl.southbound.openflow.dial import dial
from sdnctl.southbound.openflow.metrics import ChannelMetrics

FAST = Timing(connect=2, handshake=0.4, idle=0.2, echo=0.2, message=0.4, request=0.6)
FEATURES = Features(5, 0, 10, 0, 0)


def flow(number: int) -> Flow:
    return Flow(0, 1, Match.of(in_port=number + 1), COOKIE_OWNER | number)


async def connect(address: str, timing: Timing | None = None, metrics: ChannelMetrics | None = None) -> Channel:
    return await dial(parse_address(address), "pop", metrics or ChannelMetrics(), timing=timing)


def on_fake(use: Callable[[FakeSwitch, Channel], Awaitable[None]], timing: Timing | None = None) -> None:
    async def main(switch: FakeSwitch) -> None:
        channel = await connect(switch.address, timing)
        try:
            await use(switch, channel)
        finally:
            await channel.close()

    with FakeSwitch(dpid=0xABC) as switch:
        asyncio.run(main(switch))


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def peer(script: Script) -> AsyncIterator[str]:
    """A server on loopback that does to each connection what the script says, and then hangs up."""
    tasks = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"tcp:127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What every switch does first."""
    writer.write(hello(1))
    await reader.readexactly(16)
    head = await reader.readexactly(8)
    writer.write(encode_features(FEATURES, struct.unpack("!I", head[4:])[0]))
    await writer.drain()


def against(script: Script, use: Callable[[str], Awaitable[None]]) -> None:
    async def main() -> None:
        async with peer(script) as address:
            await use(address)

    asyncio.run(main())


async def sleep_forever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)
