"""The async driver: `NetconfDevice` in threads, through the core's `BlockingDriver`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import ClassVar

from sdnctl.errors import DeviceError
from sdnctl.southbound import device_faults
from sdnctl.southbound.base import Payload, Target
from sdnctl.southbound.blocking import BlockingDriver
from sdnctl_netconf.client import Client, RpcRefused
from sdnctl_netconf.device import NetconfDevice
from sdnctl_netconf.notifications import ConfigChange, Listener
from sdnctl_netconf.ssh import login_of

WAITING_MOST = 1_000
"""Changes that wait to be taken; of more than that one knows anyhow that everything must be read."""


class NetconfDriver(BlockingDriver[NetconfDevice]):
    """Attachments of one device, by confirmed commits of its candidate configuration."""

    name: ClassVar[str] = "netconf"
    payload: ClassVar[Payload] = "attachments"

    @classmethod
    def connect(cls, target: Target) -> NetconfDevice:
        return NetconfDevice(target)

    async def watch_changes(self) -> AsyncGenerator[ConfigChange, None]:
        """Every change of the device's configuration, by whomever, as it happens, in a session of its own.

        Ends with DeviceRefused where the device sends no notifications, and with the error that ended the session.
        """
        device, loop = self._target.device, asyncio.get_running_loop()
        changes: asyncio.Queue[ConfigChange | DeviceError] = asyncio.Queue(WAITING_MOST)

        def put(item: ConfigChange | DeviceError) -> None:
            with contextlib.suppress(asyncio.QueueFull):
                changes.put_nowait(item)

        def tell(item: ConfigChange | DeviceError) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(put, item)

        def subscribe() -> Client:
            client = Client(login_of(self._target))
            try:
                if not client.can(":notification"):
                    raise device_faults.refused(device, "subscribe", "it announces no notifications")
                client.session.add_listener(
                    Listener(tell, lambda error: tell(device_faults.unreachable(device, "subscribe", str(error))))
                )
                client.subscribe()
            except RpcRefused as error:
                client.close()
                raise device_faults.refused(device, "subscribe", str(error)) from None
            except BaseException:
                client.close()
                raise
            return client

        client = await asyncio.to_thread(subscribe)
        try:
            while True:
                item = await changes.get()
                if isinstance(item, DeviceError):
                    raise item
                yield item
        finally:
            await asyncio.to_thread(client.close)
