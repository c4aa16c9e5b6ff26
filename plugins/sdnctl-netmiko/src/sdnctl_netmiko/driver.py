"""The async driver: `CliDevice` in threads, through the core's `BlockingDriver`."""

from __future__ import annotations

from typing import ClassVar

from sdnctl.southbound.base import Payload, Target
from sdnctl.southbound.blocking import BlockingDriver
from sdnctl_netmiko.device import CliDevice


class NetmikoDriver(BlockingDriver[CliDevice]):
    """Attachments on a device that is configured by command line over SSH."""

    name: ClassVar[str] = "netmiko"
    payload: ClassVar[Payload] = "attachments"

    @classmethod
    def connect(cls, target: Target) -> CliDevice:
        return CliDevice(target)
