"""Changes as messages: how each is encoded, and which of them go to a switch together."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from sdnctl.dataplane.text import rule_name
from sdnctl.dataplane.values import COOKIE_OWNER_MASK, Flow, Group, Meter, is_ours
from sdnctl.errors import DeviceRefused, Diagnostic
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.openflow.channel import Channel
from sdnctl.southbound.openflow.checks import Checks
from sdnctl.southbound.openflow.codec.bundle import BundleControl, bundle_add, bundle_control
from sdnctl.southbound.openflow.codec.flow import FlowCommand, addition_templates, bundled_flow_mod, flow_mod
from sdnctl.southbound.openflow.codec.flow_out import Judge
from sdnctl.southbound.openflow.codec.group import GroupCommand, group_mod
from sdnctl.southbound.openflow.codec.meter import MeterCommand, meter_mod
from sdnctl.southbound.openflow.codec.template import Templates
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

_RULE = attrgetter("rule")


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
        start, stop = base, min(base + BUNDLE_SIZE, len(changes))
        if Meter not in set(map(type, map(_RULE, changes[start:stop]))):
            yield start, stop
            continue
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
        write = _Writer(self.bundle, self.checks)
        for start in range(0, len(self.changes), WINDOW):
            window = self.changes[start : start + WINDOW]
            try:
                encoded = write.window(window, self.first + start)
            except _Faulty:
                assert self.checks is not None
                raise DeviceRefused(*self.checks.faults(self.changes[start:])) from None
            except (ValueError, struct.error):
                raise DeviceRefused(*_inexpressible(self.device, self.changes[start:])) from None
            yield encoded
            mirror.take(window)


class _Faulty(Exception):
    """A change should not be sent; which and why is for `Checks.faults`."""


class _Writer:
    """Checks and encodes changes, most flows in one go.

    The first flow of a shape is checked closely. When it is sound, so are all others of the shape but for what
    the template itself looks at: a flow is taken apart once and not twice.
    """

    def __init__(self, bundle: int | None, checks: Checks | None) -> None:
        self._bundle, self._checks = bundle, checks
        self._templates = addition_templates(bundle is not None)
        self._sound: dict[tuple[int, int, int], list[Judge]] = {}

    def window(self, changes: Sequence[Change], first: int) -> list[bytes]:
        """The messages of a window; raises _Faulty, ValueError or struct.error."""
        checks, number = self._checks, self._bundle or 0
        if checks is None:
            return self._unchecked(changes, first, number)
        sound, delete = self._sound, Op.DELETE
        tables, groups, meters = checks.can.tables, checks.groups, checks.meters
        messages = []
        for xid, change in enumerate(changes, first):
            rule, data = change.rule, None
            if type(rule) is Flow:
                if change.op is delete:
                    data = encode(change, xid, self._bundle) if is_ours(rule) else None
                else:
                    for judge in sound.get((rule.table, len(rule.match.fields), len(rule.actions)), ()):
                        data = judge(rule, xid, number, tables, groups, meters)
                        if data is not None:
                            break
            messages.append(data if data is not None else self._closely(change, xid))
        return messages

    def _unchecked(self, changes: Sequence[Change], first: int, bundle: int) -> list[bytes]:
        messages = []
        for xid, change in enumerate(changes, first):
            rule, data = change.rule, None
            if type(rule) is Flow and change.op is not Op.DELETE:
                data = self._templates.encode(rule, xid, 0, bundle)
            messages.append(data if data is not None else encode(change, xid, self._bundle))
        return messages

    def _closely(self, change: Change, xid: int) -> bytes:
        checks, rule = self._checks, change.rule
        assert checks is not None
        if checks.faults((change,)):
            raise _Faulty
        data = encode(change, xid, self._bundle)
        if isinstance(rule, Flow) and change.op is not Op.DELETE and checks.stand_for_others(rule):
            known = self._sound.setdefault((rule.table, len(rule.match.fields), len(rule.actions)), [])
            judge = self._templates.judge(rule)
            if judge not in known and len(known) < Templates.PER_KEY:
                known.append(judge)
        return data


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
