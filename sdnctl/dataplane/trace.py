"""What happened to a packet in a switch: where it left, why parts of it were dropped, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sdnctl.dataplane.packet import Packet


class Why(StrEnum):
    """Reasons for which a packet, or one copy of it, goes no further."""

    TABLE_MISS = "table-miss"  # no flow matches
    NO_OUTPUT = "no-output"  # the rules say drop, or simply stop
    HAIRPIN = "hairpin"  # output to the port it came in on
    NO_PORT = "no-port"  # output to a port that does not exist
    PORT_DOWN = "port-down"
    MTU = "mtu"  # larger than the egress port carries
    TTL = "ttl"  # MPLS TTL ran out
    LABELS = "labels"  # more than three labels
    NO_LIVE_BUCKET = "no-live-bucket"
    NO_GROUP = "no-group"  # a bucket points to a group that does not exist
    TOO_DEEP = "too-deep"  # groups chained in a circle
    METER = "meter"  # above the rate
    UNSUPPORTED = "unsupported"  # encap or decap of a packet that has not what it needs
    NOT_ETHERNET = "not-ethernet"  # output or look-up of a packet without Ethernet header
    RUNT = "runt"  # shorter than an Ethernet header
    LOOP = "loop"  # the fabric's hop bound


@dataclass(frozen=True, slots=True)
class Drop:
    """One copy that ended, with the packet as it was then."""

    why: Why
    reason: str
    packet: Packet


@dataclass(frozen=True, slots=True)
class Sent:
    """One copy that left by a port (or to the controller, port 0xfffffffd)."""

    port: int
    packet: Packet
    queue: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done, `depth` levels of groups down; prints like a line of ``ofproto/trace``."""

    depth: int
    text: str

    def __str__(self) -> str:
        return "  " * self.depth + self.text


@dataclass(slots=True)
class Result:
    """All that one switch did with one packet."""

    sent: list[Sent] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(map(str, self.steps))
