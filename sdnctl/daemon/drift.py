"""Drift: every switch is read back now and then, and put back to what was applied where the policy says so.

A loop that knows only keys: whatever happened in between, a switch is looked at, compared with what is *applied*,
and where that differs planned for afresh, under a turn. What a look saw while somebody else had a turn is thrown
away, so a change that is being made is never fought. A switch that comes back is looked at once: one that
restarted empty is filled, one that missed a change is brought along, and nothing that is right on it is written
again. So is a device that says that it was changed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from sdnctl.compiler.ir import Compiled
from sdnctl.daemon import patience
from sdnctl.daemon.driftboard import DEFAULT, DriftCollector, Policy, SwitchDrift, policy_for
from sdnctl.daemon.events import Kind, Severity
from sdnctl.daemon.hub import Hub
from sdnctl.daemon.noticing import Noticing
from sdnctl.daemon.patience import Patience
from sdnctl.daemon.repairing import Repair
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import StoreError
from sdnctl.plan.attachments import compare as compare_attachments
from sdnctl.plan.changes import settings_differ
from sdnctl.plan.drift import DriftState, Explainer
from sdnctl.plan.model import Observed
from sdnctl.southbound.fleet import Observation
from sdnctl.store.freezes import Freeze
from sdnctl.store.state import State
from sdnctl.store.store import now as time_of_day
from sdnctl.usecases.documents import finding_document
from sdnctl.usecases.drifting import Located, attached_findings, located
from sdnctl.usecases.planning import settings_of
from sdnctl.verify.held import HeldReport, compare

logger = logging.getLogger(__name__)

AT_ONCE = 8
"""Switches that are read at a time: a round must not be felt by anybody."""
SOON = 0.5
"""Seconds until the next look where the last one was overtaken by a change."""
GATHER = 0.1
"""Seconds in which switches that want to be repaired are gathered into one change: after a power cut, dozens."""
TOLD = 20
"""Rules that one event lists."""


@dataclass(slots=True)
class _Switch:
    """What the loop knows of one switch; times are of the event loop's clock."""

    due: float = 0.0
    good: int = 0  # the connection on which it was last seen as applied
    wanted: float | None = None  # when it may be repaired, None: it need not be
    contested: bool = False  # it was told that somebody else keeps changing it
    failed: bool = False  # the last repair did nothing to it, so its drift is no sign of another writer


