"""States of ports: asked for, and watched.

A port that has its link but has lost its liveness (BFD, CFM) carries nothing: fast-failover groups avoid
it. OpenFlow shows that as the LIVE bit missing, so such a port is reported with BFD down, but only by
switches that set the bit at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from sdnctl.errors import DeviceRefused, Diagnostic
from sdnctl.southbound.base import PortState
from sdnctl.southbound.openflow.channel import Channel
from sdnctl.southbound.openflow.codec.multipart import Part
from sdnctl.southbound.openflow.codec.ports import (
    PortCounters,
    PortDescription,
    PortReason,
    decode_port_stats,
    decode_ports,
    port_mod,
    port_stats_request,
)
from sdnctl.southbound.openflow.codec.session import NO_BUFFER_LENGTH, PACKETS_BY_RULE, set_async, set_config
from sdnctl.southbound.openflow.codec.wire import MAX_PORT
from sdnctl.southbound.openflow.waiting import RequestRefused


def state_of(port: PortDescription, liveness: bool, counters: PortCounters | None = None) -> PortState:
    """One port as the drivers' value; `liveness`: whether the switch reports the LIVE bit."""
    numbers = counters[1:] if counters else (0,) * 6
    bfd = "down" if liveness and port.up and not port.live else ""
    return PortState(port.port, port.name, port.up, bfd, *numbers)


async def read_ports(channel: Channel, *, counters: bool) -> Mapping[int, PortState]:
    """All ports but the reserved ones, by number."""
    if counters:
        ports, stats = await asyncio.gather(
            channel.multipart(Part.PORT_DESCRIPTION, decode_ports),
            channel.multipart(Part.PORT_STATS, decode_port_stats, port_stats_request()),
        )
        return states_of(ports, stats)
    return states_of(await channel.multipart(Part.PORT_DESCRIPTION, decode_ports))


def states_of(ports: Sequence[PortDescription], stats: Iterable[PortCounters] = ()) -> Mapping[int, PortState]:
    """What a switch said of its ports and of what they counted, without the reserved ports, by number."""
    by_port = {item.port: item for item in stats}
    liveness = _reports_liveness(ports)
    return {port.port: state_of(port, liveness, by_port.get(port.port)) for port in ports if port.port < MAX_PORT}


async def set_port(channel: Channel, number: int, *, up: bool) -> None:
    """Take a port down or give it back, and wait until that is done; raises DeviceRefused."""
    ports = await channel.multipart(Part.PORT_DESCRIPTION, decode_ports)
    found = next((port for port in ports if port.port == number), None)
    if found is None:
        raise DeviceRefused(
            Diagnostic(
                "no-such-port", f"{channel.device} has no port {number}", address=f"switch {channel.device}"
            )
        )
    xid = channel.reserve()
    with channel.watching(xid, 1) as errors:
        await channel.send([port_mod(xid, found, up=up)])
        await channel.barrier()
    if errors:
        raise RequestRefused(channel.device, "port_mod", errors[0])


def _reports_liveness(ports: Iterable[PortDescription]) -> bool:
    return any(port.live for port in ports)


async def watch_ports(channel: Channel) -> AsyncIterator[PortState]:
    """Every port's state now, then each change; a deleted port is down.

    States of a port that change faster than they are consumed are merged: the last one counts, and
    memory stays bounded by the number of ports. Ends with the error that ends the connection.
    """
    pending: dict[int, tuple[int, PortDescription]] = {}
    news = asyncio.Event()

    def listen(reason: int, port: PortDescription) -> None:
        if port.port < MAX_PORT:
            pending.pop(port.port, None)
            pending[port.port] = reason, port
            news.set()

    def ended(_: object) -> None:
        news.set()

    channel.port_listeners.append(listen)
    channel.closed.add_done_callback(ended)
    try:
        # A switch that was dialled stays silent until it is told what it may send.
        await channel.send(
            [
                set_async(channel.reserve(), PACKETS_BY_RULE),
                set_config(channel.reserve(), miss_send_len=NO_BUFFER_LENGTH),
            ]
        )
        ports = await channel.multipart(Part.PORT_DESCRIPTION, decode_ports)
        liveness = _reports_liveness(ports)
        for port in ports:
            if port.port < MAX_PORT and port.port not in pending:
                yield state_of(port, liveness)
        while True:
            while pending:
                number = next(iter(pending))
                reason, port = pending.pop(number)
                liveness = liveness or port.live
                state = state_of(port, liveness)
                yield PortState(port.port, port.name, False) if reason == PortReason.DELETE else state
            news.clear()
            channel.check()
            await news.wait()
    finally:
        channel.port_listeners.remove(listen)
        channel.closed.remove_done_callback(ended)
