"""What rules refer to: groups, labels, metadata numbers. Read from the rules themselves, whoever made them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    COOKIE_OWNER_MASK,
    GROUP_BASE,
    METER_BASE,
    Action,
    Flow,
    Group,
    Meter,
    Output,
    RuleSet,
    SetField,
    ToGroup,
    is_ours,
)

LABEL, DEMAND, GROUP = "label", "demand", "group"
"""Namespaces of numbers that name something on a switch."""

_LABELLED = (3, 4)
_SERVICE_IN_METADATA = 5
_LOW32 = 0xFFFFFFFF
_RESERVED = 16  # labels below are nobody's (RFC 3032)


def actions_of(item: Flow | Group | Meter) -> Iterator[Action]:
    """Every action of a flow, or of all buckets of a group."""
    if isinstance(item, Flow):
        yield from item.actions
    elif isinstance(item, Group):
        for bucket in item.buckets:
            yield from bucket.actions


def groups_used(item: Flow | Group | Meter) -> frozenset[int]:
    """Ids of the groups that an item sends to."""
    return frozenset([action.group for action in actions_of(item) if type(action) is ToGroup])


def ports_used(item: Flow | Group | Meter) -> frozenset[int]:
    """Numbers of the ports that an item sends out of."""
    return frozenset([action.port for action in actions_of(item) if type(action) is Output])


def labels_written(item: Flow | Group | Meter) -> frozenset[int]:
    """MPLS labels that an item puts on packets."""
    return frozenset(
        [action.value for action in actions_of(item) if type(action) is SetField and action.name == "mpls_label"]
    )


def label_matched(flow: Flow) -> int | None:
    """The label that a transit, deliver or demux rule is for."""
    if flow.table in _LABELLED:
        label = _exact(flow, "mpls_label")
        return None if label is None or label < _RESERVED else label
    return _exact(flow, "metadata") if flow.table == _SERVICE_IN_METADATA else None


def metadata_matched(flow: Flow) -> int | None:
    """The number in the low 32 bits of metadata that a rule matches."""
    return _exact(flow, "metadata")


def metadata_written(flow: Flow) -> int | None:
    """The number that a rule writes into the low 32 bits of metadata."""
    return None if flow.metadata is None else flow.metadata[0] & _LOW32


def _exact(flow: Flow, name: str) -> int | None:
    entry = flow.match.get(name)
    return None if entry is None else entry[0] & _LOW32


def numbers(rules: RuleSet) -> Mapping[str, frozenset[int]]:
    """All numbers that a switch's rules contain, by namespace: labels, demand numbers, group numbers."""
    labels, demands = _flow_numbers(rules.flows.values())
    groups = [group for group in rules.groups.values() if is_ours(group)]
    for group in groups:
        labels |= labels_written(group)
    # The number 0 is no demand's: its meter polices what goes to the controller.
    meters = (meter.id for meter in rules.meters.values() if is_ours(meter))
    demands.update(number - METER_BASE for number in meters if number != METER_BASE)
    found = {LABEL: labels, DEMAND: demands, GROUP: {group.id - GROUP_BASE for group in groups}}
    return {namespace: frozenset(values) for namespace, values in found.items() if values or namespace == LABEL}


def _flow_numbers(flows: Iterable[Flow]) -> tuple[set[int], set[int]]:
    """Labels and demand numbers that our flows match or write."""
    labels: set[int] = set()
    demands: set[int] = set()
    seen: set[int] = set()  # identities of actions, which the flows keep alive
    for flow in flows:
        if flow.cookie & COOKIE_OWNER_MASK != COOKIE_OWNER:
            continue
        table = flow.table
        label = demand = None
        for name, value, _ in flow.match.fields:
            if name == "metadata":
                demand = value & _LOW32
            elif name == "mpls_label" and value >= _RESERVED:
                label = value
        if table == _SERVICE_IN_METADATA:
            label = demand
        elif table not in _LABELLED:
            label = None
        if label is not None:
            labels.add(label)
        elif demand is not None:
            demands.add(demand)
        if flow.metadata is not None:
            written = flow.metadata[0] & _LOW32
            (labels if flow.goto == _SERVICE_IN_METADATA else demands).add(written)
        actions = flow.actions
        if actions and id(actions) not in seen:
            seen.add(id(actions))
            for action in actions:
                if type(action) is SetField and action.name == "mpls_label":
                    labels.add(action.value)
    return labels, demands
