"""Finds out which port faces which, and sets apart what is cabled otherwise than planned.

Every port that is up sends a signed beacon when it comes up and then at intervals; what comes in is believed once
(`beacons`), remembered (`sightings`) and held against the plan (`cabling`). Links over wrong cables go into the
hub's quarantine, from where they come back when they are confirmed. Customer ports that are joined to ports of
ours are shut at the switch until somebody releases them: by port configuration, as a person would do it, so that
rules stay what was applied and the port stays shut when the controller ends.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from sdnctl.daemon.beacons import Beacons, Disbelief, Origin
from sdnctl.daemon.blueprint import Blueprint, read_blueprint
from sdnctl.daemon.cabling import WRONG, Cabling, Found, compare, wrong_edges, wrong_links
from sdnctl.daemon.events import Kind, Severity
from sdnctl.daemon.hub import Hub
from sdnctl.daemon.report import Discovered, DiscoveryMetrics
from sdnctl.daemon.sightings import Sightings
from sdnctl.daemon.turns import Urgency
from sdnctl.dataplane.values import METER_BASE
from sdnctl.errors import DeviceError, Diagnostic, InputError
from sdnctl.southbound.base import Packet, Packets, PortState, Shutting
from sdnctl.store.state import State
from sdnctl.topology.graph import PortRef, Topology

logger = logging.getLogger(__name__)

SECRET = "beacons"
"""Name of the key in the store."""
TICK = 1.0
"""Seconds: beacons that are due within one leave together."""
SETTLE = 0.2
"""Seconds to wait for what else is heard before judging."""
JITTER = 0.2
"""Share of an interval by which beacons are spread, so that they do not leave at once."""
REPEAT = 60.0
"""Seconds in which refused beacons of one port are told of once."""


class Discovery:
    """The part; `found` is what it knows now."""

    name = "discovery"

    def __init__(self) -> None:
        self._cables: tuple[Found, ...] = ()
        self._refused: Mapping[Disbelief, int] = {}
        self._metrics: DiscoveryMetrics | None = None
        self._hub: Hub | None = None

    def found(self) -> Discovered:
        """Every cable, what was not believed, and what is set apart."""
        hub = self._hub
        links, ports = (hub.quarantine.links, hub.quarantine.ports) if hub is not None else ({}, {})
        return Discovered(self._cables, dict(self._refused), links, ports)

    async def run(self, hub: Hub) -> None:
        self._hub = hub
        if self._metrics is None:
            self._metrics = DiscoveryMetrics(self.found)
            hub.registry.register(self._metrics)
        key = await hub.compute(lambda: hub.context.store.secret(SECRET))
        round_ = _Round(self, hub, Beacons(key, _clock()), await _blueprint(hub))
        self._refused = round_.beacons.refused
        await round_.run()

    def tell(self, found: tuple[Found, ...]) -> None:
        """What is known from now on."""
        self._cables = found

    async def release(self, port: PortRef, author: str) -> None:
        """Give a port back that was shut; it is shut again if its cable still leads where it should not."""
        hub = self._hub
        if hub is None:
            raise InputError(Diagnostic("not-running", "discovery does not run", address=f"port {port}"))
        await _set_port(hub, port, up=True, why="released", author=author)
        hub.quarantine.release_port(port)
        hub.events.publish(Kind.RELEASED, f"port {port}", f"{port} was given back by {author}", port=str(port))


class _Round:
    """Discovery for as long as this process is master."""

    def __init__(self, part: Discovery, hub: Hub, beacons: Beacons, blueprint: Blueprint) -> None:
        self.part, self.hub, self.beacons, self.blueprint = part, hub, beacons, blueprint
        settings = hub.settings
        self.topology = Topology({}, {})
        self.dark: Mapping[PortRef, PortRef] = {}
        self._cables = dict(blueprint.cables)
        self.hearing: frozenset[str] = frozenset()
        self.names: dict[int, str] = {}
        self.dpids: dict[str, int] = {}
        self.sightings = Sightings(settings.discovery_missed, self._interval)
        self._due: dict[PortRef, float] = {}
        self._wake, self._news = asyncio.Event(), asyncio.Event()
        self._arrived: asyncio.Queue[str] = asyncio.Queue()
        self._watched: dict[str, Callable[[], None]] = {}  # switches that send us packets → what ends that
        self._told: dict[tuple[str, Disbelief], float] = {}

    async def run(self) -> None:
        fleet = self.hub.fleet
        await self._refresh()
        ends = [fleet.on_presence(self._presence), fleet.on_port(self._port)]
        try:
            for device in fleet.up:
                self._presence(device, True)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch_all())
                group.create_task(self._send_all())
                group.create_task(self._judge_all())
                group.create_task(self._follow_changes())
        finally:
            for end in ends:
                end()
            for device in tuple(self._watched):
                self._stop_watching(device)

    # ── what is there ────────────────────────────────────────────────────────────────────────────

    async def _refresh(self, *, again: bool = False) -> None:
        """Look at what is applied: the plan, and which switches bring beacons to us."""
        applied = await self.hub.compute(self.hub.applied)
        state: State | None = applied[1] if applied is not None else None
        if state is None:
            return
        if again or state.compiled.topology is not self.topology:
            self._plan(state.compiled.topology)
            bound = await self.hub.compute(self.hub.context.bound)
            self.dpids = {key: bound.get(key, node.dpid) for key, node in self.topology.nodes.items()}
            self.names = {dpid: device for device, dpid in self.dpids.items()}
        self.hearing = frozenset(device for device, rules in state.rules.items() if METER_BASE in rules.meters)
        self._news.set()

    def _plan(self, topology: Topology) -> None:
        """From now on this carries. Cables that did are still there, and no customer's: during works, say."""
        self.topology = topology
        for link in topology.links.values():
            self._cables |= {link.a: link.b, link.b: link.a}
        used = topology.link_at
        self.dark = {here: there for here, there in self._cables.items() if here not in used and there not in used}

    async def _follow_changes(self) -> None:
        async for event in self.hub.events.follow():
            if event.kind in (Kind.CHANGE_DONE, Kind.SWITCH_ADMITTED):
                await self._refresh(again=True)

    def _presence(self, device: str, up: bool) -> None:
        self._stop_watching(device)
        self.sightings.leaves(device)
        self._news.set()
        if not up:
            for port in [port for port in self._due if port.node == device]:
                del self._due[port]
            return
        self._arrived.put_nowait(device)

    async def _watch_all(self) -> None:
        """Listen to every switch that connects, and that can send us packets."""
        while True:
            device = await self._arrived.get()
            try:
                driver = await self.hub.fleet.driver(device)
            except DeviceError:
                continue  # gone again
            if isinstance(driver, Packets):
                self._stop_watching(device)
                self._watched[device] = driver.watch_packets(partial(self._hear, device))
                self._look_at_ports(device)

    def _look_at_ports(self, device: str) -> None:
        counters = self.hub.fleet.port_states().get(device)
        for state in counters.ports.values() if counters is not None else ():
            self._port(device, state)

    def _stop_watching(self, device: str) -> None:
        end = self._watched.pop(device, None)
        if end is not None:
            end()

    def _port(self, device: str, state: PortState) -> None:
        port = PortRef(device, state.port)
        if device not in self._watched:
            return  # beacons cannot leave there
        if state.up:
            if self.sightings.comes_up(port):
                self._due[port] = 0.0
                self._wake.set()
        elif self.sightings.goes_down(port):
            self._due.pop(port, None)
            self._news.set()

    # ── sending ──────────────────────────────────────────────────────────────────────────────────

    def _interval(self, port: PortRef) -> float:
        settings = self.hub.settings
        trunk = port in self.topology.link_at or port in self.dark
        return settings.discovery_interval if trunk else settings.discovery_edge_interval

    async def _send_all(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            now = loop.time()
            due: dict[str, list[PortRef]] = defaultdict(list)
            for port, when in self._due.items():
                if when <= now and self._interval(port):
                    due[port.node].append(port)
            for device, ports in due.items():
                await self._send(device, ports)
                for port in ports:
                    if port in self._due:
                        self._due[port] = now + self._interval(port) * random.uniform(1 - JITTER, 1 + JITTER)
            try:
                tick = min(TICK, self.hub.settings.discovery_interval or TICK)
                async with asyncio.timeout(tick if not self._wake.is_set() else 0):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _send(self, device: str, ports: Iterable[PortRef]) -> None:
        """Send a beacon by each of these ports of one switch."""
        dpid = self.dpids.get(device)
        if dpid is None:
            return
        frames: list[tuple[int, bytes]] = []
        for port in ports:
            trunk = port in self.topology.link_at
            ttl = int(4 * self._interval(port)) + 1
            # A customer need not learn what our switches are called.
            frames.append((port.port, self.beacons.make(Origin(dpid, port.port), ttl, device if trunk else "")))
            self.sightings.sent(self.topology, port)
        try:
            driver = await self.hub.fleet.driver(device)
            if isinstance(driver, Packets):
                await driver.send_packets(frames)
        except DeviceError as error:
            logger.debug("%s: no beacons sent: %s", device, error)

    # ── hearing ──────────────────────────────────────────────────────────────────────────────────

    def _hear(self, device: str, packet: Packet) -> None:
        if packet.in_port is None:
            return
        here = PortRef(device, packet.in_port)
        origin = self.beacons.believe(packet.frame)
        if isinstance(origin, Disbelief):
            self._refuse(here, origin)
            return
        sender = self.names.get(origin.dpid)
        if sender is None:
            return  # a switch that was replaced a moment ago
        there = PortRef(sender, origin.port)
        if self.sightings.hears(here, there, asyncio.get_running_loop().time()):
            self._news.set()

    def _refuse(self, here: PortRef, why: Disbelief) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._told.get((str(here), why), -REPEAT) < REPEAT:
            return
        self._told[str(here), why] = now
        self.hub.events.publish(
            Kind.BEACON_REFUSED,
            f"port {here}",
            f"{here} heard a beacon that is not believed: {why}",
            severity=Severity.WARNING,
            port=str(here),
            reason=str(why),
        )

    # ── judging ──────────────────────────────────────────────────────────────────────────────────

    async def _judge_all(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout(max(self.hub.settings.discovery_interval / 2, TICK)):
                    await self._news.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(SETTLE)
            self._news.clear()
            heard = self.sightings.heard(loop.time())
            silent = self.sightings.silent(self.hearing)
            await self._judged(compare(self.topology, heard, silent, self.dark))

    async def _judged(self, found: tuple[Found, ...]) -> None:
        """Tell what is new, and set apart what leads elsewhere."""
        before = {one.subject: one for one in self.part.found().cables}
        self.part.tell(found)
        for one in found:
            if one.subject not in before:
                self._publish(one, before)
        self._set_links(found)
        for port, why in wrong_edges(self.topology, found, self.dark).items():
            await self._shut_port(port, why)

    def _publish(self, one: Found, before: Mapping[str, Found]) -> None:
        wrong = one.kind in WRONG
        bad = wrong or one.kind in (Cabling.ONE_WAY, Cabling.SILENT)
        was_bad = any(
            old.ports == one.ports and old.kind in (*WRONG, Cabling.ONE_WAY, Cabling.SILENT)
            for old in before.values()
        )
        if not bad and not (one.kind is Cabling.CONFIRMED and was_bad):
            return  # as it should be, or nothing is known
        checks = self._checks(one) if wrong else ()
        self.hub.events.publish(
            Kind.MISWIRED if wrong else Kind.CABLING,
            f"link {one.links[0]}" if one.links else f"port {one.ports[0]}",
            one.summary + (f"; check {'; '.join(checks)}" if checks else ""),
            severity=Severity.CRITICAL if wrong else Severity.WARNING if bad else Severity.INFO,
            cabling=str(one.kind),
            ports=[str(port) for port in one.ports],
            links=list(one.links),
            check=list(checks),
        )

    def _checks(self, one: Found) -> tuple[str, ...]:
        """The places where the cable can have been crossed, from every direction it was heard."""
        lines = [line for here, there in one.heard for line in self.blueprint.where_to_look(here, there)]
        return tuple(dict.fromkeys(lines))

    def _set_links(self, found: tuple[Found, ...]) -> None:
        """Links over wrong cables are set apart; they come back when they are confirmed, or planned no more."""
        wrong = wrong_links(found)
        good = {one.links[0] for one in found if one.kind is Cabling.CONFIRMED}
        kept = {
            link: why
            for link, why in self.hub.quarantine.links.items()
            if link not in good and link in self.topology.links
        }
        came, gone = self.hub.quarantine.set_links({**kept, **wrong})
        for link in sorted(came):
            self._event(Kind.QUARANTINED, link, f"{link} counts as down: {wrong[link]}", Severity.CRITICAL)
        for link in sorted(gone):
            self._event(Kind.RELEASED, link, f"{link} leads where it should again", Severity.INFO)

    def _event(self, kind: Kind, link: str, text: str, severity: Severity) -> None:
        self.hub.events.publish(kind, f"link {link}", text, severity=severity, link=link)

    async def _shut_port(self, port: PortRef, why: str) -> None:
        if port in self.hub.quarantine.ports or port not in self.sightings.up or not self.blueprint.complete:
            return
        try:
            await _set_port(self.hub, port, up=False, why=why, author="controller")
        except DeviceError as error:
            logger.warning("%s could not be shut: %s", port, error)
            return
        self.hub.quarantine.add_port(port, why)
        self.hub.events.publish(
            Kind.QUARANTINED,
            f"port {port}",
            f"customer port {port} is shut: {why}",
            severity=Severity.CRITICAL,
            port=str(port),
        )


async def _set_port(hub: Hub, port: PortRef, *, up: bool, why: str, author: str) -> None:
    """Shut a port or give it back, in a turn, and write into the audit trail who did."""
    async with hub.turns.turn(Urgency.REQUEST if up else Urgency.FAILURE, f"port {port}", author):
        hub.fleet.check_master()
        driver = await hub.fleet.driver(port.node)
        if not isinstance(driver, Shutting):
            raise DeviceError(
                Diagnostic("cannot-shut", f"the driver of {port.node} shuts no ports", f"port {port}")
            )
        await driver.set_port(port.port, up=up)
        action = "release" if up else "quarantine"
        await hub.compute(hub.context.store.record_audit, author, action, f"port {port}: {why}")


async def _blueprint(hub: Hub) -> Blueprint:
    """What the folder says about cables; where it cannot be read, nothing is shut."""
    try:
        return await hub.compute(read_blueprint, hub.context)
    except InputError as error:
        hub.events.publish(
            Kind.CABLING,
            "discovery",
            "the network folder cannot be read: cables are checked by what is applied, customer ports not shut",
            severity=Severity.WARNING,
            reason=str(error.diagnostics[0]) if error.diagnostics else "",
        )
        return Blueprint()


def _clock() -> Callable[[], float]:
    """Seconds since 1970 at the start, and from then on those of a clock that does not go back."""
    offset = time.time() - time.monotonic()
    return lambda: offset + time.monotonic()
