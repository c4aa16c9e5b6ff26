"""Switches that are new to the network, asked what they hold before anything is decided about them.

Those that listen are dialled for this moment. Those that dial in wait at the door: they are asked over the
connection that they made, which stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from sdnctl.daemon.live import LiveFleet
from sdnctl.errors import DeviceUnreachable, Diagnostic
from sdnctl.southbound.base import Driver, Payload, Target
from sdnctl.southbound.fleet import Fleet
from sdnctl.southbound.openflow.address import DIAL_IN
from sdnctl.southbound.openflow.driver import OpenFlowDriver


class Newcomers(Fleet):
    """A fleet of devices that are not (yet) those of a running controller."""

    def __init__(self, live: LiveFleet, targets: Mapping[str, Mapping[type[Driver], Target]]) -> None:
        super().__init__(targets)
        self._live = live

    async def driver(self, device: str, payload: Payload = "rules") -> Driver:
        """As `Fleet.driver`; raises DeviceUnreachable for a switch that has not dialled in (yet)."""
        if payload == "rules" and (device, payload) not in self._open:
            for kind, target in self._targets.get(device, {}).items():
                if issubclass(kind, OpenFlowDriver) and target.address == DIAL_IN and target.dpid is not None:
                    self._open[device, payload] = await self._lent(target, target.dpid)
        return await super().driver(device, payload)

    async def _lent(self, target: Target, dpid: int) -> Driver:
        channel = self._live.outside.get(dpid)
        if channel is None:
            raise DeviceUnreachable(
                Diagnostic(
                    "device-unreachable",
                    f"{target.device} has not dialled in",
                    address=f"switch {target.device}",
                    hint=f"it has datapath id {dpid:016x}; the controller listens at "
                    f"{', '.join(self._live.doors.addresses) or 'no address (`controller: listen:`)'}",
                )
            )
        self._live.identities.check(target.device, channel.certificate)
        return await _Lent.over(channel, target)


class _Lent(OpenFlowDriver):
    """A driver on a connection that is somebody else's."""

    async def close(self) -> None:
        """Leave the connection open."""


def waiting(device_dpids: Mapping[str, int]) -> Mapping[str, Mapping[type[Driver], Target]]:
    """Targets of switches that wait at the door."""
    return {device: {OpenFlowDriver: Target(device, DIAL_IN, dpid)} for device, dpid in device_dpids.items()}
