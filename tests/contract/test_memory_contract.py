"""The memory driver passes the contract that every driver passes."""

from collections.abc import Hashable
from pathlib import Path

import pytest

from sdnctl.dataplane.serialise import dump_rules
from sdnctl.dataplane.values import (
    Bucket,
    Flow,
    Group,
    GroupType,
    Match,
    Meter,
    Output,
    RuleSet,
    SwitchSettings,
    is_ours,
)
from sdnctl.errors import DeviceRefused
from sdnctl.plan.model import SettingsChange
from sdnctl.southbound.base import Target
from sdnctl.southbound.embedded import Switchboard
from sdnctl.southbound.memory import MemoryDriver
from sdnctl.testing.contract import DriverContract
from sdnctl.testing.device import ContractDevice


class MemoryDevice(ContractDevice):
    ports = (1, 2, 3)

    def __init__(self, directory: Path) -> None:
        self.board = Switchboard(directory)
        self.board.create("pop gare/1", self.ports)
        self.target = Target("pop gare/1", f"memory:{directory}")

    def add_foreign(self) -> None:
        with self.board.changing("pop gare/1") as embedded:
            embedded.rules.add(
                Meter(7, 1000, 100),
                Group(7, GroupType.INDIRECT, (Bucket((Output(1),)),)),
                Flow(0, 1, Match(), cookie=0xABC, actions=(Output(2),)),
            )

    def foreign(self) -> Hashable:
        rules = self.board.read("pop gare/1").rules
        return str(dump_rules(RuleSet.of(rule for rule in rules if not is_ours(rule))))

    def cut(self) -> None:
        self.board.set_reachable("pop gare/1", False)

    def restore(self) -> None:
        self.board.set_reachable("pop gare/1", True)

    def send(self, port: int, frame: bytes) -> bool:
        fabric = self.board.fabric()
        fabric.inject("pop gare/1", port, frame)
        self.board.count(fabric)
        return True


class TestMemoryDriver(DriverContract):
    driver = MemoryDriver

    @pytest.fixture
    def device(self, tmp_path: Path) -> ContractDevice:
        return MemoryDevice(tmp_path / "a lab")

    def test_settings_are_refused(self, device: ContractDevice) -> None:
        async def use(driver: MemoryDriver) -> None:
            with pytest.raises(DeviceRefused, match="settings"):
                await driver.commit([SettingsChange(SwitchSettings())])

        self.run(device, use)
