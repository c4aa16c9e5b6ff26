"""The part of a controller that receives traps and informs and makes events of them.

``controller: parts: {snmp-traps: {listen: "udp:0.0.0.0:162"}}`` turns it on. Whom it listens to is who is
read: every device with a driver ``snmp``, by the same credentials and at its address. What is received is news and
not truth: ports and links are judged by what devices report when they are asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from sdnctl.daemon.hub import Hub
from sdnctl.errors import DeviceError, Diagnostic, SdnctlError
from sdnctl.southbound.base import Target
from sdnctl_snmp.address import parse, resolve_all
from sdnctl_snmp.agent import Agent
from sdnctl_snmp.credentials import credentials_of
from sdnctl_snmp.driver import SnmpDriver
from sdnctl_snmp.gate import Sender
from sdnctl_snmp.interfaces import Interfaces
from sdnctl_snmp.notifications import Notification, meaning
from sdnctl_snmp.oids import COLD_START, WARM_START
from sdnctl_snmp.receiver import Receiver

logger = logging.getLogger(__name__)

DEFAULT = "udp:0.0.0.0:162"
LOOK = 5.0
"""Seconds between two looks at which devices there are."""
UNKNOWN_LOGGED = 100
"""Kinds of notifications that are not understood, by device and OID, that the log names; all are counted."""
NAMING = 8
"""Devices asked for the names of their ports at a time."""


class TrapReceiver:
    """The part ``snmp-traps``. Options: `listen` (``udp:HOST[:PORT]``), `engine_id` (hexadecimal)."""

    name = "snmp-traps"

    def __init__(self) -> None:
        self.receiver: Receiver | None = None
        self._names: dict[str, Mapping[int, str]] = {}
        self._targets: Mapping[str, Target] = {}
        self._naming: dict[str, asyncio.Task[None]] = {}
        self._gate = asyncio.Semaphore(NAMING)
        self._unknown: set[tuple[str, str]] = set()
        self._hub: Hub | None = None

    async def run(self, hub: Hub) -> None:
        """Listen until cancelled; raises DeviceError where the port cannot be had or an option is wrong."""
        options = hub.settings.parts.get(self.name, {})
        self._hub = hub
        self._targets = {}
        engine = _engine_id(options)
        listen = parse(options.get("listen", DEFAULT), "controller", 162)
        self.receiver = await Receiver.listen(listen, (), self._take, engine=engine)
        collector = _Counts(self.receiver)
        hub.registry.register(collector)
        logger.info("notifications are received at %s", options.get("listen", DEFAULT))
        try:
            while True:
                await self._look(hub)
                await asyncio.sleep(LOOK)
        finally:
            hub.registry.unregister(collector)
            for task in self._naming.values():
                task.cancel()
            await asyncio.gather(*self._naming.values(), return_exceptions=True)
            self._naming.clear()
            self.receiver.close()

    async def _look(self, hub: Hub) -> None:
        """Know the devices that are read over SNMP now."""
        found = hub.fleet.targets("facts").items()
        targets = {device: target for device, (kind, target) in found if issubclass(kind, SnmpDriver)}
        if targets == self._targets:
            return
        senders = []
        for device, target in targets.items():
            try:
                address = parse(target.address, device)
                senders.append(
                    Sender(device, frozenset(await resolve_all(address, device)), credentials_of(target))
                )
            except SdnctlError as error:
                logger.warning("notifications of %s are not received: %s", device, error.diagnostics[0].summary)
        self._targets = targets
        assert self.receiver is not None
        self.receiver.know(senders)
        for device in targets:
            self._name_ports(device)

    # ── a notification ───────────────────────────────────────────────────────────────────────────

    def _take(self, said: Notification) -> None:
        assert self._hub is not None
        names = self._names.get(said.device, {})
        port = names.get(said.index, "") if said.index is not None else ""
        meant = meaning(said, port)
        if meant is None:
            self._log(said)
            return
        self._hub.events.publish(meant.kind, meant.subject, meant.summary, severity=meant.severity, **meant.detail)
        if said.oid in (COLD_START, WARM_START) or (said.index is not None and not port):
            self._name_ports(said.device)

    def _log(self, said: Notification) -> None:
        """Name a notification that is not understood, once for each device and OID, and not without end."""
        key = said.device, said.oid
        if key in self._unknown or len(self._unknown) >= UNKNOWN_LOGGED:
            return
        self._unknown.add(key)
        logger.info("%s: notification %s is not known; objects %s", said.device, said.oid, ", ".join(said.objects))

    def _name_ports(self, device: str) -> None:
        """Ask a device for the names of its ports, without anybody waiting for it."""
        task = self._naming.get(device)
        if device in self._targets and (task is None or task.done()):
            asked = self._ask_names(device, self._targets[device])
            self._naming[device] = asyncio.get_running_loop().create_task(asked, name=f"names {device}")

    async def _ask_names(self, device: str, target: Target) -> None:
        async with self._gate:
            try:
                interfaces = Interfaces(Agent(device, parse(target.address, device), credentials_of(target)))
                await interfaces.reread(0.0)
            except DeviceError as error:
                logger.info("ports of %s have no names yet: %s", device, error.diagnostics[0].summary)
            else:
                self._names[device] = interfaces.names


def _engine_id(options: Mapping[str, str]) -> bytes | None:
    written = options.get("engine_id")
    if written is None:
        return None
    try:
        engine = bytes.fromhex(written.removeprefix("0x"))
    except ValueError:
        engine = b""
    if not 5 <= len(engine) <= 32:
        raise DeviceError(
            Diagnostic(
                "bad-option",
                f"engine_id {written!r} is not 5 to 32 octets in hexadecimal",
                "controller part snmp-traps",
                hint="leave it out unless devices that send informs have one written down",
            )
        )
    return engine


class _Counts(Collector):
    """Notifications by what became of them."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(
            "sdnctl_snmp_notifications", "Traps and informs by what became of them", labels=["outcome"]
        )
        for outcome, count in sorted((self._receiver.counts + self._receiver.gate.refused).items()):
            family.add_metric([outcome], count)
        return (family,)
