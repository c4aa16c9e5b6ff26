"""The switches of a running controller, asked through it: read as ever, written by nobody but the controller."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from functools import cached_property

from sdnctl.client.dialect import understood
from sdnctl.client.remote import Remote
from sdnctl.client.wire import read_counters, read_observation
from sdnctl.errors import Diagnostic, LeaseHeld
from sdnctl.plan.model import Stage
from sdnctl.southbound.attaching import Told
from sdnctl.southbound.base import Counters, Driver, Payload, Target
from sdnctl.southbound.fleet import Fleet, Observation
from sdnctl.southbound.openflow.address import DIAL_IN


class RemoteFleet(Fleet):
    """What a `Fleet` tells, told by a controller.

    Switches that the controller does not know yet, because they are new to the network, are asked directly: nobody
    else is connected to them. Those that dial in wait at its door, and are asked through it too.
    """

    def __init__(self, remote: Remote, targets: Mapping[str, Mapping[type[Driver], Target]]) -> None:
        super().__init__(targets)
        self._remote = remote

    @cached_property
    def _known(self) -> frozenset[str]:
        found = self._remote.get("/v1/controller")
        with understood(self._remote.where):
            return frozenset((*(one["switch"] for one in found["switches"]), *found.get("devices", ())))

    async def observe(self, devices: Iterable[str] | None = None) -> Observation:
        """Read back through the controller."""
        wanted = tuple(devices) if devices is not None else (*self.devices(), *self.devices("attachments"))
        known = await asyncio.to_thread(lambda: self._known)
        asked = [device for device in wanted if device in known]
        at_the_door = self._at_the_door(device for device in wanted if device not in known)
        body = {"switches": asked, "newcomers": at_the_door}
        answer = await asyncio.to_thread(self._remote.post, "/v1/observation", body)
        with understood(self._remote.where):
            found = await asyncio.to_thread(read_observation, answer)
        new = [device for device in wanted if device not in known and device not in at_the_door]
        return found.updated(await super().observe(new)) if new else found

    def _at_the_door(self, devices: Iterable[str]) -> dict[str, str]:
        """Those of these devices that dial in, with their datapath ids in hex."""
        asked = frozenset(devices)
        return {
            device: f"{target.dpid:x}"
            for device, (_, target) in self.targets("rules").items()
            if device in asked and target.address == DIAL_IN and target.dpid is not None
        }

    async def counters(self, payload: Payload = "rules") -> Mapping[str, Counters | None]:
        """Ports and packets, through the controller."""
        answer = await asyncio.to_thread(self._remote.get, "/v1/counters")
        with understood(self._remote.where):
            found = answer["counters"]
            return {device: read_counters(found.get(device)) for device in self.devices(payload)}

    async def ports(self) -> Mapping[str, Counters | None]:
        """Ports, through the controller."""
        return await self.counters()

    async def driver(self, device: str, payload: Payload = "rules") -> Driver:
        """A driver of a switch that is new; raises LeaseHeld for those of the controller."""
        if device in await asyncio.to_thread(lambda: self._known):
            raise _held(self._remote)
        return await super().driver(device, payload)

    async def commit(self, stage: Stage) -> None:
        """Never: the controller writes."""
        raise _held(self._remote)

    async def attach(self, stage: Stage, told: Told | None = None) -> None:
        """Never: the controller writes."""
        raise _held(self._remote)


def _held(remote: Remote) -> LeaseHeld:
    return LeaseHeld(
        Diagnostic(
            "controller-writes",
            "a controller runs for this network, and nobody else writes to its switches",
            address=f"controller {remote.where}",
            hint="ask it: apply, rollback, controller flip, drain and reconcile do",
        )
    )
