"""Faults put into correct rules, one at a time, to score the verifier by how many of them it finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    ETH_MPLS,
    FIELDS,
    VLAN_PRESENT,
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
    RuleSet,
    SetField,
    SetQueue,
    ToGroup,
)

Rule: TypeAlias = Flow | Group | Meter


@dataclass(frozen=True)
class Mutant:
    """One changed switch: `operator` says what kind of fault; `rule` is what was changed (None: added)."""

    operator: str
    node: str
    rule: Rule | None
    rules: Mapping[str, RuleSet]


def mutants(rules: Mapping[str, RuleSet]) -> Iterator[Mutant]:
    """Every single fault of every operator, in a stable order."""
    for node in sorted(rules):
        held = rules[node]
        for flow in list(held.flows.values()):
            for operator, items in _flow(flow, held):
                yield Mutant(operator, node, flow, _with(rules, node, flow, items))
        for group in list(held.groups.values()):
            for operator, changed in _group(group, held):
                yield Mutant(operator, node, group, _with(rules, node, group, changed))
        for meter in list(held.meters.values()):
            for operator, new in (
                ("meter-rate", replace(meter, rate=meter.rate + 1)),
                ("meter-rate-double", replace(meter, rate=meter.rate * 2)),
                ("meter-burst-small", replace(meter, burst=meter.burst // 2)),
                ("meter-burst-large", replace(meter, burst=meter.burst * 4)),
            ):
                yield Mutant(operator, node, meter, _with(rules, node, meter, (new,)))
        rogue = Flow(0, 100, Match.of(), COOKIE_OWNER, goto=3)
        yield Mutant("rogue-transit", node, None, _with(rules, node, None, (rogue,)))
        stray = Flow(3, 50, Match.of(eth_type=ETH_MPLS), COOKIE_OWNER, (Output(1),))
        yield Mutant("rogue-label", node, None, _with(rules, node, None, (stray,)))


def _with(rules: Mapping[str, RuleSet], node: str, old: Rule | None, new: tuple[Rule, ...]) -> dict[str, RuleSet]:
    """The same rules with one taken out and others put in; a rule of the same identity gives way."""
    held = rules[node]
    changed = RuleSet(dict(held.flows), dict(held.groups), dict(held.meters))
    if isinstance(old, Flow):
        del changed.flows[old.key]
    elif isinstance(old, Group):
        del changed.groups[old.id]
    elif old is not None:
        del changed.meters[old.id]
    for item in new:
        if isinstance(item, Flow):
            changed.flows[item.key] = item
        elif isinstance(item, Group):
            changed.groups[item.id] = item
        else:
            changed.meters[item.id] = item
    return {**rules, node: changed}


# ── flows ────────────────────────────────────────────────────────────────────────────────────────


def _flow(flow: Flow, held: RuleSet) -> Iterator[tuple[str, tuple[Flow, ...]]]:
    yield "flow-dropped", ()
    if flow.goto is not None:
        yield "goto-dropped", (replace(flow, goto=None),)
        yield "goto-next", (replace(flow, goto=flow.goto + 1),)
    if flow.metadata is not None:
        for other in _others(held, "metadata", flow.metadata[0]):
            yield "metadata-other", (replace(flow, metadata=(other, flow.metadata[1])),)
    if flow.meter is not None:
        yield "meter-none", (replace(flow, meter=None),)
        for number in sorted(held.meters):
            if number != flow.meter:
                yield "meter-other", (replace(flow, meter=number),)
                break
    for operator, actions in _actions(flow.actions, held):
        yield operator, (replace(flow, actions=actions),)
    yield from _match(flow, held)


def _match(flow: Flow, held: RuleSet) -> Iterator[tuple[str, tuple[Flow, ...]]]:
    """Wider and moved matches."""
    for name, value, mask in flow.match:
        rest = {entry: (v, m) for entry, v, m in flow.match if entry != name}
        if flow.table == 0 and name not in ("eth_type", "ip_proto", "icmpv6_type"):
            yield f"widened-{name}", (replace(flow, match=Match.of(**rest)),)
            if mask & (mask - 1) and name not in ("in_port", "vlan_vid"):
                shorter = mask & (mask - 1) if mask != (1 << FIELDS[name]) - 1 else mask ^ 1
                moved = Match.of(**rest, **{name: (value & shorter, shorter)})
                yield f"shortened-{name}", (replace(flow, match=moved),)
        if name == "mpls_label":
            for other in _others(held, name, value):
                yield "label-moved", (replace(flow, match=Match.of(**rest, mpls_label=other)),)


def _others(held: RuleSet, name: str, value: int) -> list[int]:
    """One other value that rules of the switch use for a field: the next in order."""
    known = sorted(
        {found[0] for flow in held.flows.values() if (found := flow.match.get(name)) is not None} - {value}
    )
    return [item for item in known if item > value][:1] or known[:1]


# ── actions ──────────────────────────────────────────────────────────────────────────────────────


def _actions(actions: tuple[Action, ...], held: RuleSet) -> Iterator[tuple[str, tuple[Action, ...]]]:
    """Every action dropped or changed, and the order of pop and decrement turned round."""
    for index, action in enumerate(actions):
        before, after = actions[:index], actions[index + 1 :]
        yield f"dropped-{type(action).__name__}", before + after
        for operator, new in _action(action, held):
            yield operator, (*before, new, *after)
        if isinstance(action, DecMplsTtl) and before and isinstance(before[-1], PopMpls):
            yield "dec-then-pop", (*before[:-1], action, before[-1], *after)


def _action(action: Action, held: RuleSet) -> Iterator[tuple[str, Action]]:
    if isinstance(action, SetField) and action.name == "mpls_label":
        yield "label-unused", replace(action, value=action.value + 7)
        for other in _others(held, "mpls_label", action.value):
            yield "label-other", replace(action, value=other)
    elif isinstance(action, SetField) and action.name == "mpls_tc":
        yield "class-other", replace(action, value=action.value ^ 1)
    elif isinstance(action, SetField) and action.name in ("eth_dst", "eth_src"):
        yield "mac-other", replace(action, value=action.value ^ 0x0100)
    elif isinstance(action, SetField) and action.name == "vlan_vid":
        yield "vlan-other", replace(action, value=VLAN_PRESENT | (action.value ^ 1) & 0xFFF)
    elif isinstance(action, Output):
        ports = sorted({item.port for item in _outputs(held)} - {action.port})
        for port in ports[:2]:
            yield "port-other", Output(port)
    elif isinstance(action, ToGroup):
        for number in [item for item in sorted(held.groups) if item != action.group][:3]:
            yield "group-other", ToGroup(number)
        yield "group-absent", ToGroup(action.group + 100_000)
    elif isinstance(action, SetQueue):
        yield "queue-other", SetQueue(action.queue + 1)
    elif isinstance(action, ClearInPort):
        yield "in-port-other", SetField("in_port", 1)


def _outputs(held: RuleSet) -> Iterator[Output]:
    lists = [flow.actions for flow in held.flows.values()]
    lists += [bucket.actions for group in held.groups.values() for bucket in group.buckets]
    for actions in lists:
        yield from (action for action in actions if isinstance(action, Output))


# ── groups ───────────────────────────────────────────────────────────────────────────────────────


def _group(group: Group, held: RuleSet) -> Iterator[tuple[str, tuple[Group, ...]]]:
    yield "group-dropped", ()
    for index, bucket in enumerate(group.buckets):
        before, after = group.buckets[:index], group.buckets[index + 1 :]
        for operator, actions in _actions(bucket.actions, held):
            changed = replace(bucket, actions=actions)
            yield f"bucket{index + 1}-{operator}", (replace(group, buckets=(*before, changed, *after)),)
        for operator, new in _watch(bucket, group, held):
            yield f"bucket{index + 1}-{operator}", (replace(group, buckets=(*before, new, *after)),)
    if len(group.buckets) > 1:
        yield "buckets-swapped", (replace(group, buckets=group.buckets[::-1]),)
        yield "bucket2-dropped", (replace(group, buckets=group.buckets[:1]),)
        yield "group-all", (replace(group, type=GroupType.ALL),)


def _watch(bucket: Bucket, group: Group, held: RuleSet) -> Iterator[tuple[str, Bucket]]:
    """Watch ports, and protection of what must stay bare."""
    if group.type is not GroupType.FAST_FAILOVER:
        return
    yield "watch-none", replace(bucket, watch_port=None)
    for other in group.buckets:
        if other.watch_port != bucket.watch_port:
            yield "watch-other", replace(bucket, watch_port=other.watch_port)
    for item in held.groups.values():
        if item.type is GroupType.FAST_FAILOVER and item.id != group.id:
            kept = tuple(action for action in bucket.actions if not isinstance(action, Output))
            yield "protected-bypass", replace(bucket, actions=(*kept, ToGroup(item.id)))
            break
