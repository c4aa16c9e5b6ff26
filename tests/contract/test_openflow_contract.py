"""The driver contract on real Open vSwitch: over a socket in the file system, and over TCP."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from bridge_device import BridgeDevice
from ovs_fixture import PrivateSwitch

from sdnctl.southbound.base import Target
from sdnctl.southbound.openflow.driver import OpenFlowDriver
from sdnctl.testing.contract import DriverContract

pytestmark = pytest.mark.ovs


class Listening(BridgeDevice):
    """A bridge that listens where a controller dials to: on a socket in the file system, or on TCP."""

    def __init__(self, switch: PrivateSwitch, bridge: str, dpid: int, listen: str) -> None:
        super().__init__(switch, bridge, dpid)
        if listen == "tcp":
            switch.set_controller(bridge, "ptcp:0:127.0.0.1")
            port = switch.listening_port(bridge)
            self.listen, address = f"ptcp:{port}:127.0.0.1", f"tcp:127.0.0.1:{port}"
        else:
            path = f"{switch.folder}/{bridge}.ctl"
            self.listen, address = f"punix:{path}", f"unix:{path}"
            self.restore()
        self.target = Target(f"pop {bridge}", address, dpid)

    def restore(self) -> None:
        self.switch.set_controller(self.bridge, self.listen)


_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def switch() -> Iterator[PrivateSwitch]:
    with PrivateSwitch() as switch:
        yield switch


class OnOpenVSwitch(DriverContract):
    driver = OpenFlowDriver
    listen = "unix"

    @pytest.fixture
    def device(self, switch: PrivateSwitch) -> Iterator[Listening]:
        number = next(_numbers)
        device = Listening(switch, f"br{number}", 0x5D9C00 + number, self.listen)
        yield device
        device.remove()


class TestOverASocketFile(OnOpenVSwitch):
    listen = "unix"


class TestOverTcp(OnOpenVSwitch):
    listen = "tcp"
