"""New switches: kept at the door until somebody says which device they are.

A switch that dials in and is no device stays connected and is written nothing to; it is published, with what it
shows. To admit or replace one changes who a device is, in the store (`usecases.admitting`), by whatever process.
This part sees that and lets the fleet let go of the old switch and take the new one, which comes as one that
restarted empty: what is applied is put on it by whoever refills such switches (`drift`).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from sdnctl.daemon.events import Kind
from sdnctl.daemon.hub import Hub
from sdnctl.daemon.turns import Urgency
from sdnctl.errors import DeviceError, StoreError
from sdnctl.southbound.openflow.channel import Channel
from sdnctl.southbound.openflow.probe import describe
from sdnctl.store.bindings import Binding
from sdnctl.usecases import admitting

logger = logging.getLogger(__name__)

LOOK = 2.0
"""Seconds between two looks at who the devices are."""


class Admission:
    """The part: what was bound takes effect; the certificate that is shown first has to be shown ever after."""

    name = "admission"

    async def run(self, hub: Hub) -> None:
        while True:
            try:
                await self._look(hub)
            except StoreError as error:
                logger.warning("bindings cannot be read: %s", error)
            await asyncio.sleep(LOOK)

    async def _look(self, hub: Hub) -> None:
        now = await hub.compute(_bindings, hub)
        known = hub.fleet.identities.bindings
        if now != known:
            await take(hub, tuple(one for one in now if one not in known and one.retired is None))
        for one in now:
            if one.retired is None and not one.certificate and (shown := _shown(hub, one.dpid)):
                await hub.compute(self._pin, hub, one.device, shown)

    def _pin(self, hub: Hub, device: str, certificate: str) -> None:
        hub.context.store.bindings.pin(device, certificate)


async def take(hub: Hub, made: tuple[Binding, ...]) -> None:
    """Let the fleet follow the bindings, in a turn, so that no change is half made; tell of the new ones."""
    async with hub.turns.turn(Urgency.REQUEST, "switches admitted or replaced", "admission"):
        applied = await hub.compute(hub.applied)
        await hub.retarget(*((applied[1].compiled.topology,) if applied is not None else ()))
    for one in made:
        hub.events.publish(
            Kind.SWITCH_ADMITTED,
            f"switch {one.device}",
            f"{one.device} is switch {one.dpid:016x}, by {one.author}",
            device=one.device,
            dpid=f"{one.dpid:016x}",
            certificate=one.certificate,
        )


@dataclass(frozen=True, slots=True)
class Waiting:
    """A switch at the door: what it says and shows. `replaced`: the device that it was once."""

    dpid: int
    address: str
    certificate: str
    description: str
    replaced: str | None = None

    def document(self) -> dict[str, Any]:
        return {
            "dpid": f"{self.dpid:016x}",
            "address": self.address,
            "certificate": self.certificate,
            "description": self.description,
            "replaced": self.replaced,
        }


async def waiting(hub: Hub) -> tuple[Waiting, ...]:
    """The switches at the door, asked what they are; in order of datapath id."""
    outside = sorted(hub.fleet.outside.items())
    return tuple(await asyncio.gather(*(_ask(hub, dpid, channel) for dpid, channel in outside)))


async def _ask(hub: Hub, dpid: int, channel: Channel) -> Waiting:
    try:
        description = await describe(channel)
    except DeviceError:
        description = ""
    replaced = hub.fleet.identities.retired.get(dpid)
    return Waiting(dpid, channel.peer, channel.certificate, description, replaced)


async def admit(hub: Hub, dpid: int, device: str, author: str) -> Binding:
    """Bind a device to a switch, and to the certificate that it shows now, if any; raises InputError."""
    shown = _shown(hub, dpid)
    return await hub.compute(lambda: admitting.admit(hub.context, dpid, device, shown, author))


async def replace(hub: Hub, device: str, dpid: int, author: str) -> Binding:
    """Let another switch be this device from now on; raises InputError."""
    shown = _shown(hub, dpid)
    return await hub.compute(lambda: admitting.replace(hub.context, dpid, device, shown, author))


def _bindings(hub: Hub) -> tuple[Binding, ...]:
    return hub.context.store.bindings.all()


def _shown(hub: Hub, dpid: int) -> str:
    """The certificate of a switch, at the door or as a device; empty where it is not connected or shows none."""
    channel = hub.fleet.channel(dpid)
    return channel.certificate if channel is not None else ""
