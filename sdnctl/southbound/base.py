"""The driver protocol: a handful of async methods per device; built-in and external drivers alike.

A driver class is found through the entry-point group ``sdnctl.drivers`` (`registry.py`), is opened
on a target (``tcp:127.0.0.1:6653``, ``unix:/run/…/br0.mgmt``, ``memory:/path#node``) and stands for
one device until it is closed. It raises only `DeviceError` and its children, which name the device
and tie an error to the change that caused it. `sdnctl.testing` holds the contract every driver passes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, Self, TypeAlias, get_args, runtime_checkable

from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import DeviceError
from sdnctl.plan.model import DeviceChange, Observed, Rule
from sdnctl.quick import quick

Payload: TypeAlias = Literal["rules", "settings", "attachments", "facts"]
"""What a driver changes on its device; one of ``facts`` only reads (`southbound.facts`), and commits nothing."""
PAYLOADS: tuple[Payload, ...] = get_args(Payload)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a device is: its name in the topology, a driver-specific address, and options.

    `options` are strings such as ``private_key=file:/etc/sdnctl/key.pem``; secrets only by reference.
    """

    device: str
    address: str
    dpid: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a device can do; `lower` refuses or degrades what it cannot, with a diagnostic."""

    tables: int = 0
    bundles: bool = False
    groups: frozenset[str] = frozenset()  # group types: indirect, ff, all, select
    meters: int = 0  # largest number of meters; 0: none
    encapsulations: frozenset[str] = frozenset()  # "mpls" needs encap/decap
    queues: bool = False
    bfd: bool = False
    policers: bool = False  # of attachments: a rate for what a customer sends
    marking: bool = False  # of attachments: a priority on the uplink
    translation: bool = False  # of attachments: customers' own VLANs
    description: str = ""


@quick
@dataclass(frozen=True, slots=True)
class PortState:
    """State of one port as the device reports it. `bfd` is up, down, admin_down, init, or "" without BFD.

    `since` names the run of its counters: with another number they began anew, and say nothing about those before.
    """

    port: int
    name: str
    up: bool
    bfd: str = ""
    rx_packets: int = 0
    tx_packets: int = 0
    rx_bytes: int = 0
    tx_bytes: int = 0
    rx_dropped: int = 0
    tx_dropped: int = 0
    since: int = 0


@dataclass(frozen=True, slots=True)
class Counters:
    """Ports by number, and packets counted per flow cookie and table (rules drivers only)."""

    ports: Mapping[int, PortState] = field(default_factory=dict)
    flows: Mapping[tuple[int, int], int] = field(default_factory=dict)  # (table, cookie) → packets


@runtime_checkable
class Driver(Protocol):
    """One open device.

    `prepare` checks changes without effect; `commit` checks them too, makes them in the given order, all or none,
    and returns when the device confirmed them (barrier); `confirm` makes the last commit permanent and `revert`
    undoes it back to the last confirmed state. `observe` reads back what the device holds.
    """

    name: ClassVar[str]
    payload: ClassVar[Payload]

    @classmethod
    async def open(cls, target: Target) -> Self: ...

    async def capabilities(self) -> Capabilities: ...

    async def observe(self) -> Observed: ...

    async def prepare(self, changes: Sequence[DeviceChange]) -> None: ...

    async def commit(self, changes: Sequence[DeviceChange]) -> None: ...

    async def confirm(self) -> None: ...

    async def revert(self) -> None: ...

    async def counters(self) -> Counters: ...

    async def close(self) -> None: ...


@runtime_checkable
class PartReader(Protocol):
    """A driver that can read back a part of what its device holds for less than all of it costs.

    Drivers need not have this; without it everything is observed.
    """

    async def read_part(self, rules: Sequence[Rule]) -> RuleSet:
        """What the device holds now under the identities of these rules, and maybe more."""
        ...


@runtime_checkable
class Watching(Protocol):
    """What a driver may have besides: a connection whose end is noticed, and ports that report their changes.

    `ports` is their state now, `port_counters` the same with what they counted; `watch_ports` yields it too, then
    every change, and ends with the error that ended the connection. A controller polls drivers without.
    """

    @property
    def closed(self) -> asyncio.Future[DeviceError]: ...

    async def ports(self) -> Mapping[int, PortState]: ...

    async def port_counters(self) -> Mapping[int, PortState]: ...

    def watch_ports(self) -> AsyncIterator[PortState]: ...


@runtime_checkable
class Telling(Protocol):
    """What a driver may have besides: a device that says when its configuration was changed, by whomever."""

    def watch_changes(self) -> AsyncGenerator[object, None]:
        """Yield something at each change; ends with the error that ended it: DeviceRefused if it never tells."""
        ...


@runtime_checkable
class Fencing(Protocol):
    """What a driver may have besides: a device that itself sees to it that only the newest writer writes.

    `generation_id` is that of the writer's lease. Raises DeviceRefused where the device has seen a newer one.
    """

    async def become_master(self, generation_id: int) -> None: ...

    async def become_slave(self, generation_id: int) -> None: ...


@runtime_checkable
class Shutting(Protocol):
    """What a driver may have besides: ports that can be taken down, outside of all rules."""

    async def set_port(self, port: int, *, up: bool) -> None:
        """Take a port down, or give it back; raises DeviceRefused, DeviceUnreachable."""
        ...


@runtime_checkable
class Packets(Protocol):
    """What a driver may have besides: frames that leave by a port as they are, and those that rules send to us."""

    def watch_packets(self, told: Callable[[Packet], None]) -> Callable[[], None]:
        """Call `told` with each frame that a rule sends to the controller; returns what ends that."""
        ...

    async def send_packets(self, packets: Iterable[tuple[int, bytes]]) -> None:
        """Let frames leave by ports: (port, frame) each. Raises DeviceUnreachable."""
        ...


class Packet(Protocol):
    """A frame that a device sent to the controller."""

    @property
    def in_port(self) -> int | None: ...

    @property
    def frame(self) -> bytes: ...
