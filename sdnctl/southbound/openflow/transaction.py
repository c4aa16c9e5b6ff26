"""Changes sent to a switch: as messages, in bundles that take effect as a whole, or one by one.

Both ways return the errors by index of the message that caused them, when the switch has confirmed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from sdnctl.dataplane.values import COOKIE_OWNER_MASK, Flow, Group
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.openflow.channel import Channel
from sdnctl.southbound.openflow.codec.bundle import BundleControl, bundle_add, bundle_control
from sdnctl.southbound.openflow.codec.faults import SwitchError
from sdnctl.southbound.openflow.codec.flow import FlowCommand, flow_mod
from sdnctl.southbound.openflow.codec.group import GroupCommand, group_mod
from sdnctl.southbound.openflow.codec.meter import MeterCommand, meter_mod
from sdnctl.southbound.openflow.codec.wire import Type
from sdnctl.southbound.openflow.waiting import RequestRefused

BUNDLE_SIZE = 3_000
"""Messages in one bundle: a switch that takes in a bundle of 50,000 forwards nothing meanwhile."""

# A flow is changed by adding it again: that replaces actions and cookie, keeps the counters, and works too
# when somebody deleted the flow meanwhile, where a modification would silently do nothing.
_FLOW_COMMANDS = {Op.ADD: FlowCommand.ADD, Op.MODIFY: FlowCommand.ADD, Op.DELETE: FlowCommand.DELETE_STRICT}
_GROUP_COMMANDS = {Op.ADD: GroupCommand.ADD, Op.MODIFY: GroupCommand.MODIFY, Op.DELETE: GroupCommand.DELETE}
_METER_COMMANDS = {Op.ADD: MeterCommand.ADD, Op.MODIFY: MeterCommand.MODIFY, Op.DELETE: MeterCommand.DELETE}


def encode(change: Change, xid: int) -> bytes:
    """One change as one message; raises ValueError or struct.error when it cannot be expressed.

    A deletion takes a flow only if its cookie has the owner that the change names: never a foreign one.
    """
    rule = change.rule
    if isinstance(rule, Flow):
        return flow_mod(rule, _FLOW_COMMANDS[change.op], xid, COOKIE_OWNER_MASK if change.op is Op.DELETE else 0)
    if isinstance(rule, Group):
        return group_mod(rule, _GROUP_COMMANDS[change.op], xid)
    return meter_mod(rule, _METER_COMMANDS[change.op], xid)


def segments(changes: Sequence[Change], bundles: bool) -> list[tuple[int, int]]:
    """Split changes, in order, into ranges (start, stop) that are sent together.

    With bundles, flows and groups stand in ranges of at most `BUNDLE_SIZE`, meters, which no bundle
    takes, in ranges of their own. Without, one range is everything.
    """
    if not bundles:
        return [(0, len(changes))] if changes else []
    kinds = [isinstance(change.rule, Flow | Group) for change in changes]
    ranges: list[tuple[int, int]] = []
    start = 0
    for stop in range(1, len(changes) + 1):
        full = kinds[start] and stop - start == BUNDLE_SIZE
        if stop == len(changes) or kinds[stop] != kinds[start] or full:
            ranges.append((start, stop))
            start = stop
    return ranges


async def send_plain(channel: Channel, first: int, messages: Sequence[bytes]) -> Mapping[int, SwitchError]:
    """Send messages `first` … as they are, then a barrier; the errors by index. Others have taken effect."""
    with channel.watching(first, len(messages)) as errors:
        await channel.send(messages)
        await channel.barrier()
        return errors


async def send_bundle(
    channel: Channel, bundle: int, first: int, messages: Sequence[bytes]
) -> Mapping[int, SwitchError]:
    """Send messages `first` … as one atomic, ordered bundle; if there are errors, none has taken effect.

    Raises RequestRefused when the bundle itself is refused.
    """
    with channel.watching(first, len(messages)) as errors:

        async def fill() -> None:
            await channel.send([bundle_add(bundle, message) for message in messages])
            await channel.barrier()

        # What is added follows the opening at once: over a long line, round trips are what takes time.
        for outcome in await asyncio.gather(
            control(channel, bundle, BundleControl.OPEN_REQUEST), fill(), return_exceptions=True
        ):
            if outcome is not None:
                raise outcome
        if errors:
            # What could be parsed is in the bundle, and a commit would make half of it.
            await control(channel, bundle, BundleControl.DISCARD_REQUEST)
            return errors
        try:
            await control(channel, bundle, BundleControl.COMMIT_REQUEST)
        except RequestRefused:
            if not errors:
                raise
        return errors


async def control(channel: Channel, bundle: int, kind: BundleControl) -> None:
    """One bundle control request and its reply; raises RequestRefused."""
    name = f"bundle {kind.name.lower().replace('_', ' ')}"
    await channel.request(name, Type.EXPERIMENTER, lambda xid: bundle_control(xid, bundle, kind))
