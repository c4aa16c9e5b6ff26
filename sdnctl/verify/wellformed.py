"""What can be said of one switch's rules without following a packet.

References exist, matches have their prerequisites (a switch refuses them otherwise), labels are not reserved,
and protection is built so that two failures cannot make packets circle: a fast-failover bucket watches the port
it sends to, and neither a second bucket nor a bypass label leads to another fast-failover group.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sdnctl.compiler.ir import LabelRange
from sdnctl.dataplane.values import (
    ETH_ARP,
    ETH_IPV4,
    ETH_IPV6,
    ETH_MPLS,
    VLAN_PRESENT,
    Action,
    Bucket,
    Group,
    GroupType,
    Match,
    Output,
    RuleSet,
    SetField,
    ToGroup,
)
from sdnctl.verify.execute import LAST_PORT
from sdnctl.verify.hearing import hears, to_controller
from sdnctl.verify.report import Violation

_IP = (ETH_IPV4, ETH_IPV6)
_TYPES: dict[str, tuple[int, ...]] = {
    "ip_dscp": _IP,
    "ip_proto": _IP,
    "ipv4_src": (ETH_IPV4,),
    "ipv4_dst": (ETH_IPV4,),
    "ipv6_src": (ETH_IPV6,),
    "ipv6_dst": (ETH_IPV6,),
    "arp_op": (ETH_ARP,),
    "arp_spa": (ETH_ARP,),
    "arp_tpa": (ETH_ARP,),
    "mpls_label": (ETH_MPLS, 0x8848),
    "mpls_tc": (ETH_MPLS, 0x8848),
    "mpls_bos": (ETH_MPLS, 0x8848),
}
_PROTOCOLS = {"tcp_src": (6,), "tcp_dst": (6,), "udp_src": (17,), "udp_dst": (17,), "icmpv6_type": (58,)}
FIRST_LABEL = 16


def check(node: str, rules: RuleSet, ports: Collection[int], bypass: LabelRange) -> Iterator[Violation]:
    """Every fault of one switch's rules; `ports` are those with a link or an endpoint."""
    yield from _groups(node, rules, ports)
    for flow in rules.flows.values():
        name = f"{node} table {flow.table} cookie {flow.cookie:#x}"
        if flow.meter is not None and flow.meter not in rules.meters:
            yield Violation("no-meter", f"{name}: meter {flow.meter} does not exist")
        if flow.goto is not None and flow.goto <= flow.table:
            yield Violation("malformed", f"{name}: goes back to table {flow.goto}")
        for reason in _prerequisites(flow.match):
            yield Violation("malformed", f"{name}: {reason}")
        yield from _actions(name, flow.actions, rules, ports)
        if to_controller(flow.actions) and not hears(flow, rules.meters):
            yield Violation("to-controller", f"{name}: sends to the controller what is no metered beacon")
        label = flow.match.get("mpls_label")
        if label and label[0] in bypass and flow.table and _reaches_failover(rules, flow.actions):
            yield Violation("protected-bypass", f"{name}: bypass label {label[0]} leads to a fast-failover group")


def _groups(node: str, rules: RuleSet, ports: Collection[int]) -> Iterator[Violation]:
    for group in rules.groups.values():
        name = f"{node} group {group.id:#x}"
        if group.type is GroupType.INDIRECT and len(group.buckets) != 1:
            yield Violation("malformed", f"{name}: an indirect group with {len(group.buckets)} buckets")
        if _circular(rules, group.id, ()):
            yield Violation("malformed", f"{name}: leads back to itself")
            continue
        for number, bucket in enumerate(group.buckets):
            yield from _actions(name, bucket.actions, rules, ports)
            if to_controller(bucket.actions):
                yield Violation("to-controller", f"{name}: sends to the controller what is no metered beacon")
            if group.type is GroupType.FAST_FAILOVER:
                yield from _failover(name, number, bucket, rules)