@dataclass
class DriftWatch:
    """The part; one for each controller."""

    name: str = "drift"
    _switches: dict[str, _Switch] = field(default_factory=dict)
    _patience: Patience = field(default_factory=Patience)
    _explainer: Explainer | None = None
    _kept: dict[str, Freeze] = field(default_factory=dict)

    async def run(self, hub: Hub) -> None:
        """Look and repair until cancelled."""
        self._hub = hub
        self._clock = asyncio.get_running_loop().time
        self._news, self._work = asyncio.Event(), asyncio.Event()
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._switches.clear()
        self._kept = dict(await hub.compute(hub.context.store.freezes.all))
        hub.drift.freezes = dict(self._kept)
        with self._listening(hub):
            await self._check_policies()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._rounds(tasks))
                tasks.create_task(self._repairs())
                for _ in range(AT_ONCE):
                    tasks.create_task(self._looks())

    @contextmanager
    def _listening(self, hub: Hub) -> Iterator[None]:
        with ExitStack() as stack:
            collector = DriftCollector(hub.drift)
            hub.registry.register(collector)
            stack.callback(hub.registry.unregister, collector)
            stack.callback(hub.drift.freezes.clear)  # the next master's are what the store says
            stack.callback(hub.fleet.on_presence(self._presence))
            stack.callback(hub.drift.on_acknowledge(self._acknowledged))
            yield

    async def _check_policies(self) -> None:
        """Say so where the settings name a class that nobody has: a typing error would unfreeze it."""
        applied = await self._hub.compute(self._hub.applied)
        known = {DEFAULT, *(applied[1].compiled.classes if applied else self._hub.settings.drift)}
        for name in sorted(self._hub.settings.drift.keys() - known):
            text = f"controller: drift: names the class {name}, which the applied network does not have"
            self._hub.events.publish(Kind.CONTROLLER, "part drift", text, severity=Severity.WARNING)

    # ── when ─────────────────────────────────────────────────────────────────────────────────────

    async def _rounds(self, tasks: asyncio.TaskGroup) -> None:
        """Ask for a look at every switch when it is due: all at the start, then spread over the interval."""
        noticing = Noticing(self._hub.fleet, lambda device: self._again(device, GATHER))
        while True:
            self._news.clear()
            noticing.follow(tasks)
            names = (*self._hub.fleet.devices(), *self._hub.fleet.devices("attachments"))
            for gone in (self._switches.keys() | self._kept.keys()) - set(names):
                self._switches.pop(gone, None)
                self._hub.drift.switches.pop(gone, None)
                self._hub.drift.freezes.pop(gone, None)
                await self._keep(gone)
            start, now = self._clock(), self._clock()
            for index, name in enumerate(names):
                switch = self._switches.setdefault(name, _Switch(due=start))
                if switch.due <= now:
                    switch.due = self._next_slot(index, len(names), now)
                    self._queue.put_nowait(name)
            wake = min((switch.due for switch in self._switches.values()), default=now + SOON)
            await _wait(self._news, max(wake - self._clock(), 0.0))

    def _next_slot(self, index: int, of: int, now: float) -> float:
        """The next time at which this one of so many switches has its turn in the interval."""
        interval = max(self._hub.settings.drift_interval, 0.1)
        slot = interval * index / of
        due = now - now % interval + slot
        return due + interval if due <= now else due

    def _presence(self, device: str, up: bool) -> None:
        if up:
            self._again(device, 0.0)
        else:
            self._unknown(device)

    def _acknowledged(self, device: str) -> None:
        self._patience.forget(device)
        self._again(device, 0.0)

    def _again(self, device: str, seconds: float) -> None:
        """Look at a switch earlier than its turn comes."""
        switch = self._switches.setdefault(device, _Switch())
        switch.due = min(switch.due, self._clock() + seconds)
        self._news.set()

    # ── looking ──────────────────────────────────────────────────────────────────────────────────

    async def _looks(self) -> None:
        while True:
            await self._look(await self._queue.get())

    async def _look(self, device: str) -> None:
        hub = self._hub
        session, given = hub.fleet.session(device), hub.turns.given
        gear = device in hub.fleet.devices("attachments")  # is polled, has no session
        if not gear and device not in hub.fleet.up:
            self._unknown(device)
            return
        if hub.turns.current is not None:
            self._again(device, SOON)
            return
        applied = await hub.compute(hub.applied)
        if applied is None:
            return
        observation = await hub.fleet.observe([device])
        if hub.turns.current is not None or hub.turns.given != given:
            self._again(device, SOON)  # it may be of before, after or in between
            return
        seen = observation.rules.get(device) if not gear else (observation.attachments or {}).get(device)
        if seen is None:
            self._unknown(device)
            return
        if gear:
            now = await hub.compute(self._attached, applied[1], device, seen)
        else:
            now = await hub.compute(self._compared, applied[1], device, seen, observation)
            if device not in hub.fleet.up or hub.fleet.session(device) != session:
                return  # it was lost meanwhile, and may have restarted: it is looked at when it is back
        self._judge(now, session, empty=not gear and not len(seen.rules))
        await self._keep(device)

    async def _keep(self, device: str) -> None:
        """Have the store know whether a switch is frozen, and who acknowledged it."""
        freezes, now = self._hub.context.store.freezes, self._hub.drift.freezes.get(device)
        if now == self._kept.get(device):
            return
        try:
            if now is None:
                await self._hub.compute(freezes.remove, device)
                del self._kept[device]
            else:
                await self._hub.compute(freezes.put, now)
                self._kept[device] = now
        except StoreError as error:  # the next look tries again
            logger.warning("that %s is frozen, or is not any more, cannot be kept: %s", device, error)

    def _compared(self, state: State, device: str, seen: Observed, observation: Observation) -> SwitchDrift:
        """What is found on a switch; in the worker thread."""
        wanted = state.confirmed.get(device, RuleSet())
        held = compare({device: wanted}, {device: seen.rules})
        findings = located(self._explain(state.compiled), held.devices.values())
        settings = settings_of(observation).get(device)
        other = state.compiled.switch_settings.get(device)
        differs = settings is not None and other is not None and settings_differ(settings, other)
        policy = policy_for(self._hub.settings.drift, findings, differs)
        waits = device in state.silent or device in state.doubtful
        waits = waits or any(device in holders for holders in state.baseline.quarantine.values())
        return SwitchDrift(device, time_of_day(), _counts(held), findings, differs, seen.foreign, policy, waits)

    def _attached(self, state: State, device: str, seen: Observed) -> SwitchDrift:
        """What is found on a device beside the switches; in the worker thread."""
        applied = state.compiled.attachments.get(device, {})
        held = compare_attachments({device: applied}, {device: seen.attachments})[device]
        findings = attached_findings(self._explain(state.compiled), [held])
        counts = {
            DriftState.MATCH: held.matching,
            DriftState.MISSING: len(held.missing),
            DriftState.EXTRA: len(held.extra),
            DriftState.ALTERED: len(held.altered),
            DriftState.UNKNOWN: 0,
        }
        policy = policy_for(self._hub.settings.drift, findings)
        return SwitchDrift(device, time_of_day(), counts, findings, False, seen.foreign, policy)

    def _explain(self, compiled: Compiled) -> Explainer:
        if self._explainer is None or self._explainer.compiled is not compiled:
            self._explainer = Explainer(compiled)
        return self._explainer

    def _unknown(self, device: str) -> None:
        """The switch cannot be asked: what it holds is not known, and nothing of it is missing."""
        counts = {DriftState.UNKNOWN: 0}
        before = self._hub.drift.switches.get(device)
        if before is not None:
            counts[DriftState.UNKNOWN] = sum(
                count for state, count in before.counts.items() if state is not DriftState.EXTRA
            )
        self._hub.drift.switches[device] = SwitchDrift(device, time_of_day(), counts, known=False)
        if (switch := self._switches.get(device)) is not None:
            switch.wanted = None

    # ── judging ──────────────────────────────────────────────────────────────────────────────────

    def _judge(self, now: SwitchDrift, session: int, *, empty: bool) -> None:
        """Tell what is new about a switch, and want it repaired where that is to be done.

        An `empty` one has restarted, unless it held something on this very connection.
        """
        board, device = self._hub.drift, now.switch
        switch = self._switches.setdefault(device, _Switch())
        before, board.switches[device] = board.switches.get(device), now
        if now.state in ("match", "waits"):
            self._as_applied(switch, before, now)
            switch.good = session
            if now.waits:
                self._want(switch, self._patience.drifted(device, session, self._clock()))
            return
        if before is None or before.findings != now.findings or before.settings != now.settings:
            self._tell(now)
        if empty and switch.good != session:
            self._want(switch, 0.0)
        elif now.policy is Policy.FREEZE and not board.excused(now):
            self._freeze(now)
        elif now.waits or now.policy is not Policy.REPORT:
            pause = self._patience.drifted(device, session, self._clock())
            self._contested(switch, device, pause)
            self._want(switch, pause)

    def _as_applied(self, switch: _Switch, before: SwitchDrift | None, now: SwitchDrift) -> None:
        board, device = self._hub.drift, now.switch
        switch.wanted, switch.contested = None, False
        freeze = board.freezes.pop(device, None)
        if (freeze is not None and not freeze.by) or (before is not None and before.state == "drift"):
            self._hub.events.publish(
                Kind.DRIFT_CLEARED,
                f"switch {device}",
                f"{device} holds what it last confirmed; what waits for it follows"
                if now.waits
                else f"{device} holds what was applied again",
                device=device,
            )

    def _tell(self, now: SwitchDrift) -> None:
        device = now.switch
        parts = [
            f"{count} {state}" for state, count in now.counts.items() if count and state is not DriftState.MATCH
        ]
        parts += ["other settings"] if now.settings else []
        owners = sorted({owner.application for one in now.findings for owner in one.finding.owners})
        whose = f"; of {', '.join(owners[:4])}{' and others' if len(owners) > 4 else ''}" if owners else ""
        self._hub.events.publish(
            Kind.DRIFT,
            f"switch {device}",
            f"{device} does not hold what was applied: {', '.join(parts)}{whose}",
            severity=Severity.WARNING,
            device=device,
            policy=now.policy,
            counts={str(state): count for state, count in now.counts.items()},
            settings=now.settings,
            findings=[finding_document(one) for one in now.findings[:TOLD]],
        )

    def _freeze(self, now: SwitchDrift) -> None:
        device = now.switch
        if not self._hub.drift.freeze(now):
            return
        classes = _classes(now.findings, self._hub.settings.drift)
        self._hub.events.publish(
            Kind.DRIFT,
            f"switch {device}",
            f"{device} is frozen: rules of {classes} were changed; nothing repairs it until somebody acknowledges",
            severity=Severity.CRITICAL,
            device=device,
            policy=Policy.FREEZE,
            frozen=True,
        )

    def _contested(self, switch: _Switch, device: str, pause: float) -> None:
        """Say once that repairs do not last."""
        undone = self._patience.undone(device)
        if undone < 2 or switch.contested or switch.failed:
            return
        switch.contested = True
        self._hub.events.publish(
            Kind.DRIFT,
            f"switch {device}",
            f"{device} was put right and changed again {undone} times: somebody else writes to it; "
            f"the next attempt is in {pause:.0f} s, later ones ever later",
            severity=Severity.CRITICAL,
            device=device,
            undone=undone,
            pause=round(pause, 1),
        )

    def _want(self, switch: _Switch, pause: float) -> None:
        switch.wanted = self._clock() + pause
        self._work.set()

    # ── repairing ────────────────────────────────────────────────────────────────────────────────

    async def _repairs(self) -> None:
        """Put right what may be put right now, together."""
        while True:
            self._work.clear()
            waiting = [switch.wanted for switch in self._switches.values() if switch.wanted is not None]
            await _wait(self._work, max(min(waiting, default=float("inf")) - self._clock(), 0.0))
            await asyncio.sleep(GATHER)
            now = self._clock()
            ready = [
                name
                for name, switch in self._switches.items()
                if switch.wanted is not None and switch.wanted <= now
            ]
            if ready:
                await self._repair(ready)

    async def _repair(self, devices: list[str]) -> None:
        board = self._hub.drift
        sessions = {device: self._hub.fleet.session(device) for device in devices}
        for device in devices:
            self._switches[device].wanted = None
        touched = await Repair(self._hub, frozenset(board.frozen)).run(devices)
        for device in devices:
            switch = self._switches.setdefault(device, _Switch())
            switch.failed = touched is None or device not in touched
            self._patience.repaired(device, sessions[device], self._clock())
        board.repairs += len(touched or ())
        for device in {*devices, *(touched or ())}:
            self._again(device, patience.FIRST if touched is None else 0.0)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event, but no longer than this."""
    with suppress(TimeoutError):
        async with asyncio.timeout(None if seconds == float("inf") else seconds):
            await event.wait()


def _counts(held: HeldReport) -> dict[DriftState, int]:
    counts = held.counts()
    return {
        DriftState.MATCH: counts["matching"],
        DriftState.MISSING: counts["missing"],
        DriftState.EXTRA: counts["extra"],
        DriftState.ALTERED: counts["altered"],
        DriftState.UNKNOWN: counts["unknown"],
    }


def _classes(findings: tuple[Located, ...], policies: object) -> str:
    names = {owner.service_class for one in findings for owner in one.finding.owners}
    frozen = {name for name in names if isinstance(policies, dict) and policies.get(name) == Policy.FREEZE}
    return ", ".join(sorted(frozen or names)) or "nobody in particular"
