"""The async driver: `NapalmDevice` in threads, through the core's `BlockingDriver`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sdnctl.plan.model import DeviceChange
from sdnctl.southbound.base import Payload, Target
from sdnctl.southbound.blocking import BlockingDriver
from sdnctl.southbound.facts import DeviceFacts
from sdnctl_napalm.device import NapalmDevice


class NapalmDriver(BlockingDriver[NapalmDevice]):
    """Attachments of one device through NAPALM: candidate, diff, commit with `revert_in`, explicit confirmation.

    It reads facts too (`sdnctl.southbound.facts.FactsReader`).
    """

    name: ClassVar[str] = "napalm"
    payload: ClassVar[Payload] = "attachments"

    @classmethod
    def connect(cls, target: Target) -> NapalmDevice:
        return NapalmDevice(target)

    async def facts(self) -> DeviceFacts:
        """What the device says of itself, its ports, its neighbours (LLDP) and its optics."""
        return await self._call(lambda device: device.facts())

    async def running(self) -> str:
        """The running configuration, secrets hidden."""
        return await self._call(lambda device: device.running())

    async def compare(self, changes: Sequence[DeviceChange]) -> str:
        """What these changes would do to the configuration, as the device shows it; nothing is changed."""
        return await self._call(lambda device: device.compare(changes))

    async def replace(self, text: str) -> str:
        """Put a whole configuration into effect, to be confirmed as a commit is; returns what it changes."""
        return await self._call(lambda device: device.replace(text))

    async def rollback(self) -> None:
        """Go back to the startup configuration that stood before the last commit."""
        await self._call(lambda device: device.rollback())
