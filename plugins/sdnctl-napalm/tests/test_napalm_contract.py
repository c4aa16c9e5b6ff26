"""The contract of drivers of attachments, on the simulated Arista switch."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sdnctl_napalm import NapalmDriver

from sdnctl.southbound.base import Target
from sdnctl.testing.contract_attachments import AttachmentDriverContract
from sdnctl.testing.device import AttachmentDevice


class SimulatedArista(AttachmentDevice):
    """The switch of the fixture; `busy` is an access port of somebody else."""

    ports = ("Ethernet1", "Ethernet2", "Ethernet3")
    busy = "Ethernet4"
    uplink = "Ethernet9"

    def __init__(self, server: Any, target: Target, secrets: tuple[str, ...]) -> None:
        self.target = target
        self.secrets = secrets
        self._server = server

    def add_foreign(self) -> None:
        self._server.device.configure(
            "vlan 10", "name salle-profs",
            f"interface {self.busy}", "description salle des profs", "switchport mode access",
            "switchport access vlan 10",
            "interface Ethernet8", "no switchport", "ip address 192.0.2.9/24",
            "ntp server 192.0.2.1", "snmp-server community caché ro",
        )  # fmt: skip

    def foreign(self) -> Hashable:
        """Running and startup, but for sections with our mark and ports on which nothing is."""
        device = self._server.device
        bare = {f"interface {port}" for port in self.ports}
        return tuple(
            tuple(block for block in text.split("!\n") if "sdnctl" not in block and block.strip() not in bare)
            for text in (device.text, device.startup_text)
        )

    def cut(self) -> None:
        self._server.stop()

    def restore(self) -> None:
        self._server.start()

    def take_away(self, port: str) -> None:
        device = self._server.device
        ours = [line for line in device.running if line.startswith(f"interface {port}.")]
        device.configure(*(f"no {line}" for line in ours))

    def wrong_credentials(self) -> Target:
        path = Path(self.target.options["password"].removeprefix("file:")).with_name("wrong")
        path.write_text("not-the-password\n")
        return replace(self.target, options={**self.target.options, "password": f"file:{path}"})


class TestNapalmOnSimulatedEos(AttachmentDriverContract):
    driver = NapalmDriver

    @pytest.fixture
    def device(self, lab: Any) -> AttachmentDevice:
        server = lab.switch(enable=True)
        secrets = tuple((lab.folder / name).read_text().strip() for name in ("password", "enable"))
        return SimulatedArista(server, lab.target(server), (*secrets, "caché"))
