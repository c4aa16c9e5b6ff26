"""Changes sent to a switch: in bundles that take effect as a whole, or one by one with barriers between.

Both ways encode while the switch is at work, and return the errors by index of the message that caused them, when
the switch has confirmed.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sdnctl.dataplane.text import rule_name
from sdnctl.dataplane.values import COOKIE_OWNER_MASK, Flow, Group, Meter
from sdnctl.errors import DeviceRefused, Diagnostic
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.openflow.channel import Channel
from sdnctl.southbound.openflow.codec.bundle import BundleControl, bundle_add, bundle_control
from sdnctl.southbound.openflow.codec.faults import SwitchError
from sdnctl.southbound.openflow.codec.flow import FlowCommand, flow_mod
from sdnctl.southbound.openflow.codec.group import GroupCommand, group_mod
from sdnctl.southbound.openflow.codec.meter import MeterCommand, meter_mod
from sdnctl.southbound.openflow.codec.wire import Type
from sdnctl.southbound.openflow.mirror import Mirror
from sdnctl.southbound.openflow.waiting import RequestRefused

BUNDLE_SIZE = 3_000
"""Messages in one bundle: a switch that takes in a bundle of 50,000 forwards nothing meanwhile."""
WINDOW = 512
"""Messages between two barriers outside bundles: about 64 KB, one write."""
AHEAD = 6
"""Windows on their way: enough to keep a switch busy, few enough that a slow one answers in time."""

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


def together(changes: Sequence[Change]) -> bool:
    """Whether changes are worth an atomic bundle: several, and some change what traffic may be using now.

    What is only added or only removed is invisible to traffic until something that exists is turned to it, or was
    turned away before; it goes faster one by one, and is undone when a part of it is refused (ADR 6).
    """
    return len(changes) > 1 and any(
        change.op is Op.MODIFY and not isinstance(change.rule, Meter) for change in changes
    )


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


def messages(device: str, changes: Sequence[Change], first: int, mirror: Mirror) -> Iterator[list[bytes]]:
    """The messages of changes in windows, with transaction ids `first` …; `mirror` follows them.

    A window is encoded when it is asked for, while the switch works on those before. Raises DeviceRefused with
    everything in the window and after it that cannot be expressed.
    """
    for start in range(0, len(changes), WINDOW):
        window = changes[start : start + WINDOW]
        try:
            encoded = [encode(change, xid) for xid, change in enumerate(window, first + start)]
        except (ValueError, struct.error):
            raise DeviceRefused(*_inexpressible(device, changes[start:])) from None
        yield encoded
        mirror.take(window)


def _inexpressible(device: str, changes: Iterable[Change]) -> Iterator[Diagnostic]:
    for change in changes:
        try:
            encode(change, 0)
        except (ValueError, struct.error) as error:
            text = f"{device}: cannot {change.op} {rule_name(change.rule)}: {error}"
            yield Diagnostic("cannot-encode", text, address=f"switch {device}")


async def send_plain(
    channel: Channel, first: int, count: int, windows: Iterable[Sequence[bytes]]
) -> Mapping[int, SwitchError]:
    """Send messages `first` … `first + count - 1` as they are; returns when the switch has done them all.

    Each window ends in a barrier, and at most `AHEAD` windows are on their way: a slow switch is not taken for a
    silent one, and after a window with an error no further one is sent. The errors by index; all other
    messages have taken effect.
    """
    barriers: deque[asyncio.Future[Any]] = deque()
    with channel.watching(first, count) as errors:
        for window in windows:
            request, barrier = channel.expect_barrier()
            barriers.append(barrier)
            await channel.send((*window, request))
            if len(barriers) > AHEAD:
                await channel.settle(barriers.popleft())
            if errors:
                break
        while barriers:
            await channel.settle(barriers.popleft())
        return errors


async def send_bundle(
    channel: Channel, bundle: int, first: int, count: int, windows: Iterable[Sequence[bytes]]
) -> Mapping[int, SwitchError]:
    """Send messages `first` … as one atomic, ordered bundle; if there are errors, none has taken effect.

    Raises RequestRefused when the bundle itself is refused.
    """
    with channel.watching(first, count) as errors:

        async def fill() -> None:
            for window in windows:
                await channel.send([bundle_add(bundle, message) for message in window])
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
