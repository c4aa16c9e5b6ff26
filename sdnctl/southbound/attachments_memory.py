"""A simulator of gear beside the switches: no device, no protocol, the same contract as the drivers of real gear.

Target ``attachments-memory:DIR`` (or ``…DIR#name`` where the device is not called like that). What a device holds
is in a file that several processes share, so labs and tests can use it. It proves the path through plan, apply and
revert, and nothing about any vendor's device.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

from sdnctl.dataplane.attachment import Attachment, AttachmentKey
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import DeviceError, DeviceRefused, Diagnostic
from sdnctl.plan.model import AttachmentChange, DeviceChange, Observed, Op
from sdnctl.southbound import device_faults
from sdnctl.southbound.base import Capabilities, Counters, Payload, PortState, Target
from sdnctl.southbound.simulated import SimulatedDevice, Simulator

SCHEME = "attachments-memory:"


class AttachmentsMemoryDriver:
    """One simulated device."""

    name: ClassVar[str] = "attachments-memory"
    payload: ClassVar[Payload] = "attachments"

    def __init__(self, simulator: Simulator, device: str, name: str) -> None:
        self._simulator = simulator
        self._device = device
        self._name = name
        self._pending = False

    @classmethod
    async def open(cls, target: Target) -> Self:
        """Find the device; raises DeviceUnreachable where it is not there or does not answer."""
        if not target.address.startswith(SCHEME):
            raise DeviceError(
                Diagnostic(
                    "bad-address",
                    f"{target.address!r} is not the address of a simulated device",
                    f"device {target.device}",
                    hint=f"write {SCHEME}DIR or {SCHEME}DIR#NAME",
                )
            )
        directory, _, name = target.address.removeprefix(SCHEME).partition("#")
        driver = cls(Simulator(Path(directory)), target.device, name or target.device)
        await driver._step("connect")
        return driver

    async def capabilities(self) -> Capabilities:
        device = await self._step("connect")
        return Capabilities(
            policers="policing" in device.can,
            marking="marking" in device.can,
            translation="vlans" in device.can,
            description="simulated device (a file; says nothing about real gear)",
        )

    async def observe(self) -> Observed:
        device = await self._step("observe")
        return Observed(RuleSet(), foreign=len(device.foreign), attachments=dict(device.running))

    async def prepare(self, changes: Sequence[DeviceChange]) -> None:
        self._changed(await self._step("validate"), changes)

    async def commit(self, changes: Sequence[DeviceChange]) -> None:
        """All or nothing; what is not confirmed in the device's time it takes back by itself."""
        running = self._changed(await self._step("commit"), changes)
        if running is not None:
            self._pending = True
            await asyncio.to_thread(self._simulator.run, self._name, running)

    async def confirm(self) -> None:
        await self._step("confirm")
        await asyncio.to_thread(self._simulator.confirm, self._name)
        self._pending = False

    async def revert(self) -> None:
        await self._step("revert")
        await asyncio.to_thread(self._simulator.revert, self._name)
        self._pending = False

    async def counters(self) -> Counters:
        device = await self._step("counters")
        return Counters(
            {index: PortState(index, port, up=True) for index, port in enumerate(device.ports, start=1)}
        )

    async def close(self) -> None:
        """End the session: the device takes back what this session did not confirm."""
        if self._pending:
            self._pending = False
            await asyncio.to_thread(self._simulator.revert, self._name)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    async def _step(self, step: str) -> SimulatedDevice:
        """The device as it is, after the time that it takes to answer; raises what it was told to fail with."""
        device = await asyncio.to_thread(self._simulator.read, self._name)
        if device is None or not device.reachable:
            raise device_faults.unreachable(self._device, step, f"simulated device {self._name}")
        if device.delay:
            await asyncio.sleep(device.delay)
        fault = device.faults.get(step)
        if fault == "hang":
            await asyncio.sleep(device.hangs)
            raise device_faults.unreachable(self._device, step, f"no answer within {device.hangs:g} s")
        if fault is not None:
            raise device_faults.refused(self._device, step, fault)
        return device

    def _changed(
        self, device: SimulatedDevice, changes: Sequence[DeviceChange]
    ) -> Mapping[AttachmentKey, Attachment] | None:
        """What the device would hold, None where nothing changes; raises DeviceRefused by device and port."""
        running = dict(device.running)
        found: list[Diagnostic] = []
        for change in changes:
            if not isinstance(change, AttachmentChange):
                raise device_faults.refused(self._device, "edit", "it holds attachments, not rules or settings")
            if change.op is Op.DELETE:
                running.pop(change.attachment.key, None)
                continue
            refusal = self._refusal(device, change.attachment)
            found += refusal.diagnostics if refusal is not None else ()
            running[change.attachment.key] = change.attachment
        taken: dict[int, Attachment] = {}
        for attachment in running.values():
            if (other := taken.setdefault(attachment.tag, attachment)) is not attachment:
                detail = f"VLAN {attachment.tag} of the uplink is that of {other.port} already"
                found += device_faults.refused(self._device, "validate", detail, attachment).diagnostics
        if found:
            raise DeviceRefused(*found)
        return None if running == device.running else running

    def _refusal(self, device: SimulatedDevice, wanted: Attachment) -> DeviceError | None:
        if not device.any_port and not {wanted.port, wanted.uplink} <= {*device.ports}:
            return device_faults.refused(self._device, "validate", "it has no such port", wanted)
        if wanted.port in device.foreign:
            return device_faults.port_in_use(self._device, wanted, device.foreign[wanted.port])
        for ability, asked in (
            ("policing", wanted.rate is not None),
            ("marking", wanted.priority is not None),
            ("vlans", wanted.vlan is not None),
        ):
            if asked and ability not in device.can:
                return device_faults.cannot(self._device, ability, wanted)
        return None
