"""What one switch holds, as values: flows, groups, meters and switch settings.

The words are OpenFlow's (1.3, with Open vSwitch's encap/decap). Values are frozen and hashable, so
that a difference between two rule sets is set arithmetic. Numbers are host integers: MAC
addresses 48 bits, IPv4 32, IPv6 128. Nothing here knows wire formats, intents or names of sites.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from sdnctl.quick import quick

ETH_IPV4 = 0x0800
ETH_ARP = 0x0806
ETH_VLAN = 0x8100
ETH_QINQ = 0x88A8
ETH_IPV6 = 0x86DD
ETH_MPLS = 0x8847
ETH_LLDP = 0x88CC

DISCOVERY_MAC = 0x025D9C00D15C
"""Source address of the frames that find out which port faces which: locally administered, and nobody else's."""

VLAN_PRESENT = 0x1000
"""OFPVID_PRESENT: a `vlan_vid` match value is this bit plus the 12-bit VLAN id; 0 means untagged."""

PORT_CONTROLLER = 0xFFFFFFFD
IN_PORT_CLEARED = 0xFFFF
"""What `ClearInPort` writes: a port number no packet arrives on, so a hairpin output is not dropped."""

MAX_LABELS = 3
"""Open vSwitch parses and pushes at most three MPLS labels; a fourth push drops the packet silently."""


# Width in bits of each match field, in the order OpenFlow wants them (a field after its prerequisites).
FIELDS: Mapping[str, int] = {
    "in_port": 32,
    "metadata": 64,
    "eth_dst": 48,
    "eth_src": 48,
    "eth_type": 16,
    "vlan_vid": 13,
    "vlan_pcp": 3,
    "ip_dscp": 6,
    "ip_proto": 8,
    "ipv4_src": 32,
    "ipv4_dst": 32,
    "ipv6_src": 128,
    "ipv6_dst": 128,
    "tcp_src": 16,
    "tcp_dst": 16,
    "udp_src": 16,
    "udp_dst": 16,
    "icmpv6_type": 8,
    "nd_target": 128,
    "arp_op": 16,
    "arp_spa": 32,
    "arp_tpa": 32,
    "mpls_label": 20,
    "mpls_tc": 3,
    "mpls_bos": 1,
}
_ORDER = {name: index for index, name in enumerate(FIELDS)}


@quick
@dataclass(frozen=True, slots=True)
class Match:
    """A conjunction of masked equalities; the empty match is every packet.

    `fields` holds (name, value, mask) in the order of `FIELDS`; a full mask is an exact match.
    Build one with `Match.of(in_port=3, ipv4_dst=(0x0A000000, 0xFF000000))`.
    """

    fields: tuple[tuple[str, int, int], ...] = ()

    @classmethod
    def of(cls, **fields: int | tuple[int, int]) -> Match:
        """Build a match; raises ValueError on an unknown field, a value too wide, or bits outside its mask."""
        entries = []
        for name, item in fields.items():
            if name not in FIELDS:
                raise ValueError(f"unknown match field {name!r}")
            full = (1 << FIELDS[name]) - 1
            value, mask = item if isinstance(item, tuple) else (item, full)
            if not 0 <= mask <= full or value & ~mask:
                raise ValueError(f"{name}={value:#x}/{mask:#x} does not fit {FIELDS[name]} bits or its mask")
            if mask:
                entries.append((name, value, mask))
        entries.sort(key=lambda entry: _ORDER[entry[0]])
        return cls(tuple(entries))

    def get(self, name: str) -> tuple[int, int] | None:
        """Value and mask of one field, or None where it is a wildcard."""
        for entry, value, mask in self.fields:
            if entry == name:
                return value, mask
        return None

    def __iter__(self) -> Iterator[tuple[str, int, int]]:
        return iter(self.fields)


# ── actions ──────────────────────────────────────────────────────────────────────────────────────


@quick
@dataclass(frozen=True, slots=True)
class Output:
    """Send out of a port; dropped when that is the packet's in_port. `max_len` only for the controller."""

    port: int
    max_len: int = 0xFFFF


@quick
@dataclass(frozen=True, slots=True)
class ToGroup:
    group: int


@quick
@dataclass(frozen=True, slots=True)
class PushMpls:
    """Push a label in front of the payload of the outermost Ethernet header; copies TTL and TC from below."""

    ethertype: int = ETH_MPLS


@quick
@dataclass(frozen=True, slots=True)
class PopMpls:
    """Pop the outermost label; `ethertype` is what follows (0x8847 while labels remain)."""

    ethertype: int = ETH_MPLS


@quick
@dataclass(frozen=True, slots=True)
class DecMplsTtl:
    """Decrement the TTL of the outermost label; a packet whose TTL would reach 0 is dropped."""


@quick
@dataclass(frozen=True, slots=True)
class PushVlan:
    ethertype: int = ETH_VLAN


@quick
@dataclass(frozen=True, slots=True)
class PopVlan:
    pass


@quick
@dataclass(frozen=True, slots=True)
class SetField:
    """Write a whole header field (`name` of `FIELDS`); `vlan_vid` includes `VLAN_PRESENT`."""

    name: str
    value: int


@quick
@dataclass(frozen=True, slots=True)
class SetQueue:
    queue: int


@quick
@dataclass(frozen=True, slots=True)
class ClearInPort:
    """``load:0xffff->NXM_OF_IN_PORT[]``: lets a ring bypass leave by the port the packet came in on."""


