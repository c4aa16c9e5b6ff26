"""Connections that we make: to switches that listen (``ptcp:``, ``pssl:``, ``punix:`` on their side)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import replace

from sdnctl.errors import DeviceUnreachable, Diagnostic
from sdnctl.southbound.openflow.address import Address, bad_address, tls_context
from sdnctl.southbound.openflow.channel import Channel, Timing
from sdnctl.southbound.openflow.metrics import ChannelMetrics
from sdnctl.southbound.openflow.refusals import refusal

_HINTS = {
    "tcp": "let the switch listen: ovs-vsctl set-controller BRIDGE ptcp:PORT",
    "ssl": "let the switch listen: ovs-vsctl set-controller BRIDGE pssl:PORT, with certificates of one authority",
    "unix": "is the switch running, and may this user open its socket?",
}


async def dial(
    address: Address,
    device: str,
    metrics: ChannelMetrics,
    options: Mapping[str, str] | None = None,
    timing: Timing | None = None,
) -> Channel:
    """Connect to a listening switch and shake hands.

    `options` hold the TLS files of an ``ssl:`` address. Raises DeviceUnreachable when nobody answers in
    time, DeviceRefused or ProtocolError when what answers is not an OpenFlow 1.3 switch.
    """
    if address.listen:
        raise bad_address(str(address), "an address to listen on, not one to dial")
    timing = timing or Timing()
    options = options or {}
    context = tls_context(options, server=False) if address.scheme == "ssl" else None
    channel = Channel(device, metrics, timing)
    try:
        async with asyncio.timeout(timing.connect):
            await _connect(address, channel, context, options.get("server_name"))
    except (OSError, TimeoutError) as error:
        metrics.failed_handshakes.inc()
        slow = isinstance(error, TimeoutError) and not str(error)
        if (why := refusal(error, f"{device} at {address}")) is not None:
            raise DeviceUnreachable(replace(why, address=f"switch {device}")) from error
        raise DeviceUnreachable(
            Diagnostic(
                "device-unreachable",
                f"{device}: no connection to {address}",
                address=f"switch {device}",
                detail=f"no answer within {timing.connect:g} s" if slow else str(error),
                hint=_HINTS[address.scheme],
            )
        ) from error
    metrics.connections.labels("dialled").inc()
    try:
        await channel.handshake()
    except BaseException:
        metrics.failed_handshakes.inc()
        await channel.close()
        raise
    return channel


async def _connect(address: Address, channel: Channel, context: ssl.SSLContext | None, name: str | None) -> None:
    loop = asyncio.get_running_loop()
    if address.scheme == "unix":
        await loop.create_unix_connection(lambda: channel, address.path)
    else:
        await loop.create_connection(
            lambda: channel,
            address.host,
            address.port,
            ssl=context,
            server_hostname=(name or address.host) if context else None,
        )
