"""Changes as messages: how each is encoded, and which of them go to a switch together."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from sdnctl.dataplane.text import rule_name
from sdnctl.dataplane.values import COOKIE_OWNER_MASK, Flow, Group, Meter
from sdnctl.errors import DeviceRefused, Diagnostic
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.openflow.channel import Channel
from sdnctl.southbound.openflow.checks import Checks
from sdnctl.southbound.openflow.codec.bundle import BundleControl, bundle_add, bundle_control
from sdnctl.southbound.openflow.codec.flow import FlowCommand, bundled_flow_mod, flow_mod, quick_addition
from sdnctl.southbound.openflow.codec.group import GroupCommand, group_mod
from sdnctl.southbound.openflow.codec.meter import MeterCommand, meter_mod
from sdnctl.southbound.openflow.codec.wire import Type
from sdnctl.southbound.openflow.mirror import Mirror
from sdnctl.southbound.openflow.sending import WINDOW

BUNDLE_SIZE = 3_000
"""Messages in one bundle: a switch that takes in a bundle of 50,000 forwards nothing meanwhile."""

# A flow is changed by adding it again: that replaces actions and cookie, keeps the counters, and works too
# when somebody deleted the flow meanwhile, where a modification would silently do nothing.
_FLOW_COMMANDS = {Op.ADD: FlowCommand.ADD, Op.MODIFY: FlowCommand.ADD, Op.DELETE: FlowCommand.DELETE_STRICT}
_GROUP_COMMANDS = {Op.ADD: GroupCommand.ADD, Op.MODIFY: GroupCommand.MODIFY, Op.DELETE: GroupCommand.DELETE}
_METER_COMMANDS = {Op.ADD: MeterCommand.ADD, Op.MODIFY: MeterCommand.MODIFY, Op.DELETE: MeterCommand.DELETE}


def encode(change: Change, xid: int, bundle: int | None = None) -> bytes:
    """One change as one message, one that adds it to a bundle where there is one.

    A deletion takes a flow only if its cookie has the owner that the change names: never a foreign one. Raises
    ValueError or struct.error when the change cannot be expressed.
    """
    rule = change.rule
    if isinstance(rule, Flow):
        mask = COOKIE_OWNER_MASK if change.op is Op.DELETE else 0
        if bundle is None:
            return flow_mod(rule, _FLOW_COMMANDS[change.op], xid, mask)
        return bundled_flow_mod(rule, _FLOW_COMMANDS[change.op], xid, mask, bundle)
    if isinstance(rule, Group):
        data = group_mod(rule, _GROUP_COMMANDS[change.op], xid)
    else:
        data = meter_mod(rule, _METER_COMMANDS[change.op], xid)
    return data if bundle is None else bundle_add(bundle, data)


def segments(changes: Sequence[Change], bundles: bool) -> Iterator[tuple[int, int]]:
    """Split changes, in order, into ranges (start, stop) that are sent together.

    With bundles, flows and groups stand in ranges of at most `BUNDLE_SIZE`, meters, which no bundle
    takes, in ranges of their own. Without, one range is everything.
    """
    if not bundles:
        if changes:
            yield 0, len(changes)
        return
    for base in range(0, len(changes), BUNDLE_SIZE):
        start = base
        for _, run in groupby(changes[base : base + BUNDLE_SIZE], key=_is_meter):
            stop = start + sum(1 for _ in run)
            yield start, stop
            start = stop


def _is_meter(change: Change) -> bool:
    return type(change.rule) is Meter


@dataclass(frozen=True, slots=True)
class Portion:
    """Changes that are sent together, under transaction ids `first` …, in a bundle or not, checked or not."""

    device: str
    changes: Sequence[Change]
    first: int
    bundle: int | None
    checks: Checks | None

    def windows(self, mirror: Mirror) -> Iterator[list[bytes]]:
        """Their messages in windows; `mirror` follows what was sent.

        A window is checked and encoded when it is asked for, while the switch works on those before. Raises
        DeviceRefused with everything that is wrong in the window and after it.
        """
        for start in range(0, len(self.changes), WINDOW):
            window = self.changes[start : start + WINDOW]
            if self.checks is not None and self.checks.faults(window):
                raise DeviceRefused(*self.checks.faults(self.changes[start:]))
            try:
                encoded = self._encode(window, self.first + start)
            except (ValueError, struct.error):
                raise DeviceRefused(*_inexpressible(self.device, self.changes[start:])) from None
            yield encoded
            mirror.take(window)

    def _encode(self, window: Sequence[Change], first: int) -> list[bytes]:
        bundle = self.bundle
        quick, number, delete = quick_addition(bundle is not None), bundle or 0, Op.DELETE
        encoded = []
        for xid, change in enumerate(window, first):
            rule, data = change.rule, None
            if type(rule) is Flow and change.op is not delete:
                data = quick(rule, xid, 0, number)
            encoded.append(data if data is not None else encode(change, xid, bundle))
        return encoded


def _inexpressible(device: str, changes: Iterable[Change]) -> Iterator[Diagnostic]:
    for change in changes:
        try:
            encode(change, 0)
        except (ValueError, struct.error) as error:
            text = f"{device}: cannot {change.op} {rule_name(change.rule)}: {error}"
            yield Diagnostic("cannot-encode", text, address=f"switch {device}")


async def control(channel: Channel, bundle: int, kind: BundleControl) -> None:
    """One bundle control request and its reply; raises RequestRefused."""
    name = f"bundle {kind.name.lower().replace('_', ' ')}"
    await channel.request(name, Type.EXPERIMENTER, lambda xid: bundle_control(xid, bundle, kind))
