"""The fleet of a controller: connections stay open, come back by themselves, and say when they come and go.

Every device has a `Session` that dials it, or waits until it dials in (address ``dial-in``, known by datapath id).
A device that restarts comes back on a new connection, so nothing that was known about its rules is used again. The
fleet writes only while it is *master*: with the generation of a lease, which devices that can (`Fencing`) are told
on every connection, so that they refuse whoever held the lease before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import ParamSpec, Self

from sdnctl.daemon.doors import Doors
from sdnctl.daemon.events import Events, Kind, Severity
from sdnctl.daemon.identity import Identities
from sdnctl.daemon.refused import Refusals
from sdnctl.daemon.session import Session
from sdnctl.daemon.settings import ControllerSettings
from sdnctl.errors import DeviceError, DeviceRefused, Diagnostic, LeaseHeld
from sdnctl.plan.model import Stage
from sdnctl.southbound.attaching import Told
from sdnctl.southbound.base import Counters, Driver, Fencing, Payload, PortState, Target, Watching
from sdnctl.southbound.fleet import LIMIT, Fleet
from sdnctl.southbound.openflow.address import DIAL_IN
from sdnctl.southbound.openflow.channel import Channel, Timing
from sdnctl.southbound.openflow.driver import OpenFlowDriver
from sdnctl.southbound.openflow.metrics import ChannelMetrics
from sdnctl.store.lease import who_writes

P = ParamSpec("P")
logger = logging.getLogger(__name__)

Presence = Callable[[str, bool], None]
"""Called with a device and whether it is connected now."""
PortNews = Callable[[str, PortState], None]
"""Called with a device and the new state of a port: link or liveness changed, or it is reported first."""


class LiveFleet(Fleet):
    """Everything a `Fleet` does, on connections that live as long as the controller."""

    def __init__(
        self,
        targets: Mapping[str, Mapping[type[Driver], Target]],
        events: Events | None = None,
        settings: ControllerSettings | None = None,
        metrics: ChannelMetrics | None = None,
        timing: Timing | None = None,
    ) -> None:
        """Raises DeviceError for an address under `listen` that is none."""
        super().__init__(dict(targets))
        self.events = events if events is not None else Events()
        self.settings = settings or ControllerSettings()
        self.metrics = metrics if metrics is not None else ChannelMetrics()
        refused = Refusals(self.events)
        self.doors = Doors(
            self.settings.listen, self.metrics, self.settings.tls, timing, self._unexpected, refused
        )
        self.identities = Identities()
        """Which switch each device is; `retarget` goes with a change."""
        self.master = False
        """Whether this process may write."""
        self.writer = ""
        """Who does while this process may not, as the lease says; empty: nobody, as far as is known."""
        self.may_write: Callable[[], bool] = lambda: True
        """Whether the lease surely still holds, asked before every stage: we may have slept."""
        self.on_fenced: Callable[[str], None] = lambda device: None
        """Called when a device says that a newer writer than we are was there."""
        self._timing = timing
        self._sessions: dict[str, Session] = {}
        self._presence: list[Presence] = []
        self._port_news: list[PortNews] = []
        self._opening: dict[str, asyncio.Lock] = {}
        self._dialling = asyncio.Semaphore(LIMIT)
        self._down_told: set[str] = set()
        self._strangers_told: set[tuple[int, str]] = set()
        self._connections: dict[str, int] = {}  # of sessions that were ended
        self._running = False

    # ── life ─────────────────────────────────────────────────────────────────────────────────────

    async def __aenter__(self) -> Self:
        await self.doors.__aenter__()
        self._running = True
        self._start(self._targets)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running = False
        await asyncio.gather(*(session.stop() for session in self._sessions.values()))
        self._sessions.clear()
        await super().__aexit__(kind, error, trace)
        await self.doors.__aexit__(kind, error, trace)

    async def retarget(self, targets: Mapping[str, Mapping[type[Driver], Target]]) -> None:
        """The devices are these from now on: new ones are connected to, those gone let go of."""
        changed = [device for device, old in self._targets.items() if targets.get(device) != old]
        stopping = [session for device in changed if (session := self._sessions.pop(device, None)) is not None]
        await asyncio.gather(*(session.stop() for session in stopping))
        self._strangers_told.clear()
        for session in stopping:
            self._connections[session.device] = session.number
            self._lost(session.device, "it is no longer part of the network, or elsewhere")
        polled: tuple[Payload, ...] = ("settings", "attachments")
        others = [self._open.pop((device, payload), None) for device in changed for payload in polled]
        await asyncio.gather(*(driver.close() for driver in others if driver), return_exceptions=True)
        self._targets = dict(targets)
        if self._running:
            self._start(device for device in targets if device not in self._sessions)

    def _start(self, devices: Iterable[str]) -> None:
        for device in devices:
            for driver, target in self._targets[device].items():
                if driver.payload == "rules":
                    session = Session(target, self._connector(driver, target), self, self.settings.poll_interval)
                    session.number = self._connections.pop(device, 0)  # a new switch is a new connection
                    self._sessions[device] = session
                    session.start()

    async def settled(self, seconds: float) -> None:
        """Wait until each device was tried once, those that dial in too, but no longer than this."""
        waiting = [asyncio.ensure_future(session.tried.wait()) for session in self._sessions.values()]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=seconds)
            for task in late:
                task.cancel()

    # ── who is there ─────────────────────────────────────────────────────────────────────────────

    @property
    def up(self) -> frozenset[str]:
        """Devices that have an open connection now."""
        return frozenset(device for device, payload in self._open if payload == "rules")

    @property
    def outside(self) -> Mapping[int, Channel]:
        """Connections of switches that dialled in and are no device of this network, by datapath id."""
        ours = self._dialling_in()
        return {dpid: channel for dpid, channel in self.doors.outside.items() if dpid not in ours}

    def channel(self, dpid: int) -> Channel | None:
        """The connection of a switch, whether it is a device or waits to be one."""
        ours = (driver.channel for driver in self._open.values() if isinstance(driver, OpenFlowDriver))
        return next((one for one in ours if one.features.dpid == dpid), None) or self.doors.outside.get(dpid)

    def session(self, device: str) -> int:
        """How many connections this device has had: another number, and it may have restarted meanwhile."""
        session = self._sessions.get(device)
        return session.number if session is not None else 0

    def reason(self, device: str) -> str:
        """Why a device has no connection, empty while it has one."""
        session = self._sessions.get(device)
        if session is None or session.reason is None:
            return ""
        return _text(session.reason)

    def on_presence(self, told: Presence) -> Callable[[], None]:
        """Call `told` whenever a device comes or goes; returns what ends that."""
        self._presence.append(told)
        return lambda: self._presence.remove(told)

    def on_port(self, told: PortNews) -> Callable[[], None]:
        """Call `told` at once when a port changes, and when it is first reported; returns what ends that."""
        self._port_news.append(told)
        return lambda: self._port_news.remove(told)

    def port_states(self) -> Mapping[str, Counters | None]:
        """The ports of every device as last reported (without counts), None for one that is not connected.

        What `southbound.ports.links_down` wants, without asking anybody.
        """
        return {
            device: Counters(dict(session.ports)) if session.driver is not None and device in self.up else None
            for device, session in self._sessions.items()
        }

    async def port_counters(self) -> Mapping[str, Mapping[int, PortState] | None]:
        """States and counters of the ports of every device, None for one that does not answer; no flows."""

        async def read(device: str) -> Mapping[int, PortState]:
            driver = await self.driver(device)
            return (
                await driver.port_counters() if isinstance(driver, Watching) else (await driver.counters()).ports
            )

        devices = self.devices()
        done, _ = await self._each(devices, read)
        return {device: done.get(device) for device in devices}

    # ── who may write ────────────────────────────────────────────────────────────────────────────

    async def take_role(self, generation: int | None, *, master: bool) -> Mapping[str, DeviceError]:
        """Be master (or not) under this generation, on every connection there is and every later one.

        Returns the devices that did not grant it, with the reason; their connections are closed, and tried again.
        """
        self.generation, self.master = generation, master
        faults: dict[str, DeviceError] = {}

        async def one(device: str, driver: Driver) -> None:
            async with self._gate:
                try:
                    await self.claim(device, driver)
                except DeviceError as error:
                    faults[device] = error
                    await self._sessions[device].end(error)

        open_ = [(device, driver) for (device, payload), driver in self._open.items() if payload == "rules"]
        await asyncio.gather(*(one(device, driver) for device, driver in open_))
        return faults

    async def fence(self, generation: int) -> None:
        """Nothing to do while this is our lease, which devices know already; raises LeaseHeld when it is not."""
        self.check_master()
        if generation != self.generation:
            raise LeaseHeld(Diagnostic("lease-lost", "the lease has passed on and come back meanwhile"))

    async def claim(self, device: str, driver: Driver) -> None:
        """As `Fleet.claim`; tells `on_fenced` of a refusal."""
        try:
            await super().claim(device, driver)
        except DeviceRefused:
            self.on_fenced(device)
            raise

    async def _take_role(self, driver: Fencing, generation: int) -> None:
        if self.master:
            await driver.become_master(generation)
        else:
            await driver.become_slave(generation)

    async def commit(self, stage: Stage) -> None:
        """As `Fleet.commit`; raises LeaseHeld when this process may not write (any more)."""
        self.check_master()
        await super().commit(stage)

    async def attach(self, stage: Stage, told: Told | None = None) -> None:
        """As `Fleet.attach`; raises LeaseHeld when this process may not write (any more)."""
        self.check_master()
        await super().attach(stage, told)

    def check_master(self) -> None:
        """Raise LeaseHeld unless this process may write now."""
        if not (self.master and self.may_write()):
            raise LeaseHeld(
                Diagnostic(
                    "standby",
                    "this controller is the standby, or lost its lease: it writes nothing",
                    hint=who_writes(self.writer),
                )
            )

    # ── what a Fleet does ────────────────────────────────────────────────────────────────────────

    async def driver(self, device: str, payload: Payload = "rules") -> Driver:
        """The device's open driver; raises DeviceUnreachable at once when it is not connected."""
        if payload == "rules" and device in self._sessions:
            driver = self._open.get((device, payload))
            if driver is None:
                raise self._sessions[device].gone()
            return driver
        async with self._opening.setdefault(device, asyncio.Lock()):  # nobody opens the same one twice
            return await super().driver(device, payload)

    async def _forget(self, device: str) -> None:
        # A session notices by itself that its connection ended; a device that only said no keeps it.
        polled: tuple[Payload, ...] = ("settings", "attachments")
        broken = [self._open.pop((device, payload), None) for payload in polled]
        await asyncio.gather(*(driver.close() for driver in broken if driver), return_exceptions=True)
        if (session := self._sessions.get(device)) is not None:
            session.doubt()

    # ── connecting ───────────────────────────────────────────────────────────────────────────────

    def _connector(self, kind: type[Driver], target: Target) -> Callable[[], Awaitable[Driver]]:
        async def connect() -> Driver:
            if target.address == DIAL_IN and issubclass(kind, OpenFlowDriver) and target.dpid is not None:
                driver: Driver = await kind.over(await self.doors.wait_for(target.dpid), target)
            else:
                async with self._dialling:
                    if issubclass(kind, OpenFlowDriver):
                        with_tls = replace(target, options={**self.settings.tls, **target.options})
                        driver = await kind.open(with_tls, metrics=self.metrics, timing=self._timing)
                    else:
                        driver = await kind.open(target)
            try:
                if isinstance(driver, OpenFlowDriver):
                    self._identify(target.device, driver.channel)
                await self.claim(target.device, driver)
            except BaseException:
                await driver.close()
                raise
            return driver

        return connect

    def _identify(self, device: str, channel: Channel) -> None:
        """Raise DeviceRefused, and tell, when a device shows another certificate than it has to."""
        try:
            self.identities.check(device, channel.certificate)
        except DeviceRefused as error:
            self._stranger(channel.features.dpid, channel, _text(error))
            raise

    def _dialling_in(self) -> frozenset[int]:
        return frozenset(
            target.dpid
            for drivers in self._targets.values()
            for target in drivers.values()
            if target.address == DIAL_IN and target.dpid is not None
        )

    def _unexpected(self, dpid: int, channel: Channel) -> None:
        if dpid in self._dialling_in():
            return  # of ours: its session takes it in a moment
        what = "it is no part of the network"
        try:
            self.identities.device_of(dpid, channel.certificate)
        except DeviceRefused as error:
            channel.abort(error)
            what = _text(error)
        self._stranger(dpid, channel, f"a switch with datapath id {dpid:016x} dialled in; {what}")

    def _stranger(self, dpid: int, channel: Channel, text: str) -> None:
        """Tell of a switch that is no device, once for each certificate that it shows."""
        if (dpid, channel.certificate) in self._strangers_told:
            return
        self._strangers_told.add((dpid, channel.certificate))
        self.events.publish(
            Kind.SWITCH_UNKNOWN,
            f"datapath {dpid:016x}",
            text,
            severity=Severity.WARNING,
            dpid=f"{dpid:016x}",
            address=channel.peer,
            certificate=channel.certificate,
        )

    # ── what sessions tell ───────────────────────────────────────────────────────────────────────

    def arrived(self, session: Session) -> None:
        assert session.driver is not None
        self._open[session.device, "rules"] = session.driver
        self._down_told.discard(session.device)
        self.events.publish(
            Kind.SWITCH_UP,
            f"switch {session.device}",
            f"{session.device} is connected" + (" again" if session.number > 1 else ""),
            device=session.device,
            session=session.number,
        )
        self._tell(session.device, True)

    def left(self, session: Session, reason: DeviceError) -> None:
        self._lost(session.device, _text(reason))

    def failed(self, session: Session, reason: DeviceError) -> None:
        if session.device not in self._down_told:
            self._lost(session.device, _text(reason))

    def port(self, session: Session, state: PortState) -> None:
        for told in tuple(self._port_news):
            _call(told, session.device, state)

    def _lost(self, device: str, reason: str) -> None:
        was_up = self._open.pop((device, "rules"), None) is not None
        self._down_told.add(device)
        self.events.publish(
            Kind.SWITCH_DOWN,
            f"switch {device}",
            f"{device} is not connected: {reason}",
            severity=Severity.WARNING,
            device=device,
            reason=reason,
        )
        if was_up:
            self._tell(device, False)

    def _tell(self, device: str, up: bool) -> None:
        for told in tuple(self._presence):
            _call(told, device, up)


def _call(told: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Tell somebody; what goes wrong there is not the connection's fault."""
    try:
        told(*args, **kwargs)
    except Exception:
        logger.exception("a listener of the fleet failed")


def _text(reason: DeviceError) -> str:
    return "; ".join(item.summary + (f" ({item.detail})" if item.detail else "") for item in reason.diagnostics)
