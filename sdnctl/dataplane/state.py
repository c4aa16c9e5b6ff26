"""A packet on its way through the tables of one switch: what is known of it, and the header rewrites.

Open vSwitch parses a bounded part of a packet (tags up to ``vlan-limit``, three labels) and works on that;
what lies deeper is opaque until the packet is parsed again: after a decapsulation, or by the next
switch. `limited` cuts a packet down to what is parsed, so that rewrites see what Open vSwitch would see.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sdnctl.dataplane.fields import PREREQUISITES
from sdnctl.dataplane.layers import effective, read_fields, write_field
from sdnctl.dataplane.packet import MPLS_TYPES, VLAN_TYPES, Label, Packet, Tag
from sdnctl.dataplane.trace import Why
from sdnctl.dataplane.values import (
    ETH_IPV4,
    ETH_IPV6,
    ETH_MPLS,
    ETH_VLAN,
    IN_PORT_CLEARED,
    MAX_LABELS,
    VLAN_PRESENT,
)

MAX_TAGS = 2
"""Open vSwitch keeps at most two tags while it translates; pushing a third loses the deepest it knows."""
_EXPLICIT_NULL = {ETH_IPV4: 0, ETH_IPV6: 2}  # RFC 3032 §2.1


class Failed(Exception):
    """An action that the packet cannot undergo; whoever translates decides how much is lost with it."""

    def __init__(self, why: Why, reason: str) -> None:
        super().__init__(reason)
        self.why = why
        self.reason = reason


def limited(packet: Packet, vlan_limit: int) -> Packet:
    """The packet as parsed: tags beyond `vlan_limit` and labels beyond three belong to the payload."""
    if len(packet.tags) > vlan_limit:
        hidden = packet.tags[vlan_limit:]
        rest = replace(packet, tags=packet.tags[vlan_limit:])
        return replace(
            packet,
            tags=packet.tags[:vlan_limit],
            eth_type=hidden[0].ethertype,
            labels=(),
            payload=bytes(rest)[14:],
        )
    if len(packet.labels) > MAX_LABELS:
        deeper = b"".join(map(bytes, packet.labels[MAX_LABELS:]))
        return replace(packet, labels=packet.labels[:MAX_LABELS], payload=deeper + packet.payload)
    return packet


@dataclass(slots=True)
class State:
    """The packet and its pipeline fields. `over_mpls`: an `Encap` went over a customer's own MPLS frame."""

    packet: Packet
    in_port: int
    metadata: int = 0
    queue: int = 0
    over_mpls: bool = False
    reparse: bool = False  # a pop to another type than MPLS: what is now in front has not been parsed
    encapsulated: bool = False

    def copy(self) -> State:
        return replace(self)

    def parse_again(self, vlan_limit: int) -> None:
        """Parse what the rewrites made, as a recirculation does."""
        if self.packet.ethernet:
            self.packet = limited(Packet.parse(bytes(self.packet)), vlan_limit)
        self.over_mpls = self.reparse = self.encapsulated = False

    # ── fields ───────────────────────────────────────────────────────────────────────────────────

    def reader(self) -> FieldReader:
        return FieldReader(self)

    def set_field(self, name: str, value: int) -> None:
        """Write a field if the packet has it.

        As in Open vSwitch, `vlan_vid` adds a tag to an untagged packet, and writing a tag clears its
        drop-eligible bit.
        """
        packet = self.packet
        if name == "in_port":
            self.in_port = value
        elif name == "metadata":
            self.metadata = value
        elif name == "eth_dst":
            self.packet = replace(packet, eth_dst=value)
        elif name == "eth_src":
            self.packet = replace(packet, eth_src=value)
        elif name == "vlan_vid":
            outer = packet.tags[0] if packet.tags else Tag(0)
            self.packet = replace(packet, tags=(replace(outer, vid=value & 0xFFF, dei=0), *packet.tags[1:]))
        elif name == "vlan_pcp":
            if packet.tags:
                self.packet = replace(packet, tags=(replace(packet.tags[0], pcp=value, dei=0), *packet.tags[1:]))
        elif name in ("mpls_label", "mpls_tc"):
            if packet.labels:
                top = packet.labels[0]
                top = replace(top, label=value) if name == "mpls_label" else replace(top, tc=value)
                self.packet = replace(packet, labels=(top, *packet.labels[1:]))
        elif self._has(name):
            kind, at = effective(packet.eth_type, packet.payload)
            written = write_field(kind, packet.payload[at:], name, value)
            self.packet = replace(packet, payload=packet.payload[:at] + written)

    def _has(self, name: str) -> bool:
        """Whether the prerequisites of a layer 3 or 4 field hold for this packet."""
        values = self.reader()
        return all(values(needed) in allowed for needed, allowed in PREREQUISITES.get(name, ()))

    def clear_in_port(self) -> None:
        self.in_port = IN_PORT_CLEARED

    # ── tags ─────────────────────────────────────────────────────────────────────────────────────

    def push_tag(self, ethertype: int = ETH_VLAN) -> None:
        self.packet = replace(self.packet, tags=(Tag(0, ethertype=ethertype), *self.packet.tags)[:MAX_TAGS])

    def pop_tag(self) -> None:
        self.packet = replace(self.packet, tags=self.packet.tags[1:])

    # ── labels ───────────────────────────────────────────────────────────────────────────────────

    def push_label(self, ethertype: int) -> None:
        """A copy of the top label on top of it; over IP, explicit null with TTL and class of the IP header."""
        packet = self.packet
        if packet.eth_type in MPLS_TYPES:
            if len(packet.labels) >= MAX_LABELS:
                raise Failed(Why.LABELS, f"a label more than {MAX_LABELS} cannot be pushed")
            top = replace(packet.labels[0], bos=0) if packet.labels else Label(0, 0, 1, 64)
        else:
            top = _label_over(packet)
        self.packet = replace(packet, labels=(top, *packet.labels), eth_type=ethertype)

    def pop_label(self, ethertype: int) -> None:
        """Take the top label off; with a type that is not MPLS, all that are known (as Open vSwitch does)."""
        packet = self.packet
        if not packet.labels or packet.eth_type not in MPLS_TYPES:
            return
        self._refuse_deep_stack("popped")
        below = packet.labels[1:]
        if ethertype in MPLS_TYPES:
            self.packet = replace(packet, labels=below, eth_type=ethertype)
        else:
            self.packet = replace(packet, labels=(), eth_type=ethertype)
            self.reparse = True

    def dec_ttl(self) -> bool:
        """Decrement the top label's TTL; False where it is used up, or there is no label."""
        labels = self.packet.labels
        if not labels or labels[0].ttl <= 1:
            return False
        top = replace(labels[0], ttl=labels[0].ttl - 1)
        self.packet = replace(self.packet, labels=(top, *labels[1:]))
        return True

    def _refuse_deep_stack(self, verb: str) -> None:
        labels = self.packet.labels
        if len(labels) == MAX_LABELS and not labels[-1].bos:
            raise Failed(Why.LABELS, f"a label of a stack deeper than {MAX_LABELS} cannot be {verb}")

    # ── encapsulation ────────────────────────────────────────────────────────────────────────────

    def encap_mpls(self) -> None:
        """Put the whole frame under a new label: label 0, class 0, TTL 64, bottom of stack.

        A frame that is itself MPLS is where Open vSwitch 3.1 goes wrong, and this does the same: the new
        label is not marked as the bottom of the stack, its TTL is 0, and three labels are too many already.
        """
        packet = self.packet
        if not packet.ethernet:
            if not packet.labels or self.over_mpls or len(packet.labels) >= MAX_LABELS:
                raise Failed(Why.UNSUPPORTED, "labels put on one by one over this packet are not modelled")
            self.packet = replace(packet, labels=(replace(packet.labels[0], bos=0), *packet.labels))
            return
        if self.encapsulated:
            raise Failed(Why.UNSUPPORTED, "a second Ethernet encapsulation (Open vSwitch 3.1 aborts on it)")
        self.over_mpls = packet.eth_type in MPLS_TYPES and bool(packet.labels)
        if self.over_mpls and len(packet.labels) >= MAX_LABELS:
            raise Failed(Why.LABELS, f"a label more than {MAX_LABELS} cannot be pushed")
        top = Label(0, bos=0, ttl=0) if self.over_mpls else Label(0, bos=1, ttl=64)
        self.packet = Packet(0, 0, ETH_MPLS, bytes(packet), labels=(top,), ethernet=False)

    def encap_ethernet(self) -> None:
        if self.packet.ethernet:
            raise Failed(Why.UNSUPPORTED, "an Ethernet header on an Ethernet frame")
        self.packet = replace(self.packet, eth_dst=0, eth_src=0, tags=(), ethernet=True)
        self.encapsulated = True

    def decap(self, to_ethernet: bool) -> bool:
        """Take off the outermost header; True where what follows has to be parsed again."""
        packet = self.packet
        if packet.ethernet:
            if packet.tags:
                raise Failed(Why.UNSUPPORTED, "the Ethernet header of a tagged frame cannot be taken off")
            self.packet = replace(packet, ethernet=False)
            return False
        if packet.eth_type not in MPLS_TYPES or not packet.labels:
            raise Failed(Why.UNSUPPORTED, f"a packet of type 0x{packet.eth_type:04x} has no header to take off")
        self._refuse_deep_stack("taken off")
        if to_ethernet:
            self.packet = Packet.parse(packet.payload)
        else:
            self.packet = replace(packet, labels=(), eth_type=0)
        return True


