"""The driver of embedded switches: same protocol, same contract, no switch needed.

Target ``memory:DIR`` (or ``memory:DIR#name`` where the switch is not called like the device). What it
accepts, refuses and cascades is what Open vSwitch does (`dataplane.refusals`, `dataplane.rulebook`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

from sdnctl.dataplane.refusals import MAX_METER, TABLES, RuleRefused
from sdnctl.dataplane.rulebook import Rulebook
from sdnctl.dataplane.switch import PortCounters
from sdnctl.dataplane.text import rule_name
from sdnctl.dataplane.values import Flow, GroupType, RuleSet, is_ours
from sdnctl.errors import DeviceRefused, DeviceUnreachable, Diagnostic
from sdnctl.plan.model import Change, DeviceChange, Observed, Op, SettingsChange
from sdnctl.southbound.base import Capabilities, Counters, Payload, PortState, Target
from sdnctl.southbound.embedded import Switchboard

SCHEME = "memory:"


class MemoryDriver:
    """One embedded switch."""

    name: ClassVar[str] = "memory"
    payload: ClassVar[Payload] = "rules"

    def __init__(self, board: Switchboard, device: str, switch: str) -> None:
        self._board = board
        self._device = device
        self._switch = switch
        self._confirmed: RuleSet | None = None  # our rules before the first commit since the last confirm

    @classmethod
    async def open(cls, target: Target) -> Self:
        """Find the switch; raises DeviceUnreachable when it is not there or does not answer."""
        if not target.address.startswith(SCHEME):
            raise DeviceUnreachable(
                Diagnostic(
                    "bad-address",
                    f"{target.address!r} is not an address of an embedded switch",
                    address=f"switch {target.device}",
                    hint="write it like memory:/var/lib/sdnctl/switches",
                )
            )
        path, _, name = target.address.removeprefix(SCHEME).partition("#")
        driver = cls(Switchboard(Path(path)), target.device, name or target.device)
        driver._check()
        return driver

    async def capabilities(self) -> Capabilities:
        """What Open vSwitch can do, without real queues or BFD behind it."""
        self._check()
        return Capabilities(
            tables=TABLES,
            bundles=True,
            groups=frozenset(str(kind) for kind in GroupType),
            meters=MAX_METER,
            encapsulations=frozenset({"mpls"}),
            queues=True,
            bfd=False,
            description="embedded in-memory switch (queues are noted, not shaped)",
        )

    async def observe(self) -> Observed:
        """Our rules, and the number of others."""
        self._check()
        rules = (await asyncio.to_thread(self._board.read, self._switch)).rules
        ours = RuleSet.of(filter(is_ours, rules))
        others = tuple(flow for flow in rules.flows.values() if not is_ours(flow))
        return Observed(ours, foreign=len(rules) - len(ours), others=others)

    async def prepare(self, changes: Sequence[DeviceChange]) -> None:
        """Try the changes on a copy; raises what `commit` would raise."""
        self._check()
        embedded = await asyncio.to_thread(self._board.read, self._switch)
        self._changed(embedded.rules, changes)

    async def commit(self, changes: Sequence[DeviceChange]) -> None:
        """Make all changes in order, or none."""
        self._check()
        await asyncio.to_thread(self._commit, changes)

    async def confirm(self) -> None:
        self._check()
        self._confirmed = None

    async def revert(self) -> None:
        """Put our rules back to the last confirmed ones; foreign rules stay as they are now."""
        self._check()
        if self._confirmed is None:
            return
        await asyncio.to_thread(self._restore, self._confirmed)
        self._confirmed = None

    async def counters(self) -> Counters:
        """Port states and packets; flows are counted from when their table and cookie first appeared."""
        self._check()
        embedded = await asyncio.to_thread(self._board.read, self._switch)
        tally = await asyncio.to_thread(self._board.read_tally, self._switch)
        flows: Counter[tuple[int, int]] = Counter()
        for flow in embedded.rules.flows.values():
            flows[flow.table, flow.cookie] = tally.flows[flow.table, flow.cookie]
        ports = {}
        for number, port in sorted(embedded.ports.items()):
            counts = tally.ports.get(number, PortCounters())
            ports[number] = PortState(
                port=number,
                name=f"{self._switch}:{number}",
                up=port.up,
                rx_packets=counts.rx_packets,
                tx_packets=counts.tx_packets,
                rx_bytes=counts.rx_bytes,
                tx_bytes=counts.tx_bytes,
                rx_dropped=counts.rx_dropped,
                tx_dropped=counts.tx_dropped,
            )
        return Counters(ports, flows)

    async def close(self) -> None:
        """Nothing is held open."""

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _check(self) -> None:
        try:
            self._board.check_reachable(self._switch)
        except DeviceUnreachable as error:
            if self._switch == self._device:
                raise
            # The switch bears another name than the device: say which device that is.
            note = Diagnostic(
                "device-unreachable", "the device's switch does not answer", f"switch {self._device}"
            )
            raise DeviceUnreachable(note, *error.diagnostics) from None

    def _commit(self, changes: Sequence[DeviceChange]) -> None:
        with self._board.changing(self._switch) as embedded:
            before = RuleSet.of(filter(is_ours, embedded.rules))
            embedded.rules = self._changed(embedded.rules, changes)
        if self._confirmed is None:
            self._confirmed = before

    def _restore(self, ours: RuleSet) -> None:
        with self._board.changing(self._switch) as embedded:
            embedded.rules = RuleSet.of([*(rule for rule in embedded.rules if not is_ours(rule)), *ours])

    def _changed(self, rules: RuleSet, changes: Sequence[DeviceChange]) -> RuleSet:
        """The rules after the changes; raises DeviceRefused that names device and change."""
        book = Rulebook(rules)
        for change in changes:
            if not isinstance(change, Change):
                kind = "settings" if isinstance(change, SettingsChange) else "attachments"
                raise self._refused(kind, f"an embedded switch has no {kind}", "give the change to another driver")
            name = f"{change.op} {rule_name(change.rule)}"
            if not is_ours(change.rule):
                raise self._refused(
                    name, "the rule is not sdnctl's: its cookie or number is outside its range", ""
                )
            there = book.rules.flows.get(change.rule.key) if isinstance(change.rule, Flow) else None
            if there is not None and not is_ours(there):
                if change.op is Op.DELETE:
                    continue  # ours is gone already: somebody else's stands in its place
                raise self._refused(name, "somebody else's flow has the same table, priority and match", "")
            try:
                _make(book, change)
            except RuleRefused as refusal:
                raise self._refused(name, refusal.reason, refusal.error) from refusal
        return book.rules

    def _refused(self, change: str, reason: str, detail: str) -> DeviceRefused:
        summary = f"the switch refused: {reason}"
        return DeviceRefused(
            Diagnostic("device-refused", summary, f"switch {self._device}, {change}", detail=detail)
        )


def _make(book: Rulebook, change: Change) -> None:
    if change.op is Op.DELETE:
        book.delete(change.rule)
    elif change.op is Op.MODIFY and not isinstance(change.rule, Flow):
        book.modify(change.rule)
    else:
        # A flow is changed by adding it again: also its cookie changes, and one that somebody deleted comes back.
        book.add(change.rule)
