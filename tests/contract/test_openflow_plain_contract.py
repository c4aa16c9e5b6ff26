"""The driver contract against switches that Open vSwitch is not: without bundles, with tiny reply parts."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import pytest
from openflow_fake import FakeSwitch

from sdnctl.dataplane.values import (
    Bucket,
    Encap,
    Flow,
    Group,
    GroupType,
    Match,
    Meter,
    Output,
    RuleSet,
    is_ours,
)
from sdnctl.southbound.base import Target
from sdnctl.southbound.openflow.driver import OpenFlowDriver
from sdnctl.testing import samples
from sdnctl.testing.contract import DriverContract, Rule
from sdnctl.testing.device import ContractDevice

FOREIGN: tuple[Rule, ...] = (
    Meter(7, 1000, 100),
    Group(7, GroupType.INDIRECT, (Bucket((Output(1),)),)),
    Flow(0, 1, Match(), cookie=0xABC, actions=(Output(2),)),
)


class FakeDevice(ContractDevice):
    def __init__(self, switch: FakeSwitch) -> None:
        self.switch = switch
        self.ports = (1, 2, 3)
        self.target = Target("pop fake", switch.address, switch.features.dpid)

    def add_foreign(self) -> None:
        for rule in FOREIGN:
            self.switch.book.add(rule)

    def foreign(self) -> Hashable:
        return frozenset(rule for rule in self.switch.book.rules if not is_ours(rule))

    def cut(self) -> None:
        self.switch.cut()

    def restore(self) -> None:
        self.switch.restore()

    def send(self, port: int, frame: bytes) -> bool:
        self.switch.receive(port)
        return True


class OnAFakeSwitch(DriverContract):
    driver = OpenFlowDriver
    bundles = False

    @pytest.fixture
    def device(self) -> Iterator[FakeDevice]:
        with FakeSwitch(dpid=7, bundles=self.bundles) as switch:
            yield FakeDevice(switch)


class TestWithoutBundles(OnAFakeSwitch):
    bundles = False

    def full(self, device: ContractDevice) -> RuleSet:
        """Without bundles the driver cannot try encapsulation without effect, and declares it absent."""
        rules = samples.full(device.ports)
        return RuleSet.of(rule for rule in rules if Encap("mpls") not in getattr(rule, "actions", ()))


class TestWithBundles(OnAFakeSwitch):
    bundles = True