def _label_over(packet: Packet) -> Label:
    """The first label on a packet: TTL and class come from an IP header (TTL 0 becomes 64), else 64 and 0."""
    null = _EXPLICIT_NULL.get(packet.eth_type)
    if null is None:
        return Label(0, 0, 1, 64)
    dscp = read_fields(packet.eth_type, packet.payload).get("ip_dscp", 0)
    at = 8 if packet.eth_type == ETH_IPV4 else 7
    ttl = packet.payload[at] if len(packet.payload) > at else 0
    return Label(null, dscp & 7, 1, ttl or 64)


class FieldReader:
    """Values of match fields of one state; layer 3 and 4 are only parsed when asked for."""

    __slots__ = ("_layers", "_state", "_values")

    def __init__(self, state: State) -> None:
        packet = state.packet
        top = packet.labels[0] if packet.labels and packet.eth_type in MPLS_TYPES else None
        tag = packet.tags[0] if packet.tags else None
        self._state = state
        self._layers = False
        self._values: dict[str, int] = {
            "in_port": state.in_port,
            "metadata": state.metadata,
            "eth_dst": packet.eth_dst,
            "eth_src": packet.eth_src,
            "eth_type": effective(packet.eth_type, packet.payload)[0],
            "vlan_vid": VLAN_PRESENT | tag.vid if tag else 0,
            "vlan_pcp": tag.pcp if tag else 0,
            "mpls_label": top.label if top else 0,
            "mpls_tc": top.tc if top else 0,
            "mpls_bos": top.bos if top else 0,
        }

    def __call__(self, name: str) -> int:
        """The value of a field, 0 where the packet does not have it."""
        value = self._values.get(name)
        if value is None and not self._layers:
            self._layers = True
            packet = self._state.packet
            if packet.eth_type not in VLAN_TYPES and not packet.labels:
                kind, at = effective(packet.eth_type, packet.payload)
                self._values.update(read_fields(kind, packet.payload[at:]))
            value = self._values.get(name)
        return value or 0
