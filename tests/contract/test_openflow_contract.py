"""The driver contract on real Open vSwitch: over a socket in the file system, and over TCP."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator
from typing import ClassVar

import pytest
from ovs_fixture import PrivateSwitch

from sdnctl.southbound.base import Target
from sdnctl.southbound.openflow.driver import OpenFlowDriver
from sdnctl.testing.contract import DriverContract
from sdnctl.testing.device import ContractDevice

pytestmark = pytest.mark.ovs

FOREIGN_FLOWS = (
    "table=0,priority=5,in_port=2,tcp,tp_dst=80,actions=output:3",
    "table=0,priority=200,arp,actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],CONTROLLER:128",
    "table=7,cookie=0x77,priority=9,reg3=0x4,actions=learn(table=8,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]),NORMAL",
)


class OvsDevice(ContractDevice):
    """One bridge of a private Open vSwitch, listening where a controller target says."""

    ports: ClassVar[tuple[int, ...]] = (1, 2, 3)

    def __init__(self, switch: PrivateSwitch, bridge: str, dpid: int, listen: str) -> None:
        self.switch, self.bridge, self.listen = switch, bridge, listen
        switch.add_bridge(bridge, dpid, self.ports)
        if listen == "tcp":
            switch.set_controller(bridge, "ptcp:0:127.0.0.1")
            port = switch.listening_port(bridge)
            self.listen, address = f"ptcp:{port}:127.0.0.1", f"tcp:127.0.0.1:{port}"
        else:
            path = f"{switch.folder}/{bridge}.ctl"
            self.listen, address = f"punix:{path}", f"unix:{path}"
            self.restore()
        self.target = Target(f"pop {bridge}", address, dpid)

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
        """The switch stops listening and closes what it has; fail mode secure keeps its rules."""
        self.switch.vsctl("--timeout=15", "del-controller", self.bridge)

    def restore(self) -> None:
        self.switch.set_controller(self.bridge, self.listen)

    def send(self, port: int, frame: bytes) -> bool:
        self.switch.receive(self.bridge, port, frame)
        return True


_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def switch() -> Iterator[PrivateSwitch]:
    with PrivateSwitch() as switch:
        yield switch


class OnOpenVSwitch(DriverContract):
    driver = OpenFlowDriver
    listen = "unix"

    @pytest.fixture
    def device(self, switch: PrivateSwitch) -> Iterator[OvsDevice]:
        number = next(_numbers)
        device = OvsDevice(switch, f"br{number}", 0x5D9C00 + number, self.listen)
        yield device
        switch.vsctl("--timeout=15", "del-br", device.bridge)


class TestOverASocketFile(OnOpenVSwitch):
    listen = "unix"


class TestOverTcp(OnOpenVSwitch):
    listen = "tcp"
