"""The device under test, as a contract suite sees it: a target, and ways to disturb it from outside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence

from sdnctl.southbound.base import Target


class TestedDevice(ABC):
    """One empty device that a driver's test made, reached by the driver through `target`.

    What the methods do must not go through the driver under test: they are the outside world.
    """

    __test__ = False  # no class of tests

    target: Target

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


class ContractDevice(TestedDevice):
    """A switch: `ports` are at least three port numbers that exist and are up."""

    ports: Sequence[int]

    def send(self, port: int, frame: bytes) -> bool:
        """Let one frame arrive at a port; False where this device cannot be sent packets in the test."""
        return False


class AttachmentDevice(TestedDevice):
    """Gear beside the switches: `ports` are the names of at least three customer ports that exist and are up.

    `busy` is a fourth port, on which `add_foreign` puts configuration of somebody else. `uplink` is the port
    towards the network. `secrets` are what the credentials are in clear: they must not occur in any error.
    `patience`: seconds after which the device itself has taken back what was never confirmed.
    """

    ports: Sequence[str]
    busy: str
    uplink: str
    secrets: Sequence[str] = ()
    patience: float = 10.0

    @abstractmethod
    def take_away(self, port: str) -> None:
        """Remove our attachments of a port by hand, the way an operator at the device would."""

    def wrong_credentials(self) -> Target | None:
        """A target with credentials that the device refuses; None only for devices that ask for none."""
        return None
