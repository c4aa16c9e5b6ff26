"""The async driver: `OvsdbDevice` in threads, through the core's `BlockingDriver`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sdnctl.southbound.base import Payload, Target
from sdnctl.southbound.blocking import BlockingDriver
from sdnctl_ovsdb.device import PROTOCOLS, OvsdbDevice


class OvsdbDriver(BlockingDriver[OvsdbDevice]):
    """Settings of one Open vSwitch bridge: fail mode, BFD and queues per port; reads interface and BFD states."""

    name: ClassVar[str] = "ovsdb"
    payload: ClassVar[Payload] = "settings"

    @classmethod
    def connect(cls, target: Target) -> OvsdbDevice:
        return OvsdbDevice(target)

    async def ensure_bridge(self, datapath_type: str = "system", protocols: Sequence[str] = PROTOCOLS) -> bool:
        """Create the bridge of the target's address if it is not there; returns whether it was created.

        It gets the target's datapath id and fail mode secure. A bridge that exists is left as it is.
        """
        return await self._call(lambda device: device.ensure_bridge(datapath_type, protocols))

    async def release(self) -> None:
        """Take off every BFD setting and queue that sdnctl set on the bridge."""
        await self._call(lambda device: device.release())
