"""Switches that dial in: known by datapath id, undisturbed by what else connects."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from sdnctl.errors import DeviceError, DeviceUnreachable
from sdnctl.southbound.openflow.address import Address, parse_address
from sdnctl.southbound.openflow.channel import Timing
from sdnctl.southbound.openflow.codec.session import Features, encode_features, hello
from sdnctl.southbound.openflow.codec.wire import Type, message
from sdnctl.southbound.openflow.listener import Listener

ANY_PORT = Address("tcp", "127.0.0.1", 0, listen=True)


def listening(
    use: Callable[[Listener], Awaitable[None]], address: Address = ANY_PORT, handshake: float = 0.5
) -> Listener:
    async def main() -> Listener:
        async with Listener(address, timing=Timing(handshake=handshake)) as listener:
            await use(listener)
        return listener

    return asyncio.run(main())


class Caller:
    """A switch that dials in and answers barriers."""

    def __init__(self, dpid: int) -> None:
        self.dpid = dpid

    async def __aenter__(self) -> Caller:
        return self

    async def dial(self, port: int) -> Caller:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        self.writer.write(hello(1))
        self.task = asyncio.create_task(self._serve())
        return self

    async def _serve(self) -> None:
        try:
            while True:
                _, kind, length, xid = struct.unpack("!BBHI", await self.reader.readexactly(8))
                await self.reader.readexactly(length - 8)
                if kind == Type.FEATURES_REQUEST:
                    self.writer.write(encode_features(Features(self.dpid, 0, 4, 0, 0), xid))
                elif kind == Type.BARRIER_REQUEST:
                    self.writer.write(message(Type.BARRIER_REPLY, xid))
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.writer.close()


def counter(listener: Listener, name: str, **labels: str) -> float:
    return listener.metrics.registry.get_sample_value(f"sdnctl_openflow_{name}_total", labels) or 0.0


def test_switches_are_known_by_datapath_id() -> None:
    async def use(listener: Listener) -> None:
        waiting = asyncio.create_task(listener.wait_for(7, 5))
        async with Caller(7) as seven, Caller(8) as eight:
            await seven.dial(listener.port)
            channel = await waiting
            assert channel.features.dpid == 7
            assert channel.device == "0000000000000007"
            await channel.barrier()
            await eight.dial(listener.port)
            await (await listener.wait_for(8, 5)).barrier()
            assert listener.switches.keys() == {7, 8}
        error = await asyncio.wait_for(asyncio.shield(channel.closed), 5)
        assert isinstance(error, DeviceUnreachable)
        async with asyncio.timeout(5):
            async for switches in listener.watch():
                if not switches:
                    break
        assert counter(listener, "connections", direction="accepted") == 2

    listening(use)


def test_a_switch_that_does_not_dial_in() -> None:
    async def use(listener: Listener) -> None:
        with pytest.raises(DeviceUnreachable, match="0000000000000009 did not dial in"):
            await listener.wait_for(9, 0.05)

    listening(use)


def test_a_newer_connection_replaces_the_older() -> None:
    async def use(listener: Listener) -> None:
        async with Caller(7) as first, Caller(7) as second:
            await first.dial(listener.port)
            older = await listener.wait_for(7, 5)
            await second.dial(listener.port)
            await asyncio.wait_for(asyncio.shield(older.closed), 5)
            newer = await listener.wait_for(7, 5)
            assert newer is not older
            await newer.barrier()
            await asyncio.sleep(0.05)  # the end of the older must not take the newer away
            assert listener.switches == {7: newer}

    listening(use)


GARBAGE = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    bytes(100),
    b"\xff" * 100,
]


def test_garbage_is_closed_logged_and_counted_and_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def use(listener: Listener) -> None:
        async with Caller(7) as caller:
            await caller.dial(listener.port)
            channel = await listener.wait_for(7, 5)
            for garbage in GARBAGE:
                reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
                writer.write(garbage)
                with suppress(ConnectionResetError):
                    await asyncio.wait_for(reader.read(), 5)  # up to the end: closed by the listener
                writer.close()
                await channel.barrier()
            assert listener.switches == {7: channel}

    listener = listening(use)
    assert counter(listener, "failed_handshakes") == len(GARBAGE)
    malformed = listener.metrics.malformed.collect()[0].samples
    assert sum(sample.value for sample in malformed if sample.name.endswith("_total")) == len(GARBAGE)
    assert caplog.text.count("closed, not a switch") == len(GARBAGE)


def test_the_silent_do_not_keep_switches_out() -> None:
    """More half-open connections than handshakes at a time: switches get their turn when those time out."""

    async def use(listener: Listener) -> None:
        idle = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(300)]
        async with Caller(7) as caller:
            await caller.dial(listener.port)
            await (await listener.wait_for(7, 10)).barrier()
        for _, writer in idle:
            writer.close()

    listening(use)


def test_two_hundred_switches_at_once() -> None:
    async def use(listener: Listener) -> None:
        callers = [Caller(number) for number in range(1, 201)]
        await asyncio.gather(*(caller.dial(listener.port) for caller in callers))
        channels = await asyncio.gather(*(listener.wait_for(caller.dpid, 60) for caller in callers))
        await asyncio.gather(*(channel.barrier() for channel in channels))
        assert len(listener.switches) == 200
        for caller in callers:
            await caller.__aexit__()

    listening(use, handshake=60)  # however busy the machine is


def test_a_socket_file_of_a_killed_controller_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # an address holds 108 octets
    path = Path("of.sock")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    assert path.exists()

    async def use(listener: Listener) -> None:
        _, writer = await asyncio.open_unix_connection(str(path))
        writer.close()

    listening(use, parse_address(f"punix:{path}"))
    assert not path.exists()


def test_what_is_not_a_socket_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")

    async def use(listener: Listener) -> None:
        raise AssertionError("must not listen")

    with pytest.raises(DeviceError, match="cannot listen"):
        listening(use, parse_address(f"punix:{path}"))
    assert path.read_text() == "data"


def test_a_port_in_use_is_an_error() -> None:
    async def use(listener: Listener) -> None:
        second = Listener(Address("tcp", "127.0.0.1", listener.port, listen=True))
        with pytest.raises(DeviceError, match="cannot listen on ptcp"):
            await second.__aenter__()

    listening(use)


def test_an_address_to_dial_cannot_be_listened_on() -> None:
    async def main() -> None:
        with pytest.raises(DeviceError, match="an address to dial"):
            Listener(parse_address("tcp:127.0.0.1"))

    asyncio.run(main())
