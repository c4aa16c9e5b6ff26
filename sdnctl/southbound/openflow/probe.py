"""What a switch can do, asked of the switch itself and not concluded from its name."""

from __future__ import annotations

import asyncio

from sdnctl.dataplane.values import COOKIE_OWNER, Encap, Flow, Match, SetField
from sdnctl.southbound.base import Capabilities
from sdnctl.southbound.openflow.channel import Channel
from sdnctl.southbound.openflow.codec.bundle import BundleControl, bundle_add
from sdnctl.southbound.openflow.codec.flow import FlowCommand, flow_mod
from sdnctl.southbound.openflow.codec.group import decode_group_features
from sdnctl.southbound.openflow.codec.meter import decode_meter_features
from sdnctl.southbound.openflow.codec.multipart import Part, decode_description
from sdnctl.southbound.openflow.codec.session import Capability
from sdnctl.southbound.openflow.transaction import control
from sdnctl.southbound.openflow.waiting import RequestRefused

PROBE_BUNDLE = 0x5D9C

ENCAPSULATING = Flow(0, 0, Match(), COOKIE_OWNER, (Encap("mpls"), SetField("mpls_label", 16), Encap("ethernet")))


async def probe(channel: Channel) -> Capabilities:
    """Ask for description, group and meter features, and try bundles and encapsulation without effect."""
    description, groups, meters, (bundles, encapsulation) = await asyncio.gather(
        describe(channel), _groups(channel), _meters(channel), _bundles(channel)
    )
    return Capabilities(
        tables=channel.features.tables,
        bundles=bundles,
        groups=groups,
        meters=meters,
        encapsulations=frozenset({"mpls"}) if encapsulation else frozenset(),
        queues=bool(channel.features.capabilities & Capability.QUEUE_STATS),
        description=description,
    )


async def describe(channel: Channel) -> str:
    """What the switch says that it is: maker, model, software, name."""
    (found,) = await channel.multipart(Part.DESCRIPTION, lambda body: [decode_description(body)])
    return str(found) or "unnamed switch"


async def _groups(channel: Channel) -> frozenset[str]:
    try:
        (found,) = await channel.multipart(Part.GROUP_FEATURES, lambda body: [decode_group_features(body)])
    except RequestRefused:
        return frozenset()
    return frozenset(kind.value for kind in found.types)


async def _meters(channel: Channel) -> int:
    try:
        (found,) = await channel.multipart(Part.METER_FEATURES, lambda body: [decode_meter_features(body)])
    except RequestRefused:
        return 0
    return found.largest


async def _bundles(channel: Channel) -> tuple[bool, bool]:
    """Whether bundles are understood, and whether a flow that encapsulates gets into one.

    The bundle is discarded, so nothing changes. Without bundles an encapsulation cannot be tried
    without effect, and is taken for absent.
    """
    try:
        await control(channel, PROBE_BUNDLE, BundleControl.OPEN_REQUEST)
    except RequestRefused:
        return False, False
    first = channel.reserve()
    with channel.watching(first, 1) as errors:
        await channel.send([bundle_add(PROBE_BUNDLE, flow_mod(ENCAPSULATING, FlowCommand.ADD, first))])
        await channel.barrier()
        await control(channel, PROBE_BUNDLE, BundleControl.DISCARD_REQUEST)
    return True, not errors
