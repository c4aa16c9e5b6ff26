"""The fleet of a controller: connections stay open, come back by themselves, and say when they come and go."""

from __future__ import annotations

from sdnctl.southbound.fleet import Fleet


class LiveFleet(Fleet):
    """Everything a `Fleet` does, on connections that live as long as the controller."""

    @property
    def up(self) -> frozenset[str]:
        """Devices that have an open connection now."""
        return frozenset(device for device, payload in self._open if payload == "rules")
