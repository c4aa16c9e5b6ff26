"""The contract of rules drivers, on real Open vSwitch that is connected to a real os-ken application."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from bridge_device import BridgeDevice
from ovs_fixture import PrivateSwitch, wait_until
from sdnctl_ryu.driver import RyuDriver

from sdnctl.southbound.base import Target
from sdnctl.testing.contract import DriverContract

pytestmark = pytest.mark.ovs

_numbers = itertools.count(1)


class Dialling(BridgeDevice):
    """A bridge that dials in to the application."""

    def __init__(self, switch: PrivateSwitch, application: Any) -> None:
        number = next(_numbers)
        self.application, self.dpid = application, 0x5D9D00 + number
        super().__init__(switch, f"br{number}", self.dpid)
        self.target = Target(f"pop {self.bridge}", f"unix:{application.path}", self.dpid)
        self.restore()

    def restore(self) -> None:
        self.switch.set_controller(self.bridge, f"tcp:127.0.0.1:{self.application.port}")
        wait_until(lambda: self.application.knows(self.dpid), f"{self.bridge} dialling in")


class Contract(DriverContract):
    driver = RyuDriver
    application: ClassVar[str]

    @pytest.fixture
    def device(self, switch: PrivateSwitch, request: pytest.FixtureRequest) -> Iterator[Dialling]:
        device = Dialling(switch, request.getfixturevalue(self.application))
        yield device
        device.remove()


class TestOnNativeThreads(Contract):
    application = "native"


@pytest.mark.soak
class TestOnEventlet(Contract):
    application = "eventlet"
