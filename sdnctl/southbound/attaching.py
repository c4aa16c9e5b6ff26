"""One stage of attachments on many devices: checked on all, made on all, left alone a moment, confirmed on all.

Whatever goes wrong before the first confirmation takes every device back by its own means (a confirmed commit
that is cancelled, a saved configuration), and nothing is left half done. A device that was lost takes back by
itself what it was not told to keep. Should one fail to confirm when others have, those that have not are taken
back here, and the caller plans the others back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sdnctl.errors import DeviceError
from sdnctl.plan.model import DeviceChange, Stage
from sdnctl.southbound import device_faults
from sdnctl.southbound.base import Driver

PATIENCE = 120.0

Told = Callable[[str, Mapping[str, object]], Awaitable[None]]
"""Hears of each step as it begins (``devices``), of each device done (``done``, ``of``), of faults by device."""
Opener = Callable[[str], Awaitable[Driver]]
Faulty = Callable[[str, Exception], DeviceError]
Work = Callable[[Driver, tuple[DeviceChange, ...]], Awaitable[None]]

_STEPS: tuple[tuple[str, Work], ...] = (
    ("check", lambda driver, changes: driver.prepare(changes)),
    ("commit", lambda driver, changes: driver.commit(changes)),
    ("confirm", lambda driver, _: driver.confirm()),
)


async def attach(
    stage: Stage,
    opened: Opener,
    gate: asyncio.Semaphore,
    fault: Faulty,
    told: Told | None = None,
    patience: float = PATIENCE,
    took: dict[str, float] | None = None,
) -> dict[str, DeviceError]:
    """Make a stage; returns the fault of each device because of which it was taken back, nothing where it stands.

    `opened` gives a device's driver, `gate` limits how many are worked on at a time, `fault` says what escaped
    from a driver as an error of its device, `patience` is what one device has for one step (s). `took`: how long
    devices took lately (s); those that take longest begin first, so that nobody waits for one that began last.
    """
    return await _Attaching(stage, opened, gate, fault, told, patience, {} if took is None else took).run()


@dataclass
class _Attaching:
    stage: Stage
    opened: Opener
    gate: asyncio.Semaphore
    fault: Faulty
    told: Told | None
    patience: float
    took: dict[str, float]
    drivers: dict[str, Driver] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)

    async def run(self) -> dict[str, DeviceError]:
        devices = sorted(self.stage.changes)
        for step, work in _STEPS:
            if step == "confirm" and self.stage.wait_ms:
                await asyncio.sleep(self.stage.wait_ms / 1000)
            faults = await self._each(step, devices, work)
            if faults:
                await self._tell(
                    "failed", {"step": step, "faults": {key: _said(one) for key, one in faults.items()}}
                )
                if step != "check":
                    await self._revert(faults)
                return faults
            if step == "confirm":
                self.confirmed.update(devices)
        return {}

    async def _revert(self, faults: Mapping[str, DeviceError]) -> None:
        """Take back what was made and not confirmed; a device that does not answer does it by itself."""
        back = sorted(self.drivers.keys() - self.confirmed)
        failed = await self._each("revert", back, lambda driver, _: driver.revert())
        left = {device: _said(one) for device, one in failed.items() if device not in faults}
        await self._tell("reverted", {"devices": [one for one in back if one not in failed], "faults": left})

    async def _each(self, step: str, devices: Iterable[str], work: Work) -> dict[str, DeviceError]:
        """Do one step on devices, as many at a time as the gate lets through; returns the faults, by device."""
        faults: dict[str, DeviceError] = {}
        names = sorted(devices, key=lambda device: (-self.took.get(device, 0.0), device))
        clock = asyncio.get_running_loop().time
        done = 0
        await self._tell("step", {"step": step, "devices": sorted(names)})

        async def one(device: str) -> None:
            nonlocal done
            async with self.gate:
                start = clock()
                try:
                    async with asyncio.timeout(self.patience):
                        if device not in self.drivers:
                            self.drivers[device] = await self.opened(device)
                        await work(self.drivers[device], self.stage.changes[device])
                    if step == "confirm":
                        self.confirmed.add(device)
                except TimeoutError:
                    faults[device] = device_faults.unreachable(device, step, f"no answer in {self.patience:g} s")
                except Exception as error:  # a driver may fail in any way
                    faults[device] = self.fault(device, error)
                self.took[device] = clock() - start
            done += 1
            await self._tell("progress", {"step": step, "done": done, "of": len(names)})

        await asyncio.gather(*(one(device) for device in names))
        return dict(sorted(faults.items()))

    async def _tell(self, event: str, detail: Mapping[str, object]) -> None:
        if self.told is not None:
            await self.told(event, detail)


def _said(error: DeviceError) -> str:
    first = error.diagnostics[0]
    return f"{first.code}: {first.summary}"
