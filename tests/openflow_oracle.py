"""The same messages made and read by os-ken, the maintained continuation of Ryu.

os-ken is right about everything but encap and decap: it re-serialises NXAST_ENCAP with packet type 0 and
knows no NXAST_DECAP, so for those ``ovs-ofctl`` is the oracle.
"""

from __future__ import annotations

import warnings
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from sdnctl.dataplane.fields import IPV4_FIELDS, IPV6_FIELDS, MAC_FIELDS, full_mask, mac_text
from sdnctl.dataplane.values import (
    IN_PORT_CLEARED,
    Action,
    Bucket,
    ClearInPort,
    DecMplsTtl,
    Flow,
    Group,
    GroupType,
    Match,
    Meter,
    Output,
    PopMpls,
    PopVlan,
    PushMpls,
    PushVlan,
    SetField,
    SetQueue,
    ToGroup,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from os_ken.ofproto import ofproto_parser
    from os_ken.ofproto import ofproto_v1_3 as ofp
    from os_ken.ofproto import ofproto_v1_3_parser as parser
    from os_ken.ofproto.ofproto_protocol import ProtocolDesc

DATAPATH = ProtocolDesc(version=ofp.OFP_VERSION)
_NAMES = {"nd_target": "ipv6_nd_target"}
_OURS = {theirs: ours for ours, theirs in _NAMES.items()}


def text_of(name: str, value: int) -> Any:
    """A value as os-ken wants it."""
    if name in MAC_FIELDS:
        return mac_text(value)
    if name in IPV4_FIELDS:
        return str(IPv4Address(value))
    return str(IPv6Address(value)) if name in IPV6_FIELDS else value


def number_of(name: str, value: Any) -> int:
    """A value as os-ken gives it."""
    if name in MAC_FIELDS:
        return int(value.replace(":", ""), 16)
    if name in IPV4_FIELDS:
        return int(IPv4Address(value))
    return int(IPv6Address(value)) if name in IPV6_FIELDS else int(value)


def match(value: Match) -> Any:
    fields = []
    for name, number, mask in value:
        item = text_of(name, number)
        fields.append((_NAMES.get(name, name), item if mask == full_mask(name) else (item, text_of(name, mask))))
    return parser.OFPMatch(_ordered_fields=fields)


def match_of(value: Any) -> Match:
    fields: dict[str, int | tuple[int, int]] = {}
    for theirs, item in value.items():
        name = _OURS.get(theirs, theirs)
        pair = tuple(number_of(name, part) for part in item) if isinstance(item, tuple) else number_of(name, item)
        fields[name] = pair  # type: ignore[assignment]
    return Match.of(**fields)


def action(value: Action) -> Any:
    match value:
        case Output(port, max_len):
            return parser.OFPActionOutput(port, max_len)
        case ToGroup(group):
            return parser.OFPActionGroup(group)
        case PushMpls(ethertype):
            return parser.OFPActionPushMpls(ethertype)
        case PopMpls(ethertype):
            return parser.OFPActionPopMpls(ethertype)
        case DecMplsTtl():
            return parser.OFPActionDecMplsTtl()
        case PushVlan(ethertype):
            return parser.OFPActionPushVlan(ethertype)
        case PopVlan():
            return parser.OFPActionPopVlan()
        case SetField(name, number):
            return parser.OFPActionSetField(**{_NAMES.get(name, name): text_of(name, number)})
        case SetQueue(queue):
            return parser.OFPActionSetQueue(queue)
        case ClearInPort():
            # 16 bits from bit 0 of the old 16-bit in_port.
            return parser.NXActionRegLoad(ofs_nbits=15, dst="in_port_nxm", value=IN_PORT_CLEARED)
    raise NotImplementedError(value)


def action_of(value: Any) -> Action:
    """The reading of one os-ken action, by its class."""
    kind = type(value).__name__
    if kind == "OFPActionSetField":
        name = _OURS.get(value.key, value.key)
        return SetField(name, number_of(name, value.value))
    plain: dict[str, Any] = {
        "OFPActionOutput": lambda: Output(value.port, value.max_len),
        "OFPActionGroup": lambda: ToGroup(value.group_id),
        "OFPActionPushMpls": lambda: PushMpls(value.ethertype),
        "OFPActionPopMpls": lambda: PopMpls(value.ethertype),
        "OFPActionDecMplsTtl": DecMplsTtl,
        "OFPActionPushVlan": lambda: PushVlan(value.ethertype),
        "OFPActionPopVlan": PopVlan,
        "OFPActionSetQueue": lambda: SetQueue(value.queue_id),
    }
    result: Action = plain[kind]()
    return result


def instructions(flow: Flow) -> list[Any]:
    items = []
    if flow.meter is not None:
        items.append(parser.OFPInstructionMeter(flow.meter))
    if flow.actions:
        items.append(
            parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, [action(item) for item in flow.actions])
        )
    if flow.metadata is not None:
        items.append(parser.OFPInstructionWriteMetadata(*flow.metadata))
    if flow.goto is not None:
        items.append(parser.OFPInstructionGotoTable(flow.goto))
    return items


def octets(message: Any, xid: int) -> bytes:
    """What os-ken sends for a message."""
    message.set_xid(xid)
    message.serialize()
    return bytes(message.buf)


def parsed(data: bytes) -> Any:
    """What os-ken understands; fails when it understands nothing."""
    version, kind, length, xid = ofproto_parser.header(data)
    assert length == len(data)
    message = ofproto_parser.msg(DATAPATH, version, kind, length, xid, data)
    assert message is not None, f"os-ken cannot parse {data.hex()}"
    return message


def flow_mod(flow: Flow, command: int, cookie_mask: int = 0) -> Any:
    return parser.OFPFlowMod(
        DATAPATH,
        cookie=flow.cookie,
        cookie_mask=cookie_mask,
        table_id=flow.table,
        command=command,
        priority=flow.priority,
        out_port=ofp.OFPP_ANY,
        out_group=ofp.OFPG_ANY,
        match=match(flow.match),
        instructions=[] if command == ofp.OFPFC_DELETE_STRICT else instructions(flow),
    )


def bucket(value: Bucket) -> Any:
    port = ofp.OFPP_ANY if value.watch_port is None else value.watch_port
    return parser.OFPBucket(value.weight, port, ofp.OFPG_ANY, [action(item) for item in value.actions])


GROUP_TYPES = {
    GroupType.ALL: ofp.OFPGT_ALL,
    GroupType.SELECT: ofp.OFPGT_SELECT,
    GroupType.INDIRECT: ofp.OFPGT_INDIRECT,
    GroupType.FAST_FAILOVER: ofp.OFPGT_FF,
}


def group_mod(group: Group, command: int) -> Any:
    if command == ofp.OFPGC_DELETE:
        return parser.OFPGroupMod(DATAPATH, command, 0, group.id, [])
    buckets = [bucket(item) for item in group.buckets]
    return parser.OFPGroupMod(DATAPATH, command, GROUP_TYPES[group.type], group.id, buckets)


def meter_mod(meter: Meter, command: int) -> Any:
    if command == ofp.OFPMC_DELETE:
        return parser.OFPMeterMod(DATAPATH, command, 0, meter.id, [])
    bands = [parser.OFPMeterBandDrop(meter.rate, meter.burst)]
    return parser.OFPMeterMod(DATAPATH, command, ofp.OFPMF_KBPS | ofp.OFPMF_BURST, meter.id, bands)
