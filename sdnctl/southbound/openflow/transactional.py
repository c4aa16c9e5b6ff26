"""Observe, commit, confirm and revert the rules of one switch, whatever carries the messages there.

A child says how rules are read (`_read`) and how changes are sent (`_send`); here stands what is the same for all:
what the switch is known to hold, what is checked first, what is undone when a part is refused, and what `revert`
goes back to. Nobody else is supposed to write (a lease sees to it), and only what was touched is undone.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, cast

from sdnctl.dataplane.text import rule_name
from sdnctl.dataplane.values import COOKIE_OWNER, COOKIE_OWNER_MASK, Flow, FlowKey, Group, Meter, RuleSet, is_ours
from sdnctl.errors import DeviceError, DeviceRefused, DeviceUnreachable, Diagnostic
from sdnctl.plan.model import Change, DeviceChange, Observed
from sdnctl.southbound.base import Capabilities, Target
from sdnctl.southbound.openflow.checks import Checks
from sdnctl.southbound.openflow.codec.faults import SwitchError
from sdnctl.southbound.openflow.codec.wire import Opaque
from sdnctl.southbound.openflow.mirror import Mirror, Touched, applied, restoring

logger = logging.getLogger(__name__)


class ChangesRefused(DeviceRefused):
    """The switch refused changes; `refusals` ties each error message to the change that caused it."""

    def __init__(self, device: str, refusals: Sequence[tuple[Change, SwitchError]]) -> None:
        self.refusals = tuple(refusals)
        super().__init__(
            *(
                Diagnostic(
                    "device-refused",
                    f"{device} refused to {change.op} {rule_name(change.rule)}: {error.name}",
                    address=f"switch {device}",
                )
                for change, error in refusals
            )
        )


class Held(NamedTuple):
    """Everything that a switch holds, ours or not; `Opaque` is what sdnctl has no words for."""

    flows: Sequence[Flow | Opaque]
    groups: Sequence[Group | Opaque]
    meters: Sequence[Meter | Opaque]


class TransactionalDriver(ABC):
    """One switch; with `_read`, `_send` and `_check` of a child it satisfies the writing half of `Driver`."""

    def __init__(self, target: Target, capabilities: Capabilities) -> None:
        self.target = target
        self._capabilities = capabilities
        self._lock = asyncio.Lock()
        self._held: Mirror | None = None  # what the switch holds of ours, None: not known
        self._foreign: set[FlowKey] = set()
        self._confirmed: tuple[Mirror, int] | None = None  # what to revert to and when, None: nothing is pending
        self._committed: list[Sequence[Change]] = []  # since then

    @abstractmethod
    async def _read(self) -> Held:
        """Read back all flows, groups and meters. Raises DeviceUnreachable, DeviceRefused, ProtocolError."""

    @abstractmethod
    async def _send(self, changes: Sequence[Change], mirror: Mirror, checks: Checks | None = None) -> None:
        """Send changes, checked where there are `checks`, and let the mirror follow.

        Returns when the switch has confirmed all of them. Raises DeviceRefused (ChangesRefused with what the
        switch said) at the first part that is refused, when earlier parts may have taken effect.
        """

    @abstractmethod
    def _check(self) -> None:
        """Raise DeviceUnreachable when the connection is known to be lost."""

    async def capabilities(self) -> Capabilities:
        return self._capabilities

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    async def observe(self) -> Observed:
        """Read back all flows, groups and meters; ours are returned, others counted."""
        async with self._lock:
            return await self._observe()

    async def _observe(self) -> Observed:
        read = await self._read()
        ours: dict[FlowKey, Flow] = {}
        others: list[Flow] = []
        foreign = 0
        for flow in read.flows:
            if not isinstance(flow, Flow):
                foreign += 1
                if flow.id & COOKIE_OWNER_MASK == COOKIE_OWNER:
                    # Ours by cookie, but somebody made of it what we never do: left alone, and said.
                    logger.warning("%s: flow with our cookie %#x, %s", self.target.device, flow.id, flow.reason)
            elif flow.cookie & COOKIE_OWNER_MASK == COOKIE_OWNER:
                ours[flow.table, flow.priority, flow.match] = flow
            else:
                foreign += 1
                others.append(flow)
        rules = RuleSet(ours)
        for rule in (*read.groups, *read.meters):
            if isinstance(rule, Opaque) or not is_ours(rule):
                foreign += 1
            else:
                rules.add(rule)
        self._held, self._foreign = Mirror(rules), {flow.key for flow in others}
        held = RuleSet(dict(rules.flows), dict(rules.groups), dict(rules.meters))
        return Observed(held, foreign, others=tuple(others))

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    async def prepare(self, changes: Sequence[DeviceChange]) -> None:
        """Check changes against what the switch holds and can do; raises DeviceRefused with all faults."""
        rules = self._rules_only(changes)
        async with self._lock:
            checks = await self._checks(rules)
        if faults := checks.faults(rules):
            raise DeviceRefused(*faults)

    async def commit(self, changes: Sequence[DeviceChange]) -> None:
        """Make all changes, in order, or none; returns when the switch has confirmed them by barrier.

        They are checked as by `prepare`, on the way. Raises DeviceRefused (ChangesRefused with what the switch
        said), with everything undone; DeviceUnreachable when the connection is lost, with the switch somewhere
        between: `observe` on a new connection tells.
        """
        rules = self._rules_only(changes)
        async with self._lock:
            self._check()
            if not rules:
                return
            mirror = await self._known()
            if self._confirmed is None:
                self._confirmed, self._committed = (mirror, mirror.mark()), []
            self._committed.append(rules)
            self._held = None  # until the switch has confirmed
            before = mirror.mark()
            try:
                await self._send(rules, mirror, await self._checks(rules, mirror))
            except DeviceRefused as error:
                await self._undo(mirror.at(before), rules, error)
                raise
            self._held = mirror

    async def confirm(self) -> None:
        """Make what was committed permanent: `revert` goes no further back than here."""
        async with self._lock:
            self._confirmed, self._committed = None, []
            if self._held is not None:
                self._held.settle()

    async def revert(self) -> None:
        """Bring everything that was committed since the last `confirm` back to what it was."""
        async with self._lock:
            if self._confirmed is None:
                return
            mirror, mark = self._confirmed
            wanted = mirror.at(mark)
            changes = [change for committed in self._committed for change in committed]
            await self._restore(wanted, applied(wanted, changes)[1])
            self._confirmed, self._committed = None, []

    def _rules_only(self, changes: Sequence[DeviceChange]) -> Sequence[Change]:
        """The changes, when all are of rules; raises DeviceRefused otherwise."""
        if any(kind is not Change for kind in set(map(type, changes))):
            raise DeviceRefused(
                Diagnostic(
                    "not-rules",
                    f"{self.target.device}: OpenFlow carries rules, not settings",
                    address=f"switch {self.target.device}",
                    hint="settings need a driver whose payload they are, such as ovsdb",
                )
            )
        return cast(Sequence[Change], changes)

    async def _checks(self, changes: Sequence[Change], held: Mirror | None = None) -> Checks:
        held = held if held is not None else await self._known()
        return Checks(self.target.device, changes, held, self._foreign, self._capabilities)

    async def _known(self) -> Mirror:
        """What the switch holds of ours, read only when this connection does not know it."""
        if self._held is None:
            await self._observe()
        assert self._held is not None
        return self._held

    async def _restore(self, wanted: RuleSet, touched: Touched) -> None:
        """Bring what was touched from what the switch holds now to what it held."""
        current = (await self._observe()).rules
        mirror = await self._known()
        self._held = None
        await self._send(restoring(current, wanted, touched), mirror)
        self._held = mirror

    async def _undo(self, before: RuleSet, changes: Sequence[Change], error: DeviceRefused) -> None:
        """Undo a refused commit; raises with both reasons when that fails too."""
        try:
            await self._restore(before, applied(before, changes)[1])
        except DeviceError as second:
            text = f"{self.target.device}: what had taken effect before the refusal could not be undone"
            kind = DeviceUnreachable if isinstance(second, DeviceUnreachable) else DeviceRefused
            raise kind(
                *error.diagnostics,
                Diagnostic("not-undone", text, address=f"switch {self.target.device}"),
                *second.diagnostics,
            ) from error
