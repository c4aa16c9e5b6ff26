"""What systemd wants to know of a service: ready, still alive, stopping (the protocol of sd_notify(3)).

Each call is one datagram to the socket in $NOTIFY_SOCKET; without it, nothing happens.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping

PATIENCE = 0.2
"""Seconds to wait for a manager whose queue is full: READY and STOPPING are said once."""


class Notifier:
    """The service manager of this process, if it has one."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        environment = os.environ if environment is None else environment
        path = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        microseconds = environment.get("WATCHDOG_USEC", "")
        mine = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog = int(microseconds) / 1e6 if microseconds.isdigit() and mine else 0.0
        """Seconds of silence after which the process is killed; 0: it is not watched."""

    def tell(self, **state: str) -> None:
        """Send assignments such as ``READY=1`` or ``STATUS=…``; a manager that is gone is no error."""
        if not self._address:
            return
        text = "\n".join(f"{key}={value}" for key, value in state.items())
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(
                0 if "WATCHDOG" in state else PATIENCE
            )  # a manager may be busy; the next sign of life comes
            try:
                sender.sendto(text.encode(), self._address)
            except OSError:
                return

    async def keep_alive(self) -> None:
        """Tell the watchdog, from the event loop, that the event loop still runs; returns if there is none."""
        while self.watchdog and self._address:
            self.tell(WATCHDOG="1")
            await asyncio.sleep(self.watchdog / 3)
