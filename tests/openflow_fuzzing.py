"""What is fuzzed: every decoder by name, good messages and their damage, and a transport that swallows writes."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from random import Random
from typing import Any

from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    Bucket,
    Decap,
    DecMplsTtl,
    Encap,
    Flow,
    Group,
    GroupType,
    Match,
    Meter,
    Output,
    SetField,
    SetQueue,
    ToGroup,
)
from sdnctl.southbound.openflow.codec import bundle, faults, flow, group, meter, multipart, packet, ports, session
from sdnctl.southbound.openflow.codec.bundle import BundleControl, bundle_add, bundle_control
from sdnctl.southbound.openflow.codec.faults import encode_error
from sdnctl.southbound.openflow.codec.flow import FlowCommand, flow_mod, flow_stats_entry
from sdnctl.southbound.openflow.codec.group import GroupCommand, group_entry, group_mod
from sdnctl.southbound.openflow.codec.meter import MeterCommand, meter_entry, meter_mod
from sdnctl.southbound.openflow.codec.multipart import Part, multipart_reply
from sdnctl.southbound.openflow.codec.packet import packet_out
from sdnctl.southbound.openflow.codec.ports import PortDescription, encode_port
from sdnctl.southbound.openflow.codec.session import Features, encode_features, hello
from sdnctl.southbound.openflow.codec.wire import MAX_MESSAGE, Type, message

DECODERS: dict[str, Callable[[bytes], Any]] = {
    "flow_mod": flow.decode_flow_mod,
    "flow statistics": flow.decode_flow_stats,
    "flow counters": lambda body: flow.decode_flow_stats(body, counters_only=True),
    "group_mod": group.decode_group_mod,
    "group description": group.decode_groups,
    "group statistics": group.decode_group_stats,
    "group features": group.decode_group_features,
    "meter_mod": meter.decode_meter_mod,
    "meter configuration": meter.decode_meters,
    "meter features": meter.decode_meter_features,
    "hello": lambda body: session.decode_hello(4, body),
    "features": session.decode_features,
    "config": session.decode_config,
    "role": session.decode_role,
    "ports": ports.decode_ports,
    "port status": ports.decode_port_status,
    "port statistics": ports.decode_port_stats,
    "packet_in": packet.decode_packet_in,
    "packet_out": packet.decode_packet_out,
    "bundle control": bundle.decode_bundle_control,
    "bundle add": bundle.decode_bundle_add,
    "multipart": multipart.decode_multipart,
    "description": multipart.decode_description,
    "error": faults.decode_error,
}

FLOWS = (
    Flow(
        0, 200, Match.of(in_port=1, vlan_vid=0x1001, eth_type=0x0800, ipv4_src=(0x0A000000, 0xFF000000)), 1, goto=1
    ),
    Flow(1, 9, Match.of(metadata=(7, 0xFFFFFFFF)), COOKIE_OWNER, (SetQueue(3),), meter=4097, goto=2),
    Flow(
        2,
        9,
        Match.of(metadata=(7, 0xFFFFFFFF)),
        COOKIE_OWNER,
        (Encap("mpls"), SetField("mpls_label", 99), Encap("ethernet"), ToGroup(0x10000001)),
        metadata=(1, 2),
    ),
    Flow(3, 9, Match.of(eth_type=0x8847, mpls_label=17), COOKIE_OWNER, (DecMplsTtl(), Decap(), Output(3))),
)
GROUP = Group(0x10000001, GroupType.FAST_FAILOVER, (Bucket((Output(1),), 1), Bucket((Output(2),), 2)))
METER = Meter(4097, 1000, 100)
PACKET = struct.pack("!IHBBQ", 0xFFFFFFFF, 4, 0, 0, 0) + struct.pack("!HHII4x2x", 1, 12, 0x80000004, 3) + b"abcd"
PORT = encode_port(PortDescription(3, 0x020000000003, "p3", 0, 4, 0))
CORPUS = (
    hello(1),
    encode_features(Features(1, 0, 254, 0, 0x4F), 2),
    encode_error(3, 1, 1, b"abcdefgh"),
    message(Type.ECHO_REQUEST, 4, b"ping"),
    message(Type.ECHO_REPLY, 4),
    message(Type.BARRIER_REPLY, 5),
    message(Type.PACKET_IN, 0, PACKET),
    message(Type.PORT_STATUS, 0, struct.pack("!B7x", 2) + PORT),
    packet_out(7, b"frame", (Output(3),)),
    *(flow_mod(item, FlowCommand.ADD, 8) for item in FLOWS),
    *(bundle_add(1, flow_mod(item, FlowCommand.ADD, 9)) for item in FLOWS),
    bundle_control(10, 1, BundleControl.OPEN_REPLY),
    group_mod(GROUP, GroupCommand.ADD, 11),
    meter_mod(METER, MeterCommand.ADD, 12),
    multipart_reply(13, Part.FLOW, b"".join(map(flow_stats_entry, FLOWS)), more=True),
    multipart_reply(14, Part.GROUP_DESCRIPTION, group_entry(GROUP) * 2),
    multipart_reply(15, Part.METER_CONFIG, meter_entry(METER) * 2),
    multipart_reply(16, Part.PORT_DESCRIPTION, PORT * 3),
)
LENGTHS = (0, 1, 3, 4, 7, 8, 15, 16, 24, 40, 48, 64, 255, 0x7FFF, 0xFFFF)


def damaged(chance: Random, data: bytes) -> bytes:
    """A message with octets changed, 16-bit numbers faked, parts cut out, repeated or put in from another."""
    octets = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        if not octets:
            break
        at = chance.randrange(len(octets))
        kind = chance.randrange(7)
        if kind == 0:
            octets[at] = chance.randrange(256)
        elif kind == 1:
            octets[at : at + 2] = chance.choice(LENGTHS).to_bytes(2, "big")
        elif kind == 2:
            del octets[at:]
        elif kind == 3:
            octets[at:at] = octets[at : at + chance.randint(1, 16)]
        elif kind == 4:
            del octets[at : at + chance.randint(1, 16)]
        elif kind == 5:
            other = chance.choice(CORPUS)
            octets[at:] = other[at:]
        else:
            octets[at] ^= 1 << chance.randrange(8)
    return bytes(octets)


def reframed(chance: Random, octets: bytes) -> bytes:
    """Most damaged messages get their true length back, so that what is behind the header is looked at."""
    if len(octets) >= 8 and len(octets) <= MAX_MESSAGE and chance.random() < 0.8:
        return b"\4" + octets[1:2] + len(octets).to_bytes(2, "big") + octets[4:]
    return octets


class Pipe(asyncio.Transport):
    """A transport that swallows what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def close(self) -> None:
        self.aborted = True
