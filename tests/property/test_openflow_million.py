"""A million damaged messages: none does more than end its own connection, and none is remembered for ever."""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Iterator
from random import Random

import pytest
from openflow_fuzzing import CORPUS, DECODERS, Pipe, damaged, reframed

from sdnctl.errors import DeviceError
from sdnctl.southbound.openflow.channel import Channel
from sdnctl.southbound.openflow.codec import flow as flow_codec
from sdnctl.southbound.openflow.codec import packet
from sdnctl.southbound.openflow.codec.multipart import Part
from sdnctl.southbound.openflow.codec.session import hello
from sdnctl.southbound.openflow.codec.template import Templates
from sdnctl.southbound.openflow.codec.wire import Malformed
from sdnctl.southbound.openflow.metrics import ChannelMetrics

SAMPLE, ALL = 6_000, 1_000_000


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
