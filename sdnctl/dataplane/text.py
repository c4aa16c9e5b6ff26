"""Flows, groups and meters as one line of text each, in ``ovs-ofctl`` syntax.

`format_flow` writes exactly what ``ovs-ofctl -O OpenFlow13 --no-stats dump-flows`` prints for that flow
(without the leading blank), and ``ovs-ofctl add-flow`` reads it; groups likewise. So what sdnctl shows
and what an engineer sees on the switch can be compared by eye or by diff. `rule_name` is the short
form that diagnostics use for one rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sdnctl.dataplane.fields import (
    ETH_MPLS_MULTICAST,
    PROTO_ICMPV6,
    PROTO_TCP,
    PROTO_UDP,
    format_masked,
    format_value,
    full_mask,
)
from sdnctl.dataplane.values import (
    ETH_ARP,
    ETH_IPV4,
    ETH_IPV6,
    ETH_MPLS,
    PORT_CONTROLLER,
    VLAN_PRESENT,
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
    RuleSet,
    SetField,
    SetQueue,
    ToGroup,
)

DEFAULT_PRIORITY = 32768

_PROTOCOLS = {
    (ETH_IPV4, 1): "icmp",
    (ETH_IPV4, PROTO_TCP): "tcp",
    (ETH_IPV4, PROTO_UDP): "udp",
    (ETH_IPV4, 132): "sctp",
    (ETH_IPV4, 2): "igmp",
    (ETH_IPV6, PROTO_ICMPV6): "icmp6",
    (ETH_IPV6, PROTO_TCP): "tcp6",
    (ETH_IPV6, PROTO_UDP): "udp6",
    (ETH_IPV6, 132): "sctp6",
}
_ETHERTYPES = {
    ETH_IPV4: "ip",
    ETH_IPV6: "ipv6",
    ETH_ARP: "arp",
    ETH_MPLS: "mpls",
    ETH_MPLS_MULTICAST: "mplsm",
    0x8035: "rarp",
}

# The order and the names of Open vSwitch's match_format(); pseudo-entries in <> are composed below.
_PRINTED = (
    ("metadata", "metadata"),
    ("in_port", "in_port"),
    ("<vlan>", ""),
    ("eth_src", "dl_src"),
    ("eth_dst", "dl_dst"),
    ("<eth_type>", ""),
    ("ipv6_src", "ipv6_src"),
    ("ipv6_dst", "ipv6_dst"),
    ("arp_spa", "arp_spa"),
    ("arp_tpa", "arp_tpa"),
    ("arp_op", "arp_op"),
    ("ipv4_src", "nw_src"),
    ("ipv4_dst", "nw_dst"),
    ("<ip_proto>", ""),
    ("<ip_dscp>", ""),
    ("mpls_label", "mpls_label"),
    ("mpls_tc", "mpls_tc"),
    ("mpls_bos", "mpls_bos"),
    ("tcp_src", "tp_src"),
    ("udp_src", "tp_src"),
    ("tcp_dst", "tp_dst"),
    ("udp_dst", "tp_dst"),
    ("icmpv6_type", "icmp_type"),
    ("nd_target", "nd_target"),
)
_SET_NAMES = {"ipv4_src": "ip_src", "ipv4_dst": "ip_dst"}


def format_match(match: Match) -> str:
    """One match, such as ``mpls,in_port=3,mpls_label=101``; the empty match is the empty text."""
    eth_type, proto = _exact(match, "eth_type"), _exact(match, "ip_proto")
    shorthand = ""
    if eth_type is not None:
        shorthand = _PROTOCOLS.get((eth_type, -1 if proto is None else proto)) or _ETHERTYPES.get(eth_type, "")
    parts = [shorthand] if shorthand else []
    entries = {name: (value, mask) for name, value, mask in match.fields}
    for name, printed in _PRINTED:
        if name == "<vlan>":
            parts.extend(_vlan(match))
        elif name == "<eth_type>":
            if eth_type is not None and not shorthand:
                parts.append(f"dl_type=0x{eth_type:04x}")
        elif name == "<ip_proto>":
            if proto is not None and (eth_type, proto) not in _PROTOCOLS:
                parts.append(f"nw_proto={proto}")
        elif name == "<ip_dscp>":
            if (dscp := _exact(match, "ip_dscp")) is not None:
                parts.append(f"nw_tos={dscp << 2}")
        elif name in entries:
            value, mask = entries[name]
            text = format_masked(name, value, mask)
            if printed.startswith("tp_") and mask != full_mask(name):
                text = f"{value:#x}/{mask:#x}"
            parts.append(f"{printed}={text}")
    return ",".join(parts)


def _exact(match: Match, name: str) -> int | None:
    entry = match.get(name)
    return entry[0] if entry is not None and entry[1] == full_mask(name) else None


def _vlan(match: Match) -> Iterator[str]:
    """Tag matches: ``dl_vlan`` and ``dl_vlan_pcp`` for a whole id, else the raw tag control information."""
    vid, vid_mask = match.get("vlan_vid") or (0, 0)
    pcp, pcp_mask = match.get("vlan_pcp") or (0, 0)
    if not vid_mask and not pcp_mask:
        return
    exact_id = vid_mask == full_mask("vlan_vid")
    if vid & VLAN_PRESENT and (exact_id or (vid_mask == VLAN_PRESENT and pcp_mask)):
        if exact_id:
            yield f"dl_vlan={vid & 0xFFF}"
        if pcp_mask:
            yield f"dl_vlan_pcp={pcp}"
    else:
        yield f"vlan_tci=0x{vid | pcp << 13:04x}/0x{vid_mask | pcp_mask << 13:04x}"


def format_action(action: Action) -> str:
    """One action."""
    match action:
        case Output(port, max_len):
            return f"CONTROLLER:{max_len}" if port == PORT_CONTROLLER else f"output:{port}"
        case ToGroup(group):
            return f"group:{group}"
        case PushMpls(ethertype):
            return f"push_mpls:0x{ethertype:04x}"
        case PopMpls(ethertype):
            return f"pop_mpls:0x{ethertype:04x}"
        case DecMplsTtl():
            return "dec_mpls_ttl"
        case PushVlan(ethertype):
            return f"push_vlan:0x{ethertype:04x}"
        case PopVlan():
            return "pop_vlan"
        case SetField(name, value):
            text = str(value) if name == "vlan_vid" else format_value(name, value)
            return f"set_field:{text}->{_SET_NAMES.get(name, name)}"
        case SetQueue(queue):
            return f"set_queue:{queue}"
        case ClearInPort():
            return "load:0xffff->NXM_OF_IN_PORT[]"
        case Encap(header):
            return f"encap({header})"
        case Decap(to_ethernet):
            return "decap(packet_type(ns=0,type=0))" if to_ethernet else "decap()"


def format_actions(actions: Iterable[Action]) -> str:
    """A list of actions; nothing is ``drop``."""
    return ",".join(map(format_action, actions)) or "drop"


def format_instructions(flow: Flow) -> str:
    """What a flow does: meter, actions, metadata, goto; nothing is ``drop``."""
    parts = [] if flow.meter is None else [f"meter:{flow.meter}"]
    parts += map(format_action, flow.actions)
    if flow.metadata is not None:
        value, mask = flow.metadata
        parts.append(f"write_metadata:{format_masked('metadata', value, mask)}")
    if flow.goto is not None:
        parts.append(f"goto_table:{flow.goto}")
    return ",".join(parts) or "drop"


def format_flow(flow: Flow) -> str:
    """One flow as ``dump-flows --no-stats`` prints it."""
    head = "" if not flow.cookie else f"cookie={flow.cookie:#x}, "
    table = "" if not flow.table else f"table={flow.table}, "
    parts = [] if flow.priority == DEFAULT_PRIORITY else [f"priority={flow.priority}"]
    parts += [text] if (text := format_match(flow.match)) else []
    middle = f"{','.join(parts)} " if parts else ""
    return f"{head}{table}{middle}actions={format_instructions(flow)}"


def _format_bucket(bucket: Bucket, kind: GroupType) -> str:
    parts = []
    if kind is GroupType.SELECT and bucket.weight != 1:
        parts.append(f"weight:{bucket.weight}")
    if bucket.watch_port is not None:
        parts.append(f"watch_port:{bucket.watch_port}")
    return ",".join([*parts, f"actions={format_actions(bucket.actions)}"])


def format_group(group: Group) -> str:
    """One group as ``dump-groups`` prints it."""
    buckets = "".join(f",bucket={_format_bucket(bucket, group.type)}" for bucket in group.buckets)
    return f"group_id={group.id},type={group.type}{buckets}"


def format_meter(meter: Meter) -> str:
    """One meter as ``add-meter`` reads it."""
    return f"meter={meter.id},kbps,burst,band=type=drop,rate={meter.rate},burst_size={meter.burst}"


def format_rule(rule: Flow | Group | Meter) -> str:
    """One rule of any kind."""
    if isinstance(rule, Flow):
        return format_flow(rule)
    return format_group(rule) if isinstance(rule, Group) else format_meter(rule)


def rule_name(rule: Flow | Group | Meter) -> str:
    """The identity of one rule for diagnostics: ``flow table=3,priority=100,mpls,mpls_label=101``, ``group 7``."""
    if isinstance(rule, Flow):
        match = format_match(rule.match)
        return f"flow table={rule.table},priority={rule.priority}" + (f",{match}" if match else "")
    return f"group {rule.id}" if isinstance(rule, Group) else f"meter {rule.id}"


def flow_order(flow: Flow) -> tuple[int, int, tuple[tuple[str, int, int], ...]]:
    """Sort key: by table, highest priority first, then by match."""
    return flow.table, -flow.priority, flow.match.fields


def format_rules(rules: RuleSet) -> str:
    """A whole rule set, one rule a line, in a stable order: meters, groups, flows by table and priority."""
    lines = [format_meter(rules.meters[key]) for key in sorted(rules.meters)]
    lines += [format_group(rules.groups[key]) for key in sorted(rules.groups)]
    lines += [format_flow(flow) for flow in sorted(rules.flows.values(), key=flow_order)]
    return "".join(f"{line}\n" for line in lines)
