"""Switches joined by wires: a packet goes in at one port and comes out at others, or is dropped somewhere.

Ports without a wire are the edge: what leaves there is delivered. A wire that is down takes the ports at both
ends down, so that groups which watch them fail over; a dead switch takes all its wires down. Every copy
of a packet may pass a bounded number of switches; beyond that it is reported as a loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from sdnctl.dataplane.packet import Packet
from sdnctl.dataplane.switch import Port, Switch
from sdnctl.dataplane.trace import Drop, Result, Why
from sdnctl.dataplane.values import PORT_CONTROLLER, RuleSet

End: TypeAlias = tuple[str, int]

MAX_HOPS = 255
"""Switches that one copy may pass; MPLS TTLs start at 64, so only something without a TTL gets here."""
MAX_COPIES = 4096
"""Switch visits of one injected packet and all its copies."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A frame that left the fabric at an edge port."""

    node: str
    port: int
    frame: bytes
    queue: int = 0
    hops: int = 0

    @property
    def packet(self) -> Packet:
        return Packet.parse(self.frame)


@dataclass(frozen=True, slots=True)
class FabricDrop:
    """A copy that ended in a switch, and why."""

    node: str
    why: Why
    reason: str
    packet: Packet


@dataclass(frozen=True, slots=True)
class Hop:
    """One visit of one switch: where the copy came in, and what the switch did with it."""

    node: str
    port: int
    result: Result
    depth: int


@dataclass(slots=True)
class Deliveries:
    """Everything that became of one injected packet."""

    delivered: list[Delivery] = field(default_factory=list)
    drops: list[FabricDrop] = field(default_factory=list)
    hops: list[Hop] = field(default_factory=list)
    to_controller: list[Delivery] = field(default_factory=list)

    @property
    def frames(self) -> list[tuple[str, int, bytes]]:
        """(node, port, frame) of each delivery, in the order of arrival."""
        return [(item.node, item.port, item.frame) for item in self.delivered]

    @property
    def looped(self) -> bool:
        return any(drop.why is Why.LOOP for drop in self.drops)

    @property
    def nodes(self) -> list[str]:
        """Switches in the order of the visits."""
        return [hop.node for hop in self.hops]

    def __str__(self) -> str:
        lines = []
        for hop in self.hops:
            lines.append(f"{hop.node} in at port {hop.port}")
            lines += [f"  {step}" for step in hop.result.steps]
        lines += [f"delivered at {item.node}:{item.port}: {item.packet}" for item in self.delivered]
        return "\n".join(lines)


class Fabric:
    """A network of switches.

    `switches` maps a name to a `Switch`, or to its rules; ports that wires name are made where they are missing.
    `wires` joins two ends; give each wire once or both ways. `down_ports` are ends whose wire is cut. `mtu`
    limits ends in octets behind the Ethernet header.
    """

    def __init__(
        self,
        switches: Mapping[str, Switch | RuleSet],
        wires: Mapping[End, End] | None = None,
        down_ports: Iterable[End] = (),
        mtu: Mapping[End, int] | None = None,
        *,
        edge_ports: Iterable[End] = (),
    ) -> None:
        self.switches = {
            name: item if isinstance(item, Switch) else Switch(item) for name, item in switches.items()
        }
        self.wires: dict[End, End] = {}
        for end, other in (wires or {}).items():
            for one, two in ((end, other), (other, end)):
                if self.wires.setdefault(one, two) != two:
                    raise ValueError(f"two wires at port {one[1]} of {one[0]}: to {self.wires[one]} and {two}")
        for node, port in (*self.wires, *edge_ports, *(mtu or {})):
            self.switches[node].ports.setdefault(port, Port())
        for (node, port), octets in (mtu or {}).items():
            ports = self.switches[node].ports
            ports[port] = replace(ports[port], mtu=octets)
        self.dead: frozenset[str] = frozenset()
        for end in down_ports:
            self.set_wire(end, up=False)

    # ── failures ─────────────────────────────────────────────────────────────────────────────────

    def set_wire(self, end: End, *, up: bool) -> None:
        """Cut or heal the wire at one of its ends (or bring an edge port down or up)."""
        for node, port in (end, self.wires.get(end, end)):
            self.switches[node].set_port(port, up=up)

    def fail(self, down_ports: Iterable[End] = (), dead: Iterable[str] = ()) -> None:
        """Set exactly these failures; all other ports come up. A dead switch takes its wires down."""
        self.dead = frozenset(dead)
        for switch in self.switches.values():
            for port in [number for number, state in switch.ports.items() if not state.up]:
                switch.set_port(port, up=True)
        gone = [end for end in self.wires if end[0] in self.dead]
        for end in (*down_ports, *gone):
            self.set_wire(end, up=False)

    # ── packets ──────────────────────────────────────────────────────────────────────────────────

    def inject(self, node: str, port: int, frame: bytes | Packet, now: float | None = None) -> Deliveries:
        """Let a frame arrive from outside at one port, and follow every copy of it to its end."""
        outcome = Deliveries()
        packet = frame if isinstance(frame, Packet) else Packet.parse(frame)
        queue: deque[tuple[str, int, Packet, int]] = deque([(node, port, packet, 0)])
        while queue:
            at, entry, copy, depth = queue.popleft()
            if at in self.dead:
                outcome.drops.append(FabricDrop(at, Why.PORT_DOWN, f"switch {at} is dead", copy))
                continue
            if depth >= MAX_HOPS or len(outcome.hops) >= MAX_COPIES:
                reason = f"still under way after {depth} switches and {len(outcome.hops)} visits: a loop"
                outcome.drops.append(FabricDrop(at, Why.LOOP, reason, copy))
                continue
            result = self.switches[at].process(entry, copy, now)
            outcome.hops.append(Hop(at, entry, result, depth))
            outcome.drops += [_drop(at, drop) for drop in result.drops]
            for sent in result.sent:
                other = self.wires.get((at, sent.port))
                if other is not None:
                    queue.append((*other, sent.packet, depth + 1))
                    continue
                delivery = Delivery(at, sent.port, bytes(sent.packet), sent.queue, depth + 1)
                (outcome.to_controller if sent.port == PORT_CONTROLLER else outcome.delivered).append(delivery)
        return outcome


def _drop(node: str, drop: Drop) -> FabricDrop:
    return FabricDrop(node, drop.why, drop.reason, drop.packet)
