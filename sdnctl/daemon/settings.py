"""How a controller behaves: the `controller:` section of network.yaml, read at its start."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ControllerSettings:
    """Times are seconds; see docs/controller.md for what each does."""

    listen: tuple[str, ...] = ()  # addresses that switches dial in to: ptcp:6653, pssl:6653, punix:PATH
    listen_options: dict[str, str] = field(default_factory=dict)  # TLS files of pssl:, by reference
    api: str = ""  # unix:PATH or 127.0.0.1:PORT; empty: .sdnctl/controller.sock in the network folder
    hold_down: float = 5.0  # a link must be up this long before traffic returns to it
    drift_interval: float = 60.0  # between two read-backs of everything
