"""What was read of the network: by device, and what a controller's discovery heard between its switches."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import TypeAlias

from sdnctl.inventory.facts import DeviceFacts

Place: TypeAlias = tuple[str, str]
"""A device and one of its ports, as the inventory calls them: ``("core-a", "3")``, ``("sw-school-1", "eth9")``."""


@dataclass(frozen=True)
class Reading:
    """One device: what it says, or why it says nothing. `numbers`: its ports' names → numbers, where known."""

    facts: DeviceFacts | None
    fault: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Readings:
    """Everything that was read.

    `devices`: those that were asked. `heard`: receiver → sender, of a controller's discovery; `silent`: ports
    where it heard nothing although it should have.
    """

    devices: Mapping[str, Reading] = field(default_factory=dict)
    heard: Mapping[Place, Place] = field(default_factory=dict)
    silent: Set[Place] = frozenset()
