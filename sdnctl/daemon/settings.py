"""How a controller behaves: the `controller:` section of network.yaml, read at its start and on SIGHUP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sdnctl.errors import Diagnostics, InputError
from sdnctl.units import Delay
from sdnctl.workspace.controller import ControllerSection
from sdnctl.workspace.convention import NETWORK
from sdnctl.workspace.read import read_file
from sdnctl.workspace.settings import NetworkFile

_SECOND = 1e6  # a Delay counts microseconds


@dataclass(frozen=True, slots=True)
class ControllerSettings:
    """Times are seconds; see docs/controller.md for what each does.

    A new setting is a field here and one of the same name in `sdnctl.workspace.controller.ControllerSection`.
    """

    listen: tuple[str, ...] = ()  # addresses that switches dial in to: ptcp:6653, pssl:6653, punix:PATH
    tls: Mapping[str, str] = field(default_factory=dict)  # private_key, certificate, ca_certificate: file:PATH
    api: str = ""  # unix:PATH or 127.0.0.1:PORT; empty: .sdnctl/controller.sock in the network folder
    api_tls: Mapping[str, str] = field(default_factory=dict)  # private_key, certificate, perhaps client_ca
    hold_down: float = 5.0  # a link must be up this long before traffic returns to it; of network.yaml itself
    flap_limit: int = 3  # a link that goes down so often in a row is damped: released only when it has calmed down
    flap_half_life: float = 60.0  # in which the penalty of a link that stays up halves
    drift_interval: float = 60.0  # between two read-backs of everything
    drift: Mapping[str, str] = field(default_factory=dict)  # service class, or default → report, repair, freeze
    poll_interval: float = 2.0  # between two looks at switches that do not report changes of ports
    telemetry_interval: float = 30.0  # between two readings of port counters; 0: none
    discovery_interval: float = 30.0  # between two beacons of a trunk port; 0: none
    discovery_edge_interval: float = 60.0  # between two beacons of a customer port; 0: none
    discovery_missed: int = 3  # beacons in a row before a port is called silent
    stop_timeout: float = 30.0  # for a change that is being made when the controller is told to stop
    parts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of plugins: name → options


def read_settings(folder: Path) -> ControllerSettings:
    """The settings in a network folder, without reading the rest of it; raises InputError with all faults."""
    out = Diagnostics()
    document = read_file(folder, NETWORK, out) if folder.is_dir() else None
    if document is None and not out.errors:
        out.error("missing-file", f"{NETWORK} is missing", address=f"network {folder}")
    out.raise_if_errors(InputError)
    assert document is not None
    return settings_of(document.value)


def settings_of(file: NetworkFile) -> ControllerSettings:
    """The settings that a `network.yaml` makes."""
    section = file.controller
    values: dict[str, Any] = {"hold_down": file.hold_down / _SECOND}
    for name, item in ControllerSection.model_fields.items():
        value = getattr(section, name)
        if item.annotation is Delay:
            value = value / _SECOND
        elif isinstance(value, BaseModel):
            value = value.model_dump(mode="json", exclude_none=True)
        if value is not None:  # None: what the default here says
            values[name] = value
    return ControllerSettings(**values)
