"""One change on 200 devices: how close it comes to max(slowest device, total work ÷ devices at a time).

The devices sleep: each step (connect, look, check, commit, confirm) takes its time and no computing, as waiting
for real gear does. Measured once with an asynchronous driver, of which the fleet opens 64 at a time, and once with
a blocking one, for which there are 16 threads; with all devices alike, and with one that is much slower. The
reference is made of what single devices took alone in the same run. That progress is told is checked on the way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from lab.bench.measure import Report
from sdnctl.dataplane.attachment import Attachment
from sdnctl.dataplane.values import RuleSet
from sdnctl.plan.model import AttachmentChange, DeviceChange, Observed, Op, Stage, StageKind
from sdnctl.southbound.base import Capabilities, Counters, Driver, Payload, Target
from sdnctl.southbound.blocking import WORKERS, BlockingDriver
from sdnctl.southbound.fleet import LIMIT, Fleet

DEVICES = 200
STEP, SLOW_STEP = 0.25, 3.0
"""Seconds of one step on a device; a device behind SSH takes as long or longer."""
ALONE = 3
"""Devices that are measured alone."""
BOUND = 1.5


class _Sleeping:
    """What a device behind a blocking library is to its caller: a call that returns after a while."""

    def __init__(self, step: float) -> None:
        self._step = step
        self._held: dict[tuple[str, int | None], Attachment] = {}

    def capabilities(self) -> Capabilities:
        return Capabilities(description="sleeps")

    def observe(self) -> Observed:
        time.sleep(self._step)
        return Observed(RuleSet(), attachments=self._held)

    def prepare(self, changes: Sequence[DeviceChange]) -> None:
        time.sleep(self._step)

    def commit(self, changes: Sequence[DeviceChange]) -> None:
        time.sleep(self._step)

    def confirm(self) -> None:
        time.sleep(self._step)

    def revert(self) -> None:
        time.sleep(self._step)

    def counters(self) -> Counters:
        return Counters()

    def close(self) -> None:
        pass


class SleepingDriver(BlockingDriver[_Sleeping]):
    """Address: seconds of a step."""

    name: ClassVar[str] = "sleeping"
    payload: ClassVar[Payload] = "attachments"

    @classmethod
    def connect(cls, target: Target) -> _Sleeping:
        time.sleep(float(target.address))
        return _Sleeping(float(target.address))


class NappingDriver:
    """The same, asynchronous."""

    name: ClassVar[str] = "napping"
    payload: ClassVar[Payload] = "attachments"

    def __init__(self, step: float) -> None:
        self._step = step

    @classmethod
    async def open(cls, target: Target) -> Self:
        await asyncio.sleep(float(target.address))
        return cls(float(target.address))

    async def capabilities(self) -> Capabilities:
        return Capabilities(description="naps")

    async def observe(self) -> Observed:
        await asyncio.sleep(self._step)
        return Observed(RuleSet(), attachments={})

    async def prepare(self, changes: Sequence[DeviceChange]) -> None:
        await asyncio.sleep(self._step)

    async def commit(self, changes: Sequence[DeviceChange]) -> None:
        await asyncio.sleep(self._step)

    async def confirm(self) -> None:
        await asyncio.sleep(self._step)

    async def revert(self) -> None:
        await asyncio.sleep(self._step)

    async def counters(self) -> Counters:
        return Counters()

    async def close(self) -> None:
        pass


Steps = Mapping[str, float]
"""Device → seconds of a step."""


def _change(device: str) -> tuple[DeviceChange, ...]:
    return (AttachmentChange(Op.ADD, Attachment("eth1", "eth9", 100, f"of-{device}")),)


async def _all(targets: Mapping[str, Mapping[type[Driver], Target]]) -> tuple[float, int]:
    """Look at devices and attach something to each; seconds, and how often progress was told."""
    told = 0

    async def hear(event: str, detail: Mapping[str, object]) -> None:
        nonlocal told
        told += event == "progress"

    start = time.perf_counter()
    async with Fleet(targets) as fleet:
        seen = await fleet.observe()
        if seen.faults:
            raise AssertionError(f"not everything was read: {seen.faults}")
        await fleet.attach(Stage(StageKind.ATTACH, {device: _change(device) for device in targets}), hear)
    return time.perf_counter() - start, told


def _targets(driver: type[Driver], steps: Steps) -> Mapping[str, Mapping[type[Driver], Target]]:
    return {device: {driver: Target(device, str(step))} for device, step in steps.items()}


def run(report: Report) -> None:
    """At most 1.5 times what the slowest device, or all work at so many at a time, must take."""
    alike = {f"device-{number}": STEP for number in range(DEVICES)}
    one_slow = {**alike, "device-7": SLOW_STEP}
    drivers: tuple[tuple[type[Driver], int], ...] = (
        (NappingDriver, LIMIT),
        (SleepingDriver, min(LIMIT, WORKERS)),
    )
    for driver, limit in drivers:
        kind = "blocking" if driver is SleepingDriver else "asynchronous"
        for name, steps in (("all alike", alike), ("one slow", one_slow)):
            alone = [asyncio.run(_all(_targets(driver, {device: STEP})))[0] for device in list(alike)[:ALONE]]
            each = sum(alone) / ALONE
            slowest = each * max(steps.values()) / STEP
            total = each * sum(steps.values()) / STEP
            least = max(slowest, total / limit)
            took, told = asyncio.run(_all(_targets(driver, steps)))
            report.print(
                f"{kind:13} {name:10} {DEVICES} devices, {limit} at a time: {took:6.2f} s; slowest device "
                f"{slowest:.2f} s, all work ÷ {limit} = {total / limit:.2f} s; progress told {told} times"
            )
            report.claim(f"{kind}, {name}: over the least that it can take", took / least, BOUND)
            report.claim(f"{kind}, {name}: progress, devices × steps", told / (3 * DEVICES), 1, at_least=True)
