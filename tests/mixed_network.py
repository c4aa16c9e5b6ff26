"""A network of switches and of gear beside them, small enough to see through: three switches, three devices.

`sw-school` and `sw-hall` are plugged into sw-a and sw-b, `handover` into sw-c. Cameras and circuits begin behind
them, so that one edit touches all. Everything is simulated unless a test brings real devices.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sdnctl_in_process import Net, sdnctl
from workspace_folder import FILES, write

from sdnctl.dataplane.attachment import Attachment
from sdnctl.southbound.simulated import SimulatedDevice, Simulator

DEVICES = """\
devices:
  - id: sw-school
    site: alpha
    platform: frr
    uplink: {port: eth9, switch: sw-a, switch_port: 24}
    tags: 100-109
    drivers: {attachments-memory: "attachments-memory:/nowhere"}
    credentials: {username: sdnctl, password: "env:SCHOOL_PASSWORD"}
    host_key: "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
    options: {timeout: "30"}
  - id: sw-hall
    site: beta
    platform: ietf
    uplink: {port: xe-0/0/1, switch: sw-b, switch_port: 24}
    tags: 200-209
    drivers: {attachments-memory: "attachments-memory:/nowhere"}
    can: [marking, vlans]
  - id: handover
    site: gamma
    platform: cisco_ios
    uplink: {port: GigabitEthernet0/1, switch: sw-c, switch_port: 24}
    tags: 300-309
    drivers: {attachments-memory: "attachments-memory:/nowhere"}
"""
ENDPOINTS = """\
cam-s,alpha,sw-school,eth1,,,10.1.0.11/32,camera,school
cam-h,beta,sw-hall,xe-0/0/2,30,,10.1.0.12/32,camera,hall
line-s,alpha,sw-school,eth2,,,,enterprise,
line-h,gamma,handover,GigabitEthernet0/2,40,,,enterprise,
"""
CIRCUIT = "  - {id: school, a: line-s, b: line-h, bandwidth: 10 Mbit/s}\n"


def files(devices: str = DEVICES) -> Mapping[str, str | bytes | None]:
    """The network folder of `workspace_folder` with devices."""
    return {
        "inventory/equipment.yaml": FILES["inventory/equipment.yaml"] + devices,
        "inventory/endpoints.csv": FILES["inventory/endpoints.csv"] + ENDPOINTS,
        "intents/circuits.yaml": FILES["intents/circuits.yaml"] + CIRCUIT,
    }


class MixedNet(Net):
    """The folder with a memory lab: simulated devices beside the embedded switches."""

    @property
    def simulator(self) -> Simulator:
        return Simulator(self.folder / ".sdnctl" / "lab" / "devices")

    def device(self, name: str) -> SimulatedDevice:
        found = self.simulator.read(name)
        assert found is not None
        return found

    def running(self) -> dict[str, list[Attachment]]:
        """What every device runs, in order of ports."""
        return {
            name: sorted(self.device(name).running.values(), key=lambda one: one.port)
            for name in self.simulator.names()
        }

    def assert_exact(self) -> None:
        """Also devices hold exactly what was applied, confirmed."""
        super().assert_exact()
        wanted = self.applied().compiled.attachments
        for name in self.simulator.names():
            device = self.device(name)
            assert device.running == wanted.get(name, {}), name
            assert device.confirmed is None, f"{name} waits for a confirmation"


def mixed_net(folder: Path) -> MixedNet:
    write(folder, files())
    net = MixedNet(folder)
    net.ok("lab", "up", "--kind", "memory")
    return net


__all__ = ["CIRCUIT", "DEVICES", "ENDPOINTS", "MixedNet", "files", "mixed_net", "sdnctl"]
