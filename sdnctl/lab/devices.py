"""Gear beside the switches in a lab: simulated devices, or those of the inventory at their own addresses.

Simulated is the default, so that no lab ever reaches for a device in the field: a file per device, with the
ports that endpoints need, which accept and hold attachments (`southbound.simulated`). They forward nothing: a
lab's hosts stand at the switch ports that devices are plugged into, and send and expect the tags that the
devices would.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from sdnctl.intents.demand import Endpoint
from sdnctl.southbound.attachments_memory import SCHEME, AttachmentsMemoryDriver
from sdnctl.southbound.simulated import Simulator
from sdnctl.topology.graph import Topology

_FOLDER = "devices"
_REAL = "real"
"""A marker: devices are those of the inventory."""


def make(run_dir: Path, topology: Topology, endpoints: Mapping[str, Endpoint], *, real: bool) -> None:
    """Make every device of the topology, or note that they are real."""
    directory = run_dir / _FOLDER
    directory.mkdir(parents=True, exist_ok=True)
    if real:
        (directory / _REAL).touch()
        return
    ports: dict[str, set[str]] = defaultdict(set)
    for endpoint in endpoints.values():
        if endpoint.behind is not None:
            ports[endpoint.behind.device].add(endpoint.behind.port)
    for device in topology.devices.values():
        known = [*sorted(ports[device.id]), device.uplink]
        Simulator(directory).create(device.id, known, any_port=True, can=sorted(device.can))


def targets(run_dir: Path) -> Mapping[str, Mapping[str, str]] | None:
    """Where simulated devices are, as `Lab.targets` of switches; None where they are those of the inventory.

    Nowhere where the lab is another user's, who lets nobody look: then the real ones are not to be touched either.
    """
    directory = run_dir / _FOLDER
    try:
        if (directory / _REAL).exists():
            return None
    except PermissionError:
        return {}
    name = AttachmentsMemoryDriver.name
    return {device: {name: f"{SCHEME}{directory}#{device}"} for device in Simulator(directory).names()}
