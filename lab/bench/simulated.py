"""Switches that are only simulated: ``python -m lab.bench.simulated PORT FIRST COUNT``, all in one process.

They dial in, shake hands, answer echoes, barriers and bundles, take every flow and group, and give the same octets
back when they are read. For what a thousand connections cost a controller; not for what a switch does.
"""

from __future__ import annotations

import asyncio
import sys
from struct import Struct

from sdnctl.dataplane.values import Flow, Group
from sdnctl.southbound.openflow.codec.bundle import (
    BundleControl,
    bundle_control,
    decode_bundle_add,
    decode_bundle_control,
    is_bundle,
)
from sdnctl.southbound.openflow.codec.flow import decode_flow_mod, flow_stats_entry
from sdnctl.southbound.openflow.codec.group import decode_group_mod, group_entry
from sdnctl.southbound.openflow.codec.multipart import Part, decode_multipart, multipart_reply
from sdnctl.southbound.openflow.codec.session import Features, encode_features, hello
from sdnctl.southbound.openflow.codec.wire import Type, message

_HEADER = Struct("!BBHI")
DESCRIPTION = b"simulated".ljust(1056, b"\0")
GROUP_FEATURES = Struct("!10I").pack(0xF, 0, *[1 << 20] * 4, *[0xFFFFFFFF] * 4)
METER_FEATURES = Struct("!IIIBB2x").pack(0, 0, 0, 0, 0)


class Simulated(asyncio.Protocol):
    """One switch."""

    def __init__(self, dpid: int) -> None:
        self._dpid = dpid
        self._buffer = b""
        self._flows: list[bytes] = []
        self._groups: list[bytes] = []
        self._transport: asyncio.Transport
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(hello(1))

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data
        position, answers = 0, []
        while len(data) - position >= _HEADER.size:
            _, kind, length, xid = _HEADER.unpack_from(data, position)
            if len(data) - position < length:
                break
            answers.append(self._answer(kind, xid, data[position + _HEADER.size : position + length]))
            position += length
        self._buffer = data[position:]
        if octets := b"".join(answers):
            self._transport.write(octets)

    def _answer(self, kind: int, xid: int, body: bytes) -> bytes:
        if kind == Type.FEATURES_REQUEST:
            return encode_features(Features(self._dpid, 0, 254, 0, 0x4F), xid)
        if kind == Type.ECHO_REQUEST:
            return message(Type.ECHO_REPLY, xid, body)
        if kind == Type.BARRIER_REQUEST:
            return message(Type.BARRIER_REPLY, xid)
        if kind == Type.MULTIPART_REQUEST:
            return self._read(xid, body)
        if kind == Type.EXPERIMENTER and is_bundle(body):
            return self._bundle(xid, body)
        if kind in (Type.FLOW_MOD, Type.GROUP_MOD):
            self._take(kind, body)
        return b""

    def _bundle(self, xid: int, body: bytes) -> bytes:
        if int.from_bytes(body[4:8], "big") == 2301:
            bundle, _, inner = decode_bundle_add(body)
            if bundle != 0x5D9C:  # the driver's probe, which is discarded
                self._take(inner[1], inner[8:])
            return b""
        bundle, control, _ = decode_bundle_control(body)
        return bundle_control(xid, bundle, BundleControl(control + 1))

    def _take(self, kind: int, body: bytes) -> None:
        if kind == Type.FLOW_MOD:
            flow = decode_flow_mod(body)[1]
            assert isinstance(flow, Flow)
            self._flows.append(flow_stats_entry(flow))
        elif kind == Type.GROUP_MOD:
            group = decode_group_mod(body)[1]
            assert isinstance(group, Group)
            self._groups.append(group_entry(group))

    def _read(self, xid: int, body: bytes) -> bytes:
        part, _, _ = decode_multipart(body)
        content = {
            Part.DESCRIPTION: DESCRIPTION,
            Part.GROUP_FEATURES: GROUP_FEATURES,
            Part.METER_FEATURES: METER_FEATURES,
            Part.FLOW: b"".join(self._flows),
            Part.GROUP_DESCRIPTION: b"".join(self._groups),
        }.get(Part(part), b"")
        return multipart_reply(xid, Part(part), content)

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set()


async def _live(port: int, dpid: int) -> None:
    """Dial in, and again a second after the connection has ended, as Open vSwitch does."""
    loop = asyncio.get_running_loop()
    while True:
        switch = Simulated(dpid)
        try:
            await loop.create_connection(lambda switch=switch: switch, "127.0.0.1", port)  # type: ignore[misc]
            await switch.ended.wait()
        except ConnectionError:
            pass
        await asyncio.sleep(1)


async def _run(port: int, first: int, count: int) -> None:
    await asyncio.gather(*(_live(port, dpid) for dpid in range(first, first + count)))


if __name__ == "__main__":
    asyncio.run(_run(*map(int, sys.argv[1:])))
