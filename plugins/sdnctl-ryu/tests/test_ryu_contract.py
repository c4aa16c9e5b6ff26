"""The contract of rules drivers, on real Open vSwitch that is connected to a real os-ken application."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator
from typing import Any, ClassVar

import pytest
from ovs_fixture import PrivateSwitch, wait_until
from sdnctl_ryu.driver import RyuDriver

from sdnctl.southbound.base import Target
from sdnctl.testing.contract import DriverContract
from sdnctl.testing.device import ContractDevice

pytestmark = pytest.mark.ovs

FOREIGN_FLOWS = (
    "table=0,priority=5,in_port=2,tcp,tp_dst=80,actions=output:3",
    "table=0,priority=200,arp,actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],CONTROLLER:128",
    "table=7,cookie=0x77,priority=9,reg3=0x4,actions=learn(table=8,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]),NORMAL",
)
_numbers = itertools.count(1)


class Dialling(ContractDevice):
    """A bridge that dials in to the application."""

    ports: ClassVar[tuple[int, ...]] = (1, 2, 3)

    def __init__(self, switch: PrivateSwitch, application: Any) -> None:
        number = next(_numbers)
        self.switch, self.application, self.bridge = switch, application, f"br{number}"
        self.dpid = 0x5D9D00 + number
        switch.add_bridge(self.bridge, self.dpid, self.ports)
        self.target = Target(f"pop {self.bridge}", f"unix:{application.path}", self.dpid)
        self.restore()

    def add_foreign(self) -> None:
        for flow in FOREIGN_FLOWS:
            self.switch.ofctl("add-flow", self.bridge, flow)
        self.switch.ofctl("add-group", self.bridge, "group_id=9,type=indirect,bucket=actions=output:1")
        self.switch.ofctl("add-meter", self.bridge, "meter=9,pktps,bands=type=drop,rate=100")

    def foreign(self) -> Hashable:
        def lines(command: str, *options: str) -> list[str]:
            return self.switch.ofctl(command, self.bridge, *options).splitlines()

        return (
            frozenset(line for line in lines("dump-flows", "--no-stats") if "cookie=0x5d9c" not in line),
            frozenset(line for line in lines("dump-groups") if "group_id=9," in line),
            frozenset(line for line in lines("dump-meters") if "meter=9 " in line),
        )

    def cut(self) -> None:
        """The switch leaves the application; fail mode secure keeps its rules."""
        self.switch.vsctl("--timeout=15", "del-controller", self.bridge)

    def restore(self) -> None:
        self.switch.set_controller(self.bridge, f"tcp:127.0.0.1:{self.application.port}")
        wait_until(lambda: self.application.knows(self.dpid), f"{self.bridge} dialling in")

    def send(self, port: int, frame: bytes) -> bool:
        self.switch.receive(self.bridge, port, frame)
        return True


class Contract(DriverContract):
    driver = RyuDriver
    application: ClassVar[str]

    @pytest.fixture
    def device(self, switch: PrivateSwitch, request: pytest.FixtureRequest) -> Iterator[Dialling]:
        device = Dialling(switch, request.getfixturevalue(self.application))
        yield device
        switch.vsctl("--timeout=15", "del-br", device.bridge)


class TestOnNativeThreads(Contract):
    application = "native"


@pytest.mark.soak
class TestOnEventlet(Contract):
    application = "eventlet"
