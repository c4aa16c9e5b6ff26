"""The switches of a running controller, asked through it: read as ever, written by nobody but the controller."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from sdnctl.client.remote import Remote, diagnostics
from sdnctl.compiler.codec import decode
from sdnctl.errors import DeviceError, DeviceUnreachable, Diagnostic, LeaseHeld
from sdnctl.plan.model import Observed, Stage
from sdnctl.southbound.base import Counters, Driver, Payload, PortState, Target
from sdnctl.southbound.fleet import Fleet, Observation


class RemoteFleet(Fleet):
    """What a `Fleet` tells, told by a controller.

    Switches that the controller does not know yet, because they are new to the network, are asked directly: nobody
    else is connected to them.
    """

    def __init__(self, remote: Remote, targets: Mapping[str, Mapping[type[Driver], Target]]) -> None:
        super().__init__(targets)
        self._remote = remote

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(one["switch"] for one in self._remote.get("/v1/controller")["switches"])

    async def observe(self, devices: Iterable[str] | None = None) -> Observation:
        """Read back through the controller."""
        wanted = tuple(devices) if devices is not None else self.devices()
        known = await asyncio.to_thread(lambda: self._known)
        asked = [device for device in wanted if device in known]
        answer = await asyncio.to_thread(self._remote.post, "/v1/observation", {"switches": asked})
        found = Observation(
            {device: _observed(answer["rules"][device]) for device in asked},
            {device: _observed(one) for device, one in answer["settings"].items()},
            {device: _fault(items) for device, items in answer["faults"].items()},
        )
        new = [device for device in wanted if device not in known]
        return found.updated(await super().observe(new)) if new else found

    async def counters(self, payload: Payload = "rules") -> Mapping[str, Counters | None]:
        """Ports and packets, through the controller."""
        answer = (await asyncio.to_thread(self._remote.get, "/v1/counters"))["counters"]
        return {device: _counters(answer.get(device)) for device in self.devices(payload)}

    async def driver(self, device: str, payload: Payload = "rules") -> Driver:
        """A driver of a switch that is new; raises LeaseHeld for those of the controller."""
        if device in await asyncio.to_thread(lambda: self._known):
            raise _held(self._remote)
        return await super().driver(device, payload)

    async def commit(self, stage: Stage) -> None:
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


def _observed(data: Any) -> Observed | None:
    return decode(Observed, data) if data is not None else None


def _fault(items: list[Mapping[str, Any]]) -> DeviceError:
    return DeviceUnreachable(*diagnostics(items))


def _counters(data: Any) -> Counters | None:
    if data is None:
        return None
    ports = {int(number): decode(PortState, port) for number, port in data["ports"].items()}
    return Counters(ports, {(table, cookie): packets for table, cookie, packets in data["flows"]})
