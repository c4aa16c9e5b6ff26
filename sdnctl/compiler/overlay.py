"""What the controller lays over compiled rules while links are down: groups pinned to their bypass.

A fast-failover group goes back to its first bucket by itself when the port comes back. While a link is in
hold-down that is not wanted (it may flap), so the group keeps only its bypass bucket, under the same id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from sdnctl.dataplane.values import Group, GroupType, RuleSet
from sdnctl.topology.graph import PortRef, Topology


def pin(rules: Mapping[str, RuleSet], topology: Topology, down: Collection[str]) -> Mapping[str, RuleSet]:
    """The same rules, with every group pinned whose first bucket watches a port of a link in `down`.

    Rule sets without such a group are returned as they are (not copied).
    """
    if not down:
        return rules
    return {switch: _pinned(switch, held, topology, frozenset(down)) for switch, held in rules.items()}


def _pinned(switch: str, rules: RuleSet, topology: Topology, down: frozenset[str]) -> RuleSet:
    pinned = {
        group.id: replace(group, buckets=group.buckets[1:])
        for group in rules.groups.values()
        if _watches(switch, group, topology) in down
    }
    if not pinned:
        return rules
    return RuleSet(dict(rules.flows), {**rules.groups, **pinned}, dict(rules.meters))


def _watches(switch: str, group: Group, topology: Topology) -> str | None:
    """The link whose port the first of two buckets of a fast-failover group watches."""
    if group.type is not GroupType.FAST_FAILOVER or len(group.buckets) < 2:
        return None
    port = group.buckets[0].watch_port
    link = None if port is None else topology.link_at.get(PortRef(switch, port))
    return None if link is None else link.id
