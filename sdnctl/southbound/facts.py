"""What a driver may have besides its payload: what the device says of itself, its neighbours and its optics.

The values stand in `sdnctl.inventory.facts`, which judges them; drivers import everything from here.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from sdnctl.inventory.facts import DeviceFacts as DeviceFacts
from sdnctl.inventory.facts import Neighbour as Neighbour
from sdnctl.inventory.facts import PortFact as PortFact
from sdnctl.inventory.facts import Transceiver as Transceiver


@runtime_checkable
class FactsReader(Protocol):
    """A driver, of any payload, that can tell what stands where its target is. Raises DeviceError as others do."""

    async def facts(self) -> DeviceFacts: ...
