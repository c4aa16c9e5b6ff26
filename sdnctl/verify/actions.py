"""What each action does to a symbolic packet: labels, headers, tags, fields.

An own reading of OpenFlow and of the measured behaviour of Open vSwitch: a fourth label is a drop, `PushMpls`
copies TTL and TC, encapsulation starts at TTL 64. What the pipeline never needs and a switch would refuse
or garble (popping the last label, tagging in front of labels) is a drop with the code ``malformed``.
Outputs and groups are in `execute`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from sdnctl.dataplane.values import (
    ETH_MPLS,
    MAX_LABELS,
    VLAN_PRESENT,
    Action,
    ClearInPort,
    Decap,
    DecMplsTtl,
    Encap,
    PopMpls,
    PopVlan,
    PushMpls,
    PushVlan,
    SetField,
    SetQueue,
)
from sdnctl.verify.frames import Tags
from sdnctl.verify.packet import NEW_TTL, Label, Packet
from sdnctl.verify.space import full_mask

Fault: TypeAlias = tuple[str, str] | None
"""Why a packet is dropped by an action, as code and sentence; None where it goes on."""


def act(packet: Packet, action: Action) -> Fault:
    """Do one action to a packet, in place."""
    return _ACTIONS[type(action)](packet, action)


def _push_mpls(packet: Packet, action: Action) -> Fault:
    assert isinstance(action, PushMpls)
    if packet.customer or not packet.ethernet or action.ethertype != ETH_MPLS:
        return "malformed", "push of a label without one below it"
    if len(packet.labels) >= MAX_LABELS:
        return "labels", f"push of label number {MAX_LABELS + 1}"
    packet.labels = (Label(0, packet.labels[0].tc, packet.labels[0].ttl), *packet.labels)
    return None


def _pop_mpls(packet: Packet, action: Action) -> Fault:
    assert isinstance(action, PopMpls)
    if len(packet.labels) < 2 or not packet.ethernet or action.ethertype != ETH_MPLS:
        return "malformed", "pop of a label with no label below it"
    packet.labels = packet.labels[1:]
    packet.floor = min(packet.floor, len(packet.labels))
    return None


def _dec_ttl(packet: Packet, action: Action) -> Fault:
    if packet.customer:
        return "malformed", "TTL of a frame without label"
    top = packet.labels[0]
    if top.ttl <= 1:
        return "ttl", "the TTL has run out"
    packet.labels = (top._replace(ttl=top.ttl - 1), *packet.labels[1:])
    return None


def _encap(packet: Packet, action: Action) -> Fault:
    assert isinstance(action, Encap)
    if action.header == "mpls" and packet.customer:
        packet.labels, packet.ethernet = (Label(0, 0, NEW_TTL),), False
        return None
    if action.header == "ethernet" and not packet.ethernet:
        packet.ethernet, packet.macs = True, (0, 0)
        return None
    return "malformed", f"encap({action.header}) around what is already encapsulated"


def _decap(packet: Packet, action: Action) -> Fault:
    assert isinstance(action, Decap)
    if not action.to_ethernet and packet.ethernet and packet.labels:
        packet.ethernet = False
        return None
    if action.to_ethernet and not packet.ethernet and len(packet.labels) == 1:
        packet.labels, packet.ethernet, packet.floor = (), True, 0
        return None
    return "malformed", f"decap of {len(packet.labels)} labels"


def _set_field(packet: Packet, action: Action) -> Fault:
    assert isinstance(action, SetField)
    name, value = action.name, action.value
    if name == "in_port":
        packet.in_port = value
    elif name == "metadata":
        packet.metadata = value
    elif name in ("mpls_label", "mpls_tc") and packet.labels:
        top = packet.labels[0]
        top = top._replace(value=value) if name == "mpls_label" else top._replace(tc=value)
        packet.labels = (top, *packet.labels[1:])
    elif name in ("eth_dst", "eth_src") and packet.labels and packet.ethernet:
        packet.macs = (value, packet.macs[1]) if name == "eth_dst" else (packet.macs[0], value)
    elif packet.labels or name in ("mpls_label", "mpls_tc", "mpls_bos", "eth_type"):
        return "malformed", f"{name} cannot be set here"
    elif name == "vlan_vid":
        return _set_vid(packet, value)
    else:
        packet.edits = (*(edit for edit in packet.edits if edit[0] != name), (name, value))
    return None


def _set_vid(packet: Packet, value: int) -> Fault:
    if not all(packet.is_tagged(cube) for cube in packet.space.cubes) or not value & VLAN_PRESENT:
        return "malformed", "VLAN id set on frames without a tag"
    tags = packet.tags
    if tags.pushed:
        packet.tags = Tags(tags.popped, (*tags.pushed[:-1], value))
    else:
        packet.tags = Tags(tags.popped + 1, (value,))
    return None


def _push_vlan(packet: Packet, action: Action) -> Fault:
    if packet.labels:
        return "malformed", "VLAN tag pushed in front of labels"
    now = [packet.outer_tag(cube) for cube in packet.space.cubes]
    copied = now[0][0] if now and all(tag == (now[0][0], full_mask("vlan_vid")) for tag in now) else 0
    packet.tags = Tags(packet.tags.popped, (*packet.tags.pushed, VLAN_PRESENT | copied))
    return None


def _pop_vlan(packet: Packet, action: Action) -> Fault:
    if packet.labels:
        return "malformed", "VLAN tag popped in front of labels"
    tagged = {packet.is_tagged(cube) for cube in packet.space.cubes}
    if tagged == {True}:
        tags = packet.tags
        packet.tags = Tags(tags.popped, tags.pushed[:-1]) if tags.pushed else Tags(tags.popped + 1)
    elif tagged != {False}:
        return "malformed", "VLAN tag popped from frames that may have none"
    return None


def _set_queue(packet: Packet, action: Action) -> Fault:
    assert isinstance(action, SetQueue)
    packet.queue = action.queue
    return None


def _clear_in_port(packet: Packet, action: Action) -> Fault:
    packet.clear_in_port()
    return None


_ACTIONS: Mapping[type, Callable[[Packet, Action], Fault]] = {
    PushMpls: _push_mpls,
    PopMpls: _pop_mpls,
    DecMplsTtl: _dec_ttl,
    PushVlan: _push_vlan,
    PopVlan: _pop_vlan,
    SetField: _set_field,
    SetQueue: _set_queue,
    ClearInPort: _clear_in_port,
    Encap: _encap,
    Decap: _decap,
}
