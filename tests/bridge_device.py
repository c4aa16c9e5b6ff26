"""A bridge of a private Open vSwitch as contracts of drivers see it: disturbed by `ovs-ofctl` and `ovs-vsctl`."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from ovs_fixture import PrivateSwitch

from sdnctl.testing.device import ContractDevice

FOREIGN_FLOWS = (
    "table=0,priority=5,in_port=2,tcp,tp_dst=80,actions=output:3",
    "table=0,priority=200,arp,actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],CONTROLLER:128",
    "table=7,cookie=0x77,priority=9,reg3=0x4,actions=learn(table=8,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]),NORMAL",
)


class BridgeDevice(ContractDevice):
    """A new bridge with three ports; how it meets the controller is up to `restore`."""

    ports: ClassVar[tuple[int, ...]] = (1, 2, 3)

    def __init__(self, switch: PrivateSwitch, bridge: str, dpid: int) -> None:
        self.switch, self.bridge = switch, bridge
        switch.add_bridge(bridge, dpid, self.ports)

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
        """The switch leaves the controller; fail mode secure keeps its rules."""
        self.switch.vsctl("--timeout=15", "del-controller", self.bridge)

    def send(self, port: int, frame: bytes) -> bool:
        self.switch.receive(self.bridge, port, frame)
        return True

    def remove(self) -> None:
        self.switch.vsctl("--timeout=15", "del-br", self.bridge)
