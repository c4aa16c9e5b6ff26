"""Rules as messages of the framework, and as octets of sdnctl's codec where the framework has it wrong.

os-ken and Ryu write `encap` with packet type 0 and know no `decap`; a message with one of these comes from
`sdnctl.southbound.openflow` as octets. Everything else is built of the framework's own classes, and the octets
are the same either way (the tests compare them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from sdnctl.dataplane.fields import IPV4_FIELDS, IPV6_FIELDS, MAC_FIELDS, full_mask, mac_text
from sdnctl.dataplane.values import (
    COOKIE_OWNER_MASK,
    IN_PORT_CLEARED,
    Action,
    Bucket,
    ClearInPort,
    Decap,
    DecMplsTtl,
    Encap,
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
from sdnctl.plan.model import Change, Op, Rule
from sdnctl.southbound.openflow.transaction import encode
from sdnctl_ryu.framework import ofp, parser

BUNDLE_FLAGS = ofp.ONF_BF_ATOMIC | ofp.ONF_BF_ORDERED

_NAMES = {"nd_target": "ipv6_nd_target"}
_GROUP_TYPES: Mapping[GroupType, int] = {
    GroupType.ALL: ofp.OFPGT_ALL,
    GroupType.SELECT: ofp.OFPGT_SELECT,
    GroupType.INDIRECT: ofp.OFPGT_INDIRECT,
    GroupType.FAST_FAILOVER: ofp.OFPGT_FF,
}
# A flow is changed by adding it again, as the core's driver does and says why.
_FLOW_COMMANDS = {Op.ADD: ofp.OFPFC_ADD, Op.MODIFY: ofp.OFPFC_ADD, Op.DELETE: ofp.OFPFC_DELETE_STRICT}
_GROUP_COMMANDS = {Op.ADD: ofp.OFPGC_ADD, Op.MODIFY: ofp.OFPGC_MODIFY, Op.DELETE: ofp.OFPGC_DELETE}
_METER_COMMANDS = {Op.ADD: ofp.OFPMC_ADD, Op.MODIFY: ofp.OFPMC_MODIFY, Op.DELETE: ofp.OFPMC_DELETE}


def needs_codec(rule: Rule) -> bool:
    """Whether the framework would send something else than what the rule says."""
    if isinstance(rule, Flow):
        return _beyond(rule.actions)
    return isinstance(rule, Group) and any(_beyond(bucket.actions) for bucket in rule.buckets)


def _beyond(actions: Iterable[Action]) -> bool:
    return any(isinstance(action, Encap | Decap) for action in actions)


def octets(datapath: Any, op: Op, rule: Rule, xid: int, bundle: int | None = None) -> bytes:
    """One change as it goes over the wire, in a bundle where there is one.

    Raises ValueError or struct.error, or what the framework raises, when the change cannot be expressed.
    """
    if op is not Op.DELETE and needs_codec(rule):
        return encode(Change(op, rule), xid, bundle)
    message = _message(datapath, op, rule)
    message.set_xid(xid)
    if bundle is not None:
        message = parser.ONFBundleAddMsg(datapath, bundle, BUNDLE_FLAGS, message, [])
        message.set_xid(xid)
    return serialised(message)


def serialised(message: Any) -> bytes:
    """The octets of a message of the framework that has its transaction id."""
    message.serialize()
    return bytes(message.buf)


def _message(datapath: Any, op: Op, rule: Rule) -> Any:
    if isinstance(rule, Flow):
        return flow_mod(datapath, op, rule)
    return group_mod(datapath, op, rule) if isinstance(rule, Group) else meter_mod(datapath, op, rule)


def flow_mod(datapath: Any, op: Op, flow: Flow) -> Any:
    """A deletion takes a flow only if its cookie has the owner that the change names: never a foreign one."""
    delete = op is Op.DELETE
    return parser.OFPFlowMod(
        datapath,
        cookie=flow.cookie,
        cookie_mask=COOKIE_OWNER_MASK if delete else 0,
        table_id=flow.table,
        command=_FLOW_COMMANDS[op],
        priority=flow.priority,
        out_port=ofp.OFPP_ANY,  # the framework's default, 0, would be a port
        out_group=ofp.OFPG_ANY,
        match=match(flow.match),
        instructions=[] if delete else _instructions(flow),
    )


def group_mod(datapath: Any, op: Op, group: Group) -> Any:
    if op is Op.DELETE:
        return parser.OFPGroupMod(datapath, ofp.OFPGC_DELETE, 0, group.id, [])
    buckets = [_bucket(item) for item in group.buckets]
    return parser.OFPGroupMod(datapath, _GROUP_COMMANDS[op], _GROUP_TYPES[group.type], group.id, buckets)


def meter_mod(datapath: Any, op: Op, meter: Meter) -> Any:
    if op is Op.DELETE:
        return parser.OFPMeterMod(datapath, ofp.OFPMC_DELETE, 0, meter.id, [])
    bands = [parser.OFPMeterBandDrop(meter.rate, meter.burst)]
    return parser.OFPMeterMod(datapath, _METER_COMMANDS[op], ofp.OFPMF_KBPS | ofp.OFPMF_BURST, meter.id, bands)


def match(value: Match) -> Any:
    fields = []
    for name, number, mask in value:
        item = _text(name, number)
        fields.append((_NAMES.get(name, name), item if mask == full_mask(name) else (item, _text(name, mask))))
    return parser.OFPMatch(_ordered_fields=fields)


def _text(name: str, value: int) -> Any:
    """A field's value as the framework wants it: addresses as text."""
    if name in MAC_FIELDS:
        return mac_text(value)
    if name in IPV4_FIELDS:
        return str(IPv4Address(value))
    return str(IPv6Address(value)) if name in IPV6_FIELDS else value


def _instructions(flow: Flow) -> list[Any]:
    items = []
    if flow.meter is not None:
        items.append(parser.OFPInstructionMeter(flow.meter))
    if flow.actions:
        actions = [_action(item) for item in flow.actions]
        items.append(parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, actions))
    if flow.metadata is not None:
        items.append(parser.OFPInstructionWriteMetadata(*flow.metadata))
    if flow.goto is not None:
        items.append(parser.OFPInstructionGotoTable(flow.goto))
    return items


def _bucket(value: Bucket) -> Any:
    port = ofp.OFPP_ANY if value.watch_port is None else value.watch_port
    return parser.OFPBucket(value.weight, port, ofp.OFPG_ANY, [_action(item) for item in value.actions])


_ACTIONS: Mapping[type[Any], Callable[[Any], Any]] = {
    Output: lambda action: parser.OFPActionOutput(action.port, action.max_len),
    ToGroup: lambda action: parser.OFPActionGroup(action.group),
    PushMpls: lambda action: parser.OFPActionPushMpls(action.ethertype),
    PopMpls: lambda action: parser.OFPActionPopMpls(action.ethertype),
    DecMplsTtl: lambda _: parser.OFPActionDecMplsTtl(),
    PushVlan: lambda action: parser.OFPActionPushVlan(action.ethertype),
    PopVlan: lambda _: parser.OFPActionPopVlan(),
    SetField: lambda action: parser.OFPActionSetField(
        **{_NAMES.get(action.name, action.name): _text(action.name, action.value)}
    ),
    SetQueue: lambda action: parser.OFPActionSetQueue(action.queue),
    # 16 bits, from bit 0, of the old in_port.
    ClearInPort: lambda _: parser.NXActionRegLoad(ofs_nbits=15, dst="in_port_nxm", value=IN_PORT_CLEARED),
}


def _action(value: Action) -> Any:
    return _ACTIONS[type(value)](value)
