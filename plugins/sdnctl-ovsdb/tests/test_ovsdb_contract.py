"""The contract of settings drivers, on a real ovsdb-server and ovs-vswitchd."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pytest
from sdnctl_ovsdb import OvsdbDriver

from sdnctl.southbound.base import Target
from sdnctl.testing.contract_settings import SettingsDriverContract
from sdnctl.testing.device import ContractDevice

pytestmark = pytest.mark.ovs


class OvsdbContractDevice(ContractDevice):
    """Bridge *a*; its database socket is a second one, so that only the driver loses it."""

    ports = (1, 2, 3)

    def __init__(self, server: Any, **options: str) -> None:
        self._server = server
        self.target = Target("pop-a", f"unix:{server.driver_socket}#{server.bridge}", 0xA1, options)

    def add_foreign(self) -> None:
        bridge = self._server.bridge
        self._server.vsctl("--", "set", "port", f"{bridge}.4", "qos=@q", "--", "--id=@q", "create", "qos",
                           "type=linux-htb", "queues=5=@r", "--", "--id=@r", "create", "queue",
                           "other_config:max-rate=5000000")  # fmt: skip
        self._server.vsctl("set", "interface", f"{bridge}.4", "bfd:enable=true", "bfd:min_tx=300")
        self._server.vsctl("set", "interface", f"{bridge}.1", "external_ids:rack=7", "bfd:decay_min_rx=1000")
        self._server.vsctl("set", "bridge", bridge, "other_config:hwaddr=02:00:00:00:00:99")

    def foreign(self) -> Hashable:
        vsctl, bridge = self._server.vsctl, self._server.bridge
        uuid = vsctl("get", "port", f"{bridge}.4", "qos")
        return (
            uuid,
            vsctl("list", "qos", uuid),
            vsctl("get", "interface", f"{bridge}.4", "bfd"),
            vsctl("get", "interface", f"{bridge}.1", "external_ids:rack"),
            vsctl("get", "interface", f"{bridge}.1", "bfd:decay_min_rx"),
            vsctl("get", "bridge", bridge, "other_config"),
        )

    def cut(self) -> None:
        self._server.hang_up()

    def restore(self) -> None:
        self._server.listen()


class TestOvsdb(SettingsDriverContract):
    driver = OvsdbDriver

    @pytest.fixture
    def device(self, server: Any) -> ContractDevice:
        return OvsdbContractDevice(server)


class TestOvsdbWithQueues(SettingsDriverContract):
    driver = OvsdbDriver

    @pytest.fixture
    def device(self, server: Any) -> ContractDevice:
        return OvsdbContractDevice(server, queues="on")