def _failover(name: str, number: int, bucket: Bucket, rules: RuleSet) -> Iterator[Violation]:
    """A bucket of a fast-failover group watches what it uses, and only the first may be protected again."""
    outputs = set(_outputs(rules, bucket.actions))
    if bucket.watch_port is None or outputs != {bucket.watch_port}:
        ports = ", ".join(str(port) for port in sorted(outputs)) or "nowhere"
        yield Violation(
            "watch-port", f"{name} bucket {number + 1}: watches port {bucket.watch_port}, sends to {ports}"
        )
    if _reaches_failover(rules, bucket.actions):
        yield Violation("protected-bypass", f"{name} bucket {number + 1}: leads to another fast-failover group")


def _actions(
    name: str, actions: tuple[Action, ...], rules: RuleSet, ports: Collection[int]
) -> Iterator[Violation]:
    for action in actions:
        if isinstance(action, ToGroup) and action.group not in rules.groups:
            yield Violation("no-group", f"{name}: group {action.group:#x} does not exist")
        if isinstance(action, Output) and action.port not in ports and action.port <= LAST_PORT:
            yield Violation(
                "unknown-port", f"{name}: sends to port {action.port}, which has no link and no endpoint"
            )
        if isinstance(action, SetField) and action.name == "mpls_label" and action.value < FIRST_LABEL:
            yield Violation("reserved-label", f"{name}: label {action.value} is reserved (RFC 3032)")


def _prerequisites(match: Match) -> Iterator[str]:
    """Fields that a switch accepts only together with others (OpenFlow 1.3.5, table 12)."""
    types, protocol = match.get("eth_type"), match.get("ip_proto")
    vid = match.get("vlan_vid")
    for field, _, mask in match:
        if field in _TYPES and (types is None or types[0] not in _TYPES[field]):
            yield f"matches {field} without its eth_type"
        if field in _PROTOCOLS and (protocol is None or protocol[0] not in _PROTOCOLS[field]):
            yield f"matches {field} without its ip_proto"
        if field == "nd_target" and (match.get("icmpv6_type") or (0, 0))[0] not in (135, 136):
            yield "matches nd_target without icmpv6_type 135 or 136"
        if field == "vlan_pcp" and (vid is None or not vid[0] & VLAN_PRESENT):
            yield "matches vlan_pcp without a tag"
        if field in ("mpls_label", "eth_type") and mask != (0xFFFFF if field == "mpls_label" else 0xFFFF):
            yield f"matches {field} with a mask"


def _buckets(rules: RuleSet, actions: tuple[Action, ...]) -> Iterator[tuple[Group, Bucket]]:
    """Every bucket that an action list can reach through groups (circles are reported elsewhere)."""
    todo = [action.group for action in actions if isinstance(action, ToGroup)]
    seen: set[int] = set()
    while todo:
        number = todo.pop()
        group = rules.groups.get(number)
        if group is None or number in seen:
            continue
        seen.add(number)
        for bucket in group.buckets:
            yield group, bucket
            todo += [action.group for action in bucket.actions if isinstance(action, ToGroup)]


def _reaches_failover(rules: RuleSet, actions: tuple[Action, ...]) -> bool:
    return any(group.type is GroupType.FAST_FAILOVER for group, _ in _buckets(rules, actions))


def _outputs(rules: RuleSet, actions: tuple[Action, ...]) -> Iterator[int]:
    for items in (actions, *(bucket.actions for _, bucket in _buckets(rules, actions))):
        yield from (action.port for action in items if isinstance(action, Output))


def _circular(rules: RuleSet, number: int, chain: tuple[int, ...]) -> bool:
    if number in chain:
        return True
    group = rules.groups.get(number)
    return group is not None and any(
        _circular(rules, action.group, (*chain, number))
        for bucket in group.buckets
        for action in bucket.actions
        if isinstance(action, ToGroup)
    )
