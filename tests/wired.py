"""Switches in memory behind a live fleet: beacons leave by ports, cross cables, and come back as packet-ins.

Cables can be moved, ports go down, switches restart; everything else (`LiveFleet`, `Hub`, the parts) is real.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

from sdnctl.compiler.ir import Baseline
from sdnctl.compiler.pipeline import compile_network
from sdnctl.daemon.events import Event, Kind
from sdnctl.daemon.hub import Hub
from sdnctl.daemon.live import LiveFleet
from sdnctl.daemon.settings import ControllerSettings
from sdnctl.dataplane.fabric import End
from sdnctl.dataplane.switch import Switch
from sdnctl.dataplane.values import PORT_CONTROLLER, RuleSet
from sdnctl.errors import DeviceError, DeviceUnreachable, Diagnostic
from sdnctl.plan.model import DeviceChange, Observed
from sdnctl.southbound.base import Capabilities, Counters, Driver, Packet, Payload, PortState, Target
from sdnctl.store.state import State
from sdnctl.usecases.context import Context
from sdnctl.usecases.initialise import initialise


@dataclass(frozen=True)
class Heard:
    """A packet-in."""

    in_port: int | None
    frame: bytes


@dataclass
class Cables:
    """All switches of a network and what joins their ports; `deaf` ends receive no light."""

    rules: dict[str, RuleSet]
    wires: dict[End, End]
    edges: set[End] = field(default_factory=set)
    deaf: set[End] = field(default_factory=set)
    down: set[End] = field(default_factory=set)
    shut: set[End] = field(default_factory=set)
    drivers: dict[str, WireDriver] = field(default_factory=dict)
    switches: dict[str, Switch] = field(default_factory=dict)
    sent: list[tuple[End, bytes]] = field(default_factory=list)

    @classmethod
    def of(cls, state: State, edges: Iterable[End] = ()) -> Cables:
        """As the applied state plans them."""
        cables = cls(dict(state.rules), {}, set(edges))
        for link in state.compiled.topology.links.values():
            cables.join((link.a.node, link.a.port), (link.b.node, link.b.port))
        return cables

    def join(self, one: End, two: End) -> None:
        self.wires[one], self.wires[two] = two, one

    def swap(self, one: End, two: End) -> None:
        """Exchange the plugs of two ports."""
        far_one, far_two = self.wires[one], self.wires[two]
        self.join(one, far_two)
        self.join(two, far_one)

    def ports(self, device: str) -> Mapping[int, PortState]:
        ends = {*self.wires, *self.edges}
        return {
            port: PortState(port, f"{node}:{port}", (node, port) not in self.down | self.shut)
            for node, port in sorted(ends)
            if node == device
        }

    def emit(self, end: End, frame: bytes) -> None:
        """A frame leaves by a port: whatever its cable leads to has it."""
        self.sent.append((end, frame))
        far = self.wires.get(end)
        if far is not None and not {end, far} & (self.down | self.shut) and far not in self.deaf:
            self.receive(far, frame)

    def receive(self, end: End, frame: bytes) -> None:
        """A frame comes in at a port and meets the rules there; what goes to the controller, its driver tells."""
        driver = self.drivers.get(end[0])
        switch = self.switches.get(end[0])
        if switch is None:  # indexing the rules of one takes longer than a hundred frames
            switch = self.switches[end[0]] = Switch(self.rules[end[0]], list(self.ports(end[0])))
        for sent in switch.process(end[1], frame).sent if driver is not None else ():
            if driver is not None and sent.port == PORT_CONTROLLER:
                driver.told(Heard(end[1], bytes(sent.packet)))


class WireDriver:
    """Drives one switch of `Cables`; satisfies Driver, Watching, Packets and Shutting."""

    name: ClassVar[str] = "wire"
    payload: ClassVar[Payload] = "rules"
    networks: ClassVar[dict[str, Cables]] = {}

    def __init__(self, device: str, cables: Cables) -> None:
        self.device, self.cables = device, cables
        self._closed: asyncio.Future[DeviceError] = asyncio.get_running_loop().create_future()
        self._listeners: list[Callable[[Packet], None]] = []
        self._news: asyncio.Queue[PortState | None] = asyncio.Queue()
        cables.drivers[device] = self

    @classmethod
    async def open(cls, target: Target) -> Self:
        return cls(target.device, cls.networks[target.address])

    async def close(self) -> None:
        if not self._closed.done():
            gone = Diagnostic("device-unreachable", "closed", f"switch {self.device}")
            self._closed.set_result(DeviceUnreachable(gone))
        self._news.put_nowait(None)
        if self.cables.drivers.get(self.device) is self:
            del self.cables.drivers[self.device]

    # ── ports and packets ────────────────────────────────────────────────────────────────────────

    @property
    def closed(self) -> asyncio.Future[DeviceError]:
        return self._closed

    async def ports(self) -> Mapping[int, PortState]:
        return self.cables.ports(self.device)

    async def port_counters(self) -> Mapping[int, PortState]:
        return self.cables.ports(self.device)

    async def watch_ports(self) -> AsyncIterator[PortState]:
        for state in self.cables.ports(self.device).values():
            yield state
        while (news := await self._news.get()) is not None:
            yield news
        raise self._closed.result()

    def changed(self, port: int) -> None:
        """Report a port as it is now."""
        self._news.put_nowait(self.cables.ports(self.device)[port])

    def watch_packets(self, told: Callable[[Packet], None]) -> Callable[[], None]:
        self._listeners.append(told)
        return lambda: self._listeners.remove(told)

    async def send_packets(self, packets: Iterable[tuple[int, bytes]]) -> None:
        for port, frame in packets:
            self.cables.emit((self.device, port), frame)

    async def set_port(self, port: int, *, up: bool) -> None:
        (self.cables.shut.discard if up else self.cables.shut.add)((self.device, port))
        self.changed(port)

    def told(self, packet: Heard) -> None:
        for listener in tuple(self._listeners):
            listener(packet)

    # ── the rest of a driver ─────────────────────────────────────────────────────────────────────

    async def capabilities(self) -> Capabilities:
        return Capabilities()

    async def observe(self) -> Observed:
        return Observed(self.cables.rules[self.device])

    async def prepare(self, changes: Sequence[DeviceChange]) -> None: ...

    async def commit(self, changes: Sequence[DeviceChange]) -> None: ...

    async def confirm(self) -> None: ...

    async def revert(self) -> None: ...

    async def counters(self) -> Counters:
        return Counters(self.cables.ports(self.device))


def applied_small(folder: Path) -> Context:
    """The small example, compiled and recorded as applied, without any device."""
    initialise(folder, "small")
    context = Context(folder)
    record_applied(context)
    return context


def record_applied(context: Context) -> None:
    """Compile the folder on what was applied before, and record it as applied."""
    before = context.applied()
    baseline = before[1].baseline if before is not None else Baseline()
    state = State(compile_network(context.loaded.network, baseline), frozenset())
    with context.store.hold() as lease:
        number = context.store.begin(
            lease, content=state.text, fingerprint=state.fingerprint, reason="apply", author="test", summary="all"
        )
        context.store.finish(lease, number)


@contextmanager
def hub_of(context: Context, cables: Cables, **settings: float) -> Iterator[Hub]:
    """A hub whose fleet drives `cables`, as master."""
    address = f"wire:{id(cables)}"
    WireDriver.networks[address] = cables
    targets: dict[str, dict[type[Driver], Target]] = {
        device: {WireDriver: Target(device, address)} for device in cables.rules
    }
    options = ControllerSettings(**{"discovery_interval": 0.2, "discovery_edge_interval": 0.3, **settings})  # type: ignore[arg-type]
    fleet = LiveFleet(targets, settings=options)
    fleet.master = True
    fleet.may_write = lambda: True
    hub = Hub(context, options, fleet, fleet.events)
    try:
        yield hub
    finally:
        hub.close()
        del WireDriver.networks[address]


async def event(hub: Hub, wanted: Callable[[Event], bool], seconds: float = 20.0, after: int = 0) -> Event:
    """The first event that is wanted, waited for."""
    async with asyncio.timeout(seconds):
        async for one in hub.events.follow(after):
            if wanted(one):
                return one
    raise AssertionError("the stream of events ended")


def of_kind(kind: Kind, text: str = "") -> Callable[[Event], bool]:
    return lambda one: one.kind is kind and text in f"{one.subject} {one.summary}"
