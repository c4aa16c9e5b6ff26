"""Peers that mean harm, or are broken: each is bounded, and the switches beside it go on undisturbed."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from openflow_fake import FakeSwitch

from sdnctl.dataplane.values import COOKIE_OWNER, Flow, Match, Output
from sdnctl.errors import DeviceUnreachable
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import Target
from sdnctl.southbound.openflow import listener as listening
from sdnctl.southbound.openflow import packets
from sdnctl.southbound.openflow.address import Address
from sdnctl.southbound.openflow.channel import COMPLAINTS, Channel, Timing
from sdnctl.southbound.openflow.codec.faults import encode_error
from sdnctl.southbound.openflow.codec.multipart import Part, multipart_reply
from sdnctl.southbound.openflow.codec.packet import PacketIn
from sdnctl.southbound.openflow.codec.ports import PortDescription, encode_port
from sdnctl.southbound.openflow.codec.session import Features, encode_features, hello
from sdnctl.southbound.openflow.codec.wire import MAX_MESSAGE, Malformed, Type, message
from sdnctl.southbound.openflow.driver import OpenFlowDriver
from sdnctl.southbound.openflow.listener import Listener
from sdnctl.southbound.openflow.metrics import ChannelMetrics

ANY_PORT = Address("tcp", "127.0.0.1", 0, listen=True)
PATIENT = Timing(handshake=60, message=60)
"""Nothing here may depend on the handshake's time: what does not speak must not hold places for so long."""
PACKET_IN = message(
    Type.PACKET_IN,
    0,
    struct.pack("!IHBBQ", 0xFFFFFFFF, 4, 0, 0, 0) + struct.pack("!HHII4x2x", 1, 12, 0x80000004, 3) + b"abcd",
)


