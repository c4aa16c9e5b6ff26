"""A million damaged messages: none does more than end its own connection, and none is remembered for ever."""

from __future__ import annotations

import asyncio
import resource
import struct
import sys
from collections.abc import Iterator
from random import Random

import pytest
from openflow_fuzzing import DECODERS, Pipe

from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    Bucket,
    Decap,
    DecMplsTtl,
    Encap,
    Flow,
    Group,
    GroupType,
    Match,
    Meter,
    Output,
    SetField,
    SetQueue,
    ToGroup,
)
from sdnctl.errors import DeviceError
from sdnctl.southbound.openflow.channel import Channel
from sdnctl.southbound.openflow.codec import flow as flow_codec
from sdnctl.southbound.openflow.codec import packet
from sdnctl.southbound.openflow.codec.bundle import BundleControl, bundle_add, bundle_control
from sdnctl.southbound.openflow.codec.faults import encode_error
from sdnctl.southbound.openflow.codec.flow import FlowCommand, flow_mod, flow_stats_entry
from sdnctl.southbound.openflow.codec.group import GroupCommand, group_entry, group_mod
from sdnctl.southbound.openflow.codec.meter import MeterCommand, meter_entry, meter_mod
from sdnctl.southbound.openflow.codec.multipart import Part, multipart_reply
from sdnctl.southbound.openflow.codec.packet import packet_out
from sdnctl.southbound.openflow.codec.ports import PortDescription, encode_port
from sdnctl.southbound.openflow.codec.session import Features, encode_features, hello
from sdnctl.southbound.openflow.codec.template import Templates
from sdnctl.southbound.openflow.codec.wire import MAX_MESSAGE, Malformed, Type, message
from sdnctl.southbound.openflow.metrics import ChannelMetrics

SAMPLE, ALL = 6_000, 1_000_000
FLOWS = (
    Flow(
        0, 200, Match.of(in_port=1, vlan_vid=0x1001, eth_type=0x0800, ipv4_src=(0x0A000000, 0xFF000000)), 1, goto=1
    ),
    Flow(1, 9, Match.of(metadata=(7, 0xFFFFFFFF)), COOKIE_OWNER, (SetQueue(3),), meter=4097, goto=2),
    Flow(
        2,
        9,
        Match.of(metadata=(7, 0xFFFFFFFF)),
        COOKIE_OWNER,
        (Encap("mpls"), SetField("mpls_label", 99), Encap("ethernet"), ToGroup(0x10000001)),
        metadata=(1, 2),
    ),
    Flow(3, 9, Match.of(eth_type=0x8847, mpls_label=17), COOKIE_OWNER, (DecMplsTtl(), Decap(), Output(3))),
)
GROUP = Group(0x10000001, GroupType.FAST_FAILOVER, (Bucket((Output(1),), 1), Bucket((Output(2),), 2)))
METER = Meter(4097, 1000, 100)
PACKET = struct.pack("!IHBBQ", 0xFFFFFFFF, 4, 0, 0, 0) + struct.pack("!HHII4x2x", 1, 12, 0x80000004, 3) + b"abcd"
PORT = encode_port(PortDescription(3, 0x020000000003, "p3", 0, 4, 0))
CORPUS = (
    hello(1),
    encode_features(Features(1, 0, 254, 0, 0x4F), 2),
    encode_error(3, 1, 1, b"abcdefgh"),
    message(Type.ECHO_REQUEST, 4, b"ping"),
    message(Type.ECHO_REPLY, 4),
    message(Type.BARRIER_REPLY, 5),
    message(Type.PACKET_IN, 0, PACKET),
    message(Type.PORT_STATUS, 0, struct.pack("!B7x", 2) + PORT),
    packet_out(7, b"frame", (Output(3),)),
    *(flow_mod(item, FlowCommand.ADD, 8) for item in FLOWS),
    *(bundle_add(1, flow_mod(item, FlowCommand.ADD, 9)) for item in FLOWS),
    bundle_control(10, 1, BundleControl.OPEN_REPLY),
    group_mod(GROUP, GroupCommand.ADD, 11),
    meter_mod(METER, MeterCommand.ADD, 12),
    multipart_reply(13, Part.FLOW, b"".join(map(flow_stats_entry, FLOWS)), more=True),
    multipart_reply(14, Part.GROUP_DESCRIPTION, group_entry(GROUP) * 2),
    multipart_reply(15, Part.METER_CONFIG, meter_entry(METER) * 2),
    multipart_reply(16, Part.PORT_DESCRIPTION, PORT * 3),
)
LENGTHS = (0, 1, 3, 4, 7, 8, 15, 16, 24, 40, 48, 64, 255, 0x7FFF, 0xFFFF)


