"""One connection and what a peer says on it: handshake, requests, batches."""

from __future__ import annotations

import asyncio
import struct
import time

import pytest
from openflow_fake import FakeSwitch
from openflow_peer import FAST, FEATURES, against, connect, flow, on_fake, sleep_forever

from sdnctl.errors import DeviceError, DeviceRefused, DeviceUnreachable, ProtocolError
from sdnctl.southbound.openflow.channel import Channel
from sdnctl.southbound.openflow.codec import faults
from sdnctl.southbound.openflow.codec.flow import FlowCommand, decode_flow_stats, flow_mod, flow_stats_request
from sdnctl.southbound.openflow.codec.multipart import Part, decode_description, multipart_reply
from sdnctl.southbound.openflow.codec.session import encode_features, hello
from sdnctl.southbound.openflow.codec.wire import Malformed, Type, message
from sdnctl.southbound.openflow.metrics import ChannelMetrics
from sdnctl.southbound.openflow.waiting import RequestRefused

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
        channel.reserve(0xFFFFFFF0 - channel.reserve())
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
