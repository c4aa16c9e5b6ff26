"""Reading back a part of a switch: the flows by table and cookie, groups and meters only where some are asked for.

Open vSwitch finds the flows of one exact cookie by an index, so a few rules of a full switch cost little. With
more cookies than `FEW` in a table the whole table is asked for: then one request costs less than many.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from sdnctl.dataplane.values import COOKIE_OWNER, COOKIE_OWNER_MASK, Flow, Group, Meter, RuleSet, is_ours
from sdnctl.plan.model import Rule
from sdnctl.southbound.openflow.channel import Channel
from sdnctl.southbound.openflow.codec.flow import decode_flows, flow_stats_request
from sdnctl.southbound.openflow.codec.group import decode_groups
from sdnctl.southbound.openflow.codec.meter import decode_meters, meter_request
from sdnctl.southbound.openflow.codec.multipart import Part
from sdnctl.southbound.openflow.codec.wire import Opaque

FEW = 8
ALL_BITS = 0xFFFFFFFFFFFFFFFF


async def read_part(channel: Channel, rules: Sequence[Rule]) -> RuleSet:
    """What a switch holds of ours where these rules are, and more; raises DeviceUnreachable."""
    flows = [rule for rule in rules if isinstance(rule, Flow)]
    others = {type(rule) for rule in rules} - {Flow}
    asked = [channel.multipart(Part.FLOW, decode_flows, body) for body in requests(flows)]
    held: RuleSet = RuleSet()
    for found in await asyncio.gather(*asked):
        for flow in found:
            if isinstance(flow, Flow):
                held.flows[flow.key] = flow
    if Group in others:
        groups = await channel.multipart(Part.GROUP_DESCRIPTION, decode_groups)
        _take(held, groups)
    if others - {Group}:
        meters = await channel.multipart(Part.METER_CONFIG, decode_meters, meter_request())
        _take(held, meters)
    return held


def _take(held: RuleSet, found: Iterable[Group | Meter | Opaque]) -> None:
    for rule in found:
        if not isinstance(rule, Opaque) and is_ours(rule):
            held.add(rule)


def requests(flows: Iterable[Flow]) -> list[bytes]:
    """Bodies of flow statistics requests that cover these flows."""
    cookies: dict[int, set[int]] = {}
    for flow in flows:
        cookies.setdefault(flow.table, set()).add(flow.cookie)
    bodies = []
    for table, marks in sorted(cookies.items()):
        if len(marks) <= FEW:
            bodies += [flow_stats_request(table, mark, ALL_BITS) for mark in sorted(marks)]
        else:
            bodies.append(flow_stats_request(table, COOKIE_OWNER, COOKIE_OWNER_MASK))
    return bodies
