"""A switch that cannot be reached any more, on an idle connection: the kernel finds it without an echo."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator

import pytest

from sdnctl.errors import DeviceUnreachable
from sdnctl.lab import netns
from sdnctl.southbound.openflow import channel as channels
from sdnctl.southbound.openflow import keepalive
from sdnctl.southbound.openflow.channel import Channel
from sdnctl.southbound.openflow.metrics import ChannelMetrics

pytestmark = pytest.mark.ovs


@pytest.fixture
def namespace() -> Iterator[str]:
    name = f"sdnctl-test-path-{os.getpid()}"
    netns.create(name)
    try:
        netns.batch(name, ["link set lo up"])
        yield name
    finally:
        netns.delete(name)


def ended(namespace: str, seconds: float) -> DeviceUnreachable | None:
    """How an idle connection ends whose network is taken away; None: it does not, for so long."""

    def connect() -> tuple[socket.socket, socket.socket]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            mine = socket.create_connection(server.getsockname())
            return mine, server.accept()[0]

    async def use(mine: socket.socket) -> DeviceUnreachable | None:
        channel = Channel("pop", ChannelMetrics())
        await asyncio.get_running_loop().create_connection(lambda: channel, sock=mine)
        netns.batch(namespace, ["link set lo down"])
        try:
            async with asyncio.timeout(seconds):
                error = await asyncio.shield(channel.closed)
        except TimeoutError:
            return None
        finally:
            channel.abort(channel.unreachable("the test is over"))
        assert isinstance(error, DeviceUnreachable)
        return error

    mine, theirs = netns.inside(namespace, connect)
    with theirs:
        return asyncio.run(use(mine))


def test_a_lost_path_ends_an_idle_connection(namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROBE_AFTER", "PROBE_EVERY", "PROBES"):
        monkeypatch.setattr(keepalive, name, 1)
    error = ended(namespace, 20)
    assert error is not None
    assert "pop: the connection was lost" in str(error)


def test_without_probes_nobody_notices(namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "probed_by_kernel", lambda connection: None)
    assert ended(namespace, 5) is None
