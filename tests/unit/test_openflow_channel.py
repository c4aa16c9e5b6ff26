"""One connection and everything a peer can do to it."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from openflow_fake import FakeSwitch

from sdnctl.dataplane.values import COOKIE_OWNER, Flow, Match
from sdnctl.errors import DeviceError, DeviceRefused, DeviceUnreachable, ProtocolError
from sdnctl.southbound.openflow.address import parse_address
from sdnctl.southbound.openflow.channel import Channel, Timing
from sdnctl.southbound.openflow.codec import faults
from sdnctl.southbound.openflow.codec.flow import FlowCommand, decode_flow_stats, flow_mod, flow_stats_request
from sdnctl.southbound.openflow.codec.multipart import Part, decode_description, multipart_reply
from sdnctl.southbound.openflow.codec.session import Features, encode_features, hello, set_config
from sdnctl.southbound.openflow.codec.wire import Malformed, Type, message
from sdnctl.southbound.openflow.dial import dial
from sdnctl.southbound.openflow.metrics import ChannelMetrics
from sdnctl.southbound.openflow.waiting import RequestRefused

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


# ── handshake ────────────────────────────────────────────────────────────────────────────────────


def test_handshake_learns_who_the_switch_is() -> None:
    async def use(switch: FakeSwitch, channel: Channel) -> None:
        assert channel.features == switch.features
        assert switch.received[:2] == [Type.HELLO, Type.FEATURES_REQUEST]

    on_fake(use)


def test_another_version_is_refused_and_told(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[bytes] = []
    hung_up = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(struct.pack("!BBHI", 1, 0, 16, 7) + bytes.fromhex("0001000800000002"))
        answers.append(await reader.read())
        hung_up.set()

    async def use(address: str) -> None:
        with pytest.raises(DeviceRefused, match="OpenFlow13") as caught:
            await connect(address)
        assert "pop speaks wire versions 0x01" in str(caught.value)
        await asyncio.wait_for(hung_up.wait(), 5)

    against(script, use)
    error = answers[0][16:]
    assert faults.decode_error(error[8:])[:2] == (faults.HELLO_FAILED, faults.INCOMPATIBLE)


def test_a_newer_switch_that_speaks_ours_too_is_welcome() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = bytearray(hello(1, {1, 4, 6}))
        data[0] = 6
        writer.write(data)
        await reader.readexactly(16)
        head = await reader.readexactly(8)
        writer.write(encode_features(FEATURES, struct.unpack("!I", head[4:])[0]))
        await asyncio.sleep(60)

    async def use(address: str) -> None:
        channel = await connect(address)
        assert channel.features == FEATURES
        await channel.close()

    against(script, use)


def test_a_refusal_of_our_hello() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x01" + faults.encode_error(1, 0, 0, b"no way")[1:])
        await asyncio.sleep(60)

    async def use(address: str) -> None:
        with pytest.raises(DeviceRefused, match="OFPHFC_INCOMPATIBLE no way"):
            await connect(address)

    against(script, use)


@pytest.mark.parametrize(
    "greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", bytes(64), b"\x16\x03\x01" * 20]
)
def test_what_is_not_a_switch(greeting: bytes) -> None:
    metrics = ChannelMetrics()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await asyncio.sleep(60)

    async def use(address: str) -> None:
        with pytest.raises(ProtocolError):
            await connect(address, metrics=metrics)

    against(script, use)
    assert sum(s.value for s in metrics.malformed.collect()[0].samples if s.name.endswith("_total")) == 1
    assert metrics.registry.get_sample_value("sdnctl_openflow_failed_handshakes_total") == 1


def test_a_peer_that_says_nothing() -> None:
    async def use(address: str) -> None:
        start = time.monotonic()
        with pytest.raises(DeviceUnreachable, match=r"no OpenFlow handshake within 0\.4 s"):
            await connect(address, FAST)
        assert time.monotonic() - start < 5

    against(sleep_forever, use)


def test_nobody_listens(tmp_path: object) -> None:
    async def main() -> None:
        with pytest.raises(DeviceUnreachable, match="pop: no connection to") as caught:
            await connect(f"unix:{tmp_path}/absent.mgmt")
        assert caught.value.diagnostics[0].hint

    asyncio.run(main())


def test_an_address_to_listen_on_cannot_be_dialled() -> None:
    with pytest.raises(DeviceError, match="to listen on"):
        asyncio.run(connect("ptcp:6653"))


# ── requests and batches ─────────────────────────────────────────────────────────────────────────


def test_replies_in_many_parts() -> None:
    async def use(switch: FakeSwitch, channel: Channel) -> None:
        for number in range(300):
            switch.book.add(flow(number))
        stats = await channel.multipart(Part.FLOW, decode_flow_stats, flow_stats_request())
        assert [stat.flow for stat in stats] == [flow(number) for number in range(300)]

    on_fake(use)


def test_requests_side_by_side() -> None:
    async def use(switch: FakeSwitch, channel: Channel) -> None:
        (texts, *_) = await asyncio.gather(
            channel.multipart(Part.DESCRIPTION, lambda body: [decode_description(body)]),
            *(channel.barrier() for _ in range(20)),
        )
        assert str(texts[0]) == "sdnctl fake switch 1"

    on_fake(use)


def test_a_refused_request() -> None:
    async def use(switch: FakeSwitch, channel: Channel) -> None:
        with pytest.raises(RequestRefused, match="group stats request refused: bad request, OFPBRC_BAD_MULTIPART"):
            await channel.multipart(Part.GROUP_STATS, lambda body: [body])
        await channel.barrier()

    on_fake(use)


def test_errors_name_the_message_that_caused_them() -> None:
    async def use(switch: FakeSwitch, channel: Channel) -> None:
        bad = {17, 400, 999}
        switch.refuse = lambda rule: "OFPFMFC_TABLE_FULL" if rule in {flow(number) for number in bad} else None
        first = channel.reserve(1000)
        with channel.watching(first, 1000) as errors:
            await channel.send(flow_mod(flow(n), FlowCommand.ADD, first + n) for n in range(1000))
            await channel.barrier()
        assert set(errors) == bad
        assert {error.name for error in errors.values()} == {"flow refused, OFPFMFC_TABLE_FULL"}
        assert len(switch.book.rules.flows) == 997

    on_fake(use)


def test_transaction_ids_do_not_collide_at_the_end_of_the_range() -> None:
    async def use(switch: FakeSwitch, channel: Channel) -> None:
        channel._xid = 0xFFFFFFF0
        assert channel.reserve(15) == 0xFFFFFFF1
        assert channel.reserve(15) == 1
        await channel.barrier()

    on_fake(use)


def test_an_error_about_nothing_is_logged_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    async def use(switch: FakeSwitch, channel: Channel) -> None:
        switch.extra = lambda kind, xid: faults.encode_error(0xDEAD, 5, 1)
        await channel.barrier()
        count = channel.metrics.registry.get_sample_value("sdnctl_openflow_unmatched_total", {"type": "error"})
        assert count == 1

    on_fake(use)
    assert "OFPFMFC_TABLE_FULL" in caplog.text


def test_a_wrong_kind_of_answer_closes() -> None:
    async def use(switch: FakeSwitch, channel: Channel) -> None:
        switch.extra = lambda kind, xid: message(Type.ECHO_REPLY, xid)
        with pytest.raises(Malformed, match="answered by message type 3"):
            await channel.barrier()
        with pytest.raises(Malformed):
            await channel.barrier()

    on_fake(use)


def test_an_answer_of_the_wrong_part_closes() -> None:
    async def use(switch: FakeSwitch, channel: Channel) -> None:
        switch.extra = lambda kind, xid: multipart_reply(xid, Part.FLOW, b"")
        with pytest.raises(Malformed, match="multipart type 1"):
            await channel.multipart(Part.DESCRIPTION, lambda body: [body])

    on_fake(use)


def test_broken_octets_in_a_reply_close_and_name_the_place() -> None:
    async def use(switch: FakeSwitch, channel: Channel) -> None:
        switch.extra = lambda kind, xid: multipart_reply(xid, Part.FLOW, bytes(48))
        with pytest.raises(Malformed, match="entry of length 0") as caught:
            await channel.multipart(Part.FLOW, decode_flow_stats, flow_stats_request())
        assert (caught.value.message, caught.value.offset) == ("flow statistics", 16)

    on_fake(use)


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
