"""The simulator of gear beside the switches passes the contract that drivers of real gear pass."""

from collections.abc import Hashable
from pathlib import Path

import pytest

from sdnctl.southbound.attachments_memory import SCHEME, AttachmentsMemoryDriver
from sdnctl.southbound.base import Target
from sdnctl.southbound.simulated import Simulator
from sdnctl.testing.contract_attachments import AttachmentDriverContract
from sdnctl.testing.device import AttachmentDevice


class SimulatedContractDevice(AttachmentDevice):
    ports = ("eth1", "eth2", "eth3")
    busy = "eth4"
    uplink = "eth9"
    patience = 1.0
    NAME = "sw école/1"

    def __init__(self, directory: Path, can: tuple[str, ...]) -> None:
        self.simulator = Simulator(directory)
        self.simulator.create(self.NAME, [*self.ports, self.busy, self.uplink], can=list(can))
        self.target = Target(self.NAME, f"{SCHEME}{directory}")

    def add_foreign(self) -> None:
        with self.simulator.changing(self.NAME) as device:
            device.foreign[self.busy] = "description printer"

    def foreign(self) -> Hashable:
        found = self.simulator.read(self.NAME)
        assert found is not None
        return tuple(found.foreign.items())

    def cut(self) -> None:
        with self.simulator.changing(self.NAME) as device:
            device.reachable = False

    def restore(self) -> None:
        with self.simulator.changing(self.NAME) as device:
            device.reachable = True

    def take_away(self, port: str) -> None:
        with self.simulator.changing(self.NAME) as device:
            device.running = {key: held for key, held in device.running.items() if held.port != port}


class TestSimulator(AttachmentDriverContract):
    driver = AttachmentsMemoryDriver

    @pytest.fixture
    def device(self, tmp_path: Path) -> AttachmentDevice:
        return SimulatedContractDevice(tmp_path / "a lab", ("policing", "marking", "vlans"))


class TestSimulatorThatCanDoLittle(AttachmentDriverContract):
    driver = AttachmentsMemoryDriver

    @pytest.fixture
    def device(self, tmp_path: Path) -> AttachmentDevice:
        return SimulatedContractDevice(tmp_path, ())