def value(metrics: ChannelMetrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(f"sdnctl_openflow_{name}", labels) or 0.0


class Switch:
    """A switch that dials in and answers what it is asked, and whatever a test sends beside."""

    def __init__(self, dpid: int) -> None:
        self.dpid = dpid
        self.answered = 0

    async def __aenter__(self) -> Switch:
        return self

    async def dial(self, port: int) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        self.writer.write(hello(1))
        self.task = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                _, kind, length, xid = struct.unpack("!BBHI", await self.reader.readexactly(8))
                await self.reader.readexactly(length - 8)
                if kind == Type.FEATURES_REQUEST:
                    self.writer.write(encode_features(Features(self.dpid, 0, 4, 0, 0), xid))
                elif kind == Type.BARRIER_REQUEST:
                    self.answered += 1
                    self.writer.write(message(Type.BARRIER_REPLY, xid))

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.writer.close()


def beside(use: Callable[[Listener, Channel], Awaitable[None]], timing: Timing = PATIENT) -> ChannelMetrics:
    """Let a test do its worst to a listener that has one sound switch, which must answer afterwards too."""

    async def main() -> ChannelMetrics:
        async with Listener(ANY_PORT, timing=timing) as listener, Switch(7) as sound:
            await sound.dial(listener.port)
            channel = await listener.wait_for(7, 10)
            await use(listener, channel)
            await channel.barrier()
            assert listener.switches[7] is channel
            return listener.metrics

    return asyncio.run(main())


# ── before the handshake ─────────────────────────────────────────────────────────────────────────


def test_a_flood_of_connections_that_never_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take the places of one another; a switch that comes behind them all is let in."""
    monkeypatch.setattr(listening, "HANDSHAKES", 16)
    monkeypatch.setattr(listening, "GRACE", 0.02)

    async def use(listener: Listener, channel: Channel) -> None:
        silent = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(400)]
        async with Switch(8) as late:
            await late.dial(listener.port)
            await (await listener.wait_for(8, 30)).barrier()
            assert len(listener._greeted) <= 16
            assert len(asyncio.all_tasks()) < 60
        for _, writer in silent:
            writer.close()

    metrics = beside(use)
    assert value(metrics, "evicted_total") >= 400 - 16


@pytest.mark.soak
def test_two_thousand_connections_that_never_speak() -> None:
    """The same with the places that there are."""

    async def use(listener: Listener, channel: Channel) -> None:
        silent = []
        for _ in range(2_000):
            silent.append(await asyncio.open_connection("127.0.0.1", listener.port))
        async with Switch(8) as late:
            await late.dial(listener.port)
            await (await listener.wait_for(8, 30)).barrier()
            assert len(asyncio.all_tasks()) < listening.HANDSHAKES + 20
        for _, writer in silent:
            writer.close()

    assert value(beside(use), "evicted_total") >= 2_000 - listening.HANDSHAKES


def test_one_octet_at_a_time() -> None:
    """A caller that sends its hello octet by octet has spoken, and has the time of a handshake for it, no more."""

    async def use(listener: Listener, channel: Channel) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        ended = asyncio.create_task(reader.read())  # up to the end: closed by the listener
        octets = iter(struct.pack("!BBHI", 4, Type.HELLO, 60_000, 1) + bytes(10_000))
        while not ended.done():
            with suppress(ConnectionError):
                writer.write(bytes((next(octets),)))
            await channel.barrier()
            await asyncio.wait((ended,), timeout=0.01)
        with suppress(ConnectionError):
            await ended
        writer.close()

    metrics = beside(use, Timing(handshake=0.3))
    assert value(metrics, "failed_handshakes_total") == 1


# ── switches that turn bad ───────────────────────────────────────────────────────────────────────


async def turned(listener: Listener, dpid: int = 8) -> tuple[Switch, Channel]:
    bad = Switch(dpid)
    await bad.dial(listener.port)
    return bad, await listener.wait_for(dpid, 10)


def test_a_flood_of_packets_is_dropped_and_everything_else_goes_on() -> None:
    """More packets than are handled: the rest is counted, memory is bounded, the switch itself answers too."""
    count = packets.WAITING * 3

    async def use(listener: Listener, channel: Channel) -> None:
        bad, flooding = await turned(listener)
        told: list[PacketIn] = []
        longest = 0

        def listen(packet: PacketIn) -> None:
            nonlocal longest
            told.append(packet)
            longest = max(longest, len(flooding._packets))

        flooding.packet_listeners.append(listen)
        flooding.data_received(PACKET_IN * count)  # as one piece: no turn of the loop in between
        assert len(told) == 0
        await channel.barrier()
        await flooding.barrier()
        for _ in range(packets.WAITING // packets.PER_TURN + 1):
            await asyncio.sleep(0)
        assert longest < packets.WAITING
        assert len(told) == packets.WAITING
        assert told[0] == PacketIn(0, 0, 0, 4, Match.of(in_port=3), b"abcd")
        await bad.__aexit__()

    metrics = beside(use)
    assert value(metrics, "dropped_packets_total") == count - packets.WAITING


def test_large_packets_are_bounded_by_their_octets() -> None:
    large = message(Type.PACKET_IN, 0, PACKET_IN[8:] + bytes(60_000))

    async def use(listener: Listener, channel: Channel) -> None:
        bad, flooding = await turned(listener)
        flooding.packet_listeners.append(lambda packet: None)
        flooding.data_received(large * 40)
        assert len(flooding._packets) * len(large) <= packets.WAITING_OCTETS
        await flooding.barrier()
        await bad.__aexit__()

    assert value(beside(use), "dropped_packets_total") >= 20


def test_packets_get_a_share_of_each_turn() -> None:
    """Between two lots of packets of one switch everybody else has a turn."""

    async def use(listener: Listener, channel: Channel) -> None:
        bad, flooding = await turned(listener)
        told: list[PacketIn] = []
        flooding.packet_listeners.append(told.append)
        flooding.data_received(PACKET_IN * (packets.PER_TURN * 3))
        seen = []
        while len(told) < packets.PER_TURN * 3:
            await asyncio.sleep(0)
            seen.append(len(told))
        assert max(later - earlier for earlier, later in zip([0, *seen], seen, strict=False)) <= packets.PER_TURN
        await bad.__aexit__()

    beside(use)


def test_answers_to_packets_are_dropped_where_nobody_reads() -> None:
    async def use(listener: Listener, channel: Channel) -> None:
        deaf, dull = await turned(listener)
        deaf.task.cancel()
        await asyncio.sleep(0)
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
        data = message(Type.ECHO_REQUEST, 1, bytes(60_000))
        posted = 0
        for _ in range(1_000):
            posted += dull.post(data)
            await asyncio.sleep(0)
        assert 0 < posted < 1_000
        assert not dull.closed.done()
        deaf.writer.close()

    assert value(beside(use), "dropped_messages_total") > 0


def test_posted_messages_are_written_together_and_in_order() -> None:
    async def use(listener: Listener, channel: Channel) -> None:
        first, second = (message(Type.BARRIER_REQUEST, number) for number in (1, 2))
        written: list[bytes] = []
        channel._posted._write = written.append
        assert channel.post(first)
        assert channel.post(second)
        assert written == []
        await asyncio.sleep(0)
        assert written == [first + second]

    beside(use)


def test_errors_without_end_are_counted_and_not_all_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def use(listener: Listener, channel: Channel) -> None:
        bad, complaining = await turned(listener)
        complaining.data_received(encode_error(0, 1, 1, b"") * 5_000)
        await bad.__aexit__()

    metrics = beside(use)
    assert value(metrics, "unmatched_total", type="error") == 5_000
    assert caplog.text.count("error about nothing that was asked") == COMPLAINTS
    assert "further ones are only counted" in caplog.text


def test_port_changes_without_end_are_merged() -> None:
    """A port that flaps faster than anybody looks is one entry, not thousands."""
    flapping = message(
        Type.PORT_STATUS, 0, struct.pack("!B7x", 2) + encode_port(PortDescription(3, 3, "p3", 0, 4, 0))
    )

    async def main() -> None:
        with FakeSwitch() as switch:
            driver = await OpenFlowDriver.open(Target("s1", switch.address))
            watched = driver.watch_ports()
            for _ in range(3):
                await anext(watched)
            driver.channel.data_received(flapping * 10_000)
            state = await asyncio.wait_for(anext(watched), 10)
            assert state.port == 3
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(watched), 0.2)
            await driver.close()

    asyncio.run(main())


@pytest.mark.parametrize("kind", [Type.PACKET_IN, Type.MULTIPART_REPLY, Type.ERROR, Type.PORT_STATUS])
def test_the_largest_length_with_nothing_behind_it(kind: Type) -> None:
    """A length field is believed up to 65,535 octets, and for so long as a message may take."""

    async def use(listener: Listener, channel: Channel) -> None:
        bad, lying = await turned(listener)
        bad.writer.write(struct.pack("!BBHI", 4, kind, MAX_MESSAGE, 0))
        error = await asyncio.wait_for(asyncio.shield(lying.closed), 10)
        assert isinstance(error, Malformed)
        await bad.__aexit__()

    metrics = beside(use, Timing(message=0.2, echo=60))
    assert value(metrics, "malformed_total", message=kind.name.lower()) == 1


@pytest.mark.parametrize("body", [b"", bytes(56)], ids=["empty", "something"])
def test_a_reply_in_parts_without_end(body: bytes) -> None:
    """Empty parts are no progress, others are for so long as a whole reply may take."""
    part = Part.FLOW
    entry = struct.pack("!HBxIIHHHH4xQQQ", 56, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0)[:48] + b"\0\1\0\4\0\0\0\0"

    async def use(listener: Listener, channel: Channel) -> None:
        bad, endless = await turned(listener)
        request = asyncio.create_task(endless.multipart(part, lambda octets: [len(octets)]))
        await asyncio.sleep(0)
        (xid,) = endless._waiting.xids
        reply = multipart_reply(xid, part, entry if body else b"", more=True)
        while not request.done():
            endless.data_received(reply)
            await asyncio.sleep(0.01)
        with pytest.raises(DeviceUnreachable, match="no answer to flow request"):
            await request
        await bad.__aexit__()

    beside(use, Timing(request=0.3, reply=0.8, handshake=10))


# ── commits ──────────────────────────────────────────────────────────────────────────────────────


def test_a_switch_that_never_answers_a_barrier_is_unreachable_and_others_commit() -> None:
    flow = Flow(0, 5, Match.of(in_port=1), COOKIE_OWNER | 1, (Output(2),))

    async def main() -> None:
        with FakeSwitch(1) as mute, FakeSwitch(2) as sound:
            timing = Timing(request=0.5)
            one, two = await asyncio.gather(
                OpenFlowDriver.open(Target("s1", mute.address), timing=timing),
                OpenFlowDriver.open(Target("s2", sound.address), timing=timing),
            )
            await asyncio.gather(one.observe(), two.observe())
            mute.mute = lambda kind: kind == Type.BARRIER_REQUEST
            failed, done = await asyncio.gather(
                one.commit([Change(Op.ADD, flow)]), two.commit([Change(Op.ADD, flow)]), return_exceptions=True
            )
            assert isinstance(failed, DeviceUnreachable)
            assert done is None
            assert (await two.observe()).rules.flows == {flow.key: flow}
            assert one.closed.done()
            await asyncio.gather(one.close(), two.close())

    asyncio.run(main())


# ── what it costs is shown ───────────────────────────────────────────────────────────────────────


def test_metrics_show_computing_and_memory_of_each_switch() -> None:
    async def main() -> None:
        metrics = ChannelMetrics()
        with FakeSwitch(1) as switch:
            driver = await OpenFlowDriver.open(Target("s1", switch.address), metrics=metrics)
            await driver.observe()
            empty = value(metrics, "switch_memory_bytes", switch="s1")
            await driver.commit([Change(Op.ADD, Flow(0, 5, Match.of(in_port=1), COOKIE_OWNER, (Output(2),)))])
            await driver.observe()
            assert value(metrics, "switch_memory_bytes", switch="s1") > empty > 0
            assert value(metrics, "switch_seconds_total", switch="s1") > 0
            await driver.close()
            assert (
                metrics.registry.get_sample_value("sdnctl_openflow_switch_memory_bytes", {"switch": "s1"}) is None
            )

    asyncio.run(main())
