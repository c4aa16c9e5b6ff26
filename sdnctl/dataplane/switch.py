"""A switch in memory that executes rules on packets: Open vSwitch 3.1 in the pipeline's vocabulary.

It holds rules and ports, runs one packet at a time (`process`) and says what was sent where, and why
anything was dropped. Time only comes in as a parameter: without it meters count and let everything pass.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sdnctl.dataplane.execute import Chooser, Executor
from sdnctl.dataplane.packet import Packet
from sdnctl.dataplane.rulebook import Rulebook
from sdnctl.dataplane.state import State, limited
from sdnctl.dataplane.trace import Drop, Result, Sent, Why
from sdnctl.dataplane.values import PORT_CONTROLLER, Flow, Group, Meter, RuleSet


@dataclass(frozen=True, slots=True)
class Port:
    """One port: up or down, and its MTU in octets behind the Ethernet header (None: no limit)."""

    up: bool = True
    mtu: int | None = None


@dataclass(slots=True)
class PortCounters:
    rx_packets: int = 0
    tx_packets: int = 0
    rx_bytes: int = 0
    tx_bytes: int = 0
    rx_dropped: int = 0
    tx_dropped: int = 0


class Switch:
    """One switch. `vlan_limit` is Open vSwitch's ``other_config:vlan-limit``: how many tags are parsed (1 or 2).

    `choose` picks the bucket of a select group; by default a hash of addresses and weights, which need
    not be the bucket that another switch picks.
    """

    def __init__(
        self,
        rules: RuleSet | None = None,
        ports: Mapping[int, Port] | Iterable[int] = (),
        *,
        vlan_limit: int = 1,
        choose: Chooser | None = None,
    ) -> None:
        if not 1 <= vlan_limit <= 2:
            raise ValueError(f"vlan_limit is 1 or 2, not {vlan_limit}")
        self.ports: dict[int, Port] = (
            dict(ports) if isinstance(ports, Mapping) else {number: Port() for number in ports}
        )
        self.rulebook = Rulebook(rules)
        self.vlan_limit = vlan_limit
        self.choose = choose or choose_by_hash
        self.port_counters: dict[int, PortCounters] = {}
        self._buckets: dict[int, tuple[float, float]] = {}  # meter → (bits left, time)

    # ── rules ────────────────────────────────────────────────────────────────────────────────────

    @property
    def rules(self) -> RuleSet:
        """The rules as they are now; for reading."""
        return self.rulebook.rules

    def add(self, rule: Flow | Group | Meter) -> None:
        """flow_mod, group_mod or meter_mod ADD; raises `RuleRefused`."""
        self.rulebook.add(rule)

    def modify(self, rule: Flow | Group | Meter) -> None:
        """flow_mod MODIFY_STRICT, group_mod or meter_mod MODIFY; raises `RuleRefused`."""
        self.rulebook.modify(rule)

    def delete(self, rule: Flow | Group | Meter) -> tuple[Flow, ...]:
        """DELETE_STRICT by identity; returns the flows that a group or meter took along."""
        return self.rulebook.delete(rule)

    # ── ports ────────────────────────────────────────────────────────────────────────────────────

    def set_port(self, number: int, *, up: bool) -> None:
        """Bring a port up or down (and make it, if it is new)."""
        self.ports[number] = replace(self.ports.get(number, Port()), up=up)

    def counters_of(self, number: int) -> PortCounters:
        return self.port_counters.setdefault(number, PortCounters())

    # ── packets ──────────────────────────────────────────────────────────────────────────────────

    def process(self, port: int, frame: bytes | Packet, now: float | None = None) -> Result:
        """One packet arrives at a port.

        `now` is seconds on any clock that does not go back; with it, meters enforce their rate.
        """
        packet = frame if isinstance(frame, Packet) else Packet.parse(frame)
        counters = self.counters_of(port)
        arriving = self.ports.get(port)
        if arriving is None or not arriving.up:
            counters.rx_dropped += 1
            why, reason = (
                (Why.NO_PORT, f"there is no port {port}")
                if arriving is None
                else (Why.PORT_DOWN, f"port {port} is down")
            )
            return Result(drops=[Drop(why, reason, packet)])
        counters.rx_packets += 1
        counters.rx_bytes += packet.size
        if packet.runt:
            return Result(drops=[Drop(Why.RUNT, "shorter than an Ethernet header", packet)])
        state = State(limited(packet, self.vlan_limit), port)
        result = Executor(self.rulebook, _Egress(self, now), self.vlan_limit, self.choose).run(state)
        # The next one to see the packet parses it from its bytes again.
        result.sent = [Sent(sent.port, Packet.parse(bytes(sent.packet)), sent.queue) for sent in result.sent]
        for sent in result.sent:
            if sent.port != PORT_CONTROLLER:
                leaving = self.counters_of(sent.port)
                leaving.tx_packets += 1
                leaving.tx_bytes += sent.packet.size
        return result

    def take_tokens(self, meter: Meter, size: int, now: float) -> bool:
        """Token bucket of one drop band: `burst` kbit deep (without: one second), filled at `rate` kbit/s."""
        depth = (meter.burst or meter.rate) * 1000.0
        left, since = self._buckets.get(meter.id, (depth, now))
        left = min(depth, left + max(0.0, now - since) * meter.rate * 1000.0)
        passes = left >= size * 8
        self._buckets[meter.id] = (left - size * 8 if passes else left, max(now, since))
        return passes


class _Egress:
    """Ports and meters as one packet's executor sees them."""

    def __init__(self, switch: Switch, now: float | None) -> None:
        self.switch = switch
        self.now = now

    @property
    def numbers(self) -> Sequence[int]:
        return sorted(self.switch.ports)

    def alive(self, port: int) -> bool:
        found = self.switch.ports.get(port)
        return found is not None and found.up

    def refusal(self, port: int, state: State) -> tuple[Why, str] | None:
        found = self.switch.ports.get(port)
        if found is None:
            return Why.NO_PORT, f"there is no port {port}"
        load = state.packet.load
        if not found.up:
            refusal = Why.PORT_DOWN, f"port {port} is down"
        elif found.mtu is not None and load > found.mtu:
            refusal = Why.MTU, f"{load} octets are more than the MTU {found.mtu} of port {port}"
        else:
            return None
        self.switch.counters_of(port).tx_dropped += 1
        return refusal

    def admits(self, meter: int, state: State) -> bool:
        book = self.switch.rulebook
        book.meter_packets[meter] += 1
        if self.now is None:
            return True
        passes = self.switch.take_tokens(book.rules.meters[meter], state.packet.size, self.now)
        book.meter_drops[meter] += not passes
        return passes


def choose_by_hash(group: Group, state: State, live: Sequence[int]) -> int:
    """Bucket of a select group: by weight, the same for all packets between two addresses."""
    value = state.reader()
    names = ("eth_src", "eth_dst", "vlan_vid", "eth_type", "ipv4_src", "ipv4_dst", "ipv6_src", "ipv6_dst")
    key = repr([value(name) for name in names]).encode()
    point = zlib.crc32(key) % sum(group.buckets[index].weight for index in live)
    for index in live:
        point -= group.buckets[index].weight
        if point < 0:
            return index
    raise AssertionError("a point below the sum of weights falls into one of them")
