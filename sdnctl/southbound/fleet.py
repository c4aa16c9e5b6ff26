"""All devices of a network at once: open, observe and commit concurrently, under a limit.

A device may have a driver for rules and one for settings; the fleet hands each change to the one
whose payload it is. Devices that do not answer are reported as such and never taken for empty.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

from sdnctl.dataplane.attachment import Attachments
from sdnctl.dataplane.text import rule_name
from sdnctl.dataplane.values import Flow, Group, RuleSet
from sdnctl.errors import DeviceError, DeviceRefused, Diagnostic
from sdnctl.plan.model import Change, Observed, Op, Rule, SettingsChange, Stage
from sdnctl.southbound.attaching import PATIENCE, Told, attach
from sdnctl.southbound.base import PAYLOADS, Counters, Driver, Fencing, PartReader, Payload, Target, Watching
from sdnctl.southbound.driver_faults import driver_fault

T = TypeVar("T")

LIMIT = 64
"""Devices worked on at a time: enough to hide round trips, few enough for file descriptors."""


@dataclass(frozen=True)
class Observation:
    """What the fleet reported: a device that could not be asked maps to None and has a fault.

    `assumed` are devices that nobody asked: what they are taken to hold is in `rules`, for a plan that does not
    touch them. `attachments` are the reports of gear beside the switches, None where nobody asked any.
    """

    rules: Mapping[str, Observed | None]
    settings: Mapping[str, Observed | None] = field(default_factory=dict)
    faults: Mapping[str, DeviceError] = field(default_factory=dict)
    assumed: frozenset[str] = frozenset()
    attachments: Mapping[str, Observed | None] | None = None

    @property
    def rule_sets(self) -> Mapping[str, RuleSet | None]:
        """Rules only, None where the device could not be asked."""
        return {device: one.rules if one is not None else None for device, one in self.rules.items()}

    @property
    def read(self) -> Mapping[str, RuleSet | None]:
        """Rules of the devices that were asked, None where one did not answer."""
        return {device: rules for device, rules in self.rule_sets.items() if device not in self.assumed}

    @property
    def attached(self) -> Mapping[str, Attachments | None]:
        """Attachments of devices, None where one did not answer."""
        found = (self.attachments or {}).items()
        return {device: one.attachments if one is not None else None for device, one in found}

    @property
    def attached_read(self) -> Mapping[str, Attachments | None]:
        """The same of devices that were asked, not only assumed."""
        return {device: held for device, held in self.attached.items() if device not in self.assumed}

    @property
    def unreachable(self) -> tuple[str, ...]:
        return tuple(sorted(device for device, observed in self.rules.items() if observed is None))

    def updated(self, newer: Observation) -> Observation:
        """This report with what was asked again since."""
        asked = newer.rules.keys() | (newer.attachments or {}).keys()
        faults = {device: fault for device, fault in self.faults.items() if device not in asked}
        attached = {**(self.attachments or {}), **(newer.attachments or {})}
        nobody = self.attachments is None and newer.attachments is None
        return Observation(
            {**self.rules, **newer.rules},
            {**self.settings, **newer.settings},
            {**faults, **newer.faults},
            (self.assumed - asked) | newer.assumed,
            None if nobody else attached,
        )


class StageFailed(DeviceError):
    """Some devices of a stage failed; `faults` says which and why, the others have confirmed."""

    def __init__(self, stage: Stage, faults: Mapping[str, DeviceError]) -> None:
        self.stage = stage
        self.faults = dict(faults)
        super().__init__(*(item for fault in faults.values() for item in fault.diagnostics))


class NotHeld(DeviceError):
    """A device confirmed changes, and does not hold them: somebody else writes to it, or it restarted."""

    default_code = "read-back"

    def __init__(self, device: str, changes: Sequence[Change]) -> None:
        names = ", ".join(rule_name(change.rule) for change in changes[:3])
        more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
        super().__init__(
            Diagnostic(
                "read-back",
                f"{device} does not hold what it confirmed a moment ago: {names}{more}",
                address=f"switch {device}",
                hint="somebody else may be writing to it, or it restarted",
            )
        )


class Fleet:
    """Open drivers of a network; an async context manager that closes them all."""

    def __init__(self, targets: Mapping[str, Mapping[type[Driver], Target]]) -> None:
        """`targets`: device → driver class → target."""
        self._targets = targets
        self._open: dict[tuple[str, Payload], Driver] = {}
        self._gate = asyncio.Semaphore(LIMIT)
        self._took: dict[str, float] = {}  # devices with attachments: seconds of what was done last
        self.patience = PATIENCE
        """Seconds that a device with attachments has for one step."""
        self.generation: int | None = None
        """Of the writer's lease that devices have been told; None: this fleet only reads."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(driver.close() for driver in self._open.values()), return_exceptions=True)
        self._open.clear()

    def devices(self, payload: Payload = "rules") -> tuple[str, ...]:
        """Devices that have a driver for this payload."""
        return tuple(
            sorted(
                device
                for device, drivers in self._targets.items()
                if any(driver.payload == payload for driver in drivers)
            )
        )

    def targets(self, payload: Payload) -> Mapping[str, tuple[type[Driver], Target]]:
        """Devices that have a driver for this payload: the driver, and where it finds them."""
        return {
            device: (driver, target)
            for device, drivers in self._targets.items()
            for driver, target in drivers.items()
            if driver.payload == payload
        }

    async def driver(self, device: str, payload: Payload = "rules") -> Driver:
        """The device's open driver; raises DeviceUnreachable when it does not answer."""
        key = (device, payload)
        if key not in self._open:
            for driver, target in self._targets.get(device, {}).items():
                if driver.payload == payload:
                    opened = await driver.open(target)
                    try:
                        await self.claim(device, opened)
                    except BaseException:
                        await opened.close()
                        raise
                    self._open[key] = opened
                    break
            else:
                raise DeviceError(
                    Diagnostic(
                        "no-driver",
                        f"no driver for the {payload} of {device}",
                        address=f"switch {device}",
                        hint="give it one under `drivers:` in inventory/equipment.yaml, or bring a lab up",
                    )
                )
        return self._open[key]

    async def fence(self, generation: int) -> None:
        """Write under a lease: devices that can (`Fencing`) refuse every writer of an earlier one from now on.

        One that has seen a later one is out of reach from here. Raises LeaseHeld where nothing may be written.
        """
        if self.generation == generation:
            return
        self.generation = generation
        opened = [device for device, payload in self._open if payload == "rules"]

        async def one(device: str) -> None:
            await self.claim(device, await self.driver(device))

        await self._each(opened, one)

    async def claim(self, device: str, driver: Driver) -> None:
        """Tell a device on a new connection whose it is; raises DeviceRefused when it obeys a newer writer."""
        if self.generation is None or not isinstance(driver, Fencing):
            return
        try:
            await self._take_role(driver, self.generation)
        except DeviceRefused as error:
            raise DeviceRefused(
                *error.diagnostics,
                Diagnostic(
                    "fenced",
                    f"{device} obeys a newer writer",
                    address=f"switch {device}",
                    detail=f"it has seen a generation after {self.generation}",
                    hint="another controller or apply works on it, perhaps with another store",
                ),
            ) from error

    async def _take_role(self, driver: Fencing, generation: int) -> None:
        await driver.become_master(generation)

    async def _forget(self, device: str) -> None:
        """Close a broken connection, so that the next use opens a new one."""
        broken = [self._open.pop((device, payload), None) for payload in PAYLOADS]
        await asyncio.gather(*(driver.close() for driver in broken if driver), return_exceptions=True)

    async def _each(
        self, devices: Iterable[str], work: Callable[[str], Awaitable[T]]
    ) -> tuple[dict[str, T], dict[str, DeviceError]]:
        done: dict[str, T] = {}
        faults: dict[str, DeviceError] = {}

        async def one(device: str) -> None:
            async with self._gate:
                try:
                    done[device] = await work(device)
                except Exception as error:  # a driver may fail in any way
                    faults[device] = self._fault(device, error)
                    await self._forget(device)

        await asyncio.gather(*(one(device) for device in devices))
        return done, faults

    def _fault(self, device: str, error: Exception) -> DeviceError:
        return driver_fault(device, self._targets.get(device, {}).values(), error)

    async def observe(self, devices: Iterable[str] | None = None) -> Observation:
        """Read back rules (and settings, attachments, where drivers are) of these devices, default all."""
        gear = frozenset(self.devices("attachments"))
        switches = [device for device in devices if device not in gear] if devices is not None else self.devices()
        wanted = tuple(switches)
        asked = gear if devices is None else gear.intersection(devices)

        async def rules(device: str) -> Observed:
            return await (await self.driver(device)).observe()

        async def settings(device: str) -> Observed:
            return await (await self.driver(device, "settings")).observe()

        async def attachments(device: str) -> Observed:
            clock = asyncio.get_running_loop().time
            start = clock()
            found = await (await self.driver(device, "attachments")).observe()
            self._took[device] = clock() - start
            return found

        with_settings = [device for device in wanted if device in self.devices("settings")]
        (held, faults), (set_, settings_faults), (attached, their_faults) = await asyncio.gather(
            self._each(wanted, rules),
            self._each(with_settings, settings),
            self._each(sorted(asked, key=lambda device: (-self._took.get(device, 0.0), device)), attachments),
        )
        return Observation(
            {device: held.get(device) for device in wanted},
            {device: set_.get(device) for device in with_settings},
            {**their_faults, **settings_faults, **faults},
            attachments={device: attached.get(device) for device in sorted(asked)}
            if asked or devices is None
            else None,
        )

    async def counters(self, payload: Payload = "rules") -> Mapping[str, Counters | None]:
        """Port states and packet counters of every device; None for one that does not answer."""

        async def read(device: str) -> Counters:
            return await (await self.driver(device, payload)).counters()

        devices = self.devices(payload)
        done, _ = await self._each(devices, read)
        return {device: done.get(device) for device in devices}

    async def ports(self) -> Mapping[str, Counters | None]:
        """Port states of every device, without what rules counted, which costs a hundred times as much to ask."""

        async def read(device: str) -> Counters:
            driver = await self.driver(device)
            return Counters(await driver.ports()) if isinstance(driver, Watching) else await driver.counters()

        devices = self.devices()
        done, _ = await self._each(devices, read)
        return {device: done.get(device) for device in devices}

    async def commit(self, stage: Stage) -> None:
        """Make one stage's changes on all its devices; returns when every device confirmed them.

        Raises StageFailed with the fault of each device that refused or was lost; the others are done.
        """

        async def one(device: str) -> None:
            for payload, kind in (("settings", SettingsChange), ("rules", Change)):
                changes = tuple(change for change in stage.changes[device] if isinstance(change, kind))
                if changes:
                    driver = await self.driver(device, payload)  # type: ignore[arg-type]
                    await driver.commit(changes)  # which checks them, too
                    await driver.confirm()

        _, faults = await self._each(sorted(stage.changes), one)
        if stage.wait_ms:
            await asyncio.sleep(stage.wait_ms / 1000)
        if faults:
            raise StageFailed(stage, dict(sorted(faults.items())))

    async def attach(self, stage: Stage, told: Told | None = None) -> None:
        """Make one stage of attachments on all its devices or on none; `told` hears how far it is.

        Raises StageFailed with the fault of each device because of which all were taken back.
        """

        async def session(device: str) -> Driver:
            return await self.driver(device, "attachments")

        faults = await attach(stage, session, self._gate, self._fault, told, self.patience, self._took)
        await asyncio.gather(*(self._forget(device) for device in faults))
        if faults:
            raise StageFailed(stage, dict(sorted(faults.items())))

    async def check(self, stage: Stage) -> None:
        """Read back what a stage made or changed, and only that where the driver can.

        Raises StageFailed with NotHeld for each device that holds something else, and with the fault of each that
        was lost. Settings and deletions are not looked at: nothing is about to depend on them.
        """

        async def one(device: str) -> None:
            made = [
                change
                for change in stage.changes[device]
                if isinstance(change, Change) and change.op is not Op.DELETE
            ]
            if not made:
                return
            driver = await self.driver(device)
            if isinstance(driver, PartReader):
                held = await driver.read_part([change.rule for change in made])
            else:
                held = (await driver.observe()).rules
            if wrong := [change for change in made if _held(held, change.rule) != change.rule]:
                raise NotHeld(device, wrong)

        _, faults = await self._each(sorted(stage.changes), one)
        if faults:
            raise StageFailed(stage, dict(sorted(faults.items())))


def _held(rules: RuleSet, rule: Rule) -> Rule | None:
    if isinstance(rule, Flow):
        return rules.flows.get(rule.key)
    return rules.groups.get(rule.id) if isinstance(rule, Group) else rules.meters.get(rule.id)
