"""One connection and a peer that is slow, silent or gone."""

from __future__ import annotations

import asyncio
import struct
import time

import pytest
from openflow_fake import FakeSwitch
from openflow_peer import FAST, against, connect, greet, on_fake

from sdnctl.errors import DeviceUnreachable
from sdnctl.southbound.openflow.channel import Channel, Timing
from sdnctl.southbound.openflow.codec.multipart import Part, multipart_reply
from sdnctl.southbound.openflow.codec.session import set_config
from sdnctl.southbound.openflow.codec.wire import Malformed, Type, message
from sdnctl.southbound.openflow.metrics import ChannelMetrics

# ── time ─────────────────────────────────────────────────────────────────────────────────────────


def test_no_answer_is_unreachable() -> None:
    async def use(switch: FakeSwitch, channel: Channel) -> None:
        switch.mute = lambda kind: kind == Type.BARRIER_REQUEST
        with pytest.raises(DeviceUnreachable, match=r"no answer to barrier_request within 0\.6 s"):
            await channel.barrier()

    on_fake(use, FAST)


def test_parts_that_keep_coming_are_progress() -> None:
    """A long reply may take longer than the time without progress."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        head = await reader.readexactly(8)
        xid = struct.unpack("!I", head[4:])[0]
        for number in range(6):
            await asyncio.sleep(0.2)
            writer.write(multipart_reply(xid, Part.PORT_STATS, bytes([number]), more=number < 5))
        await asyncio.sleep(60)

    async def use(address: str) -> None:
        channel = await connect(address, Timing(request=0.6))
        found = await channel.multipart(Part.PORT_STATS, lambda body: [body[0]])
        assert found == [0, 1, 2, 3, 4, 5]
        await channel.close()

    against(script, use)


def test_echo_keeps_a_silent_switch() -> None:
    async def use(switch: FakeSwitch, channel: Channel) -> None:
        await asyncio.sleep(0.9)
        assert Type.ECHO_REQUEST in switch.received
        await channel.barrier()

    on_fake(use, FAST)


def test_a_switch_that_answers_no_echo_is_gone() -> None:
    async def use(switch: FakeSwitch, channel: Channel) -> None:
        switch.mute = lambda kind: True
        error = await asyncio.wait_for(asyncio.shield(channel.closed), 5)
        assert isinstance(error, DeviceUnreachable)
        assert "no sign of life" in str(error)

    on_fake(use, FAST)


@pytest.mark.parametrize("trickle", [False, True])
def test_a_message_that_never_ends(trickle: bool) -> None:
    """Half a message, or one octet from time to time, does not hold the connection for ever."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        writer.write(struct.pack("!BBHI", 4, Type.PACKET_IN, 60_000, 0))
        while True:
            await asyncio.sleep(0.05)
            if trickle:
                writer.write(b"x")

    async def use(address: str) -> None:
        metrics = ChannelMetrics()
        channel = await connect(address, Timing(message=0.4), metrics)
        error = await asyncio.wait_for(asyncio.shield(channel.closed), 5)
        assert isinstance(error, Malformed)
        assert "still incomplete after 0.4 s" in str(error)
        assert metrics.registry.get_sample_value("sdnctl_openflow_malformed_total", {"message": "packet_in"}) == 1
        await channel.close()

    against(script, use)


def test_a_peer_that_reads_nothing() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        while True:
            await asyncio.sleep(0.05)
            writer.write(message(Type.ECHO_REPLY, 1))  # alive, but deaf

    async def use(address: str) -> None:
        channel = await connect(address, FAST)
        data = message(Type.ECHO_REQUEST, 1, bytes(60_000))
        with pytest.raises(DeviceUnreachable, match="reads nothing"):
            await channel.send(data for _ in range(2_000))
        await channel.close()

    against(script, use)


def test_writes_are_large_and_held_back() -> None:
    """Messages are joined to 64 KB, and a slow reader slows the sender instead of filling memory."""

    class Slow(asyncio.Transport):
        def __init__(self) -> None:
            super().__init__()
            self.sizes: list[int] = []
            self.channel: Channel

        def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
            assert high == 4 * 64 * 1024

        def write(self, data: bytes | bytearray | memoryview) -> None:
            self.sizes.append(len(data))
            self.channel.pause_writing()
            asyncio.get_running_loop().call_soon(self.channel.resume_writing)

        def abort(self) -> None: ...
        def is_closing(self) -> bool:
            return True

    async def main() -> None:
        channel, slow = Channel("pop", ChannelMetrics()), Slow()
        slow.channel = channel
        channel.connection_made(slow)
        await channel.send(bytes(100) for _ in range(10_000))
        assert sum(slow.sizes) == 1_000_000
        assert all(64 * 1024 <= size < 64 * 1024 + 100 for size in slow.sizes[:-1])
        await channel.close()

    asyncio.run(main())


# ── the end ──────────────────────────────────────────────────────────────────────────────────────


def test_a_closed_connection_fails_everybody_at_once() -> None:
    async def use(switch: FakeSwitch, channel: Channel) -> None:
        switch.mute = lambda kind: kind == Type.BARRIER_REQUEST
        waiting = [asyncio.ensure_future(channel.barrier()) for _ in range(5)]
        await asyncio.sleep(0.05)
        start = time.monotonic()
        await asyncio.to_thread(switch.cut)
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert time.monotonic() - start < 2
        assert all(isinstance(result, DeviceUnreachable) for result in results)
        with pytest.raises(DeviceUnreachable):
            await channel.send([set_config(1, 0)])

    on_fake(use)


def test_closing_twice() -> None:
    async def use(switch: FakeSwitch, channel: Channel) -> None:
        await channel.close()
        await channel.close()
        with pytest.raises(DeviceUnreachable, match="closed here"):
            await channel.barrier()

    on_fake(use)


def test_echo_requests_are_answered() -> None:
    answers: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        writer.write(message(Type.ECHO_REQUEST, 99, b"are you there"))
        answers.append(await reader.readexactly(21))

    async def use(address: str) -> None:
        channel = await connect(address)
        await asyncio.wait_for(asyncio.shield(channel.closed), 5)
        await channel.close()

    against(script, use)
    assert answers == [message(Type.ECHO_REPLY, 99, b"are you there")]
