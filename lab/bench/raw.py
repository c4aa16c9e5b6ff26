"""A bare asyncio client that writes octets somebody else made: how fast the switch itself is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from struct import Struct

from sdnctl.dataplane.values import Flow
from sdnctl.southbound.openflow.codec.bundle import BundleControl, bundle_add, bundle_control
from sdnctl.southbound.openflow.codec.flow import FlowCommand, bundled_flow_mod, flow_mod, flow_stats_request
from sdnctl.southbound.openflow.codec.meter import meter_request
from sdnctl.southbound.openflow.codec.multipart import MORE, Part, multipart_request
from sdnctl.southbound.openflow.codec.session import hello
from sdnctl.southbound.openflow.codec.wire import Type, message
from sdnctl.southbound.openflow.sending import WINDOW
from sdnctl.southbound.openflow.transaction import BUNDLE_SIZE

WRITE = 64 * 1024
LAST = 0x7FFFFFFF
"""Transaction id of the barrier behind everything."""
_HEADER = Struct("!BBHI")


def plain(flows: Sequence[Flow]) -> bytes:
    """All flows as flow_mods, one after the other, a barrier behind them."""
    parts = [flow_mod(flow, FlowCommand.ADD, number) for number, flow in enumerate(flows, start=1)]
    return b"".join(parts) + message(Type.BARRIER_REQUEST, LAST)


def bundled(flows: Sequence[Flow]) -> bytes:
    """The same in bundles as large as ours, opened and committed without waiting, a barrier behind them."""
    parts = []
    for start in range(0, len(flows), BUNDLE_SIZE):
        number = start // BUNDLE_SIZE + 1
        parts.append(bundle_control(LAST - 2 * number, number, BundleControl.OPEN_REQUEST))
        for xid, flow in enumerate(flows[start : start + BUNDLE_SIZE], start=start + 1):
            parts.append(bundle_add(number, flow_mod(flow, FlowCommand.ADD, xid)))
        parts.append(bundle_control(LAST - 2 * number - 1, number, BundleControl.COMMIT_REQUEST))
    return b"".join(parts) + message(Type.BARRIER_REQUEST, LAST)


async def send(address: str, data: bytes) -> tuple[float, float]:
    """Write octets 64 KB at a time; wall seconds until the last barrier, and CPU seconds of this process.

    Raises AssertionError when the switch answers with an error, or hangs up.
    """
    reader, writer = await asyncio.open_unix_connection(address.removeprefix("unix:"))
    try:
        writer.write(hello(LAST))
        await _reply(reader, Type.HELLO)
        started, used = time.perf_counter(), time.process_time()
        for start in range(0, len(data), WRITE):
            writer.write(data[start : start + WRITE])
            await writer.drain()
        await _reply(reader, Type.BARRIER_REPLY)
        return time.perf_counter() - started, time.process_time() - used
    finally:
        writer.close()


async def send_inline(address: str, flows: Sequence[Flow]) -> tuple[float, float]:
    """As `send`, in bundles, but what is sent is packed on the way: by the same templates, and nothing is checked.

    Bundles are opened and committed without waiting, which costs nothing and is all that a bare client can do.
    """
    reader, writer = await asyncio.open_unix_connection(address.removeprefix("unix:"))
    try:
        writer.write(hello(LAST))
        await _reply(reader, Type.HELLO)
        started, used = time.perf_counter(), time.process_time()
        for start in range(0, len(flows), BUNDLE_SIZE):
            number = start // BUNDLE_SIZE + 1
            parts = [bundle_control(LAST - 2 * number, number, BundleControl.OPEN_REQUEST)]
            for xid, flow in enumerate(flows[start : start + BUNDLE_SIZE], start=start + 1):
                parts.append(bundled_flow_mod(flow, FlowCommand.ADD, xid, 0, number))
                if len(parts) == WINDOW:
                    writer.write(b"".join(parts))
                    parts.clear()
                    await writer.drain()
            parts.append(bundle_control(LAST - 2 * number - 1, number, BundleControl.COMMIT_REQUEST))
            writer.write(b"".join(parts))
        writer.write(message(Type.BARRIER_REQUEST, LAST))
        await _reply(reader, Type.BARRIER_REPLY)
        return time.perf_counter() - started, time.process_time() - used
    finally:
        writer.close()


async def _reply(reader: asyncio.StreamReader, wanted: Type) -> None:
    """Read messages up to one of a type."""
    kind = -1
    while kind != wanted:
        _, kind, length, _ = _HEADER.unpack(await reader.readexactly(_HEADER.size))
        body = await reader.readexactly(length - _HEADER.size)
        assert kind != Type.ERROR, f"the switch refused: {body.hex()}"


async def read(address: str) -> int:
    """Ask for all flows, groups and meters, and throw the replies away; octets that came."""
    reader, writer = await asyncio.open_unix_connection(address.removeprefix("unix:"))
    requests = (
        multipart_request(1, Part.FLOW, flow_stats_request()),
        multipart_request(2, Part.GROUP_DESCRIPTION),
        multipart_request(3, Part.METER_CONFIG, meter_request()),
    )
    octets, unfinished = 0, set(range(1, len(requests) + 1))
    try:
        writer.write(b"".join((hello(LAST), *requests)))
        while unfinished:
            _, kind, length, xid = _HEADER.unpack(await reader.readexactly(_HEADER.size))
            body = await reader.readexactly(length - _HEADER.size)
            assert kind != Type.ERROR, f"the switch refused: {body.hex()}"
            if kind == Type.MULTIPART_REPLY:
                octets += length
                if not int.from_bytes(body[2:4], "big") & MORE:
                    unfinished.discard(xid)
        return octets
    finally:
        writer.close()