def damaged(chance: Random, data: bytes) -> bytes:
    """A message with octets changed, 16-bit numbers faked, parts cut out, repeated or put in from another."""
    octets = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        if not octets:
            break
        at = chance.randrange(len(octets))
        kind = chance.randrange(7)
        if kind == 0:
            octets[at] = chance.randrange(256)
        elif kind == 1:
            octets[at : at + 2] = chance.choice(LENGTHS).to_bytes(2, "big")
        elif kind == 2:
            del octets[at:]
        elif kind == 3:
            octets[at:at] = octets[at : at + chance.randint(1, 16)]
        elif kind == 4:
            del octets[at : at + chance.randint(1, 16)]
        elif kind == 5:
            other = chance.choice(CORPUS)
            octets[at:] = other[at:]
        else:
            octets[at] ^= 1 << chance.randrange(8)
    return bytes(octets)


def reframed(chance: Random, octets: bytes) -> bytes:
    """Most damaged messages get their true length back, so that what is behind the header is looked at."""
    if len(octets) >= 8 and len(octets) <= MAX_MESSAGE and chance.random() < 0.8:
        return b"\4" + octets[1:2] + len(octets).to_bytes(2, "big") + octets[4:]
    return octets


def bodies(chance: Random, count: int) -> Iterator[tuple[str, bytes]]:
    names = tuple(DECODERS)
    for _ in range(count):
        octets = damaged(chance, chance.choice(CORPUS))
        yield chance.choice(names), octets[chance.choice((8, 8, 16, 24)) :]


def decode(chance: Random, count: int) -> int:
    """Give damaged bodies to decoders, whichever; how many were refused."""
    refused = 0
    for name, body in bodies(chance, count):
        try:
            DECODERS[name](body)
        except Malformed as error:
            refused += 1
            outside = not 0 <= error.offset <= len(body) + 16
            if outside:
                pytest.fail(f"{name}: octet {error.offset} of {body.hex()}")
    return refused


async def talk(chance: Random, count: int) -> int:
    """Send damaged messages to connections, a new one whenever one has ended; how many ended."""
    metrics, ended, sent = ChannelMetrics(), 0, 0
    while sent < count:
        channel, pipe = Channel("fuzzed", metrics), Pipe()
        channel.connection_made(pipe)
        channel.data_received(hello(1))
        channel.packet_listeners.append(lambda packet: None)
        channel.port_listeners.append(lambda reason, port: None)
        asked = [
            asyncio.ensure_future(channel.multipart(part, lambda body: [len(body)]))
            for part in (Part.FLOW, Part.GROUP_DESCRIPTION)
        ]
        await asyncio.sleep(0)
        xids = channel._waiting.xids
        for _ in range(50):
            octets = reframed(chance, damaged(chance, chance.choice(CORPUS)))
            if len(octets) >= 8 and chance.random() < 0.3:
                octets = octets[:4] + chance.choice(xids).to_bytes(4, "big") + octets[8:]
            cut = chance.randrange(len(octets) + 1)
            sent += 1
            for piece in (octets[:cut], octets[cut:]):
                if piece and not channel.closed.done():
                    channel.data_received(piece)
            await asyncio.sleep(0)
            if channel.closed.done():
                break
        if channel.closed.done():
            ended += 1
            assert isinstance(channel.closed.result(), DeviceError)
            assert pipe.aborted
        await channel.close()
        for outcome in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(outcome, list | DeviceError), outcome
    return ended


def bounded() -> None:
    """Whatever came: what the codec remembers has an end."""
    assert len(flow_codec._decoded) <= flow_codec.CACHE_LIMIT
    assert len(flow_codec._encoded) <= flow_codec.CACHE_LIMIT
    assert len(flow_codec._entries._templates._shapes) <= Templates.LIMIT
    assert len(packet._by_port) <= packet.PORTS_REMEMBERED


def test_a_sample() -> None:
    chance = Random(20_26)
    assert 0 < decode(chance, SAMPLE) < SAMPLE
    assert asyncio.run(talk(chance, SAMPLE // 6)) > 0
    bounded()


@pytest.mark.soak
def test_a_million() -> None:
    """Other octets each time; the seed stands in the output when it fails."""
    seed = Random().randrange(1 << 32)
    sys.stdout.write(f"seed {seed}\n")
    chance = Random(seed)
    decode(chance, ALL // 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    decode(chance, ALL * 8 // 10)
    asyncio.run(talk(chance, ALL * 2 // 10))
    bounded()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 128 * 1024, f"{grown} KB more memory"
