"""The contract of drivers of attachments, on our own simulator of an IOS-like switch over real SSH (no device)."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import replace

import pytest
from sdnctl_netmiko import NetmikoDriver
from sdnctl_netmiko.testing.ios import CUSTOMERS, UPLINK, IosSimulator, IosSwitch

from sdnctl.southbound.base import Target
from sdnctl.testing.contract_attachments import AttachmentDriverContract
from sdnctl.testing.device import AttachmentDevice

SECRETS = ("hunter2-and-more", "privileged-and-more")


class IosDevice(AttachmentDevice):
    ports = CUSTOMERS[:3]
    busy = CUSTOMERS[3]
    uplink = UPLINK
    secrets = SECRETS
    patience = 10.0

    def __init__(self, simulator: IosSimulator, switch: IosSwitch, target: Target) -> None:
        self._simulator = simulator
        self._switch = switch
        self.target = target
        self._port = int(target.address.rpartition(":")[2])

    def add_foreign(self) -> None:
        self._switch.console(f"interface {self.busy}", "description printer room", "switchport access vlan 30",
                             "exit", "vlan 30", "name office")  # fmt: skip
        self._switch.startup = self._switch.config.copy()

    def foreign(self) -> Hashable:
        """All but our own objects, the customer ports that are free or ours, and our tags on the uplink."""
        ours = ("policy-map sdnctl-", "vlan 1", *(f"interface {port}\n" for port in self.ports))
        text = "".join(block for block in self._switch.running.text().split("!\n") if not block.startswith(ours))
        return re.sub(r"(allowed vlan 10)[\d,-]*", r"\1", text)

    def cut(self) -> None:
        self._simulator.cut(self._port)

    def restore(self) -> None:
        self._simulator.listen(self._switch, self._port)

    def take_away(self, port: str) -> None:
        removed = ("no description", "no switchport access vlan", "no switchport mode", "no service-policy input")
        self._switch.console(f"interface {port}", *removed)

    def wrong_credentials(self) -> Target:
        return replace(self.target, options={**self.target.options, "password": "env:IOS_WRONG"})


class TestIosSimulator(AttachmentDriverContract):
    driver = NetmikoDriver

    @pytest.fixture
    def device(
        self, simulator: IosSimulator, ios: IosSwitch, ios_target: Target, monkeypatch: pytest.MonkeyPatch
    ) -> IosDevice:
        monkeypatch.setenv("IOS_WRONG", "not-the-password")
        return IosDevice(simulator, ios, ios_target)
