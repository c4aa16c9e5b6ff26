"""The device under test, as a contract suite sees it: a target, and ways to disturb it from outside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence

from sdnctl.southbound.base import Target


class ContractDevice(ABC):
    """One empty device that a driver's test made, reached by the driver through `target`.

    `ports` are at least three port numbers that exist and are up. What the methods do must not go
    through the driver under test: they are the outside world.
    """

    target: Target
    ports: Sequence[int]

    @abstractmethod
    def add_foreign(self) -> None:
        """Install something that is not sdnctl's: for rules drivers at least one flow, one group and one meter."""

    @abstractmethod
    def foreign(self) -> Hashable:
        """What is on the device that is not sdnctl's, in any form that can be compared."""

    @abstractmethod
    def cut(self) -> None:
        """Make the device unreachable; what it holds stays."""

    @abstractmethod
    def restore(self) -> None:
        """Make the device reachable again."""

    def send(self, port: int, frame: bytes) -> bool:
        """Let one frame arrive at a port; False where this device cannot be sent packets in the test."""
        return False
