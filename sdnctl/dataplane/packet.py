"""A packet as a value, and the same packet as bytes.

`Packet` splits a frame into what a switch rewrites: addresses, VLAN tags, MPLS labels; all that is
below stays bytes (`payload`), so that bytes → Packet → bytes is the identity for every input that has
an Ethernet header, and the customer's frame below the labels is never touched. Layer 3 and 4 fields
are read from and written to `payload` by `layers`.

Like Open vSwitch's parser this one never fails: too short a frame is padded with nothing and simply
has no addresses to match (`runt`), truncated tags or labels stay payload.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sdnctl.dataplane.fields import ETH_MPLS_MULTICAST, mac_text
from sdnctl.dataplane.values import ETH_MPLS, ETH_QINQ, ETH_VLAN

VLAN_TYPES = frozenset({ETH_VLAN, ETH_QINQ})
MPLS_TYPES = frozenset({ETH_MPLS, ETH_MPLS_MULTICAST})
ETHERNET_HEADER = 14
TAG = 4
LABEL = 4


@dataclass(frozen=True, slots=True)
class Tag:
    """One VLAN tag: 12-bit id, priority (PCP), drop-eligible bit, and its own EtherType (0x8100 or 0x88a8)."""

    vid: int
    pcp: int = 0
    dei: int = 0
    ethertype: int = ETH_VLAN

    def __bytes__(self) -> bytes:
        return (self.pcp << 13 | self.dei << 12 | self.vid).to_bytes(2, "big")

    @classmethod
    def parse(cls, ethertype: int, control: int) -> Tag:
        return cls(control & 0xFFF, control >> 13, control >> 12 & 1, ethertype)


@dataclass(frozen=True, slots=True)
class Label:
    """One MPLS label stack entry (RFC 3032): label, traffic class, bottom-of-stack bit, TTL."""

    label: int
    tc: int = 0
    bos: int = 0
    ttl: int = 64

    def __bytes__(self) -> bytes:
        return (self.label << 12 | self.tc << 9 | self.bos << 8 | self.ttl).to_bytes(4, "big")

    @classmethod
    def parse(cls, entry: bytes) -> Label:
        word = int.from_bytes(entry, "big")
        return cls(word >> 12, word >> 9 & 7, word >> 8 & 1, word & 0xFF)


@dataclass(frozen=True, slots=True)
class Packet:
    """A frame: addresses, tags outermost first, the type of what follows the tags, labels, the rest.

    `ethernet` is False for a packet whose Ethernet header has been taken off (`Decap`): its addresses
    and tags then mean nothing and it begins with its labels. `payload` is what follows the tags and the
    labels. `runt` is a frame shorter than an Ethernet header, kept as its bytes in `payload`.
    """

    eth_dst: int
    eth_src: int
    eth_type: int
    payload: bytes = b""
    tags: tuple[Tag, ...] = ()
    labels: tuple[Label, ...] = ()
    ethernet: bool = True
    runt: bool = False

    @classmethod
    def parse(cls, frame: bytes) -> Packet:
        """Split a frame; never raises."""
        frame = bytes(frame)
        if len(frame) < ETHERNET_HEADER:
            return cls(0, 0, 0, frame, runt=True)
        eth_dst, eth_src = int.from_bytes(frame[:6], "big"), int.from_bytes(frame[6:12], "big")
        eth_type, at, tags = int.from_bytes(frame[12:14], "big"), ETHERNET_HEADER, []
        while eth_type in VLAN_TYPES and at + TAG <= len(frame):
            tags.append(Tag.parse(eth_type, int.from_bytes(frame[at : at + 2], "big")))
            eth_type = int.from_bytes(frame[at + 2 : at + TAG], "big")
            at += TAG
        labels, at = parse_labels(frame, at) if eth_type in MPLS_TYPES else ((), at)
        return cls(eth_dst, eth_src, eth_type, frame[at:], tuple(tags), labels)

    def __bytes__(self) -> bytes:
        if self.runt:
            return self.payload
        below = b"".join(map(bytes, self.labels)) + self.payload
        if not self.ethernet:
            return below
        parts = [self.eth_dst.to_bytes(6, "big"), self.eth_src.to_bytes(6, "big")]
        for tag in self.tags:
            parts += [tag.ethertype.to_bytes(2, "big"), bytes(tag)]
        parts += [self.eth_type.to_bytes(2, "big"), below]
        return b"".join(parts)

    @property
    def size(self) -> int:
        """Length of the frame in octets, without padding and frame check sequence."""
        head = ETHERNET_HEADER + TAG * len(self.tags) if self.ethernet and not self.runt else 0
        return head + LABEL * len(self.labels) + len(self.payload)

    @property
    def load(self) -> int:
        """What an MTU limits: octets behind the Ethernet header, the outermost tag not counted.

        Linux lets a tagged frame be four octets longer than an untagged one (``is_skb_forwardable``),
        and so do Ethernet switches.
        """
        return self.size - (ETHERNET_HEADER + (TAG if self.tags else 0) if self.ethernet and not self.runt else 0)

    @property
    def inner(self) -> Packet | None:
        """The frame below the labels, if there are labels and room for one."""
        if not self.labels or len(self.payload) < ETHERNET_HEADER:
            return None
        return Packet.parse(self.payload)

    def __str__(self) -> str:
        """Headers on one line, for traces: ``02:…:01 > 02:…:02 vlan 100 mpls 101/tc5/ttl63 [customer frame]``."""
        if self.runt:
            return f"runt of {len(self.payload)} B"
        parts = [f"{mac_text(self.eth_src)} > {mac_text(self.eth_dst)}"] if self.ethernet else ["no Ethernet"]
        parts += [f"vlan {tag.vid}" + (f" pcp {tag.pcp}" if tag.pcp else "") for tag in self.tags]
        parts += [f"mpls {label.label}/tc{label.tc}/ttl{label.ttl}" for label in self.labels]
        inner = self.inner
        parts.append(f"[{inner}]" if inner is not None else f"type 0x{self.eth_type:04x}, {len(self.payload)} B")
        return " ".join(parts)

    def with_labels(self, *labels: Label) -> Packet:
        """The same packet under these labels, the bottom-of-stack bits set right."""
        stack = tuple(replace(label, bos=int(index == len(labels) - 1)) for index, label in enumerate(labels))
        return replace(self, eth_type=ETH_MPLS, labels=stack)


def parse_labels(data: bytes, at: int) -> tuple[tuple[Label, ...], int]:
    """Label stack entries from an offset up to the bottom of the stack or the end; and where they end."""
    labels = []
    while at + LABEL <= len(data):
        labels.append(Label.parse(data[at : at + LABEL]))
        at += LABEL
        if labels[-1].bos:
            break
    return tuple(labels), at