@quick
@dataclass(frozen=True, slots=True)
class Encap:
    """NXAST_ENCAP: put the whole frame below a new MPLS label, or below a new Ethernet header."""

    header: Literal["mpls", "ethernet"]


@quick
@dataclass(frozen=True, slots=True)
class Decap:
    """NXAST_DECAP: take the outermost header off; `to_ethernet` declares that a frame follows."""

    to_ethernet: bool = False


Action: TypeAlias = (
    Output
    | ToGroup
    | PushMpls
    | PopMpls
    | DecMplsTtl
    | PushVlan
    | PopVlan
    | SetField
    | SetQueue
    | ClearInPort
    | Encap
    | Decap
)


# ── flows, groups, meters ────────────────────────────────────────────────────────────────────────


@quick
@dataclass(frozen=True, slots=True)
class Flow:
    """One flow entry. Its identity in a switch is (table, priority, match); the rest is its behaviour.

    Instructions in OpenFlow's order: meter, apply `actions`, write `metadata` (value, mask), goto.
    """

    table: int
    priority: int
    match: Match
    cookie: int = 0
    actions: tuple[Action, ...] = ()
    meter: int | None = None
    metadata: tuple[int, int] | None = None
    goto: int | None = None

    @property
    def key(self) -> FlowKey:
        return self.table, self.priority, self.match


FlowKey: TypeAlias = tuple[int, int, Match]


class GroupType(StrEnum):
    """`indirect`: one bucket. `fast_failover`: the first live bucket. `all`: every bucket. `select`: one of."""

    INDIRECT = "indirect"
    FAST_FAILOVER = "ff"
    ALL = "all"
    SELECT = "select"


@quick
@dataclass(frozen=True, slots=True)
class Bucket:
    """Actions of one choice; in a fast-failover group live while `watch_port` is up."""

    actions: tuple[Action, ...]
    watch_port: int | None = None
    weight: int = 0


@quick
@dataclass(frozen=True, slots=True)
class Group:
    id: int
    type: GroupType
    buckets: tuple[Bucket, ...]


@quick
@dataclass(frozen=True, slots=True)
class Meter:
    """A drop band: `rate` in kbit/s, `burst` in kbit (OFPMF_KBPS | OFPMF_BURST)."""

    id: int
    rate: int
    burst: int


# ── what one switch should hold ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Queue:
    """One class queue of a port: guaranteed and maximum rate in bit/s, 0 is the highest priority."""

    id: int
    min_rate: int
    max_rate: int
    priority: int


@dataclass(frozen=True, slots=True)
class PortSettings:
    """What a settings driver (OVSDB) ensures on one port; None and () mean "leave alone"."""

    bfd_interval_ms: int | None = None
    queues: tuple[Queue, ...] = ()


@dataclass(frozen=True, slots=True)
class SwitchSettings:
    """What is set on a switch beside rules: fail mode, and per port BFD and queues."""

    fail_mode: Literal["secure", "standalone"] = "secure"
    ports: Mapping[int, PortSettings] = field(default_factory=dict)


@dataclass(slots=True)
class RuleSet:
    """The flows, groups and meters of one switch, by identity.

    Adding a second flow of the same identity, or a second group or meter of the same id, with
    another behaviour raises ValueError: two passes then disagree about one rule.
    """

    flows: dict[FlowKey, Flow] = field(default_factory=dict)
    groups: dict[int, Group] = field(default_factory=dict)
    meters: dict[int, Meter] = field(default_factory=dict)

    def add(self, *items: Flow | Group | Meter) -> None:
        for item in items:
            held: Flow | Group | Meter
            if isinstance(item, Flow):
                held = self.flows.setdefault((item.table, item.priority, item.match), item)
            elif isinstance(item, Group):
                held = self.groups.setdefault(item.id, item)
            else:
                held = self.meters.setdefault(item.id, item)
            if held is not item and held != item:
                name = item.key if isinstance(item, Flow) else item.id
                raise ValueError(f"two {type(item).__name__.lower()}s for {name}: {held} and {item}")

    @classmethod
    def of(cls, items: Iterable[Flow | Group | Meter]) -> RuleSet:
        rules = cls()
        rules.add(*items)
        return rules

    def __len__(self) -> int:
        return len(self.flows) + len(self.groups) + len(self.meters)

    def __iter__(self) -> Iterator[Flow | Group | Meter]:
        yield from self.meters.values()
        yield from self.groups.values()
        yield from self.flows.values()


# ── ownership ────────────────────────────────────────────────────────────────────────────────────

COOKIE_OWNER = 0x5D9C << 48
"""Flows whose top 16 cookie bits are these are sdnctl's; all others are foreign and never touched."""
COOKIE_OWNER_MASK = 0xFFFF << 48

GROUP_BASE, GROUP_LIMIT = 0x10000000, 0x1FFFFFFF
"""sdnctl's group ids; groups outside are foreign."""
METER_BASE, METER_LIMIT = 0x1000, 0x3FFFF
"""sdnctl's meter ids (Open vSwitch's userspace datapath ends at 262,144); meters outside are foreign."""


def is_ours(item: Flow | Group | Meter) -> bool:
    """Whether a rule read from a switch belongs to sdnctl, by cookie or id range."""
    if isinstance(item, Flow):
        return item.cookie & COOKIE_OWNER_MASK == COOKIE_OWNER
    if isinstance(item, Group):
        return GROUP_BASE <= item.id <= GROUP_LIMIT
    return METER_BASE <= item.id <= METER_LIMIT
