"""The contract of drivers of attachments, on real FRRouting behind a real sshd whose only command is vtysh."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

import pytest
from sdnctl_netmiko import NetmikoDriver
from sdnctl_netmiko.testing.frr import CUSTOMERS, UPLINK, Frr
from sdnctl_netmiko.testing.sshd import PASSPHRASE

from sdnctl.southbound.base import Target
from sdnctl.testing.contract_attachments import AttachmentDriverContract
from sdnctl.testing.device import AttachmentDevice

pytestmark = pytest.mark.servers("sshd", "ssh-keygen", "vtysh", "ip", root=True)


class FrrDevice(AttachmentDevice):
    ports = CUSTOMERS[:3]
    busy = CUSTOMERS[3]
    uplink = UPLINK
    secrets = (PASSPHRASE,)
    patience = 10.0

    def __init__(self, router: Frr, target: Target) -> None:
        self._router = router
        self.target = target

    def add_foreign(self) -> None:
        self._router.vtysh("configure terminal", f"interface {self.busy}", "description printer room",
                           "ip address 192.0.2.1/24", "exit", "route-map theirs permit 10")  # fmt: skip

    def foreign(self) -> Hashable:
        return "".join(block for block in self._router.running().split("!\n") if "sdnctl" not in block)

    def cut(self) -> None:
        self._router.sshd.cut()

    def restore(self) -> None:
        self._router.sshd.start()

    def take_away(self, port: str) -> None:
        policy = next(
            line for line in self._router.vtysh("show running-config").split(f"interface {port}\n")[1].splitlines()
            if line.startswith(" pbr-policy")
        )  # fmt: skip
        self._router.vtysh("configure terminal", f"interface {port}", "no description", f"no{policy}")

    def wrong_credentials(self) -> Target:
        return replace(self.target, options={**self.target.options, "key": f"file:{self._router.sshd.stranger}"})


class TestFrr(AttachmentDriverContract):
    driver = NetmikoDriver

    @pytest.fixture
    def device(self, frr: Frr, frr_target: Target) -> FrrDevice:
        return FrrDevice(frr, replace(frr_target, options={**frr_target.options, "confirm_timeout": "1"}))
